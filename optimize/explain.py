"""Why each line changes or stays, and what the change is worth: own charges, its effect on pools, its fee."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optimize import tariff
from optimize.evaluate import Evaluator
from optimize.priced import PICO, Assignment, Priced
from optimize.problem import Problem, allowed_plans
from optimize.raw_lines import KINDS, weighted
from optimize.result import money

#: Reasons a recommendation can have; every one is described in docs/optimizer.md.
REASONS: dict[str, str] = {
    "right_size_down": "a smaller plan serves the same use for less",
    "right_size_up": "a larger plan costs less than the overage it avoids",
    "same_price_better": "another plan at the same carrier costs less over the months",
    "join_pool": "sharing a pool's allowance costs less than an own one",
    "leave_pool": "the pool does not need this line's allowance",
    "pool_buster": "this line's use drives the pool's overage; on its own plan it costs less",
    "pool_size": "another allowance inside the pool fits the pool's use better",
    "zero_use": "no use in the last months; suspending stops the charge",
    "carrier_move": "another carrier serves the same use for less, exit costs included",
    "leave_carrier": "all lines leave the carrier, which ends its fixed cost",
    "forced": "the scenario forces this plan",
    "overage_limit": "costs more, and keeps pools within their allowance as often as the scenario asks",
    "keep_fee": "a cheaper plan does not pay back its one-off fee within the horizon",
    "keep_coverage": "a cheaper carrier does not cover the site",
    "keep_carrier_cost": "a cheaper plan is with a carrier that nobody uses and whose fixed cost would be owed",
    "keep_fixed": "the scenario keeps this plan although a cheaper one exists",
}


@dataclass(frozen=True)
class Effect:
    """What one line's change does to the expected monthly cost, everything else as recommended."""

    own: Fraction
    pools: Fraction
    fee: Fraction

    @property
    def saving(self) -> Fraction:
        """Monthly saving, the fee spread over the horizon; discounts and fixed costs are not split over lines."""
        return self.own + self.pools - self.fee


def effects(evaluator: Evaluator, priced: Priced, changes: Assignment) -> dict[str, Effect]:
    """The exact effect of each change of `priced`, found by putting that line back and re-pricing its pools."""
    span, horizon = evaluator.drawn.total, evaluator.scenario.horizon_months
    today = {service_id: evaluator.lines[service_id]["plan_id"] for service_id in changes}
    before = evaluator.totals(today)
    pools = evaluator.pool_use.changes(priced, changes, today)
    fees = evaluator.place.one_off(changes)
    return {
        service_id: Effect(
            Fraction(before[service_id] - priced.by_service[service_id], PICO * span),
            Fraction(-pools[service_id], PICO * span),
            Fraction(fees[service_id], PICO * horizon),
        )
        for service_id in changes
    }


def recommendations(
    problem: Problem, evaluator: Evaluator, priced: Priced, assignment: dict[str, str | None]
) -> list[dict[str, Any]]:
    """Every service whose plan changes, and those kept although something cheaper exists, by service_id."""
    changes = {
        service_id: plan_id
        for service_id, line in evaluator.lines.items()
        if (plan_id := assignment.get(service_id, line["plan_id"])) != line["plan_id"]
    }
    kept = _kept(problem, evaluator, assignment, priced.lines_by_carrier, _use(evaluator))
    found = [*changed(evaluator, priced, changes), *kept]
    return sorted(found, key=lambda row: row["service_id"])


def changed(evaluator: Evaluator, priced: Priced, changes: Assignment) -> list[dict[str, Any]]:
    """A row for each of some changes of `priced`, with its reason and what it is worth."""
    use, found = _use(evaluator), []
    bought = _bought(evaluator, priced, changes) if priced.buckets else {}
    for service_id, this in effects(evaluator, priced, changes).items():
        n, plan_id = evaluator.lines[service_id]["n"], changes[service_id]
        mine = {kind: use[kind][n] for kind in KINDS}
        code = _reason(evaluator, service_id, plan_id, this, mine["data"])
        if code == "carrier_move" and this.saving <= 0 and _is_left(evaluator, priced, service_id):
            code = "leave_carrier"
        found.append(_row(evaluator, service_id, plan_id, this, code, mine, bought.get(service_id)))
    return found


def _bought(evaluator: Evaluator, priced: Priced, changes: Assignment) -> dict[str, str]:
    """What the data pool buys that a line joins, stays in or (where its new plan has none) leaves, in words."""
    found = {}
    today = {service_id: evaluator.lines[service_id]["plan_id"] for service_id in changes}
    for plan_ids in (today, changes):
        for service_id, (account, _) in evaluator.place.homes_of(plan_ids).items():
            plan = evaluator.plans[plan_ids[service_id] or ""]
            counts = priced.buckets.get(("data", account, plan["carrier_id"], plan.get("pool_group") or ""))
            if counts:
                sizes = ", ".join(f"{n} x {bucket_id}" for bucket_id, n in sorted(counts.items()))
                found[service_id] = f"its pool buys {sizes}"
    return found


def _is_left(evaluator: Evaluator, priced: Priced, service_id: str) -> bool:
    """Whether a service's carrier of today has a fixed cost that ends as no line stays."""
    carrier = evaluator.plans[evaluator.lines[service_id]["plan_id"]]["carrier_id"]
    return bool(evaluator.scenario.carrier_fixed_cost.get(carrier)) and carrier not in priced.lines_by_carrier


def _use(evaluator: Evaluator) -> dict[str, list[int]]:
    """Home use of each line in all months by weight, by kind, millionths."""
    return {kind: weighted(evaluator.raw.home[kind], evaluator.drawn.weights).tolist() for kind in KINDS}


def _row(
    evaluator: Evaluator,
    service_id: str,
    plan_id: str | None,
    this: Effect,
    code: str,
    use: Mapping[str, int],
    bought: str | None = None,
) -> dict[str, Any]:
    line = evaluator.lines[service_id]
    carrier = evaluator.plans[line["plan_id"]]["carrier_id"]
    to = carrier if plan_id is None else evaluator.plans[plan_id]["carrier_id"]
    action = (
        "suspend"
        if plan_id is None
        else "keep"
        if plan_id == line["plan_id"]
        else "change_plan"
        if to == carrier
        else "port"
    )
    return {
        "service_id": service_id,
        "current_plan_id": line["plan_id"],
        "plan_id": plan_id,
        "current_carrier_id": carrier,
        "carrier_id": to,
        "action": action,
        "monthly_saving": money(this.saving),
        "reason": _sentence(evaluator.lines[service_id]["months"], use, this, code, bought),
        "reason_code": code,
        "own_saving": money(this.own),
        "pool_effect": money(this.pools),
        "fee_per_month": money(this.fee),
    }


def _reason(evaluator: Evaluator, service_id: str, plan_id: str | None, this: Effect, data: int) -> str:
    line = evaluator.lines[service_id]
    now = evaluator.plans[line["plan_id"]]
    if service_id in evaluator.scenario.force:
        return "forced"
    if plan_id is None:
        return "zero_use"
    if this.saving < 0 and evaluator.scenario.limited_kinds:
        return "overage_limit"
    new = evaluator.plans[plan_id]
    if new["carrier_id"] != now["carrier_id"]:
        return "carrier_move"
    was, will = now.get("pool_group"), new.get("pool_group")
    if was is None and will is not None:
        return "join_pool"
    if was is not None and will is None:
        return "pool_buster" if data > now["data_mb"] * max(1, line["months"]) else "leave_pool"
    if was is not None and this.pools:
        return "pool_size"
    price = evaluator.scenario.plan_price
    before, after = price.get(now["plan_id"], now["mrc"]), price.get(new["plan_id"], new["mrc"])
    if after < before:
        return "right_size_down"
    return "right_size_up" if after > before else "same_price_better"


def _sentence(months: int, use: Mapping[str, int], this: Effect, code: str, bought: str | None) -> str:
    text = REASONS[code][0].upper() + REASONS[code][1:]
    data, voice, sms = (use[kind] / max(1, months) / 10**6 for kind in KINDS)
    parts = [f"average use {data:,.0f} MB, {voice:,.0f} min, {sms:,.0f} msg a month"]
    if this.pools:
        parts.append(f"pool effect {float(this.pools):+,.2f} a month")
    if bought:
        parts.append(bought)
    if this.fee:
        parts.append(f"one-off fee {float(this.fee):,.2f} a month")
    return f"{text} ({'; '.join(parts)})."


def _kept(
    problem: Problem,
    evaluator: Evaluator,
    assignment: Mapping[str, str | None],
    in_use: Mapping[str, int],
    use: Mapping[str, list[int]],
) -> list[dict[str, Any]]:
    """Lines without pools that stay although another plan has lower charges, with what holds them."""
    options, scenario, outside = problem.options, problem.scenario, _outside_coverage(problem)
    now = np.full(len(problem.lines), -1, dtype=np.int64)
    same = np.flatnonzero(~options.changed)
    now[options.line[same]] = same
    alone = (options.data_pool < 0) & (options.voice_pool < 0)
    best = _cheapest(problem, alone)
    unused = {k for k in problem.carrier_costs[1] if problem.carriers[k] not in in_use}
    found = []
    for n in np.flatnonzero((now >= 0) & alone[now]).tolist():
        line, today, other = problem.lines[n], int(now[n]), int(best[n])
        plan_id = problem.plans[line.plan].plan_id
        if not line.selected or assignment.get(line.service_id, plan_id) != plan_id or line.service_id in problem.keep:
            continue
        charged, fee = int(options.totals[today]), int(options.fees[other])
        code, more = "", charged - int(options.totals[other])
        pays = more * scenario.horizon_months > fee * problem.total_weight
        if pays and options.carrier[other] in unused:
            code = "keep_carrier_cost"
        elif more > 0 and fee:
            code = "" if pays else "keep_fee"
        elif n in outside and outside[n] < charged:
            code = "keep_coverage"
        if code:
            zero = Effect(Fraction(0), Fraction(0), Fraction(0))
            mine = {kind: use[kind][evaluator.lines[line.service_id]["n"]] for kind in KINDS}
            found.append(_row(evaluator, line.service_id, plan_id, zero, code, mine))
    return found


def _cheapest(problem: Problem, among: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Of each line the first option of least charges among those marked; -1 where none is."""
    options = problem.options
    places = np.flatnonzero(among)
    total = options.totals[places]
    order = (
        np.lexsort((places, total, options.line[places]))
        if total.dtype != object
        else np.array(sorted(range(len(places)), key=lambda i: (options.line[places[i]], total[i])), dtype=np.int64)
    )
    lines, first = np.unique(options.line[places][order], return_index=True)
    found = np.full(len(problem.lines), -1, dtype=np.int64)
    found[lines] = places[order][first]
    return found


def _outside_coverage(problem: Problem) -> dict[int, int]:
    """Per line the lowest charges (picos, all months) among plans that only coverage forbids."""
    if not problem.covered:
        return {}
    wanted: dict[int, list[int]] = {}
    memo: dict[tuple[int, str | None, str | None], list[int]] = {}
    for n, line in enumerate(problem.lines):
        if not line.selected or line.site_id is None:
            continue
        key = (line.plan, line.kind, line.site_id)
        if key not in memo:
            args = (problem.plans, line, problem.scenario, problem.setting.currency, problem.covered)
            free = set(allowed_plans(*args, ignore=frozenset({"coverage"}))) - set(allowed_plans(*args))
            plans = problem.plans
            memo[key] = [p for p in free if plans[p].pool_group is None and plans[p].voice_pool_group is None]
        for p in memo[key]:
            wanted.setdefault(p, []).append(n)
    best: dict[int, int] = {}
    for p, lines in sorted(wanted.items()):
        usage = problem.usage.rows(np.array(lines, dtype=np.intp))
        totals = tariff.total(tariff.charges(problem.plans[p], usage), problem.weights)
        for n, total in zip(lines, totals.tolist(), strict=True):
            best[n] = min(best.get(n, int(total)), int(total))
    return best
