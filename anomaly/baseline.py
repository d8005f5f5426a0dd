"""What was to be expected of a volume: shrunken median and MAD against own history and peers, trends, shifts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from anomaly.estate import BOOL, CODES, REAL
from anomaly.kernels import COUNT, fill, fill_from_all, in_parallel, own_past, ramps, shares

WINDOW = 12  # months of own history that a baseline looks back on
SHRINK = 32.0  # months of own history that weigh as much as the usual spread: a MAD of few months is itself noisy
FLOOR = 0.12  # smallest spread on the log scale: about 12 %
PEER_FLOOR = 0.4
MIN_PEERS = 8
MAD = 1.4826
USUAL = 0.35  # spread of own months where nobody has a history yet
DRIFT_MONTHS = 6  # months that a slow drift is looked for in, against the level of a window before them
DRIFT_SHRINK = 4.0  # months that the usual spread counts for in the error of a drift
DRIFT_CLIP = 5.0  # spreads from the level before beyond which a month does not pull at the drift
SHIFT_MONTHS = 3  # months in a row that make a new level
AROUND = ("kind", "plan", "cost_center_id", "site_id")  # ways of having peers


@dataclass(frozen=True)
class Level:
    """One volume against its baseline, on the log scale; arrays of shape (services, months).

    `z` is the standardized residual, `drift` the standardized trend, `shift` how far three months in a row lie above
    all before them (both NaN where there is too little to tell), `history` the months used.
    """

    z: NDArray[Any]
    center: NDArray[Any]
    spread: NDArray[Any]
    drift: NDArray[Any]
    shift: NDArray[Any]
    peer: NDArray[Any]
    history: COUNT

    def packed(self) -> Level:
        """The same in single precision: enough to tell about, once the signals have been taken from it."""
        names = ("z", "center", "spread", "drift", "shift", "peer")
        return replace(self, **{name: getattr(self, name).astype(np.float32) for name in names})


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

    kind, plan, department, site = (np.asfortranarray(groups[name]) for name in AROUND)
    kinds, plans, departments, sites = (int(codes.max(initial=-1)) + 1 for codes in (kind, plan, department, site))

    def judge(months: range) -> None:
        room = np.empty((5, shape[0]))
        for t in months:
            mine = own_spread[:, t]
            _own_spread(mad[:, t], count[:, t], kind[:, t], kinds, mine, room)
            codes = (kind[:, t], plan[:, t], department[:, t], site[:, t])
            found = (center[:, t], spread[:, t], peer[:, t], steady[:, t], z[:, t])
            _judge(seen[:, t], own[:, t], count[:, t], mine, codes, (kinds, plans, departments, sites), found, room)

    in_parallel(judge, shares(range(shape[1])))
    drift, shift = np.full(shape, np.nan, order="F"), np.full(shape, np.nan, order="F")
    if trend:
        steady[np.isnan(past)] = np.nan
        _drift(past, own_spread, kind, kinds, drift)
        in_parallel(lambda t: _shift(steady, own, own_spread, count, t, shift), range(SHIFT_MONTHS + 3, shape[1]))
    return Level(z, center, spread, drift, shift, peer, count)


@njit(cache=True, nogil=True)
def _own_spread(mad: REAL, times: COUNT, kind: CODES, kinds: int, result: REAL, room: REAL) -> None:
    """Spread of each line's own months, shrunk towards what is usual in its kind."""
    settled, held = room[0], room[1]
    for i in range(len(mad)):
        settled[i] = MAD * mad[i] if times[i] >= 3 else np.nan
        result[i] = np.nan
    fill(result, settled, kind, kinds, MIN_PEERS, held)
    fill_from_all(result, settled, 1, USUAL, held)
    for i in range(len(mad)):
        own = 0.0 if np.isnan(mad[i]) else MAD * mad[i]
        usual = max(result[i], FLOOR)
        result[i] = max(np.sqrt((times[i] * own**2 + SHRINK * usual**2) / (times[i] + SHRINK)), FLOOR)


@njit(cache=True, nogil=True)
def _judge(
    now: REAL,
    own: REAL,
    times: COUNT,
    mine: REAL,
    codes: tuple[CODES, CODES, CODES, CODES],
    sizes: tuple[int, int, int, int],
    found: tuple[REAL, REAL, REAL, REAL, REAL],
    room: REAL,
) -> None:
    """One month: center and spread of what was expected, the peers' level, the month without what everybody did in it,
    and its residual in spreads (0 where it is unknown), into the arrays of `found`; `codes` as :data:`AROUND`."""
    lines = len(now)
    middle, wide, level, steady, z = found
    kind, plan, kinds, plans = codes[0], codes[1], sizes[0], sizes[1]
    off, apart, residual, shock, held = room[0], room[1], room[2], room[3], room[4]
    for i in range(lines):
        level[i] = apart[i] = shock[i] = np.nan
        residual[i] = now[i] - own[i] if times[i] >= 2 else np.nan
    fill(level, now, plan, plans, MIN_PEERS, held)
    fill(level, now, kind, kinds, MIN_PEERS, held)
    fill_from_all(level, now, 1, 0.0, held)
    for i in range(lines):
        off[i] = abs(now[i] - level[i])
    fill(apart, off, plan, plans, MIN_PEERS, held)
    fill(apart, off, kind, kinds, MIN_PEERS, held)
    fill(shock, residual, kind, kinds, MIN_PEERS, held)
    fill_from_all(shock, residual, MIN_PEERS, 0.0, held)
    for way in (2, 3):
        together = off  # no longer needed: what the department, then the site, did beyond what is known already
        for i in range(lines):
            steady[i] = residual[i] - shock[i]
            together[i] = np.nan
        fill(together, steady, codes[way], sizes[way], MIN_PEERS, held)
        for i in range(lines):
            shock[i] += 0.0 if np.isnan(together[i]) else together[i]
    for i in range(lines):
        among = max(MAD * apart[i] if np.isfinite(apart[i]) else mine[i] * 3, PEER_FLOOR)
        weight = times[i] / (times[i] + (mine[i] / among) ** 2)
        past = 0.0 if np.isnan(own[i]) else own[i]
        middle[i] = weight * (past + shock[i]) + (1 - weight) * level[i]
        wide[i] = np.sqrt(mine[i] ** 2 + 1.0 / (times[i] / mine[i] ** 2 + 1.0 / among**2))
        steady[i] = now[i] - shock[i]
        z[i] = (now[i] - middle[i]) / wide[i] if np.isfinite(now[i]) else 0.0


def _drift(seen: REAL, spread: REAL, kind: CODES, kinds: int, result: REAL) -> None:
    """A standardized steady rise over half a year above the level before it, beyond what the whole kind does."""
    slope, error = ramps(seen, spread, DRIFT_MONTHS, WINDOW, DRIFT_SHRINK, DRIFT_CLIP)

    def beyond(months: range) -> None:
        room = np.empty((2, len(seen)))
        for t in months:
            _beyond(slope[:, t], error[:, t], kind[:, t], kinds, result[:, t], room)

    in_parallel(beyond, shares(range(DRIFT_MONTHS, seen.shape[1])))


@njit(cache=True, nogil=True)
def _beyond(slope: REAL, error: REAL, kind: CODES, kinds: int, result: REAL, room: REAL) -> None:
    """The slope beyond that of the kind, in standard errors, at least 0; NaN where there is none."""
    shared, held = room[0], room[1]
    for i in range(len(slope)):
        shared[i] = np.nan
    fill(shared, slope, kind, kinds, MIN_PEERS, held)
    for i in range(len(slope)):
        usual = 0.0 if np.isnan(shared[i]) else shared[i]
        result[i] = np.maximum((slope[i] - usual) / error[i], 0.0)


@njit(cache=True, nogil=True)
def _shift(steady: REAL, own: REAL, spread: REAL, count: COUNT, t: int, result: REAL) -> None:
    """How far the lowest of the last three months, without what everybody did, lies above the line's middle before.

    Only where it also lies above every single month of the year before: by chance that happens to 1 in 455 line-months
    of a full window, whatever the distribution.
    """
    before = t - SHIFT_MONTHS + 1
    for s in range(len(steady)):
        if count[s, before] < 4:
            continue
        lowest = steady[s, t]
        for k in range(before, t):
            lowest = steady[s, k] if np.isnan(steady[s, k]) else min(lowest, steady[s, k])
        if np.isnan(lowest):
            continue
        above = True
        for k in range(max(0, before - WINDOW), before):
            above = above and not steady[s, k] >= lowest
        result[s, t] = max((lowest - own[s, before]) / spread[s, before], 0.0) if above else 0.0
