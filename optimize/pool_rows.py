"""Rows of pools: overage month by month, the buckets they buy, and whose spend both are.

Pool quantities are MB or minutes.
"""

from __future__ import annotations

from collections import defaultdict
from fractions import Fraction
from math import gcd
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optimize.bucket_rows import BucketColumns, bucket_columns, need_members
from optimize.draft import Draft
from optimize.overage_limit import OverRows, PoolLimit
from optimize.problem import MICRO
from optimize.reduce import contract_has_terms, split_pools

_TINY_BLOCKS = 0.0005  # overage blocks worth less than this a month in total are not counted as integers


class PoolRows:
    """Writes the rows of all pools into a draft, and says where they are.

    `rows`: per pool the rows whose right side is allowance: overage, and being above the allowance where that is
    limited; `over`: the pools that may be above it in some months only; `buckets`: per pool that may buy buckets the
    columns of their counts, in the pool's order.
    """

    def __init__(self, draft: Draft) -> None:
        self.draft, self.problem, self.reduced, self.model = draft, draft.problem, draft.reduced, draft.model
        self.limited = set(self.problem.limited_pools)
        self.rows: dict[int, list[int]] = {}
        self.over: list[OverRows] = []
        self.buckets: dict[int, list[int]] = {}
        self._firsts: dict[tuple[int, bytes], dict[int, int]] = {}

    def write(self) -> None:
        """The rows of every pool that some option is in."""
        options = self.problem.options
        split = split_pools(self.problem, self.reduced)
        here = np.array([o for group in self.reduced.classes for mine in group.options for o in mine], dtype=np.int64)
        for g in np.union1d(options.data_pool[here], options.voice_pool[here]).tolist():
            if g < 0:
                continue
            pool = self.problem.pools[g]
            member = options.data_pool if pool.kind == "data" else options.voice_pool
            pull = self.reduced.pull[pool.kind]
            js = np.flatnonzero(member[self.draft.opt] == g)
            const = np.zeros(self.draft.span, dtype=object)
            for group, columns in zip(self.reduced.classes, self.draft.columns, strict=True):
                const += self._class_constant(group.options, columns, member, g, pull)
            # within a class whose lines are all in this pool, the members' own use is in the constant
            coefficients = self._pull_of(js, member, g, pull)
            bought = self._buckets(g, js, member, g in split)
            self._pool_months(g, js, coefficients, const, g in split, bought)

    def _buckets(self, g: int, js: NDArray[np.int64], member: NDArray[Any], is_split: bool) -> BucketColumns | None:
        """The counts of a pool's buckets: bought for the whole range, paid to the contract of the pool's members."""
        pool, model = self.problem.pools[g], self.model
        if not pool.buckets:
            return None
        one = self.problem.scenario.bucket_steps == "one"
        bought = bucket_columns(model, g, pool, self.draft.mean, one=one)
        self.buckets[g] = bought.columns.tolist()
        inside = False
        for group in self.reduced.classes:
            inside = inside or (
                all(member[o] == g for o in group.options[0]) and bool(self.draft.there[group.lines].any())
            )
        if not inside:
            need_members(model, g, pool, bought, js[self.draft.there[self.problem.options.line[self.draft.opt[js]]]])
        for terms in self.draft.month_terms:
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
        found = pull[self.draft.opt[js]].copy()
        for row, j in enumerate(js.tolist()):
            options = self.reduced.classes[self.draft.cls[j]].options[0]
            if all(member[o] == g for o in options):
                found[row] = found[row] - pull[options[0]]
        return found

    def _pool_months(
        self,
        g: int,
        js: NDArray[np.int64],
        pull: NDArray[Any],
        const: Any,
        is_split: bool,
        bought: BucketColumns | None,
    ) -> None:
        pool, model = self.problem.pools[g], self.model
        sizes = np.array([self.reduced.classes[c].size for c in self.draft.cls[js]], dtype=object)
        data = pool.kind == "data"
        unit_price = float(Fraction(pool.price, MICRO))
        step = pool.block if data else 1
        small = unit_price * len(self.problem.pools) < _TINY_BLOCKS
        exact = g in self.reduced.exact_pools
        limit = PoolLimit(model, f"{pool.kind}_{g}", self.problem.weights)
        for t in range(self.draft.span):
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
            cost = self.draft.mean * unit_price * self.draft.share[t]
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
            self.rows.setdefault(g, []).append(row)
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
            self.draft.month_terms[t].append((n, unit_price))
            if is_split:
                self._split_charge(f"{g}_{t}", g, n, unit_price * self.draft.share[t], high, self._first(g, js, t))
            else:
                self._owned(g, n, unit_price * self.draft.share[t])
        rule = self.problem.scenario.overage_probability
        if g in self.limited and rule is not None and (rows := limit.close(rule.limit)) is not None:
            self.over.append(rows)
            self.rows.setdefault(g, []).extend(rows.months.values())

    def _owned(self, g: int, j: int, price: float) -> None:
        """A charge of a pool whose members are all under one contract is its spend; `price` a month in the mean."""
        for c in self.reduced.pool_contracts[g]:
            if contract_has_terms(self.problem, c):
                self.draft.spend_terms[c].append((j, price))

    def _extreme(self, js: NDArray[np.int64], brought: Any, sizes: Any, const: int, pick: Any) -> int:
        """Largest or smallest excess the pool can have, each class at its worst."""
        worst: dict[int, int] = {}
        full: dict[int, int] = defaultdict(int)
        for j, value, size in zip(js.tolist(), brought.tolist(), sizes.tolist(), strict=True):
            c = int(self.draft.cls[j])
            full[c] += 1
            worst[c] = pick(worst[c], int(value) * size) if c in worst else int(value) * size
        total = int(const)
        for c, value in worst.items():
            partial = full[c] < len(self.reduced.classes[c].options[0])
            total += pick(value, 0) if partial else value
        return total

    def _first(self, g: int, js: NDArray[np.int64], t: int | None) -> dict[int, int]:
        """Per contract a column that is 1 if it is the smallest of the members active in month t (None: in any)."""
        lines = self.problem.options.line[self.draft.opt[js]]
        fixed = [m for c, _ in self.draft.fixed for m in c.lines]
        active = self.problem.usage.active
        here = self.draft.there if t is None else active[:, t]
        key = (g, here[lines].tobytes() + here[fixed].tobytes())
        if key not in self._firsts:
            self._firsts[key] = self._presence(g, "any" if t is None else str(t), js, here)
        return self._firsts[key]

    def _presence(self, g: int, name: str, js: NDArray[np.int64], active: NDArray[np.bool_]) -> dict[int, int]:
        model, options, pool = self.model, self.problem.options, self.problem.pools[g]
        member = options.data_pool if pool.kind == "data" else options.voice_pool
        shown: list[tuple[int, int]] = []
        first: dict[int, int] = {}
        for c in [x for x in self.reduced.pool_contracts[g] if x >= 0]:
            e = model.column(f"has_{g}_{name}_{c}", 0, 0, 1, whole=True)
            mine = [
                j
                for j in js.tolist()
                if options.contract[self.draft.opt[j]] == c and active[options.line[self.draft.opt[j]]]
            ]
            sure = any(
                member[o] == g and options.contract[o] == c and active[m]
                for group, o in self.draft.fixed
                for m in group.lines
            )
            if sure:
                model.row(f"has_sure_{g}_{name}_{c}", "pool", [e], [1.0], 1, 1)
            else:
                for j in mine:
                    size = self.reduced.classes[self.draft.cls[j]].size
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
                self.draft.spend_terms[c].append((w, price))
        model.row(f"share_all_{name}", "pool", [n, *parts], [-1.0] + [1.0] * len(parts), 0, 0)
