"""What the lines consume: heavy-tailed per person, seasonal, correlated by department, growing slowly.

The normal use obeys a few limits that keep accidental findings away (each is a rule of the audit or of the policy
starter library): an eligible line is never without use, a bought allowance is used to a fifth at least, unlimited
plans see more than a gigabyte, pools stay between 60 % and 97 %.
"""

from __future__ import annotations

import itertools
import random

from sample_data import draw
from sample_data.catalogue_data import EU
from sample_data.world import Service, Span, Use, World

SEASON = {
    "01": 1.00,
    "02": 0.97,
    "03": 1.03,
    "04": 1.02,
    "05": 1.04,
    "06": 1.03,
    "07": 0.90,
    "08": 0.86,
    "09": 1.05,
    "10": 1.07,
    "11": 1.06,
    "12": 0.93,
}
VOICE = {"executive": 420, "sales": 520, "engineer": 110, "field": 360, "office": 120, "it": 190, "": 150}
INTL_RATE = {"tmobile": 20, "vodafone": 18, "lumen": 6, "bt": 9, "colt": 5}
PACK_EU, PACK_WORLD, PACK_VF = "TM-IPASS-EU", "TM-IPASS-WORLD", "VF-WORLD"
TO_COUNTRIES = ("GB", "DE", "FR", "IN", "CA", "NL", "PL")


def build(world: World) -> None:
    """Draw the normal use of every service and month."""
    shocks = {}
    rng = draw.stream(world.seed, "department-shocks")
    for row in world.tables["cost_centers"]:
        for month in world.months:
            shocks[str(row["cost_center_id"]), month] = draw.lognormal(rng, 1.0, 0.06)
    for service in world.services.values():
        rng = draw.stream(world.seed, "usage", service.service_id)
        level = 1.0
        silent = service.quirks.get("silent", ())
        assert isinstance(silent, tuple)
        for index, month in enumerate(world.months):
            share, span = active_share(service, month)
            if span is None or share == 0:
                continue
            if month in silent:
                continue
            level = 0.5 * level + 0.5 * draw.lognormal(rng, 1.0, 0.20)
            factor = SEASON[month[5:]] * 1.006**index * shocks.get((span.cost_center_id, month), 1.0) * level
            if service.kind == "mobile":
                _mobile(world, service, span, month, factor, share, rng)
            elif service.kind == "iot":
                put(
                    world,
                    service,
                    month,
                    "data",
                    _floor(world, span, max(0.5, service.mean_mb * share * draw.lognormal(rng, 1.0, 0.05))),
                )
            elif service.kind in {"fixed_voice", "sip_trunk"}:
                _voice(world, service, month, factor, rng)
    _bound_pools(world)


def active_share(service: Service, month: str) -> tuple[float, Span | None]:
    """Share of the month's days on which the service works, and its last state in the month."""
    days, last, total = 0, None, draw.days_in(month)
    first_day, last_day = draw.day(month, 1), draw.last_day(month)
    if service.activated_on <= first_day and not service.disconnected_on and len(service.spans) == 1:
        return 1.0, service.spans[0]
    if service.activated_on > last_day or (service.disconnected_on and service.disconnected_on <= first_day):
        return 0.0, None
    for number in range(1, total + 1):
        state = service.state(draw.day(month, number))
        if state is not None:
            last = state
            days += state.status == "active"
    return days / total, last


def put(
    world: World,
    service: Service,
    month: str,
    usage_type: str,
    quantity: float,
    zone: str = "home",
    country: str = "",
    cost: int = 0,
) -> Use:
    """Add to the use of a service in a month (one row per type, zone and country)."""
    whole = usage_type != "data" or service.carrier_id in {"verizon", "att"}
    quantity = float(round(quantity)) if whole else round(quantity, 1)
    rows = world.usage[service.service_id, month]
    for use in rows:
        if (use.usage_type, use.zone, use.country) == (usage_type, zone, country):
            use.quantity = round(use.quantity + quantity, 1)
            use.cost += cost
            return use
    unit = {"data": "MB", "voice": "min", "sms": "msg"}[usage_type]
    use = Use(service.service_id, month, usage_type, zone, country, quantity, unit, cost)
    rows.append(use)
    return use


def _floor(world: World, span: Span, quantity: float) -> float:
    plan = world.plans[span.plan_id]
    allowance = plan["data_mb"]
    if allowance is None:
        return max(quantity, 1300.0)
    if not plan["pool_group"]:
        return max(quantity, 0.22 * int(str(allowance)))
    return max(quantity, 1.0)


def _mobile(
    world: World, service: Service, span: Span, month: str, factor: float, share: float, rng: random.Random
) -> None:
    if service.purpose in {"standby", "emergency", "backup"}:
        return
    mean = service.mean_mb
    rebase = service.quirks.get("rebase")
    if isinstance(rebase, tuple) and month >= str(rebase[0])[:7]:
        mean = float(rebase[1])
    burst = 1.9 if rng.random() < 0.012 else 1.0
    data = _floor(world, span, mean * factor * share * burst * draw.lognormal(rng, 1.0, 0.12))
    changed = any(s.valid_from[:7] == month and s.valid_from[8:] != "01" for s in service.spans[1:])
    if changed:
        sizes = [world.plans[s.plan_id]["data_mb"] for s in service.spans]
        data = min([data, *(0.9 * int(str(size)) for size in sizes if size is not None)])
    put(world, service, month, "data", data)
    if service.device_kind == "phone":
        minutes = VOICE.get(service.role, 150) * factor * share * draw.lognormal(rng, 1.0, 0.35)
        put(world, service, month, "voice", max(2.0, minutes))
        put(world, service, month, "sms", max(1.0, 45 * share * draw.lognormal(rng, 1.0, 0.5)))
        if service.carrier_id in {"tmobile", "vodafone"}:
            _abroad(world, service, span, month, share, rng)


def _abroad(world: World, service: Service, span: Span, month: str, share: float, rng: random.Random) -> None:
    """Roaming on booked trips, inside the plan or under a pass, and calls to other countries."""
    holder = world.employees.get(span.employee_id)
    if holder is None:
        return
    for country, first, last in holder.travels:
        if first[:7] != month or share < 1.0 or rng.random() < 0.08:
            continue
        nights = int(last[8:]) - int(first[8:]) + 1
        if country not in str(world.plans[span.plan_id]["roaming_countries"]).split("|"):
            pack = (
                PACK_VF if service.carrier_id == "vodafone" else (PACK_EU if country in EU.split("|") else PACK_WORLD)
            )
            packs = service.quirks.setdefault("packs", {})
            assert isinstance(packs, dict)
            packs[month, pack] = True
        megabytes = 60 * nights * draw.lognormal(rng, 1.0, 0.5)
        roam(world, service, month, "data", round(megabytes), country, first, last, rng)
        roam(
            world,
            service,
            month,
            "voice",
            max(2, round(4 * nights * draw.lognormal(rng, 1.0, 0.5))),
            country,
            first,
            last,
            rng,
        )
    if holder.role in {"sales", "executive"} and rng.random() < 0.30:
        country = TO_COUNTRIES[(len(holder.employee_id) + int(holder.employee_id[1:])) % len(TO_COUNTRIES)]
        if country != holder.country:
            call(
                world,
                service,
                month,
                "international",
                country,
                max(2, round(draw.lognormal(rng, 14, 0.6))),
                INTL_RATE[service.carrier_id],
                rng,
            )


def roam(
    world: World,
    service: Service,
    month: str,
    usage_type: str,
    quantity: int,
    country: str,
    first: str,
    last: str,
    rng: random.Random,
    rate: int = 0,
) -> None:
    """Roaming use with its sessions or calls, between two days of the month."""
    put(world, service, month, usage_type, quantity, "roaming", country, quantity * rate)
    pieces = split(quantity, rng.randint(2, 4), rng)
    for piece in pieces:
        when = draw.day(month, rng.randint(int(first[8:]), int(last[8:])))
        event(
            world,
            service,
            f"{when}T{rng.randint(7, 21):02d}:{rng.randint(0, 59):02d}:00",
            usage_type,
            "roaming",
            country,
            piece,
            piece * rate,
            rng,
        )


def call(
    world: World,
    service: Service,
    month: str,
    zone: str,
    country: str,
    minutes: int,
    rate: int,
    rng: random.Random,
    calls: int = 0,
) -> None:
    """Calls to another country or to premium numbers on working days."""
    put(world, service, month, "voice", minutes, zone, country, minutes * rate)
    for piece in split(minutes, calls or min(4, 1 + minutes // 12), rng):
        when = draw.day(month, rng.randint(1, 28))
        event(
            world,
            service,
            f"{when}T{rng.randint(8, 17):02d}:{rng.randint(0, 59):02d}:00",
            "voice",
            zone,
            country,
            piece,
            piece * rate,
            rng,
        )


def event(
    world: World,
    service: Service,
    started: str,
    usage_type: str,
    zone: str,
    country: str,
    quantity: int,
    cost: int,
    rng: random.Random,
    peer: str = "",
    seconds: int | None = None,
) -> None:
    """One usage event; voice lasts its minutes unless seconds are given."""
    unit = {"data": "MB", "voice": "min", "sms": "msg"}[usage_type]
    peer_country = country if zone in {"international", "premium"} else ""
    if usage_type == "voice" and not peer:
        peer = f"+{rng.randint(20, 89)}{rng.randint(10**8, 10**9 - 1)}"
    if usage_type == "data":
        duration = 600 + 13 * quantity
    else:
        duration = quantity * 60 - rng.randint(0, 50) if usage_type == "voice" else 0
    world.events.append(
        {
            "service_id": service.service_id,
            "started_at": started,
            "direction": "out",
            "usage_type": usage_type,
            "zone": zone,
            "country": country,
            "peer_number": peer,
            "peer_country": peer_country,
            "quantity": quantity,
            "unit": unit,
            "duration_s": seconds if seconds is not None else duration,
            "cost": draw.money(cost),
            "currency": currency_of(world, service),
        }
    )


def split(total: int, count: int, rng: random.Random) -> list[int]:
    """Split a whole quantity into at most `count` positive parts."""
    count = max(1, min(count, total))
    cuts = sorted(rng.sample(range(1, total), count - 1)) if count > 1 else []
    edges = [0, *cuts, total]
    return [right - left for left, right in itertools.pairwise(edges)]


def currency_of(world: World, service: Service) -> str:
    """Currency of the account that bills the service."""
    return str(world.accounts[service.now.account_id]["currency"])


def _voice(world: World, service: Service, month: str, factor: float, rng: random.Random) -> None:
    base = 6200 if service.kind == "sip_trunk" else 160
    if service.purpose == "emergency":
        base = 6
    put(world, service, month, "voice", max(1.0, base * factor * draw.lognormal(rng, 1.0, 0.12)))
    if service.kind == "sip_trunk" or (service.carrier_id == "bt" and int(service.service_id[1:]) % 3 == 0):
        base = 240 if service.kind == "sip_trunk" else 14
        offset = int(service.service_id[1:])
        for country in (TO_COUNTRIES[offset % 3], TO_COUNTRIES[3 + offset % 4]):
            minutes = max(1, round(base * factor * draw.lognormal(rng, 1.0, 0.18)))
            rate = INTL_RATE[service.carrier_id]
            put(world, service, month, "voice", minutes, "international", country, minutes * rate)


def _bound_pools(world: World) -> None:
    """Scale pool members so that every pool is filled between 60 % and 97 %."""
    pools: dict[tuple[str, str, str], list[tuple[Use, float]]] = {}
    for service in world.services.values():
        for month in world.months:
            _share, span = active_share(service, month)
            if span is None or not span.plan_id:
                continue
            plan = world.plans[span.plan_id]
            if plan["pool_group"]:
                uses = [
                    u
                    for u in world.usage.get((service.service_id, month), [])
                    if u.usage_type == "data" and u.zone == "home"
                ]
                entry = uses[0] if uses else Use("", month, "data", "home", "", 0.0, "MB")
                pools.setdefault((span.account_id, str(plan["pool_group"]), month), []).append(
                    (entry, float(str(plan["data_mb"])))
                )
    for members in pools.values():
        allowance, used = sum(size for _, size in members), sum(use.quantity for use, _ in members)
        ratio = used / allowance
        if used and not 0.67 <= ratio <= 0.95:
            scale = (0.67 if ratio < 0.67 else 0.95) / ratio
            for use, _ in members:
                if use.quantity:
                    use.quantity = max(1.0, float(round(use.quantity * scale)))


def price_overage(world: World) -> None:
    """Cost of home data above the allowance of plans without pool: per started block, as the carrier rates it."""
    for (service_id, month), rows in world.usage.items():
        service = world.services[service_id]
        _, span = active_share(service, month)
        if span is None or not span.plan_id:
            continue
        plan = world.plans[span.plan_id]
        if plan["data_mb"] is None or plan["pool_group"] or plan["data_overage_price"] is None:
            continue
        for use in rows:
            if use.usage_type == "data" and use.zone == "home":
                use.cost = blocks(world, span.plan_id, use.quantity) * int(str(plan["data_overage_price"]))


def blocks(world: World, plan_id: str, quantity: float) -> int:
    """Started overage blocks for a home data quantity."""
    plan = world.plans[plan_id]
    excess = round((quantity - int(str(plan["data_mb"]))) * 10)
    return -(-excess // (int(str(plan["data_overage_block_mb"])) * 10)) if excess > 0 else 0
