"""Rows of the anomaly queue: what is listed, and everything a reader needs to decide on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomaly import explain, features, feedback, policy, provenance, score
from anomaly.estate import BOOL, Estate
from anomaly.ranking import Ranking
from anomaly.registry import ANOMALY_RULE, SIGNALS
from core import findings
from core.findings import Finding

_EPISODE = 3.0  # nats from which neighbouring months of one line belong to one episode
_LEVEL_SHIFT = 3.0
_MOST_TOLD = 3


@dataclass(frozen=True)
class Scene:
    """Everything that rows are told from; `hits` names the policy hits of a line-month that no exemption covers."""

    estate: Estate
    panel: features.Panel
    ranking: Ranking
    found: Mapping[str, policy.Hits]
    rates: Mapping[str, NDArray[np.float64]]
    units: Mapping[tuple[str, str], int]
    memory: feedback.Memory
    config: str
    data: Sequence[str]
    peers: explain.Peers

    def hits_of(self) -> dict[tuple[int, int], list[tuple[str, int]]]:
        """(rule, position) of every hit by line-month, excused ones left out."""
        result: dict[tuple[int, int], list[tuple[str, int]]] = {}
        for name, hits in self.found.items():
            for position in np.flatnonzero(~hits.exempt):
                cell = (int(hits.service[position]), int(hits.month[position]))
                result.setdefault(cell, []).append((name, int(position)))
        return result


@dataclass(frozen=True)
class RuleHit:
    """A policy hit of a line-month with the weight of its rule."""

    weight: float
    name: str
    hits: policy.Hits
    place: int


def line_of(estate: Estate, service: int, month: int) -> dict[str, Any]:
    """The fields of a finding that say which line and month it is about."""
    name = str(estate.ids[service])
    return {
        "subject_type": "service",
        "subject_id": name,
        "service_id": name,
        "account_id": estate.state["account_id"].text(service, month),
        "carrier_id": estate.state["carrier_id"].text(service, month),
        "month": estate.months[month],
    }


def began(grid: BOOL) -> NDArray[np.int64]:
    """For each line-month the month in which the unbroken run of marked months that it belongs to began."""
    result = np.tile(np.arange(grid.shape[1]), (grid.shape[0], 1))
    for t in range(1, grid.shape[1]):
        carried = grid[:, t] & grid[:, t - 1]
        result[carried, t] = result[carried, t - 1]
    return result


def rows(scene: Scene, service: NDArray[np.intp], month: NDArray[np.intp]) -> list[Finding]:
    """One finding for each of the chosen line-months."""
    excused = policy.exempt_from(scene.estate, {ANOMALY_RULE, "*"}, service, month)
    since = began(scene.ranking.loudness >= _EPISODE)
    hits = scene.hits_of()
    result = []
    for place in range(len(service)):
        s, t = int(service[place]), int(month[place])
        rules = [
            RuleHit(-float(np.log(scene.rates[name][t])), name, scene.found[name], at)
            for name, at in hits.get((s, t), [])
        ]
        rules.sort(key=lambda hit: (-hit.weight, hit.name))
        cause = scene.estate.months[int(since[s, t])]
        result.append(_row(scene, s, t, rules, excused=bool(excused[place]), cause=cause))
    return result


def _row(scene: Scene, s: int, t: int, rules: list[RuleHit], *, excused: bool, cause: str) -> Finding:
    estate, panel, ranking = scene.estate, scene.panel, scene.ranking
    evidence = ranking.evidence
    line = line_of(estate, s, t)
    money = str(panel.currency[s]) or None
    heard = _heard(scene, s, t)
    top = heard[0]
    kind = _kind(top, evidence.levels, s, t)
    if rules and rules[0].weight > top.nats:
        kind = rules[0].hits.rule.kind
    if panel.impossible[s, t]:
        kind = "data_problem"
    stake = _stake(scene, heard, rules, s, t)
    action = explain.action_for(kind, rules[0].hits.rule if rules else None)
    unit = scene.units.get((money or "", line["month"]))
    on_trip = kind == "roaming_excess" and not rules and bool(evidence.travelled[s, t])
    documents = [explain.evidence_row(told, line["service_id"], line["month"]) for told in heard]
    documents += [_rule_document(hit, line["month"]) for hit in rules]
    return Finding(
        queue="anomaly",
        rule=ANOMALY_RULE,
        kind=kind,
        **line,
        episode_id=findings.episode_id("anomaly", ANOMALY_RULE, line["subject_id"], cause),
        amount_at_stake=stake,
        currency=money,
        direction="over" if stake > 0 else "none",
        claim="informative",
        severity=findings.severity_for(stake, unit, excused=excused or on_trip),
        score=float(ranking.nats[s, t]),
        expected={"value": top.expected, "low": top.low, "high": top.high, "unit": top.unit},
        actual={"value": top.actual, "unit": top.unit},
        evidence=documents,
        explanation=_explanation(scene, heard, rules, action, kind, s, t),
        history_months=int(evidence.history[s, t]),
        detail=_detail(scene, top, kind, action, s, t),
    )


def _heard(scene: Scene, s: int, t: int) -> list[explain.Told]:
    """The loudest signals, one for each family, at least one and at most three."""
    evidence = scene.ranking.evidence
    loud = sorted(
        ((signal.weight * float(evidence.nats[signal.id][s, t]), signal.id) for signal in SIGNALS),
        key=lambda pair: (-pair[0], pair[1]),
    )
    heard: list[explain.Told] = []
    families: set[str] = set()
    for weight, name in loud:
        if heard and (weight < score.NOTABLE or len(heard) >= _MOST_TOLD):
            break
        told = explain.tell(name, scene.panel, evidence, scene.estate, s, t)
        if told.signal.family not in families:
            heard.append(told)
            families.add(told.signal.family)
    return heard


def _kind(top: explain.Told, levels: Mapping[str, Any], s: int, t: int) -> str:
    """The kind of the loudest signal; a volume that was as high the month before is a shift of level, no spike."""
    signal = top.signal
    if signal.how == "up" and t > 0 and float(levels[signal.source].z[s, t - 1]) >= _LEVEL_SHIFT:
        return "level_shift"
    return signal.kind


def _stake(scene: Scene, heard: list[explain.Told], rules: list[RuleHit], s: int, t: int) -> int:
    stake = 0
    for told in heard:
        if told.signal.money and told.nats >= score.NOTABLE:
            chance, usual = scene.ranking.evidence.rares[told.signal.money].at(s, t)
            expected = chance * usual * float(scene.panel.unit[s, t])
            stake += max(round(float(scene.panel.money[told.signal.money][s, t]) - expected), 0)
    return max([stake, *(int(hit.hits.stake[hit.place]) for hit in rules)])


def _rule_document(hit: RuleHit, month: str) -> dict[str, Any]:
    rule = hit.hits.rule
    return {
        "table": "policy_rules",
        "key": f"{hit.name}@{rule.version}",
        "month": month,
        "field": "rule",
        "value": hit.name,
        "note": f"{rule.title}; {hit.weight:.2f} nats",
    }


def _explanation(
    scene: Scene,
    heard: list[explain.Told],
    rules: list[RuleHit],
    action: explain.Action,
    kind: str,
    s: int,
    t: int,
) -> str:
    """Two sentences on what happened and one on how rare it is and what to do."""
    nats = float(scene.ranking.loudness[s, t])
    if kind == "data_problem":
        return (
            "The recorded use is more than a line can have in a month: the data need checking, not the user. "
            + explain.closing(nats, action)
        )
    said = [told.sentence for told in heard[:2] if told.nats >= score.NOTABLE]
    if rules:
        money = str(scene.panel.currency[s]) or None
        said = [*said[:1], explain.rule_sentence(rules[0].hits, rules[0].place, scene.estate, money)]
    if not said:
        return "Nothing about this line-month stands out."
    return " ".join([*said, explain.closing(nats, action)])


def _detail(scene: Scene, top: explain.Told, kind: str, action: explain.Action, s: int, t: int) -> dict[str, Any]:
    past = feedback.similar(scene.memory, kind, s, t)
    return {
        "measure": {"signal": top.signal.id, "title": top.signal.title, "unit": top.unit},
        "own": explain.own_months(top.signal, scene.panel, scene.estate, s, t),
        "peers": scene.peers.of(top.signal, s, t),
        "tail_probability": explain.probability(float(scene.ranking.loudness[s, t])),
        "action": {"code": action.code, "text": action.text},
        "similar": [
            {
                "finding_id": item.finding_id,
                "service_id": str(scene.estate.ids[item.service]),
                "month": scene.estate.months[item.month],
                "verdict": "confirmed" if item.confirmed else "dismissed",
                "reason": item.reason,
            }
            for item in past
        ],
        "feedback": {
            "kept_back_by": scene.ranking.by.get((s, t)),
            "came_back": bool(scene.ranking.grown[s, t]),
        },
        "model": provenance.stamp(scene.config, scene.data[t]),
    }
