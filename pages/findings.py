"""Audit: the queue of what is wrong, its money, its evidence, and the decision."""

import streamlit as st

from app import cache, formats, page
from app.components import Col, card, footer, kpi_row, nothing, ranked, side_by_side, table
from app.components.queue import csv_button, picked_ids, queue_filters
from app.components.triage import case_label, decision_bar, whole_evidence

head = page.begin(
    "Audit",
    ("carrier", "currency"),
    needs="findings",
    what="What is billed wrongly, and what to do about it",
)
chosen = queue_filters(head.filters)
data = cache.view("findings", head.filters, **chosen)
head.say(data.title, data.sentence)
kpi_row(data.kpis)
left, right = side_by_side(3, 2)
with (
    left,
    card("By rule", note=f"{data.period}, in {data.currency or 'its currency'}, without what is billed too little"),
):
    if len(data.by_rule):
        ranked(
            list(data.by_rule["title"]), list(data.by_rule["amount"]), data.currency, title="Money by rule", key="rules"
        )
    else:
        nothing("No money is at stake under these filters.")
with right, card("At stake", note=f"{data.period}, each charge counted once, each currency apart"):
    table(
        data.totals,
        [
            Col("claim", "Kind of claim"), Col("amount", "Money", "money"), Col("currency", "Currency"),
            Col("findings", "Findings", "count"),
        ],
        key="totals", empty="Nothing under these filters.",
    )  # fmt: skip
with card(
    "Queue", note=f"{case_label(data.cases, data.found)}, largest money first; a case is one cause over its months"
):
    rows = table(
        data.table,
        [
            Col("what", "What", width="medium"), Col("subject", "Line or subject"), Col("carrier", "Carrier"),
            Col("amount", "Money", "money"), Col("currency", "Cur."), Col("claim", "Claim"),
            Col("severity", "Severity", "code"), Col("months", "Months", "count"), Col("last", "Last", "month"),
            Col("file_by", "Dispute until", "day"), Col("state", "State", "code"), Col("owner", "Owner"),
        ],
        key="cases", select="many", height=420, empty="Nothing under these filters.",
        alt="Queue of findings by cause, largest money first",
    )  # fmt: skip
    csv_button(data.table, "findings.csv", key="queue-csv")
ids = picked_ids(rows, data.members)
decision_bar(ids, choices=("triaged", "accepted", "disputed", "dismissed", "implemented", "new"), key="decide",
             what=case_label(len(rows), len(ids)) if ids else "the cases you pick in the queue")  # fmt: skip
asked = st.query_params.get("finding")
shown = data.members[rows[-1]][0] if rows else asked or (data.members[0][0] if data.members else None)
seen = cache.call("app.views.evidence.of", finding_id=shown) if shown else None
if seen is not None:
    if not rows and not asked:
        st.caption("The largest case; pick another one in the queue.")
    whole_evidence(seen, key="case")
    if seen.finding["service_id"]:
        page.link("inventory", "Open the dossier of this line", service=seen.finding["service_id"])
footer(data.note, f"Deadlines are counted from {formats.day(data.as_of)}, the end of the last billed month.")
