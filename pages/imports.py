"""Imports: bring files in, look at them first, see what ties and what was set aside."""

import streamlit as st

from app import cache, page, uploads
from app.components import Col, card, charge_rules, footer, kpi_row, table, taught
from app.components.job import watch

head = page.begin("Imports", needs=None)
data = cache.view("imports")
head.say(data.title, data.sentence)
with card(
    "Bring files in",
    note="Bills, usage, inventory, contracts: CSV, Excel, Parquet, PDF or the carrier's own ZIP; up to 500 MB each",
):
    files = st.file_uploader("Files", accept_multiple_files=True, key="files", label_visibility="collapsed")
    files = files or uploads.samples()
    if files:
        folder = uploads.keep(files)
        ready = uploads.look(folder)
        replace = st.toggle("Replace older versions of re-issued invoices", key="supersede")
        why = None if ready else "No file here can be imported yet: see what each one says above"
        if st.button("Import", type="primary", disabled=not ready, help=why, icon=":material/upload:"):
            uploads.commit(folder, supersede=replace)
    done = watch("load")
    if done is not None and done.state == "done":
        uploads.told(done)
uploads.templates()
kpi_row(data.kpis)
tabs = st.tabs(
    [
        *("Imports", f"Set aside ({len(data.quarantine):,})", f"Invoices ({len(data.invoices):,})"),
        *(f"Missing ({len(data.missing):,})", f"Profiles and templates ({len(data.profiles):,})", "Charge rules"),
    ]
)
with tabs[0]:
    picked = table(
        data.batches,
        [
            Col("batch_id", "No.", "count", width="small"),
            Col("file", "File", width="medium"),
            Col("format", "Format"),
            Col("loaded_at", "Imported (UTC)", "stamp"),
            Col("rows_in", "Rows in", "count"),
            Col("rows_loaded", "Loaded", "count"),
            Col("rows_quarantined", "Set aside", "count"),
            Col("state", "State", "code"),
            Col("notes", "Notes", width="medium"),
        ],
        key="batches",
        select="one",
        empty="Nothing has been imported yet.",
    )
    uploads.undo_panel(data.batches, picked)
with tabs[1]:
    table(
        data.quarantine,
        [
            Col("file", "File"),
            Col("row", "Row", "count", width="small"),
            Col("field", "Field"),
            Col("found", "Found"),
            Col("expected", "Expected", width="medium"),
            Col("reason", "Reason", width="medium"),
            Col("raw", "Row as it came", width="large"),
        ],
        key="aside",
        empty="No row was set aside.",
    )
with tabs[2]:
    table(data.invoices, page.INVOICE_COLUMNS, key="bills", height=420, empty="No invoice has been imported yet.")
with tabs[3]:
    table(data.missing, page.MISSING_COLUMNS, key="missing", empty="Every account that bills has sent its invoices.")
with tabs[4]:
    taught(data.taught)
with tabs[5]:
    charge_rules(data.taught)
footer()
