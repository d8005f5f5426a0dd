"""Scenarios: turn prices, growth, carriers, limits and fees; run it as a job; compare up to four results."""

import streamlit as st

from app import cache, page
from app.components import card, footer
from app.components.compare import nothing_yet, side_by_side_results, take_in
from app.components.job import start, watch
from app.components.outcome import downloads, told_by_solver
from app.components.studio import editor, sliders, text_of

head = page.begin("Scenarios", needs="services", what="What the estate would cost under other prices and limits")
take_in("studio", "compare")
asked = tuple(st.session_state.get("compare") or ())
data = cache.view("scenarios", head.filters, chosen=asked)
head.say(data.title, data.sentence)
there = data.options
if not there.currencies or not there.months:
    with card("What is missing"):
        st.markdown("A scenario prices lines on plans: it needs plans, lines that are on them, and their use by month.")
else:
    with card("Studio", note="Left as it is, it describes today; the search runs in the background"):
        turn, write = st.tabs(["Sliders", "YAML"])
        with turn:
            answers = sliders(there)
            text = text_of(answers)
            with st.expander("The scenario file these answers make"):
                st.code(text, language="yaml")
            with st.container(horizontal=True, vertical_alignment="bottom"):
                seconds = st.slider("Seconds to search", 5, 300, 60, 5, key="sc-seconds", width=260)
                run = st.button("Run", type="primary", key="run-sliders")
                st.download_button("Save (YAML)", text, "scenario.yaml", "application/yaml", on_click="ignore")
        with write:
            own = editor(data.saved)
            run_own = st.button("Run this file", key="run-yaml")
        if run or run_own:
            wanted = {"scenario": text, "name": answers.name} if run else {"scenario": own}
            start("optimize", wanted | {"time_limit": seconds, "parent": data.parent}, slot="studio")
            st.rerun()
        watch("studio", facts=told_by_solver(answers.currency or there.currencies[0]))
if data.outcomes:
    ids = list(data.outcomes)
    st.multiselect(
        "Compare up to four results", ids, default=[item.result_id for item in data.shown], max_selections=4,
        format_func=lambda key: data.outcomes[key].label, key="compare",
    )  # fmt: skip
    side_by_side_results(data)
    best = max(data.shown, key=lambda item: (item.saving or 0, item.name))
    with card(f"Take “{best.name}” with you"):
        downloads(best, key="best")
        page.link("optimizer", "Open it in the optimizer", result=best.result_id)
else:
    nothing_yet()
footer("Nothing is converted between currencies. The file is what tem optimize reads; it gives the same result there.")
