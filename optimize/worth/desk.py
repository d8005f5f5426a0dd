"""Re-solving: the same estate under a changed scenario or changed terms, each answer exact, bounded and checked.

Every figure of this package is a difference of two answers. An answer is a certified solve: its objective is re-priced
from raw usage, its bound is proven; so a difference has a value and a range that certainly contains the true one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

import pandas as pd

from core.jobs import Cancelled
from optimize import infeasible
from optimize import scenario as scenarios
from optimize.build import build
from optimize.evaluate import Evaluator
from optimize.frames import Frames
from optimize.infeasible import Infeasibility
from optimize.priced import Assignment, Priced
from optimize.problem import Problem
from optimize.result import Solution, Status, check, floor_money, gaps, money, status_of
from optimize.scenario import Scenario
from optimize.scope import Setting
from optimize.solve import NoAssignment, solve
from optimize.warm import Warm

#: Tables whose change leaves lines and usage as they are, so that reading them again is not needed.
_TERMS = {"plans", "contracts", "contract_tiers", "coverage"}
_PATIENCE = 16
_SAME_LINES = ("first", "last", "services", "growth", "scenario_set", "other_currencies", "currency")


@dataclass(frozen=True)
class Answer:
    """One solve of the estate. `priced` is None where the scenario cannot be met (then `why` says so) or where nothing
    was found in the time given."""

    scenario: Scenario
    status: Status
    baseline: Priced
    priced: Priced | None
    bound: Fraction
    assignment: dict[str, str | None]
    evaluator: Evaluator = field(repr=False)
    why: Infeasibility | None = None
    solver_status: str = ""
    """What the search said at each step."""

    @property
    def feasible(self) -> bool:
        """Whether some assignment meets the scenario."""
        return self.priced is not None

    @property
    def objective(self) -> Fraction:
        """What was minimized, exact."""
        assert self.priced is not None
        return self.priced.objective

    @property
    def cost(self) -> Fraction:
        """Expected monthly cost, fees spread over the horizon."""
        assert self.priced is not None
        return self.priced.cost

    @property
    def one_off(self) -> Fraction:
        """One-off fees of all changes together: change, porting and early termination."""
        assert self.priced is not None
        return self.priced.fees * self.scenario.horizon_months

    def on(self, plan_ids: Iterable[str]) -> list[str]:
        """Services that have one of these plans and had none of them before."""
        wanted = set(plan_ids)
        lines = self.evaluator.lines
        return sorted(s for s, p in self.assignment.items() if p in wanted and lines[s]["plan_id"] not in wanted)

    def moved(self) -> int:
        """Services whose carrier changes."""
        plans, lines = self.evaluator.plans, self.evaluator.lines
        return sum(
            p is not None and plans[p]["carrier_id"] != plans[lines[s]["plan_id"]]["carrier_id"]
            for s, p in self.assignment.items()
        )

    def carriers(self) -> list[str]:
        """Carriers of the selected services, suspended ones not counted."""
        plans, lines = self.evaluator.plans, self.evaluator.lines
        return sorted(
            {plans[p]["carrier_id"] for s, p in self.assignment.items() if p is not None and lines[s]["selected"]}
        )

    def contract_months(self, contract_id: str) -> list[Fraction]:
        """Gross spend of a contract in each month of the range, before discount and fees."""
        assert self.priced is not None
        return self.evaluator.contract_months(self.assignment, self.priced, contract_id)

    def facts(self) -> dict[str, Any]:
        """Status, cost, bound and saving as every study reports them; amounts a month."""
        if self.priced is None:
            why = self.why.explanation if self.why else "No assignment was found in the time given."
            return {"status": self.status, "cost": None, "bound": None, "saving": None, "explanation": why}
        return {
            "status": self.status,
            "cost": money(self.cost),
            "objective": money(self.objective),
            "bound": min(floor_money(self.bound), money(self.objective)),
            "saving": money(self.baseline.cost - self.cost),
            "changes": self.priced.changes,
            "one_off": money(self.one_off),
        }


def difference(dear: Answer, cheap: Answer, *, relaxation: bool = True) -> dict[str, Any]:
    """What `cheap` saves against `dear` a month: value of the assignments found, and the proven range of the truth.

    With `relaxation` everything `dear` may do `cheap` may do at no more cost: the truth is then not below zero.
    """
    value = dear.objective - cheap.objective
    low, high = dear.bound - cheap.objective, dear.objective - cheap.bound
    if relaxation:
        low, value = max(Fraction(0), low), max(Fraction(0), value)
    return {"value": money(value), "low": money(low), "high": money(max(high, value))}


def better_of(answer: Answer, known: Iterable[Assignment]) -> Answer:
    """`answer` with the cheapest of its own plans and the `known` ones that are feasible there; its bound stands."""
    assert answer.priced is not None
    priced, plans = _best(answer.evaluator, (answer.priced, answer.assignment), known)
    if priced is answer.priced:
        return answer
    _, _, abs_gap, rel_gap = gaps(priced, answer.bound)
    status = status_of(answer.status, abs_gap, rel_gap, answer.scenario.gap)
    return replace(
        answer, priced=priced, assignment=dict(plans), bound=min(answer.bound, priced.objective), status=status
    )


def _best(
    evaluator: Evaluator, found: tuple[Priced, Assignment], known: Iterable[Assignment]
) -> tuple[Priced, Assignment]:
    for candidate in known:
        mine = {s: candidate.get(s, line["plan_id"]) for s, line in evaluator.lines.items()}
        if any(p is not None and p not in evaluator.plans for p in mine.values()) or (
            evaluator.violations(mine, improve=True)
        ):
            continue
        tried = evaluator.price(mine, improve=True)
        if (tried.objective, tried.changes) < (found[0].objective, found[0].changes):
            found = (tried, mine)
    return found


class Desk:
    """One estate and one scenario, solved again and again under changes of it.

    `say(fraction, note)` hears of every solve; `cancelled` is asked between and during solves.
    """

    def __init__(
        self,
        frames: Frames,
        document: Mapping[str, Any],
        *,
        time_limit: float | None = 10.0,
        say: Callable[[str], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> None:
        self.frames = frames
        self.document = dict(document)
        self.scenario = scenarios.parse(self.document)
        self.problem: Problem = build(frames, self.scenario)
        self.evaluator = Evaluator(frames, self.scenario, self.problem.setting)
        self.time_limit, self.cancelled, self.solves = time_limit, cancelled, 0
        self._limit = time_limit
        self._say = say or (lambda _: None)
        self._warm: Warm | None = None
        self.base = self._answer(self.scenario, self.problem, self.evaluator, ())

    @property
    def currency(self) -> str:
        """Currency of all amounts."""
        return self.problem.setting.currency

    @property
    def start(self) -> Warm | None:
        """Where every other solve starts: what the scenario's own found; None where it found nothing."""
        return self._warm

    def say(self, note: str) -> None:
        """Report what is being worked on.

        Raises:
            Cancelled: if somebody has cancelled the work.
        """
        if self.cancelled is not None and self.cancelled():
            raise Cancelled
        self._say(note)

    def answer(
        self,
        patch: Mapping[str, Any] | None = None,
        *,
        tables: Mapping[str, pd.DataFrame] | None = None,
        known: Iterable[Assignment] = (),
        floor: Fraction | None = None,
    ) -> Answer:
        """Solve with some keys of the scenario replaced (None removes one) and some tables replaced.

        `known` are assignments worth trying: the answer is never worse than one of them that is feasible here.
        `floor` is a bound that is valid here too, from a relaxation of this problem.
        """
        frames = {**self.frames, **(tables or {})}
        merged = {**self.document, "method": None, **(patch or {})}  # a method for the base need not fit a change of it
        scenario = scenarios.parse({k: v for k, v in merged.items() if v is not None})
        problem = build(frames, scenario, self.problem if set(tables or {}) <= _TERMS else None)
        evaluator = self._evaluator(scenario, problem.setting, frames, set(tables or {}))
        return self._answer(scenario, problem, evaluator, known, floor)

    def evaluator_under(self, patch: Mapping[str, Any]) -> Evaluator:
        """An evaluator of the estate with some keys of the scenario replaced (not its months); nothing is solved."""
        merged = {**self.document, **patch}
        scenario = scenarios.parse({k: v for k, v in merged.items() if v is not None})
        return self._evaluator(scenario, self.problem.setting, self.frames, set())

    def _evaluator(self, scenario: Scenario, setting: Setting, frames: Frames, changed: set[str]) -> Evaluator:
        same = all(getattr(scenario, name) == getattr(self.scenario, name) for name in _SAME_LINES)
        if not (same and changed <= _TERMS and setting == self.problem.setting):
            return Evaluator(frames, scenario, setting)
        return self.evaluator.under(scenario, frames, changed)

    def _answer(
        self,
        scenario: Scenario,
        problem: Problem,
        evaluator: Evaluator,
        known: Iterable[Assignment],
        floor: Fraction | None = None,
    ) -> Answer:
        self.solves += 1
        baseline = evaluator.price()
        keep_feasible = not evaluator.violations()
        why = None if keep_feasible else infeasible.explain(problem, self.time_limit)
        if why is not None:
            return Answer(scenario, "infeasible", baseline, None, Fraction(0), {}, evaluator, why)
        solution = self._search(problem, evaluator, keep_feasible)
        if solution is None:
            return Answer(scenario, "time_limit", baseline, None, Fraction(0), {}, evaluator)
        priced = evaluator.price(solution.assignment, solution.buckets)
        violations = evaluator.violations(solution.assignment, solution.buckets)
        check(priced, baseline, keep_feasible, solution, violations)
        best = _best(evaluator, (priced, solution.assignment), known)
        bound = min(max(solution.bound, floor) if floor is not None else solution.bound, best[0].objective)
        _, _, abs_gap, rel_gap = gaps(best[0], bound)
        status = status_of(solution.ended, abs_gap, rel_gap, scenario.gap)
        whole = {s: best[1].get(s, line["plan_id"]) for s, line in evaluator.lines.items()}
        if self._warm is None:  # the base: what it found is where every other solve starts
            changed = {s: p for s, p in whole.items() if p != evaluator.lines[s]["plan_id"]}
            self._warm = Warm(changed, solution.duals, "the scenario itself", solution.columns)
        said = solution.solver_status
        return Answer(scenario, status, baseline, best[0], bound, whole, evaluator, solver_status=said)

    def _search(self, problem: Problem, evaluator: Evaluator, keep_feasible: bool) -> Solution | None:
        """The core's search. Where the time did not even suffice for its relaxation, this and later ones get more."""
        while True:
            found = None
            with suppress(NoAssignment):
                found = solve(problem, evaluator, keep_feasible, self._limit, cancelled=self.cancelled, warm=self._warm)
            if self.cancelled is not None and self.cancelled():
                raise Cancelled
            short = found is None or (found.ended == "time_limit" and "relaxation" in found.solver_status)
            if not short or self._limit is None or self.time_limit is None:
                return found
            if self._limit >= _PATIENCE * self.time_limit:
                return found
            self._limit *= 2
