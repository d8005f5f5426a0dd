"""Compiled passes over all lines: price every option at given duals, find near ties, improve line by line.

A kernel works on a range of lines; ranges are cut by size alone and their sums added in order, so that results do not
depend on the number of threads. Everything is summed in 64-bit floats. `p` is a
:class:`optimize.decomposition.arrays.Packed`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any, NamedTuple

import numba
import numpy as np

_BATCH = 256  # lines whose values fit a near cache
_RANGE = 16_384  # lines of a range: long enough that starting it costs nothing
THREADS = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
compiled: Any = numba.njit(cache=True, nogil=True, error_model="numpy")
inlined: Any = numba.njit(inline="always", error_model="numpy")  # calls cost more than the work: p has many arrays


class Prices(NamedTuple):
    """Duals laid out for the kernels; see :meth:`optimize.decomposition.columns.Engine.prices`."""

    pull: Any
    """Per template, month by month, the price of a unit of use in each of its pools."""
    scale: Any
    """Per option: what one unit of its charge counts."""
    fixed: Any
    """Per option: limits, fee and price of a change, allowances (where every line is active in every month)."""
    change: Any
    """Per option: the part of `fixed` that is not due where the option is today's plan."""


@cache
def _workers(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix="pricing")


def over_ranges(lines: int, work: Callable[[int, int, int], Any]) -> list[Any]:
    """What `work(number, begin, end)` returns for each range of lines, in order; compiled kernels run side by side."""
    count = ranges(lines)
    cuts = [lines * n // count for n in range(count + 1)]
    threads = min(THREADS, count)
    if threads == 1:
        return [work(n, cuts[n], cuts[n + 1]) for n in range(count)]
    return list(_workers(threads).map(work, range(count), cuts[:-1], cuts[1:]))


def ranges(lines: int) -> int:
    """Into how many ranges so many lines are cut."""
    return max(1, lines // _RANGE)


@compiled
def _values(p: Any, prices: Any, lines: Any, found: Any) -> None:
    """Value of every option of some lines at the duals, into the rows of `found`.

    Works on many lines at once: a call costs more than a line, and so does every name given to an array in the loop.
    """
    use = np.zeros(p.most_pools + 1)  # the priced use of each of the template's pools, then a zero
    months = p.months
    everywhere = p.active.shape[0] == 0
    for n in range(lines.shape[0]):
        i = lines[n]
        q = p.template[i]
        first, count = p.first[q], p.first[q + 1] - p.first[q]
        at, pools = p.pool_first[q] * months, p.pool_first[q + 1] - p.pool_first[q]
        data = p.data_pools[q]
        use[pools] = 0.0
        for j in range(pools):
            even = odd = 0.0  # two sums, as one waits for itself
            m = at + j
            if j < data:
                for t in range(0, months - 1, 2):
                    even += prices.pull[m] * p.data[i, t]
                    odd += prices.pull[m + pools] * p.data[i, t + 1]
                    m += 2 * pools
                if months % 2:
                    even += prices.pull[m] * p.data[i, months - 1]
            else:
                for t in range(0, months - 1, 2):
                    even += prices.pull[m] * p.voice[i, t]
                    odd += prices.pull[m + pools] * p.voice[i, t + 1]
                    m += 2 * pools
                if months % 2:
                    even += prices.pull[m] * p.voice[i, months - 1]
            use[j] = even + odd
        begin, exit_fee = p.start[i], p.exit_fee[i]
        for k in range(count):
            o = first + k
            own = prices.scale[o] * p.charge[begin + k] + prices.fixed[o] + p.leaving[o] * exit_fee
            found[n, k] = own + use[p.local_data[o]]
        if data < pools:
            for k in range(count):
                found[n, k] += use[p.local_voice[first + k]]
        if not everywhere:  # else `fixed` holds the allowances
            for j in range(pools):
                billed = 0.0
                for t in range(months):
                    if p.active[i, t]:
                        billed += prices.pull[at + j + t * pools]
                use[j] = billed
            for k in range(count):
                o = first + k
                found[n, k] -= p.data_allowance[o] * use[p.local_data[o]] + p.voice_allowance[o] * use[p.local_voice[o]]
        k = p.current[i]
        if k >= 0:
            found[n, k] -= prices.change[first + k] + p.leaving[first + k] * exit_fee


@inlined
def _pull(p: Any, i: int, o: int, g: int, t: int) -> float:
    if p.active.shape[0] > 0 and not p.active[i, t]:
        return 0.0
    if p.is_voice[g]:
        return p.voice[i, t] - p.voice_allowance[o]
    return p.data[i, t] - p.data_allowance[o]


@compiled
def _totals(
    p: Any, choice: Any, block: Any, contracts: int, limits: int, begin: int, end: int, sums: Any, carriers: Any
) -> None:
    base = 2 + contracts + limits
    everywhere = p.active.shape[0] == 0
    for i in range(begin, end):
        b, k = block[i], choice[i]
        q = p.template[i]
        o = p.first[q] + k
        c = p.contract[o]
        sums[b, 1 + c if c >= 0 else 0] += p.charge[p.start[i] + k]
        if k != p.current[i]:
            sums[b, 0] += p.fee[o] + p.leaving[o] * p.exit_fee[i]
            if p.counted[q]:
                sums[b, 1 + contracts] += 1.0
        if p.limit[o] >= 0:
            sums[b, 2 + contracts + p.limit[o]] += 1.0
        if p.counted[q] and p.carrier[o] >= 0:
            carriers[b] |= np.int64(1) << np.int64(p.carrier[o])
        g = p.data_pool[o]
        if g >= 0:
            for t in range(p.months):
                if everywhere or p.active[i, t]:
                    sums[b, base + g * p.months + t] += p.data[i, t] - p.data_allowance[o]
        g = p.voice_pool[o]
        if g >= 0:
            for t in range(p.months):
                if everywhere or p.active[i, t]:
                    sums[b, base + g * p.months + t] += p.voice[i, t] - p.voice_allowance[o]


def totals(p: Any, choice: Any, block: Any, blocks: int, width: int, contracts: int, limits: int) -> tuple[Any, Any]:
    """What given choices add up to per block, and the carriers that they use (bits).

    Columns of the sums: charges outside contracts and fees, spend per contract, changes, lines per limited plan, pull
    on every pool in every month.
    """
    lines = len(p.template)
    sums = np.zeros((ranges(lines), blocks, width))
    carriers = np.zeros((ranges(lines), blocks), dtype=np.int64)
    over_ranges(lines, lambda n, a, b: _totals(p, choice, block, contracts, limits, a, b, sums[n], carriers[n]))
    return sums.sum(axis=0), np.bitwise_or.reduce(carriers, axis=0)


@compiled
def _price(p: Any, prices: Any, begin: int, end: int, choice: Any) -> float:
    found = np.zeros((_BATCH, p.most_options))
    total = 0.0
    for low in range(begin, end, _BATCH):
        lines = np.arange(low, min(low + _BATCH, end))
        _values(p, prices, lines, found)
        for n in range(lines.shape[0]):
            i = low + n
            q = p.template[i]
            count = p.first[q + 1] - p.first[q]
            best, pick = np.inf, -1
            for k in range(count):
                if found[n, k] < best:
                    best, pick = found[n, k], k
            now = p.current[i]
            if now >= 0 and found[n, now] <= best:
                pick = now
            if best == np.inf:
                return np.inf
            choice[i] = pick
            total += best
    return total


def price(p: Any, prices: Prices) -> tuple[Any, float]:
    """The best option of every line (today's plan where tied), and the Lagrangian value of the lines.

    The value is inf where a line has no option.
    """
    choice = np.zeros(len(p.template), dtype=np.int16)
    parts = over_ranges(len(choice), lambda _, begin, end: float(_price(p, prices, begin, end, choice)))
    return choice, sum(parts)


@compiled
def near(p: Any, prices: Any, lines: Any, room: float) -> tuple[Any, Any, Any]:
    """The options of some lines whose value is within `room` of the line's best: line, option, how much dearer."""
    found = np.zeros((_BATCH, p.most_options))
    most = 0
    for i in lines:
        most += p.first[p.template[i] + 1] - p.first[p.template[i]]
    who = np.zeros(most, dtype=np.int64)
    which = np.zeros(most, dtype=np.int16)
    dear = np.zeros(most)
    kept = 0
    for low in range(0, lines.shape[0], _BATCH):
        some = lines[low : low + _BATCH]
        _values(p, prices, some, found)
        for n in range(some.shape[0]):
            q = p.template[some[n]]
            count = p.first[q + 1] - p.first[q]
            best = np.inf
            for k in range(count):
                best = min(best, found[n, k])
            for k in range(count):
                if found[n, k] < np.inf and found[n, k] - best <= room:
                    who[kept], which[kept], dear[kept] = some[n], k, found[n, k] - best
                    kept += 1
    return who[:kept], which[:kept], dear[:kept]


@compiled
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


@inlined
def _charged(low: Any, fixed: Any, slope: Any, begin: int, end: int, spend: float) -> float:
    m = begin
    while m + 1 < end and spend >= low[m + 1]:
        m += 1
    return fixed[m] + slope[m] * spend


@inlined
def _overage(price: float, block: float, pull: float) -> float:
    if pull <= 0.0:
        return 0.0
    if block > 0.0:
        return price * np.ceil(pull / block - 1e-9)
    return price * pull


@inlined
def _own(p: Any, i: int, k: int) -> float:
    o = p.first[p.template[i]] + k
    value = 0.0
    if p.contract[o] < 0:
        value += p.charge[p.start[i] + k]
    if k != p.current[i]:
        value += p.fee[o] + p.leaving[o] * p.exit_fee[i]
    return value


@compiled
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
                cost += _overage(price[g, t], block[g], after) - _overage(price[g, t], block[g], before)
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


@compiled
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
                cost += _overage(price[g, t], block[g], sums[m]) - _overage(price[g, t], block[g], before)
            if owner[g] >= 0:
                spend[owner[g]] += cost / months
    choice[i] = k


@compiled
def improve(
    p: Any, choice: Any, sums: Any, spend: Any, lines: Any, which: Any, pool: Any, pieces: Any, most: Any, base: int,
    sweeps: int, enough: float,
) -> int:  # fmt: skip
    """Exact local search over candidate moves (line, option), in place on `choice`, `sums` and `spend`.

    `sweeps` rounds of single moves that change the objective by less than `enough`. Returns the moves made.
    """
    made = 0
    for _ in range(sweeps):
        before = made
        for m in range(lines.shape[0]):
            i, k = lines[m], which[m]
            if choice[i] == k:
                continue
            if _try(p, i, choice[i], k, sums, spend, pool, pieces, p.months, base, most) < enough:
                _apply(p, i, k, choice, sums, spend, pool, p.months, base)
                made += 1
        if made == before:
            break
    return made


@compiled
def _outline(p: Any, i: int, was: int, k: int, pieces: Any, spend: Any, place: Any, pull: Any) -> float:
    """What a move changes: the pull on up to four pools into `place` and `pull`, the rest at today's slopes."""
    low, _, slope, first = pieces
    o, n = p.first[p.template[i]] + was, p.first[p.template[i]] + k
    own = _own(p, i, k) - _own(p, i, was)
    for sign in (-1.0, 1.0):
        at = o if sign < 0 else n
        c = p.contract[at]
        if c >= 0:
            m = first[c]
            while m + 1 < first[c + 1] and spend[c] >= low[m + 1]:
                m += 1
            own += sign * slope[m] * p.charge[p.start[i] + (was if sign < 0 else k)]
    place[:] = -1
    pull[:] = 0.0
    for part in range(4):
        at, sign = (o, -1.0) if part < 2 else (n, 1.0)
        g = p.data_pool[at] if part % 2 == 0 else p.voice_pool[at]
        if g < 0:
            continue
        slot = 0
        while place[slot] >= 0 and place[slot] != g:
            slot += 1
        place[slot] = g
        for t in range(p.months):
            pull[slot, t] += sign * _pull(p, i, at, g, t)
    return own


@compiled
def improve_pairs(
    p: Any, choice: Any, sums: Any, spend: Any, lines: Any, which: Any, pool: Any, pieces: Any, most: Any, base: int,
    sweeps: int,
) -> int:  # fmt: skip
    """Moves two at a time where that pays, in place; returns how many pairs were made.

    A single move shifts a pool by a whole line in every month, which hardly ever pays once no single move does; two
    can make up for each other. Pairs are screened with contracts at today's slopes and confirmed exactly.
    """
    price, block, owner = pool
    low, _, slope, first = pieces
    months, count = p.months, lines.shape[0]
    own = np.zeros(count)
    place = np.full((count, 4), -1, dtype=np.int64)
    pull = np.zeros((count, 4, months))
    alone = np.zeros((count, 4))
    total = np.zeros(count)
    weight = np.zeros(price.shape[0])
    made = 0
    for _ in range(sweeps):
        before = made
        stale = True
        for m in range(count):
            if stale:
                for g in range(price.shape[0]):
                    weight[g] = 1.0 / months
                    c = owner[g]
                    if c >= 0:
                        at = first[c]
                        while at + 1 < first[c + 1] and spend[c] >= low[at + 1]:
                            at += 1
                        weight[g] = slope[at] / months
                for x in range(count):
                    i = lines[x]
                    own[x] = _outline(p, i, choice[i], which[x], pieces, spend, place[x], pull[x])
                    total[x] = own[x]
                    for slot in range(4):
                        g = place[x, slot]
                        alone[x, slot] = 0.0
                        if g >= 0:
                            for t in range(months):
                                now = sums[base + g * months + t]
                                alone[x, slot] += _overage(price[g, t], block[g], now + pull[x, slot, t])
                                alone[x, slot] -= _overage(price[g, t], block[g], now)
                            alone[x, slot] *= weight[g]
                            total[x] += alone[x, slot]
                stale = False
            i, k = lines[m], which[m]
            if choice[i] == k:
                continue
            best, pick = -1e-7, -1
            for x in range(m + 1, count):
                if lines[x] == i or choice[lines[x]] == which[x]:
                    continue
                value = total[m] + total[x]
                for slot in range(4):
                    g = place[m, slot]
                    if g < 0:
                        break
                    for other in range(4):
                        if place[x, other] == g:
                            both = 0.0
                            for t in range(months):
                                now = sums[base + g * months + t]
                                after = now + pull[m, slot, t] + pull[x, other, t]
                                both += _overage(price[g, t], block[g], after) - _overage(price[g, t], block[g], now)
                            value += both * weight[g] - alone[m, slot] - alone[x, other]
                if value < best:
                    best, pick = value, x
            if pick < 0:
                continue
            was = choice[i]
            done = _try(p, i, was, k, sums, spend, pool, pieces, months, base, most)
            if done == np.inf:
                continue
            _apply(p, i, k, choice, sums, spend, pool, months, base)
            j = lines[pick]
            done += _try(p, j, choice[j], which[pick], sums, spend, pool, pieces, months, base, most)
            if done < -1e-7:
                _apply(p, j, which[pick], choice, sums, spend, pool, months, base)
                made += 1
                stale = True
            else:
                _apply(p, i, was, choice, sums, spend, pool, months, base)
        if made == before:
            break
    return made
