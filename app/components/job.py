"""A running job on a page: progress, what is known so far, cancel, result; polled, so a reload finds it again."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from app import cache
from app.page_text import escape
from core import jobs

POLL_SECONDS = 1.0
_CANCELLED_LOAD = (
    "Cancelled. The file that was being read has left nothing behind; files that had been imported before it stay, "
    "and are listed below."
)

_STATES = {
    "queued": "Waiting for the worker",
    "running": "Running",
    "done": "Done",
    "failed": "Failed",
    "cancelled": "Cancelled",
}


def start(kind: str, params: Mapping[str, Any], *, slot: str, again: bool = False) -> int:
    """Ask for a job and remember it under `slot` in this session, so that :func:`watch` shows it."""
    number = jobs.enqueue(cache.store(), kind, params, again=again)
    st.session_state[f"job-{slot}"] = number
    return number


def current(slot: str) -> jobs.Job | None:
    """The job of a slot as it stands, None if this session has none."""
    number = st.session_state.get(f"job-{slot}")
    return jobs.get(cache.store(), number) if number else None


def watch(slot: str, *, facts: Callable[[Mapping[str, Any]], str] | None = None) -> jobs.Job | None:
    """Draw the job of a slot and return it; redraws itself each second while it runs, the whole page when it ends.

    `facts` turns what the handler last told (for the optimizer: incumbent, bound, gap) into one line.
    """
    job = current(slot)
    if job is None:
        return None
    if job.over:
        _draw(job, slot, facts)
    else:
        st.fragment(_poll, run_every=POLL_SECONDS)(slot, facts)
    return job


def _poll(slot: str, facts: Callable[[Mapping[str, Any]], str] | None) -> None:
    job = current(slot)
    if job is None:
        return
    _draw(job, slot, facts)
    if job.over:
        st.rerun(scope="app")


def _draw(job: jobs.Job, slot: str, facts: Callable[[Mapping[str, Any]], str] | None) -> None:
    if job.state == "failed":
        with st.container(border=True):
            st.markdown(":red-badge[Failed]")
            for line in (job.error or "unknown").splitlines()[:20]:
                st.html(f"<p class='tem-sub'>{html.escape(line)}</p>")
        return
    if job.state == "cancelled":
        st.caption(_CANCELLED_LOAD if job.kind == "load" else "Cancelled; nothing was changed.")
        return
    if job.state == "done":
        return
    note = " · ".join(
        part
        for part in (_STATES[job.state], job.note or "", facts(job.progress) if facts and job.progress else "")
        if part
    )
    with st.container(horizontal=True, vertical_alignment="center", key=f"job-row-{slot}"):
        st.progress(job.fraction, text=escape(note))
        if st.button("Cancel", key=f"cancel-{slot}", width=90):
            jobs.cancel(cache.store(), job.job_id)
            st.rerun(scope="app")
