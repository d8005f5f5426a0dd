"""When to act: fees for leaving fall month by month, savings start later; both in one sum over a fixed window."""

from __future__ import annotations

from typing import Any

import pandas as pd

from core.periods import add_months
from optimize.result import money
from optimize.worth.desk import Desk

_DELAYS = (0, 1, 2, 3, 6, 9, 12)


def study(desk: Desk) -> dict[str, Any]:
    """`delay`: act now or d months later, within a window of `horizon_months`.

    total(d) = d x today's cost + (window - d) x the best cost if the changes are made then: fees for early termination
    as they stand d months on, spread over what is left of the window. Use, prices and contracts stay as they are.
    """
    window = desk.scenario.horizon_months
    if not desk.base.feasible or window < 2:
        return {"delay": None}
    rows: list[dict[str, Any]] = []
    known = [desk.base.assignment]
    for months in (d for d in _DELAYS if d < window):
        desk.say(f"acting in {months} months" if months else "acting now")
        services = desk.frames["services"]
        if months and "term_end_on" in services.columns:
            services = services.assign(term_end_on=services["term_end_on"].map(lambda day, d=months: _earlier(day, d)))
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
            }
        )
    if not rows:
        return {"delay": None}
    first = rows[0]
    for row in rows:
        row["cost_of_delay"] = money_between(row["total"], first["total"])
        row["low"] = money_between(row["total_bound"], first["total"])
        row["high"] = money_between(row["total"], first["total_bound"])
    best = min(rows, key=lambda row: (row["total"], row["delay"]))
    return {"delay": {"window_months": window, "best": best["delay"], "months": rows}}


def money_between(one: float, other: float) -> float:
    """Difference of two reported amounts."""
    return round(one - other, 6)


def _earlier(day: Any, months: int) -> Any:
    """A day moved back by whole months; blank stays blank."""
    return day if pd.isna(day) or not str(day).strip() else add_months(str(day), -months)
