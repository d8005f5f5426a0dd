"""Oracle Self-Service E-Billing (Oracle Billing Insight) input files: records of numbered types, cells split by `|`.

Type 1000 is a statement, 2000 an account of it, 3000 a service of the account, 4000 one use of a service. Each account
of a statement is an invoice: its services' charges, and what the account's own record has beyond them. Oracle publishes
the first cells of each type where this was written; cells behind them are not read, except that the currency is looked
for behind the twelfth cell of a statement.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from core.issues import Issue
from core.money import to_text
from loaders.carriers.febraban import bare
from loaders.carriers.tally import Tally, event
from loaders.contract import NO, SURE, Bill, BillLine, Item, Rejected, SourceRow
from loaders.reading.declare import RowError, plain, us_day
from loaders.reading.delimited import Cells, clock, head_cells, plain_number, records
from loaders.reading.source import Source

Row = dict[str, Any]
Key = tuple[str, str]


def _needed(text: str) -> str:
    value = plain(text)
    if value is None:
        raise ValueError("a value")
    return value


def _money(text: str) -> int:
    return plain_number(text) or 0


def _printed(text: str) -> int:
    value = plain_number(text)
    if value is None:
        raise ValueError("an amount")
    return value


CONTROL = Cells(("system", 3, "Billing System", plain))
STATEMENT = Cells(
    ("statement", 2, "Statement Number", _needed),
    ("company", 4, "Company Name", plain),
    ("issued_on", 5, "Statement Date", us_day),
    ("from", 6, "Billing Cycle Start Date", us_day),
    ("to", 7, "Billing Cycle End Date", us_day),
    ("previous", 8, "Previous Balance", plain_number),
    ("payments", 9, "Total Payment Posted", plain_number),
    ("total", 12, "Total Current Charge Due", plain_number),
)
_PARTS = (
    ("monthly", "mrc", "Monthly Service Charges"),
    ("usage", "usage", "Usage Charges"),
    ("adjustments", "adjustment", "Adjustments"),
    ("other", "occ", "Other Charges"),
    ("taxes", "tax", "Taxes and Fees"),
)


def _amounts(first: int) -> tuple[tuple[str, int, str, Any], ...]:
    parts = tuple((key, first + n, title, _money) for n, (key, _, title) in enumerate(_PARTS))
    return (*parts, ("total", first + len(_PARTS), "Total Charge Amount", _printed))


ACCOUNT = Cells(
    ("statement", 2, "Statement Number", _needed),
    ("account", 3, "Account Number", _needed),
    ("owner", 4, "Account Owner Name", plain),
    *_amounts(11),
)
SERVICE = Cells(
    ("statement", 2, "Statement Number", _needed),
    ("account", 3, "Account Number", _needed),
    ("number", 4, "Service Number", _needed),
    ("owner", 5, "Service Owner Name", plain),
    *_amounts(6),
    ("note", 12, "Charge Note", plain),
)
USE = Cells(
    ("name", 2, "Usage Name", plain),
    ("statement", 3, "Statement Number", _needed),
    ("account", 4, "Account Number", _needed),
    ("number", 5, "Service Number", _needed),
    ("day", 6, "Called Date", us_day),
    ("time", 7, "Called Time", plain),
    ("peer", 8, "Called Number", plain),
    ("tariff", 9, "Tariff Code", plain),
    ("call_type", 10, "Call Type Code", plain),
    ("direction", 11, "Direction Code", plain),
    ("service_type", 12, "Service Type Code", plain),
    ("quantity", 13, "Total Usages", plain_number),
    ("unit", 14, "Usages Unit Code", plain),
)
_CURRENCIES = frozenset(
    (
        *("USD", "CAD", "MXN", "BRL", "ARS", "CLP", "COP", "PEN", "EUR", "GBP", "CHF", "SEK", "NOK", "DKK", "ISK"),
        *("PLN", "CZK", "HUF", "RON", "BGN", "RUB", "UAH", "TRY", "ILS", "AED", "SAR", "QAR", "KWD", "BHD", "OMR"),
        *("EGP", "ZAR", "NGN", "KES", "INR", "CNY", "JPY", "KRW", "TWD", "HKD", "SGD", "MYR", "IDR", "THB", "PHP"),
        *("AUD", "NZD"),
    )
)
_MAIN = {"0000", "1000", "2000", "3000", "4000"}
_UNITS: tuple[tuple[str, str, Fraction], ...] = (
    ("kb", "data", Fraction(1, 1024)),
    ("kilob", "data", Fraction(1, 1024)),
    ("mb", "data", Fraction(1)),
    ("megab", "data", Fraction(1)),
    ("gb", "data", Fraction(1024)),
    ("gigab", "data", Fraction(1024)),
    ("sec", "voice", Fraction(1, 60)),
    ("min", "voice", Fraction(1)),
    ("ms", "sms", Fraction(1)),
    ("mess", "sms", Fraction(1)),
    ("text", "sms", Fraction(1)),
)


@dataclass(slots=True)
class _Open:
    """An account of a statement while its records are read; `damaged` once one of them was set aside."""

    row: Row
    places: list[SourceRow]
    services: list[Row] = field(default_factory=list)
    uses: list[Row] = field(default_factory=list)
    damaged: bool = False


class OracleEbilling:
    """Loader of Oracle E-Billing input files."""

    name = "oracle_ebilling"
    title = "Oracle Self-Service E-Billing input file (pipe delimited)"

    def sniff(self, source: Source) -> float:
        """Known record types in front, and a statement or an account record among them."""
        head = head_cells(source, "|")
        typed = [cells for cells in head if cells[0].isdigit() and len(cells[0]) in {3, 4} and len(cells) > 2]
        kinds = {cells[0] for cells in typed if len(cells) >= 10 or cells[0] == "0000"}
        if 2 * len(typed) <= len(head) or not kinds & {"1000", "2000"}:
            return NO
        return SURE if "0000" in kinds or {"1000", "2000"} <= kinds else NO

    def check(self, source: Source) -> list[str]:
        """Refuse what is no text; returns warnings on encoding and line ends."""
        return source.text_facts().warnings()

    def read(self, source: Source) -> Iterator[Item]:
        """An invoice for each account of each statement, in the order of the account records."""
        reading = _Reading()
        for cells, place in records(source, "|"):
            try:
                reading.take(cells, place)
            except RowError as problem:
                reading.damage(cells)
                yield Rejected(place, problem.field, problem.found, problem.expected)
        yield from reading.finish()


class _Reading:
    """The records of one file."""

    def __init__(self) -> None:
        self.system: str | None = None
        self.statements: dict[str, Row] = {}
        self.statement_places: dict[str, SourceRow] = {}
        self.accounts: dict[Key, _Open] = {}
        self.apart: list[SourceRow] = []
        self.skipped: Counter[str] = Counter()

    def take(self, cells: list[str], place: SourceRow) -> None:
        kind = cells[0]
        if not (kind.isascii() and kind.isdigit() and len(kind) in {3, 4}):
            raise RowError("Rec Type", kind[:20], "a record type of three or four digits")
        if kind == "1000":
            row = {**STATEMENT.parse(cells), "currency": _currency(cells)}
            if row["statement"] in self.statements:
                raise RowError("Statement Number", row["statement"], "each statement once")
            self.statements[row["statement"]] = row
            self.statement_places[row["statement"]] = place
        elif kind == "2000":
            row = ACCOUNT.parse(cells)
            key = (row["statement"], row["account"])
            if key[0] not in self.statements:
                raise RowError("Statement Number", key[0], "a statement record (1000) before it")
            if key in self.accounts:
                raise RowError("Account Number", key[1], "each account of a statement once")
            if _tied(row) is None:
                parts = ", ".join(to_text(row[name]) for name, _, _ in _PARTS)
                raise RowError("Total Charge Amount", to_text(row["total"]), f"the sum of {parts}")
            self.accounts[key] = _Open(row, [place])
        elif kind in {"3000", "4000"}:
            row = (SERVICE if kind == "3000" else USE).parse(cells)
            opened = self.accounts.get((row["statement"], row["account"]))
            if opened is None:
                raise RowError("Account Number", row["account"], "an account record (2000) of the statement before it")
            (opened.services if kind == "3000" else opened.uses).append(row)
            opened.places.append(place)
        else:
            if kind == "0000":
                self.system = self.system or CONTROL.parse(cells)["system"]
            else:
                self.skipped[kind] += 1
            self.apart.append(place)

    def damage(self, cells: list[str]) -> None:
        """A record was set aside: what it would have said of its account is missing."""
        at = {"3000": (1, 2), "4000": (2, 3)}.get(cells[0])
        if at and len(cells) > at[1] and cells[0] == "3000":
            opened = self.accounts.get((cells[at[0]], cells[at[1]]))
            if opened:
                opened.damaged = True

    def finish(self) -> Iterator[Item]:
        if not self.accounts:
            for place in [*self.apart, *self.statement_places.values()]:
                yield Rejected(place, None, None, "a file with account records (2000)", "no account can be used")
            return
        detail = {kind: n for kind, n in self.skipped.items() if kind not in _MAIN and int(kind) >= 1000}
        if detail:
            named = ", ".join(f"{n} of type {kind}" for kind, n in sorted(detail.items()))
            yield _remark(f"records not read, whose amounts stand in the totals above them: {named}")
        yield from self._statements()
        first = next(iter(self.accounts.values()))
        first.places += self.apart
        for key, opened in self.accounts.items():
            alone = sum(statement == key[0] for statement, _ in self.accounts) == 1
            yield from _invoice(opened, self.statements[key[0]], self.system, alone)

    def _statements(self) -> Iterator[Item]:
        """Statement records go with their first account; a total that its accounts do not sum to is said."""
        for number, row in self.statements.items():
            mine = [opened for key, opened in self.accounts.items() if key[0] == number]
            if not mine:
                place = self.statement_places[number]
                yield Rejected(place, "Statement Number", number, "an account record (2000) of the statement")
                continue
            mine[0].places.append(self.statement_places[number])
            total = sum(opened.row["total"] for opened in mine)
            if row["total"] not in {None, total}:
                yield _remark(
                    f"statement {number}: its accounts sum to {to_text(total)}, its total is {to_text(row['total'])}"
                )
            if row["currency"] is None:
                yield _remark(f"statement {number} names no currency: USD is assumed")


def _remark(text: str) -> Issue:
    return Issue(severity="warning", message=text)


def _currency(cells: list[str]) -> str | None:
    return next((cell for cell in cells[12:] if cell in _CURRENCIES), None)


def _tied(row: Row) -> int | None:
    """The sign of the adjustments with which the parts sum to the total: -1 where credits are printed positive."""
    rest = sum(row[key] for key, _, _ in _PARTS if key != "adjustments")
    return next((turn for turn in (1, -1) if rest + turn * row["adjustments"] == row["total"]), None)


def _carrier_id(system: str) -> str:
    return "-".join("".join(c if c.isalnum() else " " for c in bare(system)).split()) or "oracle-ebilling"


def _invoice(opened: _Open, statement: Row, system: str | None, alone: bool) -> Iterator[Item]:
    row = opened.row
    day = statement["issued_on"] or statement["to"] or statement["from"]
    if day is None:
        for place in opened.places:
            yield Rejected(place, "Statement Date", None, "a statement with a date", "the statement has no date")
        return
    currency = statement["currency"] or "USD"
    bill = Bill(
        carrier_id=_carrier_id(system or ""),
        carrier_name=system or "Oracle E-Billing",
        account_number=row["account"],
        account_name=row["owner"] or statement["company"],
        number=row["statement"],
        currency=currency,
        issued_on=day,
        period_start=statement["from"],
        period_end=statement["to"],
        previous_balance=statement["previous"] if alone else None,
        payments=statement["payments"] if alone else None,
        total=row["total"],
        rows=opened.places,
    )
    untied = 0
    for service in opened.services:
        untied += _service(bill, service)
    if untied:
        yield _remark(f"invoice {bill.number}: {untied} service records do not sum to their total")
    yield from _rest(bill, opened)
    tally = Tally(currency)
    strange = sum(_use(bill, tally, use) for use in opened.uses)
    if strange:
        yield _remark(f"invoice {bill.number}: {strange} usage records have a unit that is not known, or no day")
    bill.usage = tally.usage(bill.period_start or day, bill.period_end or day)
    for number in tally.numbers():
        bill.lines.setdefault(number, BillLine(number))
    yield bill


def _service(bill: Bill, service: Row) -> int:
    """The charges of a service; 1 if its parts do not sum to its total."""
    turn = _tied(service)
    named = {"user name": service["owner"]} if service["owner"] else {}
    bill.lines.setdefault(service["number"], BillLine(service["number"], attributes=named))
    for key, category, title in _PARTS:
        amount = service[key] * (turn or 1) if key == "adjustments" else service[key]
        if amount:
            note = {"note": service["note"]} if service["note"] and key == "other" else {}
            bill.charges.append(_charge(service["number"], category, title, amount, note))
    return int(turn is None)


def _charge(number: str | None, category: str, title: str, amount: int, attributes: dict[str, str]) -> Row:
    if amount < 0 and category != "tax":
        category = "credit"
    return {
        "billed_number": number,
        "category": category,
        "description": title,
        "amount": amount,
        "attributes": attributes,
    }


def _rest(bill: Bill, opened: _Open) -> Iterator[Item]:
    """Charges of the account itself: what its record has beyond its services, part by part.

    Where a service record was set aside, the difference is that record's and stays open.
    """
    if opened.damaged:
        return
    turn = _tied(opened.row) or 1
    extra = 0
    for key, category, title in _PARTS:
        factor = turn if key == "adjustments" else 1
        inside = sum(row[key] * ((_tied(row) or 1) if key == "adjustments" else 1) for row in opened.services)
        amount = opened.row[key] * factor - inside
        if amount:
            bill.charges.append(_charge(None, category, f"{title} of the account", amount, {}))
            extra += amount
    if extra and opened.services:
        yield _remark(f"invoice {bill.number}: {to_text(extra)} of account {bill.account_number} is on no service")


def _use(bill: Bill, tally: Tally, use: Row) -> int:
    """Add one use; 1 if its unit is not known or it has no day. Its cost is in the service's usage charges."""
    unit = (use["unit"] or "").casefold()
    found = next(((kind, factor) for prefix, kind, factor in _UNITS if unit.startswith(prefix)), None)
    if found is None or use["quantity"] is None or use["quantity"] < 0 or use["day"] is None:
        return 1
    kind, factor = found
    quantity = use["quantity"] * factor
    words = bare(" ".join(filter(None, (use["name"], use["tariff"], use["call_type"], use["service_type"]))))
    zone = "home"
    for word, named in (("intern", "international"), ("intl", "international"), ("roam", "roaming")):
        zone = named if word in words else zone
    if "directory" in words or use["peer"] == "411":
        zone = "directory"
    tally.add(use["number"], kind, quantity, None, zone=zone)
    try:
        time = clock(use["time"] or "")
    except ValueError:
        time = None
    if time is not None:
        bill.events.append(
            event(
                use["number"],
                f"{use['day']}T{time}",
                kind,
                zone=zone,
                currency=tally.currency,
                quantity=quantity,
                cost=None,
                direction="in" if (use["direction"] or "").casefold().startswith(("in", "rec", "term")) else "out",
                peer=use["peer"],
                seconds=quantity * 60 if kind == "voice" else None,
            )
        )
    return 0
