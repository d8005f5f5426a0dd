"""Planted anomalies of use, and benign events that look like some of them.

`chosen` records what was planted per service and month for the anomaly queue; the exact policy hits follow from the
rules' own conditions in `truth.py`.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from sample_data import draw, usage
from sample_data.plants import Picker
from sample_data.world import Charge, Service, World


def choose(world: World, picker: Picker) -> dict[str, list[Service]]:
    """Reserve services for each kind before the normal use is drawn."""

    def phone(service: Service) -> bool:
        holder = world.employees.get(service.now.employee_id)
        return picker.calm(service) and service.device_kind == "phone" and holder is not None

    def stay(service: Service) -> bool:
        return phone(service) and not world.employees[service.now.employee_id].travels

    def sized(service: Service) -> bool:
        if not picker.calm(service) or service.device_kind != "phone" or not service.now.plan_id:
            return False
        plan = world.plans[service.now.plan_id]
        return plan["data_mb"] is not None and not plan["pool_group"]

    def trunk(service: Service) -> bool:
        return picker.calm(service) and service.kind == "sip_trunk"

    def pooled(service: Service) -> bool:
        return phone(service) and bool(world.plans[service.now.plan_id]["pool_group"])

    wanted: tuple[tuple[str, tuple[tuple[str, int], ...], Callable[[Service], bool]], ...] = (
        ("roaming_unbundled", (("tmobile", 5), ("vodafone", 3)), phone),
        ("roaming_no_travel", (("tmobile", 4), ("vodafone", 3)), stay),
        ("premium", (("tmobile", 3), ("vodafone", 3)), phone),
        ("third_party", (("tmobile", 5),), phone),
        ("short_calls", (("tmobile", 3), ("vodafone", 2)), phone),
        ("international_burst", (("lumen", 2), ("colt", 1)), trunk),
        ("many_destinations", (("lumen", 1), ("colt", 1)), trunk),
        ("device_change", (("tmobile", 3), ("verizon", 3)), phone),
        ("spike", (("verizon", 7), ("att", 5), ("tmobile", 2)), sized),
        ("drift", (("verizon", 3), ("att", 3), ("vodafone", 2)), sized),
        ("level_shift", (("verizon", 3), ("att", 3), ("vodafone", 2)), sized),
        ("drop", (("verizon", 3), ("att", 2)), pooled),
    )
    return {
        kind: [s for carrier, count in rows for s in picker.pick(f"A-{kind}", carrier, count, test)]
        for kind, rows, test in wanted
    }


def apply(world: World, chosen: dict[str, list[Service]]) -> None:
    """Change the use of the reserved services."""
    rng = draw.stream(world.seed, "oddities")
    steps: dict[str, Callable[[World, Service, random.Random], None]] = {
        "roaming_unbundled": _unbundled,
        "roaming_no_travel": _no_travel,
        "premium": _premium,
        "third_party": _third_party,
        "short_calls": _short_calls,
        "international_burst": _burst,
        "many_destinations": _destinations,
        "device_change": _device,
        "spike": _spike,
        "drift": _drift,
        "level_shift": _shift,
        "drop": _drop,
    }
    for kind, services in chosen.items():
        for service in services:
            steps[kind](world, service, rng)


def plan_travel(world: World, chosen: dict[str, list[Service]]) -> None:
    """The unbundled roamers do travel: only their pass is missing. Called before the normal use is drawn."""
    rng = draw.stream(world.seed, "oddities-travel")
    for service in chosen["roaming_unbundled"]:
        holder = world.employees[service.now.employee_id]
        month = _month(world, rng, 0.3, 0.99)
        country = "CH" if service.carrier_id == "tmobile" else "US"
        holder.travels = [trip for trip in holder.travels if trip[1][:7] != month]
        service.quirks["trip"] = (country, draw.day(month, 6), draw.day(month, 14))
    for kind in ("spike", "drift", "level_shift", "drop", "device_change"):
        for service in chosen[kind]:
            service.quirks.setdefault("start", _month(world, rng, 0.4, 0.9))


def _month(world: World, rng: random.Random, low: float, high: float) -> str:
    return world.months[max(1, world.month_at(rng.uniform(low, high)))]


def _note(world: World, service: Service, kind: str, month: str, amount: int, note: str = "") -> None:
    world.expect(
        service.plant,
        "anomaly.line_month",
        kind,
        "service",
        service.service_id,
        month,
        amount,
        queue="anomaly",
        service=service,
        note=note,
    )


def _unbundled(world: World, service: Service, rng: random.Random) -> None:
    trip = service.quirks["trip"]
    assert isinstance(trip, tuple)
    country, first, last = (str(part) for part in trip)
    world.employees[service.now.employee_id].travels.append((country, first, last))
    data, voice = (25, 150) if service.carrier_id == "tmobile" else (20, 120)
    megabytes = round(draw.lognormal(rng, 900, 0.6))
    usage.roam(world, service, first[:7], "data", megabytes, country, first, last, rng, data)
    usage.roam(world, service, first[:7], "voice", 24, country, first, last, rng, voice)
    world.expect(
        service.plant,
        "U5",
        "roaming_without_pack",
        "service",
        service.service_id,
        first[:7],
        0,
        service=service,
        note="a pass would have cost less",
    )
    _note(world, service, "roaming_unbundled", first[:7], megabytes * data + 24 * voice, f"in {country}, no pass")


def _no_travel(world: World, service: Service, rng: random.Random) -> None:
    month = _month(world, rng, 0.3, 0.99)
    country = "MX" if service.carrier_id == "tmobile" else "ES"
    usage.roam(
        world,
        service,
        month,
        "data",
        round(draw.lognormal(rng, 700, 0.5)),
        country,
        draw.day(month, 4),
        draw.day(month, 19),
        rng,
    )
    _note(world, service, "roaming_no_travel", month, 0, f"in {country}, no trip booked")


def _premium(world: World, service: Service, rng: random.Random) -> None:
    rate = 299 if service.carrier_id == "tmobile" else 249
    month, minutes = _month(world, rng, 0.2, 0.99), round(draw.lognormal(rng, 28, 0.6)) + 3
    home = world.employees[service.now.employee_id].country
    usage.call(world, service, month, "premium", home, minutes, rate, rng, calls=5)
    if service.carrier_id == "tmobile" and int(service.service_id[1:]) % 2:
        service.quirks["blocks"] = ("TM-PREMBLOCK",)
    _note(world, service, "premium", month, minutes * rate, "premium calls")


def _third_party(world: World, service: Service, rng: random.Random) -> None:
    first = world.months.index(_month(world, rng, 0.2, 0.8))
    price = rng.choice((499, 999, 1299))
    for month in world.months[first : first + 6]:
        charge = Charge(
            "third_party",
            "TM-THIRD",
            "FunTones subscription",
            price,
            draw.day(month, 1),
            draw.last_day(month),
            service.service_id,
            service.number,
            provider="FunTones Media",
        )
        charge.truths.append(
            {
                "plant_id": service.plant,
                "rule": "U7",
                "kind": "third_party",
                "amount": price,
                "subject_type": "charge",
                "note": "third-party subscription",
            }
        )
        world.extra_charges[service.now.account_id, month].append(charge)
        _note(world, service, "third_party", month, price)


def _short_calls(world: World, service: Service, rng: random.Random) -> None:
    month, count = _month(world, rng, 0.3, 0.99), rng.randint(25, 45)
    rate = 190 if service.carrier_id == "tmobile" else 180
    usage.put(world, service, month, "voice", count, "international", "TN", count * rate)
    for number in range(count):
        when = f"{draw.day(month, 7)}T{2 + number // 20:02d}:{number * 3 % 60:02d}:00"
        usage.event(
            world,
            service,
            when,
            "voice",
            "international",
            "TN",
            1,
            rate,
            rng,
            peer=f"+2168{rng.randint(10**6, 10**7 - 1)}",
            seconds=rng.randint(3, 12),
        )
    _note(world, service, "short_calls", month, count * rate, "one-ring call-backs")


def _burst(world: World, service: Service, rng: random.Random) -> None:
    month, rate = _month(world, rng, 0.4, 0.99), 170 if service.carrier_id == "lumen" else 160
    total = 0
    for country in ("SO", "LV", "SL"):
        minutes = rng.randint(280, 620)
        total += minutes
        usage.put(world, service, month, "voice", minutes, "international", country, minutes * rate)
        for piece in usage.split(minutes, 40, rng):
            when = f"{draw.day(month, rng.choice((13, 14)))}T{rng.randint(0, 5):02d}:{rng.randint(0, 59):02d}:00"
            usage.event(world, service, when, "voice", "international", country, piece, piece * rate, rng)
    _note(world, service, "international_burst", month, total * rate, "night calls to revenue-share numbers")


def _destinations(world: World, service: Service, rng: random.Random) -> None:
    month = _month(world, rng, 0.3, 0.99)
    rate, total = usage.INTL_RATE[service.carrier_id], 0
    for country in ("BR", "AR", "CL", "PE", "CO", "EC", "TH", "VN", "PH", "KE", "NG", "GH", "UA"):
        minutes = rng.randint(20, 90)
        total += minutes
        usage.call(world, service, month, "international", country, minutes, rate, rng)
    _note(world, service, "many_destinations", month, total * rate, "13 countries never called before")


def _home(world: World, service: Service, month: str) -> usage.Use | None:
    return next(
        (u for u in world.usage.get((service.service_id, month), []) if u.usage_type == "data" and u.zone == "home"),
        None,
    )


def _scale(world: World, service: Service, month: str, factor: float) -> int:
    """Multiply home data; returns the overage this adds, in cents."""
    use = _home(world, service, month)
    if use is None:
        return 0
    plan = world.plans[service.now.plan_id]
    sized = plan["data_mb"] is not None and not plan["pool_group"]
    price = int(str(plan["data_overage_price"])) if sized else 0
    before = usage.blocks(world, service.now.plan_id, use.quantity) * price if sized else 0
    use.quantity = float(max(1, round(use.quantity * factor)))
    return (usage.blocks(world, service.now.plan_id, use.quantity) * price if sized else 0) - before


def _device(world: World, service: Service, rng: random.Random) -> None:
    month = str(service.quirks["start"])
    service.quirks["device_change"] = month
    plan = world.plans[service.now.plan_id]
    added = _scale(world, service, month, 1.0 if plan["pool_group"] else 2.2)
    _note(world, service, "device_change", month, added, "another SIM and another device")


def _spike(world: World, service: Service, rng: random.Random) -> None:
    month = str(service.quirks["start"])
    _note(
        world, service, "spike", month, _scale(world, service, month, rng.uniform(4.0, 9.0)), "one month of heavy data"
    )


def _drift(world: World, service: Service, rng: random.Random) -> None:
    start = max(1, world.months.index(str(service.quirks["start"])) - len(world.months) // 4)
    for step, month in enumerate(world.months[start:], 1):
        added = _scale(world, service, month, 1.14**step)
        if step >= 3:
            _note(world, service, "drift", month, added, "growing 14 % a month")


def _shift(world: World, service: Service, rng: random.Random) -> None:
    factor = rng.uniform(2.4, 3.4)
    for step, month in enumerate(world.months[world.months.index(str(service.quirks["start"])) :]):
        added = _scale(world, service, month, factor)
        if step < 3:
            _note(world, service, "level_shift", month, added, f"{factor:.1f} times the earlier level")


def _drop(world: World, service: Service, rng: random.Random) -> None:
    month = str(service.quirks["start"])
    _scale(world, service, month, 0.06)
    _note(world, service, "drop", month, 0, "almost no data")
