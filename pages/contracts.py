"""Contracts: the register, and each contract with its dates, commitment, tiers, fees, lines and clauses."""

import streamlit as st

from app import cache, formats, page
from app.components import Col, card, error_state, footer, kpi_row, table
from app.components.contract import contract_in_full

head = page.begin(
    "Contracts", ("carrier", "currency"), needs="contracts", what="What was agreed, and when you can leave"
)
data = cache.view("contracts", head.filters)
head.say(data.title, data.sentence)
kpi_row(data.kpis)
if data.problems:
    error_state(
        list(data.problems), title="Contracts with a data problem", hint="Their dates stay blank until it is put right."
    )
with card("Register", note=f"As of {formats.day(data.as_of)}; soonest notice first; pick one to open it"):
    rows = table(
        data.table,
        [
            Col("name", "Contract"), Col("carrier", "Carrier"), Col("state", "State", "code"),
            Col("notice_by", "Notice by", "day", help="Last day on which notice works, inclusive"),
            Col("countdown", "Countdown"), Col("term_end", "Term ends", "day"),
            Col("earliest_exit", "Earliest exit", "day"), Col("yearly", f"12 months, {data.currency}", "money"),
            Col("etf", "ETF today", "money", help="Early-termination fees of all lines, in the contract's currency"),
            Col("currency", "Cur."), Col("attained", "Attained", "percent"), Col("lines", "Lines", "count"),
        ],
        key="register", select="one", empty="No contract matches the filters.",
        alt="Contract register, soonest notice date first",
    )  # fmt: skip
    st.download_button(
        "Calendar (ICS)", data.calendar, "renewals.ics", "text/calendar", icon=":material/event:", on_click="ignore"
    )
asked = st.query_params.get("contract")
shown = str(data.table["contract_id"].iloc[rows[0]]) if rows else asked
if shown is None and len(data.table):
    shown = str(data.table["contract_id"].iloc[0])
one = cache.call("app.views.contracts.contract", contract_id=shown) if shown else None
if one is not None:
    contract_in_full(one, data.as_of)
footer(
    data.note,
    "Dates follow the contract's own terms: each term counts from the start date; notice dates include the day.",
)
