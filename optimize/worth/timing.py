"""When to act: savings are lost while one waits, fees for leaving fall, and a notice date that passes binds anew."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from core.periods import add_days, add_months, month_distance, month_end, shift
from core.renewals import Terms
from optimize import frames as tables
from optimize.result import money
from optimize.worth.desk import Desk
from optimize.worth.lapse import contract_terms

_DELAYS = (0, 1, 2, 3, 6, 9, 12)


def study(desk: Desk) -> dict[str, Any]:
    """`delay`: act now or d months later, within a window of `horizon_months`.

    total(d) = d x cost today + (window - d) x the best cost if notice is given and the changes are made then: fees for
    early termination as they stand d months on, spread over what is left of the window. A contract that renews tacitly
    binds its lines for another term once its notice date has passed while waiting (`renews`). Use and prices stay as
    they are. `lost` is what waiting alone costs: d x (today - best now); the rest of `cost_of_delay` is the fees.
    """
    window = desk.scenario.horizon_months
    if not desk.base.feasible or window < 2:
        return {"delay": None}
    last = desk.problem.setting.months[-1]
    contracts = _tacit(desk.frames)
    under = desk.evaluator.place.contract_of({s: line["plan_id"] for s, line in desk.evaluator.lines.items()})
    rows: list[dict[str, Any]] = []
    known = [desk.base.assignment]
    for months in sorted({*_DELAYS, *_around_notices(contracts, last)}):
        if months >= window:
            continue
        desk.say(f"acting in {months} months" if months else "acting now")
        bound = _renewed(contracts, last, months)
        services = _services(desk.frames["services"], under, bound, months)
        answer = desk.answer({"horizon_months": window - months}, tables={"services": services}, known=known)
        if answer.priced is None:
            continue
        known = [desk.base.assignment, answer.assignment]
        waiting = answer.baseline.objective * months
        rows.append(
            {
                **{"delay": months, "total": money(waiting + answer.objective * (window - months))},
                **{"total_bound": money(waiting + answer.bound * (window - months))},
                **{"one_off": money(answer.one_off), "changes": answer.priced.changes, "moved": answer.moved()},
                **{"cost": money(answer.cost), "status": answer.status},
                "renews": [{"contract_id": c, "until": add_days(end, -1)} for c, end in sorted(bound.items())],
            }
        )
    if not rows:
        return {"delay": None}
    first, today = rows[0], money(desk.base.baseline.objective)
    for row in rows:
        row["cost_of_delay"] = money_between(row["total"], first["total"])
        row["lost"] = money_between(row["delay"] * today, row["delay"] * money(desk.base.objective))
        row["low"] = money_between(row["total_bound"], first["total"])
        row["high"] = money_between(row["total"], first["total_bound"])
    best = min(rows, key=lambda row: (row["total"], row["delay"]))
    return {"delay": {"window_months": window, "best": best["delay"], "months": rows}}


def money_between(one: float, other: float) -> float:
    """Difference of two reported amounts."""
    return round(one - other, 6)


def _tacit(frames: Mapping[str, pd.DataFrame]) -> dict[str, Terms]:
    """The contracts that renew by themselves unless notice is given in time, none given yet."""
    return {
        contract_id: terms
        for contract_id, terms in contract_terms(frames).items()
        if terms.renewal == "tacit" and terms.has_notice and terms.initial_months is not None
        if not terms.notice_given_on and not terms.terminated_on
    }


def _day(last: str, months: int) -> str:
    """The day on which one acts: the end of the month so many months after the range."""
    return month_end(shift(last, months))


def _renewed(contracts: Mapping[str, Terms], last: str, months: int) -> dict[str, str]:
    """Contracts whose way out has moved to another term by waiting: the day on which that term is over."""
    found = {}
    for contract_id, terms in contracts.items():
        now, then = (terms.end(terms.link_for_notice(_day(last, wait))) for wait in (0, months))
        if then is not None and then != now:
            found[contract_id] = then
    return found


def _around_notices(contracts: Mapping[str, Terms], last: str) -> set[int]:
    """For each notice date ahead the last month end that is in time for it, and the one after."""
    found = set()
    for terms in contracts.values():
        notice = terms.notice_by(terms.link_for_notice(_day(last, 0)))
        if notice is not None:
            months = month_distance(f"{last}-01", f"{notice[:7]}-01")
            months -= _day(last, months) > notice
            found |= {months, months + 1}
    return {months for months in found if months >= 0}


def _services(
    services: pd.DataFrame, under: Mapping[str, str | None], renewed: Mapping[str, str], months: int
) -> pd.DataFrame:
    """The services as they stand after waiting: terms so many months nearer, those of renewed contracts a term on.

    A service without a term of its own is not bound (interfaces.md section 4, item 22).
    """
    if not months or "term_end_on" not in services.columns:
        return services
    ends = [
        day
        if day is None or (until := renewed.get(under.get(service_id) or "")) is None
        else max(day, add_days(until, -1))
        for service_id, day in tables.rows({"services": services}, "services", "service_id", "term_end_on")
    ]
    return services.assign(term_end_on=[None if day is None else add_months(day, -months) for day in ends])
