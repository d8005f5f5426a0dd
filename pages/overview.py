"""Overview: what was spent, why it changed, what is wasted, what to do next."""

from dataclasses import replace

from app import cache, formats, page
from app.components import (
    action_list,
    bridge,
    card,
    file_row,
    footer,
    kpi_row,
    ladder,
    nothing,
    side_by_side,
    stacked_months,
    timeline,
)

head = page.begin(
    "Overview",
    ("month", "compare", "carrier", "cost_center", "currency"),
    what="What you spend, why it changed, and what to do next",
)
data = cache.view("overview", head.filters)
head.say(data.title, data.sentence)
kpi_row(data.kpis)
kpi_row(data.year, key="kpis-year")

left, right = side_by_side(3, 2)
with left, card("Spend by carrier", note=f"{data.currency}, taxes included, by month of use"):
    stacked_months(data.months, data.by_carrier, data.currency, title="Spend by carrier", key="trend",
                   budget=data.budget)  # fmt: skip
    if data.coming:
        page.link("forecast", data.coming)
with right, card("Why it changed", note=f"{data.currency}, against the month compared with, at one exchange rate"):
    if data.steps:
        bridge(data.steps, data.currency, title="Why spend changed", key="bridge")
    else:
        nothing("There is no bill for the month to compare with.")

left, right = side_by_side(3, 2)
with left:
    with card("What to do next", help="Ranked by money. Every amount opens the lines it is made of."):
        if data.actions:
            action_list(data.actions)
        else:
            nothing("Nothing is open. New findings appear here after each import.")
    with card(f"Take {formats.month(data.month)} with you", note="Of all carriers, with contracts and errors"):
        whole = replace(head.filters, carriers=(), cost_centers=())
        file_row(
            (label, f"telecom-{data.month}{end}", cache.later("app.reports.monthly.monthly", filters=whole, suffix=end))
            for label, end in (("Report (PDF)", ".pdf"), ("Slides (PPTX)", ".pptx"), ("Workbook (XLSX)", ".xlsx"))
        )
with right:
    with card("Savings ladder", note=f"{data.currency}, each saving at the stage it has reached"):
        if any(amount for _, amount in data.ladder):
            ladder(data.ladder, data.currency, title="Savings ladder", key="ladder", height=160)
        else:
            nothing("No saving has been identified yet.")
    with card("Renewals ahead", note=f"Last day to give notice, as of {formats.day(data.as_of)}"):
        if data.terms:
            timeline(data.terms, data.as_of, title="Renewals ahead", key="renewals")
        else:
            nothing("No contract with a term has been loaded.")
footer(data.note)
