"""What things are worth, on pages: the studies in words and tables, for the scenario and the data they belong to."""

from __future__ import annotations

import json
from typing import Any

import estate
import pytest

from app.reports import brief as report
from app.reports.pdf import pdf
from app.views import brief, offers, results, worth
from app.views.selection import Filters
from core.money import SCALE
from core.store import Store, now

BASE = {"status": "optimal", "cost": 268.5, "objective": 268.5, "bound": 268.48, "saving": 81.5, "changes": 2}
STUDIES: dict[str, Any] = {
    "policies": {
        "policies": [
            {"policy": "commitment:ct-v", "name": "Commitment of ct-v: 300.00 a month", "price": 40.0, "low": 39.0,
             "high": 41.5, "makes_feasible": None, "cost": 228.5, "status": "optimal", "changes": 3},
            {"policy": "max_changes", "name": "At most 2 changes", "price": 0.0, "low": 0.0, "high": 0.0,
             "makes_feasible": None, "cost": 268.5, "status": "optimal", "changes": 2},
        ]
    },
    "carriers": {
        "ladder": [
            {"carriers": 1, "status": "optimal", "cost": 300.0, "extra": 31.5, "low": 31.5, "high": 31.52,
             "carrier_ids": ["verizon"], "moved": 2, "one_off": 50.0, "ways_out": [], "explanation": None},
            {"carriers": 2, "status": "optimal", "cost": 268.5, "extra": 0.0, "low": 0.0, "high": 0.0,
             "carrier_ids": ["att", "verizon"], "moved": 0, "one_off": 0.0, "ways_out": [], "explanation": None},
        ]
    },
    "commitments": {
        "commitments": [
            {"contract_id": "ct-v", "carrier_id": "verizon", "current": 300.0, "free_up_to": 158.5, "levels": [
                {"commitment": 0.0, "extra": 0.0, "low": 0.0, "high": 0.0, "spend": 158.5, "shortfall": 0.0,
                 "probability": 0.0, "rebate_needed": 0.0},
                {"commitment": 300.0, "extra": 40.0, "low": 39.0, "high": 41.5, "spend": 200.0, "shortfall": 100.0,
                 "probability": 1.0, "rebate_needed": 0.2}]},
        ]
    },
    "frontier": {
        "frontier": [
            {"allowed": 1, "changes": 1, "saving": 66.0, "still_possible": 0.0, "share": 0.81},
            {"allowed": 2, "changes": 2, "saving": 81.5, "still_possible": 0.02, "share": 1.0},
        ]
    },
    "delay": {"delay": {"window_months": 12, "best": 0, "months": [
        {"delay": 0, "total": 3222.0, "cost_of_delay": 0.0, "low": 0.0, "high": 0.0, "one_off": 0.0, "moved": 0},
        {"delay": 1, "total": 3303.5, "cost_of_delay": 81.5, "low": 81.4, "high": 81.6, "one_off": 0.0, "moved": 0}]}},
    "offers": {"offers": [
        {"offer_id": "att-2027", "carrier_id": "att", "promised": 20.0, "promised_lines": 2,
         "real": 12.0, "low": 11.0, "high": 12.5,
         "lines": 1, "one_off": 25.0, "payback_months": 2.1, "new_shortfall": 3.0, "cost_with": 256.5,
         "cost_without": 268.5, "status": "optimal", "moves": [
             {"service_id": "s1", "current_plan_id": "v-10", "plan_id": "a-deal", "current_carrier_id": "verizon",
              "carrier_id": "att", "action": "port", "monthly_saving": 24.0, "reason": "Another carrier."}]}],
               "award": None},
    "break_even": {"plans": [
        {"plan_id": "a-deal", "carrier_id": "att", "list_price": 35.0, "break_even": 37.25, "proven": True, "demand": [
            {"price": 37.25, "lines": 1, "saving": 0.01, "low": 0.0, "high": 0.02, "carrier_revenue": 37.25},
            {"price": 35.0, "lines": 1, "saving": 2.25, "low": 2.2, "high": 2.3, "carrier_revenue": 35.0},
            {"price": 30.0, "lines": 3, "saving": 12.0, "low": 11.9, "high": 12.0, "carrier_revenue": 90.0}]}]},
}  # fmt: skip


@pytest.fixture
def filled(store: Store) -> Store:
    return estate.fill(store)


def worked(store: Store, yaml: str, *, version: int | None = None, studies: dict[str, Any] = STUDIES) -> None:
    document = {
        **{"scenario": {}, "currency": "USD", "months": {"from": "2026-04", "to": "2026-09"}, "services": 6},
        **{"baseline_cost": 350.0, "base": BASE, "infeasible": None, "solves": 42, "studies": studies},
    }
    with store.transaction() as txn:
        txn.insert(
            "jobs",
            {
                **{"kind": "worth", "params": json.dumps({"scenario": yaml}), "state": "done", "cancel_requested": 0},
                **{"data_version": store.data_version if version is None else version, "fraction": SCALE},
                **{"created_at": now(), "finished_at": now(), "result": json.dumps(document)},
            },
        )


def test_without_a_result_or_a_study_the_page_says_what_to_do(store: Store) -> None:
    assert worth.view(store, Filters()).title == "Nothing has been optimized yet"
    data = worth.view(estate.fill(store), Filters())
    assert data.title.endswith("is not computed yet")
    assert data.done == frozenset()
    assert data.proof == ""


def test_the_dearest_rule_is_the_title_and_every_figure_states_its_proof(filled: Store) -> None:
    item = results.outcomes(filled)[0]
    worked(filled, item.yaml)
    data = worth.view(filled, Filters())
    assert data.title == "The dearest rule costs $40 a month"
    assert "between $39 and $42" in data.sentence
    assert data.proof.startswith("Use of Apr 26 to Sep 26, today $350.00 a month, recommended $268.50")
    assert "no plans below $268.48" in data.proof
    assert list(data.policies["price"]) == [40 * SCALE, 0]
    assert list(data.policies["range"]) == ["39 to 42", "exact"]
    kpis = {kpi.label: kpi.value for kpi in data.kpis}
    assert kpis == {
        "Commitments cost": "$40",
        "1 instead of 2 carriers": "+$32",
        "A month of waiting": "$82",
        "Changes for four fifths": "1",
    }
    assert data.ladder["who"].iloc[0] == "Verizon Wireless"
    assert data.sweeps[0].sentence.startswith("$300 a month are committed: that costs $40 a month. Up to $159")
    assert data.delay_told == "Best now: each month of waiting costs about $82 (over a window of 12 months)."


def test_waiting_past_a_notice_date_is_said(filled: Store) -> None:
    months = STUDIES["delay"]["delay"]["months"]
    late = {**months[1], "delay": 3, "renews": [{"contract_id": "K-att", "until": "2027-06-30"}]}
    part = {"window_months": 12, "best": 0, "months": [*months, late]}
    told = worth._delay_told(part, "USD")
    assert told.endswith("Waiting 3 months misses a notice date: K-att binds until 30 Jun 2027.")


def test_the_brief_carries_the_limits_that_studies_prove(filled: Store) -> None:
    worked(filled, results.outcomes(filled)[0].yaml)
    told = report.content(filled, "att")
    named = {name: (value, why) for name, value, why in told["limits"]}
    assert named["Break-even"][0].endswith("at $37.25")
    assert [row[1:5] for row in told["demand"]] == [
        ["$30.00", "3", "$90", "$12"],
        ["$35.00 (list)", "1", "$35", "$2"],
        ["$37.25", "1", "$37", "$0"],
    ]
    assert [row[0] for row in told["checks"]] == ["att-2027"]
    assert told["checks"][0][7] == "2.1 months"
    verizon = report.content(filled, "verizon")
    assert verizon["demand"] == []
    assert [row[1] for row in verizon["sweep"]] == ["$0", "$300 (today)"]
    assert pdf("brief", told).startswith(b"%PDF")
    assert pdf("brief", verizon).startswith(b"%PDF")


def test_the_check_of_an_offer_is_no_study_of_this_page(filled: Store) -> None:
    worked(filled, results.outcomes(filled)[0].yaml, studies={"offers": STUDIES["offers"]})
    data = worth.view(filled, Filters())
    assert (data.done, data.title.endswith("is not computed yet")) == (frozenset(), True)


def test_a_study_on_other_data_is_not_shown(filled: Store) -> None:
    worked(filled, results.outcomes(filled)[0].yaml, version=filled.data_version - 1)
    assert worth.view(filled, Filters()).done == frozenset()


def test_the_offer_check_and_its_demand(filled: Store) -> None:
    text = offers.view(filled, Filters()).asked
    assert offers.view(filled, Filters()).check is None
    worked(filled, text)
    data = offers.view(filled, Filters())
    assert data.check is not None
    assert data.check["Saved a month"] == "$12"
    assert data.check["Proven range"] == "$11 to $13"
    assert data.check["Paid back after"] == "2.1 months"
    assert data.real == 12 * SCALE
    assert data.title == "att-2027 really saves $12 a month"
    assert list(data.lines["line"]) == ["5550001"]
    (demand,) = data.demands
    assert demand.sentence == (
        "The first line moves at $37.25 (proven to the cent); at the list price of $35.00 1 line moves."
    )
    assert list(demand.points["lines"]) == [3, 1, 1]
    assert worth.best_price(demand) == (30 * SCALE, 3, 90 * SCALE)


def test_the_brief_takes_its_target_and_commitment_from_the_studies(filled: Store) -> None:
    worked(filled, "name: any")
    told = {limit.name: limit for limit in brief.limits(filled, "att", "AT&T", "USD")}
    assert told["Target"].value.endswith("at $30.00")
    assert "Commitment" not in told
    told = {limit.name: limit for limit in brief.limits(filled, "verizon", "Verizon", "USD")}
    assert told["Target"].value == "n/a"
    assert told["Commitment"].value == "at most $159 a month"
    assert "42 solves" in told["Commitment"].why


def test_the_award_of_several_offers_in_words() -> None:
    part = {
        "award": {
            "cost": 250.0, "real": 18.5, "split_gains": {"value": 6.5, "low": 6.0, "high": 7.0},
            "best_single": {"offer_id": "b", "cost": 256.5},
            "shares": [
                {"offer_id": "a", "lines": 3, "adds": 6.5, "low": 6.0, "high": 7.0},
                {"offer_id": "b", "lines": 9, "adds": 12.0, "low": 11.0, "high": 12.0},
            ],
        }
    }  # fmt: skip
    rows, told = offers.award(part, {"a": "Offer A", "b": "Offer B"}, "USD")
    assert told == "All offers together save $19 a month, $7 more than Offer B alone."
    assert list(rows["offer"]) == ["Offer A", "Offer B"]
    assert list(rows["adds"]) == [6_500_000, 12 * SCALE]
    assert offers.award({"award": None}, {}, "USD")[1] == ""


def test_for_what_cannot_be_met_the_cheapest_way_out_is_the_title(filled: Store) -> None:
    none = {"price": None, "low": None, "high": None, "status": "optimal", "changes": 2}
    rows = [
        {"policy": "keep", "name": "2 services keep their plan", "makes_feasible": True, "cost": 290.0, **none},
        {"policy": "max_carriers", "name": "At most 1 carriers", "makes_feasible": True, "cost": 268.5, **none},
        {"policy": "coverage", "name": "Coverage", "makes_feasible": False, "cost": None, **none},
    ]
    worked(filled, results.outcomes(filled)[0].yaml, studies={"policies": {"policies": rows}})
    data = worth.view(filled, Filters())
    assert data.title == "“Right-size now” cannot be met; 2 ways out"
    assert data.sentence == (
        "The cheapest: Without the rule “At most 1 carriers” the estate costs $269 a month. 1 more below."
    )
    assert data.kpis == ()
