"""What the evaluator returns: the exact cost of an assignment, its pools month by month, its contracts.

Nothing here is shared with the solver.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

MICRO = 10**6
PICO = 10**12
#: service_id -> plan_id, or None for a suspended service. A service that is not named keeps its plan.
Assignment = Mapping[str, str | None]
PoolKey = tuple[str, str, str, str]  # kind, account_id, carrier_id, group
#: How many buckets of each bucket_id a pool has; a pool or bucket that is not named has none.
BucketCounts = Mapping[PoolKey, Mapping[str, int]]


@dataclass
class PoolMonth:
    """One pool in one month: what its members and buckets bring, what is used (millionths of MB or minutes), and what
    its overage costs (picos)."""

    allowance: int = 0
    used: int = 0
    members: int = 0
    charge: int = 0
    contracts: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Overage:
    """Observed probability of overage: share of the months, by weight, in which use is above the allowance."""

    pools: dict[PoolKey, Fraction]
    estate: Fraction
    """Share of the months in which any pool is."""


def overage(
    pools: Mapping[PoolKey, Sequence[PoolMonth]], weights: Sequence[int], kinds: Collection[str] = ("data", "voice")
) -> Overage:
    """The probability of overage of each pool of these kinds and of all of them together, charged for or not."""
    above = {key: [m.used > m.allowance for m in months] for key, months in pools.items() if key[0] in kinds}
    total = sum(weights)
    any_of = [any(column) for column in zip(*above.values(), strict=True)]

    def share(months: Sequence[bool]) -> Fraction:
        return Fraction(sum(w for w, over in zip(weights, months, strict=False) if over), total)

    return Overage({key: share(months) for key, months in above.items()}, share(any_of))


@dataclass(frozen=True)
class ContractCost:
    """A contract in force: monthly spend, discount, commitment, shortfall, as exact amounts of currency."""

    contract_id: str
    carrier_id: str | None
    spend: Fraction
    discount: Fraction
    commitment: Fraction
    shortfall: Fraction
    next_tier: Fraction | None


def contract_cost(row: Mapping[str, Any], tiers: Iterable[tuple[int, int, str]], spend: Fraction) -> ContractCost:
    """What a contract (its row; tiers as start, rate and mode) does to its monthly gross spend, items 20 and 21."""
    steps = sorted(tiers)
    discount, following = Fraction(0), None
    for n, (start, rate, mode) in enumerate(steps):
        begin = Fraction(start, MICRO)
        if spend < begin:
            following = begin
            break
        end = Fraction(steps[n + 1][0], MICRO) if n + 1 < len(steps) else None
        share = Fraction(rate, MICRO)
        if mode == "all_units":
            discount = share * spend
        else:
            discount += share * ((spend if end is None else min(spend, end)) - begin)
    amount = Fraction(row.get("commitment_amount") or 0, MICRO)
    period = row.get("commitment_period") or "month"
    length = {"month": 1, "quarter": 3, "year": 12}.get(period) or row.get("initial_term_months") or 1
    commitment = amount / int(length)
    attained = spend - discount if row.get("commitment_basis") == "net" else spend
    penalty = row.get("shortfall_rate")
    shortfall = Fraction(MICRO if penalty is None else penalty, MICRO) * max(Fraction(0), commitment - attained)
    return ContractCost(row["contract_id"], row.get("carrier_id"), spend, discount, commitment, shortfall, following)


@dataclass(frozen=True)
class Priced:
    """The exact cost of an assignment; amounts of currency a month unless said otherwise."""

    cost: Fraction
    objective: Fraction
    total_cost: Fraction
    fees: Fraction
    changes: int
    by_carrier: dict[str, Fraction]
    lines_by_carrier: dict[str, int]
    carrier_fixed_cost: dict[str, Fraction]
    """The fixed cost of each carrier in use that has one; part of `cost` and of `by_carrier`."""
    by_service: dict[str, int]
    """Charges of all months outside pools, each month times its weight, in picos."""
    by_month: list[int]
    """Charges of each scenario month, overage and buckets of pools included, before discounts, in picos."""
    pools: dict[PoolKey, list[PoolMonth]]
    buckets: dict[PoolKey, dict[str, int]]
    """The buckets of each pool that has any."""
    contracts: list[ContractCost]
