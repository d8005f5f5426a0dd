"""What the audit asks of single events: calls that are long or dear enough for a rule to look at."""

from __future__ import annotations

import pandas as pd
from sqlalchemy import func, or_, select

from core.schema.usage import usage_events
from core.store import Store

#: Calls shorter and cheaper than this are never looked at one by one: an hour, ten units of money.
FLOOR_S = 3600 * 1_000_000
FLOOR_COST = 10 * 1_000_000


def long_calls(store: Store) -> pd.DataFrame:
    """Outgoing domestic calls of at least :data:`FLOOR_S` or :data:`FLOOR_COST`: service_id, started_at, zone,
    peer_number, quantity (minutes), duration_s, cost, currency; all numbers in micros."""
    table = usage_events
    names = ("service_id", "started_at", "peer_number", "quantity", "duration_s", "cost", "currency")
    statement = select(*(table.c[name] for name in names)).where(
        table.c.usage_type == "voice",
        func.coalesce(table.c.zone, "home") == "home",
        func.coalesce(table.c.direction, "out") == "out",
        or_(table.c.duration_s >= FLOOR_S, table.c.quantity * 60 >= FLOOR_S, table.c.cost >= FLOOR_COST),
    )
    return store.read(statement.order_by(table.c.service_id, table.c.started_at))
