"""Overview for executives: what was spent, why it changed, what is coming, wasted and saved, what to do next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from app import formats
from app.views import actions, forecast, found, ledger, year
from app.views.bridge import bridge
from app.views.exchange import Exchange, exchange
from app.views.parts import Action, Kpi, Step, Term, change
from app.views.renewals import due, exposure_of, terms_of
from app.views.selection import Filters, choices, settled
from core import periods
from core.money import SCALE
from core.queries import app as queries
from core.queries import spend
from core.renewals import contract_register
from core.store import Store

MONTHS_SHOWN = 13
CARRIERS_SHOWN = 5


@dataclass(frozen=True)
class Overview:
    """All money in micros of `currency`; `budget` and each carrier in `by_carrier` have one for each of `months`."""

    title: str
    sentence: str
    month: str
    compare: str
    currency: str | None
    kpis: tuple[Kpi, ...]
    year: tuple[Kpi, ...]
    months: tuple[str, ...]
    by_carrier: dict[str, list[int]]
    budget: tuple[int | None, ...]
    steps: tuple[Step, ...]
    ladder: tuple[tuple[str, int], ...]
    actions: tuple[Action, ...]
    terms: tuple[Term, ...]
    coming: str
    as_of: str
    note: str


def view(store: Store, filters: Filters) -> Overview:
    """Everything on the landing page for the month, comparison and restriction chosen."""
    there = choices(store)
    chosen = settled(store, filters)
    month, compare = str(chosen.month), str(chosen.compare)
    as_of = periods.month_end(month)
    money = exchange(store, chosen.currency, as_of, convert=chosen.convert)
    months = tuple(m for m in there.months if periods.shift(month, 1 - MONTHS_SHOWN) <= m <= month)
    table = money.frame(spend.spend(store, by=("month", "carrier_id"), last=month, where=chosen.where()))
    totals = table.groupby("month")["amount"].sum() if len(table) else pd.Series(dtype="Int64")
    now, before = int(totals.get(month, 0)), (int(totals[compare]) if compare in totals else None)
    problems = found.findings_of(store, chosen, money)
    wrong, wasted = found.errors(problems), found.waste(problems)
    steps = tuple(_named(bridge(store, month, compare, chosen, money, wrong))) if before is not None else ()
    contracts = [
        c for c in contract_register(store, as_of) if not chosen.carriers or c["carrier_id"] in chosen.carriers
    ]
    exposure = exposure_of(store, contracts, month, money)
    stages = ledger.stages(ledger.totals(store, chosen.carriers), money)
    outlook = forecast.view(store, chosen)
    planned = dict(zip(outlook.months, outlook.budget, strict=False))
    title, sentence = words(now, before, month, compare, steps, money.target)
    return Overview(
        title=title,
        sentence=sentence,
        month=month,
        compare=compare,
        currency=money.target,
        kpis=_kpis(store, months, totals, now, before, compare, wrong, wasted, stages, contracts, exposure, money),
        year=year.kpis(store, chosen, money, table, contracts),
        months=months,
        by_carrier=by_carrier(table, months, there.carriers),
        budget=tuple(planned.get(m) for m in months),
        steps=steps,
        ladder=stages,
        actions=actions.ranked(
            actions.plan_actions(store, money),
            actions.finding_actions(pd.concat([wrong, wasted]), month, as_of, money),
            actions.notice_actions(due(contracts), exposure, money),
        ),
        terms=terms_of(contracts, exposure, money)[:5],
        coming=outlook.coming,
        as_of=as_of,
        note=money.sentence(),
    )


def _named(steps: list[Step]) -> list[Step]:
    return [Step(formats.month_name(s.label), s.amount, s.kind) if s.kind == "total" else s for s in steps]


def by_carrier(table: pd.DataFrame, months: tuple[str, ...], names: dict[str, str]) -> dict[str, list[int]]:
    """The largest carriers by name, the rest as `Other`; one sum for each month."""
    if table.empty:
        return {}
    shown = table[table["month"].isin(months)]
    label = shown["carrier_id"].map(lambda k: names.get(k, k) if isinstance(k, str) else "No carrier")
    order = shown.groupby(label)["amount"].sum().sort_values(ascending=False, kind="stable")
    top = [str(name) for name in order.index[:CARRIERS_SHOWN]]
    if len(order) == CARRIERS_SHOWN + 1:
        top = [str(name) for name in order.index]
    label = label.where(label.isin(top), "Other")
    sums = shown.groupby([label, "month"])["amount"].sum()
    listed = [*top, *(["Other"] if len(order) > len(top) else [])]
    return {name: [int(sums.get((name, month), 0)) for month in months] for name in listed}


def words(
    now: int, before: int | None, month: str, compare: str, steps: tuple[Step, ...], currency: str | None
) -> tuple[str, str]:
    """The finding as a title, and one sentence that says why."""
    spent = f"We spent {formats.short(now, currency)} in {formats.month_name(month)}"
    if before is None:
        return spent, f"There is no bill for {formats.month(compare)} to compare with."
    delta = now - before
    than = f"than in {formats.month_name(compare) if compare[:4] == month[:4] else formats.month(compare)}"
    if not before or abs(delta) * 1000 < before:
        return f"{spent}, as much as in {formats.month_name(compare)}", "No part of the bill moved by much."
    more = "more" if delta > 0 else "less"
    title = f"{spent}, {formats.percent(abs(delta), before)} {more} {than}"
    drivers = sorted((s for s in steps if s.kind == "change" and s.amount * delta > 0), key=lambda s: -abs(s.amount))
    if not drivers:
        return title, ""
    first = drivers[0]
    reason = (
        f"{_cause(first.label)} {'added' if delta > 0 else 'took off'} {formats.short(abs(first.amount), currency)}"
    )
    if len(drivers) > 1:
        reason += f", {_cause(drivers[1].label).lower()} another {formats.short(abs(drivers[1].amount), currency)}"
    against = [s for s in steps if s.kind == "change" and s.amount * delta < 0]
    if against:
        most = max(against, key=lambda s: abs(s.amount))
        sign = "lower" if most.amount < 0 else "higher"
        reason += f"; {_cause(most.label).lower()} {sign} by {formats.short(abs(most.amount), currency)}"
    return title, reason + "."


def _cause(step: str) -> str:
    return {
        "Price": "Prices",
        "Volume": "Lines and use",
        "Errors": "Billing errors",
        "One-offs": "One-off charges and credits",
    }.get(step, step)


def _kpis(
    store: Store,
    months: tuple[str, ...],
    totals: Any,
    now: int,
    before: int | None,
    compare: str,
    wrong: pd.DataFrame,
    wasted: pd.DataFrame,
    stages: tuple[tuple[str, int], ...],
    contracts: list[dict[str, Any]],
    exposure: dict[str, int],
    money: Exchange,
) -> tuple[Kpi, ...]:
    month, currency = months[-1], money.target
    trend = tuple(int(totals.get(m, 0)) / SCALE for m in months)
    told = formats.short(abs(now - before), currency) if before is not None else ""
    delta, tone, way = change(now, before, f"{told} on {formats.month_short(compare)}")
    lines = queries.active_lines(store).set_index("month")["lines"]
    lost = found.by_month(wasted, list(months))
    errors = found.by_month(wrong, list(months))
    in_time, late = (int(part["amount"].sum()) for part in found.unfiled(wrong, periods.month_end(month)))
    realized = dict(stages).get("Realized", 0)
    identified = sum(amount for _, amount in stages)
    soon = due(contracts)
    stake = sum(exposure.get(str(c["contract_id"]), 0) for c in soon)
    return (
        Kpi(
            f"Spend in {formats.month_name(month)}",
            formats.money(now, currency),
            delta,
            tone,
            way,
            trend=trend,
            help="All charges of the month, taxes included; "
            f"{formats.plural(int(lines.get(month, 0)), 'line')} with a recurring charge.",
        ),
        Kpi(
            "Waste found",
            formats.money(lost[-1], currency),
            f"{formats.percent(lost[-1], now)} of spend",
            "attention" if lost[-1] else "neutral",
            help="Avoidable spend of the month: lines without use, lines of people who left, roaming without a pack.",
            trend=tuple(v / SCALE for v in lost),
        ),
        Kpi(
            "Errors to recover",
            formats.money(in_time, currency),
            f"{formats.short(late, currency)} more is too late" if late else "all in time",
            "attention" if in_time else "neutral",
            trend=tuple(v / SCALE for v in errors),
            help="Overcharges of all months that nobody has disputed and that still can be; what is too late is past "
            "the contract's window to dispute. The line shows what each month was overcharged.",
        ),
        Kpi(
            "Saved, realized",
            formats.money(realized, currency),
            f"of {formats.short(identified, currency)} found",
            "good" if realized else "neutral",
            help="What has reached an invoice; the ladder below has the stages before.",
        ),
        Kpi(
            "Notice due in 90 days",
            formats.plural(len(soon), "contract"),
            f"{formats.short(stake, currency)} a year at stake" if soon else "nothing at stake",
            "attention" if soon else "neutral",
            help="Contracts that renew by themselves, or end, unless somebody decides in time.",
        ),
    )
