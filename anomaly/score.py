"""One score for each line-month: surprise in nats, -ln p, from the signals and the policy rules that hit."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from anomaly.calibrate import surprise
from anomaly.estate import BOOL, REAL
from anomaly.model import Evidence
from anomaly.policy import Hits
from anomaly.registry import SIGNALS

#: Nats of a family up to here are everyday; only what exceeds them is evidence that adds up.
EVERYDAY = 3.0
#: How many pieces of evidence are added.
STRONGEST = 3
#: Weight of the strongest signal below the everyday threshold: it only orders the many quiet line-months.
QUIET = 0.05


def families(evidence: Evidence) -> dict[str, REAL]:
    """The strongest weighted signal of each family: signals of one family are one piece of evidence."""
    result: dict[str, REAL] = {}
    for signal in SIGNALS:
        if signal.id in evidence.nats and signal.weight > 0:
            nats = signal.weight * evidence.nats[signal.id]
            result[signal.family] = np.maximum(result[signal.family], nats) if signal.family in result else nats
    return result


def rule_nats(hits: Mapping[str, Hits], rates: Mapping[str, NDArray[np.float64]], shape: tuple[int, int]) -> REAL:
    """-ln of the base rates of the rules that hit a line-month, added; excused hits do not count."""
    total = np.zeros(shape)
    for name, found in hits.items():
        kept = ~found.exempt
        total[found.service[kept], found.month[kept]] += -np.log(rates[name][found.month[kept]])
    return total


def combine(evidence: Evidence, rules: REAL) -> REAL:
    """The raw sum: the strongest excesses over the everyday, and the rules; larger is more surprising."""
    listed = families(evidence)
    strongest = np.zeros((STRONGEST, *rules.shape))
    loudest = np.zeros(rules.shape)
    for nats in listed.values():
        loudest = np.maximum(loudest, nats)
        left = np.maximum(nats - EVERYDAY, 0.0)
        for place in range(STRONGEST):
            left, strongest[place] = np.minimum(left, strongest[place]), np.maximum(left, strongest[place])
    return np.asarray(strongest.sum(axis=0) + rules + QUIET * loudest)


def nats(raw: REAL, scored: BOOL) -> REAL:
    """The sum on the scale of both queues: -ln of the share of line-months so far that reached it."""
    return surprise(raw, scored, floor=0.0)


def budget_rows(budget: float, line_months: int) -> int:
    """ceil(budget x line-months), exactly."""
    share = Fraction(str(budget)) * line_months
    return min(-(-share.numerator // share.denominator), line_months)
