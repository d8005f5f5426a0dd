"""Links to confirm: devices, lines and orders whose number or person nothing names exactly, with what is similar."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from app import formats
from app.views.selection import Filters
from core.store import Store
from loaders import proposals

_WHAT = {"devices": "Device", "services": "Line", "orders": "Order"}
_TARGET = {"service_id": "Line", "employee_id": "Person"}


@dataclass(frozen=True)
class Matches:
    """`rows`: one for each proposal, surest first, with its `proposal_id`; `sentence` says how many there are."""

    sentence: str
    rows: pd.DataFrame


def view(store: Store, filters: Filters) -> Matches:
    """All proposals of the store; the filters play no part."""
    found = proposals(store)
    rows = pd.DataFrame(
        [
            {
                "proposal_id": item.proposal_id,
                "record": f"{_WHAT[item.table]} {item.record}",
                "text": item.text,
                "target": f"{_TARGET[item.column]} {item.target_name}",
                "score": item.score,
                "reason": item.reason,
            }
            for item in found
        ]
    )
    records = len({(item.table, item.record, item.column) for item in found})
    return Matches(f"{formats.plural(records, 'link')} to confirm" if found else "No link to confirm", rows)
