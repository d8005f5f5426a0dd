"""Solve a problem by one of its methods: keep the best re-priced assignment and a valid bound.

Small models go to the MIP solver at once. Large ones start from the LP relaxation: its bound is made safe from its
duals, its point is rounded, a core of undecided lines is solved exactly around it, then every option whose reduced
cost exceeds the gap is out for good and the rest is searched. "Keep everything" and the plans of a parent are the first
incumbents.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from optimize import over_months, solver_process
from optimize.bucket_choice import frozen
from optimize.evaluate import Evaluator
from optimize.fitting import SMALL, Fitting
from optimize.formulate import Built, build_model
from optimize.infeasible import some_assignment
from optimize.ir import Model
from optimize.over_months import Region
from optimize.priced import BucketCounts, PoolKey, Priced
from optimize.problem import PICO, Problem
from optimize.progress import Cancelled, Progress, ProgressCallback
from optimize.reduce import Reduced, reduce
from optimize.result import Solution
from optimize.rightsize import best_options
from optimize.solver_process import Outcome
from optimize.warm import Columns, Warm

_CORE = 700
_TINY = 300  # option variables up to which a gap that the decomposition leaves is closed by the whole model
_DEFAULT_SECONDS = 300.0
_PATIENCE = 5  # times its share of the time that is left a part may take
_MONTHS_SHARE = 0.4  # of the time that is left, for the months in which pools may be over
_CORE_NODES, _FINAL_NODES = 400, 1_500  # work limits that keep unlimited runs repeatable


PoolValues = dict[PoolKey, float]


class NoAssignment(RuntimeError):
    """No feasible assignment was found in the time given, though some exists."""


@dataclass
class _Search:
    """The state of a run: the clock, the best assignment, the best bound."""

    problem: Problem
    evaluator: Evaluator
    say: ProgressCallback
    cancelled: Cancelled | None
    deadline: float
    method: str
    best: tuple[Priced, dict[str, str | None]] | None = None
    bound: float = float("-inf")
    ended: Literal["done", "time_limit", "cancelled"] = "done"
    warm: bool = False
    """Whether a parent's plans or duals were used."""
    duals: dict[str, Any] | None = None
    """Prices of what couples lines, by name, for a child's search."""
    columns: Columns | None = None
    """The assignments that were mixed, likewise."""
    notes: list[str] = field(default_factory=list)
    seen: set[tuple[Any, ...]] = field(default_factory=set)

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

    def offer(self, assignment: dict[str, str | None], buckets: BucketCounts | None = None) -> bool:
        """Re-price an assignment exactly and keep it if it is feasible and better (cheaper, then fewer changes).

        Its pools buy the buckets that are cheapest for it; `buckets` are where that search starts.
        """
        key = (self.evaluator.place.chosen(assignment).tobytes(), frozen(buckets))
        if key in self.seen:
            return False
        self.seen.add(key)
        if self.evaluator.violations(assignment, buckets, improve=True):
            return False
        priced = self.evaluator.price(assignment, buckets, improve=True)
        if self.best is None or (priced.objective, priced.changes) < (self.best[0].objective, self.best[0].changes):
            self.best = (priced, assignment)
            return True
        return False

    def settle(self, assignment: dict[str, str | None], limit: Fraction, buckets: BucketCounts | None = None) -> bool:
        """Take an assignment that changes fewer lines at an objective of at most `limit`; never dearer than today."""
        assert self.best is not None
        if self.evaluator.violations(assignment, buckets, improve=True):
            return False
        priced = self.evaluator.price(assignment, buckets, improve=True)
        if priced.objective > limit or (priced.changes, priced.objective) >= (self.best[0].changes, self.exact):
            return False
        self.best = (priced, assignment)
        return True

    @property
    def plans(self) -> dict[str, str | None] | None:
        """The best assignment, None while there is none."""
        return self.best[1] if self.best else None

    @property
    def exact(self) -> Fraction:
        """Objective of the best assignment, exact."""
        assert self.best is not None
        return self.best[0].objective

    @property
    def objective(self) -> float:
        """Objective of the best assignment."""
        return float(self.best[0].objective) if self.best else float("inf")

    def gap(self) -> float:
        """Relative gap so far."""
        if self.best is None or self.bound == float("-inf"):
            return float("inf")
        return max(0.0, self.objective - self.bound) / max(self.objective, 0.01)

    def good_enough(self, *, after_polish: bool = False) -> bool:
        """Whether the gap that was asked for is proven; `after_polish`: with what fewer changes may cost on top."""
        scenario = self.problem.scenario
        wanted = scenario.gap + scenario.polish_within if after_polish else scenario.gap
        return self.objective - self.bound <= 0.001 or self.gap() <= float(wanted)

    def tell(self, fraction: float, note: str) -> None:
        """Report progress."""
        known = self.best is not None and self.bound > float("-inf")
        best = self.objective if self.best else None
        self.say(Progress(fraction, note, best, self.bound if known else None, self.gap() if known else None))

    def learn(self, outcome: Outcome, built: Built, *, whole_model: bool, valid: bool = True) -> None:
        """Take over the points and the bound of a solve."""
        points = [*outcome.points[-3:], *([outcome.x] if outcome.x is not None else [])]
        for x in reversed(points):
            self.offer(self.problem.assignment(built.options(built.counts(x))), built.bought(self.problem, x))
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
    time_limit: float | None = None,
    *,
    say: ProgressCallback | None = None,
    cancelled: Cancelled | None = None,
    warm: Warm | None = None,
) -> Solution:
    """The best assignment that was found and the bound that was proven, by the scenario's method.

    `keep_feasible`: today's plans meet the scenario and are the first incumbent. `warm`: plans and duals of a parent.

    Raises:
        BadInput: if the scenario asks for a method that does not fit.
        NoAssignment: if none was found in the time given.
    """
    fitting = Fitting(problem)
    method = fitting.chosen()
    deadline = time.monotonic() + (_DEFAULT_SECONDS if time_limit is None else time_limit)
    search = _Search(problem, evaluator, say or (lambda _: None), cancelled, deadline, method)
    if method == "closed_form":
        search.offer(problem.assignment(best_options(problem)))
        search.notes.append("optimal: each line decided alone")
        return _solution(search, search.exact, "closed form")
    if keep_feasible or problem.has_buckets:  # other buckets may meet a limit that today's do not
        search.offer({})
    if warm is not None:
        search.warm = search.offer(warm.plans_for(problem))
    if method in ("decomposition", "branch_and_bound"):
        return _decomposed(search, warm)
    search.tell(0.1, "reducing and building the model")
    reduced = reduce(problem, merge=False) if method == "lines" else fitting.reduced
    if method == "model" and fitting.by_parts:
        _by_parts(search, fitting.parts)
        _any_assignment(search)
        return _solution(search, Fraction(search.bound), "HiGHS")
    built = build_model(problem, reduced)
    search.offer(problem.assignment(best_options(problem)))
    if reduced.columns == 0 and not problem.has_buckets:
        search.offer(problem.assignment(built.options([[c.size] for c in reduced.classes])))
        search.notes.append("optimal: reduction left one plan for every line")
        return _solution(search, search.exact, "closed form")
    through_pulp = method in ("count", "lines")
    whole = through_pulp or reduced.columns <= SMALL
    pool_values: PoolValues = {}
    if whole:
        _whole(search, built, through_pulp)
    else:
        pool_values = _large(search, built)
    _any_assignment(search)
    polish = problem.scenario.polish
    proven = search.ended == "done" and search.objective - search.bound <= 0.005 and whole
    if polish == "fewest_changes" or (polish == "auto" and (proven or problem.scenario.polish_within)):
        _fewest_changes(search, built)
    solver = "HiGHS through PuLP" if through_pulp else "HiGHS"
    return _solution(search, Fraction(search.bound), solver, pool_values)


def _decomposed(search: _Search, warm: Warm | None) -> Solution:
    from optimize.decomposition.solve import solve as decompose

    note, values = decompose(search.problem, search, warm)
    search.notes.append(note)
    if search.best is None:
        built = build_model(search.problem, reduce(search.problem))
        _whole(search, built)
        _any_assignment(search)
    elif search.ended == "done" and not search.good_enough(after_polish=True):
        # its last models leave open which contract pays a shared pool, and on which side of a threshold spend lies
        reduced = reduce(search.problem)
        if reduced.columns <= _TINY:
            _whole(search, build_model(search.problem, reduced))
    if search.ended == "time_limit" and search.good_enough():
        search.ended = "done"
    if search.bound == float("-inf"):
        search.bound = _floor_bound(search.problem)
    return _solution(search, Fraction(search.bound), "decomposition, HiGHS", values)


def _any_assignment(search: _Search) -> None:
    """Where today's plans are not allowed and the time was too short for others: any that are, by fewest changes."""
    if search.best is not None:
        return
    found = some_assignment(search.problem)
    if found is None or not search.offer(found):
        raise NoAssignment(f"no feasible assignment was found: {search.notes}")
    search.notes.append("fewest changes that meet the scenario")


def _solution(search: _Search, bound: Fraction, solver: str, values: PoolValues | None = None) -> Solution:
    assert search.best is not None
    return Solution(
        assignment=search.best[1],
        buckets=search.best[0].buckets,
        bound=min(bound, search.exact),
        ended=search.ended,
        method=search.method,
        solver=solver,
        solver_status="; ".join(dict.fromkeys(search.notes)) or "optimal",
        pool_values=values or {},
        duals=search.duals,
        columns=search.columns,
        warm=search.warm,
    )


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
    for g, bought in built.buckets.items():
        counts = search.best[0].buckets.get(problem.pools[g].key, {})
        columns += bought
        values += [float(counts.get(size.bucket_id, 0)) for size in problem.pools[g].buckets]
    return np.array(columns, dtype=np.int64), np.array(values)


def _mip(
    search: _Search,
    built: Built,
    note: str,
    *,
    seconds: float,
    nodes: int | None,
    rel_gap: float,
    through_pulp: bool = False,
) -> Outcome:
    if not built.model.names:  # one plan is left for every line, and no bucket to buy
        value = built.model.constant
        return Outcome("done", "Optimal", np.zeros(0), value, value)
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
        through_pulp=through_pulp,
    )


def _whole(search: _Search, built: Built, through_pulp: bool = False) -> None:
    gap = 0.9 * float(search.problem.scenario.gap)
    outcome = _mip(search, built, "searching", seconds=search.left, nodes=None, rel_gap=gap, through_pulp=through_pulp)
    search.learn(outcome, built, whole_model=True)
    if search.bound == float("-inf"):  # ended before the search had a bound
        search.bound = _floor_bound(search.problem)


def _by_parts(search: _Search, found: list[Reduced]) -> None:
    """Each part on its own, the plans of the best so far where none was solved; the bound is the sum of theirs."""
    problem, share = search.problem, 0.9 * float(search.problem.scenario.gap)
    search.offer(problem.assignment(best_options(problem)))
    plans: dict[str, str | None] = {}
    bought: dict[PoolKey, dict[str, int]] = {}
    bound, statuses = 0.0, set()
    for number, part in enumerate(found):
        built = build_model(problem, part)
        outcome = Outcome("time_limit", "Time limit reached")
        if not search.stopped():
            fair = max(1.0, _PATIENCE * search.left / (len(found) - number))
            outcome = _mip(search, built, "part by part", seconds=fair, nodes=None, rel_gap=share)
        lines = [n for group in part.classes for n in group.lines]
        bound += max(_safe(outcome.bound), _floor_bound(problem, lines))
        statuses.add(outcome.status)
        if outcome.ended == "done":
            outcome = _least_changes(search, built, outcome)
        elif search.ended == "done":
            search.ended = "cancelled" if outcome.ended == "cancelled" else "time_limit"
        if outcome.x is not None:
            plans |= problem.assignment(built.options(built.counts(outcome.x)))
            bought |= built.bought(problem, outcome.x)
        elif search.plans is not None:
            mine = {problem.lines[n].service_id for n in lines}
            plans |= {s: p for s, p in search.plans.items() if s in mine}
        search.tell(0.1 + 0.8 * (number + 1) / len(found), f"{number + 1:,} of {len(found):,} parts solved")
    search.offer(plans, bought)
    search.bound = max(search.bound, bound)
    search.notes += [f"{len(found):,} parts", *sorted(statuses)]


def _least_changes(search: _Search, built: Built, outcome: Outcome) -> Outcome:
    """The same cost with fewest changes, for a small model that was solved."""
    if search.problem.scenario.polish == "none" or not len(built.changes[0]) or outcome.x is None:
        return outcome
    if not outcome.x[built.changes[0]].sum() > 0.5:
        return outcome
    model = built.model
    value = float(np.dot(model.cost, outcome.x))
    _count_changes(built, value + 1e-9 * (1 + abs(value)))
    fewest = _mip(search, built, "part by part", seconds=search.left, nodes=_FINAL_NODES, rel_gap=0.0)
    return outcome if fewest.x is None else fewest


def _large(search: _Search, built: Built) -> PoolValues:
    model, gap = built.model, float(search.problem.scenario.gap)
    search.tell(0.2, "solving the relaxation")
    relaxed = solver_process.run(model, relax=True, time_limit=search.left, cancelled=search.cancelled)
    if relaxed.x is None or relaxed.reduced is None:
        search.ended = "cancelled" if relaxed.ended == "cancelled" else "time_limit"
        search.notes.append(f"relaxation: {relaxed.status}")
        search.bound = max(search.bound, _floor_bound(search.problem))
        return {}
    region = Region(relaxed, over_months.safe(relaxed.bound), over_months.safe(relaxed.bound))
    if built.over:
        search.tell(0.25, "choosing the months in which pools may be over")
        until = time.monotonic() + _MONTHS_SHARE * search.left
        region = over_months.best_region(built, relaxed, lambda: _relaxed(search, model, until))
        relaxed = region.relaxed
    assert relaxed.x is not None
    assert relaxed.reduced is not None
    search.bound = max(search.bound, region.proven)
    values = _pool_values(search.problem, built, relaxed)
    bought = built.bought(search.problem, relaxed.x)
    search.offer(search.problem.assignment(built.options(built.counts(relaxed.x))), bought)
    search.tell(0.35, "relaxation solved")
    saved = (list(model.low), list(model.high))
    if not search.good_enough():
        _fix(model, region.over)
        _fix_core(built, relaxed)
        outcome = _mip(search, built, "core", seconds=search.left * 0.35, nodes=_CORE_NODES, rel_gap=gap * 0.2)
        search.learn(outcome, built, whole_model=False, valid=False)
        model.low, model.high = list(saved[0]), list(saved[1])
        search.tell(0.6, "core solved")
    if not search.good_enough() and search.ended == "done":
        # an option whose reduced cost exceeds the gap is in no better solution
        _fix(model, region.fixed)
        room = search.objective - region.bound + 1e-6 * (1.0 + abs(region.bound) * 1e-3)
        for columns in built.columns:
            for j in columns:
                if relaxed.reduced[j] > room:
                    model.high[j] = 0.0
        cut_off = search.objective
        outcome = _mip(search, built, "remaining options", seconds=search.left, nodes=_FINAL_NODES, rel_gap=gap * 0.9)
        model.low, model.high = list(saved[0]), list(saved[1])
        outcome.bound = min(outcome.bound, cut_off, region.others)
        if outcome.ended == "infeasible":
            outcome.bound, outcome.ended = min(cut_off, region.others), "done"
        search.learn(outcome, built, whole_model=True)
    if search.ended == "time_limit" and search.good_enough():
        search.ended = "done"
    return values


def _relaxed(search: _Search, model: Model, until: float) -> Outcome | None:
    """The relaxation of a model as it stands; None if the time was too short."""
    left = until - time.monotonic()
    if search.stopped() or left <= 0:
        return None
    found = solver_process.run(model, relax=True, time_limit=left, cancelled=search.cancelled)
    return found if found.ended in ("done", "infeasible") else None


def _fix(model: Model, columns: Mapping[int, float]) -> None:
    for j, value in columns.items():
        model.low[j] = model.high[j] = value


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


def _pool_values(problem: Problem, built: Built, relaxed: Outcome) -> PoolValues:
    """What one more unit of allowance in every month is worth, from the LP's duals."""
    if relaxed.duals is None:
        return {}
    values = {}
    for g, rows in built.pool_rows.items():
        pool = problem.pools[g]
        value = -float(sum(relaxed.duals[r] for r in rows))
        values[pool.key] = max(0.0, value)
    return values


def _floor_bound(problem: Problem, lines: Iterable[int] | None = None) -> float:
    """A crude bound that always holds: each line at its cheapest, pools free, the best discount, no shortfall."""
    options, first = problem.options, problem.first_option.tolist()
    rates = [rate for c in problem.contracts.values() for _, rate in c.tiers]
    keep = 1 - max(rates, default=Fraction(0))
    some = range(len(problem.lines)) if lines is None else lines
    total = sum(min(options.total[first[n] : first[n + 1]]) for n in some)
    mean = float(Fraction(total, PICO * problem.total_weight) * (keep if total > 0 else 1))
    return mean - 1e-12 * abs(mean) - 1e-6


def _count_changes(built: Built, limit: float) -> None:
    """Make a model minimize changes at a cost (without its constant) of at most `limit`."""
    model, cost = built.model, list(built.model.cost)
    used = [j for j, c in enumerate(cost) if c]
    model.row("cost_limit", "objective", used, [cost[j] for j in used], high=limit)
    model.cost = [0.0] * len(cost)
    model.constant = 0.0
    for j in built.changes[0]:
        model.cost[int(j)] = 1.0


def _fewest_changes(search: _Search, built: Built) -> None:
    """Among assignments of the same cost (or `polish_within` of it), the one that changes fewest lines."""
    assert search.best is not None
    if search.best[0].changes == 0 or search.left < 0.5 or not len(built.changes[0]):
        return
    within = search.problem.scenario.polish_within
    most = search.exact * (1 + within) if search.exact > 0 else search.exact
    limit = float(most) - built.model.constant
    _count_changes(built, limit + 1e-9 * (1 + abs(limit)))
    outcome = _mip(search, built, "fewest changes", seconds=search.left, nodes=_FINAL_NODES, rel_gap=0.0)
    for x in [*outcome.points[-2:], *([outcome.x] if outcome.x is not None else [])]:
        assignment, bought = search.problem.assignment(built.options(built.counts(x))), built.bought(search.problem, x)
        search.offer(assignment, bought)
        if within:
            search.settle(assignment, most, bought)
    if outcome.ended == "cancelled":
        search.ended = "cancelled"
