"""What to do next: every recommendation with the same four facts: what, why, saving a month, confidence."""

from __future__ import annotations

import html
from collections.abc import Sequence

import streamlit as st

from app import navigation
from app.views.parts import Action


def action_list(items: Sequence[Action], *, key: str = "actions") -> None:
    """Draw the actions, largest money first as given."""
    for index, item in enumerate(items):
        with st.container(horizontal=True, vertical_alignment="center", gap="medium", key=f"{key}-{index}"):
            with st.container(width="stretch"):
                st.html(_pair("tem-what", item.what, item.why))
            with st.container(width=175):
                st.html(_pair("tem-num", f"{item.saving} {item.period}", item.confidence))
            if item.page:
                with st.container(width=70):
                    navigation.link(item.page, "Open", query=dict(item.query) or None)


def _pair(style: str, first: str, second: str) -> str:
    return f"<div class='{style}'>{html.escape(first)}</div><div class='tem-why'>{html.escape(second)}</div>"
