"""What the evaluator returns: the exact cost of an assignment, its pools month by month, its contracts."""

from __future__ import annotations

from collections.abc import Mapping
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
    carrier_fixed_cost: dict[str, Fraction]
    """The fixed cost of each carrier in use that has one; part of `cost` and of `by_carrier`."""
    by_service: dict[str, int]
    """Charges of all months outside pools, in picos."""
    by_month: list[int]
    """Charges of each month, pools included, before discounts, in picos."""
    pools: dict[PoolKey, list[PoolMonth]]
    contracts: list[ContractCost]
