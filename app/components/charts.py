"""Charts of the dashboard: Plotly figures with the house template, drawn without mode bar, each with alt text."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from app import formats, theme
from app.page_text import escape
from app.views.parts import Step, Term
from core.money import SCALE

#: Ticks in short form: 20k, 1.5M; where they stand less than 1 apart, as they are, since 0.6 would become 600m.
SHORT: dict[str, Any] = {"tickformat": "~s", "tickformatstops": [{"dtickrange": [None, 0.999], "value": "~f"}]}
CONFIG = {"displayModeBar": False, "scrollZoom": False, "responsive": True, "showTips": False}


@contextmanager
def card(title: str, *, help: str | None = None, note: str | None = None, key: str | None = None) -> Any:
    """A framed part of a page with its own heading; `note` says unit and period."""
    with st.container(border=True, height="stretch", key=key):
        st.subheader(title if "\\$" in title else escape(title), anchor=False, help=escape(help) if help else None)
        if note:
            st.caption(escape(note))
        yield


def figure(height: int = 300, **layout: Any) -> go.Figure:
    """An empty figure with the house template."""
    result = go.Figure()
    result.update_layout(template=theme.template(theme.palette()), height=height, dragmode=False, **layout)
    return result


def draw(chart: go.Figure, *, alt: str, key: str, on_select: bool = False) -> Any:
    """Draw a figure; `alt` says in words what it shows. With `on_select` a click is returned as a selection."""
    if on_select:
        return st.plotly_chart(
            chart, theme=None, config=CONFIG, key=key, alt=alt, on_select="rerun", selection_mode="points"
        )
    return st.plotly_chart(chart, theme=None, config=CONFIG, key=key, alt=alt)


def units(micros: Sequence[Any]) -> list[float | None]:
    """Micros as plain numbers for an axis."""
    return [None if formats.missing(value) else int(value) / SCALE for value in micros]


def money_axis(chart: go.Figure, currency: str | None, axis: str = "y") -> None:
    """Format an axis as money of `currency` in short form."""
    chart.update_layout({f"{axis}axis": {"tickprefix": formats.symbol(currency), "rangemode": "tozero", **SHORT}})


def stacked_months(
    months: Sequence[str],
    series: Mapping[str, Sequence[Any]],
    currency: str | None,
    *,
    title: str,
    key: str,
    height: int = 300,
    budget: Sequence[int | None] = (),
) -> None:
    """Bars by month, stacked by the names of `series` (micros, one value per month), the largest at the bottom.

    `budget`: micros a month, drawn as a line where there is one.
    """
    colours = theme.palette()
    chart = figure(height, barmode="stack")
    labels = [formats.month_short(month) for month in months]
    for index, (name, values) in enumerate(series.items()):
        chart.add_bar(
            x=labels,
            y=units(values),
            name=name,
            marker={"color": colours.series[index % len(colours.series)]},
            customdata=[formats.money(value, currency) for value in values],
            hovertemplate="%{fullData.name}, %{x}: %{customdata}<extra></extra>",
        )
    if any(value is not None for value in budget):
        budget_line(chart, labels, budget)
    money_axis(chart, currency)
    chart.update_layout(legend_traceorder="normal")
    chart.update_xaxes(type="category", nticks=10)
    totals = [sum(int(v) for v in column if not formats.missing(v)) for column in zip(*series.values(), strict=True)]
    last = f" The last month, {formats.month(months[-1])}, is {formats.money(totals[-1], currency)}." if totals else ""
    draw(chart, alt=f"{title}: bars for {len(months)} months, stacked by {', '.join(series)}.{last}", key=key)


def budget_line(chart: go.Figure, labels: Sequence[str], budget: Sequence[int | None]) -> None:
    """The budget of each month as a dotted line over the bars."""
    chart.add_scatter(
        x=list(labels),
        y=units(budget),
        name="Budget",
        mode="lines",
        line={"color": theme.palette().waste, "width": 2, "dash": "dot", "shape": "hvh"},
        hovertemplate="Budget, %{x}: %{y:,.0f}<extra></extra>",
    )


def bridge(steps: Sequence[Step], currency: str | None, *, title: str, key: str, height: int = 300) -> None:
    """A waterfall from one total to the next, read from top to bottom so that its labels fit every width.

    The axis starts near the smaller total where the change is small, and says so.
    """
    colours = theme.palette()
    chart = figure(height, showlegend=False)
    totals = [step.amount for step in steps if step.kind == "total"]
    levels, level = [], 0
    for step in steps:
        level = step.amount if step.kind == "total" else level + step.amount
        levels.append(level)
    low = min([*levels, *totals], default=0)
    spread = max(levels, default=0) - low
    cut = max(0, low - max(spread, low // 50) // 2) if low > 0 and spread * 3 < low else 0
    base, sizes, fills, labels = [], [], [], []
    before = 0
    for step, after in zip(steps, levels, strict=True):
        if step.kind == "total":
            base.append(cut)
            sizes.append(after - cut)
            fills.append(colours.spend)
            labels.append(formats.short(step.amount, currency))
        else:
            base.append(min(before, after))
            sizes.append(abs(step.amount))
            fills.append(colours.waste if step.amount > 0 else colours.saving)
            labels.append(formats.short(step.amount, currency, sign=True) if step.amount else "0")
        before = after
    chart.add_bar(
        y=[step.label for step in steps],
        x=units(sizes),
        base=units(base),
        orientation="h",
        marker={"color": fills},
        text=labels,
        textposition="outside",
        cliponaxis=False,
        textfont={"size": 11},
        hovertemplate="%{y}: %{text}<extra></extra>",
    )
    room = (max(levels, default=0) - cut) / SCALE
    chart.update_xaxes(visible=False, range=[cut / SCALE, cut / SCALE + room * 1.24])
    chart.update_yaxes(autorange="reversed", type="category", showgrid=False, tickfont={"size": 11})
    chart.update_layout(bargap=0.3, margin={"t": 4})
    told = "; ".join(f"{s.label} {formats.short(s.amount, currency, sign=s.kind == 'change')}" for s in steps)
    draw(chart, alt=f"{title}: {told}.", key=key)
    if cut:
        st.caption(escape(f"Bars start at {formats.short(cut, currency)}, not at zero."))


def ladder(stages: Sequence[tuple[str, int]], currency: str | None, *, title: str, key: str, height: int = 190) -> None:
    """Stages from identified to realized as horizontal bars, each with its amount."""
    colours = theme.palette()
    chart = figure(height, showlegend=False)
    names = [name for name, _ in stages]
    fills = [colours.neutral, colours.series[2], colours.series[1], colours.saving][-len(stages) :]
    chart.add_bar(
        y=names,
        x=units([amount for _, amount in stages]),
        orientation="h",
        marker={"color": fills},
        text=[formats.money(amount, currency) for _, amount in stages],
        textposition="outside",
        cliponaxis=False,
        hovertemplate="%{y}: %{text}<extra></extra>",
    )
    top = max((amount for _, amount in stages), default=0) / SCALE
    chart.update_yaxes(autorange="reversed", showgrid=False, tickfont={"size": 12})
    chart.update_xaxes(visible=False, range=[0, max(top * 1.35, 1)])
    chart.update_layout(margin={"t": 8}, bargap=0.45)
    told = "; ".join(f"{name} {formats.money(amount, currency)}" for name, amount in stages)
    draw(chart, alt=f"{title}: {told}.", key=key)


def timeline(terms: Sequence[Term], today: str, *, title: str, key: str, height: int | None = None) -> None:
    """Last days for notice (diamonds) and the time from there to the end of the term (bars); `today` is dotted.

    Name and note stand above each bar from the left edge, so that they fit a phone and never leave the frame.
    """
    colours = theme.palette()
    chart = figure(height or 56 + 58 * max(len(terms), 1), showlegend=False)
    for row, term in enumerate(terms):
        tone = theme.tone_colour(term.tone) if term.tone != "neutral" else colours.spend
        if term.notice_by and term.ends:
            chart.add_scatter(
                x=[term.notice_by, term.ends],
                y=[row, row],
                mode="lines",
                line={"color": colours.neutral, "width": 9},
                hoverinfo="skip",
            )
        point = term.notice_by or term.ends
        if point:
            chart.add_scatter(
                x=[point],
                y=[row],
                mode="markers",
                marker={"symbol": "diamond", "size": 11, "color": tone},
                hovertemplate=f"{term.label}: {term.note}<extra></extra>",
            )
        chart.add_annotation(
            xref="paper",
            x=0,
            y=row,
            yshift=25,
            align="left",
            xanchor="left",
            showarrow=False,
            text=f"<b>{html.escape(term.label)}</b><br>{html.escape(term.note)}",
            font={"size": 11, "color": colours.text},
            bgcolor=colours.surface,
            borderpad=1,
        )
    chart.add_vline(x=today, line={"color": colours.muted, "width": 1, "dash": "dot"})
    chart.update_yaxes(visible=False, range=[len(terms) - 0.7, -0.9])
    chart.update_xaxes(type="date", tickformat="%b %y", nticks=6)
    chart.update_layout(margin={"t": 4})
    told = "; ".join(f"{term.label}: {term.note}" for term in terms)
    draw(chart, alt=f"{title}: {told}.", key=key)


def lines(
    x: Sequence[str],
    series: Mapping[str, Sequence[Any]],
    *,
    title: str,
    key: str,
    currency: str | None = None,
    unit: str | None = None,
    band: tuple[Sequence[Any], Sequence[Any]] | None = None,
    mark: Sequence[int] = (),
    height: int = 260,
) -> None:
    """Lines over months (values in micros), optionally a band of what was expected and marked points."""
    colours = theme.palette()
    chart = figure(height)
    labels = [formats.month_short(v) if len(v) == 7 else v for v in x]
    if band:
        chart.add_scatter(
            x=labels, y=units(band[1]), mode="lines", line={"width": 0}, hoverinfo="skip", showlegend=False
        )
        chart.add_scatter(
            x=labels,
            y=units(band[0]),
            mode="lines",
            line={"width": 0},
            fill="tonexty",
            fillcolor=_soft(colours.series[2]),
            name="Expected range",
            hoverinfo="skip",
        )
    for index, (name, values) in enumerate(series.items()):
        told = [formats.money(v, currency) if currency else formats.quantity(v, unit) for v in values]
        chart.add_scatter(
            x=labels,
            y=units(values),
            name=name,
            mode="lines+markers",
            customdata=told,
            line={"color": colours.series[index % len(colours.series)], "width": 2},
            marker={"size": 4},
            hovertemplate="%{fullData.name}, %{x}: %{customdata}<extra></extra>",
        )
    if mark and series:
        first = units(next(iter(series.values())))
        chart.add_scatter(
            x=[labels[i] for i in mark],
            y=[first[i] for i in mark],
            mode="markers",
            name="Flagged",
            marker={"size": 11, "color": colours.dispute, "symbol": "diamond"},
        )
    if currency:
        money_axis(chart, currency)
    else:
        percent = unit == "%"
        chart.update_yaxes(
            rangemode="tozero", title=None if percent else unit, ticksuffix=" %" if percent else "", **SHORT
        )
    chart.update_xaxes(type="category", nticks=9)
    chart.update_layout(showlegend=len(series) > 1 or bool(band) or bool(mark))
    draw(chart, alt=f"{title}: {', '.join(series)} over {len(labels)} months.", key=key)


def _soft(colour: str, alpha: float = 0.28) -> str:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{alpha})"


def ranked(
    names: Sequence[str], amounts: Sequence[int], currency: str | None, *, title: str, key: str, tone: str = "spend"
) -> None:
    """Horizontal bars, largest on top, each with its amount: a Pareto without an axis."""
    colours = theme.palette()
    fill = {"spend": colours.spend, "waste": colours.waste, "saving": colours.saving, "dispute": colours.dispute}[tone]
    chart = figure(60 + 28 * max(len(names), 1), showlegend=False)
    chart.add_bar(
        y=list(names),
        x=units(amounts),
        orientation="h",
        marker={"color": fill},
        cliponaxis=False,
        text=[formats.money(a, currency) for a in amounts],
        textposition="outside",
        hovertemplate="%{y}: %{text}<extra></extra>",
    )
    top = max(amounts, default=0) / SCALE
    chart.update_yaxes(autorange="reversed", showgrid=False, type="category")
    chart.update_xaxes(visible=False, range=[min(min(amounts, default=0) / SCALE, 0), max(top * 1.32, 1)])
    chart.update_layout(margin={"t": 4}, bargap=0.4)
    told = "; ".join(f"{n} {formats.money(a, currency)}" for n, a in list(zip(names, amounts, strict=True))[:8])
    draw(chart, alt=f"{title}: {told}.", key=key)
