"""Charges against use: U1 to U8."""

from __future__ import annotations

from typing import Any

import pytest
from audit_books import Books, found, short

from core.store import Store


def _silent(books: Books, service: str, *months: str) -> None:
    for month in months:
        books.drop("usage", service_id=service, month=month)


def test_u1_from_the_second_month_on_with_that_months_charges(store: Store) -> None:
    books = Books().clean("2026-01", "2026-04")
    _silent(books, "S1", "2026-02", "2026-03", "2026-04")
    books.bill("S1", "2026-04", "5.00", item_code="FEATURE")
    items = found(books.save(store), "U1")
    assert short(items) == [("U1", "S1", "2026-03", "30.00"), ("U1", "S1", "2026-04", "35.00")]
    assert {f.claim for f in items} == {"avoidable"}
    assert len({f.episode_id for f in items}) == 1


def test_u1_one_quiet_month_is_none(store: Store) -> None:
    books = Books().clean("2026-01", "2026-04")
    _silent(books, "S1", "2026-02")
    _silent(books, "S2", "2026-01", "2026-03")
    assert short(found(books.save(store))) == []


def test_u1_rows_of_quantity_zero_are_no_use_and_any_zone_is(store: Store) -> None:
    books = Books().clean("2026-01", "2026-02")
    for service in ("S1", "S2"):
        _silent(books, service, "2026-01", "2026-02")
    books.use("S1", "2026-02", "0")
    books.use("S2", "2026-01", "1", usage_type="sms", zone="roaming", unit="msg")
    assert short(found(books.save(store))) == [("U1", "S1", "2026-02", "30.00")]


@pytest.mark.parametrize(
    ("change", "count"),
    [
        ({"device_kind": "tablet"}, 1),
        ({"device_kind": "hotspot"}, 1),
        ({"kind": "iot", "device_kind": "phone"}, 1),
        ({"kind": "iot", "device_kind": "sensor"}, 0),
        ({"device_kind": "router"}, 0),
        ({"device_kind": None}, 0),
        ({"purpose": "standby"}, 0),
        ({"purpose": "emergency"}, 0),
        ({"purpose": "backup"}, 0),
        ({"purpose": "shared"}, 1),
        ({"kind": "fixed_voice", "device_kind": None}, 0),
        ({"activated_on": "2026-01-02"}, 0),
        ({"status": "disconnected", "disconnected_on": "2026-04-01"}, 1),
        ({"status": "disconnected", "disconnected_on": "2026-02-20"}, 0),
        ({"status": "disconnected"}, 0),
    ],
)
def test_u1_kinds_devices_and_purposes(store: Store, change: dict[str, Any], count: int) -> None:
    books = Books().clean("2026-01", "2026-02")
    _silent(books, "S1", "2026-01", "2026-02")
    books.find("services", service_id="S1").update(change)
    assert [f.rule for f in found(books.save(store), "U1")] == ["U1"] * count


def test_u1_a_suspended_month_breaks_the_silence(store: Store) -> None:
    books = Books().clean("2026-01", "2026-04")
    _silent(books, "S1", "2026-01", "2026-02", "2026-03")
    books.history(
        "S1",
        {"valid_from": "2024-01-01"},
        {"valid_from": "2026-02-01", "status": "suspended"},
        {"valid_from": "2026-03-01", "status": "active"},
    )
    assert found(books.save(store), "U1") == []


def test_u1_is_silent_where_the_carrier_reports_no_use(store: Store) -> None:
    books = Books().clean("2026-01", "2026-03")
    books.rows["usage"] = [u for u in books.rows["usage"] if u["month"] != "2026-02"]
    _silent(books, "S1", "2026-01", "2026-03")
    assert short(found(books.save(store))) == []


def test_u1_under_an_exemption_is_at_most_info(store: Store) -> None:
    books = Books().clean("2026-01", "2026-02")
    for service in ("S1", "S2"):
        _silent(books, service, "2026-01", "2026-02")
    books.add("policy_exemptions", exemption_id="X", rule="U1", scope_type="service", scope_id="S1", reason="spare")
    assert {f.subject_id: f.severity for f in found(books.save(store))} == {"S1": "info", "S2": "medium"}


@pytest.mark.parametrize(("use", "months"), [("999", ["2026-03", "2026-04"]), ("1000", [])])
def test_u2_below_a_fifth_in_each_of_three_months(store: Store, use: str, months: list[str]) -> None:
    books = Books().clean("2026-01", "2026-04")  # 5000 MB
    for row in books.rows["usage"]:
        if row["service_id"] == "S1":
            row["quantity"] = use
    items = found(books.save(store))
    assert [(f.rule, f.month, f.amount_counted) for f in items] == [("U2", m, 0) for m in months]


def test_u2_one_busy_month_or_a_pool_is_none(store: Store) -> None:
    books = Books().clean("2026-01", "2026-03")
    for row in books.rows["usage"]:
        if row["service_id"] == "S1":
            row["quantity"] = "3000" if row["month"] == "2026-02" else "10"
    books.add(
        "plans",
        plan_id="PP",
        carrier_id="acme",
        service_kind="mobile",
        mrc="30",
        currency="USD",
        data_mb="5000",
        pool_group="G",
        item_code="P1",
    )
    books.find("services", service_id="S2")["plan_id"] = "PP"
    for row in books.rows["usage"]:
        if row["service_id"] == "S2":
            row["quantity"] = "100"
    assert found(books.save(store), "U2") == []


@pytest.mark.parametrize(("data", "abroad", "count"), [("1023", None, 1), ("1024", None, 0), ("10", "roaming", 0)])
def test_u3_top_plan_without_its_use(store: Store, data: str, abroad: str | None, count: int) -> None:
    books = Books().clean("2026-01", "2026-02")
    books.add("plans", plan_id="TOP", carrier_id="acme", service_kind="mobile", mrc="60", currency="USD")
    books.add("contract_rates", contract_id="K1", item_code="TOP", category="mrc", rate="60")
    books.find("services", service_id="S1")["plan_id"] = "TOP"
    for row in books.rows["charges"]:
        if row["service_id"] == "S1":
            row.update(item_code="TOP", unit_rate="60", amount="60.00")
    for row in books.rows["usage"]:
        if row["service_id"] == "S1":
            row["quantity"] = data
    if abroad:
        books.use("S1", "2026-01", "1", zone=abroad)
    items = found(books.save(store))
    assert [(f.rule, f.subject_id, f.month) for f in items] == [("U3", "S1", "2026-02")] * count


def test_u4_a_feature_the_plan_includes(store: Store) -> None:
    books = Books().clean("2026-01", "2026-01")
    books.add("items", carrier_id="acme", item_code="VM", nature="feature", included_in="P0|P1")
    books.add("items", carrier_id="acme", item_code="SEC", nature="feature", included_in="P0")
    books.bill("S1", "2026-01", "2.00", item_code="VM")
    books.bill("S1", "2026-01", "3.00", item_code="SEC")
    assert short(found(books.save(store))) == [("U4", "C0004", "2026-01", "2.00")]


@pytest.mark.parametrize(("cost", "country", "count"), [("20.00", "FR", 1), ("15.00", "FR", 0), ("20.00", "JP", 0)])
def test_u5_roaming_dearer_than_a_pack(store: Store, cost: str, country: str, count: int) -> None:
    books = Books().clean("2026-01", "2026-01")
    books.add("items", carrier_id="acme", item_code="PACK", nature="roaming_pack", countries="FR|DE")
    books.add("contract_rates", contract_id="K1", item_code="PACK", category="mrc", rate="15")
    books.bill("S1", "2026-01", cost, category="usage", item_code="ROAM", zone="roaming", country=country)
    assert [f.rule for f in found(books.save(store))] == ["U5"] * count


@pytest.mark.parametrize(("use", "count"), [("2499", 1), ("2500", 0), ("5000", 0), ("5001", 1)])
def test_u6_pool_below_half_or_above_full(store: Store, use: str, count: int) -> None:
    books = Books().clean("2026-01", "2026-01")
    books.find("plans", plan_id="P1")["pool_group"] = "G"
    for row in books.rows["usage"]:
        row["quantity"] = use
    assert [(f.rule, f.subject_id) for f in found(books.save(store))] == [("U6", "A1")] * count


def test_u7_directory_premium_and_third_party(store: Store) -> None:
    books = Books().clean("2026-01", "2026-01")
    books.add("items", carrier_id="acme", item_code="411", nature="directory")
    books.bill("S1", "2026-01", "1.50", category="usage", item_code="411")
    books.bill("S1", "2026-01", "2.50", category="usage", item_code="900", zone="premium")
    books.bill("S2", "2026-01", "3.50", category="third_party", item_code="RING")
    books.bill("S2", "2026-01", "4.50", category="usage", item_code="INTL", zone="international")
    assert short(found(books.save(store))) == [
        ("U7", "C0004", "2026-01", "1.50"),
        ("U7", "C0005", "2026-01", "2.50"),
        ("U7", "C0006", "2026-01", "3.50"),
    ]


def test_u7_rated_use_counts_only_where_no_usage_is_charged(store: Store) -> None:
    books = Books().clean("2026-01", "2026-01")
    for service in ("S1", "S2"):
        books.use(service, "2026-01", "3", usage_type="voice", zone="premium", unit="min", cost="6.00", currency="USD")
    books.bill("S2", "2026-01", "6.00", category="usage", item_code="900", zone="premium")
    assert short(found(books.save(store))) == [("U7", "C0004", "2026-01", "6.00"), ("U7", "S1", "2026-01", "6.00")]


@pytest.mark.parametrize(
    ("seconds", "cost", "count"),
    [("7200", "0", 0), ("7201", "0", 1), ("7260", "0", 1), ("60", "50", 0), ("60", "50.01", 1)],
)
def test_u8_long_or_dear_domestic_call(store: Store, seconds: str, cost: str, count: int) -> None:
    books = Books().clean("2026-01", "2026-01")
    books.add(
        "usage_events",
        service_id="S1",
        started_at="2026-01-05T10:00:00",
        direction="out",
        usage_type="voice",
        duration_s=seconds,
        cost=cost,
        currency="USD",
    )
    assert [f.rule for f in found(books.save(store))] == ["U8"] * count
