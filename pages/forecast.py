"""Forecast: what is coming, against the budget, and how far such forecasts were off."""

import streamlit as st

from app import cache, formats, page
from app.components import Col, card, footer, kpi_row, nothing, side_by_side, table
from app.components.outlook import outlook_chart

head = page.begin(
    "Forecast", ("month", "carrier", "cost_center", "currency"), what="What the coming months and the year will cost"
)
data = cache.view("forecast", head.filters)
head.say(data.title, data.sentence)
kpi_row(data.kpis)

with card("Billed and expected", note=f"{data.currency} a month, taxes included"):
    if data.ahead:
        outlook_chart(data, key="outlook")
    else:
        nothing("Three months of bills are needed for a forecast.")

PARTS = [
    Col("name", "Carrier"),
    Col("so_far", "Billed so far", "money"),
    Col("ahead", "Expected", "money"),
    Col("year", "Year", "money"),
    Col("budget", "Budget", "money"),
    Col("difference", "Over (under)", "money"),
]
with card(
    f"{data.year} by carrier", note=f"{data.currency}; billed to {formats.month(data.month)}, expected until December"
):
    table(data.carriers, PARTS, key="carriers", empty="No bill of the year has been loaded.")

left, right = side_by_side(3, 2)
with left, card("Budgets of cost centers", note=f"{data.currency}, January to {formats.month(data.month)}"):
    table(
        data.centers,
        [
            Col("name", "Cost center"),
            Col("so_far", "Billed", "money"),
            Col("budget", "Budget", "money"),
            Col("difference", "Over (under)", "money"),
            Col("share", "Used", "percent"),
        ],
        key="centers",
        height=360,
        empty="No budget is loaded. A budgets table has month, cost_center_id, carrier_id, amount and currency.",
    )
with right:
    with card(
        "How far off such forecasts were",
        note="Mean error of the total, as a share of a usual month",
        help="Each past month was forecast from the months before it only, the choice of rule included.",
    ):
        table(
            data.replays,
            [
                Col("title", "Rule"),
                Col("one", "1 month ahead", "percent"),
                Col("three", "3 months", "percent"),
            ],
            key="replays",
            empty="Nothing could be replayed yet.",
        )
        st.caption(data.verdict)
    with card("Rule in use"):
        table(data.used, [Col("kind", "Charges"), Col("rule", "Carried forward as")], key="used", empty="None yet.")
footer(data.note)
