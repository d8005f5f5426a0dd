"""`tem watch`: early warnings within the billing cycle, from daily usage events."""

from __future__ import annotations

from typing import Annotated

import typer

from anomaly import repeats, watch_findings
from anomaly.watch import Limits, amount_of, house_limits, thresholds_of
from anomaly.watch import watch as alerts_of
from app.commands.output import document, existing_store, say
from core import findings, periods
from core.issues import BadInput, Issue


def _day(name: str, text: str | None) -> str | None:
    if text is None:
        return None
    try:
        return periods.parse_day(text)
    except ValueError as error:
        raise BadInput(Issue(field=name, found=text, expected=str(error))) from error


def watch(
    as_of: Annotated[
        str | None, typer.Option(help="The day to look from; default: the newest event's.", metavar="DATE")
    ] = None,
    since: Annotated[
        str | None, typer.Option(help="Only what was first true on or after this day.", metavar="DATE")
    ] = None,
    thresholds: Annotated[
        str | None, typer.Option(help="Percentages of the allowance; default: TEM_WATCH_THRESHOLDS.", metavar="PERCENT")
    ] = None,
    step: Annotated[
        int | None,
        typer.Option(help="Step of percentages beyond 100; 0: none; default: TEM_WATCH_STEP.", min=0, max=1000),
    ] = None,
    ahead: Annotated[
        int | None,
        typer.Option(help="Days for which an overrun is predicted; default: TEM_WATCH_AHEAD.", min=0, max=31),
    ] = None,
    roaming_limit: Annotated[
        str | None,
        typer.Option(
            help="Roaming cost of a line in a cycle; 0: no warning; default: TEM_WATCH_ROAMING.", metavar="AMOUNT"
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Early warnings from usage events: predicted overruns, thresholds, roaming cost, bursts of calls, bad records."""
    house = house_limits()
    limits = Limits(
        house.thresholds if thresholds is None else thresholds_of(thresholds, "--thresholds"),
        house.step if step is None else step,
        house.ahead if ahead is None else ahead,
        house.roaming if roaming_limit is None else amount_of(roaming_limit, "--roaming-limit"),
    )
    first, last = _day("--since", since), _day("--as-of", as_of)
    store = existing_store()
    if last is None and limits == house:
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
    for line in repeats.told(found, "early warnings"):
        say(line)
    say(f"{len(listed)} alert{'' if len(listed) == 1 else 's'}")


def register(cli: typer.Typer) -> None:
    """Add the command."""
    cli.command()(watch)
