"""Commitments: what a contract period must reach, what it has reached, and how likely a shortfall is.

mrc and usage count; net is after credits (`interfaces.md` section 5). Periods run from the contract's start date.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from statistics import NormalDist

from core.money import SCALE, mul, round_half_up
from core.periods import add_days, add_months, month_distance

MONTHS = {"month": 1, "quarter": 3, "year": 12}

#: How many whole months of history a projection looks at, and how few it needs to state a probability.
HISTORY_MONTHS = 12
ENOUGH_MONTHS = 3


@dataclass(frozen=True, slots=True)
class Attainment:
    """One commitment period [period_start, period_end) as seen on a day; money in micros.

    `shortfall` is what would be owed if nothing more were spent, `projected_shortfall` what is owed if spend goes on as
    it did; `probability` (0..1) that the period ends short, None with too little history.
    """

    period_start: str
    period_end: str
    amount: int
    spend: int
    shortfall: int
    projected_spend: int
    projected_shortfall: int
    probability: float | None


def period_on(start: str, months: int, day: str) -> tuple[str, str]:
    """The period of `months` months, counted from `start`, that `day` lies in; the first one for an earlier day."""
    number = max(0, month_distance(start, day) // months)
    while number > 0 and add_months(start, number * months) > day:
        number -= 1
    while add_months(start, (number + 1) * months) <= day:
        number += 1
    return add_months(start, number * months), add_months(start, (number + 1) * months)


def attainment(
    start: str,
    months: int,
    amount: int,
    rate: int | None,
    spend_by_day: Mapping[str, int],
    as_of: str,
) -> Attainment:
    """How the commitment period of `as_of` stands.

    `months` is the length of a period, `amount` what it must reach, `rate` the part of a gap that is owed (micros of a
    fraction, None = 1), `spend_by_day` what counts (micros; days after `as_of` are ignored). Months of the period that
    are not over are expected to cost the mean of the last whole months, at least what they have cost so far.
    """
    first, end = period_on(start, months, as_of)
    known = {day: value for day, value in spend_by_day.items() if day <= as_of}
    spend = sum(value for day, value in known.items() if first <= day < end)
    share = SCALE if rate is None else rate

    offset = month_distance(start, first)
    slots = [(add_months(start, offset + n), add_months(start, offset + n + 1)) for n in range(months)]
    running = next((n for n, (_, until) in enumerate(slots) if until > add_days(as_of, 1)), len(slots))
    history = _history(start, offset + running, known)
    mean = Fraction(sum(history), len(history)) if history else Fraction(0)
    expected = Fraction(0)
    for begin, until in slots[running:]:
        so_far = sum(value for day, value in known.items() if begin <= day < until)
        expected += max(mean, Fraction(so_far)) - so_far
    projected = spend + round_half_up(expected)
    return Attainment(
        period_start=first,
        period_end=end,
        amount=amount,
        spend=spend,
        shortfall=mul(max(0, amount - spend), share),
        projected_spend=projected,
        projected_shortfall=mul(max(0, amount - projected), share),
        probability=_probability(amount, spend, projected, history, len(slots) - running),
    )


def _history(start: str, running: int, known: Mapping[str, int]) -> list[int]:
    if not known:
        return []
    billed_from = min(known)
    result = []
    for number in range(max(0, running - HISTORY_MONTHS), running):
        begin, until = add_months(start, number), add_months(start, number + 1)
        if until > billed_from:
            result.append(sum(value for day, value in known.items() if begin <= day < until))
    return result


def _probability(amount: int, spend: int, projected: int, history: list[int], left: int) -> float | None:
    if spend >= amount:
        return 0.0
    if left == 0:
        return 1.0
    if len(history) < ENOUGH_MONTHS:
        return None
    mean = sum(history) / len(history)
    variance = sum((value - mean) ** 2 for value in history) / (len(history) - 1)
    spread = (variance * left) ** 0.5
    if spread == 0:
        return 1.0 if projected < amount else 0.0
    return round(NormalDist(float(projected), spread).cdf(float(amount)), 4)
