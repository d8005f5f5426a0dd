"""One score for each line-month: surprise in nats, -ln p, from the signals and the policy rules that hit."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from anomaly.calibrate import surprise
from anomaly.estate import BOOL, REAL
from anomaly.kernels import top_three
from anomaly.model import Evidence
from anomaly.policy import Hits, Rule
from anomaly.registry import SIGNALS

#: The strongest piece of evidence counts whole, each further one only by what exceeds this many nats: many signals
#: are somewhat loud by chance, and adding them up buries the one that matters (measured, docs/anomaly.md).
FURTHER = 6.0  # of the second and the third, no more are added
#: Nats from which a signal is worth a sentence.
NOTABLE = 3.0
#: A rule and the signals of the same thing are one piece of evidence.
RULE_FAMILY = {
    **{"roaming_unbundled": "roaming", "roaming_no_travel": "roaming", "roaming_excess": "roaming"},
    **{"international_burst": "international", "many_destinations": "international", "short_calls": "international"},
    **{"premium": "premium", "third_party": "charges", "new_charge": "charges", "device_change": "device"},
}


def families(evidence: Evidence) -> dict[str, REAL]:
    """The strongest weighted signal of each family: signals of one family are one piece of evidence."""
    result: dict[str, REAL] = {}
    for signal in SIGNALS:
        nats = evidence.nats[signal.id]
        if signal.weight != 1:
            nats = signal.weight * nats
        result[signal.family] = np.maximum(result[signal.family], nats) if signal.family in result else nats
    return result


def family_of(rule: Rule) -> str:
    """The family of evidence that a rule belongs to: its own, or the one of the signals of the same thing."""
    return RULE_FAMILY.get(rule.kind, f"rule {rule.id}")


def rule_families(
    hits: Mapping[str, Hits],
    rates: Mapping[str, NDArray[np.float64]],
    shape: tuple[int, int],
    *,
    explained: BOOL | None = None,
) -> dict[str, REAL]:
    """-ln of the base rates of the rules that hit a line-month, by family; excused hits do not count, nor do rules
    that are no evidence (`in_ranking`).

    Roaming that is `explained` by what many do counts as likely as not, whatever rule it breaks.
    """
    result: dict[str, REAL] = {}
    for name, found in hits.items():
        if not found.rule.in_ranking:
            continue
        kept = ~found.exempt
        nats = np.zeros(shape)
        nats[found.service[kept], found.month[kept]] = -np.log(rates[name][found.month[kept]])
        family = family_of(found.rule)
        if explained is not None and family == "roaming":
            nats = np.where(explained, np.minimum(nats, np.log(2.0)), nats)
        result[family] = np.maximum(result[family], nats) if family in result else nats
    return result


def merge(signals: Mapping[str, REAL], rules: Mapping[str, REAL]) -> dict[str, REAL]:
    """Families of signals and rules together: of one family the louder counts."""
    listed = dict(signals)
    for name, nats in rules.items():
        listed[name] = np.maximum(listed[name], nats) if name in listed else nats
    return listed


def combine(families: Mapping[str, REAL]) -> REAL:
    """The raw sum of the strongest pieces of evidence; larger is more surprising."""
    shape = next(iter(families.values())).shape
    first, second, third = (np.zeros(shape, order="F") for _ in range(3))
    for nats in families.values():
        top_three(first, second, third, nats)
    return np.asarray(first + np.maximum(second - FURTHER, 0.0) + np.maximum(third - FURTHER, 0.0))


def nats(raw: REAL, scored: BOOL, confirmed: BOOL | None = None) -> REAL:
    """The sum on the scale of both queues: -ln of the share of line-months so far that reached it."""
    return surprise(raw, scored, floor=0.0, confirmed=confirmed)


def budget_rows(budget: float, line_months: int) -> int:
    """ceil(budget x line-months), exactly."""
    share = Fraction(str(budget)) * line_months
    return min(-(-share.numerator // share.denominator), line_months)
