"""Reference exchange rates of the European Central Bank: daily and historical CSV (also zipped), XML, and SDMX CSV.

The ECB gives units of a currency for one euro; a rate is stored as it is given, from EUR to that currency, for its day.
In the wide CSV a row is a day and makes one rate for each currency; `N/A` is a currency that was not quoted that day.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any
from xml.etree.ElementTree import ParseError, XMLPullParser

from core.money import parse_micros
from loaders.contract import SURE, Cells, Item, Record, Records, Rejected, SourceRow
from loaders.feeds import cells
from loaders.feeds.feed import Feed, Kind, Notes, said
from loaders.reading.declare import Layout, RowError
from loaders.reading.source import Source

BASE = "EUR"
_CODE = re.compile(r"[A-Z]{3}", re.ASCII)
_BLOCK = 64 * 1024


def rate(text: str) -> str | None:
    """A positive rate, None for `N/A`.

    Raises:
        ValueError: with what was expected.
    """
    if cells.nothing(text):
        return None
    if parse_micros(text) <= 0:
        raise ValueError("a rate above 0")
    return text.strip()


def _quote(day: str, currency: str, value: str) -> tuple[str, Cells]:
    return "fx_rates", {"day": day, "from_currency": BASE, "to_currency": currency, "rate": value}


def _wide(row: dict[str, Any], _: Notes) -> list[tuple[str, Cells]]:
    if row["day"] is None:
        raise RowError("Date", "", "a date such as 2026-09-30")
    made = []
    for name, text in row.pop("extras").items():
        if not _CODE.fullmatch(name):
            continue
        try:
            value = rate(text)
        except ValueError as problem:
            raise RowError(name, text[:200], str(problem)) from problem
        if value is not None:
            made.append(_quote(row["day"], name, value))
    row["extras"] = {}
    return made


def _long(row: dict[str, Any], notes: Notes) -> list[tuple[str, Cells]]:
    for key, name in (("day", "TIME_PERIOD"), ("currency", "CURRENCY"), ("base", "CURRENCY_DENOM")):
        if row[key] is None:
            raise RowError(name, "", "a value")
    row["extras"] = {}
    if row["base"] != BASE or not _CODE.fullmatch(row["currency"]):
        raise RowError("CURRENCY_DENOM", row["base"], "rates for one EUR of a three-letter currency")
    if (row["frequency"] or "D") != "D":
        raise RowError("FREQ", row["frequency"], "daily rates (D)")
    if row["value"] is None:
        notes.add("no rate was observed", f"{row['currency']} {row['day']}")
        return []
    return [_quote(row["day"], row["currency"], row["value"])]


class EcbRates(Feed):
    """The feed of tables, and the XML beside them."""

    def sniff(self, source: Source) -> float:
        """By `Date` and currency columns, the SDMX columns, or the ECB's XML vocabulary."""
        if self._is_xml(source):
            return SURE
        return super().sniff(source)

    def check(self, source: Source) -> list[str]:
        """XML with a document type is refused: it could define entities."""
        if not self._is_xml(source):
            return super().check(source)
        if "<!DOCTYPE" in (source.head_text or "") or "<!ENTITY" in (source.head_text or ""):
            raise source.refused("declares a document type", "the ECB's XML, which has none")
        return []

    @staticmethod
    def _is_xml(source: Source) -> bool:
        text = source.head_text or ""
        return text.lstrip("\ufeff \r\n\t").startswith("<") and "eurofxref" in text[:2000] and "Cube" in text[:4000]

    def read(self, source: Source) -> Iterator[Item]:
        """One record for each row; in XML, for each rate."""
        if not self._is_xml(source):
            yield from super().read(source)
            return
        day = ""
        done: list[Record] = []
        for element in _elements(source):
            day = element.get("time", day)
            currency, value = element.get("currency"), element.get("rate")
            if currency is None:
                continue
            place = SourceRow(None, len(done) + 1, f'<Cube time="{day}" currency="{currency}" rate="{value}"/>')
            try:
                good, when = rate(value or ""), cells.day(day)
                if not _CODE.fullmatch(currency) or when is None or good is None:
                    raise ValueError("a currency, a day and a rate")
                done.append(Record(place, [_quote(when, currency, good)]))
            except ValueError as problem:
                yield Rejected(place, "rate", value, str(problem), table="fx_rates")
        yield Records(done)


def _elements(source: Source) -> Iterator[Any]:
    parser: Any = XMLPullParser(["start"])
    try:
        with source.open() as handle:
            while block := handle.read(_BLOCK):
                if b"<!DOCTYPE" in block or b"<!ENTITY" in block:
                    raise source.refused("declares a document type", "the ECB's XML, which has none")
                parser.feed(block)
                for _, element in parser.read_events():
                    if element.tag.rpartition("}")[2] == "Cube":
                        yield element
        parser.close()
    except ParseError as error:
        raise source.refused(f"is no complete XML: {error}", "a complete file") from error


class _WideKind(Kind):
    """A header that is `Date` and nothing but currency codes."""

    def fit(self, header: Sequence[str]) -> float:
        """1 or 0."""
        names = [cell.strip() for cell in header if cell.strip()]
        return float(len(names) > 3 and names[0] == "Date" and all(_CODE.fullmatch(name) for name in names[1:]))


ECB = EcbRates(
    "fx_rates",
    "ECB euro reference rates (CSV, XML)",
    _WideKind("daily rates", Layout(said("day", "Date", parse=cells.day, needed=True)), ("Date",), _wide, enough=1),
    Kind(
        "SDMX series",
        Layout(
            said("frequency", "FREQ"),
            said("currency", "CURRENCY", needed=True),
            said("base", "CURRENCY_DENOM", needed=True),
            said("type", "EXR_TYPE"),
            said("day", "TIME_PERIOD", parse=cells.day, needed=True),
            said("value", "OBS_VALUE", parse=rate, needed=True),
        ),
        ("CURRENCY", "CURRENCY_DENOM", "EXR_TYPE", "TIME_PERIOD", "OBS_VALUE"),
        _long,
        enough=4,
    ),
)
