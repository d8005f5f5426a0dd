"""Rows of a limit on the probability of overage: in which months a pool is above its allowance, and how often it may.

    use_gt - allowance_gt <= M_gt b_gt,  sum_t w_t b_gt <= limit x sum_t w_t,  b binary

M_gt is the largest excess that the pool can have in the month, every line at its worst. What the pool charges does not
matter: use above an allowance that is free counts too.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import gcd
from typing import Any

import numpy as np

from optimize.ir import Model

_MICRO = 10**6


def over_in_month(
    model: Model, name: str, columns: Any, pull: Sequence[int], const: int, least: int, most: int
) -> int | bool:
    """The binary that is 1 wherever const + pull x columns > 0; True or False where that is certain.

    Amounts are millionths; the excess lies from `least` to `most` and is a multiple of what divides all of them, so
    half of that is let go for the solver's tolerance.
    """
    if most <= 0 or least > 0:
        return most > 0
    slack = gcd(const, *pull) / 2
    b = model.column(f"over_allowance_{name}", 0, 0, 1, whole=True)
    values = np.append(np.array(pull, dtype=np.float64), -(most - slack)) / _MICRO
    model.row(
        *(f"above_allowance_{name}", "overage_probability", np.append(columns, b), values),
        high=(slack - const) / _MICRO,
    )
    return b


def limit_months(
    model: Model,
    name: str,
    over: Mapping[int, int | bool],
    weights: Sequence[int],
    limit: Fraction,
    share: int | None = None,
) -> None:
    """At most `limit` of the weight in months that are over; with `share`, at most that column's value instead."""
    free = [(t, b) for t, b in over.items() if not isinstance(b, bool)]
    sure = sum(weights[t] for t, b in over.items() if b is True)
    columns, values = [b for _, b in free], [float(weights[t]) for t, _ in free]
    if share is not None:
        model.row(
            *(f"often_over_{name}", "overage_probability", [*columns, share], [*values, -float(sum(weights))]),
            high=-sure,
        )
    elif free or sure:
        budget = math.floor(limit * sum(weights)) - sure
        model.row(f"often_over_{name}", "overage_probability", columns, values, high=budget)
