"""What a carrier's line report says of a line's month: compared with the bill; its use is taken where there is none."""

from __future__ import annotations

from typing import Any

from core.money import to_text
from core.queries import loading
from loaders import overlap
from loaders.batch import Batch, FileState
from loaders.contract import LineReport
from loaders.facts import Facts
from loaders.names import account_key

Row = dict[str, Any]


class LineReports:
    """Collects the line reports of one file."""

    def __init__(self, batch: Batch, facts: Facts) -> None:
        self.batch = batch
        self.facts = facts
        self._items: list[LineReport] = []

    def add(self, item: LineReport) -> None:
        """Keep one until the file is read to its end: the lines it names come with the same file."""
        self._items.append(item)

    def finish(self, file: FileState) -> None:
        """Add use that no bill gave; say where the report's money or use differs from what is loaded."""
        items, self._items = self._items, []
        if not items:
            return
        matcher = self.facts.matcher
        known: list[tuple[LineReport, str]] = []
        for item in items:
            service = matcher.by_number(item.carrier_id, item.number, item.period_end, "US")
            if service is not None:
                known.append((item, service))
        services = {service for _, service in known}
        use = overlap.use_of(self.batch.txn, services)
        fresh: list[Row] = []
        other_use: list[str] = []
        for item, service in known:
            for row in item.usage:
                rows = use.get(overlap.use_key({**row, "service_id": service}), [])
                stored = sum(int(old["quantity"]) for old in rows)
                if not rows:
                    dates = {"period_start": item.period_start, "period_end": item.period_end}
                    fresh.append({**row, **dates, "service_id": service})
                elif stored != row["quantity"]:
                    what = f"{row['usage_type']} {to_text(row['quantity'], 0)}, loaded {to_text(stored, 0)}"
                    other_use.append(f"{item.number}: {what} {row['unit']}")
        self.facts.insert_records("usage", fresh)
        self._tell(file, other_use, "use differs from what is loaded, which stays")
        self._tell(file, self._other_money(known, services), "money differs from the bill, which holds")

    def _other_money(self, known: list[tuple[LineReport, str]], services: set[str]) -> list[str]:
        accounts = {account_key(row["number"] or ""): ident for ident, row in self.facts.matcher.accounts.items()}
        invoices = {
            (row["account_id"], row["period_end"]): row["invoice_id"]
            for row in loading.rows_by(self.batch.txn, "invoices", "account_id", set(accounts.values()))
        }
        sums: dict[tuple[str, str], int] = {}
        for charge in loading.rows_by(self.batch.txn, "charges", "service_id", services):
            key = (charge["service_id"], charge["invoice_id"])
            sums[key] = sums.get(key, 0) + int(charge["amount"])
        found = []
        for item, service in known:
            invoice = invoices.get((accounts.get(account_key(item.account_number)), item.period_end))
            billed = sums.get((service, invoice or ""))
            if item.total is not None and billed is not None and billed != item.total:
                found.append(f"{item.number}: {to_text(item.total)}, billed {to_text(billed)}")
        return found

    def _tell(self, file: FileState, found: list[str], what: str) -> None:
        if found:
            lines = "1 line" if len(found) == 1 else f"{len(found)} lines"
            self.batch.warn(file, f"{lines} whose {what} (first: {found[0]})")
