"""What users taught the loaders (profiles, PDF templates, charge rules), and the columns of files loaded before."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Sequence

from sqlalchemy import select

from core import trail
from core.schema.work import batches, saved_formats, seen_columns
from core.store import Reader, Store, Txn, now

KINDS = ("profile", "pdf", "charge_rules")


def saved(source: Store | Reader, kind: str) -> dict[str, str]:
    """Name -> definition (YAML text) of everything saved of a kind, in the order of the names."""
    query = (
        select(saved_formats.c.name, saved_formats.c.definition)
        .where(saved_formats.c.kind == kind)
        .order_by(saved_formats.c.name)
    )
    with contextlib.nullcontext(source) if isinstance(source, Reader) else source.reading() as reader:
        return {row[0]: row[1] for row in reader.connection.execute(query)}


def save(store: Store, kind: str, name: str, definition: str) -> None:
    """Keep a definition under a name, in the place of an older one of that name."""
    with store.transaction() as txn:
        txn.delete("saved_formats", {"kind": kind, "name": name})
        txn.append("saved_formats", [{"kind": kind, "name": name, "definition": definition, "changed_at": now()}])
        trail.record(txn, "save", f"{kind} {name}", {})


def remove(store: Store, kind: str, name: str) -> bool:
    """Forget a definition; False if there was none of that name."""
    with store.transaction() as txn:
        found = txn.delete("saved_formats", {"kind": kind, "name": name})
        if found:
            trail.record(txn, "remove", f"{kind} {name}", {})
    return bool(found)


def columns_before(txn: Reader, format: str, part: str, *, limit: int = 500) -> list[list[str]]:
    """The different headers that the newest live batches of a format had in one part, newest first."""
    query = (
        select(seen_columns.c.columns)
        .select_from(seen_columns.join(batches, batches.c.batch_id == seen_columns.c.batch_id))
        .where(seen_columns.c.format == format, seen_columns.c.part == part, batches.c.state != "undone")
        .order_by(seen_columns.c.row_id.desc())
        .limit(limit)
    )
    texts = dict.fromkeys(row[0] for row in txn.connection.execute(query))
    return [json.loads(text) for text in texts]


def note_columns(txn: Txn, batch_id: int, format: str, part: str, columns: Sequence[str]) -> None:
    """Remember the columns that a file of this batch has."""
    text = json.dumps(list(columns), ensure_ascii=False)
    txn.append("seen_columns", [{"batch_id": batch_id, "format": format, "part": part, "columns": text}])
