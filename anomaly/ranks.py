"""Places of values in a reference that grows month by month: one sort of all months, one pass from the largest down.

Cells are the values of all months in order of month; each has a code, 4 x month + :data:`NOW` where it counts for its
own month + :data:`LATER` where it counts for the months after it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

BOOL = NDArray[np.bool_]
REAL = NDArray[np.float64]
INT = NDArray[np.int64]
LINES = NDArray[np.int32]
CODE = NDArray[np.int16]
PLACE = NDArray[np.int32]
NOW, LATER = 1, 2


@dataclass(frozen=True, eq=False)
class Order:
    """Cells from the smallest value to the largest: `place` of each among all of them, and its `value`."""

    place: PLACE
    value: REAL

    @staticmethod
    def of(value: REAL) -> Order:
        """The order of values of at least 0."""
        place = _ascending(value)
        return Order(place, value[place])

    def reached(self, code: CODE, since: INT) -> PLACE:
        """For each cell, as they were given, how many of the reference of its month are at least as large.

        That are cells of the month itself that count for it, and of the months from `since` (one for each month) to it
        that count for later ones. `code` is that of each cell in this order.
        """
        found = np.empty(len(code), dtype=np.int32)
        _reached(self.value, code, since, found)
        result = np.empty_like(found)
        result[self.place] = found
        return result

    def of_rank(self, code: CODE, rank: INT) -> REAL:
        """For each month the values of ranks (1 = the largest) in its reference, the months from the first on; NaN for
        rank 0 and beyond the last. `rank` has one row for each that is wanted, one column for each month."""
        return _of_rank(self.value, code, rank)


def codes(start: INT, service: LINES, *, now: BOOL | None, later: BOOL | None) -> CODE:
    """The codes of cells, month t being start[t] to start[t + 1], that count where their line-month is marked."""
    result = np.repeat(4 * np.arange(len(start) - 1, dtype=np.int16), np.diff(start))
    for flag, marked in ((NOW, now), (LATER, later)):
        if marked is None:
            continue
        for t in range(len(start) - 1):
            here = slice(start[t], start[t + 1])
            result[here] += np.int16(flag) * marked[service[here], t]
    return result


@njit(cache=True, nogil=True)
def _ascending(value: REAL) -> PLACE:
    """Places of values (at least 0) from the smallest to the largest, equal ones in any order.

    The bits of such a number are in order as a whole number: what 31 of them tell is sorted by counting, 11, 10 and 10
    at a time, and what they leave open by comparing.
    """
    n = len(value)
    low, high = np.int64(0), np.int64(0)
    bits = (value + 0.0).view(np.int64)
    if n:
        low, high = bits.min(), bits.max()
    shift = 0
    while (high - low) >> shift >= 1 << 31:
        shift += 1
    count = np.zeros((3, 2048), dtype=np.int64)
    packed, other = bits, np.empty(n, dtype=np.int64)
    for i in range(n):
        key = (packed[i] - low) >> shift
        packed[i] = key << 32 | i
        count[0, key & 1023] += 1
        count[1, key >> 10 & 1023] += 1
        count[2, key >> 20] += 1
    for part in range(3):
        down, mask = 32 + 10 * part, 2047 if part == 2 else 1023
        total = 0
        for k in range(2048):
            total, count[part, k] = total + count[part, k], total
        for i in range(n):
            k = packed[i] >> down & mask
            other[count[part, k]] = packed[i]
            count[part, k] += 1
        packed, other = other, packed
    result = np.empty(n, dtype=np.int32)
    first = 0
    for i in range(n):
        result[i] = packed[i] & 0xFFFFFFFF
        if packed[i] >> 32 != packed[first] >> 32:
            _finish(result, value, first, i)
            first = i
    _finish(result, value, first, n)
    return result


@njit(cache=True, nogil=True)
def _finish(places: PLACE, value: REAL, first: int, last: int) -> None:
    """Sort places[first:last] by value (Shell 1959): nearly always one or two."""
    step = 1
    while 3 * step < last - first:
        step = 3 * step + 1
    while step > 0:
        for i in range(first + step, last):
            held, j = places[i], i
            while j - step >= first and value[places[j - step]] > value[held]:
                places[j] = places[j - step]
                j -= step
            places[j] = held
        step //= 3


@njit(cache=True, nogil=True)
def _reached(value: REAL, code: CODE, since: INT, result: PLACE) -> None:
    """How many of its month's reference are at least as large, for sorted cells; see :func:`reached`."""
    total = np.zeros(len(since), dtype=np.int64)
    last = len(value)
    while last > 0:
        size, first = value[last - 1], last
        while first > 0 and value[first - 1] == size:
            first -= 1
            c = np.int64(code[first])
            month, now, later = c >> 2, c & 1, c >> 1 & 1
            for t in range(len(total)):
                total[t] += later * (since[t] <= month) if t > month else now * (t == month)
        for i in range(first, last):
            result[i] = total[code[i] >> 2]
        last = first


@njit(cache=True, nogil=True)
def _of_rank(value: REAL, code: CODE, rank: INT) -> REAL:
    """For sorted cells; see :func:`of_rank`."""
    wanted, months = rank.shape
    count = np.zeros(months, dtype=np.int64)
    result = np.full(rank.shape, np.nan)
    left = (rank > 0).sum()
    for i in range(len(value) - 1, -1, -1):
        if left == 0:
            break
        month = code[i] >> 2
        for t in range(month, months):
            if code[i] & (NOW if t == month else LATER):
                count[t] += 1
                for k in range(wanted):
                    if count[t] == rank[k, t]:
                        result[k, t] = value[i]
                        left -= 1
    return result
