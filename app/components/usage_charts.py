"""Use of the fleet by month and zone, stacked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from app import formats, theme
from app.components.charts import SHORT, draw, figure, units
from app.views.usage import UNITS


def usage_trend(months: Sequence[str], zones: Mapping[str, Sequence[int]], kind: str, *, key: str) -> None:
    """Bars by month, stacked by zone; data in GB once it is large."""
    colours = theme.palette()
    unit = UNITS[kind]
    chart = figure(260, barmode="stack")
    large = (
        kind == "data" and max((max(values, default=0) for values in zones.values()), default=0) > 10_240 * 1_000_000
    )
    for number, (zone, values) in enumerate(zones.items()):
        shown = [None if v is None else v / 1024 for v in units(list(values))] if large else units(list(values))
        chart.add_bar(
            x=[formats.month_short(month) for month in months],
            y=shown,
            name=zone,
            marker={"color": colours.series[number % len(colours.series)]},
            customdata=[formats.quantity(value, unit) for value in values],
            hovertemplate="%{fullData.name}, %{x}: %{customdata}<extra></extra>",
        )
    chart.update_yaxes(title="GB" if large else unit, rangemode="tozero", **SHORT)
    chart.update_xaxes(type="category", nticks=10)
    last = "; ".join(f"{zone} {formats.quantity(values[-1], unit)}" for zone, values in zones.items() if values)
    draw(chart, alt=f"{formats.words(kind)} by month and zone; in {formats.month(months[-1])}: {last}.", key=key)
