"""Early warning within the billing cycle, from daily usage events: what will run over, what has, and calls that smell.

Nothing from an earlier run is needed: every day of the cycle up to the day asked for is looked at as it was; an alert
carries the day on which it was first true. The same store and day give the same alerts; a daily run asks for those
since the day before. :mod:`anomaly.watch_findings` keeps them as findings. Records that cannot be right are left out of
every sum and told as data problems, never as misuse.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from anomaly import policy, rulebook
from anomaly.estate import BOOL, Estate, read
from anomaly.explain import money_text
from anomaly.facts import covers
from anomaly.grains import GRAINS
from anomaly.rules import Rule
from core import periods
from core.issues import BadInput, Issue
from core.money import SCALE, parse_micros, to_rounded_text
from core.queries import details
from core.settings import settings
from core.store import Store

#: Days before the cycle from which the pace is learned together with the cycle so far.
LEARNED_DAYS = 28
#: Days of use from which a pace is believed.
KNOWN_DAYS = 7
MEASURES = {"data": ("data_mb", "MB"), "voice": ("voice_min", "min"), "sms": ("sms", "msg")}


@dataclass(frozen=True)
class Limits:
    """When to warn: percentages of the allowance, the step of percentages beyond 100, days ahead, and the roaming cost
    of a line in a cycle (micros; in the EU carriers warn at 50 EUR without tax)."""

    thresholds: tuple[int, ...] = (80, 100)
    step: int = 20
    ahead: int = 5
    roaming: int = 50 * SCALE


def thresholds_of(text: str, field: str) -> tuple[int, ...]:
    """Percentages as a person writes them: `80,100`.

    Raises:
        BadInput: naming `field`, for what is no percentage.
    """
    parts = [part.strip().removesuffix("%").strip() for part in text.split(",")]
    bad = [part for part in parts if not re.fullmatch("[1-9][0-9]{0,2}", part)]
    if bad:
        raise BadInput([Issue(field=field, found=part, expected="percentages such as 80,100") for part in bad])
    return tuple(sorted({int(part) for part in parts}))


def amount_of(text: str, field: str) -> int:
    """An amount in micros.

    Raises:
        BadInput: naming `field`, if it is none.
    """
    try:
        return parse_micros(text)
    except ValueError as error:
        raise BadInput(Issue(field=field, found=text, expected=str(error))) from error


def house_limits() -> Limits:
    """The limits of the settings `TEM_WATCH_*`: those of every look that names no others.

    Raises:
        BadInput: for a setting that says none.
    """
    house = settings()
    return Limits(
        thresholds_of(house.watch_thresholds, "TEM_WATCH_THRESHOLDS"),
        house.watch_step,
        house.watch_ahead,
        amount_of(house.watch_roaming, "TEM_WATCH_ROAMING"),
    )


@dataclass(frozen=True)
class Alert:
    """One warning. `subject` is a line or `pool:ACCOUNT:GROUP`; `used` and `limit` are in `unit` (money: its currency),
    as decimal text; `expected_on` is the day on which the allowance is predicted to be used up."""

    on: str
    kind: str
    subject: str
    service_id: str | None
    account_id: str | None
    level: str
    used: str
    limit: str
    unit: str
    explanation: str
    action: str
    cycle: tuple[str, str]
    rule: str | None = None
    expected_on: str | None = None

    @property
    def alert_id(self) -> str:
        """The same on every run."""
        key = json.dumps([self.kind, self.rule, self.subject, self.level, self.unit, self.cycle[0], self.on])
        return hashlib.sha256(key.encode()).hexdigest()[:16]

    def to_json(self) -> dict[str, Any]:
        """As one JSON document."""
        names = ("on", "kind", "rule", "subject", "service_id", "account_id", "level", "used", "limit", "unit")
        document = {"alert_id": self.alert_id, **{name: getattr(self, name) for name in names}}
        cycle = {"from": self.cycle[0], "to": self.cycle[1]}
        return document | {
            "expected_on": self.expected_on,
            "cycle": cycle,
            "explanation": self.explanation,
            "action": self.action,
        }


@dataclass
class _Book:
    """What the checks share: the estate up to the day asked for, its events by day, and the cycle of each line."""

    estate: Estate
    as_of: str
    use: pd.DataFrame
    month: int
    start: dict[str, str] = field(default_factory=dict)

    @cached_property
    def _numbers(self) -> dict[str, str]:
        known = self.estate.services[["service_id", "number"]].dropna()
        return dict(zip(known["service_id"], known["number"], strict=True))

    def number(self, service_id: str) -> str:
        """What people call a line: its number, else its id."""
        return self._numbers.get(service_id, service_id)

    def account(self, line: int) -> str | None:
        return self.estate.state["account_id"].text(line, self.month)


def watch(
    store: Store, *, as_of: str | None = None, since: str | None = None, limits: Limits | None = None
) -> list[Alert]:
    """The alerts of the cycles that `as_of` lies in (default: the day of the newest event), newest first.

    `since` leaves out alerts that were first true before that day.
    """
    day = as_of or details.newest_event(store)
    if day is None:
        return []
    found = _Look(store, day, limits or house_limits()).on(day)
    return [alert for alert in found if not since or alert.on >= since]


def recent(store: Store, *, limits: Limits | None = None) -> list[Alert]:
    """What :func:`watch` tells by default, and the alerts of the cycles just before the running ones, newest first."""
    day = details.newest_event(store)
    if day is None:
        return []
    look = _Look(store, day, limits or house_limits())
    starts = {*_cycle_starts(store, day).values(), f"{day[:7]}-01"}
    ended = [periods.add_days(start, -1) for start in sorted(starts)]
    found = look.on(day) + [alert for end in ended for alert in look.on(end) if alert.cycle[1] == end]
    return sorted(found, key=_newest, reverse=True)


def _newest(alert: Alert) -> tuple[str, ...]:
    return alert.on, alert.kind, alert.subject, alert.level


class _Look:
    """The store as it is up to a last day, to be looked at from that day or from one before it."""

    def __init__(self, store: Store, last: str, limits: Limits) -> None:
        self._store, self._limits = store, limits
        self._estate = read(store, until=last[:7])
        self._calls = cache(lambda: details.calls(store))
        self._rules = rulebook.in_force(store)

    def on(self, day: str) -> list[Alert]:
        """The alerts of the cycles that a day lies in, newest first."""
        # Where nothing but events is loaded, the estate has no other month than the one it was read for.
        whole = self._estate if day[:7] in self._estate.months else read(self._store, until=day[:7])
        if day[:7] not in whole.months or not len(whole.services):
            return []
        first = periods.add_days(periods.month_start(periods.shift(day[:7], -1)), -LEARNED_DAYS)

        def calls() -> pd.DataFrame:
            return self._calls()[self._calls()["started_at"].str[:10] <= day]

        estate = replace(whole, details={**whole.details, "calls": calls})
        book = _Book(estate, day, details.daily_use(self._store, first, day), whole.months.index(day[:7]))
        book.start = _cycle_starts(self._store, day)
        alerts = [*_allowances(book, self._limits), *_roaming(book, self._limits), *_bursts(book, self._rules)]
        alerts += _problems(book, details.odd_events(self._store, first, day))
        return sorted(alerts, key=_newest, reverse=True)


def _cycle_starts(store: Store, day: str) -> dict[str, str]:
    """First day of the cycle that `day` lies in, by account: from the day on which its bills' periods usually begin."""
    begun: dict[str, Counter[int]] = {}
    invoices = store.frame("invoices", ["account_id", "period_start"]).dropna()
    for account, start in invoices.itertuples(index=False):
        begun.setdefault(str(account), Counter())[int(start[8:10])] += 1
    return {account: _cycle_start(day, min(days, key=lambda d: (-days[d], d))) for account, days in begun.items()}


def _cycle_start(day: str, begins_on: int) -> str:
    for month in (day[:7], periods.shift(day[:7], -1)):
        start = f"{month}-{min(begins_on, periods.days_in_month(month)):02d}"
        if start <= day:
            return start
    return f"{day[:7]}-01"


def _cycle(book: _Book, account: str | None) -> tuple[str, str]:
    start = book.start.get(account or "", f"{book.as_of[:7]}-01")
    return start, periods.add_days(periods.add_months(start, 1), -1)


def _grid(rows: pd.DataFrame, keys: dict[str, int], first: str, days: int, column: str) -> NDArray[np.float64]:
    """Sums by subject and day from `first` on."""
    where = rows["subject"].map(keys)
    day = (pd.to_datetime(rows["day"]) - pd.Timestamp(first)).dt.days
    inside = (where.notna() & (day >= 0) & (day < days)).to_numpy()
    flat = np.bincount(
        where[inside].astype(int) * days + day[inside],
        weights=rows.loc[inside, column].to_numpy(dtype=float),
        minlength=len(keys) * days,
    )
    return np.asarray(flat.reshape(len(keys), days), dtype=float)


def _allowances(book: _Book, limits: Limits) -> list[Alert]:
    estate, t = book.estate, book.month
    plans = estate.tables["plans"].set_index("plan_id")
    ids = estate.services["service_id"].tolist()
    use = _in_allowance(book, plans)
    alerts: list[Alert] = []
    for kind, (column, unit) in MEASURES.items():
        rows = use[use["usage_type"] == kind]
        pools = {"data": "pool_group", "voice": "voice_pool_group"}.get(kind)
        fed = set(rows["service_id"])
        allowed: dict[str, int] = {}
        subject: dict[str, str] = {}
        line_of: dict[str, int] = {}
        for line, name in enumerate(ids):
            plan = estate.state["plan_id"].text(line, t)
            if plan not in plans.index or not estate.active[line, t]:
                continue
            allowance = plans.at[plan, column]
            if pd.isna(allowance):
                continue
            group = plans.at[plan, pools] if pools else None
            key = name if not isinstance(group, str) or not group else f"pool:{book.account(line)}:{group}"
            allowed[key] = allowed.get(key, 0) + int(allowance)
            subject[name] = key
            line_of.setdefault(key, line)
        covered = {subject[name] for name in fed if name in subject}
        rows = rows.assign(subject=rows["service_id"].map(subject))
        by_cycle: dict[tuple[str, str], list[str]] = {}
        for key in sorted(covered):
            if allowed[key] > 0:
                by_cycle.setdefault(_cycle(book, book.account(line_of[key])), []).append(key)
        for cycle, keys in by_cycle.items():
            alerts += _watch_cycle(book, limits, kind, unit, cycle, keys, rows, allowed, line_of)
    return alerts


def _in_allowance(book: _Book, plans: pd.DataFrame) -> pd.DataFrame:
    """Home use, and roaming where the plan's allowances apply."""
    use = book.use
    estate = book.estate
    index = {name: line for line, name in enumerate(estate.services["service_id"])}
    counts = (use["zone"] == "home").to_numpy().copy()
    for place in np.flatnonzero((use["zone"] == "roaming").to_numpy()):
        line = index.get(use["service_id"].iloc[place])
        plan = None if line is None else estate.state["plan_id"].text(line, book.month)
        if plan in plans.index:
            country = use["country"].iloc[place]
            counts[place] = isinstance(country, str) and covers(plans.at[plan, "roaming_countries"], country)
    return use[counts]


def _watch_cycle(
    book: _Book,
    limits: Limits,
    kind: str,
    unit: str,
    cycle: tuple[str, str],
    keys: list[str],
    rows: pd.DataFrame,
    allowed: dict[str, int],
    line_of: dict[str, int],
) -> list[Alert]:
    first = periods.add_days(cycle[0], -LEARNED_DAYS)
    passed = periods.days_between(cycle[0], book.as_of) + 1
    length = periods.days_between(*cycle) + 1
    grid = _grid(rows, {key: n for n, key in enumerate(keys)}, first, LEARNED_DAYS + passed, "quantity")
    limit = np.array([allowed[key] for key in keys], dtype=float)
    used = np.cumsum(grid[:, LEARNED_DAYS:], axis=1)
    alerts: list[Alert] = []

    def alert(said: str, percent: int, n: int, d: int, crossing: str | None = None) -> Alert:
        account = book.account(line_of[keys[n]])
        alone = None if keys[n].startswith("pool:") else keys[n]
        amounts = (to_rounded_text(round(used[n, d])), to_rounded_text(round(limit[n])), unit)
        made = Alert(
            *(periods.add_days(cycle[0], d), said, keys[n], alone, account, f"{percent} %", *amounts),
            *(kind, _ACTIONS[alone is None], cycle),
            expected_on=crossing,
        )
        return replace(made, explanation=_allowance_sentence(book, made, percent, kind))

    beyond = [100 + limits.step * n for n in range(1, 50)] if limits.step > 0 else []
    for percent in [*limits.thresholds, *beyond]:
        over = used * 100 >= limit[:, None] * percent if percent < 100 else used * 100 > limit[:, None] * percent
        reached = np.flatnonzero(over.any(axis=1))
        alerts += [alert("allowance_reached", percent, int(n), int(over[n].argmax())) for n in reached]
        if not len(reached) and percent > 100:
            break
    weekend = pd.DatetimeIndex(pd.date_range(first, periods=LEARNED_DAYS + length)).dayofweek.to_numpy() >= 5
    predicted = np.zeros(len(keys), dtype=bool)
    for d in range(passed):
        now = LEARNED_DAYS + d + 1
        ahead = min(limits.ahead, length - 1 - d)
        working, free = _pace(grid[:, :now], weekend[:now])
        coming = np.where(weekend[now : now + ahead], free[:, None], working[:, None])
        total = used[:, d][:, None] + np.cumsum(coming, axis=1)
        for n in np.flatnonzero(~predicted & (used[:, d] <= limit) & (total > limit[:, None]).any(axis=1)):
            crossing = periods.add_days(cycle[0], d + 1 + int((total[n] > limit[n]).argmax()))
            alerts.append(alert("overrun_predicted", 100, int(n), d, crossing))
            predicted[n] = True
    return alerts


def _pace(grid: NDArray[np.float64], weekend: BOOL) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean use of a working day and of a weekend day so far, the largest day of each left out once there are five.

    Days before a subject's first event are unknown, not zero; with fewer than :data:`KNOWN_DAYS` there is no pace.
    """
    known = np.maximum.accumulate(grid > 0, axis=1)
    known &= known.sum(axis=1, keepdims=True) >= KNOWN_DAYS
    result = []
    for chosen in (~weekend, weekend):
        part, days = grid[:, chosen], known[:, chosen].sum(axis=1)
        top = part.max(axis=1, initial=0.0)
        trimmed = days >= 5
        total = part.sum(axis=1) - np.where(trimmed, top, 0.0)
        count = days - trimmed
        result.append(np.divide(total, count, out=np.zeros(len(grid)), where=count > 0))
    return result[0], result[1]


_ACTIONS = {
    False: "Buy an add-on or move the line up before the cycle ends.",
    True: "Buy a top-up or move lines before the cycle ends.",
}


def _allowance_sentence(book: _Book, alert: Alert, percent: int, measure: str) -> str:
    who = f"Line {book.number(alert.service_id)}" if alert.service_id else f"Pool {alert.subject.split(':', 2)[2]}"
    what = f"{alert.used} of {alert.limit} {alert.unit} ({measure})"
    if alert.expected_on:
        coming = f"at its pace it runs over on {alert.expected_on}, before the cycle ends on {alert.cycle[1]}"
        return f"{who} used {what} by {alert.on}; {coming}."
    return f"{who} {'passed' if percent >= 100 else 'reached'} {percent} % of its allowance on {alert.on}: {what}."


def _roaming(book: _Book, limits: Limits) -> list[Alert]:
    """Roaming cost of a line in the cycle: at 80 % of the limit, at the limit, and at each further one."""
    estate = book.estate
    rows = book.use[(book.use["zone"] == "roaming") & (book.use["cost"] > 0)]
    if rows.empty or limits.roaming <= 0:
        return []
    index = {name: line for line, name in enumerate(estate.services["service_id"])}
    alerts = []
    for (name, currency), group in rows.groupby(["service_id", rows["currency"].fillna("")], sort=True):
        line = index.get(str(name))
        account = None if line is None else book.account(line)
        cycle = _cycle(book, account)
        days = group[group["day"] >= cycle[0]].groupby("day")["cost"].sum().sort_index().cumsum()
        passed = 0
        for day, cost in days.items():
            steps = [80] * (cost * 100 >= limits.roaming * 80) + [
                100 * n for n in range(1, int(cost) // limits.roaming + 1)
            ]
            for percent in steps[passed:][-1:]:
                used = money_text(int(cost), str(currency) or None)
                text = (
                    f"Line {book.number(str(name))}: roaming has cost {used} by {day}, {percent} % of "
                    f"{to_rounded_text(limits.roaming)}."
                )
                alerts.append(
                    Alert(
                        *(str(day), "bill_shock", str(name), str(name), account, f"{percent} %"),
                        *(to_rounded_text(int(cost)), to_rounded_text(limits.roaming), str(currency), text),
                        "Add a roaming pack today, or ask the traveller to use Wi-Fi.",
                        cycle,
                    )
                )
            passed = max(passed, len(steps))
    return alerts


def _bursts(book: _Book, rules: tuple[Rule, ...]) -> list[Alert]:
    """Bursts of calls that an enabled policy rule over `call_burst` finds, on the day on which they began."""
    chosen = [rule for rule in rules if rule.enabled and rule.over == "call_burst"]
    if not chosen:
        return []
    estate = book.estate
    facts = GRAINS["call_burst"].build(estate)
    ids = estate.services["service_id"].tolist()
    alerts = []
    for rule in chosen:
        hit = policy.matching(rule, facts)
        hit &= np.array([rule.in_force(month) for month in estate.months], dtype=bool)[facts.month]
        assert facts.began is not None
        assert facts.label is not None
        for row in np.flatnonzero(hit):
            line = int(facts.service[row])
            began = str(np.datetime64(int(facts.began[row]), "s"))
            account = book.account(line)
            cycle = _cycle(book, account)
            excused = policy.exempted(estate, rule, facts.service[row : row + 1], facts.month[row : row + 1])[0]
            if not cycle[0] <= began[:10] <= book.as_of or excused:
                continue
            calls, cost = int(np.asarray(facts.values["calls"])[row]), int(np.asarray(facts.values["cost"])[row])
            currency = _currency(estate, line)
            at = began[:16].replace("T", " ")
            text = f"Line {book.number(ids[line])}: {calls} calls to {facts.label[row]} from {at} on"
            alerts.append(
                Alert(
                    on=began[:10],
                    kind=rule.kind,
                    subject=ids[line],
                    service_id=ids[line],
                    account_id=account,
                    level=began[11:16],
                    used=to_rounded_text(cost),
                    limit="0.00",
                    unit=currency,
                    explanation=f"{text}, {money_text(cost, currency)} so far ({rule.title.lower()}).",
                    action=rule.action,
                    cycle=cycle,
                    rule=rule.id,
                )
            )
    return alerts


def _currency(estate: Estate, line: int) -> str:
    accounts = estate.tables["accounts"].set_index("account_id")["currency"]
    found = accounts.get(estate.services["account_id"].iloc[line])
    return found if isinstance(found, str) else ""


#: What is wrong with one record, and with several.
PROBLEMS = {
    "repeat": (
        "repeats another record to the second; it is counted once",
        "repeat other records to the second; they are counted once",
    ),
    "impossible": (
        "lasts longer than a day or costs less than nothing; it is left out",
        "last longer than a day or cost less than nothing; they are left out",
    ),
    "future": ("is dated after it was loaded", "are dated after they were loaded"),
    "clock": (
        "carries a UTC offset while the line's other records do not; its day may be off by one",
        "carry a UTC offset while the line's other records do not; their days may be off by one",
    ),
}


def _problems(book: _Book, odd: pd.DataFrame) -> list[Alert]:
    ids = {name: line for line, name in enumerate(book.estate.services["service_id"])}
    alerts = []
    for name, day, problem, count in odd[["service_id", "day", "problem", "count"]].itertuples(index=False):
        line = ids.get(name)
        account = None if line is None else book.account(line)
        cycle = _cycle(book, account)
        if day < cycle[0]:
            continue
        several = count != 1
        records = f"{count:,} usage record{'s' if several else ''}"
        text = f"{records} of line {book.number(str(name))} {PROBLEMS[problem][several]}."
        alerts.append(
            Alert(
                *(min(str(day), book.as_of), "data_problem", str(name), str(name), account, problem),
                *(str(int(count)), "0", "records", text, "Check the feed; this is not about the user of the line."),
                cycle,
            )
        )
    return alerts
