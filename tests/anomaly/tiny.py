"""A tiny organization for tests: one carrier, one plan, a few lines; each test adds the facts it is about."""

from __future__ import annotations

from typing import Any

from core import rollups
from core.money import parse_micros
from core.schema import TABLES
from core.store import Store

Rows = dict[str, list[dict[str, Any]]]


def base(lines: int = 3, **overrides: Any) -> Rows:
    """Carrier C, account A (USD), plan P at 30.00; mobile lines L0.. held by E0.., active since 2025."""
    return {
        "carriers": [{"carrier_id": "C", "name": "Carrier"}],
        "accounts": [{"account_id": "A", "carrier_id": "C", "currency": "USD"}],
        "plans": [{"plan_id": "P", "carrier_id": "C", "mrc": "30", "currency": "USD", "service_kind": "mobile"}],
        "employees": [{"employee_id": f"E{n}", "role": "sales", "status": "active"} for n in range(lines)],
        "services": [
            {
                "service_id": f"L{n}",
                "kind": "mobile",
                "device_kind": "phone",
                "carrier_id": "C",
                "account_id": "A",
                "plan_id": "P",
                "employee_id": f"E{n}",
                "status": "active",
                "activated_on": "2025-01-01",
                **overrides,
            }
            for n in range(lines)
        ],
        "usage": [],
    }


def use(
    line: str, month: str, quantity: str = "100", *, kind: str = "data", zone: str | None = None, **more: Any
) -> dict[str, Any]:
    """One usage row."""
    unit = {"data": "MB", "voice": "min", "sms": "msg"}[kind]
    row = {"service_id": line, "month": month, "usage_type": kind, "zone": zone, "quantity": quantity, "unit": unit}
    return row | {"cost": "0", "currency": "USD"} | more


def write(store: Store, rows: Rows) -> Store:
    """Put rows into an empty store; numbers are written as decimal text."""
    with store.transaction() as txn:
        for name in TABLES:
            if rows.get(name):
                micro = {c.name for c in TABLES[name].c if c.info["kind"] == "micro"}
                listed = [{k: _value(k, v, micro) for k, v in row.items()} for row in rows[name]]
                names = list(dict.fromkeys(key for row in listed for key in row))
                txn.append_tuples(name, names, [tuple(row.get(key) for key in names) for row in listed])
        rollups.refresh(txn)
    return store


def _value(name: str, value: Any, micro: set[str]) -> Any:
    return parse_micros(str(value)) if name in micro and value is not None else value
