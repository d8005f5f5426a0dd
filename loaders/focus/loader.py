"""FOCUS 1.0 to 1.3: cloud and SaaS cost as CSV or Parquet, one charge for each row.

An invoice is what one provider bills to one billing account in one period and currency, numbered by InvoiceId, or by
account and period where the file has none. Figures with more than six decimals are rounded half to even, the exact one
stays as an attribute, and one adjustment in the file (for each currency) makes its total tie exactly. A charge belongs
to the service whose number is its ResourceId; where no inventory names that, to one cloud service for each sub-account
and cost center, so that tags like `CostCenter` reach the allocation.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from core import periods
from core.issues import BadInput
from core.schema.billing import CATEGORIES
from core.schema.inventory import KINDS
from loaders.contract import NO, SURE, Bill, BillLine, Item, Rejected, SourceRow
from loaders.feeds.tables import Table, tables
from loaders.focus.columns import EXACT, LAYOUT, UNKNOWN_PROVIDER, micros, tags, version
from loaders.names import slug
from loaders.reading.declare import Bound, RowError
from loaders.reading.source import Source
from loaders.reading.text import Block
from loaders.spool import Spool

_BLOCK_ROWS = 5_000  # their cells are read before the first is taken
_COST_CENTER = {"costcenter", "costcentre", "costcenterid", "costcentreid", "costcentercode", "costcentrecode"}


class _Rows(Collection[SourceRow]):
    """The rows of one bill: only their lines are kept, the file is read again when the rows are asked for."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._lines = array("Q")

    def append(self, line: int) -> None:
        """Lines come in their order."""
        self._lines.append(line)

    def __len__(self) -> int:
        return len(self._lines)

    def __iter__(self) -> Iterator[SourceRow]:
        wanted = iter(self._lines)
        line = next(wanted, None)
        for place, _ in _places(self._source):
            if place.line == line:
                yield place
                line = next(wanted, None)

    def __contains__(self, row: object) -> bool:
        return isinstance(row, SourceRow) and row.line in self._lines


@dataclass(slots=True)
class _Open:
    """A bill while it is read, with its charges and the exact sum of its rows."""

    bill: Bill
    rows: _Rows
    charges: Spool = field(default_factory=Spool)
    exact: Decimal = Decimal(0)

    def charge(self, charge: dict[str, Any]) -> None:
        """Add a charge to the bill and its total."""
        self.charges.append(charge)
        self.bill.total += charge["amount"]


@dataclass(slots=True)
class _File:
    """All bills of a file by (carrier, account, invoice or period, currency)."""

    source: Source
    bills: dict[tuple[str, str, str, str], _Open] = field(default_factory=dict)
    version: str = "1.0"


class Focus:
    """Loader of FOCUS cost and usage files."""

    name = "focus"
    title = "FOCUS cost and usage (CSV, Parquet)"

    def sniff(self, source: Source) -> float:
        """By the specification's column names."""
        header = self._header(source)
        if header is None:
            return NO
        if LAYOUT.complete(header):
            return SURE
        return 0.6 if {"BilledCost", "ChargeCategory"} & set(header) and LAYOUT.score(header) >= 12 else NO

    def shape(self, source: Source) -> dict[str, list[str]]:
        """The columns, of Parquet as well."""
        return {"": self._header(source) or []}

    def check(self, source: Source) -> list[str]:
        """Refuse a file without the needed columns; warnings on how its text is written."""
        header = self._header(source)
        if header is None:
            raise source.refused("is no FOCUS file", "a CSV or Parquet with the column BilledCost")
        issues = LAYOUT.missing(header, source.label)
        if issues:
            raise BadInput(issues)
        found = _table(source)
        return found[0].remarks(found[1]) if found else []

    def _header(self, source: Source) -> list[str] | None:
        found = _table(source)
        return [cell.strip() for cell in found[0].beginnings[found[1]][0]] if found else None

    def read(self, source: Source) -> Iterator[Item]:
        """The bills, in the order of their first rows."""
        header = self._header(source) or []
        bound = LAYOUT.bind(header, source.label)
        file = _File(source, version=version(header))
        for place, cells in _places(source):
            try:
                _take(file, bound, cells, place)
            except RowError as problem:
                yield Rejected(place, problem.field, problem.found, problem.expected)
        _tie(file.bills.values())
        for opened in file.bills.values():
            yield opened.bill


def _table(source: Source) -> tuple[Table, str] | None:
    best: tuple[int, Table, str] | None = None
    for table in tables(source):
        for delimiter, rows in table.beginnings.items():
            score = LAYOUT.score(rows[0]) if rows else 0
            if score >= 6 and (best is None or score > best[0]):
                best = (score, table, delimiter)
    return best[1:] if best else None


def _places(source: Source) -> Iterator[tuple[SourceRow, list[str]]]:
    """Each row with where it stands, the header left out."""
    table, delimiter = _table(source) or (None, "")
    if table is None:
        return
    for block in _without_header(table.blocks(delimiter, _BLOCK_ROWS)):
        for line, cells, raw in zip(block.lines, block.rows, block.raws, strict=True):
            yield SourceRow(table.member, line, raw), cells


def _without_header(blocks: Iterable[Block]) -> Iterator[Block]:
    first = True
    for block in blocks:
        yield Block(block.lines[1:], block.rows[1:], block.raws[1:]) if first else block
        first = False


def _take(file: _File, bound: Bound, cells: list[str], place: SourceRow) -> None:
    row = bound.parse(cells)
    for key, name in (("cost", "BilledCost"), ("account", "BillingAccountId"), ("currency", "BillingCurrency")):
        if row[key] is None:
            raise RowError(name, "", "a value")
    for key, name in (("period_start", "BillingPeriodStart"), ("start", "ChargePeriodStart")):
        if row[key] is None:
            raise RowError(name, "", "a moment such as 2026-09-01T00:00:00Z")
    if len(row["currency"]) != 3:
        raise RowError("BillingCurrency", row["currency"], "an ISO currency code such as USD")
    carrier = row["provider"] or row["issuer"] or row["publisher"] or UNKNOWN_PROVIDER
    currency = row["currency"].upper()
    ident = (carrier, str(row["account"]), str(row["invoice"] or row["period_start"]), currency)
    if ident not in file.bills:
        opened = file.bills[ident] = _Open(_bill(row, carrier, currency, file), _Rows(file.source))
        opened.bill.many_rows, opened.bill.many_charges = opened.rows, opened.charges
    opened = file.bills[ident]
    opened.charge(_charge(row, opened.bill, carrier))
    opened.rows.append(place.line)
    opened.exact = EXACT.add(opened.exact, row["cost"])


def _bill(row: dict[str, Any], carrier: str, currency: str, file: _File) -> Bill:
    start = row["period_start"]
    number = row["invoice"] or f"{row['account']}-{start[:7].replace('-', '')}"
    twins = [key for key in file.bills if key[:3] == (carrier, row["account"], row["invoice"] or start)]
    return Bill(
        carrier_id=slug(carrier),
        carrier_name=carrier,
        account_number=row["account"],
        account_name=row["account_name"],
        number=f"{number}-{currency}" if twins else number,
        currency=currency,
        issued_on=row["period_end"] or periods.month_end(start[:7]),
        period_start=start,
        period_end=row["period_end"] or periods.month_end(start[:7]),
        total=0,
        attributes={"focus version": file.version, **({"invoice issuer": row["issuer"]} if row["issuer"] else {})},
    )


def _charge(row: dict[str, Any], bill: Bill, carrier: str) -> dict[str, Any]:
    amount = micros(row["cost"])
    attributes = {name: text for name, text in row["extras"].items() if not _empty(text)}
    if Decimal(amount) != EXACT.multiply(row["cost"], Decimal(1_000_000)):
        attributes["BilledCost"] = format(row["cost"], "f")
    consumed = row["consumed"] is not None
    quantity, unit = (row["consumed"], row["consumed_unit"]) if consumed else (row["priced"], row["priced_unit"])
    if quantity is not None and Decimal(micros(quantity)) != EXACT.multiply(quantity, Decimal(1_000_000)):
        attributes["ConsumedQuantity" if consumed else "PricingQuantity"] = format(quantity, "f")
    named = ("service", "sub_account", "sub_account_name", "resource_type", "tags", "priced_unit")
    attributes |= {_HEADERS[key]: row[key] for key in named if row[key]}
    key, line = _line(row)
    bill.lines.setdefault(key, line)
    return {
        "line": key,
        "billed_number": row["resource"] or row["sub_account"],
        "category": _category(row),
        "item_code": row["sku"] or row["service"],
        "description": row["description"] or row["service"],
        "provider": row["publisher"] if row["publisher"] != carrier else None,
        "quantity": None if quantity is None else micros(quantity),
        "unit": unit,
        "amount": amount,
        "period_start": row["start"],
        "period_end": row["end"] if row["end"] and row["end"] >= row["start"] else row["start"],
        "attributes": attributes,
    }


_HEADERS = {f.key: f.headers[0] for f in LAYOUT.fields}


def _empty(text: str) -> bool:
    return text.casefold() in {"", "null", "none"}


def _category(row: dict[str, Any]) -> str:
    own = row["extras"].get("x_Category")  # our own export says it exactly
    if own in CATEGORIES:
        return str(own)
    if row["category"] == "Purchase":
        return "mrc" if (row["frequency"] or "").casefold() == "recurring" else "nrc"
    return str(row["category"]).lower()


def _line(row: dict[str, Any]) -> tuple[str, BillLine]:
    """What the charge hangs on where no inventory names its resource, and the key it has in the bill."""
    if row["resource"] and row["resource_type"] in KINDS:
        return row["resource"], BillLine(row["resource"], kind=row["resource_type"])
    wanted = {re.sub(r"[^a-z]", "", key.casefold()): value.strip() for key, value in tags(row["tags"] or "")}
    center = next((value for key, value in wanted.items() if key in _COST_CENTER and value), None)
    sub = row["sub_account"] or row["account"]
    number = f"{sub}/{center}" if center else sub
    named = {"sub-account": row["sub_account_name"]} if row["sub_account_name"] else {}
    return number, BillLine(number, kind="cloud", attributes=named, cost_center=center)


def _tie(opened: Iterable[_Open]) -> None:
    """Give the bill furthest off in each currency the one adjustment that ties the file."""
    by_currency: dict[str, list[_Open]] = {}
    for item in opened:
        by_currency.setdefault(item.bill.currency, []).append(item)
    for items in by_currency.values():
        whole = Decimal(0)
        for item in items:
            whole = EXACT.add(whole, item.exact)
        missing = micros(whole) - sum(item.bill.total for item in items)
        if missing:
            target = max(items, key=lambda item: abs(micros(item.exact) - item.bill.total))
            target.charge(
                {
                    "category": "adjustment",
                    "item_code": "ROUNDING",
                    "description": "Rounding of this file's figures to six decimals",
                    "amount": missing,
                    "attributes": {"exact total of the file": format(whole, "f")},
                }
            )
