"""Spend that moved: one row for each account, carrier, cost center or category out of the usual, with its drivers."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from anomaly import spend
from app.views.exchange import exchange
from app.views.selection import Filters, settled
from core import periods
from core.store import Store

LEVELS = {
    "account": "Account",
    "carrier": "Carrier",
    "cost_center": "Cost center",
    "category": "Category of an account",
}


@dataclass(frozen=True)
class Moves:
    """`table`: the moves, largest difference in the reporting currency first; `drivers`: a frame for each of them."""

    sentence: str
    table: pd.DataFrame
    drivers: tuple[pd.DataFrame, ...]


def view(store: Store, filters: Filters, *, first: str | None, last: str | None) -> Moves:
    """What moved in the months `first`..`last`; amounts in micros of the currency they were billed in."""
    chosen = settled(store, filters)
    money = exchange(store, chosen.currency, periods.month_end(last) if last else None, convert=chosen.convert)
    names = spend.labels(store)
    listed = spend.moves(store, first=first, last=last, carriers=chosen.carriers)
    if chosen.cost_centers:
        listed = [m for m in listed if m.level != "cost_center" or m.key[0] in chosen.cost_centers]
    listed.sort(key=lambda m: (-abs(money.amount(m.difference, m.currency) or 0), m.level, m.key, m.month))
    rows = [
        {
            "what": spend.subject(move, names),
            "level": LEVELS[move.level],
            "month": move.month,
            "compared": move.base,
            "expected": move.expected,
            "actual": move.actual,
            "difference": move.difference,
            "up": move.up,
            "down": move.down,
            "currency": move.currency,
            "explanation": spend.sentence(move, names),
        }
        for move in listed
    ]
    drivers = tuple(
        pd.DataFrame(
            [
                {
                    "item": d.item,
                    "category": d.category,
                    "cause": d.cause,
                    "before": d.before,
                    "after": d.after,
                    "amount": d.amount,
                    "price": d.price,
                    "volume": d.volume,
                    "mix": d.mix,
                    "other": d.other,
                }
                for d in move.drivers
            ]
        )
        for move in listed
    )
    missing = sum(move.missing for move in listed)
    told = f"{missing} of them because no bill has come. " if missing else ""
    return Moves(f"{told}Rises and falls are never netted against each other.", pd.DataFrame(rows), drivers)
