"""The dossier: everything about one service on one page, as a technician, a manager or a carrier would ask for it."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pandas as pd

from app import formats
from app.views import rules
from app.views.selection import Filters
from core import findings, periods
from core.money import SCALE
from core.queries import app as queries
from core.queries import spend
from core.store import Store

MONTHS_SHOWN = 18


@dataclass(frozen=True)
class Dossier:
    """`history`: one row for each month, its costs and its use in micros."""

    title: str
    sentence: str
    facts: dict[str, str]
    plan: dict[str, str]
    history: pd.DataFrame
    currency: str | None
    spans: pd.DataFrame
    items: pd.DataFrame
    devices: pd.DataFrame
    orders: pd.DataFrame
    findings: pd.DataFrame
    recommendation: str


def _of(store: Store, table: str, service_id: str) -> pd.DataFrame:
    frame = store.frame(table)
    return frame[frame["service_id"] == service_id].reset_index(drop=True)


def _name(store: Store, table: str, key: str, value: object, column: str = "name") -> str:
    if formats.missing(value):
        return formats.UNKNOWN
    frame = store.frame(table, [key, column])
    hit = frame.loc[frame[key] == value, column]
    return str(hit.iloc[0]) if len(hit) and not formats.missing(hit.iloc[0]) else str(value)


def view(store: Store, filters: Filters, *, service_id: str) -> Dossier | None:
    """The dossier of a service; None if there is none of that id."""
    services = _of(store, "services", service_id)
    if services.empty:
        return None
    row = services.iloc[0]
    months = spend.months(store) or spend.usage_months(store)
    history = spend.line_history(store, service_id)
    if months:
        span = periods.months_between(periods.shift(months[-1], 1 - MONTHS_SHOWN), months[-1])
        history = history[history["month"].isin(span)].reset_index(drop=True)
    found = findings.load(store)
    found = found[found["service_id"] == service_id]
    found = found.assign(
        title=[
            rules.title(str(r), None if pd.isna(f) else str(f))
            for r, f in zip(found["rule"], found["family"], strict=True)
        ]
    )
    found = found.sort_values(["month", "finding_id"], ascending=[False, True], ignore_index=True)
    currency = next((str(c) for c in history["currency"].dropna()), None)
    number = str(row["number"]) if not formats.missing(row["number"]) else service_id
    carrier = _name(store, "carriers", "carrier_id", row["carrier_id"])
    holder = _name(store, "employees", "employee_id", row["employee_id"])
    last = history.iloc[-1] if len(history) else None
    cost = (
        f"{formats.cents(last['total'], currency)} in {formats.month(last['month'])}"
        if last is not None
        else "no cost recorded"
    )
    owner = holder if holder != formats.UNKNOWN else "no holder"
    facts = {
        "Service": service_id,
        "Kind": formats.words(row["kind"]),
        "Device": formats.words(row["device_kind"]),
        "Purpose": formats.words(row["purpose"]),
        "Status": formats.words(row["status"]),
        "Holder": holder,
        "Cost center": _name(store, "cost_centers", "cost_center_id", row["cost_center_id"]),
        "Site": _name(store, "sites", "site_id", row["site_id"]),
        "Account": _name(store, "accounts", "account_id", row["account_id"], "number"),
        "Contract": _name(store, "contracts", "contract_id", row["contract_id"]),
        "Active since": formats.day(row["activated_on"]),
        "Disconnected": formats.day(row["disconnected_on"]),
        "Term ends": formats.day(row["term_end_on"]),
    }
    return Dossier(
        title=f"{number} · {carrier}",
        sentence=f"{formats.words(row['kind'])}, {formats.words(row['status']).lower()}, {owner}; {cost}.",
        facts=facts,
        plan=_plan(store, row["plan_id"]),
        history=history,
        currency=currency,
        spans=_of(store, "service_history", service_id),
        items=_of(store, "service_items", service_id),
        devices=_of(store, "devices", service_id),
        orders=_of(store, "orders", service_id),
        findings=found[
            ["finding_id", "title", "month", "amount_at_stake", "currency", "severity", "state", "explanation"]
        ],
        recommendation=recommendation(store, service_id),
    )


def _plan(store: Store, plan_id: object) -> dict[str, str]:
    plans = store.frame("plans")
    hit = plans[plans["plan_id"] == plan_id] if not formats.missing(plan_id) else plans.head(0)
    if hit.empty:
        return {}
    plan = hit.iloc[0]
    currency = None if formats.missing(plan["currency"]) else str(plan["currency"])

    def allowance(name: str, unit: str) -> str:
        return "Unlimited" if formats.missing(plan[name]) else formats.quantity(plan[name], unit)

    return {
        "Plan": str(plan["name"] if not formats.missing(plan["name"]) else plan_id),
        "Monthly (MRC)": formats.cents(plan["mrc"], currency),
        "Data": allowance("data_mb", "MB"),
        "Voice": allowance("voice_min", "min"),
        "Messages": allowance("sms", ""),
        "Pool": formats.UNKNOWN if formats.missing(plan["pool_group"]) else str(plan["pool_group"]),
    }


def recommendation(store: Store, service_id: str) -> str:
    """What the newest optimizer result says about the line, in one sentence; blank if nothing."""
    for row in queries.newest_results(store, 5).itertuples(index=False):
        document = json.loads(row.document)
        for item in document.get("recommendations") or []:
            if item.get("service_id") == service_id and item.get("action") != "keep":
                saving = round(float(item.get("monthly_saving") or 0) * SCALE)
                amount = formats.cents(abs(saving), document.get("currency"))
                what = {
                    "suspend": "Suspend this line",
                    "port": f"Port to {item.get('carrier_id')}, plan {item.get('plan_id')}",
                }
                verb = what.get(item["action"], f"Change to plan {item.get('plan_id')}")
                worth = (
                    f"saves {amount} a month" if saving >= 0 else f"costs {amount} more, and lowers the total of all"
                )
                return f"{verb}: {worth}. {item.get('reason') or ''}".strip()
    return ""
