"""Facts about what is billed on a line each month: which items, from whom, and whether anything explains them."""

from __future__ import annotations

import itertools
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
    items = rows["item"].astype(str).to_numpy(dtype=object)
    makers: dict[str, Callable[[], Column]] = {
        "category": lambda: _text(rows["category"]),
        "item_code": lambda: _text(rows["item"]),
        "provider": lambda: _text(rows["provider"]),
        "amount": lambda: rows["amount"].to_numpy(dtype=float),
        "months_billed": lambda: _running(rows, service, month),
        "is_plan": lambda: _is_plan(estate, service, month, items),
        "subscribed": lambda: _subscribed(estate, rows, month),
        "ordered": lambda: _ordered(estate, rows),
        "in_contract": lambda: _in_contract(estate, service, month, items),
        "items_recorded": lambda: _recorded(estate, service, month),
    }
    firms = [f" ({who})" if isinstance(who, str) and who else "" for who in rows["provider"]]
    label = np.array([name + who for name, who in zip(items, firms, strict=True)], dtype=object)
    return Facts(service, month, Values(state_makers(estate, service, month) | makers), label=label)


def _text(series: pd.Series[str]) -> Coded:
    codes, values = pd.factorize(series.astype(object), sort=True)
    return Coded(codes.astype(np.int32)[:, None], np.asarray(values, dtype=object))


def _running(rows: pd.DataFrame, service: NDArray[np.intp], month: NDArray[np.intp]) -> NDArray[np.int64]:
    """How many months in a row the item has been billed, this one included."""
    keys = pd.MultiIndex.from_arrays([service, rows["category"], rows["item"], rows["provider"].fillna("")])
    codes, _ = pd.factorize(keys)
    order = np.lexsort((month, codes))
    result = np.ones(len(rows), dtype=np.int64)
    for before, now in itertools.pairwise(order):
        if codes[before] == codes[now] and month[now] == month[before] + 1:
            result[now] = result[before] + 1
    return result


def _is_plan(
    estate: Estate, service: NDArray[np.intp], month: NDArray[np.intp], items: NDArray[np.object_]
) -> NDArray[np.bool_]:
    """Whether a plan that the line has had up to the month is billed as the item, or no plan of the line is known."""
    plans = estate.tables["plans"]
    code = dict(zip(plans["plan_id"], plans["item_code"].fillna(plans["plan_id"]), strict=True))
    held: dict[str, list[tuple[str, set[str]]]] = {}
    spans = estate.spans[["service_id", "plan_id", "valid_from"]].dropna()
    for name, plan, first in spans.itertuples(index=False, name=None):
        held.setdefault(name, []).append((first[:7], {plan, code.get(plan, plan)}))
    ids = estate.services["service_id"].to_numpy(dtype=object)
    result = np.ones(len(items), dtype=bool)
    for place, (s, t, item) in enumerate(zip(service, month, items, strict=True)):
        so_far = [names for first, names in held.get(ids[s], []) if first <= estate.months[t]]
        result[place] = not so_far or any(item in names for names in so_far)
    return result


def _subscribed(estate: Estate, rows: pd.DataFrame, month: NDArray[np.intp]) -> NDArray[np.bool_]:
    held = estate.tables["service_items"][["service_id", "item_code", "valid_from", "valid_to"]]
    spans: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for name, item, first, last in zip(
        held["service_id"],
        held["item_code"],
        held["valid_from"].fillna(inventory.FIRST_DAY),
        held["valid_to"].fillna(inventory.LAST_DAY),
        strict=True,
    ):
        spans.setdefault((name, item), []).append((first, last))
    result = np.zeros(len(rows), dtype=bool)
    for place, (name, item, t) in enumerate(zip(rows["service_id"], rows["item"], month, strict=True)):
        found = spans.get((name, item))
        if found:
            start, end = periods.month_start(estate.months[t]), periods.month_end(estate.months[t])
            result[place] = any(first <= end and last > start for first, last in found)
    return result


def _ordered(estate: Estate, rows: pd.DataFrame) -> NDArray[np.bool_]:
    orders = estate.tables["orders"]
    orders = orders[orders["service_id"].notna() & orders["item_code"].notna()]
    day = orders["ordered_on"].fillna(orders["requested_on"]).fillna(orders["completed_on"]).fillna(inventory.FIRST_DAY)
    placed = orders.assign(month=day.str[:7]).groupby(["service_id", "item_code"])["month"].min().to_dict()
    return np.array(
        [
            placed.get((name, item), "9999") <= month
            for name, item, month in zip(rows["service_id"], rows["item"], rows["month"], strict=True)
        ],
        dtype=bool,
    )


def _in_contract(
    estate: Estate, service: NDArray[np.intp], month: NDArray[np.intp], items: NDArray[np.object_]
) -> NDArray[np.bool_]:
    rates = estate.tables.get("contract_rates", pd.DataFrame(columns=["contract_id", "item_code"]))
    pairs = set(zip(rates["contract_id"], rates["item_code"], strict=True))
    anywhere = set(rates["item_code"])
    contract = estate.state["contract_id"]
    result = np.zeros(len(items), dtype=bool)
    for place, (s, t, item) in enumerate(zip(service, month, items, strict=True)):
        held = contract.text(s, t)
        result[place] = (held, item) in pairs if held else item in anywhere
    return result


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
