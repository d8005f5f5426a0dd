"""What a page shows when there is nothing to show, or when something went wrong."""

from __future__ import annotations

import html

import streamlit as st

from app import navigation

_NEEDS = {
    "charges": "bills of at least one carrier",
    "services": "an inventory of your lines and circuits (or bills, which create one)",
    "findings": "a run of the audit: it starts by itself after an import, or with `tem audit` and `tem flag`",
    "contracts": "your contracts: start, terms, notice, commitment",
    "results": "an optimized scenario",
    "usage": "usage per line and month",
}


def empty_state(what: str, *, needs: str | None = None, hint: str | None = None, link: bool = True) -> None:
    """A calm page for an empty store: what this page will answer, what it needs, and the way there."""
    missing = hint or (f"It needs {_NEEDS.get(needs, needs)}." if needs else "")
    with st.container(border=True, horizontal_alignment="center", key=f"empty-{abs(hash(what))}"):
        st.html(
            f"<div class='tem-empty'><h3>{html.escape(what)}</h3><p class='tem-sub'>{html.escape(missing)}</p></div>"
        )
        if link:
            navigation.link("imports", "Import your first files", icon=":material/upload_file:")
            st.caption("Or run `tem demo` to look at a sample enterprise first.")


def nothing(text: str) -> None:
    """One quiet line in place of a chart or a table that has no rows."""
    st.html(f"<p class='tem-sub' style='padding:1rem 0'>{html.escape(text)}</p>")


def error_state(lines: list[str], *, title: str = "This page could not be drawn", hint: str = "") -> None:
    """What went wrong in words, without a traceback; details are in the server's log."""
    st.title(title, anchor=False)
    with st.container(border=True, key="error-state"):
        for line in lines[:20]:
            st.html(f"<p class='tem-sub'>{html.escape(line)}</p>")
        st.caption(hint or "Nothing was changed. The server's log has the details; reload the page to try again.")
