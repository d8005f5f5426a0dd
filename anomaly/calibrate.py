"""Conformal calibration: a raw surprise becomes the share of line-months so far that were at least as surprising."""

from __future__ import annotations

import numpy as np

from anomaly.estate import BOOL, REAL
from anomaly.kernels import at_least, merged
from anomaly.sparse import Sparse

#: Shares of line-months between which the slope of a far tail is read off, and the fewest beyond the second.
TAIL_FROM, TAIL_TO, TAIL_LEAST = 0.02, 0.002, 5


def surprise(
    raw: REAL, reference: BOOL, *, floor: float = 0.0, confirmed: BOOL | None = None, extended: bool = False
) -> REAL:
    """-ln p in nats of shape (services, months); p = (1 + number of reference values >= it) / (1 + reference size).

    The reference of a month is every marked line-month up to and including it: nothing later is looked at. Line-months
    that people `confirmed` as real leave the reference of all later months, their own month's stays as it was. Values
    of at most `floor` say nothing (0 nats). `raw` below the floor counts in the size of the reference only.

    `extended`: the far tail is told apart by size too, not by rank alone (:func:`_far_tail`).
    """
    return surprise_of(Sparse.above(raw, floor), reference, confirmed=confirmed, extended=extended).dense()


def surprise_of(raw: Sparse, reference: BOOL, *, confirmed: BOOL | None = None, extended: bool = False) -> Sparse:
    """:func:`surprise` where only the values above the floor are kept."""
    result = np.zeros(len(raw.value))
    kept = np.empty(0)
    size = 0
    everybody = np.asarray(reference.all(axis=0))
    for t in range(raw.shape[1]):
        inside = reference[:, t]
        real = None if confirmed is None else inside & confirmed[:, t]
        lines, column = raw.column(t)
        order = np.argsort(column)
        lines, values = lines[order], column[order]
        now = values if everybody[t] else values[inside[lines]]
        size += int(np.count_nonzero(inside))
        reached = at_least(kept, values) + at_least(now, values)
        nats = -np.log(np.minimum((reached + 1.0) / (size + 1.0), 1.0))
        everyone = merged(kept, now)
        result[raw.start[t] + order] = _far_tail(values, nats, everyone, size) if extended else nats
        if real is not None and real.any():
            everyone = merged(kept, values[(inside & ~real)[lines]])
            size -= int(np.count_nonzero(real))
        kept = everyone
    return raw.with_values(result)


def _far_tail(values: REAL, nats: REAL, ordered: REAL, size: int) -> REAL:
    """`nats`, but beyond :data:`TAIL_TO` of the reference those of a power law through it and :data:`TAIL_FROM`.

    Ranks alone cannot tell a value just beyond all others from one far beyond them, and events that nobody confirmed
    hide one another: the tail of the bulk can. A power law is the heaviest usual tail, so it claims the least.
    """
    near, far = int(TAIL_FROM * size), int(TAIL_TO * size)
    if far < TAIL_LEAST or len(ordered) < near:
        return nats
    low, high = ordered[-near], ordered[-far]
    if high <= low:
        return nats
    slope = np.log(near / far) / np.log(high / low)
    beyond = np.maximum(values / high, 1.0)
    return np.where(values > high, np.log(size / far) + slope * np.log(beyond), nats)


def _at_least(ordered: REAL, values: REAL) -> REAL:
    return np.asarray(len(ordered) - np.searchsorted(ordered, values, side="left"), dtype=float)


def tail(raw: REAL, reference: BOOL, *, confirmed: BOOL | None = None, settled: BOOL | None = None) -> REAL:
    """p of every line-month against the months before it alone, people's confirmed ones left out; 1 in the first month.

    This p is independent of what else happens in the same month: the one that a false discovery rate may be built on.
    Once there are `settled` line-months, they alone are the reference: what a line with a short past looks like says
    little about those with a longer one.
    """
    result = np.ones(raw.shape, order="F")
    kept = np.empty(0)
    size = 0
    begun = settled is None
    for t in range(raw.shape[1]):
        column = raw[:, t]
        inside = reference[:, t]
        lines = np.flatnonzero(inside & (column > 0))
        lines = lines[np.argsort(column[lines])]
        values = column[lines]
        if size:
            result[lines, t] = (at_least(kept, values) + 1.0) / (size + 1.0)
        clean = inside if confirmed is None else inside & ~confirmed[:, t]
        if settled is not None and settled[:, t].any():
            clean = clean & settled[:, t]
            kept, size = (kept, size) if begun else (np.empty(0), 0)
            begun = True
        size += int(np.count_nonzero(clean))
        kept = merged(kept, values[clean[lines]])
    return result


def against(values: REAL, raw: REAL, reference: BOOL, confirmed: BOOL | None, wanted: BOOL) -> REAL:
    """-ln p of `values`, where `wanted`, in the reference that :func:`surprise` takes from `raw`; 0 elsewhere."""
    result = np.zeros(raw.shape)
    kept = np.empty(0)
    for t in range(raw.shape[1]):
        column, inside = raw[:, t], reference[:, t]
        everyone = merged(kept, np.sort(column[inside]))
        mine = wanted[:, t] & (values[:, t] > 0)
        result[mine, t] = -np.log(np.minimum((_at_least(everyone, values[mine, t]) + 1.0) / (len(everyone) + 1.0), 1.0))
        clean = inside if confirmed is None else inside & ~confirmed[:, t]
        kept = everyone if clean is inside else merged(kept, np.sort(column[clean]))
    return result
