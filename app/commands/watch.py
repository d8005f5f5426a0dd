"""`tem watch`: early warnings within the billing cycle, from daily usage events."""

from __future__ import annotations

import re
from typing import Annotated

import typer

from anomaly.watch import Limits
from anomaly.watch import watch as alerts_of
from app.commands.output import document, existing_store, say
from core import periods
from core.issues import BadInput, Issue
from core.money import parse_micros


def _day(name: str, text: str | None) -> str | None:
    if text is None:
        return None
    try:
        return periods.parse_day(text)
    except ValueError as error:
        raise BadInput(Issue(field=name, found=text, expected=str(error))) from error


def limits_of(thresholds: str, step: int, ahead: int, roaming_limit: str) -> Limits:
    """The limits that the options name.

    Raises:
        BadInput: for percentages or an amount that are none.
    """
    parts = [part.strip().removesuffix("%").strip() for part in thresholds.split(",")]
    bad = [part for part in parts if not re.fullmatch("[1-9][0-9]{0,2}", part)]
    if bad:
        raise BadInput([Issue(field="--thresholds", found=part, expected="percentages such as 80,100") for part in bad])
    try:
        roaming = parse_micros(roaming_limit)
    except ValueError as error:
        raise BadInput(Issue(field="--roaming-limit", found=roaming_limit, expected=str(error))) from error
    return Limits(tuple(sorted({int(part) for part in parts})), step, ahead, roaming)


def watch(
    as_of: Annotated[
        str | None, typer.Option(help="The day to look from; default: the newest event's.", metavar="DATE")
    ] = None,
    since: Annotated[
        str | None, typer.Option(help="Only what was first true on or after this day.", metavar="DATE")
    ] = None,
    thresholds: Annotated[str, typer.Option(help="Percentages of the allowance.", metavar="PERCENT")] = "80,100",
    step: Annotated[int, typer.Option(help="Step of percentages beyond 100; 0: none.", min=0, max=1000)] = 20,
    ahead: Annotated[int, typer.Option(help="Days for which an overrun is predicted.", min=0, max=31)] = 5,
    roaming_limit: Annotated[
        str, typer.Option(help="Roaming cost of a line in a cycle; 0: no warning.", metavar="AMOUNT")
    ] = "50",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Early warnings from usage events: predicted overruns, thresholds, roaming cost, bursts of calls, bad records."""
    limits = limits_of(thresholds, step, ahead, roaming_limit)
    first, last = _day("--since", since), _day("--as-of", as_of)
    found = alerts_of(existing_store(), as_of=last, since=first, limits=limits)
    if as_json:
        document([alert.to_json() for alert in found])
        return
    for alert in found:
        print(f"{alert.on}  {alert.kind:20} {alert.explanation}")
    say(f"{len(found)} alert{'' if len(found) == 1 else 's'}")


def register(cli: typer.Typer) -> None:
    """Add the command."""
    cli.command()(watch)
