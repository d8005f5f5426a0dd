"""Bullet charts: one bar against a target on a quiet scale, with the words that say the same."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

import streamlit as st

from app import formats, theme
from app.components.charts import SHORT, draw, figure
from app.page_text import escape
from app.views.contracts import Bullet
from core.money import SCALE


def commitment_bullet(item: Bullet, *, key: str) -> None:
    """Spend of the running period against the commitment (line) and what is expected at its end (pale bar)."""
    colours = theme.palette()
    chart = figure(110, showlegend=False, barmode="overlay")
    top = max(item.committed, item.spent, item.expected or 0) / SCALE
    if item.expected is not None:
        chart.add_bar(
            y=[""],
            x=[item.expected / SCALE],
            orientation="h",
            marker={"color": colours.neutral},
            width=0.7,
            hovertemplate=f"Expected {formats.money(item.expected, item.currency)}<extra></extra>",
        )
    chart.add_bar(
        y=[""],
        x=[item.spent / SCALE],
        orientation="h",
        marker={"color": colours.spend},
        width=0.32,
        hovertemplate=f"Spent {formats.money(item.spent, item.currency)}<extra></extra>",
    )
    chart.add_vline(x=item.committed / SCALE, line={"color": colours.dispute, "width": 3})
    chart.update_xaxes(range=[0, top * 1.08 or 1], tickprefix=formats.symbol(item.currency), nticks=6, **SHORT)
    chart.update_yaxes(visible=False)
    chart.update_layout(margin={"t": 6, "b": 6})
    told = (
        f"Spent {formats.money(item.spent, item.currency)} of {formats.money(item.committed, item.currency)} committed "
        f"({formats.percent(item.spent, item.committed, 0)}), {item.period}."
    )
    draw(chart, alt=f"{item.name}: {told} {item.sentence}", key=key)
    st.caption(
        escape(
            f"{told} An even pace would be {formats.money(item.due_now, item.currency)} by now. "
            f"{item.sentence} Bar: spent; pale: expected by the end; line: committed."
        )
    )


def gauges(rows: Sequence[Any], *, key: str) -> None:
    """One row for each pool: share of the allowance used before and after, with the figures beside it.

    Each row has `name`, `used_share` and `before_share` (fractions or None) and `told` (finished text).
    """
    colours = theme.palette()
    chart = figure(60 + 44 * max(len(rows), 1), barmode="overlay")
    names = [row.name for row in rows]
    before = [None if row.before_share is None else row.before_share * 100 for row in rows]
    after = [None if row.used_share is None else row.used_share * 100 for row in rows]
    chart.add_bar(
        y=names,
        x=before,
        orientation="h",
        name="Today",
        marker={"color": colours.neutral},
        width=0.72,
        hovertemplate="%{y}, today: %{x:.0f} %<extra></extra>",
    )
    chart.add_bar(
        y=names,
        x=after,
        orientation="h",
        name="Recommended",
        marker={"color": colours.spend},
        width=0.36,
        hovertemplate="%{y}, recommended: %{x:.0f} %<extra></extra>",
    )
    chart.add_vline(x=100, line={"color": colours.dispute, "width": 2, "dash": "dot"})
    top = max([v for v in (*before, *after) if v is not None] or [100])
    chart.update_xaxes(range=[0, max(110, top * 1.05)], ticksuffix=" %")
    shown = [html.escape(name).replace(", ", "<br>", 1) for name in names]  # two lines fit beside a phone's bars
    chart.update_yaxes(autorange="reversed", showgrid=False, type="category", tickvals=names, ticktext=shown)
    draw(chart, alt="Use of pool allowances: " + "; ".join(f"{r.name}: {r.told}" for r in rows), key=key)
    for row in rows:
        st.caption(escape(f"{row.name}: {row.told}"))
