"""Compiled array passes: what a line's own past says, medians of groups, rises, and ranks in sorted references.

Each has a plain numpy oracle in the tests. Arrays of lines and months have shape (services, months); NaN = unknown.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

REAL = NDArray[np.float64]
INT = NDArray[np.int64]


@njit(cache=True, parallel=True)
def own_past(x: REAL, window: int) -> tuple[REAL, REAL, INT]:
    """Median, median absolute deviation from it, and count of the known values of up to `window` months before each."""
    lines, months = x.shape
    middle, apart = np.full((months, lines), np.nan).T, np.full((months, lines), np.nan).T
    count = np.zeros((months, lines), dtype=np.int64).T
    for s in prange(lines):
        ordered = np.empty(window + 1)
        n = 0
        for t in range(months):
            if n > 0:
                m = 0.5 * (ordered[(n - 1) // 2] + ordered[n // 2])
                middle[s, t] = m
                apart[s, t] = _deviation(ordered, n, m)
                count[s, t] = n
            if t >= window and np.isfinite(x[s, t - window]):
                gone, at = x[s, t - window], 0
                while ordered[at] != gone:
                    at += 1
                for i in range(at, n - 1):
                    ordered[i] = ordered[i + 1]
                n -= 1
            value = x[s, t]
            if np.isfinite(value):
                i = n
                while i > 0 and ordered[i - 1] > value:
                    ordered[i] = ordered[i - 1]
                    i -= 1
                ordered[i] = value
                n += 1
    return middle, apart, count


@njit(cache=True)
def _deviation(ordered: REAL, n: int, m: float) -> float:
    """Median of |value - m| of sorted values, by walking outwards from m."""
    right = 0
    while right < n and ordered[right] < m:
        right += 1
    left = right - 1
    want_low, want_high = (n - 1) // 2, n // 2
    low, high = 0.0, 0.0
    for place in range(want_high + 1):
        if left < 0 or (right < n and ordered[right] - m <= m - ordered[left]):
            distance = ordered[right] - m
            right += 1
        else:
            distance = m - ordered[left]
            left -= 1
        if place == want_low:
            low = distance
        if place == want_high:
            high = distance
    return 0.5 * (low + high)


@njit(cache=True)
def _select(a: REAL, first: int, last: int, k: int) -> float:
    """The value of rank k of a[first..last], partly sorting it in place."""
    while first < last:
        x, y, z = a[first], a[(first + last) // 2], a[last]
        pivot = max(min(x, y), min(max(x, y), z))
        i, j = first, last
        while i <= j:
            while a[i] < pivot:
                i += 1
            while a[j] > pivot:
                j -= 1
            if i <= j:
                a[i], a[j] = a[j], a[i]
                i += 1
                j -= 1
        if k <= j:
            last = j
        elif k >= i:
            first = i
        else:
            break
    return float(a[k])


@njit(cache=True)
def group_medians(values: REAL, groups: NDArray[np.int32], size: int, least: int) -> REAL:
    """Median of the known values of each group 0..size-1; NaN where there are fewer than `least`."""
    counts = np.zeros(size + 1, dtype=np.int64)
    for i in range(len(values)):
        if groups[i] >= 0 and np.isfinite(values[i]):
            counts[groups[i] + 1] += 1
    start = np.cumsum(counts)
    place = start.copy()
    held = np.empty(start[-1])
    for i in range(len(values)):
        g = groups[i]
        if g >= 0 and np.isfinite(values[i]):
            held[place[g]] = values[i]
            place[g] += 1
    result = np.full(size, np.nan)
    for g in range(size):
        n = start[g + 1] - start[g]
        if n >= max(least, 1):
            high = _select(held, start[g], start[g + 1] - 1, start[g] + n // 2)
            low = high
            if n % 2 == 0:
                low = held[start[g]]
                for i in range(start[g], start[g] + n // 2):
                    low = max(low, held[i])
            result[g] = 0.5 * (low + high)
    return result


@njit(cache=True, parallel=True)
def ramps(x: REAL, spread: REAL, length: int, before: int, weight: float, clip: float) -> tuple[REAL, REAL]:
    """Slope a month of a rise over the last `length` months from the level of up to `before` months before them.

    Least squares on (1, 0 .. 0, 1 .. length), and its standard error; NaN where more than one month of the rise, or all
    but two of the level, are unknown. Values are drawn in to `clip` spreads around the level's median, so that one huge
    month makes no rise. The error comes from what is left around the fit, shrunk towards `spread` as if that were known
    from `weight` months.
    """
    lines, months = x.shape
    slope, error = np.full((months, lines), np.nan).T, np.full((months, lines), np.nan).T
    for s in prange(lines):
        ordered, y, at = np.empty(before), np.empty(before + length), np.empty(before + length)
        for t in range(length, months):
            n, level = 0, 0
            for k in range(max(t - length - before + 1, 0), t + 1):
                if np.isfinite(x[s, k]):
                    y[n], at[n] = x[s, k], float(max(k - t + length, 0))
                    n += 1
                    level += k <= t - length
            if n - level < length - 1 or level < 3:
                continue
            for i in range(level):
                j = i
                while j > 0 and ordered[j - 1] > y[i]:
                    ordered[j] = ordered[j - 1]
                    j -= 1
                ordered[j] = y[i]
            m = 0.5 * (ordered[(level - 1) // 2] + ordered[level // 2])
            usual = spread[s, t]
            mean_y, mean_at = 0.0, 0.0
            for i in range(n):
                y[i] = min(max(y[i], m - clip * usual), m + clip * usual)
                mean_y += y[i] / n
                mean_at += at[i] / n
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
    return slope, error


@njit(cache=True)
def earlier_events(service: INT, size: REAL, lines: int) -> tuple[REAL, REAL]:
    """For each event, in order of month, how many its line had before it and the sum of their sizes."""
    times, total = np.zeros(len(service)), np.zeros(len(service))
    so_far, sum_so_far = np.zeros(lines), np.zeros(lines)
    for i in range(len(service)):
        s = service[i]
        times[i], total[i] = so_far[s], sum_so_far[s]
        so_far[s] += 1.0
        sum_so_far[s] += size[i]
    return times, total


@njit(cache=True)
def events(amount: REAL, known: NDArray[np.bool_]) -> tuple[INT, INT, REAL]:
    """Line, month and amount of every amount above 0 of a known line-month, in order of month and line."""
    lines, months = amount.shape
    count = 0
    for t in range(months):
        for s in range(lines):
            if known[s, t] and amount[s, t] > 0:
                count += 1
    service, month, value = np.empty(count, dtype=np.int64), np.empty(count, dtype=np.int64), np.empty(count)
    i = 0
    for t in range(months):
        for s in range(lines):
            if known[s, t] and amount[s, t] > 0:
                service[i], month[i], value[i] = s, t, amount[s, t]
                i += 1
    return service, month, value


@njit(cache=True)
def merged(a: REAL, b: REAL) -> REAL:
    """Two sorted arrays as one."""
    result = np.empty(len(a) + len(b))
    i, j = 0, 0
    for k in range(len(result)):
        if j >= len(b) or (i < len(a) and a[i] <= b[j]):
            result[k] = a[i]
            i += 1
        else:
            result[k] = b[j]
            j += 1
    return result


@njit(cache=True)
def at_least(ordered: REAL, values: REAL) -> REAL:
    """How many of a sorted reference are at least as large as each value; both sorted."""
    result = np.empty(len(values))
    j = 0
    for i in range(len(values)):
        while j < len(ordered) and ordered[j] < values[i]:
            j += 1
        result[i] = len(ordered) - j
    return result


@njit(cache=True)
def top_three(total: REAL, second: REAL, third: REAL, family: REAL) -> None:
    """Keep the three largest of what was seen so far, in place; all of shape (services, months)."""
    lines, months = family.shape
    for t in range(months):
        for s in range(lines):
            value = family[s, t]
            if value > third[s, t]:
                if value > total[s, t]:
                    third[s, t], second[s, t], total[s, t] = second[s, t], total[s, t], value
                elif value > second[s, t]:
                    third[s, t], second[s, t] = second[s, t], value
                else:
                    third[s, t] = value


def group_median(values: REAL, groups: NDArray[Any], *, least: int) -> REAL:
    """:func:`group_medians` back on each row; NaN for a row in no group."""
    size = int(groups.max(initial=-1)) + 1
    medians = group_medians(np.ascontiguousarray(values), np.ascontiguousarray(groups), size, least)
    return np.append(medians, np.nan)[groups]
