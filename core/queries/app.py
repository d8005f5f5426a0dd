"""Questions of the dashboard that no rollup answers: small, indexed, bounded; amounts in micros."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from sqlalchemy import func, or_, select

from core import trail
from core.rollups import charge_facts
from core.schema.billing import charges, invoices, payments
from core.schema.reference import accounts
from core.schema.rollups import line_months, spend_months
from core.schema.work import batches, results, scenarios
from core.store import Store, now


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


def matched_by_month(store: Store) -> pd.DataFrame:
    """Charges that name a line, by month: `named`, and `matched` of them to a line of the inventory."""
    named = or_(charges.c.service_id.is_not(None), charges.c.billed_number.is_not(None))
    month = func.substr(func.coalesce(charges.c.period_start, invoices.c.period_start, invoices.c.issued_on), 1, 7)
    statement = select(
        month.label("month"), func.count().label("named"), func.count(charges.c.service_id).label("matched")
    ).select_from(charges.join(invoices, invoices.c.invoice_id == charges.c.invoice_id))
    return store.read(statement.where(named, month.is_not(None)).group_by(month).order_by(month))


def payments_of(store: Store) -> pd.DataFrame:
    """Paid invoices: invoice_id, account_id, issued_on, due_on, and `paid_on`, the day of the last payment."""
    names = [invoices.c[name] for name in ("invoice_id", "account_id", "issued_on", "due_on")]
    statement = select(*names, func.max(payments.c.paid_on).label("paid_on"))
    joined = invoices.join(payments, payments.c.invoice_id == invoices.c.invoice_id)
    return store.read(statement.select_from(joined).group_by(*names).order_by(invoices.c.invoice_id))


def month_charges(
    store: Store, month: str, *, carriers: tuple[str, ...] = (), cost_centers: tuple[str, ...] = ()
) -> pd.DataFrame:
    """A month's charges by carrier, category, currency, service, item and zone: amount and quantity (micros)."""
    facts = charge_facts()
    keys = [facts.c[name] for name in ("carrier_id", "category", "currency", "service_id")]
    keys += [charges.c.item_code, charges.c.zone]
    sums = (func.sum(charges.c.amount).label("amount"), func.sum(charges.c.quantity).label("quantity"))
    joined = facts.join(charges, charges.c.charge_id == facts.c.charge_id)
    statement = select(*keys, *sums).select_from(joined).where(facts.c.month == month)
    if carriers:
        statement = statement.where(facts.c.carrier_id.in_(carriers))
    if cost_centers:
        statement = statement.where(facts.c.cost_center_id.in_(cost_centers))
    return store.read(statement.group_by(*keys))


def charge_keys(store: Store, charge_ids: Sequence[str]) -> pd.DataFrame:
    """What :func:`month_charges` groups by, for single charges: charge_id and the key columns."""
    names = ("charge_id", "carrier_id", "category", "currency", "service_id", "item_code", "zone")
    parts = []
    for start in range(0, len(charge_ids), 500):
        joined = charges.join(invoices, invoices.c.invoice_id == charges.c.invoice_id).outerjoin(
            accounts, accounts.c.account_id == invoices.c.account_id
        )
        statement = select(
            charges.c.charge_id,
            accounts.c.carrier_id,
            charges.c.category,
            func.coalesce(invoices.c.currency, accounts.c.currency).label("currency"),
            charges.c.service_id,
            charges.c.item_code,
            charges.c.zone,
        ).select_from(joined)
        parts.append(store.read(statement.where(charges.c.charge_id.in_(list(charge_ids[start : start + 500])))))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(names))


def line_totals(store: Store, first: str, last: str) -> pd.DataFrame:
    """What each line cost and used over the months `first`..`last`: one row for each service and currency (micros)."""
    names = ("mrc", "usage_charges", "other_charges", "total", "data_mb", "voice_min", "sms", "roaming_cost")
    keys = (line_months.c.service_id, line_months.c.currency)
    sums = [func.sum(line_months.c[name]).label(name) for name in names]
    months = func.count().label("months")
    statement = select(*keys, *sums, months).where(line_months.c.month >= first, line_months.c.month <= last)
    return store.read(statement.group_by(*keys).order_by(line_months.c.service_id))


def active_lines(store: Store) -> pd.DataFrame:
    """Lines with a recurring charge, for each month and currency: `lines`."""
    statement = (
        select(line_months.c.month, func.count().label("lines"))
        .where(line_months.c.mrc > 0)
        .group_by(line_months.c.month)
    )
    return store.read(statement.order_by(line_months.c.month))


def newest_results(store: Store, limit: int = 20) -> pd.DataFrame:
    """The newest optimizer results with the name of their scenario; `document` is the JSON text of the result file."""
    statement = (
        select(results, scenarios.c.name)
        .select_from(results.outerjoin(scenarios, scenarios.c.scenario_id == results.c.scenario_id))
        .order_by(results.c.created_at.desc(), results.c.result_id)
        .limit(limit)
    )
    return store.read(statement)


def save_scenario(store: Store, scenario_id: str, name: str, yaml_text: str) -> None:
    """Keep a scenario under an id of its own, in place of what it said before."""
    with store.transaction() as txn:
        txn.delete("scenarios", {"scenario_id": scenario_id})
        row = {"scenario_id": scenario_id, "name": name, "yaml": yaml_text, "created_at": now()}
        txn.append("scenarios", [row])
        trail.record(txn, "scenario.save", scenario_id, {"name": name, "yaml": yaml_text})


def scenario_text(store: Store, scenario_id: str) -> str | None:
    """What a stored scenario says; None where there is none of that id."""
    found = store.scalar(select(scenarios.c.yaml).where(scenarios.c.scenario_id == scenario_id))
    return None if found is None else str(found)


def save_result(store: Store, name: str, yaml_text: str, document: Mapping[str, Any]) -> tuple[str, str]:
    """Keep a scenario and the result it gave; returns (scenario_id, result_id). The same text is the same scenario.

    `document` is the result file of `interfaces.md` section 4.
    """
    scenario = hashlib.sha256(yaml_text.encode()).hexdigest()[:16]
    text = json.dumps(document, ensure_ascii=False, sort_keys=True)
    stable = {key: value for key, value in document.items() if key != "certificate"}
    seal = json.dumps([scenario, store.data_version, stable], sort_keys=True)
    result = hashlib.sha256(seal.encode()).hexdigest()[:16]
    with store.transaction() as txn:
        if not txn.scalar(select(func.count()).where(scenarios.c.scenario_id == scenario)):
            new = {"scenario_id": scenario, "name": name, "yaml": yaml_text, "created_at": now()}
            txn.append("scenarios", [new])
        else:
            txn.update("scenarios", {"scenario_id": scenario}, {"name": name})
        txn.delete("results", {"result_id": result})
        row = {
            "result_id": result,
            "scenario_id": scenario,
            "status": str(document["status"]),
            "data_version": store.data_version,
            "document": text,
            "created_at": now(),
        }
        txn.append("results", [row])
    return scenario, result
