"""The monthly panel of every line: volumes, rare events and their money, point in time.

Money is divided by the fleet's unit of its own currency (the median spend of a line-month, of months up to the one it
belongs to), so that the scale of a currency changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from anomaly.estate import BOOL, CODES, REAL, Estate
from anomaly.facts import plan_price
from anomaly.sparse import Sparse
from core import inventory, periods
from core.money import SCALE

#: Volumes are compared on the scale log(1 + volume / unit): MB, minutes, messages.
VOLUME_UNITS = {"home_data": 50.0, "home_voice": 5.0, "home_sms": 5.0}
RECURRING = ("mrc", "occ", "third_party")
ONE_OFF = ("nrc", "equipment", "late_fee", "adjustment")
#: Up to so many countries called, and short calls to them, a month is nobody's anomaly.
EVERYDAY_CALLS = {"destinations": 2, "short_calls": 4}
#: More than this in a month cannot be one line's use: minutes in a month, and 100 TB.
IMPOSSIBLE = {"voice": 31 * 24 * 60.0, "data": 100e6}


@dataclass(frozen=True)
class Panel:
    """Features of shape (services, months). `volumes` in MB, min, msg; `money` in micros; `unit` micros per fleet unit.

    `counts` are numbers of things; of money and counts only what is above 0 is kept. `known` marks line-months whose
    carrier sent usage at all.
    """

    volumes: dict[str, REAL]
    money: dict[str, Sparse]
    counts: dict[str, Sparse]
    unit: REAL
    known: BOOL
    scored: BOOL
    partial: BOOL
    impossible: BOOL
    spend: REAL
    variable: REAL
    groups: dict[str, CODES]
    currency: NDArray[np.object_]


def build(estate: Estate) -> Panel:
    """The panel of an estate."""
    use, billed = estate.use, estate.billed
    zone, kind = use["zone"], use["usage_type"]

    def volume(wanted_zone: str, wanted_kind: str) -> REAL:
        return estate.sums(use[(zone == wanted_zone) & (kind == wanted_kind)], "quantity") / SCALE

    def cost(wanted_zone: str) -> REAL:
        return estate.sums(use[zone == wanted_zone], "cost")

    def charged(*categories: str) -> REAL:
        return estate.sums(billed[billed["category"].isin(categories)], "amount")

    volumes = {f"home_{name}": volume("home", name) for name in ("data", "voice", "sms")}
    counts = {
        "roam_data": volume("roaming", "data"),
        "roam_voice": volume("roaming", "voice"),
        "intl_voice": volume("international", "voice"),
    }
    for name, usual in EVERYDAY_CALLS.items():
        many = estate.sums(estate.events, name) if len(estate.events) else np.zeros(estate.shape)
        counts[name] = np.where(many > usual, many, 0.0)
    counts["device_change"] = _device_changes(estate)
    counts["sim_swap"] = _sim_swaps(estate)
    home = np.maximum(charged("usage") - sum(_charged_away(estate), np.zeros(estate.shape)), 0)
    money = {
        "home_cost": np.maximum(cost("home"), home),
        "roam_cost": cost("roaming"),
        "intl_cost": cost("international"),
        "premium_cost": cost("premium"),
        "directory_cost": cost("directory"),
        "third_party": np.maximum(charged("third_party"), 0),
        "one_off": _unordered(estate, np.maximum(charged(*ONE_OFF), 0)),
    }
    money["new_charge"], money["rate_change"] = _recurring(estate)
    price = plan_price(estate).astype(float)
    billed_total = charged(
        "mrc", "usage", "third_party", "occ", "nrc", "equipment", "credit", "surcharge", "adjustment"
    )
    variable = sum((money[name] for name in _VARIABLE), np.zeros(estate.shape))
    spend = np.where(billed_total > 0, billed_total, price + variable)
    currency = line_currency(estate)
    scored = np.asfortranarray(estate.scored)  # months are looked at one by one
    known = np.asfortranarray(estate.carrier_reported & scored)
    voice = sum((volume(z, "voice") for z in ("home", "roaming", "international", "premium")), np.zeros(estate.shape))
    single = estate.services["kind"].isin(["mobile", "iot"]).to_numpy(dtype=bool)[:, None]
    impossible = estate.scored & (
        ((voice > IMPOSSIBLE["voice"]) & single) | (volumes["home_data"] + counts["roam_data"] > IMPOSSIBLE["data"])
    )
    return Panel(
        volumes=volumes,
        money={name: Sparse.above(grid) for name, grid in money.items()},
        counts={name: Sparse.above(grid) for name, grid in counts.items()},
        unit=_units(np.where(estate.scored, spend, 0.0), currency),
        known=known,
        scored=scored,
        partial=estate.scored & ~estate.whole,
        impossible=impossible,
        spend=spend,
        variable=variable,
        groups=_groups(estate),
        currency=currency,
    )


_VARIABLE = ("home_cost", "roam_cost", "intl_cost", "premium_cost", "directory_cost", "third_party")


def _charged_away(estate: Estate) -> list[REAL]:
    away = estate.use[estate.use["zone"] != "home"]
    return [estate.sums(away, "cost")]


def line_currency(estate: Estate) -> NDArray[np.object_]:
    """One currency for each service: its account's, else its plan's, else that of its usage."""
    services = estate.services
    accounts = estate.tables["accounts"].set_index("account_id")["currency"]
    plans = estate.tables["plans"].set_index("plan_id")["currency"]
    used = estate.use.dropna(subset=["currency"]).groupby("service_id")["currency"].min()
    found = services["account_id"].map(accounts).fillna(services["plan_id"].map(plans))
    found = found.fillna(services["service_id"].map(used))
    return np.array([c if isinstance(c, str) else "" for c in found], dtype=object)


def _units(spend: REAL, currency: NDArray[np.object_]) -> REAL:
    """For each line and month the median of positive spend so far in its currency (an exact figure, no mean of two)."""
    unit = np.full(spend.shape, float(SCALE))
    for name in np.unique(currency.astype(str)):
        lines = currency == name
        seen: list[REAL] = []
        for t in range(spend.shape[1]):
            column = spend[lines, t]
            seen.append(column[column > 0])
            pool = np.concatenate(seen)
            if len(pool):
                unit[lines, t] = np.partition(pool, len(pool) // 2)[len(pool) // 2]
    return unit


def _groups(estate: Estate) -> dict[str, CODES]:
    """Codes of shape (services, months) for each way of having peers; -1 = in no group."""
    state = estate.state

    def combine(*names: str) -> CODES:
        key = np.zeros(estate.shape, dtype=np.int64)
        for name in names:
            key = key * (len(state[name].values) + 1) + state[name].codes + 1
        _, codes = np.unique(key, return_inverse=True)
        return np.asfortranarray(codes.reshape(estate.shape).astype(np.int32))

    return {
        "kind": combine("kind", "device_kind"),
        "plan": combine("kind", "device_kind", "plan_id"),
        "role": combine("kind", "role"),
        **{name: np.asfortranarray(state[name].codes) for name in ("cost_center_id", "site_id", "plan_id")},
    }


def _device_changes(estate: Estate) -> REAL:
    """1 in a month in which the line is seen in equipment it was never seen in before, its first sighting apart."""
    result = np.zeros(estate.shape)
    if estate.sims.empty:
        return result
    first = estate.sims.groupby(["service_id", "imei"], as_index=False)["month"].min()
    start = first.groupby("service_id")["month"].transform("min")
    return np.minimum(estate.sums(first[first["month"] > start].assign(one=1), "one"), 1.0)


def _sim_swaps(estate: Estate) -> REAL:
    """1 in a month in which a SIM card never seen on the line appears in equipment never seen on it."""
    if estate.cards.empty:
        return np.zeros(estate.shape)
    seen = estate.cards
    start = seen.groupby("service_id")["month"].transform("min")
    fresh = seen["month"] > start
    for name in ("iccid", "imei"):
        fresh &= seen["month"] == seen.groupby(["service_id", name])["month"].transform("min")
    return np.minimum(estate.sums(seen[fresh].assign(one=1), "one"), 1.0)


def _recurring(estate: Estate) -> tuple[REAL, REAL]:
    """New recurring charges, and the rise of known ones, on an unchanged plan in a whole month.

    New is an item that the line never had before and that its subscribed items do not name. A rise is an item billed
    more than 1 % above the month before.
    """
    billed = estate.billed
    rows = billed[billed["category"].isin(RECURRING) & (billed["amount"] > 0)]
    none = np.zeros(estate.shape)
    if rows.empty:
        return none, none
    item = rows["item_code"].fillna(rows["description"]).fillna(rows["category"])
    rows = rows.assign(item=item).groupby(["service_id", "item", "month"], as_index=False, sort=True)["amount"].sum()
    earliest = rows.groupby(["service_id", "item"])["month"].transform("min")
    begun = rows.groupby("service_id")["month"].transform("min")
    fresh = rows[(rows["month"] == earliest) & (rows["month"] > begun) & ~_is_subscribed(estate, rows)]
    same = (rows["service_id"] == rows["service_id"].shift()) & (rows["item"] == rows["item"].shift())
    follows = rows["month"].shift().isin(estate.months) & (rows["month"].shift() == rows["month"].map(_previous))
    rise = (rows["amount"] - rows["amount"].shift()).where(same & follows, 0)
    dearer = rows.assign(rise=rise.fillna(0))[rise > 0.01 * rows["amount"].shift()]
    plan = estate.state["plan_id"].codes
    settled = estate.whole & estate.whole_before
    settled[:, 1:] &= plan[:, 1:] == plan[:, :-1]
    return np.where(settled, estate.sums(fresh, "amount"), 0.0), np.where(settled, estate.sums(dearer, "rise"), 0.0)


def _previous(month: str) -> str:
    return periods.shift(month, -1)


def _is_subscribed(estate: Estate, rows: pd.DataFrame) -> pd.Series[bool]:
    """Whether the line's subscribed items name the charged item, in force by the month's end."""
    held = estate.tables["service_items"].groupby(["service_id", "item_code"])["valid_from"]
    since = held.agg(lambda days: days.fillna(inventory.FIRST_DAY).min()) if len(held) else pd.Series(dtype=object)
    keys = pd.MultiIndex.from_arrays([rows["service_id"], rows["item"]])
    day = since.reindex(keys).fillna(inventory.LAST_DAY).astype(str).to_numpy(dtype="U10")
    ends = rows["month"].map(periods.month_end).to_numpy(dtype="U10")
    return pd.Series(day <= ends, index=rows.index)


def _unordered(estate: Estate, amount: REAL) -> REAL:
    """One-off charges without an order of the line in the same month or the three before it."""
    orders = estate.tables["orders"]
    day = orders["ordered_on"].fillna(orders["requested_on"])
    placed = estate.sums(orders.assign(month=day.str[:7], one=1), "one") > 0
    recent = placed.copy()
    for back in (1, 2, 3):
        recent[:, back:] |= placed[:, :-back] if back < placed.shape[1] else False
    return np.where(recent, 0.0, amount)


def level(volume: REAL, unit: float) -> REAL:
    """The scale on which volumes are compared."""
    return np.log1p(np.maximum(volume, 0.0) / unit)


def unlevel(value: float, unit: float) -> float:
    """Back from :func:`level`."""
    return float(max(np.expm1(value) * unit, 0.0))


def unlevel_grid(values: NDArray[Any], unit: float) -> REAL:
    """Back from :func:`level`, for arrays."""
    return np.asarray(np.maximum(np.expm1(values) * unit, 0.0))


def frame(panel: Panel, estate: Estate) -> pd.DataFrame:
    """The panel as one row for each line-month: what a detector that knows no history is given."""
    service, month = np.nonzero(panel.scored)
    data: dict[str, NDArray[Any]] = {"service": service, "month": month}
    held: Mapping[str, REAL | Sparse] = {**panel.volumes, **panel.counts}
    for name, grid in held.items():
        data[name] = grid[service, month]
    for name, amount in panel.money.items():
        data[name] = amount[service, month] / panel.unit[service, month]
    return pd.DataFrame(data).assign(service_id=estate.services["service_id"].to_numpy()[service])
