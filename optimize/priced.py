"""What the evaluator returns: the exact cost of an assignment, its pools month by month, its contracts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

PICO = 10**12
_MICRO = 10**6
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
class ContractCost:
    """A contract in force: monthly spend, discount, commitment, shortfall, as exact amounts of currency."""

    contract_id: str
    carrier_id: str | None
    spend: Fraction
    discount: Fraction
    commitment: Fraction
    shortfall: Fraction
    next_tier: Fraction | None

    @staticmethod
    def of(row: Mapping[str, Any], tiers: Iterable[tuple[int, int, str]], spend: Fraction) -> ContractCost:
        """What a row of the contracts table costs at a monthly spend; `tiers`: (spend from, rate, mode), millionths."""
        discount, following, steps = Fraction(0), None, sorted(tiers)
        for n, (start, rate, mode) in enumerate(steps):
            begin = Fraction(start, _MICRO)
            if spend < begin:
                following = begin
                break
            end = Fraction(steps[n + 1][0], _MICRO) if n + 1 < len(steps) else None
            share = Fraction(rate, _MICRO)
            if mode == "all_units":
                discount = share * spend
            else:
                discount += share * ((spend if end is None else min(spend, end)) - begin)
        amount = Fraction(row.get("commitment_amount") or 0, _MICRO)
        period = row.get("commitment_period") or "month"
        length = {"month": 1, "quarter": 3, "year": 12}.get(period) or row.get("initial_term_months") or 1
        commitment = amount / int(length)
        attained = spend - discount if row.get("commitment_basis") == "net" else spend
        penalty = row.get("shortfall_rate")
        shortfall = Fraction(_MICRO if penalty is None else penalty, _MICRO) * max(Fraction(0), commitment - attained)
        carrier = row.get("carrier_id")
        return ContractCost(row["contract_id"], carrier, spend, discount, commitment, shortfall, following)


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
    """Charges of all months outside pools, in picos."""
    by_month: list[int]
    """Charges of each month, overage and buckets of pools included, before discounts, in picos."""
    pools: dict[PoolKey, list[PoolMonth]]
    buckets: dict[PoolKey, dict[str, int]]
    """The buckets of each pool that has any."""
    contracts: list[ContractCost]
