"""Savings: from what was found to what has reached an invoice."""

from app import cache, page
from app.components import Col, card, footer, kpi_row, ladder, nothing, ranked, side_by_side, table

head = page.begin("Savings", ("month", "currency"), needs="findings", what="What was found, decided and really saved")
data = cache.view("savings", head.filters)
head.say(data.title, data.sentence)
kpi_row(data.kpis)
left, right = side_by_side(1, 1)
with left, card("Savings ladder", note=f"{data.currency}, each saving at the stage it has reached"):
    ladder(data.stages, data.currency, title="Savings ladder", key="ladder", height=230)
with right, card("Hard savings and avoided cost", note=f"{data.currency}, all stages"):
    if data.by_kind:
        ranked(
            [name for name, _ in data.by_kind],
            [amount for _, amount in data.by_kind],
            data.currency,
            title="By kind",
            key="kinds",
            tone="saving",
        )
    else:
        nothing("No saving has been recorded yet.")
with card("Ledger", note="Each amount in its own currency"):
    table(
        data.lines,
        [
            Col("what", "Saving", width="large"),
            Col("kind", "Kind", "code"),
            Col("stage", "Stage", "code"),
            Col("amount", "Amount", "money"),
            Col("currency", "Currency"),
            Col("findings", "Findings", "count"),
            Col("saving_id", "Reference"),
        ],
        key="ledger",
        height=420,
        empty="No saving has been recorded yet.",
    )
footer(data.baseline, data.note)
