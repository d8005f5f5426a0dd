"""What can be done with one dispute of the register: its next states, its pack as PDF, its findings."""

from __future__ import annotations

import streamlit as st

from app import cache, formats, triage
from app.page_text import escape
from app.views.disputes import STEPS, Disputes


def dispute_steps(data: Disputes, row: int | None) -> None:
    """Buttons for the picked dispute, and what the last one did; a hint while none is picked."""
    told = st.session_state.pop("dispute-told", None)
    if told:
        (st.success if told[0] else st.error)(escape(told[1]), icon=None)
    if row is None or row >= len(data.table):
        if len(data.table):
            st.caption("Pick a dispute to move it on or to write its pack for the carrier.")
        return
    item = data.table.iloc[row]
    key = str(item["dispute_id"])
    st.markdown(f"**{escape(item['carrier'])}, invoice {escape(item['invoice'])}**")
    with st.container(horizontal=True, vertical_alignment="center", key="dispute-steps"):
        for state in data.steps[key]:
            if st.button(STEPS[state], key=f"step-{state}"):
                st.session_state["dispute-told"] = triage.move_dispute(cache.store(), key, state)
                st.rerun()
        if item["open"] > 0:
            document = cache.later("app.views.disputes.pack", dispute_id=key)
            st.download_button(
                "Dispute pack (PDF)", document, f"dispute-{key}.pdf", "application/pdf", icon=":material/download:",
                on_click="ignore",
            )  # fmt: skip
    if not formats.missing(item["file_by"]) and item["state"] == "Not filed":
        st.caption(f"To be filed by {formats.day(item['file_by'])}.")
