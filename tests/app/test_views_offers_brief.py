"""Offers: the price sheet against the real saving. Brief: what stands on the table, limits only where proven."""

from __future__ import annotations

import estate
import pytest

from app.views import brief, offers
from app.views.selection import Filters
from core.money import SCALE
from core.store import Store


@pytest.fixture
def filled(store: Store) -> Store:
    return estate.fill(store)


def stored(store: Store, key: str, text: str, cost: float, rows: list[dict[str, object]] | None = None) -> None:
    document = {
        **estate.RESULT,
        "saving": 350.0 - cost,
        "certificate": {**estate.RESULT["certificate"], "cost": cost, "objective": cost, "bound": cost},
        "recommendations": rows or [],
    }
    estate.add_result(store, name=key, result_id=key, document=document, yaml=text)


PORT = {
    "service_id": "s1", "current_plan_id": "v-10", "plan_id": "a-deal", "current_carrier_id": "verizon",
    "carrier_id": "att", "action": "port", "monthly_saving": 24.0, "reason": "Another carrier serves the same use.",
}  # fmt: skip


def test_without_an_offer_the_page_says_what_to_load(store: Store) -> None:
    assert offers.view(store, Filters()).title == "No offer is in the catalogue"


def test_the_price_sheet_counts_lines_whose_allowance_the_offer_covers(filled: Store) -> None:
    data = offers.view(filled, Filters())
    assert data.offer == "att-2027"
    # the deal has 8 GB at 35: only the 2 GB plan at 30 is covered, and it is cheaper; nothing is promised
    assert data.sheet == 0
    with filled.transaction() as txn:
        txn.update("plans", {"plan_id": "a-deal"}, {"data_mb": 10_240 * SCALE})
    # three lines at 60 and two at 55 now fit: 3 x 25 + 2 x 20
    assert offers.view(filled, Filters()).sheet == 115 * SCALE


def test_the_check_keeps_the_terms_of_a_stored_scenario_with_the_offer(filled: Store) -> None:
    plain = offers.view(filled, Filters())
    assert plain.real is None
    assert plain.check is None
    assert "offers:\n- att-2027\n" in plain.asked
    stored(filled, "other", "name: other\nporting_fee: 5\n", 290.0)
    mine = "name: with\nkeep: [00123]\noffers: [att-2027]\n"
    stored(filled, "with", mine, 266.0, [PORT])
    assert offers.view(filled, Filters()).asked == mine


def test_a_store_without_bills_has_no_brief(store: Store) -> None:
    assert brief.view(store, Filters()) is None


def test_the_brief_stands_on_contract_bills_and_claims(filled: Store) -> None:
    data = brief.view(filled, Filters(), carrier="verizon")
    assert data is not None
    assert data.choices["verizon"] == "Verizon Wireless"
    assert data.currency == "USD"
    assert len(data.months) == len(data.trend) == 6
    assert data.trend[-1] == 210 * SCALE
    assert len(data.contracts) == 1
    assert data.bullets[0].committed == 3600 * SCALE
    assert "Automatic renewal" in set(data.clauses["Clause"])


def test_limits_are_not_guessed(filled: Store) -> None:
    told = {limit.name: limit.value for limit in brief.limits(filled, "verizon", "Verizon", "USD")}
    # the stored result saves 81.50 at Verizon without leaving; nothing moves away, no break-even was solved
    assert told == {"Target": "n/a", "Acceptable": "$82 a month less", "Walk-away": "n/a"}
    stored(filled, "with", "name: with\noffers: [att-2027]\n", 266.0, [PORT])
    told = {limit.name: limit.value for limit in brief.limits(filled, "verizon", "Verizon", "USD")}
    assert told["Walk-away"] == "10.0 % off"  # 24 of the 240 that Verizon's lines cost


def test_the_pdf_is_a_pdf(filled: Store) -> None:
    assert brief.document(filled, carrier_id="verizon").startswith(b"%PDF")
