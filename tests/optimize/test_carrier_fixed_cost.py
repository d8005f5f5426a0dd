"""Carrier fixed cost: every method against brute force, and what the result says about a carrier that is left."""

import random

import pytest
from estates import pooled_estate
from plan_oracle import FEATURES, Oracle, as_frames, instance, with_carrier_fixed_cost

import optimize
from optimize.build import build
from optimize.fitting import Fitting
from optimize.methods import METHODS
from optimize.scenario import parse
from optimize.worth import worth_frames


def drawn(feature, seed):
    """Tables, scenario and oracle of a random instance with the feature and with fixed costs."""
    rng = random.Random(f"{feature}{seed}")
    tables, scenario = instance(rng, feature)
    scenario = with_carrier_fixed_cost(rng, tables, scenario)
    return tables, scenario, Oracle(tables, scenario)


@pytest.mark.parametrize("feature", FEATURES)
def test_the_methods_agree_with_brute_force(feature):
    for seed in range(700, 706):
        tables, scenario, oracle = drawn(feature, seed)
        if not oracle.services:
            continue
        best, frames = oracle.solve(), as_frames(tables)
        fitting = Fitting(build(frames, parse(scenario)))
        fit = [m for m in METHODS if m not in ("auto", "branch_and_bound") and fitting.refusal(m) is None]
        method = fit[(seed + FEATURES.index(feature)) % len(fit)]  # in turn
        result = optimize.run_frames(frames, scenario | {"method": method})
        where = f"{feature} {seed} {method}"
        assert (result.status == "infeasible") == (best is None), where
        if best is None:
            continue
        document = result.to_json()
        proof = document["certificate"]
        assert proof["bound"] <= float(best[0]) + 1e-6 <= proof["objective"] + 2e-6, where
        assert proof["objective"] == pytest.approx(float(best[0]), abs=2e-6), where
        picked = tuple(result.assignment.get(s["service_id"], s["plan_id"]) for s in oracle.services)
        cost, _, total, changes = oracle.cost(picked)
        assert proof["cost"] == pytest.approx(float(cost), abs=1e-6), where
        assert proof["total_cost"] == pytest.approx(float(total), abs=1e-6), where
        assert document["baseline_cost"] == pytest.approx(float(oracle.keep()[1]), abs=1e-6), where
        if method in ("count", "lines", "model"):
            assert result.status == "optimal", where
            assert changes == best[1], where


def test_five_thousand_lines_leave_a_carrier_whose_fixed_cost_is_too_high():
    frames, given = pooled_estate(5000, 3, 3), {"porting_fee": 15}
    cost = {"C0": "1100", "C1": "800", "C2": "1900"}
    found = optimize.run_frames(frames, given | {"carrier_fixed_cost": cost}).to_json()
    proof = found["certificate"]
    assert proof["method"] == "branch_and_bound"
    assert proof["rel_gap"] <= 1e-4
    there = {row["carrier_id"]: row for row in found["by_carrier"]}
    assert [row["fixed_cost"] for row in there.values()] == [1100, 800, 0]
    assert there["C2"] | {"baseline_cost": 0} == {
        **{"carrier_id": "C2", "cost": 0, "baseline_cost": 0, "fixed_cost": 0, "baseline_fixed_cost": 1900},
        **{"lines": 0, "baseline_lines": 1664},
    }
    # the same estate with that carrier forbidden and no fixed cost, plus what the two others cost
    without = optimize.run_frames(frames, given | {"carriers_allowed": ["C0", "C1"]}).to_json()["certificate"]
    assert proof["bound"] <= without["objective"] + 1900
    assert without["bound"] + 1900 <= proof["objective"]
    every = optimize.run_frames(frames, given).to_json()["certificate"]
    assert proof["objective"] < every["bound"] + 3800
    assert {r["reason_code"] for r in found["recommendations"] if r["current_carrier_id"] == "C2"} <= {
        "carrier_move",
        "leave_carrier",
    }


def two_carriers(**costs):
    """Four unpooled lines at C0 and C1, C1 one unit dearer on each plan."""
    frames = pooled_estate(4, 2, 2)
    frames["plans"] = frames["plans"].assign(pool_group=None, data_mb=None, voice_min=None)
    frames["services"]["plan_id"] = ["C0-0", "C0-0", "C0-0", "C1-0"]
    frames["services"]["carrier_id"] = ["C0", "C0", "C0", "C1"]
    return optimize.run_frames(frames, {"gap": 0, "porting_fee": 24, "carrier_fixed_cost": costs}).to_json()


def test_a_line_that_only_moves_so_that_its_carrier_is_left_says_so():
    found = two_carriers(C1=50)
    (row,) = found["recommendations"]
    assert (row["service_id"], row["action"], row["reason_code"]) == ("L000003", "port", "leave_carrier")
    assert row["monthly_saving"] == pytest.approx(0.37 - 2)
    assert "fixed cost" in row["reason"]
    assert found["saving"] == pytest.approx(50 + 0.37 - 2)


def test_a_line_that_stays_as_the_cheaper_carrier_would_cost_its_fixed_amount_says_so():
    frames = pooled_estate(2, 2, 2)
    frames["plans"] = frames["plans"].assign(pool_group=None, data_mb=None, voice_min=None)
    frames["services"] = frames["services"].assign(plan_id="C1-0", carrier_id="C1")
    found = optimize.run_frames(frames, {"carrier_fixed_cost": {"C0": 9, "C1": 0}}).to_json()
    assert {row["reason_code"] for row in found["recommendations"]} == {"keep_carrier_cost"}
    assert found["saving"] == 0


def test_a_carrier_with_lines_that_the_filter_leaves_out_is_not_left():
    frames = pooled_estate(6, 2, 2)
    frames["services"]["site_id"] = ["S1", *["S2"] * 5]
    held = frames["services"]["carrier_id"][0]
    given = {"gap": 0, "services": {"site_id": "S2"}, "carrier_fixed_cost": {held: 500}}
    owed, free = (
        optimize.run_frames(frames, given | patch).to_json()["certificate"]["cost"]
        for patch in ({}, {"carrier_fixed_cost": {}})
    )
    assert owed == pytest.approx(free + 500)


def test_what_the_fixed_cost_costs_is_a_policy_and_the_ladder_counts_it():
    frames = pooled_estate(12, 2, 2)
    given = {"gap": 0, "carrier_fixed_cost": {"C0": 40, "C1": 45}}
    found = worth_frames(frames, given, studies=["policies", "carriers"], time_limit=3)["studies"]
    (price,) = [row["price"] for row in found["policies"]["policies"] if row["policy"] == "carrier_fixed_cost"]
    without = optimize.run_frames(frames, {"gap": 0}).to_json()["certificate"]["cost"]
    base = optimize.run_frames(frames, given).to_json()["certificate"]["cost"]
    assert price == pytest.approx(base - without, abs=0.011)
    (only,) = [row for row in found["carriers"]["ladder"] if row["carriers"] == 1]
    alone = optimize.run_frames(frames, given | {"carriers_allowed": only["carrier_ids"]}).to_json()["certificate"]
    assert only["cost"] == pytest.approx(alone["cost"], abs=0.011)


def test_more_carriers_than_the_tree_can_hold_are_left_to_the_model():
    frames = pooled_estate(4, 2, 64)
    given = {"carrier_fixed_cost": {"C0": 1, "C1": 2}}
    for patch in (given, {"max_carriers": 30}):
        fitting = Fitting(build(frames, parse(patch)))
        assert "too many carriers" in fitting.refusal("decomposition")
        assert fitting.refusal("model") is None
