"""Facts about what is billed on a line each month: which items, from whom, and whether anything explains them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

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


@dataclass(frozen=True)
class _Rows:
    """One row for each line, month, category, item and provider that cost something, in that order; all as codes."""

    service: NDArray[np.intp]
    month: NDArray[np.intp]
    category: Coded
    item: Coded
    provider: Coded
    amount: NDArray[np.int64]

    @property
    def line_item(self) -> NDArray[np.int64]:
        """One number for each line and item."""
        return self.service * np.int64(len(self.item.values)) + self.item.codes[:, 0]

    def numbers(self, estate: Estate, service_id: pd.Series[str], item: pd.Series[str]) -> NDArray[np.int64]:
        """The same numbers for other tables' lines and items; -1 = not among the rows."""
        line = estate.line_index.get_indexer(pd.Index(service_id))
        code = pd.Index(self.item.values).get_indexer(pd.Index(item.astype(object)))
        return np.where((line >= 0) & (code >= 0), line * np.int64(len(self.item.values)) + code, -1)


def item_facts(estate: Estate) -> Facts:
    """One row for each line, month, category, item and provider that cost something."""
    rows = _rows(estate)
    service, month = rows.service, rows.month
    makers: dict[str, Callable[[], Column]] = {
        "category": lambda: rows.category,
        "item_code": lambda: rows.item,
        "provider": lambda: rows.provider,
        "amount": lambda: rows.amount.astype(float),
        "months_billed": lambda: _running(rows),
        "is_plan": lambda: _is_plan(estate, rows),
        "subscribed": lambda: _subscribed(estate, rows),
        "ordered": lambda: _ordered(estate, rows),
        "in_contract": lambda: _in_contract(estate, rows),
        "items_recorded": lambda: _recorded(estate, service, month),
    }
    return Facts(service, month, Values(state_makers(estate, service, month) | makers), label=_label(rows))


def _rows(estate: Estate) -> _Rows:
    billed = estate.billed
    billed = billed[billed["category"].isin(CATEGORIES) & (billed["amount"] > 0)]
    service, month = estate.rows_of(billed)
    keep = (service >= 0) & (month >= 0)
    billed, service, month = billed[keep], service[keep], month[keep]
    firm = billed["provider"] if "provider" in billed else pd.Series(None, index=billed.index, dtype=object)
    name = billed["item_code"].fillna(billed["description"]).fillna(billed["category"])
    texts = [_text(column) for column in (billed["category"], name, firm)]
    key = service * np.int64(len(estate.months)) + month
    for text in texts:  # an unknown provider comes last
        codes = text.codes[:, 0]
        key = key * (len(text.values) + 1) + np.where(codes < 0, len(text.values), codes)
    _, first, place = np.unique(key, return_index=True, return_inverse=True)
    amount = np.zeros(len(first), dtype=np.int64)
    np.add.at(amount, place, billed["amount"].to_numpy(dtype=np.int64))
    category, item, provider = (Coded(text.codes[first], text.values) for text in texts)
    return _Rows(service[first], month[first], category, item, provider, amount)


def _label(rows: _Rows) -> NDArray[np.object_]:
    """What a reader calls each row: the item, and the firm where one is named."""
    firms = np.array([*(f" ({name})" if name else "" for name in rows.provider.values), ""], dtype=object)
    return np.asarray(rows.item.values[rows.item.codes[:, 0]] + firms[rows.provider.codes[:, 0]], dtype=object)


def _text(series: pd.Series[str]) -> Coded:
    codes, values = pd.factorize(series.astype(object), sort=True)
    return Coded(codes.astype(np.int32)[:, None], np.asarray(values, dtype=object))


def _running(rows: _Rows) -> NDArray[np.int64]:
    """How many months in a row the item has been billed, this one included."""
    codes = (rows.provider.codes[:, 0], rows.item.codes[:, 0], rows.category.codes[:, 0], rows.service)
    order = np.lexsort((rows.month, *codes))
    follows = np.diff(rows.month[order]) == 1
    for code in codes:
        follows &= np.diff(code[order]) == 0
    begins = np.concatenate([[0], np.flatnonzero(~follows) + 1]).astype(np.int64)
    place = np.arange(len(order))
    started = begins[np.searchsorted(begins, place, side="right") - 1] if len(order) else place
    result = np.empty(len(order), dtype=np.int64)
    result[order] = place - started + 1
    return result


def _since(estate: Estate, rows: _Rows, numbers: NDArray[np.int64], since: pd.Series[str]) -> NDArray[np.bool_]:
    """Where a line and item are named (`numbers`, from the month `since` on) by the row's month."""
    known = since.notna().to_numpy() & (numbers >= 0)
    begun = np.searchsorted(np.array(estate.months, dtype="U7"), since[known].to_numpy(dtype="U7"))
    named, place = np.unique(numbers[known], return_inverse=True)
    first = np.full(len(named) + 1, len(estate.months))
    np.minimum.at(first, place, begun)
    return first[_places(named, rows.line_item)] <= rows.month


def _places(ordered: NDArray[np.int64], wanted: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where each wanted number stands in an ordered list; its length where it is not in it."""
    place = np.searchsorted(ordered, wanted)
    return np.where(np.append(ordered, -1)[place] == wanted, place, len(ordered))


def _is_plan(estate: Estate, rows: _Rows) -> NDArray[np.bool_]:
    """Whether a plan that the line has had up to the month is billed as the item, or no plan of the line is known."""
    code = estate.tables["plans"].set_index("plan_id")["item_code"]
    held = estate.spans[["service_id", "plan_id", "valid_from"]].dropna()
    since = held["valid_from"].str[:7]
    begun = since.groupby(held["service_id"]).min().reindex(estate.line_index).fillna("9999-99").to_numpy(dtype="U7")
    planned = begun[rows.service] <= np.array(estate.months, dtype="U7")[rows.month]
    result = ~planned
    for item in (held["plan_id"], held["plan_id"].map(code)):
        result |= _since(estate, rows, rows.numbers(estate, held["service_id"], item), since)
    return result


def _subscribed(estate: Estate, rows: _Rows) -> NDArray[np.bool_]:
    held = estate.tables["service_items"]
    numbers = rows.numbers(estate, held["service_id"], held["item_code"])
    both = pd.DataFrame({"number": rows.line_item, "place": np.arange(len(rows.service)), "at": rows.month}).merge(
        pd.DataFrame(
            {
                "number": numbers,
                "first": held["valid_from"].fillna(inventory.FIRST_DAY).to_numpy(dtype="U10"),
                "last": held["valid_to"].fillna(inventory.LAST_DAY).to_numpy(dtype="U10"),
            }
        ),
        on="number",
    )
    starts = np.array([periods.month_start(month) for month in estate.months], dtype="U10")
    ends = np.array([periods.month_end(month) for month in estate.months], dtype="U10")
    at = both["at"].to_numpy(dtype=int)
    inside = (both["first"].to_numpy(dtype="U10") <= ends[at]) & (both["last"].to_numpy(dtype="U10") > starts[at])
    result = np.zeros(len(rows.service), dtype=bool)
    result[both["place"].to_numpy(dtype=int)[inside]] = True
    return result


def _ordered(estate: Estate, rows: _Rows) -> NDArray[np.bool_]:
    orders = estate.tables["orders"]
    day = orders["ordered_on"].fillna(orders["requested_on"]).fillna(orders["completed_on"]).fillna(inventory.FIRST_DAY)
    return _since(estate, rows, rows.numbers(estate, orders["service_id"], orders["item_code"]), day.str[:7])


def _in_contract(estate: Estate, rows: _Rows) -> NDArray[np.bool_]:
    """Whether the contract in force has a rate for the item; where there is none, whether any contract has."""
    rates = estate.tables.get("contract_rates", pd.DataFrame(columns=["contract_id", "item_code"]))
    contract = estate.state["contract_id"]
    held = contract.codes[rows.service, rows.month]
    item = pd.Index(rows.item.values).get_indexer(pd.Index(rates["item_code"].astype(object)))
    of = pd.Index(contract.values).get_indexer(pd.Index(rates["contract_id"].astype(object)))
    many = len(rows.item.values)
    priced = np.unique((of * np.int64(many) + item)[(of >= 0) & (item >= 0)])
    code = rows.item.codes[:, 0]
    named = _places(priced, held * np.int64(many) + code) < len(priced)
    return np.where(held < 0, np.isin(code, item[item >= 0]), named)


def _recorded(estate: Estate, service: NDArray[np.intp], month: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Whether by the month's end a line of the account (of the carrier, where it has none) had an item on record."""
    held, services = estate.tables["service_items"], estate.services
    owner = services["account_id"].fillna(pd.Series(carriers(services, estate.tables["accounts"]).to_numpy()))
    line = estate.line_index.get_indexer(pd.Index(held["service_id"]))
    of = owner.to_numpy(dtype=object)[line[line >= 0]]
    since = held["valid_from"].fillna(inventory.FIRST_DAY).str[:7][line >= 0]
    begun = owner.map(since.groupby(of).min()).fillna("9999-99").to_numpy(dtype="U7")
    return np.asarray(begun[service] <= np.array(estate.months, dtype="U7")[month])
