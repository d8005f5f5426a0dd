"""Buttons that hand out a file; it is made when somebody asks for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import PurePath

import streamlit as st

_TYPES = {
    ".csv": "text/csv",
    ".pdf": "application/pdf",
    ".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


def file_row(files: Iterable[tuple[str, str, Callable[[], bytes]]]) -> None:
    """A button for each (label, name, make): it downloads what `make` returns as `name`, whose ending says its type."""
    with st.container(horizontal=True):
        for label, name, make in files:
            kind = _TYPES[PurePath(name).suffix]
            st.download_button(label, make, name, kind, icon=":material/download:", on_click="ignore")
