"""One scenario from tables to certified result: choose a method, solve, re-price, check, explain."""

from __future__ import annotations

import time
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

from optimize import explain, infeasible
from optimize import frames as tables
from optimize import scenario as scenarios
from optimize.build import build
from optimize.evaluate import Evaluator
from optimize.priced import Priced
from optimize.problem import Problem
from optimize.progress import Cancelled, Progress, ProgressCallback
from optimize.result import Certificate, Result, check, gaps, money, status_of
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
    priced = evaluator.price(solution.assignment)
    check(priced, baseline, keep_feasible, solution, evaluator.violations(solution.assignment))
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
        "recommendations": rows,
        "sensitivities": found,
        "infeasible": why,
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


def pool_rows(evaluator: Evaluator, priced: Priced, baseline: Priced) -> list[dict[str, Any]]:
    """Each pool of today or of the recommendation: monthly means, and its months one by one."""
    span, found = len(evaluator.months), []
    for key in sorted({*priced.pools, *baseline.pools}):
        months, before = priced.pools.get(key, []), baseline.pools.get(key, [])
        allowance, used = sum(m.allowance for m in months), sum(m.used for m in months)
        found.append(
            {
                "kind": key[0],
                "account_id": key[1],
                "carrier_id": key[2],
                "pool_group": key[3],
                "members": max((m.members for m in months), default=0),
                "baseline_members": max((m.members for m in before), default=0),
                "allowance": money(Fraction(allowance, span * 10**6)),
                "used": money(Fraction(used, span * 10**6)),
                "baseline_allowance": money(Fraction(sum(m.allowance for m in before), span * 10**6)),
                "baseline_used": money(Fraction(sum(m.used for m in before), span * 10**6)),
                "utilization": used / allowance if allowance else None,
                "overage_cost": money(Fraction(sum(m.charge for m in months), span * 10**12)),
                "baseline_overage_cost": money(Fraction(sum(m.charge for m in before), span * 10**12)),
                "months": [
                    {
                        "month": month,
                        "allowance": money(Fraction(m.allowance, 10**6)),
                        "used": money(Fraction(m.used, 10**6)),
                        "overage_cost": money(Fraction(m.charge, 10**12)),
                    }
                    for month, m in zip(evaluator.months, months, strict=False)
                ],
            }
        )
    return found
