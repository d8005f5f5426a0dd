"""Data health: can the figures be trusted, and where not."""

from app import cache, formats, page
from app.components import Col, card, coverage_chart, facts, footer, kpi_row, side_by_side, table

head = page.begin("Data health", what="Whether the figures can be trusted, and where not", needs="services")
data = cache.view("health")
head.say(data.title, data.sentence)
kpi_row(data.kpis)
with card("Bills by account and month", note="Filled: billed. Open: no bill has been loaded"):
    coverage_chart(data.coverage, data.months)
left, right = side_by_side(1, 1)
with left, card("Bills that seem to be missing"):
    table(
        data.gaps.assign(month=data.gaps["month"].map(formats.month)) if len(data.gaps) else data.gaps,
        [Col("account", "Account", width="medium"), Col("month", "Month")],
        key="gaps",
        empty="None: every account has a bill for each month since its first.",
    )
with right, card("Checks of the store"):
    facts(dict(data.checks))
with card("What is loaded", note="Rows of each table; an empty table means unknown: rules that need it stay silent"):
    table(data.tables, [Col("table", "Table", width="medium"), Col("rows", "Rows", "count")], key="tables", height=320)
footer()
