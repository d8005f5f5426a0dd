"""How many buckets each pool has, as the evaluator prices it: as given, or the cheapest of all that are possible.

Where no contract with terms and no bad months tie pools together, each pool is decided alone, exactly. Where they do,
all combinations over all pools are tried if they are few; else one pool after another until nothing gets cheaper. It
shares nothing with the models.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from math import prod

from optimize.buckets import Bucket
from optimize.priced import BucketCounts, PoolKey, PoolMonth
from optimize.scenario import Scenario

_MICRO = 10**6
_TOGETHER = 2_000  # combinations over all pools that are all tried
Counts = dict[str, int]
#: What pools are charged each month and what each contract's spend grows by (months by weight), to an exact objective.
Value = Callable[[Sequence[int], Mapping[str, int]], Fraction]


@dataclass
class Step:
    """A pool with some buckets: overage and MRC of each month, and spend of each contract (months by weight), picos.

    `above`: weight of the months in which its use is above its allowance.
    """

    counts: Counts
    brought: int
    """Allowance of the buckets, millionths."""
    mrc: int
    overage: list[int]
    weights: Sequence[int]
    spend: dict[str, int]
    above: int

    @property
    def charges(self) -> list[int]:
        """Overage and MRC of each month."""
        return [amount + self.mrc for amount in self.overage]

    @property
    def total(self) -> int:
        """All months by weight."""
        return sum((amount + self.mrc) * weight for amount, weight in zip(self.overage, self.weights, strict=True))

    def enter(self, pool: Sequence[PoolMonth]) -> None:
        """Write allowance and overage into the pool's months."""
        for month, charge in zip(pool, self.overage, strict=True):
            month.allowance += self.brought
            month.charge = charge


def sizes_of(scenario: Scenario, key: PoolKey) -> list[Bucket]:
    """The buckets that serve a pool."""
    kind, _, carrier, group = key
    return [b for b in scenario.buckets if (b.kind, b.carrier_id, b.pool_group) == (kind, carrier, group)]


def today(scenario: Scenario, key: PoolKey) -> Counts:
    """What a pool has now."""
    return {b.bucket_id: n for b in sizes_of(scenario, key) if (n := b.today.get(key[1], 0))}


def frozen(counts: BucketCounts | None) -> Hashable:
    """Counts as a key."""
    return None if counts is None else tuple((pool, *sorted(counts[pool].items())) for pool in sorted(counts))


def mrc_of(scenario: Scenario, key: PoolKey, counts: Mapping[str, int]) -> int:
    """What a pool's buckets cost a month, picos."""
    return sum(b.mrc * counts.get(b.bucket_id, 0) for b in sizes_of(scenario, key)) * _MICRO


@dataclass(frozen=True)
class Shops:
    """The pools of an assignment before they have buckets; `given` counts, None = today's.

    `overage` prices a month of a pool; `terms` are the contracts whose spend costs anything but itself; `weights` are
    those of the months.
    """

    scenario: Scenario
    pools: Mapping[PoolKey, Sequence[PoolMonth]]
    given: BucketCounts | None
    overage: Callable[[PoolKey, PoolMonth], int]
    terms: set[str]
    weights: Sequence[int]

    def as_given(self) -> dict[PoolKey, Step]:
        """Every pool with the counts that are given."""
        return {key: self._step(key, self._given(key)) for key in self.pools}

    def cheapest(self, value: Value) -> dict[PoolKey, Step]:
        """Every pool with counts that together cost least by `value`; the given ones where nothing is cheaper.

        Only counts that keep the limit on overage, where a pool has any.
        """
        found, tied = {}, {}
        for key, pool in self.pools.items():
            if not sizes_of(self.scenario, key) or not self._used(key):
                found[key] = self._step(key, {})
            elif self.scenario.cvar_weight or self.terms & _contracts(pool):
                steps = [self._step(key, counts) for counts in self._menu(key, alone=False)]
                tied[key] = [step for step in steps if self._keeps_limit(key, step)] or steps
            else:
                found[key] = self._alone(key)
        if tied:
            sure, spend = added(found.values(), len(self.weights))

            def whole(charges: Sequence[int], more: Mapping[str, int]) -> Fraction:
                months = [a + b for a, b in zip(sure, charges, strict=True)]
                return value(months, {c: spend.get(c, 0) + more.get(c, 0) for c in {*spend, *more}})

            start = [next((s for s in steps if s.counts == self._given(key)), steps[0]) for key, steps in tied.items()]
            found |= dict(zip(tied, _together(list(tied.values()), start, whole), strict=True))
        return {key: found[key] for key in self.pools}

    def _used(self, key: PoolKey) -> bool:
        """Whether anybody is in the pool in any month; only then it may buy."""
        return any(month.members for month in self.pools[key])

    def _given(self, key: PoolKey) -> Counts:
        if not self._used(key):
            return {}
        if self.given is None:
            return today(self.scenario, key)
        return {bucket: n for bucket, n in self.given.get(key, {}).items() if n}

    def _menu(self, key: PoolKey, *, alone: bool) -> list[Counts]:
        """What a pool could have, today's first, then by MRC; `alone` leaves out what brings no more for more."""
        sizes = sizes_of(self.scenario, key)
        found = []
        for many in product(*(range(self._most(b, key[1]) + 1) for b in sizes)):
            if self.scenario.bucket_steps == "any" or sum(n > 0 for n in many) <= 1:
                mrc = sum(n * b.mrc for n, b in zip(many, sizes, strict=True))
                brought = sum(n * b.allowance for n, b in zip(many, sizes, strict=True))
                found.append((mrc, -brought, {b.bucket_id: n for n, b in zip(many, sizes, strict=True) if n}))
        found.sort(key=lambda row: row[:2])
        now = today(self.scenario, key)
        kept, most = [now], -1
        for _, less, counts in found:
            if counts != now and (not alone or -less > most):
                kept.append(counts)
            most = max(most, -less)
        return kept

    def _most(self, bucket: Bucket, account: str) -> int:
        if bucket.offer_id is None or bucket.offer_id in self.scenario.offers:
            return bucket.max_per_pool
        return bucket.today.get(account, 0)

    def _alone(self, key: PoolKey) -> Step:
        now, *others = self._menu(key, alone=True)
        best = self._step(key, now)
        kept = self._keeps_limit(key, best)
        for counts in others:
            if kept and mrc_of(self.scenario, key, counts) * sum(self.weights) >= best.total:
                break  # those that follow cost no less
            step = self._step(key, counts)
            if self._keeps_limit(key, step) and (not kept or step.total < best.total):
                best, kept = step, True
        return best

    def _keeps_limit(self, key: PoolKey, step: Step) -> bool:
        """Whether a pool is above its allowance no more often than it may be."""
        rule = self.scenario.overage_probability
        return rule is None or key[0] not in rule.kinds or step.above <= rule.limit * sum(self.weights)

    def _step(self, key: PoolKey, counts: Counts) -> Step:
        pool, mrc = self.pools[key], mrc_of(self.scenario, key, counts)
        brought = sum(b.allowance * counts.get(b.bucket_id, 0) for b in sizes_of(self.scenario, key))
        spend: dict[str, int] = defaultdict(int)
        overage, above = [], 0
        for month, weight in zip(pool, self.weights, strict=True):
            above += weight if month.used > month.allowance + brought else 0
            overage.append(self.overage(key, PoolMonth(month.allowance + brought, month.used)))
            if month.contracts:
                spend[min(month.contracts)] += overage[-1] * weight
        if mrc and (under := _contracts(pool)):
            spend[min(under)] += mrc * sum(self.weights)
        return Step(counts, brought, mrc, overage, self.weights, dict(spend), above)


def _contracts(pool: Sequence[PoolMonth]) -> set[str]:
    """The contracts of all members, whatever month they are active in."""
    return set().union(*(month.contracts for month in pool))


def added(steps: Iterable[Step], months: int) -> tuple[list[int], dict[str, int]]:
    """Charges of each month and spend of each contract of some pools together."""
    charges, spend = [0] * months, defaultdict[str, int](int)
    for step in steps:
        charges = [a + b for a, b in zip(charges, step.charges, strict=True)]
        for contract, amount in step.spend.items():
            spend[contract] += amount
    return charges, spend


def _together(menus: Sequence[Sequence[Step]], start: Sequence[Step], value: Value) -> list[Step]:
    """One step of each menu so that together they cost least; the first of equals.

    All combinations where they are few. Else pool after pool: from the steps that are cheapest without any contract,
    and from `start` where that is cheaper than what they lead to.
    """
    months = len(start[0].overage)
    if prod(len(steps) for steps in menus) <= _TOGETHER:
        return list(min(product(*menus), key=lambda picked: value(*added(picked, months))))
    found, low = _descent(menus, [min(steps, key=lambda step: step.total) for steps in menus], value)
    return found if low < value(*added(start, months)) else _descent(menus, start, value)[0]


def _descent(menus: Sequence[Sequence[Step]], start: Sequence[Step], value: Value) -> tuple[list[Step], Fraction]:
    """Steps that no other step of a single pool makes cheaper, and what they cost."""
    best = list(start)
    charges, spend = added(best, len(start[0].overage))
    low, better = value(charges, spend), True
    while better:
        better = False
        for n, steps in enumerate(menus):
            for step in steps:
                tried = _changed(charges, spend, best[n], step)
                if (cost := value(*tried)) < low:
                    best[n], low, better = step, cost, True
                    charges, spend = tried
    return best, low


def _changed(charges: list[int], spend: dict[str, int], old: Step, new: Step) -> tuple[list[int], dict[str, int]]:
    found = defaultdict(int, spend)
    for sign, step in ((-1, old), (1, new)):
        for contract, amount in step.spend.items():
            found[contract] += sign * amount
    return [a - b + c for a, b, c in zip(charges, old.charges, new.charges, strict=True)], found
