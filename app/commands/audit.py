"""`tem audit`: every charge against contract, inventory and usage; what it finds is kept in the store."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Annotated

import typer

import audit
from app.commands.output import document, existing_store, say
from audit.disputes import settle
from audit.registry import RULES
from core import findings, periods
from core.findings import Finding
from core.issues import BadInput, Issue
from core.money import to_text
from core.queries import workflow


def register(cli: typer.Typer) -> None:
    """Add the command."""
    cli.command("audit")(run)


def run(
    first: Annotated[str | None, typer.Option("--from", help="First month reported.", metavar="YYYY-MM")] = None,
    last: Annotated[str | None, typer.Option("--to", help="Last month reported.", metavar="YYYY-MM")] = None,
    as_of: Annotated[
        str | None,
        typer.Option("--as-of", help="Today; default: last day of the last month with an invoice.", metavar="DATE"),
    ] = None,
    rules: Annotated[
        Path | None, typer.Option("--rules", help="YAML file that changes thresholds.", metavar="FILE")
    ] = None,
    full: Annotated[bool, typer.Option("--full", help="Print every finding, not the largest only.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON list.")] = False,
) -> None:
    """Check every charge against contract, inventory and usage."""
    _check(first, last, as_of)
    store = existing_store()
    try:
        found = audit.run(store, first=first, last=last, as_of=as_of, rules=rules)
        counts = findings.save(store, found, "audit", first=first, last=last)
        settle(store, as_of or workflow.today(store))
    finally:
        store.close()
    if as_json:
        document([findings.to_json(item) for item in found])
        return
    _table(found, full=full)
    say(f"{counts['new']} new, {counts['known']} known, {counts['gone']} gone")


def _check(first: str | None, last: str | None, as_of: str | None) -> None:
    issues = []
    for name, value, parse in (
        ("--from", first, periods.parse_month),
        ("--to", last, periods.parse_month),
        ("--as-of", as_of, periods.parse_day),
    ):
        try:
            if value is not None:
                parse(value)
        except ValueError as error:
            issues.append(Issue(field=name, found=value, expected=str(error)))
    if not issues and first and last and first > last:
        issues.append(Issue(field="--from", found=first, expected=f"a month not after --to {last}"))
    if issues:
        raise BadInput(issues)


def _table(found: list[Finding], *, full: bool) -> None:
    if not found:
        print("No findings.")
        return
    groups: dict[tuple[str, str], list[Finding]] = defaultdict(list)
    for item in found:
        groups[item.rule, item.currency or ""].append(item)
    print(f"{'rule':5} {'what':38} {'findings':>8} {'counted':>14} {'billed too little':>18}")
    for (rule, currency), items in sorted(groups.items(), key=lambda g: (g[0][0][0], int(g[0][0][1:]), g[0][1])):
        over = sum(i.amount_counted for i in items if i.amount_counted > 0)
        under = sum(-i.amount_at_stake for i in items if i.direction == "under")
        print(
            f"{rule:5} {RULES[rule].title[:38]:38} {len(items):8d} {_cell(over, currency):>14} "
            f"{_cell(under, currency):>18}"
        )
    print()
    ranked = sorted(found, key=lambda i: (-abs(i.amount_at_stake), i.finding_id))
    shown = ranked if full else ranked[:15]
    for item in shown:
        print(
            f"{item.month}  {item.rule:4} {item.severity:8} "
            f"{_cell(item.amount_at_stake, item.currency or ''):>14}  {item.explanation}"
        )
    if len(shown) < len(found):
        print(f"{len(found) - len(shown)} more: --full lists them")


def _cell(amount: int, currency: str) -> str:
    return f"{to_text(amount)} {currency}".rstrip() if amount else "-"
