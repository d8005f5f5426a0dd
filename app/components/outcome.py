"""What every page about a result draws alike: changes, moves between plans, frontier, downloads, job facts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from app import cache, formats, theme
from app.components.charts import draw, figure, money_axis, units
from app.components.tables import Col, table
from app.views.results import Outcome

SHOWN = 5_000


def told_by_solver(currency: str | None) -> Any:
    """A function that turns the facts of a running search into one line: best so far, bound, gap."""

    def tell(known: Mapping[str, Any]) -> str:
        parts = []
        for name, label in (("incumbent", "best so far"), ("bound", "bound")):
            if known.get(name) is not None:
                parts.append(f"{label} {formats.symbol(currency)}{float(known[name]):,.2f} a month")
        if known.get("gap") is not None:
            parts.append(f"gap {formats.percent(known['gap'], 1, 4)}")
        return ", ".join(parts)

    return tell


def change_table(frame: pd.DataFrame, currency: str | None, *, key: str, height: int = 400) -> list[int]:
    """Changes ranked by money, each with what, why, monthly saving and confidence."""
    return table(
        frame.head(SHOWN),
        [
            Col("what", "What"),
            Col("line", "Line"),
            Col("holder", "Holder"),
            Col("from", "From"),
            Col("to", "To"),
            Col("carrier", "Carrier"),
            Col("saving", f"Saving a month, {currency or ''}", "money"),
            Col("why", "Why", width="large"),
            Col("confidence", "Confidence", width="medium"),
        ],
        key=key,
        select="one",
        height=height if len(frame) > 9 else "auto",
        empty="No line changes.",
        alt="Recommended changes, largest monthly saving first",
    )


def frontier_chart(frame: pd.DataFrame, currency: str | None, *, key: str) -> None:
    """Saving against the number of changes, with the point that brings four fifths of it."""
    colours = theme.palette()
    chart = figure(240, showlegend=False)
    chart.add_scatter(
        x=list(frame["changes"]),
        y=units(list(frame["saving"])),
        mode="lines",
        line={"color": colours.saving, "width": 2.5},
        hovertemplate="%{x} changes: %{y:,.0f}<extra></extra>",
    )
    money_axis(chart, currency)
    chart.update_xaxes(title="Changes, best first")
    most = int(frame["saving"].max())
    enough = frame[frame["saving"] * 5 >= most * 4].head(1)
    told = "no change saves money"
    if len(enough) and most > 0:
        count, amount = int(enough["changes"].iloc[0]), int(enough["saving"].iloc[0])
        told = f"{formats.plural(count, 'change')} bring {formats.money(amount, currency)} a month, four fifths of it"
        chart.add_scatter(
            x=[count],
            y=units([amount]),
            mode="markers+text",
            text=[formats.plural(count, "change")],
            textposition="bottom right",
            marker={"size": 9, "color": colours.saving},
        )
    draw(chart, alt=f"Saving by number of changes: {told}.", key=key)
    st.caption(
        f"{told[0].upper()}{told[1:]}. Savings of lines that share a pool are not fully additive.".replace("$", "\\$")
    )


def moves_chart(frame: pd.DataFrame, *, key: str) -> None:
    """Lines that move from each plan (rows) to each plan (columns), the count written in the cell."""
    colours = theme.palette()
    chart = figure(130 + 34 * len(frame))
    cells = frame.to_numpy()
    chart.add_heatmap(
        z=cells,
        x=list(frame.columns),
        y=list(frame.index),
        text=[[str(v) if v else "" for v in row] for row in cells],
        texttemplate="%{text}",
        colorscale=[[0, colours.grid], [1, colours.series[1]]],
        showscale=False,
        xgap=2,
        ygap=2,
        hovertemplate="%{y} to %{x}: %{z} lines<extra></extra>",
    )
    chart.update_yaxes(autorange="reversed", showgrid=False, type="category")
    chart.update_xaxes(side="top", type="category", tickangle=-30)
    told = "; ".join(
        f"{source} to {target} {frame.at[source, target]}" for source in frame.index for target in frame.columns
        if frame.at[source, target]
    )  # fmt: skip
    draw(chart, alt=f"Lines moving between plans: {told[:600]}.", key=key)


def downloads(item: Outcome, *, key: str) -> None:
    """Change order (XLSX, CSV), result (JSON) and scenario (YAML) of a result."""
    with st.container(horizontal=True, key=f"{key}-downloads"):
        if item.changes:
            book = cache.later("app.reports.change_order.workbook", result_id=item.result_id)
            kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
            _button("Change order (XLSX)", book, "change-order.xlsx", kind, f"{key}-xlsx")
            rows = cache.call("app.reports.change_order.rows", result_id=item.result_id)[1]
            text = pd.DataFrame(rows).to_csv(index=False)
            _button("Change order (CSV)", text, "change-order.csv", "text/csv", f"{key}-csv")
        text = json.dumps(item.document, ensure_ascii=False, indent=2)
        _button("Result (JSON)", text, "result.json", "application/json", f"{key}-json")
        if item.yaml:
            _button("Scenario (YAML)", item.yaml, "scenario.yaml", "application/yaml", f"{key}-yaml")


def _button(label: str, data: Any, name: str, kind: str, key: str) -> None:
    st.download_button(label, data, name, kind, key=key, icon=":material/download:", on_click="ignore")


def follow(job: Any) -> None:
    """When a search has ended, show its result (once) by its address."""
    shown = st.session_state.setdefault("jobs-shown", set())
    if job is None or job.state != "done" or not job.result or job.job_id in shown:
        return
    shown.add(job.job_id)
    st.query_params["result"] = job.result["result_id"]
    st.rerun()
