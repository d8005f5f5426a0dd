"""The decomposition as a method for scenarios: every candidate is re-priced exactly before it counts."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, Protocol

import numpy as np

from optimize.decomposition.arrays import Whole
from optimize.decomposition.branch import BranchAndBound, Found
from optimize.decomposition.cluster_search import ClusterSearch
from optimize.decomposition.clusters import divide
from optimize.decomposition.columns import Engine
from optimize.decomposition.from_problem import (
    choice_of,
    columns_from,
    duals_from,
    estate_of,
    named_columns,
    named_duals,
)
from optimize.decomposition.loading import load
from optimize.decomposition.polish import fewer_changes, fewest_changes
from optimize.decomposition.rounding import objective
from optimize.problem import Problem
from optimize.warm import Columns, Warm

PoolValues = dict[tuple[str, str, str, str], float]
_CLOSE_TO = 1e-6


class Run(Protocol):
    """The state of the run that the method works for."""

    @property
    def objective(self) -> float: ...

    @property
    def exact(self) -> Fraction: ...

    @property
    def plans(self) -> dict[str, str | None] | None: ...

    @property
    def left(self) -> float: ...

    def settle(self, assignment: dict[str, str | None], limit: Fraction) -> bool: ...

    def offer(self, assignment: dict[str, str | None]) -> bool: ...

    def stopped(self) -> bool: ...

    def tell(self, fraction: float, note: str) -> None: ...

    bound: float
    warm: bool
    duals: dict[str, Any] | None
    columns: Columns | None


class _Watch:
    """Re-prices candidates that look better and passes news on."""

    def __init__(self, problem: Problem, run: Run, engine: Engine) -> None:
        self.problem, self.run, self.engine = problem, run, engine
        self.choice: Whole | None = None if run.plans is None else choice_of(problem, run.plans)

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


def solve(problem: Problem, run: Run, warm: Warm | None = None) -> tuple[str, PoolValues]:
    """Search; candidates go to `run.offer`, the bound to `run.bound`. Returns what to note and the pools' values.

    The duals and columns of a parent (`warm`) take the place of a sample's.
    """
    run.tell(0.1, "laying out the lines")
    estate = estate_of(problem)
    if not load(estate, run.stopped):
        return "decomposition: stopped while its passes were compiled, which happens once on a machine", {}
    engine = Engine(estate)
    start = None if warm is None or warm.duals is None else duals_from(problem, warm.duals)
    run.warm = run.warm or start is not None
    watch = _Watch(problem, run, engine)
    known = [] if start is None or warm is None else columns_from(problem, estate, warm.columns)
    division, gap = divide(estate), float(problem.scenario.gap)
    search = (
        BranchAndBound(engine, watch, gap, start=start, columns=known)
        if division is None
        else ClusterSearch(engine, division, watch, gap, start=start, columns=known)
    )
    if np.isfinite(run.objective):
        search.improve(run.objective)
    found = search.run()
    if np.isfinite(found.bound):
        run.bound = max(run.bound, safe(found.bound))
    run.duals = named_duals(problem, found.duals)
    run.columns = named_columns(problem, found.columns)
    parts = [f"decomposition: {found.passes} passes, {found.nodes} nodes"]
    parts += [] if division is None else [f"{len(division.lines):,} clusters of small pools"]
    parts += [*dict.fromkeys(found.notes)]
    parts += _polish(problem, run, engine, found)
    values: PoolValues = {}
    for g, pool in enumerate(problem.pools):
        values[pool.key] = float(found.duals.pull[g].sum())
    return "; ".join(parts), values


def _polish(problem: Problem, run: Run, engine: Engine, found: Found) -> list[str]:
    """Fewest changes within what the scenario gives for it; what to note."""
    scenario = problem.scenario
    asked = scenario.polish == "fewest_changes" or (scenario.polish == "auto" and scenario.polish_within > 0)
    choice = None if run.plans is None else choice_of(problem, run.plans)
    if not asked or choice is None or run.stopped():
        return []
    run.tell(0.9, "fewest changes")
    most = run.exact * (1 + scenario.polish_within) if run.exact > 0 else run.exact
    before = objective(engine, choice)
    limit = before + float(most - run.exact) + 1e-9 * abs(before)
    done = fewest_changes(engine, choice, found.duals, limit, run.stopped)
    options = problem.first_option[:-1] + done.choice.astype(np.int64)
    run.settle(problem.assignment(options.tolist()), most)
    return [f"fewest changes: at least {done.at_least} proven"]
