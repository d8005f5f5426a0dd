"""Mapping an unknown table: which column is what, how the file writes numbers and dates, what would be loaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from app import cache, formats
from app.components.tables import Col, table
from app.page_text import escape
from app.views import teaching
from core.issues import BadInput
from loaders import definitions, teach
from loaders.profiles.targets import fields
from loaders.reading.conventions import Dates, Numbers

_MOST_SHOWN = 14  # columns; more of them scroll
_NOT_MAPPED = "Keep as attribute"


def teach_table(path: Path) -> None:
    """Draw the mapping of one file; saving it lets the file be imported."""
    key = f"map-{path.parent.name}-{path.name}"
    try:
        first = cache.call("app.views.teaching.draft", file=path, table=None)
    except BadInput:
        return
    titles = teaching.targets()
    with st.expander("Tell OpenTEM how to read this file", expanded=True, icon=":material/table_chart:"):
        if first.changed:
            st.markdown(
                f"The file looks like your profile **{escape(first.changed)}**, but its columns have changed. "
                "What is still there is mapped as before; please place the rest."
            )
        target = st.selectbox(
            "What each row is",
            list(titles),
            index=list(titles).index(first.proposal.table),
            key=f"{key}-to",
            format_func=titles.__getitem__,
        )
        try:
            start = first if target == first.proposal.table else _draft(path, target)
            made = _answers(start, path, f"{key}-{target}")
            text = definitions.written(made)
            tried = cache.call("app.views.teaching.trial", file=path, definition=text)
        except BadInput as problem:
            for issue in problem.issues:
                st.warning(escape(str(issue)), icon=":material/help:")
            return
        _outcome(tried)
        if st.button(f"Save the profile {made.name}", type="primary", key=f"{key}-save", icon=":material/save:"):
            teach.save(cache.store(), text)
            st.rerun()
        with st.popover("The profile as YAML", icon=":material/code:"):
            st.code(text, language="yaml")


def _draft(path: Path, target: str) -> Any:
    return cache.call("app.views.teaching.draft", file=path, table=target)


def _answers(start: teaching.Draft, path: Path, key: str) -> Any:
    """Draw the questions and return the profile.

    Raises:
        BadInput: while something is missing.
    """
    known = fields(start.proposal.table)
    words = {name: target.title + (" *" if target.required else "") for name, target in known.items()}
    names = {word: name for name, word in words.items()}
    shown = start.rows.assign(field=[words.get(name, _NOT_MAPPED) for name in start.rows["field"]])
    st.caption("Each column of the file and what it is. Columns that stay an attribute are kept with the row.")
    edited = st.data_editor(
        shown,
        hide_index=True,
        disabled=["column", "sample", "how"],
        key=f"{key}-columns",
        height="content" if len(shown) <= _MOST_SHOWN else 480,
        column_config={
            "column": st.column_config.TextColumn("Column of the file"),
            "field": st.column_config.SelectboxColumn("Is", options=[_NOT_MAPPED, *names], required=True),
            "sample": st.column_config.TextColumn("First values"),
            "how": st.column_config.TextColumn("Proposed because"),
        },
    )
    mapped = {row.column: names.get(row.field, "") for row in edited.itertuples()}
    values = _constants(start, mapped, key)
    numbers, dates, total = _conventions(start, key)
    for doubt in start.proposal.doubts:
        st.info(escape(f"Please check: {doubt}."), icon=":material/help:")
    name = st.text_input(
        "Name of the profile", value=start.changed or teach.name_for(path.name), key=f"{key}-name", max_chars=60
    )
    return teaching.profile(start, name.strip(), mapped, values, numbers, dates, total)


def _constants(start: teaching.Draft, mapped: dict[str, str], key: str) -> dict[str, str]:
    """What the file does not say and is the same in all rows."""
    known = fields(start.proposal.table)
    open_ = [name for name in start.constants if name not in mapped.values()]
    if not open_:
        return {}
    st.caption("What the file does not say, the same for all its rows; * is needed.")
    values: dict[str, str] = {}
    columns = st.columns(min(len(open_), 4))
    for place, name in enumerate(open_):
        target = known[name]
        label = target.title + (" *" if target.required else "")
        with columns[place % len(columns)]:
            before = start.constants[name]
            options = _carriers(before) if name == "carrier_id" else list(target.choices)
            if options:
                given = st.selectbox(
                    label,
                    options,
                    index=options.index(before) if before in options else None,
                    accept_new_options=not target.choices,
                    key=f"{key}-{name}",
                    placeholder="Choose or type",
                    help=target.help or None,
                )
            else:
                given = st.text_input(label, value=start.constants[name], key=f"{key}-{name}", help=target.help or None)
            values[name] = str(given or start.constants[name] or "")
    return values


def _carriers(before: str) -> list[str]:
    return sorted({*cache.store().frame("carriers", ["carrier_id"])["carrier_id"], *filter(None, [before])})


def _conventions(start: teaching.Draft, key: str) -> tuple[Numbers, Dates, tuple[str, str] | None]:
    guess = start.proposal
    written = list(teaching.NUMBERS)
    place = next((i for i, text in enumerate(written) if teaching.NUMBERS[text] == guess.numbers), 0)
    languages = teaching.LANGUAGES | {
        guess.dates.language: teaching.LANGUAGES.get(guess.dates.language, guess.dates.language)
    }
    left, middle, right = st.columns(3)
    with left:
        number = st.selectbox("Numbers are written", written, index=place, key=f"{key}-numbers")
    with middle:
        order = st.selectbox(
            "Dates are written",
            list(teaching.ORDERS),
            index=list(teaching.ORDERS).index(guess.dates.order),
            format_func=teaching.ORDERS.__getitem__,
            key=f"{key}-dates",
        )
    with right:
        language = st.selectbox(
            "Month names in",
            list(languages),
            index=list(languages).index(guess.dates.language),
            format_func=languages.__getitem__,
            key=f"{key}-language",
        )
    dates = guess.dates.model_copy(update={"order": order, "language": language})
    total = None
    if guess.table == "bill":
        rule = guess.total_row
        left, right = st.columns(2)
        with left:
            column = st.selectbox(
                "Column that marks total rows",
                ["", *guess.header],
                key=f"{key}-total-column",
                index=1 + guess.header.index(rule.column) if rule else 0,
                format_func=lambda c: c or "The file has none",
            )
        with right:
            starts = st.text_input(
                "There, a total row begins with", value=rule.starts if rule else "", key=f"{key}-total"
            )
        total = (column, starts.strip()) if column else None
    return teaching.NUMBERS[number], dates, total


def _outcome(tried: teaching.Trial) -> None:
    told = [f"{formats.plural(tried.loaded, 'row')} would be read"]
    if tried.aside:
        told.append(f"{tried.aside:,} set aside")
    if len(tried.invoices):
        told.append(formats.tied(len(tried.invoices), tried.off))
    (st.warning if tried.aside or tried.off else st.success)(" · ".join(told))
    for reason in tried.reasons:
        st.caption(escape(reason))
    if len(tried.invoices):
        columns = [
            *(Col("account", "Account"), Col("number", "Invoice"), Col("issued_on", "Date", "day")),
            *(
                Col("total", "Total", "money"),
                Col("charges", "Sum of charges", "money"),
                Col("currency", "Currency"),
                Col("ties", "Ties"),
            ),
        ]
        table(
            tried.invoices.head(200),
            columns,
            key="trial-invoices",
            height="content" if len(tried.invoices) <= 4 else 180,
        )
    if len(tried.rows):
        st.caption("The first rows, as they would be loaded")
        table(tried.rows, _columns(tried.rows), key="trial-rows", height="content" if len(tried.rows) <= 8 else 290)


def _columns(rows: pd.DataFrame) -> list[Col]:
    money = {"amount"} & set(rows.select_dtypes("number").columns)
    return [Col(name, formats.words(name), "money" if name in money else "text") for name in rows.columns]
