"""Usage and anomalies: what the fleet consumes, where it roams, and which lines are unusual or break a policy."""

import streamlit as st

from app import cache, formats, page
from app.components import Col, card, footer, kpi_row, nothing, ranked, side_by_side, table
from app.components.flags import flag_queue, model_run
from app.components.moves import moves_queue
from app.components.usage_charts import usage_trend
from app.components.warnings import early_warnings

head = page.begin(
    "Usage and anomalies",
    ("month", "compare", "carrier", "currency"),
    needs="services",
    what="What is used, and what is unusual",
)
spans = {"month": "The month shown", "quarter": "The last three months", "all": "All months"}
span = st.session_state.get("span", "quarter")
data = cache.view("usage", head.filters, span=span)
head.say(data.title, data.sentence)
kpi_row(data.kpis)
st.segmented_control(
    "Flags of", list(spans), default="quarter", format_func=spans.__getitem__, key="span", required=True
)
names = [f"Unusual ({len(data.anomalies):,})", f"Policy ({len(data.policy):,})", "Accounts and cost centers"]
unusual, policy, moved, early = st.tabs([*names, "Early warnings"], on_change="rerun", key="flag-tabs")
if unusual.open:
    with unusual:
        model_run(data.model)
        flag_queue(data.anomalies, data.anomaly_ids, key="anomalies", empty="No line-month is flagged as unusual here.")
if policy.open:
    with policy:
        flag_queue(data.policy, data.policy_ids, key="policy", empty="No policy hit is open in these months.")
if moved.open:
    with moved:
        moves_queue(head.filters, data.first, data.month, key="moves")
if early.open:
    with early:
        early_warnings(head.filters, key="warnings")
with card("Use over time", note="By zone, a month"):
    if data.series:
        for tab, kind in zip(st.tabs([formats.words(kind) for kind in data.series]), data.series, strict=True):
            with tab:
                usage_trend(list(data.months), data.series[kind], kind, key=f"trend-{kind}")
    else:
        nothing("No use has been loaded yet.")
with card(
    "Roaming by country",
    note=f"{formats.month(data.month)}; rated cost in {data.currency or 'its currency'}, before tax",
):
    if len(data.roaming):
        top = data.costly_roaming
        left, right = side_by_side(1, 1) if len(top) else (st.container(), st.container())
        with left:
            if len(top):
                costs = [int(v) for v in top["cost"]]
                ranked(list(top["country"]), costs, data.currency, title="Roaming cost by country", key="countries")
            else:
                st.caption("Nothing was rated apart: the use lay within a bundle, or the bill does not price it.")
        with right:
            table(
                data.roaming,
                [
                    Col("country", "Country"), Col("cost", "Cost", "money"), Col("data_mb", "Data, MB", "quantity"),
                    Col("voice_min", "Voice, min", "quantity"), Col("lines", "Lines", "count"),
                ],
                key="roaming",
            )  # fmt: skip
    else:
        nothing("Nobody roamed in this month.")
footer(data.note, "A decision keeps its reason and its author in the audit trail.")
