"""The planted billing errors and wasted services: chosen before the normal course settles the estate.

Each plant takes services that nothing else touches and leaves a hook that billing calls. The hook changes the bill and
writes the expected finding next to the charge it changed, so that truth and bill cannot disagree.
"""

from __future__ import annotations

from collections.abc import Callable

from sample_data import draw, settled
from sample_data.billing import recurring
from sample_data.contracts import EXPIRED, rate_on
from sample_data.sites import CLOSED_SITE, closing_month
from sample_data.world import Charge, Invoice, Service, World

Hook = Callable[[World, Service, Invoice], None]


def truth(charge: Charge, plant: str, rule: str, kind: str, amount: int, note: str = "") -> None:
    """Expect a finding of a rule on a charge."""
    charge.truths.append(
        {"plant_id": plant, "rule": rule, "kind": kind, "amount": amount, "subject_type": "charge", "note": note}
    )


class Picker:
    """Draws services without plant; `pick` marks them with the plant's id."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.rng = draw.stream(world.seed, "plants")
        self.counts: dict[str, int] = {}

    def calm(self, service: Service) -> bool:
        """Active and unchanged all through the window, in normal hands."""
        holder = self.world.employees.get(service.now.employee_id)
        return (
            not service.plant
            and service.activated_on < self.world.months[0]
            and not service.disconnected_on
            and len(service.spans) == 1
            and service.site_id != CLOSED_SITE
            and service.contract_id != EXPIRED
            and service.purpose not in {"standby", "emergency", "backup"}
            and (holder is None or not holder.left_on)
        )

    def pick(self, rule: str, carrier: str, count: int, test: Callable[[Service], bool] | None = None) -> list[Service]:
        """Up to `count` (for 2,500 services) services of a carrier, marked for a rule."""
        options = [
            s
            for s in self.world.services.values()
            if s.carrier_id == carrier and (test(s) and not s.plant if test else self.calm(s))
        ]
        chosen = self.rng.sample(options, min(len(options), self.world.scaled(count)))
        for service in chosen:
            self.counts[rule] = self.counts.get(rule, 0) + 1
            service.plant = f"{rule}-{self.counts[rule]:03d}"
        return sorted(chosen, key=lambda s: s.service_id)

    def start(self, low: float, high: float) -> int:
        """Index of a month between two shares of the window."""
        return self.world.month_at(self.rng.uniform(low, high))


def choose(world: World) -> Picker:
    """Choose all plants that belong to services."""
    picker = Picker(world)
    _expired(world)
    _closed_site(picker)
    _leavers(picker)
    _rates(picker)
    _after_disconnect(picker)
    _duplicates(picker)
    _zero_use(picker)
    from sample_data import plants_more

    plants_more.choose(picker)
    settled.choose(picker)
    return picker


def ours(service: Service, invoice: Invoice) -> list[Charge]:
    """The recurring plan charges of a service on an invoice."""
    return [
        c
        for c in invoice.charges
        if c.service_id == service.service_id
        and c.category == "mrc"
        and c.item_code not in service.features
        and c.unit != "pass"
    ]


def rate_hook(rule: str, kind: str, first: int, last: int, percent: int) -> Hook:
    """Bill a percentage of the contract's rate in the months first..last (indexes)."""

    def hook(world: World, service: Service, invoice: Invoice) -> None:
        if not first <= world.months.index(invoice.month) <= last:
            return
        for charge in ours(service, invoice):
            right, rate = charge.amount, draw.half_up(int(charge.unit_rate or 0) * percent, 100)
            charge.unit_rate, charge.amount = rate, draw.half_up(right * percent, 100)
            truth(charge, service.plant, rule, kind, charge.amount - right, f"billed at {percent} % of the rate")

    return hook


def _rates(picker: Picker) -> None:
    end = len(picker.world.months) - 1
    for carrier, count in (
        ("tmobile", 10),
        ("vodafone", 8),
        ("ringcentral", 12),
        ("colt", 11),
        ("bt", 5),
        ("kore", 8),
        ("verizon", 12),
        ("att", 10),
    ):
        for number, service in enumerate(picker.pick("R1", carrier, count)):
            percent = picker.rng.choice((85, 90)) if number % 4 == 3 else picker.rng.choice((108, 110, 112, 115))
            first = picker.start(0.05, 0.5)
            last = end if picker.rng.random() < 0.7 else min(end, first + max(1, end // 3))
            service.quirks["bill"] = rate_hook(
                "R1", "rate_above" if percent > 100 else "rate_below", first, last, percent
            )
    for carrier, count in (("tmobile", 4), ("vodafone", 4), ("colt", 5), ("ringcentral", 5)):
        for service in picker.pick("R2", carrier, count):
            service.quirks["bill"] = list_price_hook(picker.start(0.2, 0.6))


def list_price_hook(first: int) -> Hook:
    """Bill the list price: the contract's discount is missing."""

    def hook(world: World, service: Service, invoice: Invoice) -> None:
        if world.months.index(invoice.month) < first:
            return
        for charge in ours(service, invoice):
            listed = rate_on(world, service.contract_id, charge.item_code, charge.period_start, "list_rate")
            right, charge.unit_rate, charge.amount = charge.amount, listed, listed
            truth(charge, service.plant, "R2", "list_price", listed - right, "billed at list price")

    return hook


def _expired(world: World) -> None:
    """Services whose contract ran out: the carrier bills its rack rate from then on."""
    expired = next(i for i, m in enumerate(world.months) if f"{m}-01" > str(_last_valid(world)))
    for number, service in enumerate([s for s in world.services.values() if s.contract_id == EXPIRED], 1):
        service.plant = f"R4-{number:03d}"
        service.quirks["bill"] = rate_hook("R4", "rack_rate_after_expiry", expired, len(world.months) - 1, 135)


def _last_valid(world: World) -> object:
    return world.rates[EXPIRED, "BT-ONEVOICE"][0]["to"]


def _closed_site(picker: Picker) -> None:
    world = picker.world
    options = sorted(
        (s for s in world.services.values() if s.site_id == CLOSED_SITE and s.activated_on < world.months[0]),
        key=lambda s: (s.kind, s.service_id),
    )
    first = world.months.index(closing_month(world)) + 1

    def hook(world: World, service: Service, invoice: Invoice) -> None:
        if world.months.index(invoice.month) >= first:
            for charge in ours(service, invoice):
                truth(charge, service.plant, "I5", "closed_site", charge.amount, f"site {CLOSED_SITE} is closed")

    for number, service in enumerate(options[: max(1, picker.world.scaled(4))], 1):
        service.plant, service.quirks["bill"] = f"I5-{number:03d}", hook


def _leavers(picker: Picker) -> None:
    world = picker.world

    def left(service: Service) -> bool:
        holder = world.employees.get(service.now.employee_id)
        return (
            holder is not None
            and bool(holder.left_on)
            and len(service.spans) == 1
            and not service.disconnected_on
            and service.activated_on < world.months[0]
            and holder.left_on[:7] < world.months[-2]
        )

    def hook(world: World, service: Service, invoice: Invoice) -> None:
        gone = world.employees[service.now.employee_id].left_on
        for charge in ours(service, invoice):
            if charge.period_start > gone:
                truth(charge, service.plant, "I4", "leaver", charge.amount, f"holder left on {gone}")

    for carrier, count in (("verizon", 5), ("att", 4), ("tmobile", 4), ("vodafone", 3), ("ringcentral", 5)):
        for service in picker.pick("I4", carrier, count, left):
            service.quirks["bill"] = hook
            pooled = bool(service.now.plan_id) and bool(world.plans[service.now.plan_id]["pool_group"])
            if pooled and service.kind == "mobile":
                gone = world.employees[service.now.employee_id].left_on[:7]
                service.quirks["silent"] = tuple(m for m in world.months if m > gone)


def _after_disconnect(picker: Picker) -> None:
    world = picker.world
    for carrier, count in (("verizon", 5), ("att", 4), ("tmobile", 5), ("colt", 1), ("ringcentral", 4), ("bt", 2)):
        for number, service in enumerate(picker.pick("I2", carrier, count)):
            first = picker.start(0.3, 0.8)
            middle = carrier == "tmobile" and number % 2 == 1
            service.disconnected_on = draw.day(world.months[first], 13 if middle else 1)
            service.quirks["bill"] = _disconnect_hook(
                first, min(len(world.months) - 1, first + picker.rng.randint(3, 8))
            )


def _disconnect_hook(first: int, last: int) -> Hook:
    def hook(world: World, service: Service, invoice: Invoice) -> None:
        index = world.months.index(invoice.month)
        if not first <= index <= last or invoice.account_id != service.now.account_id:
            return
        old = ours(service, invoice)
        right = sum(c.amount for c in old)
        invoice.charges = [c for c in invoice.charges if c not in old]
        charge = recurring(world, service, invoice.month, 1, draw.days_in(invoice.month), service.now.plan_id)
        truth(
            charge,
            service.plant,
            "I2",
            "billed_after_disconnect",
            charge.amount - right,
            f"disconnected on {service.disconnected_on}",
        )
        invoice.charges.append(charge)

    return hook


def _duplicates(picker: Picker) -> None:
    world = picker.world
    for carrier, count in (("tmobile", 5), ("vodafone", 4), ("ringcentral", 4), ("colt", 1)):
        for service in picker.pick("C2", carrier, count):
            service.quirks["bill"] = _twice_hook(picker.start(0.1, 0.95), credited=False)
    for service in picker.pick("ok-credited", "tmobile", 4):
        service.quirks["bill"] = _twice_hook(picker.start(0.1, 0.95), credited=True)
    assert world is picker.world


def _twice_hook(when: int, *, credited: bool) -> Hook:
    def hook(world: World, service: Service, invoice: Invoice) -> None:
        if world.months.index(invoice.month) != when:
            return
        for charge in ours(service, invoice):
            copy = Charge(
                **{
                    name: getattr(charge, name)
                    for name in (
                        "category",
                        "item_code",
                        "description",
                        "amount",
                        "period_start",
                        "period_end",
                        "service_id",
                        "billed_number",
                        "quantity",
                        "unit",
                        "unit_rate",
                        "provider",
                    )
                }
            )
            invoice.charges.append(copy)
            if credited:
                invoice.charges.append(
                    Charge(
                        "credit",
                        "TM-CREDIT",
                        "Correction of a duplicate",
                        -copy.amount,
                        copy.period_start,
                        copy.period_end,
                        service.service_id,
                        service.number,
                        provider=service.carrier_id,
                        related=copy,
                    )
                )
            else:
                truth(copy, service.plant, "C2", "duplicate_charge", copy.amount, "second of two equal rows")

    return hook


def _zero_use(picker: Picker) -> None:
    world = picker.world

    def pooled(service: Service) -> bool:
        return (
            picker.calm(service) and service.kind == "mobile" and bool(world.plans[service.now.plan_id]["pool_group"])
        )

    for carrier, count in (("verizon", 16), ("att", 12), ("tmobile", 9), ("vodafone", 7)):
        for service in picker.pick("U1", carrier, count, pooled):
            service.quirks["silent"] = tuple(world.months[max(1, picker.start(0.1, 0.6)) :])
    for service in picker.pick("Z1", "kore", 6, lambda s: picker.calm(s) and s.device_kind != "camera"):
        service.quirks["silent"] = tuple(world.months[picker.start(0.3, 0.6) :])
    for carrier in ("verizon", "att", "tmobile", "vodafone"):
        for service in picker.pick("ok-quiet-month", carrier, 5):
            service.quirks["silent"] = (world.months[max(1, picker.start(0.1, 0.9))],)
