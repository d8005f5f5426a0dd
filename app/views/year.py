"""The bill in longer terms: twelve months, the year before, the budget so far, cost per line, spend under contract."""

from __future__ import annotations

from typing import Any

import pandas as pd

from app import formats
from app.views import forecast, found, inventory
from app.views.exchange import Exchange
from app.views.parts import Kpi
from app.views.selection import Filters
from core import periods
from core.queries import app as queries
from core.store import Store


def kpis(
    store: Store, chosen: Filters, money: Exchange, spent: pd.DataFrame, contracts: list[dict[str, Any]]
) -> tuple[Kpi, ...]:
    """Five figures for the month. `spent`: month, carrier_id, amount (micros); `contracts`: the register of the day."""
    month, currency = str(chosen.month), money.target
    totals = {str(key): int(value) for key, value in spent.groupby("month")["amount"].sum().items()}
    return (
        _twelve(totals, month, currency),
        _year_before(spent, totals, month, currency),
        _budget(store, chosen, money, totals, month),
        _per_line(store, chosen, totals.get(month, 0), month, currency),
        _contracted(*contracted(store, chosen, money, contracts, month), money),
    )


def _twelve(totals: dict[str, int], month: str, currency: str | None) -> Kpi:
    window = [m for m in periods.months_between(periods.shift(month, -11), month) if m >= min(totals, default=month)]
    january = f"{month[:4]}-01"
    since = sum(totals.get(m, 0) for m in periods.months_between(january, month))
    return Kpi(
        f"Last {formats.plural(len(window), 'month')}",
        formats.short(sum(totals.get(m, 0) for m in window), currency),
        f"{formats.short(since, currency)} since January" if min(totals, default=month) <= january else None,
        help="All charges of the months, taxes included.",
    )


def _year_before(spent: pd.DataFrame, totals: dict[str, int], month: str, currency: str | None) -> Kpi:
    then = periods.shift(month, -12)
    label = f"Against {formats.month_short(then)}"
    if not totals.get(then):
        return Kpi(label, formats.UNKNOWN, "no bill to compare")
    delta = totals.get(month, 0) - totals[then]
    billed = {m: set(spent.loc[spent["month"] == m, "carrier_id"].dropna()) for m in (month, then)}
    new = billed[month] - billed[then]
    by_new = int(spent.loc[(spent["month"] == month) & spent["carrier_id"].isin(new), "amount"].sum())
    told = f"{formats.short(abs(delta), currency)} {'more' if delta > 0 else 'less'}"
    if new:
        told = f"{formats.plural(len(new), 'new carrier')}: {formats.short(by_new, currency)}"
    return Kpi(
        label,
        formats.percent(delta, totals[then], sign=True),
        told,
        "bad" if delta > 0 else "good" if delta < 0 else "neutral",
        help=f"{formats.money(totals[then], currency)} then; a carrier is new if it had no bill for that month.",
    )


def _budget(store: Store, chosen: Filters, money: Exchange, totals: dict[str, int], month: str) -> Kpi:
    label = "Budget, year to date"
    months = periods.months_between(f"{month[:4]}-01", month)
    planned = money.frame(forecast.budgets(store, chosen))
    by_month = planned.groupby("month")["amount"].sum() if len(planned) else {}
    if any(m not in by_month or m not in totals for m in months):
        return Kpi(label, formats.UNKNOWN, "no budget for every month", help="Load a table budgets to compare.")
    plan = sum(int(by_month[m]) for m in months)
    over = sum(totals[m] for m in months) - plan
    return Kpi(
        label,
        formats.percent(over, plan, sign=True),
        f"{formats.short(abs(over), money.target)} {'over' if over > 0 else 'under'}",
        "bad" if over > 0 else "good",
        help=f"Billed from January to {formats.month_name(month)} against {formats.money(plan, money.target)} planned.",
    )


def _per_line(store: Store, chosen: Filters, spent: int, month: str, currency: str | None) -> Kpi:
    people = store.frame("employees", ["employee_id", "status", "left_on", "cost_center_id"])
    if chosen.cost_centers:
        people = people[people["cost_center_id"].isin(chosen.cost_centers)]
    there = int(((people["status"] != "left") | (people["left_on"].fillna("") > periods.month_end(month))).sum())
    each = formats.money(spent // there, currency) if there else None
    return Kpi(
        "Cost per line",
        inventory.cost_per_line(inventory.table(store, chosen)[0], currency),
        f"{each} per employee" if each else None,
        help=f"A line: the month's charges of the lines themselves, over all active ones. An employee: the whole "
        f"bill over {formats.plural(there, 'person', 'people')} who had not left.",
    )


def contracted(
    store: Store, chosen: Filters, money: Exchange, contracts: list[dict[str, Any]], month: str
) -> tuple[int, int]:
    """Micros that lines were charged in the month: on lines under a contract in force, and on all."""
    lines = queries.line_totals(store, month, month)
    services = store.frame("services", ["service_id", "carrier_id"])
    if chosen.carriers:
        services = services[services["carrier_id"].isin(chosen.carriers)]
    wanted = {str(key) for key in services["service_id"]}
    if chosen.cost_centers:
        wanted &= found.services_of(store, chosen.cost_centers)
    held = {
        str(service["service_id"])
        for row in contracts
        if row["state"] not in {None, "terminated", "expired", "not_started"}
        for service in row["services"]
    }
    whole = covered = 0
    for row in lines.itertuples(index=False):
        amount = money.amount(row.total, row.currency) or 0
        if str(row.service_id) in wanted:
            whole += amount
            covered += amount if str(row.service_id) in held else 0
    return covered, whole


def _contracted(covered: int, whole: int, money: Exchange) -> Kpi:
    return Kpi(
        "Under contract",
        formats.percent(covered, whole),
        f"{formats.short(whole - covered, money.target)} a month without" if whole > covered else None,
        "attention" if whole > covered else "neutral",
        help="Of what lines were charged in the month: the part of lines under a contract in force.",
    )
