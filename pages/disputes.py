"""Disputes: what is claimed of carriers, until when, what came of it, and how well each carrier bills."""

import streamlit as st

from app import cache, formats, page
from app.components import Col, card, footer, kpi_row, table
from app.components.dispute import dispute_steps

head = page.begin(
    "Disputes",
    ("carrier", "currency"),
    needs="findings",
    what="What is claimed of carriers, and what they have credited",
)
names = {"filed": "Filed", "identified": "Not filed yet", "all": "All"}
state = st.segmented_control(
    "Disputes shown", list(names), default="filed", format_func=names.__getitem__, key="shown", bind="query-params"
)
data = cache.view("disputes", head.filters, state=state or "all")
head.say(data.title, data.sentence)
kpi_row(data.kpis)
with card("Register", note=f"One for each bill, as of {formats.day(data.as_of)}; largest open amount first"):
    rows = table(
        data.table,
        [
            Col("state", "State"), Col("carrier", "Carrier"), Col("invoice", "Invoice"),
            Col("disputed", "Disputed", "money"), Col("credited", "Credited", "money"), Col("open", "Open", "money"),
            Col("currency", "Cur."), Col("filed_on", "Filed", "day"), Col("file_by", "File by", "day"),
            Col("withhold_by", "Withhold by", "day"), Col("age", "Age, days", "count"),
            Col("findings", "Findings", "count"), Col("account", "Account"), Col("dispute_id", "Reference"),
        ],
        key="disputes", select="one", height=420, empty="No dispute of this kind.",
        alt="Disputes, largest open amount first",
    )  # fmt: skip
    dispute_steps(data, rows[0] if rows else None)
with card(
    "Carriers", note=f"{data.currency}; billed and billed wrongly in the last 12 months, all disputes ever filed"
):
    table(
        data.carriers,
        [
            Col("carrier", "Carrier", width="medium"), Col("billed", "Billed", "money"),
            Col("wrong", "Billed wrongly", "money"), Col("rate", "Error rate", "percent"),
            Col("filed", "Disputed", "money"), Col("credited", "Credited", "money"), Col("won", "Won", "figure"),
            Col("took", "Days to a credit", "count"),
        ],
        key="scorecard", empty="No bill of these carriers.",
    )  # fmt: skip
page.link("findings", "Look at the findings behind them")
footer(
    data.note, "Won: credited money, of credited and declined. Error rate: recoverable overcharges of what was billed."
)
