"""Arrangement: two cards beside each other on a wide screen, one below the other on a phone."""

from __future__ import annotations

from typing import Any

import streamlit as st


def side_by_side(left: int, right: int) -> Any:
    """Two columns with widths in this proportion."""
    return st.columns([left, right], gap="small")
