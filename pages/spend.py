"""Spend and invoices: month, invoice, service, charge."""

import streamlit as st

from app import cache, formats, page
from app.components import Col, card, facts, footer, kpi_row, side_by_side, table

head = page.begin(
    "Spend and invoices",
    ("month", "compare", "carrier", "cost_center", "currency"),
    what="What each bill is made of, down to the charge",
)
data = cache.view("spend", head.filters)
head.say(data.title, data.sentence)
kpi_row(data.kpis)
before = formats.month_short(data.compare)
moves = [
    Col("name", "", width="medium"),
    Col("now", formats.month_short(data.month), "money"),
    Col("before", before, "money"),
    Col("change", "Change", "money"),
]
left, right = side_by_side(1, 1)
with left, card("By kind of charge", note=f"{data.currency}"):
    table(data.categories, moves, key="categories")
with right, card("By cost center", note=f"{data.currency}"):
    table(data.centers, moves, key="centers", height=320)
with card("Invoices", note=f"{formats.month(data.month)}, each in its own currency; pick one to open it"):
    picked = table(
        data.invoices,
        [
            Col("carrier", "Carrier"),
            Col("account_number", "Account"),
            Col("number", "Invoice"),
            Col("issued_on", "Issued", "day"),
            Col("due_on", "Due", "day"),
            Col("total", "Total", "money"),
            Col("currency", "Currency"),
            Col("difference", "Off by", "money", help="Sum of the charges less the total of the bill"),
            Col("charges", "Charges", "count"),
        ],
        key="invoices",
        select="one",
    )
if picked:
    bill = cache.call("app.views.spend.invoice", invoice_id=str(data.invoices["invoice_id"].iloc[picked[0]]))
    with card(f"Invoice {bill.facts['Invoice']}", note=f"{bill.currency}"):
        facts(bill.facts)
        chosen = table(
            bill.services,
            [
                Col("name", "Service"),
                Col("number", "Number"),
                Col("charges", "Charges", "count"),
                Col("amount", "Amount", "money"),
            ],
            key="services",
            select="one",
            height=280,
        )
        lines = bill.charges
        if chosen:
            service = bill.services["service"].iloc[chosen[0]]
            lines = lines[lines["service_id"].fillna("") == service]
            if service:
                page.link("inventory", "Open the dossier of this line", service=str(service))
        st.subheader("Charges", anchor=False)
        table(lines, page.CHARGE_COLUMNS, key="charges", height=360)
footer(data.note)
