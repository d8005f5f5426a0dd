"""Against other solvers and problems of the literature: CBC and SCIP, each in a process of its own; generalized
assignment; multiple-choice knapsack by dynamic programming."""

import subprocess
import sys

import pulp
import pytest
from estates import pooled_estate
from peer_instances import assignment, assignment_optimum, estate_of, knapsack, knapsack_optimum

import optimize
from optimize.build import build
from optimize.formulate import build_model
from optimize.model_pulp import export, to_pulp
from optimize.reduce import reduce
from optimize.scenario import parse


def best(frames, **given):
    return optimize.run_frames(frames, {"gap": 0, **given}).to_json()["certificate"]


SCIP = """
import sys
from pyscipopt import Model
model = Model()
model.hideOutput()
model.readProblem(sys.argv[1])
model.setParam("limits/gap", 0)
model.optimize()
assert model.getStatus() == "optimal", model.getStatus()
print(repr(model.getObjVal()))
"""


@pytest.mark.parametrize(("contracts", "given"), [(False, {}), (True, {"max_changes": 6, "porting_fee": 12})])
def test_scip_finds_the_same_optimum_of_the_file_written_for_audit(tmp_path, contracts, given):
    frames = pooled_estate(16, 2, 2, contracts=contracts)
    model = build_model(problem := build(frames, parse(given)), reduce(problem)).model
    export(model, tmp_path / "model.mps")
    command = [sys.executable, "-c", SCIP, str(tmp_path / "model.mps")]
    found = float(subprocess.run(command, check=True, capture_output=True, text=True, timeout=300).stdout)
    assert found + model.constant == pytest.approx(best(frames, **given)["objective"], abs=2e-4)


@pytest.mark.parametrize(("contracts", "given"), [(False, {}), (True, {"max_changes": 6, "porting_fee": 12})])
def test_cbc_finds_the_same_optimum_of_the_exported_model(tmp_path, contracts, given):
    frames = pooled_estate(16, 2, 2, contracts=contracts)
    model = build_model(problem := build(frames, parse(given)), reduce(problem)).model
    export(model, tmp_path / "model.mps")
    # as written for audit, read back: names are the file's, the constant is not in it
    _, again = pulp.LpProblem.fromMPS(str(tmp_path / "model.mps"))
    for theirs, constant in ((to_pulp(model), 0.0), (again, model.constant)):
        theirs.solve(pulp.PULP_CBC_CMD(msg=False, gapRel=0, threads=1))
        assert theirs.sol_status == 1
        assert pulp.value(theirs.objective) + constant == pytest.approx(best(frames, **given)["objective"], abs=2e-4)


@pytest.mark.parametrize("kind", ["A", "B", "C", "D"])
def test_generalized_assignment(kind):
    costs, weights, capacity = assignment(kind, 4, 12, seed=1)
    optimum = assignment_optimum(costs, weights, capacity)
    jobs = range(len(costs[0]))
    choices = [[(i, costs[i][j], weights[i][j]) for i in range(len(costs))] for j in jobs]
    frames = estate_of(choices, capacity)
    found = {method: best(frames, method=method) for method in ("model", "lines")}
    if optimum is None:  # then only dear overage or today's dear plans are left
        assert all(proof["objective"] > 1_000 for proof in found.values())
    else:
        assert {proof["objective"] for proof in found.values()} == {optimum}
    passes = best(frames, method="decomposition")
    assert passes["bound"] - 1e-6 <= (optimum or float("inf"))
    assert passes["objective"] >= (optimum or 0)


@pytest.mark.parametrize("kind", ["uncorrelated", "weakly correlated", "strongly correlated"])
def test_multiple_choice_knapsack(kind):
    rows, capacity = knapsack(kind, 20, 5, seed=1)
    optimum = knapsack_optimum(rows, capacity)
    frames = estate_of([[(0, cost, weight) for cost, weight in row] for row in rows], [capacity])
    assert best(frames, method="model")["objective"] == optimum
    passes = best(frames, method="decomposition")
    assert passes["bound"] - 1e-6 <= optimum <= passes["objective"]
    assert passes["objective"] - optimum <= 0.01 * optimum
