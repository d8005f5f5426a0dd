"""A tiny clean organization to spoil: one carrier, one account, lines billed and used every month."""

from __future__ import annotations

from typing import Any

import audit
from core import periods, rollups
from core.findings import Finding
from core.money import parse_micros
from core.schema import CANONICAL, MICRO_COLUMNS
from core.store import Store


def micros(table: str, row: dict[str, Any]) -> dict[str, Any]:
    """`row` with its money and quantities, given as text, in micros."""
    return {k: parse_micros(str(v)) if k in MICRO_COLUMNS[table] and v is not None else v for k, v in row.items()}


class Books:
    """Rows by canonical table; `clean()` fills them with months of correct bills."""

    def __init__(self) -> None:
        self.rows: dict[str, list[dict[str, Any]]] = {name: [] for name in CANONICAL}
        self.charges_made = 0

    def add(self, table: str, **row: Any) -> dict[str, Any]:
        self.rows[table].append(row)
        return row

    def find(self, table: str, **key: Any) -> dict[str, Any]:
        return next(r for r in self.rows[table] if all(r.get(k) == v for k, v in key.items()))

    def drop(self, table: str, **key: Any) -> None:
        self.rows[table] = [r for r in self.rows[table] if not all(r.get(k) == v for k, v in key.items())]

    def clean(
        self, first: str = "2026-01", last: str = "2026-06", lines: int = 3, mrc: str = "30.00", plan: str = "P1"
    ) -> Books:
        self.add("carriers", carrier_id="acme", name="Acme", country="US")
        self.add(
            "accounts",
            account_id="A1",
            carrier_id="acme",
            number="BAN-1",
            currency="USD",
            country="US",
            cadence="monthly",
            bill_day=28,
        )
        self.add("accounts", account_id="A2", carrier_id="acme", number="BAN-2", currency="USD", country="US")
        self.add(
            "contracts",
            contract_id="K1",
            carrier_id="acme",
            currency="USD",
            start_date="2025-01-01",
            initial_term_months=36,
            renewal_type="tacit",
            renewal_term_months=12,
            notice_days=60,
            dispute_window_days=90,
            withhold_window_days=30,
        )
        self.add(
            "plans", plan_id="P1", carrier_id="acme", service_kind="mobile", mrc=mrc, currency="USD", data_mb="5000"
        )
        self.add(
            "contract_rates",
            contract_id="K1",
            item_code="P1",
            category="mrc",
            unit="month",
            rate=mrc,
            list_rate="40.00",
        )
        self.add("items", carrier_id="acme", item_code="P1", category="mrc", nature="access")
        self.add("sites", site_id="HQ", name="HQ", country="US")
        self.add("cost_centers", cost_center_id="CC1", name="One")
        for number in range(1, lines + 1):
            self.add("employees", employee_id=f"E{number}", name=f"E{number}", cost_center_id="CC1", status="active")
            self.line(f"S{number}", employee_id=f"E{number}", plan_id=plan)
        for month in periods.months_between(first, last):
            self.invoice("A1", month)
            for number in range(1, lines + 1):
                self.bill(f"S{number}", month, mrc, item_code=plan)
                self.use(f"S{number}", month)
        return self

    def line(self, service_id: str, **row: Any) -> dict[str, Any]:
        base = {
            "service_id": service_id,
            "kind": "mobile",
            "device_kind": "phone",
            "purpose": "person",
            "number": f"555{service_id}",
            "carrier_id": "acme",
            "account_id": "A1",
            "contract_id": "K1",
            "plan_id": "P1",
            "cost_center_id": "CC1",
            "site_id": "HQ",
            "status": "active",
            "activated_on": "2024-01-01",
        }
        return self.add("services", **{**base, **row})

    def history(self, service_id: str, *spans: dict[str, Any]) -> None:
        """Spans of a service: each its valid_from and what differs from the services row; contiguous."""
        base = self.find("services", service_id=service_id)
        names = ("account_id", "contract_id", "plan_id", "employee_id", "cost_center_id", "site_id", "number", "status")
        for index, span in enumerate(spans):
            until = spans[index + 1]["valid_from"] if index + 1 < len(spans) else None
            self.add(
                "service_history",
                **{**{n: base.get(n) for n in names}, "service_id": service_id, "valid_to": until, **span},
            )

    def invoice(self, account_id: str, month: str, **row: Any) -> dict[str, Any]:
        base = {
            "invoice_id": f"{account_id}-{month}",
            "account_id": account_id,
            "number": f"N{account_id}{month}",
            "kind": "invoice",
            "issued_on": f"{month}-28",
            "period_start": f"{month}-01",
            "period_end": periods.month_end(month),
            "due_on": periods.add_days(f"{month}-28", 30),
            "currency": "USD",
            "total": None,
        }
        return self.add("invoices", **{**base, **row})

    def bill(self, service_id: str | None, month: str, amount: str, **row: Any) -> dict[str, Any]:
        service = next((s for s in self.rows["services"] if s["service_id"] == service_id), None)
        base = {
            "charge_id": self.next_charge(),
            "invoice_id": f"A1-{month}",
            "service_id": service_id,
            "billed_number": service["number"] if service else None,
            "category": "mrc",
            "item_code": "P1",
            "description": "Plan",
            "quantity": "1",
            "unit": "month",
            "unit_rate": amount,
            "amount": amount,
            "period_start": f"{month}-01",
            "period_end": periods.month_end(month),
        }
        return self.add("charges", **{**base, **row})

    def next_charge(self) -> str:
        self.charges_made += 1
        return f"C{self.charges_made:04d}"

    def use(self, service_id: str, month: str, quantity: str = "3000", **row: Any) -> dict[str, Any]:
        base = {
            "service_id": service_id,
            "month": month,
            "usage_type": "data",
            "zone": "home",
            "quantity": quantity,
            "unit": "MB",
            "cost": "0",
        }
        return self.add("usage", **{**base, **row})

    def charge(self, service_id: str, month: str, **key: Any) -> dict[str, Any]:
        return next(
            c
            for c in self.rows["charges"]
            if c["service_id"] == service_id
            and c["period_start"][:7] == month
            and all(c.get(k) == v for k, v in key.items())
        )

    def save(self, store: Store) -> Store:
        totals: dict[str, int] = {}
        for row in self.rows["charges"]:
            totals[row["invoice_id"]] = totals.get(row["invoice_id"], 0) + parse_micros(str(row["amount"]))
        with store.transaction() as txn:
            for table, rows in self.rows.items():
                made = [micros(table, r) for r in rows]
                if table == "invoices":
                    made = [
                        {**r, "total": totals.get(r["invoice_id"], 0) if r["total"] is None else r["total"]}
                        for r in made
                    ]
                names = sorted({n for r in made for n in r})
                txn.append_tuples(table, names, [tuple(r.get(n) for n in names) for r in made])
            rollups.refresh(txn)
        return store


def found(store: Store, rule: str | None = None, **options: Any) -> list[Finding]:
    """Findings of one rule (all without)."""
    return [f for f in audit.run(store, **options) if rule is None or f.rule == rule]


def short(items: list[Finding]) -> list[tuple[str, str, str, str]]:
    """(rule, subject, month, amount) of findings, for comparing."""
    from core.money import to_text

    return [(f.rule, f.subject_id, f.month, to_text(f.amount_at_stake)) for f in items]
