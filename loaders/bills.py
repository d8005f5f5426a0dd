"""Carrier invoices: their account, invoice, charges, lines and usage become canonical rows, tied to the cent."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

from core.money import to_text
from core.queries import loading
from core.store import attributes_of
from loaders import dimensions, overlap, reissue
from loaders.batch import Batch, FileState
from loaders.contract import UNCONFIRMED, Bill, LineUsage, Named, Rejected
from loaders.facts import Facts
from loaders.names import ALL_DIGITS, ROUNDED, account_key, rounded
from loaders.reading.text import CHUNK_ROWS
from loaders.taxonomy import Taxonomy
from loaders.values import attributes_text

Row = dict[str, Any]
_KNOWN = "a number that an inventory names at this carrier"
_DEFAULT_UNITS = {"data": "MB", "voice": "min", "sms": "msg"}


#: Attribute of an invoice that has account totals only, no lines.
SUMMARY = "account totals only"


def is_summary(invoice: Row) -> bool:
    """Whether an invoice of the store came from a report of account totals."""
    return SUMMARY in attributes_of(invoice.get("attributes"))


def _invoice(bill: Bill, account: str, invoice_id: str) -> Row:
    return {
        "invoice_id": invoice_id,
        "account_id": account,
        "number": bill.number,
        "kind": bill.kind,
        "issued_on": bill.issued_on,
        "period_start": bill.period_start,
        "period_end": bill.period_end,
        "due_on": bill.due_on,
        "currency": bill.currency,
        "previous_balance": bill.previous_balance,
        "payments": bill.payments,
        "total": bill.total,
        "attributes": attributes_text(bill.attributes),
    }


class Bills:
    """Adds the bills of one batch."""

    def __init__(self, batch: Batch, facts: Facts) -> None:
        self.batch = batch
        self._file: FileState | None = None
        self.facts = facts
        self._items: dict[str, dict[str, str]] = {}
        self._taxonomy = Taxonomy.of(batch.txn)

    def apply(self, file: FileState, bill: Bill) -> None:
        """Add one bill; one with a rounded number, or that re-issues an older one with other content, is set aside."""
        self._file = file
        printed = {row.get("billed_number") or "" for row in bill.charges}
        damaged = next(filter(rounded, (bill.account_number, *bill.lines, *sorted(printed))), None)
        if damaged is not None:
            rows = (Rejected(row, "number", damaged, ALL_DIGITS, ROUNDED) for row in bill.source_rows)
            self.batch.reject(file, rows)
            return
        account = self._account(bill, bill.account_number)
        invoice_id = f"{account}:{bill.number}"
        old = self._older(account, bill.number, invoice_id)
        if bill.is_summary:
            bill.attributes = {**bill.attributes, SUMMARY: "yes"}
        invoice = _invoice(bill, account, invoice_id)
        if old is not None and old["batch_id"] != self.batch.batch_id and bill.is_summary != is_summary(old):
            if bill.is_summary:
                self._compare(file, bill, old)
                return
            reissue.replace(self.facts, old["invoice_id"], invoice_id)
            self.batch.warn(file, f"the account totals of invoice {bill.number} gave way to its detail")
        elif old is not None:
            if old["batch_id"] == self.batch.batch_id:
                self.batch.reject_rows(file, None, bill.source_rows, f"invoice {bill.number} stands twice in one file")
                return
            if self._same(old, invoice, chain.from_iterable(self._charges(bill, invoice_id))):
                self.batch.warn(file, f"invoice {bill.number} was already there")
                self.batch.loaded(file, len(bill.source_rows))
                return
            if not self.batch.supersede:
                self.batch.reject_rows(file, None, bill.source_rows, reissue.reason_of(old))
                return
            if bill.usage or bill.events:
                overlap.withdraw(self.batch, old)
            reissue.replace(self.facts, old["invoice_id"], invoice_id)
            self.batch.warn(file, f"replaced invoice {bill.number}")
        self.facts.insert_records("invoices", [invoice])
        self.facts.invoices()[invoice_id] = (account, bill.period_start or bill.issued_on, bill.currency)
        self.facts.touched[invoice_id] = file
        homeless = self._usage(file, bill, account)
        for charges in self._charges(bill, invoice_id):
            self._link(bill, account, charges)
            for row in charges:
                extra = homeless.pop(row.get("billed_number") or "", None)
                if extra:
                    given = json.loads(row["attributes"]) if row["attributes"] else {}
                    row["attributes"] = attributes_text({**given, **extra})
            self.facts.insert_records("charges", charges)
        self.batch.loaded(file, len(bill.source_rows))

    def apply_usage(self, file: FileState, use: LineUsage) -> None:
        """Add use without an invoice; the records of a line that stays unknown are set aside."""
        self._file = file
        damaged = next(filter(rounded, (use.account_number or "", *filter(None, use.rows_of))), None)
        if damaged is not None:
            self.batch.reject(file, (Rejected(row, "number", damaged, ALL_DIGITS, ROUNDED) for row in use.rows))
            return
        account = None if use.account_number is None else self._account(use, use.account_number)
        found: dict[tuple[str, str], str | None] = {}

        def service(number: str, day: str) -> str | None:
            if (number, day) not in found:
                found[number, day] = (
                    self.facts.matcher.by_number(use.carrier_id, number, day, use.country)
                    if account is None
                    else self._service(use, account, number, day)
                )
            return found[number, day]

        for row in use.usage:
            row["service_id"] = service(row["billed_number"], row.get("period_start") or f"{row['month']}-01")
        for row in use.events:
            row["service_id"] = service(row["billed_number"], row["started_at"][:10])
        known = {number for (number, _), ident in found.items() if ident}
        usage = [row for row in use.usage if row["service_id"]]
        events = [row for row in use.events if row["service_id"]]
        told: dict[str, str] = {}
        if not use.events:
            usage, told = overlap.reissued(self.batch, usage)
        self.facts.insert_records("usage", usage)
        self.facts.insert_records("usage_events", events)
        self.facts.called |= {row["service_id"] for row in events}
        aside = [
            Rejected(record, "number", number, None, told[number], "usage")
            if number in told
            else Rejected(record, "number", number, _KNOWN, "the number is unknown", "usage")
            for number, records in use.rows_of.items()
            if number is not None and (number in told or number not in known)
            for record in records
        ]
        self.batch.loaded(file, len(use.rows) - len(aside))
        self.batch.reject(file, sorted(aside, key=lambda item: item.row.line))

    def _compare(self, file: FileState, bill: Bill, old: Row) -> None:
        """A summary of an invoice that is loaded in detail: nothing is added, a difference is said."""
        if old["total"] != bill.total:
            said = f"{to_text(bill.total)}, the loaded bill {to_text(old['total'])}"
            self.batch.warn(file, f"invoice {bill.number}: the report says {said}; the bill holds")
        self.batch.loaded(file, len(bill.source_rows))

    def _account(self, bill: Bill | LineUsage, number: str) -> str:
        matcher = self.facts.matcher
        carriers = self.facts.links.index("carrier")
        if bill.carrier_id not in carriers:
            bill.carrier_id = carriers.find(bill.carrier_name) or bill.carrier_id
        wanted = account_key(number)
        for account, row in sorted(matcher.accounts.items()):
            if row["carrier_id"] == bill.carrier_id and row["number"] and account_key(row["number"]) == wanted:
                return account
        if isinstance(bill, Bill) and bill.carrier_is_named and (known := self._by_number(bill, wanted)):
            return known
        if bill.carrier_id not in carriers:
            row = {"carrier_id": bill.carrier_id, "name": bill.carrier_name, "country": bill.country}
            dimensions.insert(self.batch, "carriers", [row])
            carriers.learn(row)
        account = f"{bill.carrier_id}:{number}"
        new = {
            "account_id": account,
            "carrier_id": bill.carrier_id,
            "number": number,
            "name": bill.account_name,
            "currency": bill.currency,
            "country": bill.country,
            "attributes": attributes_text(UNCONFIRMED),
        }
        dimensions.insert(self.batch, "accounts", [new])
        self.batch.dimensions_changed = True
        matcher.accounts[account] = new
        return account

    def _by_number(self, bill: Bill, wanted: str) -> str | None:
        """The one account with this number whose carrier is named like the printed name, else the one with it at all.

        Sets the bill's carrier to that account's, else to the one carrier that is named like that.
        """
        carriers = self.facts.links.index("carrier")
        named = carriers.named_like(bill.carrier_name)
        accounts = self.facts.matcher.accounts
        found = [a for a, row in sorted(accounts.items()) if row["number"] and account_key(row["number"]) == wanted]
        best = [account for account in found if accounts[account]["carrier_id"] in named] or found
        if len(best) == 1:
            bill.carrier_id = accounts[best[0]]["carrier_id"]
            return best[0]
        if bill.carrier_id not in carriers and len(named) == 1:
            bill.carrier_id = min(named)
        return None

    def _older(self, account: str, number: str, invoice_id: str) -> Row | None:
        found = loading.invoices_by_number(self.batch.txn, {(account, number)})
        found += loading.rows_by(self.batch.txn, "invoices", "invoice_id", {invoice_id})
        return found[0] if found else None

    def _charges(self, bill: Bill, invoice_id: str) -> Iterator[list[Row]]:
        """Rows of `charges`, some at a time."""
        charges = []
        for index, given in enumerate(bill.all_charges, 1):
            row = {"period_start": bill.period_start, "period_end": bill.period_end, **given}
            row["category"] = self._taxonomy.category(bill.carrier_id, row.get("category"), row)
            row.pop("section", None)
            row["charge_id"] = f"{invoice_id}:{index}"
            row["invoice_id"] = invoice_id
            row["attributes"] = attributes_text(given.get("attributes") or {})
            if row.get("item_code") is None and row.get("description"):
                row["item_code"] = self._item_code(bill.carrier_id, row["description"])
            charges.append(row)
            if len(charges) >= CHUNK_ROWS:
                yield charges
                charges = []
        yield charges

    def _item_code(self, carrier: str, description: str) -> str:
        """The code of the carrier's item or plan with this description, else the description itself."""
        if carrier not in self._items:
            codes: dict[str, str] = {}
            for row in loading.rows_by(self.batch.txn, "plans", "carrier_id", {carrier}):
                if row["name"] and not row["offer_id"]:
                    codes[row["name"].casefold()] = row["item_code"] or row["plan_id"]
            for row in loading.rows_by(self.batch.txn, "items", "carrier_id", {carrier}):
                if row["description"]:
                    codes[row["description"].casefold()] = row["item_code"]
                codes[row["item_code"].casefold()] = row["item_code"]
            self._items[carrier] = codes
        return self._items[carrier].get(description.casefold(), description)

    def _same(self, old: Row, invoice: Row, charges: Iterable[Row]) -> bool:
        skip = {"service_id", "charge_id", "invoice_id", "batch_id", "item_code", "attributes", "line"}

        def facts(row: Row) -> str:
            return json.dumps({n: v for n, v in sorted(row.items()) if n not in skip and v is not None})

        head = {"issued_on", "period_start", "period_end", "due_on", "total", "previous_balance", "payments"}
        if any(old.get(name) != invoice.get(name) for name in head):
            return False
        stored = loading.rows_by(self.batch.txn, "charges", "invoice_id", {old["invoice_id"]})
        return sorted(map(facts, stored)) == sorted(map(facts, charges))

    def _link(self, bill: Bill, account: str, charges: list[Row]) -> None:
        """Give each charge its service; create the bill's lines where no inventory names services of the account."""
        for row in charges:
            number, day = row.get("billed_number"), row.get("period_start")
            line = row.pop("line", None)
            if line is not None and number is not None:
                row["service_id"] = self.facts.matcher.in_account(account, number, day)
            key = line or number
            if row.get("service_id") is None and key in bill.lines:
                row["service_id"] = self._service(bill, account, str(key), day)

    def _service(self, bill: Bill | LineUsage, account: str, number: str, day: str | None) -> str | None:
        matcher = self.facts.matcher
        service = matcher.in_account(account, number, day)
        line = bill.lines.get(number)
        if service is None and line is not None and matcher.may_create(account):
            given: Row = {"kind": line.kind, "device_kind": line.device_kind, "attributes": line.attributes}
            if line.cost_center and self._file:
                named = Named("cost_center", (line.cost_center,))
                given["cost_center_id"] = self.facts.links.resolve(self._file, named)
            service = matcher.create(account, number, **given)
        return service

    def _usage(self, file: FileState, bill: Bill, account: str) -> dict[str, dict[str, str]]:
        """Usage of known lines; that of a line which no inventory names is returned, to stay with its first charge."""
        usage, events = [], []
        homeless: dict[str, dict[str, str]] = {}
        for row in bill.usage:
            number = row["billed_number"]
            service = self._service(bill, account, number, row.get("period_start"))
            if service is None:
                name = f"used {row.get('zone') or 'home'} {row['usage_type']} {_DEFAULT_UNITS[row['usage_type']]}"
                homeless.setdefault(number, {})[name] = to_text(row["quantity"], 0)
                continue
            row["service_id"] = service
            usage.append(row)
        for row in bill.events:
            service = self._service(bill, account, row["billed_number"], row["started_at"][:10])
            if service is not None:
                row["service_id"] = service
                events.append(row)
        overlap.give_way(self.batch, file, usage)
        self.facts.insert_records("usage", usage)
        self.facts.insert_records("usage_events", events)
        unnamed = {number for number in bill.lines if self._service(bill, account, number, bill.period_start) is None}
        if unnamed:
            numbers = "1 billed number" if len(unnamed) == 1 else f"{len(unnamed)} billed numbers"
            self.batch.warn(
                file,
                f"no inventory has {numbers} of account {bill.account_number}: "
                f"their charges stay without a service (first: {min(unnamed)})",
            )
        return homeless
