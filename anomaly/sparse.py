"""Figures that are 0 in nearly every line-month: only the others are kept, in order of month and line.

A million lines over a year have twelve million cells, of which roaming or premium use fills one or two in a hundred.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomaly.kernels import in_parallel, louder

REAL = NDArray[np.float64]


Column = tuple[NDArray[np.int32], REAL]
_NONE: Column = (np.empty(0, dtype=np.int32), np.empty(0))


def cells(column: NDArray[Any], floor: float) -> Column:
    """The services of a month that lie above a floor, and their values."""
    lines = np.flatnonzero(column > floor)
    return lines.astype(np.int32), np.asarray(column[lines], dtype=np.float64)


@dataclass(frozen=True, eq=False)
class Sparse:
    """Cells above 0 of an array of shape (services, months).

    Month t has the cells `start[t]` to `start[t + 1]`, each with its `service` (ascending) and `value`. Indexing by
    (service, month), numbers or arrays or a mask of services, gives what the full array would.
    """

    shape: tuple[int, int]
    start: NDArray[np.int64]
    service: NDArray[np.int32]
    value: REAL

    @staticmethod
    def above(grid: NDArray[Any], floor: float = 0.0) -> Sparse:
        """The cells of a full array that lie above a floor (of at least 0)."""
        return Sparse.by_month((grid.shape[0], grid.shape[1]), lambda t: cells(grid[:, t], floor))

    @staticmethod
    def by_month(shape: tuple[int, int], column: Callable[[int], Column]) -> Sparse:
        """From the cells of each month, asked for on all cores."""
        columns = [_NONE] * shape[1]

        def take(t: int) -> None:
            columns[t] = column(t)

        in_parallel(take, range(shape[1]))
        start = np.cumsum([0, *(len(service) for service, _ in columns)])
        service, value = (np.concatenate(parts) for parts in zip(_NONE, *columns, strict=True))
        return Sparse(shape, start, service, value)

    @staticmethod
    def at(shape: tuple[int, int], service: NDArray[Any], month: NDArray[Any], value: REAL) -> Sparse:
        """The given cells, those above 0; of a cell that is named twice the last value."""
        keys = month.astype(np.int64) * shape[0] + service
        kept, last = np.unique(keys[::-1], return_index=True)
        values = value[::-1][last]
        kept, values = kept[values > 0], values[values > 0]
        months, services = np.divmod(kept, max(shape[0], 1))
        start = np.searchsorted(months, np.arange(shape[1] + 1))
        return Sparse(shape, start, services.astype(np.int32), values)

    @cached_property
    def month(self) -> NDArray[np.int64]:
        """The month of each cell."""
        return np.repeat(np.arange(self.shape[1]), np.diff(self.start))

    @cached_property
    def _keys(self) -> NDArray[np.int64]:
        return self.month * self.shape[0] + self.service

    def column(self, month: int) -> Column:
        """Services and values of a month's cells."""
        here = slice(self.start[month], self.start[month + 1])
        return self.service[here], self.value[here]

    def dense(self) -> REAL:
        """The full array."""
        result = np.zeros(self.shape, order="F")
        result[self.service, self.month] = self.value
        return result

    def with_values(self, value: REAL) -> Sparse:
        """Other values in the same cells; a value may be 0."""
        return replace(self, value=value)

    def kept(self, inside: NDArray[np.bool_]) -> Sparse:
        """Only the cells that a full mask marks."""
        return self._only(inside[self.service, self.month])

    def above_floor(self, floor: float) -> Sparse:
        """Only the cells above a floor."""
        return self._only(self.value > floor)

    def _only(self, stays: NDArray[np.bool_]) -> Sparse:
        start = np.concatenate([[0], np.cumsum(stays)])[self.start]
        return Sparse(self.shape, start, self.service[stays], self.value[stays])

    def places(self, service: Any, month: Any) -> NDArray[np.int64]:
        """Where the cells of given line-months stand among the kept ones; -1 = it is 0."""
        keys = self._keys
        wanted = np.asarray(month, dtype=np.int64) * self.shape[0] + np.asarray(service, dtype=np.int64)
        if not len(keys):
            return np.full(wanted.shape, -1)
        place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
        return np.where(keys[place] == wanted, place, -1)

    def __getitem__(self, where: tuple[Any, Any]) -> Any:
        """The value of one line-month, or of arrays of them."""
        service, month = where
        if isinstance(month, int | np.integer):
            lines, value = self.column(int(month))
            if isinstance(service, int | np.integer):
                place = int(np.searchsorted(lines, service))
                return float(value[place]) if place < len(lines) and lines[place] == service else 0.0
            column = np.zeros(self.shape[0])
            column[lines] = value
            return column[service]
        places = self.places(service, month)
        return np.where(places < 0, 0.0, self.value[places]) if len(self.value) else np.zeros(places.shape)

    def louder(self, other: Sparse) -> Sparse:
        """The larger of two in every cell."""
        start, service, value = louder(self.start, self.service, self.value, other.start, other.service, other.value)
        return Sparse(self.shape, start, service, value)
