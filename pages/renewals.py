"""Renewals: which contract needs a decision, by when, and what hangs on it."""

from app import cache, formats, page
from app.components import Col, card, footer, kpi_row, table, timeline
from app.components.coterminus import planner

head = page.begin(
    "Renewals", ("month", "carrier", "currency"), needs="contracts", what="Which contract needs a decision, and by when"
)
data = cache.view("renewals", head.filters)
head.say(data.title, data.sentence)
kpi_row(data.kpis)
with card(
    "Notice dates", note=f"As of {formats.day(data.as_of)}; the bar runs from the last day for notice to the end"
):
    timeline(data.terms, data.as_of, title="Notice dates", key="timeline")
with card("Contracts", note=f"Spend of the last 12 months in {data.currency}"):
    table(
        data.table,
        [
            Col("name", "Contract"),
            Col("carrier", "Carrier"),
            Col("state", "State", "code"),
            Col("term_end", "Term ends", "day"),
            Col("notice_by", "Notice by", "day"),
            Col("countdown", "Countdown"),
            Col("yearly", f"Spend a year, {data.currency}", "money"),
            Col("lines", "Lines", "count"),
        ],
        key="register",
    )
if len(data.commitments):
    with card("Commitments", note="Spend in the running period against what was committed, in the contract's currency"):
        table(
            data.commitments,
            [
                Col("name", "Contract", width="medium"),
                Col("period_end", "Period ends", "day"),
                Col("amount", "Committed", "money"),
                Col("spend", "Spent so far", "money"),
                Col("share", "Attained", "percent"),
                Col("shortfall", "Projected shortfall", "money"),
                Col("currency", "Currency"),
            ],
            key="commitments",
        )
planner()
footer(*data.problems, data.note)
