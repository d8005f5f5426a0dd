"""The pricing engine: what every line costs on a plan, whole arrays at a time, exact to the pico (1e-12).

Quantities are millionths of MB, minutes or messages, prices millionths of currency, so products are picos of
currency. Arrays are int64 where the largest possible figure fits, Python integers (dtype object) where it does not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[Any]
MICRO = 10**6
_FITS = 2.0**61
KINDS = ("data", "voice", "sms")


@dataclass(frozen=True)
class Usage:
    """Use of N lines in T months: arrays N x T; `active` false means the month is not billed (and its use is 0)."""

    active: NDArray[np.bool_]
    home: dict[str, Ints]
    roaming: dict[str, Ints]
    roaming_cost: dict[str, Ints]
    other_cost: Ints

    def rows(self, lines: NDArray[np.intp]) -> Usage:
        """The usage of some lines."""
        return Usage(
            self.active[lines],
            {k: v[lines] for k, v in self.home.items()},
            {k: v[lines] for k, v in self.roaming.items()},
            {k: v[lines] for k, v in self.roaming_cost.items()},
            self.other_cost[lines],
        )


@dataclass(frozen=True)
class Plan:
    """A plan as the engine sees it; amounts in millionths, `None` = unlimited allowance or no price."""

    plan_id: str
    carrier_id: str
    mrc: int
    catalogue_mrc: int
    data_mb: int | None
    voice_min: int | None
    sms: int | None
    data_price: int
    data_block: int
    voice_price: int
    sms_price: int
    roaming: dict[str, int | None]
    pool_group: str | None
    voice_pool_group: str | None
    min_lines: int | None
    max_lines: int | None
    service_kind: str | None
    offer_id: str | None
    currency: str | None


def _peak(values: Ints) -> float:
    return float(max(abs(int(values.max())), abs(int(values.min())))) if values.size else 0.0


def _ceiling(plan: Plan, usage: Usage) -> float:
    """An upper bound of the months' charges in picos, as a float."""
    months = usage.active.shape[1] if usage.active.ndim == 2 else 1
    top = float(plan.mrc) * MICRO + _peak(usage.other_cost) * MICRO
    top += (_peak(usage.home["data"]) / plan.data_block + 1) * plan.data_price * MICRO
    top += _peak(usage.home["voice"]) * plan.voice_price + _peak(usage.home["sms"]) * plan.sms_price
    for kind in KINDS:
        rate = plan.roaming[kind]
        top += _peak(usage.roaming_cost[kind]) * MICRO if rate is None else _peak(usage.roaming[kind]) * rate
    return top * months


def charges(plan: Plan, usage: Usage) -> Ints:
    """Monthly charges of each line on the plan without pool overage: N x T picos, 0 in months that are not billed."""
    wide = _ceiling(plan, usage) >= _FITS

    def ints(values: Ints) -> Ints:
        return values.astype(object) if wide else values

    active = ints(usage.active.astype(np.int64))
    cost = active * (plan.mrc * MICRO)
    if plan.pool_group is None and plan.data_mb is not None and plan.data_price:
        excess = np.maximum(ints(usage.home["data"]) - plan.data_mb, 0)
        cost = cost + (-(-excess // plan.data_block)) * (plan.data_price * MICRO)
    if plan.voice_pool_group is None and plan.voice_min is not None and plan.voice_price:
        cost = cost + np.maximum(ints(usage.home["voice"]) - plan.voice_min, 0) * plan.voice_price
    if plan.sms is not None and plan.sms_price:
        cost = cost + np.maximum(ints(usage.home["sms"]) - plan.sms, 0) * plan.sms_price
    cost = cost + ints(usage.other_cost) * MICRO
    for kind in KINDS:
        rate = plan.roaming[kind]
        cost = cost + (ints(usage.roaming_cost[kind]) * MICRO if rate is None else ints(usage.roaming[kind]) * rate)
    return cost


def total(monthly: Ints, weights: Sequence[int]) -> Ints:
    """Sum over the months, each times its weight, exact."""
    if monthly.dtype != object and _peak(monthly) * sum(weights) >= _FITS:
        monthly = monthly.astype(object)
    if set(weights) == {1}:
        return monthly.sum(axis=1)
    return (monthly * np.array(weights, dtype=monthly.dtype)).sum(axis=1)
