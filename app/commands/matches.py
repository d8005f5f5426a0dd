"""`tem matches`: links that are only likely, for a person to confirm."""

from __future__ import annotations

from typing import Annotated

import typer

from app.commands.output import document, existing_store, say
from loaders import decide, proposals


def matches(
    accept: Annotated[list[str] | None, typer.Option(help="Link what this match names.", metavar="ID")] = None,
    refuse: Annotated[list[str] | None, typer.Option(help="Never propose this match again.", metavar="ID")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Show similar numbers, circuit ids and people for records that nothing names exactly; accept or refuse them."""
    store = existing_store()
    if accept or refuse:
        done = decide(store, accept or (), refuse or ())
        say(f"{len(done)} matches decided")
    found = proposals(store)
    if as_json:
        document([item.to_json() for item in found])
        return
    for item in found:
        print(
            f"{item.proposal_id}  {item.score:.2f}  {item.table} {item.record}: {item.text} -> "
            f"{item.column.removesuffix('_id')} {item.target} ({item.target_name}): {item.reason}"
        )
    say(f"{len(found)} matches to decide")


def register(cli: typer.Typer) -> None:
    """Add the command."""
    cli.command()(matches)
