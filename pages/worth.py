"""What it is worth: the price of every rule, commitment and carrier, each by solving the estate again."""

import streamlit as st

from app import cache, page
from app.components import footer, kpi_row
from app.components.worth_page import ask, worth_in_full

head = page.begin("What it is worth", needs="services", what="What each rule, commitment and carrier costs")
data = cache.view("worth", head.filters, result_id=st.query_params.get("result"))
head.say(data.title, data.sentence)
if data.outcome is None:
    page.link("optimizer", "Run a first search in the optimizer")
else:
    keys = list(data.choices)
    at = keys.index(data.outcome.result_id)
    picked = st.selectbox("Scenario", keys, index=at, format_func=data.choices.__getitem__)
    if picked != data.outcome.result_id:
        st.query_params["result"] = picked
        st.rerun()
    if data.kpis:
        kpi_row(data.kpis)
    ask(data)
    worth_in_full(data)
    page.link("offers", "Check an offer and find its break-even prices")
    page.link("scenarios", "Change a rule in the scenario studio")
footer(data.proof or "Every figure is the difference of two solves, each with its bound.")
