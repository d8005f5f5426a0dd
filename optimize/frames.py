"""The canonical tables the optimizer reads, as plain frames: one mapping from table name to frame.

Numbers are whole millionths (see `core.money`), text is text, missing is NA. A table that is absent or empty is
unknown, never an error.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

Frames = Mapping[str, pd.DataFrame]

TABLES = ("carriers", "accounts", "contracts", "contract_tiers", "plans", "services", "coverage", "sites", "usage")

SERVICE_COLUMNS = (
    *("service_id", "kind", "device_kind", "purpose", "number", "carrier_id", "account_id", "contract_id", "plan_id"),
    *("employee_id", "cost_center_id", "project_id", "site_id", "status", "activated_on", "disconnected_on"),
    *("term_end_on",),
)


def from_store(store: Any) -> dict[str, pd.DataFrame]:
    """The tables of :data:`TABLES` of a :class:`core.store.Store`, read as they stand."""
    return {name: store.frame(name) for name in TABLES}


def column(frame: pd.DataFrame | None, name: str) -> list[Any]:
    """The values of a column as Python objects, None where missing; all None where the column is absent."""
    if frame is None:
        return []
    if name not in frame.columns:
        return [None] * len(frame)
    series = frame[name]
    values = series.astype(object).where(series.notna(), None).tolist()
    return [None if isinstance(v, str) and not v.strip() else v for v in values]


def rows(frames: Frames, table: str, *names: str) -> Iterator[tuple[Any, ...]]:
    """The rows of a table as tuples of the named columns; nothing where the table is absent."""
    frame = frames.get(table)
    return zip(*(column(frame, name) for name in names), strict=True)


def digest(frames: Frames, document: str) -> str:
    """SHA-256 over the scenario's text and every table's content, whatever the order of rows and columns."""
    hasher = hashlib.sha256(document.encode())
    for name in TABLES:
        frame = frames.get(name)
        if frame is None or frame.empty:
            continue
        wanted = sorted(c for c in frame.columns if c not in ("batch_id", "attributes"))
        hasher.update(f"\n#{name}:{','.join(wanted)}\n".encode())
        hashed = pd.util.hash_pandas_object(
            pd.DataFrame({c: frame[c].astype("string").fillna("") for c in wanted}), index=False
        )
        hasher.update(hashed.sort_values().to_numpy().tobytes())
    return hasher.hexdigest()
