"""Which methods fit a problem, and which one `auto` takes: the cheapest exact one."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import comb

import numpy as np

from core.issues import BadInput, Issue
from optimize.decomposition.arrays import MOST_CARRIERS, MOST_SUBSETS
from optimize.decomposition.from_problem import can_decompose
from optimize.methods import METHODS
from optimize.parts import largest, parts
from optimize.problem import Problem
from optimize.reduce import LineClass, Reduced, reduce
from optimize.rightsize import couplings

SMALL = 2_500  # option variables up to which the MIP solver gets the whole model at once
_COUPLED = 2_500  # options of undecided lines above which contracts and carriers call for branch and bound
_LARGE = 100_000  # the same where only pools and limits do, whatever is left of them when they are reduced
_POOLED = 5_000  # the same where the reduced model is too large to go to the MIP solver as a whole
_PART = 600  # option variables up to which a part is surely solved
_MOST_LINES = 20_000  # variables of the line model


@dataclass
class Fitting:
    """A problem and what decides between methods; the reduced problem is made once, where it is needed."""

    problem: Problem

    @cached_property
    def reduced(self) -> Reduced:
        """The reduced problem with similar lines merged."""
        return reduce(self.problem)

    @cached_property
    def parts(self) -> list[Reduced]:
        """What of it nothing ties together."""
        return parts(self.problem, self.reduced)

    @property
    def by_parts(self) -> bool:
        """Whether the model is solved part by part: many pools with buckets, or too much for one model."""
        scenario = self.problem.scenario
        asked = scenario.polish == "fewest_changes" or scenario.polish_within > 0
        much = self.problem.has_buckets or self.reduced.columns > SMALL
        return much and not asked and len(self.parts) > 1 and largest(self.parts) <= _PART

    @property
    def undecided(self) -> int:
        """Options of lines that have more than one."""
        per_line = np.diff(self.problem.first_option)
        return int(per_line[per_line > 1].sum())

    def refusal(self, method: str) -> str | None:
        """Why a method does not fit this problem; None if it does."""
        problem = self.problem
        if method == "closed_form":
            found = couplings(problem)
            return f"lines are coupled by {', '.join(found)}" if found else None
        if method == "count":
            return self._no_counts()
        if method == "lines":
            return self._too_many_lines()
        if method in ("decomposition", "branch_and_bound"):
            if problem.limited_pools:
                return "how often a pool is above its allowance (overage_probability) is a count of whole months"
            if not can_decompose(problem):
                return "bad months (cvar) couple all lines in every month"
            if self._too_many_carriers:
                return "there are too many carriers, or sets of them, to branch on"
            if method == "branch_and_bound" and not self._branches:
                return "there is no tier, no commitment, no bucket, no choice or fixed cost of carriers to branch on"
        return None

    @property
    def _branches(self) -> bool:
        """Whether carriers, pieces of a contract or buckets are to be chosen."""
        problem = self.problem
        limited = problem.scenario.max_carriers is not None or bool(problem.carrier_costs[1])
        return limited or problem.has_buckets or any(c.has_terms for c in problem.contracts.values())

    @property
    def _large(self) -> bool:
        """Whether passes over the lines end sooner than a model of them, or with a smaller gap."""
        if self._branches:
            return self.undecided > _COUPLED
        return self.undecided > _LARGE or (self.undecided > _POOLED and self.reduced.columns > SMALL)

    @property
    def _too_many_carriers(self) -> bool:
        """Whether a choice between carriers is beyond the search's tree."""
        most = self.problem.scenario.max_carriers
        if most is None and not self.problem.carrier_costs[1]:
            return False
        there = int(np.count_nonzero(np.bincount(self.problem.options.carrier + 1)[1:]))
        return there > MOST_CARRIERS or comb(there, there if most is None else min(most, there)) > MOST_SUBSETS

    def _no_counts(self) -> str | None:
        free = [group for group in self.reduced.classes if len(group.options[0]) > 1]
        if any(len(self._pools(group)) > 1 for group in free):
            return "lines may join or leave a pool, so their own use counts"
        if len({self._kind(group) for group in free}) < len(free):
            return "lines with the same plans to choose from are charged differently, so they are no class"
        return None

    def _too_many_lines(self) -> str | None:
        if self.undecided <= _MOST_LINES:
            return None
        count = sum(len(g.options[0]) * g.size for g in self.reduced.classes if len(g.options[0]) > 1)
        return None if count <= _MOST_LINES else f"{count:,} variables are more than {_MOST_LINES:,}"

    def _pools(self, group: LineClass) -> set[tuple[int, int]]:
        options = self.problem.options
        return {(int(options.data_pool[o]), int(options.voice_pool[o])) for o in group.options[0]}

    def _kind(self, group: LineClass) -> tuple[object, ...]:
        """Today's plan, the plans to choose from, where they put the line, and the fees."""
        options, line = self.problem.options, self.problem.lines[group.lines[0]]
        names = (options.plan, options.contract, options.data_pool, options.voice_pool)
        chosen = tuple((*(int(a[o]) for a in names), options.fee[o]) for o in group.options[0])
        return line.plan, line.selected, chosen

    def chosen(self) -> str:
        """The method of the scenario, `auto` resolved.

        Raises:
            BadInput: if the scenario asks for one that does not fit; says why, and which do.
        """
        asked = self.problem.scenario.method
        if asked != "auto":
            why = self.refusal(asked)
            if why is None:
                return asked
            fit = [name for name in METHODS if name != "auto" and self.refusal(name) is None]
            raise BadInput(Issue(field="method", found=asked, message=why, hint="methods that fit: " + ", ".join(fit)))
        if self.refusal("closed_form") is None:
            return "closed_form"
        if self.undecided <= _LARGE and self.by_parts:
            return "model"
        if self._large and self.refusal("decomposition") is None:
            return "branch_and_bound" if self._branches else "decomposition"
        if self.reduced.columns <= SMALL and self.refusal("count") is None:
            return "count"
        return "model"
