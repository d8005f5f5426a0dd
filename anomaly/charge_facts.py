"""Facts about what is billed on a line each month: which items, from whom, and whether anything explains them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from anomaly.estate import Coded, Estate, carriers
from anomaly.facts import Column, Facts, Values, state_makers
from core import inventory, periods

#: Categories that come back month after month, or are billed for others.
CATEGORIES = ("mrc", "occ", "third_party")

ITEM_FACTS = {
    "category": "category of the charge: mrc, occ or third_party",
    "item_code": "item code of the charge",
    "provider": "the firm named as provider of the charge",
    "amount": "what the item cost on the line in the month",
    "months_billed": "this month and the ones just before it in which the item was billed on the line",
    "is_plan": "the item is what a plan of the line is billed as, or the whole line has no plan",
    "subscribed": "a subscribed item of the line names it on a day of the month",
    "ordered": "an order of the line, up to the month's end, names it",
    "in_contract": "the line's contract, or any contract where the line has none, has a rate for it",
    "items_recorded": "subscribed items are recorded for lines of the account at all",
}
TEXT = ("category", "item_code", "provider")
FLAGS = ("is_plan", "subscribed", "ordered", "in_contract", "items_recorded")


def item_facts(estate: Estate) -> Facts:
    """One row for each line, month, category, item and provider that cost something."""
    billed = estate.billed
    billed = billed[billed["category"].isin(CATEGORIES) & (billed["amount"] > 0)]
    if "provider" not in billed:
        billed = billed.assign(provider=None)
    item = billed["item_code"].fillna(billed["description"]).fillna(billed["category"])
    keys = ["service_id", "month", "category", "item", "provider"]
    rows = billed.assign(item=item).groupby(keys, dropna=False, as_index=False, sort=True)["amount"].sum()
    service, month = estate.rows_of(rows)
    keep = (service >= 0) & (month >= 0)
    rows, service, month = rows[keep].reset_index(drop=True), service[keep], month[keep]
    rows = rows.assign(at=month)
    makers: dict[str, Callable[[], Column]] = {
        "category": lambda: _text(rows["category"]),
        "item_code": lambda: _text(rows["item"]),
        "provider": lambda: _text(rows["provider"]),
        "amount": lambda: rows["amount"].to_numpy(dtype=float),
        "months_billed": lambda: _running(rows),
        "is_plan": lambda: _is_plan(estate, rows),
        "subscribed": lambda: _subscribed(estate, rows),
        "ordered": lambda: _ordered(estate, rows),
        "in_contract": lambda: _in_contract(estate, rows, service),
        "items_recorded": lambda: _recorded(estate, service, month),
    }
    firm = rows["provider"].fillna("").astype(str)
    label = (rows["item"].astype(str) + (" (" + firm + ")").where(firm != "", "")).to_numpy(dtype=object)
    return Facts(service, month, Values(state_makers(estate, service, month) | makers), label=label)


def _text(series: pd.Series[str]) -> Coded:
    codes, values = pd.factorize(series.astype(object), sort=True)
    return Coded(codes.astype(np.int32)[:, None], np.asarray(values, dtype=object))


def _running(rows: pd.DataFrame) -> NDArray[np.int64]:
    """How many months in a row the item has been billed, this one included."""
    keys = rows.groupby(["service_id", "category", "item", "provider"], dropna=False, sort=False).ngroup().to_numpy()
    month = rows["at"].to_numpy()
    order = np.lexsort((month, keys))
    follows = (np.diff(keys[order]) == 0) & (np.diff(month[order]) == 1)
    begins = np.concatenate([[0], np.flatnonzero(~follows) + 1]).astype(np.int64)
    place = np.arange(len(rows))
    started = begins[np.searchsorted(begins, place, side="right") - 1] if len(rows) else place
    result = np.empty(len(rows), dtype=np.int64)
    result[order] = place - started + 1
    return result


def _since(rows: pd.DataFrame, known: pd.DataFrame) -> NDArray[np.bool_]:
    """Where `known` (service_id, item, since: a month) names a row's line and item by the row's month."""
    first = known.dropna().groupby(["service_id", "item"], as_index=False)["since"].min()
    since = rows[["service_id", "item"]].merge(first, on=["service_id", "item"], how="left")["since"]
    return np.asarray(since.fillna("9999-99").to_numpy(dtype="U7") <= rows["month"].to_numpy(dtype="U7"))


def _is_plan(estate: Estate, rows: pd.DataFrame) -> NDArray[np.bool_]:
    """Whether a plan that the line has had up to the month is billed as the item, or no plan of the line is known."""
    plans = estate.tables["plans"]
    code = plans.set_index("plan_id")["item_code"]
    held = estate.spans[["service_id", "plan_id", "valid_from"]].dropna()
    since = held["valid_from"].str[:7]
    named = pd.DataFrame({"service_id": held["service_id"], "item": held["plan_id"], "since": since})
    billed_as = named.assign(item=held["plan_id"].map(code))
    begun = since.groupby(held["service_id"]).min()
    planned = rows["service_id"].map(begun).fillna("9999-99").to_numpy(dtype="U7") <= rows["month"].to_numpy(dtype="U7")
    return ~planned | _since(rows, pd.concat([named, billed_as], ignore_index=True))


def _subscribed(estate: Estate, rows: pd.DataFrame) -> NDArray[np.bool_]:
    held = estate.tables["service_items"][["service_id", "item_code", "valid_from", "valid_to"]]
    held = held.rename(columns={"item_code": "item"})
    held["first"] = held["valid_from"].fillna(inventory.FIRST_DAY)
    held["last"] = held["valid_to"].fillna(inventory.LAST_DAY)
    both = rows[["service_id", "item", "at"]].assign(place=np.arange(len(rows))).merge(held, on=["service_id", "item"])
    starts = np.array([periods.month_start(month) for month in estate.months], dtype="U10")
    ends = np.array([periods.month_end(month) for month in estate.months], dtype="U10")
    at = both["at"].to_numpy(dtype=int)
    inside = (both["first"].to_numpy(dtype="U10") <= ends[at]) & (both["last"].to_numpy(dtype="U10") > starts[at])
    result = np.zeros(len(rows), dtype=bool)
    result[both["place"].to_numpy(dtype=int)[inside]] = True
    return result


def _ordered(estate: Estate, rows: pd.DataFrame) -> NDArray[np.bool_]:
    orders = estate.tables["orders"]
    day = orders["ordered_on"].fillna(orders["requested_on"]).fillna(orders["completed_on"]).fillna(inventory.FIRST_DAY)
    placed = {"service_id": orders["service_id"], "item": orders["item_code"], "since": day.str[:7]}
    return _since(rows, pd.DataFrame(placed))


def _in_contract(estate: Estate, rows: pd.DataFrame, service: NDArray[np.intp]) -> NDArray[np.bool_]:
    rates = estate.tables.get("contract_rates", pd.DataFrame(columns=["contract_id", "item_code"]))
    contract = estate.state["contract_id"]
    codes = contract.codes[service, rows["at"].to_numpy(dtype=int)]
    held = pd.Series(np.array([*contract.values, None], dtype=object)[codes], index=rows.index)
    pairs = pd.MultiIndex.from_arrays([held.fillna(""), rows["item"]])
    priced = pd.MultiIndex.from_arrays([rates["contract_id"].astype(object), rates["item_code"].astype(object)])
    named = pairs.isin(priced)
    return np.where(held.isna(), rows["item"].isin(set(rates["item_code"])), named)


def _recorded(estate: Estate, service: NDArray[np.intp], month: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Whether by the month's end a line of the account (of the carrier, where it has none) had an item on record."""
    held, services = estate.tables["service_items"], estate.services
    owner = services["account_id"].fillna(pd.Series(carriers(services, estate.tables["accounts"]).to_numpy()))
    of = dict(zip(services["service_id"], owner, strict=True))
    since: dict[str, str] = {}
    for name, first in zip(held["service_id"], held["valid_from"].fillna(inventory.FIRST_DAY), strict=True):
        if isinstance(of.get(name), str):
            since[of[name]] = min(first[:7], since.get(of[name], "9999-99"))
    begun = np.array([since.get(name, "9999-99") if isinstance(name, str) else "9999-99" for name in owner], dtype="U7")
    return begun[service] <= np.array(estate.months, dtype="U7")[month]
