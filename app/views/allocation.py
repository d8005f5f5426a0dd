"""Allocation: a simple showback of the month's bills to cost centers, which ties to the invoices to the cent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from app import formats
from app.reports.focus import csv_text
from app.views.ledger import micros
from app.views.parts import Kpi
from app.views.selection import Filters, settled
from audit.allocation import COLUMNS, allocate
from audit.allocation_rules import Rule, Rules
from core.store import Store

#: What belongs to no line or to a line without owner; no cost center of the store has this id.
NOBODY = "not-assigned"
#: Everything to the cost center of its line on the day of the charge, else of its holder.
RULES = Rules(
    fallback=NOBODY,
    payable_account=None,
    expense_account=None,
    rules=(Rule("lines", "direct", {"has_service": True}),),
    sha256="showback-1",
)


@dataclass(frozen=True)
class Allocation:
    """`centers`: cost center, currency, amount (micros), share of its currency; `currencies`: what was invoiced,
    allocated and the difference, which is zero."""

    title: str
    sentence: str
    month: str
    kpis: tuple[Kpi, ...]
    centers: pd.DataFrame
    currencies: pd.DataFrame
    journal: pd.DataFrame


def view(store: Store, filters: Filters) -> Allocation:
    """The month's bills by cost center under :data:`RULES`; currencies stay apart."""
    month = str(settled(store, filters).month)
    document = allocate(store, RULES, month)
    centers_by_id = store.frame("cost_centers").set_index("cost_center_id")
    rows = [
        {
            "cost_center": row["cost_center_id"],
            "name": _text(centers_by_id, row["cost_center_id"], "name"),
            "business_unit": _text(centers_by_id, row["cost_center_id"], "business_unit"),
            "currency": row["currency"],
            "amount": micros(row["amount"]),
        }
        for row in document["by_cost_center"]
    ]
    frame = pd.DataFrame(rows, columns=["cost_center", "name", "business_unit", "currency", "amount"])
    sums = frame.groupby("currency")["amount"].transform("sum")
    frame["share"] = [a / s if s else 0.0 for a, s in zip(frame["amount"], sums, strict=True)]
    order = frame.assign(size=sums).sort_values(["size", "currency", "amount"], ascending=[False, True, False])
    frame = order.drop(columns="size").reset_index(drop=True)
    money = pd.DataFrame(
        [
            {
                "currency": row["currency"],
                "invoiced": micros(row["invoiced"]),
                "allocated": micros(row["allocated"]),
                "unallocated": micros(row.get("unallocated")),
                "difference": micros(row["difference"]),
            }
            for row in document["currencies"]
        ],
        columns=["currency", "invoiced", "allocated", "unallocated", "difference"],
    ).sort_values("invoiced", ascending=False, ignore_index=True)
    open_ = int(frame.loc[frame["cost_center"] == NOBODY, "amount"].sum())
    ties = bool((money["difference"] == 0).all())
    title = f"{formats.month(month)} by cost center" + (", to the cent" if ties else "")
    kpis = tuple(
        Kpi(
            f"Invoiced in {row.currency}",
            formats.cents(row.invoiced, row.currency),
            f"difference {formats.cents(row.difference, row.currency)}",
            "good" if row.difference == 0 else "bad",
        )
        for row in money.itertuples(index=False)
    )
    sentence = "Each line's charges go to its cost center on the day of the charge, else to its holder's."
    if open_:
        sentence += " What belongs to no line is shown as not assigned."
    journal = pd.DataFrame(document.get("journal") or [])
    for name in ("debit", "credit"):
        if name in journal:
            journal[name] = pd.array([micros(value) for value in journal[name]], dtype="Int64")
    return Allocation(title, sentence, month, kpis, frame, money, journal)


def csv(store: Store, *, month: str, part: str) -> bytes:
    """The month's `journal` or `by_cost_center` as a CSV file, under the rules of the page."""
    return csv_text(allocate(store, RULES, month)[part], COLUMNS[part]).encode()


def _text(centers: pd.DataFrame, key: Any, column: str) -> str:
    if key in centers.index and not formats.missing(centers.at[key, column]):
        return str(centers.at[key, column])
    return "Not assigned" if column == "name" and key == NOBODY else str(key if column == "name" else "")
