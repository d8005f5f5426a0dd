"""A flagged line against itself and its peers: its months with what was expected, and a strip of points."""

from __future__ import annotations

import hashlib

import streamlit as st

from app import formats, theme
from app.components.charts import SHORT, card, draw, figure, lines, money_axis, units
from app.components.layout import side_by_side
from app.components.states import nothing
from app.page_text import escape
from app.views.usage import LineHistory


def told(value: int | None, item: LineHistory) -> str:
    """A value of the line's figure with its unit."""
    return formats.cents(value, item.currency) if item.unit is None else formats.quantity(value, item.unit)


def line_in_context(item: LineHistory, *, key: str) -> None:
    """Two charts beside each other: the line's own months, and its peers in the flagged month."""
    left, right = side_by_side(3, 2)
    unit = item.unit or item.currency or ""
    with left, card(f"{item.measure} of {item.label}", note=f"{unit} a month; a diamond marks a flagged month"):
        if item.months:
            own_history(item, key=f"{key}-history")
        else:
            nothing("The line has no history.")
    with right, card("Its peers in that month", note=f"{unit}; {item.peers_are}"):
        if item.peers:
            strip(item, key=f"{key}-peers")
        else:
            nothing("No peers to compare with.")


def own_history(item: LineHistory, *, key: str) -> None:
    """The months of the line, its flagged ones, and the expected range where the flag names one."""
    lines(
        list(item.months),
        {item.measure: list(item.values)},
        title=f"{item.measure} of {item.label}",
        key=key,
        currency=item.currency,
        unit=item.unit,
        mark=item.marks,
    )
    if item.low and item.high:
        low, high = (next((v for v in side if v is not None), None) for side in (item.low, item.high))
        st.caption(escape(f"Expected in the flagged month: {told(low, item)} to {told(high, item)}."))


def _beside(value: int, largest: int) -> str:
    """Where the line's name stands above its diamond: away from the nearer edge of the chart."""
    share = value / largest if largest else 0.5
    return "top left" if share > 0.7 else "top right" if share < 0.3 else "top center"


def strip(item: LineHistory, *, key: str) -> None:
    """Every peer as a point, the line as a diamond; the height carries no meaning."""
    colours = theme.palette()
    chart = figure(190, showlegend=False)
    heights = [int(hashlib.sha256(f"{n}:{v}".encode()).hexdigest()[:4], 16) / 65535 for n, v in enumerate(item.peers)]
    chart.add_scatter(
        x=units(list(item.peers)),
        y=heights,
        mode="markers",
        marker={"size": 5, "color": colours.series[2], "opacity": 0.6},
        hovertemplate="A peer: %{x:,.1f}<extra></extra>",
    )
    if item.own is not None:
        chart.add_scatter(
            x=units([item.own]),
            y=[0.5],
            mode="markers+text",
            text=[item.label],
            textposition=_beside(item.own, max([item.own, *item.peers])),
            marker={"size": 13, "color": colours.dispute, "symbol": "diamond"},
            hovertemplate=f"{item.label}: {told(item.own, item)}<extra></extra>",
        )
    chart.update_yaxes(visible=False, range=[-0.15, 1.25])
    if item.unit is None:
        money_axis(chart, item.currency, "x")
    else:
        chart.update_xaxes(title=item.unit, rangemode="tozero", **SHORT)
    ordered = sorted(item.peers)
    middle = ordered[len(ordered) // 2]
    above = sum(value < (item.own or 0) for value in item.peers)
    said = (
        f"{item.label} has {told(item.own, item)}; the median of {formats.plural(len(item.peers), 'peer')} is "
        f"{told(middle, item)}, {formats.percent(above, len(item.peers), 0)} have less."
    )
    draw(chart, alt=f"{item.measure} of peers: {said}", key=key)
    st.caption(escape(said))
