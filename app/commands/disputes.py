"""`tem disputes`: what is claimed back, until when, and which credits have come."""

from __future__ import annotations

from typing import Annotated

import typer

from app.commands.contracts import day_option
from app.commands.output import document, existing_store, say
from audit import disputes as ledger
from core.issues import BadInput, Issue


def disputes(
    ids: Annotated[list[str] | None, typer.Argument(help="More finding ids for --file.", metavar="ID...")] = None,
    as_of: Annotated[str | None, typer.Option(help="The day to look from, YYYY-MM-DD.", metavar="DATE")] = None,
    only_open: Annotated[bool, typer.Option("--open", help="Leave out what is credited or declined.")] = False,
    file: Annotated[
        list[str] | None, typer.Option(help="File these findings, one dispute per invoice.", metavar="FINDING_ID...")
    ] = None,
    set_: Annotated[
        tuple[str, str] | None, typer.Option("--set", help="Move dispute ID to STATE.", metavar="ID STATE")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Disputes with their windows, states and matched credits; --file and --set change them."""
    store = existing_store()
    day = day_option(store, as_of)
    if sum((only_open, file is not None, set_ is not None)) > 1:
        raise BadInput(Issue(message="use one of --open, --file and --set"))
    if ids and file is None:
        raise BadInput(Issue(found=" ".join(ids), message="finding ids are given after --file"))
    touched: set[str] | None = None
    if file is not None:
        touched = {item.dispute_id for item in ledger.file(store, [*file, *(ids or [])], day)}
        say(f"filed {len(touched)}")
    elif set_ is not None:
        touched = {ledger.set_state(store, set_[0], set_[1], day).dispute_id}
    shown = [
        row
        for row in ledger.documents(store, day, only_open=only_open)
        if touched is None or row["dispute_id"] in touched
    ]
    if as_json:
        document(shown)
        return
    for row in shown:
        print(
            f"{row['dispute_id']:15} {row['state']:10} {row['carrier_id'] or '':14} {row['invoice_id'] or '':24} "
            f"{row['disputed']:>12} {row['currency'] or '':3} credited {row['credited']:>12}  "
            f"file by {row['file_by'] or '-':10}{'' if row['may_file'] else ' (too late)'}"
        )


def register(cli: typer.Typer) -> None:
    """Add the command."""
    cli.command()(disputes)
