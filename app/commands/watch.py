"""`tem watch`: early warnings within the billing cycle, from daily usage events."""

from __future__ import annotations

import re
from typing import Annotated

import typer

from anomaly import repeats, watch_findings
from anomaly.watch import Limits
from anomaly.watch import watch as alerts_of
from app.commands.output import document, existing_store, say
from core import findings, periods
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
    store = existing_store()
    if last is None and limits == Limits():
        counts = watch_findings.keep(store)[1]
        say(f"watch: {counts['new']} new, {counts['known']} known, {counts['gone']} gone")
    alerts = alerts_of(store, as_of=last, since=first, limits=limits)
    found = findings.with_states(store, watch_findings.of(store, alerts))
    listed = [(alert, item) for alert, item in zip(alerts, found, strict=True) if not repeats.is_kept_back(item.detail)]
    if as_json:
        document([alert.to_json() | {"finding_id": i.finding_id, "state": i.state} for alert, i in listed])
    for alert, item in listed if not as_json else ():
        decided = "" if item.state == "new" else f" [{item.state}]"
        print(f"{alert.on}  {alert.kind:20} {alert.explanation}{decided}")
    for line in filter(None, [watch_findings.told(found)]):
        say(line)
    say(f"{len(listed)} alert{'' if len(listed) == 1 else 's'}")


def register(cli: typer.Typer) -> None:
    """Add the command."""
    cli.command()(watch)
