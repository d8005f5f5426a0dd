"""Solve a coupled problem: reduce, model, search with HiGHS, keep the best re-priced assignment and a valid bound.

Small models go to the MIP solver at once. Large ones start from the LP relaxation: its bound is made safe from its
duals, its point is rounded, a core of undecided lines is solved exactly around it, then every option whose reduced
cost exceeds the gap is out for good and the rest is searched. "Keep everything" is the first incumbent.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from optimize import solver_process
from optimize.decomposition.from_problem import can_decompose
from optimize.evaluate import Evaluator, Priced
from optimize.formulate import Built, build_model
from optimize.problem import PICO, Problem
from optimize.progress import Cancelled, Progress, ProgressCallback
from optimize.reduce import reduce
from optimize.result import Solution
from optimize.rightsize import best_options
from optimize.solver_process import Outcome

SMALL = 2_500  # option variables up to which the MIP solver gets the whole model at once
SMALL_COUPLED = 2_500  # options of undecided lines above which contracts and carriers call for branch and bound
LARGE = 100_000  # the same where only pools and limits couple
_CORE = 700
_DEFAULT_SECONDS = 300.0
_CORE_NODES, _FINAL_NODES = 400, 1_500  # work limits that keep unlimited runs repeatable


@dataclass
class _Search:
    """The state of a run: the clock, the best assignment, the best bound."""

    problem: Problem
    evaluator: Evaluator
    say: ProgressCallback
    cancelled: Cancelled | None
    deadline: float
    best: tuple[Priced, dict[str, str | None]] | None = None
    bound: float = float("-inf")
    ended: Literal["done", "time_limit", "cancelled"] = "done"
    notes: list[str] = field(default_factory=list)
    seen: set[tuple[str | None, ...]] = field(default_factory=set)

    @property
    def left(self) -> float:
        """Seconds that remain."""
        return max(0.1, self.deadline - time.monotonic())

    def stopped(self) -> bool:
        """Whether the time is over or the user has cancelled; asked between passes."""
        if self.cancelled is not None and self.cancelled():
            self.ended = "cancelled"
        elif time.monotonic() > self.deadline and self.ended == "done":
            self.ended = "time_limit"
        return self.ended != "done"

    def offer(self, assignment: dict[str, str | None]) -> bool:
        """Re-price an assignment exactly and keep it if it is feasible and better (cheaper, then fewer changes)."""
        key = tuple(assignment.get(s, x["plan_id"]) for s, x in self.evaluator.lines.items())
        if key in self.seen:
            return False
        self.seen.add(key)
        if self.evaluator.violations(assignment):
            return False
        priced = self.evaluator.price(assignment)
        if self.best is None or (priced.objective, priced.changes) < (self.best[0].objective, self.best[0].changes):
            self.best = (priced, assignment)
            return True
        return False

    @property
    def objective(self) -> float:
        """Objective of the best assignment."""
        return float(self.best[0].objective) if self.best else float("inf")

    def gap(self) -> float:
        """Relative gap so far."""
        if self.best is None or self.bound == float("-inf"):
            return float("inf")
        return max(0.0, self.objective - self.bound) / max(self.objective, 0.01)

    def good_enough(self) -> bool:
        """Whether the gap that was asked for is proven."""
        return self.objective - self.bound <= 0.001 or self.gap() <= float(self.problem.scenario.gap)

    def tell(self, fraction: float, note: str) -> None:
        """Report progress."""
        known = self.best is not None and self.bound > float("-inf")
        best = self.objective if self.best else None
        self.say(Progress(fraction, note, best, self.bound if known else None, self.gap() if known else None))

    def learn(self, outcome: Outcome, built: Built, *, whole_model: bool, valid: bool = True) -> None:
        """Take over the points and the bound of a solve."""
        points = [*outcome.points[-3:], *([outcome.x] if outcome.x is not None else [])]
        for x in reversed(points):
            self.offer(self.problem.assignment(built.options(built.counts(x))))
        if valid and np.isfinite(outcome.bound):
            self.bound = max(self.bound, _safe(outcome.bound))
        if outcome.ended == "cancelled":
            self.ended = "cancelled"
        elif outcome.ended == "time_limit" and whole_model:
            self.ended = "time_limit"
        self.notes.append(outcome.status)


def _safe(bound: float) -> float:
    """A solver's bound less what its tolerances may have added."""
    return bound - 5e-7 - 5e-9 * abs(bound)


def solve(
    problem: Problem,
    evaluator: Evaluator,
    keep_feasible: bool,
    time_limit: float | None,
    say: ProgressCallback,
    cancelled: Cancelled | None,
) -> Solution:
    """The best assignment that was found and the bound that was proven."""
    deadline = time.monotonic() + (_DEFAULT_SECONDS if time_limit is None else time_limit)
    search = _Search(problem, evaluator, say, cancelled, deadline)
    if keep_feasible:
        search.offer({})
    if _decomposes(problem):
        return _decomposed(search)
    search.tell(0.1, "reducing and building the model")
    reduced = reduce(problem)
    built = build_model(problem, reduced)
    search.offer(problem.assignment(best_options(problem)))
    pool_values: dict[tuple[str, str, str, str], float] = {}
    if reduced.columns == 0:
        search.offer(problem.assignment(built.options([[c.size] for c in reduced.classes])))
        assert search.best is not None
        return _solution(search, search.best[0].objective, "closed form", {})
    if reduced.columns <= SMALL:
        _whole(search, built)
    else:
        pool_values = _large(search, built)
    if search.best is None:
        raise RuntimeError(f"no feasible assignment was found: {search.notes}")
    if search.ended == "done" and search.objective - search.bound <= 0.005 and reduced.columns <= SMALL:
        _fewest_changes(search, built)
    return _solution(search, Fraction(search.bound), "HiGHS", pool_values)


def _decomposes(problem: Problem) -> bool:
    """Whether the decomposition is the method: asked for, or many options with contracts or carriers to choose."""
    method = problem.scenario.method
    if method == "model" or not can_decompose(problem):
        return False
    if method == "decomposition":
        return True
    per_line = np.diff(problem.first_option)
    undecided = int(per_line[per_line > 1].sum())
    coupled = problem.scenario.max_carriers is not None or any(c.has_terms for c in problem.contracts.values())
    return undecided > (SMALL_COUPLED if coupled else LARGE)


def _decomposed(search: _Search) -> Solution:
    from optimize.decomposition.solve import solve as decompose

    note, values = decompose(search.problem, search)
    search.notes.append(note)
    if search.best is None:
        built = build_model(search.problem, reduce(search.problem))
        _whole(search, built)
        if search.best is None:
            raise RuntimeError(f"no feasible assignment was found: {search.notes}")
    if search.ended == "time_limit" and search.good_enough():
        search.ended = "done"
    if search.bound == float("-inf"):
        search.bound = _floor_bound(search.problem)
    return _solution(search, Fraction(search.bound), "decomposition, HiGHS", values)


def _solution(
    search: _Search, bound: Fraction, solver: str, values: dict[tuple[str, str, str, str], float]
) -> Solution:
    assert search.best is not None
    notes = "; ".join(dict.fromkeys(search.notes)) or "optimal"
    return Solution(search.best[1], min(bound, search.best[0].objective), search.ended, solver, notes, values)


def _start(search: _Search, built: Built) -> tuple[NDArray[np.int64], NDArray[np.float64]] | None:
    """The best assignment as values of the option columns; None if reduction dropped one of its options."""
    if search.best is None:
        return None
    problem, assignment = search.problem, search.best[1]
    columns: list[int] = []
    values: list[float] = []
    for group, mine in zip(built.reduced.classes, built.columns, strict=True):
        if not mine:
            continue
        count = [0.0] * len(mine)
        for member, options in zip(group.lines, group.options, strict=True):
            line = problem.lines[member]
            plan_id = assignment.get(line.service_id, problem.plans[line.plan].plan_id)
            place = next(
                (
                    k
                    for k, o in enumerate(options)
                    if (problem.plans[int(problem.options.plan[o])].plan_id if problem.options.plan[o] >= 0 else None)
                    == plan_id
                ),
                None,
            )
            if place is None:
                return None
            count[place] += 1
        columns += mine
        values += count
    return np.array(columns, dtype=np.int64), np.array(values)


def _mip(search: _Search, built: Built, note: str, *, seconds: float, nodes: int | None, rel_gap: float) -> Outcome:
    options: dict[str, Any] = {
        "mip_rel_gap": rel_gap,
        "mip_abs_gap": 1e-6,
        "random_seed": search.problem.scenario.seed,
        "mip_feasibility_tolerance": 1e-7,
    }
    if nodes is not None:
        options["mip_max_nodes"] = nodes

    def heard(incumbent: float, bound: float) -> None:
        known = np.isfinite(incumbent) and np.isfinite(bound)
        best = min(incumbent, search.objective)
        low = max(bound, search.bound)
        gap = max(0.0, best - low) / max(best, 0.01) if known else None
        search.say(Progress(0.5, note, best if np.isfinite(best) else None, low if known else None, gap))

    return solver_process.run(
        built.model,
        time_limit=min(seconds, search.left),
        cancelled=search.cancelled,
        options=options,
        start=_start(search, built) if built.reduced.columns > SMALL else None,
        heard=heard,
    )


def _whole(search: _Search, built: Built) -> None:
    outcome = _mip(
        search, built, "searching", seconds=search.left, nodes=None, rel_gap=0.9 * float(search.problem.scenario.gap)
    )
    search.learn(outcome, built, whole_model=True)
    if search.bound == float("-inf"):  # ended before the search had a bound
        search.bound = _floor_bound(search.problem)


def _large(search: _Search, built: Built) -> dict[tuple[str, str, str, str], float]:
    model, gap = built.model, float(search.problem.scenario.gap)
    search.tell(0.2, "solving the relaxation")
    relaxed = solver_process.run(model, relax=True, time_limit=search.left, cancelled=search.cancelled)
    if relaxed.x is None or relaxed.reduced is None:
        search.ended = "cancelled" if relaxed.ended == "cancelled" else "time_limit"
        search.notes.append(f"relaxation: {relaxed.status}")
        search.bound = max(search.bound, _floor_bound(search.problem))
        return {}
    search.bound = max(search.bound, relaxed.bound - 1e-7 - 1e-12 * abs(relaxed.bound))
    values = _pool_values(search.problem, built, relaxed)
    search.offer(search.problem.assignment(built.options(built.counts(relaxed.x))))
    search.tell(0.35, "relaxation solved")
    saved = (list(model.low), list(model.high))
    if not search.good_enough():
        _fix_core(built, relaxed)
        outcome = _mip(search, built, "core", seconds=search.left * 0.35, nodes=_CORE_NODES, rel_gap=gap * 0.2)
        search.learn(outcome, built, whole_model=False, valid=False)
        model.low, model.high = list(saved[0]), list(saved[1])
        search.tell(0.6, "core solved")
    if not search.good_enough() and search.ended == "done":
        # an option whose reduced cost exceeds the gap is in no better solution
        room = search.objective - search.bound + 1e-6 * (1.0 + abs(search.bound) * 1e-3)
        for columns in built.columns:
            for j in columns:
                if relaxed.reduced[j] > room:
                    model.high[j] = 0.0
        cut_off = search.objective
        outcome = _mip(search, built, "remaining options", seconds=search.left, nodes=_FINAL_NODES, rel_gap=gap * 0.9)
        model.low, model.high = list(saved[0]), list(saved[1])
        outcome.bound = min(outcome.bound, cut_off)
        if outcome.ended == "infeasible":
            outcome.bound, outcome.ended = cut_off, "done"
        search.learn(outcome, built, whole_model=True)
    if search.ended == "time_limit" and search.good_enough():
        search.ended = "done"
    return values


def _fix_core(built: Built, relaxed: Outcome) -> None:
    """Fix the lines that the relaxation decided most clearly; about :data:`_CORE` undecided classes stay free."""
    assert relaxed.x is not None
    assert relaxed.reduced is not None
    model, margin, counts = built.model, [], built.counts(relaxed.x)
    for number, columns in enumerate(built.columns):
        if not columns:
            continue
        x, d = relaxed.x[columns], relaxed.reduced[columns]
        if np.abs(x - np.round(x)).max() > 1e-6:
            margin.append((-1.0, number))
            continue
        used = x > 0.5
        margin.append((float(np.min(d[~used], initial=np.inf)) if used.sum() == 1 else -0.5, number))
    margin.sort()
    for _, number in margin[_CORE:]:
        for j, count in zip(built.columns[number], counts[number], strict=True):
            model.low[j] = model.high[j] = float(count)


def _pool_values(problem: Problem, built: Built, relaxed: Outcome) -> dict[tuple[str, str, str, str], float]:
    """What one more unit of allowance in every month is worth, from the LP's duals."""
    if relaxed.duals is None:
        return {}
    values = {}
    for g, rows in built.pool_rows.items():
        pool = problem.pools[g]
        value = -float(sum(relaxed.duals[r] for r in rows))
        values[pool.kind, pool.account_id, pool.carrier_id, pool.group] = max(0.0, value)
    return values


def _floor_bound(problem: Problem) -> float:
    """A crude bound that always holds: each line at its cheapest, pools free, the best discount, no shortfall."""
    options, first = problem.options, problem.first_option.tolist()
    rates = [rate for c in problem.contracts.values() for _, rate in c.tiers]
    keep = 1 - max(rates, default=Fraction(0))
    total = sum(min(options.total[first[n] : first[n + 1]]) for n in range(len(problem.lines)))
    mean = float(Fraction(total, PICO * problem.months) * (keep if total > 0 else 1))
    return mean - 1e-12 * abs(mean) - 1e-6


def _fewest_changes(search: _Search, built: Built) -> None:
    """Among assignments of the same cost, the one that changes fewest lines."""
    assert search.best is not None
    if search.best[0].changes == 0 or search.left < 0.5 or not len(built.changes[0]):
        return
    model = built.model
    cost, constant = list(model.cost), model.constant
    limit = search.objective - constant
    used = [j for j, c in enumerate(cost) if c]
    model.row("cost_limit", "objective", used, [cost[j] for j in used], high=limit + 1e-9 * (1 + abs(limit)))
    model.cost = [0.0] * len(cost)
    model.constant = 0.0
    for j in built.changes[0]:
        model.cost[int(j)] = 1.0
    outcome = _mip(search, built, "fewest changes", seconds=search.left, nodes=_FINAL_NODES, rel_gap=0.0)
    for x in [*outcome.points[-2:], *([outcome.x] if outcome.x is not None else [])]:
        search.offer(search.problem.assignment(built.options(built.counts(x))))
    if outcome.ended == "cancelled":
        search.ended = "cancelled"
