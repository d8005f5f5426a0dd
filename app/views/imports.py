"""Imports: what was loaded, what ties, what was set aside and why."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pandas as pd

from app import formats
from app.views.parts import Kpi
from app.views.selection import Filters
from core.queries import spend
from core.store import Store


@dataclass(frozen=True)
class Imports:
    """`batches`, `quarantine`, `invoices`: tables for the page, newest first; amounts in the invoice's currency."""

    title: str
    sentence: str
    kpis: tuple[Kpi, ...]
    batches: pd.DataFrame
    quarantine: pd.DataFrame
    invoices: pd.DataFrame


def view(store: Store, filters: Filters) -> Imports:
    """Every batch of the store; the filters play no part."""
    batches = store.frame("batches").sort_values("batch_id", ascending=False, ignore_index=True)
    aside = store.frame("quarantine").sort_values(
        ["batch_id", "file", "row"], ascending=[False, True, True], ignore_index=True
    )
    invoices = spend.invoice_list(store)
    names = dict(zip(*(store.frame("carriers")[c].tolist() for c in ("carrier_id", "name")), strict=True))
    off = int((~invoices["balanced"]).sum()) if len(invoices) else 0
    invoices = invoices.assign(
        carrier=invoices["carrier_id"].map(lambda k: names.get(k) or k if isinstance(k, str) else "Unknown"),
        difference=invoices["charges_total"] - invoices["total"],
        ties=invoices["balanced"].astype(int),
    ).sort_values(["ties", "period_start", "invoice_id"], ascending=[True, False, True], ignore_index=True)
    loaded, held = int(batches["rows_loaded"].sum()), int(batches["rows_quarantined"].sum())
    if batches.empty:
        title, sentence = (
            "Import your first files",
            "Bills, usage and inventory as your carriers and systems give them; nothing leaves this machine.",
        )
    else:
        title = f"{formats.plural(len(batches), 'import')}, {formats.count(loaded)} rows"
        sentence = f"{formats.count(held)} rows were set aside with a reason; " if held else "No row was set aside; "
        sentence += f"{formats.plural(off, 'invoice')} out of balance." if off else "every invoice ties to its charges."
    kpis = (
        Kpi(
            "Imports",
            formats.count(len(batches)),
            f"last {formats.day(batches['loaded_at'].max())}" if len(batches) else None,
        ),
        Kpi("Rows loaded", formats.count(loaded)),
        Kpi("Rows set aside", formats.count(held), "see below" if held else "none", "attention" if held else "good"),
        Kpi(
            "Invoices that tie",
            f"{len(invoices) - off:,} of {len(invoices):,}",
            "to the cent" if not off else f"{off:,} out of balance",
            "bad" if off else "good",
        ),
    )
    batches = batches.assign(notes=[_notes(text) for text in batches["warnings"]])
    return Imports(title, sentence, kpis, batches, aside, invoices)


def _notes(text: object) -> str:
    found = json.loads(text) if isinstance(text, str) and text else []
    return "; ".join(str(item) for item in found)[:300]
