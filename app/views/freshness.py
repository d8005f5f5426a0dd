"""How fresh and how complete the store is, in one sentence for the foot of every page."""

from __future__ import annotations

from app import formats
from core.queries import app as queries
from core.store import Store


def sentence(store: Store) -> str:
    """Last import, months covered, invoices that tie, lines without owner or inventory."""
    seen = queries.completeness(store)
    if not seen["invoices"]:
        return "No bill has been loaded yet."
    parts = [
        f"Data to {formats.month(seen['last_month'])}",
        f"last import {formats.stamp(seen['last_import'])} UTC" if seen["last_import"] else "",
        f"{seen['balanced']:,} of {formats.plural(seen['invoices'], 'invoice')} tie to their charges",
    ]
    if seen["amount_charges"]:
        parts.append(f"{formats.percent(seen['matched'], seen['amount_charges'])} of line charges matched to inventory")
    return " · ".join(part for part in parts if part) + "."
