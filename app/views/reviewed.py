"""Open findings of the queues `spend` and `watch`, and in one sentence what earlier decisions keep back."""

from __future__ import annotations

import json
from typing import Literal

import pandas as pd

from anomaly import repeats
from app import formats
from core import findings
from core.store import Store

OPEN = ("new", "triaged", "accepted")


def open_findings(
    store: Store,
    queue: Literal["spend", "watch"],
    *,
    kept_back: bool,
    first: str | None = None,
    last: str | None = None,
) -> tuple[pd.DataFrame, str]:
    """Findings that wait for a decision, with `detail` and `actual` as mappings; the kept-back ones where asked for."""
    frame = findings.load(store, queue=queue, first=first, last=last)
    frame = frame[frame["state"].isin(OPEN)].reset_index(drop=True)
    for name in ("detail", "actual", "expected"):
        frame[name] = pd.Series([json.loads(text or "{}") for text in frame[name]], index=frame.index, dtype=object)
    held = pd.Series([repeats.is_kept_back(detail) for detail in frame["detail"]], index=frame.index, dtype=bool)
    grown = sum(bool((detail.get("feedback") or {}).get("came_back")) for detail in frame["detail"])
    told = []
    if held.any():
        told.append(f"{formats.plural(int(held.sum()), 'row')} kept back because you reviewed the same before")
    if grown:
        told.append(f"{grown:,} came back because they grew by half")
    kept = frame if kept_back else frame[~held].reset_index(drop=True)
    return kept, f"{'; '.join(told)}." if told else ""
