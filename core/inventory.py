"""The state of a service on a day: `service_history` where there is one, else `services` for all time."""

from __future__ import annotations

import pandas as pd

from core import periods
from core.store import Store

#: What a span of service_history states; the rest of a service does not change.
SPAN_COLUMNS = ("account_id", "contract_id", "plan_id", "employee_id", "cost_center_id", "site_id", "number", "status")
FIXED_COLUMNS = (
    *("kind", "device_kind", "purpose", "carrier_id", "project_id", "activated_on", "disconnected_on", "term_end_on"),
)
FIRST_DAY = "1900-01-01"
LAST_DAY = "9999-12-31"


def service_spans(store: Store) -> pd.DataFrame:
    """One row for each span in which a service's state is constant.

    Columns: service_id, valid_from (first day), valid_to (first day on which it no longer holds; `9999-12-31` =
    open), the columns of :data:`SPAN_COLUMNS` as they were in the span, and :data:`FIXED_COLUMNS` of the service.
    A blank purpose is filled (person for mobile, m2m for iot). Sorted by service_id, valid_from.
    """
    frames = store.frames("services", "service_history")
    return spans_of(frames["services"], frames["service_history"])


def spans_of(services: pd.DataFrame, history: pd.DataFrame) -> pd.DataFrame:
    """:func:`service_spans` from frames that are already in memory."""
    fixed = services[["service_id", *FIXED_COLUMNS]].copy()
    fixed["purpose"] = fixed["purpose"].fillna(fixed["kind"].map({"mobile": "person", "iot": "m2m"}))
    with_history = set(history["service_id"])
    alone = services.loc[~services["service_id"].isin(with_history), ["service_id", *SPAN_COLUMNS]].copy()
    alone["valid_from"], alone["valid_to"] = FIRST_DAY, LAST_DAY
    told = history[["service_id", *SPAN_COLUMNS, "valid_from", "valid_to"]].copy()
    told["valid_to"] = told["valid_to"].fillna(LAST_DAY)
    both = pd.concat([alone, told], ignore_index=True) if len(told) else alone
    result = both.merge(fixed, on="service_id", how="inner")
    columns = ["service_id", "valid_from", "valid_to", *SPAN_COLUMNS, *FIXED_COLUMNS]
    return result[columns].sort_values(["service_id", "valid_from"], ignore_index=True)


def state_on(spans: pd.DataFrame, day: str) -> pd.DataFrame:
    """The one row of each service that holds on `day`."""
    return spans[(spans["valid_from"] <= day) & (day < spans["valid_to"])].reset_index(drop=True)


def active_months(services: pd.DataFrame, months: list[str]) -> pd.DataFrame:
    """(service_id, month) for every month from the one of activated_on to the one of disconnected_on.

    Blank activated_on = active since ever; `ordered` services and `disconnected` ones without a date are left out
    (`interfaces.md` sections 3 and 4.2).
    """
    status = services["status"].fillna("active")
    usable = services[(status != "ordered") & ~((status == "disconnected") & services["disconnected_on"].isna())]
    first = usable["activated_on"].fillna(FIRST_DAY).str[:7]
    last = usable["disconnected_on"].fillna(LAST_DAY).str[:7]
    parts = [
        pd.DataFrame({"service_id": usable.loc[(first <= month) & (month <= last), "service_id"], "month": month})
        for month in months
    ]
    empty = pd.DataFrame({"service_id": pd.Series(dtype="str"), "month": pd.Series(dtype="str")})
    result = pd.concat(parts) if parts else empty
    return result.sort_values(["service_id", "month"], ignore_index=True)


def service_months(store: Store, first: str, last: str) -> pd.DataFrame:
    """One row for each service and month in which it is active at some time, with its state at the month's end.

    Adds `whole_month`: activated_on not after the month's first day and disconnected_on (a day no longer billed) after
    its last. The state of a service that is disconnected inside the month is the last that held in it.
    """
    spans = service_spans(store)
    services = store.frame("services")
    active = active_months(services, periods.months_between(first, last))
    parts = []
    for month, group in active.groupby("month", sort=True):
        start, end = periods.month_start(str(month)), periods.month_end(str(month))
        inside = spans[(spans["valid_from"] <= end) & (spans["valid_to"] > start)]
        state = inside.drop_duplicates("service_id", keep="last")
        rows = group.merge(state.drop(columns=["valid_from", "valid_to"]), on="service_id", how="inner")
        begun = rows["activated_on"].fillna(FIRST_DAY) <= start
        rows["whole_month"] = begun & (rows["disconnected_on"].fillna(LAST_DAY) > end)
        parts.append(rows)
    if not parts:
        return pd.DataFrame(columns=["service_id", "month", *SPAN_COLUMNS, *FIXED_COLUMNS, "whole_month"])
    return pd.concat(parts).sort_values(["service_id", "month"], ignore_index=True)
