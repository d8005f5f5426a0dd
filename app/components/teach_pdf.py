"""The template builder: the text of a PDF beside its template, and below what the template finds."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from app import cache, formats
from app.components.tables import Col, table
from app.page_text import escape
from app.views import teaching
from core.issues import BadInput
from loaders import teach

_HEIGHT = 420


def teach_pdf(path: Path) -> None:
    """Draw the builder for a PDF that no template reads; saving the template lets the file be imported."""
    with st.expander("Build a template for this PDF", expanded=True, icon=":material/picture_as_pdf:"):
        _builder(path)


def review_pdf(path: Path, layout: str) -> None:
    """Offer to see what the template `layout` matches in a PDF that it reads, and to change it."""
    if st.toggle(f"Show what the template {escape(layout)} matches", key=f"{_key(path)}-review"):
        with st.container(border=True):
            _builder(path, saved=True)


def _key(path: Path) -> str:
    return f"pdf-{path.parent.name}-{path.name}"


def _builder(path: Path, *, saved: bool = False) -> None:
    """The text beside the template, and what it finds; `saved`: the template is one that the store holds."""
    key = _key(path)
    try:
        text, first = cache.call("app.views.teaching.draft_template", file=path)
    except BadInput as problem:
        st.warning(escape(str(problem)), icon=":material/help:")
        return
    left, right = st.columns(2, gap="medium")
    with left:
        st.caption("The text of the file; three blanks stand between texts that are apart")
        st.code(text, language=None, height=_HEIGHT)
    with right:
        st.caption("The template: labels, columns and totals; change it and leave the field to see what it finds")
        definition = st.text_area(
            "Template (YAML)", value=first, height=_HEIGHT, key=f"yaml-{key}", label_visibility="collapsed"
        )
    try:
        found = cache.call("app.views.teaching.matched", file=path, definition=definition)
    except BadInput as problem:
        for issue in problem.issues:
            st.warning(escape(str(issue)), icon=":material/help:")
        return
    _outcome(found, key)
    unchanged = saved and definition == first
    reason = "Nothing was changed" if unchanged else "A template is saved once its charges sum to the printed total"
    if st.button(
        "Save the template",
        type="secondary" if saved else "primary",
        key=f"{key}-save",
        icon=":material/save:",
        disabled=unchanged or not found.accepted,
        help=reason if unchanged or not found.accepted else None,
    ):
        teach.save(cache.store(), definition)
        st.rerun()


def _outcome(found: teaching.Matched, key: str) -> None:
    total = "no printed total was found" if found.total is None else f"printed total {found.total}"
    said = f"{formats.plural(len(found.rows), 'charge')} read, together {found.charged}; {total}"
    (st.success if found.accepted else st.error)(escape(said + (": it ties." if found.accepted else ".")))
    for problem in found.problems:
        st.caption(escape(problem))
    left, right = st.columns([2, 3], gap="medium")
    with left:
        st.caption("What it matched on the invoice")
        table(
            found.fields,
            [Col("field", "Field"), Col("value", "Found"), Col("page", "Page", "count", width="small")],
            key=f"{key}-fields",
            height=280,
        )
    with right:
        st.caption("The charges")
        table(
            found.rows,
            [
                *(Col("page", "Page", "count", width="small"), Col("number", "Line"), Col("category", "Kind")),
                *(Col("description", "Description", width="medium"), Col("amount", "Amount", "money")),
            ],
            key=f"{key}-rows",
            height=280,
            empty="No charge was found: name the headings of the table, or `begins` and `left` and `right`.",
        )
    if len(found.unread):
        st.caption(f"{formats.plural(len(found.unread), 'line')} inside the tables that are no rows")
        table(
            found.unread,
            [
                Col("page", "Page", "count", width="small"),
                Col("line", "Line", width="large"),
                Col("expected", "Expected"),
            ],
            key=f"{key}-unread",
            height=160,
        )
