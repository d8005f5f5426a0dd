"""Tables: a frame of the view drawn with labels, units and right-aligned figures; rows can be picked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import streamlit as st

from app import formats
from core.money import SCALE

MOST_ROWS = 10_000


@dataclass(frozen=True, slots=True)
class Col:
    """A column of a table; columns of the frame that are not listed are not sent.

    `kind`: text | figure (text that is a number) | code (as words) | money (micros to the cent) | quantity (micros) |
    count | percent (a fraction) | month | day | stamp | yes (0 and 1 as words) | bar (a fraction).
    """

    name: str
    label: str
    kind: str = "text"
    help: str | None = None
    width: str | None = None


def _values(series: pd.Series, kind: str) -> list[Any]:
    blank = series.isna()
    items = series.tolist()
    makers: dict[str, Any] = {
        "money": lambda v: round(int(v) / SCALE, 6),
        "quantity": lambda v: round(int(v) / SCALE, 6),
        "count": int,
        "percent": lambda v: float(v) * 100,
        "bar": float,
        "month": formats.month_short,
        "day": str,
        "stamp": formats.stamp,
        "code": formats.words,
        "yes": lambda v: "Yes" if v else "No",
    }
    make = makers.get(kind, str)
    return [None if empty else make(value) for value, empty in zip(items, blank, strict=True)]


def _config(column: Col) -> Any:
    common: dict[str, Any] = {"label": column.label, "help": column.help, "width": column.width}
    if column.kind == "money":
        return st.column_config.NumberColumn(format="accounting", **common)
    if column.kind == "quantity":
        return st.column_config.NumberColumn(format="localized", **common)
    if column.kind == "count":
        return st.column_config.NumberColumn(format="localized", **common)
    if column.kind == "percent":
        return st.column_config.NumberColumn(format="%.1f %%", **common)
    if column.kind == "bar":
        return st.column_config.ProgressColumn(format="percent", min_value=0, max_value=1, **common)
    if column.kind == "day":
        return st.column_config.DateColumn(format="D MMM YYYY", **common)
    return st.column_config.TextColumn(alignment="right" if column.kind == "figure" else None, **common)


def display(frame: pd.DataFrame, columns: Sequence[Col]) -> pd.DataFrame:
    """The frame as it is sent to the reader: only the listed columns, micros as plain numbers."""
    there = [column for column in columns if column.name in frame.columns]
    data = {column.name: _values(frame[column.name], column.kind) for column in there}
    result = pd.DataFrame(data, index=range(len(frame)))
    for column in there:
        if column.kind == "day":
            result[column.name] = pd.to_datetime(result[column.name], errors="coerce").dt.date
    return result


def table(
    frame: pd.DataFrame,
    columns: Sequence[Col],
    *,
    key: str,
    select: str | None = None,
    height: int | str = "auto",
    alt: str | None = None,
    empty: str = "No rows.",
) -> list[int]:
    """Draw a table and return the positions of the picked rows (`select`: None, "one" or "many")."""
    if frame.empty:
        from app.components.states import nothing

        nothing(empty)
        return []
    shown = display(frame.head(MOST_ROWS), columns)
    options: dict[str, Any] = {
        "hide_index": True,
        "column_config": {column.name: _config(column) for column in columns if column.name in shown},
        "key": key,
        "height": "auto" if isinstance(height, int) and 38 + 35 * len(shown) < height else height,
        "placeholder": formats.UNKNOWN,
        "alt": alt,
    }
    if select:
        state = st.dataframe(
            shown, on_select="rerun", selection_mode="single-row" if select == "one" else "multi-row", **options
        )
        picked = [int(row) for row in state.selection.rows if row < len(shown)]
    else:
        st.dataframe(shown, **options)
        picked = []
    if len(frame) > MOST_ROWS:
        st.caption(f"The first {MOST_ROWS:,} of {len(frame):,} rows; narrow the filters to see the rest.")
    return picked
