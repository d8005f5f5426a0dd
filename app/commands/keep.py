"""`tem backup`, `tem restore`, `tem doctor`: keep the store safe and sound."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from app.commands.output import document, existing_store, say
from core import rollups, trail
from core.store import Store


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Check integrity, rollups against facts and the audit chain; exit 0 when sound, 2 when not."""
    store = existing_store()
    checks = {"integrity": store.integrity(), "rollups": rollups.check(store), "audit_trail": trail.verify(store)}
    if as_json:
        document({"sound": not any(checks.values()), "checks": checks, "data_version": store.data_version})
    for name, problems in checks.items():
        for problem in problems:
            say(f"{name}: {problem}")
        if not as_json:
            print(f"{name.replace('_', ' '):12} {'sound' if not problems else f'{len(problems)} problems'}")
    if any(checks.values()):
        raise typer.Exit(2)


def backup(file: Annotated[Path, typer.Argument(help="The file to write; it must not exist.")]) -> None:
    """Copy the embedded store to FILE, also while it is in use."""
    existing_store().backup(file)
    say(f"backed up to {file}")


def restore(file: Annotated[Path, typer.Argument(help="A file that `tem backup` wrote.")]) -> None:
    """Replace the embedded store by a backup."""
    Store.open().restore(file)
    say(f"restored from {file}")


def register(cli: typer.Typer) -> None:
    """Add the commands."""
    cli.command()(doctor)
    cli.command()(backup)
    cli.command()(restore)
