"""What was to be expected of a volume: shrunken median and MAD against own history and peers, trends, shifts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from anomaly.estate import BOOL, CODES, REAL
from anomaly.kernels import COUNT, blocks, group_medians, in_parallel, own_past, ramps, shares
from anomaly.sparse import Sparse, cells

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
READ_AT_ONCE = 4096  # lines brought into order by month at once
STAYS_DOWN = 3.0  # a month as far below as this many spreads, after another one, is no new drop
#: A residual below this many spreads says nothing.
SPEAKS = {"up": 1.0, "down": 1.5, "drift": 1.0, "shift": 0.5}
SINGLE = NDArray[np.float32]
AROUND = ("kind", "plan", "cost_center_id", "site_id")  # ways of having peers


@dataclass(frozen=True)
class Level:
    """One volume against its baseline, on the log scale; arrays of shape (services, months) in single precision, which
    is enough to tell about.

    `z` is the standardized residual, `drift` the standardized trend and `shift` how far three months in a row lie above
    all before them, where these are above 0; `history` the months used.
    """

    z: SINGLE
    center: SINGLE
    spread: SINGLE
    peer: SINGLE
    drift: Sparse
    shift: Sparse
    history: COUNT


@dataclass(frozen=True)
class Heard:
    """What a signal is taken from: the line-months in which it speaks, and those in which it could (None: in all)."""

    cells: Sparse
    measured: BOOL | None = None


class Room:
    """Scratch of :func:`levels`, asked for once for all volumes: fresh memory takes as long as a pass over it."""

    def __init__(self, shape: tuple[int, int]) -> None:
        self.seen, self.own, self.spread, self.steady, self.z = (np.empty(shape, order="F") for _ in range(5))
        self.columns = [np.empty((5, shape[0])) for _ in shares(range(shape[1]))]


def levels(
    x: REAL,
    known: BOOL,
    groups: dict[str, CODES],
    *,
    partial: BOOL | None = None,
    trend: bool = True,
    scale: Callable[[REAL], REAL] | None = None,
    room: Room | None = None,
) -> tuple[Level, dict[str, Heard]]:
    """Baselines of a volume `x`, and what up, down, drift and shift of it say: each month is judged by the months
    before it and by its peers in it.

    `scale` brings x on the log scale, where it is not on it yet. A line's own past begins with its first use: empty
    months before it are no level, and its peers alone judge it. Months in which it was active for a `partial` time are
    no past either. `trend` also looks for slow drift and shifts of level.
    """
    shape = x.shape
    room = Room(shape) if room is None else room
    seen, own, mine, steady, z = room.seen, room.own, room.spread, room.steady, room.z
    whole = np.ones(shape, dtype=bool) if partial is None else ~partial
    usable = np.empty(shape, dtype=bool, order="F")

    def read(span: tuple[int, int]) -> None:
        for first in range(*span, READ_AT_ONCE):
            here = slice(first, min(first + READ_AT_ONCE, span[1]))
            values = x[here] if scale is None else scale(x[here])
            seen[here] = np.where(known[here], values, np.nan)
            begun = np.logical_or.accumulate(known[here] & (values > 0), axis=1)
            usable[here] = begun & whole[here]

    in_parallel(read, blocks(shape[0]))
    count = own_past(seen, WINDOW, usable, own, mine)
    center, spread, peer, small = (np.empty(shape, dtype=np.float32, order="F") for _ in range(4))
    kind, plan, department, site = (np.asfortranarray(groups[name]) for name in AROUND)
    kinds, plans, departments, sites = (int(codes.max(initial=-1)) + 1 for codes in (kind, plan, department, site))
    months = shares(range(shape[1]))

    def judge(core: int) -> None:
        for t in months[core]:
            _own_spread(mine[:, t], count[:, t], kind[:, t], kinds, room.columns[core])
            codes = (kind[:, t], plan[:, t], department[:, t], site[:, t])
            sizes = (kinds, plans, departments, sites)
            found, told = (steady[:, t], z[:, t]), (center[:, t], spread[:, t], peer[:, t])
            _judge(seen[:, t], own[:, t], count[:, t], mine[:, t], codes, sizes, found, told, room.columns[core])
            small[:, t] = z[:, t]

    in_parallel(judge, range(len(months)))
    heard = {
        "up": Heard(Sparse.above(z, SPEAKS["up"])),
        "down": Heard(Sparse.by_month(shape, lambda t: cells(fallen(z, whole, t), SPEAKS["down"]))),
    }
    drift = shift = Sparse.above(np.zeros((shape[0], 0)))
    if trend:
        steady[~usable] = np.nan
        shifted = z  # no longer needed

        def compare(t: int) -> None:
            _shift(steady, own, mine, count, t, shifted[:, t])

        in_parallel(compare, range(shape[1]))
        shift, heard["shift"] = _trend(shifted, "shift")
        slope, error, drifted = own, seen, z  # no longer needed
        ramps(steady, mine, DRIFT_MONTHS, WINDOW, DRIFT_SHRINK, DRIFT_CLIP, slope, error)

        def beyond(core: int) -> None:
            for t in months[core]:
                _beyond(slope[:, t], error[:, t], kind[:, t], kinds, drifted[:, t], room.columns[core][0])

        in_parallel(beyond, range(len(months)))
        drift, heard["drift"] = _trend(drifted, "drift")
    return Level(small, center, spread, peer, drift, shift, count), heard


def _trend(grid: REAL, how: str) -> tuple[Sparse, Heard]:
    """What is above 0 of a trend, and what is heard of it; NaN = there is too little to tell."""
    found = Sparse.above(grid)
    return found, Heard(found.above_floor(SPEAKS[how]), np.isfinite(grid))


def fallen(z: NDArray[Any], whole: BOOL, t: int) -> NDArray[Any]:
    """How far each line lies below its baseline in month t, if that is its first such month and a whole one, else 0:
    a line that stays down says nothing new."""
    stays = z[:, t - 1] <= -STAYS_DOWN if t else False
    return np.where(whole[:, t] & ~stays, -z[:, t], 0.0)


@njit(cache=True, nogil=True)
def _of(table: REAL, code: int) -> float:
    """The figure of a group, NaN for none."""
    return table[code] if code >= 0 else np.nan


@njit(cache=True, nogil=True)
def _typical(values: REAL, kind: CODES, kinds: int, least: int, last: float, held: REAL) -> tuple[REAL, float]:
    """Median of each kind with lines enough, and what stands for the others: the median of all from `least` values on,
    else `last`. `held` is scratch."""
    medians = group_medians(values, kind, kinds, MIN_PEERS, held)
    for i in range(len(values)):
        if np.isnan(_of(medians, kind[i])):
            rest = group_medians(values, np.zeros(len(values), dtype=np.int32), 1, least, held)[0]
            return medians, last if np.isnan(rest) else rest
    return medians, last


@njit(cache=True, nogil=True)
def _or(value: float, other: float) -> float:
    return other if np.isnan(value) else value


@njit(cache=True, nogil=True)
def _own_spread(result: REAL, times: COUNT, kind: CODES, kinds: int, room: REAL) -> None:
    """The MAD of each line's own months becomes their spread, shrunk towards what is usual in its kind."""
    settled, held = room[0], room[1]
    for i in range(len(result)):
        settled[i] = MAD * result[i] if times[i] >= 3 else np.nan
    medians, rest = _typical(settled, kind, kinds, 1, USUAL, held)
    for i in range(len(result)):
        own = MAD * _or(result[i], 0.0)
        usual = max(_or(_of(medians, kind[i]), rest), FLOOR)
        result[i] = max(np.sqrt((times[i] * own**2 + SHRINK * usual**2) / (times[i] + SHRINK)), FLOOR)


@njit(cache=True, nogil=True)
def _peers(now: REAL, codes: tuple[CODES, CODES, CODES, CODES], sizes: tuple[int, int, int, int], room: REAL) -> None:
    """The level of each line's peers and how far they lie apart (MAD; NaN = unknown), into `room[0]` and `room[1]`.

    Peers are the lines of the plan, where there are enough, else of the kind, else all.
    """
    level, apart, held = room[0], room[1], room[2]
    plan_apart = np.full(sizes[1], np.nan)
    plan_level = group_medians(now, codes[1], sizes[1], MIN_PEERS, held, plan_apart)
    alone = False
    for i in range(len(now)):
        level[i], apart[i] = _of(plan_level, codes[1][i]), _of(plan_apart, codes[1][i])
        alone = alone or np.isnan(level[i])
    if not alone:
        return
    medians, rest = _typical(now, codes[0], sizes[0], 1, 0.0, held)
    off = room[3]
    for i in range(len(now)):
        level[i] = _or(level[i], _or(_of(medians, codes[0][i]), rest))
        off[i] = abs(now[i] - level[i])
    medians = group_medians(off, codes[0], sizes[0], MIN_PEERS, held)
    for i in range(len(now)):
        apart[i] = _or(apart[i], _of(medians, codes[0][i]))


@njit(cache=True, nogil=True)
def _judge(
    now: REAL,
    own: REAL,
    times: COUNT,
    mine: REAL,
    codes: tuple[CODES, CODES, CODES, CODES],
    sizes: tuple[int, int, int, int],
    found: tuple[REAL, REAL],
    told: tuple[SINGLE, SINGLE, SINGLE],
    room: REAL,
) -> None:
    """One month: center and spread of what was expected, the peers' level, the month without what everybody did in it,
    and its residual in spreads (0 where it is unknown): the last two into `found`, the others into `told`.

    `codes` are those of :data:`AROUND`, `room` five columns of scratch.
    """
    lines = len(now)
    steady, z = found
    center, spread, peer = told
    _peers(now, codes, sizes, room)
    level, apart, residual, shock, held = room[0], room[1], room[2], room[3], room[4]
    for i in range(lines):
        residual[i] = now[i] - own[i] if times[i] >= 2 else np.nan
    medians, rest = _typical(residual, codes[0], sizes[0], MIN_PEERS, 0.0, held)
    for i in range(lines):
        shock[i] = _or(_of(medians, codes[0][i]), rest)
        steady[i] = residual[i] - shock[i]
    for way in (2, 3):  # what the department, then the site, did beyond what is known already
        medians = group_medians(steady, codes[way], sizes[way], MIN_PEERS, held)
        for i in range(lines):
            shock[i] += _or(_of(medians, codes[way][i]), 0.0)
            steady[i] = residual[i] - shock[i]
    for i in range(lines):
        among = max(MAD * apart[i] if np.isfinite(apart[i]) else mine[i] * 3, PEER_FLOOR)
        weight = times[i] / (times[i] + (mine[i] / among) ** 2)
        past = _or(own[i], 0.0)
        middle = weight * (past + shock[i]) + (1 - weight) * level[i]
        wide = np.sqrt(mine[i] ** 2 + 1.0 / (times[i] / mine[i] ** 2 + 1.0 / among**2))
        center[i], spread[i], peer[i] = middle, wide, level[i]
        steady[i] = now[i] - shock[i]
        z[i] = (now[i] - middle) / wide if np.isfinite(now[i]) else 0.0


@njit(cache=True, nogil=True)
def _beyond(slope: REAL, error: REAL, kind: CODES, kinds: int, result: REAL, held: REAL) -> None:
    """The slope beyond that of the kind, in standard errors, at least 0; NaN where there is none."""
    shared = group_medians(slope, kind, kinds, MIN_PEERS, held)
    for i in range(len(slope)):
        result[i] = np.maximum((slope[i] - _or(_of(shared, kind[i]), 0.0)) / error[i], 0.0)


@njit(cache=True, nogil=True)
def _shift(steady: REAL, own: REAL, spread: REAL, count: COUNT, t: int, result: REAL) -> None:
    """How far the lowest of the last three months, without what everybody did, lies above the line's middle before.

    Only where it also lies above every single month of the year before: by chance that happens to 1 in 455 line-months
    of a full window, whatever the distribution.
    """
    before = t - SHIFT_MONTHS + 1
    for s in range(len(steady)):
        result[s] = np.nan
        if before < 4 or count[s, before] < 4:
            continue
        lowest = steady[s, t]
        for k in range(before, t):
            lowest = steady[s, k] if np.isnan(steady[s, k]) else min(lowest, steady[s, k])
        if np.isnan(lowest):
            continue
        above = True
        for k in range(max(0, before - WINDOW), before):
            above = above and not steady[s, k] >= lowest
        result[s] = max((lowest - own[s, before]) / spread[s, before], 0.0) if above else 0.0
