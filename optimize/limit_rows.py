"""Rows of limits: changes, carriers in use (with their fixed cost), lines of a plan."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from numpy.typing import NDArray

from optimize.draft import Draft
from optimize.reduce import limited_plans


def limit_rows(draft: Draft) -> NDArray[np.int64]:
    """Every limit of the scenario and of plans; returns the columns of the options that are a change."""
    options, scenario, model = draft.problem.options, draft.problem.scenario, draft.model
    moved = np.flatnonzero(options.changed[draft.opt]) if len(draft.opt) else np.zeros(0, dtype=np.int64)
    if scenario.max_changes is not None:
        made = sum(c.size for c, o in draft.fixed if bool(options.changed[o]))
        model.row("changes", "max_changes", moved, np.ones(len(moved)), high=scenario.max_changes - made)
    _carriers(draft)
    for p in sorted(limited_plans(draft.problem)):
        _plan_limits(draft, p)
    return moved


def _carriers(draft: Draft) -> None:
    """Carriers in use: their fixed cost, and how many of them selected lines may have."""
    options, model, lines = draft.problem.options, draft.model, draft.problem.lines
    most, (owed, costs) = draft.problem.scenario.max_carriers, draft.problem.carrier_costs
    draft.add_common_const(float(owed))
    sure = {int(options.carrier[o]) for c, o in draft.fixed if options.carrier[o] >= 0 and lines[c.lines[0]].selected}
    used: dict[int, int] = {}
    per_class: dict[tuple[int, int], list[int]] = defaultdict(list)
    for j, (c, o) in enumerate(zip(draft.cls.tolist(), draft.opt.tolist(), strict=True)):
        carrier = int(options.carrier[o])
        if carrier in costs or (most is not None and carrier >= 0 and carrier not in sure):
            per_class[c, carrier].append(j)
    for (c, carrier), js in per_class.items():
        group = "max_carriers" if carrier not in costs else "carrier_cost"
        if carrier not in used:
            used[carrier] = model.column(f"carrier_{carrier}", 0, 0, 1, whole=True)
            if carrier in costs:
                draft.add_common(used[carrier], float(costs[carrier]))
        size = float(draft.reduced.classes[c].size)
        row = [*js, used[carrier]]
        model.row(f"carrier_{carrier}_{c}", group, row, [1.0] * len(js) + [-size], high=0)
    if most is not None:
        row = [z for carrier, z in used.items() if carrier not in sure]
        model.row("carriers", "max_carriers", row, [1.0] * len(row), high=most - len(sure))


def _plan_limits(draft: Draft, p: int) -> None:
    options, model, plan = draft.problem.options, draft.model, draft.problem.plans[p]
    js = np.flatnonzero(options.plan[draft.opt] == p) if len(draft.opt) else np.zeros(0, dtype=np.int64)
    have = sum(c.size for c, o in draft.fixed if options.plan[o] == p)
    most = have + sum(draft.reduced.classes[c].size for c in {int(draft.cls[j]) for j in js})
    ones = np.ones(len(js))
    if plan.max_lines is not None and most > plan.max_lines:
        model.row(f"max_lines_{p}", "max_lines", js, ones, high=plan.max_lines - have)
    if plan.min_lines is not None and plan.min_lines > 1 and have < plan.min_lines:
        if have:
            model.row(f"min_lines_{p}", "min_lines", js, ones, low=plan.min_lines - have)
        elif len(js):
            w = model.column(f"used_{p}", 0, 0, 1, whole=True)
            model.row(f"min_lines_{p}", "min_lines", np.append(js, w), np.append(ones, -plan.min_lines), low=0)
            model.row(f"unused_{p}", "min_lines", np.append(js, w), np.append(ones, -float(most)), high=0)
