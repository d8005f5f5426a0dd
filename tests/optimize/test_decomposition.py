"""The decomposition against brute force, against the integer model, and against itself."""

import random
import threading

import numpy as np
import pytest
from estates import pooled_estate
from plan_oracle import FEATURES, Oracle, as_frames, instance

import optimize
from core.issues import BadInput
from optimize import solve
from optimize.build import build
from optimize.decomposition import kernels, loading
from optimize.decomposition import solve as decomposed
from optimize.decomposition.branch import BranchAndBound, Silent, uncovered
from optimize.decomposition.columns import Engine, sample
from optimize.decomposition.from_problem import can_decompose, estate_of
from optimize.decomposition.rounding import improved, objective, rounded
from optimize.scenario import parse


@pytest.mark.parametrize("feature", FEATURES)
def test_bound_and_cost_hold_against_brute_force(feature):
    for seed in (101, 102, *{"split_pool": (1009,), "data_pool": (1015,)}.get(feature, ())):
        tables, scenario = instance(random.Random(f"{feature}{seed}"), feature)
        scenario.pop("overage_probability", None)  # does not fit
        oracle = Oracle(tables, scenario)
        if not oracle.services or scenario.pop("objective", None):
            continue
        best = oracle.solve()
        result = optimize.run_frames(as_frames(tables), {**scenario, "method": "decomposition"})
        where = f"{feature} {seed}"
        assert (result.status == "infeasible") == (best is None), where
        if best is None:
            continue
        assert result.status in ("optimal", "gap_met"), where
        proof = result.to_json()["certificate"]
        assert proof["bound"] <= float(best[0]) + 1e-6 <= proof["objective"] + 2e-6, where
        picked = tuple(result.assignment.get(s["service_id"], s["plan_id"]) for s in oracle.services)
        assert proof["cost"] == pytest.approx(float(oracle.cost(picked)[0]), abs=1e-6), where
        if result.status == "optimal":
            assert proof["objective"] == pytest.approx(float(best[0]), abs=0.0051), where


def engine_of(frames, **scenario):
    return Engine(estate_of(build(frames, parse(scenario, None))))


def searched(engine, gap=1e-3):
    watch = Silent()
    return watch, BranchAndBound(engine, watch, gap, close=False).run()


def test_two_runs_are_the_same_to_the_bit():
    frames = pooled_estate(300, 3, 2, contracts=True)
    first, second = searched(engine_of(frames)), searched(engine_of(frames))
    assert first[0].value == second[0].value
    assert first[1].bound == second[1].bound
    assert np.array_equal(first[0].choice, second[0].choice)


def test_the_number_of_threads_changes_nothing(monkeypatch):
    monkeypatch.setattr(kernels, "_RANGE", 50)
    frames, found = pooled_estate(300, 3, 2), []
    for threads in (1, 2, 3):
        monkeypatch.setattr(kernels, "THREADS", threads)
        watch, search = searched(engine_of(frames))
        found.append((watch.value, search.bound, watch.choice.tobytes()))
    assert found[0] == found[1] == found[2]


def test_pairs_of_moves_reach_what_single_moves_do_not():
    engine = engine_of(pooled_estate(400, 3, 2))
    node = engine.root()
    generated = engine.generate(node, engine.neutral(), tolerance=1e-5, most=60)
    plain = improved(engine, node, generated.duals, rounded(engine, generated.mixture), deep=False)
    deep = improved(engine, node, generated.duals, plain)
    assert generated.bound <= objective(engine, deep) < objective(engine, plain)


def test_a_dozen_passes_close_the_linear_gap():
    engine = engine_of(pooled_estate(2000, 6, 3))
    found = engine.generate(engine.root(), engine.neutral(), tolerance=1e-5, most=25)
    assert found.mixture.value - found.bound <= 1.1e-5 * found.mixture.value


def test_a_run_can_stop_while_kernels_are_compiled(monkeypatch):
    release = threading.Event()
    monkeypatch.setattr(loading, "_loaded", set())
    monkeypatch.setattr(loading, "_use_all", lambda line: release.wait(20))
    frames = pooled_estate(60, 3, 2)
    result = optimize.run_frames(frames, {"method": "decomposition"}, time_limit=0.2)
    release.set()
    proof = result.to_json()["certificate"]
    assert result.status == "time_limit"
    assert 0 < proof["bound"] <= proof["objective"] <= result.to_json()["baseline_cost"]
    assert "compiled" in proof["solver_status"]


@pytest.mark.parametrize("method", ["model", "decomposition"])
def test_no_time_and_todays_plans_forbidden_still_gives_plans(method, monkeypatch):
    frames = pooled_estate(1200, 3, 3, contracts=True)
    for name in ("_whole", "_large"):
        monkeypatch.setattr(solve, name, lambda search, *_: setattr(search, "bound", 0.0) or {})
    monkeypatch.setattr(solve, "best_options", lambda problem: problem.first_option[:-1])
    monkeypatch.setattr(decomposed, "load", lambda *_: False)
    scenario = {"carriers_allowed": ["C1", "C2"], "max_carriers": 1, "method": method}
    result = optimize.run_frames(frames, scenario, time_limit=0.2)
    proof = result.to_json()["certificate"]
    assert len({plan.split("-")[0] for plan in result.assignment.values()}) == 1
    assert proof["bound"] <= proof["objective"]


def test_any_duals_prove_a_bound_below_every_solution():
    engine = engine_of(pooled_estate(200, 3, 2, contracts=True), change_fee=1)
    watch, found = searched(engine)
    rng = np.random.default_rng(4)
    for _ in range(20):
        duals = engine.neutral()
        shape = duals.pull.shape
        duals = type(duals)(rng.random(shape) * 0.004, rng.uniform(0.3, 1.5, len(duals.spend)), 0.0, duals.limit)
        assert engine.price(duals, engine.root()).bound <= watch.value
    assert found.bound <= watch.value


def test_tiers_and_commitments_close_to_the_gap_that_was_asked():
    frames = pooled_estate(500, 3, 3, contracts=True)
    result = optimize.run_frames(
        frames, {"change_fee": 2, "porting_fee": 20, "gap": "0.005", "method": "decomposition"}
    )
    assert result.status in ("optimal", "gap_met")
    assert result.to_json()["certificate"]["solver"].startswith("decomposition")


def test_a_small_core_model_ends_where_its_leaf_is_good_enough():
    """Its target is the leaf's bound plus nearly the whole gap: what could still be better is not searched for."""
    watch = Silent()
    found = BranchAndBound(engine_of(pooled_estate(1_000, 2, 2, 5, contracts=True)), watch, 1.5e-4).run()
    assert found.notes == ["Target for objective reached"]
    assert watch.value - found.bound <= 1.5e-4 * watch.value


def test_a_leaf_with_few_options_left_is_proven_by_its_own_model_alone():
    watch = Silent()
    found = BranchAndBound(engine_of(pooled_estate(160, 2, 2, 5, contracts=True)), watch, 1e-3).run()
    assert found.notes == ["Optimal"]
    assert watch.value - found.bound <= 1e-3 * watch.value


def test_at_most_so_many_carriers_and_who_would_be_left_out():
    frames = pooled_estate(120, 3, 3)
    frames["services"]["site_id"] = ["S1" if n < 7 else "S2" for n in range(120)]
    frames["services"].loc[:6, ["carrier_id", "plan_id"]] = ["C2", "C2-0"]
    import pandas as pd

    frames["coverage"] = pd.DataFrame({"site_id": ["S1", "S2", "S2", "S2"], "carrier_id": ["C2", "C0", "C1", "C2"]})
    engine = engine_of(frames, max_carriers=1)
    assert uncovered(engine.estate, frozenset({2})) == 0
    assert uncovered(engine.estate, frozenset({0})) == 7
    result = optimize.run_frames(frames, {"max_carriers": 1, "gap": "0.02", "method": "decomposition"})
    assert {p.split("-")[0] for p in result.assignment.values()} == {"C2"}


def test_a_sample_is_a_small_estate_of_the_same_weight():
    engine = engine_of(pooled_estate(4100, 2, 2))
    small = sample(engine)
    assert small.estate.lines == 2000
    assert small.estate.lines * small.estate.weight == pytest.approx(4100)


def test_bad_months_are_left_to_the_model():
    frames = pooled_estate(40, 3, 2)
    scenario = {"objective": "cvar", "cvar": {"alpha": "0.5", "weight": "0.5"}, "method": "decomposition"}
    assert not can_decompose(build(frames, parse(scenario, None)))
    with pytest.raises(BadInput, match="bad months"):
        optimize.run_frames(frames, scenario)
    assert optimize.run_frames(frames, {**scenario, "method": "auto"}).to_json()["certificate"]["solver"] == "HiGHS"


def test_a_cancelled_run_returns_an_honest_gap():
    frames = pooled_estate(400, 3, 3, contracts=True)
    asked = []

    def cancelled():
        asked.append(1)
        return len(asked) > 3

    result = optimize.run_frames(frames, {"method": "decomposition", "gap": 0}, cancelled=cancelled)
    proof = result.to_json()["certificate"]
    assert result.status in ("cancelled", "optimal")
    assert proof["bound"] <= proof["objective"] <= result.to_json()["baseline_cost"]
