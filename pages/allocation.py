"""Allocation: the month's bills by cost center, tied to the invoices to the cent."""

import streamlit as st

from app import cache, page
from app.components import Col, card, file_row, footer, kpi_row, table

head = page.begin("Allocation", ("month",), what="Who pays for what, to the cent")
data = cache.view("allocation", head.filters)
head.say(data.title, data.sentence)
kpi_row(data.kpis)
with card("By cost center", note="Each currency apart; nothing is converted"):
    table(
        data.centers,
        [
            Col("cost_center", "Cost center"),
            Col("name", "Name", width="medium"),
            Col("business_unit", "Business unit"),
            Col("currency", "Currency"),
            Col("amount", "Amount", "money"),
            Col("share", "Share", "bar"),
        ],
        key="centers",
        height=520,
        empty="Nothing was billed in this month.",
    )
    file_row(
        (label, f"{name}-{data.month}.csv", cache.later("app.views.allocation.csv", month=data.month, part=part))
        for label, name, part in (
            ("Journal (CSV)", "journal", "journal"),
            ("Chargeback (CSV)", "chargeback", "by_cost_center"),
        )
    )
with st.expander("Does it tie?", icon=":material/verified:", expanded=False):
    table(
        data.currencies,
        [
            Col("currency", "Currency"),
            Col("invoiced", "Invoiced", "money"),
            Col("allocated", "Allocated", "money"),
            Col("unallocated", "Not allocated", "money"),
            Col("difference", "Difference", "money"),
        ],
        key="ties",
    )
footer("Showback: lines go to their cost center on the day of the charge. tem allocate applies your own rules.")
