"""The months that an expectation is taken over: those of the range, drawn from it, or its use times factors.

A scenario month is the use of one month of the range times a factor for each type of home use, with a whole weight. A
month that is drawn k times is one scenario month of weight k, never k copies: sums over months are weighted sums, and a
mean divides by the sum of the weights. With the range itself (`history`) every weight is 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import gcd, lcm

import numpy as np
from numpy.typing import NDArray

KINDS = ("history", "bootstrap", "factors")
TYPES = ("data", "voice", "sms")
MOST_DRAWS, MOST_FACTORS, MOST_MONTHS = 10_000, 24, 240


@dataclass(frozen=True)
class FactorCase:
    """One case of kind `factors`: factor of home use by type, and its weight; all exact."""

    factor: tuple[Fraction, Fraction, Fraction]
    weight: Fraction


@dataclass(frozen=True)
class SetRule:
    """What a scenario says under `scenario_set`; `seed` None = the scenario's own."""

    kind: str = "history"
    draws: int | None = None
    seed: int | None = None
    factors: tuple[FactorCase, ...] = ()


@dataclass(frozen=True)
class ScenarioMonth:
    """`source`: place of the month in the range; `factor` of home use for data, voice and SMS."""

    source: int
    factor: tuple[Fraction, Fraction, Fraction]
    weight: int


_ONE = (Fraction(1), Fraction(1), Fraction(1))


@dataclass(frozen=True)
class ScenarioSet:
    """Scenario months in order of their source, then of their case; weights have no common divisor.

    `span`: number of months of the range.
    """

    months: tuple[ScenarioMonth, ...]
    span: int

    @property
    def total(self) -> int:
        """Sum of the weights."""
        return sum(month.weight for month in self.months)

    @property
    def weights(self) -> list[int]:
        """Weight of each scenario month."""
        return [month.weight for month in self.months]

    @property
    def sources(self) -> NDArray[np.int64]:
        """Place in the range of each scenario month."""
        return np.array([month.source for month in self.months], dtype=np.int64)

    def factors(self, usage_type: str) -> list[Fraction]:
        """Factor of one type of home use in each scenario month."""
        place = TYPES.index(usage_type)
        return [month.factor[place] for month in self.months]

    @property
    def is_range(self) -> bool:
        """Whether these are the months of the range as they were, each once."""
        return self.months == history(self.span).months


def history(months: int) -> ScenarioSet:
    """The range itself, of so many months."""
    return ScenarioSet(tuple(ScenarioMonth(n, _ONE, 1) for n in range(months)), months)


def scenario_set(rule: SetRule, months: int, seed: int) -> ScenarioSet:
    """The set of a rule on a range of so many months; `seed` is used where the rule has none.

    Bootstrap: `draws` numbers of numpy's `default_rng(seed).integers(0, months)`. All lines share the drawn month, so
    what goes together in a month stays together.
    """
    if rule.kind == "bootstrap":
        rng = np.random.default_rng(seed if rule.seed is None else rule.seed)
        drawn = np.bincount(rng.integers(0, months, rule.draws or months), minlength=months).tolist()
        return _reduced([ScenarioMonth(n, _ONE, count) for n, count in enumerate(drawn) if count], months)
    if rule.kind == "factors":
        common = lcm(*(case.weight.denominator for case in rule.factors))
        cases: dict[tuple[Fraction, Fraction, Fraction], int] = {}
        for case in rule.factors:
            cases[case.factor] = cases.get(case.factor, 0) + int(case.weight * common)
        return _reduced([ScenarioMonth(n, f, w) for n in range(months) for f, w in cases.items()], months)
    return history(months)


def _reduced(found: list[ScenarioMonth], span: int) -> ScenarioSet:
    shared = gcd(*(month.weight for month in found))
    return ScenarioSet(tuple(ScenarioMonth(m.source, m.factor, m.weight // shared) for m in found), span)
