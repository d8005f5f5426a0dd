"""Charges against the inventory: I1 to I10."""

from __future__ import annotations

from typing import Any

import pytest
from audit_books import Books, found, short

from core.store import Store


def test_i1_a_number_the_inventory_does_not_have(store: Store) -> None:
    books = Books().clean("2026-01", "2026-01")
    books.bill(None, "2026-01", "30.00", billed_number="5559999")
    books.bill(None, "2026-01", "9.00", billed_number="BAN 1", category="surcharge", item_code="SUR")  # the account
    books.bill(None, "2026-01", "9.00", billed_number=None, category="occ", item_code="OCC")
    items = found(books.save(store))
    assert short(items) == [("I1", "C0004", "2026-01", "30.00")]
    assert items[0].claim == "recoverable"


def test_i1_a_pool_row_keeps_its_number_and_is_none(store: Store) -> None:
    books = Books().clean("2026-01", "2026-01")
    books.find("plans", plan_id="P1")["voice_pool_group"] = "POOL-7"
    books.bill(None, "2026-01", "9.00", billed_number="POOL-7", category="usage", item_code="OVG")
    assert found(books.save(store), "I1") == []


@pytest.mark.parametrize(("number", "count"), [("0", 0), ("N/A", 0), ("G00123", 0), ("0123", 1), ("LON/ETH/1", 1)])
def test_i1_account_rows_keep_a_number_that_is_no_line(store: Store, number: str, count: int) -> None:
    books = Books().clean("2026-01", "2026-01")
    books.bill(None, "2026-01", "9.00", billed_number=number, category="surcharge", item_code="SUR")
    assert [f.rule for f in found(books.save(store))] == ["I1"] * count


def test_i1_is_silent_where_no_inventory_was_loaded(store: Store) -> None:
    books = Books().clean("2026-01", "2026-01")
    for service in books.rows["services"]:
        service["attributes"] = '{"unconfirmed": "yes"}'
    books.bill(None, "2026-01", "30.00", billed_number="5559999")
    assert found(books.save(store), "I1") == []


def test_i1_an_unconfirmed_service_beside_an_inventory(store: Store) -> None:
    books = Books().clean("2026-01", "2026-01")
    books.find("services", service_id="S3")["attributes"] = '{"unconfirmed": "yes"}'
    assert short(found(books.save(store))) == [("I1", "C0003", "2026-01", "30.00")]


def _disconnected(day: str, proration: str | None = None) -> Books:
    books = Books().clean("2026-04", "2026-06")
    books.find("services", service_id="S1").update(status="disconnected", disconnected_on=day)
    books.find("contracts", contract_id="K1")["proration"] = proration
    return books


@pytest.mark.parametrize(
    ("day", "proration", "stakes"),
    [
        ("2026-05-11", None, {"2026-05": "20.32", "2026-06": "30.00"}),  # 10 of 31 days are due: 9.68
        ("2026-04-16", "thirty_day", {"2026-04": "15.00", "2026-05": "30.00", "2026-06": "30.00"}),
        ("2026-05-11", "full_month", {"2026-06": "30.00"}),
        ("2026-05-01", None, {"2026-05": "30.00", "2026-06": "30.00"}),
        ("2026-05-01", "full_month", {"2026-06": "30.00"}),
        ("2026-07-01", None, {}),
    ],
)
def test_i2_counts_from_the_disconnection_on(
    store: Store, day: str, proration: str | None, stakes: dict[str, str]
) -> None:
    items = found(_disconnected(day, proration).save(store))
    assert {f.month: f"{f.amount_at_stake / 1e6:.2f}" for f in items} == stakes
    assert {f.rule for f in items} <= {"I2"}
    assert len({f.episode_id for f in items}) <= 1
    assert all(f.subject_type == "charge" and f.claim == "recoverable" for f in items)


def test_i2_correctly_prorated_last_month_is_none(store: Store) -> None:
    books = _disconnected("2026-05-11")
    books.charge("S1", "2026-05").update(period_end="2026-05-10", amount="9.68")
    books.drop("charges", service_id="S1", period_start="2026-06-01")
    assert short(found(books.save(store))) == []


def test_i2_unused_days_credited_in_the_same_month_are_none(store: Store) -> None:
    books = _disconnected("2026-05-11")
    books.drop("charges", service_id="S1", period_start="2026-06-01")
    charge = books.charge("S1", "2026-05")
    books.bill(
        "S1",
        "2026-05",
        "-20.32",
        category="credit",
        item_code="BACK",
        unit_rate=None,
        quantity=None,
        period_start="2026-05-11",
        related_charge_id=charge["charge_id"],
    )
    assert short(found(books.save(store))) == []


def test_i2_without_a_contract_claims_no_prorated_part(store: Store) -> None:
    books = _disconnected("2026-05-11")
    books.find("services", service_id="S1")["contract_id"] = None
    assert short(found(books.save(store))) == [("I2", "C0007", "2026-06", "30.00")]


def test_i2_a_reconnected_service_is_none(store: Store) -> None:
    books = Books().clean("2026-04", "2026-06")
    books.find("services", service_id="S1")["disconnected_on"] = "2026-03-10"
    books.history(
        "S1",
        {"valid_from": "2024-01-01"},
        {"valid_from": "2026-03-10", "status": "disconnected"},
        {"valid_from": "2026-03-20", "status": "active"},
    )
    assert found(books.save(store), "I2") == []


def test_i3_active_all_month_without_recurring_charge(store: Store) -> None:
    books = Books().clean("2026-01", "2026-02")
    books.drop("charges", service_id="S2", period_start="2026-02-01")
    items = found(books.save(store))
    assert short(items) == [("I3", "S2", "2026-02", "-30.00")]
    assert (items[0].direction, items[0].amount_counted) == ("under", 0)


@pytest.mark.parametrize(
    "change",
    [
        {"status": "ordered"},
        {"activated_on": "2026-02-02"},
        {"status": "suspended"},
        {"account_id": "A2"},
        {"status": "disconnected", "disconnected_on": "2026-02-28"},
    ],
)
def test_i3_is_none_unless_active_all_month_and_billed(store: Store, change: dict[str, Any]) -> None:
    books = Books().clean("2026-02", "2026-02")
    books.line("S9", **change)
    assert found(books.save(store), "I3") == []


def test_i3_a_pack_or_feature_is_not_the_recurring_charge(store: Store) -> None:
    books = Books().clean("2026-01", "2026-01")
    books.add("items", carrier_id="acme", item_code="PACK", nature="roaming_pack", countries="FR")
    books.charge("S2", "2026-01").update(item_code="PACK")
    assert short(found(books.save(store))) == [("I3", "S2", "2026-01", "-30.00")]


def test_i3_a_quarterly_charge_covers_its_months(store: Store) -> None:
    books = Books().clean("2026-01", "2026-03")
    for month in ("2026-02", "2026-03"):
        books.drop("charges", service_id="S2", period_start=f"{month}-01")
    books.charge("S2", "2026-01").update(period_end="2026-03-31", amount="90.00")
    assert short(found(books.save(store))) == []


@pytest.mark.parametrize(
    ("left", "months"), [("2026-04-30", ["2026-05", "2026-06"]), ("2026-05-01", ["2026-06"]), ("2026-06-30", [])]
)
def test_i4_counts_charges_that_start_after_the_holder_left(store: Store, left: str, months: list[str]) -> None:
    books = Books().clean("2026-04", "2026-06")
    books.find("employees", employee_id="E1").update(status="left", left_on=left)
    books.bill("S1", "2026-06", "4.00", category="usage", item_code="U")
    books.bill("S1", "2026-06", "3.00", category="tax", item_code="T")
    items = found(books.save(store))
    assert [(f.rule, f.month) for f in items] == [("I4", m) for m in months]
    assert {f.subject_id for f in items} <= {"S1"}
    assert [f.amount_counted for f in items if f.month == "2026-06"] == ([34_000_000] if months else [])


def test_i4_a_line_given_to_somebody_else_is_none(store: Store) -> None:
    books = Books().clean("2026-04", "2026-06")
    books.find("employees", employee_id="E1").update(status="left", left_on="2026-04-30")
    books.history("S1", {"valid_from": "2024-01-01"}, {"valid_from": "2026-05-01", "employee_id": "E2"})
    assert short(found(books.save(store))) == []


def test_i5_closed_site(store: Store) -> None:
    books = Books().clean("2026-04", "2026-06")
    books.add("sites", site_id="OLD", closed_on="2026-05-01")
    books.find("services", service_id="S1")["site_id"] = "OLD"
    assert short(found(books.save(store))) == [("I5", "S1", "2026-06", "30.00")]


@pytest.mark.parametrize(
    ("center", "employee", "count"),
    [(None, None, 2), (None, "E1", 0), ("GONE", "E1", 2), ("OLD", "E1", 1), ("CC1", None, 0)],
)
def test_i6_nobody_answers(store: Store, center: str | None, employee: str | None, count: int) -> None:
    books = Books().clean("2026-04", "2026-05")
    books.add("cost_centers", cost_center_id="OLD", closed_on="2026-04-15")
    books.find("services", service_id="S1").update(cost_center_id=center, employee_id=employee)
    assert [f.rule for f in found(books.save(store))] == ["I6"] * count


def _two_accounts(first: tuple[str, str, str], second: tuple[str, str, str]) -> Books:
    books = Books().clean("2026-04", "2026-04")
    books.invoice("A2", "2026-04")
    charge = books.charge("S1", "2026-04")
    charge.update(period_start=first[0], period_end=first[1], amount=first[2])
    books.bill(
        "S1",
        "2026-04",
        second[2],
        invoice_id="A2-2026-04",
        unit_rate="30.00",
        period_start=second[0],
        period_end=second[1],
    )
    return books


def test_i7_the_account_that_is_not_the_inventorys_is_wrong(store: Store) -> None:
    whole = ("2026-04-01", "2026-04-30", "30.00")
    assert short(found(_two_accounts(whole, whole).save(store))) == [("I7", "C0004", "2026-04", "30.00")]


def test_i7_only_the_days_that_overlap_count(store: Store) -> None:
    books = _two_accounts(("2026-04-01", "2026-04-30", "30.00"), ("2026-04-21", "2026-04-30", "10.00"))
    books.history("S1", {"valid_from": "2024-01-01"}, {"valid_from": "2026-04-21", "account_id": "A2"})
    assert short(found(books.save(store))) == [("I7", "C0001", "2026-04", "10.00")]


def test_i7_a_move_with_each_account_billing_its_days_is_none(store: Store) -> None:
    books = _two_accounts(("2026-04-01", "2026-04-20", "20.00"), ("2026-04-21", "2026-04-30", "10.00"))
    books.history("S1", {"valid_from": "2024-01-01"}, {"valid_from": "2026-04-21", "account_id": "A2"})
    assert short(found(books.save(store))) == []


@pytest.mark.parametrize(
    ("status", "seen", "months"),
    [
        ("enrolled", "2026-04-15", []),
        ("enrolled", "2026-03-31", ["2026-06"]),
        ("wiped", "2026-04-15", ["2026-05", "2026-06"]),
        ("retired", "2026-05-01", ["2026-06"]),
        ("wiped", None, []),
    ],
)
def test_i8_device_out_of_use(store: Store, status: str, seen: str | None, months: list[str]) -> None:
    books = Books().clean("2026-04", "2026-06")
    books.add("devices", device_id="D1", service_id="S1", mdm_status=status, last_seen_on=seen)
    items = found(books.save(store))
    assert [(f.rule, f.subject_id, f.month) for f in items] == [("I8", "S1", m) for m in months]


@pytest.mark.parametrize(("extra", "count"), [(1, 0), (2, 1)])
def test_i9_three_or_more_mobile_services(store: Store, extra: int, count: int) -> None:
    books = Books().clean("2026-04", "2026-04")
    for number in range(extra):
        books.line(f"X{number}", employee_id="E1")
        books.bill(f"X{number}", "2026-04", "30.00")
    books.line("SEAT", employee_id="E1", kind="uc_seat")
    books.bill("SEAT", "2026-04", "30.00")
    items = found(books.save(store))
    assert [(f.rule, f.subject_type, f.subject_id) for f in items] == [("I9", "employee", "E1")] * count


@pytest.mark.parametrize(
    ("amount", "start", "resume", "stake"),
    [
        ("30.00", "2026-04-01", "2026-05-01", "22.50"),
        ("7.50", "2026-04-01", "2026-05-01", None),
        ("30.00", "2026-04-16", "2026-05-01", "11.25"),
        ("18.75", "2026-04-16", "2026-05-01", None),
    ],
)
def test_i10_suspended_span_above_its_rate(
    store: Store, amount: str, start: str, resume: str, stake: str | None
) -> None:
    books = Books().clean("2026-04", "2026-04")
    books.find("contracts", contract_id="K1")["suspended_rate"] = "0.25"
    books.history(
        "S1",
        {"valid_from": "2024-01-01"},
        {"valid_from": start, "status": "suspended"},
        {"valid_from": resume, "status": "active"},
    )
    books.charge("S1", "2026-04").update(amount=amount, unit_rate=None)
    assert short(found(books.save(store))) == ([] if stake is None else [("I10", "C0001", "2026-04", stake)])


def test_i10_a_seasonal_suspension_at_the_agreed_rate_is_none(store: Store) -> None:
    books = Books().clean("2026-04", "2026-06")
    books.find("contracts", contract_id="K1")["suspended_rate"] = "0.25"
    books.history(
        "S1",
        {"valid_from": "2024-01-01"},
        {"valid_from": "2026-05-11", "status": "suspended"},
        {"valid_from": "2026-06-01", "status": "active"},
    )
    books.charge("S1", "2026-05").update(period_end="2026-05-10", amount="9.68")
    books.bill("S1", "2026-05", "5.08", unit_rate="7.50", period_start="2026-05-11")
    books.drop("usage", service_id="S1", month="2026-05")
    assert short(found(books.save(store))) == []
