"""Single events and saved rules give the same answers on both engines."""

from __future__ import annotations

from typing import Any

from core.queries import details, policy
from core.queries.spend import items_of_month
from core.store import Store
from tests.anomaly.tiny import base, write


def _event(line: str, at: str, **more: Any) -> dict[str, Any]:
    row = {"service_id": line, "started_at": at, "direction": "out", "usage_type": "voice", "zone": "international"}
    row |= {"peer_number": "+3716000", "peer_country": "LV", "quantity": "2", "unit": "min", "currency": "USD"}
    return row | {"duration_s": "90", "cost": "1.5"} | more


def test_events_by_call_day_and_hour(any_store: Store) -> None:
    rows = base(2)
    rows["usage_events"] = [
        _event("L0", "2026-04-14T09:00:00"),
        _event("L0", "2026-04-14T09:00:00"),
        _event("L0", "2026-04-18T09:30:00", zone="home", peer_country=None),
        _event("L1", "2026-04-14T22:00:00+02:00", duration_s="90000"),
        _event("L1", "2026-04-15T22:00:00", usage_type="sms", unit="msg", quantity="1", duration_s=None),
        _event("L1", "2026-04-15T22:00:00", usage_type="sms", unit="msg", quantity="1", duration_s=None),
        _event("L1", "2026-04-16T10:00:00", direction="in", zone="home", duration_s="2"),
    ]
    rows["sim_observations"] = [{"service_id": "L0", "observed_on": "2026-04-02", "iccid": "S"}]
    write(any_store, rows)
    calls = details.calls(any_store)
    assert list(zip(calls["service_id"], calls["direction"], calls["cost"], strict=True)) == [
        ("L0", "out", 1_500_000),
        ("L1", "in", 1_500_000),
    ]
    assert details.bad_events(any_store).to_dict("records") == [
        {"service_id": "L0", "month": "2026-04", "count": 1},
        {"service_id": "L1", "month": "2026-04", "count": 1},
    ]
    hours = details.event_hours(any_store)
    assert sorted(hours.itertuples(index=False, name=None)) == [
        ("L0", "2026-04", False, 2),
        ("L0", "2026-04", True, 1),
        ("L1", "2026-04", False, 1),
        ("L1", "2026-04", True, 2),
    ]
    daily = details.daily_use(any_store, "2026-04-14", "2026-04-16")
    sums = {(r.service_id, r.day, r.usage_type): r.quantity for r in daily.itertuples(index=False)}
    assert sums["L0", "2026-04-14", "voice"] == 2_000_000
    assert sums["L1", "2026-04-15", "sms"] == 2_000_000
    assert ("L1", "2026-04-14", "voice") not in sums
    assert details.newest_event(any_store) == "2026-04-18"
    odd = details.odd_events(any_store, "2026-04-01", "2026-04-30")
    assert sorted(odd[["service_id", "problem"]].itertuples(index=False, name=None)) == [
        ("L0", "repeat"),
        ("L1", "clock"),
        ("L1", "impossible"),
    ]
    assert list(details.sim_cards(any_store)["iccid"]) == ["S"]


def test_an_empty_store_has_no_details(any_store: Store) -> None:
    assert all(read().empty for read in details.readers(any_store).values())
    assert details.odd_events(any_store, "2026-04-01", "2026-04-30").empty
    assert details.newest_event(any_store) is None
    assert items_of_month(any_store, "2026-04").empty


def test_saved_rules_and_items_of_a_month(any_store: Store) -> None:
    policy.save(any_store, [("r", 1, "one")], "first")
    policy.save(any_store, [("r", 2, "two")], "second")
    assert policy.current(any_store) == ["two"]
    assert policy.newest(any_store, "r") == 2
    assert policy.set_current(any_store, "r", 1) == 1
    assert policy.current(any_store) == ["one"]
    assert list(policy.versions(any_store, "r")["version"]) == [2, 1]
    rows = base(2)
    rows["invoices"] = [{"invoice_id": "I", "account_id": "A", "total": "9", "period_start": "2026-04-01"}]
    charge = {"invoice_id": "I", "category": "mrc", "period_start": "2026-04-01", "quantity": "1", "amount": "4.5"}
    rows["charges"] = [
        charge | {"charge_id": "1", "service_id": "L0", "description": "text"},
        charge | {"charge_id": "2", "service_id": "L1", "item_code": "P", "description": "other"},
    ]
    write(any_store, rows)
    found = items_of_month(any_store, "2026-04").sort_values("description")
    assert found[["description", "amount", "charges"]].astype(object).to_numpy().tolist()[0] == ["text", 4_500_000, 1]
    assert found["currency"].tolist() == ["USD", "USD"]
