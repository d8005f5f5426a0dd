"""Up to four results beside each other: bars of cost, a table of figures, and the difference of two scenarios."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from app import formats, theme
from app.components.charts import card, draw, figure, money_axis, units
from app.components.job import current
from app.components.states import error_state, nothing
from app.components.tables import Col, table
from app.page_text import escape
from app.views.scenarios import MOST, Scenarios


def side_by_side_results(data: Scenarios) -> None:
    """Draw the results that are compared."""
    for name, lines in data.infeasible:
        error_state(
            list(lines), title=f"“{name}” cannot be met", hint="Loosen one of the limits named and run it again."
        )
    good = [item for item in data.shown if item.cost is not None]
    if good:
        if len(data.currencies) > 1:
            st.caption("The scenarios are in different currencies: compare figures only within one.")
        with card("Monthly cost", note=f"{' and '.join(data.currencies)}; one-off fees spread over the horizon"):
            bars(data)
    with card("Figures side by side", note="The proof counts what each change must earn; the bound is for that cost"):
        columns = [Col(str(name), "" if name == "figure" else str(name)) for name in data.comparison.columns]
        table(data.comparison, columns, key="comparison", alt="Figures of the compared scenarios", height="content")
    if data.difference is not None:
        with card(f"What differs: {data.shown[0].name} and {data.shown[1].name}"):
            rows = pd.DataFrame(data.difference.keys, columns=["key", "left", "right"])
            table(
                rows,
                [Col("key", "Key"), Col("left", data.shown[0].name), Col("right", data.shown[1].name)],
                key="difference",
                empty="The two scenario files say the same.",
            )
            st.caption(escape(data.difference.sentence))


def bars(data: Scenarios) -> None:
    """Cost today and then for each scenario, the bound as a mark."""
    colours = theme.palette()
    good = [item for item in data.shown if item.cost is not None]
    names = [item.name for item in good]
    chart = figure(120 + 56 * len(good), barmode="group")
    chart.add_bar(
        y=names, x=units([i.baseline for i in good]), orientation="h", name="Today", marker={"color": colours.neutral},
        text=[formats.money(i.baseline, i.currency) for i in good], textposition="inside",
        hovertemplate="%{y}, today: %{text}<extra></extra>",
    )  # fmt: skip
    chart.add_bar(
        y=names, x=units([i.cost for i in good]), orientation="h", name="Recommended", marker={"color": colours.spend},
        text=[
            f"{formats.money(i.cost, i.currency)}, {formats.money(-(i.saving or 0), i.currency, sign=True)}"
            for i in good
        ],
        textposition="inside", hovertemplate="%{y}, recommended: %{text}<extra></extra>",
    )  # fmt: skip
    money_axis(chart, good[0].currency if len(data.currencies) == 1 else None, "x")
    chart.update_yaxes(autorange="reversed", showgrid=False, type="category")
    told = "; ".join(
        f"{i.name}: {formats.money(i.baseline, i.currency)} today, {formats.money(i.cost, i.currency)} then"
        for i in good
    )
    draw(chart, alt=f"Monthly cost by scenario: {told}.", key="cost-bars")


def take_in(slot: str, key: str) -> None:
    """When the search of `slot` has ended, put its result first among the compared ones (once)."""
    job = current(slot)
    if job is None or job.state != "done" or not job.result or st.session_state.get(f"{key}-taken") == job.job_id:
        return
    st.session_state[f"{key}-taken"] = job.job_id
    new = job.result["result_id"]
    st.session_state[key] = [new, *[old for old in st.session_state.get(key) or [] if old != new]][:MOST]


def nothing_yet() -> None:
    """Before the first run."""
    nothing("No result is stored yet; run a scenario above.")
