"""Why spend changed between two months: price, volume, roaming, billing errors, one-offs and credits, taxes.

Each step is computed on what was billed. A recurring or usage charge present in both months splits into price (change
of the unit price x the new quantity) and volume (change of quantity x the old price); lines that came or went are
volume. Overcharges found by the audit are taken out first and shown as their own step. The steps add up to the change
exactly; both months are converted at the same rates, so there is no exchange-rate step.
"""

from __future__ import annotations

import json
from fractions import Fraction

import pandas as pd

from app.views.exchange import Exchange
from app.views.parts import Step
from app.views.selection import Filters
from core.money import round_half_up
from core.queries import app as queries
from core.store import Store

NAMES = ("Price", "Volume", "Roaming", "Errors", "One-offs", "Taxes")
_TAXES = ("tax", "surcharge")
_RUNNING = ("mrc", "usage", "third_party")
_KEYS = ["carrier_id", "category", "currency", "service_id", "item_code", "zone"]


def _month(store: Store, month: str, filters: Filters, money: Exchange) -> pd.DataFrame:
    frame = queries.month_charges(store, month, carriers=filters.carriers, cost_centers=filters.cost_centers)
    frame = frame.dropna(subset=["amount"])
    amounts = [money.amount(v, c) for v, c in zip(frame["amount"], frame["currency"], strict=True)]
    return frame.assign(amount=pd.array(amounts, dtype="Int64")).dropna(subset=["amount"])


def _overcharges(errors: pd.DataFrame, month: str, money: Exchange, keys: pd.DataFrame) -> dict[tuple[str, ...], int]:
    """What the audit found too much in `month`, for each key of the charges it lies in."""
    where = {str(row.charge_id): tuple(str(getattr(row, k)) for k in _KEYS) for row in keys.itertuples(index=False)}
    result: dict[tuple[str, ...], int] = {}
    for row in errors[errors["month"] == month].itertuples(index=False):
        for stake in json.loads(row.charge_stakes or "[]"):
            key = where.get(str(stake["charge_id"]))
            amount = money.amount(int(Fraction(stake["amount"]) * 1_000_000), row.currency)
            if key and amount and amount > 0:
                result[key] = result.get(key, 0) + amount
    return result


def bridge(
    store: Store, month: str, compare: str, filters: Filters, money: Exchange, errors: pd.DataFrame
) -> list[Step]:
    """Steps from the total of `compare` to that of `month`, in micros of the reporting currency.

    `errors` are the overcharges of :func:`app.views.found.errors`.
    """
    ids = sorted(
        {
            str(stake["charge_id"])
            for row in errors[errors["month"].isin([month, compare])].itertuples(index=False)
            for stake in json.loads(row.charge_stakes or "[]")
        }
    )
    keys = queries.charge_keys(store, ids)
    sides = []
    for side in (compare, month):
        frame = _month(store, side, filters, money)
        wrong = _overcharges(errors, side, money, keys)
        table: dict[tuple[str, ...], list[int | None]] = {}
        for row in frame.itertuples(index=False):
            key = tuple(str(getattr(row, name)) for name in _KEYS)
            quantity = None if pd.isna(row.quantity) else int(row.quantity)
            over = min(wrong.get(key, 0), max(int(row.amount), 0))
            table[key] = [int(row.amount) - over, quantity, over]
        sides.append(table)
    before, after = sides
    steps = dict.fromkeys(NAMES, 0)
    for key in sorted(before.keys() | after.keys()):
        old, new = before.get(key), after.get(key)
        steps["Errors"] += _part(new, 2) - _part(old, 2)
        delta = _part(new, 0) - _part(old, 0)
        category, zone = key[1], key[5]
        if category in _TAXES:
            steps["Taxes"] += delta
        elif zone == "roaming":
            steps["Roaming"] += delta
        elif category not in _RUNNING:
            steps["One-offs"] += delta
        elif old is None or new is None:
            steps["Volume"] += delta
        else:
            volume = _volume(old, new)
            steps["Volume"] += volume
            steps["Price"] += delta - volume
    first = sum(_part(row, 0) + _part(row, 2) for row in before.values())
    last = sum(_part(row, 0) + _part(row, 2) for row in after.values())
    return [Step(compare, first, "total"), *(Step(n, a) for n, a in steps.items()), Step(month, last, "total")]


def _part(row: list[int | None] | None, index: int) -> int:
    return int(row[index] or 0) if row else 0


def _volume(old: list[int | None], new: list[int | None]) -> int:
    if not old[1] or not new[1] or old[1] == new[1]:
        return 0
    return round_half_up(Fraction((new[1] - old[1]) * int(old[0] or 0), old[1]))
