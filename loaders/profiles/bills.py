"""Rows of a flat bill become invoices with charges, lines and usage; rows of a usage file become usage by number."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from core.issues import Issue
from core.money import round_half_up, to_text
from loaders.contract import Bill, BillLine, Item, LineUsage, SourceRow
from loaders.profiles.profile import Profile
from loaders.profiles.targets import AMOUNTS, INVOICE_FIELDS, USED
from loaders.reading.declare import RowError
from loaders.taxonomy import CATEGORIES
from loaders.values import attributes_text

if TYPE_CHECKING:
    from loaders.profiles.loader import Reader

_MAY_BE_CREDIT = {"mrc", "nrc", "usage", "occ"}


class BillRows:
    """Collects the rows of a file into bills: one for each account and invoice number (or date)."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self.bills: dict[tuple[str, str], Bill] = {}
        self._printed: dict[tuple[str, str], int | None] = {}
        self._first: dict[tuple[str, str], dict[str, Any]] = {}
        self._totals: list[tuple[dict[str, int], SourceRow]] = []
        self._sums: Counter[str] = Counter()
        self._amounts = [name for name in AMOUNTS if name in profile.fields]

    def add(self, reader: Reader, cells: Sequence[str], place: SourceRow) -> None:
        """Add one row.

        Raises:
            RowError: if it cannot be used.
        """
        cells = reader.sized(cells)
        if self._is_total(reader, cells):
            self._totals.append((self._total(reader, cells), place))
            return
        row = reader.row(cells)
        for name in ("carrier_id", "account_number", "issued_on", "currency"):
            if row[name] is None:
                raise RowError(self.profile.fields[name].column or name, "", "a value")
        self._check_amounts(row)
        key = (row["account_number"], row.get("invoice_number") or row["issued_on"])
        self._check_invoice(key, row)
        if key not in self.bills:
            self._first[key] = row
            self.bills[key] = _bill(row)
            self._printed[key] = row.get("invoice_total")
        self._fill(self.bills[key], row, place)

    def _total(self, reader: Reader, cells: Sequence[str]) -> dict[str, int]:
        """What a total row says of each column of amounts, or of all together."""
        columns = ["row_total"] if "row_total" in self.profile.fields else self._amounts
        found = {name: reader.value(name, cells) for name in columns}
        said = {name: value for name, value in found.items() if value is not None}
        if not said:
            raise RowError(self.profile.fields[columns[0]].column, "", "the amount of the total row")
        return said

    def _is_total(self, reader: Reader, cells: Sequence[str]) -> bool:
        rule, place = self.profile.total_row, reader.total_place
        return (
            rule is not None
            and place is not None
            and cells[place].strip().casefold().startswith(rule.starts.casefold())
        )

    def _check_amounts(self, row: dict[str, Any]) -> None:
        given = [row[name] for name in self._amounts if row[name] is not None]
        used = [name for name in USED if row.get(name) is not None]
        if not given and not used:
            raise RowError(self.profile.fields[self._amounts[0]].column, "", "an amount")
        whole = row.get("row_total")
        if whole is not None and sum(given) != whole:
            field = self.profile.fields["row_total"].column
            raise RowError(field, to_text(whole), f"the sum of the row's amounts, {to_text(sum(given))}")

    def _check_invoice(self, key: tuple[str, str], row: dict[str, Any]) -> None:
        first = self._first.get(key)
        if first is None:
            return
        for name in INVOICE_FIELDS:
            if row.get(name) is not None and first.get(name) is not None and row[name] != first[name]:
                value = row[name] if isinstance(row[name], str) else to_text(row[name])
                wanted = first[name] if isinstance(first[name], str) else to_text(first[name])
                raise RowError(
                    self.profile.fields[name].column or name, value, f"{wanted}, as in the invoice's first row"
                )

    def _fill(self, bill: Bill, row: dict[str, Any], place: SourceRow) -> None:
        bill.rows.append(place)
        number = row.get("number")
        if number is not None and not number.strip("0 -"):
            number = None
        if number is not None and number not in bill.lines:
            told = {name: row.get(name.replace(" ", "_")) for name in ("user name", "cost center", "plan")}
            bill.lines[number] = BillLine(number, attributes={name: text for name, text in told.items() if text})
        charges = [_charge(self.profile, name, row, number) for name in self._amounts if row[name]]
        if not charges and any(row[name] is not None for name in self._amounts):
            name = next(name for name in self._amounts if row[name] is not None)
            charges = [_charge(self.profile, name, row, number)]
        if charges:
            charges[0]["attributes"] = dict(row["extras"])
        bill.charges += charges
        self._sums.update({name: row[name] for name in self._amounts if row[name] is not None})
        if number is not None:
            bill.usage += _usage(bill, row, number)

    def finished(self) -> Iterator[Item]:
        """The bills with their totals: the printed one where there is one, else the sum of the charges."""
        sums = {key: sum(charge["amount"] for charge in bill.charges) for key, bill in self.bills.items()}
        whole = next(iter(self.bills), None) if len(self.bills) == 1 else None
        for key, bill in self.bills.items():
            printed = self._printed[key]
            if printed is None and key == whole and self._totals:
                printed = self._printed_total()
            bill.total = sums[key] if printed is None else printed
        if self._totals and self.bills:
            last = list(self.bills.values())[-1]
            last.rows += [place for _, place in self._totals]
            amount, read = self._printed_total(), sum(sums.values())
            if whole is None and amount != read:
                said = f"the file's total row says {to_text(amount)}, its charges sum to {to_text(read)}"
                yield Issue(severity="warning", message=said)
        yield from self.bills.values()

    def _printed_total(self) -> int:
        """The last total row; columns of which it says nothing count as they were read."""
        said = self._totals[-1][0]
        return (
            said["row_total"]
            if "row_total" in said
            else sum(said.get(name, self._sums[name]) for name in self._amounts)
        )


def _bill(row: dict[str, Any]) -> Bill:
    issued = row["issued_on"]
    return Bill(
        carrier_id=row["carrier_id"],
        carrier_name=row.get("carrier_name") or row["carrier_id"],
        account_number=row["account_number"],
        account_name=row.get("account_name"),
        number=row.get("invoice_number") or f"{row['account_number']}-{issued.replace('-', '')}",
        currency=row["currency"].upper(),
        country=row.get("country"),
        issued_on=issued,
        period_start=row.get("period_start"),
        period_end=row.get("period_end"),
        due_on=row.get("due_on"),
        previous_balance=row.get("previous_balance"),
        payments=row.get("payments"),
        total=0,
    )


def _charge(profile: Profile, name: str, row: dict[str, Any], number: str | None) -> dict[str, Any]:
    amount = row[name]
    charge: dict[str, Any] = {"billed_number": number, "amount": amount}
    for key, target in (("charge_start", "period_start"), ("charge_end", "period_end")):
        if row.get(key) is not None:
            charge[target] = row[key]
    if name == "amount":
        said = row.get("category")
        charge |= {
            "category": said if said in CATEGORIES else None,
            "section": said,
            "item_code": row.get("item_code"),
            "description": row.get("description") or row.get("plan") or said,
            "quantity": row.get("quantity"),
            "unit": row.get("unit"),
            "unit_rate": row.get("unit_rate"),
        }
        return charge
    category = name.removeprefix("amount_")
    words = row.get("description") or row.get("plan") if category == "mrc" else None
    charge |= {
        "category": "credit" if amount < 0 and category in _MAY_BE_CREDIT else category,
        "item_code": row.get("item_code") if category == "mrc" else None,
        "description": words or profile.fields[name].column,
    }
    return charge


def _usage(bill: Bill, row: dict[str, Any], number: str) -> list[dict[str, Any]]:
    month = (bill.period_start or bill.issued_on)[:7]
    common = {"billed_number": number, "period_start": bill.period_start, "period_end": bill.period_end}
    return [{**used, **common, "currency": bill.currency} for used in quantities(row, month, "home")]


def quantities(row: dict[str, Any], month: str, zone: str) -> list[dict[str, Any]]:
    """Usage rows of the quantities that stand side by side in a row; negative ones say nothing."""
    return [
        {
            "month": month,
            "usage_type": kind,
            "zone": zone,
            "quantity": round_half_up(Fraction(row[name] * times, over)),
            "unit": unit,
        }
        for name, (kind, unit, times, over) in USED.items()
        if row.get(name) is not None and row[name] >= 0
    ]


class UsageRows:
    """Collects rows of a usage file by carrier and country."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self.found: dict[tuple[str, str | None], LineUsage] = {}

    def add(self, row: dict[str, Any], place: SourceRow) -> None:
        """Add one row.

        Raises:
            RowError: if it does not name its carrier, line or month, or has no quantity.
        """
        fields = self.profile.fields
        for name in ("carrier_id", "number", "month"):
            if row[name] is None:
                raise RowError(fields[name].column or name, "", "a value")
        used = quantities(row, row["month"], row.get("zone") or "home")
        if not used:
            name = next(name for name in USED if name in fields)
            raise RowError(fields[name].column or name, "", "a quantity of 0 or more")
        carrier, country, number = row["carrier_id"], row.get("country"), row["number"]
        use = self.found.setdefault((carrier, country), LineUsage(carrier, carrier, None, country=country))
        extras = attributes_text(row["extras"])
        use.usage += [{**quantity, "billed_number": number, "attributes": extras} for quantity in used]
        use.rows_of.setdefault(number, []).append(place)
