"""The monthly panel of every line: volumes, rare events and their money, point in time.

Money is divided by the fleet's unit of its own currency (the median spend of a line-month, of months up to the one it
belongs to), so that the scale of a currency changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from anomaly.estate import BOOL, CODES, REAL, Estate
from anomaly.facts import plan_price
from core.money import SCALE

#: Volumes are compared on the scale log(1 + volume / unit): MB, minutes, messages.
VOLUME_UNITS = {"home_data": 50.0, "home_voice": 5.0, "home_sms": 5.0}
RECURRING = ("mrc", "occ", "third_party")
ONE_OFF = ("nrc", "equipment", "late_fee", "adjustment")
#: More than this in a month cannot be one line's use: minutes in a month, and 100 TB.
IMPOSSIBLE = {"voice": 31 * 24 * 60.0, "data": 100e6}


@dataclass(frozen=True)
class Panel:
    """Features of shape (services, months). `volumes` in MB, min, msg; `money` in micros; `unit` micros per fleet unit.

    `counts` are numbers of things. `known` marks line-months whose carrier sent usage at all.
    """

    volumes: dict[str, REAL]
    money: dict[str, REAL]
    counts: dict[str, REAL]
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
    for name in ("destinations", "short_calls"):
        counts[name] = estate.sums(estate.events, name) if len(estate.events) else np.zeros(estate.shape)
    counts["device_change"] = _device_changes(estate)
    home = np.maximum(charged("usage") - sum(_charged_away(estate), np.zeros(estate.shape)), 0)
    money = {
        "home_cost": np.maximum(cost("home"), home),
        "roam_cost": cost("roaming"),
        "intl_cost": cost("international"),
        "premium_cost": cost("premium"),
        "directory_cost": cost("directory"),
        "third_party": np.maximum(charged("third_party"), 0),
        "one_off": np.maximum(charged(*ONE_OFF), 0),
    }
    money["new_charge"], money["rate_change"] = _recurring(estate)
    price = plan_price(estate).astype(float)
    billed_total = charged(
        "mrc", "usage", "third_party", "occ", "nrc", "equipment", "credit", "surcharge", "adjustment"
    )
    variable = sum((money[name] for name in _VARIABLE), np.zeros(estate.shape))
    spend = np.where(billed_total > 0, billed_total, price + variable)
    currency = line_currency(estate)
    known = estate.carrier_reported & estate.scored
    voice = sum((volume(z, "voice") for z in ("home", "roaming", "international", "premium")), np.zeros(estate.shape))
    single = estate.services["kind"].isin(["mobile", "iot"]).to_numpy(dtype=bool)[:, None]
    impossible = estate.scored & (
        ((voice > IMPOSSIBLE["voice"]) & single) | (volumes["home_data"] + counts["roam_data"] > IMPOSSIBLE["data"])
    )
    return Panel(
        volumes=volumes,
        money=money,
        counts=counts,
        unit=_units(np.where(estate.scored, spend, 0.0), currency),
        known=known,
        scored=estate.scored,
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
        return codes.reshape(estate.shape).astype(np.int32)

    return {
        "kind": combine("kind", "device_kind"),
        "plan": combine("kind", "device_kind", "plan_id"),
        "role": combine("kind", "role"),
        "cost_center_id": state["cost_center_id"].codes,
        "site_id": state["site_id"].codes,
        "plan_id": state["plan_id"].codes,
    }


def _device_changes(estate: Estate) -> REAL:
    """1 in a month in which the line is seen in equipment it was never seen in before, its first sighting apart."""
    result = np.zeros(estate.shape)
    if estate.sims.empty:
        return result
    first = estate.sims.groupby(["service_id", "imei"], as_index=False)["month"].min()
    start = first.groupby("service_id")["month"].transform("min")
    return np.minimum(estate.sums(first[first["month"] > start].assign(one=1), "one"), 1.0)


def _recurring(estate: Estate) -> tuple[REAL, REAL]:
    """New recurring charges (an item never on the line before), and the rise of a known one on the same plan."""
    billed = estate.billed
    rows = billed[billed["category"].isin(RECURRING) & (billed["amount"] > 0)]
    none = np.zeros(estate.shape)
    if rows.empty:
        return none, none
    item = rows["item_code"].fillna(rows["description"]).fillna(rows["category"])
    rows = rows.assign(item=item)
    first = rows.groupby(["service_id", "item"], as_index=False).agg(month=("month", "min"))
    begun = rows.groupby("service_id")["month"].min()
    first = first[first["month"] > first["service_id"].map(begun)]
    fresh = rows.merge(first, on=["service_id", "item", "month"], how="inner")
    plan = estate.state["plan_id"].codes
    same_plan = np.zeros(estate.shape, dtype=bool)
    same_plan[:, 1:] = plan[:, 1:] == plan[:, :-1]
    settled = same_plan & estate.whole & estate.whole_before
    new_charge = np.where(settled, estate.sums(fresh, "amount"), 0.0)
    mrc = estate.sums(rows[rows["category"] == "mrc"], "amount") - estate.sums(
        fresh[fresh["category"] == "mrc"], "amount"
    )
    rise = np.zeros(estate.shape)
    before = np.zeros(estate.shape)
    before[:, 1:] = estate.sums(rows[rows["category"] == "mrc"], "amount")[:, :-1]
    rise[:] = np.where(settled & (before > 0), np.maximum(mrc - before, 0.0), 0.0)
    return new_charge, np.where(rise > 0.01 * before, rise, 0.0)


def level(volume: REAL, unit: float) -> REAL:
    """The scale on which volumes are compared."""
    return np.log1p(np.maximum(volume, 0.0) / unit)


def unlevel(value: float, unit: float) -> float:
    """Back from :func:`level`."""
    return float(max(np.expm1(value) * unit, 0.0))


def frame(panel: Panel, estate: Estate) -> pd.DataFrame:
    """The panel as one row for each line-month: what a detector that knows no history is given."""
    service, month = np.nonzero(panel.scored)
    data: dict[str, NDArray[Any]] = {"service": service, "month": month}
    for name, grid in (panel.volumes | panel.counts).items():
        data[name] = grid[service, month]
    for name, grid in panel.money.items():
        data[name] = grid[service, month] / panel.unit[service, month]
    return pd.DataFrame(data).assign(service_id=estate.services["service_id"].to_numpy()[service])
