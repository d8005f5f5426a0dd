"""Results in words and tables: certificate, changes, plans before and after, frontier, infeasibility."""

from __future__ import annotations

import estate
import pytest

from app import formats
from app.views import optimizer, results
from app.views.selection import Filters
from core import jobs
from core.money import SCALE
from core.store import Store


@pytest.fixture
def filled(store: Store) -> Store:
    return estate.fill(store)


def test_without_a_result_the_page_says_what_to_do(store: Store) -> None:
    data = optimizer.view(store, Filters())
    assert data.title == "Nothing has been optimized yet"
    assert data.outcome is None
    assert data.choices == ()


def test_the_certificate_is_a_sentence_with_bound_cost_and_gap(filled: Store) -> None:
    data = optimizer.view(filled, Filters())
    assert data.sentence == (
        "No assignment of these plans costs less than $268.48 a month; this one costs $268.50 (gap 0.0074 %)."
    )
    assert data.title == "$82 a month less, 23.3 % of plan cost"
    assert data.facts["Result"] == "Within the gap asked for"
    assert data.facts["Cost of all months"] == "$1,611.00"
    assert data.facts["Solver's own status"] == "Optimal"


def test_changes_are_ranked_by_money_with_why_and_confidence(filled: Store) -> None:
    rows = optimizer.view(filled, Filters()).changes
    assert list(rows["line"]) == ["5550002", "5550001"]
    assert list(rows["saving"]) == [51_500_000, 30 * SCALE]
    assert rows.iloc[0]["what"] == "Suspend"
    assert rows.iloc[0]["confidence"] == "No use in the months checked"
    assert (rows.iloc[1]["from"], rows.iloc[1]["to"]) == ("Business 10 GB", "Business 2 GB")
    assert rows.iloc[1]["why"]


def test_lines_move_between_plans_and_none_is_lost(filled: Store) -> None:
    data = optimizer.view(filled, Filters())
    plans = data.plans.set_index("plan")
    assert (plans.loc["Business 10 GB", "before"], plans.loc["Business 10 GB", "after"]) == (3, 1)
    assert plans.loc["Business 2 GB", "after"] == 2
    assert data.plans["change"].sum() == 0
    assert int(data.moves.to_numpy().sum()) == 2


def test_the_frontier_ends_at_the_sum_of_the_savings(filled: Store) -> None:
    data = optimizer.view(filled, Filters())
    assert list(data.frontier["saving"]) == [51_500_000, 81_500_000]


def test_pools_tell_use_and_overage(filled: Store) -> None:
    pool = optimizer.view(filled, Filters()).pools[0]
    assert pool.used_share == pytest.approx(0.9)
    assert "1.8 GB of 2 GB a month (90 %)" in pool.told


def test_buckets_are_listed_with_what_to_order(filled: Store) -> None:
    pools = [{**estate.RESULT["pools"][0], "bucket_cost": 300.0, "baseline_bucket_cost": 230.0}]
    document = {**estate.RESULT, "pools": pools, "buckets": estate.BUCKETS, "saving": 90.0}
    estate.add_result(filled, name="Stairs", result_id="r2", document=document)
    data = optimizer.view(filled, Filters(), result_id="r2")
    assert data.buckets.to_dict("list") == {
        "pool": ["Verizon Wireless flex, 100-200"] * 2,
        "bucket": ["50 GB", "85 GB"],
        "size": ["50 GB", "85 GB"],
        "mrc": [150 * SCALE, 230 * SCALE],
        "today": [0, 1],
        "count": [2, 0],
        "change": [2, -1],
    }
    assert data.pools[0].told.endswith("buckets $300.00 a month (today $230.00)")
    assert next(k.delta for k in data.kpis if k.label == "Changes") == "and 2 bucket orders"
    assert optimizer.view(filled, Filters(), result_id="r1").buckets.empty


def test_the_probability_of_overage_is_told_and_is_a_figure_where_it_is_limited(filled: Store) -> None:
    odds = {"estate": 0.25, "worst_pool": 0.25, "baseline_estate": 0.5, "baseline_worst_pool": 0.5, "kinds": ["data"]}
    pools = [{**estate.RESULT["pools"][0], "overage_probability": 0.25, "baseline_overage_probability": 0.5}]
    drawn = {"kind": "bootstrap", "months": [{}] * 5}
    for number, limit in enumerate((None, 0.3)):
        document = {**estate.RESULT, "pools": pools, "overage_probability": {**odds, "limit": limit}}
        estate.add_result(filled, name="Odds", result_id=f"odds{number}", document={**document, "scenario_set": drawn})
        data = optimizer.view(filled, Filters(), result_id=f"odds{number}")
        told = {kpi.label: (kpi.value, kpi.delta) for kpi in data.kpis}
        assert told.get("Overage probability") == (("25.0 %", "limit 30.0 %, today 50.0 %") if limit else None)
        assert ("A year" in told) == (limit is None)
        assert "above the allowance in 25 % of the months (today 50 %)" in data.pools[0].told
        assert data.facts["Months with overage"] == "25.0 %"
        assert data.facts["Scenario months"] == "5 months, drawn from the range"
    assert optimizer.view(filled, Filters(), result_id="r1").facts["Months with overage"] == formats.UNKNOWN


def test_a_result_on_older_data_is_marked(filled: Store) -> None:
    assert not results.outcomes(filled)[0].stale
    with filled.transaction() as txn:
        txn.append("carriers", [{"carrier_id": "new", "name": "New"}])
    assert results.outcomes(filled)[0].stale


def test_an_infeasible_result_is_explained(filled: Store) -> None:
    document = {
        "scenario": {"name": "Too tight"},
        "status": "infeasible",
        "currency": "USD",
        "baseline_cost": 350.0,
        "saving": None,
        "certificate": {"cost": None, "bound": None, "rel_gap": None},
        "recommendations": [],
        "infeasible": {
            "groups": ["coverage", "max_carriers"],
            "explanation": "No single carrier covers both sites.",
            "relaxations": ["allow 2 carriers"],
        },
    }
    estate.add_result(filled, name="Too tight", result_id="r2", document=document)
    data = optimizer.view(filled, Filters(), result_id="r2")
    assert data.title == "“Too tight” cannot be met"
    assert data.infeasible == (
        "No single carrier covers both sites.",
        "Limits in conflict: coverage, max carriers.",
        "It would work with: allow 2 carriers",
    )
    assert optimizer.view(filled, Filters()).outcome.name == "Right-size now"


def test_the_back_test_of_the_scenario_is_shown(filled: Store) -> None:
    item = results.outcomes(filled)[0]
    document = {
        "policies": [
            {"policy": "keep", "meaning": "unchanged", "paid": 350.0, "regret": 0.3},
            {"policy": "stochastic", "meaning": "optimum", "paid": 280.5, "regret": 0.05, "standard_error": 0.01},
        ],
        "winner": "stochastic",
        "ranking": ["stochastic", "keep"],
        "conclusion": "On this data stochastic wins.",
    }
    jobs.enqueue(filled, "backtest", {"scenario": item.yaml})
    jobs.run_one(filled, {"backtest": lambda store, params, progress: document})
    data = optimizer.view(filled, Filters())
    assert list(data.backtest["policy"]) == ["Stochastic", "Keep"]
    assert list(data.backtest["paid"]) == [280_500_000, 350 * SCALE]
    assert data.conclusion == "On this data stochastic wins."
    assert data.backtest["error"].iloc[0] == 0.01
    assert data.ranking == ("stochastic", "keep")
