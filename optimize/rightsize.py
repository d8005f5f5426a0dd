"""Right-sizing when nothing couples the lines: the cheapest option of each line, in closed form and exact."""

from __future__ import annotations

import numpy as np

from optimize.problem import MICRO, Problem


def couplings(problem: Problem) -> list[str]:
    """What ties lines together in this problem; an empty list means every line can be decided alone."""
    scenario, found = problem.scenario, []
    if problem.pools:
        found.append("pool")
    if any(contract.tiers and contract.has_terms for contract in problem.contracts.values()):
        found.append("tiers")
    if any(contract.commitment and contract.has_terms for contract in problem.contracts.values()):
        found.append("commitment")
    if scenario.cvar_weight:
        found.append("cvar")
    if scenario.max_carriers is not None:
        found.append("max_carriers")
    if problem.carrier_costs[1]:
        found.append("carrier_cost")
    if scenario.max_changes is not None:
        found.append("max_changes")
    limits = [p for p in np.unique(problem.options.plan).tolist() if p >= 0]
    if any((problem.plans[p].min_lines or 0) > 1 for p in limits):
        found.append("min_lines")
    if any(problem.plans[p].max_lines is not None for p in limits):
        found.append("max_lines")
    return found


def weighted_cost(problem: Problem) -> list[int]:
    """Each option's own part of the objective, exact: picos x weights x horizon (charges, fee, price of a change)."""
    scenario, span = problem.scenario, problem.total_weight
    horizon = scenario.horizon_months
    change = scenario.min_saving_per_change * MICRO * span * horizon
    options = problem.options
    return [
        total * horizon + fee * span + (change if changed else 0)
        for total, fee, changed in zip(options.total, options.fee, options.changed.tolist(), strict=True)
    ]


def best_options(problem: Problem) -> list[int]:
    """The cheapest option of each line; among equal costs today's plan, then the smaller plan_id."""
    cost = weighted_cost(problem)
    changed = problem.options.changed
    last = len(problem.plans)
    rank = [plan if plan >= 0 else last for plan in problem.options.plan.tolist()]
    first = problem.first_option.tolist()
    return [
        min(range(first[n], first[n + 1]), key=lambda o: (cost[o], bool(changed[o]), rank[o]))
        for n in range(len(problem.lines))
    ]
