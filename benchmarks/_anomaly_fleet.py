"""A frozen fleet with planted events and look-alikes, to measure the anomaly model: kinds, sizes and rates are fixed.

Everything is drawn from one seed. Ordinary life: heavy-tailed levels by role, month-to-month noise, seasons, business
trips (most of them booked and covered by a pack), a few calls to other countries. Look-alikes that are no anomaly: a
company event abroad, a device roll-out that raises data use, a carrier's price rise. Events are listed in `TYPES`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from anomaly import estate as lines
from core import periods
from core.schema import TABLES

FIRST, MONTHS = "2025-04", 18
SCORED_FROM = 6  # events are planted and measured from this month on
SIZES = ("low", "medium", "high")
ROLES = ("field", "sales", "office", "manager", "executive")
DATA_LEVEL = {"field": 1500, "sales": 2500, "office": 600, "manager": 1800, "executive": 3500}
TRIP_RATE = {"field": 0.01, "sales": 0.06, "office": 0.01, "manager": 0.06, "executive": 0.15}
INTL_RATE = {"field": 0.01, "sales": 0.08, "office": 0.03, "manager": 0.06, "executive": 0.1}
NEAR = ("FR", "DE", "GB", "MX", "CA")
FAR = ("SO", "CU", "LV", "TN", "PG", "MV")
TYPES: dict[str, tuple[float, float, float]] = {
    "data_spike": (3, 6, 15),  # times the usual
    "voice_spike": (3, 6, 15),
    "data_level_shift": (3, 5, 10),
    "slow_leak": (1.10, 1.18, 1.30),  # growth a month
    "overage": (10, 40, 150),  # money
    "roam_no_bundle": (15, 80, 400),
    "roam_no_travel": (5, 30, 150),
    "roam_spike": (60, 200, 800),
    "intl_burst": (40, 200, 1500),
    "short_calls": (15, 60, 300),  # calls
    "premium": (4, 25, 150),
    "third_party": (3, 10, 40),
    "new_charge": (3, 10, 40),
    "rate_change": (2, 6, 20),
    "zero_use": (1, 1, 1),
    "use_after_leaving": (1, 1, 1),
    "sim_swap": (5, 30, 150),
}
#: Types that the detector's settings were never compared on; measured only where the bars are reported.
UNSEEN: dict[str, tuple[float, float, float]] = {
    "message_burst": (4, 10, 40),  # times the usual: a card that sends spam
    "call_selling": (2.5, 4, 8),  # times the usual, four months
    "alternating_data": (3, 6, 12),  # times the usual, every other month of six
    "hotspot_abroad": (3000, 10000, 40000),  # MB on a booked trip with a pack, free of charge
    "premium_trickle": (1, 2, 5),  # money a month, six months
    "directory": (4, 15, 60),  # money
    "one_off": (15, 60, 250),  # money, without an order
}


@dataclass(frozen=True)
class Fleet:
    """The estate, the planted line-months (service, month, event, type, size, money) and the look-alike line-months."""

    estate: lines.Estate
    truth: pd.DataFrame
    alike: pd.DataFrame


def _empty(name: str) -> pd.DataFrame:
    table = TABLES[name]
    kinds = {"micro": "Int64", "integer": "Int64", "flag": "Int64", "serial": "Int64"}
    return pd.DataFrame(
        {c.name: pd.Series(dtype=kinds.get(c.info["kind"], pd.StringDtype(na_value=np.nan))) for c in table.c}
    )


def _table(name: str, rows: list[dict[str, Any]]) -> pd.DataFrame:
    empty = _empty(name)
    if not rows:
        return empty
    frame = pd.DataFrame.from_records(rows).reindex(columns=empty.columns)
    return frame.astype(empty.dtypes.to_dict())


def fleet(
    seed: int,
    count: int = 2500,
    *,
    rate: float = 0.004,
    boost: float = 1.0,
    scale: int = 1,
    types: Mapping[str, tuple[float, float, float]] = TYPES,
) -> Fleet:
    """Draw a fleet of `count` lines. `rate`: new events per line-month; `boost` multiplies their size (for tests);
    `scale` multiplies all money (another currency); `types`: the kinds of events."""
    rng = np.random.default_rng(seed)
    months = [periods.shift(FIRST, n) for n in range(MONTHS)]
    role = rng.choice(len(ROLES), count, p=[0.3, 0.2, 0.3, 0.15, 0.05])
    center = rng.integers(0, max(count // 40, 2), count)
    site = rng.integers(0, 8, count)
    plan = np.minimum(role // 2 + rng.integers(0, 2, count), 3)
    begun = np.where(rng.random(count) < 0.12, rng.integers(1, MONTHS, count), 0)
    noise = rng.lognormal(0, 0.5, count) * 0.35
    base = np.array([DATA_LEVEL[ROLES[r]] for r in role]) * rng.lognormal(0, 0.9, count)
    season = 1 + 0.15 * np.sin(np.arange(MONTHS) / 12 * 2 * np.pi)
    shape = (count, MONTHS)
    data = base[:, None] * season * np.exp(rng.normal(0, 1, shape) * np.clip(noise, 0.1, 1)[:, None])
    voice = 120 * rng.lognormal(0, 0.8, (count, 1)) * np.exp(rng.normal(0, 0.35, shape)) * (rng.random(shape) < 0.96)
    sms = rng.poisson(20 * rng.lognormal(0, 1, (count, 1)), shape).astype(float)
    live = np.arange(MONTHS)[None, :] >= begun[:, None]
    trips: dict[tuple[int, int], tuple[str, float, float]] = {}  # country, MB, money
    travel: list[dict[str, Any]] = []
    packs: set[int] = set(np.flatnonzero((role >= 3) | (rng.random(count) < 0.3)).tolist())
    intl: dict[tuple[int, int], float] = {}
    premium: dict[tuple[int, int], float] = {}
    third: dict[tuple[int, int], float] = {}
    directory: dict[tuple[int, int], float] = {}
    one_off: dict[tuple[int, int], float] = {}
    extra: dict[tuple[int, int, str], float] = {}
    price_up: dict[tuple[int, int], float] = {}
    overage: dict[tuple[int, int], float] = {}
    short: dict[tuple[int, int], int] = {}
    swapped: set[tuple[int, int]] = set()
    left: dict[int, int] = {}
    truth: list[dict[str, Any]] = []
    alike: list[dict[str, Any]] = []

    def book(s: int, t: int, country: str) -> None:
        day = f"{months[t]}-{rng.integers(5, 20):02d}"
        row = {"travel_id": f"T{len(travel):06d}", "employee_id": f"E{s:06d}", "country": country, "starts_on": day}
        travel.append(row | {"ends_on": periods.add_days(day, 5)})

    def trip(s: int, t: int, *, cost: float, country: str, booked: bool) -> None:
        trips[s, t] = (country, float(rng.lognormal(5, 1)), cost)
        if booked:
            book(s, t, country)

    for s, t in zip(*np.nonzero(live), strict=True):
        s, t = int(s), int(t)
        name = ROLES[role[s]]
        if rng.random() < TRIP_RATE[name]:
            covered = rng.random() < 0.9
            if covered:
                packs.add(s)
            cost = 0.0 if s in packs else float(rng.lognormal(0.5, 0.8))
            trip(s, t, cost=cost, country=str(rng.choice(NEAR)), booked=rng.random() < 0.95)
        if rng.random() < INTL_RATE[name]:
            intl[s, t] = float(rng.lognormal(1, 1))
        if rng.random() < 0.002:
            premium[s, t] = float(rng.lognormal(0, 0.5))
        if rng.random() < 0.02:
            overage[s, t] = float(rng.lognormal(1.5, 0.8))
        if rng.random() < 0.012:
            swapped.add((s, t))
    party = rng.choice(count, max(count // 50, 3), replace=False)
    when = int(rng.integers(SCORED_FROM, MONTHS))
    for s in party.tolist():
        if live[s, when]:
            trip(s, when, cost=float(rng.lognormal(1, 0.5)), country="PT", booked=rng.random() < 0.5)
            alike.append({"service": s, "month": when, "kind": "event abroad"})
    rolled, when = int(rng.integers(0, center.max() + 1)), int(rng.integers(SCORED_FROM, MONTHS))
    for s in np.flatnonzero(center == rolled).tolist():
        data[s, when:] *= 2.5
        swapped.add((s, when))
        alike.append({"service": s, "month": when, "kind": "device roll-out"})
    dearer, when = int(rng.integers(0, 4)), int(rng.integers(SCORED_FROM, MONTHS))
    for s in np.flatnonzero((plan == dearer) & live[:, when]).tolist():
        for t in range(when, MONTHS):
            price_up[s, t] = price_up.get((s, t), 0.0) + 2.0
        alike.append({"service": s, "month": when, "kind": "price rise"})

    total = round(rate * count * (MONTHS - SCORED_FROM))
    free = rng.permutation(np.flatnonzero(begun <= 2)).tolist()
    kinds = list(types)
    for number in range(min(total, len(free))):
        s, name, size = free[number], kinds[number % len(kinds)], int(rng.integers(0, 3))
        worth = types[name][size] * boost
        t = int(rng.integers(SCORED_FROM, MONTHS - (5 if name == "slow_leak" else 0)))
        lasts = {"zero_use": 4, "use_after_leaving": 3, "data_level_shift": 3, "third_party": 4, "new_charge": 4}
        lasts |= {"rate_change": 4, "slow_leak": 12, "call_selling": 4, "alternating_data": 6, "premium_trickle": 6}
        span = range(t, min(t + lasts.get(name, 1), MONTHS), 2 if name == "alternating_data" else 1)
        money = 0.0
        for step, m in enumerate(span):
            cell = (s, m)
            if name in {"data_spike", "data_level_shift", "alternating_data"}:
                data[cell] = max(data[cell], base[s]) * worth
            elif name == "slow_leak":
                data[cell] *= worth ** (step + 1)
            elif name in {"voice_spike", "call_selling"}:
                voice[cell] = max(voice[cell], 60) * worth
            elif name == "overage":
                overage[cell] = overage.get(cell, 0.0) + worth
                money += worth
            elif name in {"roam_no_bundle", "roam_no_travel", "roam_spike"}:
                if name == "roam_no_bundle":
                    packs.discard(s)
                country = str(rng.choice(FAR if name == "roam_no_travel" else NEAR))
                trip(s, m, cost=worth, country=country, booked=name != "roam_no_travel")
                money += worth
            elif name == "intl_burst":
                intl[cell] = intl.get(cell, 0.0) + worth
                money += worth
            elif name == "short_calls":
                short[cell] = int(worth)
                intl[cell] = intl.get(cell, 0.0) + 0.3 * worth
                money += 0.3 * worth
            elif name == "message_burst":
                sms[cell] = round(max(sms[cell], 10) * worth)
            elif name == "hotspot_abroad":
                packs.add(s)
                country = str(rng.choice(NEAR))
                trips[cell] = (country, worth, 0.0)
                book(s, m, country)
            elif name == "directory":
                directory[cell] = worth
                money += worth
            elif name == "one_off":
                one_off[cell] = worth
                money += worth
            elif name in {"premium", "premium_trickle"}:
                premium[cell] = premium.get(cell, 0.0) + worth
                money += worth
            elif name == "third_party":
                third[cell] = worth
                money += worth
            elif name == "new_charge":
                extra[s, m, "ADDON"] = worth
                money += worth
            elif name == "rate_change":
                price_up[cell] = price_up.get(cell, 0.0) + worth
                money += worth
            elif name == "zero_use":
                data[cell] = voice[cell] = sms[cell] = 0.0
                trips.pop(cell, None)
                intl.pop(cell, None)
                premium.pop(cell, None)
                money += 30
            elif name == "use_after_leaving":
                left[s] = t - 1
                money += 30
            elif name == "sim_swap":
                swapped.add(cell)
                intl[cell] = intl.get(cell, 0.0) + worth
                money += worth
            if name != "zero_use" or step > 0:
                truth.append({"service": s, "month": m, "event": number, "type": name, "size": SIZES[size]})
        for row in truth[-len(span) :]:
            if row["event"] == number:
                row["money"] = money
    cells = (live, data, voice, sms, trips, intl, premium, third, extra, price_up, overage, short, swapped)
    cells += (directory, one_off)
    estate = _estate(months, role, center, site, plan, begun, packs, travel, left, cells, scale)
    columns = ["service", "month", "event", "type", "size", "money"]
    return Fleet(
        estate, pd.DataFrame(truth, columns=columns), pd.DataFrame(alike, columns=["service", "month", "kind"])
    )


def _estate(
    months: list[str],
    role: Any,
    center: Any,
    site: Any,
    plan: Any,
    begun: Any,
    packs: set[int],
    travel: list[dict[str, Any]],
    left: dict[int, int],
    cells: tuple[Any, ...],
    scale: int,
) -> lines.Estate:
    live, data, voice, sms, trips, intl, premium, third, extra, price_up, overage, short, swapped = cells[:13]
    directory, one_off = cells[13:]
    count = len(role)
    ids = [f"S{n:06d}" for n in range(count)]
    price = (20, 30, 45, 60)
    use: list[tuple[Any, ...]] = []
    billed: list[tuple[Any, ...]] = []

    def micro(value: float, by: int = 1) -> int:
        return int(round(float(value), 2) * 1_000_000) * by

    for s, t in zip(*np.nonzero(live), strict=True):
        s, t = int(s), int(t)
        key = (ids[s], months[t])
        cell = (s, t)
        for kind, value in (("data", data[cell]), ("voice", voice[cell]), ("sms", sms[cell])):
            if value > 0:
                over = overage.get(cell, 0.0) if kind == "data" else 0.0
                use.append((*key, kind, "home", None, "USD", micro(value), micro(over, scale), 1))
        if cell in trips:
            country, megabytes, cost = trips[cell]
            use.append((*key, "data", "roaming", country, "USD", micro(megabytes), micro(cost, scale), 1))
        if cell in intl:
            use.append(
                (*key, "voice", "international", "FR", "USD", micro(intl[cell] * 3), micro(intl[cell], scale), 1)
            )
        if cell in premium:
            use.append((*key, "voice", "premium", "US", "USD", micro(premium[cell]), micro(premium[cell], scale), 1))
        if cell in directory:
            calls = micro(directory[cell] / 2)
            use.append((*key, "voice", "directory", "US", "USD", calls, micro(directory[cell], scale), 1))
        mrc = price[plan[s]] + price_up.get(cell, 0.0)
        billed.append((*key, "mrc", f"P{plan[s]}", "plan", micro(mrc, scale)))
        if cell in third:
            billed.append((*key, "third_party", "3P", "quiz of the day", micro(third[cell], scale)))
        if cell in one_off:
            billed.append((*key, "nrc", "FEE", "service fee", micro(one_off[cell], scale)))
        if (s, t, "ADDON") in extra:
            billed.append((*key, "occ", "ADDON", "add-on", micro(extra[s, t, "ADDON"], scale)))
    names = ["service_id", "month", "usage_type", "zone", "country", "currency", "quantity", "cost", "rows"]
    usage = pd.DataFrame(use, columns=names).astype({"country": pd.StringDtype(na_value=np.nan)})
    charges = pd.DataFrame(billed, columns=["service_id", "month", "category", "item_code", "description", "amount"])
    for name in ("zone", "country", "unit"):
        charges[name] = pd.Series([None] * len(charges), dtype=pd.StringDtype(na_value=np.nan))
    charges = charges.assign(currency="USD", quantity=1_000_000, charges=1)
    events = [(ids[s], months[t], 3, n, n) for (s, t), n in sorted(short.items())]
    sims = [(ids[s], months[int(begun[s])], f"I{s}") for s in range(count)]
    sims += [(ids[s], months[t], f"I{s}-{t}") for s, t in sorted(swapped)]
    services = [
        {
            "service_id": ids[s],
            "kind": "mobile",
            "device_kind": "phone",
            "carrier_id": "C",
            "account_id": "A",
            "plan_id": f"P{plan[s]}",
            "employee_id": f"E{s:06d}",
            "site_id": f"SITE{site[s]}",
            "status": "active",
            "activated_on": "2024-01-01" if begun[s] == 0 else f"{months[int(begun[s])]}-01",
        }
        for s in range(count)
    ]
    people = [
        {
            "employee_id": f"E{s:06d}",
            "role": ROLES[role[s]],
            "cost_center_id": f"CC{center[s]}",
            "left_on": f"{months[left[s]]}-15" if s in left else None,
        }
        for s in range(count)
    ]
    plans = [
        {"plan_id": f"P{n}", "carrier_id": "C", "mrc": p * scale * 1_000_000, "currency": "USD"}
        for n, p in enumerate(price)
    ]
    rows = {
        "services": services,
        "employees": people,
        "plans": plans,
        "travel": travel,
        "accounts": [{"account_id": "A", "carrier_id": "C", "currency": "USD"}],
        "items": [{"carrier_id": "C", "item_code": "PACK", "nature": "roaming_pack", "countries": "*"}],
        "service_items": [{"service_id": ids[s], "item_code": "PACK"} for s in sorted(packs)],
    }
    return lines.build(
        {name: _table(name, rows.get(name, [])) for name in lines.TABLES},
        usage,
        charges,
        pd.DataFrame(events, columns=["service_id", "month", "destinations", "intl_calls", "short_calls"]),
        pd.DataFrame(sims, columns=["service_id", "month", "imei"]),
        _empty("devices")[["service_id", "imei", "assigned_on"]],
    )
