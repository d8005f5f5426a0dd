"""Single calls, sessions and SIM cards for the rules that need more than monthly sums; read only when asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from typing import Any

import pandas as pd
from sqlalchemy import ColumnElement, and_, func, or_, select

from core.schema.inventory import sim_observations
from core.schema.usage import usage_events
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


def readers(store: Store) -> Mapping[str, Callable[[], pd.DataFrame]]:
    """The queries of this module by name, each read once and only when a rule asks for it."""
    named = {"calls": calls, "bad_events": bad_events, "event_hours": event_hours, "sim_cards": sim_cards}
    return {name: lru_cache(maxsize=1)(partial(query, store)) for name, query in named.items()}
