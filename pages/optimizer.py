"""Optimizer: today's cost against the recommended one, the proof, and the changes that lead there."""

import streamlit as st

from app import cache, page
from app.components import card, error_state, facts, footer, kpi_row
from app.components.job import start, watch
from app.components.outcome import follow, told_by_solver
from app.components.result_page import result_in_full

head = page.begin("Optimizer", needs="services", what="Which plan each line should have, with a proof")
asked = st.query_params.get("result")
data = cache.view("optimizer", head.filters, result_id=asked)
item = data.outcome
head.say(data.title, data.sentence)
if data.choices:
    labels = dict(data.choices)
    keys = list(labels)
    at = keys.index(item.result_id) if item and item.result_id in labels else 0
    picked = st.selectbox("Result", keys, index=at, format_func=labels.__getitem__)
    if item is None or picked != item.result_id:
        st.query_params["result"] = picked
        st.rerun()
if item is None:
    first = cache.call("app.views.studio.first_scenario_of")
    with card("First search", note="Every line on the plan that is cheapest for its own past use"):
        facts({"Months": "all with usage", "Limits": "none", "Currency": first.get("currency") or "of the plans"})
        if st.button("Find cheaper plans", type="primary", disabled=not first):
            start("optimize", {"scenario": first, "name": first["name"], "time_limit": 60}, slot="optimizer")
            st.rerun()
else:
    kpi_row(data.kpis)
    if item.stale:
        st.info("The data has changed since this search; run it again for a proof on today's data.")
        if st.button("Run it again", disabled=not item.yaml):
            start("optimize", {"scenario": item.yaml, "name": item.name, "time_limit": 60}, slot="optimizer")
            st.rerun()
follow(watch("optimizer", facts=told_by_solver(item.currency if item else None)))
if data.infeasible:
    error_state(list(data.infeasible), title="Why it cannot be met", hint="Change a limit in Scenarios.")
elif item is not None:
    service = result_in_full(data, item)
    if service:
        page.link("inventory", "Open the dossier of this line", service=service)
    page.link("worth", "See what each rule, commitment and carrier costs", result=item.result_id)
    page.link("scenarios", "Change prices, limits or fees in the scenario studio")
footer("Expected values over the months named, before tax. A person carries the changes out at the carrier.")
