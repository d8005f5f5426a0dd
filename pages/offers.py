"""Offers: what the price sheet promises against what the whole estate saves under it."""

import streamlit as st

from app import cache, page
from app.components import Col, card, footer, kpi_row, nothing, table
from app.components.offer_check import counter_offer
from app.components.outcome import change_table

head = page.begin("Offers", needs="services", what="What a carrier's offer would really save")
chosen = st.query_params.get("offer")
data = cache.view("offers", head.filters, offer=chosen)
head.say(data.title, data.sentence)
if data.offer is None:
    nothing("An offer is a set of plans with an offer_id in the table plans; import it like any other table.")
    page.link("imports", "Import an offer")
else:
    ids = list(data.choices)
    picked = st.selectbox("Offer", ids, index=ids.index(data.offer), format_func=data.choices.__getitem__)
    if picked != data.offer:
        st.query_params["offer"] = picked
        st.rerun()
    kpi_row(data.kpis)
    with card("Plans of the offer", note=f"Monthly prices in {data.currency or 'their currency'}"):
        table(
            data.plans,
            [
                Col("name", "Plan", width="medium"), Col("service_kind", "Kind", "code"), Col("mrc", "MRC", "money"),
                Col("data_mb", "Data, MB", "quantity"), Col("voice_min", "Minutes", "quantity"),
                Col("sms", "Messages", "quantity"), Col("data_overage_price", "Overage a block", "money"),
                Col("pool_group", "Pool"), Col("min_lines", "Min. lines", "count"),
                Col("max_lines", "Max. lines", "count"),
            ],
            key="plans",
        )  # fmt: skip
        st.caption("A blank allowance is unlimited.")
    with card("Counter-offer check", note="The whole estate with the offer and without it; at which price lines move"):
        counter_offer(data)
    if len(data.lines):
        with card("Lines that move to the offer", note=f"Ranked by money; {data.currency} a month"):
            change_table(data.lines, data.currency, key="offer-lines")
footer("The real saving is the cost of the best plans without the offer less the cost of the best plans with it.")
