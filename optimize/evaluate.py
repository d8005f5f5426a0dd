"""The independent evaluator: what an assignment of plans costs, from raw usage, in exact arithmetic.

It reads the canonical tables itself and shares no code with the pricing engine, the models or the solver; every cost
that is reported comes from here. Money is whole picos (1e-12) per month: 64-bit where a bound of the figures shows that
they fit, Python integers where not, sums always exact; fractions where something is divided (`interfaces.md` section 3
and section 4, items 1-24).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from copy import copy
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from optimize import line_charges
from optimize.bucket_choice import Shops, added, frozen, mrc_of
from optimize.limits import Limits, read_coverage
from optimize.placement import Placement
from optimize.pool_use import PoolUse
from optimize.priced import MICRO, PICO, Assignment, BucketCounts, ContractCost, Priced, contract_cost, overage
from optimize.pulls import FITS, Numbers
from optimize.raw_lines import exact_sums, exact_total, read_lines, records, weighted
from optimize.scenario import Scenario
from optimize.scope import Setting

_REMEMBERED = 4  # assignments whose cost is kept: a search asks again for the ones that it starts and ends with


class Evaluator:
    """Prices assignments of one scenario on one set of tables.

    `lines`: the rows of the services table by service_id (see :class:`optimize.raw_lines.RawLines`); `plans`: the rows
    of the plans table by plan_id; `place`: where lines end up; `pool_use`: what pools charge; `limits`: what is
    allowed.
    """

    def __init__(self, frames: Mapping[str, pd.DataFrame], scenario: Scenario, setting: Setting) -> None:
        self.scenario = scenario
        self.months, self.drawn = list(setting.months), setting.scenarios
        self.currency = setting.currency
        self.plans = _plans(frames)
        self.raw = read_lines(frames, scenario, self.months, self.drawn, self.plans, self.currency)
        self.lines = self.raw.rows
        self.place = Placement(frames, scenario, self.months, self.currency, self.lines, self.plans)
        self.pool_use = PoolUse(self.place, self.raw, scenario, self.drawn)
        self.limits = Limits(self.place, self.raw, scenario, read_coverage(frames))
        self._known: dict[tuple[Any, ...], Priced] = {}

    def under(self, scenario: Scenario, frames: Mapping[str, pd.DataFrame], changed: set[str]) -> Evaluator:
        """The same lines and use under another scenario (same months, filter and growth) and other terms.

        `changed` names the tables among plans, contracts, contract_tiers and coverage that are to be read again.
        """
        found = copy(self)
        found.scenario, found._known = scenario, {}
        if "plans" in changed:
            found.plans = _plans(frames)
        found.place = self.place.under(scenario, frames, changed, found.plans)
        found.pool_use = PoolUse(found.place, self.raw, scenario, self.drawn)
        covered = read_coverage(frames) if "coverage" in changed else self.limits.covered
        found.limits = Limits(found.place, self.raw, scenario, covered)
        return found

    # ---- prices ----------------------------------------------------------------------------------------------------

    def charges(self, plan_id: str | None, rows: Numbers) -> NDArray[Any]:
        """Charges of lines in each month outside pools, picos: rows x T; suspended lines: the suspension's price."""
        total = self.drawn.total
        if plan_id is None:
            return line_charges.suspended(self.raw, rows, self.scenario.suspend_price * MICRO, total)
        plan = self.plans[plan_id]
        mrc = self.scenario.plan_price.get(plan_id, plan["mrc"]) * MICRO
        return line_charges.charges(plan, mrc, self.raw, rows, total)

    def totals(self, assignment: Assignment) -> dict[str, int]:
        """Charges of all months by weight, outside pools, of each named service on its plan, picos."""
        ids = list(assignment)
        rows, chosen = self.place.numbered(assignment)
        found: dict[str, int] = {}
        for p, places in self.place.by_plan(chosen):
            sums = weighted(self.charges(self.place.plan_ids[p] if p >= 0 else None, rows[places]), self.drawn.weights)
            found.update(zip((ids[n] for n in places.tolist()), sums.tolist(), strict=True))
        return found

    def price(
        self, assignment: Assignment | None = None, buckets: BucketCounts | None = None, *, improve: bool = False
    ) -> Priced:
        """The exact cost of an assignment (today's plans for services it does not name) with given buckets.

        Without `buckets` every pool has today's. With `improve` they are where the search for cheaper counts starts;
        counts that break the limit on overage are no candidates, unless the pool has no others.
        """
        chosen = self.place.chosen(assignment)
        key = (chosen.tobytes(), *((frozen(buckets), improve) if self.scenario.buckets else ()))
        found = self._known.pop(key, None) or self._price(chosen, buckets, improve)
        self._known[key] = found
        while len(self._known) > _REMEMBERED:
            del self._known[next(iter(self._known))]
        return found

    def _price(self, chosen: Numbers, buckets: BucketCounts | None, improve: bool) -> Priced:
        span, weights = self.drawn.total, self.drawn.weights
        account, contract, stays = self.place.homes(chosen)
        outside, totals = self._priced(chosen)
        changed = chosen != self.place.today
        moved = changed & ~stays
        fees = int(np.count_nonzero(changed & stays)) * self.scenario.change_fee * MICRO
        fees += int(np.count_nonzero(moved)) * self.scenario.porting_fee * MICRO
        fees += sum(self.place.moving_fees(chosen[moved], np.flatnonzero(moved)).tolist())
        kept = chosen >= 0
        spend: dict[str, int] = defaultdict(int)
        under = kept & (contract >= 0)
        for c, amount in zip(*(a.tolist() for a in exact_sums(contract[under], totals[under])), strict=True):
            spend[self.place.contract_ids[c]] += amount
        carrier = self.place.carrier_of[np.where(kept, chosen, self.place.today)]
        by_carrier: dict[str, Fraction] = defaultdict(Fraction)
        for c, amount in zip(*(a.tolist() for a in exact_sums(carrier, totals)), strict=True):
            by_carrier[self.place.carriers[c]] += Fraction(amount, PICO * span)
        counts = np.bincount(carrier[kept], minlength=len(self.place.carriers)).tolist()
        lines_by_carrier = {self.place.carriers[c]: n for c, n in enumerate(counts) if n}
        fixed = {
            c: Fraction(amount, MICRO)
            for c, amount in sorted(self.scenario.carrier_fixed_cost.items())
            if amount and c in lines_by_carrier
        }
        for name, owed in fixed.items():
            by_carrier[name] += owed
        monthly_fees = Fraction(fees, PICO * self.scenario.horizon_months)
        changes = int(np.count_nonzero(changed))
        pools = self.pool_use.filled(chosen, account, contract)

        def settled(charges: Sequence[int], more: Mapping[str, int]) -> tuple[list[ContractCost], Fraction, list[int]]:
            spends = {c: Fraction(spend[c] + more.get(c, 0), PICO * span) for c in self.place.in_force}
            costs = [contract_cost(self.place.contracts[c], self.place.tiers.get(c, ()), s) for c, s in spends.items()]
            months = [a + b for a, b in zip(outside, charges, strict=True)]
            extra = sum((c.shortfall - c.discount for c in costs), Fraction(0)) + sum(fixed.values(), Fraction(0))
            gross = sum(amount * weight for amount, weight in zip(months, weights, strict=True))
            return costs, Fraction(gross, PICO * span) + extra, months

        def value(charges: Sequence[int], more: Mapping[str, int]) -> Fraction:
            _, amount, months = settled(charges, more)
            return self._objective(amount + monthly_fees, months, changes)

        shops = Shops(self.scenario, pools, buckets, self.pool_use.price, self.place.with_terms, weights)
        bought = shops.cheapest(value) if improve else shops.as_given()
        for key, step in bought.items():
            step.enter(pools[key])
            by_carrier[key[2]] += Fraction(step.total, PICO * span)
        contracts, running, by_month = settled(*added(bought.values(), len(weights)))
        for cost in contracts:
            if cost.carrier_id is not None and (cost.shortfall or cost.discount):
                by_carrier[cost.carrier_id] += cost.shortfall - cost.discount
        cost_of_month = running + monthly_fees
        return Priced(
            cost=cost_of_month,
            objective=self._objective(cost_of_month, by_month, changes),
            total_cost=running * len(self.months),
            fees=monthly_fees,
            changes=changes,
            by_carrier=dict(sorted(by_carrier.items())),
            lines_by_carrier=lines_by_carrier,
            carrier_fixed_cost=fixed,
            by_service=dict(zip(self.place.ids, totals.tolist(), strict=True)),
            by_month=by_month,
            pools=pools,
            buckets={key: step.counts for key, step in bought.items() if step.counts},
            contracts=contracts,
        )

    def _priced(self, chosen: Numbers) -> tuple[list[int], NDArray[Any]]:
        """Charges outside pools of each month, all lines together, and of each line, all months by weight; picos."""
        by_month = [0] * len(self.drawn.months)
        weights = None if set(self.drawn.weights) == {1} else np.array(self.drawn.weights, dtype=np.int64)
        totals = np.zeros(len(chosen), dtype=object)
        for p, places in self.place.by_plan(chosen):
            cost = self.charges(self.place.plan_ids[p] if p >= 0 else None, places)
            by_month = [a + b for a, b in zip(by_month, exact_total(cost).tolist(), strict=True)]
            weighed = cost if weights is None else cost * weights
            totals[places] = weighed.sum(axis=1)  # a line's months fit, see `charges`
        small = not len(totals) or max(abs(min(totals)), abs(max(totals))) < FITS
        return by_month, totals.astype(np.int64) if small else totals

    def contract_months(self, assignment: Assignment, priced: Priced, contract_id: str) -> list[Fraction]:
        """Gross spend of a contract in each scenario month under an assignment, before discount and fees."""
        chosen = self.place.chosen(assignment)
        _, contract, _ = self.place.homes(chosen)
        number = self.place.contract_ids.index(contract_id) if contract_id in self.place.contract_ids else -2
        mine = np.flatnonzero((contract == number) & (chosen >= 0))
        months = [0] * len(self.drawn.months)
        for p, places in self.place.by_plan(chosen[mine]):
            cost = exact_total(self.charges(self.place.plan_ids[p], mine[places])).tolist()
            months = [a + b for a, b in zip(months, cost, strict=True)]
        for key, pool in priced.pools.items():
            for n, month in enumerate(pool):
                if month.contracts and min(month.contracts) == contract_id:
                    months[n] += month.charge
            if min(set().union(*(month.contracts for month in pool)), default=None) == contract_id:
                bought = mrc_of(self.scenario, key, priced.buckets.get(key, {}))
                months = [amount + bought for amount in months]
        return [Fraction(amount, PICO) for amount in months]

    def _objective(self, cost: Fraction, by_month: list[int], changes: int) -> Fraction:
        weight = self.scenario.cvar_weight
        value = cost * (1 - weight)
        if weight:
            span, weights = self.drawn.total, self.drawn.weights
            gross = sum(amount * w for amount, w in zip(by_month, weights, strict=True))
            same = cost - Fraction(gross, PICO * span)
            months = [(Fraction(amount, PICO) + same, w) for amount, w in zip(by_month, weights, strict=True)]
            tail = (1 - self.scenario.alpha) * span
            above = {eta: sum(((m - eta) * w for m, w in months if m > eta), Fraction(0)) for eta, _ in months}
            value += weight * min(eta + excess / tail for eta, excess in above.items())
        return value + Fraction(self.scenario.min_saving_per_change * changes, MICRO)

    def violations(
        self, assignment: Assignment | None = None, buckets: BucketCounts | None = None, *, improve: bool = False
    ) -> list[str]:
        """The named groups of constraints that an assignment violates, in a fixed order; buckets as in `price`."""
        chosen, scenario = self.place.chosen(assignment), self.scenario
        broken = self.limits.broken(chosen)
        if scenario.overage_probability is not None and scenario.limited_kinds:
            if scenario.buckets:
                pools = self.price(assignment, buckets, improve=improve).pools
            else:
                pools = self.pool_use.filled(chosen, *self.place.homes(chosen)[:2])
            odds = overage(pools, self.drawn.weights, scenario.limited_kinds)
            if any(share > scenario.overage_probability.limit for share in odds.pools.values()):
                broken.add("overage_probability")
        return sorted(broken)


def _plans(frames: Mapping[str, pd.DataFrame]) -> dict[str, dict[str, Any]]:
    return {row["plan_id"]: row for row in records(frames, "plans")}
