"""Rollups equal the facts, whatever was loaded."""

from __future__ import annotations

import random

from core import rollups
from core.queries import spend
from core.store import Store


def fill(store: Store, seed: int = 1) -> None:
    draw = random.Random(seed)
    with store.transaction() as txn:
        txn.append(
            "accounts",
            [{"account_id": f"a{n}", "carrier_id": f"k{n % 2}", "currency": ["USD", "EUR"][n % 2]} for n in range(3)],
        )
        txn.append("employees", [{"employee_id": "e", "cost_center_id": "cc-holder", "site_id": "s"}])
        txn.append(
            "services",
            [
                {"service_id": "s0", "kind": "mobile", "cost_center_id": "cc0"},
                {"service_id": "s1", "kind": "iot", "employee_id": "e"},
            ],
        )
        txn.append(
            "service_history",
            [
                {"service_id": "s0", "valid_from": "2026-01-01", "valid_to": "2026-02-01", "cost_center_id": "cc-old"},
                {"service_id": "s0", "valid_from": "2026-02-01", "cost_center_id": "cc0"},
            ],
        )
        txn.append(
            "invoices",
            [
                {"invoice_id": f"i{n}", "account_id": f"a{n % 3}", "period_start": f"2026-0{n % 3 + 1}-01", "total": 0}
                for n in range(9)
            ],
        )
        txn.append(
            "charges",
            [
                {
                    "charge_id": f"c{n}",
                    "invoice_id": f"i{n % 9}",
                    "service_id": draw.choice(["s0", "s1", None, "unknown"]),
                    "category": draw.choice(["mrc", "usage", "tax", "credit"]),
                    "amount": draw.randint(-(10**9), 10**9),
                    "period_start": f"2026-0{n % 9 % 3 + 1}-01" if n % 2 else None,
                }
                for n in range(200)
            ],
        )
        txn.append(
            "usage",
            [
                {
                    "service_id": "s1",
                    "month": "2026-03",
                    "usage_type": "data",
                    "zone": "roaming",
                    "quantity": 7,
                    "cost": 5,
                }
            ],
        )
        rollups.refresh(txn)


def test_rollups_tie_to_the_facts(store: Store) -> None:
    fill(store)
    assert rollups.check(store) == []
    frame = store.frame("charges")
    assert spend.spend(store, ["month"])["amount"].sum() == frame["amount"].sum()
    assert spend.spend(store, ["month"])["charges"].sum() == len(frame)
    assert spend.months(store) == ["2026-01", "2026-02", "2026-03"]
    lines = store.frame("line_months")
    assert lines["total"].sum() == frame.loc[frame["service_id"].notna(), "amount"].sum()
    assert (lines["mrc"] + lines["usage_charges"] + lines["other_charges"] == lines["total"]).all()
    roaming = lines.set_index(["service_id", "month"]).loc[("s1", "2026-03")]
    assert (roaming["data_mb"], roaming["roaming_data_mb"], roaming["roaming_cost"]) == (7, 7, 5)


def test_the_cost_center_is_that_of_the_day_else_of_the_holder(store: Store) -> None:
    fill(store)
    by_center = spend.spend(store, ["month", "cost_center_id", "kind"])
    assert set(by_center.loc[by_center["kind"] == "iot", "cost_center_id"]) == {"cc-holder"}
    mobile = by_center[by_center["kind"] == "mobile"].set_index("month")["cost_center_id"]
    assert mobile["2026-01"] == "cc-old"
    assert mobile["2026-02"] == "cc0"


def test_refreshing_a_month_equals_refreshing_all(store: Store) -> None:
    fill(store)
    with store.transaction() as txn:
        txn.append(
            "charges",
            [{"charge_id": "late", "invoice_id": "i1", "category": "occ", "amount": 99, "period_start": "2026-02-03"}],
        )
        rollups.refresh(txn, ["2026-02"])
    part = store.frame("spend_months").drop(columns="row_id")
    with store.transaction() as txn:
        rollups.refresh(txn)
    whole = store.frame("spend_months").drop(columns="row_id")
    order = list(part.columns)
    assert part.sort_values(order, ignore_index=True).equals(whole.sort_values(order, ignore_index=True))
    assert rollups.check(store) == []


def test_a_stale_rollup_is_named(store: Store) -> None:
    fill(store)
    with store.transaction() as txn:
        txn.update("charges", {"charge_id": "c1"}, {"amount": 12_345})
    assert any("2026-" in problem for problem in rollups.check(store))


def test_invoices_say_whether_they_balance(store: Store) -> None:
    with store.transaction() as txn:
        txn.append("invoices", [{"invoice_id": "i", "account_id": "a", "total": 300, "period_start": "2026-01-01"}])
        txn.append("charges", [{"charge_id": c, "invoice_id": "i", "category": "mrc", "amount": 100} for c in "xyz"])
        txn.append("invoices", [{"invoice_id": "j", "account_id": "a", "total": 1, "period_start": "2026-02-01"}])
    invoices = spend.invoice_list(store).set_index("invoice_id")
    assert invoices["balanced"].to_dict() == {"i": True, "j": False}
    assert invoices.loc["i", "charges_total"] == 300
