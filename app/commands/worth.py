"""`tem worth`: what policies, prices, commitments, carriers and offers are worth, each by solving again."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any

import typer

from app.commands.output import document, existing_store, say
from app.commands.report import write
from core.issues import BadInput, Issue
from core.money import parse_micros
from core.store import Store


def worth(
    scenario: Annotated[Path, typer.Argument(help="The scenario file (YAML).")],
    study: Annotated[list[str] | None, typer.Option("--study", help="Only this study; may be repeated.")] = None,
    plan: Annotated[list[str] | None, typer.Option("--plan", help="Plan of the break-even study.")] = None,
    price: Annotated[list[str] | None, typer.Option("--price", help="Price of the demand curve.")] = None,
    contract: Annotated[list[str] | None, typer.Option("--contract", help="Contract of the sweep.")] = None,
    step: Annotated[
        list[str] | None, typer.Option("--step", help="An offered AMOUNT@RATE: commitment a month, discount.")
    ] = None,
    time_limit: Annotated[float, typer.Option("--time-limit", min=0.1, help="Seconds for each solve.")] = 10.0,
    out: Annotated[
        Path | None, typer.Option("--out", help="Write it here: JSON, or with bids a workbook (.xlsx).")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Say what each rule, price, commitment, carrier and offer is worth; exit 4 when the scenario cannot be met."""
    from optimize.worth import worth as study_all

    if out is not None and not out.absolute().parent.is_dir():
        raise BadInput(Issue(file=str(out), message="its folder does not exist"))
    prices = [_amount("--price", text) for text in price or ()]
    store = existing_store()
    found = study_all(
        store,
        scenario,
        studies=study,
        time_limit=time_limit,
        progress=say,
        plans=plan,
        prices=prices or None,
        contracts=contract,
        steps=[_step(text) for text in step or ()],
    )
    if out is not None:
        write(out, _content(store, found, out))
    if as_json:
        document(found)
    else:
        _print(found)
    if found["infeasible"]:
        say(f"infeasible: {found['infeasible']['explanation']}")
        raise typer.Exit(4)


def _content(store: Store, found: dict[str, Any], out: Path) -> bytes:
    """The document as JSON, or the comparison of bids in it as a workbook."""
    if out.suffix.lower() != ".xlsx":
        return (json.dumps(found, ensure_ascii=False, indent=2) + "\n").encode()
    from app.reports import bid_comparison
    from app.views import bids

    data = bids.of_document(store, found)
    if data is None:
        raise BadInput(Issue(field="--out", found=str(out), message="only compared bids can be written as a workbook"))
    return bid_comparison.workbook(data)


def _amount(option: str, text: str) -> Fraction:
    try:
        micros = parse_micros(text.strip())
    except ValueError as error:
        raise BadInput(Issue(field=option, found=text, expected=str(error))) from error
    if micros < 0:
        raise BadInput(Issue(field=option, found=text, expected="0 or more"))
    return Fraction(micros, 10**6)


def _step(text: str) -> tuple[Fraction, Fraction]:
    amount, mark, rate = text.partition("@")
    if not mark:
        raise BadInput(Issue(field="--step", found=text, expected="AMOUNT@RATE, such as 50000@0.12"))
    share = _amount("--step", rate)
    if share > 1:
        raise BadInput(Issue(field="--step", found=text, expected="a rate from 0 to 1"))
    return _amount("--step", amount), share


def _print(found: dict[str, Any]) -> None:
    base, currency = found["base"], found["currency"]
    span = f"{found['months']['from']} to {found['months']['to']}"
    print(f"today {found['baseline_cost']:,.2f} {currency} a month ({found['services']} services, use of {span})")
    if base["cost"] is not None:
        print(f"recommended {base['cost']:,.2f}, bound {base['bound']:,.2f} ({base['status']})")
    print("value [proven range], a month unless said otherwise")
    for name, part in found["studies"].items():
        lines = _LINES[name](part)
        if lines:
            print(f"\n{name}")
            for line in lines:
                print(f"  {line}")


def _range(row: dict[str, Any], key: str) -> str:
    if row[key] is None:
        return f"{'':>14}"
    return f"{row[key]:>14,.2f} [{row['low']:,.2f} to {row['high']:,.2f}]"


def _policies(part: dict[str, Any]) -> list[str]:
    lines = []
    for row in part["policies"]:
        told = _range(row, "price")
        if row["price"] is None:
            told = "cannot be met either" if row["cost"] is None else f"can be met, at {row['cost']:,.2f}"
        lines.append(f"{row['name']}: {told.strip()}")
    return lines


def _offers(part: dict[str, Any]) -> list[str]:
    lines = [
        f"{row['offer_id']}: promised {row['promised']:,.2f}, really {_range(row, 'real').strip()}, "
        f"{row['lines']} lines, one-off {row['one_off']:,.2f}, new shortfall {row['new_shortfall']:,.2f}"
        for row in part["offers"]
    ]
    if part["award"] and len(part["award"]["shares"]) > 1:
        lines.append(f"all together: {_range(part['award'], 'real').strip()}")
        lines += [
            f"  {row['offer_id']}: {row['lines']} lines, adds {_range(row, 'adds').strip()}"
            for row in part["award"]["shares"]
        ]
    return lines


def _bids(part: dict[str, Any]) -> list[str]:
    told = part["bids"]
    if told is None or told["award"] is None:
        return []
    lines = [f"over {told['term_months']} months, present value at {told['discount_rate']:.1%} a year"]
    for row in told["rows"]:
        if row["total"] is None:
            lines.append(f"{row['key']}: {row['explanation']}")
            continue
        chance = "" if not row.get("commitment") else f", commitment missed with {row['commitment']['probability']:.0%}"
        name = "best split" if row["key"] == "award" else row["key"]
        lines.append(
            f"{name}: {row['total']:,.2f} (open gap {row['gap']:,.2f}), present value {row['npv']:,.2f}, "
            f"{row['moved']} lines change carrier, {row['lines']} on the bid{chance}"
        )
    award = told["award"]
    lines.append(f"award: {' and '.join(award['offers']) or 'no bid'}, {award['total']:,.2f}")
    lines.append(f"  best single bid {award['single']}, {award['single_total']:,.2f}")
    for name, words in (("one_carrier", "one carrier only"), ("two_carriers", "at least two carriers")):
        rule = award[name]
        lines.append(f"  {words}: {_range(rule, 'price').strip() or rule.get('explanation') or 'not found'}")
    if told["cheapest_sheet"] != told["ranking"][0]:
        lines.append(f"the cheapest price sheet is that of {told['cheapest_sheet']}")
    for case in told["sensitivity"][1:]:
        where = f"{case['offer_id']}: {case['case']}" if case["offer_id"] else case["case"]
        lines.append(f"{where}: {' before '.join(case['ranking'])}")
    if told["scorecard"]:
        lines += [f"scorecard: {row['offer_id']} {row['result']:.2f}" for row in told["scorecard"]["rows"]]
    return lines


def _break_even(part: dict[str, Any]) -> list[str]:
    lines = []
    for row in part["plans"]:
        even = "no line moves at any price" if row["break_even"] is None else f"first line at {row['break_even']:,.2f}"
        lines.append(f"{row['plan_id']}: list {row['list_price']:,.2f}, {even}{' (proven)' if row['proven'] else ''}")
        lines += [
            f"  at {point['price']:>10,.2f}: {point['lines']:>6} lines, saves {_range(point, 'saving').strip()}"
            for point in row["demand"]
        ]
    return lines


def _commitments(part: dict[str, Any]) -> list[str]:
    lines = []
    for row in part["commitments"]:
        lines.append(
            f"{row['contract_id']}: now {row['current']:,.2f}, free up to {row['free_up_to']:,.2f} ({row['basis']})"
        )
        lines += [
            f"  {level['commitment']:>12,.2f}: costs {_range(level, 'extra').strip()}, "
            f"missed with probability {level['probability']:.0%}"
            for level in row["levels"]
        ]
        lines += [
            f"  offered {level['commitment']:,.2f} at {level['rate']:.1%} off: estate {level['cost']:,.2f}"
            for level in row["offered"]
        ]
        if row["cheapest"]:
            lines.append(f"  cheapest offered: {row['cheapest']['commitment']:,.2f} at {row['cheapest']['rate']:.1%}")
    return lines


def _ladder(part: dict[str, Any]) -> list[str]:
    return [
        f"{row['carriers']} carriers: "
        + (
            f"{row['explanation']} {'; or '.join(row['ways_out'])}".strip()
            if row["cost"] is None
            else f"{row['cost']:,.2f}, {_range(row, 'extra').strip()} above no limit, {row['moved']} lines move, "
            f"one-off {row['one_off']:,.2f} ({', '.join(row['carrier_ids'])})"
        )
        for row in part["ladder"]
    ]


def _contracts(part: dict[str, Any]) -> list[str]:
    return [
        f"{row['contract_id']}: spend {row['spend']:,.2f}, one more unit costs {row['marginal_price']:.4f}, "
        f"{row['above_commitment']:+,.2f} to the commitment"
        + ("" if row["to_next_tier"] is None else f", {row['to_next_tier']:,.2f} to the next tier")
        for row in part["contracts"]
    ]


def _pools(part: dict[str, Any]) -> list[str]:
    return [
        f"{row['pool_group']} of {row['carrier_id']}, {row['account_id']}: {row['dual_per_gb']:,.4f} a GB by duals, "
        f"solved again {0 if row['resolved_per_gb'] is None else row['resolved_per_gb']:,.4f}, "
        f"{row['as_plans_stand']:,.2f} as plans stand"
        for row in part["pools"]
    ]


def _frontier(part: dict[str, Any]) -> list[str]:
    return [
        f"{row['allowed']:>6} changes: saves {row['saving']:,.2f}, at most {row['still_possible']:,.2f} more possible"
        for row in part["frontier"]
    ]


def _delay(part: dict[str, Any]) -> list[str]:
    if part["delay"] is None:
        return []
    told = part["delay"]
    lines = [f"best: in {told['best']} months, over {told['window_months']} months"]
    return lines + [
        f"  in {row['delay']} months: {_range(row, 'cost_of_delay').strip()} more ({row['lost']:,.2f} of saving lost), "
        f"one-off {row['one_off']:,.2f}"
        + "".join(f"; {bound['contract_id']} renews to {bound['until']}" for bound in row["renews"])
        for row in told["months"]
    ]


def _futures(part: dict[str, Any]) -> list[str]:
    if part["futures"] is None:
        return []
    return [f"choose: {part['futures']['choose']}"] + [
        f"  {row['choice']}: largest regret {row['max_regret']:,.2f}" for row in part["futures"]["choices"]
    ]


_LINES: dict[str, Any] = {
    "policies": _policies,
    "offers": _offers,
    "bids": _bids,
    "break_even": _break_even,
    "commitments": _commitments,
    "carriers": _ladder,
    "contracts": _contracts,
    "pools": _pools,
    "frontier": _frontier,
    "delay": _delay,
    "futures": _futures,
}


def register(cli: typer.Typer) -> None:
    """Add the command."""
    cli.command()(worth)
