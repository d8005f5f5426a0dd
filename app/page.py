"""What every page begins with: heading, filters, and the designed empty state when nothing has been loaded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import streamlit as st

from app import cache, filters, navigation
from app.components.states import empty_state
from app.components.tables import Col
from app.page_text import escape
from app.views.selection import Filters


@dataclass(slots=True)
class Head:
    """The heading of a page: `filters` is the reader's choice, :meth:`say` writes the finding and the reason."""

    filters: Filters
    _place: Any

    def say(self, title: str, sentence: str = "") -> None:
        """The title is the finding; one sentence says why."""
        with self._place.container():
            st.title(title, anchor=False)
            if sentence:
                st.markdown(f":gray[{escape(sentence)}]")


def begin(title: str, which: tuple[str, ...] = (), *, needs: str | None = "charges", what: str = "") -> Head:
    """Open a page: heading on the left, the filters `which` on the right.

    `needs` names the table without which the page has nothing to show; then the empty state is drawn (`what` says what
    the page will answer) and the run ends. None for pages that work on an empty store.
    """
    if needs and not cache.call("app.views.selection.has_rows", table=needs):
        st.title(title, anchor=False)
        empty_state(what or "There is nothing to show yet", needs=needs)
        st.stop()
    if not which:
        return Head(Filters(), st.empty())
    there = filters.choices()
    row = st.container(horizontal=True, vertical_alignment="bottom", gap="medium", key="head")
    with row:
        place = st.container(width="stretch").empty()
        chosen = filters.bar(which, there)
    return Head(chosen, place)


CHARGE_COLUMNS = (
    Col("billed_number", "Number"),
    Col("category", "Kind", "code"),
    Col("item_code", "Item"),
    Col("description", "Description", width="medium"),
    Col("zone", "Zone", "code"),
    Col("quantity", "Quantity", "quantity"),
    Col("unit_rate", "Rate", "money"),
    Col("amount", "Amount", "money"),
    Col("period_start", "From", "day"),
    Col("period_end", "To", "day"),
)
INVOICE_COLUMNS = (
    Col("carrier", "Carrier"),
    Col("account_number", "Account"),
    Col("number", "Invoice"),
    Col("period_start", "From", "day"),
    Col("period_end", "To", "day"),
    Col("total", "Total of the bill", "money"),
    Col("charges_total", "Sum of charges", "money"),
    Col("difference", "Off by", "money"),
    Col("currency", "Currency"),
    Col("ties", "Ties", "yes"),
)

MISSING_COLUMNS = (
    Col("carrier", "Carrier"),
    Col("account", "Account"),
    Col("month", "Month", "month"),
    Col("expected", "Was expected on", "day"),
    Col("last", "Last invoice", "day"),
    Col("state", "State", "code"),
    Col("explanation", "Why", width="large"),
)


def link(key: str, label: str, **query: str) -> None:
    """A link to another page with address parameters."""
    navigation.link(key, label, query=query or None)


def back(key: str, label: str) -> None:
    """The way back from a detail."""
    navigation.link(key, label, icon=":material/arrow_back:")


def go(key: str, **query: str) -> None:
    """Open another page at once."""
    target = navigation.page(key)
    if target is not None:
        st.switch_page(target, query_params=query)
