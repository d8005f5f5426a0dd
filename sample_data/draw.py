"""Seeded streams, calendar months and exact rounding: the small tools every part of the generator shares.

Only the standard library draws random numbers here: its streams are the same in every version and on every machine,
so that the committed small sample can be compared byte by byte with a fresh one.
"""

from __future__ import annotations

import math
import random
from calendar import monthrange
from collections.abc import Sequence
from datetime import date, timedelta
from typing import TypeVar

T = TypeVar("T")


def stream(seed: int, *names: object) -> random.Random:
    """A random stream of its own for each purpose: adding draws in one place moves nothing elsewhere."""
    return random.Random("|".join([str(seed), *map(str, names)]))


def lognormal(rng: random.Random, median: float, sigma: float) -> float:
    """One heavy-tailed draw with the given median and log standard deviation."""
    return median * math.exp(rng.gauss(0.0, sigma))


def weighted(rng: random.Random, values: Sequence[T], weights: Sequence[float]) -> T:
    """One value, drawn in proportion to its weight."""
    return rng.choices(values, weights)[0]


def poisson(rng: random.Random, mean: float) -> int:
    """A Poisson count (Knuth's method; means stay small here)."""
    limit, count, product = math.exp(-mean), 0, rng.random()
    while product > limit:
        count += 1
        product *= rng.random()
    return count


def shift_month(month: str, count: int) -> str:
    """The month `count` months after `month` (YYYY-MM)."""
    index = int(month[:4]) * 12 + int(month[5:]) - 1 + count
    return f"{index // 12:04d}-{index % 12 + 1:02d}"


def months_to(last: str, count: int) -> list[str]:
    """The `count` months that end with `last`, in order."""
    return [shift_month(last, offset) for offset in range(1 - count, 1)]


def days_in(month: str) -> int:
    """Number of days of a month."""
    return monthrange(int(month[:4]), int(month[5:]))[1]


def day(month: str, number: int) -> str:
    """The ISO date of a day of a month, clipped to the month's last day."""
    return f"{month}-{min(number, days_in(month)):02d}"


def last_day(month: str) -> str:
    """The ISO date of the last day of a month."""
    return day(month, 31)


def plus_days(iso: str, count: int) -> str:
    """The ISO date `count` days later."""
    return (date.fromisoformat(iso) + timedelta(days=count)).isoformat()


def half_up(numerator: int, denominator: int) -> int:
    """numerator / denominator, rounded half up away from zero, exactly."""
    sign = -1 if (numerator < 0) != (denominator < 0) else 1
    numerator, denominator = abs(numerator), abs(denominator)
    return sign * ((2 * numerator + denominator) // (2 * denominator))


def money(cents: int) -> str:
    """Whole cents as canonical decimal text."""
    sign = "-" if cents < 0 else ""
    return f"{sign}{abs(cents) // 100}.{abs(cents) % 100:02d}"


def number_text(value: float) -> str:
    """A quantity as canonical decimal text, at most three decimals, no trailing zeros."""
    text = f"{value:.3f}".rstrip("0").rstrip(".")
    return "0" if text in {"", "-0"} else text
