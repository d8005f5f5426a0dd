"""Facts that policy rules are written in: one value per line and month, or per line, month and visited country."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from anomaly.estate import BOOL, Coded, Estate, carriers
from core import inventory, periods

#: Every fact a rule may name, with its meaning; docs/anomaly.md repeats the list and a test compares them.
LINE_FACTS = {
    "kind": "kind of service",
    "purpose": "purpose of the service (blank = person for mobile, m2m for iot)",
    "plan_id": "plan in force at the month's end",
    "role": "role of the holder",
    "country": "country of the holder",
    "cost_center_id": "cost center of the line, else of its holder",
    "active_whole_two_months": "active during the whole of this month and the one before",
    "suspended": "suspended on any day of the month",
    "months_without_use": "this month and the ones just before it without any usage quantity (counted up to 2)",
    "carrier_has_usage": "the carrier has any usage row in the month",
    "used": "any usage quantity in the month",
    "months_since_leaving": "months between the holder's left_on and this month, 0 = not left before it",
    "premium_cost": "cost of zone premium",
    "premium_block": "a subscribed item of nature premium_block is in force on a day of the month",
    "usage_cost": "cost of all use",
    "variable_cost": "cost of all use, and third-party charges",
    "off_hours_share": "share of use outside working hours (unknown in this version: never fires)",
    "unknown_equipment": "equipment identities seen that no asset record of the line names",
}
ROAMING_FACTS = {
    "data_voice_cost": "cost of roaming data and voice in the country",
    "cost": "cost of all roaming in the country",
    "roamed": "any roaming quantity or cost in the country",
    "bundle_covers": "a subscribed roaming_pack or the plan's roaming_countries covers it on a day of the month",
    "has_holder": "the line has a recorded holder",
    "travel_covers": "a travel record of the holder, of the country or `*`, overlaps the month",
}


@dataclass(frozen=True)
class Facts:
    """Facts of n rows: numbers and flags as arrays of length n, text as :class:`Coded` of shape (n, 1)."""

    service: NDArray[np.intp]
    month: NDArray[np.intp]
    values: dict[str, NDArray[np.generic] | Coded]
    country: NDArray[np.object_] | None = None


def _flat(coded: Coded, service: NDArray[np.intp], month: NDArray[np.intp]) -> Coded:
    return Coded(coded.codes[service, month][:, None], coded.values)


def plan_price(estate: Estate) -> NDArray[np.int64]:
    """MRC (micros) of the plan in force, 0 outside a line's life or without a known plan."""
    plan = estate.state["plan_id"]
    known = estate.tables["plans"].set_index("plan_id")["mrc"].reindex(pd.Index(plan.values, dtype=object))
    table = np.append(known.fillna(0).to_numpy(dtype=np.int64), 0)
    return np.where(estate.active, table[plan.codes], 0)


def line_facts(estate: Estate) -> Facts:
    """Facts of every line and month, in the order of a flattened (services, months) array."""
    count, width = estate.shape
    use = estate.use
    quantity, cost = estate.sums(use, "quantity"), estate.sums(use, "cost")
    none = quantity <= 0
    before = np.ones_like(none)
    before[:, 1:] = none[:, :-1]
    premium = use[use["zone"] == "premium"]
    third = estate.billed[estate.billed["category"] == "third_party"]
    service, month = np.repeat(np.arange(count), width), np.tile(np.arange(width), count)
    values: dict[str, NDArray[np.generic] | Coded] = {
        name: _flat(estate.state[name], service, month)
        for name in ("kind", "purpose", "plan_id", "role", "country", "cost_center_id")
    }
    numbers: dict[str, NDArray[np.generic]] = {
        "active_whole_two_months": estate.whole_before,
        "suspended": estate.suspended,
        "months_without_use": none.astype(np.int64) * (1 + before.astype(np.int64)),
        "carrier_has_usage": estate.carrier_reported,
        "used": ~none,
        "months_since_leaving": _since_leaving(estate),
        "premium_cost": estate.sums(premium, "cost"),
        "premium_block": _subscribed(estate, "premium_block"),
        "usage_cost": cost,
        "variable_cost": cost + estate.sums(third, "amount"),
        "off_hours_share": np.zeros((count, width)),
        "unknown_equipment": _unknown_equipment(estate),
    }
    values |= {name: grid.reshape(-1) for name, grid in numbers.items()}
    return Facts(service, month, values)


def _since_leaving(estate: Estate) -> NDArray[np.int64]:
    left = estate.state["left_on"]
    result = np.zeros(estate.shape, dtype=np.int64)
    for t, month in enumerate(estate.months):
        table = [max(periods.month_distance(str(day)[:7], month), 0) for day in left.values] + [0]
        result[:, t] = np.array(table, dtype=np.int64)[left.codes[:, t]]
    return result


def item_natures(estate: Estate) -> pd.DataFrame:
    """Subscribed items: service_id, nature, countries, valid_from, valid_to (blank dates filled)."""
    held = estate.tables["service_items"]
    held = held[held["quantity"].isna() | (held["quantity"] > 0)][["service_id", "item_code", "valid_from", "valid_to"]]
    held = held.assign(carrier_id=held["service_id"].map(carriers(estate.services, estate.tables["accounts"])))
    items = estate.tables["items"][["carrier_id", "item_code", "nature", "countries"]]
    joined = held.merge(items, on=["carrier_id", "item_code"], how="inner")
    joined["valid_from"] = joined["valid_from"].fillna(inventory.FIRST_DAY)
    joined["valid_to"] = joined["valid_to"].fillna(inventory.LAST_DAY)
    return joined


def _subscribed(estate: Estate, nature: str) -> BOOL:
    items = item_natures(estate)
    items = items[items["nature"] == nature]
    index = pd.Index(estate.services["service_id"]).get_indexer(pd.Index(items["service_id"]))
    lower, upper = items["valid_from"].to_numpy(dtype="U10"), items["valid_to"].to_numpy(dtype="U10")
    result = np.zeros(estate.shape, dtype=bool)
    for t, month in enumerate(estate.months):
        held = (lower <= periods.month_end(month)) & (upper > periods.month_start(month)) & (index >= 0)
        result[index[held], t] = True
    return result


def _unknown_equipment(estate: Estate) -> NDArray[np.int64]:
    seen = estate.sims
    if seen.empty:
        return np.zeros(estate.shape, dtype=np.int64)
    recorded = pd.MultiIndex.from_frame(estate.known_devices[["service_id", "imei"]])
    with_record = seen["service_id"].isin(estate.known_devices["service_id"])
    strange = with_record & ~pd.MultiIndex.from_frame(seen[["service_id", "imei"]]).isin(recorded)
    return estate.sums(seen.assign(one=strange.astype(int)), "one").astype(np.int64)


def covers(listed: str | None, country: str | None) -> bool:
    """Whether a list such as `FR|DE` or `*` covers a country; an unknown country is covered by any non-empty list."""
    if not isinstance(listed, str) or not listed.strip():
        return False
    codes = {code.strip().upper() for code in listed.split("|")}
    return "*" in codes or not isinstance(country, str) or country.strip().upper() in codes


def roaming_facts(estate: Estate) -> Facts:
    """Facts of every line, month and visited country with roaming use."""
    use = estate.use[estate.use["zone"] == "roaming"]
    use = use[(use["quantity"] > 0) | (use["cost"] > 0)]
    talk = use["usage_type"].isin(["data", "voice"])
    use = use.assign(data_voice_cost=use["cost"].where(talk, 0))
    rows = use.groupby(["service_id", "month", "country"], dropna=False, as_index=False, sort=True)[
        ["cost", "data_voice_cost"]
    ].sum()
    service, month = estate.rows_of(rows)
    keep = (service >= 0) & (month >= 0)
    rows, service, month = rows[keep].reset_index(drop=True), service[keep], month[keep]
    country = np.array([c if isinstance(c, str) else None for c in rows["country"]], dtype=object)
    holder = estate.state["employee_id"]
    values: dict[str, NDArray[np.generic] | Coded] = {
        name: _flat(estate.state[name], service, month)
        for name in ("kind", "purpose", "plan_id", "role", "country", "cost_center_id")
    }
    values |= {
        "cost": rows["cost"].to_numpy(dtype=float),
        "data_voice_cost": rows["data_voice_cost"].to_numpy(dtype=float),
        "roamed": np.ones(len(rows), dtype=bool),
        "has_holder": holder.codes[service, month] >= 0,
        "bundle_covers": _bundled(estate, service, month, country),
        "travel_covers": _travelled(estate, service, month, country),
    }
    return Facts(service, month, values, country)


def _bundled(estate: Estate, service: NDArray[np.intp], month: NDArray[np.intp], country: NDArray[np.object_]) -> BOOL:
    ids = estate.services["service_id"].to_numpy(dtype=object)
    wanted = set(ids[service])
    offers: dict[str, list[tuple[str, str, str | None]]] = {}
    items = item_natures(estate)
    packs = items[(items["nature"] == "roaming_pack") & items["service_id"].isin(wanted)]
    packs = packs.assign(countries=packs["countries"].fillna("*"))  # a pack without a list: the rule must stay silent
    spans = estate.spans[estate.spans["service_id"].isin(wanted)]
    where = estate.tables["plans"].set_index("plan_id")["roaming_countries"]
    plans = spans[["service_id", "valid_from", "valid_to"]].assign(countries=spans["plan_id"].map(where))
    for frame in (packs, plans):
        listed = frame[["service_id", "valid_from", "valid_to", "countries"]]
        for name, start, end, countries in listed.itertuples(index=False, name=None):
            offers.setdefault(name, []).append((start, end, countries))
    plan = estate.state["plan_id"]
    result = np.zeros(len(service), dtype=bool)
    for row, (s, t) in enumerate(zip(service, month, strict=True)):
        first, last = periods.month_start(estate.months[t]), periods.month_end(estate.months[t])
        result[row] = any(
            start <= last and end > first and covers(countries, country[row])
            for start, end, countries in offers.get(ids[s], [])
        ) or covers(where.get(plan.text(s, t)), country[row])
    return result


def _travelled(
    estate: Estate, service: NDArray[np.intp], month: NDArray[np.intp], country: NDArray[np.object_]
) -> BOOL:
    trips: dict[str, list[tuple[str, str, str]]] = {}
    travel = estate.tables["travel"]
    ends = travel["ends_on"].fillna(inventory.LAST_DAY)
    for person, where, start, end in zip(
        travel["employee_id"], travel["country"], travel["starts_on"], ends, strict=True
    ):
        trips.setdefault(person, []).append((where, start, end))
    holder = estate.state["employee_id"]
    result = np.zeros(len(service), dtype=bool)
    for row, (s, t) in enumerate(zip(service, month, strict=True)):
        first, last = periods.month_start(estate.months[t]), periods.month_end(estate.months[t])
        result[row] = any(
            start <= last and end >= first and covers(where, country[row])
            for where, start, end in trips.get(holder.text(s, t) or "", [])
        )
    return result


def micros(amount: float) -> int:
    """A sum of whole micros kept in a float, back as a whole number."""
    return round(amount)
