"""Prices against the contract: R1, R2, R3, R4, R5, R7, R8."""

from __future__ import annotations

from typing import Any

import pytest
from audit_books import Books, found, short

from core.store import Store


def test_correct_bills_give_no_finding(store: Store) -> None:
    assert short(found(Books().clean().save(store))) == []


@pytest.mark.parametrize(
    ("rate", "stake", "direction"),
    [("33.00", "3.00", "over"), ("27.50", "-2.50", "under"), ("30.02", "0.02", "over")],
)
def test_r1_finds_a_wrong_rate_in_both_directions(store: Store, rate: str, stake: str, direction: str) -> None:
    books = Books().clean()
    books.charge("S1", "2026-03").update(unit_rate=rate, amount=rate)
    items = found(books.save(store))
    assert short(items) == [("R1", "C0007", "2026-03", stake)]
    assert items[0].direction == direction
    assert items[0].amount_counted == items[0].amount_at_stake
    assert items[0].file_by == "2026-06-26"  # issued 2026-03-28 + 90 days
    assert items[0].withhold_by == "2026-04-27"
    assert {e["table"] for e in items[0].evidence} == {"charges", "contract_rates", "services"}


def test_r1_leaves_one_cent_alone(store: Store) -> None:
    books = Books().clean()
    books.charge("S1", "2026-03").update(unit_rate="30.01", amount="30.01")
    assert short(found(books.save(store))) == []


def test_r1_uses_the_amount_where_no_unit_rate_is_printed(store: Store) -> None:
    books = Books().clean()
    books.charge("S1", "2026-03").update(unit_rate=None, quantity=None, amount="31.50")
    assert short(found(books.save(store))) == [("R1", "C0007", "2026-03", "1.50")]


def test_r1_of_a_prorated_charge_is_the_prorated_difference(store: Store) -> None:
    books = Books().clean()
    books.find("services", service_id="S1")["activated_on"] = "2026-04-16"
    for month in ("2026-01", "2026-02", "2026-03"):
        books.drop("charges", service_id="S1", period_start=f"{month}-01")
    books.charge("S1", "2026-04").update(period_start="2026-04-16", unit_rate="33.00", amount="16.50")
    assert short(found(books.save(store), "R1")) == [("R1", "C0010", "2026-04", "1.50")]


def test_r1_takes_the_rate_of_the_day_and_both_days_count(store: Store) -> None:
    books = Books().clean()
    books.find("contract_rates", item_code="P1")["effective_to"] = "2026-03-01"
    books.add(
        "contract_rates", contract_id="K1", item_code="P1", category="mrc", rate="28.00", effective_from="2026-03-02"
    )
    books.charge("S1", "2026-04").update(unit_rate="28.00", amount="28.00")
    got = {(f.month, f.service_id) for f in found(books.save(store), "R1")}
    assert got == {(m, s) for m in ("2026-04", "2026-05", "2026-06") for s in ("S1", "S2", "S3")} - {("2026-04", "S1")}


def test_r1_takes_the_band_of_the_quantity(store: Store) -> None:
    books = Books().clean()
    books.add("contract_rates", contract_id="K1", item_code="SEAT", category="mrc", rate="10", qty_from="1", qty_to="9")
    books.add("contract_rates", contract_id="K1", item_code="SEAT", category="mrc", rate="8", qty_from="10")
    books.bill("S1", "2026-02", "90.00", item_code="SEAT", quantity="9", unit_rate="10")
    books.bill("S1", "2026-02", "100.00", item_code="SEAT", quantity="10", unit_rate="10")
    assert short(found(books.save(store), "R1")) == [("R1", "C0020", "2026-02", "20.00")]


def test_overlapping_rates_are_a_data_problem_and_claim_nothing(store: Store) -> None:
    books = Books().clean()
    books.add(
        "contract_rates", contract_id="K1", item_code="P1", category="mrc", rate="25.00", effective_from="2026-01-01"
    )
    assert short(found(books.save(store))) == []


def test_an_error_of_the_same_size_every_month_is_a_rate_error_but_no_variance(store: Store) -> None:
    books = Books().clean("2025-10", "2026-06", lines=1)
    for charge in books.rows["charges"]:
        charge.update(unit_rate="70.00", amount="70.00")
    items = found(books.save(store))
    assert {f.rule for f in items} == {"R1"}
    assert len(items) == 9
    assert len({f.episode_id for f in items}) == 1


def test_r2_is_the_list_price(store: Store) -> None:
    books = Books().clean()
    books.charge("S2", "2026-05").update(unit_rate="40.00", amount="40.00")
    assert short(found(books.save(store))) == [("R2", "C0014", "2026-05", "10.00")]


def _tiers(books: Books, **row: Any) -> Books:
    base = {"contract_id": "K1", "mode": "all_units", "basis": "mrc", "period": "month", "item_code": "TIER"}
    books.add("contract_tiers", **{**base, "spend_from": "60", "discount_rate": "0.05", **row})
    books.add("contract_tiers", **{**base, "spend_from": "90", "discount_rate": "0.1", **row})
    return books


def _credit(books: Books, month: str, amount: str) -> None:
    books.bill(None, month, amount, category="credit", item_code="TIER", unit_rate=None, quantity=None)


def test_r3_spend_from_is_inclusive_and_a_wrong_tier_is_found(store: Store) -> None:
    books = _tiers(Books().clean("2026-01", "2026-03"))
    for month, amount in (("2026-01", "-9.00"), ("2026-02", "-4.50"), ("2026-03", "-9.01")):
        _credit(books, month, amount)
    items = found(books.save(store))
    assert short(items) == [("R3", "C0011", "2026-02", "4.50")]
    assert sum(items[0].charge_stakes.values()) == items[0].amount_counted == 4_500_000


def test_r3_missing_credit_is_found_on_the_invoice(store: Store) -> None:
    books = _tiers(Books().clean("2026-01", "2026-01"))
    assert short(found(books.save(store))) == [("R3", "A1-2026-01", "2026-01", "9.00")]


def test_r3_incremental_pays_each_part_its_own_rate(store: Store) -> None:
    books = _tiers(Books().clean("2026-01", "2026-01", lines=4), mode="incremental")  # spend 120: 30 x 5 % + 30 x 10 %
    _credit(books, "2026-01", "-4.00")
    assert short(found(books.save(store))) == [("R3", "C0005", "2026-01", "0.50")]


def test_r3_adds_the_spend_of_all_accounts_under_the_contract(store: Store) -> None:
    books = _tiers(Books().clean("2026-01", "2026-01", lines=2))
    books.line("S9", account_id="A2")
    books.invoice("A2", "2026-01")
    books.bill("S9", "2026-01", "30.00", invoice_id="A2-2026-01")
    _credit(books, "2026-01", "-6.00")
    books.bill(None, "2026-01", "-3.00", category="credit", item_code="TIER", invoice_id="A2-2026-01", unit_rate=None)
    assert short(found(books.save(store))) == []


def test_r2_where_tiers_name_no_credit_the_unit_rate_is_expected_net(store: Store) -> None:
    books = _tiers(Books().clean("2026-01", "2026-01"), item_code=None)
    books.charge("S1", "2026-01").update(unit_rate="27.00", amount="27.00")
    assert short(found(books.save(store))) == [("R2", "C0002", "2026-01", "3.00"), ("R2", "C0003", "2026-01", "3.00")]


def test_r4_counts_what_is_above_the_last_price_after_the_end(store: Store) -> None:
    books = Books().clean()
    books.find("contracts", contract_id="K1").update(terminated_on="2026-05-01")
    books.find("contract_rates", item_code="P1")["effective_to"] = "2026-04-30"
    books.charge("S1", "2026-05").update(unit_rate="38.00", amount="38.00")
    assert short(found(books.save(store))) == [("R4", "S1", "2026-05", "8.00")]


def test_r5_is_a_service_left_on_the_old_contract(store: Store) -> None:
    books = Books().clean("2026-01", "2026-03", lines=1)
    books.add(
        "contracts",
        contract_id="K2",
        carrier_id="acme",
        currency="USD",
        start_date="2026-02-01",
        initial_term_months=12,
        supersedes="K1",
    )
    books.add("contract_rates", contract_id="K2", item_code="P1", category="mrc", rate="24.00")
    assert short(found(books.save(store), "R5")) == [("R5", "S1", "2026-02", "6.00"), ("R5", "S1", "2026-03", "6.00")]


def test_r5_is_silent_once_the_service_moved(store: Store) -> None:
    books = Books().clean("2026-01", "2026-03", lines=1)
    books.add(
        "contracts", contract_id="K2", carrier_id="acme", currency="USD", start_date="2026-02-01", supersedes="K1"
    )
    books.add("contract_rates", contract_id="K2", item_code="P1", category="mrc", rate="24.00")
    books.history("S1", {"valid_from": "2024-01-01"}, {"valid_from": "2026-02-01", "contract_id": "K2"})
    for month in ("2026-02", "2026-03"):
        books.charge("S1", month).update(unit_rate="24.00", amount="24.00")
    assert short(found(books.save(store))) == []


@pytest.mark.parametrize(("commitment", "expected"), [("270", []), ("300", [("R7", "K1", "2026-03", "15.00")])])
def test_r7_counts_recurring_and_usage_of_whole_periods_from_the_start(
    store: Store, commitment: str, expected: list[Any]
) -> None:
    books = Books().clean()
    books.find("contracts", contract_id="K1").update(
        start_date="2026-01-01", commitment_amount=commitment, commitment_period="quarter", shortfall_rate="0.5"
    )
    books.bill("S1", "2026-02", "50.00", category="equipment", item_code="X")  # does not count
    for month in ("2026-04", "2026-05", "2026-06"):
        books.bill("S1", month, "20.00", category="usage", item_code="U")  # 330 in the second quarter
    assert short(found(books.save(store), "R7")) == expected


def test_r7_is_silent_for_a_period_without_all_its_bills(store: Store) -> None:
    books = Books().clean()
    books.find("contracts", contract_id="K1").update(
        start_date="2025-12-01", commitment_amount="900", commitment_period="quarter"
    )
    assert [f.month for f in found(books.save(store), "R7")] == ["2026-05"]


def test_r8_is_a_main_charge_without_any_price(store: Store) -> None:
    books = Books().clean("2026-01", "2026-01")
    books.add("items", carrier_id="acme", item_code="ZZ", nature="access")
    books.line("S9")
    books.bill("S9", "2026-01", "12.00", item_code="ZZ")
    books.bill("S1", "2026-01", "2.00", item_code="FEATURE")
    assert short(found(books.save(store))) == [("R8", "C0004", "2026-01", "0.00")]
