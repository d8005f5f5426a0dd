"""Which account was billed in which month, as a grid."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from app import formats, theme
from app.components.charts import draw, figure
from app.components.states import nothing


def coverage_chart(frame: pd.DataFrame, months: Sequence[str]) -> None:
    """`frame`: a row for each account, a column of 1 and 0 for each month."""
    if frame.empty or not months:
        nothing("No bill has been loaded.")
        return
    colours = theme.palette()
    labels = [formats.month_short(month) for month in months]
    chart = figure(70 + 22 * len(frame), showlegend=False)
    chart.add_heatmap(
        z=frame[list(months)].to_numpy().tolist(),
        x=labels,
        y=frame["account"].tolist(),
        colorscale=[[0, colours.surface], [1, colours.series[1]]],
        zmin=0,
        zmax=1,
        showscale=False,
        xgap=3,
        ygap=3,
        hovertemplate="%{y}, %{x}<extra></extra>",
    )
    chart.update_xaxes(type="category", side="top")
    chart.update_yaxes(autorange="reversed", showgrid=False, type="category")
    billed = int(frame[list(months)].to_numpy().sum())
    draw(chart, alt=f"{billed} bills of {len(frame)} accounts over {len(months)} months.", key="coverage")
