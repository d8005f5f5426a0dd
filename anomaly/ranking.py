"""The order of line-months: evidence, policy rules and what people decided, as one score in nats."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from anomaly import baseline, calibrate, features, feedback, model, policy, rerank, score
from anomaly.baseline import Level
from anomaly.estate import BOOL, REAL, Estate
from anomaly.facts import roaming_facts
from anomaly.features import VOLUME_UNITS, unlevel_grid
from anomaly.ranks import Order
from anomaly.registry import SIGNALS, Signal
from anomaly.sparse import Sparse

#: Lines in one country in one month, and how many times the usual, that make it an event of the company.
GATHERING, TIMES_USUAL = 5, 3.0
#: Months of history from which a line-month is a reference for the false discovery rate.
SETTLED = 6


@dataclass(frozen=True)
class Ranking:
    """`nats`: the score of each line-month; `loudness`: the same as if nobody had ever decided on a repetition.

    `unsupervised` is the score without what reviewers taught the order. `tail` is the share of earlier line-months,
    confirmed ones and repetitions kept back apart, that were as surprising; 1 where it is kept back itself. `kept_back`
    and `grown` mark repetitions of reviewed evidence; `by` names the finding whose decision keeps a line-month back.
    """

    evidence: model.Evidence
    nats: REAL
    unsupervised: REAL
    loudness: REAL
    tail: REAL
    kept_back: BOOL
    grown: BOOL
    by: Mapping[tuple[int, int], str]


def travelled(estate: Estate) -> BOOL:
    """Line-months with roaming in a country that a travel record of the holder covers."""
    result = np.zeros(estate.shape, dtype=bool)
    if len(estate.tables["travel"]):
        facts = roaming_facts(estate)
        covered = np.asarray(facts.values["travel_covers"], dtype=bool)
        result[facts.service[covered], facts.month[covered]] = True
    return result


def gathered(estate: Estate) -> BOOL:
    """Line-months whose roaming countries are all ones that unusually many lines went to in that month.

    A company event abroad is no line's own surprise. Unusual is at least
    :data:`GATHERING` lines and :data:`TIMES_USUAL` times the mean of the months before.
    """
    use = estate.use[(estate.use["zone"] == "roaming") & estate.use["country"].notna()]
    return _all_shared(estate, use[(use["quantity"] > 0) | (use["cost"] > 0)], "country")


def _all_shared(estate: Estate, rows: pd.DataFrame, column: str) -> BOOL:
    result = np.zeros(estate.shape, dtype=bool)
    cells = rows[["service_id", "month", column]].drop_duplicates()
    service, month = estate.rows_of(cells)
    code = pd.factorize(cells[column])[0]
    kept = (service >= 0) & (month >= 0) & (code >= 0)
    service, month, code = service[kept], month[kept], code[kept]
    if not len(service):
        return result
    width = estate.shape[1]
    count = np.zeros((int(code.max()) + 1, width))
    np.add.at(count, (code, month), 1.0)
    before = (np.cumsum(count, axis=1) - count) / np.maximum(np.arange(width), 1)
    many = (count >= GATHERING) & (count >= TIMES_USUAL * (before + 1.0))
    shared = many[code, month]
    result[service[shared], month[shared]] = True
    result[service[~shared], month[~shared]] = False
    return result


def rank(
    estate: Estate,
    panel: features.Panel,
    found: Mapping[str, policy.Hits],
    rates: Mapping[str, NDArray[np.float64]],
    memory: feedback.Memory | None = None,
) -> Ranking:
    """Evidence and score of every line-month, shape (services, months)."""
    known = memory or feedback.nothing(estate)
    confirmed = feedback.unclean(known, estate)
    event = gathered(estate)
    evidence = model.assess(panel, travelled=travelled(estate), gathered=event, confirmed=confirmed)
    rules = score.rule_families(found, rates, estate.shape, explained=event)
    families = score.merge(score.families(evidence), rules)
    held = Sparse.above(score.combine(families) + score.FURTHER * panel.impossible)
    order = Order.of(held.value)
    loudness = calibrate.surprise_of(held, panel.scored, confirmed=confirmed, order=order).dense()
    settled = panel.scored & (evidence.history >= SETTLED)
    if not known.decisions:
        none = np.zeros(estate.shape, dtype=bool)
        tail = calibrate.tail(held, panel.scored, settled=settled, order=order)
        return Ranking(evidence, loudness, loudness, loudness, tail, none, none, {})
    quiet = feedback.keep_back(known, estate, families, excess(panel, evidence, found, estate.shape), score.NOTABLE)
    calmer = score.combine(quiet.families) + score.FURTHER * panel.impossible
    kept = quiet.kept_back
    # What is kept back is not asked about, so it is no reference for what is: it is loud because it was chosen to be.
    asked = panel.scored & ~kept
    tail = calibrate.tail(held, asked, confirmed=confirmed, settled=settled & ~kept, order=order)

    def again(values: REAL, where: BOOL) -> REAL:
        calmed = Sparse.above(np.where(where, values, 0.0))
        return calibrate.against(calmed, held, panel.scored, confirmed).dense()

    unsupervised = np.where(kept, again(calmer, kept), loudness)
    moved, touched = rerank.moved(calmer, loudness, quiet.families, panel.scored, known)
    nats = np.where(touched, again(moved, touched), unsupervised)
    return Ranking(evidence, nats, unsupervised, loudness, tail, kept, quiet.grown, quiet.by)


def excess(
    panel: features.Panel, evidence: model.Evidence, found: Mapping[str, policy.Hits], shape: tuple[int, int]
) -> dict[str, list[REAL | Sparse]]:
    """How much there is of what each family looks at, one array for each of its signals, each on a scale of its own.

    Volumes count above what was expected, money in fleet units, rules by their money at stake.
    """
    result: dict[str, list[REAL | Sparse]] = {}
    size: REAL | Sparse
    for signal in SIGNALS:
        if signal.how == "up":
            expected = unlevel_grid(evidence.levels[signal.source].center, VOLUME_UNITS[signal.source])
            size = np.maximum(panel.volumes[signal.source] - np.nan_to_num(expected), 0.0)
        elif signal.how == "rare":
            size = _amount(panel, signal.source)
        else:
            size = _said(signal, evidence.levels[signal.source], panel)
        result.setdefault(signal.family, []).append(size)
    for hits in found.values():
        stake = np.zeros(shape)
        stake[hits.service, hits.month] = hits.stake
        result.setdefault(score.family_of(hits.rule), []).append(stake / panel.unit)
    return result


def _amount(panel: features.Panel, source: str) -> Sparse:
    if source not in panel.money:
        return panel.counts[source]
    held = panel.money[source]
    return held.with_values(held.value / panel.unit[held.service, held.month])


def _said(signal: Signal, level: Level, panel: features.Panel) -> REAL | Sparse:
    """What a signal about a volume other than `up` is taken from, also where it says nothing."""
    if signal.how == "down":
        months = range(panel.partial.shape[1])
        return np.stack([baseline.fallen(level.z, ~panel.partial, t) for t in months], axis=1)
    return {"drift": level.drift, "shift": level.shift}[signal.how]
