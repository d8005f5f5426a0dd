"""The state of a service on a day."""

from __future__ import annotations

from core import inventory
from core.store import Store


def fill(store: Store) -> None:
    with store.transaction() as txn:
        txn.append(
            "services",
            [
                {"service_id": "told", "kind": "mobile", "carrier_id": "a", "plan_id": "new", "status": "active"},
                {
                    "service_id": "plain",
                    "kind": "iot",
                    "plan_id": "p",
                    "status": "active",
                    "activated_on": "2026-02-10",
                },
                {
                    "service_id": "ended",
                    "kind": "mobile",
                    "status": "disconnected",
                    "activated_on": "2026-01-01",
                    "disconnected_on": "2026-03-01",
                },
                {"service_id": "undated", "kind": "mobile", "status": "disconnected"},
                {"service_id": "ordered", "kind": "mobile", "status": "ordered"},
            ],
        )
        txn.append(
            "service_history",
            [
                {
                    "service_id": "told",
                    "valid_from": "2026-01-01",
                    "valid_to": "2026-02-15",
                    "plan_id": "old",
                    "status": "active",
                },
                {"service_id": "told", "valid_from": "2026-02-15", "plan_id": "new", "status": "suspended"},
            ],
        )


def test_history_holds_where_there_is_one(store: Store) -> None:
    fill(store)
    spans = inventory.service_spans(store)
    by_day = {
        day: inventory.state_on(spans, day).set_index("service_id")["plan_id"] for day in ("2026-02-14", "2026-02-15")
    }
    assert by_day["2026-02-14"]["told"] == "old"
    assert by_day["2026-02-15"]["told"] == "new"
    assert by_day["2026-02-14"]["plain"] == "p"
    purposes = spans.drop_duplicates("service_id").set_index("service_id")["purpose"]
    assert purposes[["told", "plain"]].tolist() == ["person", "m2m"]


def test_active_months_run_from_activation_to_disconnection(store: Store) -> None:
    fill(store)
    months = inventory.service_months(store, "2026-01", "2026-04")
    by_service = months.groupby("service_id")["month"].agg(list).to_dict()
    assert by_service["plain"] == ["2026-02", "2026-03", "2026-04"]
    assert by_service["ended"] == ["2026-01", "2026-02", "2026-03"]
    assert by_service["told"] == ["2026-01", "2026-02", "2026-03", "2026-04"]
    assert "undated" not in by_service
    assert "ordered" not in by_service


def test_a_whole_month_is_active_on_its_first_and_last_day(store: Store) -> None:
    fill(store)
    months = inventory.service_months(store, "2026-01", "2026-03").set_index(["service_id", "month"])
    assert not months.loc[("plain", "2026-02"), "whole_month"]
    assert months.loc[("plain", "2026-03"), "whole_month"]
    assert months.loc[("ended", "2026-02"), "whole_month"]
    assert not months.loc[("ended", "2026-03"), "whole_month"]
    assert months.loc[("told", "2026-02"), ["plan_id", "status"]].tolist() == ["new", "suspended"]


def test_an_empty_store_has_no_months(store: Store) -> None:
    assert inventory.service_months(store, "2026-01", "2026-03").empty
