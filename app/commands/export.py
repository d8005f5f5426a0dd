"""`tem export`: files for other programs: FOCUS, GL journal, chargeback, savings, canonical tables, calendar."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from app.commands.allocate import month_option
from app.commands.contracts import day_option
from app.commands.output import existing_store, say
from app.commands.report import chosen, write
from app.reports import focus
from app.reports.calendar_file import calendar_text
from app.reports.focus import csv_text
from audit import savings
from audit.allocation import COLUMNS, allocate
from audit.allocation_rules import Rules, read_rules
from core.contract_register import contract_register
from core.issues import BadInput, Issue
from core.queries import spend
from core.store import Store

#: What each kind is written as; canonical is a folder.
KINDS: dict[str, tuple[str, ...]] = {
    "focus": (".csv",),
    "gl": (".csv",),
    "chargeback": (".csv",),
    "savings": (".csv",),
    "ics": (".ics",),
    "canonical": (),
}
SAVINGS = ("saving_id", "stage", "kind", "title", "carrier_id", "amount", "currency", "source", "finding_ids")


def _allocation(store: Store, rules: Path | None, month: str | None) -> dict[str, Any]:
    """The allocation behind a journal or a chargeback: by the rules given, else by each line's own cost center.

    Raises:
        BadInput: if the month is missing or the rules are wrong.
    """
    if month is None:
        months = spend.months(store)
        if not months:
            raise BadInput(Issue(message="there is no bill to allocate", hint="load bills first"))
        month = months[-1]
    month_option(month)
    if rules is None:
        from app.views.allocation import RULES

        return allocate(store, RULES, month)
    read: Rules = read_rules(rules, store)
    return allocate(store, read, month)


def export(
    kind: Annotated[str, typer.Argument(help=", ".join(KINDS), metavar="KIND")],
    out: Annotated[Path, typer.Option(help="The file (canonical: the folder) to write.", metavar="FILE")],
    month: Annotated[str | None, typer.Option(help="One month only.", metavar="YYYY-MM")] = None,
    rules: Annotated[Path | None, typer.Option(help="Allocation rules of gl and chargeback.", metavar="FILE")] = None,
    as_of: Annotated[str | None, typer.Option(help="The day to look from, YYYY-MM-DD.", metavar="DATE")] = None,
) -> None:
    """Export focus, gl, chargeback, savings (CSV), ics, or canonical (a folder of tables that loads again)."""
    chosen(kind, out, KINDS)
    store = existing_store()
    if month is not None:
        month_option(month)
    if kind == "canonical":
        from loaders import export_canonical

        export_canonical(store, out)
        say(f"written to {out}")
        return
    makers: dict[str, Callable[[], str]] = {
        "focus": lambda: csv_text(focus.rows(store, month), focus.COLUMNS),
        "gl": lambda: csv_text(_allocation(store, rules, month)["journal"], COLUMNS["journal"]),
        "chargeback": lambda: csv_text(_allocation(store, rules, month)["by_cost_center"], COLUMNS["by_cost_center"]),
        "savings": lambda: csv_text(
            [
                row | {"finding_ids": " ".join(row["finding_ids"])}
                for row in savings.savings(store, day_option(store, as_of))["lines"]
            ],
            SAVINGS,
        ),
        "ics": lambda: calendar_text(contract_register(store, day_option(store, as_of)), day_option(store, as_of)),
    }
    write(out, makers[kind]().encode())
    say(f"written to {out}")


def register(cli: typer.Typer) -> None:
    """Add the command."""
    cli.command()(export)
