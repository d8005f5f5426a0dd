"""The row of figures on top of a page: each with its unit, a comparison and, where it helps, its trend."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from app.page_text import escape
from app.views.parts import Kpi

_DELTA = {"good": "green", "bad": "red", "attention": "orange", "neutral": "gray"}


def kpi_row(items: Sequence[Kpi], *, key: str = "kpis") -> None:
    """Up to five figures in one row that wraps on a narrow screen."""
    with st.container(horizontal=True, gap="small", key=key):
        for item in items:
            shown = item.trend and len(item.trend) > 1
            st.metric(
                escape(item.label),
                escape(item.value),
                escape(item.delta) if item.delta else None,
                delta_color=_DELTA.get(item.tone, "gray"),  # type: ignore[arg-type]
                delta_arrow=item.direction if item.direction in {"up", "down"} else "off",  # type: ignore[arg-type]
                help=escape(item.help) if item.help else None,
                border=True,
                height="stretch",
                chart_data=list(item.trend) if shown else None,
                chart_type="line",
            )
