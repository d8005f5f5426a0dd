"""Brief: everything one needs on the table before talking to a carrier."""

import streamlit as st

from app import cache, formats, page
from app.components import (
    Col,
    card,
    empty_state,
    footer,
    kpi_row,
    nothing,
    side_by_side,
    stacked_months,
    table,
    timeline,
)
from app.components.bullet import commitment_bullet

head = page.begin("Negotiation brief", what="What you buy from a carrier, and what speaks for you")
data = cache.view("brief", head.filters, carrier=st.query_params.get("carrier"))
if data is None:
    head.say("Negotiation brief")
    empty_state("No carrier in your list has billed anything yet", needs="charges")
    st.stop()
head.say(data.title, data.sentence)


def text(frame, key, empty, wide=(), words=99):
    """Draw a frame of finished text: so many columns of words, then figures."""
    kinds = ["text" if n < words else "figure" for n in range(len(frame.columns))]
    columns = [Col(c, c, k, width="large" if c in wide else None) for c, k in zip(frame.columns, kinds, strict=True)]
    table(frame, columns, key=key, empty=empty, height=400 if len(frame) > 11 else "auto")


with st.container(horizontal=True, vertical_alignment="bottom"):
    ids = list(data.choices)
    picked = st.selectbox("Carrier", ids, index=ids.index(data.carrier_id), format_func=data.choices.__getitem__)
    if picked != data.carrier_id:
        st.query_params["carrier"] = picked
        st.rerun()
    name = f"brief-{data.carrier_id}.pdf"
    document = cache.later("app.views.brief.document", carrier_id=data.carrier_id)
    st.download_button("Brief (PDF)", document, name, "application/pdf", icon=":material/download:", on_click="ignore")
kpi_row(data.kpis)
left, right = side_by_side(1, 1)
with left, card("Our position", note=f"As of {formats.day(data.as_of)}"):
    for fact in data.leverage:
        st.markdown(f"- {page.escape(fact)}")
    if not data.leverage:
        nothing("Nothing in the data speaks for either side yet.")
with right, card("Price limits", note="Only what proven results carry; n/a where none does"):
    for limit in data.limits:
        st.markdown(f"**{page.escape(limit.name)}: {page.escape(limit.value)}**")
        st.caption(page.escape(limit.why))
with card("What we buy", note=f"{data.window}, in {data.currency}: volume and price, billed and agreed"):
    text(data.items, "items", "Nothing was billed in these months.", words=3)
left, right = side_by_side(1, 1)
with left, card("Spend by month", note=f"{data.currency}, all categories with tax"):
    series = {data.choices[data.carrier_id]: list(data.trend)}
    stacked_months(list(data.months), series, data.currency, title="Spend by month", key="trend", height=260)
with right, card("Renewal", note="The bar runs from the last day for notice to the end of the term"):
    if data.terms:
        timeline(data.terms, data.as_of, title="Renewal", key="renewal")
    else:
        nothing("No contract with this carrier has a date ahead.")
with card("Where the contracts stand", note="Fees for leaving in the contract's currency"):
    text(data.contracts, "contracts", "No contract with this carrier is recorded.", words=4)
    for number, bullet in enumerate(data.bullets):
        commitment_bullet(bullet, key=f"bullet-{number}")
with card("Billing errors to settle in the same conversation", note=f"Open claims in {data.currency}"):
    text(data.errors, "errors", "No open claim against this carrier.", ("What it means",), words=2)
    page.link("findings", "Open the claims", carrier=data.carrier_id)
with card("Offers on the table", note="For the same kinds of line"):
    text(data.offers, "offers", "No offer of another carrier is loaded for these kinds of line.", words=3)
with card("Clause checklist", note="What the recorded terms say; the rest has to be read in the document"):
    text(data.clauses, "clauses", "No contract is recorded.", ("What our data says",))
footer(*data.notes)
