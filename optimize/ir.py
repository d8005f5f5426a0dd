"""A small representation of a mixed integer model: columns, rows with named groups, as arrays.

The same representation becomes PuLP objects (audit export, solving through PuLP) or HiGHS arrays; a test asserts that
both are the same matrix.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

INF = float("inf")


@dataclass
class Model:
    """Minimize `cost x + constant` over `row_low <= A x <= row_high`, `low <= x <= high`, some x whole."""

    names: list[str] = field(default_factory=list)
    cost: list[float] = field(default_factory=list)
    low: list[float] = field(default_factory=list)
    high: list[float] = field(default_factory=list)
    whole: list[bool] = field(default_factory=list)
    row_names: list[str] = field(default_factory=list)
    row_groups: list[str] = field(default_factory=list)
    row_low: list[float] = field(default_factory=list)
    row_high: list[float] = field(default_factory=list)
    constant: float = 0.0
    _cols: list[NDArray[np.int64]] = field(default_factory=list)
    _values: list[NDArray[np.float64]] = field(default_factory=list)

    def column(self, name: str, cost: float = 0.0, low: float = 0.0, high: float = INF, whole: bool = False) -> int:
        """Add a variable and return its number."""
        self.names.append(name)
        self.cost.append(float(cost))
        self.low.append(float(low))
        self.high.append(float(high))
        self.whole.append(whole)
        return len(self.names) - 1

    def row(
        self,
        name: str,
        group: str,
        columns: Sequence[int] | NDArray[np.int64],
        values: Sequence[float] | NDArray[np.float64] | Iterable[float],
        low: float = -INF,
        high: float = INF,
    ) -> int:
        """Add a constraint of a named group and return its number; zero coefficients are left out."""
        cols = np.asarray(columns, dtype=np.int64)
        vals = np.asarray(list(values) if not isinstance(values, np.ndarray) else values, dtype=np.float64)
        keep = vals != 0.0
        self._cols.append(cols[keep])
        self._values.append(vals[keep])
        self.row_names.append(name)
        self.row_groups.append(group)
        self.row_low.append(float(low))
        self.row_high.append(float(high))
        return len(self.row_names) - 1

    def entries(self, row: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Columns and coefficients of a constraint."""
        return self._cols[row], self._values[row]

    def arrays(self) -> dict[str, Any]:
        """The model as plain arrays, the matrix by rows (starts, columns, values)."""
        lengths = np.array([len(c) for c in self._cols], dtype=np.int64)
        empty_i, empty_f = np.zeros(0, dtype=np.int64), np.zeros(0)
        return {
            "cost": np.array(self.cost),
            "low": np.array(self.low),
            "high": np.array(self.high),
            "whole": np.array(self.whole, dtype=bool),
            "row_low": np.array(self.row_low),
            "row_high": np.array(self.row_high),
            "starts": np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32),
            "columns": np.concatenate([*self._cols, empty_i]).astype(np.int32),
            "values": np.concatenate([*self._values, empty_f]),
            "constant": self.constant,
        }
