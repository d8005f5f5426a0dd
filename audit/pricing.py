"""What a charge should cost: the contract's rate on its day, and the part of a month it covers."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pandas as pd

from audit.context import Books, known, looked_up
from core.money import SCALE, round_half_up

#: Categories whose price a contract can fix.
PRICED = ("mrc", "nrc", "usage", "occ", "equipment", "third_party", "surcharge")
_PER_MONTHS = {"quarter": 3, "year": 12, "yearly": 12, "quarterly": 3, "annual": 12}


def with_rates(books: Books, lines: pd.DataFrame) -> pd.DataFrame:
    """`lines` with the contract's `rate`, `list_rate` and `rate_unit` on each charge's day (NA where none holds).

    The row of contract_rates for the charge's contract, item, category, plan and quantity band that is valid on its
    day. Where two rows with different rates hold (a data problem), there is none.
    """
    rates = books.frames["contract_rates"].copy()
    rates["item_code"] = rates["item_code"].fillna(looked_up(rates["plan_id"], books.plan_item))
    rates = rates[rates["item_code"].notna() & rates["rate"].notna() & rates["contract_id"].notna()]
    rates = rates.rename(columns={"category": "r_category", "plan_id": "r_plan", "unit": "rate_unit"})
    columns = ["contract_id", "item_code", "r_category", "r_plan", "rate_unit", "rate", "list_rate", "qty_from"]
    rates = rates[[*columns, "qty_to", "effective_from", "effective_to"]]
    asked = lines.loc[
        lines["category"].isin(PRICED) & lines["contract_id"].notna() & lines["item_code"].notna(),
        ["charge_id", "contract_id", "item_code", "category", "plan_id", "quantity", "day"],
    ]
    found = asked.merge(rates, on=["contract_id", "item_code"], how="inner")
    quantity = found["quantity"].fillna(SCALE)
    holds = (
        (found["effective_from"].fillna("") <= found["day"])
        & (found["day"] <= found["effective_to"].fillna("9999"))
        & (found["r_category"].isna() | (found["r_category"] == found["category"]))
        & (found["qty_from"].isna() | (found["qty_from"] <= quantity))
        & (found["qty_to"].isna() | (quantity <= found["qty_to"]))
    )
    found = found[holds.fillna(False).astype(bool)].copy()
    other_plan = found["r_plan"].notna() & (found["r_plan"] != found["plan_id"].fillna(""))
    found["rank"] = other_plan.astype(int)
    found["band"] = found["qty_from"].fillna(-1)
    found = found.sort_values(["charge_id", "rank", "band"], ascending=[True, True, False])
    best = found.groupby("charge_id")[["rank", "band"]].transform("first")
    found = found[(found["rank"] == best["rank"]) & (found["band"] == best["band"])]
    clear = found.groupby("charge_id")["rate"].transform("nunique") == 1
    chosen = found[clear].drop_duplicates("charge_id")[["charge_id", "rate", "list_rate", "rate_unit"]]
    return lines.merge(chosen, on="charge_id", how="left")


def months_of_rate(unit: str | None) -> int:
    """How many months a rate's unit covers: 3 for a quarter, 12 for a year, else 1."""
    return _PER_MONTHS.get((unit or "").lower(), 1)


def part_of_month(days: int, month_days: int, proration: str | None) -> Fraction:
    """The share of a monthly charge that `days` of a month of `month_days` cost."""
    if proration == "full_month":
        return Fraction(1) if days > 0 else Fraction(0)
    if proration == "thirty_day":
        return Fraction(min(days, 30), 30)
    return Fraction(days, month_days)


def amount_of(rate: int, quantity: int | None, share: Fraction | int, unit: int) -> int:
    """rate x quantity x share of a month, rounded half up to the invoice's minor unit."""
    return round_half_up(Fraction(int(rate) * int(SCALE if quantity is None else quantity), SCALE) * share, unit)


def share_of(row: Any, rate_unit: str | None = None, *, proration: str | None = None) -> Fraction:
    """The share of the rate that a charge's period costs: 1 for a whole month, days over days for a part of one."""
    if row.category != "mrc":
        return Fraction(1)
    if row.whole_months:
        return Fraction(int(row.whole_months), months_of_rate(rate_unit))
    return part_of_month(int(row.days), int(row.month_days), proration or row.proration)


def is_access(books: Books, row: Any) -> bool:
    """Whether a recurring charge is the service's main one (its plan's, or an item of nature access)."""
    if row.category != "mrc":
        return False
    if row.nature is not None:
        return bool(row.nature == "access")
    plan = books.plan_item.get(row.plan_id) if row.plan_id else None
    return plan is None or plan == row.item_code


def unit_of(books: Books, row: Any) -> int:
    """The unit to round to: cents, or single micros where the charge itself is finer than a cent."""
    cents = books.cents(row.currency)
    return cents if int(row.amount) % cents == 0 else 1


def full_rate(row: Any, rate: Any = None) -> int | None:
    """The full monthly rate a recurring charge is billed at: its unit rate, else the contract's, else its amount."""
    if known(row.unit_rate):
        return int(row.unit_rate)
    if known(rate):
        return int(rate)
    return int(row.amount) if row.whole_months == 1 else None
