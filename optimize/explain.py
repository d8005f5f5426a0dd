"""Why each line changes or stays, and what the change is worth: own charges, its effect on pools, its fee."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from optimize import tariff
from optimize.evaluate import PICO, Evaluator, PoolKey, PoolMonth, Priced
from optimize.problem import Problem, allowed_plans
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
    "forced": "the scenario forces this plan",
    "keep_fee": "a cheaper plan does not pay back its one-off fee within the horizon",
    "keep_coverage": "a cheaper carrier does not cover the site",
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
        """Monthly saving, the fee spread over the horizon; contract discounts are not split over lines."""
        return self.own + self.pools - self.fee


def effect(evaluator: Evaluator, priced: Priced, service_id: str, plan_id: str | None) -> Effect:
    """The exact effect of a recommended change, found by putting this line back and re-pricing its pools."""
    line = evaluator.lines[service_id]
    span = len(evaluator.months)
    own = sum(evaluator.line_months(service_id, line["plan_id"])) - priced.by_service[service_id]
    pools = -pool_change(evaluator, priced, service_id, plan_id, line["plan_id"])
    fee = Fraction(evaluator._one_off(line, plan_id), PICO * evaluator.scenario.horizon_months)
    return Effect(Fraction(own, PICO * span), Fraction(pools, PICO * span), fee)


def pool_change(evaluator: Evaluator, priced: Priced, service_id: str, now: str | None, new: str | None) -> int:
    """What pools charge less, all months together (picos), if a line goes from plan `now` to `new`; all else stays."""
    line = evaluator.lines[service_id]
    touched: dict[PoolKey, list[PoolMonth]] = {}
    for plan, sign in ((now, -1), (new, 1)):
        if plan is None:
            continue
        row = evaluator.plans[plan]
        if row.get("pool_group") is None and row.get("voice_pool_group") is None:
            continue
        place = evaluator._home_of(line, row["carrier_id"])
        groups = (("data", row.get("pool_group")), ("voice", row.get("voice_pool_group")))
        for kind, group in groups:
            if group is not None:
                key = (kind, place[0], row["carrier_id"], group)
                if key not in touched and key in priced.pools:
                    touched[key] = [copy(month) for month in priced.pools[key]]
        evaluator._join_pools(touched, line, row, (place[0], None), sign)
    less = 0
    for key, months in touched.items():
        less += sum(m.charge for m in priced.pools.get(key) or ())
        less -= sum(evaluator._pool_price(key, m) for m in months)
    return less


def recommendations(
    problem: Problem, evaluator: Evaluator, priced: Priced, assignment: dict[str, str | None]
) -> list[dict[str, Any]]:
    """Every service whose plan changes, and those kept although something cheaper exists, by service_id."""
    found = []
    for service_id, line in evaluator.lines.items():
        now = line["plan_id"]
        plan_id = assignment.get(service_id, now)
        if plan_id == now:
            continue
        this = effect(evaluator, priced, service_id, plan_id)
        code = _reason(evaluator, service_id, plan_id, this)
        found.append(_row(evaluator, service_id, plan_id, this, code))
    found += _kept(problem, evaluator, assignment)
    return sorted(found, key=lambda row: row["service_id"])


def _row(evaluator: Evaluator, service_id: str, plan_id: str | None, this: Effect, code: str) -> dict[str, Any]:
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
        "reason": _sentence(evaluator, service_id, plan_id, this, code),
        "reason_code": code,
        "own_saving": money(this.own),
        "pool_effect": money(this.pools),
        "fee_per_month": money(this.fee),
    }


def _reason(evaluator: Evaluator, service_id: str, plan_id: str | None, this: Effect) -> str:
    line = evaluator.lines[service_id]
    now = evaluator.plans[line["plan_id"]]
    if service_id in evaluator.scenario.force:
        return "forced"
    if plan_id is None:
        return "zero_use"
    new = evaluator.plans[plan_id]
    if new["carrier_id"] != now["carrier_id"]:
        return "carrier_move"
    was, will = now.get("pool_group"), new.get("pool_group")
    if was is None and will is not None:
        return "join_pool"
    if was is not None and will is None:
        months = max(1, sum(line["active"]))
        return "pool_buster" if sum(line["home"]["data"]) > now["data_mb"] * months else "leave_pool"
    if was is not None and this.pools:
        return "pool_size"
    price = evaluator.scenario.plan_price
    before, after = price.get(now["plan_id"], now["mrc"]), price.get(new["plan_id"], new["mrc"])
    if after < before:
        return "right_size_down"
    return "right_size_up" if after > before else "same_price_better"


def _sentence(evaluator: Evaluator, service_id: str, plan_id: str | None, this: Effect, code: str) -> str:
    text = REASONS[code][0].upper() + REASONS[code][1:]
    line = evaluator.lines[service_id]
    active = max(1, sum(line["active"]))
    use = {kind: sum(line["home"][kind]) / active / 10**6 for kind in ("data", "voice", "sms")}
    parts = [f"average use {use['data']:,.0f} MB, {use['voice']:,.0f} min, {use['sms']:,.0f} msg a month"]
    if this.pools:
        parts.append(f"pool effect {float(this.pools):+,.2f} a month")
    if this.fee:
        parts.append(f"one-off fee {float(this.fee):,.2f} a month")
    return f"{text} ({'; '.join(parts)})."


def _kept(problem: Problem, evaluator: Evaluator, assignment: dict[str, str | None]) -> list[dict[str, Any]]:
    """Lines without pools that stay although another plan has lower charges, with what holds them."""
    options, scenario = problem.options, problem.scenario
    found = []
    outside = _outside_coverage(problem)
    for n, line in enumerate(problem.lines):
        if not line.selected or assignment.get(line.service_id) != problem.plans[line.plan].plan_id:
            continue
        if line.service_id in scenario.keep:
            continue
        here = range(int(problem.first_option[n]), int(problem.first_option[n + 1]))
        now = next((o for o in here if not options.changed[o]), None)
        if now is None or options.data_pool[now] >= 0 or options.voice_pool[now] >= 0:
            continue
        alone = [o for o in here if options.data_pool[o] < 0 and options.voice_pool[o] < 0]
        best = min(alone, key=lambda o: options.total[o])
        code = ""
        if options.total[best] < options.total[now] and options.fee[best]:
            fee = options.fee[best] * problem.months
            if (options.total[now] - options.total[best]) * scenario.horizon_months <= fee:
                code = "keep_fee"
        elif n in outside and outside[n] < options.total[now]:
            code = "keep_coverage"
        if code:
            zero = Effect(Fraction(0), Fraction(0), Fraction(0))
            found.append(_row(evaluator, line.service_id, problem.plans[line.plan].plan_id, zero, code))
    return found


def _outside_coverage(problem: Problem) -> dict[int, int]:
    """Per line the lowest charges (picos, all months) among plans that only coverage forbids."""
    if not problem.covered:
        return {}
    wanted: dict[int, list[int]] = {}
    for n, line in enumerate(problem.lines):
        if not line.selected or line.site_id is None:
            continue
        args = (problem.plans, line, problem.scenario, problem.setting.currency, problem.covered)
        free = set(allowed_plans(*args, ignore=frozenset({"coverage"}))) - set(allowed_plans(*args))
        for p in free:
            if problem.plans[p].pool_group is None and problem.plans[p].voice_pool_group is None:
                wanted.setdefault(p, []).append(n)
    best: dict[int, int] = {}
    for p, lines in sorted(wanted.items()):
        totals = tariff.total(tariff.charges(problem.plans[p], problem.usage.rows(np.array(lines, dtype=np.intp))))
        for n, total in zip(lines, totals.tolist(), strict=True):
            best[n] = min(best.get(n, int(total)), int(total))
    return best
