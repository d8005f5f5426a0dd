"""What to do next: every recommendation with the same four facts (what, why, saving a month, confidence) and one way on."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from app import navigation


@dataclass(frozen=True, slots=True)
class Action:
    """`saving` and `confidence` are finished text; `page` is a registry key, `query` its address parameters."""

    what: str
    why: str
    saving: str
    confidence: str
    page: str = ""
    query: tuple[tuple[str, str], ...] = ()
    period: str = "a month"


def action_list(items: Sequence[Action], *, key: str = "actions") -> None:
    """Draw the actions, largest money first as given."""
    for index, item in enumerate(items):
        with st.container(horizontal=True, vertical_alignment="center", gap="medium", key=f"{key}-{index}"):
            with st.container(width="stretch"):
                st.html(
                    f"<div class='tem-what'>{html.escape(item.what)}</div><div class='tem-why'>{html.escape(item.why)}</div>"
                )
            with st.container(width=150):
                st.html(
                    f"<div class='tem-num'>{html.escape(item.saving)} <span class='tem-why'>{html.escape(item.period)}</span></div>"
                    f"<div class='tem-why'>{html.escape(item.confidence)}</div>"
                )
            if item.page:
                with st.container(width=70):
                    navigation.link(item.page, "Open", query=dict(item.query) or None)
