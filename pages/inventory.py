"""Inventory: every line and circuit; one line's dossier."""

import streamlit as st

from app import cache, formats, page
from app.components import Col, card, dossier, footer, kpi_row, match_panel, table

service = st.query_params.get("service")
if service:
    found = cache.view("dossier", service_id=service)
    if found is not None:
        page.back("inventory", "All lines")
        dossier(found)
        footer()
        st.stop()
head = page.begin(
    "Inventory",
    ("month", "carrier", "cost_center", "currency"),
    needs="services",
    what="Every line and circuit with plan, holder and cost",
)
with st.container(horizontal=True, vertical_alignment="bottom", key="search-row"):
    search = st.text_input("Search", key="q", bind="query-params", placeholder="Number, name, plan, site")
    kinds = {"": "All kinds"} | cache.call("app.views.inventory.kinds")
    kind = st.selectbox("Kind", list(kinds), format_func=kinds.__getitem__, key="kind", bind="query-params")
    tests = {
        "": "All lines",
        "unused": "No use for two months",
        "left": "Holder left",
        "unconfirmed": "Not in an inventory",
    }
    only = st.selectbox("Show", list(tests), format_func=tests.__getitem__, key="only", bind="query-params")
data = cache.view("inventory", head.filters, search=search or "", kind=kind or "", only=only or "")
head.say(data.title, data.sentence)
kpi_row(data.kpis)
note = (
    f"Cost in {data.currency} and use in {formats.month(data.month)}; pick a line for its dossier"
    if data.month
    else None
)
with card(f"{len(data.rows):,} lines", note=note):
    picked = table(
        data.rows,
        [
            Col("number", "Number"),
            Col("kind", "Kind", "code"),
            Col("carrier", "Carrier"),
            Col("plan", "Plan"),
            Col("holder", "Holder"),
            Col("cost_center", "Cost center"),
            Col("site", "Site"),
            Col("status", "Status", "code"),
            Col("monthly", "Cost", "money"),
            Col("data_mb", "Data, MB", "quantity"),
            Col("voice_min", "Voice, min", "quantity"),
        ],
        key="lines",
        select="one",
        height=520,
        empty="No line matches.",
    )
if picked:
    page.go("inventory", service=str(data.rows["service_id"].iloc[picked[0]]))
match_panel(cache.view("matches"))
footer(data.note)
