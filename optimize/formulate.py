"""From the reduced problem to a model: assignment, pools, contracts, limits and CVaR, every row in a named group.

Amounts are currency a month, pool quantities MB or minutes. Classes of one line give binaries (line model), classes of
many give integer counts (count model): the same code writes both.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from optimize.draft import Draft
from optimize.ir import Model
from optimize.limit_rows import limit_rows
from optimize.overage_limit import OverRows
from optimize.pool_rows import PoolRows
from optimize.priced import PoolKey
from optimize.problem import Problem
from optimize.reduce import Reduced
from optimize.spend_rows import contract_rows


@dataclass
class Built:
    """A model with what is needed to read a point of it."""

    model: Model
    reduced: Reduced
    columns: list[list[int]]
    """Per class the columns of its options; empty for a class with a single option."""
    pool_rows: dict[int, list[int]] = field(default_factory=dict)
    """Per pool the rows whose right side is allowance: overage, and being above the allowance where that is limited."""
    over: list[OverRows] = field(default_factory=list)
    """The pools that may be above their allowance in some months only."""
    changes: tuple[NDArray[np.int64], NDArray[np.float64]] = (np.zeros(0, dtype=np.int64), np.zeros(0))
    buckets: dict[int, list[int]] = field(default_factory=dict)
    """Per pool that may buy buckets the columns of their counts, in the pool's order."""

    def counts(self, x: NDArray[np.float64]) -> list[list[int]]:
        """Whole counts per class and option of a point, sizes kept by largest remainder."""
        found = []
        for group, columns in zip(self.reduced.classes, self.columns, strict=True):
            if not columns:
                found.append([group.size])
                continue
            values = np.maximum(x[columns], 0.0)
            whole = np.floor(values + 1e-6).astype(int)
            order = np.argsort(-(values - whole), kind="stable")
            missing = group.size - int(whole.sum())
            for k in order[: max(0, missing)]:
                whole[k] += 1
            while whole.sum() > group.size:
                whole[int(np.argmax(whole))] -= 1
            found.append(whole.tolist())
        return found

    def bought(self, problem: Problem, x: NDArray[np.float64]) -> dict[PoolKey, dict[str, int]]:
        """The buckets of a point."""
        found = {}
        for g, columns in self.buckets.items():
            sizes = problem.pools[g].buckets
            found[problem.pools[g].key] = {b.bucket_id: round(x[j]) for b, j in zip(sizes, columns, strict=True)}
        return found

    def options(self, counts: list[list[int]]) -> list[int]:
        """One option per line for counts; within a class earlier lines get the smaller plan."""
        chosen: list[int] = []
        for group, count in zip(self.reduced.classes, counts, strict=True):
            member = 0
            for k, many in enumerate(count):
                for _ in range(many):
                    chosen.append(group.options[member][k])
                    member += 1
        return sorted(chosen)


def build_model(problem: Problem, reduced: Reduced) -> Built:
    """The mixed integer model of a reduced problem."""
    draft = Draft(problem, reduced)
    pools = PoolRows(draft)
    pools.write()
    contract_rows(draft)
    moved = limit_rows(draft)
    if draft.risk:
        _cvar(draft)
    return Built(
        draft.model,
        reduced,
        draft.columns,
        pool_rows=pools.rows,
        over=pools.over,
        changes=(moved, np.ones(len(moved))),
        buckets=pools.buckets,
    )


def _cvar(draft: Draft) -> None:
    """eta + sum of w_t s_t / (1 - alpha), s_t >= c_t - eta; a month's cost is bounded, so eta is too."""
    model, options = draft.model, draft.problem.options
    worst = float(1 - draft.problem.scenario.alpha)
    shared: dict[int, float] = defaultdict(float)
    for j, weight in draft.common:
        shared[j] += weight
    months: list[dict[int, float]] = []
    far = 0.0
    for t in range(draft.span):
        row: dict[int, float] = defaultdict(float, shared)
        for j, o in enumerate(draft.opt.tolist()):
            if options.monthly[o, t]:
                row[j] += float(options.monthly[o, t])
        for j, price in draft.month_terms[t]:
            row[j] += price
        size = sum(abs(w) * max(abs(model.low[j]), abs(model.high[j])) for j, w in row.items())
        far = max(far, size + abs(draft.month_const[t]) + abs(draft.common_const))
        months.append(row)
    eta = model.column("eta", draft.risk, -far - 1, far + 1)
    for t, row in enumerate(months):
        s = model.column(f"above_{t}", draft.risk * draft.share[t] / worst, 0, 2 * far + 2)
        columns = [s, eta, *row]
        values = [1.0, 1.0, *(-w for w in row.values())]
        model.row(f"month_{t}", "cvar", columns, values, low=float(draft.month_const[t]) + draft.common_const)
    # the mean of the months already has its weight in the costs of options and pools
