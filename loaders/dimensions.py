"""Rows of dimension tables: they update what they name, and what they replace is kept as history."""

from __future__ import annotations

import json
from typing import Any

from core.queries import loading
from core.schema import TABLES
from core.store import attributes_of
from loaders.batch import Batch, FileState
from loaders.contract import Rejected
from loaders.names import ALL_DIGITS, ROUNDED, rounded
from loaders.values import Typed, attributes_text

Row = dict[str, Any]
_IDENTIFIERS = frozenset({"number", "imei"})
_SYSTEM = ("row_id", "batch_id", "attributes")


def apply(batch: Batch, file: FileState, typed: Typed) -> None:
    """Insert new rows, update changed ones (only the columns the file has), count all of them as loaded."""
    if not len(typed):
        return
    if typed.table == "plans":
        typed = _own_ids(batch, file, typed)
    for name in _IDENTIFIERS.intersection(typed.names):
        typed = _with_all_digits(batch, file, typed, name)
    records = typed.records()
    for index, record in enumerate(records):
        record["attributes"] = typed.attributes[index] if typed.attributes else None
    put(batch, file, typed.table, records)
    batch.loaded(file, len(records))


def _own_ids(batch: Batch, file: FileState, typed: Typed) -> Typed:
    """Without the plans whose id is another plan's, which are set aside."""
    clashes = [batch.plan_ids.clash(record, typed.source(i)) for i, record in enumerate(typed.records())]
    batch.reject(file, [clash for clash in clashes if clash])
    return typed.keep([i for i, clash in enumerate(clashes) if clash is None])


def _with_all_digits(batch: Batch, file: FileState, typed: Typed, name: str) -> Typed:
    """Without the rows in which a spreadsheet has rounded a number, which are set aside."""
    bad = [i for i, number in enumerate(typed.column(name)) if number is not None and rounded(number)]
    if not bad:
        return typed
    found = typed.column(name)
    batch.reject(file, [Rejected(typed.source(i), name, found[i], ALL_DIGITS, ROUNDED, typed.table) for i in bad])
    gone = set(bad)
    return typed.keep([i for i in range(len(typed)) if i not in gone])


def put(batch: Batch, file: FileState, table: str, records: list[Row]) -> None:
    """Insert new records and update changed ones, by the columns that each record states; counts nothing."""
    key = TABLES[table].info["natural_key"]
    keyed = any(column.primary_key for column in TABLES[table].columns if column.name != "row_id")
    existing = _existing(batch, table, key, records)
    changed = (
        _by_key(batch, file, table, key, records, existing)
        if keyed
        else _by_group(batch, table, key, records, existing)
    )
    if changed:
        batch.dimensions_changed = True
        if table in {"services", "service_history", "accounts"}:
            batch.services_changed = True


def _existing(batch: Batch, table: str, key: tuple[str, ...], records: list[Row]) -> dict[tuple[Any, ...], list[Row]]:
    found: dict[tuple[Any, ...], list[Row]] = {}
    if not loading.any_row(batch.txn, table):
        return found
    first = key[0]
    values = {record.get(first) for record in records}
    rows = (
        loading.all_rows(batch.txn, table)
        if None in values
        else loading.rows_by(batch.txn, table, first, [v for v in values if v is not None])
    )
    for row in rows:
        found.setdefault(_key(row, key), []).append(row)
    return found


def _key(row: Row, key: tuple[str, ...]) -> tuple[Any, ...]:
    return tuple(row.get(name) for name in key)


def merged(old: Row, new: Row) -> Row:
    """The old row with what the new one states; attributes are merged name by name.

    A service that an inventory names is no longer unconfirmed.
    """
    result = {**old, **{name: value for name, value in new.items() if name not in _SYSTEM}}
    attributes = attributes_of(old.get("attributes"))
    given = attributes_of(new.get("attributes"))
    if "unconfirmed" not in given:
        attributes.pop("unconfirmed", None)
    result["attributes"] = attributes_text({**attributes, **given})
    return result


def _by_key(
    batch: Batch,
    file: FileState,
    table: str,
    key: tuple[str, ...],
    records: list[Row],
    existing: dict[tuple[Any, ...], list[Row]],
) -> bool:
    fresh: dict[tuple[Any, ...], Row] = {}
    changed = False
    for record in records:
        name = _key(record, key)
        if name in existing:
            old = existing[name][0]
            new = merged(old, record)
            if new != old:
                batch.keep_history(table, _text(name), old)
                new["batch_id"] = batch.batch_id
                batch.txn.update(table, dict(zip(key, name, strict=True)), _without(new, key))
                existing[name] = [new]
                changed = True
        elif name in fresh:
            if fresh[name] != record:
                batch.warn(file, f"{table} names {_text(name)} more than once; the last row holds")
            fresh[name] = merged(fresh[name], record)
        else:
            fresh[name] = record
    insert(batch, table, list(fresh.values()))
    return changed or bool(fresh)


def _by_group(
    batch: Batch, table: str, key: tuple[str, ...], records: list[Row], existing: dict[tuple[Any, ...], list[Row]]
) -> bool:
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for record in records:
        group = groups.setdefault(_key(record, key), [])
        if record not in group:
            group.append(record)
    changed = False
    for name, rows in groups.items():
        old = existing.get(name, [])
        mine = [row for row in old if row["batch_id"] == batch.batch_id]
        if mine:  # the same file named this key in an earlier chunk: add to it
            insert(batch, table, [row for row in rows if not any(_same(m, row) for m in mine)])
            changed = True
            continue
        if len(old) == len(rows) and all(any(_same(o, row) for o in old) for row in rows):
            continue
        for row in old:
            batch.keep_history(table, _text(name), row)
            batch.txn.delete(table, {"row_id": row["row_id"]})
        insert(batch, table, rows)
        changed = True
    return changed


def _same(old: Row, new: Row) -> bool:
    return all(old.get(name) == value for name, value in new.items())


def insert(batch: Batch, table: str, rows: list[Row]) -> None:
    """Add rows given as mappings of the table's columns."""
    if not rows:
        return
    names = [column.name for column in TABLES[table].columns if column.name not in {"row_id", "batch_id"}]
    given = [name for name in names if any(row.get(name) is not None for row in rows)]
    batch.txn.append_tuples(
        table, [*given, "batch_id"], ((*(row.get(name) for name in given), batch.batch_id) for row in rows)
    )


def _without(row: Row, key: tuple[str, ...]) -> Row:
    return {name: value for name, value in row.items() if name not in key and name != "row_id"}


def _text(name: tuple[Any, ...]) -> str:
    return str(name[0]) if len(name) == 1 else json.dumps(name)
