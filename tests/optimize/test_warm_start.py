"""A child starts from its parent's plans and duals: the same proof, said in the certificate, repeatable."""

import json
from dataclasses import replace

import numpy as np
import pytest
from estates import pooled_estate

import optimize
from app import jobs as handlers
from core import jobs
from core.issues import BadInput
from core.queries import workbench
from optimize import warm
from optimize.build import build
from optimize.decomposition.from_problem import columns_from, duals_from, estate_of
from optimize.scenario import parse

GIVEN = {"method": "decomposition", "gap": "0.003"}


@pytest.fixture(scope="module")
def frames():
    return pooled_estate(400, 4, 2, contracts=True)


@pytest.fixture(scope="module")
def parent(frames):
    return optimize.run_frames(frames, GIVEN).to_json()


def test_the_child_says_whose_start_it_had_and_its_proof_holds(frames, parent):
    given = {**GIVEN, "plan_price": {"C0-0": "9.50"}}
    start = warm.warm_from(parent)
    cold = optimize.run_frames(frames, given).to_json()["certificate"]
    first, second = (optimize.run_frames(frames, given, warm=start).to_json() for _ in range(2))
    for document in (first, second):
        document["certificate"].pop("seconds")
    assert json.dumps(first) == json.dumps(second)
    proof = first["certificate"]
    assert proof["warm_start"] == parent["certificate"]["input_sha256"]
    assert cold["warm_start"] is None
    assert proof["bound"] <= cold["objective"] + 1e-6
    assert cold["bound"] <= proof["objective"] + 1e-6
    assert proof["rel_gap"] <= 0.006


def test_a_result_file_holds_the_columns_and_a_child_of_them_proves_the_same(frames, parent):
    start = warm.warm_from(json.loads(json.dumps(parent)))
    assert start.columns is not None
    problem = build(frames, parse(GIVEN))
    names = [line.service_id for line in problem.lines]
    plans = {s: {problem.plans[p].plan_id for p in mine} for s, mine in _allowed(problem).items()}
    for column in start.columns.choices:
        assert all(start.columns.plans[c] in plans[s] for s, c in zip(names, column, strict=True))
    given = {**GIVEN, "carriers_allowed": ["C0"]}  # most columns use plans that the child may not have
    without = replace(start, columns=None)
    found = [optimize.run_frames(frames, given, warm=w).to_json()["certificate"] for w in (None, without, start)]
    for proof in found:
        assert proof["rel_gap"] <= 0.006
        assert all(proof["bound"] <= other["objective"] + 1e-6 for other in found)


def _allowed(problem):
    first, plan = problem.first_option.tolist(), problem.options.plan.tolist()
    return {line.service_id: plan[first[n] : first[n + 1]] for n, line in enumerate(problem.lines)}


def test_a_child_of_the_same_columns_needs_fewer_passes(frames, parent):
    start = warm.warm_from(parent)
    without = replace(start, columns=None)
    given = {**GIVEN, "change_fee": "0.5"}
    passes = [
        int(proof["solver_status"].split("decomposition: ")[1].split(" passes")[0])
        for proof in (optimize.run_frames(frames, given, warm=w).to_json()["certificate"] for w in (without, start))
    ]
    assert passes[1] < passes[0]


def test_columns_of_other_lines_are_left_aside_and_damaged_ones_refused(frames, parent, tmp_path):
    start = warm.warm_from(parent)
    problem = build(frames, parse(GIVEN))
    other = replace(start.columns, lines="of somebody else")
    assert columns_from(problem, estate_of(problem), other) == []
    for name, value in (("choices", "AAAA"), ("columns", 7919), ("plans", ["C0-0"])):
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps({**parent, "columns": {**parent["columns"], name: value}}))
        with pytest.raises(BadInput, match="is no result"):
            warm.read_warm(path)


@pytest.mark.parametrize(
    "change",
    [
        {"plan_price": {"C0-0": "9.50"}},
        {"change_fee": 3, "horizon_months": 24},
        {"carriers_allowed": ["C0"]},
        {"suspend_zero_use_months": 2, "suspend_price": "0.5"},
        {"growth": {"data": "0.05"}},
        {"months": {"from": "2025-02", "to": "2025-03"}},
        {"services": {"carrier_id": "C1"}},
        {"objective": "cvar"},
    ],
)
def test_a_problem_made_like_another_is_the_same_as_made_anew(frames, change):
    like = build(frames, parse(GIVEN))
    anew, alike = build(frames, parse({**GIVEN, **change})), build(frames, parse({**GIVEN, **change}), like)
    assert anew.lines == alike.lines
    assert np.array_equal(anew.suspendable, alike.suspendable)
    for name in ("line", "plan", "contract", "data_pool", "voice_pool", "changed", "totals", "fees", "monthly"):
        assert np.array_equal(getattr(anew.options, name), getattr(alike.options, name)), name
    assert all(np.array_equal(anew.usage.home[kind], alike.usage.home[kind]) for kind in anew.usage.home)


def test_duals_of_any_parent_prove_a_valid_bound(frames, parent):
    """Also from another range, with pools it never had: only the number of passes may suffer."""
    start = warm.warm_from(parent)
    short = {**GIVEN, "months": {"from": "2025-02", "to": "2025-03"}, "max_carriers": 2}
    cold, warmed = (optimize.run_frames(frames, short, warm=w).to_json()["certificate"] for w in (None, start))
    assert warmed["bound"] <= cold["objective"] + 1e-6
    assert cold["bound"] <= warmed["objective"] + 1e-6


def test_duals_that_name_nothing_of_the_problem_are_no_start(parent):
    other = pooled_estate(20, 2, 1)
    other["accounts"]["account_id"] = "elsewhere"
    other["services"]["account_id"] = "elsewhere"
    assert duals_from(build(other, parse({})), parent["duals"]) is None
    proof = optimize.run_frames(other, {"method": "decomposition"}, warm=warm.warm_from(parent)).to_json()
    assert proof["certificate"]["warm_start"] is not None  # its plans were still tried
    alone = warm.Warm({"nobody": "no plan"}, parent["duals"], "x")
    assert alone.plans_for(build(other, parse({}))) == {}


def test_the_studio_starts_from_the_result_it_shows(store_of):
    from app.views import scenarios
    from app.views.selection import Filters

    store = store_of(pooled_estate(60, 3, 2))
    base, child = "name: base\nmethod: decomposition\n", "name: child\nmethod: decomposition\nchange_fee: 3\n"
    handlers.optimize(store, {"scenario": base}, jobs.Progress(store, 0))
    shown = scenarios.view(store, Filters())
    assert shown.parent is not None
    for text in (child, base):
        handlers.optimize(store, {"scenario": text, "parent": shown.parent}, jobs.Progress(store, 0))
    stored = workbench.result_list(store).itertuples(index=False)
    proofs = {row.yaml: json.loads(row.document)["certificate"] for row in stored}
    assert proofs[child]["warm_start"] == proofs[base]["input_sha256"]
    assert proofs[base]["warm_start"] is None  # a scenario is no parent of itself
