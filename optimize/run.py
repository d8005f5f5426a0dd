"""One scenario from tables to certified result: choose a method, solve, re-price, check, explain."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

from optimize import explain, infeasible
from optimize import frames as tables
from optimize import scenario as scenarios
from optimize.bucket_choice import mrc_of, sizes_of
from optimize.build import build
from optimize.evaluate import Evaluator
from optimize.priced import Priced, overage
from optimize.problem import Problem
from optimize.progress import Cancelled, Progress, ProgressCallback
from optimize.result import Certificate, Result, check, gaps, money, status_of
from optimize.scenario import POOLED
from optimize.scenario_set import TYPES
from optimize.sensitivity import sensitivities
from optimize.warm import Warm


def run_scenario(
    store: Any,
    scenario: Mapping[str, Any] | Path | str | scenarios.Scenario,
    *,
    time_limit: float | None = None,
    progress: ProgressCallback | None = None,
    cancelled: Cancelled | None = None,
    warm: Warm | None = None,
) -> Result:
    """Optimize a store under a scenario (a YAML path or a mapping).

    `time_limit` in seconds bounds the search; the best recommendation so far is returned with its honest gap.
    `progress` hears of each step, `cancelled` is asked about twice a second and ends the search when it says yes.
    `warm` is what a parent scenario found: where the search starts.

    Raises:
        BadInput: problems of the scenario or of the data, one issue each.
    """
    checked = scenario if isinstance(scenario, scenarios.Scenario) else scenarios.read(scenario)
    frames = tables.from_store(store)
    return run_frames(frames, checked, time_limit=time_limit, progress=progress, cancelled=cancelled, warm=warm)


def run_frames(
    frames: tables.Frames,
    scenario: Mapping[str, Any] | Path | str | scenarios.Scenario,
    *,
    time_limit: float | None = None,
    progress: ProgressCallback | None = None,
    cancelled: Cancelled | None = None,
    warm: Warm | None = None,
) -> Result:
    """:func:`run_scenario` on plain frames of canonical tables."""
    started = time.monotonic()
    say = progress or (lambda _: None)
    checked = scenario if isinstance(scenario, scenarios.Scenario) else scenarios.read(scenario)
    say(Progress(0.02, "pricing every line on every plan"))
    problem = build(frames, checked)
    evaluator = Evaluator(frames, checked, problem.setting)
    baseline = evaluator.price()
    keep_feasible = not evaluator.violations()
    sha = tables.digest(frames, checked.text)
    why = None if keep_feasible else infeasible.explain(problem, time_limit)
    if why is not None:
        certificate = Certificate(
            *(None, None, None, None, None, None, "HiGHS", "infeasible", checked.seed, sha),
            seconds=round(time.monotonic() - started, 3),
        )
        document = _document(problem, "infeasible", certificate, baseline, None, [], [], [], why.to_json())
        return Result("infeasible", certificate, document)
    left = None if time_limit is None else max(0.1, time_limit - (time.monotonic() - started))
    from optimize.solve import solve

    solution = solve(problem, evaluator, keep_feasible, left, say=say, cancelled=cancelled, warm=warm)
    priced = evaluator.price(solution.assignment, solution.buckets)
    violations = evaluator.violations(solution.assignment, solution.buckets)
    check(priced, baseline, keep_feasible, solution, violations)
    objective, bound, abs_gap, rel_gap = gaps(priced, solution.bound)
    status = status_of(solution.ended, abs_gap, rel_gap, checked.gap + checked.polish_within)
    say(Progress(0.95, "explaining every line", objective, bound, rel_gap))
    rows = explain.recommendations(problem, evaluator, priced, solution.assignment)
    certificate = Certificate(
        cost=money(priced.cost),
        objective=objective,
        bound=bound,
        abs_gap=abs_gap,
        rel_gap=rel_gap,
        total_cost=money(priced.total_cost),
        solver=solution.solver,
        solver_status=solution.solver_status,
        seed=checked.seed,
        input_sha256=sha,
        seconds=round(time.monotonic() - started, 3),
        method=solution.method,
        warm_start=warm.parent if warm is not None and solution.warm else None,
    )
    found = sensitivities(problem, priced, solution)
    document = _document(
        problem, status, certificate, baseline, priced, rows, pool_rows(evaluator, priced, baseline), found, None
    )
    if solution.duals is not None:
        document["duals"] = solution.duals
    if solution.columns is not None:
        document["columns"] = solution.columns.to_json()
    say(Progress(1.0, status, objective, bound, rel_gap))
    return Result(status, certificate, document, solution.assignment)


def _document(
    problem: Problem,
    status: str,
    certificate: Certificate,
    baseline: Priced,
    priced: Priced | None,
    rows: list[dict[str, Any]],
    pools: list[dict[str, Any]],
    found: list[dict[str, Any]] | dict[str, Any],
    why: dict[str, Any] | None,
) -> dict[str, Any]:
    return {
        "scenario": dict(problem.scenario.document),
        "status": status,
        "currency": problem.setting.currency,
        "months": {"from": problem.setting.months[0], "to": problem.setting.months[-1]},
        "services": len(problem.lines),
        "certificate": certificate.to_json(),
        "baseline_cost": money(baseline.cost),
        "saving": None if priced is None else money(baseline.cost - priced.cost),
        "by_carrier": [] if priced is None else by_carrier_rows(baseline, priced),
        "pools": pools,
        "buckets": [] if priced is None else bucket_rows(problem.scenario, priced),
        "scenario_set": set_rows(problem),
        "overage_probability": overage_row(problem, baseline, priced),
        "recommendations": rows,
        "sensitivities": found,
        "infeasible": why,
    }


def set_rows(problem: Problem) -> dict[str, Any]:
    """The scenario months: each with the month it is drawn from, its factors of home use and its probability."""
    setting = problem.setting
    drawn = setting.scenarios
    return {
        "kind": problem.scenario.scenario_set.kind,
        "months": [
            {
                "month": setting.months[m.source],
                **{name: float(factor) for name, factor in zip(TYPES, m.factor, strict=True)},
                "probability": float(Fraction(m.weight, drawn.total)),
            }
            for m in drawn.months
        ],
    }


def overage_row(problem: Problem, baseline: Priced, priced: Priced | None) -> dict[str, Any]:
    """The observed probability of overage: `estate`, any pool above its allowance; `worst_pool`, the most of one pool.

    `limit` is the scenario's (null = none), for each pool of `kinds` alone.
    """
    scenario, weights = problem.scenario, problem.weights
    rule = scenario.overage_probability
    before = overage(baseline.pools, weights)
    after = None if priced is None else overage(priced.pools, weights)
    return {
        "limit": None if rule is None else float(rule.limit),
        "kinds": list(POOLED if rule is None else rule.kinds),
        "estate": None if after is None else float(after.estate),
        "worst_pool": None if after is None else float(max(after.pools.values(), default=0)),
        "baseline_estate": float(before.estate),
        "baseline_worst_pool": float(max(before.pools.values(), default=0)),
    }


def by_carrier_rows(baseline: Priced, priced: Priced) -> list[dict[str, Any]]:
    """Cost (its fixed cost included) and lines of each carrier, as recommended and today."""
    zero = Fraction(0)
    return [
        {
            "carrier_id": carrier,
            "cost": money(priced.by_carrier.get(carrier, zero)),
            "baseline_cost": money(baseline.by_carrier.get(carrier, zero)),
            "fixed_cost": money(priced.carrier_fixed_cost.get(carrier, zero)),
            "baseline_fixed_cost": money(baseline.carrier_fixed_cost.get(carrier, zero)),
            "lines": priced.lines_by_carrier.get(carrier, 0),
            "baseline_lines": baseline.lines_by_carrier.get(carrier, 0),
        }
        for carrier in sorted({*priced.by_carrier, *baseline.by_carrier})
    ]


def bucket_rows(scenario: scenarios.Scenario, priced: Priced) -> list[dict[str, Any]]:
    """Each size of bucket that a pool has today or in the recommendation; amounts a month, `change` what is ordered.

    A bucket of today in a pool that nobody is in has no part in any cost; it is listed to be given up.
    """
    held = {(b.kind, account, b.carrier_id, b.pool_group) for b in scenario.buckets for account in b.today}
    found = []
    for key in sorted({*priced.buckets, *held}):
        for bucket in sizes_of(scenario, key):
            today = bucket.today.get(key[1], 0)
            count = priced.buckets.get(key, {}).get(bucket.bucket_id, 0)
            if today or count:
                kind, account, carrier, group = key
                found.append(
                    {
                        **{"kind": kind, "account_id": account, "carrier_id": carrier, "pool_group": group},
                        **{"bucket_id": bucket.bucket_id, "allowance": money(Fraction(bucket.allowance, 10**6))},
                        **{"mrc": money(Fraction(bucket.mrc, 10**6)), "today": today, "count": count},
                        "change": count - today,
                    }
                )
    return found


def pool_rows(evaluator: Evaluator, priced: Priced, baseline: Priced) -> list[dict[str, Any]]:
    """Each pool of today or of the recommendation, buckets included: monthly means, and its scenario months."""
    scenario = evaluator.scenario
    drawn, found = evaluator.drawn, []
    weights, names = drawn.weights, [evaluator.months[m.source] for m in drawn.months]
    odds, odds_before = overage(priced.pools, weights), overage(baseline.pools, weights)

    def mean(amounts: Iterable[int], unit: int) -> float:
        total = sum(amount * weight for amount, weight in zip(amounts, weights, strict=False))
        return money(Fraction(total, drawn.total * unit))

    for key in sorted({*priced.pools, *baseline.pools}):
        months, before = priced.pools.get(key, []), baseline.pools.get(key, [])
        allowance = sum(m.allowance * weight for m, weight in zip(months, weights, strict=False))
        used = sum(m.used * weight for m, weight in zip(months, weights, strict=False))
        found.append(
            {
                "kind": key[0],
                "account_id": key[1],
                "carrier_id": key[2],
                "pool_group": key[3],
                "members": max((m.members for m in months), default=0),
                "baseline_members": max((m.members for m in before), default=0),
                "allowance": mean((m.allowance for m in months), 10**6),
                "used": mean((m.used for m in months), 10**6),
                "baseline_allowance": mean((m.allowance for m in before), 10**6),
                "baseline_used": mean((m.used for m in before), 10**6),
                "utilization": used / allowance if allowance else None,
                "bucket_cost": money(Fraction(mrc_of(scenario, key, priced.buckets.get(key, {})), 10**12)),
                "baseline_bucket_cost": money(Fraction(mrc_of(scenario, key, baseline.buckets.get(key, {})), 10**12)),
                "overage_cost": mean((m.charge for m in months), 10**12),
                "baseline_overage_cost": mean((m.charge for m in before), 10**12),
                "overage_probability": float(odds.pools.get(key, 0)),
                "baseline_overage_probability": float(odds_before.pools.get(key, 0)),
                "months": [
                    {
                        "month": month,
                        "allowance": money(Fraction(m.allowance, 10**6)),
                        "used": money(Fraction(m.used, 10**6)),
                        "overage_cost": money(Fraction(m.charge, 10**12)),
                    }
                    for month, m in zip(names, months, strict=False)
                ],
            }
        )
    return found
