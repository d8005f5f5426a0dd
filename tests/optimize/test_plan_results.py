"""Properties of results: metamorphic relations, limits of time, cancelling, repeatability, files."""

import json
import random
from fractions import Fraction

import highspy
import numpy as np
import pandas as pd
import pytest
from estates import M, pooled_estate
from plan_oracle import as_frames, instance, with_carrier_fixed_cost

import optimize
from optimize import build, formulate, model_pulp, reduce, scenario, solver_child, solver_process
from optimize.contracts import Contract, is_convex, is_monotone
from optimize.evaluate import Evaluator
from optimize.result import Contradiction, Solution, check


def cost(frames, given=None):
    result = optimize.run_frames(frames, {"gap": 0, **(given or {})})
    assert result.status == "optimal"
    return result.to_json()["certificate"]["cost"]


@pytest.fixture(scope="module")
def estate():
    return pooled_estate(lines=24, months=4)


@pytest.fixture(scope="module")
def base(estate):
    return cost(estate)


def test_order_of_rows_changes_nothing(estate, base):
    shuffled = {name: frame.sample(frac=1, random_state=3) for name, frame in estate.items()}
    first, second = (optimize.run_frames(f, {"gap": 0}).to_json() for f in (estate, shuffled))
    for document in (first, second):
        document["certificate"].pop("seconds")
    assert first == second


def test_prices_times_three_cost_times_three(estate, base):
    plans = estate["plans"].copy()
    for name in ("mrc", "data_overage_price", "voice_overage_price"):
        plans[name] = plans[name] * 3
    assert cost({**estate, "plans": plans}) == pytest.approx(3 * base, abs=0.01)


def test_another_plan_never_costs_more_and_a_dominated_one_changes_nothing(estate, base):
    worse = estate["plans"].iloc[[2]].assign(plan_id="C0-worse", mrc=90 * M)
    better = estate["plans"].iloc[[2]].assign(plan_id="C0-better", mrc=30 * M)
    assert cost({**estate, "plans": pd.concat([estate["plans"], worse])}) == pytest.approx(base, abs=0.006)
    assert cost({**estate, "plans": pd.concat([estate["plans"], better])}) < base


def test_limits_only_cost(estate, base):
    tight = cost(estate, {"max_changes": 5})
    tighter = cost(estate, {"max_changes": 2})
    assert base - 0.006 <= tight <= tighter + 0.006
    assert cost(estate, {"max_carriers": 2}) == pytest.approx(base, abs=0.006)
    assert cost(estate, {"max_changes": 24}) == pytest.approx(base, abs=0.006)


def test_splitting_a_pool_never_saves(estate, base):
    services = estate["services"].copy()
    services.loc[::2, "account_id"] = services.loc[::2, "account_id"] + "-two"
    accounts = pd.concat([estate["accounts"], estate["accounts"].assign(account_id=lambda f: f["account_id"] + "-two")])
    only = {"max_changes": 0}
    whole, split = cost(estate, only), cost({**estate, "services": services, "accounts": accounts}, only)
    assert split >= whole - 1e-6


def test_free_overage_puts_everyone_on_the_cheapest_plan(estate):
    plans = estate["plans"].assign(data_overage_price=0, voice_overage_price=0)
    result = optimize.run_frames({**estate, "plans": plans}, {"gap": 0})
    assert set(result.assignment.values()) == {"C0-0"}


def test_no_commitment_is_a_commitment_of_zero():
    frames = pooled_estate(lines=16, months=3, contracts=True)
    frames = {k: v for k, v in frames.items() if k != "contract_tiers"}
    zero = {**frames, "contracts": frames["contracts"].assign(commitment_amount=0)}
    without = {k: v for k, v in frames.items() if k != "contracts"}
    assert cost(zero) == cost(without)


def test_two_runs_give_the_same_result():
    frames = pooled_estate(lines=30, months=4, contracts=True)
    first, second = (optimize.run_frames(frames, {"gap": 0.001}).to_json() for _ in range(2))
    for document in (first, second):
        document["certificate"].pop("seconds")
    assert json.dumps(first) == json.dumps(second)


def test_among_equal_costs_fewer_changes_then_the_smaller_plan():
    tables, given = instance(random.Random("plain1"), "plain")
    row = dict(tables["plans"][0], mrc=10, service_kind=None, data_mb=None, voice_min=None, sms=None, currency="USD")
    tables["plans"] = [dict(row, plan_id=p, carrier_id="A", mrc=m) for p, m in (("p1", 20), ("p3", 10), ("p2", 10))]
    for service, plan in zip(tables["services"], ["p1", "p3"], strict=False):
        service |= {"plan_id": plan, "carrier_id": "A"}
    tables["services"] = tables["services"][:2]
    for limit in ({}, {"max_changes": 2}):
        result = optimize.run_frames(as_frames(tables), {**given, **limit})
        chosen = {r["service_id"]: r["plan_id"] for r in result.to_json()["recommendations"] if r["action"] != "keep"}
        assert chosen == {"s0": "p2"}


def test_cancel_ends_the_search_and_keeps_the_incumbent():
    frames = pooled_estate(lines=300, months=9, carriers=3, contracts=True)
    result = optimize.run_frames(frames, {"gap": 0}, cancelled=lambda: True)
    proof = result.to_json()["certificate"]
    assert result.status == "cancelled"
    assert proof["bound"] <= proof["cost"] <= result.to_json()["baseline_cost"]


def test_large_path_reaches_a_small_gap_and_agrees_with_the_small_one(monkeypatch):
    frames = pooled_estate(lines=150, months=4)
    whole = optimize.run_frames(frames, {"gap": 0.0005}).to_json()["certificate"]
    monkeypatch.setattr("optimize.solve.SMALL", 10)
    parts = optimize.run_frames(frames, {"gap": 0.0005}, time_limit=20).to_json()["certificate"]
    assert parts["bound"] <= whole["objective"] + 1e-6
    assert whole["bound"] <= parts["objective"] + 1e-6
    assert parts["rel_gap"] <= 0.0015


def test_fleet_of_equal_lines_becomes_a_count_model():
    frames = pooled_estate(lines=200, months=3)
    plans = frames["plans"][frames["plans"]["pool_group"].notna()].copy()
    plans["voice_min"] = pd.array([None] * len(plans), dtype="Int64")
    services = frames["services"].assign(plan_id="C0-0", carrier_id="C0", account_id="A-C0")
    problem = build.build({**frames, "plans": plans, "services": services}, scenario.read({"carriers_allowed": ["C0"]}))
    reduced = reduce.reduce(problem)
    assert len(reduced.classes) == 1
    assert reduced.classes[0].size == 200


def test_pulp_and_arrays_are_the_same_matrix(tmp_path):
    for feature in ("data_pool", "all_units", "cvar", "max_carriers", "line_limits", "split_pool"):
        tables, given = instance(random.Random(f"{feature}5"), feature)
        given = with_carrier_fixed_cost(random.Random(feature), tables, given)
        problem = build.build(as_frames(tables), scenario.read(given))
        model = formulate.build_model(problem, reduce.reduce(problem)).model
        ours = solver_child.load(model.arrays(), relax=False).getLp()
        built, order = model_pulp.highs_of(model)
        theirs = built.getLp()
        dense = []
        for lp in (ours, theirs):
            matrix = np.zeros((lp.num_row_, lp.num_col_))
            starts, index, values = lp.a_matrix_.start_, lp.a_matrix_.index_, lp.a_matrix_.value_
            by_row = str(lp.a_matrix_.format_).endswith("kRowwise")
            for n in range(len(starts) - 1):
                part = slice(starts[n], starts[n + 1])
                if by_row:
                    matrix[n, index[part]] = values[part]
                else:
                    matrix[index[part], n] = values[part]
            dense.append(matrix)
        for name in ("col_cost_", "col_lower_", "col_upper_", "integrality_"):
            mine, other = (
                list(getattr(lp, name)) or [highspy.HighsVarType.kContinuous] * lp.num_col_ for lp in (ours, theirs)
            )
            assert [mine[j] for j in order] == other, name
        # PuLP writes a row with two different sides as two rows
        assert {tuple(r) for r in dense[0][:, order]} == {tuple(r) for r in dense[1]}
    model_pulp.export(model, tmp_path / "model.lp")
    model_pulp.export(model, tmp_path / "model.mps")
    assert "Minimize" in (tmp_path / "model.lp").read_text()
    assert "ROWS" in (tmp_path / "model.mps").read_text()


def test_safe_bound_holds_for_any_duals():
    tables, given = instance(random.Random("everything3"), "data_pool")
    problem = build.build(as_frames(tables), scenario.read(given))
    arrays = formulate.build_model(problem, reduce.reduce(problem)).model.arrays()
    # one thread: HiGHS keeps its pool of threads for the whole process, and the decomposition's master wants one
    lp = solver_child.solve({"arrays": arrays, "relax": True, "options": {"threads": 1}}, lambda *_: None)
    assert lp["bound"] == pytest.approx(lp["objective"], abs=1e-6)
    rng = np.random.default_rng(0)
    for _ in range(50):
        bound, _ = solver_child.safe_bound(arrays, lp["duals"] + rng.normal(0, 1, len(lp["duals"])))
        assert bound <= lp["objective"] + 1e-9


def test_a_contract_function_is_what_the_document_says():
    tiers = ((Fraction(100), Fraction(1, 10)), (Fraction(200), Fraction(1, 4)))
    contract = Contract("K", "A", tiers, True, Fraction(150), False, Fraction(1, 2))
    assert contract.charged(Fraction(99)) == 99 + Fraction(51, 2)
    assert contract.charged(Fraction(100)) == 90 + 25
    assert contract.charged(Fraction(200)) == 150
    assert not is_monotone(contract.segments())
    plain = Contract("K", "A", (), True, Fraction(150), False, Fraction(1))
    assert is_monotone(plain.segments())
    assert is_convex(plain.segments())
    stepped = Contract("K", "A", tiers, False, Fraction(0), False, Fraction(1))
    assert stepped.charged(Fraction(300)) == 300 - 10 - 25
    assert is_monotone(stepped.segments())


def test_a_result_that_contradicts_its_bound_is_refused(estate):
    checked = scenario.read({})
    problem = build.build(estate, checked)
    priced = Evaluator(estate, checked, problem.setting).price()
    fine = Solution({}, priced.objective, "done", "auto", "x", "y")
    check(priced, priced, True, fine, [])
    with pytest.raises(Contradiction):
        check(priced, priced, True, Solution({}, priced.objective + 1, "done", "auto", "x", "y"), [])
    with pytest.raises(Contradiction):
        check(priced, priced, True, fine, ["max_changes"])


def test_effects_of_single_changes_add_up_without_pools():
    frames = pooled_estate(lines=20, months=3)
    frames["plans"] = frames["plans"].assign(pool_group=None)
    document = optimize.run_frames(frames, {"change_fee": 6, "porting_fee": 12}).to_json()
    assert document["certificate"]["solver"] == "closed form"
    assert sum(r["monthly_saving"] for r in document["recommendations"]) == pytest.approx(document["saving"], abs=1e-3)
    assert {r["action"] for r in document["recommendations"]} <= {"keep", "change_plan", "port"}
    assert all(r["reason"] for r in document["recommendations"])


def test_pool_value_is_what_more_allowance_saves(monkeypatch):
    monkeypatch.setattr("optimize.solve.SMALL", 10)
    frames = pooled_estate(lines=150, months=4)
    document = optimize.run_frames(frames, {"gap": 0.0005}, time_limit=20).to_json()
    values = {p["carrier_id"]: p["value_per_unit"] for p in document["sensitivities"]["pools"]}
    assert set(values) == {"C0", "C1"}
    assert all(0 <= v <= 10 / 1024 + 1e-9 for v in values.values())


def test_a_search_that_ends_before_its_first_bound_still_has_one():
    frames = pooled_estate(lines=6, months=2, contracts=True)
    result = optimize.run_frames(frames, {"gap": 0}, cancelled=lambda: True)
    document = result.to_json()
    assert result.status in ("cancelled", "optimal")
    assert document["certificate"]["bound"] <= document["certificate"]["objective"] <= document["baseline_cost"]


def doubled(frames):
    """Every line twice, with the same use, in the same pools."""
    twin = {name: frames[name].assign(service_id=lambda f: f["service_id"] + "-twin") for name in ("services", "usage")}
    return {**frames, **{name: pd.concat([frames[name], twin[name]], ignore_index=True) for name in twin}}


def relaxed(frames):
    """Value of the LP relaxation with linear overage."""
    problem = build.build(frames, scenario.read({}))
    model = formulate.build_model(problem, reduce.reduce(problem)).model
    return solver_process.run(model, relax=True).objective


def test_every_line_twice_costs_twice_in_the_relaxation():
    frames = pooled_estate(lines=12, months=3, block=1)
    frames["plans"]["data_overage_price"] = frames["plans"]["data_overage_price"] // 1024
    once, twice = relaxed(frames), relaxed(doubled(frames))
    assert twice == pytest.approx(2 * once, rel=1e-5)
    assert cost(doubled(frames)) <= 2 * cost(frames) + 0.01  # whole plans may only gain from sharing


def test_months_in_another_order_cost_the_same(estate, base):
    months = sorted(estate["usage"]["month"].unique())
    turned = dict(zip(months, months[1:] + months[:1], strict=True))
    usage = estate["usage"].assign(month=estate["usage"]["month"].map(turned))
    assert cost({**estate, "usage": usage}) == pytest.approx(base, abs=0.006)


def test_more_use_never_costs_less(estate, base):
    usage = estate["usage"].copy()
    data = usage["usage_type"] == "data"
    usage.loc[data, "quantity"] = usage.loc[data, "quantity"] * 11 // 10
    assert cost({**estate, "usage": usage}) >= base - 0.006
