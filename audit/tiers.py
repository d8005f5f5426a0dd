"""Volume tiers: what a contract's spend of a month reaches, and the discount that follows (rules R2 and R3)."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import pandas as pd

from audit.context import Books, rows
from audit.pricing import amount_of, share_of, unit_of, with_rates
from core.money import SCALE


@dataclass(frozen=True)
class TierMonth:
    """What one contract earns in one month: `rate` of the discount for `spend`, `lines` it applies to."""

    contract_id: str
    month: str
    item_code: str | None
    mode: str
    categories: tuple[str, ...]
    spend: int
    spend_from: int
    rate: Fraction
    currency: str | None
    lines: pd.DataFrame


def tier_months(books: Books) -> list[TierMonth]:
    """One entry per contract with monthly tiers and month with spend, in order; computed once.

    Spend = charges of all accounts under the contract at contract rates, before discount and tax. Tiers of a quarter
    or a year are left out: their tier is not known in the month of the invoice.
    """
    if "tier_months" not in books.__dict__:
        books.__dict__["tier_months"] = _tier_months(books)
    found: list[TierMonth] = books.__dict__["tier_months"]
    return found


def _tier_months(books: Books) -> list[TierMonth]:
    tiers = books.frames["contract_tiers"]
    tiers = tiers[tiers["period"].fillna("month") == "month"].sort_values(["contract_id", "spend_from"])
    result = []
    for contract_id, ladder in tiers.groupby("contract_id", sort=True):
        steps = list(rows(ladder))
        categories = ("mrc", "usage") if steps[0].basis == "mrc_usage" else ("mrc",)
        lines = books.lines
        mine = lines[(lines["terms_id"] == contract_id) & lines["category"].isin(categories)]
        for month, group in mine.groupby("month", sort=True):
            spend = _spend(books, group)
            reached, rate = discount(steps, spend)
            contract = books.contracts.get(str(contract_id))
            result.append(
                TierMonth(
                    str(contract_id),
                    str(month),
                    steps[0].item_code,
                    steps[0].mode or "all_units",
                    categories,
                    spend,
                    reached,
                    rate,
                    contract.currency if contract else None,
                    group,
                )
            )
    return result


def _spend(books: Books, group: pd.DataFrame) -> int:
    total = 0
    for row in rows(with_rates(books, group)):
        if row.rate is None or row.amount <= 0 or row.status == "suspended":
            total += int(row.amount)
        else:
            total += amount_of(row.rate, row.quantity, share_of(row, row.rate_unit), unit_of(books, row))
    return total


def discount(steps: list[Any], spend: int) -> tuple[int, Fraction]:
    """(spend_from of the tier reached, discount rate on all spend) for steps in order of spend_from.

    all_units: the highest reached tier's rate; incremental: each tier's rate on its own part, over all spend.
    """
    reached = [step for step in steps if step.spend_from <= spend]
    if not reached:
        return 0, Fraction(0)
    if (steps[0].mode or "all_units") == "all_units":
        return int(reached[-1].spend_from), Fraction(int(reached[-1].discount_rate), SCALE)
    if spend <= 0:
        return int(reached[-1].spend_from), Fraction(0)
    total = Fraction(0)
    for index, step in enumerate(reached):
        until = reached[index + 1].spend_from if index + 1 < len(reached) else spend
        total += Fraction(int(step.discount_rate), SCALE) * (int(until) - int(step.spend_from))
    return int(reached[-1].spend_from), total / spend


def net_rates(books: Books) -> dict[tuple[str, str], _Net]:
    """Contracts whose tiers name no credit item: there the unit rates themselves are expected to be net."""
    return {
        (tier.contract_id, tier.month): _Net(tier.rate, tier.categories)
        for tier in tier_months(books)
        if tier.item_code is None
    }


@dataclass(frozen=True)
class _Net:
    rate: Fraction
    categories: tuple[str, ...]
