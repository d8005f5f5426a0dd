"""Early warnings of the billing cycles: looked for by the worker when the tab opens, decided on like other flags."""

from __future__ import annotations

import streamlit as st

from app import cache, formats, triage
from app.components.job import start, watch
from app.components.queue import csv_button, picked_ids
from app.components.states import nothing
from app.components.tables import Col, table
from app.components.triage import decision_bar, kept_back_shown, whole_evidence
from app.views.selection import Filters
from app.views.warnings import Warnings


def early_warnings(filters: Filters, *, key: str) -> None:
    """Draw the warnings that `tem watch` keeps on this store; the same store answers at once."""
    if not cache.call("app.views.selection.has_rows", table="usage_events"):
        nothing("Early warnings need usage events (calls and sessions with their time); none are loaded.")
        return
    limits = cache.call("app.views.warnings.limits")
    start("watch", {"rules": cache.call("app.views.policies.config"), "limits": limits}, slot="watch")
    done = watch("watch")
    if done is None or done.state != "done":
        return
    shown = bool(st.session_state.get(f"{key}-kept"))
    data: Warnings = cache.view("warnings", filters, kept_back=shown)
    kept_back_shown(data.kept_back, key=key)
    if data.table.empty:
        nothing("No warning waits for a decision: nothing is about to run over, and no call or record looks wrong.")
        return
    st.caption("The running cycles and the ones just before them, newest first; each line or pool as it stands now.")
    st.caption(limits)
    rows = table(
        data.table,
        [
            Col("on", "Since", "day"), Col("what", "What"), Col("line", "Line or pool"),
            Col("level", "Level"), Col("used", "Used"), Col("limit", "Of"), Col("unit", "Unit"),
            Col("expected_on", "Runs over on", "day"), Col("cycle", "Cycle"), Col("state", "State", "code"),
            Col("explanation", "Why", width="large"), Col("action", "What to do", width="large"),
        ],
        key=f"{key}-list", select="many", height=360 if len(data.table) > 8 else "auto",
        alt=f"{len(data.table)} early warnings",
    )  # fmt: skip
    csv_button(data.table, "early_warnings.csv", key=f"{key}-csv")
    ids = picked_ids(rows, data.ids)
    what = formats.plural(len(rows), "warning") if ids else "the warnings you pick in the list"
    decision_bar(ids, choices=triage.FLAG_CHOICES, key=f"{key}-decide", what=what, scopes=triage.WATCH_SCOPES)
    seen = cache.call("app.views.evidence.of", finding_id=data.ids[rows[-1] if rows else 0][0])
    if seen is not None:
        whole_evidence(seen, key=f"{key}-case")
