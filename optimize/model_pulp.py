"""PuLP is the modelling layer for people: the same model as `LpProblem`, readable, exportable as .lp and .mps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pulp

from optimize.ir import INF, Model


def to_pulp(model: Model, name: str = "plans") -> pulp.LpProblem:
    """The model as a PuLP problem; rows are built from pairs as they come, the fastest way PuLP offers."""
    problem = pulp.LpProblem(name, pulp.LpMinimize)
    variables = [
        pulp.LpVariable(
            model.names[j],
            None if model.low[j] == -INF else model.low[j],
            None if model.high[j] == INF else model.high[j],
            pulp.LpInteger if model.whole[j] else pulp.LpContinuous,
        )
        for j in range(len(model.names))
    ]
    problem.addVariables(variables)
    paid = ((variables[j], c) for j, c in enumerate(model.cost) if c)
    problem.setObjective(pulp.LpAffineExpression(paid, constant=model.constant))
    for i, row in enumerate(model.row_names):
        terms = list(map(variables.__getitem__, model._cols[i].tolist())), model._values[i].tolist()
        low, high = model.row_low[i], model.row_high[i]
        if low == high:
            _add(problem, terms, pulp.LpConstraintEQ, row, low)
            continue
        if low > -INF:
            _add(problem, terms, pulp.LpConstraintGE, row if high == INF else f"{row}_low", low)
        if high < INF:
            _add(problem, terms, pulp.LpConstraintLE, row if low == -INF else f"{row}_high", high)
    return problem


def _add(problem: pulp.LpProblem, terms: tuple[list[Any], list[float]], sense: int, name: str, right: float) -> None:
    # no list of pairs: a million tuples make the garbage collector the slowest part
    expression = pulp.LpAffineExpression(zip(*terms, strict=True))
    problem.addConstraint(pulp.LpConstraint(expression, sense, name, right))


def export(model: Model, path: Path) -> None:
    """Write the model for audit; the file's ending decides: `.lp` or `.mps`."""
    problem = to_pulp(model)
    if path.suffix == ".mps":
        problem.writeMPS(str(path))
    else:
        problem.writeLP(str(path))


def highs_of(model: Model, **options: Any) -> tuple[Any, list[int]]:
    """The HiGHS object that PuLP builds, not yet run, and for each of its columns the column of `model`.

    PuLP sorts variables by name. The status is read from HiGHS itself, never from PuLP.
    """
    problem = to_pulp(model)
    solver = pulp.HiGHS(msg=False, **options)
    solver.createAndConfigureSolver(problem)
    solver.buildSolverModel(problem)
    problem.solverModel.changeObjectiveOffset(model.constant)  # PuLP leaves the constant out
    number = {name: j for j, name in enumerate(model.names)}
    return problem.solverModel, [number[variable.name] for variable in problem.variables()]
