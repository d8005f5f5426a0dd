"""Bell (western Canada) call records: one workbook or CSV of calls, the header of the start time being a wrong one.

The file has no total and no invoice: the calls are usage, which Bell's bill charges. The column `CUST NO` holds the
time at which the call began, as HHMMSS; a spreadsheet drops its leading zeros.
"""

from __future__ import annotations

from collections.abc import Iterator

from core.money import SCALE
from loaders.carriers.callfile import Call, CallFile, Carrier, Row, country_called
from loaders.carriers.headed import headed, refused, sure
from loaders.carriers.tally import share
from loaders.contract import Item, Rejected, SourceRow
from loaders.reading.declare import Layout, RowError, field, us_day, us_number
from loaders.reading.delimited import clock, span_seconds
from loaders.reading.source import Source

BELL = Carrier("bell", "Bell Canada", "CA", "CAD")
_NEAR = 9  # columns from which a file without all that are needed counts as a changed one of this format
_PROVINCES = frozenset({"AB", "BC", "MB", "NB", "NL", "NS", "NT", "NU", "ON", "PE", "QC", "SK", "YT"})


def begun(text: str) -> str | None:
    """`HH:MM:SS` of `140500` or, with its zeros dropped, `90500`; None when blank.

    Raises:
        ValueError: with what was expected.
    """
    value = text.strip()
    if not value:
        return None
    if not value.isascii() or not value.isdigit() or len(value) > 6:
        raise ValueError("a time such as 140500")
    digits = value.zfill(6)
    return clock(f"{digits[:2]}:{digits[2:4]}:{digits[4:]}")


LAYOUT = Layout(
    field("charge", "CHG TYPE"),
    field("account", "ACCOUNT #", needed=True),
    field("day", "DATE", parse=us_day, needed=True),
    field("time", "CUST NO", parse=begun, needed=True),
    field("billed", "BTN", needed=True),
    field("origin_place", "ORIG CITY"),
    field("peer", "TERM", needed=True),
    field("peer_place", "TERM CITY"),
    field("number", "WTN", needed=True),
    field("code", "CODE"),
    field("region", "PROV/COUNTRY"),
    field("call_type", "CALL TYPE", needed=True),
    field("seconds", "DURATION", parse=span_seconds, needed=True),
    field("cost", "AMOUNT", parse=us_number, needed=True),
)


class BellCalls:
    """Loader of Bell's call records."""

    name = "bell"
    title = "Bell call records (workbook or CSV)"

    def sniff(self, source: Source) -> float:
        """By the names of the columns."""
        return sure(headed(source, LAYOUT), _NEAR)

    def check(self, source: Source) -> list[str]:
        """Refuse a file without the needed columns; returns warnings on how its text is written."""
        found = headed(source, LAYOUT)
        if found is None or found.score < _NEAR:
            raise source.refused("is no file of Bell call records", "columns such as WTN, BTN, TERM, CALL TYPE")
        return found.check()

    def read(self, source: Source) -> Iterator[Item]:
        """The calls by account."""
        found = headed(source, LAYOUT)
        calls = CallFile(BELL)
        for item in found.rows() if found else ():
            if isinstance(item, Rejected):
                yield item
                continue
            try:
                _add(calls, *item)
            except RowError as problem:
                yield refused(item[1], problem)
        yield from calls.finish()


def _add(calls: CallFile, row: Row, place: SourceRow) -> None:
    number = row["number"] or row["billed"]
    for value, title in (
        (row["account"], "ACCOUNT #"),
        (row["day"], "DATE"),
        (number, "WTN"),
        (row["cost"], "AMOUNT"),
    ):
        if value is None:
            raise RowError(title, "", "a value")
    country, zone = _where(row)
    seconds = None if row["seconds"] is None else row["seconds"] * SCALE
    call = Call(
        number=number,
        day=row["day"],
        time=row["time"],
        usage_type="voice",
        quantity=None if seconds is None else share(seconds, 60),
        cost=row["cost"],
        seconds=seconds,
        zone=zone,
        direction="in" if (row["call_type"] or "").upper() == "TF" else "out",
        peer=row["peer"],
        country=country,
    )
    calls.add(row["account"], call, place)


def _where(row: Row) -> tuple[str | None, str]:
    """Country and zone of a call: by its number, else by province or state; a word is a country abroad."""
    peer, region = "".join((row["peer"] or "").split()), (row["region"] or "").upper()
    country = country_called(peer, BELL, "011")
    if country is None and len(region) == 2 and region not in _PROVINCES | {"CA"}:
        country = "US"
    if peer == "411" or peer.endswith("5551212"):
        return None, "directory"
    abroad = country is not None or (len(region) > 2 and region != "CANADA")
    return country, "international" if abroad else "home"
