"""What a file is, and what importing it would do, before anything is changed."""

from __future__ import annotations

import html
from dataclasses import replace
from typing import Any

import pandas as pd
import streamlit as st

from app import formats
from app.page_text import escape
from core.issues import Issue


def preview_card(item: Any, *, teachable: bool = False) -> bool:
    """Draw a :class:`loaders.Preview`; returns whether the file can be imported.

    `teachable`: the page asks below how to read the file, so it is not known yet rather than bad.
    """
    report = item.report
    with st.container(border=True):
        st.markdown(f"**{escape(item.file)}** " + _badges(item, teachable))
        if item.refused and teachable and _unknown(item):
            st.caption("No format that OpenTEM knows. Say below, once, how to read it.")
            return False
        if item.refused:
            _issues(item)
            return False
        told = [formats.plural(report.rows_in, "row"), f"{report.rows_loaded:,} would be loaded"]
        if report.rows_quarantined:
            told.append(f"{report.rows_quarantined:,} would be set aside")
        if report.invoices:
            told.append(formats.tied(len(report.invoices), sum(not bill.balanced for bill in report.invoices)))
        st.caption(escape(" · ".join(told)))
        _issues(item)
        if item.columns and item.rows:
            width = len(item.columns)
            rows = [(list(row) + [""] * width)[:width] for row in item.rows]
            names = [
                name if item.columns.index(name) == i else f"{name} ({i + 1})" for i, name in enumerate(item.columns)
            ]
            with st.expander("First rows"):
                st.dataframe(pd.DataFrame(rows, columns=names), hide_index=True)
    return report.duplicate_of is None


def _unknown(item: Any) -> bool:
    return item.format is None or (item.format == "pdf" and not item.report.layout)


def _badges(item: Any, teachable: bool) -> str:
    if item.refused and teachable:
        return ":orange-badge[Not known yet]" if _unknown(item) else ":orange-badge[Does not fit]"
    if item.refused:
        return ":red-badge[Cannot be read]"
    layout = f": {item.report.layout}" if item.report.layout else ""
    badges = [f":blue-badge[{escape(str(item.format) + layout)}]"]
    if item.report.duplicate_of is not None:
        badges.append(f":gray-badge[Already imported, no. {item.report.duplicate_of}]")
    elif item.report.rows_quarantined and not item.report.rows_loaded:
        badges.append(":orange-badge[All set aside]")
    return " ".join(badges)


def _issues(item: Any) -> None:
    lines = [str(_without_file(issue, item.file)) for issue in item.issues] or (
        [item.report.error] if item.report.error else []
    )
    if lines:
        shown = "".join(f"<li>{html.escape(str(line))}</li>" for line in lines[:12])
        more = f"<li>and {len(lines) - 12:,} more</li>" if len(lines) > 12 else ""
        st.html(f"<ul class='tem-why' style='margin:0;padding-left:1.1rem'>{shown}{more}</ul>")


def _without_file(issue: Issue, file: str) -> Issue:
    """The issue without the name of the file that stands above it."""
    return replace(issue, file=None) if issue.file == file else issue
