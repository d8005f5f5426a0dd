"""From the reduced problem to a model: assignment, pools, contracts, limits and CVaR, every row in a named group.

Amounts are currency a month, pool quantities MB or minutes. Classes of one line give binaries (line model), classes of
many give integer counts (count model): the same code writes both.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from fractions import Fraction
from math import gcd
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optimize.bucket_rows import BucketColumns, bucket_columns, need_members
from optimize.contracts import Segment, is_convex
from optimize.ir import Model
from optimize.overage_limit import OverRows, PoolLimit
from optimize.priced import PoolKey
from optimize.problem import MICRO, PICO, Problem
from optimize.reduce import Reduced, contract_has_terms, limited_plans, split_pools

_TINY_BLOCKS = 0.0005  # overage blocks worth less than this a month in total are not counted as integers


@dataclass
class Built:
    """A model with what is needed to read a point of it."""

    model: Model
    reduced: Reduced
    columns: list[list[int]]
    """Per class the columns of its options; empty for a class with a single option."""
    pool_rows: dict[int, list[int]] = field(default_factory=dict)
    """Per pool the rows whose right side is allowance: overage, and being above the allowance where that is limited."""
    over: list[OverRows] = field(default_factory=list)
    """The pools that may be above their allowance in some months only."""
    changes: tuple[NDArray[np.int64], NDArray[np.float64]] = (np.zeros(0, dtype=np.int64), np.zeros(0))
    buckets: dict[int, list[int]] = field(default_factory=dict)
    """Per pool that may buy buckets the columns of their counts, in the pool's order."""

    def counts(self, x: NDArray[np.float64]) -> list[list[int]]:
        """Whole counts per class and option of a point, sizes kept by largest remainder."""
        found = []
        for group, columns in zip(self.reduced.classes, self.columns, strict=True):
            if not columns:
                found.append([group.size])
                continue
            values = np.maximum(x[columns], 0.0)
            whole = np.floor(values + 1e-6).astype(int)
            order = np.argsort(-(values - whole), kind="stable")
            missing = group.size - int(whole.sum())
            for k in order[: max(0, missing)]:
                whole[k] += 1
            while whole.sum() > group.size:
                whole[int(np.argmax(whole))] -= 1
            found.append(whole.tolist())
        return found

    def bought(self, problem: Problem, x: NDArray[np.float64]) -> dict[PoolKey, dict[str, int]]:
        """The buckets of a point."""
        found = {}
        for g, columns in self.buckets.items():
            sizes = problem.pools[g].buckets
            found[problem.pools[g].key] = {b.bucket_id: round(x[j]) for b, j in zip(sizes, columns, strict=True)}
        return found

    def options(self, counts: list[list[int]]) -> list[int]:
        """One option per line for counts; within a class earlier lines get the smaller plan."""
        chosen: list[int] = []
        for group, count in zip(self.reduced.classes, counts, strict=True):
            member = 0
            for k, many in enumerate(count):
                for _ in range(many):
                    chosen.append(group.options[member][k])
                    member += 1
        return sorted(chosen)


def build_model(problem: Problem, reduced: Reduced) -> Built:
    """The mixed integer model of a reduced problem."""
    return _Builder(problem, reduced).build()


class _Builder:
    def __init__(self, problem: Problem, reduced: Reduced) -> None:
        self.problem, self.reduced = problem, reduced
        self.model = Model()
        self.span, self.total = problem.months, problem.total_weight
        self.limited = set(problem.limited_pools)
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
        self.first: dict[tuple[int, bytes], dict[int, int]] = {}
        self.var_class: list[int] = []  # of option variables, in order of their columns
        self.var_option: list[int] = []

    def build(self) -> Built:
        """Columns of options first, then everything that couples them."""
        columns = self._assignment()
        self.cls = np.array(self.var_class, dtype=np.int64)
        self.opt = np.array(self.var_option, dtype=np.int64)
        self.fixed = [(c, c.options[0][0]) for c in self.reduced.classes if len(c.options[0]) == 1]
        built = Built(self.model, self.reduced, columns)
        self._fixed_charges()
        self._contract_spend()
        self._pools(built)
        self._contracts()
        self._limits(built)
        if self.risk:
            self._cvar()
        return built

    # ---- lines -----------------------------------------------------------------------------------------------------

    def _assignment(self) -> list[list[int]]:
        problem, options, model = self.problem, self.problem.options, self.model
        horizon = problem.scenario.horizon_months
        change = problem.scenario.min_saving_per_change / MICRO
        columns: list[list[int]] = []
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
                self.var_class.append(number)
                self.var_option.append(o)
            model.row(f"one_plan_{number}", "one_plan", mine, [1.0] * len(mine), group.size, group.size)
            columns.append(mine)
        return columns

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

    # ---- pools -----------------------------------------------------------------------------------------------------

    def _pools(self, built: Built) -> None:
        options = self.problem.options
        split = split_pools(self.problem, self.reduced)
        here = np.array([o for group in self.reduced.classes for mine in group.options for o in mine], dtype=np.int64)
        for g in np.union1d(options.data_pool[here], options.voice_pool[here]).tolist():
            if g < 0:
                continue
            pool = self.problem.pools[g]
            member = options.data_pool if pool.kind == "data" else options.voice_pool
            pull = self.reduced.pull[pool.kind]
            js = np.flatnonzero(member[self.opt] == g)
            const = np.zeros(self.span, dtype=object)
            for group, columns in zip(self.reduced.classes, built.columns, strict=True):
                const += self._class_constant(group.options, columns, member, g, pull)
            # within a class whose lines are all in this pool, the members' own use is in the constant
            coefficients = self._pull_of(js, member, g, pull)
            bought = self._buckets(built, g, js, member, g in split)
            self._pool_months(built, g, js, coefficients, const, g in split, bought)

    def _buckets(
        self, built: Built, g: int, js: NDArray[np.int64], member: NDArray[Any], is_split: bool
    ) -> BucketColumns | None:
        """The counts of a pool's buckets: bought for the whole range, paid to the contract of the pool's members."""
        pool, model = self.problem.pools[g], self.model
        if not pool.buckets:
            return None
        one = self.problem.scenario.bucket_steps == "one"
        bought = bucket_columns(model, g, pool, self.mean, one=one)
        built.buckets[g] = bought.columns.tolist()
        inside = False
        for group in self.reduced.classes:
            inside = inside or (all(member[o] == g for o in group.options[0]) and bool(self.there[group.lines].any()))
        if not inside:
            need_members(model, g, pool, bought, js[self.there[self.problem.options.line[self.opt[js]]]])
        for terms in self.month_terms:
            terms.extend(zip(bought.columns.tolist(), bought.mrc, strict=True))
        for j, price, size in zip(bought.columns.tolist(), bought.mrc, pool.buckets, strict=True):
            if is_split:
                self._split_charge(f"{g}_bucket_{j}", g, j, price, size.most, self._first(g, js, None))
            else:
                self._owned(g, j, price)
        return bought

    def _class_constant(
        self, members: list[list[int]], columns: list[int], member: NDArray[Any], g: int, pull: NDArray[Any]
    ) -> Any:
        """What a class brings for certain: everything if fixed, its base if all its options are in the pool."""
        if not columns:
            picked = [mine[0] for mine in members if member[mine[0]] == g]
        elif all(member[o] == g for o in members[0]):
            picked = [mine[0] for mine in members]
        else:
            return 0
        return pull[picked].sum(axis=0).astype(object) if picked else 0

    def _pull_of(self, js: NDArray[np.int64], member: NDArray[Any], g: int, pull: NDArray[Any]) -> NDArray[Any]:
        """Micros that one unit of each column brings to the pool in each month (relative to the class's base)."""
        found = pull[self.opt[js]].copy()
        for row, j in enumerate(js.tolist()):
            options = self.reduced.classes[self.cls[j]].options[0]
            if all(member[o] == g for o in options):
                found[row] = found[row] - pull[options[0]]
        return found

    def _pool_months(
        self,
        built: Built,
        g: int,
        js: NDArray[np.int64],
        pull: NDArray[Any],
        const: Any,
        is_split: bool,
        bought: BucketColumns | None,
    ) -> None:
        pool, model = self.problem.pools[g], self.model
        sizes = np.array([self.reduced.classes[c].size for c in self.cls[js]], dtype=object)
        data = pool.kind == "data"
        unit_price = float(Fraction(pool.price, MICRO))
        step = pool.block if data else 1
        small = unit_price * len(self.problem.pools) < _TINY_BLOCKS
        exact = g in self.reduced.exact_pools
        limit = PoolLimit(model, f"{pool.kind}_{g}", self.problem.weights)
        for t in range(self.span):
            brought = pull[:, t].astype(object)
            top = self._extreme(js, brought, sizes, const[t], max)
            if top <= 0:
                continue
            bottom = self._extreme(js, brought, sizes, const[t], min) - (bought.most if bought else 0)
            if g in self.limited:
                columns = np.append(js, bought.columns) if bought else js
                pulls = [*brought.tolist(), *(-a for a in bought.allowance)] if bought else brought.tolist()
                limit.month(t, columns, pulls, int(const[t]), bottom, top)
            if not pool.price:
                continue
            most = -(-top // step)
            cost = self.mean * unit_price * self.share[t]
            name = f"{pool.kind}_{g}_{t}"
            scale = step / MICRO if data else 1.0
            high = float(most) if data else top / MICRO
            n = model.column(f"over_{name}", cost, 0, high, whole=data and (not small or exact))
            resolution = 0
            for value in [const[t], step if data else 0, bought.step if bought else 0, *brought.tolist()]:
                resolution = gcd(resolution, int(value))
            slack = resolution / MICRO / 2 if data and not (small and not exact) else 0.0
            cols = np.append(js, n)
            values = np.append(brought.astype(np.float64) / MICRO, -scale)
            if bought:
                cols, values = np.append(cols, bought.columns), np.append(values, -bought.brought)
            right = -float(const[t]) / MICRO
            row = model.row(f"pool_{name}", "pool", cols, values, high=right + slack)
            built.pool_rows.setdefault(g, []).append(row)
            if exact:
                b = model.column(f"is_over_{name}", 0, 0, 1, whole=True)
                model.row(f"pool_on_{name}", "pool", [n, b], [1.0, -high], high=0)
                room = (step if data else 0) / MICRO - slack
                lift = max(0.0, -float(bottom) / MICRO)
                # scale n <= excess + block - slack + lift (1 - b)
                model.row(
                    *(f"pool_exact_{name}", "pool", np.append(cols, b)),
                    np.append(-values, lift),
                    high=-right + room + lift,
                )
            self.month_terms[t].append((n, unit_price))
            if is_split:
                self._split_charge(f"{g}_{t}", g, n, unit_price * self.share[t], high, self._first(g, js, t))
            else:
                self._owned(g, n, unit_price * self.share[t])
        rule = self.problem.scenario.overage_probability
        if g in self.limited and rule is not None and (rows := limit.close(rule.limit)) is not None:
            built.over.append(rows)
            built.pool_rows.setdefault(g, []).extend(rows.months.values())

    def _owned(self, g: int, j: int, price: float) -> None:
        """A charge of a pool whose members are all under one contract is its spend; `price` a month in the mean."""
        for c in self.reduced.pool_contracts[g]:
            if contract_has_terms(self.problem, c):
                self.spend_terms[c].append((j, price))

    def _extreme(self, js: NDArray[np.int64], brought: Any, sizes: Any, const: int, pick: Any) -> int:
        """Largest or smallest excess the pool can have, each class at its worst."""
        worst: dict[int, int] = {}
        full: dict[int, int] = defaultdict(int)
        for j, value, size in zip(js.tolist(), brought.tolist(), sizes.tolist(), strict=True):
            c = int(self.cls[j])
            full[c] += 1
            worst[c] = pick(worst[c], int(value) * size) if c in worst else int(value) * size
        total = int(const)
        for c, value in worst.items():
            partial = full[c] < len(self.reduced.classes[c].options[0])
            total += pick(value, 0) if partial else value
        return total

    def _first(self, g: int, js: NDArray[np.int64], t: int | None) -> dict[int, int]:
        """Per contract a column that is 1 if it is the smallest of the members active in month t (None: in any)."""
        lines = self.problem.options.line[self.opt[js]]
        fixed = [m for c, _ in self.fixed for m in c.lines]
        active = self.problem.usage.active
        here = self.there if t is None else active[:, t]
        key = (g, here[lines].tobytes() + here[fixed].tobytes())
        if key not in self.first:
            self.first[key] = self._presence(g, "any" if t is None else str(t), js, here)
        return self.first[key]

    def _presence(self, g: int, name: str, js: NDArray[np.int64], active: NDArray[np.bool_]) -> dict[int, int]:
        model, options, pool = self.model, self.problem.options, self.problem.pools[g]
        member = options.data_pool if pool.kind == "data" else options.voice_pool
        shown: list[tuple[int, int]] = []
        first: dict[int, int] = {}
        for c in [x for x in self.reduced.pool_contracts[g] if x >= 0]:
            e = model.column(f"has_{g}_{name}_{c}", 0, 0, 1, whole=True)
            mine = [j for j in js.tolist() if options.contract[self.opt[j]] == c and active[options.line[self.opt[j]]]]
            sure = any(
                member[o] == g and options.contract[o] == c and active[m]
                for group, o in self.fixed
                for m in group.lines
            )
            if sure:
                model.row(f"has_sure_{g}_{name}_{c}", "pool", [e], [1.0], 1, 1)
            else:
                for j in mine:
                    size = self.reduced.classes[self.cls[j]].size
                    model.row(f"has_up_{g}_{name}_{c}_{j}", "pool", [j, e], [1.0, -float(size)], high=0)
                model.row(f"has_down_{g}_{name}_{c}", "pool", [e, *mine], [1.0] + [-1.0] * len(mine), high=0)
            f = model.column(f"first_{g}_{name}_{c}", 0, 0, 1, whole=True)
            model.row(f"first_is_{g}_{name}_{c}", "pool", [f, e], [1.0, -1.0], high=0)
            for _, before in shown:
                model.row(f"first_not_{g}_{name}_{c}_{before}", "pool", [f, before], [1.0, 1.0], high=1)
            shown.append((c, e))
            first[c] = f
        none = model.column(f"first_{g}_{name}_none", 0, 0, 1, whole=True)
        for _, before in shown:
            model.row(f"none_not_{g}_{name}_{before}", "pool", [none, before], [1.0, 1.0], high=1)
        first[-1] = none
        model.row(f"first_one_{g}_{name}", "pool", list(first.values()), [1.0] * len(first), 1, 1)
        return first

    def _split_charge(self, name: str, g: int, n: int, price: float, high: float, first: dict[int, int]) -> None:
        """A pool's charge is spend of one contract or another, depending on who is in the pool."""
        model, parts = self.model, []
        for c, f in first.items():
            part = f"{name}_{'none' if c < 0 else c}"
            w = model.column(f"share_{part}", 0, 0, high)
            model.row(f"share_on_{part}", "pool", [w, f], [1.0, -high], high=0)
            parts.append(w)
            if contract_has_terms(self.problem, c):
                self.spend_terms[c].append((w, price))
        model.row(f"share_all_{name}", "pool", [n, *parts], [-1.0] + [1.0] * len(parts), 0, 0)

    # ---- contracts -------------------------------------------------------------------------------------------------

    def _contracts(self) -> None:
        for number, contract_id in enumerate(self.problem.contract_ids):
            if not contract_has_terms(self.problem, number):
                continue
            contract, const = self.problem.contracts[contract_id], self.spend_const[number]
            terms = self.spend_terms[number]
            if not terms:
                self._add_common_const(float(contract.charged(const) - const))
                continue
            low, high = self._spend_range(number, const)
            pieces = [s for s in contract.segments() if (s.high is None or s.high >= low) and s.low <= high]
            pieces = pieces or contract.segments()[:1]
            self._spend_function(number, pieces, terms, const, low, high)

    def _add_common_const(self, value: float) -> None:
        self.model.constant += self.mean * value
        self.common_const += value

    def _add_common(self, j: int, weight: float) -> None:
        self.model.cost[j] += self.mean * weight
        self.common.append((j, weight))

    def _spend_range(self, number: int, const: Fraction) -> tuple[Fraction, Fraction]:
        options, low, high = self.problem.options, const, const
        for group in self.reduced.classes:
            if len(group.options[0]) == 1:
                continue
            spends = [options.total[o] if options.contract[o] == number else 0 for o in group.options[0]]
            low += Fraction(min(spends) * group.size, PICO * self.total)
            high += Fraction(max(spends) * group.size, PICO * self.total)
        for j, weight in self.spend_terms[number]:
            if j >= len(self.opt):
                high += Fraction(self.model.high[j]) * Fraction(weight) + Fraction(1, MICRO)
        return low - Fraction(1, MICRO), high + Fraction(1, MICRO)

    def _spend_function(
        self,
        number: int,
        pieces: list[Segment],
        terms: list[tuple[int, float]],
        const: Fraction,
        low: Fraction,
        high: Fraction,
    ) -> None:
        model = self.model
        name = self.problem.contract_ids[number]
        group = "commitment" if not self.problem.contracts[name].tiers else "tiers"
        if len(pieces) == 1 or is_convex(pieces):
            s = model.column(f"spend_{number}", 0, float(low), float(high))
            self._spend_row(number, group, terms, [s], const)
            if len(pieces) == 1:
                self._add_common_const(float(pieces[0].fixed))
                self._add_common(s, float(pieces[0].slope - 1))
                return
            worst = max(abs(float(p.fixed)) + abs(float(p.slope - 1) * float(high)) for p in pieces) + 1.0
            a = model.column(f"adjust_{number}", 0, -worst, worst)
            self._add_common(a, 1.0)
            for m, p in enumerate(pieces):
                slope = float(p.slope - 1)
                model.row(f"adjust_{number}_{m}", group, [a, s], [1.0, -slope], low=float(p.fixed))
            return
        parts, choice = [], []
        for m, p in enumerate(pieces):
            begin = float(low if m == 0 else max(p.low, low))
            end = float(high if p.high is None else min(p.high, high))
            after = pieces[m + 1] if m + 1 < len(pieces) else None
            if after is not None and p.high is not None and p.high <= high and _jumps_up(p, after):
                end = float(p.high - self._resolution(number) / 2)  # at the threshold itself the dearer tier holds
            y = model.column(f"tier_{number}_{m}", 0, 0, 1, whole=True)
            s = model.column(f"spend_{number}_{m}", 0, min(0.0, begin), max(0.0, end))
            self._add_common(y, float(p.fixed))
            self._add_common(s, float(p.slope - 1))
            model.row(f"tier_from_{number}_{m}", group, [s, y], [1.0, -begin], low=0)
            model.row(f"tier_to_{number}_{m}", group, [s, y], [1.0, -end], high=0)
            parts.append(s)
            choice.append(y)
        model.row(f"tier_one_{number}", group, choice, [1.0] * len(choice), 1, 1)
        self._spend_row(number, group, terms, parts, const)

    def _resolution(self, number: int) -> Fraction:
        """Every possible spend of a contract is a multiple of this amount a month."""
        options, step = self.problem.options, 0
        for group in self.reduced.classes:
            for mine in group.options:
                for o in mine:
                    if options.contract[o] == number:
                        step = gcd(step, options.total[o])
        for g, contracts in enumerate(self.reduced.pool_contracts):
            if number in contracts:
                pool = self.problem.pools[g]
                step = gcd(step, pool.price * MICRO if pool.kind == "data" else pool.price)
                step = gcd(step, *(size.mrc * MICRO * self.total for size in pool.buckets))
        return Fraction(step, PICO * self.total)

    def _spend_row(
        self, number: int, group: str, terms: list[tuple[int, float]], parts: list[int], const: Fraction
    ) -> None:
        added: dict[int, float] = defaultdict(float)
        for j, weight in terms:
            added[j] += weight
        columns = [*added, *parts]
        values = [*added.values(), *([-1.0] * len(parts))]
        self.model.row(f"spend_of_{number}", group, columns, values, -float(const), -float(const))

    # ---- limits ----------------------------------------------------------------------------------------------------

    def _limits(self, built: Built) -> None:
        options, scenario, model = self.problem.options, self.problem.scenario, self.model
        moved = np.flatnonzero(options.changed[self.opt]) if len(self.opt) else np.zeros(0, dtype=np.int64)
        built.changes = (moved, np.ones(len(moved)))
        if scenario.max_changes is not None:
            made = sum(c.size for c, o in self.fixed if bool(options.changed[o]))
            model.row("changes", "max_changes", moved, np.ones(len(moved)), high=scenario.max_changes - made)
        self._carriers()
        for p in sorted(limited_plans(self.problem)):
            self._plan_limits(p)

    def _carriers(self) -> None:
        """Carriers in use: their fixed cost, and how many of them selected lines may have."""
        options, model, lines = self.problem.options, self.model, self.problem.lines
        most, (owed, costs) = self.problem.scenario.max_carriers, self.problem.carrier_costs
        self._add_common_const(float(owed))
        sure = {
            int(options.carrier[o]) for c, o in self.fixed if options.carrier[o] >= 0 and lines[c.lines[0]].selected
        }
        used: dict[int, int] = {}
        per_class: dict[tuple[int, int], list[int]] = defaultdict(list)
        for j, (c, o) in enumerate(zip(self.cls.tolist(), self.opt.tolist(), strict=True)):
            carrier = int(options.carrier[o])
            if carrier in costs or (most is not None and carrier >= 0 and carrier not in sure):
                per_class[c, carrier].append(j)
        for (c, carrier), js in per_class.items():
            group = "max_carriers" if carrier not in costs else "carrier_cost"
            if carrier not in used:
                used[carrier] = model.column(f"carrier_{carrier}", 0, 0, 1, whole=True)
                if carrier in costs:
                    self._add_common(used[carrier], float(costs[carrier]))
            size = float(self.reduced.classes[c].size)
            row = [*js, used[carrier]]
            model.row(f"carrier_{carrier}_{c}", group, row, [1.0] * len(js) + [-size], high=0)
        if most is not None:
            row = [z for carrier, z in used.items() if carrier not in sure]
            model.row("carriers", "max_carriers", row, [1.0] * len(row), high=most - len(sure))

    def _plan_limits(self, p: int) -> None:
        options, model, plan = self.problem.options, self.model, self.problem.plans[p]
        js = np.flatnonzero(options.plan[self.opt] == p) if len(self.opt) else np.zeros(0, dtype=np.int64)
        have = sum(c.size for c, o in self.fixed if options.plan[o] == p)
        most = have + sum(self.reduced.classes[c].size for c in {int(self.cls[j]) for j in js})
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

    # ---- risk ------------------------------------------------------------------------------------------------------

    def _cvar(self) -> None:
        """eta + sum of w_t s_t / (1 - alpha), s_t >= c_t - eta; a month's cost is bounded, so eta is too."""
        model, options = self.model, self.problem.options
        worst = float(1 - self.problem.scenario.alpha)
        shared: dict[int, float] = defaultdict(float)
        for j, weight in self.common:
            shared[j] += weight
        months: list[dict[int, float]] = []
        far = 0.0
        for t in range(self.span):
            row: dict[int, float] = defaultdict(float, shared)
            for j, o in enumerate(self.opt.tolist()):
                if options.monthly[o, t]:
                    row[j] += float(options.monthly[o, t])
            for j, price in self.month_terms[t]:
                row[j] += price
            size = sum(abs(w) * max(abs(model.low[j]), abs(model.high[j])) for j, w in row.items())
            far = max(far, size + abs(self.month_const[t]) + abs(self.common_const))
            months.append(row)
        eta = model.column("eta", self.risk, -far - 1, far + 1)
        for t, row in enumerate(months):
            s = model.column(f"above_{t}", self.risk * self.share[t] / worst, 0, 2 * far + 2)
            columns = [s, eta, *row]
            values = [1.0, 1.0, *(-w for w in row.values())]
            model.row(f"month_{t}", "cvar", columns, values, low=float(self.month_const[t]) + self.common_const)
        # the mean of the months already has its weight in the costs of options and pools


def _jumps_up(piece: Segment, after: Segment) -> bool:
    """Whether the contract charges more at the threshold than just below it."""
    at = after.low
    return piece.fixed + piece.slope * at < after.fixed + after.slope * at
