"""What one more GB in a pool is worth a month: by the slopes of the relaxation, by solving it again, as plans stand.

The relaxation's value V falls convexly with allowance. Its slope at a point is the dual there, so the slopes at the two
ends of a step enclose what the step brings on average; their mean is right to second order.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from optimize import solver_process
from optimize.formulate import build_model
from optimize.problem import PICO
from optimize.reduce import reduce
from optimize.result import money
from optimize.tariff import MICRO
from optimize.worth.desk import Desk

if TYPE_CHECKING:  # the decomposition loads the solver
    from optimize.decomposition.arrays import Whole
    from optimize.decomposition.columns import Engine
    from optimize.decomposition.master import Duals

_GB = 1024
_STEP = 0.002  # of the allowance
_EXACT = 1e-9  # relative; a step moves the value by some 1e-4 of it
_PASSES = 200


@dataclass(frozen=True)
class _Point:
    """The relaxation at some allowance: its value, and per pool what one more unit in every month saves there."""

    value: float
    slopes: dict[int, float]


class _Relaxation(Protocol):
    def at(self, pool: int | None, more: float) -> _Point | None:
        """Solved with `more` MB in every month of a pool; None where the time did not suffice."""
        ...


def study(desk: Desk, most: int = 12) -> dict[str, Any]:
    """`pools`: each data pool that is in use or could be, largest allowance first, values per GB and month.

    `resolved_per_gb`: the relaxation solved again with 0.2 % more allowance. `dual_per_gb`: the mean of its slopes at
    the two ends of that step, `low_per_gb` and `high_per_gb`. `as_plans_stand`: what one GB saves in overage with the
    recommended plans, per started block, exact.
    """
    if desk.base.priced is None or not any(pool.kind == "data" for pool in desk.problem.pools):
        return {"pools": []}
    desk.say("pools: the relaxation")
    relaxation: _Relaxation = _ByPasses(desk) if desk.start is not None and desk.start.duals else _ByModel(desk)
    here = relaxation.at(None, 0.0)
    if here is None:
        return {"pools": []}
    found = []
    for g, pool in enumerate(desk.problem.pools):
        if pool.kind != "data" or g not in here.slopes:
            continue
        key = (pool.kind, pool.account_id, pool.carrier_id, pool.group)
        months = desk.base.priced.pools.get(key, [])
        weighed = sum(m.allowance * w for m, w in zip(months, desk.problem.weights, strict=False))
        found.append((weighed / MICRO / desk.problem.total_weight, g, key))
    found.sort(key=lambda row: (-row[0], row[2]))
    result = []
    for allowance, g, key in found[:most]:
        desk.say(f"pool {key[3]} of {key[2]}, {key[1]}: a little more allowance")
        step = max(_STEP * allowance, 1.0)
        there = relaxation.at(g, step)
        high = here.slopes[g]
        low = None if there is None else min(high, there.slopes[g])
        resolved = None if there is None else max(0.0, (here.value - there.value) / step)
        result.append(
            {
                **{"account_id": key[1], "carrier_id": key[2], "pool_group": key[3]},
                "allowance_mb": round(allowance, 6),
                "dual_per_gb": _per_gb(high if low is None else (low + high) / 2),
                "low_per_gb": None if low is None else _per_gb(low),
                "high_per_gb": _per_gb(high),
                "resolved_per_gb": None if resolved is None else _per_gb(resolved),
                **{"step_mb": round(step, 6), "as_plans_stand": money(_standing(desk, key))},
            }
        )
    return {"pools": result}


def _per_gb(value: float) -> float:
    return round(value * _GB, 6)


class _ByModel:
    """The LP relaxation of the whole model."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.built = build_model(desk.problem, reduce(desk.problem))

    def at(self, pool: int | None, more: float) -> _Point | None:
        model, rows = self.built.model, self.built.pool_rows
        low, high = list(model.row_low), list(model.row_high)
        place = {name: row for row, name in enumerate(model.row_names)}
        for row in rows[pool] if pool is not None else ():
            model.row_high[row] += more
            exact = place.get(model.row_names[row].replace("pool_", "pool_exact_", 1))
            if exact is not None:
                model.row_high[exact] -= more
        desk = self.desk
        found = solver_process.run(model, relax=True, time_limit=desk.time_limit, cancelled=desk.cancelled)
        model.row_low, model.row_high = low, high
        if found.x is None or found.duals is None:
            return None
        slopes = {g: max(0.0, -float(sum(found.duals[r] for r in mine))) for g, mine in rows.items()}
        return _Point(found.objective, slopes)


class _ByPasses:
    """The decomposition's relaxation (contracts at their envelope, started blocks at their price), at any size.

    With the carriers of the plans found, where their number is limited. A step starts from where the last one ended.
    """

    def __init__(self, desk: Desk) -> None:
        from optimize.decomposition.from_problem import columns_from, duals_from, estate_of

        assert desk.start is not None
        assert desk.start.duals is not None
        problem = desk.problem
        self.desk, self.estate = desk, estate_of(problem)
        self.carriers: frozenset[int] | None = None
        if problem.scenario.max_carriers is not None:
            self.carriers = frozenset(problem.carriers.index(c) for c in desk.base.carriers())
        self.duals: Duals | None = duals_from(problem, desk.start.duals)
        self.columns: list[Whole] = columns_from(problem, self.estate, desk.start.columns)

    def at(self, pool: int | None, more: float) -> _Point | None:
        from optimize.decomposition.columns import Engine

        spare = np.zeros((len(self.estate.pools.price), self.estate.months))
        if pool is not None:
            spare[pool] = more
        engine: Engine = Engine(self.estate, spare=spare)
        engine.remember_keep()
        for choice in self.columns:
            engine.remember(choice)
        found = engine.generate(
            engine.root(self.carriers),
            self.duals or engine.neutral(),
            tolerance=_EXACT,
            most=_PASSES,
            stop=self.desk.cancelled,
        )
        if found.mixture is None:
            return None
        if pool is None:
            self.duals = found.duals
            self.columns = [engine.memory.choices[n] for n in sorted(set(found.mixture.passes.tolist()))]
        return _Point(found.bound, {g: float(pull.sum()) for g, pull in enumerate(found.duals.pull)})


def _standing(desk: Desk, key: tuple[str, str, str, str]) -> Fraction:
    """What a GB more in every month saves in the pool's overage, plans as recommended; a month."""
    assert desk.base.priced is not None
    evaluator, saved = desk.base.evaluator, 0
    for month, weight in zip(desk.base.priced.pools.get(key, []), desk.problem.weights, strict=False):
        more = copy(month)
        more.allowance += _GB * MICRO
        saved += weight * (month.charge - evaluator.pool_use.price(key, more))
    return Fraction(saved, PICO * desk.problem.total_weight)
