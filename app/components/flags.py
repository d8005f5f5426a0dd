"""A queue of flags with its evidence: pick one, see the line in context, confirm or dismiss it with a reason."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from app import cache, formats, page, triage
from app.components import job
from app.components.queue import csv_button, picked_ids
from app.components.states import nothing
from app.components.strip import line_in_context
from app.components.tables import Col, table
from app.components.triage import decision_bar, whole_evidence
from app.page_text import escape


def model_run(told: str) -> None:
    """What the last run of the model said about itself, and a new run that takes your decisions into account."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(escape(told) if told else "Decisions reach the queue with the next run.")
        if st.button("Run again with your decisions", key="flag-again", icon=":material/refresh:"):
            job.start("flag", {}, slot="flag", again=True)
    job.watch("flag")


def flag_queue(frame: pd.DataFrame, members: Sequence[Sequence[str]], *, key: str, empty: str) -> None:
    """Draw a queue (a frame of :mod:`app.views.usage`), the decision bar and the evidence of the picked row."""
    if frame.empty:
        nothing(empty)
        return
    rows = table(
        frame,
        [
            Col("what", "What"),
            Col("line", "Line"),
            Col("holder", "Holder"),
            Col("month", "Month", "month"),
            Col("score", "Surprise, nats", "quantity", help="-ln of how likely it is by chance; money is not in it"),
            Col("amount", "At stake", "money"),
            Col("currency", "Cur."),
            Col("severity", "Severity", "code"),
            Col("state", "State", "code"),
            Col("explanation", "Why", width="large"),
        ],
        key=f"{key}-queue",
        select="many",
        height=360 if len(frame) > 8 else "auto",
        alt=f"Queue of {len(frame)} flags",
    )
    csv_button(frame, f"{key}.csv", key=f"{key}-csv")
    ids = picked_ids(rows, members)
    what = formats.plural(len(ids), "flag") if ids else "the flags you pick in the queue"
    decision_bar(ids, choices=triage.FLAG_CHOICES, key=f"{key}-decide", what=what, scopes=triage.SCOPES)
    shown = members[rows[-1] if rows else 0][0]
    context = cache.call("app.views.usage.history", finding_id=shown)
    if context is not None:
        line_in_context(context, key=key)
    seen = cache.call("app.views.evidence.of", finding_id=shown)
    if seen is not None:
        whole_evidence(seen, key=f"{key}-case")
        if seen.finding["service_id"]:
            page.link("inventory", "Open the dossier of this line", service=seen.finding["service_id"])
