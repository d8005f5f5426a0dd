"""`tem load` and `tem quarantine`: files into the store, and what was set aside."""

from __future__ import annotations

import gc
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

import loaders
from app.commands.output import document, existing_store, say
from core.queries import loading
from core.store import Store
from loaders.report import LoadReport

_SHOWN = 100
_BAR = 30


def load(
    paths: Annotated[list[Path], typer.Argument(help="Files or folders.", metavar="PATH...")],
    format_name: Annotated[str | None, typer.Option("--format", help="Name the format.", metavar="NAME")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check everything, keep nothing.")] = False,
    supersede: Annotated[bool, typer.Option("--supersede", help="Let a re-issued invoice replace the older.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Load carrier files and canonical tables; a file that was loaded before changes nothing."""
    gc.freeze()  # what is imported by now stays: no collection while rows are read has to look at it
    report = loaders.load_paths(
        Store.open(),
        paths,
        format=format_name,
        dry_run=dry_run,
        supersede=supersede,
        progress=_progress if sys.stderr.isatty() else None,
    )
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr)
    issues = report.issues
    for issue in issues[:_SHOWN]:
        say(str(issue))
    if len(issues) > _SHOWN:
        say(f"and {len(issues) - _SHOWN} more; see `tem quarantine` and --json")
    if as_json:
        document(report.to_json())
    else:
        _table(report)
    if report.exit_code:
        raise typer.Exit(report.exit_code)


def _progress(fraction: float, note: str) -> None:
    filled = round(fraction * _BAR)
    bar = "#" * filled + "." * (_BAR - filled)
    print(f"\r\033[K[{bar}] {fraction:4.0%} {note[:60]}", end="", file=sys.stderr, flush=True)


def _table(report: LoadReport) -> None:
    for file in report.files:
        if file.error:
            state = "refused"
        elif file.skipped:
            state = "skipped"
        elif file.duplicate_of is not None:
            state = f"already loaded (batch {file.duplicate_of})"
        else:
            state = f"{file.rows_loaded} of {file.rows_in} rows"
            if file.rows_quarantined:
                state += f", {file.rows_quarantined} quarantined"
            if file.invoices:
                balanced = sum(invoice.balanced for invoice in file.invoices)
                state += f", {balanced} of {len(file.invoices)} invoices balanced"
        print(f"{file.file}: {file.format or 'unknown'}: {state}")
    if report.dry_run:
        print("dry run: nothing was kept")


def quarantine(as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False) -> None:
    """Show what was set aside while loading, and why."""
    rows = loading.quarantined(existing_store())
    keys = ("file", "row", "raw", "field", "found", "expected", "reason", "batch_id")
    if as_json:
        document([{key: row[key] for key in keys} | {"table": row["table_name"]} for row in rows])
        return
    for row in rows:
        print(_line(row))
    say(f"{len(rows)} rows in quarantine")


def _line(row: dict[str, Any]) -> str:
    parts = [f"{row['file']}, row {row['row']}"]
    if row["field"]:
        parts.append(f"field {row['field']}")
    said = [row["reason"]]
    if row["found"] is not None:
        said.append(f'found "{row["found"]}"')
    if row["expected"]:
        said.append(f"expected {row['expected']}")
    return f"{', '.join(parts)}: {'; '.join(said)}: {str(row['raw'] or '')[:120]!r}"


def register(cli: typer.Typer) -> None:
    """Add the commands."""
    cli.command()(load)
    cli.command()(quarantine)
