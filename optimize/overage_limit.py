"""Rows of a limit on the probability of overage: in which months a pool is above its allowance, and how often it may.

    use_gt - allowance_gt <= M_gt b_gt,  sum_t w_t b_gt <= limit x sum_t w_t,  b binary

The allowance includes that of the pool's buckets. M_gt is the largest excess that the pool can have in the month, every
line at its worst and no bucket bought. What the pool charges does not matter: use above an allowance that is free
counts too.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import gcd
from typing import Any

import numpy as np

from optimize.ir import Model

_MICRO = 10**6


@dataclass(frozen=True)
class OverRows:
    """A pool with a limit: the row of the limit, and by binary (1 = above in a month) the row that it lifts."""

    limit: int
    months: dict[int, int]


@dataclass
class PoolLimit:
    """Collects the months of one pool, then limits them. `weights`: of each scenario month."""

    model: Model
    name: str
    weights: Sequence[int]
    months: dict[int, int] = field(default_factory=dict)
    """By binary the row that it lifts."""
    _weight: dict[int, int] = field(default_factory=dict)
    _sure: int = 0

    def month(self, t: int, columns: Any, pull: Sequence[int], const: int, least: int, most: int) -> None:
        """The excess const + pull x columns in month t, millionths, lies from `least` to `most`.

        It is a multiple of what divides all of its figures, so half of that is let go for the solver's tolerance.
        """
        if least > 0:
            self._sure += self.weights[t]
        elif most > 0:
            slack = gcd(const, *pull) / 2
            b = self.model.column(f"above_{self.name}_{t}", 0, 0, 1, whole=True)
            values = np.append(np.array(pull, dtype=np.float64), -(most - slack)) / _MICRO
            self.months[b] = self.model.row(
                *(f"pool_above_{self.name}_{t}", "overage_probability", np.append(columns, b), values),
                high=(slack - const) / _MICRO,
            )
            self._weight[b] = self.weights[t]

    def close(self, limit: Fraction, share: int | None = None) -> OverRows | None:
        """At most `limit` of the weight in months that are above; with `share`, at most that column's value.

        None where no row is needed.
        """
        total = sum(self.weights)
        columns, values = list(self._weight), [float(w) for w in self._weight.values()]
        high = float(math.floor(limit * total) - self._sure)
        if share is not None:
            columns, values, high = [*columns, share], [*values, -float(total)], -float(self._sure)
        if not columns and high >= 0:
            return None
        row = self.model.row(f"often_above_{self.name}", "overage_probability", columns, values, high=high)
        return OverRows(row, self.months)
