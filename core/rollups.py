"""Refreshes the small sums that pages read, in the transaction that changes what they sum.

A charge belongs to the month of its period_start, else to its invoice's, else to the month of issue. Its carrier is
the account's; cost center and site are those of its service on that day, else of the service's holder.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, Select, Subquery, and_, case, func, literal, null, or_, select, union_all

from core.schema.billing import charges, invoices
from core.schema.inventory import service_history, services
from core.schema.reference import accounts, employees
from core.schema.rollups import line_months, spend_months
from core.schema.usage import usage
from core.store import Store, Txn

_OTHER = ("nrc", "occ", "surcharge", "credit", "adjustment", "equipment", "late_fee", "tax")


def charge_facts(months: list[str] | None = None) -> Subquery:
    """Charges (of `months`, if given) with their month, currency, carrier and the service's state on their day."""
    day = func.coalesce(charges.c.period_start, invoices.c.period_start, invoices.c.issued_on)
    history = service_history
    span = and_(
        history.c.service_id == charges.c.service_id,
        history.c.valid_from <= day,
        or_(history.c.valid_to.is_(None), history.c.valid_to > day),
    )
    holder = func.coalesce(history.c.employee_id, services.c.employee_id)
    wanted: list[ColumnElement[bool]] = [day.is_not(None)]
    if months is not None:
        own = charges.c.period_start
        # the second condition follows from the first; it leaves out most charges before anything is joined to them
        wanted += [func.substr(day, 1, 7).in_(months), or_(own.is_(None), func.substr(own, 1, 7).in_(months))]
    joined = (
        charges.join(invoices, invoices.c.invoice_id == charges.c.invoice_id)
        .outerjoin(accounts, accounts.c.account_id == invoices.c.account_id)
        .outerjoin(services, services.c.service_id == charges.c.service_id)
        .outerjoin(history, span)
        .outerjoin(employees, employees.c.employee_id == holder)
    )
    return (
        select(
            charges.c.charge_id,
            charges.c.invoice_id,
            charges.c.service_id,
            charges.c.category,
            charges.c.amount,
            func.substr(day, 1, 7).label("month"),
            func.coalesce(invoices.c.currency, accounts.c.currency).label("currency"),
            invoices.c.account_id,
            accounts.c.carrier_id,
            services.c.kind,
            func.coalesce(history.c.cost_center_id, services.c.cost_center_id, employees.c.cost_center_id).label(
                "cost_center_id"
            ),
            func.coalesce(history.c.site_id, services.c.site_id, employees.c.site_id).label("site_id"),
        )
        .select_from(joined)
        .where(*wanted)
        .subquery("charge_facts")
    )


def _spend(months: list[str] | None) -> Select[Any]:
    facts = charge_facts(months)
    keys = [
        facts.c[n]
        for n in ("month", "carrier_id", "account_id", "site_id", "cost_center_id", "kind", "category", "currency")
    ]
    statement = select(*keys, func.sum(facts.c.amount).label("amount"), func.count().label("charges")).group_by(*keys)
    return statement.order_by(facts.c.month)


def _sum(value: ColumnElement[Any], *when: ColumnElement[bool]) -> ColumnElement[Any]:
    return func.coalesce(func.sum(case((and_(*when), value), else_=literal(0))), 0)


def _billed(months: list[str] | None) -> Select[Any]:
    facts = charge_facts(months)
    category = facts.c.category
    usage_like = category.in_(("usage", "third_party"))
    return (
        select(
            facts.c.service_id,
            facts.c.month,
            func.max(facts.c.currency).label("currency"),
            _sum(facts.c.amount, category == "mrc").label("mrc"),
            _sum(facts.c.amount, usage_like).label("usage_charges"),
            _sum(facts.c.amount, category.in_(_OTHER)).label("other_charges"),
            func.sum(facts.c.amount).label("total"),
        )
        .where(facts.c.service_id.is_not(None))
        .group_by(facts.c.service_id, facts.c.month)
    )


def _used(months: list[str] | None) -> Select[Any]:
    kind, zone = usage.c.usage_type, func.coalesce(usage.c.zone, "home")
    statement = select(
        usage.c.service_id,
        usage.c.month,
        func.max(usage.c.currency).label("currency"),
        _sum(usage.c.quantity, kind == "data").label("data_mb"),
        _sum(usage.c.quantity, kind == "voice").label("voice_min"),
        _sum(usage.c.quantity, kind == "sms").label("sms"),
        _sum(usage.c.quantity, kind == "data", zone == "roaming").label("roaming_data_mb"),
        _sum(func.coalesce(usage.c.cost, 0), zone == "roaming").label("roaming_cost"),
    ).group_by(usage.c.service_id, usage.c.month)
    return statement if months is None else statement.where(usage.c.month.in_(months))


_BILLED = ("mrc", "usage_charges", "other_charges", "total")
_USED = ("data_mb", "voice_min", "sms", "roaming_data_mb", "roaming_cost")


def _lines(months: list[str] | None) -> Select[Any]:
    """What each line was billed and what it used, in one row for each month; the bill's currency goes first."""
    parts = []
    for part in (_billed(months).subquery("billed"), _used(months).subquery("used")):
        bill = part.name == "billed"
        parts.append(
            select(
                part.c.service_id,
                part.c.month,
                (part.c.currency if bill else null()).label("billed_in"),
                (null() if bill else part.c.currency).label("used_in"),
                *(part.c[name] if name in part.c else literal(0).label(name) for name in (*_BILLED, *_USED)),
            )
        )
    both = union_all(*parts).subquery("both")
    currency = func.coalesce(func.max(both.c.billed_in), func.max(both.c.used_in)).label("currency")
    sums = [func.sum(both.c[name]).label(name) for name in (*_BILLED, *_USED)]
    keys = (both.c.service_id, both.c.month)
    return select(*keys, currency, *sums).group_by(*keys).order_by(*keys)


def refresh(txn: Txn, months: Iterable[str] | None = None) -> None:
    """Recompute the rollups of `months`; of all months when None (after a change of inventory, people or accounts)."""
    chosen = None if months is None else sorted(set(months))
    if chosen == []:
        return
    for table, rows in ((spend_months, _spend(chosen)), (line_months, _lines(chosen))):
        old = table.delete()
        txn.execute(old if chosen is None else old.where(table.c.month.in_(chosen)))
        txn.execute(table.insert().from_select([column.name for column in rows.selected_columns], rows))


def check(store: Store) -> list[str]:
    """One line for each rollup whose sums differ from the facts; empty when sound."""
    facts = charge_facts()
    totals = select(facts.c.month, facts.c.currency, func.sum(facts.c.amount).label("amount")).group_by(
        facts.c.month, facts.c.currency
    )
    sums = select(
        spend_months.c.month, spend_months.c.currency, func.sum(spend_months.c.amount).label("amount")
    ).group_by(spend_months.c.month, spend_months.c.currency)
    with store.reading() as reader:
        left, right = reader.read(totals), reader.read(sums)
    both = left.merge(right, on=["month", "currency"], how="outer", suffixes=("_facts", "_rollup"))
    wrong = both[both["amount_facts"].fillna(0) != both["amount_rollup"].fillna(0)]
    return [
        f"rollup of {row.month} {row.currency} says {row.amount_rollup}, the charges say {row.amount_facts} millionths"
        for row in wrong.itertuples()
    ]
