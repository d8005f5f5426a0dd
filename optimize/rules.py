"""Policies for choosing plans, from rules of thumb to the stochastic optimum: each decides from past months only.

The back-test compares them; :func:`recommend` applies one and prices it with the exact evaluator, beside the bound of
the optimum, so that a rule of thumb that wins can be used, with what it leaves on the table.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd

from core.issues import BadInput, Issue
from core.periods import month_of
from optimize import explain, rightsize, scope
from optimize import frames as tables
from optimize.build import build
from optimize.evaluate import Evaluator
from optimize.problem import Problem
from optimize.result import floor_money, money
from optimize.run import bucket_rows, by_carrier_rows, overage_row, pool_rows, run_frames
from optimize.scenario import Scenario
from optimize.scenario_set import SetRule
from optimize.tariff import KINDS, MICRO, Plan

Plans = dict[str, str | None]

#: Policies by name; each is described in docs/optimizer.md.
RULES: dict[str, str] = {
    "keep": "today's plans, unchanged",
    "line_average": "each line the plan that is cheapest for its average month, pools ignored",
    "line_months": "each line the plan that is cheapest over its past months, pools ignored",
    "two_group": "heavy and light users, each group one plan for its average use, the cut slid to the cheapest",
    "pooled_mean": "the optimum for the average month",
    "pooled_buffer": "the optimum for the average month plus 10 %",
    "stochastic": "the optimum over the past months as they were (sample average)",
    "stochastic_level": "the optimum over the past months, all scaled so that their mean is the last one's level",
}
_BUFFER = Fraction(11, 10)
_KINDS = {kind: n for n, kind in enumerate(KINDS)}


def decide(
    policy: str, frames: tables.Frames, scenario: Scenario, train: list[str], time_limit: float | None
) -> Plans | None:
    """The plans a policy chooses having seen the months `train`; None where it finds no plan for some line."""
    past = replace(scenario, first=train[0], last=train[-1])
    flat = replace(
        scenario,
        first=train[-1],
        last=train[-1],
        suspend_zero_use_months=None,
        scenario_set=SetRule(),
        overage_probability=past.overage_unlimited,
    )
    if policy == "keep":
        return {}
    if policy == "line_average":
        return _alone(average(frames, train), flat)
    if policy == "line_months":
        return _alone(frames, past)
    if policy == "two_group":
        return _two_group(average(frames, train), flat)
    if policy == "pooled_mean":
        return _pooled(average(frames, train), flat, time_limit)
    if policy == "pooled_buffer":
        return _pooled(average(frames, train, _BUFFER), flat, time_limit)
    return _pooled(frames if policy == "stochastic" else levelled(frames, train), past, time_limit)


def average(frames: tables.Frames, train: list[str], factor: Fraction = Fraction(1)) -> dict[str, pd.DataFrame]:
    """The tables with one month of usage: each line's mean over the months it was active in the past."""
    start = dict(tables.rows(frames, "services", "service_id", "activated_on"))
    months = {s: sum(m >= (month_of(day) if day else "") for m in train) for s, day in start.items()}
    usage = frames["usage"]
    usage = usage[usage["month"].isin(train) & usage["service_id"].isin(list(months))]
    keys = [c for c in ("service_id", "usage_type", "zone") if c in usage.columns]
    values = [c for c in ("quantity", "cost") if c in usage.columns]
    grouped = usage.groupby(keys, dropna=False, sort=True)[values].sum(min_count=1).reset_index()
    for name in values:
        mean = [
            None
            if value is None
            else math.floor(
                Fraction(int(value)) * (factor if name == "quantity" else 1) / max(1, months[s]) + Fraction(1, 2)
            )
            for s, value in zip(tables.column(grouped, "service_id"), tables.column(grouped, name), strict=True)
        ]
        grouped[name] = pd.array(mean, dtype="Int64")
    grouped["month"] = train[-1]
    return {**frames, "usage": grouped}


def levelled(frames: tables.Frames, train: list[str]) -> dict[str, pd.DataFrame]:
    """The tables with all home use of a type times one factor: the last month's use per active line over the mean.

    Months keep their differences, so they still say how uncertain use is; a month of no use at the end changes nothing.
    """
    lines = np.zeros(len(train))
    here = {m: n for n, m in enumerate(train)}
    active: dict[str, int] = {}
    for service, start, end in tables.rows(frames, "services", "service_id", "activated_on", "disconnected_on"):
        active[service] = len(active)
        lines += [(start is None or month_of(start) <= m) and (end is None or m <= month_of(end)) for m in train]
    usage = frames["usage"]
    month, kind = tables.places(usage, "month", here), tables.places(usage, "usage_type", _KINDS)
    home = tables.places(usage, "zone", {"home": 0, "": 0}, blank=0) == 0
    counted = home & (month >= 0) & (kind >= 0) & (tables.places(usage, "service_id", active) >= 0)
    quantity = tables.whole(usage, "quantity").astype(np.float64)
    use = np.zeros((len(_KINDS), len(train)))
    np.add.at(use, (kind[counted], month[counted]), quantity[counted])
    level = use / np.maximum(lines, 1)
    mean = level.mean(axis=1)
    factor = np.where((mean > 0) & (level[:, -1] > 0), level[:, -1] / np.where(mean > 0, mean, 1.0), 1.0)
    grown = np.where(home & (kind >= 0), np.rint(quantity * factor[kind]), quantity)
    return {**frames, "usage": usage.assign(quantity=pd.array(grown.astype(np.int64), dtype="Int64"))}


def _without_pools(frames: tables.Frames) -> dict[str, pd.DataFrame]:
    plans = frames["plans"].copy()
    for name in ("pool_group", "voice_pool_group"):
        if name in plans.columns:
            plans[name] = None
    return {**frames, "plans": plans}


def _stuck(problem: Problem) -> bool:
    return bool((problem.first_option[1:] == problem.first_option[:-1]).any())


def _alone(frames: tables.Frames, scenario: Scenario) -> Plans | None:
    """The cheapest plan of each line as if it had its pool's allowance to itself."""
    problem = build(_without_pools(frames), replace(scenario, buckets=()))
    return None if _stuck(problem) else problem.assignment(rightsize.best_options(problem))


def _two_group(frames: tables.Frames, scenario: Scenario) -> Plans | None:
    """US 7,664,484 in short: rank by data use, cut into two groups, average each, price each average on every plan.

    Lines are swept together where they are with one carrier and may have the same plans of it; there is no bound.
    """
    problem = build(frames, scenario)
    if _stuck(problem):
        return None
    groups: dict[tuple[str, tuple[int, ...]], list[int]] = defaultdict(list)
    for n, line in enumerate(problem.lines):
        mine = problem.options.plan[problem.first_option[n] : problem.first_option[n + 1]].tolist()
        here = tuple(p for p in mine if p >= 0 and problem.plans[p].carrier_id == line.carrier_id)
        groups[line.carrier_id, here or tuple(p for p in mine if p >= 0)].append(n)
    chosen: Plans = {}
    for (_, plans), members in groups.items():
        use = np.stack(
            [problem.usage.home[kind][members].astype(np.float64).sum(axis=1) for kind in ("data", "voice", "sms")]
        )
        order = np.argsort(-use[0], kind="stable")
        sums = np.concatenate([np.zeros((3, 1)), np.cumsum(use[:, order], axis=1)], axis=1)
        sizes = np.arange(len(members) + 1)
        top = np.stack([_mean_cost(problem.plans[p], sums, sizes) for p in plans])
        rest = np.stack([_mean_cost(problem.plans[p], sums[:, -1:] - sums, sizes[-1] - sizes) for p in plans])
        cut = int(np.argmin(top.min(axis=0) + rest.min(axis=0)))
        heavy, light = plans[int(top[:, cut].argmin())], plans[int(rest[:, cut].argmin())]
        for place, member in enumerate(order.tolist()):
            line = problem.lines[members[member]]
            chosen[line.service_id] = problem.plans[heavy if place < cut else light].plan_id
    return chosen


def _mean_cost(plan: Plan, use: Any, size: Any) -> Any:
    """What groups with summed `use` (data, voice, SMS; millionths) cost if every member had the group's mean use."""
    cost = size * float(plan.mrc)
    data = np.maximum(use[0] - size * float(plan.data_mb), 0) if plan.data_mb is not None else 0 * use[0]
    cost = cost + data / plan.data_block * plan.data_price
    for kind, allowance, price in ((1, plan.voice_min, plan.voice_price), (2, plan.sms, plan.sms_price)):
        if allowance is not None:
            cost = cost + np.maximum(use[kind] - size * float(allowance), 0) / MICRO * price
    return cost


def _pooled(frames: tables.Frames, scenario: Scenario, time_limit: float | None) -> Plans | None:
    result = run_frames(frames, replace(scenario, method="auto"), time_limit=time_limit)
    return None if result.status == "infeasible" else result.assignment


def recommend(
    frames: tables.Frames, scenario: Scenario, ranking: list[str], time_limit: float | None = 20.0
) -> dict[str, Any]:
    """A result file with the plans of the first policy of `ranking` that meets the scenario, decided on its months.

    Cost, saving and reasons are those of the exact evaluator; `bound` and the gap are the optimum's, so the gap is what
    the policy leaves on the table in sample. `policy` names it; status `policy` unless that gap is the one asked for.

    Raises:
        BadInput: where no policy named meets the scenario.
    """
    optimum = run_frames(frames, scenario, time_limit=time_limit)
    document = optimum.to_json()
    setting = scope.settle(scenario, frames)
    months = list(setting.months)
    broken: list[Issue] = []
    for policy in ranking if optimum.status != "infeasible" else ():
        if policy == "stochastic":
            return {**document, "policy": policy}
        plans = decide(policy, frames, replace(scenario, currency=setting.currency), months, time_limit)
        evaluator = Evaluator(frames, scenario, setting)
        mine = {s: p for s, p in (plans or {}).items() if s in evaluator.lines}
        breaks = ["a line without a plan"] if plans is None else evaluator.violations(mine, improve=policy != "keep")
        if not breaks:
            return _document(document, policy, build(frames, scenario), evaluator, mine)
        broken.append(Issue(field="--policy", found=policy, message=f"its plans break {', '.join(breaks)}"))
    raise BadInput(broken or [Issue(field="scenario", message="it cannot be met by any plans; see `tem optimize`")])


def _document(
    optimum: dict[str, Any], policy: str, problem: Problem, evaluator: Evaluator, plans: Plans
) -> dict[str, Any]:
    baseline = evaluator.price()
    priced = baseline if policy == "keep" else evaluator.price(plans, improve=True)
    whole = {s: plans.get(s, line["plan_id"]) for s, line in evaluator.lines.items()}
    proof = dict(optimum["certificate"])
    objective = money(priced.objective)
    bound = min(proof["bound"], objective, floor_money(priced.objective))
    gap = round(objective - bound, 9)
    proof |= {
        **{"cost": money(priced.cost), "objective": objective, "bound": bound, "total_cost": money(priced.total_cost)},
        **{"abs_gap": gap, "rel_gap": gap / max(objective, 0.01), "solver": f"policy {policy}; bound by the optimum"},
    }
    met = proof["rel_gap"] <= float(evaluator.scenario.gap)
    return {
        **optimum,
        "policy": policy,
        "status": "gap_met" if met else "policy",
        "certificate": proof,
        "saving": money(baseline.cost - priced.cost),
        "by_carrier": by_carrier_rows(baseline, priced),
        "pools": pool_rows(evaluator, priced, baseline),
        "buckets": bucket_rows(evaluator.scenario, priced),
        "overage_probability": overage_row(problem, baseline, priced),
        "recommendations": explain.recommendations(problem, evaluator, priced, whole),
        "sensitivities": {"contracts": [], "pools": []},
    }
