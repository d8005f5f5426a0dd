"""One batch: the open transaction, the files in it, their counts and what was set aside."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any

from core import trail
from core.issues import Issue
from core.store import Txn, now
from loaders.contract import Rejected, SourceRow
from loaders.plan_ids import PlanIds
from loaders.reading.text import CHUNK_ROWS, shown_raw
from loaders.report import FileReport

_QUARANTINE = ("batch_id", "file", "table_name", "row", "raw", "field", "found", "expected", "reason")
_SHOWN_ISSUES = 200


class FileState:
    """A file while it is loaded."""

    def __init__(self, digest: str, report: FileReport) -> None:
        """`digest`: the hash of its content."""
        self.digest = digest
        self.report = report
        self.seen_issues = 0

    def shown(self, member: str | None) -> str:
        """The file's name, with the archive member or sheet."""
        return self.report.file if member is None else f"{self.report.file}/{member}"


class Batch:
    """Everything one transaction loads; `batch_id` exists from the start, its counts are written at the end."""

    def __init__(self, txn: Txn, label: str, format_name: str, hashes: Iterable[str], supersede: bool) -> None:
        self.txn = txn
        self.supersede = supersede
        self.label = label
        self.format = format_name
        digest = hashlib.sha256("\n".join(sorted(hashes)).encode()).hexdigest()
        self.batch_id = int(
            txn.insert(
                "batches",
                {
                    "file": label,
                    "format": format_name,
                    "content_sha256": digest,
                    "loaded_at": now(),
                    "state": "committed",
                    "rows_in": 0,
                    "rows_loaded": 0,
                    "rows_quarantined": 0,
                },
            )
        )
        self.files: list[FileState] = []
        self.plan_ids = PlanIds(txn)
        self.dimensions_changed = False
        self.services_changed = False
        #: A bill made services: facts of other batches cannot name them, so nothing else changes by that.
        self.services_made = False
        self.months: set[str] = set()
        self.progress: Callable[[int], None] = lambda rows: None

    def loaded(self, file: FileState, count: int) -> None:
        """Count rows of the file that are in the store now (or were already, with the same content)."""
        file.report.rows_in += count
        file.report.rows_loaded += count
        self.progress(count)

    def warn(self, file: FileState, text: str) -> None:
        """A remark on the file, once."""
        if text not in file.report.warnings:
            file.report.warnings.append(text)

    def reject(self, file: FileState, rejected: Iterable[Rejected]) -> None:
        """Set rows aside, each with its reason."""
        stream = iter(rejected)
        while some := list(islice(stream, CHUNK_ROWS)):
            self._reject(file, some)

    def _reject(self, file: FileState, rejected: list[Rejected]) -> None:
        rows = []
        for item in rejected:
            shown = file.shown(item.row.member)
            rows.append(
                (
                    self.batch_id,
                    shown,
                    item.table,
                    item.row.line,
                    shown_raw(item.row.raw),
                    item.field,
                    item.found if item.found is None else shown_raw(item.found, 200),
                    item.expected,
                    item.reason or "the value cannot be used",
                )
            )
            file.seen_issues += 1
            if file.seen_issues <= _SHOWN_ISSUES:
                file.report.issues.append(
                    Issue(
                        file=shown,
                        row=item.row.line,
                        field=item.field,
                        found=item.found,
                        expected=item.expected,
                        message=f"quarantined: {item.reason or 'the value cannot be used'}",
                    )
                )
        self.txn.append_tuples("quarantine", _QUARANTINE, rows)
        file.report.rows_in += len(rows)
        file.report.rows_quarantined += len(rows)
        self.progress(len(rows))

    def reject_rows(self, file: FileState, table: str | None, rows: Iterable[SourceRow], reason: str) -> None:
        """Set whole rows aside for one reason."""
        self.reject(file, (Rejected(row, None, None, None, reason, table) for row in rows))

    def keep_history(self, table: str, key: str, record: dict[str, Any]) -> None:
        """Keep a record that this batch replaces."""
        self.keep_all(table, [(key, record)])

    def keep_all(self, table: str, records: Iterable[tuple[str, dict[str, Any]]]) -> None:
        """Keep records that this batch replaces, by their keys."""
        self.txn.append(
            "record_history",
            [
                {
                    "table_name": table,
                    "record_key": key,
                    "batch_id": record.get("batch_id"),
                    "replaced_by_batch": self.batch_id,
                    "replaced_at": now(),
                    "record": json.dumps(record, sort_keys=True, ensure_ascii=False),
                }
                for key, record in records
            ],
        )

    def finish(self) -> None:
        """Write the counts, the files and the audit trail's entry."""
        reports = [file.report for file in self.files]
        for file in self.files:
            report = file.report
            if file.seen_issues > _SHOWN_ISSUES:
                more = file.seen_issues - _SHOWN_ISSUES
                report.issues.append(Issue(file=report.file, message=f"and {more} more rows; see `tem quarantine`"))
            report.batch_id = self.batch_id
            self.txn.insert(
                "batch_files",
                {
                    "batch_id": self.batch_id,
                    "file": report.file,
                    "content_sha256": file.digest,
                    "format": report.format,
                    "rows_in": report.rows_in,
                    "rows_loaded": report.rows_loaded,
                    "rows_quarantined": report.rows_quarantined,
                },
            )
        counts = {
            name: sum(getattr(report, name) for report in reports)
            for name in ("rows_in", "rows_loaded", "rows_quarantined")
        }
        warnings = [f"{report.file}: {text}" for report in reports for text in report.warnings]
        self.txn.update(
            "batches",
            {"batch_id": self.batch_id},
            {
                **counts,
                "files": json.dumps([report.to_json() for report in reports], ensure_ascii=False),
                "warnings": json.dumps(warnings, ensure_ascii=False),
            },
        )
        trail.record(self.txn, "load", f"batch {self.batch_id}", {"file": self.label, "format": self.format, **counts})
