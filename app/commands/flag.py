"""`tem flag`: policy hits and ranked anomalies, saved as findings."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import anomaly
from anomaly.detectors import DEFAULT
from anomaly.policy import load_rules
from app.commands.output import document, existing_store, say
from core import findings
from core.money import to_rounded_text


def flag(
    first: Annotated[str | None, typer.Option("--from", metavar="YYYY-MM", help="First month reported.")] = None,
    last: Annotated[str | None, typer.Option("--to", metavar="YYYY-MM", help="Last month reported.")] = None,
    queue: Annotated[
        str, typer.Option("--queue", help="policy, anomaly, all (both), or spend: accounts, carriers, cost centers.")
    ] = "all",
    budget: Annotated[
        float | None,
        typer.Option("--budget", help="Share of line-months the anomaly queue lists (0.005, or by confirmations)."),
    ] = None,
    include_exempt: Annotated[
        bool, typer.Option("--include-exempt", help="List hits under a recorded exemption too.")
    ] = False,
    rules: Annotated[Path | None, typer.Option("--rules", help="A policy rule file of your own (YAML).")] = None,
    detector: Annotated[
        str, typer.Option("--detector", help="Another detector to compare with; its result is not saved.")
    ] = DEFAULT,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Find policy violations and anomalies of use and spend; every hit and the most surprising line-months."""
    store = existing_store()
    chosen = None if rules is None else load_rules(rules)
    run = anomaly.flag_run(
        store,
        first=first,
        last=last,
        queue=queue,
        budget=budget,
        include_exempt=include_exempt,
        rules=chosen,
        detector=detector,
    )
    if detector == DEFAULT:
        for name, counts in anomaly.save(store, run, queue, first=first, last=last).items():
            say(f"{name}: {counts['new']} new, {counts['known']} known, {counts['gone']} gone")
    for line in anomaly.told(run):
        say(line)
    found = findings.with_states(store, run.findings)
    if as_json:
        document([findings.to_json(item) for item in found])
        return
    for item in found:
        amount = f"{to_rounded_text(item.amount_at_stake)} {item.currency or ''}".strip()
        print(
            f"{item.score or 0:6.2f}  {item.month}  {item.subject_id:16}  {item.rule:18}  {amount:>14}  {item.severity}"
            + ("" if item.state == "new" else f"  {item.state}")
        )
        print(f"        {item.explanation}")


def register(cli: typer.Typer) -> None:
    """Add the command."""
    cli.command()(flag)
