"""Compiled passes over all lines: price every option at given duals, find near ties, improve line by line.

Everything is summed in 64-bit floats in a fixed order of chunks, so that results do not depend on the number of
threads. `p` is a :class:`optimize.decomposition.arrays.Packed`.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numba import prange

CHUNKS = 32
compiled: Any = numba.njit


@compiled(cache=True)
def _line_value(p: Any, i: int, o: int, k: int, rho: Any, extra: Any, change: Any, use: Any, billed: Any) -> float:
    """Value of option k of line i at the duals; `use` and `billed` are its priced use and months per local pool."""
    value = rho[p.contract[o]] * p.charge[p.start[i] + k] + extra[o]
    if k != p.current[i]:
        value += change[o]
        if p.leaves[o]:
            value += p.exit_fee[i]
    j = p.local_data[o]
    if j >= 0:
        value += use[j] - p.data_allowance[o] * billed[j]
    j = p.local_voice[o]
    if j >= 0:
        value += use[j] - p.voice_allowance[o] * billed[j]
    return value


@compiled(cache=True)
def _pool_values(p: Any, i: int, lam: Any, lam_sum: Any, use: Any, billed: Any) -> None:
    q = p.template[i]
    a = p.pool_first[q]
    months = lam.shape[1]
    everywhere = p.active.shape[0] == 0
    for j in range(p.pool_first[q + 1] - a):
        g = p.pool_of[a + j]
        total = 0.0
        if p.is_voice[g]:
            for t in range(months):
                total += lam[g, t] * p.voice[i, t]
        else:
            for t in range(months):
                total += lam[g, t] * p.data[i, t]
        use[j] = total
        if everywhere:
            billed[j] = lam_sum[g]
        else:
            total = 0.0
            for t in range(months):
                if p.active[i, t]:
                    total += lam[g, t]
            billed[j] = total


@compiled(cache=True)
def _pull(p: Any, i: int, o: int, g: int, t: int) -> float:
    if p.active.shape[0] > 0 and not p.active[i, t]:
        return 0.0
    if p.is_voice[g]:
        return p.voice[i, t] - p.voice_allowance[o]
    return p.data[i, t] - p.data_allowance[o]


@compiled(cache=True, parallel=True)
def price(
    p: Any, lam: Any, rho: Any, extra: Any, change: Any, block: Any, blocks: int, width: int, limits: int
) -> tuple[Any, Any, Any, Any, Any]:
    """The best option of every line, and what the choices of each block add up to.

    Columns of the sums: charges outside contracts and fees, spend per contract, changes, lines per limited plan, pull
    on every pool in every month. Returns choice, sums per block, carriers used per block (bits), the Lagrangian value
    of the lines and the sum of absolute values met (for the rounding error).
    """
    n = p.template.shape[0]
    pools, months = lam.shape
    contracts = rho.shape[0] - 1
    base = 2 + contracts + limits
    choice = np.zeros(n, dtype=np.int16)
    sums = np.zeros((CHUNKS, blocks, width))
    carriers = np.zeros((CHUNKS, blocks), dtype=np.int64)
    value = np.zeros(CHUNKS)
    size = np.zeros(CHUNKS)
    lam_sum = np.zeros(pools)
    for g in range(pools):
        for t in range(months):
            lam_sum[g] += lam[g, t]
    everywhere = p.active.shape[0] == 0
    for chunk in prange(CHUNKS):
        use = np.zeros(pools + 1)
        billed = np.zeros(pools + 1)
        for i in range(chunk * n // CHUNKS, (chunk + 1) * n // CHUNKS):
            q = p.template[i]
            _pool_values(p, i, lam, lam_sum, use, billed)
            first = p.first[q]
            best, pick = np.inf, 0
            largest = 0.0
            for k in range(p.first[q + 1] - first):
                found = _line_value(p, i, first + k, k, rho, extra, change, use, billed)
                if found < best:
                    best, pick = found, k
                charge = abs(p.charge[p.start[i] + k])
                if charge < np.inf and charge > largest:
                    largest = charge
            choice[i] = pick
            value[chunk] += best
            size[chunk] += largest
            o = first + pick
            b = block[i]
            charge = p.charge[p.start[i] + pick]
            c = p.contract[o]
            if c >= 0:
                sums[chunk, b, 1 + c] += charge
            else:
                sums[chunk, b, 0] += charge
            if pick != p.current[i]:
                fee = p.fee[o]
                if p.leaves[o]:
                    fee += p.exit_fee[i]
                sums[chunk, b, 0] += fee
                if p.counted[q]:
                    sums[chunk, b, 1 + contracts] += 1.0
            if p.limit[o] >= 0:
                sums[chunk, b, 2 + contracts + p.limit[o]] += 1.0
            if p.counted[q] and p.carrier[o] >= 0:
                carriers[chunk, b] |= np.int64(1) << np.int64(p.carrier[o])
            for part in range(2):
                g = p.data_pool[o] if part == 0 else p.voice_pool[o]
                if g >= 0:
                    for t in range(months):
                        if everywhere or p.active[i, t]:
                            sums[chunk, b, base + g * months + t] += _pull(p, i, o, g, t)
    total = np.zeros((blocks, width))
    used = np.zeros(blocks, dtype=np.int64)
    for chunk in range(CHUNKS):
        for b in range(blocks):
            used[b] |= carriers[chunk, b]
            for m in range(width):
                total[b, m] += sums[chunk, b, m]
    return choice, total, used, value.sum(), size.sum()


@compiled(cache=True)
def totals(p: Any, choice: Any, block: Any, blocks: int, width: int, contracts: int, limits: int, months: int) -> Any:
    """What given choices add up to, per block; columns as in :func:`price`."""
    base = 2 + contracts + limits
    sums = np.zeros((blocks, width))
    everywhere = p.active.shape[0] == 0
    for i in range(p.template.shape[0]):
        k = choice[i]
        q = p.template[i]
        o = p.first[q] + k
        b = block[i]
        c = p.contract[o]
        sums[b, 1 + c if c >= 0 else 0] += p.charge[p.start[i] + k]
        if k != p.current[i]:
            sums[b, 0] += p.fee[o]
            if p.leaves[o]:
                sums[b, 0] += p.exit_fee[i]
            if p.counted[q]:
                sums[b, 1 + contracts] += 1.0
        if p.limit[o] >= 0:
            sums[b, 2 + contracts + p.limit[o]] += 1.0
        for part in range(2):
            g = p.data_pool[o] if part == 0 else p.voice_pool[o]
            if g >= 0:
                for t in range(months):
                    if everywhere or p.active[i, t]:
                        sums[b, base + g * months + t] += _pull(p, i, o, g, t)
    return sums


@compiled(cache=True)
def slacks(p: Any, lam: Any, rho: Any, extra: Any, change: Any, choice: Any) -> Any:
    """Per line how much dearer the next option is than the cheapest, at the duals; 0 where the choice is not best."""
    n = p.template.shape[0]
    pools = lam.shape[0]
    found = np.zeros(n, dtype=np.float32)
    lam_sum = lam.sum(axis=1)
    use = np.zeros(pools + 1)
    billed = np.zeros(pools + 1)
    for i in range(n):
        _pool_values(p, i, lam, lam_sum, use, billed)
        first = p.first[p.template[i]]
        best, second, pick = np.inf, np.inf, 0
        for k in range(p.first[p.template[i] + 1] - first):
            v = _line_value(p, i, first + k, k, rho, extra, change, use, billed)
            if v < best:
                second, best, pick = best, v, k
            elif v < second:
                second = v
        found[i] = second - best if pick == choice[i] else 0.0
    return found


@compiled(cache=True)
def near(p: Any, lam: Any, rho: Any, extra: Any, change: Any, lines: Any, room: float) -> tuple[Any, Any, Any]:
    """The options of some lines whose value is within `room` of the line's best: line, option, how much dearer."""
    pools, months = lam.shape
    lam_sum = np.zeros(pools)
    for g in range(pools):
        for t in range(months):
            lam_sum[g] += lam[g, t]
    use = np.zeros(pools + 1)
    billed = np.zeros(pools + 1)
    most = 0
    for i in lines:
        most += p.first[p.template[i] + 1] - p.first[p.template[i]]
    who = np.zeros(most, dtype=np.int64)
    which = np.zeros(most, dtype=np.int16)
    dear = np.zeros(most)
    count = 0
    for i in lines:
        _pool_values(p, i, lam, lam_sum, use, billed)
        first = p.first[p.template[i]]
        best = np.inf
        begin = count
        for k in range(p.first[p.template[i] + 1] - first):
            v = _line_value(p, i, first + k, k, rho, extra, change, use, billed)
            best = min(best, v)
            who[count], which[count], dear[count] = i, k, v
            count += 1
        keep = begin
        for m in range(begin, count):
            if dear[m] - best <= room:
                who[keep], which[keep], dear[keep] = who[m], which[m], dear[m] - best
                keep += 1
        count = keep
    return who[:count], which[:count], dear[:count]


@compiled(cache=True)
def spread(block: Any, starts: Any, shares: Any) -> Any:
    """The place in the mixture of its block for every line, split evenly along the lines (low discrepancy).

    Block b mixes places `starts[b]` to `starts[b + 1]` with `shares`.
    """
    n = block.shape[0]
    found = np.zeros(n, dtype=np.int32)
    seen = np.zeros(starts.shape[0], dtype=np.int64)
    for i in range(n):
        b = block[i]
        point = (0.5 + seen[b] * 0.6180339887498949) % 1.0
        seen[b] += 1
        total = 0.0
        pick = starts[b]
        for m in range(starts[b], starts[b + 1]):
            pick = m
            total += shares[m]
            if point < total:
                break
        found[i] = pick
    return found


@compiled(cache=True)
def _charged(low: Any, fixed: Any, slope: Any, begin: int, end: int, spend: float) -> float:
    m = begin
    while m + 1 < end and spend >= low[m + 1]:
        m += 1
    return fixed[m] + slope[m] * spend


@compiled(cache=True)
def _overage(price: float, block: float, pull: float) -> float:
    if pull <= 0.0:
        return 0.0
    if block > 0.0:
        return price * np.ceil(pull / block - 1e-9)
    return price * pull


@compiled(cache=True)
def objective(sums: Any, pool: Any, months: int, limits: int, pieces: Any) -> float:
    """The objective of summed choices: charges, fees, pool overage in started blocks, what contracts charge."""
    price, block, owner = pool
    low, fixed, slope, first = pieces
    contracts = first.shape[0] - 1
    spend = sums[1 : 1 + contracts].copy()
    total = sums[0]
    base = 2 + contracts + limits
    for g in range(price.shape[0]):
        cost = 0.0
        for t in range(months):
            cost += _overage(price[g], block[g], sums[base + g * months + t])
        cost /= months
        if owner[g] >= 0:
            spend[owner[g]] += cost
        else:
            total += cost
    for c in range(contracts):
        total += _charged(low, fixed, slope, first[c], first[c + 1], spend[c])
    return total


@compiled(cache=True)
def _own(p: Any, i: int, k: int) -> float:
    o = p.first[p.template[i]] + k
    value = 0.0
    if p.contract[o] < 0:
        value += p.charge[p.start[i] + k]
    if k != p.current[i]:
        value += p.fee[o]
        if p.leaves[o]:
            value += p.exit_fee[i]
    return value


@compiled(cache=True)
def _try(
    p: Any, i: int, was: int, k: int, sums: Any, spend: Any, pool: Any, pieces: Any, months: int, base: int, most: Any
) -> float:
    """What the objective changes by if line i goes from option `was` to `k`; inf where a limit forbids it."""
    price, block, owner = pool
    low, fixed, slope, first = pieces
    contracts = first.shape[0] - 1
    q = p.template[i]
    o, n = p.first[q] + was, p.first[q] + k
    if p.counted[q] and was == p.current[i] and k != p.current[i] and sums[1 + contracts] + 1.0 > most[0]:
        return np.inf
    if p.limit[n] >= 0 and p.limit[n] != p.limit[o] and sums[2 + contracts + p.limit[n]] + 1.0 > most[1 + p.limit[n]]:
        return np.inf
    delta = _own(p, i, k) - _own(p, i, was)
    moved = np.zeros(contracts)
    if p.contract[o] >= 0:
        moved[p.contract[o]] -= p.charge[p.start[i] + was]
    if p.contract[n] >= 0:
        moved[p.contract[n]] += p.charge[p.start[i] + k]
    for part in range(4):
        if part == 0:
            g = p.data_pool[o]
        elif part == 1:
            g = p.voice_pool[o]
        elif part == 2:
            g = p.data_pool[n]
            if g >= 0 and g == p.data_pool[o]:
                continue
        else:
            g = p.voice_pool[n]
            if g >= 0 and g == p.voice_pool[o]:
                continue
        if g < 0:
            continue
        leaves = g == p.data_pool[o] or g == p.voice_pool[o]
        joins = g == p.data_pool[n] or g == p.voice_pool[n]
        cost = 0.0
        for t in range(months):
            before = sums[base + g * months + t]
            after = before
            if leaves:
                after -= _pull(p, i, o, g, t)
            if joins:
                after += _pull(p, i, n, g, t)
            if before > 0.0 or after > 0.0:
                cost += _overage(price[g], block[g], after) - _overage(price[g], block[g], before)
        cost /= months
        if owner[g] >= 0:
            moved[owner[g]] += cost
        else:
            delta += cost
    for c in range(contracts):
        if moved[c] != 0.0:
            delta += _charged(low, fixed, slope, first[c], first[c + 1], spend[c] + moved[c])
            delta -= _charged(low, fixed, slope, first[c], first[c + 1], spend[c])
    return delta


@compiled(cache=True)
def _apply(p: Any, i: int, k: int, choice: Any, sums: Any, spend: Any, pool: Any, months: int, base: int) -> None:
    price, block, owner = pool
    contracts = spend.shape[0]
    q = p.template[i]
    for sign in (-1.0, 1.0):
        at = choice[i] if sign < 0 else k
        o = p.first[q] + at
        sums[0] += sign * _own(p, i, at)
        if p.contract[o] >= 0:
            sums[1 + p.contract[o]] += sign * p.charge[p.start[i] + at]
            spend[p.contract[o]] += sign * p.charge[p.start[i] + at]
        if p.counted[q] and at != p.current[i]:
            sums[1 + contracts] += sign
        if p.limit[o] >= 0:
            sums[2 + contracts + p.limit[o]] += sign
        for part in range(2):
            g = p.data_pool[o] if part == 0 else p.voice_pool[o]
            if g < 0:
                continue
            cost = 0.0
            for t in range(months):
                m = base + g * months + t
                before = sums[m]
                sums[m] += sign * _pull(p, i, o, g, t)
                cost += _overage(price[g], block[g], sums[m]) - _overage(price[g], block[g], before)
            if owner[g] >= 0:
                spend[owner[g]] += cost / months
    choice[i] = k


@compiled(cache=True)
def spend_of(sums: Any, pool: Any, months: int, limits: int, contracts: int) -> Any:
    """Spend per contract of summed choices, pool overage included."""
    price, block, owner = pool
    spend = sums[1 : 1 + contracts].copy()
    base = 2 + contracts + limits
    for g in range(price.shape[0]):
        if owner[g] >= 0:
            for t in range(months):
                spend[owner[g]] += _overage(price[g], block[g], sums[base + g * months + t]) / months
    return spend


@compiled(cache=True)
def improve(
    p: Any,
    choice: Any,
    sums: Any,
    lines: Any,
    which: Any,
    pool: Any,
    pieces: Any,
    most: Any,
    months: int,
    limits: int,
    sweeps: int,
    pairs: int,
) -> int:
    """Exact local search over candidate moves, in place: single moves until none pays, then pairs of the first ones.

    Returns the number of moves made.
    """
    contracts = pieces[3].shape[0] - 1
    base = 2 + contracts + limits
    spend = spend_of(sums, pool, months, limits, contracts)
    made = 0
    for _ in range(sweeps):
        before = made
        for m in range(lines.shape[0]):
            i, k = lines[m], which[m]
            if choice[i] == k:
                continue
            if _try(p, i, choice[i], k, sums, spend, pool, pieces, months, base, most) < -1e-9:
                _apply(p, i, k, choice, sums, spend, pool, months, base)
                made += 1
        if made == before:
            break
    some = min(pairs, lines.shape[0])
    for _ in range(3 if some else 0):
        before = made
        for m in range(some):
            i, k = lines[m], which[m]
            was = choice[i]
            if was == k:
                continue
            first = _try(p, i, was, k, sums, spend, pool, pieces, months, base, most)
            if first == np.inf:
                continue
            _apply(p, i, k, choice, sums, spend, pool, months, base)
            best, pick = -first - 1e-7, -1
            for x in range(some):
                j = lines[x]
                if j == i or choice[j] == which[x]:
                    continue
                second = _try(p, j, choice[j], which[x], sums, spend, pool, pieces, months, base, most)
                if second < best:
                    best, pick = second, x
            if pick >= 0:
                _apply(p, lines[pick], which[pick], choice, sums, spend, pool, months, base)
                made += 2
            elif first < -1e-9:
                made += 1
            else:
                _apply(p, i, was, choice, sums, spend, pool, months, base)
        if made == before:
            break
    return made


@compiled(cache=True)
def anneal(
    p: Any,
    choice: Any,
    sums: Any,
    lines: Any,
    which: Any,
    pool: Any,
    pieces: Any,
    most: Any,
    months: int,
    limits: int,
    steps: int,
    hot: float,
    cold: float,
    seed: int,
) -> Any:
    """Simulated annealing over candidate moves from `choice`; returns the best choice met. Repeatable for a seed."""
    contracts = pieces[3].shape[0] - 1
    base = 2 + contracts + limits
    spend = spend_of(sums, pool, months, limits, contracts)
    best = choice.copy()
    now = low = 0.0
    state = np.uint64(seed * 2654435761 + 88172645463325252)
    cool = (cold / hot) ** (1.0 / max(1, steps))
    heat = hot
    count = np.uint64(lines.shape[0])
    for _ in range(steps):
        heat *= cool
        state ^= state << np.uint64(13)
        state ^= state >> np.uint64(7)
        state ^= state << np.uint64(17)
        m = np.int64((state >> np.uint64(11)) % count)
        i, k = lines[m], which[m]
        if choice[i] == k:
            continue
        delta = _try(p, i, choice[i], k, sums, spend, pool, pieces, months, base, most)
        if delta == np.inf:
            continue
        if delta > 0.0:
            chance = np.float64(state >> np.uint64(40)) / 16777216.0
            if delta > 12.0 * heat or chance >= np.exp(-delta / heat):
                continue
        _apply(p, i, k, choice, sums, spend, pool, months, base)
        now += delta
        if now < low - 1e-7:
            low = now
            best[:] = choice
    return best


@compiled(cache=True)
def take_back(
    p: Any, choice: Any, sums: Any, lines: Any, pool: Any, pieces: Any, most: Any, months: int, limits: int
) -> int:
    """Put lines back on today's plan, in place, where that costs nothing; returns how many."""
    contracts = pieces[3].shape[0] - 1
    base = 2 + contracts + limits
    spend = spend_of(sums, pool, months, limits, contracts)
    made = 0
    for i in lines:
        k = p.current[i]
        if _try(p, i, choice[i], k, sums, spend, pool, pieces, months, base, most) <= 1e-12:
            _apply(p, i, k, choice, sums, spend, pool, months, base)
            made += 1
    return made
