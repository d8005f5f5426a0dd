"""Carrier invoices: their account, invoice, charges, lines and usage become canonical rows, tied to the cent."""

from __future__ import annotations

import json
from typing import Any

from core.money import to_text
from core.queries import loading
from loaders import dimensions, reissue
from loaders.batch import Batch, FileState
from loaders.contract import Bill, LineUsage, Rejected
from loaders.facts import Facts
from loaders.matching import UNCONFIRMED
from loaders.taxonomy import Taxonomy
from loaders.values import attributes_text

Row = dict[str, Any]
_KNOWN = "a number that an inventory names at this carrier"
_DEFAULT_UNITS = {"data": "MB", "voice": "min", "sms": "msg"}


def account_key(number: str) -> str:
    """Account numbers compared without dashes and blanks."""
    return "".join(c for c in number.casefold() if c.isalnum())


class Bills:
    """Adds the bills of one batch."""

    def __init__(self, batch: Batch, facts: Facts) -> None:
        self.batch = batch
        self.facts = facts
        self._items: dict[str, dict[str, str]] = {}
        self._taxonomy = Taxonomy.of(batch.txn)

    def apply(self, file: FileState, bill: Bill) -> None:
        """Add one bill, or set it aside as a whole where it re-issues an older one with other content."""
        account = self._account(bill)
        invoice_id = f"{account}:{bill.number}"
        old = self._older(account, bill.number, invoice_id)
        invoice, charges = self._rows(bill, account, invoice_id)
        if old is not None:
            if old["batch_id"] == self.batch.batch_id:
                self.batch.reject_rows(file, None, bill.rows, f"invoice {bill.number} stands twice in one file")
                return
            if self._same(old, invoice, charges):
                self.batch.warn(file, f"invoice {bill.number} was already there")
                self.batch.loaded(file, len(bill.rows))
                return
            if not self.batch.supersede:
                self.batch.reject_rows(file, None, bill.rows, reissue.reason_of(old))
                return
            self._withdraw_usage(old)
            reissue.replace(self.facts, old["invoice_id"], invoice_id)
            self.batch.warn(file, f"replaced invoice {bill.number}")
        self._link(bill, account, charges)
        self.facts.insert_records("invoices", [invoice])
        self.facts.invoices()[invoice_id] = (account, bill.period_start or bill.issued_on, bill.currency)
        self.facts.touched[invoice_id] = file
        self._usage(file, bill, account, charges)
        self.facts.insert_records("charges", charges)
        self.batch.loaded(file, len(bill.rows))

    def usage(self, file: FileState, item: LineUsage) -> None:
        """Add usage by number; of a number that no inventory names it is set aside."""
        found: list[Row] = []
        unknown: list[Rejected] = []
        for row in item.rows:
            day = f"{row.usage[0]['month']}-01"
            service = self.facts.matcher.by_number(row.carrier_id, row.number, day, row.country)
            if service is None:
                unknown.append(Rejected(row.place, "number", row.number, _KNOWN, "the number is unknown", "usage"))
            else:
                found += [{**used, "service_id": service} for used in row.usage]
        self.facts.insert_records("usage", found)
        self.batch.loaded(file, len(item.rows) - len(unknown))
        self.batch.reject(file, unknown)

    def _account(self, bill: Bill) -> str:
        matcher = self.facts.matcher
        wanted = account_key(bill.account_number)
        for account, row in sorted(matcher.accounts.items()):
            if row["carrier_id"] == bill.carrier_id and row["number"] and account_key(row["number"]) == wanted:
                return account
        txn = self.batch.txn
        if bill.carrier_id not in loading.known(txn, "carriers", "carrier_id"):
            row = {"carrier_id": bill.carrier_id, "name": bill.carrier_name, "country": bill.country}
            dimensions.insert(self.batch, "carriers", [row])
        account = f"{bill.carrier_id}:{bill.account_number}"
        new = {
            "account_id": account,
            "carrier_id": bill.carrier_id,
            "number": bill.account_number,
            "name": bill.account_name,
            "currency": bill.currency,
            "country": bill.country,
            "attributes": attributes_text(UNCONFIRMED),
        }
        dimensions.insert(self.batch, "accounts", [new])
        self.batch.dimensions_changed = True
        matcher.accounts[account] = new
        return account

    def _older(self, account: str, number: str, invoice_id: str) -> Row | None:
        found = loading.invoices_by_number(self.batch.txn, {(account, number)})
        found += loading.rows_by(self.batch.txn, "invoices", "invoice_id", {invoice_id})
        return found[0] if found else None

    def _rows(self, bill: Bill, account: str, invoice_id: str) -> tuple[Row, list[Row]]:
        invoice = {
            "invoice_id": invoice_id,
            "account_id": account,
            "number": bill.number,
            "kind": "invoice",
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
        charges = []
        for index, given in enumerate(bill.charges, 1):
            row = {"period_start": bill.period_start, "period_end": bill.period_end, **given}
            row["category"] = self._taxonomy.category(bill.carrier_id, row.get("category"), row)
            row.pop("section", None)
            row["charge_id"] = f"{invoice_id}:{index}"
            row["invoice_id"] = invoice_id
            row["attributes"] = attributes_text(given.get("attributes") or {})
            if row.get("item_code") is None and row.get("description"):
                row["item_code"] = self._item_code(bill.carrier_id, row["description"])
            charges.append(row)
        return invoice, charges

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

    def _same(self, old: Row, invoice: Row, charges: list[Row]) -> bool:
        stored = loading.rows_by(self.batch.txn, "charges", "invoice_id", {old["invoice_id"]})
        skip = {"service_id", "charge_id", "invoice_id", "batch_id", "item_code", "attributes"}

        def facts(row: Row) -> str:
            return json.dumps({n: v for n, v in sorted(row.items()) if n not in skip and v is not None})

        head = {"issued_on", "period_start", "period_end", "due_on", "total", "previous_balance", "payments"}
        if any(old.get(name) != invoice.get(name) for name in head):
            return False
        return sorted(map(facts, stored)) == sorted(map(facts, charges))

    def _link(self, bill: Bill, account: str, charges: list[Row]) -> None:
        """Give each charge its service; create the bill's lines where no inventory names services of the account."""
        for row in charges:
            number = row.get("billed_number")
            if number in bill.lines:
                row["service_id"] = self._service(bill, account, str(number), row.get("period_start"))

    def _service(self, bill: Bill, account: str, number: str, day: str | None) -> str | None:
        matcher = self.facts.matcher
        service = matcher.in_account(account, number, day)
        line = bill.lines.get(number)
        if service is None and line is not None and matcher.may_create(account):
            service = matcher.create(
                account, number, kind=line.kind, device_kind=line.device_kind, attributes=line.attributes
            )
        return service

    def _usage(self, file: FileState, bill: Bill, account: str, charges: list[Row]) -> None:
        """Usage of known lines; of a line that no inventory names it stays with its first charge, as attributes."""
        usage, events = [], []
        homeless: dict[str, dict[str, str]] = {}
        for row in bill.usage:
            number = row["billed_number"]
            service = self._service(bill, account, number, row.get("period_start"))
            if service is None:
                name = f"used {row.get('zone') or 'home'} {row['usage_type']} {_DEFAULT_UNITS[row['usage_type']]}"
                homeless.setdefault(number, {})[name] = to_text(row["quantity"], 0)
                continue
            usage.append({**_without_number(row), "service_id": service})
        for row in bill.events:
            service = self._service(bill, account, row["billed_number"], row["started_at"][:10])
            if service is not None:
                events.append({**_without_number(row), "service_id": service})
        self.facts.insert_records("usage", usage)
        self.facts.insert_records("usage_events", events)
        for row in charges:
            extra = homeless.pop(row.get("billed_number") or "", None)
            if extra:
                given = json.loads(row["attributes"]) if row["attributes"] else {}
                row["attributes"] = attributes_text({**given, **extra})
        unnamed = {number for number in bill.lines if self._service(bill, account, number, bill.period_start) is None}
        if unnamed:
            self.batch.warn(
                file,
                f"{len(unnamed)} billed numbers of account {bill.account_number} are in no inventory: "
                f"their charges stay without a service (first: {min(unnamed)})",
            )

    def _withdraw_usage(self, old: Row) -> None:
        """The usage that came with an invoice that is replaced goes with it."""
        charges = loading.rows_by(self.batch.txn, "charges", "invoice_id", {old["invoice_id"]})
        services = {row["service_id"] for row in charges if row["service_id"]}
        for row in loading.rows_by(self.batch.txn, "usage", "service_id", services):
            if row["batch_id"] == old["batch_id"] and row["period_start"] == old["period_start"]:
                self.batch.keep_history("usage", str(row["row_id"]), row)
                self.batch.months.add(row["month"])
                self.batch.txn.delete("usage", {"row_id": row["row_id"]})


def _without_number(row: Row) -> Row:
    return {name: value for name, value in row.items() if name != "billed_number"}
