"""Steps of a pool's buckets: which total allowances a pool can buy at which MRC, and which step suits given choices.

Only the total counts for the rest of the estate, so the counts of all sizes are one ladder of steps per pool. Which
counts a step stands for is the evaluator's affair: it finds them on its own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from optimize.buckets import combinations
from optimize.contracts import Segment
from optimize.decomposition.arrays import Estate, Floats, Ladder, Whole
from optimize.problem import MICRO, Pool

_SWEEPS = 10


def ladder_of(pool: Pool, *, one: bool, monotone: bool) -> Ladder:
    """The steps of a pool by allowance; `monotone` leaves out those that bring no more for no less money.

    That is exact only where more spend never costs less.
    """
    found: dict[int, set[int]] = {}
    for counts in combinations([size.most for size in pool.buckets], one=one):
        brought = sum(n * size.allowance for n, size in zip(counts, pool.buckets, strict=True))
        found.setdefault(brought, set()).add(sum(n * size.mrc for n, size in zip(counts, pool.buckets, strict=True)))
    steps = sorted((brought, mrc) for brought, prices in found.items() for mrc in prices)
    if monotone:
        kept: list[tuple[int, int]] = []
        for brought, mrc in reversed(steps):
            if not kept or mrc < kept[-1][1]:
                kept.append((brought, mrc))
        steps = kept[::-1]
    return Ladder(np.array([a for a, _ in steps]) / MICRO, np.array([m for _, m in steps]) / MICRO)


def hull(ladder: Ladder, begin: int, end: int) -> list[int]:
    """The steps from `begin` to before `end` that are cheapest at some price of allowance, by allowance."""
    kept: list[int] = []
    for k in range(begin, end):
        a, m = float(ladder.allowance[k]), float(ladder.mrc[k])
        while kept:
            a1, m1 = float(ladder.allowance[kept[-1]]), float(ladder.mrc[kept[-1]])
            if m <= m1 and a >= a1:
                kept.pop()
                continue
            if a <= a1:
                break
            if len(kept) == 1:
                kept.append(k)
                break
            a0, m0 = float(ladder.allowance[kept[-2]]), float(ladder.mrc[kept[-2]])
            if (m1 - m0) * (a - a1) >= (m - m1) * (a1 - a0):
                kept.pop()
                continue
            kept.append(k)
            break
        else:
            kept.append(k)
    return kept


def charges(estate: Estate, g: int, pull: Floats) -> Floats:
    """What each step of pool g costs a month at use above the plans' allowances (T months), started blocks and MRC."""
    ladder, price, block = estate.pools.ladder(g), estate.prices[g], float(estate.pools.block[g])
    excess = np.maximum(pull[None, :] - ladder.allowance[:, None], 0.0)
    units = np.ceil(excess / block - 1e-9) if block > 0 else excess
    return np.asarray(ladder.mrc + (price * units).mean(axis=1))


@dataclass(frozen=True)
class Priced:
    """The step of each pool and what the pools then cost: spend added to each contract, and charges under none."""

    step: Whole
    spend: Floats
    free: float


def best_steps(
    estate: Estate, owner: Whole, pull: Floats, spend: Floats, ranges: tuple[tuple[int, int], ...] | None = None
) -> Priced:
    """The cheapest step of every pool (among `ranges`) at its use (pools x T), under the contracts' true charges.

    `spend` is that of the lines; `owner` the contract that pays for a pool (-1 = none). Pools of one contract are
    improved one after the other until nothing gets cheaper.
    """
    pools = len(owner)
    step, added, free = np.zeros(pools, dtype=np.int64), np.zeros(len(spend)), 0.0
    shared: list[tuple[int, int, Floats]] = []
    for g in range(pools):
        begin, end = ranges[g] if ranges else (0, len(estate.pools.ladder(g).mrc))
        cost = charges(estate, g, pull[g])
        step[g] = begin + int(np.argmin(cost[begin:end]))
        if owner[g] < 0:
            free += float(cost[step[g]])
        else:
            added[owner[g]] += float(cost[step[g]])
            if end - begin > 1:
                shared.append((g, begin, cost[:end]))
    for _ in range(_SWEEPS):
        better = False
        for g, begin, cost in shared:
            c = int(owner[g])
            rest = spend[c] + added[c] - cost[step[g]]
            charged = charged_for(estate.contracts[c], rest + cost[begin:])
            pick = begin + int(np.argmin(charged))
            if charged[pick - begin] < charged[step[g] - begin] - 1e-9:
                added[c] += cost[pick] - cost[step[g]]
                step[g], better = pick, True
        if not better:
            break
    return Priced(step, added, free)


def charged_for(contract: tuple[Segment, ...], spend: Floats) -> Floats:
    """What a contract charges for each of some amounts of spend."""
    low = np.array([float(piece.low) for piece in contract[1:]])
    piece = np.searchsorted(low, spend, side="right")
    fixed = np.array([float(p.fixed) for p in contract])
    slope = np.array([float(p.slope) for p in contract])
    return np.asarray(fixed[piece] + slope[piece] * spend)
