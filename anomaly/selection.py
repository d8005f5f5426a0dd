"""Which line-months the anomaly queue lists: a fixed budget at first, a false discovery rate once people confirmed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anomaly import rerank, score
from anomaly.estate import BOOL, REAL
from anomaly.feedback import Memory
from anomaly.ranking import Ranking

DEFAULT_BUDGET = 0.005
#: Confirmations about earlier months from which a month is cut by its false discovery rate, and that rate.
LEAST_CONFIRMED, FALSE_DISCOVERIES = 20, 0.2
#: Share of the budget that goes by the unsupervised order where reviewers' decisions move the order.
UNSUPERVISED_SHARE = 0.2
#: More than what two scores that are equal to six decimals can lie apart.
ROUNDING = 2e-6


@dataclass(frozen=True)
class Selection:
    """The listed line-months, best first; `missed` are those that the same rule would list but for earlier reviews."""

    service: NDArray[np.intp]
    month: NDArray[np.intp]
    missed: int
    by_rate: BOOL


def benjamini_hochberg(p: REAL, rate: float) -> BOOL:
    """Which of the p values are discoveries at a false discovery rate (Benjamini and Hochberg 1995)."""
    count = len(p)
    if not count:
        return np.zeros(0, dtype=bool)
    ordered = np.sort(p)
    passing = np.flatnonzero(ordered <= rate * np.arange(1, count + 1) / count)
    return p <= ordered[passing[-1]] if len(passing) else np.zeros(count, dtype=bool)


def choose(ranking: Ranking, scored: BOOL, chosen: BOOL, budget: float | None, memory: Memory) -> Selection:
    """The line-months to list of the months `chosen`.

    With a `budget` exactly the best ceil(budget x line-months). Without one, months with enough confirmations before
    them are cut at the false discovery rate, each month by itself, and the others by the default budget.
    """
    warm = np.zeros(scored.shape[1], dtype=bool)
    if budget is None:
        confirmed = np.cumsum(memory.confirmed.sum(axis=0))
        warm = np.concatenate([[0], confirmed[:-1]]) >= LEAST_CONFIRMED
    share = DEFAULT_BUDGET if budget is None else budget
    taught = bool(rerank.trained_months(memory)[chosen].any()) and share < 1
    listed = _best(ranking.nats, ranking.unsupervised if taught else None, scored & (chosen & ~warm)[None, :], share)
    without = _best(ranking.loudness, None, scored & (chosen & ~warm)[None, :], share)
    for t in np.flatnonzero(warm & chosen):
        lines = np.flatnonzero(scored[:, t])
        found = lines[benjamini_hochberg(ranking.tail[lines, t], FALSE_DISCOVERIES)]
        without[found, t] = True
        listed[found[~ranking.kept_back[found, t]], t] = True
    service, month = np.nonzero(listed)
    order = np.lexsort((month, service, -np.round(ranking.nats[service, month], 6)))
    missed = int((without & ranking.kept_back & ~listed).sum())
    return Selection(service[order], month[order], missed, warm & chosen)


def _best(nats: REAL, unsupervised: REAL | None, inside: BOOL, budget: float) -> BOOL:
    """The best ceil(budget x line-months); a share of them by the unsupervised order where there is one."""
    rows = score.budget_rows(budget, int(np.count_nonzero(inside)))
    reserved = 0 if unsupervised is None else int(rows * UNSUPERVISED_SHARE)
    result = np.zeros(inside.shape, dtype=bool)
    result[best(nats, inside, rows - reserved)] = True
    if unsupervised is not None and reserved:
        result[best(unsupervised, inside & ~result, reserved)] = True
    return result


def best(nats: REAL, inside: BOOL, rows: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Services and months of the best `rows` line-months that are `inside`, best first: by nats to six decimals, then
    by service and month."""
    count = int(np.count_nonzero(inside))
    if not 0 < rows <= count:
        service, month = np.nonzero(inside) if rows else np.zeros((2, 0), dtype=np.intp)
    else:
        least = -np.partition(-nats[inside], rows - 1)[rows - 1]
        service, month = np.nonzero(inside & (nats >= least - ROUNDING))
    order = np.lexsort((month, service, -np.round(nats[service, month], 6)))[:rows]
    return service[order], month[order]
