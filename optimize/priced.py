"""What the evaluator returns: the exact cost of an assignment, its pools month by month, its contracts."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

PICO = 10**12
#: service_id -> plan_id, or None for a suspended service. A service that is not named keeps its plan.
Assignment = Mapping[str, str | None]
PoolKey = tuple[str, str, str, str]  # kind, account_id, carrier_id, group


@dataclass
class PoolMonth:
    """One pool in one month: what its members bring and use (millionths of MB or minutes), what is charged (picos)."""

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
    by_service: dict[str, int]
    """Charges of all months outside pools, each month times its weight, in picos."""
    by_month: list[int]
    """Charges of each scenario month, pools included, before discounts, in picos."""
    pools: dict[PoolKey, list[PoolMonth]]
    contracts: list[ContractCost]
