"""Conformal calibration: a raw surprise becomes the share of line-months so far that were at least as surprising."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anomaly import ranks
from anomaly.estate import BOOL, REAL
from anomaly.ranks import Order
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


def surprise_of(
    raw: Sparse,
    reference: BOOL,
    *,
    confirmed: BOOL | None = None,
    extended: bool = False,
    order: Order | None = None,
) -> Sparse:
    """:func:`surprise` where only the values above the floor are kept; `order` is theirs, if it is known."""
    lasting = reference if confirmed is None else reference & ~confirmed
    size = _counts(reference) + _before(_counts(lasting))
    order = Order.of(raw.value) if order is None else order
    code = ranks.codes(raw.start, raw.service, now=reference, later=lasting)[order.place]
    nats = _nats(order.reached(code, np.zeros_like(size)), raw, size)
    if extended:
        _far_tail(raw, nats, size, order, code)
    return raw.with_values(nats)


def _nats(reached: ranks.PLACE, raw: Sparse, size: NDArray[np.int64]) -> REAL:
    """-ln p of cells from how many of the `size` of their month's reference reached them."""
    result = np.empty(len(reached))
    for t, count in enumerate(size):
        here = slice(raw.start[t], raw.start[t + 1])
        result[here] = -np.log(np.minimum((reached[here] + 1.0) / (count + 1.0), 1.0))
    return result


def _counts(reference: BOOL) -> NDArray[np.int64]:
    """Marked line-months of each month."""
    return np.array([np.count_nonzero(reference[:, t]) for t in range(reference.shape[1])], dtype=np.int64)


def _before(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.cumsum(counts) - counts


def _far_tail(raw: Sparse, nats: REAL, size: NDArray[np.int64], order: Order, code: ranks.CODE) -> None:
    """Make of `nats` beyond :data:`TAIL_TO` of the reference those of a power law through it and :data:`TAIL_FROM`.

    Ranks alone cannot tell a value just beyond all others from one far beyond them, and events that nobody confirmed
    hide one another: the tail of the bulk can. A power law is the heaviest usual tail, so it claims the least.
    """
    near, far = (TAIL_FROM * size).astype(np.int64), (TAIL_TO * size).astype(np.int64)
    told = far >= TAIL_LEAST
    low, high = order.of_rank(code, np.where(told, [near, far], 0))
    for t in np.flatnonzero(high > low):  # NaN where there are too few
        here = slice(raw.start[t], raw.start[t + 1])
        beyond = np.flatnonzero(raw.value[here] > high[t])
        slope = np.log(near[t] / far[t]) / np.log(high[t] / low[t])
        nats[here][beyond] = np.log(size[t] / far[t]) + slope * np.log(raw.value[here][beyond] / high[t])


def tail(
    raw: Sparse,
    reference: BOOL,
    *,
    confirmed: BOOL | None = None,
    settled: BOOL | None = None,
    order: Order | None = None,
) -> REAL:
    """p of every line-month against the months before it alone, people's confirmed ones left out; 1 in the first month.

    This p is independent of what else happens in the same month: the one that a false discovery rate may be built on.
    Once there are `settled` line-months, they alone are the reference: what a line with a short past looks like says
    little about those with a longer one. `order` is that of the values, if it is known.
    """
    months = raw.shape[1]
    clean = reference if confirmed is None else reference & ~confirmed
    since = np.zeros(months, dtype=np.int64)
    if settled is not None and settled.any():
        begun = settled.any(axis=0)
        clean = clean & (settled | ~begun)
        since[int(np.argmax(begun)) + 1 :] = int(np.argmax(begun))
    before = np.concatenate([[0], np.cumsum(_counts(clean))])
    size = before[:-1] - before[since]
    order = Order.of(raw.value) if order is None else order
    code = ranks.codes(raw.start, raw.service, now=None, later=clean)[order.place]
    reached = order.reached(code, since)
    result = np.ones(raw.shape, order="F")
    for t in np.flatnonzero(size):
        here = slice(raw.start[t], raw.start[t + 1])
        lines = raw.service[here]
        result[lines, t] = np.where(reference[lines, t], (reached[here] + 1.0) / (size[t] + 1.0), 1.0)
    return result


def against(values: Sparse, raw: Sparse, reference: BOOL, confirmed: BOOL | None) -> Sparse:
    """-ln p of `values` in the reference that :func:`surprise` takes from `raw`."""
    lasting = reference if confirmed is None else reference & ~confirmed
    size = _counts(reference) + _before(_counts(lasting))
    near = raw.value >= values.value.min(initial=np.inf)  # smaller ones are never counted
    code = [
        ranks.codes(raw.start, raw.service, now=reference, later=lasting)[near],
        ranks.codes(values.start, values.service, now=None, later=None),
    ]
    order = Order.of(np.concatenate([raw.value[near], values.value]))
    reached = order.reached(np.concatenate(code)[order.place], np.zeros_like(size))[int(near.sum()) :]
    return values.with_values(_nats(reached, values, size))
