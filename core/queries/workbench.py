"""What the workbench pages ask: one finding with its charges, fleet usage, roaming, peers, scenarios and results."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from sqlalchemy import func, select

from core.schema.billing import invoices
from core.schema.inventory import services
from core.schema.rollups import line_months
from core.schema.usage import usage
from core.schema.work import audit_trail, findings, results, scenarios
from core.store import Store

#: The columns of a finding that a list shows: everything but its documents.
LISTED = (
    *("finding_id", "queue", "rule", "family", "kind", "subject_type", "subject_id", "service_id", "account_id"),
    *("carrier_id", "month", "episode_id", "amount_at_stake", "amount_counted", "currency", "direction", "claim"),
    *("severity", "score", "file_by", "withhold_by", "state", "owner", "due_on", "explanation"),
)


def finding_list(store: Store, queues: Sequence[str]) -> pd.DataFrame:
    """Current findings of the queues, columns :data:`LISTED`, in order of finding_id; amounts and score in micros."""
    columns = [findings.c[name] for name in LISTED]
    statement = select(*columns).where(findings.c.queue.in_(list(queues)), findings.c.current == 1)
    return store.read(statement.order_by(findings.c.finding_id))


def finding(store: Store, finding_id: str) -> pd.DataFrame:
    """One finding with its documents: a frame of one row, or none."""
    return store.read(select(findings).where(findings.c.finding_id == finding_id))


def finding_of(store: Store, episode_id: str) -> pd.DataFrame:
    """The findings of one episode by month, without their documents."""
    columns = [findings.c[name] for name in LISTED]
    return store.read(select(*columns).where(findings.c.episode_id == episode_id).order_by(findings.c.month))


def trail_of(store: Store, subjects: Sequence[str]) -> pd.DataFrame:
    """What was done to these subjects (ids of findings, disputes), newest first: at, actor, action, detail."""
    names = ("at", "actor", "action", "subject", "detail")
    statement = select(*[audit_trail.c[name] for name in names]).where(audit_trail.c.subject.in_(list(subjects)[:500]))
    return store.read(statement.order_by(audit_trail.c.entry_id.desc()))


def invoice_heads(store: Store, invoice_ids: Sequence[str]) -> pd.DataFrame:
    """Number, day of issue, currency and total of the named invoices."""
    names = ("invoice_id", "account_id", "number", "issued_on", "due_on", "currency", "total")
    wanted = invoices.c.invoice_id.in_(list(invoice_ids)[:500])
    return store.read(select(*[invoices.c[name] for name in names]).where(wanted).order_by(invoices.c.issued_on))


def fleet_usage(store: Store) -> pd.DataFrame:
    """Use by month, carrier_id, kind, usage_type, zone and currency: quantity, cost (micros), lines (count)."""
    zone = func.coalesce(usage.c.zone, "home")
    keys = (usage.c.month, services.c.carrier_id, services.c.kind, usage.c.usage_type, zone, usage.c.currency)
    statement = (
        select(
            usage.c.month,
            services.c.carrier_id,
            services.c.kind,
            usage.c.usage_type,
            zone.label("zone"),
            usage.c.currency,
            func.sum(usage.c.quantity).label("quantity"),
            func.sum(func.coalesce(usage.c.cost, 0)).label("cost"),
            func.count(usage.c.service_id.distinct()).label("lines"),
        )
        .select_from(usage.outerjoin(services, services.c.service_id == usage.c.service_id))
        .group_by(*keys)
    )
    return store.read(statement.order_by(*keys))


def line_use(store: Store, first: str, last: str) -> pd.DataFrame:
    """Use of each line over the months by usage_type and zone: service_id, usage_type, zone, quantity (micros)."""
    zone = func.coalesce(usage.c.zone, "home")
    keys = (usage.c.service_id, usage.c.usage_type, zone)
    statement = (
        select(
            usage.c.service_id,
            usage.c.usage_type,
            zone.label("zone"),
            func.sum(usage.c.quantity).label("quantity"),
        )
        .where(usage.c.month.between(first, last))
        .group_by(*keys)
    )
    return store.read(statement.order_by(*keys))


def roaming(store: Store, first: str, last: str) -> pd.DataFrame:
    """Roaming by country, carrier_id, usage_type and currency over the months: quantity, cost (micros), lines."""
    keys = (usage.c.country, services.c.carrier_id, usage.c.usage_type, usage.c.currency)
    statement = (
        select(
            *keys,
            func.sum(usage.c.quantity).label("quantity"),
            func.sum(func.coalesce(usage.c.cost, 0)).label("cost"),
            func.count(usage.c.service_id.distinct()).label("lines"),
        )
        .select_from(usage.outerjoin(services, services.c.service_id == usage.c.service_id))
        .where(usage.c.zone == "roaming", usage.c.month >= first, usage.c.month <= last)
        .group_by(*keys)
    )
    return store.read(statement.order_by(*keys))


def peers(store: Store, month: str, kind: str, plan_id: str | None) -> pd.DataFrame:
    """Lines of a kind (and plan, if given) in a month: service_id, data_mb, voice_min, sms, roaming_cost, total."""
    names = ("service_id", "data_mb", "voice_min", "sms", "roaming_cost", "total")
    statement = (
        select(*[line_months.c[name] for name in names])
        .select_from(line_months.join(services, services.c.service_id == line_months.c.service_id))
        .where(line_months.c.month == month, services.c.kind == kind)
    )
    if plan_id is not None:
        statement = statement.where(services.c.plan_id == plan_id)
    return store.read(statement.order_by(line_months.c.service_id))


def result_list(store: Store) -> pd.DataFrame:
    """Every stored result with the name and YAML text of its scenario, newest first; `document` is JSON text."""
    statement = select(results, scenarios.c.name, scenarios.c.yaml).select_from(
        results.outerjoin(scenarios, scenarios.c.scenario_id == results.c.scenario_id)
    )
    return store.read(statement.order_by(results.c.created_at.desc(), results.c.result_id).limit(100))


def scenario_list(store: Store) -> pd.DataFrame:
    """Every stored scenario, newest first: scenario_id, name, yaml, created_at."""
    return store.read(select(scenarios).order_by(scenarios.c.created_at.desc(), scenarios.c.scenario_id))
