"""Rows of foreign systems become canonical rows: references found, cells checked, each row wholly or not at all."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from core.schema import CANONICAL, TABLES
from loaders import dimensions
from loaders.batch import Batch, FileState
from loaders.contract import Cells, IfNew, Named, Record, Records, Rejected
from loaders.facts import Facts
from loaders.links import KEY, TABLE, unmatched
from loaders.values import Bad, Column, attributes_text

Row = dict[str, Any]


class Desk:
    """Takes the records of one batch."""

    def __init__(self, batch: Batch, facts: Facts) -> None:
        self.batch = batch
        self.facts = facts
        self.links = facts.links
        self._columns: dict[tuple[str, str], Column] = {}

    def apply(self, file: FileState, records: Records) -> None:
        """Add the canonical rows of the records; a record with a cell that cannot be used is set aside."""
        ready: dict[str, list[Row]] = {}
        rejected: list[Rejected] = []
        for part in _steps(records.items):
            for record in part:
                rows = self._rows(file, record, rejected)
                for table, row in rows:
                    ready.setdefault(table, []).append(row)
            for table in sorted(ready, key=CANONICAL.index):
                self._write(file, table, ready.pop(table))
        self.batch.loaded(file, len(records) - len(rejected))
        self.batch.reject(file, rejected)

    def finish(self, file: FileState) -> None:
        """All records of a file were given: say what was not found and what was made."""
        self.links.report(file)

    def _rows(self, file: FileState, record: Record, rejected: list[Rejected]) -> list[tuple[str, Row]]:
        found: list[tuple[str, Row]] = []
        for table, cells in record.rows:
            row, bad = self._row(file, table, cells)
            if TABLES[table].info["role"] == "fact" and bad and bad[0] == "service_id":
                continue  # an observation of a line that nobody knows; the device keeps what it said
            if bad is not None:
                name, cell, reason = bad
                rejected.append(Rejected(record.place, name, cell.found, cell.expected, reason, table))
                return []
            clash = self.batch.plan_ids.clash(row, record.place) if table == "plans" else None
            if clash:
                rejected.append(clash)
                return []
            found.append((table, row))
        return found

    def _row(self, file: FileState, table: str, cells: Cells) -> tuple[Row, tuple[str, Bad, str] | None]:
        attributes = {name: text for name, text in (cells.get("attributes") or {}).items() if text}
        row: Row = {}
        for name, value in cells.items():
            if name == "attributes":
                continue
            text = value
            if isinstance(value, Named):
                said = [part for part in value.texts if part and part.strip()]
                text = self.links.resolve(file, value)
                if text is None and not said:
                    continue
                if text is None and not TABLES[table].c[name].nullable:
                    return row, (name, Bad(said[0], f"a {value.kind} that is loaded"), f"the {value.kind} is unknown")
                if text is None and value.weak and not self._is_new(table, row):
                    continue
                if text is None and value.kind in {"service", "employee"}:
                    attributes[unmatched(value.kind)] = "|".join(said)
            elif isinstance(value, IfNew):
                if not self._is_new(table, row):
                    continue
                text = value.text
            if text is None:
                row[name] = None
            elif str(text).strip():
                row[name] = self._column(table, name)[str(text)]
        for column in TABLES[table].columns:
            found = row.get(column.name)
            if type(found) is Bad:
                missing = not found.found
                return row, (column.name, found, "a value is missing" if missing else "the value cannot be used")
            if not column.nullable and column.name not in {"row_id", "batch_id"} and found is None:
                if isinstance(cells.get(column.name), IfNew):
                    continue  # the record has it already
                return row, (column.name, Bad("", "a value"), "a value is missing")
        row["attributes"] = attributes_text(attributes)
        return row, None

    def _is_new(self, table: str, row: Row) -> bool:
        kind = next(kind for kind, name in TABLE.items() if name == table)
        return row.get(KEY[kind]) not in self.links.index(kind)

    def _column(self, table: str, name: str) -> Column:
        if (table, name) not in self._columns:
            self._columns[table, name] = Column(table, name)
        return self._columns[table, name]

    def _write(self, file: FileState, table: str, rows: list[Row]) -> None:
        if TABLES[table].info["role"] == "fact":
            self.facts.insert_records(table, rows)
            return
        dimensions.put(self.batch, file, table, rows)
        self.links.learn(table, rows)
        self.facts.forget()


def _steps(items: list[Record], size: int = 5_000) -> Iterable[list[Record]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
