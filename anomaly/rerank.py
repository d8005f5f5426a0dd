"""What reviewers taught: a model of confirmed and dismissed flags that moves the order of others.

It is trained for each month on the decisions about earlier months, and only once there are enough of them. It speaks
only about line-months as loud as those that were reviewed, because it has seen no others. A few hundred decisions, some
of them wrong, teach a logistic regression more than boosted trees; trees are tried where there are many.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from anomaly.estate import BOOL, REAL
from anomaly.feedback import Memory
from anomaly.provenance import SEED
from anomaly.sparse import Sparse

if TYPE_CHECKING:
    from sklearn.base import ClassifierMixin

#: Decisions before a month from which the order of that month is moved, and the fewest of either verdict.
LEAST_LABELS, LEAST_OF_EACH = 50, 8
#: Decisions from which boosted trees may take the place of the regression, where they foretell left-out ones better.
LEAST_BOOSTED = 500
#: The largest log odds that are believed.
BOUND = 3.0


def trained_months(memory: Memory) -> BOOL:
    """The months for which there are enough earlier decisions."""
    real, false = (np.cumsum(grid.sum(axis=0)) for grid in (memory.confirmed, memory.dismissed))
    before_real, before_false = (np.concatenate([[0], counts[:-1]]) for counts in (real, false))
    enough = before_real + before_false >= LEAST_LABELS
    return np.asarray(enough & (before_real >= LEAST_OF_EACH) & (before_false >= LEAST_OF_EACH))


def moved(raw: REAL, loudness: REAL, families: Mapping[str, Sparse], scored: BOOL, memory: Memory) -> tuple[REAL, BOOL]:
    """The raw score moved by what reviewers taught, and where it was; shape (services, months)."""
    result, touched = raw.copy(), np.zeros(raw.shape, dtype=bool)
    months = np.flatnonzero(trained_months(memory))
    if not len(months):
        return result, touched
    names = sorted(families)
    real, false = memory.confirmed, memory.dismissed
    for t in months:
        before = (real | false)[:, :t] & scored[:, :t]
        s, k = np.nonzero(before)
        learner = _learner(_rows(raw, families, names, s, k), real[s, k])
        heard = np.flatnonzero(scored[:, t] & (loudness[:, t] >= loudness[s, k].min()))
        if not len(heard):
            continue
        columns = np.full(len(heard), t)
        chance = learner.predict_proba(_rows(raw, families, names, heard, columns))[:, 1]
        base = float(real[s, k].mean())
        odds = np.log(np.clip(chance, 1e-4, 1 - 1e-4) / np.clip(1 - chance, 1e-4, 1)) - np.log(base / (1 - base))
        result[heard, t] = np.maximum(raw[heard, t] + np.clip(odds, -BOUND, BOUND), 0.0)
        touched[heard, t] = True
    return result, touched


def _learner(rows: REAL, real: BOOL) -> ClassifierMixin:
    """The model of what reviewers confirm, the one with the smaller log loss in five folds."""
    from sklearn.ensemble import HistGradientBoostingClassifier  # most of the start of any command, and seldom needed
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_score

    regression = LogisticRegression(C=0.02, max_iter=500)
    if len(real) < LEAST_BOOSTED:
        return regression.fit(rows, real)
    trees = HistGradientBoostingClassifier(
        max_iter=60, learning_rate=0.1, max_depth=3, min_samples_leaf=8, l2_regularization=1.0, random_state=SEED
    )
    folds = StratifiedKFold(5, shuffle=True, random_state=SEED)
    missed = {
        model: -cross_val_score(model, rows, real, cv=folds, scoring="neg_log_loss").mean()
        for model in (regression, trees)
    }
    return min(missed, key=lambda model: missed[model]).fit(rows, real)


def _rows(
    raw: REAL,
    families: Mapping[str, Sparse],
    names: list[str],
    service: NDArray[np.intp],
    month: NDArray[np.intp],
) -> REAL:
    return np.column_stack([raw[service, month], *(families[name][service, month] for name in names)])
