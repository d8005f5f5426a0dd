"""The chart of what is coming: bars billed, bars expected with their range, the budget as a line."""

from __future__ import annotations

from app import formats, theme
from app.components.charts import budget_line, draw, figure, money_axis, units
from app.views.forecast import Outlook


def outlook_chart(data: Outlook, *, key: str, height: int = 320) -> None:
    """Months billed and months expected of one outlook; the axis starts at zero."""
    colours = theme.palette()
    chart = figure(height, barmode="overlay")
    past = [formats.month_short(month) for month in data.months]
    coming = [formats.month_short(item.month) for item in data.ahead]
    chart.add_bar(
        x=past,
        y=units(data.billed),
        name="Billed",
        marker={"color": colours.spend},
        customdata=[formats.money(value, data.currency) for value in data.billed],
        hovertemplate="%{x}: %{customdata} billed<extra></extra>",
    )
    told = [
        formats.money(item.expected, data.currency)
        + ("" if item.low is None else f" ({formats.span(item.low, item.high, data.currency)})")
        for item in data.ahead
    ]
    reach = [0 if item.high is None else (item.high - item.expected) for item in data.ahead]
    chart.add_bar(
        x=coming,
        y=units([item.expected for item in data.ahead]),
        name="Expected, 8 in 10 within the bracket",
        marker={"color": colours.series[2]},
        error_y={"type": "data", "array": units(reach), "color": colours.muted, "thickness": 1, "width": 4},
        customdata=told,
        hovertemplate="%{x}: %{customdata} expected<extra></extra>",
    )
    if any(value is not None for value in data.budget):
        budget_line(chart, [*past, *coming], data.budget)
    money_axis(chart, data.currency)
    chart.update_xaxes(type="category", nticks=7, tickangle=0)
    chart.update_layout(legend_traceorder="normal")
    first = f" {formats.month(data.ahead[0].month)}: {told[0]}." if told else ""
    draw(chart, alt=f"{len(past)} months billed, {len(coming)} months expected.{first}", key=key)
