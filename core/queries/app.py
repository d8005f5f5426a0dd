"""Questions of the dashboard that no rollup answers: small, indexed, bounded; amounts in micros."""

from __future__ import annotations

from typing import Any

import pandas as pd
from sqlalchemy import func, or_, select

from core.schema.billing import charges, invoices
from core.schema.rollups import spend_months
from core.schema.usage import usage
from core.schema.work import batches
from core.store import Store


def completeness(store: Store) -> dict[str, Any]:
    """Counts for the foot of a page: invoices, balanced, last_month, last_import, charges with a number, matched."""
    sums = (
        select(charges.c.invoice_id, func.sum(charges.c.amount).label("amount"))
        .group_by(charges.c.invoice_id)
        .subquery()
    )
    named = or_(charges.c.service_id.is_not(None), charges.c.billed_number.is_not(None))
    with store.reading() as reader:
        tied = reader.scalar(
            select(func.count())
            .select_from(invoices.outerjoin(sums, sums.c.invoice_id == invoices.c.invoice_id))
            .where(func.coalesce(sums.c.amount, 0) == invoices.c.total)
        )
        return {
            "invoices": int(reader.scalar(select(func.count()).select_from(invoices)) or 0),
            "balanced": int(tied or 0),
            "last_month": reader.scalar(select(func.max(spend_months.c.month))),
            "last_import": reader.scalar(select(func.max(batches.c.loaded_at)).where(batches.c.state == "committed")),
            "amount_charges": int(reader.scalar(select(func.count()).select_from(charges).where(named)) or 0),
            "matched": int(
                reader.scalar(select(func.count()).select_from(charges).where(charges.c.service_id.is_not(None))) or 0
            ),
        }


def month_charges(store: Store, month: str, *, carriers: tuple[str, ...] = (), limit: int = 50_000) -> pd.DataFrame:
    """Sums of a month's charges by carrier, service, item, category: amount and quantity, for comparing two months."""
    from core.rollups import charge_facts

    facts = charge_facts()
    keys = [facts.c[name] for name in ("carrier_id", "category", "currency")]
    detail = (
        select(
            *keys,
            facts.c.service_id,
            charges.c.item_code,
            charges.c.zone,
            func.sum(charges.c.amount).label("amount"),
            func.sum(charges.c.quantity).label("quantity"),
        )
        .select_from(facts.join(charges, charges.c.charge_id == facts.c.charge_id))
        .where(facts.c.month == month)
    )
    if carriers:
        detail = detail.where(facts.c.carrier_id.in_(carriers))
    return store.read(detail.group_by(*keys, facts.c.service_id, charges.c.item_code, charges.c.zone).limit(limit))


def service_usage(store: Store, service_id: str) -> pd.DataFrame:
    """Every usage row of one service, in order of month."""
    return store.read(
        select(usage).where(usage.c.service_id == service_id).order_by(usage.c.month, usage.c.usage_type, usage.c.zone)
    )
