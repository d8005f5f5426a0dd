"""Compiled array passes: what a line's own past says, medians of groups, rises, and ranks in sorted references.

Each has a plain numpy oracle in the tests. Arrays of lines and months have shape (services, months); NaN = unknown.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

BOOL = NDArray[np.bool_]
REAL = NDArray[np.float64]
INT = NDArray[np.int64]
LINES = NDArray[np.int32]
COUNT = NDArray[np.int16]
CORES = os.cpu_count() or 1


def in_parallel(task: Callable[[Any], None], items: Iterable[Any]) -> None:
    """Do a task for each item on all cores; each writes to places of its own, so the order changes nothing.

    Threads and compiled passes that let go of the interpreter, not numba's own threads: those cannot be forked.
    """
    with ThreadPoolExecutor(CORES) as pool:
        for done in [pool.submit(task, item) for item in items]:
            done.result()


def shares(items: range) -> list[range]:
    """The items dealt out to the cores."""
    return [items[core::CORES] for core in range(min(CORES, len(items)))]


def blocks(lines: int) -> list[tuple[int, int]]:
    """The lines as (first, last) ranges, a few for each core."""
    size = max(-(-lines // (4 * CORES)), 1_000)
    return [(first, min(first + size, lines)) for first in range(0, lines, size)]


def own_past(x: REAL, window: int, usable: BOOL, middle: REAL, apart: REAL) -> COUNT:
    """Median, and median absolute deviation from it, of the known and `usable` values of up to `window` months before
    each, into `middle` and `apart` (NaN where there are none); returns how many there are. Arrays by month."""
    count = np.empty(x.shape, dtype=np.int16, order="F")
    in_parallel(lambda span: _own_past(x, window, usable, span[0], span[1], middle, apart, count), blocks(len(x)))
    return count


@njit(cache=True, nogil=True)
def _own_past(
    x: REAL, window: int, usable: BOOL, first: int, last: int, middle: REAL, apart: REAL, count: COUNT
) -> None:
    months = x.shape[1]
    ordered = np.empty(window + 1)
    for s in range(first, last):
        n = 0
        for t in range(months):
            count[s, t] = n
            middle[s, t] = apart[s, t] = np.nan
            if n > 0:
                m = 0.5 * (ordered[(n - 1) // 2] + ordered[n // 2])
                middle[s, t] = m
                high = _distance(ordered, n, m, n // 2)
                low = high if n % 2 else _distance(ordered, n, m, n // 2 - 1)
                apart[s, t] = 0.5 * (low + high)
            if t >= window and usable[s, t - window] and np.isfinite(x[s, t - window]):
                n = _drop(ordered, n, x[s, t - window])
            if usable[s, t] and np.isfinite(x[s, t]):
                n = _put(ordered, n, x[s, t])


@njit(cache=True, nogil=True)
def _put(ordered: REAL, n: int, value: float) -> int:
    """Put a value into a sorted list of n; returns how many there are now."""
    i = n
    while i > 0 and ordered[i - 1] > value:
        ordered[i] = ordered[i - 1]
        i -= 1
    ordered[i] = value
    return n + 1


@njit(cache=True, nogil=True)
def _drop(ordered: REAL, n: int, value: float) -> int:
    """Take a value out of a sorted list of n that has it; returns how many there are now."""
    at = 0
    while ordered[at] != value:
        at += 1
    for i in range(at, n - 1):
        ordered[i] = ordered[i + 1]
    return n - 1


@njit(cache=True, nogil=True)
def _distance(ordered: REAL, n: int, m: float, rank: int) -> float:
    """The distance from m of that rank (0 = the smallest) among n sorted values.

    The nearest values stand side by side, so it is the smallest reach of all stretches of as many.
    """
    smallest = np.inf
    for i in range(n - rank):
        smallest = min(smallest, max(m - ordered[i], ordered[i + rank] - m))
    return smallest


@njit(cache=True, nogil=True)
def _select(a: REAL, first: int, last: int, k: int) -> float:
    """The value of rank k of a[first..last], partly sorting it in place: smaller ones come before, larger ones after.

    Every value is moved whether it is smaller or not, which a processor does faster than deciding.
    """
    while first < last:
        x, y, z = a[first], a[(first + last) // 2], a[last]
        pivot = max(min(x, y), min(max(x, y), z))
        smaller = first
        for j in range(first, last + 1):
            value = a[j]
            a[j] = a[smaller]
            a[smaller] = value
            smaller += value < pivot
        if k < smaller:
            last = smaller - 1
            continue
        equal = smaller
        for j in range(smaller, last + 1):
            value = a[j]
            a[j] = a[equal]
            a[equal] = value
            equal += value <= pivot
        if k < equal:
            return float(pivot)
        first = equal
    return float(a[k])


@njit(cache=True, nogil=True)
def group_medians(values: REAL, groups: LINES, size: int, least: int, held: REAL, apart: REAL | None = None) -> REAL:
    """Median of the known values of each group 0..size-1; NaN where there are fewer than `least`.

    Their median absolute deviation goes into `apart`, if that is given, one for each group. `held` is room for as many
    values, so that it need not be asked for again and again.
    """
    counts = np.zeros(size + 1, dtype=np.int64)
    for i in range(len(values)):
        if groups[i] >= 0 and np.isfinite(values[i]):
            counts[groups[i] + 1] += 1
    start = np.cumsum(counts)
    place = start.copy()
    for i in range(len(values)):
        g = groups[i]
        if g >= 0 and np.isfinite(values[i]):
            held[place[g]] = values[i]
            place[g] += 1
    result = np.full(size, np.nan)
    for g in range(size):
        n = start[g + 1] - start[g]
        if n < max(least, 1):
            continue
        result[g] = _middle(held, start[g], n)
        if apart is not None:
            for i in range(start[g], start[g] + n):
                held[i] = abs(held[i] - result[g])
            apart[g] = _middle(held, start[g], n)
    return result


@njit(cache=True, nogil=True)
def _middle(held: REAL, first: int, n: int) -> float:
    """Median of n values from `first` on, which are partly sorted for it."""
    high = _select(held, first, first + n - 1, first + n // 2)
    low = high
    if n % 2 == 0:
        low = held[first]
        for i in range(first, first + n // 2):
            low = max(low, held[i])
    return 0.5 * (low + high)


@njit(cache=True, nogil=True)
def median_and_mad(values: REAL) -> tuple[float, float]:
    """Median of at least one value, and median absolute deviation from it."""
    held = values.copy()
    middle = _middle(held, 0, len(held))
    for i in range(len(held)):
        held[i] = abs(held[i] - middle)
    return middle, _middle(held, 0, len(held))


def ramps(
    x: REAL, spread: REAL, length: int, before: int, weight: float, clip: float, slope: REAL, error: REAL
) -> None:
    """Slope a month of a rise over the last `length` months from the level of up to `before` months before them.

    Least squares on (1, 0 .. 0, 1 .. length), and its standard error; NaN where more than one month of the rise, or all
    but two of the level, are unknown. Values are drawn in to `clip` spreads around the level's median, so that one huge
    month makes no rise. The error comes from what is left around the fit, shrunk towards `spread` as if that were known
    from `weight` months. Both go into `slope` and `error`; arrays by month.
    """

    def fit(span: tuple[int, int]) -> None:
        _ramps(x, spread, length, before, weight, clip, span[0], span[1], slope, error)

    in_parallel(fit, blocks(len(x)))


@njit(cache=True, nogil=True)
def _ramps(
    x: REAL,
    spread: REAL,
    length: int,
    before: int,
    weight: float,
    clip: float,
    first: int,
    last: int,
    slope: REAL,
    error: REAL,
) -> None:
    months = x.shape[1]
    ordered, y, at = np.empty(before + 1), np.empty(before + length), np.empty(before + length)
    for s in range(first, last):
        level = 0
        for t in range(months):
            slope[s, t] = error[s, t] = np.nan
            if t >= length + before and np.isfinite(x[s, t - length - before]):
                level = _drop(ordered, level, x[s, t - length - before])
            if t >= length and np.isfinite(x[s, t - length]):
                level = _put(ordered, level, x[s, t - length])
            if level < 3:
                continue
            m = 0.5 * (ordered[(level - 1) // 2] + ordered[level // 2])
            usual = spread[s, t]
            lowest, highest = m - clip * usual, m + clip * usual
            mean_y, mean_at, n = 0.0, 0.0, 0
            for k in range(max(t - length - before + 1, 0), t + 1):
                if np.isfinite(x[s, k]):
                    y[n], at[n] = min(max(x[s, k], lowest), highest), float(max(k - t + length, 0))
                    mean_y += y[n]
                    mean_at += at[n]
                    n += 1
            if n - level < length - 1:
                continue
            mean_y /= n
            mean_at /= n
            sxy, sxx = 0.0, 0.0
            for i in range(n):
                sxy += (at[i] - mean_at) * (y[i] - mean_y)
                sxx += (at[i] - mean_at) ** 2
            b = sxy / sxx
            left = 0.0
            for i in range(n):
                left += (y[i] - mean_y - b * (at[i] - mean_at)) ** 2
            slope[s, t] = b
            error[s, t] = np.sqrt((left + weight * usual**2) / (n - 2 + weight) / sxx)


@njit(cache=True, nogil=True)
def earlier_events(service: LINES, size: REAL, lines: int) -> tuple[REAL, REAL]:
    """For each event, in order of month, how many its line had before it and the sum of their sizes."""
    times, total = np.zeros(len(service)), np.zeros(len(service))
    so_far, sum_so_far = np.zeros(lines), np.zeros(lines)
    for i in range(len(service)):
        s = service[i]
        times[i], total[i] = so_far[s], sum_so_far[s]
        so_far[s] += 1.0
        sum_so_far[s] += size[i]
    return times, total


@njit(cache=True, nogil=True)
def louder(
    start_a: INT, line_a: LINES, value_a: REAL, start_b: INT, line_b: LINES, value_b: REAL
) -> tuple[INT, LINES, REAL]:
    """The larger of two sparse arrays (:class:`anomaly.sparse.Sparse`) in every cell."""
    start = np.zeros(len(start_a), dtype=np.int64)
    line = np.empty(len(line_a) + len(line_b), dtype=np.int32)
    value = np.empty(len(line))
    n = 0
    for t in range(len(start) - 1):
        i, j = start_a[t], start_b[t]
        while i < start_a[t + 1] or j < start_b[t + 1]:
            more_a, more_b = i < start_a[t + 1], j < start_b[t + 1]
            if more_a and more_b and line_a[i] == line_b[j]:
                line[n], value[n] = line_a[i], max(value_a[i], value_b[j])
                i += 1
                j += 1
            elif more_a and (not more_b or line_a[i] < line_b[j]):
                line[n], value[n] = line_a[i], value_a[i]
                i += 1
            else:
                line[n], value[n] = line_b[j], value_b[j]
                j += 1
            n += 1
        start[t + 1] = n
    return start, line[:n].copy(), value[:n].copy()


@njit(cache=True, nogil=True)
def top_three(total: REAL, second: REAL, third: REAL, line: LINES, found: REAL) -> None:
    """Keep the three largest of what was seen so far on each line, in place; `found` are those of some lines."""
    for i in range(len(line)):
        s, value = line[i], found[i]
        if value > third[s]:
            if value > total[s]:
                third[s], second[s], total[s] = second[s], total[s], value
            elif value > second[s]:
                third[s], second[s] = second[s], value
            else:
                third[s] = value


@njit(cache=True, nogil=True)
def counted(groups: LINES, inside: BOOL, size: int) -> INT:
    """How many lines are `inside` of each group 0..size-1."""
    result = np.zeros(size, dtype=np.int64)
    for i in range(len(groups)):
        if inside[i] and groups[i] >= 0:
            result[groups[i]] += 1
    return result
