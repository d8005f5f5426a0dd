"""Spend that moved: the list, and the drivers of the picked row by price, volume and mix."""

from __future__ import annotations

import streamlit as st

from app.components.charts import card, ranked
from app.components.queue import csv_button
from app.components.states import nothing
from app.components.tables import Col, table
from app.page_text import escape
from app.views.moves import Moves


def moves_list(data: Moves, *, key: str) -> None:
    """Draw the list and what drove the picked move (the first one until one is picked)."""
    if data.table.empty:
        nothing("No account, carrier, cost center or category moved out of its usual range in these months.")
        return
    st.caption(escape(data.sentence))
    rows = table(
        data.table,
        [
            Col("what", "What", width="medium"), Col("month", "Month", "month"),
            Col("compared", "Compared with", "month"), Col("expected", "Expected", "money"),
            Col("actual", "Billed", "money"), Col("difference", "Difference", "money"),
            Col("up", "Rises", "money"), Col("down", "Falls", "money"), Col("currency", "Cur."),
            Col("explanation", "Why", width="large"),
        ],
        key=f"{key}-list", select="one", height=320 if len(data.table) > 7 else "auto",
        alt=f"{len(data.table)} moves of spend",
    )  # fmt: skip
    csv_button(data.table, "spend_moves.csv", key=f"{key}-csv")
    place = rows[0] if rows else 0
    move, drivers = data.table.iloc[place], data.drivers[place]
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
