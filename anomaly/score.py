"""One score for each line-month: surprise in nats, -ln p, from the signals and the policy rules that hit."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from anomaly.estate import BOOL, REAL
from anomaly.kernels import in_parallel, shares, top_three
from anomaly.model import Evidence
from anomaly.policy import Hits, Rule
from anomaly.registry import SIGNALS
from anomaly.sparse import Sparse

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


def families(evidence: Evidence) -> dict[str, Sparse]:
    """The strongest weighted signal of each family: signals of one family are one piece of evidence."""
    result: dict[str, Sparse] = {}
    for signal in SIGNALS:
        nats = evidence.nats[signal.id]
        if signal.weight != 1:
            nats = nats.with_values(signal.weight * nats.value)
        result[signal.family] = result[signal.family].louder(nats) if signal.family in result else nats
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
) -> dict[str, Sparse]:
    """-ln of the base rates of the rules that hit a line-month, by family; excused hits do not count, nor do rules
    that are no evidence (`in_ranking`).

    Roaming that is `explained` by what many do counts as likely as not, whatever rule it breaks.
    """
    result: dict[str, Sparse] = {}
    for name, found in hits.items():
        if not found.rule.in_ranking:
            continue
        service, month = found.service[~found.exempt], found.month[~found.exempt]
        weight = -np.log(rates[name][month])
        family = family_of(found.rule)
        if explained is not None and family == "roaming":
            weight = np.where(explained[service, month], np.minimum(weight, np.log(2.0)), weight)
        nats = Sparse.at(shape, service, month, weight)
        result[family] = result[family].louder(nats) if family in result else nats
    return result


def merge(signals: Mapping[str, Sparse], rules: Mapping[str, Sparse]) -> dict[str, Sparse]:
    """Families of signals and rules together: of one family the louder counts."""
    listed = dict(signals)
    for name, nats in rules.items():
        listed[name] = listed[name].louder(nats) if name in listed else nats
    return listed


def combine(families: Mapping[str, Sparse]) -> REAL:
    """The raw sum of the strongest pieces of evidence, of shape (services, months); larger is more surprising."""
    lines, months = next(iter(families.values())).shape
    result = np.zeros((lines, months), order="F")

    def add(some: range) -> None:
        second, third = np.empty(lines), np.empty(lines)
        for t in some:
            second[:], third[:] = 0.0, 0.0
            for nats in families.values():
                top_three(result[:, t], second, third, *nats.column(t))
            for further in (second, third):
                np.subtract(further, FURTHER, out=further)
                result[:, t] += np.maximum(further, 0.0, out=further)

    in_parallel(add, shares(range(months)))
    return result


def budget_rows(budget: float, line_months: int) -> int:
    """ceil(budget x line-months), exactly."""
    share = Fraction(str(budget)) * line_months
    return min(-(-share.numerator // share.denominator), line_months)
