"""What lines used and were billed, summed per line and month in the database, for policy rules and the model."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pandas as pd
from sqlalchemy import ColumnElement, Subquery, case, func, literal, select

from core.money import SCALE
from core.schema.billing import charges, invoices
from core.schema.inventory import devices, sim_observations
from core.schema.reference import accounts
from core.schema.rollups import line_months
from core.schema.usage import usage, usage_events
from core.schema.work import model_runs
from core.store import Store

_CHUNK = 500

#: A call of at most this many seconds to another country is a short one: ring-and-drop schemes live from them.
SHORT_CALL_S = 60


def _charge_day() -> ColumnElement[Any]:
    return func.coalesce(charges.c.period_start, invoices.c.period_start, invoices.c.issued_on)


def _service_charges(*names: str) -> Subquery:
    day = _charge_day()
    joined = charges.join(invoices, invoices.c.invoice_id == charges.c.invoice_id).outerjoin(
        accounts, accounts.c.account_id == invoices.c.account_id
    )
    return (
        select(
            charges.c.service_id,
            func.substr(day, 1, 7).label("month"),
            func.coalesce(invoices.c.currency, accounts.c.currency).label("currency"),
            *(charges.c[name] for name in names),
        )
        .select_from(joined)
        .where(charges.c.service_id.is_not(None), charges.c.category != "tax", day.is_not(None))
        .subquery("service_charges")
    )


def usage_by_line(store: Store) -> pd.DataFrame:
    """Columns service_id, month, usage_type, zone (blank = home), country, currency, quantity, cost (micros), rows."""
    keys = [usage.c[name] for name in ("service_id", "month", "usage_type", "zone", "country", "currency")]
    statement = select(
        *keys,
        func.sum(usage.c.quantity).label("quantity"),
        func.sum(func.coalesce(usage.c.cost, 0)).label("cost"),
        func.count().label("rows"),
    )
    frame = store.read(statement.group_by(*keys))
    frame["zone"] = frame["zone"].fillna("home")
    return _whole(frame, "quantity", "cost", "rows").sort_values(
        ["service_id", "month", "usage_type", "zone", "country", "currency"], ignore_index=True
    )


def charges_by_line(store: Store) -> pd.DataFrame:
    """Charges of services by month, category and item; amounts and quantities in micros, tax left out.

    Columns service_id, month (of use), category, item_code, description, provider, zone, country, unit, currency,
    amount, quantity, charges (count).
    """
    names = ("category", "item_code", "description", "provider", "zone", "country", "unit")
    facts = _service_charges(*names, "quantity", "amount")
    keys = [facts.c[name] for name in ("service_id", "month", *names, "currency")]
    statement = select(
        *keys,
        func.sum(facts.c.amount).label("amount"),
        func.sum(func.coalesce(facts.c.quantity, 0)).label("quantity"),
        func.count().label("charges"),
    ).group_by(*keys)
    frame = _whole(store.read(statement), "amount", "quantity", "charges")
    return frame.sort_values(["service_id", "month", *names, "currency"], ignore_index=True)


def charges_of(store: Store, service_ids: Sequence[str]) -> pd.DataFrame:
    """Single charges of the named services, tax left out: charge_id, invoice_id, service_id, month, category,
    item_code, description, zone, country, unit, amount, currency."""
    parts = []
    names = ("charge_id", "invoice_id", "category", "item_code", "description", "zone", "country", "unit", "amount")
    facts = _service_charges(*names)
    wanted = sorted(set(service_ids))
    for start in range(0, max(len(wanted), 1), _CHUNK):
        chunk = wanted[start : start + _CHUNK]
        parts.append(store.read(select(facts).where(facts.c.service_id.in_(chunk)).order_by(facts.c.charge_id)))
    return pd.concat(parts, ignore_index=True)


def events_by_line(store: Store) -> pd.DataFrame:
    """Calls to other countries by line and month: service_id, month, destinations, intl_calls, short_calls.

    `short_calls` are outgoing calls to another country of 1 to :data:`SHORT_CALL_S` seconds.
    """
    table = usage_events
    calls = (
        select(
            table.c.service_id,
            func.substr(table.c.started_at, 1, 7).label("month"),
            table.c.peer_country,
            case((table.c.duration_s.between(1, SHORT_CALL_S * SCALE), literal(1)), else_=literal(0)).label("short"),
        )
        .where(
            table.c.usage_type == "voice",
            table.c.zone == "international",
            func.coalesce(table.c.direction, "out") == "out",
        )
        .subquery("calls")
    )
    keys = [calls.c.service_id, calls.c.month]
    statement = (
        select(
            *keys,
            func.count(func.distinct(calls.c.peer_country)).label("destinations"),
            func.count().label("intl_calls"),
            func.sum(calls.c.short).label("short_calls"),
        )
        .group_by(*keys)
        .order_by(*keys)
    )
    return _whole(store.read(statement), "destinations", "intl_calls", "short_calls")


def sims_by_line(store: Store) -> pd.DataFrame:
    """Equipment seen in a line: service_id, month, imei; one row for each device identity and month."""
    month = func.substr(sim_observations.c.observed_on, 1, 7)
    statement = select(sim_observations.c.service_id, month.label("month"), sim_observations.c.imei)
    return store.read(
        statement.where(sim_observations.c.imei.is_not(None))
        .distinct()
        .order_by(sim_observations.c.service_id, "month", sim_observations.c.imei)
    )


def cards_by_line(store: Store) -> pd.DataFrame:
    """SIM cards seen in equipment: service_id, month, iccid, imei, where both identities are told."""
    seen = sim_observations
    month = func.substr(seen.c.observed_on, 1, 7)
    statement = select(seen.c.service_id, month.label("month"), seen.c.iccid, seen.c.imei)
    return store.read(
        statement.where(seen.c.imei.is_not(None), seen.c.iccid.is_not(None))
        .distinct()
        .order_by(seen.c.service_id, "month", seen.c.iccid, seen.c.imei)
    )


def known_devices(store: Store) -> pd.DataFrame:
    """Asset records: service_id, imei, assigned_on, for equipment with both a service and an identity."""
    statement = select(devices.c.service_id, devices.c.imei, devices.c.assigned_on)
    return store.read(
        statement.where(devices.c.service_id.is_not(None), devices.c.imei.is_not(None)).order_by(devices.c.device_id)
    )


def line_spend(store: Store) -> pd.DataFrame:
    """Billed lines: month, currency, total (micros, above 0); what the fleet's unit of money is taken from."""
    statement = select(line_months.c.month, line_months.c.currency, line_months.c.total)
    return store.read(statement.where(line_months.c.total > 0).order_by(line_months.c.month))


def newest_run(store: Store) -> dict[str, Any] | None:
    """The summary of the newest run of the anomaly model, with the time `at` it was made; None before the first."""
    frame = store.read(select(model_runs).order_by(model_runs.c.run_id.desc()).limit(1))
    if frame.empty:
        return None
    return {**json.loads(frame["summary"].iloc[0]), "at": str(frame["at"].iloc[0])}


def _whole(frame: pd.DataFrame, *names: str) -> pd.DataFrame:
    for name in names:
        frame[name] = pd.to_numeric(frame[name]).fillna(0).astype("int64")
    return frame
