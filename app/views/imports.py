"""Imports: what was loaded, what ties, what was set aside and why."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pandas as pd

from app import formats
from app.views import teaching
from app.views.parts import Kpi
from app.views.selection import Filters
from core.queries import spend
from core.store import Store


@dataclass(frozen=True)
class Imports:
    """`batches`, `quarantine`, `invoices`: tables for the page, newest first; amounts in the invoice's currency.

    `missing`: invoices that were expected and have not come (audit rule C12); `taught`: saved profiles, templates and
    charge rules, as :func:`app.views.teaching.saved`.
    """

    title: str
    sentence: str
    kpis: tuple[Kpi, ...]
    batches: pd.DataFrame
    quarantine: pd.DataFrame
    invoices: pd.DataFrame
    missing: pd.DataFrame
    taught: pd.DataFrame

    @property
    def profiles(self) -> pd.DataFrame:
        """The profiles and templates among what was taught."""
        return self.taught[self.taught["code"] != "charge_rules"]


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
    missing = _missing(store, invoices, names)
    loaded, held = int(batches["rows_loaded"].sum()), int(batches["rows_quarantined"].sum())
    if batches.empty:
        title, sentence = (
            "Import your first files",
            "Bills, usage and inventory as your carriers and systems give them; nothing leaves this machine.",
        )
    else:
        title = f"{formats.plural(len(batches), 'import')}, {formats.count(loaded)} rows"
        sentence = f"{formats.count(held)} rows were set aside with a reason; " if held else "No row was set aside; "
        sentence += f"{formats.plural(off, 'invoice')} out of balance" if off else "every invoice ties to its charges"
        sentence += f"; {formats.plural(len(missing), 'expected invoice')} not received." if len(missing) else "."
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
    return Imports(title, sentence, kpis, batches, aside, invoices, missing, teaching.saved(store))


def _missing(store: Store, invoices: pd.DataFrame, names: dict[str, str]) -> pd.DataFrame:
    """Expected invoices that have not come, the newest month first."""
    found = store.frame("findings")
    found = found[(found["rule"] == "C12") & (found["current"] == 1)]
    accounts = store.frame("accounts", ["account_id", "number"]).set_index("account_id")["number"].to_dict()
    last = invoices.groupby("account_id")["issued_on"].max().to_dict() if len(invoices) else {}
    rows = [
        {
            "carrier": names.get(row.carrier_id) or row.carrier_id,
            "account": accounts.get(row.account_id) or row.account_id,
            "month": row.month,
            "expected": json.loads(row.expected).get("value") if isinstance(row.expected, str) else None,
            "last": last.get(row.account_id),
            "state": row.state,
            "explanation": row.explanation,
        }
        for row in found.sort_values(["month", "account_id"], ascending=[False, True]).itertuples()
    ]
    columns = ["carrier", "account", "month", "expected", "last", "state", "explanation"]
    return pd.DataFrame(rows, columns=columns)


def _notes(text: object) -> str:
    found = json.loads(text) if isinstance(text, str) and text else []
    return "; ".join(str(item) for item in found)[:300]
