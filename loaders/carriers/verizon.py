"""Verizon Wireless "Raw Data Download" (RDD): one ZIP per bill month with four tab-separated texts.

The members are told apart by their header, never by position or name. AccountSummary gives each invoice and its total
(`Total Current Charges`), the detail file gives the charges and the `Used` quantities, the wireless summary gives the
usage a line's detail does not carry. The header list of `Wireless Usage Detail` is not published: its rows become
usage events where date, time and kind can be read, and stay counted otherwise.

Quirks read without complaint: a byte-order mark, CRLF after the header and LF after the rows, quoted cells, one comma
more or less in a header, `N/A` as wireless number (an account row), `NA` in numbers, `$1,234.56`, `(7.23)`, `-7.23`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from core.issues import BadInput, Issue
from core.money import SCALE, round_half_up, to_text
from loaders.carriers import line_states
from loaders.carriers.verizon_tables import DETAIL, EVENTS, SUMMARY, WIRELESS
from loaders.contract import NO, SURE, Bill, BillLine, Item, Rejected, SourceRow
from loaders.reading import declare
from loaders.reading.declare import Layout, RowError, blank, cycle_period, us_day
from loaders.reading.source import Source
from loaders.reading.text import best_header, blocks

_LAYOUTS = {"detail": DETAIL, "events": EVENTS, "wireless": WIRELESS, "summary": SUMMARY}
_CATEGORIES = (
    ("payment", "payment"),
    ("monthly", "mrc"),
    ("late fee", "late_fee"),
    ("tax", "tax"),
    ("surcharge", "surcharge"),
    ("third", "third_party"),
    ("equipment", "equipment"),
    ("voice", "usage"),
    ("messag", "usage"),
    ("data", "usage"),
    ("roaming", "usage"),
    ("international", "usage"),
    ("additional services", "occ"),
    ("adjustment", "adjustment"),
    ("credit", "adjustment"),
)
_KB = Fraction(1, 1024)
_UNITS: dict[str, tuple[str, str, Fraction]] = {
    "kb": ("data", "MB", _KB),
    "mb": ("data", "MB", Fraction(1)),
    "gb": ("data", "MB", Fraction(1024)),
    "min": ("voice", "min", Fraction(1)),
    "msg": ("sms", "msg", Fraction(1)),
}


@dataclass(slots=True)
class _Open:
    """A bill while its members are read; `detailed` are the (number, usage_type, zone) that the detail file gave,
    `printed` what the wireless summary says that a line's charges sum to: all of them, and the monthly ones."""

    bill: Bill
    late_fee: int
    detailed: set[tuple[str, str, str]] = field(default_factory=set)
    printed: dict[str, tuple[int | None, int | None]] = field(default_factory=dict)
    monthly: Counter[str] = field(default_factory=Counter)


class VerizonRdd:
    """Loader of the raw data download."""

    name = "verizon_rdd"
    title = "Verizon Wireless raw data download (ZIP)"

    def sniff(self, source: Source) -> float:
        """A ZIP that holds the account summary or the charge detail, told by their columns."""
        if not source.is_archive or source.is_workbook:
            return NO
        return SURE if set(self._members(source)) & {"summary", "detail"} else NO

    def check(self, source: Source) -> list[str]:
        """Refuse an archive without the two members that make a bill, or with needed columns missing."""
        members = self._members(source)
        issues = []
        for kind, title in (("summary", "AccountSummary"), ("detail", "Acct & Wireless Charges Detail Summary Usage")):
            if kind not in members:
                held = ", ".join(source.members) or "nothing"
                issues.append(Issue(file=source.label, message=f"holds no {title} file; it holds: {held}"))
        for kind, (member, header) in members.items():
            issues += _LAYOUTS[kind].missing(header, f"{source.label}/{member}")
            source.text_facts(member)
        if issues:
            raise BadInput(issues)
        used = {member for member, _ in members.values()}
        return [f"the member {name} was not read" for name in source.members if name not in used]

    def _members(self, source: Source) -> dict[str, tuple[str, list[str]]]:
        found: dict[str, tuple[str, list[str]]] = {}
        for member in source.members:
            head = source.member_head(member)
            if head is None:
                continue
            _, header = best_header(head, DETAIL.score)
            names = {declare.header_key(cell) for cell in header}
            kind = None
            if "itemcategory" in names or "itemdescription" in names:
                kind = "detail"
            elif "usagecategory" in names:
                kind = "events"
            elif "yourcallingplan" in names and "wirelessnumber" in names:
                kind = "wireless"
            elif {"totalcurrentcharges", "billcycledate", "invoicenumber"} & names and "accountnumber" in names:
                kind = "summary"
            if kind:
                found.setdefault(kind, (member, header))
        return found

    def read(self, source: Source) -> Iterator[Item]:
        """One bill for each account and invoice of the archive, in the order of the account summary."""
        members = self._members(source)
        bills: dict[tuple[str, str], _Open] = {}
        unknown: set[str] = set()
        for kind in ("summary", "detail", "wireless", "events"):
            if kind not in members:
                continue
            for row, place in self._rows(source, members[kind][0], _LAYOUTS[kind]):
                if isinstance(row, RowError):
                    yield Rejected(place, row.field, row.found, row.expected)
                    continue
                try:
                    self._take(kind, row, place, bills, unknown)
                except RowError as problem:
                    yield Rejected(place, problem.field, problem.found, problem.expected)
        for name in sorted(unknown):
            yield Issue(severity="warning", message=f'the item category "{name}" is unknown: read as other charges')
        for opened in bills.values():
            bill = opened.bill
            missing = bill.total - sum(charge["amount"] for charge in bill.charges)
            if opened.late_fee and missing == opened.late_fee:
                bill.charges.append({"category": "late_fee", "description": "Late Fee", "amount": opened.late_fee})
            line_states.mark(bill)
            yield from _untied_lines(opened)
            yield bill

    def _rows(
        self, source: Source, member: str, layout: Layout
    ) -> Iterator[tuple[dict[str, Any] | RowError, SourceRow]]:
        delimiter, _ = best_header(source.member_head(member) or "", layout.score)
        bound = None
        with source.open(member) as handle:
            for block in blocks(handle, source.text_facts(member), delimiter, f"{source.label}/{member}"):
                for line, cells, raw in zip(block.lines, block.rows, block.raws, strict=True):
                    if bound is None:
                        bound = layout.bind([cell.strip() for cell in cells], f"{source.label}/{member}")
                        continue
                    place = SourceRow(member, line, raw)
                    try:
                        yield bound.parse(cells), place
                    except RowError as problem:
                        yield problem, place

    def _take(
        self, kind: str, row: dict[str, Any], place: SourceRow, bills: dict[tuple[str, str], _Open], unknown: set[str]
    ) -> None:
        for key, header in (("account", "Account Number"), ("invoice", "Invoice Number")):
            if row[key] is None:
                raise RowError(header, "", "a value")
        ident = (row["account"], row["invoice"])
        if kind == "summary":
            if ident in bills:
                raise RowError("Invoice Number", row["invoice"], "each invoice once in AccountSummary")
            bills[ident] = _open(row, place)
            return
        if ident not in bills:
            raise RowError("Invoice Number", row["invoice"], "an invoice of AccountSummary")
        opened = bills[ident]
        {"detail": _detail, "wireless": _wireless, "events": _event}[kind](opened, row, unknown)
        opened.bill.rows.append(place)


def _open(row: dict[str, Any], place: SourceRow) -> _Open:
    for key, header in (("cycle", "Bill Cycle Date"), ("total", "Total Current Charges")):
        if row[key] is None:
            raise RowError(header, "", "a value")
    first, last = cycle_period(row["cycle"])
    bill = Bill(
        carrier_id="verizon",
        carrier_name="Verizon Wireless",
        account_number=row["account"],
        account_name=row["name"],
        number=row["invoice"],
        currency="USD",
        country="US",
        issued_on=row["cycle"],
        period_start=first,
        period_end=last,
        due_on=row["due_on"],
        previous_balance=row["previous_balance"],
        payments=row["payments"],
        total=row["total"],
        attributes={"ecpd profile": row["profile"]} if row["profile"] else {},
        rows=[place],
    )
    return _Open(bill, row["late_fee"] or 0)


def _number(row: dict[str, Any]) -> str | None:
    text = row["number"] or ""
    return None if blank(text) else text


def _line(bill: Bill, row: dict[str, Any], number: str) -> None:
    line = bill.lines.setdefault(number, BillLine(number))
    for key, name in (("user", "user name"), ("cost_center", "cost center"), ("plan", "rate plan")):
        value = row.get(key)
        if value and not blank(value):
            line.attributes.setdefault(name, value)


def _category(row: dict[str, Any], unknown: set[str]) -> str:
    text = (row["category"] or "").casefold()
    for word, category in _CATEGORIES:
        if word in text:
            return category
    unknown.add(row["category"] or "")
    return "occ"


def _detail(opened: _Open, row: dict[str, Any], unknown: set[str]) -> None:
    bill = opened.bill
    number = _number(row)
    category = _category(row, unknown)
    cost = row["cost"]
    used = row["used"]
    described = (row["description"] or "").casefold()
    measured = _measure(row, described) if used is not None and category in {"usage", "occ"} else None
    if cost is None and measured is None and category != "payment":
        raise RowError("Cost", "NA", "an amount such as $1,234.56 or (7.23)")
    if number:
        _line(bill, row, number)
    if category == "payment":
        return
    zone = _zone(row, described)
    if measured and number and used is not None and used >= 0:
        kind, unit, factor = measured
        _add_usage(bill, number, kind, unit, round_half_up(used * factor), zone, cost or 0)
        opened.detailed.add((number, kind, zone))
    if cost is None or (cost == 0 and measured):
        return
    if cost < 0 and (category in {"occ", "usage", "equipment"} or (category == "mrc" and not _is_plan(row))):
        category = "credit"
    if number and "monthly" in (row["category"] or "").casefold():
        opened.monthly[number] += cost
    charge: dict[str, Any] = {
        "billed_number": number,
        "category": category,
        "description": row["description"],
        "amount": cost,
        "attributes": {k: row[k] for k in ("share", "vendor", "order") if row[k] and not blank(row[k])},
    }
    if zone == "directory":
        charge["zone"] = zone
    if category == "usage":
        charge["zone"] = zone
        if row["billable"] is not None:
            charge["quantity"] = row["billable"]
        elif measured and used is not None:
            charge |= {"quantity": round_half_up(used * measured[2]), "unit": measured[1]}
    if category == "third_party" and row["vendor"] and not blank(row["vendor"]):
        charge["provider"] = row["vendor"]
    bill.charges.append(charge)


def _is_plan(row: dict[str, Any]) -> bool:
    return (row["share"] or "").casefold() in {"plan", "feature"}


def _zone(row: dict[str, Any], described: str) -> str:
    text = f"{(row['category'] or '').casefold()} {described}"
    if "411" in described or "directory" in described:
        return "directory"
    if "roam" in text or "int trvl" in text or "travelpass" in text:
        return "roaming"
    return "international" if "international" in text else "home"


def _measure(row: dict[str, Any], described: str) -> tuple[str, str, Fraction] | None:
    """Usage type, unit and factor of a `Used` quantity; GIGABYTE and KILOBYTE USAGE rows print kilobytes."""
    unit = re.sub(r"[^a-z]", "", (row["unit"] or "").casefold())
    named = {"kilobytes": "kb", "megabytes": "mb", "gigabytes": "gb", "minutes": "min", "messages": "msg"}
    unit = named.get(unit, unit)
    if unit in _UNITS:
        return _UNITS[unit]
    category = (row["category"] or "").casefold()
    if "gigabyte" in described or "kilobyte" in described:
        return _UNITS["kb"]
    if "megabyte" in described:
        return _UNITS["mb"]
    if "minute" in described or "voice" in category:
        return _UNITS["min"]
    if "messag" in described or "messag" in category:
        return _UNITS["msg"]
    return _UNITS["kb"] if "data" in category else None


def _add_usage(bill: Bill, number: str, kind: str, unit: str, quantity: int, zone: str, cost: int | None) -> None:
    for row in bill.usage:
        if row["billed_number"] == number and row["usage_type"] == kind and row["zone"] == zone:
            row["quantity"] += quantity
            row["cost"] = (row["cost"] or 0) + (cost or 0)
            return
    bill.usage.append(
        {
            "billed_number": number,
            "month": str(bill.period_start)[:7],
            "usage_type": kind,
            "zone": zone,
            "quantity": quantity,
            "unit": unit,
            "cost": cost,
            "currency": "USD",
            "period_start": bill.period_start,
            "period_end": bill.period_end,
        }
    )


def _wireless(opened: _Open, row: dict[str, Any], _: set[str]) -> None:
    """The line's summary: names it, and gives the usage that its detail does not carry."""
    bill = opened.bill
    number = _number(row)
    if number is None:
        return
    _line(bill, row, number)
    opened.printed[number] = (row["total"], row["monthly"])
    for zone, prefix in (("home", ""), ("roaming", "roaming_")):
        given = [("voice", "min", row[f"{prefix}voice"]), ("sms", "msg", row[f"{prefix}sms"])]
        data = next(
            (
                round_half_up(row[f"{prefix}{unit}"] * _UNITS[unit][2])
                for unit in ("kb", "mb", "gb")
                if row[f"{prefix}{unit}"] is not None
            ),
            None,
        )
        for kind, unit, quantity in [*given, ("data", "MB", data)]:
            if quantity is None or quantity < 0 or (number, kind, zone) in opened.detailed:
                continue
            if quantity > 0 or zone == "home":
                _add_usage(bill, number, kind, unit, quantity, zone, None)


def _untied_lines(opened: _Open) -> Iterator[Issue]:
    """Remarks on lines whose charges in the detail are not what the wireless summary says."""
    bill = opened.bill
    sums: Counter[str] = Counter()
    for charge in bill.charges:
        if charge.get("billed_number"):
            sums[charge["billed_number"]] += charge["amount"]
    for place, (what, read) in enumerate((("charges", sums), ("monthly charges", opened.monthly))):
        apart = [
            f"{number}, {to_text(said)} against {to_text(read[number])}"
            for number, printed in opened.printed.items()
            if (said := printed[place]) is not None and said != read[number]
        ]
        if apart:
            text = f"invoice {bill.number}: lines whose {what} differ between summary and detail: {len(apart)}"
            yield Issue(severity="warning", message=f"{text} (first: {apart[0]})")


def _event(opened: _Open, row: dict[str, Any], _: set[str]) -> None:
    """A call or session, where the row says when it was."""
    number = _number(row)
    if number is None:
        return
    try:
        day = us_day(row["date"] or "")
    except ValueError as problem:
        raise RowError("Date", row["date"], str(problem)) from problem
    clock = re.fullmatch(r"(\d{1,2}):(\d{2})(?::(\d{2}))?\s*([AaPp])?[Mm]?", (row["time"] or "").strip())
    if day is None or clock is None:
        raise RowError("Date" if day is None else "Time", row["date" if day is None else "time"] or "", "date and time")
    hour = int(clock[1]) % 12 + (12 if clock[4].lower() == "p" else 0) if clock[4] else int(clock[1])
    if hour > 23 or int(clock[2]) > 59:
        raise RowError("Time", row["time"], "a time such as 2:05P")
    text = (row["category"] or "").casefold()
    kind = "data" if "data" in text else "sms" if "mess" in text or "text" in text else "voice"
    zone = "roaming" if "roam" in text else "international" if "intern" in text else "home"
    minutes = row["minutes"]
    opened.bill.events.append(
        {
            "billed_number": number,
            "started_at": f"{day}T{hour:02d}:{clock[2]}:{clock[3] or '00'}",
            "usage_type": kind,
            "zone": zone,
            "peer_number": None if blank(row["peer"] or "") else row["peer"],
            "quantity": minutes if kind == "voice" else SCALE if kind == "sms" else None,
            "unit": {"voice": "min", "sms": "msg"}.get(kind),
            "cost": row["charge"],
            "currency": "USD",
        }
    )
