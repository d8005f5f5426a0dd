"""The decomposition as a method for scenarios: every candidate is re-priced exactly before it counts."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from optimize.decomposition.arrays import Whole
from optimize.decomposition.branch import BranchAndBound
from optimize.decomposition.columns import Engine
from optimize.decomposition.from_problem import estate_of
from optimize.decomposition.rounding import objective, pieces_of, search
from optimize.problem import Problem

PoolValues = dict[tuple[str, str, str, str], float]
_CLOSE_TO = 1e-6


class Run(Protocol):
    """The state of the run that the method works for."""

    @property
    def objective(self) -> float: ...

    @property
    def left(self) -> float: ...

    def offer(self, assignment: dict[str, str | None]) -> bool: ...

    def stopped(self) -> bool: ...

    def tell(self, fraction: float, note: str) -> None: ...

    bound: float


class _Watch:
    """Re-prices candidates that look better and passes news on."""

    def __init__(self, problem: Problem, run: Run, engine: Engine) -> None:
        self.problem, self.run, self.engine = problem, run, engine
        self.choice: Whole | None = None

    def stop(self) -> bool:
        return self.run.stopped()

    def left(self) -> float | None:
        return self.run.left

    def offer(self, choice: Whole, value: float) -> float:
        if value < self.run.objective + _CLOSE_TO:
            choice = fewer_changes(self.engine, choice)
            options = self.problem.first_option[:-1] + choice.astype(np.int64)
            if self.run.offer(self.problem.assignment(options.tolist())):
                self.choice = choice
        return self.run.objective

    def tell(self, note: str, bound: float) -> None:
        if np.isfinite(bound):
            self.run.bound = max(self.run.bound, safe(bound))
        self.run.tell(0.5, note)


def safe(bound: float) -> float:
    """A bound less what 64-bit sums may have added."""
    return bound - 1e-7 - 1e-12 * abs(bound)


def fewer_changes(engine: Engine, choice: Whole) -> Whole:
    """The same cost with fewer changes: every change that brings nothing is taken back."""
    current, found = engine.estate.current, choice.astype(np.int16).copy()
    changed = np.flatnonzero((found != current) & (current >= 0))
    search(engine, found, (changed, current[changed]), pieces_of(engine.estate), sweeps=1, enough=1e-12)
    return found if objective(engine, found) <= objective(engine, choice) + 1e-9 else choice


def solve(problem: Problem, run: Run) -> tuple[str, PoolValues]:
    """Search; candidates go to `run.offer`, the bound to `run.bound`. Returns what to note and the pools' values."""
    run.tell(0.1, "laying out the lines")
    engine = Engine(estate_of(problem))
    search = BranchAndBound(engine, _Watch(problem, run, engine), float(problem.scenario.gap))
    if np.isfinite(run.objective):
        search.improve(run.objective)
    found = search.run()
    if np.isfinite(found.bound):
        run.bound = max(run.bound, safe(found.bound))
    values: PoolValues = {}
    for g, pool in enumerate(problem.pools):
        values[pool.kind, pool.account_id, pool.carrier_id, pool.group] = float(found.duals.pull[g].sum())
    parts = [f"decomposition: {found.passes} passes, {found.nodes} nodes", *dict.fromkeys(found.notes)]
    return "; ".join(parts), values
