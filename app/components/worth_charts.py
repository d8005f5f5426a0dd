"""Charts of what things are worth: prices with their proven range, sweeps, ladder, frontier, delay, demand."""

from __future__ import annotations

from typing import Any

import pandas as pd

from app import formats, theme
from app.components.charts import draw, figure, money_axis, units
from app.views.worth import Sweep
from core.money import SCALE


def _soft(colour: str, alpha: float = 0.16) -> str:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{alpha})"


def _band(chart: Any, x: list[Any], low: list[Any], high: list[Any], colour: str) -> None:
    """A soft band between two series: what is proven."""
    chart.add_scatter(
        x=[*x, *reversed(x)],
        y=[*units(high), *reversed(units(low))],
        fill="toself",
        mode="lines",
        line={"width": 0},
        fillcolor=_soft(colour),
        hoverinfo="skip",
        showlegend=False,
    )


def priced_ranges(frame: pd.DataFrame, currency: str | None, *, key: str) -> None:
    """Rules by price, dearest on top, each with a whisker over its proven range."""
    colours = theme.palette()
    rows = frame[frame["price"].notna()]
    chart = figure(50 + 46 * max(len(rows), 1), showlegend=False)
    values = units(rows["price"].tolist())
    chart.add_bar(
        y=list(range(len(rows))),
        x=values,
        orientation="h",
        marker={"color": colours.waste},
        width=0.34,
        error_x={
            "type": "data",
            "symmetric": False,
            "array": [(int(h) - int(p)) / SCALE for h, p in zip(rows["high"], rows["price"], strict=True)],
            "arrayminus": [(int(p) - int(v)) / SCALE for v, p in zip(rows["low"], rows["price"], strict=True)],
            "color": colours.muted,
            "thickness": 1,
            "width": 3,
        },
        hoverinfo="skip",
    )
    for place, (name, price) in enumerate(zip(rows["name"], rows["price"], strict=True)):
        chart.add_annotation(
            x=0,
            y=place - 0.38,
            xanchor="left",
            showarrow=False,
            align="left",
            text=f"{formats.money(price, currency)} · {_short(str(name), 46)}".replace("<", "&lt;"),
            font={"size": 12, "color": colours.text},
        )
    chart.update_yaxes(visible=False, autorange=False, range=[len(rows) - 0.4, -0.8])
    money_axis(chart, currency, "x")
    top = max((max(int(p), int(v)) for p, v in zip(rows["price"], rows["low"], strict=True)), default=0) / SCALE
    chart.update_xaxes(nticks=5, range=[0, max(top * 1.6, 1)])
    chart.update_layout(margin={"t": 4, "l": 4})
    told = "; ".join(f"{n} {formats.money(p, currency)}" for n, p in zip(rows["name"], rows["price"], strict=True))
    draw(chart, alt=f"Price of each rule a month: {told[:600]}.", key=key)


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"


def sweep_chart(sweep: Sweep, currency: str | None, *, key: str) -> None:
    """What each level of commitment costs a month, its proven range, and where today's level stands."""
    colours, rows = theme.palette(), sweep.levels
    chart = figure(240, showlegend=False)
    x = units(rows["commitment"].tolist())
    _band(chart, x, rows["low"].tolist(), rows["high"].tolist(), colours.waste)
    chart.add_scatter(
        x=x,
        y=units(rows["extra"].tolist()),
        mode="lines+markers",
        line={"color": colours.waste, "width": 2},
        marker={"size": 5},
        customdata=[
            [formats.money(c, currency), formats.money(e, currency), f"{p:.0%}"]
            for c, e, p in zip(rows["commitment"], rows["extra"], rows["probability"], strict=True)
        ],
        hovertemplate="%{customdata[0]} committed: costs %{customdata[1]}, missed in %{customdata[2]}<extra></extra>",
    )
    chart.add_vline(
        x=sweep.now / SCALE,
        line={"color": colours.muted, "dash": "dot", "width": 1},
        annotation={"text": "today", "font": {"size": 11, "color": colours.muted}},
    )
    money_axis(chart, currency)
    money_axis(chart, currency, "x")
    chart.update_xaxes(title="Commitment a month", nticks=6)
    draw(chart, alt=f"Cost of the commitment of {sweep.contract} by level. {sweep.sentence}", key=key)


def ladder_chart(frame: pd.DataFrame, currency: str | None, *, key: str) -> None:
    """Cost a month with at most so many carriers."""
    colours = theme.palette()
    rows = frame[frame["cost"].notna()]
    chart = figure(46 + 40 * max(len(rows), 1), showlegend=False)
    names = [formats.plural(int(n), "carrier") for n in rows["carriers"]]
    chart.add_bar(
        y=names,
        x=units(rows["cost"].tolist()),
        orientation="h",
        marker={"color": colours.spend},
        text=[formats.money(v, currency) for v in rows["cost"]],
        textposition="outside",
        cliponaxis=False,
        hovertemplate="%{y}: %{text} a month<extra></extra>",
    )
    top = max((int(v) for v in rows["cost"]), default=0) / SCALE
    chart.update_yaxes(autorange="reversed", type="category", showgrid=False)
    chart.update_xaxes(visible=False, range=[0, max(top * 1.35, 1)])
    chart.update_layout(margin={"t": 4}, bargap=0.45)
    told = "; ".join(f"{n} {formats.money(v, currency)}" for n, v in zip(names, rows["cost"], strict=True))
    draw(chart, alt=f"Cost a month by number of carriers: {told}.", key=key)


def frontier_solved(frame: pd.DataFrame, currency: str | None, *, key: str) -> None:
    """Saving by number of changes, each point solved; the band is what could still be possible."""
    colours = theme.palette()
    chart = figure(240, showlegend=False)
    x = [0, *[int(v) for v in frame["changes"]]]
    saving = [0, *[int(v) for v in frame["saving"]]]
    high = [0, *[int(s) + int(r) for s, r in zip(frame["saving"], frame["still_possible"], strict=True)]]
    _band(chart, x, saving, high, colours.saving)
    chart.add_scatter(
        x=x,
        y=units(saving),
        mode="lines+markers",
        line={"color": colours.saving, "width": 2},
        marker={"size": 5},
        hovertemplate="%{x} changes: %{y:,.0f} a month<extra></extra>",
    )
    money_axis(chart, currency)
    chart.update_xaxes(title="Changes made")
    told = "; ".join(f"{n} bring {formats.money(s, currency)}" for n, s in zip(x[1:], saving[1:], strict=True))
    draw(chart, alt=f"Saving a month by number of changes, solved: {told}.", key=key)


def delay_chart(frame: pd.DataFrame, currency: str | None, *, key: str) -> None:
    """What waiting so many months costs over the window, against acting now."""
    colours = theme.palette()
    chart = figure(220, showlegend=False)
    x = [int(v) for v in frame["delay"]]
    _band(chart, x, frame["low"].tolist(), frame["high"].tolist(), colours.waste)
    chart.add_scatter(
        x=x,
        y=units(frame["cost_of_delay"].tolist()),
        mode="lines+markers",
        line={"color": colours.waste, "width": 2},
        marker={"size": 5},
        hovertemplate="%{x} months later: %{y:,.0f}<extra></extra>",
    )
    money_axis(chart, currency)
    chart.update_xaxes(title="Months of waiting", dtick=3)
    told = "; ".join(f"{n} months {formats.money(v, currency)}" for n, v in zip(x, frame["cost_of_delay"], strict=True))
    draw(chart, alt=f"Cost of waiting: {told}.", key=key)


def demand_chart(
    frame: pd.DataFrame, listed: int, even: int | None, currency: str | None, *, name: str, key: str
) -> None:
    """Lines that move to a plan at each price of it, each point solved; list price and first move are marked."""
    colours = theme.palette()
    chart = figure(250, showlegend=False)
    chart.add_scatter(
        x=units(frame["price"].tolist()),
        y=[int(v) for v in frame["lines"]],
        mode="lines+markers",
        line={"color": colours.spend, "width": 2},
        marker={"size": 5},
        customdata=[formats.money(v, currency) for v in frame["saving"]],
        hovertemplate="At %{x:,.2f}: %{y} lines, saves %{customdata} a month<extra></extra>",
    )
    marks = [(listed, "list price")] + ([(even, "first line moves")] if even is not None else [])
    for number, (price, text) in enumerate(marks):
        chart.add_vline(
            x=price / SCALE,
            line={"color": colours.muted, "dash": "dot", "width": 1},
            annotation={"text": text, "font": {"size": 11, "color": colours.muted}, "yshift": -14 * number},
        )
    money_axis(chart, currency, "x")
    chart.update_xaxes(title="Price a month", tickformat=",.2f", nticks=6, rangemode="normal")
    chart.update_yaxes(title="Lines that move", rangemode="tozero")
    told = "; ".join(
        f"{formats.cents(p, currency)} {n} lines" for p, n in zip(frame["price"], frame["lines"], strict=True)
    )
    draw(chart, alt=f"Demand for {name}: {told}.", key=key)
