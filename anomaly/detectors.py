"""Detectors: what scores line-months, each under one contract that a test checks for all of them.

`line_month` is the product. The isolation forest is there to be compared with, off unless asked for: on the frozen
benchmark it finds a quarter of what the product finds, and adding one to the product's score made it worse
(docs/anomaly.md).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from anomaly import features, policy
from anomaly.calibrate import surprise
from anomaly.estate import BOOL, REAL, Estate
from anomaly.provenance import SEED
from anomaly.ranking import rank

FOREST_SAMPLE, FOREST_TREES = 4096, 50
DEFAULT = "line_month"


@dataclass(frozen=True)
class Detector:
    """`score` gives nats of shape (services, months) for an estate; larger is more surprising, 0 says nothing.

    Every detector passes every check of the contract; `excused` names a check that its method cannot pass, and why.
    """

    id: str
    title: str
    score: Callable[[Estate], REAL]
    excused: Mapping[str, str] = field(default_factory=dict)


def product(estate: Estate) -> REAL:
    """The score of `tem flag` without any feedback."""
    found = policy.evaluate(estate)
    return rank(estate, features.build(estate), found, policy.base_rates(estate, found)).nats


def isolation_forest(estate: Estate) -> REAL:
    """A forest on the features of a line-month as they are, money in fleet units, refitted every month on the past."""
    panel = features.build(estate)
    columns = [np.log1p(grid) for grid in panel.volumes.values()]
    columns += [np.log1p(grid.dense()) for grid in panel.counts.values()]
    columns += [grid.dense() / panel.unit for grid in panel.money.values()]
    return surprise(_forest(np.stack(columns, axis=-1), panel.scored), panel.scored)


def _forest(rows: NDArray[np.float64], scored: BOOL) -> REAL:
    """How isolated a line-month is among those so far; the sample is drawn evenly from the rows in order of content."""
    from sklearn.ensemble import IsolationForest  # slow to import, and only asked for to compare

    result = np.zeros(scored.shape)
    for t in range(scored.shape[1]):
        past = rows[:, : t + 1][scored[:, : t + 1]]
        if len(past) < 8:
            continue
        past = past[np.lexsort(past.T)]
        step = np.linspace(0, len(past) - 1, min(FOREST_SAMPLE, len(past))).round().astype(int)
        model = IsolationForest(n_estimators=FOREST_TREES, random_state=SEED).fit(past[np.unique(step)])
        now = np.flatnonzero(scored[:, t])
        result[now, t] = np.round(-model.score_samples(rows[now, t]), 9)
    return result


_FOREST = {
    "constant": "a forest knows no line's own past: a steady heavy user is isolated every month",
    "monotone": "a tree's path ends at the largest value it was trained on, so more need not be more isolated",
    "new_line": "a single feature far out is one of many splits, and does not have to isolate the row",
}
DETECTORS: dict[str, Detector] = {
    item.id: item
    for item in (
        Detector(DEFAULT, "Signals against own past and peers, with policy rules", product),
        Detector("isolation_forest", "Isolation forest on raw features", isolation_forest, _FOREST),
    )
}
