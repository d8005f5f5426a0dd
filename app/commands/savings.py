"""`tem savings`: the ledger of what was found, agreed, done and proven."""

from __future__ import annotations

from typing import Annotated

import typer

from app.commands.contracts import day_option
from app.commands.output import document, existing_store, say
from audit import savings as book
from core.issues import BadInput, Issue


def savings(
    as_of: Annotated[str | None, typer.Option(help="The day to look from, YYYY-MM-DD.", metavar="DATE")] = None,
    freeze: Annotated[bool, typer.Option("--freeze", help="Keep the baseline's figures from now on.")] = False,
    record: Annotated[
        str | None, typer.Option(help="Enter an optimization result as approved.", metavar="RESULT_ID")
    ] = None,
    set_: Annotated[
        tuple[str, str] | None, typer.Option("--set", help="Move a recorded saving to a stage.", metavar="ID STAGE")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Savings by stage against a frozen baseline, and the bridge from it to the newest months."""
    store = existing_store()
    day = day_option(store, as_of)
    if sum((freeze, record is not None, set_ is not None)) > 1:
        raise BadInput(Issue(message="use one of --freeze, --record and --set"))
    if freeze:
        say(f"baseline frozen: {book.freeze(store)}")
    if record is not None:
        say(f"recorded {book.record_result(store, record)}")
    if set_ is not None:
        book.set_stage(store, *set_)
    found = book.savings(store, day)
    if as_json:
        document(found)
        return
    print(f"baseline {found['baseline']['from']} to {found['baseline']['to']}, {found['baseline']['sha256']}")
    for stage, sums in found["totals"].items():
        print(f"{stage:12} " + "  ".join(f"{amount:>14} {code}" for code, amount in sums.items()))
    for step in found["bridge"]:
        names = ("start", "price", "volume", "mix", "errors", "other", "end")
        print(f"{step['currency']} " + "  ".join(f"{name} {step[name]}" for name in names))


def register(cli: typer.Typer) -> None:
    """Add the command."""
    cli.command()(savings)
