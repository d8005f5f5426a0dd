"""Conformal calibration: a raw surprise becomes the share of line-months so far that were at least as surprising."""

from __future__ import annotations

import numpy as np

from anomaly.estate import BOOL, REAL


def surprise(raw: REAL, reference: BOOL, *, floor: float = 0.0) -> REAL:
    """-ln p in nats of shape (services, months); p = (1 + number of reference values >= it) / (1 + reference size).

    The reference of a month is every marked line-month up to and including it: nothing later is looked at. Values of
    at most `floor` say nothing (0 nats). `raw` below the floor counts in the size of the reference only.
    """
    result = np.zeros(raw.shape)
    kept = np.empty(0)
    size = 0
    for t in range(raw.shape[1]):
        column, inside = raw[:, t], reference[:, t]
        size += int(inside.sum())
        kept = np.sort(np.concatenate([kept, column[inside & (column > floor)]]))
        speaking = column > floor
        at_least = len(kept) - np.searchsorted(kept, column[speaking], side="left")
        p = np.minimum((at_least + 1.0) / (size + 1.0), 1.0)
        result[speaking, t] = -np.log(p)
    return result
