"""What the coming months will cost: the usual month carried forward, by the rule that would have done best so far.

Spend is forecast for each series (an account, split by how charges behave: recurring, use, one-off) by a handful of
plain rules. Which rule is used for which kind of charge is decided by replay: at every past month each rule forecasts
what came after from what was known then, and the rule with the least absolute error of the kind's total wins.
The published error is that of the whole procedure, choice of rule included: at each past month the choice, too, sees
only what was known then. Interval: a forecast h months ahead is off by at most q sqrt(h) times the usual month in a
share :data:`COVER` of the replayed months (split conformal: q is the ceil((n + 1) COVER)-th smallest of the n scaled
errors; sqrt(h) is how the error of a level that wanders grows).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from core import periods

#: Months before the first replayed forecast, and months that a whole-year comparison needs.
FIRST, YEAR = 6, 12
#: Share of replayed months inside the interval.
COVER = 0.8
#: Replayed errors below which no interval is told.
FEWEST = 8
#: A trend fades: each further month adds this share of the step before.
DAMPING = 0.8
#: Replayed months a rule needs before it may be chosen.
ORIGINS = 6
#: Months of silence after which an account counts as closed; until then its bill counts as late.
CLOSED_AFTER = 2

NATURES: dict[str, str] = {
    **dict.fromkeys(("mrc", "surcharge", "tax", "equipment", "credit"), "recurring"),
    **dict.fromkeys(("usage", "third_party"), "use"),
}

Array = np.ndarray[Any, np.dtype[np.float64]]
Rule = Callable[[Array, int], Array]


def nature_of(category: object) -> str:
    """How charges of a category behave from month to month: recurring, use or one_off."""
    return NATURES.get(str(category), "one_off")


def _last(past: Array, ahead: int) -> Array:
    return np.repeat(past[:, -1:], ahead, axis=1)


def _middle(past: Array, ahead: int) -> Array:
    return np.repeat(np.median(past[:, -3:], axis=1)[:, None], ahead, axis=1)


def _mean(past: Array, ahead: int) -> Array:
    return np.repeat(past[:, -YEAR:].mean(axis=1)[:, None], ahead, axis=1)


def _trend(past: Array, ahead: int) -> Array:
    """The middle of the last three months, moved by the Theil-Sen slope of the last year, fading."""
    recent = past[:, -YEAR:]
    first, second = np.triu_indices(recent.shape[1], 1)
    slope = np.median((recent[:, second] - recent[:, first]) / (second - first), axis=1)
    steps = 1 + np.cumsum(DAMPING ** np.arange(ahead))  # the middle month lies one month back
    return np.median(past[:, -3:], axis=1)[:, None] + slope[:, None] * steps


def _season(past: Array, ahead: int) -> Array:
    """The same months of the year before, at today's level (the last three months against those a year before)."""
    if past.shape[1] < YEAR + 3:
        return np.full((len(past), ahead), np.nan)
    now, then = past[:, -3:].sum(axis=1), past[:, -YEAR - 3 : -YEAR].sum(axis=1)
    level = np.divide(now, then, out=np.ones_like(now), where=then * now > 0)
    months = past.shape[1] - YEAR + np.arange(ahead) % YEAR
    return past[:, months] * np.clip(level, 0.5, 2)[:, None]


RULES: dict[str, tuple[str, Rule]] = {
    "middle": ("Middle of the last three months", _middle),
    "last": ("Last month again", _last),
    "mean": ("Mean of the last twelve months", _mean),
    "trend": ("Trend of the last year, fading", _trend),
    "season": ("Same month last year, at today's level", _season),
}
#: What is used until a replay can tell.
DEFAULT = "middle"


@dataclass(frozen=True)
class Month:
    """One month ahead, in micros; `low` and `high` are None where too little could be replayed."""

    month: str
    expected: int
    low: int | None
    high: int | None


@dataclass(frozen=True)
class Replay:
    """How far a rule was off in replayed months: mean absolute error of the total, as a share of the usual month, one
    and three months ahead (None: not replayed)."""

    rule: str
    title: str
    one: float | None
    three: float | None


@dataclass(frozen=True)
class Forecast:
    """Months ahead in total and by series; `used` names the rule of each nature; `replays` has the procedure itself
    first (rule `chosen`), then each rule on its own; `late` are series whose newest bill has not come."""

    months: tuple[Month, ...]
    by_series: dict[str, tuple[int, ...]]
    used: dict[str, str]
    replays: tuple[Replay, ...]
    late: tuple[str, ...]

    @property
    def best_rule(self) -> Replay | None:
        """The single rule with the least error one month ahead."""
        known = [replay for replay in self.replays[1:] if replay.one is not None]
        return min(known, key=lambda replay: replay.one or 0.0, default=None)

    def sum_of(self, months: Sequence[Month]) -> tuple[int, int | None, int | None]:
        """(expected, low, high) of several months together, errors taken as lasting: the cautious side."""
        expected = sum(m.expected for m in months)
        if any(m.low is None or m.high is None for m in months):
            return expected, None, None
        return expected, sum(int(m.low or 0) for m in months), sum(int(m.high or 0) for m in months)


def forecast(table: pd.DataFrame, last: str, ahead: int) -> Forecast | None:
    """Forecast `ahead` months after the month `last`.

    Args:
        table: columns series (text), category, month (YYYY-MM), amount (micros, one currency). Later months than `last`
            are not looked at.
        last: the newest month that is whole.
        ahead: months to forecast, 1 to 24.

    Returns:
        None with fewer than three months of spend.
    """
    known = table[table["month"] <= last]
    if known.empty:
        return None
    months = periods.months_between(str(known["month"].min()), last)
    if len(months) < 3:
        return None
    panel, late = _panel(known, months)
    history = {nature: frame.to_numpy(float) for nature, frame in panel.items()}
    errors = _replay(history, ahead)
    used = {nature: _best(errors, nature, len(months)) for nature in history}
    sums: dict[str, Array] = {}
    for nature, frame in panel.items():
        values = _forecast(used[nature], history[nature], ahead)
        for name, row in zip(frame.index, values, strict=True):
            sums[str(name)] = sums.get(str(name), np.zeros(ahead)) + row
    by_series = {name: tuple(round(v) for v in row) for name, row in sorted(sums.items())}
    totals = [sum(row[h] for row in by_series.values()) for h in range(ahead)]
    actual = _total(history)
    usual = float(np.median(np.abs(actual[-YEAR:])))
    chosen = _chosen(errors, history)
    width = _width(chosen, usual)
    return Forecast(
        months=tuple(
            Month(periods.shift(last, h + 1), total, *_interval(total, width, usual, h + 1))
            for h, total in enumerate(totals)
        ),
        by_series=by_series,
        used=used,
        replays=(
            _told("chosen", "This forecast", chosen, usual),
            *(_told(name, title, _of_rule(errors, name), usual) for name, (title, _) in RULES.items()),
        ),
        late=late,
    )


def _panel(known: pd.DataFrame, months: list[str]) -> tuple[dict[str, pd.DataFrame], tuple[str, ...]]:
    """Series x months for each nature. A month without any bill of a series, between two billed ones or after the last
    one for at most :data:`CLOSED_AFTER` months, is a bill that is late: it counts as the month before."""
    natures = known["category"].map(nature_of)
    table = (
        known.assign(nature=natures, amount=known["amount"].astype("int64"))
        .groupby(["nature", "series", "month"])["amount"]
        .sum()
    )
    names = sorted({str(name) for name in known["series"]})
    billed = known.groupby(["series", "month"]).size().unstack("month").reindex(index=names, columns=months)
    there = billed.notna()
    begun, open_still = there.cummax(axis=1), there.iloc[:, ::-1].cummax(axis=1).iloc[:, ::-1]
    open_still.iloc[:, -CLOSED_AFTER:] |= there.iloc[:, -CLOSED_AFTER - 1 :].any(axis=1).to_numpy()[:, None]
    late = begun & open_still & ~there
    result = {}
    for nature in sorted(set(natures)):
        frame = table[nature].unstack("month").reindex(index=names, columns=months)
        filled = frame.where(~late, np.nan).where(late, frame.fillna(0)).astype(float)
        result[nature] = filled.ffill(axis=1).fillna(0)
    return result, tuple(str(name) for name in late.index[late.iloc[:, -1]])


def _total(history: Mapping[str, Array]) -> Array:
    return np.sum([values.sum(axis=0) for values in history.values()], axis=0)


def _forecast(rule: str, past: Array, ahead: int) -> Array:
    return RULES[rule][1](past, ahead)


#: (nature, rule, origin) -> the error of the nature's total for each month ahead.
_Errors = dict[tuple[str, str, int], Array]


def _replay(history: Mapping[str, Array], ahead: int) -> _Errors:
    """Every rule at every month from :data:`FIRST` on, against what came after."""
    result: _Errors = {}
    for nature, values in history.items():
        for origin in range(FIRST, values.shape[1]):
            actual = values[:, origin : origin + ahead]
            for rule in RULES:
                off = _forecast(rule, values[:, :origin], actual.shape[1]) - actual
                if not np.isnan(off).any():
                    result[nature, rule, origin] = off.sum(axis=0)
    return result


def _best(errors: _Errors, nature: str, now: int) -> str:
    """The rule with the least error against `last` at the same months, from forecasts whose outcome was known at month
    `now`. A rule that could be replayed at fewer than :data:`ORIGINS` months is not trusted yet."""
    seen: dict[str, dict[int, float]] = {}
    for (kind, rule, origin), off in errors.items():
        if kind == nature and origin < now:
            seen.setdefault(rule, {})[origin] = float(np.abs(off[: now - origin]).sum())
    rules = [rule for rule in RULES if len(seen.get(rule, ())) >= ORIGINS]
    plain = seen.get("last", {})

    def relative(rule: str) -> float:
        base = sum(plain[origin] for origin in seen[rule])
        return sum(seen[rule].values()) / base if base else 1.0

    return min(rules, key=relative, default=DEFAULT)


def _chosen(errors: _Errors, history: Mapping[str, Array]) -> dict[int, Array]:
    """For each origin the error of the total, each nature forecast by the rule that was best then."""
    result: dict[int, Array] = {}
    for origin in sorted({origin for _, _, origin in errors}):
        parts = [errors.get((nature, _best(errors, nature, origin), origin)) for nature in history]
        result[origin] = np.sum([part for part in parts if part is not None], axis=0)
    return result


def _of_rule(errors: _Errors, rule: str) -> dict[int, Array]:
    result: dict[int, Array] = {}
    for (_, name, origin), off in errors.items():
        if name == rule:
            result[origin] = result.get(origin, np.zeros(len(off))) + off
    return result


def _told(rule: str, title: str, off: Mapping[int, Array], usual: float) -> Replay:
    def mean(h: int) -> float | None:
        values = [abs(float(row[h - 1])) for row in off.values() if len(row) >= h]
        return float(np.mean(values)) / usual if values and usual else None

    return Replay(rule, title, mean(1), mean(3))


def _width(off: Mapping[int, Array], usual: float) -> float | None:
    """The conformal quantile of |error| / (sqrt(h) x usual month)."""
    scaled = sorted(
        abs(float(v)) / math.sqrt(h + 1) / usual for row in off.values() for h, v in enumerate(row) if usual
    )
    rank = math.ceil((len(scaled) + 1) * COVER)
    return scaled[rank - 1] if len(scaled) >= FEWEST and rank <= len(scaled) else None


def _interval(total: int, width: float | None, usual: float, ahead: int) -> tuple[int | None, int | None]:
    if width is None:
        return None, None
    reach = width * math.sqrt(ahead) * usual
    return round(total - reach), round(total + reach)
