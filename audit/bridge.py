"""The bridge from the baseline's month to the newest one: price, volume, mix, errors, FX and the rest, to the cent.

Per currency, so that exchange rates have no part in it; recurring and usage items only are split into price, volume
and mix, everything else (taxes, fees, one-off charges, credits) is named `other`.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pandas as pd

from core import findings, periods
from core.contract_register import plain
from core.money import cent_unit, minor_places, round_half_up, to_rounded_text
from core.queries import spend, workflow
from core.store import Store

_SPLIT = ("mrc", "usage")
#: The months at the end of the store that the baseline is compared with.
COMPARED_MONTHS = 3


def bridge(store: Store, first: str, last: str) -> list[dict[str, Any]]:
    """One document for each currency: the mean month of `first`..`last` of the newest months, and the steps between.

    Keys: currency, from, to (months), start, price, volume, mix, errors, fx, other, end (decimal text); start plus the
    parts is end exactly. `volume` is the change of quantity at the baseline's mean price, `mix` the shift between
    items at baseline prices and items that are new or gone, `price` the change of unit prices at today's quantities,
    `errors` the change of what the audit counts as recoverable.
    """
    months = spend.months(store)
    if not months:
        return []
    newest = months[-1]
    begin = max(periods.shift(newest, 1 - COMPARED_MONTHS), months[0])
    before, after = periods.months_between(first, last), periods.months_between(begin, newest)
    frame = workflow.items_billed(store, min(first, begin), newest)
    wrong = _errors(store)
    result = []
    for code in sorted({str(c) for c in frame["currency"].dropna()}):
        part = frame[frame["currency"] == code]
        old, new = _side(part, before), _side(part, after)
        errors = _mean(wrong, code, after) - _mean(wrong, code, before)
        result.append(_steps(code, old, new, errors) | {"from": [first, last], "to": [begin, newest]})
    return result


def _errors(store: Store) -> pd.DataFrame:
    frame = findings.load(store, queue="audit")
    return frame[(frame["claim"] == "recoverable") & (frame["amount_counted"] > 0)]


def _mean(frame: pd.DataFrame, code: str, months: list[str]) -> Fraction:
    chosen = frame[(frame["currency"] == code) & frame["month"].isin(months)]
    return Fraction(int(chosen["amount_counted"].sum()), len(months))


def _side(frame: pd.DataFrame, months: list[str]) -> dict[str, Any]:
    """Mean month of some months: total, and (quantity, amount) of each item that is split."""
    chosen = frame[frame["month"].isin(months)]
    items: dict[tuple[Any, ...], tuple[Fraction, Fraction]] = {}
    for row in chosen[chosen["category"].isin(_SPLIT)].itertuples(index=False):
        key = (plain(row.carrier_id), row.category, plain(row.item_code))
        units = int(row.lines) or int(row.charges)
        quantity, amount = items.get(key, (Fraction(0), Fraction(0)))
        items[key] = (quantity + Fraction(units, len(months)), amount + Fraction(int(row.amount), len(months)))
    return {"total": Fraction(int(chosen["amount"].sum()), len(months)), "items": items}


def _steps(code: str, old: dict[str, Any], new: dict[str, Any], errors: Fraction) -> dict[str, Any]:
    units_old = sum((q for q, _ in old["items"].values()), Fraction(0))
    units_new = sum((q for q, _ in new["items"].values()), Fraction(0))
    amount_old = sum((a for _, a in old["items"].values()), Fraction(0))
    amount_new = sum((a for _, a in new["items"].values()), Fraction(0))
    price = Fraction(0)
    for key, (quantity, amount) in new["items"].items():
        if key in old["items"] and old["items"][key][0]:
            price += amount - quantity * old["items"][key][1] / old["items"][key][0]
    volume = (units_new - units_old) * amount_old / units_old if units_old else Fraction(0)
    mix = amount_new - amount_old - price - volume
    # Wrong prices would show as price: they are taken out of it and named for what they are.
    price -= errors
    unit, places = cent_unit(code), minor_places(code)
    start, end = round_half_up(old["total"], unit), round_half_up(new["total"], unit)
    parts = {name: round_half_up(value, unit) for name, value in (("price", price), ("volume", volume), ("mix", mix))}
    parts |= {"errors": round_half_up(errors, unit), "fx": 0}
    parts["other"] = end - start - sum(parts.values())
    return {
        "currency": code,
        "start": to_rounded_text(start, places),
        **{name: to_rounded_text(value, places) for name, value in parts.items()},
        "end": to_rounded_text(end, places),
    }
