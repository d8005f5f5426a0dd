"""Early warnings of the running cycle, worked out by the worker when the tab is opened."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from app import cache
from app.components.job import start, watch
from app.components.states import nothing
from app.components.tables import Col, table
from app.page_text import escape


def early_warnings() -> None:
    """Draw the warnings that `tem watch` gives on this store; the same store answers at once."""
    if not cache.call("app.views.selection.has_rows", table="usage_events"):
        nothing("Early warnings need usage events (calls and sessions with their time); none are loaded.")
        return
    start("watch", {"rules": cache.call("app.views.policies.config")}, slot="watch")
    done = watch("watch")
    if done is None or done.state != "done":
        return
    rows = pd.DataFrame(done.result)
    if rows.empty:
        nothing("Nothing is about to run over, and no call or record looks wrong in the running cycle.")
        return
    cycle = rows["cycle"].iloc[0]
    st.caption(escape(f"Cycle from {cycle['from']} to {cycle['to']} (lines on other cycles: their own); newest first."))
    table(
        rows,
        [
            Col("on", "Since", "day"), Col("kind", "What", "code"), Col("subject", "Line or pool"),
            Col("level", "Level"), Col("used", "Used"), Col("limit", "Of"), Col("unit", "Unit"),
            Col("expected_on", "Runs over on", "day"), Col("explanation", "Why", width="large"),
            Col("action", "What to do", width="large"),
        ],
        key="warnings", height=360 if len(rows) > 8 else "auto", alt=f"{len(rows)} early warnings",
    )  # fmt: skip
