"""One contract in full: dates, terms, commitment, tiers, clauses, rate card, lines."""

from __future__ import annotations

import streamlit as st

from app import cache, formats, page
from app.components.bullet import commitment_bullet
from app.components.charts import card
from app.components.evidence import facts
from app.components.layout import side_by_side
from app.components.tables import Col, table
from app.page_text import escape
from app.views.contracts import Contract


def contract_in_full(one: Contract, as_of: str) -> None:
    """Draw a contract as it stands on the day `as_of`."""
    st.header(escape(one.name), anchor=False)
    colour = {"bad": "red", "attention": "orange"}.get(one.tone, "gray")
    st.markdown(f":{colour}-badge[{escape(one.countdown)}]")
    left, right = side_by_side(1, 1)
    with left, card("Dates", note=f"As of {formats.day(as_of)}"):
        facts(one.dates)
        page.link("brief", "Brief for the talks with this carrier", carrier=one.carrier_id)
        if one.letter:
            draft = cache.later("app.views.contracts.letter", contract_id=one.letter)
            st.download_button(
                "Draft of a notice letter (PDF)", draft, f"notice-{one.letter}.pdf", "application/pdf",
                icon=":material/download:", on_click="ignore",
            )  # fmt: skip
    with right, card("Terms"):
        facts(one.facts)
    if one.bullet is not None:
        with card("Commitment", note=f"{one.bullet.period}, in {one.bullet.currency}"):
            commitment_bullet(one.bullet, key="commitment")
    left, right = side_by_side(1, 1)
    with (
        left,
        card("Volume tiers", note=f"Spend a period from which the discount holds, in {one.currency or 'its currency'}"),
    ):
        table(
            one.tiers.assign(rate=one.tiers["discount_rate"] / 1_000_000),
            [
                Col("spend_from", "From", "money"),
                Col("rate", "Discount", "percent"),
                Col("mode", "On", "code"),
                Col("period", "Per", "code"),
            ],
            key="tiers",
            empty="No volume discount is recorded.",
        )
    with right, card("Clause checklist", note="What the recorded terms say; the rest has to be read in the document"):
        table(
            one.clauses,
            [Col("verdict", "Verdict"), Col("clause", "Clause"), Col("told", "What our data says", width="large")],
            key="clauses",
        )
    with card("Rate card", note=f"Net and list price per unit, in {one.currency or 'its currency'}"):
        table(
            one.rates,
            [
                Col("item_code", "Item"),
                Col("description", "Description", width="medium"),
                Col("category", "Kind", "code"),
                Col("unit", "Unit"),
                Col("rate", "Net", "money"),
                Col("list_rate", "List", "money"),
                Col("off", "Off list", "percent"),
                Col("effective_from", "From", "day"),
                Col("effective_to", "To", "day"),
            ],
            key="rates",
            height=300 if len(one.rates) > 7 else "auto",
            empty="No rates are recorded.",
        )
    with card(
        "Lines under this contract", note=f"{formats.plural(len(one.services), 'line')}; fee for ending each today"
    ):
        table(
            one.services,
            [
                Col("number", "Number"),
                Col("service_id", "Service"),
                Col("kind", "Kind", "code"),
                Col("term_end", "Term ends", "day"),
                Col("etf", "ETF", "money"),
            ],
            key="lines",
            height=300 if len(one.services) > 7 else "auto",
            empty="No line in service is under this contract.",
        )
