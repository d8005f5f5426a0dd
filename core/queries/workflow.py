"""Charges by contract, invoice and account, for contracts, disputes, savings and allocation; amounts in micros."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
from sqlalchemy import ColumnElement, Select, func, select

from core import periods
from core.schema.billing import charges, invoices
from core.schema.reference import accounts
from core.schema.rollups import line_months
from core.schema.usage import usage
from core.store import Store, now

_CHUNK = 500


def charge_day() -> ColumnElement[Any]:
    """The day a charge belongs to: its period_start, else its invoice's, else the day of issue."""
    return func.coalesce(charges.c.period_start, invoices.c.period_start, invoices.c.issued_on)


def last_invoice_day(store: Store) -> str | None:
    """The last day of the last month with an invoice: what "today" is by default; None without invoices."""
    day = func.coalesce(invoices.c.period_start, invoices.c.issued_on)
    newest = store.scalar(select(func.max(day)))
    return None if newest is None else periods.month_end(str(newest)[:7])


def today(store: Store) -> str:
    """The default of `--as-of`: the last day of the last month with an invoice, else the real day."""
    return last_invoice_day(store) or now()[:10]


def _charges() -> Select[Any]:
    return select(
        charges,
        charge_day().label("day"),
        invoices.c.account_id,
        invoices.c.number,
        invoices.c.issued_on,
        func.coalesce(invoices.c.currency, accounts.c.currency).label("currency"),
        accounts.c.carrier_id,
    ).select_from(
        charges.join(invoices, invoices.c.invoice_id == charges.c.invoice_id).outerjoin(
            accounts, accounts.c.account_id == invoices.c.account_id
        )
    )


def charges_named(store: Store, charge_ids: Sequence[str]) -> pd.DataFrame:
    """The named charges with day, account_id, number and issued_on of their invoice, currency, carrier_id."""
    wanted = sorted(set(charge_ids))
    parts = [
        store.read(_charges().where(charges.c.charge_id.in_(wanted[start : start + _CHUNK])))
        for start in range(0, max(len(wanted), 1), _CHUNK)
    ]
    return pd.concat(parts, ignore_index=True).sort_values("charge_id", ignore_index=True)


def credits(store: Store, account_ids: Sequence[str]) -> pd.DataFrame:
    """Negative charges of category credit, adjustment or occ on invoices of the accounts, oldest invoice first."""
    wanted = sorted(set(account_ids))
    parts = [
        store.read(
            _charges().where(
                invoices.c.account_id.in_(wanted[start : start + _CHUNK]),
                charges.c.category.in_(("credit", "adjustment", "occ")),
                charges.c.amount < 0,
            )
        )
        for start in range(0, max(len(wanted), 1), _CHUNK)
    ]
    return pd.concat(parts, ignore_index=True).sort_values(["issued_on", "charge_id"], ignore_index=True)


def last_recurring(store: Store, month: str) -> pd.DataFrame:
    """service_id and `mrc` (micros) of the newest month up to `month` in which each service had a recurring charge."""
    there = (line_months.c.month <= month, line_months.c.mrc > 0)
    newest = select(line_months.c.service_id, func.max(line_months.c.month).label("month")).where(*there)
    last = newest.group_by(line_months.c.service_id).subquery()
    same = (line_months.c.service_id == last.c.service_id) & (line_months.c.month == last.c.month)
    statement = select(line_months.c.service_id, line_months.c.mrc).select_from(line_months.join(last, same))
    return store.read(statement.where(line_months.c.mrc > 0).order_by(line_months.c.service_id, line_months.c.currency))


def invoices_of_month(store: Store, month: str) -> pd.DataFrame:
    """Invoices whose period_start (else day of issue) lies in `month`, with carrier_id; in order of invoice_id."""
    day = func.coalesce(invoices.c.period_start, invoices.c.issued_on)
    return store.read(
        select(
            invoices.c.invoice_id,
            invoices.c.account_id,
            invoices.c.number,
            day.label("day"),
            func.coalesce(invoices.c.currency, accounts.c.currency).label("currency"),
            invoices.c.total,
            accounts.c.carrier_id,
        )
        .select_from(invoices.outerjoin(accounts, accounts.c.account_id == invoices.c.account_id))
        .where(day >= periods.month_start(month), day <= periods.month_end(month))
        .order_by(invoices.c.invoice_id)
    )


def charges_of_month(store: Store, month: str) -> pd.DataFrame:
    """Every charge of those invoices, with day, account_id, currency, carrier_id; in order of charge_id."""
    day = func.coalesce(invoices.c.period_start, invoices.c.issued_on)
    statement = _charges().where(day >= periods.month_start(month), day <= periods.month_end(month))
    return store.read(statement.order_by(charges.c.charge_id))


def all_charges(store: Store, month: str | None = None) -> pd.DataFrame:
    """Every charge with what :func:`charges_named` adds (of one month of use, if given); in order of charge_id."""
    statement = _charges()
    if month:
        statement = statement.where(func.substr(charge_day(), 1, 7) == month)
    return store.read(statement.order_by(charges.c.charge_id))


def daily_spend(store: Store, until: str) -> pd.DataFrame:
    """What counts towards commitments, by account_id, service_id, day, currency and category (mrc, usage, credit)."""
    day = charge_day()
    currency = func.coalesce(invoices.c.currency, accounts.c.currency)
    keys = [invoices.c.account_id, charges.c.service_id, day, currency, charges.c.category]
    statement = (
        select(
            invoices.c.account_id,
            charges.c.service_id,
            day.label("day"),
            currency.label("currency"),
            charges.c.category,
            func.sum(charges.c.amount).label("amount"),
        )
        .select_from(
            charges.join(invoices, invoices.c.invoice_id == charges.c.invoice_id).outerjoin(
                accounts, accounts.c.account_id == invoices.c.account_id
            )
        )
        .where(charges.c.category.in_(("mrc", "usage", "credit")), day <= until)
        .group_by(*keys)
    )
    frame = store.read(statement.order_by(*keys))
    frame["amount"] = pd.to_numeric(frame["amount"]).astype("int64") if len(frame) else frame["amount"]
    return frame


def items_billed(store: Store, first: str, last: str) -> pd.DataFrame:
    """Sums by month of use, carrier_id, currency, category, item_code: amount, quantity, lines (distinct services)."""
    month = func.substr(charge_day(), 1, 7)
    currency = func.coalesce(invoices.c.currency, accounts.c.currency)
    keys = [month, accounts.c.carrier_id, currency, charges.c.category, charges.c.item_code]
    statement = (
        select(
            month.label("month"),
            accounts.c.carrier_id,
            currency.label("currency"),
            charges.c.category,
            charges.c.item_code,
            func.sum(charges.c.amount).label("amount"),
            func.sum(func.coalesce(charges.c.quantity, 0)).label("quantity"),
            func.count(func.distinct(charges.c.service_id)).label("lines"),
            func.count().label("charges"),
        )
        .select_from(
            charges.join(invoices, invoices.c.invoice_id == charges.c.invoice_id).outerjoin(
                accounts, accounts.c.account_id == invoices.c.account_id
            )
        )
        .where(month >= first, month <= last)
        .group_by(*keys)
    )
    frame = store.read(statement.order_by(*keys))
    for name in ("amount", "quantity", "lines", "charges"):
        frame[name] = pd.to_numeric(frame[name]).fillna(0).astype("int64")
    return frame


def month_usage(store: Store, month: str) -> pd.DataFrame:
    """Usage of a month by service_id, usage_type, zone (blank = home): quantity (micros)."""
    zone = func.coalesce(usage.c.zone, "home")
    keys = [usage.c.service_id, usage.c.usage_type, zone]
    statement = (
        select(usage.c.service_id, usage.c.usage_type, zone.label("zone"), func.sum(usage.c.quantity).label("quantity"))
        .where(usage.c.month == month)
        .group_by(*keys)
    )
    return store.read(statement.order_by(*keys))
