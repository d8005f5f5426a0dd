"""The foot of every page: how fresh and how complete the data is, which rates were used, how it was computed."""

from __future__ import annotations

import html
from collections.abc import Sequence

import streamlit as st

from app import cache


def footer(*notes: str) -> None:
    """Freshness and completeness of the store, then the page's own notes (rates, thresholds, how computed)."""
    told: Sequence[str] = [cache.call("app.views.freshness.sentence"), *(note for note in notes if note)]
    st.html(f"<div class='tem-foot'>{'<br>'.join(html.escape(text) for text in told if text)}</div>")
