"""The co-terminus planner: pick a carrier, see what ending all its lines on one day costs, month by month."""

from __future__ import annotations

import streamlit as st

from app import cache, formats, theme
from app.components.charts import card, draw, figure, money_axis, units
from app.components.states import nothing
from app.components.tables import Col, table
from app.page_text import escape
from app.views import coterminus


def planner() -> None:
    """Draw the planner."""
    with card("One end for all", note="What it costs to let all lines of a carrier end on the same day"):
        carrier = st.session_state.get("coterminus-carrier")
        cheaper = st.session_state.get("coterminus-cheaper", coterminus.CHEAPER)
        data = cache.call("app.views.coterminus.view", carrier=carrier, cheaper=cheaper)
        if data.chosen is None:
            nothing(data.sentence)
            return
        ids = list(data.choices)
        with st.container(horizontal=True):
            st.selectbox(
                "Carrier", ids, ids.index(data.chosen), format_func=data.choices.__getitem__, key="coterminus-carrier",
                width=320,
            )  # fmt: skip
            st.number_input(
                "A new agreement is cheaper by, %", 0.0, 90.0, coterminus.CHEAPER, 1.0, key="coterminus-cheaper",
                width=230, help="Your expectation. Each month that a line is extended costs this share of its price.",
            )  # fmt: skip
        st.markdown(escape(data.sentence))
        _chart(data)
        with st.expander("Day by day, and when lines end today"):
            table(
                data.days,
                [
                    Col("day", "All end on", "day"), Col("cost", "Costs", "money"), Col("fees", "Fees", "money"),
                    Col("above", "Paid above a new price", "money"), Col("below", "Saved by ending early", "money"),
                    Col("early", "Ended early", "count"), Col("extended", "Extended", "count"),
                    Col("extension", "Extension at current price", "money"),
                ],
                key="coterminus-days",
            )  # fmt: skip
            table(
                data.ends, [Col("month", "Term ends", "month"), Col("lines", "Lines", "count")], key="coterminus-ends"
            )
        if data.unknown:
            told = formats.plural(data.unknown, "line has", "lines have")
            st.caption(escape(f"{told} no known price or fee and counts as nothing."))


def _chart(data: coterminus.Coterminus) -> None:
    colours, rows = theme.palette(), data.days
    chart = figure(280, barmode="relative")
    signs = (("Fees for ending early", "fees", 1, colours.waste), ("Above a new price", "above", 1, colours.series[1]),
             ("Saved by ending early", "below", -1, colours.saving))  # fmt: skip
    for words, name, sign, fill in signs:
        if rows[name].any():
            chart.add_bar(
                x=rows["day"], y=units([sign * int(v) for v in rows[name]]), name=words, marker={"color": fill},
                customdata=[formats.money(v, data.currency) for v in rows[name]],
                hovertemplate="%{fullData.name}, %{x|%d %b %Y}: %{customdata}<extra></extra>",
            )  # fmt: skip
    chart.add_scatter(
        x=rows["day"], y=units(rows["cost"].tolist()), name="Together", mode="lines",
        line={"color": colours.text, "width": 2},
        customdata=[formats.money(v, data.currency, sign=True) for v in rows["cost"]],
        hovertemplate="All end on %{x|%d %b %Y}: %{customdata}<extra></extra>",
    )  # fmt: skip
    money_axis(chart, data.currency)
    chart.update_yaxes(rangemode="normal")
    chart.update_xaxes(type="date", tickformat="%b %y", nticks=7)
    draw(chart, alt=f"Cost of ending all lines together, by day. {data.sentence}", key="coterminus")
