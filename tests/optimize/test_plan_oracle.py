"""The optimum, the bound, every reported cost and every infeasibility against brute force on random tiny instances."""

import random

import pytest
from plan_oracle import FEATURES, Oracle, as_frames, instance

import optimize

SEEDS = range(11)


@pytest.mark.parametrize("feature", FEATURES)
def test_optimum_equals_brute_force(feature):
    solved = 0
    for seed in SEEDS:
        tables, scenario = instance(random.Random(f"{feature}{seed}"), feature)
        oracle = Oracle(tables, scenario)
        if not oracle.services:
            continue
        best = oracle.solve()
        result = optimize.run_frames(as_frames(tables), scenario)
        where = f"{feature} {seed}"
        assert (result.status == "infeasible") == (best is None), where
        if best is None:
            continue
        solved += 1
        document = result.to_json()
        proof = document["certificate"]
        assert result.status == "optimal", where
        assert proof["objective"] == pytest.approx(float(best[0]), abs=2e-6), where
        assert proof["bound"] <= float(best[0]) + 1e-6, where
        picked = tuple(result.assignment.get(s["service_id"], s["plan_id"]) for s in oracle.services)
        cost, _, total, changes = oracle.cost(picked)
        assert proof["cost"] == pytest.approx(float(cost), abs=1e-6), where
        assert proof["total_cost"] == pytest.approx(float(total), abs=1e-6), where
        assert changes == best[1], f"{where}: more changes than another optimum"
        pools, any_of = oracle.overage(picked)
        assert document["overage_probability"]["estate"] == pytest.approx(float(any_of)), where
        assert document["overage_probability"]["worst_pool"] == pytest.approx(float(max(pools.values(), default=0)))
        told = {
            (p["kind"], p["account_id"], p["carrier_id"], p["pool_group"]): p["overage_probability"]
            for p in document["pools"]
        }
        assert {k: v for k, v in told.items() if v} == pytest.approx({k: float(v) for k, v in pools.items() if v})
        keeps, baseline = oracle.keep()
        assert document["baseline_cost"] == pytest.approx(float(baseline), abs=1e-6), where
        assert document["saving"] == pytest.approx(float(baseline - cost), abs=1e-6), where
        if keeps and scenario.get("objective") != "cvar":
            assert proof["cost"] <= document["baseline_cost"], where
    assert solved >= 4
