"""Single calls, sessions and SIM cards for the rules that need more than monthly sums; read only when asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from typing import Any

import pandas as pd
from sqlalchemy import ColumnElement, and_, case, func, literal, or_, select, union_all

from core import periods
from core.schema.inventory import sim_observations
from core.schema.usage import usage_events
from core.schema.work import batches
from core.store import Store

#: The longest single call or session that is believed: a day, in micros of a second.
LONGEST_S = 86_400 * 1_000_000
#: Monday to Friday, from the first hour to before the second, local time.
WORKING_HOURS = (7, 20)

EVENT = ("service_id", "started_at", "direction", "usage_type", "zone", "country", "peer_number", "peer_country")
MEASURES = ("quantity", "duration_s", "cost")


def month_of_event() -> ColumnElement[Any]:
    """The month in which an event began, by the clock it was recorded with."""
    return func.substr(usage_events.c.started_at, 1, 7)


def believed() -> ColumnElement[bool]:
    """Events that can have happened: no longer than a day, no cost below zero."""
    table = usage_events
    return and_(func.coalesce(table.c.duration_s, 0) <= LONGEST_S, func.coalesce(table.c.cost, 0) >= 0)


def calls(store: Store) -> pd.DataFrame:
    """Calls with another country or a premium number, repeats and unbelievable ones left out, in order of time.

    Columns :data:`EVENT` (direction filled), month, duration_s and cost (micros, blank = 0).
    """
    table = usage_events
    out = and_(func.coalesce(table.c.direction, "out") == "out", table.c.zone.in_(("international", "premium")))
    abroad = and_(table.c.zone == "roaming", table.c.peer_country != table.c.country)
    came = and_(table.c.direction == "in", table.c.peer_number.is_not(None))
    columns = [table.c[name] for name in (*EVENT, "duration_s", "cost", "currency")]
    statement = select(*columns, month_of_event().label("month")).where(
        table.c.usage_type == "voice", believed(), or_(out, abroad, came)
    )
    frame = store.read(statement.distinct().order_by(table.c.service_id, table.c.started_at, table.c.peer_number))
    frame["direction"] = frame["direction"].fillna("out")
    for name in ("duration_s", "cost"):
        frame[name] = pd.to_numeric(frame[name]).fillna(0).astype("int64")
    return frame


def bad_events(store: Store) -> pd.DataFrame:
    """service_id, month, count: events that repeat another to the second, or cannot have happened."""
    table, month = usage_events, month_of_event()
    same = [table.c[name] for name in (*EVENT, *MEASURES)]
    # Parts of a long message carry one time and one number, so messages are not compared.
    groups = (
        select(table.c.service_id, month.label("month"), func.count().label("times"))
        .where(table.c.usage_type != "sms")
        .group_by(*same)
        .subquery()
    )
    repeats = select(groups.c.service_id, groups.c.month, func.sum(groups.c.times - 1).label("count"))
    repeats = repeats.where(groups.c.times > 1).group_by(groups.c.service_id, groups.c.month)
    odd = (
        select(table.c.service_id, month.label("month"), func.count().label("count"))
        .where(~believed())
        .group_by(table.c.service_id, month)
    )
    frame = pd.concat([store.read(repeats), store.read(odd)], ignore_index=True)
    frame["count"] = pd.to_numeric(frame["count"]).fillna(0).astype("int64")
    return frame.groupby(["service_id", "month"], as_index=False)["count"].sum()


def event_hours(store: Store) -> pd.DataFrame:
    """service_id, month, off (outside :data:`WORKING_HOURS`), count: how many believed events there were."""
    table = usage_events
    hour = func.substr(table.c.started_at, 1, 13)
    statement = select(table.c.service_id, hour.label("hour"), func.count().label("count")).where(
        believed(), func.length(table.c.started_at) >= 13
    )
    frame = store.read(statement.group_by(table.c.service_id, hour))
    if frame.empty:
        return pd.DataFrame(columns=["service_id", "month", "off", "count"])
    frame["count"] = frame["count"].astype("int64")
    when = pd.to_datetime(frame["hour"].str.replace(" ", "T"), format="%Y-%m-%dT%H", errors="coerce")
    first, last = WORKING_HOURS
    off = (when.dt.dayofweek >= 5) | (when.dt.hour < first) | (when.dt.hour >= last)
    frame = frame.assign(month=frame["hour"].str[:7], off=off)[when.notna()]
    return frame.groupby(["service_id", "month", "off"], as_index=False)["count"].sum()


def sim_cards(store: Store) -> pd.DataFrame:
    """service_id, month, iccid: the SIM cards seen in a line."""
    table = sim_observations
    month = func.substr(table.c.observed_on, 1, 7)
    statement = select(table.c.service_id, month.label("month"), table.c.iccid).where(table.c.iccid.is_not(None))
    return store.read(statement.distinct().order_by(table.c.service_id, "month", table.c.iccid))


def daily_use(store: Store, first: str, last: str) -> pd.DataFrame:
    """What believed events add up to, repeats once: service_id, day, usage_type, zone (blank = home), country,
    currency, quantity and cost (micros), of the days `first`..`last`."""
    table = usage_events
    day = func.substr(table.c.started_at, 1, 10)
    columns = [table.c[name] for name in (*EVENT, *MEASURES, "currency")]
    within = and_(believed(), day >= first, day <= last)
    # Parts of a long message carry one time and one number: only calls and sessions can repeat.
    events = union_all(
        select(*columns).where(within, table.c.usage_type != "sms").distinct(),
        select(*columns).where(within, table.c.usage_type == "sms"),
    ).subquery("events")
    zone = func.coalesce(events.c.zone, "home")
    when = func.substr(events.c.started_at, 1, 10)
    keys = [events.c.service_id, when, events.c.usage_type, zone, events.c.country, events.c.currency]
    names = ("service_id", "day", "usage_type", "zone", "country", "currency")
    statement = select(
        *(key.label(name) for key, name in zip(keys, names, strict=True)),
        func.sum(func.coalesce(events.c.quantity, 0)).label("quantity"),
        func.sum(func.coalesce(events.c.cost, 0)).label("cost"),
    ).group_by(*keys)
    frame = store.read(statement)
    for name in ("quantity", "cost"):
        frame[name] = pd.to_numeric(frame[name]).fillna(0).astype("int64")
    return frame


def newest_event(store: Store) -> str | None:
    """The day of the newest event that had happened when it was loaded."""
    table = usage_events
    day = func.substr(table.c.started_at, 1, 10)
    loaded = func.substr(batches.c.loaded_at, 1, 10)
    statement = select(func.max(day)).select_from(table.outerjoin(batches, batches.c.batch_id == table.c.batch_id))
    found = store.scalar(statement.where(or_(loaded.is_(None), day <= loaded)))
    return None if found is None else str(found)


def odd_events(store: Store, first: str, last: str) -> pd.DataFrame:
    """Events of the days `first`..`last` that cannot be right: service_id, day, problem, count.

    `repeat` (another says the same to the second), `impossible` (longer than a day, a cost below zero), `future` (later
    than the day after it was loaded), `clock` (a line whose events have a UTC offset on some and none on others).
    """
    table = usage_events
    day = func.substr(table.c.started_at, 1, 10)
    within = and_(day >= first, day <= last)
    same = [table.c[name] for name in (*EVENT, *MEASURES)]
    groups = (
        select(table.c.service_id, day.label("day"), func.count().label("times"))
        .where(within, table.c.usage_type != "sms")
        .group_by(*same)
        .subquery()
    )
    repeats = select(groups.c.service_id, groups.c.day, func.sum(groups.c.times - 1).label("count"))
    repeats = repeats.where(groups.c.times > 1).group_by(groups.c.service_id, groups.c.day)
    impossible = select(table.c.service_id, day.label("day"), func.count().label("count")).where(within, ~believed())
    offset = case((func.length(table.c.started_at) > 19, literal(1)), else_=literal(0))
    clocks = select(table.c.service_id, func.max(day).label("day"), func.sum(offset).label("count"))
    clocks = clocks.where(within).group_by(table.c.service_id).having(func.min(offset) < func.max(offset))
    stamps = (
        select(table.c.service_id, day.label("day"), batches.c.loaded_at, func.count().label("count"))
        .select_from(table.join(batches, batches.c.batch_id == table.c.batch_id))
        .where(day >= first, day > func.substr(batches.c.loaded_at, 1, 10))
        .group_by(table.c.service_id, day, batches.c.loaded_at)
    )
    late = store.read(stamps)
    if len(late):
        late = late[[periods.add_days(at[:10], 1) < on for at, on in zip(late["loaded_at"], late["day"], strict=True)]]
    impossible = impossible.group_by(table.c.service_id, day)
    listed = [
        store.read(repeats).assign(problem="repeat"),
        store.read(impossible).assign(problem="impossible"),
        store.read(clocks).assign(problem="clock"),
        late.drop(columns="loaded_at").assign(problem="future"),
    ]
    frame = pd.concat(listed, ignore_index=True)
    frame["count"] = pd.to_numeric(frame["count"]).fillna(0).astype("int64")
    return frame.sort_values(["service_id", "day", "problem"], ignore_index=True)


def readers(store: Store) -> Mapping[str, Callable[[], pd.DataFrame]]:
    """The queries of this module by name, each read once and only when a rule asks for it."""
    named = {"calls": calls, "bad_events": bad_events, "event_hours": event_hours, "sim_cards": sim_cards}
    return {name: lru_cache(maxsize=1)(partial(query, store)) for name, query in named.items()}
