"""`tem undo`: the imports of the store, and taking one back."""

from __future__ import annotations

from typing import Annotated

import typer

import loaders
from app.commands.output import document, existing_store, say
from core.issues import BadInput, Issue
from core.queries import loading

_SHOWN = ("batch_id", "file", "format", "loaded_at", "rows_in", "rows_loaded", "rows_quarantined", "state")


def undo(
    batch: Annotated[int | None, typer.Argument(help="Number of the import.", metavar="BATCH")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="List: print one JSON list.")] = False,
) -> None:
    """Take an import back as if it had never been; without a number, list the imports."""
    store = existing_store()
    if batch is None:
        with store.reading() as reader:
            rows = [{name: row[name] for name in _SHOWN} for row in loading.all_rows(reader, "batches")]
        if as_json:
            document(rows)
            return
        for row in rows:
            told = f"{row['rows_loaded']} of {row['rows_in']} rows"
            print(f"{row['batch_id']}: {row['loaded_at']}: {row['file']} ({row['format']}): {told}, {row['state']}")
        say(f"{len(rows)} imports; `tem undo BATCH` takes one back")
        return
    if as_json:
        raise BadInput(Issue(field="--json", message="is for the list of imports", expected="no BATCH"))
    loaders.undo(store, batch)
    print(f"import {batch} was taken back; what it had replaced is there again")
    say("run `tem audit` and `tem flag` to bring the findings up to date")


def register(cli: typer.Typer) -> None:
    """Add the command."""
    cli.command()(undo)
