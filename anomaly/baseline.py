"""What was to be expected of a volume: shrunken median and MAD against own history and peers, trends, shifts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anomaly.estate import BOOL, CODES, REAL
from anomaly.kernels import group_median, own_past, ramps

WINDOW = 12  # months of own history that a baseline looks back on
SHRINK = 32.0  # months of own history that weigh as much as the usual spread: a MAD of few months is itself noisy
FLOOR = 0.12  # smallest spread on the log scale: about 12 %
PEER_FLOOR = 0.4
MIN_PEERS = 8
MAD = 1.4826
DRIFT_MONTHS = 6  # months that a slow drift is looked for in, against the level of a window before them
DRIFT_SHRINK = 4.0  # months that the usual spread counts for in the error of a drift
DRIFT_CLIP = 5.0  # spreads from the level before beyond which a month does not pull at the drift
SHIFT_MONTHS = 3  # months in a row that make a new level


@dataclass(frozen=True)
class Level:
    """One volume against its baseline, on the log scale; arrays of shape (services, months).

    `z` is the standardized residual, `drift` the standardized trend, `shift` how far three months in a row lie above
    all before them (both NaN where there is too little to tell), `history` the months used.
    """

    z: REAL
    center: REAL
    spread: REAL
    drift: REAL
    shift: REAL
    peer: REAL
    history: NDArray[np.int64]


def _first(found: REAL, *others: Callable[[], REAL]) -> REAL:
    """The first known value; the others are worked out only where something is still unknown."""
    for other in others:
        unknown = ~np.isfinite(found)
        if not unknown.any():
            break
        found = np.where(unknown, other(), found)
    return found


def levels(x: REAL, known: BOOL, groups: dict[str, CODES], *, partial: BOOL | None = None, trend: bool = True) -> Level:
    """Baselines of a volume `x` (log scale): each month is judged by the months before it and by its peers in it.

    A line's own past begins with its first use: empty months before it are no level, and its peers alone judge it.

    Months in which it was active for a `partial` time are no past either. `trend` also looks for slow drift and shifts
    of level.
    """
    shape = x.shape
    seen = np.asfortranarray(np.where(known, x, np.nan))
    z, center, spread, peer, own_spread, steady = (np.empty(shape, order="F") for _ in range(6))
    begun = np.logical_or.accumulate(known & (x > 0), axis=1)
    past = np.asfortranarray(np.where(begun if partial is None else begun & ~partial, seen, np.nan))
    own, mad, count = own_past(past, WINDOW)
    for t in range(shape[1]):
        codes = {name: grid[:, t] for name, grid in groups.items()}
        own_spread[:, t] = _own_spread(MAD * mad[:, t], count[:, t], codes["kind"])
        middle, wide, level, shock = _judge(seen[:, t], own[:, t], count[:, t], own_spread[:, t], codes)
        center[:, t], spread[:, t], peer[:, t] = middle, wide, level
        steady[:, t] = past[:, t] - shock
        z[:, t] = np.nan_to_num((seen[:, t] - middle) / wide)
    drift, shift = np.full(shape, np.nan), np.full(shape, np.nan)
    if trend:
        drift = _drift(past, own_spread, groups["kind"])
        shift = _shift(steady, own, own_spread, count)
    return Level(z, center, spread, drift, shift, peer, count)


def _own_spread(mad: REAL, times: NDArray[np.int64], kind: CODES) -> REAL:
    """Spread of each line's own months, shrunk towards what is usual in its kind."""
    settled = np.where(times >= 3, mad, np.nan)
    everyone = np.zeros(len(mad), dtype=np.int32)
    usual = _first(_of(settled, kind), lambda: _of(settled, everyone, least=1), lambda: np.full(len(mad), 0.35))
    usual = np.maximum(usual, FLOOR)
    mine = np.sqrt((times * np.nan_to_num(mad) ** 2 + SHRINK * usual**2) / (times + SHRINK))
    return np.maximum(mine, FLOOR)


def _judge(
    now: REAL, own: REAL, times: NDArray[np.int64], mine: REAL, codes: dict[str, CODES]
) -> tuple[REAL, REAL, REAL, REAL]:
    """Center and spread of what was expected of a month, the peers' level, and what everybody did in it."""
    kind, plan = codes["kind"], codes["plan"]
    everyone = np.zeros(len(now), dtype=np.int32)
    level = np.nan_to_num(_first(_of(now, plan), lambda: _of(now, kind), lambda: _of(now, everyone, least=1)))
    off = np.abs(now - level)
    apart = _first(MAD * _of(off, plan), lambda: MAD * _of(off, kind), lambda: mine * 3)
    apart = np.maximum(apart, PEER_FLOOR)
    residual = np.where(times >= 2, now - own, np.nan)
    shock = np.nan_to_num(_first(_of(residual, kind), lambda: _of(residual, everyone)))
    for name in ("cost_center_id", "site_id"):
        shock = shock + np.nan_to_num(_of(residual - shock, codes[name]))
    weight = times / (times + (mine / apart) ** 2)
    middle = weight * (np.nan_to_num(own) + shock) + (1 - weight) * level
    wide = np.sqrt(mine**2 + 1.0 / (times / mine**2 + 1.0 / apart**2))
    return middle, wide, level, shock


def _of(values: REAL, groups: CODES, *, least: int = MIN_PEERS) -> REAL:
    return group_median(values, groups, least=least)


def _drift(seen: REAL, spread: REAL, kinds: CODES) -> REAL:
    """A standardized steady rise over half a year above the level before it, beyond what the whole kind does."""
    slope, error = ramps(seen, spread, DRIFT_MONTHS, WINDOW, DRIFT_SHRINK, DRIFT_CLIP)
    for t in range(DRIFT_MONTHS, seen.shape[1]):
        slope[:, t] -= np.nan_to_num(_of(slope[:, t], kinds[:, t]))
    return np.maximum(slope / error, 0.0)


def _shift(steady: REAL, own: REAL, spread: REAL, count: NDArray[np.int64]) -> REAL:
    """How far the lowest of the last three months, without what everybody did, lies above the line's middle before.

    Only where it also lies above every single month of the year before: by chance that happens to 1 in 455 line-months
    of a full window, whatever the distribution.
    """
    result = np.full(steady.shape, np.nan, order="F")
    for t in range(SHIFT_MONTHS + 3, steady.shape[1]):
        before = t - SHIFT_MONTHS + 1
        lowest = steady[:, before : t + 1].min(axis=1)
        highest = np.fmax.reduce(steady[:, max(0, before - WINDOW) : before], axis=1)
        above = (lowest - own[:, before]) / spread[:, before]
        measured = (count[:, before] >= 4) & np.isfinite(lowest)
        result[measured, t] = np.where(lowest > highest, np.maximum(above, 0.0), 0.0)[measured]
    return result
