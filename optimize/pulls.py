"""What single lines take from pools: use less allowance, month by month; and started blocks. The evaluator's own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int64]
FITS = 2**62  # sums below this stay in 64 bits


@dataclass(frozen=True)
class Pulls:
    """The pool of each line on a plan (-1 = none) and what it takes from it: use less allowance, in active months."""

    code: Numbers
    rows: Numbers
    allowance: Numbers
    use: NDArray[Any]
    active: NDArray[np.bool_]

    def of(self, places: Numbers) -> NDArray[Any]:
        """Use less allowance of some lines, places x T, millionths."""
        rows = self.rows[places]
        return self.use[rows] - self.active[rows] * self.allowance[places][:, None]


def peak(values: NDArray[Any]) -> int:
    """The largest amount in absolute terms."""
    return max(abs(int(values.max(initial=0))), abs(int(values.min(initial=0)))) if values.size else 0


def blocks(excess: NDArray[Any], block: int) -> NDArray[Any]:
    """Started blocks of use above the allowance."""
    return -(-np.maximum(excess, 0) // block)
