"""Write the store back as canonical tables; loading the folder into an empty store gives the same store."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from core.issues import BadInput, Issue
from core.money import to_text
from core.schema import CANONICAL, CANONICAL_COLUMNS, TABLES
from core.store import Store, attributes_of

_PLACES = {"amount", "total", "mrc", "cost", "previous_balance", "payments", "nrc_amount", "commitment_amount"}


def export_canonical(store: Store, out: Path) -> dict[str, int]:
    """Write one CSV per canonical table that holds rows into `out`; returns rows per table.

    Numbers are exact decimals, attributes become columns of their own, rows keep the store's order.

    Raises:
        BadInput: if the folder cannot be made, or holds canonical tables already.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(Issue(file=str(out), message=f"cannot be made: {error.strerror}")) from error
    there = sorted(name for name in CANONICAL if (out / f"{name}.csv").exists())
    if there:
        raise BadInput(
            Issue(
                file=str(out),
                message=f"holds {there[0]}.csv already",
                hint="name an empty folder",
            )
        )
    counts: dict[str, int] = {}
    for table in CANONICAL:
        if store.has_rows(table):
            counts[table] = _write(store, table, out / f"{table}.csv")
    return counts


def _write(store: Store, table: str, path: Path) -> int:
    frame = store.frame(table)
    columns = CANONICAL_COLUMNS[table]
    attributes = [attributes_of(value) for value in frame["attributes"]]
    extra = sorted({name for row in attributes for name in row})
    cells = [_texts(table, name, frame[name]) for name in columns]
    cells += [[str(row.get(name, "")) for row in attributes] for name in extra]
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle, lineterminator="\r\n")  # with "\n" alone, a lone "\r" in a cell would go unquoted
        writer.writerow([*columns, *extra])
        writer.writerows(zip(*cells, strict=True))
    return len(frame)


def _texts(table: str, name: str, series: Any) -> list[str]:
    missing = series.isna()
    if TABLES[table].c[name].info["kind"] == "micro":
        places = 2 if name in _PLACES else 0
        return ["" if gone else to_text(int(v), places) for v, gone in zip(series, missing, strict=True)]
    return ["" if gone else str(v) for v, gone in zip(series, missing, strict=True)]
