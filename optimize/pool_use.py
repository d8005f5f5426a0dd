"""What pools bring, use and charge month by month, and what one line's move changes in them; the evaluator's own.

Section 4 of `interfaces.md`, items 13-15: overage is charged per month on the pool's total, per started block of data.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optimize.placement import Placement
from optimize.priced import MICRO, Assignment, PoolKey, PoolMonth, Priced
from optimize.pulls import FITS, Numbers, Pulls, blocks, peak
from optimize.raw_lines import RawLines, exact_sums, weighted
from optimize.scenario import Scenario
from optimize.scenario_set import ScenarioSet

_POOLED = {"data": ("pool_group", "data_mb"), "voice": ("voice_pool_group", "voice_min")}


class PoolUse:
    """The pools of a scenario's lines, wherever the lines are placed."""

    def __init__(self, place: Placement, raw: RawLines, scenario: Scenario, drawn: ScenarioSet) -> None:
        self.place, self.raw, self.scenario, self.drawn = place, raw, scenario, drawn
        self._groups: dict[str, list[tuple[str, str]]] = {}
        self._group_of: dict[str, Numbers] = {}
        self._allowance_of: dict[str, Numbers] = {}
        for kind, (group, allowance) in _POOLED.items():
            keys = sorted({(p["carrier_id"], p[group]) for p in place.plans.values() if p.get(group) is not None})
            number = {key: n for n, key in enumerate(keys)}
            self._groups[kind] = keys
            places = [number.get((p["carrier_id"], p.get(group)), -1) for p in place.plans.values()]
            self._group_of[kind] = np.array(places, dtype=np.int64)
            self._allowance_of[kind] = np.array([p.get(allowance) or 0 for p in place.plans.values()], dtype=np.int64)
        self._plans: dict[tuple[str, str, str], Mapping[str, Any]] = {}

    def filled(self, chosen: Numbers, account: Numbers, contract: Numbers) -> dict[PoolKey, list[PoolMonth]]:
        """What the members bring to every pool that has one, month by month, not yet priced."""
        pools: dict[PoolKey, list[PoolMonth]] = {}
        for kind, groups in self._groups.items():
            group = np.where(chosen >= 0, self._group_of[kind][chosen], -1) if len(groups) else np.full(len(chosen), -1)
            rows = np.flatnonzero(group >= 0)
            if not len(rows):
                continue
            code = account[rows] * len(groups) + group[rows]
            active = self.raw.active[rows].astype(np.int64)
            found, allowance = exact_sums(code, active * self._allowance_of[kind][chosen[rows]][:, None])
            used = exact_sums(code, self.raw.home[kind][rows])[1].tolist()
            members = exact_sums(code, active)[1].tolist()
            names = self._present(code, contract[rows], active)
            for n, (c, brought) in enumerate(zip(found.tolist(), allowance.tolist(), strict=True)):
                carrier, name = groups[c % len(groups)]
                key = (kind, self.place.account_ids[c // len(groups)], carrier, name)
                pools[key] = [
                    PoolMonth(brought[t], used[n][t], members[n][t], 0, names.get((c, t), set()))
                    for t in range(len(self.drawn.months))
                ]
        return dict(sorted(pools.items()))

    def _present(self, code: Numbers, contract: Numbers, active: Numbers) -> dict[tuple[int, int], set[str]]:
        """By pool and month the contracts of the members that are active."""
        found: dict[tuple[int, int], set[str]] = defaultdict(set)
        under = contract >= 0
        width = max(1, len(self.place.contract_ids))
        pairs, count = exact_sums(code[under] * width + contract[under], active[under])
        for pair, months in zip(pairs.tolist(), count.tolist(), strict=True):
            for t, members in enumerate(months):
                if members:
                    found[pair // width, t].add(self.place.contract_ids[pair % width])
        return found

    def price(self, key: PoolKey, month: PoolMonth) -> int:
        """Overage of a pool in a month, picos."""
        kind, _, carrier, group = key
        plan, excess = self._plan_of(kind, carrier, group), max(0, month.used - month.allowance)
        if kind == "data":
            block = int(plan.get("data_overage_block_mb") or MICRO)
            return -(-excess // block) * int(plan.get("data_overage_price") or 0) * MICRO
        return excess * int(plan.get("voice_overage_price") or 0)

    def _plan_of(self, kind: str, carrier: str, group: str) -> Mapping[str, Any]:
        name = "pool_group" if kind == "data" else "voice_pool_group"
        cache = self._plans
        if (kind, carrier, group) not in cache:
            used = {self.place.plan_ids[p] for p in np.unique(self.place.today).tolist()}
            members = [p for p in self.place.plans.values() if p["carrier_id"] == carrier and p.get(name) == group]
            usable = [p for p in members if p["plan_id"] in used or p.get("offer_id") in (None, *self.scenario.offers)]
            cache[(kind, carrier, group)] = (usable or members)[0]
        return cache[(kind, carrier, group)]

    def changes(self, priced: Priced, now: Assignment, new: Assignment) -> dict[str, int]:
        """What pools charge less, all months by weight (picos), if one line alone goes from `now` to `new`; exact.

        One figure per service of `now`, each with every other line as in `priced`.
        """
        ids = list(now)
        rows = np.array([self.place.lines[s]["n"] for s in ids], dtype=np.int64)
        less = dict.fromkeys(ids, 0)
        for kind in self._groups:
            leaves = self._pulls(kind, rows, list(now.values()))
            joins = self._pulls(kind, rows, [new[s] for s in ids])
            same = leaves.code == joins.code
            for pulls, there, sign in ((leaves, leaves.code >= 0, -1), (joins, (joins.code >= 0) & ~same, 1)):
                for c in np.unique(pulls.code[there]).tolist():
                    places = np.flatnonzero(there & (pulls.code == c))
                    step = sign * pulls.of(places)
                    if sign < 0:
                        stays = same[places]
                        step[stays] = step[stays] + joins.of(places[stays])
                    for place, saved in zip(places.tolist(), self._saved(kind, c, priced, step), strict=True):
                        less[ids[place]] += saved
        return less

    def _pulls(self, kind: str, rows: Numbers, plan_ids: list[str | None]) -> Pulls:
        chosen = np.array([-1 if p is None else self.place.plan_number[p] for p in plan_ids], dtype=np.int64)
        account, _, _ = self.place.homes(chosen, rows)
        group = np.where(chosen >= 0, self._group_of[kind][chosen], -1)
        code = np.where(group >= 0, account * len(self._groups[kind]) + group, -1)
        brought = np.where(chosen >= 0, self._allowance_of[kind][chosen], 0)
        return Pulls(code, rows, brought, self.raw.home[kind], self.raw.active)

    def _saved(self, kind: str, code: int, priced: Priced, step: NDArray[Any]) -> list[int]:
        """What one pool charges less, months by weight, if its use less allowance changes by each row of `step`."""
        carrier, group = self._groups[kind][code % len(self._groups[kind])]
        key = (kind, self.place.account_ids[code // len(self._groups[kind])], carrier, group)
        months = priced.pools.get(key) or [PoolMonth() for _ in self.drawn.months]
        excess = [m.used - m.allowance for m in months]
        if max(map(abs, excess)) + peak(step) >= FITS:
            step = step.astype(object)
        before = np.array(excess, dtype=step.dtype)
        plan = self._plan_of(kind, carrier, group)
        if kind == "data":
            block = int(plan.get("data_overage_block_mb") or MICRO)
            price = int(plan.get("data_overage_price") or 0) * MICRO
            units = blocks(before, block)[None, :] - blocks(before[None, :] + step, block)
        else:
            price = int(plan.get("voice_overage_price") or 0)
            units = np.maximum(before, 0)[None, :] - np.maximum(before[None, :] + step, 0)
        return [int(n) * price for n in weighted(units, self.drawn.weights)]
