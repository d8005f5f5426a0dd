"""`tem optimize`, `tem bill`, `tem backtest`: what plans cost and which ones to have."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from app.commands.output import document, existing_store, say
from core.issues import BadInput, Issue
from core.periods import parse_month

_JSON = typer.Option("--json", help="Print one JSON document.")


def _month(option: str, text: str | None) -> str | None:
    if text is None:
        return None
    try:
        return parse_month(text)
    except ValueError as error:
        raise BadInput(Issue(field=option, found=text, expected=str(error))) from error


def _write(out: Path, value: Any) -> None:
    try:
        out.write_text(json.dumps(value, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise BadInput(Issue(file=str(out), message=f"cannot be written: {error.strerror}")) from error


def optimize(
    scenario: Annotated[Path, typer.Argument(help="The scenario file (YAML).")],
    out: Annotated[Path | None, typer.Option("--out", help="Write the result file here.")] = None,
    time_limit: Annotated[float | None, typer.Option("--time-limit", min=0.1, help="Seconds to search.")] = None,
    method: Annotated[str | None, typer.Option("--method", help="Solve by this method, not the scenario's.")] = None,
    polish: Annotated[str | None, typer.Option("--polish", help="What is done among plans of the same cost.")] = None,
    warm: Annotated[Path | None, typer.Option("--warm", help="Start from this result of a parent scenario.")] = None,
    model: Annotated[Path | None, typer.Option("--model", help="Write the integer model here (.lp or .mps).")] = None,
    as_json: Annotated[bool, _JSON] = False,
) -> None:
    """Find the cheapest plans under a scenario, with a proven bound; exit 4 when it cannot be met."""
    from optimize import read_scenario, read_warm, run_scenario
    from optimize.progress import Progress

    checked = read_scenario(scenario, method=method, polish=polish)
    parent = None if warm is None else read_warm(warm)
    if out is not None and not out.absolute().parent.is_dir():
        raise BadInput(Issue(file=str(out), message="its folder does not exist"))
    last = [""]

    def progress(step: Progress) -> None:
        gap = "" if step.gap is None else f", gap {step.gap:.2e}"
        best = "" if step.incumbent is None else f": {step.incumbent:,.2f} a month{gap}"
        if (line := f"{step.note}{best}") != last[0]:
            say(line)
            last[0] = line

    if model is not None:
        from optimize.export import export_model

        variables, rows = export_model(existing_store(), checked, model)
        say(f"{model}: {variables:,} variables, {rows:,} rows")
    result = run_scenario(existing_store(), checked, time_limit=time_limit, progress=progress, warm=parent)
    found = result.to_json()
    if out is not None:
        _write(out, found)
    if as_json:
        document(found)
    else:
        _print(found)
    if found["infeasible"]:
        say(f"infeasible: {found['infeasible']['explanation']}")
    if result.exit_code:
        raise typer.Exit(result.exit_code)


def _print(found: dict[str, Any]) -> None:
    proof, currency = found["certificate"], found["currency"]
    print(f"status      {found['status']}")
    print(f"today       {found['baseline_cost']:>16,.2f} {currency} a month ({found['services']} services)")
    if proof["cost"] is None:
        return
    print(f"recommended {proof['cost']:>16,.2f} {currency} a month")
    print(f"saving      {found['saving']:>16,.2f} {currency} a month")
    if proof["objective"] != proof["cost"]:
        print(f"objective   {proof['objective']:>16,.2f} (what was minimized, see docs/optimizer.md)")
    print(f"bound       {proof['bound']:>16,.2f}, gap {proof['rel_gap']:.2e}")
    if found["pools"]:
        over = found["overage_probability"]
        then, now = (f"{100 * over[name]:.1f} %" for name in ("estate", "baseline_estate"))
        print(f"overage     some pool is above its allowance in {then} of the months (today {now})")
    warm = ", from a parent's result" if proof["warm_start"] else ""
    print(f"method      {proof['method']} ({proof['solver']}{warm})")
    changes = [row for row in found["recommendations"] if row["action"] != "keep"]
    print(f"changes     {len(changes):>13}")
    for row in sorted(changes, key=lambda r: (-r["monthly_saving"], r["service_id"]))[:10]:
        to = row["plan_id"] or "suspend"
        print(f"  {row['service_id']}: {row['current_plan_id']} -> {to}, {row['monthly_saving']:,.2f} a month")
    if ordered := [row for row in found["buckets"] if row["change"]]:
        print(f"buckets     {len(ordered):>13} to order or cancel")
    for row in ordered[:10]:
        where = f"{row['carrier_id']} {row['pool_group']}, {row['account_id']}"
        print(f"  {where}: {row['bucket_id']} x {row['count']} (today {row['today']}), {row['mrc']:,.2f} a month each")


def bill(
    first: Annotated[str | None, typer.Option("--from", help="First month, YYYY-MM.")] = None,
    last: Annotated[str | None, typer.Option("--to", help="Last month, YYYY-MM.")] = None,
    as_json: Annotated[bool, _JSON] = False,
) -> None:
    """Price each month's usage under every service's current plan."""
    from optimize import bill as price

    found = price(existing_store(), _month("--from", first), _month("--to", last)).to_json()
    if as_json:
        document(found)
        return
    for part in found["by_currency"] or [found]:
        for month, amount in part["by_month"].items():
            print(f"{month}  {amount:>16,.2f} {part['currency']}")
        print(f"total    {part['total']:>16,.2f} {part['currency']}")


def backtest(
    scenario: Annotated[Path, typer.Argument(help="The scenario file (YAML).")],
    recommend: Annotated[
        Path | None, typer.Option("--recommend", help="Write a result file with the winner's plans here.")
    ] = None,
    policy: Annotated[str | None, typer.Option("--policy", help="Recommend this policy, not the winner.")] = None,
    as_json: Annotated[bool, _JSON] = False,
) -> None:
    """Replay the past: decide on earlier months, pay on later ones, and say which policy wins."""
    from optimize import backtest as replay
    from optimize import recommend_policy
    from optimize.rules import RULES

    if policy is not None and policy not in RULES:
        raise BadInput(Issue(field="--policy", found=policy, expected=", ".join(RULES)))
    if recommend is not None and not recommend.absolute().parent.is_dir():
        raise BadInput(Issue(file=str(recommend), message="its folder does not exist"))
    found = replay(existing_store(), scenario, progress=say)
    if recommend is not None:
        chosen = recommend_policy(existing_store(), scenario, [policy] if policy else found["ranking"])
        found["recommended"] = {
            **{"policy": chosen["policy"], "cost": chosen["certificate"]["cost"], "saving": chosen["saving"]},
            **{"bound": chosen["certificate"]["bound"], "file": str(recommend)},
        }
        _write(recommend, chosen)
    if as_json:
        document(found)
        return
    print(f"{'policy':24}{'paid a month':>16}{'regret':>12}{'std. error':>12}{'months over':>14}")
    for row in found["policies"]:
        regret, error = ("" if row[k] is None else f"{row[k] * 100:.2f} %" for k in ("regret", "standard_error"))
        over = f"{row['overage_probability']['worst_pool'] * 100:.1f} %"
        print(f"{row['policy']:24}{row['paid']:>16,.2f}{regret:>12}{error:>12}{over:>14}")
    print(found["conclusion"])
    for note in found["notes"]:
        print(note)
    if told := found.get("recommended"):
        print(f"{told['policy']}: {told['cost']:,.2f} a month, saves {told['saving']:,.2f}; written to {told['file']}")


def register(cli: typer.Typer) -> None:
    """Add the commands."""
    cli.command()(optimize)
    cli.command()(bill)
    cli.command()(backtest)
