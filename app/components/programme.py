"""The programme's scorecard: five questions with verdict and evidence, and how long credits took."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import pandas as pd
import streamlit as st

from app import formats, navigation, theme
from app.components.charts import draw, figure
from app.page_text import escape
from app.views.programme import USUAL_CREDIT, Question

_BADGES = {"Yes": "green", "Partly": "orange", "No": "red", "No data": "gray"}


def scorecard(questions: Sequence[Question]) -> None:
    """One row for each question: verdict, evidence, and the page with the lines behind it."""
    for number, item in enumerate(questions):
        with st.container(horizontal=True, vertical_alignment="center", gap="medium", key=f"question-{number}"):
            with st.container(width=80):
                st.badge(item.verdict, color=_BADGES[item.verdict])  # type: ignore[arg-type]
            with st.container(width="stretch"):
                st.markdown(f"**{escape(item.text)}**  \n:gray[{escape(item.evidence)}]")
            with st.container(width=70):
                navigation.link(item.page, "Open")


def credit_days(credits: pd.DataFrame, *, key: str) -> None:
    """Each dispute that a bill has credited as a point by carrier and days; the usual span is shaded."""
    colours = theme.palette()
    carriers = sorted(set(credits["carrier"]), reverse=True)
    chart = figure(110 + 44 * len(carriers), showlegend=False)
    low, high = USUAL_CREDIT
    chart.add_vrect(x0=low, x1=high, fillcolor=colours.neutral, opacity=0.35, line_width=0, layer="below")
    spread = [int(hashlib.sha256(str(n).encode()).hexdigest()[:4], 16) / 65535 - 0.5 for n in range(len(credits))]
    chart.add_scatter(
        x=credits["days"].tolist(),
        y=[carriers.index(name) + 0.4 * off for name, off in zip(credits["carrier"], spread, strict=True)],
        mode="markers",
        marker={"size": 8, "color": colours.spend, "opacity": 0.7},
        customdata=credits["carrier"].tolist(),
        hovertemplate="%{customdata}: %{x} days<extra></extra>",
    )
    chart.update_yaxes(tickvals=list(range(len(carriers))), ticktext=carriers, showgrid=False, zeroline=False)
    chart.update_yaxes(range=[-0.6, len(carriers) - 0.4])
    chart.update_xaxes(title="Days from filing to the last credit", rangemode="tozero")
    middle = credits.groupby("carrier")["days"].median()
    told = "; ".join(f"{name} {middle[name]:.0f} days" for name in reversed(carriers))
    draw(chart, alt=f"Days from filing to a credit, middle one by carrier: {told}.", key=key)
    st.caption(escape(f"{formats.plural(len(credits), 'dispute')}; shaded: {low} to {high} days, what is usual."))
