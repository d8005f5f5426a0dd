"""FEBRABAN telecom bills (Brazil's national layout): what versions 2 and 3 have in common.

A file holds one or more invoices, each from a header record to its trailer, in records of 350 characters with a
running number. The trailer gives the total that the charges must sum to; a file that ends before it is cut off, and
its invoice is set aside as a whole. Money is in BRL with two implied decimals and its tax included.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, ClassVar

import phonenumbers

from core.issues import Issue
from core.money import SCALE, to_text
from loaders.carriers.tally import Number, Tally, event, share
from loaders.contract import Bill, BillLine, Item, Rejected, SourceRow
from loaders.reading import fixed
from loaders.reading.declare import RowError
from loaders.reading.source import Source

LENGTH = 350
CURRENCY = "BRL"
_LEGAL_FORM = re.compile(r"\b(s\.?\s?/?\s?a\.?|ltda\.?)$")
_MOBILE = re.compile(r"[1-9][0-9]9[0-9]{8}|[1-9][0-9][6-9][0-9]{7}", re.ASCII)

Row = dict[str, Any]


@lru_cache(maxsize=10_000)
def bare(text: str | None) -> str:
    """Text in lower case without accents, to look for words in."""
    decomposed = unicodedata.normalize("NFKD", text or "")
    return "".join(c for c in decomposed if not unicodedata.combining(c)).casefold()


def carrier_id(name: str) -> str:
    """A carrier's id from the name in the header: without its legal form, words joined by dashes."""
    return "-".join(re.findall(r"[a-z0-9]+", _LEGAL_FORM.sub("", bare(name).strip()))) or "febraban"


def number_text(text: str | None) -> str:
    """A resource's number without padding; blank for an account row."""
    return sys.intern((text or "").strip().lstrip("0"))


@dataclass(slots=True)
class Line:
    """What one resource (line) of the bill adds up to, against what its summary record says.

    `parts` are the summary's amounts by category and description; `details` counts charges and calls.
    """

    printed: int | None = None
    parts: Counter[tuple[str, str]] = field(default_factory=Counter)
    detailed: int = 0
    details: int = 0


@dataclass(slots=True)
class Open:
    """An invoice while its records are read; `calls` wait until the unit of their durations is known."""

    bill: Bill
    tally: Tally = field(default_factory=lambda: Tally(CURRENCY))
    resources: dict[str, Line] = field(default_factory=dict)
    discounts: list[Row] = field(default_factory=list)
    calls: list[Row] = field(default_factory=list)
    periods: Counter[tuple[str, str]] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)
    sums: Counter[str] = field(default_factory=Counter)
    last_number: int | None = None
    jumps: int = 0

    def resource(self, number: str) -> Line:
        """The sums of a resource; "" is the account itself."""
        found = self.resources.get(number)
        if found is None:
            found = self.resources[number] = Line()
        return found

    def line(self, number: str, kind: str | None = None, attributes: Mapping[str, str | None] | None = None) -> None:
        """Note that the bill names a line."""
        shown = kind or ("mobile" if _MOBILE.fullmatch(number) else "fixed_voice" if number.isdigit() else "circuit")
        line = self.bill.lines.setdefault(number, BillLine(number, shown))
        for name, value in (attributes or {}).items():
            if value:
                line.attributes.setdefault(name, value)

    def charge(self, number: str, category: str, amount: int, **values: Any) -> Row:
        """Add a charge; a negative one is a credit."""
        if amount < 0 and category not in {"tax", "adjustment", "late_fee"}:
            category = "credit"
        row = {"billed_number": number or None, "category": category, "amount": amount, **values}
        self.bill.charges.append(row)
        line = self.resource(number)
        line.detailed += amount
        line.details += 1
        if number:
            self.line(number)
        return row


class Febraban(ABC):
    """The reading that both versions share; a version declares its records and says what each means."""

    name = ""
    title = ""
    header = ""
    trailer = ""
    records: ClassVar[Mapping[str, fixed.Record]]
    takes: ClassVar[Mapping[str, Callable[[Open, Row], None]]]

    def check(self, source: Source) -> list[str]:
        """Refuse what is no text; returns warnings on encoding and line ends (Latin letters are expected)."""
        return [text for text in source.text_facts().warnings() if "cp1252" not in text]

    @abstractmethod
    def open(self, row: Row, place: SourceRow) -> Open:
        """The invoice that a header record begins."""

    @abstractmethod
    def settle(self, opened: Open, row: Row) -> Iterator[Item]:
        """The total of the trailer, and remarks where it disagrees with what was read."""

    def read(self, source: Source) -> Iterator[Item]:
        """The invoices of the file, in its order; records that cannot be used are set aside where they stand."""
        opened: Open | None = None
        for number, text in fixed.lines(source, LENGTH):
            place = SourceRow(None, number, text)
            kind = text[: len(self.header)]
            try:
                if kind not in self.records:
                    known = ", ".join(sorted(self.records))
                    raise RowError("record type", kind, f"one of {known}")
                if kind == self.header and opened is not None:
                    yield from _cut_off(opened)
                    opened = None
                row = self.records[kind].parse(text)
                if kind == self.header:
                    opened = self.open(row, place)
                elif opened is None:
                    raise RowError("record type", kind, f"a header record ({self.header}) before it")
                else:
                    self.takes[kind](opened, row)
                    opened.bill.rows.append(place)
            except RowError as problem:
                yield Rejected(place, problem.field, problem.found, problem.expected)
                if opened is not None and kind in self.records:
                    opened.counts[kind] += 1
                continue
            _follow(opened, kind, row)
            if kind == self.trailer:
                yield from self._close(opened, row)
                opened = None
        if opened is not None:
            yield from _cut_off(opened)

    def _close(self, opened: Open, row: Row) -> Iterator[Item]:
        bill = opened.bill
        issues = list(self.settle(opened, row))
        if opened.periods:
            bill.period_start, bill.period_end = opened.periods.most_common(1)[0][0]
        bill.charges += opened.tally.charges()
        bill.usage += opened.tally.usage(bill.period_start, bill.period_end)
        issues += self._tie(opened)
        if opened.jumps:
            issues.append(remark(bill, f"the running number of the records jumps {opened.jumps} times"))
        yield from issues
        yield bill

    def _tie(self, opened: Open) -> Iterator[Issue]:
        """Decide on what the layout leaves open, by what ties; say which lines do not."""
        bill = opened.bill
        missing = bill.total - sum(charge["amount"] for charge in bill.charges)
        printed_positive = [row for row in opened.discounts if row["amount"] > 0]
        turn = -2 * sum(row["amount"] for row in printed_positive)
        if missing and missing == turn:
            for row in printed_positive:
                opened.resource(row["billed_number"] or "").detailed -= 2 * row["amount"]
                row["amount"] = -row["amount"]
                row["category"] = "credit"
            yield remark(bill, f"{len(printed_positive)} discounts are printed without their minus: read as credits")
        apart = []
        for number, line in opened.resources.items():
            _summary_charges(opened, number, line)
            if line.printed is not None and line.detailed != line.printed:
                apart.append((number or "account", line))
        if apart:
            number, line = apart[0]
            yield remark(
                bill,
                f"{len(apart)} lines do not sum to their summary record "
                f"(first: {number}, {to_text(line.detailed)} against {to_text(line.printed or 0)})",
            )


def _summary_charges(opened: Open, number: str, line: Line) -> None:
    """Charges that only the summary record has: subscriptions, and everything where the line is not itemised."""
    missing = (line.printed or 0) - line.detailed
    if not missing or line.printed is None:
        return
    recurring = [part for part in line.parts if part[0] == "mrc"]
    before_tax = [part for part in line.parts if part[0] != "tax"]
    for parts in [recurring] if line.details else [recurring, before_tax, list(line.parts)]:
        if sum(line.parts[part] for part in parts) == missing:
            for category, text in parts:
                if line.parts[category, text]:
                    opened.charge(number, category, line.parts[category, text], description=text)
            return


def _follow(opened: Open | None, kind: str, row: Row) -> None:
    if opened is None:
        return
    opened.counts[kind] += 1
    number = row.get("sequence")
    if number is not None:
        if opened.last_number is not None and number != opened.last_number + 1:
            opened.jumps += 1
        opened.last_number = number


def _cut_off(opened: Open) -> Iterator[Item]:
    reason = f"the invoice of account {opened.bill.account_number} has no trailer record: the file is cut off"
    for place in opened.bill.rows:
        yield Rejected(place, "record type", None, "a trailer record with the total", reason)


def remark(bill: Bill, text: str) -> Issue:
    return Issue(severity="warning", message=f"invoice {bill.number}: {text}")


def opened_by(row: Row, place: SourceRow, period: tuple[str, str], number: str | None, *kept: str) -> Open:
    """The invoice that a header opens; without a number of its own it is named by account and day of issue."""
    account = row["account"] or row["customer"] or "unknown"
    bill = Bill(
        carrier_id=carrier_id(row["operator"] or ""),
        carrier_name=row["operator"] or "FEBRABAN",
        account_number=account,
        account_name=row["customer_name"],
        number=number or f"{account}-{row['issued_on'].replace('-', '')}",
        currency=CURRENCY,
        country="BR",
        issued_on=row["issued_on"],
        period_start=period[0],
        period_end=period[1],
        due_on=row["due_on"],
        total=0,
        attributes={key.replace("_", " "): row[key] for key in kept if row[key]},
        rows=[place],
    )
    return Open(bill)


def _printed(row: Row) -> str:
    """The telephone number of a record: in one column (version 3), or area code and number (version 2)."""
    if "number" in row:
        return number_text(row["number"])
    phone = number_text(row["phone"])
    return number_text(f"{number_text(row['area'])}{phone}") if phone else ""


def number_of(row: Row) -> str:
    """The number of a record; the resource's identifier where it has none (leased lines, data circuits)."""
    return _printed(row) or number_text(row["resource"])


def line_of(opened: Open, row: Row) -> str:
    """The line of a detail record; "" where it belongs to the account: it has no number and no line its identifier."""
    number = number_of(row)
    return number if _printed(row) or number in opened.bill.lines else ""


def span_of(row: Row) -> dict[str, str]:
    """The days that a detail record counts for, where it names both."""
    return {"period_start": row["from"], "period_end": row["to"]} if row["from"] and row["to"] else {}


def summary_of(opened: Open, row: Row) -> tuple[str, Line]:
    """The number of a summary record and the sums of its line, to which the printed total is added."""
    number = number_of(row)
    line = opened.resource(number)
    line.printed = (line.printed or 0) + (row["total"] or 0)
    return number, line


def speed_of(row: Row) -> str | None:
    """The speed of a circuit with its unit."""
    speed = row["speed"] or ""
    return f"{speed} {row['speed_unit'] or ''}".strip() if speed.strip("0") else None


def take_nothing(opened: Open, row: Row) -> None:
    """Records that are only counted; the trailer is used when the invoice is closed."""


def take_address(opened: Open, row: Row) -> None:
    """Where a line is."""
    number = number_of(row)
    if number:
        street = " ".join(part for part in (row["street"], row["house"]) if part)
        place = " ".join(part for part in (row["city"], row["state"]) if part)
        opened.line(number, None, {"address": ", ".join(part for part in (street, place) if part)})


def take_discount(opened: Open, row: Row, amount: int) -> None:
    """A credit, or an adjustment where it is positive."""
    attributes = {name: to_text(row[name]) for name in ("base", "percent") if row[name]}
    values = {"item_code": row["code"], "description": row["description"], "attributes": attributes, **span_of(row)}
    category = "adjustment" if amount > 0 else "credit"
    opened.discounts.append(opened.charge(line_of(opened, row), category, amount, **values))


def compare_records(opened: Open, row: Row) -> Iterator[Issue]:
    """A remark where the trailer counts other records than there were, with or without header and trailer."""
    records = sum(opened.counts.values())
    if row["records"] not in {None, records, records - 2}:
        yield remark(opened.bill, f"the trailer counts {row['records']} records, the file has {records}")


def zone_of(words: str, country: str | None, peer: str) -> str:
    """The zone of a call: premium, directory, roaming, international or home, in that order."""
    named = _zone_named(words)
    if named == "premium" or peer.startswith(("0900", "0300")):
        return "premium"
    if named == "directory" or peer == "102":
        return "directory"
    return "international" if country and named == "home" else named


@lru_cache(maxsize=10_000)
def _zone_named(words: str) -> str:
    if re.search(r"\b0?(900|300)\b", words):
        return "premium"
    if "auxilio a lista" in words:
        return "directory"
    if "roaming" in words and "nacional" not in words.replace("internacional", ""):
        return "roaming"
    return "international" if "internacional" in words or re.search(r"\bddi\b", words) else "home"


@lru_cache(maxsize=10_000)
def country_of(code: str | None) -> str | None:
    """ISO country of a dialling code such as `001`; None for Brazil, blanks and unknown ones."""
    digits = (code or "").strip().lstrip("0")
    if not digits.isascii() or not digits.isdigit() or digits == "55":
        return None
    region = phonenumbers.region_code_for_country_code(int(digits))
    return region if region not in {"ZZ", "001"} else None


@lru_cache(maxsize=10_000)
def usage_type_of(words: str) -> str:
    """sms, data or voice, by the words of the category."""
    if re.search(r"\bsms\b|\bmms\b|torpedo|mensage", words):
        return "sms"
    return "data" if re.search(r"\bdados\b|internet|\bgprs\b|\b[345]g\b", words) else "voice"


def take_call(
    opened: Open, number: str, *, row: Row, seconds: int | None, words: str, peer: str, country: str | None
) -> None:
    """One itemised call: usage, an event, and its part of the usage charge."""
    kind = usage_type_of(words)
    zone = zone_of(words, country, peer)
    quantity: Number | None = SCALE if kind == "sms" else None
    spoken = seconds * SCALE if kind == "voice" and seconds is not None else None
    if spoken is not None:
        quantity = share(spoken, 60)
    amount = row["amount"]
    if number:
        opened.line(number)
        opened.tally.add(number, kind, quantity, amount, zone=zone, country=country)
        if row["day"]:
            opened.bill.events.append(
                event(
                    number,
                    f"{row['day']}T{row['time'] or '00:00:00'}",
                    kind,
                    zone=zone,
                    currency=CURRENCY,
                    quantity=quantity,
                    cost=amount,
                    direction="in" if row.get("collect") == "4" else "out",
                    peer=peer or None,
                    country=country,
                    peer_country=country,
                    seconds=spoken,
                )
            )
    if amount:
        unit = {"voice": "min", "sms": "msg"}.get(kind)
        opened.tally.charge(number, row["code"], row["description"], zone, country, unit, quantity, amount)
    line = opened.resource(number)
    line.detailed += amount
    line.details += 1
