"""Offers: the bids side by side and who should get what; what one offer really saves, against its price sheet."""

import streamlit as st

from app import cache, page
from app.components import Col, card, footer, kpi_row, nothing, table
from app.components.bids import bid_sheet, compare
from app.components.offer_check import counter_offer
from app.components.outcome import change_table

head = page.begin("Offers", needs="services", what="What carriers' bids would really cost, and which to take")
bids = cache.view("bids", head.filters)
head.say(bids.title, bids.sentence)
if not bids.choices:
    nothing("An offer is a set of plans with an offer_id. Send this sheet to the carriers and import what comes back.")
    bid_sheet()
    page.link("imports", "Import an offer")
    footer()
    st.stop()
names = ("Bids side by side", "One offer")
every, one = st.tabs(names, default=names["offer" in st.query_params], on_change="rerun", key="offer-tabs")
with every:
    if every.open:
        kpi_row(bids.kpis)
        compare(bids)
with one:
    if one.open:
        data = cache.view("offers", head.filters, offer=st.query_params.get("offer"))
        ids = list(data.choices)
        picked = st.selectbox("Offer", ids, index=ids.index(data.offer), format_func=data.choices.__getitem__)
        if picked != data.offer:
            st.query_params["offer"] = picked
            st.rerun()
        st.subheader(data.title, anchor=False)
        st.caption(data.sentence.replace("$", "\\$"))
        kpi_row(data.kpis, key="kpis-one")
        with card("Plans of the offer", note=f"Monthly prices in {data.currency or 'their currency'}"):
            table(
                data.plans,
                [
                    Col("name", "Plan", width="medium"), Col("service_kind", "Kind", "code"),
                    Col("mrc", "MRC", "money"), Col("data_mb", "Data, MB", "quantity"),
                    Col("voice_min", "Minutes", "quantity"),
                    Col("sms", "Messages", "quantity"), Col("data_overage_price", "Overage a block", "money"),
                    Col("pool_group", "Pool"), Col("min_lines", "Min. lines", "count"),
                    Col("max_lines", "Max. lines", "count"),
                ],
                key="plans",
            )  # fmt: skip
            st.caption("A blank allowance is unlimited.")
        with card("Counter-offer check", note="The estate with the offer's plans and without; when lines move"):
            counter_offer(data)
        if len(data.lines):
            with card("Lines that move to the offer", note=f"Ranked by money; {data.currency} a month"):
                change_table(data.lines, data.currency, key="offer-lines")
footer(
    "Total cost: the best plans for the whole estate under a bid's plans and terms, each month of the term, plus fees, "
    "less credits. One offer: its plans alone, without commitment, fees and credits of the bid."
)
