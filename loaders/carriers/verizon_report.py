"""Verizon Wireless business report exports: the invoice report (one row per account and bill) and the line report.

The invoice report gives totals by kind of charge, no lines: it is loaded where the bill itself is not there, and only
compared where it is. The line report gives inventory, and per line what the cycle cost and used. Its money is never
loaded, since part of it cannot be told apart from credits: the bill's is, and where the two differ, that is
said; use is taken from it where nothing else gave any.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import combinations
from typing import Any

from core import periods
from loaders.carriers.att_inventory import line_rows
from loaders.carriers.headed import Headed, headed, refused
from loaders.contract import SURE, Bill, Cells, Item, LineReport, Rejected, SourceRow
from loaders.feeds import cells
from loaders.feeds.feed import Feed, Kind, Notes, note, said
from loaders.reading.declare import Field, Layout, RowError, cycle_period, field, us_day, us_number
from loaders.reading.source import Source

Row = dict[str, Any]
_CARRIER = ("verizon", "Verizon Wireless")
_DAYS = re.compile(r"[A-Za-z]{3,9}\.? \d{1,2},? \d{4}|\d{1,2}/\d{1,2}/\d{2,4}|\d{4}-\d{2}-\d{2}", re.ASCII)

#: our key, category, whether it is part of the total wherever it stands
_PARTS = (
    ("Monthly charges", "mrc", True),
    ("Usage and purchase charges", "usage", True),
    ("Equipment charges", "equipment", True),
    ("Surcharges and OC&Cs", "surcharge", True),
    ("Taxes, governmental surcharges, and fees", "tax", True),
    ("Third-party charges to account", "third_party", True),
    ("Third-party charges to lines", "third_party", True),
    ("Account charges and credits", "occ", True),
    ("Late fee", "late_fee", False),
    ("Account level share", "occ", False),
    ("Adjustments", "adjustment", False),
)
_USAGE = ("data", "purchases", "roaming", "voice")

INVOICES = Layout(
    field("account", "Account number", needed=True),
    field("invoice", "Invoice number", needed=True),
    field("period", "Bill period", needed=True),
    field("due_on", "Date due", parse=us_day),
    field("name", "Bill name"),
    field("status", "Account status description"),
    field("previous", "Previous balance", parse=us_number),
    field("payments", "Payments", parse=us_number),
    field("total", "Total current charges", parse=us_number, needed=True),
    field("created", "Bill account create date"),
    *(field(name, name, parse=us_number) for name, _, _ in _PARTS),
    *(field(f"usage {kind}", f"Usage charges - {kind}", parse=us_number) for kind in _USAGE),
)


def _money(key: str, *headers: str) -> Field:
    return Field(key, headers, us_number)


LINES = Kind(
    "lines",
    Layout(
        note("account name", "Account name"),
        said("account", "Account number", needed=True),
        said("seen_on", "Bill cycle date", parse=cells.day),
        said("cost_center", "Cost center"),
        said("email", "Email address", parse=cells.email),
        note("price plan", "Price plan ID"),
        note("profile", "Profile ID"),
        note("user id", "User ID"),
        said("user", "User name"),
        said("number", "Wireless number", parse=cells.phone, needed=True),
        note("connected device", "Connected device"),
        said("imei", "Current device ID - 4G only", parse=cells.imeis),
        said("make", "Device manufacturer"),
        said("model", "Device model"),
        said("device_type", "Device type"),
        note("parent number", "Parent wireless number"),
        said("iccid", "SIM", parse=cells.iccid),
        note("sim type", "SIM type"),
        note("shipped device", "Shipped device ID"),
        note("upgrade from", "Upgrade eligibility date", parse=cells.day),
        said("activated_on", "Activation date", parse=cells.day),
        said("device_on", "Device change latest date", parse=cells.day),
        said("status", "Wireless number status", needed=True),
        said("ended_on", "Wireless number disconnect date", parse=cells.day),
        note("suspended on", "Wireless number suspend date", parse=cells.day),
        note("resumed on", "Wireless number resume date", parse=cells.day),
        note("suspended because", "Wireless number suspend description"),
        note("data plan", "Data plan"),
        note("data allowance", "Data plan allowance"),
        said("plan", "Price plan description"),
        _money("total", "Total current charges"),
        *(
            _money(f"charge {name}", name)
            for name in (
                *("Data access charge", "Usage and purchase charges", "Voice access charge", "Account charges"),
                *("Economic adjustment charge", "Equipment charges", "International charges", "Purchase charges"),
                *("Monthly access charges", "Monthly non recurring Charges", "Other charges & credits"),
                *("Taxes and surcharges", "Third party charges", "Total additional charges", "Messaging charges"),
                *("Long distance/other charges", "Current data charges", "Data charges home", "Data overage charges"),
                *("Additional charges data", "Delayed data charges", "Total data usage charges"),
            )
        ),
        said("minutes", "Used minutes"),
        said("all_minutes", "Minutes"),
        said("data", "Data usage"),
        *(said(f"data_{unit}b", f"Data usage ({unit}B)") for unit in "KMG"),
    ),
    ("Wireless number status", "Price plan ID", "Profile ID", "Connected device", "Upgrade eligibility date"),
    lambda row, notes: [],
    enough=4,
)
_DATA = re.compile(r"([0-9.,]+)\s*([KMG])B", re.IGNORECASE | re.ASCII)
_FACTORS = {"K": (1, 1024), "M": (1, 1), "G": (1024, 1)}


class VerizonReport:
    """Loader of both reports; which one it is, is told by the columns."""

    name = "verizon_report"
    title = "Verizon Wireless business report: invoices or lines (CSV or workbook)"

    def __init__(self) -> None:
        self._lines = Feed(self.name, "Verizon Wireless line report", LINES)

    def sniff(self, source: Source) -> float:
        """By the names of the columns; an invoice report that lacks a needed one is ours as well."""
        return SURE if _invoices(source) else self._lines.sniff(source)

    def check(self, source: Source) -> list[str]:
        """Refuse a file without the needed columns; returns warnings on encoding and delimiter."""
        found = _invoices(source)
        return self._lines.check(source) if found is None else found.check()

    def read(self, source: Source) -> Iterator[Item]:
        """A bill of account totals for each row; or the lines' inventory, then what their cycle cost and used."""
        found = _invoices(source)
        if found is None:
            reports: list[LineReport] = []
            yield from Feed(self.name, self.title, replace(LINES, rows=partial(_line, reports))).read(source)
            yield from reports
            return
        for item in found.rows():
            if isinstance(item, Rejected):
                yield item
                continue
            try:
                yield _bill(*item)
            except RowError as problem:
                yield refused(item[1], problem)


def _invoices(source: Source) -> Headed | None:
    """The table of an invoice report, also of one that lacks a needed column; None for any other file."""
    found = headed(source, INVOICES)
    if found is None or found.score < 12:
        return None
    return found if found.complete or LINES.fit(found.header) < 0.5 else None


def _bill(row: Row, place: SourceRow) -> Bill:
    for key, header in (
        ("account", "Account number"),
        ("invoice", "Invoice number"),
        ("total", "Total current charges"),
    ):
        if row[key] is None:
            raise RowError(header, "", "a value")
    first, last = bill_period(row["period"])
    return Bill(
        carrier_id=_CARRIER[0],
        carrier_name=_CARRIER[1],
        account_number=row["account"],
        account_name=row["name"],
        number=row["invoice"],
        currency="USD",
        country="US",
        issued_on=last,
        period_start=first,
        period_end=last,
        due_on=row["due_on"],
        previous_balance=row["previous"],
        payments=row["payments"],
        total=row["total"],
        attributes={"account status": row["status"]} if row["status"] else {},
        charges=_charges(row),
        rows=[place],
        is_summary=True,
    )


def _charges(row: Row) -> list[dict[str, Any]]:
    """Account totals by kind; those that a bill may count elsewhere only where the total needs them."""
    parts = [(name, category, row[name]) for name, category, sure in _PARTS if sure and row[name]]
    spare = [(name, category, row[name]) for name, category, sure in _PARTS if not sure and row[name]]
    missing = row["total"] - sum(amount for _, _, amount in parts)
    chosen = next(
        (
            picked
            for size in range(len(spare) + 1)
            for picked in combinations(spare, size)
            if sum(amount for _, _, amount in picked) == missing
        ),
        (),
    )
    found = []
    for name, category, amount in (*parts, *chosen):
        if name == "Usage and purchase charges":
            found += _usage_charges(row, amount)
            continue
        kind = "credit" if amount < 0 and category in {"occ", "equipment", "mrc"} else category
        found.append({"category": kind, "description": name, "amount": amount})
    return found


def _usage_charges(row: Row, amount: int) -> list[dict[str, Any]]:
    """Usage by its four kinds where they sum to it, else as one charge."""
    kinds = [(kind, row[f"usage {kind}"]) for kind in _USAGE if row[f"usage {kind}"]]
    if sum(part for _, part in kinds) != amount:
        return [{"category": "usage", "description": "Usage and purchase charges", "amount": amount}]
    found = []
    for kind, part in kinds:
        category = "third_party" if kind == "purchases" else "usage"
        charge = {"category": category, "description": f"Usage charges - {kind}", "amount": part}
        found.append({**charge, "zone": "roaming"} if kind == "roaming" else charge)
    return found


def bill_period(text: str | None) -> tuple[str, str]:
    """First and last day of a bill period: two dates, or the one on which the cycle ends.

    Raises:
        RowError: if there is no date in it.
    """
    days = [us_day(part) for part in _DAYS.findall(" ".join((text or "").split()))] if len(text or "") < 100 else []
    known = [day for day in days if day]
    if len(known) >= 2 and known[0] <= known[1]:
        return known[0], known[1]
    if len(known) == 1:
        return cycle_period(known[0])
    raise RowError("Bill period", text or "", "a period such as 1/1/2026 - 1/31/2026")


def _line(reports: list[LineReport], row: Row, notes: Notes) -> list[tuple[str, Cells]]:
    made = line_rows(row, _CARRIER, notes)
    if row["seen_on"] is None or row["account"] is None:
        return made
    first, last = cycle_period(row["seen_on"])
    month = periods.month_of(first)
    usage = []
    minutes = _minutes(row, notes)
    if minutes is not None:
        usage.append({"month": month, "usage_type": "voice", "zone": "home", "quantity": minutes, "unit": "min"})
    megabytes = _megabytes(row, notes)
    if megabytes is not None:
        usage.append({"month": month, "usage_type": "data", "zone": "home", "quantity": megabytes, "unit": "MB"})
    reports.append(LineReport(_CARRIER[0], row["account"], row["number"], first, last, row["total"], usage))
    return made


def _minutes(row: Row, notes: Notes) -> int | None:
    text = row["minutes"] or row["all_minutes"]
    try:
        value = us_number(text or "")
    except ValueError:
        notes.add("the used minutes are no number and were left out", text)
        return None
    return value if value is not None and value >= 0 else None


def _megabytes(row: Row, notes: Notes) -> int | None:
    """Data use where the cell or its column names the unit; without one it could be KB or MB and is kept as text."""
    named = next((f"{row[key]} {unit}B" for unit in "KMG" if row[key := f"data_{unit}b"]), None)
    text = named or row["data"]
    if text is None:
        return None
    match = _DATA.fullmatch(text)
    try:
        value = us_number(match[1]) if match else None
    except ValueError:
        value = None
    if match is None or value is None:
        if text.strip("0., "):
            notes.add("the data usage has no unit that can be read: kept as an attribute, not as usage", text)
            row["@data usage"] = text
        return None
    times, parts = _FACTORS[match[2].upper()]
    return value * times // parts
