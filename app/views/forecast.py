"""What is coming: the months ahead, the year at completion, and both against the budget."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from anomaly.forecast import RULES, Forecast, Month, forecast
from app import formats
from app.views.exchange import Exchange, exchange
from app.views.parts import Kpi
from app.views.selection import Choices, Filters, choices, settled
from core import periods
from core.queries import spend
from core.store import Store

#: Months ahead that the page always shows, also where the year ends sooner.
LEAST_AHEAD = 6
NATURE_NAMES = {"recurring": "Recurring charges and tax", "use": "Use", "one_off": "One-off charges"}


@dataclass(frozen=True)
class Outlook:
    """Money in micros of `currency`. `billed` covers `months` (past); `ahead` the months after; `budget` both, None
    where a month has none. `parts`: name, so_far, ahead, year, budget, difference, for each carrier or cost center of
    the year. `replays`: title, one, three (shares of the usual month)."""

    title: str
    sentence: str
    month: str
    year: str
    currency: str | None
    kpis: tuple[Kpi, ...]
    months: tuple[str, ...]
    billed: tuple[int, ...]
    ahead: tuple[Month, ...]
    budget: tuple[int | None, ...]
    carriers: pd.DataFrame
    centers: pd.DataFrame
    replays: pd.DataFrame
    used: pd.DataFrame
    verdict: str
    note: str

    @property
    def coming(self) -> str:
        """Title and sentence in one, for pages that only mention what is coming."""
        return f"{self.title}. {self.sentence}" if self.ahead else ""


def view(store: Store, filters: Filters) -> Outlook:
    """Forecast from the month chosen to the end of its year, at least :data:`LEAST_AHEAD` months."""
    chosen, there = settled(store, filters), choices(store)
    month = str(chosen.month)
    year = month[:4]
    money = exchange(store, chosen.currency, periods.month_end(month), convert=chosen.convert)
    ahead = max(periods.month_distance(month, f"{year}-12"), LEAST_AHEAD)
    table = money.frame(
        spend.spend(store, by=("month", "carrier_id", "account_id", "category"), last=month, where=chosen.where())
    ).rename(columns={"account_id": "series"})
    made = forecast(table.assign(series=table["series"].fillna("")), month, ahead)
    billed = table.groupby("month")["amount"].sum() if len(table) else pd.Series(dtype="Int64")
    planned = money.frame(budgets(store, chosen))
    by_month = planned.groupby("month")["amount"].sum() if len(planned) else pd.Series(dtype="Int64")
    first = periods.shift(month, -11)
    months = tuple(m for m in periods.months_between(first, month) if m >= str(billed.index.min()))
    coming = made.months if made else ()
    rest = tuple(m for m in coming if m.month[:4] == year)
    so_far = int(sum(int(v) for m, v in billed.items() if str(m)[:4] == year))
    from_january = bool(len(billed)) and str(billed.index.min()) <= f"{year}-01"
    whole = [by_month.get(m) for m in periods.months_between(f"{year}-01", f"{year}-12")]
    budget_year = sum(int(v) for v in whole) if all(v is not None for v in whole) else None
    expected, low, high = made.sum_of(rest) if made else (0, None, None)
    total = so_far + expected if made and from_january else None
    title, sentence = _words(made, total, budget_year, year, money.target)
    by_carrier = _ahead_by_carrier(made, table)
    return Outlook(
        title=title,
        sentence=sentence,
        month=month,
        year=year,
        currency=money.target,
        kpis=_kpis(made, total, so_far, low, high, budget_year, year, money.target),
        months=months,
        billed=tuple(int(billed.get(m, 0)) for m in months),
        ahead=coming,
        budget=tuple(
            None if m not in by_month else int(by_month[m]) for m in (*months, *(item.month for item in coming))
        ),
        carriers=_parts(table, "carrier_id", by_carrier, planned, year, len(rest), there.carriers),
        centers=_centers(store, chosen, money, planned, month, there),
        replays=_replays(made),
        used=_used(made),
        verdict=_verdict(made),
        note=" ".join(part for part in (_late(made, store), money.sentence()) if part),
    )


def budgets(store: Store, chosen: Filters) -> pd.DataFrame:
    """The budget rows that the filters leave, amounts in micros of their own currency."""
    frame = store.frame("budgets")
    for name, values in chosen.where().items():
        frame = frame[frame[name].isin(values)]
    return frame


def _ahead_by_carrier(made: Forecast | None, table: pd.DataFrame) -> dict[str, tuple[int, ...]]:
    if made is None:
        return {}
    owner = table.groupby(table["series"].fillna(""))["carrier_id"].first()
    result: dict[str, list[int]] = {}
    for series, values in made.by_series.items():
        name = str(owner.get(series) or "")
        held = result.setdefault(name, [0] * len(values))
        result[name] = [a + b for a, b in zip(held, values, strict=True)]
    return {name: tuple(values) for name, values in result.items()}


def _parts(
    table: pd.DataFrame,
    by: str,
    ahead: dict[str, tuple[int, ...]],
    planned: pd.DataFrame,
    year: str,
    rest: int,
    names: dict[str, str],
) -> pd.DataFrame:
    """Billed so far, expected until December and the budget of each part of a year."""
    past = _sums(table[table["month"].str[:4] == year], by)
    plan = _sums(planned[planned["month"].str[:4] == year], by)
    rows = []
    for key in sorted({*past, *plan, *ahead}):
        coming = sum(ahead.get(key, ())[:rest])
        total = past.get(key, 0) + coming
        budget = plan.get(key)
        rows.append(
            {
                "name": names.get(key, key) or "Not assigned",
                "so_far": past.get(key, 0),
                "ahead": coming,
                "year": total,
                "budget": budget,
                "difference": None if budget is None else total - budget,
            }
        )
    frame = pd.DataFrame(rows, columns=["name", "so_far", "ahead", "year", "budget", "difference"])
    return frame.sort_values(["year", "name"], ascending=[False, True], ignore_index=True)


def _sums(frame: pd.DataFrame, by: str) -> dict[str, int]:
    if frame.empty:
        return {}
    return {str(k): int(v) for k, v in frame.groupby(frame[by].fillna(""))["amount"].sum().items()}


def _centers(
    store: Store, chosen: Filters, money: Exchange, planned: pd.DataFrame, month: str, there: Choices
) -> pd.DataFrame:
    """Budget against bills of the year so far, by cost center: a person answers for each, so nothing is forecast."""
    year = month[:4]
    table = money.frame(
        spend.spend(store, by=("month", "cost_center_id"), first=f"{year}-01", last=month, where=chosen.where())
    )
    past, plan = (
        _sums(table, "cost_center_id"),
        _sums(planned[(planned["month"].str[:4] == year) & (planned["month"] <= month)], "cost_center_id"),
    )
    rows = [
        {
            "name": there.cost_centers.get(key, key) or "Not assigned",
            "so_far": past.get(key, 0),
            "budget": plan[key],
            "difference": past.get(key, 0) - plan[key],
            "share": past.get(key, 0) / plan[key] if plan[key] > 0 else None,
        }
        for key in plan
    ]
    frame = pd.DataFrame(rows, columns=["name", "so_far", "budget", "difference", "share"])
    return frame.sort_values(["difference", "name"], ascending=[False, True], ignore_index=True)


def _words(
    made: Forecast | None, total: int | None, budget: int | None, year: str, currency: str | None
) -> tuple[str, str]:
    if made is None:
        return "Too little to forecast yet", "Three months of bills are needed."
    following = made.months[0]
    sentence = f"{formats.month(following.month)} should cost {formats.short(following.expected, currency)}"
    if following.low is not None:
        sentence += f" ({formats.span(following.low, following.high, currency)})"
    if total is None:
        return sentence, f"The bills loaded do not begin in January {year}, so the year has no total."
    title = f"{year} will cost about {formats.short(total, currency)}"
    if budget:
        over = total - budget
        title += f", {formats.percent(abs(over), budget)} {'over' if over > 0 else 'under'} budget"
    return title, f"{sentence}."


def _kpis(
    made: Forecast | None,
    total: int | None,
    so_far: int,
    low: int | None,
    high: int | None,
    budget: int | None,
    year: str,
    currency: str | None,
) -> tuple[Kpi, ...]:
    if made is None:
        return ()
    following = made.months[0]
    first = Kpi(
        f"Expected in {formats.month_name(following.month)}",
        formats.money(following.expected, currency),
        None if following.low is None else f"± {formats.short((following.high or 0) - following.expected, currency)}",
        help="Eight of ten months replayed fell within this distance.",
    )
    whole = Kpi(
        f"{year} at completion",
        "–" if total is None else formats.money(total, currency),
        None if total is None or low is None else formats.span(so_far + low, so_far + (high or 0), currency),
        help="Billed so far plus what is expected until December; errors are taken to last, so the range is wide.",
    )
    against = (
        Kpi("Against the budget", "No budget", "load a budgets table", help="Columns month, amount, currency.")
        if budget is None or total is None
        else Kpi(
            "Against the budget",
            formats.money(total - budget, currency, sign=True),
            f"of {formats.short(budget, currency)}",
            "bad" if total > budget else "good",
            help="The year at completion less the year's budget.",
        )
    )
    told = made.replays[0]
    error = Kpi(
        "Usual error",
        "–" if told.one is None else f"{told.one * 100:.1f} %",
        "not replayed yet" if told.three is None else f"{told.three * 100:.1f} % at 3 months",
        help="A month ahead: each past month was forecast from the months before it and compared with its bills.",
    )
    return first, whole, against, error


def _replays(made: Forecast | None) -> pd.DataFrame:
    rows = [{"title": r.title, "one": r.one, "three": r.three} for r in (made.replays if made else ())]
    return pd.DataFrame(rows, columns=["title", "one", "three"])


def _verdict(made: Forecast | None) -> str:
    """Whether one plain rule alone was closer than choosing among them: said also where it was."""
    best = made.best_rule if made else None
    told = made.replays[0].one if made else None
    if best is None or told is None or best.one is None:
        return "A rule needs six replayed months before it can be chosen."
    if best.one < told:
        closer = f"{best.title.lower()}, {best.one * 100:.1f} %"
        return f"One rule alone was closer: {closer}. Which one is known only afterwards."
    return "No single rule was closer than choosing among them."


def _used(made: Forecast | None) -> pd.DataFrame:
    rows = [
        {"kind": NATURE_NAMES[nature], "rule": RULES[rule][0]} for nature, rule in (made.used if made else {}).items()
    ]
    return pd.DataFrame(rows, columns=["kind", "rule"])


def _late(made: Forecast | None, store: Store) -> str:
    if made is None or not made.late:
        return ""
    numbers = store.frame("accounts").set_index("account_id")["number"]
    told: Sequence[str] = [str(numbers.get(name) or name) for name in made.late]
    return f"The newest bill of {', '.join(told)} has not come: taken as the month before."
