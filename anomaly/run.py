"""`tem flag`: both queues from one store; see `interfaces.md` section 5 for the rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomaly import (
    alerts,
    explain,
    features,
    feedback,
    model,
    monitor,
    policy,
    provenance,
    repeats,
    rulebook,
    spend,
    stakes,
)
from anomaly.detectors import DEFAULT, DETECTORS
from anomaly.estate import BOOL, REAL, Estate, read
from anomaly.grains import GRAINS
from anomaly.ranking import rank
from anomaly.selection import choose
from anomaly.units import fleet_units
from core import findings, periods
from core.findings import Finding
from core.issues import BadInput, Issue
from core.money import to_rounded_text
from core.queries import anomaly as queries
from core.store import Store

QUEUES = ("policy", "anomaly", "all", "spend")


@dataclass(frozen=True)
class Run:
    """The findings of one run, and what it says about itself: counts, provenance and the drift of the model.

    `moves` are the moves of spend, also those kept back; they are among the findings of the queue `spend` only.
    """

    findings: list[Finding]
    summary: dict[str, Any]
    moves: list[Finding] = field(default_factory=list)


def flag(
    store: Store,
    *,
    first: str | None = None,
    last: str | None = None,
    queue: str = "all",
    budget: float | None = None,
    include_exempt: bool = False,
    rules: Sequence[policy.Rule] | None = None,
) -> list[Finding]:
    """The findings of :func:`flag_run`."""
    return flag_run(
        store, first=first, last=last, queue=queue, budget=budget, include_exempt=include_exempt, rules=rules
    ).findings


def flag_run(
    store: Store,
    *,
    first: str | None = None,
    last: str | None = None,
    queue: str = "all",
    budget: float | None = None,
    include_exempt: bool = False,
    rules: Sequence[policy.Rule] | None = None,
    detector: str = DEFAULT,
) -> Run:
    """Policy hits and ranked anomalies of the months `first`..`last` (all months by default), most surprising first.

    `budget` is the share of line-months that the anomaly queue lists (0.005; without one, months after enough
    confirmations are cut by their false discovery rate); the policy queue lists every hit. Earlier months are always
    used as history, later ones never. `include_exempt` lists hits under a recorded exemption too. `detector` names
    another detector to compare with: it orders the anomaly queue, the explanations stay. `rules`
    are by default those in force in the store (:func:`anomaly.rulebook.in_force`). The queue `spend` is about accounts,
    carriers, cost centers and categories (:mod:`anomaly.spend`), largest difference first; `all` works it out and keeps
    it, but lists the other two only.

    Raises:
        BadInput: for an unknown queue or detector, a budget outside 0..1, a month that is none, or a range that runs
            backwards.
    """
    _check(first, last, queue, budget)
    score_of = _detector(detector)
    moves: list[Finding] = []
    if queue in {"spend", "all"}:
        moves = spend.as_findings(store, spend.moves(store, first=first, last=last))
    if queue == "spend":
        return Run([item for item in moves if not repeats.is_kept_back(item.detail)], {}, moves)
    estate = read(store)
    if not estate.months or not len(estate.services):
        return Run([], {}, moves)
    chosen = np.array([(not first or m >= first) and (not last or m <= last) for m in estate.months], dtype=bool)
    panel = features.build(estate)
    units = _estimated(panel, estate.months) | fleet_units(queries.line_spend(store), estate.months)
    rules = rulebook.in_force(store) if rules is None else rules
    found = policy.evaluate(estate, rules)
    rates = policy.base_rates(estate, found)
    items: list[Finding] = []
    summary: dict[str, Any] = {}
    if queue in {"policy", "all"}:
        items += _policy(store, estate, found, rates, chosen, units, include_exempt)
        items += _departments(estate, policy.departments(estate, rules), chosen)
    if queue in {"anomaly", "all"}:
        memory = feedback.read(store, estate)
        ranking = rank(estate, panel, found, rates, memory)
        if score_of is not None:
            other = score_of(estate)
            ranking = replace(ranking, nats=other, unsupervised=other)
        selection = choose(ranking, panel.scored, chosen, budget, memory)
        config = provenance.config_hash(rules)
        data = provenance.data_hashes(estate, panel)
        heard = {name: hits for name, hits in found.items() if hits.rule.in_ranking}
        scene = alerts.Scene(estate, panel, ranking, heard, rates, units, memory, config, data, explain.Peers(panel))
        items += alerts.rows(scene, selection.service, selection.month)
        summary = monitor.summary(estate, panel, ranking, selection, memory, chosen)
        summary |= provenance.stamp(config, data[int(np.flatnonzero(chosen)[-1])] if chosen.any() else "")
    ordered = sorted(items, key=lambda f: (-round(f.score or 0.0, 6), f.service_id or "", f.month, f.rule))
    return Run(ordered, summary, moves)


def save(
    store: Store, run: Run, queue: str, *, first: str | None = None, last: str | None = None
) -> dict[str, dict[str, int]]:
    """Keep a run's findings and its summary; returns the counts of :func:`core.findings.save` by queue."""
    counts: dict[str, dict[str, int]] = {}
    listed: tuple[findings.Queue, ...] = ("policy", "anomaly")
    for name in listed:
        if queue in {name, "all"}:
            rows = [item for item in run.findings if item.queue == name]
            counts[name] = findings.save(store, rows, name, first=first, last=last)
    if queue in {"spend", "all"}:
        counts["spend"] = findings.save(store, run.moves, "spend", first=first, last=last)
    monitor.keep(store, run.summary)
    return counts


def told(run: Run) -> list[str]:
    """What a reader of the queues should know about the run: kept back, came back, reviewed, drifted."""
    lines = []
    kept, grown = repeats.counts(run.moves)
    if kept or grown:
        lines.append(f"{kept} moves of spend kept back because they were reviewed, {grown} came back grown")
    if not run.summary:
        return lines
    said = run.summary
    if said["suppressed"] or said["came_back"]:
        lines.append(
            f"{said['suppressed']} alerts kept back because they were reviewed, {said['came_back']} came back grown"
        )
    if said["precision"] is not None:
        lines.append(f"reviewed so far: {said['confirmed']} confirmed, {said['dismissed']} dismissed")
    drifted = [row["month"] for row in said["drift"] if row["drifted"]]
    if drifted:
        lines.append(f"the fleet as a whole changed in {', '.join(drifted)}: alerts of these months say less")
    return lines


def _detector(name: str) -> Callable[[Estate], REAL] | None:
    if name not in DETECTORS:
        raise BadInput(Issue(field="--detector", found=name, expected=f"one of {', '.join(DETECTORS)}"))
    return None if name == DEFAULT else DETECTORS[name].score


def _check(first: str | None, last: str | None, queue: str, budget: float | None) -> None:
    problems = []
    for name, value in (("--from", first), ("--to", last)):
        if value is not None:
            try:
                periods.parse_month(value)
            except ValueError as error:
                problems.append(Issue(field=name, found=value, expected=str(error)))
    if not problems and first and last and first > last:
        problems.append(Issue(field="--from", found=first, expected=f"a month not after --to {last}"))
    if queue not in QUEUES:
        problems.append(Issue(field="--queue", found=queue, expected=f"one of {', '.join(QUEUES)}"))
    if budget is not None and not 0 <= budget <= 1:  # also refuses NaN
        problems.append(Issue(field="--budget", found=str(budget), expected="a share between 0 and 1"))
    if problems:
        raise BadInput(problems)


def _estimated(panel: features.Panel, months: list[str]) -> dict[tuple[str, str], int]:
    """Fleet units where nothing is billed: from the plan's price and the cost of use."""
    return {
        (str(panel.currency[line]), month): int(panel.unit[line, t])
        for line in np.unique(panel.currency.astype(str), return_index=True)[1]
        for t, month in enumerate(months)
    }


def _policy(
    store: Store,
    estate: Estate,
    found: Mapping[str, policy.Hits],
    rates: Mapping[str, NDArray[np.float64]],
    chosen: BOOL,
    units: Mapping[tuple[str, str], int],
    include_exempt: bool,
) -> list[Finding]:
    currency = features.line_currency(estate)
    earlier = model.history_months(estate.scored)
    listed: list[stakes.Listed] = []
    for name, hits in found.items():
        began = _runs(hits, len(estate.services), len(estate.months))
        for position in range(len(hits.service)):
            service, month = int(hits.service[position]), int(hits.month[position])
            excused = bool(hits.exempt[position])
            if not chosen[month] or (excused and not include_exempt):
                continue
            line = alerts.line_of(estate, service, month)
            money = str(currency[service]) or None
            stake = int(hits.stake[position])
            cause = estate.months[int(began[service, month])]
            unit = units.get((money or "", line["month"]))
            level = explain.at_most(findings.severity_for(stake, unit, excused=excused), hits.rule.severity)
            item = Finding(
                queue="policy",
                rule=name,
                family=name,
                kind=hits.rule.kind,
                **line,
                episode_id=findings.episode_id("policy", name, line["subject_id"], cause),
                amount_at_stake=stake,
                currency=money,
                direction="over" if stake > 0 else "none",
                claim="avoidable" if hits.rule.claim == "avoidable" else "informative",
                severity=level,
                score=float(-np.log(rates[name][month])),
                expected={"value": "0.00", "low": "0.00", "high": "0.00", "unit": money},
                actual={"value": to_rounded_text(stake), "unit": money},
                evidence=_policy_evidence(hits, position, line, excused),
                explanation=explain.policy_sentence(hits, position, estate, money),
                history_months=int(earlier[service, month]),
            )
            listed.append((item, hits.rule.stake, hits.countries[position], hits.what[position]))
    return stakes.count_once(store, estate, listed)


def _departments(estate: Estate, found: Sequence[policy.Department], chosen: BOOL) -> list[Finding]:
    """Rows about departments: how many of their lines, never which."""
    items = []
    for hit in found:
        if not chosen[hit.month]:
            continue
        month = estate.months[hit.month]
        earlier = sum(1 for other in found if other.rule.id == hit.rule.id and other.month <= hit.month)
        lines = int(estate.scored[:, : hit.month + 1].sum())
        note = f"{hit.lines} of {hit.seen} lines; lines are not named"
        items.append(
            Finding(
                queue="policy",
                rule=hit.rule.id,
                family=hit.rule.id,
                kind=hit.rule.kind,
                subject_type="cost_center",
                subject_id=hit.cost_center_id,
                month=month,
                episode_id=findings.episode_id("policy", hit.rule.id, hit.cost_center_id, month),
                severity="info",
                score=float(-np.log(min((earlier + 1.0) / (lines + 2.0), 1.0))),
                expected={"value": "0", "low": "0", "high": str(hit.seen // 2), "unit": "lines"},
                actual={"value": str(hit.lines), "unit": "lines"},
                evidence=[
                    {
                        "table": "policy_rules",
                        "key": f"{hit.rule.id}@{hit.rule.version}",
                        "month": month,
                        "field": "lines",
                        "value": str(hit.lines),
                        "note": note,
                    }
                ],
                explanation=explain.department_sentence(hit.rule, month),
            )
        )
    return items


def _policy_evidence(hits: policy.Hits, position: int, line: dict[str, Any], excused: bool) -> list[dict[str, Any]]:
    rule = hits.rule
    rows = [
        {
            "table": "policy_rules",
            "key": f"{rule.id}@{rule.version}",
            "month": line["month"],
            "field": rule.stake,
            "value": to_rounded_text(int(hits.stake[position])),
            "note": rule.title,
        }
    ]
    seen = [("country", country, "roaming there") for country in hits.countries[position]]
    note = {"charged_item": "billed on the line", "call_burst": "called", "called_number": "called"}.get(rule.over, "")
    seen += [
        ("item_code" if rule.over == "charged_item" else "peer_country", name, note) for name in hits.what[position]
    ]
    table = GRAINS[rule.over].seen_in
    rows += [
        {
            "table": table,
            "key": line["service_id"],
            "month": line["month"],
            "field": name,
            "value": value,
            "note": said,
        }
        for name, value, said in seen
    ]
    if excused:
        note = "a recorded exemption covers this line-month"
        rows.append({**rows[0], "table": "policy_exemptions", "field": "rule", "value": rule.id, "note": note})
    return rows


def _runs(hits: policy.Hits, count: int, width: int) -> NDArray[np.int64]:
    """For each line-month the month in which the run of hits that it belongs to began."""
    grid = np.zeros((count, width), dtype=bool)
    grid[hits.service, hits.month] = True
    return alerts.began(grid)
