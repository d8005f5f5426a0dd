"""What a load tells: one entry per file, in the shape of `interfaces.md` section 1."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any

from core.issues import Issue
from core.money import to_text


def folded(issues: Iterable[Issue]) -> list[Issue]:
    """The problems with rows that follow one another for one reason told once, with the first row and how many."""
    told = []
    for _, same in groupby(issues, lambda issue: replace(issue, row=None)):
        found = list(same)
        first, last = found[0], found[-1]
        if len(found) > 1 and first.row is not None:
            first = replace(first, message=f"{first.message or ''} ({len(found)} rows, to row {last.row})".strip())
        told.append(first)
    return told


@dataclass(slots=True)
class InvoiceReport:
    """One invoice of a file and whether its charges sum to its total; amounts in micros."""

    invoice_id: str
    number: str | None
    account: str | None
    total: int
    charges_total: int
    currency: str | None

    @property
    def balanced(self) -> bool:
        """Whether the charges sum to the total, exactly."""
        return self.total == self.charges_total

    def to_json(self) -> dict[str, Any]:
        """Money as decimal text."""
        return {
            "number": self.number,
            "account": self.account,
            "total": to_text(self.total),
            "charges_total": to_text(self.charges_total),
            "currency": self.currency,
            "balanced": self.balanced,
        }


@dataclass(slots=True)
class FileReport:
    """What became of one file. `error` is set where it was refused as a whole, `skipped` for an unknown table;
    `layout` names the saved profile or template that read it."""

    file: str
    format: str | None = None
    rows_in: int = 0
    rows_loaded: int = 0
    rows_quarantined: int = 0
    batch_id: int | None = None
    duplicate_of: int | None = None
    warnings: list[str] = field(default_factory=list)
    invoices: list[InvoiceReport] = field(default_factory=list)
    issues: list[Issue] = field(default_factory=list)
    error: str | None = None
    skipped: bool = False
    layout: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The entry of the document; `error` only where the file was refused."""
        entry: dict[str, Any] = {
            "file": self.file,
            "format": self.format,
            "rows_in": self.rows_in,
            "rows_loaded": self.rows_loaded,
            "rows_quarantined": self.rows_quarantined,
            "batch_id": self.batch_id,
            "duplicate_of": self.duplicate_of,
            "warnings": list(self.warnings),
            "invoices": [invoice.to_json() for invoice in self.invoices],
        }
        if self.layout:
            entry["layout"] = self.layout
        if self.error:
            entry["error"] = self.error
        return entry


@dataclass(slots=True)
class LoadReport:
    """The outcome of one `tem load`."""

    files: list[FileReport] = field(default_factory=list)
    dry_run: bool = False

    @property
    def exit_code(self) -> int:
        """0 all loaded, 3 some refused or quarantined, 2 nothing loaded and nothing changed."""
        refused = any(file.error for file in self.files)
        quarantined = any(file.rows_quarantined for file in self.files)
        done = any(not file.error and not file.skipped for file in self.files)
        if not done:
            return 2
        return 3 if refused or quarantined else 0

    @property
    def issues(self) -> list[Issue]:
        """Every problem and every warning, file by file; rows set aside in a row for one reason are told once."""
        found: list[Issue] = []
        for file in self.files:
            found += [Issue(file=file.file, message=text, severity="warning") for text in file.warnings]
            found += folded(file.issues)
        return found

    def as_one(self, file: str) -> FileReport:
        """All entries as that of one file: an archive whose files were read one by one."""
        if len(self.files) == 1:
            return self.files[0]
        loaded = [entry for entry in self.files if not entry.error]
        errors = [entry.error for entry in self.files if entry.error]
        whole = FileReport(file, ", ".join(sorted({entry.format for entry in loaded if entry.format})) or None)
        for entry in self.files:
            whole.rows_in += entry.rows_in
            whole.rows_loaded += entry.rows_loaded
            whole.rows_quarantined += entry.rows_quarantined
            whole.warnings += entry.warnings
            whole.invoices += entry.invoices
            whole.issues += entry.issues
        if all(entry.duplicate_of is not None for entry in loaded):
            whole.duplicate_of = loaded[0].duplicate_of if loaded else None
        whole.error = None if loaded else "; ".join(errors)
        return whole

    def to_json(self) -> dict[str, Any]:
        """The JSON document of `tem load --json`."""
        return {"files": [file.to_json() for file in self.files]}
