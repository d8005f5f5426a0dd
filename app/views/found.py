"""Findings as sums for pages: errors to recover and waste to avoid, in one currency, nothing counted twice."""

from __future__ import annotations

import pandas as pd

from app.views.exchange import Exchange
from app.views.selection import Filters
from audit.disputes import UNDECIDED
from core import findings
from core.store import Store

COLUMNS = (
    *("finding_id", "queue", "rule", "family", "kind", "claim", "direction", "month", "service_id", "account_id"),
    *(
        "carrier_id",
        "currency",
        "amount_at_stake",
        "amount_counted",
        "severity",
        "state",
        "episode_id",
        "charge_stakes",
        "file_by",
    ),
)
OPEN = ("new", "triaged", "disputed", "accepted")


def findings_of(store: Store, filters: Filters, money: Exchange) -> pd.DataFrame:
    """Current findings that the filters leave, not dismissed, with `amount` (micros of the reporting currency)."""
    frame = findings.load(store)[list(COLUMNS)]
    frame = frame[frame["state"] != "dismissed"]
    if filters.carriers:
        frame = frame[frame["carrier_id"].isin(filters.carriers)]
    if filters.cost_centers:
        frame = frame[frame["service_id"].isin(services_of(store, filters.cost_centers))]
    amounts = [
        money.amount(value, code) for value, code in zip(frame["amount_counted"], frame["currency"], strict=True)
    ]
    result = frame.assign(amount=pd.array(amounts, dtype="Int64"))
    return result.dropna(subset=["amount"]).reset_index(drop=True)


def services_of(store: Store, centers: tuple[str, ...]) -> set[str]:
    """The services of these cost centers, by themselves or by their holders."""
    services = store.frame("services", ["service_id", "cost_center_id", "employee_id"])
    people = store.frame("employees", ["employee_id", "cost_center_id"]).set_index("employee_id")["cost_center_id"]
    center = services["cost_center_id"].fillna(services["employee_id"].map(people))
    return {str(service) for service in services.loc[center.isin(centers), "service_id"]}


def errors(found: pd.DataFrame) -> pd.DataFrame:
    """Overcharges of the audit: billed too much, recoverable."""
    return found[(found["queue"] == "audit") & (found["claim"] == "recoverable") & (found["amount"] > 0)]


def unfiled(wrong: pd.DataFrame, as_of: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Of :func:`errors` those that nobody has filed: what may be filed on `as_of`, and what is past its window."""
    waiting = wrong[wrong["state"].isin(UNDECIDED)]
    late = waiting["file_by"].fillna("9999") < as_of
    return waiting[~late], waiting[late]


def waste(found: pd.DataFrame) -> pd.DataFrame:
    """Avoidable spend. Where audit and policy name the same line and month, the larger of the two counts."""
    rows = found[(found["claim"] == "avoidable") & (found["amount"] > 0) & (found["queue"] != "anomaly")]
    if rows.empty:
        return rows
    subject = rows["service_id"].fillna(rows["finding_id"])
    sums = rows.assign(subject=subject).groupby(["subject", "month", "queue"])["amount"].transform("sum")
    order = rows.assign(subject=subject, sums=sums).sort_values(
        ["sums", "queue"], ascending=[False, True], kind="stable"
    )
    best = order.drop_duplicates(["subject", "month"])[["subject", "month", "queue"]]
    kept = order.merge(best, on=["subject", "month", "queue"], how="inner")
    return kept[list(found.columns)].reset_index(drop=True)


def by_month(rows: pd.DataFrame, months: list[str]) -> list[int]:
    """Sums for each of `months`, in micros."""
    sums = rows.groupby("month")["amount"].sum() if len(rows) else pd.Series(dtype="Int64")
    return [int(sums.get(month, 0)) for month in months]
