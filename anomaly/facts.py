"""Facts that policy rules are written in: one value per line and month, or per line, month and visited country."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from anomaly.estate import BOOL, REAL, Coded, Estate, carriers
from core import inventory, periods
from core.money import SCALE

#: Months a line must have been seen before a country can be new to it.
KNOWN_MONTHS = 2

#: Every fact a rule may name, with its meaning; docs/anomaly.md repeats the list and a test compares them.
LINE_FACTS = {
    "kind": "kind of service",
    "device_kind": "kind of device (phone, tablet, hotspot, sensor ...)",
    "purpose": "purpose of the service (blank = person for mobile, m2m for iot)",
    "plan_id": "plan in force at the month's end",
    "role": "role of the holder",
    "country": "country of the holder",
    "cost_center_id": "cost center of the line, else of its holder",
    "active_whole_two_months": "active during the whole of this month and the one before",
    "suspended": "suspended on any day of the month",
    "months_without_use": "this month and the ones just before it without any usage quantity",
    "carrier_has_usage": "the carrier has any usage row in the month",
    "used": "any usage quantity in the month",
    "months_since_leaving": "months between the holder's left_on and this month, 0 = not left before it",
    "premium_cost": "cost of zone premium",
    "premium_block": "a subscribed item of nature premium_block is in force on a day of the month",
    "usage_cost": "cost of all use",
    "variable_cost": "cost of all use, and third-party charges",
    "international_cost": "cost of zone international, 0 where the use is more than a line can have",
    "roaming_cost": "cost of zone roaming, 0 where the use is more than a line can have",
    "roaming_data_mb": "roaming data in MB, 0 where the use is more than a line can have",
    "destinations": "countries called in the month, from usage and call details",
    "new_destinations": "those of them it had called in no earlier month, once it has been seen for two months",
    "off_hours_share": "share of calls and sessions outside Monday to Friday, 7 to 20 h local time, from event details",
    "unknown_equipment": "equipment identities seen that no asset record of the line names",
    "new_sims": "SIM cards first seen in the month, the line's first card apart",
    "sim_ordered": "an order of the line (change, install or port) lies in this month or the one before",
    "bad_events": "calls and sessions that repeat another to the second, outlast a day or cost less than nothing",
    "impossible_use": "more minutes than the month has, or more than 100 TB, on one mobile or IoT line; or below zero",
    "travel_covers": "the holder has a travel record that overlaps the month",
    "bundle_covers": "a subscribed roaming pack or roaming countries of the plan are in force in the month",
    "asset_known": "all equipment seen in the month is on an asset record of the line",
}
ROAMING_FACTS = {
    "data_voice_cost": "cost of roaming data and voice in the country",
    "cost": "cost of all roaming in the country",
    "roamed": "any roaming quantity or cost in the country",
    "bundle_covers": "a subscribed roaming_pack or the plan's roaming_countries covers it on a day of the month",
    "data_mb": "roaming data in MB in the country",
    "has_holder": "the line has a recorded holder",
    "travel_covers": "a travel record of the holder, of the country or `*`, overlaps the month",
}


#: The facts about a line and month that every grain has.
STATE_FACTS = ("kind", "device_kind", "purpose", "plan_id", "role", "country", "cost_center_id")

Column = NDArray[np.generic] | Coded


class Values(Mapping[str, Column]):
    """Facts by name; each is worked out when it is first asked for, because few rules ask for all."""

    def __init__(self, makers: Mapping[str, Callable[[], Column]]) -> None:
        self._makers, self._made = dict(makers), dict[str, Column]()

    def __getitem__(self, name: str) -> Column:
        if name not in self._made:
            self._made[name] = self._makers[name]()
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._makers)

    def __len__(self) -> int:
        return len(self._makers)


@dataclass(frozen=True)
class Facts:
    """Facts of n rows: numbers and flags as arrays of length n, text as :class:`Coded` of shape (n, 1).

    `country` is the visited country of each row; `label` names what else a row stands for (an item, countries called),
    `began` when it began (seconds of the line's own clock since 1970).
    """

    service: NDArray[np.intp]
    month: NDArray[np.intp]
    values: Mapping[str, Column]
    country: NDArray[np.object_] | None = None
    label: NDArray[np.object_] | None = None
    began: NDArray[np.int64] | None = None


def state_makers(estate: Estate, service: NDArray[np.intp], month: NDArray[np.intp]) -> dict[str, Callable[[], Column]]:
    """Makers of :data:`STATE_FACTS` for rows of these lines and months."""

    def maker(name: str) -> Callable[[], Column]:
        return lambda: _flat(estate.state[name], service, month)

    return {name: maker(name) for name in STATE_FACTS}


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
    service, month = np.repeat(np.arange(count), width), np.tile(np.arange(width), count)
    quantity = estate.sums(use, "quantity")
    third = estate.billed[estate.billed["category"] == "third_party"]

    def zone(name: str, column: str = "cost", kind: str | None = None) -> REAL:
        rows = use[(use["zone"] == name) & ((use["usage_type"] == kind) if kind else True)]
        return estate.sums(rows, column)

    @lru_cache(maxsize=1)
    def impossible() -> BOOL:
        return estate.impossible

    def sound(grid: REAL) -> REAL:
        return np.where(impossible(), 0.0, grid) if grid.any() else grid

    grids: dict[str, Callable[[], NDArray[np.generic]]] = {
        "active_whole_two_months": lambda: estate.whole_before,
        "suspended": lambda: estate.suspended,
        "months_without_use": lambda: _silence(quantity <= 0),
        "carrier_has_usage": lambda: estate.carrier_reported,
        "used": lambda: quantity > 0,
        "months_since_leaving": lambda: _since_leaving(estate),
        "premium_cost": lambda: zone("premium"),
        "premium_block": lambda: _subscribed(estate, "premium_block"),
        "usage_cost": lambda: estate.sums(use, "cost"),
        "variable_cost": lambda: estate.sums(use, "cost") + estate.sums(third, "amount"),
        "international_cost": lambda: sound(zone("international")),
        "roaming_cost": lambda: sound(zone("roaming")),
        "roaming_data_mb": lambda: sound(zone("roaming", "quantity", "data")) / SCALE,
        "destinations": lambda: sound(_destinations(estate)),
        "new_destinations": lambda: sound(_destinations(estate, new=True)),
        "off_hours_share": lambda: _off_hours(estate),
        "unknown_equipment": lambda: _unknown_equipment(estate),
        "new_sims": lambda: _new_sims(estate),
        "sim_ordered": lambda: _ordered(estate),
        "bad_events": lambda: _counted(estate, "bad_events"),
        "impossible_use": impossible,
        "travel_covers": lambda: _travelling(estate),
        "bundle_covers": lambda: _subscribed(estate, "roaming_pack") | _plan_roams(estate),
        "asset_known": lambda: _unknown_equipment(estate) == 0,
    }

    def flat(name: str) -> Callable[[], Column]:
        return lambda: np.asarray(grids[name]()).reshape(-1)

    makers = state_makers(estate, service, month) | {name: flat(name) for name in grids}
    return Facts(service, month, Values(makers))


def _silence(none: BOOL) -> NDArray[np.int64]:
    """This month and the ones just before it without use; the month before the data begins counts as one of them."""
    result = np.zeros(none.shape, dtype=np.int64)
    before = np.ones(none.shape[0], dtype=np.int64)
    for t in range(none.shape[1]):
        before = np.where(none[:, t], before + 1, 0)
        result[:, t] = before
    return result


def _destinations(estate: Estate, *, new: bool = False) -> REAL:
    """Countries called; with `new` only those called in no earlier month, once the line has been seen for a while."""
    use = estate.use
    rows = use[(use["zone"] == "international") & use["country"].notna() & ((use["quantity"] > 0) | (use["cost"] > 0))]
    listed = [rows[["service_id", "month", "country"]]]
    calls = estate.detail("calls")
    if len(calls):
        calls = calls[(calls["direction"] == "out") & calls["peer_country"].notna()]
        listed.append(calls[["service_id", "month", "peer_country"]].rename(columns={"peer_country": "country"}))
    pairs = pd.concat(listed, ignore_index=True).drop_duplicates()
    if not new:
        return np.maximum(
            estate.sums(pairs.assign(one=1), "one"),
            estate.sums(estate.events, "destinations") if len(estate.events) else 0.0,
        )
    first = pairs.groupby(["service_id", "country"], as_index=False)["month"].min()
    known = np.cumsum(estate.scored, axis=1) > KNOWN_MONTHS
    return np.where(known, estate.sums(first.assign(one=1), "one"), 0.0)


def _counted(estate: Estate, name: str) -> REAL:
    rows = estate.detail(name)
    return estate.sums(rows, "count") if len(rows) else np.zeros(estate.shape)


def _off_hours(estate: Estate) -> REAL:
    rows = estate.detail("event_hours")
    if rows.empty:
        return np.zeros(estate.shape)
    every = estate.sums(rows, "count")
    return np.divide(estate.sums(rows[rows["off"]], "count"), every, out=np.zeros(estate.shape), where=every > 0)


def _new_sims(estate: Estate) -> REAL:
    rows = estate.detail("sim_cards")
    if rows.empty:
        return np.zeros(estate.shape)
    first = rows.groupby(["service_id", "iccid"], as_index=False)["month"].min()
    begun = first.groupby("service_id")["month"].transform("min")
    return estate.sums(first[first["month"] > begun].assign(one=1), "one")


def _ordered(estate: Estate) -> BOOL:
    orders = estate.tables["orders"]
    orders = orders[orders["type"].isin(["change", "install", "port"]) & orders["service_id"].notna()]
    day = orders["completed_on"].fillna(orders["ordered_on"]).fillna(orders["requested_on"])
    rows = orders.assign(month=day.str[:7], one=1)
    placed = estate.sums(rows[rows["month"].notna()], "one") > 0
    recent = placed.copy()
    recent[:, 1:] |= placed[:, :-1]
    return recent


def _travelling(estate: Estate) -> BOOL:
    trips = estate.tables["travel"]
    ends = trips["ends_on"].fillna(inventory.LAST_DAY).to_numpy(dtype="U10")
    starts = trips["starts_on"].fillna(inventory.FIRST_DAY).to_numpy(dtype="U10")
    holder = estate.state["employee_id"]
    result = np.zeros(estate.shape, dtype=bool)
    for t, month in enumerate(estate.months):
        away = (starts <= periods.month_end(month)) & (ends >= periods.month_start(month))
        result[:, t] = holder.isin(set(trips["employee_id"][away]))[:, t]
    return result


def _plan_roams(estate: Estate) -> BOOL:
    plans = estate.tables["plans"]
    listed = plans["roaming_countries"].fillna("").str.strip() != ""
    return estate.state["plan_id"].isin(set(plans.loc[listed, "plan_id"]))


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
    use = use.assign(
        data_voice_cost=use["cost"].where(talk, 0), data=use["quantity"].where(use["usage_type"] == "data", 0)
    )
    rows = use.groupby(["service_id", "month", "country"], dropna=False, as_index=False, sort=True)[
        ["cost", "data_voice_cost", "data"]
    ].sum()
    service, month = estate.rows_of(rows)
    keep = (service >= 0) & (month >= 0)
    rows, service, month = rows[keep].reset_index(drop=True), service[keep], month[keep]
    country = np.array([c if isinstance(c, str) else None for c in rows["country"]], dtype=object)
    holder = estate.state["employee_id"]
    makers: dict[str, Callable[[], Column]] = {
        "cost": lambda: rows["cost"].to_numpy(dtype=float),
        "data_voice_cost": lambda: rows["data_voice_cost"].to_numpy(dtype=float),
        "data_mb": lambda: rows["data"].to_numpy(dtype=float) / SCALE,
        "roamed": lambda: np.ones(len(rows), dtype=bool),
        "has_holder": lambda: holder.codes[service, month] >= 0,
        "bundle_covers": lambda: _bundled(estate, service, month, country),
        "travel_covers": lambda: _travelled(estate, service, month, country),
    }
    return Facts(service, month, Values(state_makers(estate, service, month) | makers), country)


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
