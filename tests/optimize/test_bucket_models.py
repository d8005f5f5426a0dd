"""Bucket plans in models: rows, ladders, parts, samples, and gaps on larger estates."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from bucket_estates import buckets, small_pools
from estates import M, pooled_estate

import optimize
from optimize.build import build
from optimize.decomposition.arrays import Ladder
from optimize.decomposition.columns import Engine, sample
from optimize.decomposition.from_problem import estate_of
from optimize.decomposition.steps import hull, ladder_of
from optimize.formulate import build_model
from optimize.model_pulp import to_pulp
from optimize.problem import Pool, PoolBucket
from optimize.reduce import reduce
from optimize.scenario import parse


def test_the_model_for_audit_and_the_arrays_are_the_same():
    frames = pooled_estate(12, 2, 2, contracts=True)
    scenario = {"buckets": buckets(max_per_pool=2), "bucket_steps": "one"}
    model = build_model(problem := build(frames, parse(scenario)), reduce(problem)).model
    arrays, audit = model.arrays(), to_pulp(model)
    whole = [name for name, is_whole in zip(model.names, model.whole, strict=True) if is_whole]
    assert [n for n in whole if n.startswith("bucket_")]
    at = {name: n for n, name in enumerate(model.names)}
    matrix = {
        (row.rsplit("_low", 1)[0].rsplit("_high", 1)[0], at[v.name]): c
        for row, constraint in audit.constraints.items()
        for v, c in constraint.items()
        if row.startswith("bucket_")
    }
    starts = arrays["starts"]
    expected = {
        (name, int(arrays["columns"][k])): float(arrays["values"][k])
        for n, name in enumerate(model.row_names)
        if name.startswith("bucket_")
        for k in range(starts[n], starts[n + 1])
    }
    assert matrix == expected
    assert {name.rsplit("_", 2)[0] for name, _ in expected} >= {"bucket_of"}


def test_steps_of_a_ladder():
    pool = Pool("data", "A", "C0", "shared", 1, 1, tuple(PoolBucket(n, a * M, m * M, 2) for n, a, m in LADDER))
    one, every = (ladder_of(pool, one=one, monotone=True) for one in (True, False))
    assert one.allowance.tolist() == [0, 5, 10, 12, 24]
    assert one.mrc.tolist() == [0, 10, 20, 22, 44]
    assert every.allowance.tolist() == [0, 5, 10, 12, 17, 22, 24, 29, 34]
    assert every.mrc.tolist() == [0, 10, 20, 22, 32, 42, 44, 54, 64]
    dear = Pool("data", "A", "C0", "shared", 1, 1, (*pool.buckets, PoolBucket("c", 11 * M, 23 * M, 1)))
    assert ladder_of(dear, one=True, monotone=True).allowance.tolist() == one.allowance.tolist()
    assert ladder_of(dear, one=True, monotone=False).allowance.tolist() == [0, 5, 10, 11, 12, 24]
    steep = Ladder(np.array([0.0, 1, 2, 3, 4]), np.array([0.0, 5, 6, 11, 13]))
    assert hull(steep, 0, 5) == [0, 2, 4]
    assert hull(steep, 1, 4) == [1, 2, 3]
    assert hull(steep, 3, 4) == [3]


LADDER = (("a", 5, 10), ("b", 12, 22))


def test_five_thousand_lines_with_a_proven_gap():
    frames = pooled_estate(5_000, 3, 1, seed=5)
    frames["services"]["account_id"] = [f"A{n % 4}" for n in range(5_000)]
    frames["accounts"] = pd.DataFrame({"account_id": [f"A{n}" for n in range(4)], "carrier_id": "C0"})
    small = frames["plans"]["plan_id"] == "C0-0"
    frames["plans"].loc[small, ["data_mb", "mrc"]] = [0, 5 * M]
    stairs = [(gb * 50, mrc * 50) for gb, mrc in ((50, 100), (85, 160), (150, 270))]
    scenario = {"buckets": buckets(stairs, max_per_pool=3), "bucket_steps": "any", "gap": "0.001"}
    scenario["method"] = "branch_and_bound"
    found = optimize.run_frames(frames, scenario).to_json()
    proof = found["certificate"]
    assert found["status"] == "gap_met"
    assert proof["rel_gap"] <= 1e-3
    assert sum(row["count"] for row in found["buckets"]) >= 4
    assert sum(pool["bucket_cost"] for pool in found["pools"]) == sum(r["mrc"] * r["count"] for r in found["buckets"])


def test_small_pools_are_solved_one_by_one_to_a_proven_optimum():
    frames, scenario = small_pools(250, 25)
    found = optimize.run_frames(frames, {**scenario, "gap": "0.0001"}).to_json()
    proof = found["certificate"]
    assert proof["method"] == "model"
    assert "parts" in proof["solver_status"]
    assert found["status"] in ("optimal", "gap_met")
    assert proof["rel_gap"] <= 1e-4


def test_parts_find_what_the_whole_model_finds():
    frames, scenario = small_pools(60, 12, "any")
    parted = optimize.run_frames(frames, {**scenario, "gap": 0, "method": "model"}).to_json()
    whole = optimize.run_frames(frames, {**scenario, "gap": 0, "method": "lines"}).to_json()
    assert "parts" in parted["certificate"]["solver_status"]
    assert "parts" not in whole["certificate"]["solver_status"]
    assert parted["certificate"]["objective"] == pytest.approx(whole["certificate"]["objective"], abs=0.006)
    actions = [[r["action"] != "keep" for r in d["recommendations"]] for d in (parted, whole)]
    assert sum(actions[0]) == sum(actions[1])
    tied = optimize.run_frames(frames, {**scenario, "gap": "0.01", "method": "model", "max_changes": 40}).to_json()
    assert "parts" not in tied["certificate"]["solver_status"]


def test_a_search_by_parts_that_is_cut_short_has_an_honest_gap():
    frames, scenario = small_pools(100, 25)
    asked = []

    def cancelled():
        asked.append(1)
        return len(asked) > 2

    found = optimize.run_frames(frames, {**scenario, "gap": 0, "method": "model"}, cancelled=cancelled).to_json()
    proof = found["certificate"]
    assert found["status"] == "cancelled"
    assert 0 < proof["bound"] < proof["objective"] <= found["baseline_cost"]


def test_no_sample_where_it_would_have_a_handful_of_lines_for_each_pool_with_buckets():
    frames, scenario = small_pools(4_200, 30)
    engine = Engine(estate_of(build(frames, parse(scenario))))
    assert sample(engine) is None
    plain = Engine(estate_of(build(frames, parse({}))))
    assert sample(plain).estate.lines == 2_000
