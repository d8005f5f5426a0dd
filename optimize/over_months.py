"""Which months each pool may be above its allowance in: a small tree over months, above the search over plans.

With a limit on the probability of overage the relaxation of a large model says little: a binary times the largest
excess is next to nothing. Decided months say much: a month in which a pool may not be over is a plain row. The tree
decides the month that is furthest over; its nodes are relaxations, best bound first, so the first one whose months keep
the limit is the optimum over all choices of months, plans relaxed.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from optimize.formulate import Built
from optimize.overage_limit import OverRows
from optimize.solver_process import Outcome

_NODES = 80  # relaxations solved
_OVER = 1e-6  # MB or minutes above what the row lets go


@dataclass(frozen=True)
class Region:
    """A part of the problem, where the binaries `fixed` have these values; `bound` is that of its relaxation.

    `proven` holds for the whole problem, `others` for what is outside the region. `over`: every month decided so that
    the relaxed point stays feasible.
    """

    relaxed: Outcome
    bound: float
    proven: float
    fixed: Mapping[int, float] = field(default_factory=dict)
    over: Mapping[int, float] = field(default_factory=dict)
    others: float = math.inf


def safe(bound: float) -> float:
    """A relaxation's bound less what rounding may have added."""
    return bound - 1e-7 - 1e-12 * abs(bound)


def best_region(built: Built, root: Outcome, relax: Callable[[], Outcome | None]) -> Region:
    """The best choice of months that was found; `relax` solves the model as it stands, None where time is up."""
    return _Tree(built, relax).search(root)


class _Tree:
    def __init__(self, built: Built, relax: Callable[[], Outcome | None]) -> None:
        self.built, self.model, self.relax = built, built.model, relax
        self.solved = 0

    def search(self, root: Outcome) -> Region:
        heap: list[tuple[float, int, dict[int, float], Outcome]] = [(safe(root.bound), 0, {}, root)]
        spare = self._greedy(root)
        while heap and self.solved < _NODES:
            bound, number, fixed, relaxed = heapq.heappop(heap)
            month = self._furthest(relaxed, fixed)
            if month is None:
                others = heap[0][0] if heap else math.inf
                return Region(relaxed, safe(relaxed.bound), bound, fixed, self._decided(relaxed, fixed), others)
            for value in (1.0, 0.0):
                child = {**fixed, month: value}
                found = relaxed if value and self._keeps(relaxed, child) else self._solve(child)
                if found is None:  # the time is up: what this node was is still open
                    heapq.heappush(heap, (bound, number, fixed, relaxed))
                    return self._unfinished(root, spare, heap[0][0])
                if found.x is None:
                    continue
                least = max(bound, safe(found.bound))
                heapq.heappush(heap, (least, 2 * self.solved + int(value), child, found))
                if (spare is None or least < spare.bound) and self._furthest(found, child) is None:
                    spare = Region(found, safe(found.bound), least, child, self._decided(found, child))
        return self._unfinished(root, spare, heap[0][0] if heap else math.inf)

    def _unfinished(self, root: Outcome, spare: Region | None, least: float) -> Region:
        """The best region known when not everything else is ruled out; `least` bounds the whole problem."""
        if spare is None:
            return Region(root, safe(root.bound), least if math.isfinite(least) else safe(root.bound))
        return replace(spare, proven=min(least, spare.bound), others=least)

    def _solve(self, fixed: Mapping[int, float]) -> Outcome | None:
        model = self.model
        low, high = list(model.low), list(model.high)
        for b, value in fixed.items():
            model.low[b] = model.high[b] = value
        self.solved += 1
        found = self.relax()
        model.low, model.high = low, high
        return found

    def _excess(self, relaxed: Outcome, group: OverRows) -> dict[int, float]:
        """How far each month is above what its row allows without its binary."""
        assert relaxed.x is not None
        found = {}
        for b, row in group.months.items():
            columns, values = self.model.entries(row)
            mine = columns != b
            found[b] = float(values[mine] @ relaxed.x[columns[mine]]) - self.model.row_high[row]
        return found

    def _weights(self, group: OverRows) -> dict[int, float]:
        columns, values = self.model.entries(group.limit)
        return dict(zip(columns.tolist(), values.tolist(), strict=True))

    def _furthest(self, relaxed: Outcome, fixed: Mapping[int, float]) -> int | None:
        """The undecided month that is furthest over in a pool that is over too often; None if none is."""
        worst: tuple[float, int] | None = None
        for group in self.built.over:
            excess, weights = self._excess(relaxed, group), self._weights(group)
            over = [b for b in group.months if fixed.get(b) or (b not in fixed and excess[b] > _OVER)]
            if sum(weights[b] for b in over) <= self.model.row_high[group.limit] + 1e-9:
                continue
            free = max(((excess[b], -b) for b in over if b not in fixed), default=None)
            if free is not None and (worst is None or free > worst):
                worst = free
        return None if worst is None else -worst[1]

    def _keeps(self, relaxed: Outcome, fixed: Mapping[int, float]) -> bool:
        """Whether the relaxed point is still one when these months are decided."""
        for group in self.built.over:
            excess, weights = self._excess(relaxed, group), self._weights(group)
            used = 0.0
            for b, row in group.months.items():
                columns, values = self.model.entries(row)
                most = -float(values[np.flatnonzero(columns == b)[0]])
                used += weights[b] * fixed.get(b, max(0.0, excess[b]) / most)
            if used > self.model.row_high[group.limit] + 1e-9:
                return False
        return True

    def _decided(self, relaxed: Outcome, fixed: Mapping[int, float]) -> dict[int, float]:
        """Every month: over where it is decided so, or where the relaxed point is."""
        found = {}
        for group in self.built.over:
            excess = self._excess(relaxed, group)
            found.update({b: fixed.get(b, float(excess[b] > _OVER)) for b in group.months})
        return found

    def _greedy(self, root: Outcome) -> Region | None:
        """Over in the months that are furthest over, as many as the limit allows; None where that cannot be."""
        chosen: dict[int, float] = {}
        for group in self.built.over:
            excess, weights = self._excess(root, group), self._weights(group)
            left = self.model.row_high[group.limit]
            for b in sorted(group.months, key=lambda b: (-excess[b], b)):
                chosen[b] = float(weights[b] <= left + 1e-9 and excess[b] > _OVER)
                left -= chosen[b] * weights[b]
        found = self._solve(chosen)
        if found is None or found.x is None:
            return None
        return Region(found, safe(found.bound), safe(root.bound), chosen, chosen)
