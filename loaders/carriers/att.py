"""AT&T Premier / FirstNet "All Wireless Charges and Usage": 26 columns and the customer's own in the middle.

Columns are matched by name: one to four customer columns (department, asset tag, UDL) stand in between and become
attributes of the line. One file holds several accounts and cycles; each (account, cycle) is one invoice, whose number
is account and invoice date because the file prints none. Rows whose wireless number is blank, `0` or starts with a
letter (pool, group, account) count in the bill's total and are no lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from core.issues import Issue
from core.money import SCALE, round_half_up, to_text
from loaders.carriers import line_states
from loaders.carriers.headed import headed, refused, sure
from loaders.contract import Bill, BillLine, Item, Rejected, SourceRow
from loaders.reading.declare import Layout, RowError, cycle_period, field, us_day, us_number
from loaders.reading.source import Source

CHARGES = Layout(
    field("foundation", "Foundation account"),
    field("foundation_name", "Foundation account name"),
    field("account", "Account number", needed=True),
    field("account_text", "Account and descriptions"),
    field("account_name", "Billing account name"),
    field("number_text", "Wireless number and descriptions"),
    field("number", "Wireless number", needed=True),
    field("user", "User name"),
    field("cycle_end", "Market cycle end date", parse=us_day, needed=True),
    field("issued_on", "Invoice date", parse=us_day),
    field("rate_code", "Rate code"),
    field("rate_name", "Rate plan name"),
    field("group", "Group ID"),
    field("total", "Total current charges", parse=us_number, needed=True),
    field("monthly", "Total monthly charges", parse=us_number, needed=True),
    field("activity", "Total activity since last bill", parse=us_number, needed=True),
    field("taxes", "Total taxes", parse=us_number, needed=True),
    field("fees", "Total company fees and surcharges", parse=us_number, needed=True),
    field("kilobytes", "Total KB usage", parse=us_number),
    field("minutes", "Total minutes usage", parse=us_number),
    field("messages", "Total messages", parse=us_number),
    field("fan", "Total FAN level charges", parse=us_number),
    field("adjustments", "Total adjustments", parse=us_number),
)
_NEAR = 14  # columns from which a file without all that are needed counts as a changed one of this format
_NO_PLAN = {"nocurrentrateplan", "norateplan"}
#: our key, category of a positive amount, description
_PARTS = (
    ("monthly", "mrc", "Monthly charges"),
    ("activity", "occ", "Activity since last bill"),
    ("taxes", "tax", "Taxes"),
    ("fees", "surcharge", "Company fees and surcharges"),
    ("fan", "occ", "FAN level charges"),
    ("adjustments", "adjustment", "Adjustments"),
)


class AttCharges:
    """Loader of the AT&T charges and usage export."""

    name = "att_charges"
    title = "AT&T All Wireless Charges and Usage (CSV or workbook)"

    def sniff(self, source: Source) -> float:
        """By the names of the columns."""
        return sure(headed(source, CHARGES), _NEAR)

    def check(self, source: Source) -> list[str]:
        """Refuse a file without the needed columns; returns warnings on encoding and delimiter."""
        found = headed(source, CHARGES)
        if found is None:
            raise source.refused(f"is no {self.title}", "columns such as Account number, Total current charges")
        return found.check()

    def read(self, source: Source) -> Iterator[Item]:
        """One bill for each account and cycle, in the order of their first rows."""
        found = headed(source, CHARGES)
        bills: dict[tuple[str, str], Bill] = {}
        apart = 0
        for item in found.rows() if found else ():
            if isinstance(item, Rejected):
                yield item
                continue
            try:
                apart += _add(bills, *item)
            except RowError as problem:
                yield refused(item[1], problem)
        if apart:
            yield Issue(
                severity="warning",
                message=f"{apart} rows carry FAN level charges or adjustments outside their total current charges: "
                "kept as attributes",
            )
        for bill in bills.values():
            line_states.mark(bill)
            yield bill


def _add(bills: dict[tuple[str, str], Bill], row: dict[str, Any], place: SourceRow) -> int:
    """Put a row into its bill; 1 if it has amounts that its own total leaves out."""
    for key, header in (("account", "Account number"), ("cycle_end", "Market cycle end date")):
        if row[key] is None:
            raise RowError(header, "", "a value")
    if row["total"] is None:
        raise RowError("Total current charges", "", "an amount")
    ident = (row["account"], row["cycle_end"])
    if ident not in bills:
        bills[ident] = _bill(row)
    bill = bills[ident]
    bill.rows.append(place)
    bill.total += row["total"]
    number = row["number"] or ""
    is_line = bool(re.fullmatch(r"[0-9+][0-9 .()+-]*", number)) and bool(number.strip("0 "))
    if is_line and number not in bill.lines:
        bill.lines[number] = BillLine(number, attributes=_line_attributes(row))
    keys = [part for part in _PARTS if row[part[0]]]
    inner = sum(row[key] or 0 for key, _, _ in _PARTS[:4])
    outer = sum(row[key] or 0 for key, _, _ in _PARTS[4:])
    leaves_out = bool(outer) and inner == row["total"]
    if leaves_out:
        keys = [part for part in keys if part in _PARTS[:4]]
    charges = [_charge(row, part, number, is_line) for part in keys]
    if is_line and not row["monthly"]:  # a line that is billed nothing (suspended) is still on the bill
        charges.insert(0, _charge({**row, "monthly": 0}, _PARTS[0], number, is_line))
    if leaves_out and charges:
        charges[0]["attributes"] |= {key: to_text(row[key]) for key in ("fan", "adjustments") if row[key]}
    bill.charges += charges
    if is_line:
        bill.usage += _usage(row, number, bill)
    return int(leaves_out)


def _bill(row: dict[str, Any]) -> Bill:
    first, last = cycle_period(row["cycle_end"])
    issued = row["issued_on"] or row["cycle_end"]
    attributes = {"foundation account": row["foundation"]} if row["foundation"] else {}
    return Bill(
        carrier_id="att",
        carrier_name="AT&T Mobility",
        account_number=row["account"],
        account_name=row["account_name"],
        number=f"{row['account']}-{issued.replace('-', '')}",
        currency="USD",
        country="US",
        issued_on=issued,
        period_start=first,
        period_end=last,
        total=0,
        attributes=attributes,
    )


def _line_attributes(row: dict[str, Any]) -> dict[str, str]:
    named = {"user name": row["user"], "rate plan": row["rate_name"], "rate code": row["rate_code"], **row["extras"]}
    return {key: value for key, value in named.items() if value}


def _charge(row: dict[str, Any], part: tuple[str, str, str], number: str, is_line: bool) -> dict[str, Any]:
    key, category, description = part
    amount = row[key]
    plan = row["rate_name"] if not _is_no_plan(row["rate_name"]) else None
    words = f"{row['number_text'] or ''} {plan or ''}".casefold()
    code: str | None = None
    if key == "monthly":
        code = row["rate_code"] if not _is_no_plan(row["rate_code"]) else None
        description = plan or (row["number_text"] if not is_line else None) or description
        if amount < 0 or "discount" in words:
            category = "credit"
    elif amount < 0 and category == "occ":
        category = "credit"
    charge: dict[str, Any] = {
        "billed_number": number or None,
        "category": category,
        "item_code": code,
        "description": description,
        "amount": amount,
        "attributes": {} if is_line else {"row": row["number_text"] or row["account_text"] or "account level"},
    }
    if key == "monthly" and category == "mrc":
        charge |= {"quantity": SCALE, "unit_rate": amount}
    return charge


def _is_no_plan(text: str | None) -> bool:
    return text is None or "".join(c for c in text.casefold() if c.isalpha()) in _NO_PLAN


def _usage(row: dict[str, Any], number: str, bill: Bill) -> list[dict[str, Any]]:
    values = [
        ("data", "MB", None if row["kilobytes"] is None else round_half_up(Fraction(row["kilobytes"], 1024))),
        ("voice", "min", row["minutes"]),
        ("sms", "msg", row["messages"]),
    ]
    return [
        {
            "billed_number": number,
            "month": str(bill.period_start)[:7],
            "usage_type": kind,
            "zone": "home",
            "quantity": quantity,
            "unit": unit,
            "currency": "USD",
            "period_start": bill.period_start,
            "period_end": bill.period_end,
        }
        for kind, unit, quantity in values
        if quantity is not None and quantity >= 0
    ]
