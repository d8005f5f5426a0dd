"""The services: who has which line on which plan, and how that changes over the window."""

from __future__ import annotations

import random

from sample_data import draw
from sample_data.contracts import EXPIRED
from sample_data.sites import AREA_CODE, CLOSED_SITE, EU_SITES, GB_SITES, REGION, closing_month
from sample_data.world import Employee, Service, Span, World

SHARES = {
    "verizon": 0.208,
    "att": 0.152,
    "tmobile": 0.128,
    "vodafone": 0.104,
    "kore": 0.168,
    "ringcentral": 0.12,
    "lumen": 0.056,
    "bt": 0.044,
    "colt": 0.02,
}
# Carriers whose bills show whole cycles only: their lines start, change and end on the first of a month.
WHOLE_MONTHS = ("verizon", "att")
TOP_PLAN = {"verizon": "VZ-UNL-PRO", "att": "AT-UNL-ELITE", "tmobile": "TM-UNL-ULT", "vodafone": "VF-UNL"}
UNLIMITED = {
    "verizon": ("VZ-UNL-START", "VZ-UNL-PLUS"),
    "att": ("AT-UNL-STD",),
    "tmobile": ("TM-UNL-ADV",),
    "vodafone": (),
}
SIZED = {
    "verizon": ("VZ-FLEX-2", "VZ-FLEX-5", "VZ-FLEX-10", "VZ-FLEX-20"),
    "att": ("AT-2", "AT-5", "AT-10", "AT-20"),
    "tmobile": ("TM-2", "TM-5", "TM-10", "TM-20"),
    "vodafone": ("VF-RED-S", "VF-RED-M", "VF-RED-L", "VF-RED-XL"),
}
SIZES_MB = (2048, 5120, 10240, 20480)
POOLED = {
    "verizon": ("VZ-SHARE-1", "VZ-SHARE-4"),
    "att": ("AT-POOL-3", "AT-POOL-6"),
    "tmobile": ("TM-POOL-2", "TM-POOL-8"),
    "vodafone": ("VF-POOL-3", "VF-POOL-6"),
}
BROADBAND = {"verizon": "VZ-MBB-10", "att": "AT-MBB-10", "tmobile": "TM-MBB-10", "vodafone": "VF-MBB-10"}
STANDBY = {"verizon": "VZ-STANDBY", "att": "AT-STANDBY", "tmobile": "TM-STANDBY", "vodafone": "VF-STANDBY"}
SITE_CENTER = "CC3040"  # facilities own what belongs to a site


class Builder:
    """Counts ids and numbers while it creates services."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.count = 0
        self.numbers = 0

    def number(self, carrier: str, site: str) -> str:
        self.numbers += 1
        if carrier in {"lumen", "colt", "bt"}:
            return f"{carrier.upper()}/{site}/{self.numbers:06d}"
        if carrier == "kore":
            return f"8931440{self.numbers:012d}"
        if site in EU_SITES:
            country = "49" if site in {"FRA", "MUC"} else "44" if site in GB_SITES else "31"
            return f"+{country}171{self.numbers + 4000000:07d}"
        return f"{AREA_CODE[site]}55{self.numbers:05d}"

    def service(
        self,
        carrier: str,
        kind: str,
        device: str,
        purpose: str,
        site: str,
        account: str,
        plan: str,
        *,
        employee: Employee | None = None,
        center: str = "",
        item: str = "",
        role: str = "",
        rng: random.Random,
        number: str = "",
    ) -> Service:
        self.count += 1
        months = self.world.months
        if carrier in WHOLE_MONTHS or kind != "mobile" or rng.random() < 0.5:
            new = draw.day(months[rng.randrange(1, max(2, len(months) - 2))], 1)
        else:
            new = draw.day(months[rng.randrange(1, max(2, len(months) - 2))], rng.randint(3, 25))
        old = draw.plus_days(draw.day(months[0], 1), -rng.randint(40, 1600))
        fresh = rng.random() < (0.12 if kind in {"mobile", "iot", "uc_seat"} else 0.05)
        activated = new if fresh else old
        contract = EXPIRED if item == "BT-ONEVOICE" else self.world.contract_of[carrier]
        span = Span(
            activated,
            plan,
            "active",
            employee.employee_id if employee else "",
            account,
            employee.cost_center_id if employee else center,
        )
        service = Service(
            f"S{self.count:05d}",
            kind,
            device,
            purpose,
            number or self.number(carrier, site),
            carrier,
            contract,
            site,
            old if item == "BT-ONEVOICE" else activated,
            item,
            [span],
        )
        if item == "BT-ONEVOICE":
            span.valid_from = service.activated_on
        service.role = role or (employee.role if employee else "")
        self.world.services[service.service_id] = service
        return service


def quotas(world: World) -> dict[str, int]:
    """Services per carrier; the rounding difference goes to Verizon."""
    counts = {carrier: max(2, round(world.size * share)) for carrier, share in SHARES.items()}
    counts["verizon"] += world.size - sum(counts.values())
    return counts


def build(world: World) -> None:
    """Create all services in their normal life (no plants yet)."""
    builder, left = Builder(world), quotas(world)
    _phones(world, builder, left)
    _second_devices(world, builder, left)
    from sample_data import estate_sites

    estate_sites.site_lines(world, builder, left)
    estate_sites.iot(world, builder, left["kore"])
    estate_sites.seats(world, builder, left["ringcentral"])
    estate_sites.fixed(world, builder, left)
    for service in world.services.values():
        _term_end(world, service)


def account_of(carrier: str, site: str, rng: random.Random, traveller: bool = False) -> str:
    """The account that bills a mobile line of a site."""
    if carrier == "verizon":
        return {"US East": "VZW-EAST", "US Central": "VZW-CENTRAL", "US West": "VZW-WEST"}[REGION[site]]
    if carrier == "att":
        return "ATT-1" if REGION[site] == "US East" else "ATT-2"
    if carrier == "tmobile":
        return "TMO-2" if traveller else "TMO-1"
    return "VF-1"


def _carrier(world: World, employee: Employee, left: dict[str, int], rng: random.Random) -> str:
    if employee.site_id in EU_SITES:
        return "vodafone" if left["vodafone"] > 0 else ""
    options = [
        c
        for c in ("verizon", "att", "tmobile")
        if left[c] > 0 and (c, employee.site_id) not in {("att", "DAL"), ("tmobile", "ATL")}
    ]
    if not options:
        return ""
    if employee.travels and "tmobile" in options:
        return "tmobile"
    weights = [left[c] * (0.25 if c == "tmobile" else 1.0) for c in options]
    return draw.weighted(rng, options, weights)


def _phones(world: World, builder: Builder, left: dict[str, int]) -> None:
    rng = draw.stream(world.seed, "phones")
    staff = sorted(world.employees.values(), key=lambda e: (not e.travels, e.employee_id))
    for employee in staff:
        carrier = _carrier(world, employee, left, rng)
        if not carrier or rng.random() < 0.03:
            continue
        left[carrier] -= 1
        mean = 2300 * employee.level * draw.lognormal(rng, 1.0, 0.35)
        plan, mean = choose_plan(carrier, mean, employee.role, rng)
        service = builder.service(
            carrier,
            "mobile",
            "phone",
            "person",
            employee.site_id,
            account_of(carrier, employee.site_id, rng, bool(employee.travels)),
            plan,
            employee=employee,
            rng=rng,
        )
        service.mean_mb = mean
        employee.mobile_lines += 1
        _lifecycle(world, service, rng)


def choose_plan(carrier: str, mean: float, role: str, rng: random.Random) -> tuple[str, float]:
    """A plan for a mean monthly use, bought with the usual caution (one size too large now and then).

    Returns the plan and the mean, raised where a plan that large would not be plausible for so little use.
    """
    if role == "executive":
        return TOP_PLAN[carrier], max(mean, 3500.0)
    if mean > 11500:
        options = UNLIMITED[carrier]
        return (rng.choice(options) if options else TOP_PLAN[carrier]), max(mean, 3500.0)
    if mean < 850 or (mean < 5500 and rng.random() < 0.30):
        return POOLED[carrier][0 if mean < 1500 else 1], mean
    size = next((index for index, size in enumerate(SIZES_MB) if size >= 1.2 * mean), 3)
    if size < 3 and rng.random() < 0.12:
        size += 1
    return SIZED[carrier][size], max(mean, 0.36 * SIZES_MB[size])


def _lifecycle(world: World, service: Service, rng: random.Random) -> None:
    """Plan changes, seasonal suspensions and plain disconnections of one mobile line."""
    months, whole = world.months, service.carrier_id in WHOLE_MONTHS
    if service.activated_on >= months[0] or len(months) < 4:
        return
    month = months[rng.randrange(2, len(months) - 1)]
    when = draw.day(month, 1 if whole else rng.randint(1, 26))
    luck, plan = rng.random(), service.now.plan_id
    if luck < 0.04:
        service.disconnected_on = when
    elif luck < 0.09 and plan in SIZED[service.carrier_id][1:3]:
        larger = SIZED[service.carrier_id][SIZED[service.carrier_id].index(plan) + 1]
        smaller = SIZED[service.carrier_id][SIZED[service.carrier_id].index(plan) - 1]
        new = larger if service.mean_mb > 0.6 * SIZES_MB[SIZED[service.carrier_id].index(plan)] else smaller
        change_plan(service, when, new)
        service.quirks["rebase"] = (when, 0.6 * SIZES_MB[SIZED[service.carrier_id].index(new)])
    elif luck < 0.12 and service.role == "field" and not whole and len(months) > 6:
        first = months.index(month) // 2 + 1
        suspend(service, draw.day(months[first], 1), draw.day(months[min(first + 3, len(months) - 1)], 1))
    elif luck < 0.135 and service.carrier_id == "tmobile":
        other = "TMO-2" if service.now.account_id == "TMO-1" else "TMO-1"
        last = service.now
        service.spans.append(
            Span(draw.day(month, 11), last.plan_id, "active", last.employee_id, other, last.cost_center_id)
        )


def change_plan(service: Service, when: str, plan: str) -> None:
    """Another plan from a day on."""
    last = service.now
    service.spans.append(Span(when, plan, last.status, last.employee_id, last.account_id, last.cost_center_id))


def suspend(service: Service, first: str, resume: str) -> None:
    """Suspended from `first` until `resume`, the day on which it works again."""
    last = service.now
    for when, status in ((first, "suspended"), (resume, "active")):
        service.spans.append(Span(when, last.plan_id, status, last.employee_id, last.account_id, last.cost_center_id))


def _second_devices(world: World, builder: Builder, left: dict[str, int]) -> None:
    rng = draw.stream(world.seed, "second")
    staff = [
        e for e in world.employees.values() if e.mobile_lines == 1 and e.role in {"field", "sales", "executive", "it"}
    ]
    rng.shuffle(staff)
    for employee in staff:
        carrier = _carrier(world, employee, {c: n - world.scaled(30) for c, n in left.items()}, rng)
        if not carrier:
            continue
        left[carrier] -= 1
        device = "tablet" if rng.random() < 0.7 else "hotspot"
        service = builder.service(
            carrier,
            "mobile",
            device,
            "person",
            employee.site_id,
            account_of(carrier, employee.site_id, rng),
            BROADBAND[carrier],
            employee=employee,
            rng=rng,
        )
        service.mean_mb = rng.uniform(3600, 8200)
        employee.mobile_lines += 1


def _term_end(world: World, service: Service) -> None:
    if service.carrier_id in {"verizon", "att"} and service.device_kind == "phone" and service.purpose == "person":
        end = draw.shift_month(service.activated_on[:7], 24)
        service.term_end_on = draw.last_day(end) if end >= world.months[0] else ""


def settle(world: World) -> None:
    """What the normal course does with leavers' lines and the closed site, where no plant keeps them."""
    rng = draw.stream(world.seed, "settle")
    takers = [e for e in world.employees.values() if not e.left_on]
    closed = draw.day(draw.shift_month(closing_month(world), 1), 1)
    for service in world.services.values():
        if service.site_id == CLOSED_SITE and service.plant[:2] != "I5":
            service.disconnected_on = closed if service.activated_on < closed else ""
            service.site_id = CLOSED_SITE if service.activated_on < closed else "SEA"
        holder = world.employees.get(service.now.employee_id)
        if holder is None or not holder.left_on or service.plant:
            continue
        first = draw.day(draw.shift_month(holder.left_on[:7], 1), 1)
        if service.disconnected_on and service.disconnected_on <= first:
            continue
        free = [e for e in takers if e.mobile_lines < 2 and (e.site_id in EU_SITES) == (service.site_id in EU_SITES)]
        reuse = service.kind == "mobile" and bool(free) and rng.random() < 0.35
        reuse = reuse and service.activated_on <= holder.left_on
        service.disconnected_on = "" if reuse else first
        if reuse:
            taker = rng.choice(free)
            taker.mobile_lines += 1
            last = service.now
            service.spans = [span for span in service.spans if span.valid_from < first]
            service.spans.append(
                Span(first, service.now.plan_id, "active", taker.employee_id, last.account_id, taker.cost_center_id)
            )
        elif service.activated_on > holder.left_on:
            service.spans[0].employee_id = ""  # ordered for someone who had left by then: facilities keep it
            service.spans[0].cost_center_id, service.purpose = SITE_CENTER, "shared"
            service.disconnected_on = ""
        else:
            service.spans = [span for span in service.spans if span.valid_from < first]
    for service in world.services.values():
        if service.disconnected_on:
            service.spans = [s for s in service.spans if s.valid_from < service.disconnected_on]
