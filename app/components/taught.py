"""What was taught: saved profiles, templates and charge rules, each to be read, changed and forgotten."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from app import cache
from app.components.tables import Col, table
from app.page_text import escape
from core.issues import BadInput
from core.queries import formats
from loaders import definitions, teach
from loaders.taxonomy import CATEGORIES, OWN, Rules, parse_rules

_COLUMNS = ("id", "category", "text", "item_code", "carrier", "sign")


def taught(rows: pd.DataFrame) -> None:
    """Draw the saved formats; `rows` as :func:`app.views.teaching.saved`."""
    kept = rows[rows["code"] != "charge_rules"].reset_index(drop=True)
    picked = table(
        kept,
        [Col("kind", "Kind"), Col("name", "Name", width="large")],
        key="taught",
        select="one",
        empty="No profile or template is saved yet. Bring in a file that OpenTEM does not know, and map it once.",
    )
    if not picked:
        return
    row = kept.iloc[picked[0]]
    text = st.text_area(
        "Definition (YAML)", value=row["definition"], height=320, key=f"yaml-{row['code']}-{row['name']}"
    )
    with st.container(horizontal=True):
        if st.button("Save", type="primary", icon=":material/save:", key="taught-save"):
            _save(text)
        if st.button(f"Forget {row['name']}", icon=":material/delete:", key="taught-forget"):
            formats.remove(cache.store(), row["code"], row["name"])
            st.rerun()


def _save(text: str) -> None:
    try:
        teach.save(cache.store(), text)
    except BadInput as problem:
        for issue in problem.issues:
            st.warning(escape(str(issue)))
        return
    st.rerun()


def charge_rules(rows: pd.DataFrame) -> None:
    """Draw the user's own charge rules as an editable table."""
    saved = rows[rows["code"] == "charge_rules"]
    try:
        rules = [rule for text in saved["definition"] for rule in parse_rules(text).rules]
    except BadInput as problem:
        st.warning(escape(str(problem)))
        return
    frame = pd.DataFrame([{name: getattr(rule, name) for name in _COLUMNS} for rule in rules], columns=list(_COLUMNS))
    st.caption(
        "Your rules decide which kind a charge of a bill is, before the bill's own words and the built-in rules. "
        "The first rule that fits wins; words and code are regular expressions. They act on the next import."
    )
    edited = st.data_editor(
        frame.astype("string"),
        num_rows="dynamic",
        hide_index=True,
        key=f"rules-{len(frame)}",
        column_config={
            "id": st.column_config.TextColumn("Name", required=True),
            "category": st.column_config.SelectboxColumn("Becomes", options=list(CATEGORIES), required=True),
            "text": st.column_config.TextColumn("Words of the charge"),
            "item_code": st.column_config.TextColumn("Item code"),
            "carrier": st.column_config.TextColumn("Carrier"),
            "sign": st.column_config.SelectboxColumn("Sign", options=["negative", "positive"]),
        },
    )
    if st.button("Save the rules", icon=":material/save:", key="rules-save"):
        _save_rules(edited)


def _save_rules(edited: pd.DataFrame) -> None:
    rows: list[dict[str, Any]] = [
        {name: str(value) for name, value in row.items() if not pd.isna(value) and str(value).strip()}
        for row in edited.to_dict("records")
    ]
    try:
        made = definitions.validate(Rules, {"rules": [row for row in rows if row]}, "charge rules")
    except BadInput as problem:
        for issue in problem.issues:
            st.warning(escape(str(issue)))
        return
    if made.rules:
        _save(definitions.written(made))
    elif formats.remove(cache.store(), "charge_rules", OWN):
        st.rerun()
