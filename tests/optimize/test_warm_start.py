"""A child starts from its parent's plans and duals: the same proof, said in the certificate, repeatable."""

import json

import pytest
from estates import pooled_estate

import optimize
from app import jobs as handlers
from core import jobs
from core.queries import workbench
from optimize import warm
from optimize.build import build
from optimize.decomposition.from_problem import duals_from
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
