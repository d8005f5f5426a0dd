"""Spend that moved: the queue, the decision, and the drivers of the picked row by price, volume and mix."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from app import cache, formats, triage
from app.components.charts import card, ranked
from app.components.queue import csv_button, picked_ids
from app.components.states import nothing
from app.components.tables import Col, table
from app.components.triage import decision_bar, kept_back_shown, whole_evidence
from app.page_text import escape
from app.views.moves import Moves
from app.views.selection import Filters


def moves_queue(filters: Filters, first: str | None, last: str | None, *, key: str) -> None:
    """Draw the moves of the months, the decision bar, and what drove the picked one (the first until one is picked)."""
    shown = bool(st.session_state.get(f"{key}-kept"))
    data: Moves = cache.view("moves", filters, first=first, last=last, kept_back=shown)
    kept_back_shown(data.kept_back, key=key)
    if data.table.empty:
        nothing("No account, carrier, cost center or category waits for a decision in these months.")
        return
    st.caption(escape(data.sentence))
    rows = table(
        data.table,
        [
            Col("what", "What", width="medium"), Col("month", "Month", "month"),
            Col("compared", "Compared with", "month"), Col("expected", "Expected", "money"),
            Col("actual", "Billed", "money"), Col("difference", "Difference", "money"),
            Col("up", "Rises", "money"), Col("down", "Falls", "money"), Col("currency", "Cur."),
            Col("severity", "Severity", "code"), Col("state", "State", "code"),
            Col("explanation", "Why", width="large"),
        ],
        key=f"{key}-list", select="many", height=320 if len(data.table) > 7 else "auto",
        alt=f"{len(data.table)} moves of spend",
    )  # fmt: skip
    csv_button(data.table, "spend_moves.csv", key=f"{key}-csv")
    ids = picked_ids(rows, data.ids)
    what = formats.plural(len(ids), "move") if ids else "the moves you pick in the list"
    decision_bar(ids, choices=triage.FLAG_CHOICES, key=f"{key}-decide", what=what, scopes=triage.SPEND_SCOPES)
    place = rows[-1] if rows else 0
    _drivers(data.table.iloc[place], data.drivers[place], key=key)
    seen = cache.call("app.views.evidence.of", finding_id=data.ids[place][0])
    if seen is not None:
        whole_evidence(seen, key=f"{key}-case")


def _drivers(move: pd.Series[str], drivers: pd.DataFrame, *, key: str) -> None:
    with card(str(move["what"]), note=str(move["explanation"])):
        if drivers.empty:
            nothing("There are no charges to compare.")
            return
        top = drivers.head(8)
        ranked(
            list(top["item"]), [int(v) for v in top["amount"]], str(move["currency"]), title="What drove it",
            key=f"{key}-drivers",
        )  # fmt: skip
        table(
            drivers,
            [
                Col("item", "Item", width="medium"), Col("category", "Kind", "code"), Col("cause", "Cause", "code"),
                Col("before", "Before", "money"), Col("after", "Now", "money"), Col("amount", "Difference", "money"),
                Col("price", "Price", "money"), Col("volume", "Volume", "money"), Col("mix", "Mix", "money"),
                Col("other", "Other", "money"),
            ],
            key=f"{key}-items", height=300 if len(drivers) > 7 else "auto", alt="Drivers by item",
        )  # fmt: skip
