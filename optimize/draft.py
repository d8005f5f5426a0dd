"""A model under construction: the columns of the options, and what of spend and months later rows are made of.

Amounts are currency a month. Classes of one line give binaries (line model), classes of many integer counts (count
model).
"""

from __future__ import annotations

from collections import defaultdict
from fractions import Fraction

import numpy as np

from optimize.ir import Model
from optimize.problem import MICRO, PICO, Problem
from optimize.reduce import Reduced, contract_has_terms


class Draft:
    """One column per class and option; `cls` and `opt` name both for each, in order of the columns.

    `columns`: those of each class, none where it has a single option: these classes are `fixed`, each with that option.
    """

    def __init__(self, problem: Problem, reduced: Reduced) -> None:
        self.problem, self.reduced = problem, reduced
        self.model = Model()
        self.span, self.total = problem.months, problem.total_weight
        self.share = [float(Fraction(w, self.total)) for w in problem.weights]  # of each month in the mean
        self.risk = float(problem.scenario.cvar_weight)
        self.mean = float(1 - problem.scenario.cvar_weight)
        # per month: columns and weights of its gross charges; common: of what every month shares
        self.month_const = np.zeros(self.span)
        self.month_terms: list[list[tuple[int, float]]] = [[] for _ in range(self.span)]
        self.common: list[tuple[int, float]] = []
        self.common_const = 0.0
        self.spend_terms: dict[int, list[tuple[int, float]]] = defaultdict(list)
        self.spend_const: dict[int, Fraction] = defaultdict(Fraction)
        self.there = np.asarray(problem.usage.active.any(axis=1))  # lines that are in some scenario month
        self.columns, var_class, var_option = self._assignment()
        self.cls = np.array(var_class, dtype=np.int64)
        self.opt = np.array(var_option, dtype=np.int64)
        self.fixed = [(c, c.options[0][0]) for c in self.reduced.classes if len(c.options[0]) == 1]
        self._fixed_charges()
        self._contract_spend()

    def _assignment(self) -> tuple[list[list[int]], list[int], list[int]]:
        problem, options, model = self.problem, self.problem.options, self.model
        horizon = problem.scenario.horizon_months
        change = problem.scenario.min_saving_per_change / MICRO
        columns: list[list[int]] = []
        var_class: list[int] = []
        var_option: list[int] = []
        for number, group in enumerate(self.reduced.classes):
            if len(group.options[0]) == 1:
                columns.append([])
                continue
            mine: list[int] = []
            for k, o in enumerate(group.options[0]):
                fee = float(Fraction(options.fee[o], PICO * horizon))
                charges = float(Fraction(options.total[o], PICO * self.total))
                cost = self.mean * (charges + fee) + (change if options.changed[o] else 0.0)
                j = model.column(f"x_{number}_{k}", cost, 0, group.size, whole=True)
                if self.risk and fee:
                    self.common.append((j, fee))
                mine.append(j)
                var_class.append(number)
                var_option.append(o)
            model.row(f"one_plan_{number}", "one_plan", mine, [1.0] * len(mine), group.size, group.size)
            columns.append(mine)
        return columns, var_class, var_option

    def _fixed_charges(self) -> None:
        problem, options = self.problem, self.problem.options
        change = problem.scenario.min_saving_per_change
        charges = sum(group.surplus for group in self.reduced.classes if len(group.options[0]) > 1)
        fees, changes = 0, 0
        for group, _ in self.fixed:
            for mine in group.options:
                charges += options.total[mine[0]]
                fees += options.fee[mine[0]]
                changes += bool(options.changed[mine[0]])
                if self.risk:
                    self.month_const += options.monthly[mine[0]]
        fee = float(Fraction(fees, PICO * problem.scenario.horizon_months))
        self.model.constant += self.mean * (float(Fraction(charges, PICO * self.total)) + fee)
        self.model.constant += change * changes / MICRO
        self.common_const += fee

    def _contract_spend(self) -> None:
        options = self.problem.options
        for number in range(len(self.problem.contract_ids)):
            if not contract_has_terms(self.problem, number):
                continue
            for group, o in self.fixed:
                if options.contract[o] == number:
                    total = sum(options.total[mine[0]] for mine in group.options)
                    self.spend_const[number] += Fraction(total, PICO * self.total)
            for group in self.reduced.classes:
                if len(group.options[0]) > 1 and options.contract[group.options[0][0]] == number:
                    self.spend_const[number] += Fraction(group.surplus, PICO * self.total)
            for j in np.flatnonzero(options.contract[self.opt] == number):
                spend = float(Fraction(options.total[self.opt[j]], PICO * self.total))
                self.spend_terms[number].append((int(j), spend))

    def add_common_const(self, value: float) -> None:
        """An amount that every month and the mean have."""
        self.model.constant += self.mean * value
        self.common_const += value

    def add_common(self, j: int, weight: float) -> None:
        """A column that costs `weight` in every month and in the mean."""
        self.model.cost[j] += self.mean * weight
        self.common.append((j, weight))
