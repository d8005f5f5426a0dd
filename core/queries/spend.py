"""Spend by month and any grain of the rollup; amounts in micros, one row per currency: they are never added up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
from sqlalchemy import case, func, select

from core.rollups import charge_facts
from core.schema.billing import charges, invoices
from core.schema.reference import accounts
from core.schema.rollups import line_months, spend_months
from core.store import Store

GRAINS = ("month", "carrier_id", "account_id", "site_id", "cost_center_id", "kind", "category")


def spend(
    store: Store,
    by: Sequence[str] = ("month", "carrier_id"),
    *,
    first: str | None = None,
    last: str | None = None,
    where: Mapping[str, Sequence[str]] | None = None,
) -> pd.DataFrame:
    """Columns: `by`, currency, amount (micros), charges (count); filtered to months and to values of other grains."""
    keys = [spend_months.c[name] for name in (*by, "currency")]
    statement = select(
        *keys, func.sum(spend_months.c.amount).label("amount"), func.sum(spend_months.c.charges).label("charges")
    )
    if first:
        statement = statement.where(spend_months.c.month >= first)
    if last:
        statement = statement.where(spend_months.c.month <= last)
    for name, values in (where or {}).items():
        statement = statement.where(spend_months.c[name].in_(list(values)))
    return store.read(statement.group_by(*keys).order_by(*keys))


def months(store: Store) -> list[str]:
    """Months with any charge, in order."""
    found = store.read(select(spend_months.c.month).distinct().order_by(spend_months.c.month))
    return [str(month) for month in found["month"]]


def usage_months(store: Store) -> list[str]:
    """Months with any billed or used line, in order."""
    found = store.read(select(line_months.c.month).distinct().order_by(line_months.c.month))
    return [str(month) for month in found["month"]]


def line_history(store: Store, service_id: str) -> pd.DataFrame:
    """The months of one service: what it cost and what it used."""
    return store.read(select(line_months).where(line_months.c.service_id == service_id).order_by(line_months.c.month))


def invoice_list(
    store: Store, *, first: str | None = None, last: str | None = None, account_id: str | None = None
) -> pd.DataFrame:
    """Invoices with carrier_id, number of charges, their sum `charges_total` and whether it ties (`balanced`)."""
    sums = (
        select(charges.c.invoice_id, func.sum(charges.c.amount).label("charges_total"), func.count().label("charges"))
        .group_by(charges.c.invoice_id)
        .subquery()
    )
    statement = select(
        invoices,
        accounts.c.carrier_id,
        accounts.c.number.label("account_number"),
        func.coalesce(sums.c.charges_total, 0).label("charges_total"),
        func.coalesce(sums.c.charges, 0).label("charges"),
    ).select_from(
        invoices.outerjoin(accounts, accounts.c.account_id == invoices.c.account_id).outerjoin(
            sums, sums.c.invoice_id == invoices.c.invoice_id
        )
    )
    day = func.coalesce(invoices.c.period_start, invoices.c.issued_on)
    if first:
        statement = statement.where(day >= f"{first}-01")
    if last:
        statement = statement.where(func.substr(day, 1, 7) <= last)
    if account_id:
        statement = statement.where(invoices.c.account_id == account_id)
    frame = store.read(statement.order_by(invoices.c.period_start, invoices.c.invoice_id))
    frame["balanced"] = frame["total"] == frame["charges_total"]
    return frame


def invoice_charges(store: Store, invoice_id: str) -> pd.DataFrame:
    """Every charge of one invoice."""
    return store.read(select(charges).where(charges.c.invoice_id == invoice_id).order_by(charges.c.charge_id))


def items_of_month(store: Store, month: str) -> pd.DataFrame:
    """A month's charges by account_id, carrier_id, cost_center_id, category, item_code, description (only where there
    is no code), unit and currency: amount, quantity (micros) and charges (count)."""
    facts = charge_facts()
    described = case((charges.c.item_code.is_(None), charges.c.description), else_=None)
    keys = [facts.c[name] for name in ("account_id", "carrier_id", "cost_center_id", "category", "currency")]
    statement = (
        select(
            *keys,
            charges.c.item_code,
            described.label("description"),
            charges.c.unit,
            func.sum(facts.c.amount).label("amount"),
            func.sum(func.coalesce(charges.c.quantity, 0)).label("quantity"),
            func.count().label("charges"),
        )
        .select_from(facts.join(charges, charges.c.charge_id == facts.c.charge_id))
        .where(facts.c.month == month)
        .group_by(*keys, charges.c.item_code, described, charges.c.unit)
    )
    frame = store.read(statement)
    for name in ("amount", "quantity", "charges"):
        frame[name] = pd.to_numeric(frame[name]).fillna(0).astype("int64")
    return frame
