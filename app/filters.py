"""The filter widgets, bound to the address so that a view can be shared."""

from __future__ import annotations

from collections.abc import Collection

import streamlit as st

from app import cache, formats
from app.views.selection import Choices, Filters
from core import periods

ALL = ("month", "compare", "carrier", "cost_center", "currency")


def choices() -> Choices:
    """What there is to choose from."""
    return cache.call("app.views.selection.choices")


def asked(key: str, options: Collection[str], *, many: bool = False) -> None:
    """Let the address name options by their ids, as links do; a widget bound to it knows only what it shows.

    To be called before the widget `key` is drawn; the widget then writes the address in its own words.
    """
    wanted = [value for value in st.query_params.get_all(key) if value in options]
    if wanted:
        st.session_state[key] = wanted if many else wanted[0]


def bar(which: tuple[str, ...], there: Choices) -> Filters:
    """Draw the widgets named in `which` (out of :data:`ALL`) in the current container and return the choice."""
    month = compare = currency = None
    convert = True
    carriers: list[str] = []
    centers: list[str] = []
    if "month" in which and there.months:
        newest = list(reversed(there.months))
        asked("month", newest)
        month = st.selectbox(
            "Month",
            newest,
            index=newest.index(there.month) if there.month in newest else 0,
            format_func=formats.month_short,
            key="month",
            bind="query-params",
            width=130,
        )
    if "compare" in which and month:
        options = {"previous": "Month before", "year": "Same month last year"}
        asked("compare", options)
        picked = st.selectbox(
            "Compare with",
            list(options),
            format_func=options.__getitem__,
            key="compare",
            bind="query-params",
            width=190,
        )
        compare = periods.shift(month, -12 if picked == "year" else -1)
    rest = [name for name in which if name in {"carrier", "cost_center", "currency"}]
    if rest and there.months:
        active = sum(len(st.session_state.get(name) or ()) for name in ("carrier", "cost_center") if name in rest)
        label = f"Filters ({active})" if active else "Filters"
        with st.popover(label, icon=":material/tune:", type="primary" if active else "secondary"):
            if "carrier" in rest:
                asked("carrier", there.carriers, many=True)
                carriers = st.multiselect(
                    "Carrier",
                    list(there.carriers),
                    format_func=lambda k: there.carriers.get(k, k),
                    key="carrier",
                    bind="query-params",
                    placeholder="All carriers",
                )
            if "cost_center" in rest and there.cost_centers:
                asked("cost_center", there.cost_centers, many=True)
                centers = st.multiselect(
                    "Cost center",
                    list(there.cost_centers),
                    format_func=lambda k: there.cost_centers.get(k, k),
                    key="cost_center",
                    bind="query-params",
                    placeholder="All cost centers",
                )
            if "currency" in rest and len(there.currencies) > 1:
                currency = st.selectbox("Report in", there.currencies, key="currency", bind="query-params")
                convert = st.toggle(
                    "Convert other currencies",
                    value=True,
                    key="convert",
                    bind="query-params",
                    help="At the last exchange rate of the month, named at the foot of the page. "
                    "Off: only what is billed in this currency.",
                )
    currency = currency or (there.currencies[0] if there.currencies else None)
    return Filters(month, compare, tuple(carriers), tuple(centers), currency, convert)
