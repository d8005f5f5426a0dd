"""`tem flag`: both queues from one store; see `interfaces.md` section 5 for the rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomaly import explain, features, model, policy, rulebook, score, spend, stakes
from anomaly.estate import BOOL, REAL, Estate, read
from anomaly.facts import roaming_facts
from anomaly.grains import GRAINS
from anomaly.registry import ANOMALY_RULE, SIGNALS
from anomaly.units import fleet_units
from core import findings, periods
from core.findings import Finding
from core.issues import BadInput, Issue
from core.money import to_rounded_text
from core.queries import anomaly as queries
from core.store import Store

QUEUES = ("policy", "anomaly", "all", "spend")
_EPISODE = 3.0  # nats from which neighbouring months of one line belong to one episode
_LEVEL_SHIFT = 3.0


def flag(
    store: Store,
    *,
    first: str | None = None,
    last: str | None = None,
    queue: str = "all",
    budget: float = 0.005,
    include_exempt: bool = False,
    rules: Sequence[policy.Rule] | None = None,
) -> list[Finding]:
    """Policy hits and ranked anomalies of the months `first`..`last` (all months by default), most surprising first.

    `budget` is the share of line-months that the anomaly queue lists; the policy queue lists every hit. Earlier months
    are always used as history, later ones never. `include_exempt` lists hits under a recorded exemption too. `rules`
    are by default those in force in the store (:func:`anomaly.rulebook.in_force`). The queue `spend` is about accounts,
    carriers, cost centers and categories (:mod:`anomaly.spend`), largest difference first; it is not part of `all`.

    Raises:
        BadInput: for an unknown queue, a budget outside 0..1, a month that is none, or a range that runs backwards.
    """
    _check(first, last, queue, budget)
    if queue == "spend":
        return spend.as_findings(spend.moves(store, first=first, last=last), spend.labels(store))
    estate = read(store)
    if not estate.months or not len(estate.services):
        return []
    chosen = np.array([(not first or m >= first) and (not last or m <= last) for m in estate.months], dtype=bool)
    panel = features.build(estate)
    units = _estimated(panel, estate.months) | fleet_units(queries.line_spend(store), estate.months)
    rules = rulebook.in_force(store) if rules is None else rules
    found = policy.evaluate(estate, rules)
    rates = policy.base_rates(estate, found)
    items: list[Finding] = []
    if queue in {"policy", "all"}:
        items += _policy(store, estate, found, rates, chosen, units, include_exempt)
        items += _departments(estate, policy.departments(estate, rules), chosen)
    if queue in {"anomaly", "all"}:
        heard = {name: hits for name, hits in found.items() if hits.rule.in_ranking}
        items += _anomalies(estate, panel, heard, rates, chosen, units, budget)
    return sorted(items, key=lambda f: (-round(f.score or 0.0, 6), f.service_id or "", f.month, f.rule))


def _check(first: str | None, last: str | None, queue: str, budget: float) -> None:
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
    if not 0 <= budget <= 1:  # also refuses NaN
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


def _line(estate: Estate, service: int, month: int) -> dict[str, Any]:
    ids = estate.services["service_id"]
    return {
        "subject_type": "service",
        "subject_id": str(ids.iloc[service]),
        "service_id": str(ids.iloc[service]),
        "account_id": estate.state["account_id"].text(service, month),
        "carrier_id": estate.state["carrier_id"].text(service, month),
        "month": estate.months[month],
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
            line = _line(estate, service, month)
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
    return _began(grid)


def _began(grid: BOOL) -> NDArray[np.int64]:
    began = np.tile(np.arange(grid.shape[1]), (grid.shape[0], 1))
    for t in range(1, grid.shape[1]):
        carried = grid[:, t] & grid[:, t - 1]
        began[carried, t] = began[carried, t - 1]
    return began


def rank(
    estate: Estate,
    panel: features.Panel,
    found: Mapping[str, policy.Hits],
    rates: Mapping[str, NDArray[np.float64]],
    *,
    forest: bool = True,
) -> tuple[model.Evidence, REAL]:
    """The evidence and the score (nats) of every line-month, shape (services, months)."""
    travelled = np.zeros(estate.shape, dtype=bool)
    if len(estate.tables["travel"]):
        facts = roaming_facts(estate)
        covered = np.asarray(facts.values["travel_covers"], dtype=bool)
        travelled[facts.service[covered], facts.month[covered]] = True
    evidence = model.assess(panel, travelled=travelled, forest=forest)
    raw = score.combine(evidence, score.rule_families(found, rates, estate.shape))
    raw = np.where(panel.impossible, raw + score.FURTHER, raw)
    return evidence, score.nats(raw, panel.scored)


def _anomalies(
    estate: Estate,
    panel: features.Panel,
    found: Mapping[str, policy.Hits],
    rates: Mapping[str, NDArray[np.float64]],
    chosen: BOOL,
    units: Mapping[tuple[str, str], int],
    budget: float,
) -> list[Finding]:
    evidence, nats = rank(estate, panel, found, rates)
    service, month = np.nonzero(panel.scored & chosen[None, :])
    order = np.lexsort((month, service, -np.round(nats[service, month], 6)))
    order = order[: score.budget_rows(budget, len(order))]
    excused = policy.exempt_from(estate, {ANOMALY_RULE, "*"}, service[order], month[order])
    began = _began(nats >= _EPISODE)
    by_cell: dict[tuple[int, int], list[tuple[str, int]]] = {}
    for name, hits in found.items():
        for position in np.flatnonzero(~hits.exempt):
            cell = (int(hits.service[position]), int(hits.month[position]))
            by_cell.setdefault(cell, []).append((name, int(position)))
    items = []
    for place, row in enumerate(order):
        s, t = int(service[row]), int(month[row])
        rules = [(name, found[name], at) for name, at in by_cell.get((s, t), [])]
        items.append(
            _anomaly(estate, panel, evidence, s, t, float(nats[s, t]), rules, rates, bool(excused[place]), units, began)
        )
    return items


def _anomaly(
    estate: Estate,
    panel: features.Panel,
    evidence: model.Evidence,
    s: int,
    t: int,
    nats: float,
    rules: list[tuple[str, policy.Hits, int]],
    rates: Mapping[str, NDArray[np.float64]],
    excused: bool,
    units: Mapping[tuple[str, str], int],
    began: NDArray[np.int64],
) -> Finding:
    line = _line(estate, s, t)
    money = str(panel.currency[s]) or None
    loud = sorted(
        (
            (signal.weight * float(evidence.nats[signal.id][s, t]), signal.id)
            for signal in SIGNALS
            if signal.id in evidence.nats and signal.how != "joint"
        ),
        key=lambda pair: (-pair[0], pair[1]),
    )
    heard: list[explain.Told] = []
    families: set[str] = set()
    for weight, name in loud:
        told = explain.tell(name, panel, evidence, estate, s, t)
        if told.signal.family not in families and (weight >= score.NOTABLE or not heard) and len(heard) < 3:
            heard.append(told)
            families.add(told.signal.family)
        elif len(heard) >= 3 or weight < score.NOTABLE:
            break
    top = heard[0]
    by_rule = sorted(((-float(np.log(rates[name][t])), name, hits, place) for name, hits, place in rules), reverse=True)
    kind = _kind(top, evidence, s, t)
    if by_rule and by_rule[0][0] > top.nats:
        kind = by_rule[0][2].rule.kind
    stake = 0
    for told in heard:
        if told.signal.money and told.nats >= score.NOTABLE:
            rare = evidence.rares[told.signal.money]
            usual = float(np.nan_to_num(rare.chance[s, t] * rare.usual[s, t])) * float(panel.unit[s, t])
            stake += max(round(float(panel.money[told.signal.money][s, t]) - usual), 0)
    stake = max([stake, *(int(hits.stake[place]) for _, _, hits, place in by_rule)])
    sentences = [told.sentence for told in heard[:2] if told.nats >= score.NOTABLE] or [
        "Nothing about this line-month stands out." if not by_rule else ""
    ]
    sentences += [explain.policy_sentence(hits, place, estate, money) for _, _, hits, place in by_rule[:1]]
    if panel.impossible[s, t]:
        kind = "data_problem"
        sentences = ["The recorded use is more than a line can have in a month: the data need checking, not the user."]
    documents = [explain.evidence_row(told, line["service_id"], line["month"]) for told in heard]
    documents += [
        {
            "table": "policy_rules",
            "key": f"{name}@{hits.rule.version}",
            "month": line["month"],
            "field": "rule",
            "value": name,
            "note": f"{hits.rule.title}; {weight:.2f} nats",
        }
        for weight, name, hits, place in by_rule
    ]
    cause = estate.months[int(began[s, t])]
    unit = units.get((money or "", line["month"]))
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
        severity=findings.severity_for(stake, unit, excused=excused or _travelled(by_rule, kind, evidence, s, t)),
        score=nats,
        expected={"value": top.expected, "low": top.low, "high": top.high, "unit": top.unit},
        actual={"value": top.actual, "unit": top.unit},
        evidence=documents,
        explanation=" ".join(text for text in sentences[:3] if text),
        history_months=int(evidence.history[s, t]),
    )


def _travelled(rules: list[Any], kind: str, evidence: model.Evidence, s: int, t: int) -> bool:
    """Whether roaming is what stands out while a travel record explains it."""
    return kind == "roaming_excess" and not rules and bool(evidence.travelled[s, t])


def _kind(top: explain.Told, evidence: model.Evidence, s: int, t: int) -> str:
    """The kind of the loudest signal; a volume that was as high the month before is a shift of level, no spike."""
    signal = top.signal
    if signal.how == "up" and t > 0:
        base = evidence.levels[signal.source]
        if float(base.z[s, t - 1]) >= _LEVEL_SHIFT:
            return "level_shift"
    return signal.kind
