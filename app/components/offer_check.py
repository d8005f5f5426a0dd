"""The counter-offer check: what an offer really saves, and at which price of each plan how many lines move."""

from __future__ import annotations

import streamlit as st

from app.components.evidence import facts
from app.components.layout import side_by_side
from app.components.states import nothing
from app.components.tables import Col, table
from app.components.worth_charts import demand_chart
from app.components.worth_page import work_it_out
from app.page_text import escape
from app.views.offers import Offers
from app.views.worth import Demand

STUDIES = ("offers", "break_even")


def counter_offer(data: Offers) -> None:
    """Draw the check of an offer, or the button that asks for it."""
    work_it_out(
        data.asked,
        STUDIES,
        slot="offer-check",
        label="Check the offer",
        done=data.check is not None,
        note="Solves the estate at ten to fifteen prices of each plan of the offer, in the background.",
    )
    if data.check is None:
        return
    facts(data.check)
    st.caption(escape(data.proof))
    if len(data.award):
        st.markdown(escape(data.award_told))
        table(
            data.award,
            [
                Col("offer", "Offer", width="medium"),
                Col("lines", "Gets lines", "count"),
                Col("adds", "Adds to the others", "money", help="All offers less all but this one: its most."),
                Col("low", "At least", "money"),
                Col("high", "At most", "money"),
            ],
            key="award",
        )
    moving = [demand for demand in data.demands if len(demand.points)]
    for first in range(0, len(moving), 2):
        for place, (number, demand) in zip(
            side_by_side(1, 1), list(enumerate(moving))[first : first + 2], strict=False
        ):
            with place:
                _curve(demand, data.currency, number)
    idle = [demand.plan for demand in data.demands if not len(demand.points)]
    if idle:
        nothing(f"No line moves at any price: {', '.join(idle)}.")


def _curve(demand: Demand, currency: str | None, number: int) -> None:
    st.markdown(f"**{escape(demand.plan)}**")
    st.markdown(f":gray[{escape(demand.sentence)}]")
    demand_chart(demand.points, demand.listed, demand.even, currency, name=demand.plan, key=f"demand-{number}")
    with st.expander("Prices and lines"):
        table(
            demand.points,
            [
                Col("price", "Price", "money"),
                Col("lines", "Lines", "count"),
                Col("saving", "You save a month", "money"),
                Col("carrier_revenue", "Carrier earns a month", "money"),
            ],
            key=f"prices-{number}",
        )
