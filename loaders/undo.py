"""Take a batch back: its facts go, the records it replaced return."""

from __future__ import annotations

import json
from typing import Any

from core import rollups, trail
from core.issues import BadInput, Issue
from core.queries import loading
from core.schema import TABLES
from core.store import Store, StoreError, Txn


def undo(store: Store, batch_id: int) -> None:
    """Undo one batch, in one transaction; the same files can be loaded again afterwards.

    Raises:
        BadInput: if there is no such live batch, or later batches build on it (undo those first).
    """
    try:
        with store.transaction() as txn:
            found = [row for row in loading.all_rows(txn, "batches") if row["batch_id"] == batch_id]
            if not found or found[0]["state"] == "undone":
                raise BadInput(Issue(message=f"there is no batch {batch_id} to undo"))
            later = [r for r in loading.all_rows(txn, "record_history") if r["batch_id"] == batch_id]
            if any(row["replaced_by_batch"] != batch_id for row in later):
                other = next(r["replaced_by_batch"] for r in later if r["replaced_by_batch"] != batch_id)
                raise BadInput(
                    Issue(
                        message=f"batch {other} replaced records of {batch_id} or counts on them; undo that one first"
                    )
                )
            replaced = loading.replaced_records(txn, batch_id)
            absent = {table: _put_back(txn, table, replaced) for table in reversed(loading.undo_order())}
            for table in loading.undo_order():
                txn.delete(table, {"batch_id": batch_id})
            for table in reversed(loading.undo_order()):
                for values in absent[table]:
                    txn.insert(table, values)
            for row in replaced:
                txn.delete("record_history", {"row_id": row["row_id"]})
            txn.delete("quarantine", {"batch_id": batch_id})
            for row in loading.all_rows(txn, "batches"):
                if row["superseded_by"] == batch_id:
                    txn.update("batches", {"batch_id": row["batch_id"]}, {"state": "committed", "superseded_by": None})
            txn.update("batches", {"batch_id": batch_id}, {"state": "undone"})
            rollups.refresh(txn, None)
            trail.record(txn, "undo", f"batch {batch_id}", {"file": found[0]["file"]})
    except StoreError as error:
        raise BadInput(
            Issue(message=f"batch {batch_id} cannot be undone: later batches build on it ({error})")
        ) from error


def _put_back(txn: Txn, table: str, replaced: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Give records that still exist their former content, in place, since others may name them; returns the rest."""
    columns = TABLES[table].columns
    key = [column.name for column in TABLES[table].primary_key.columns]
    absent = []
    for row in replaced:
        if row["table_name"] != table:
            continue
        record = json.loads(row["record"])
        values = {column.name: record[column.name] for column in columns if column.name in record}
        if not txn.update(table, {name: values[name] for name in key}, values):
            absent.append(values)
    return absent
