"""What one more GB in a pool is worth a month: from the relaxation's duals, by solving it again, and as plans stand."""

from __future__ import annotations

from copy import copy
from fractions import Fraction
from typing import Any

from optimize import solver_process
from optimize.formulate import Built, build_model
from optimize.problem import PICO
from optimize.reduce import reduce
from optimize.result import money
from optimize.tariff import MICRO
from optimize.worth.desk import Desk

_GB = 1024
_STEP = 0.002  # of the allowance: the re-solve that checks the dual


def study(desk: Desk, most: int = 12) -> dict[str, Any]:
    """`pools`: each data pool that is in use or could be, largest allowance first, values per GB and month.

    `dual_per_gb`: derivative of the LP relaxation. `resolved_per_gb`: the relaxation solved again with 0.2 % more
    allowance. `as_plans_stand`: what one GB saves in overage with the recommended plans, per started block, exact.
    """
    if desk.base.priced is None:
        return {"pools": []}
    desk.say("pools: the relaxation")
    built = build_model(desk.problem, reduce(desk.problem))
    if not built.pool_rows:
        return {"pools": []}
    relaxed = solver_process.run(built.model, relax=True, time_limit=desk.time_limit, cancelled=desk.cancelled)
    if relaxed.duals is None:
        return {"pools": []}
    found = []
    for g, rows in built.pool_rows.items():
        pool = desk.problem.pools[g]
        if pool.kind != "data":
            continue
        key = (pool.kind, pool.account_id, pool.carrier_id, pool.group)
        months = desk.base.priced.pools.get(key, [])
        weighed = sum(m.allowance * w for m, w in zip(months, desk.problem.weights, strict=False))
        allowance = weighed / MICRO / desk.problem.total_weight
        dual = -float(sum(relaxed.duals[r] for r in rows))
        found.append((allowance, g, key, max(0.0, dual)))
    found.sort(key=lambda row: (-row[0], row[2]))
    result = []
    for allowance, g, key, dual in found[:most]:
        desk.say(f"pool {key[3]} of {key[2]}, {key[1]}: a little more allowance")
        step = max(_STEP * allowance, 1.0)
        better = _shifted(desk, built, g, step)
        resolved = None if better is None else max(0.0, (relaxed.objective - better) / step)
        result.append(
            {
                **{
                    "account_id": key[1],
                    "carrier_id": key[2],
                    "pool_group": key[3],
                    "allowance_mb": round(allowance, 6),
                },
                "dual_per_gb": round(dual * _GB, 6),
                "resolved_per_gb": None if resolved is None else round(resolved * _GB, 6),
                **{"step_mb": round(step, 6), "as_plans_stand": money(_standing(desk, key))},
            }
        )
    return {"pools": result}


def _shifted(desk: Desk, built: Built, g: int, step: float) -> float | None:
    """Value of the relaxation with `step` MB more allowance in every month of a pool."""
    model = built.model
    low, high = list(model.row_low), list(model.row_high)
    place = {name: row for row, name in enumerate(model.row_names)}
    for row in built.pool_rows[g]:
        model.row_high[row] += step
        exact = place.get(model.row_names[row].replace("pool_", "pool_exact_", 1))
        if exact is not None:
            model.row_high[exact] -= step
    outcome = solver_process.run(model, relax=True, time_limit=desk.time_limit, cancelled=desk.cancelled)
    model.row_low, model.row_high = low, high
    return None if outcome.x is None else outcome.objective


def _standing(desk: Desk, key: tuple[str, str, str, str]) -> Fraction:
    """What a GB more in every month saves in the pool's overage, plans as recommended; a month."""
    assert desk.base.priced is not None
    evaluator, saved = desk.base.evaluator, 0
    for month, weight in zip(desk.base.priced.pools.get(key, []), desk.problem.weights, strict=False):
        more = copy(month)
        more.allowance += _GB * MICRO
        saved += weight * (month.charge - evaluator.pool_price(key, more))
    return Fraction(saved, PICO * desk.problem.total_weight)
