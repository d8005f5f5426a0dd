"""The canonical tables the optimizer reads, as plain frames: one mapping from table name to frame.

Numbers are whole millionths (see `core.money`), text is text, missing is NA. A table that is absent or empty is
unknown, never an error.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Frames = Mapping[str, pd.DataFrame]

TABLES = (
    *("carriers", "accounts", "contracts", "contract_tiers", "plans", "offer_terms", "services", "coverage", "sites"),
    "usage",
)

SERVICE_COLUMNS = (
    *("service_id", "kind", "device_kind", "purpose", "number", "carrier_id", "account_id", "contract_id", "plan_id"),
    *("employee_id", "cost_center_id", "project_id", "site_id", "status", "activated_on", "disconnected_on"),
    *("term_end_on",),
)


#: The columns of `usage` that decide anything here.
USAGE_COLUMNS = ("service_id", "month", "usage_type", "zone", "quantity", "cost")


def from_store(store: Any) -> dict[str, pd.DataFrame]:
    """The tables of :data:`TABLES` of a :class:`core.store.Store`, as they stand at one moment."""
    found = store.frames(*(name for name in TABLES if name != "usage"), coded={"usage": USAGE_COLUMNS})
    return {name: found[name] for name in TABLES}


def column(frame: pd.DataFrame | None, name: str) -> list[Any]:
    """The values of a column as Python objects, None where missing; all None where the column is absent."""
    if frame is None:
        return []
    if name not in frame.columns:
        return [None] * len(frame)
    series = frame[name]
    if not (series.dtype == object or isinstance(series.dtype, pd.StringDtype | pd.CategoricalDtype)):
        return list(series.astype(object).where(series.notna(), None).tolist())
    codes, values = pd.factorize(series)
    known = [None if isinstance(v, str) and not v.strip() else v for v in values.astype(object).tolist()]
    found = np.empty(len(known) + 1, dtype=object)
    found[:-1] = known
    return list(found[codes].tolist())


def places(frame: pd.DataFrame, name: str, known: Mapping[Any, int], blank: int = -1) -> NDArray[np.int64]:
    """The place of each value of a text column: -1 where it has none, `blank` where it is missing."""
    if name not in frame.columns:
        return np.full(len(frame), blank, dtype=np.int64)
    codes, values = pd.factorize(frame[name])
    return np.array([*(known.get(value, -1) for value in values), blank], dtype=np.int64)[codes]


def whole(frame: pd.DataFrame, name: str) -> NDArray[np.int64]:
    """A column of millionths as 64-bit integers, 0 where it is missing."""
    if name not in frame.columns:
        return np.zeros(len(frame), dtype=np.int64)
    series = frame[name]
    if series.dtype == object:
        return np.array([0 if pd.isna(v) else int(v) for v in series], dtype=np.int64)
    return series.fillna(0).to_numpy(dtype=np.int64)


def distinct(frames: Frames, table: str, name: str) -> list[str]:
    """The values of a text column, each once, in order; blank ones left out."""
    frame = frames.get(table)
    if frame is None or name not in frame.columns:
        return []
    return sorted({str(value) for value in frame[name].dropna().unique() if str(value).strip()})


def rows(frames: Frames, table: str, *names: str) -> Iterator[tuple[Any, ...]]:
    """The rows of a table as tuples of the named columns; nothing where the table is absent."""
    frame = frames.get(table)
    return zip(*(column(frame, name) for name in names), strict=True)


def digest(frames: Frames, document: str) -> str:
    """SHA-256 over the scenario's text and what the tables say, whatever the order of rows and columns."""
    hasher = hashlib.sha256(document.encode())
    for name in TABLES:
        frame = frames.get(name)
        if frame is None or frame.empty:
            continue
        read = USAGE_COLUMNS if name == "usage" else tuple(c for c in frame.columns if c not in _NOT_READ)
        wanted = sorted(c for c in read if c in frame.columns and frame[c].notna().any())
        total = np.zeros(len(frame), dtype=np.uint64)
        for column_name in wanted:  # each column with its own odd factor: a value does not count the same in another
            total += _hashed(frame[column_name]) * np.uint64(int.from_bytes(_sha(column_name)[:8], "big") | 1)
        hasher.update(f"\n#{name}:{','.join(wanted)}\n".encode())
        hasher.update(np.sort(total).astype(">u8").tobytes())
    return hasher.hexdigest()


_NOT_READ = ("batch_id", "attributes")


def _sha(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def _hashed(series: pd.Series) -> NDArray[np.uint64]:
    """A number for each value that depends on its text (of whole numbers: on their value) alone; blank is 0."""
    if pd.api.types.is_integer_dtype(series.dtype):
        mixed = (
            series.fillna(0).to_numpy(dtype=np.int64).astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
        ) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return np.where(series.isna().to_numpy(), np.uint64(0), mixed ^ (mixed >> np.uint64(31)))
    codes, values = pd.factorize(series)
    table = [int.from_bytes(_sha(str(value))[:8], "big") if str(value).strip() else 0 for value in values]
    return np.array([*table, 0], dtype=np.uint64)[codes]
