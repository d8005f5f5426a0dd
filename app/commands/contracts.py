"""`tem contracts`: the contract register with notice dates, exit fees and commitments."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from app.commands.output import document, existing_store, say
from app.reports.calendar_file import calendar_text
from core import periods
from core.contract_register import contract_register, problems
from core.issues import BadInput, Issue
from core.queries import workflow
from core.renewals import ALERT_DAYS
from core.store import Store


def day_option(store: Store, text: str | None) -> str:
    """The day of `--as-of`, by default the last day of the last month with an invoice.

    Raises:
        BadInput: if it is no day.
    """
    if text is None:
        return workflow.today(store)
    try:
        return periods.parse_day(text)
    except ValueError as error:
        raise BadInput(Issue(field="--as-of", found=text, expected=str(error))) from error


def alert_option(text: str) -> list[int]:
    """The days of `--alerts`.

    Raises:
        BadInput: if one of them is no whole number of days.
    """
    parts = [part.strip() for part in text.split(",")]
    bad = [part for part in parts if not re.fullmatch("[0-9]{1,4}", part)]
    if bad:
        expected = "whole days up to 9999, such as 180,90,30"
        raise BadInput([Issue(field="--alerts", found=part, expected=expected) for part in bad])
    return [int(part) for part in parts]


def contracts(
    as_of: Annotated[str | None, typer.Option(help="The day to look from, YYYY-MM-DD.", metavar="DATE")] = None,
    alerts: Annotated[
        str, typer.Option(help="Days before the notice date on which to remind, comma separated.", metavar="DAYS")
    ] = ",".join(map(str, ALERT_DAYS)),
    ics: Annotated[Path | None, typer.Option(help="Write the renewal calendar to this file.", metavar="FILE")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Contracts: terms, notice dates, earliest exit, early-termination fees, commitments. Exit 2 on data problems."""
    store = existing_store()
    day, days = day_option(store, as_of), alert_option(alerts)
    register = contract_register(store, day, alert_days=days)
    if as_json:
        document(register)
    else:
        for row in register:
            print(
                f"{row['contract_id']:20} {row['carrier_id'] or '':14} {row['state'] or 'problem':15} "
                f"term to {row['term_end'] or '-':10}  notice by {row['next_notice_by'] or '-':10} "
                f"exit {row['earliest_exit'] or '-':10}  ETF {row['etf']['amount']} {row['etf']['currency'] or ''}"
            )
    found = problems(register)
    for line in found:
        say(line)
    if found:
        raise typer.Exit(2)
    if ics is not None:
        try:
            ics.write_text(calendar_text(register, day), encoding="utf-8", newline="")
        except OSError as error:
            raise BadInput(Issue(file=str(ics), message=f"cannot be written: {error.strerror}")) from error
        say(f"calendar written to {ics}")


def register(cli: typer.Typer) -> None:
    """Add the command."""
    cli.command()(contracts)
