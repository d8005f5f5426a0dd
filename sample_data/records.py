"""What stands beside the services: devices, SIM sightings, orders, features and passes."""

from __future__ import annotations

from sample_data import draw
from sample_data.catalogue_data import FEATURES
from sample_data.world import Service, World

MODELS = {
    "phone": ("iPhone 15", "iPhone 14", "Galaxy S24", "Pixel 8"),
    "tablet": ("iPad 10", "Galaxy Tab A9"),
    "hotspot": ("MiFi X PRO", "Nighthawk M6"),
}
ROLLOUT_CENTER = "CC2010"


def features(world: World) -> None:
    """Subscribe some long-lived lines to a paid feature."""
    rng = draw.stream(world.seed, "features")
    for service in world.services.values():
        calm = (
            len(service.spans) == 1
            and not service.disconnected_on
            and not service.plant
            and service.activated_on < world.months[0]
        )
        if service.carrier_id in FEATURES and service.device_kind == "phone" and calm and rng.random() < 0.12:
            service.features.append(FEATURES[service.carrier_id][0])


def rollout_month(world: World) -> str:
    """The month in which one department gets new phones: many device changes, all of them planned."""
    return world.months[world.month_at(0.7)]


def write_tables(world: World) -> None:
    """Canonical rows of devices, sim_observations, orders and service_items."""
    rng = draw.stream(world.seed, "records")
    for service in world.services.values():
        _device(world, service, rng)
        _orders(world, service)
        for code in service.features:
            world.add(
                "service_items",
                service_id=service.service_id,
                item_code=code,
                quantity=1,
                valid_from=service.activated_on,
            )
        for code in service.quirks.get("blocks", ()):  # type: ignore[attr-defined]
            world.add(
                "service_items",
                service_id=service.service_id,
                item_code=code,
                quantity=1,
                valid_from=service.activated_on,
            )
        for month, code in sorted(service.quirks.get("packs", {})):  # type: ignore[call-overload]
            world.add(
                "service_items",
                service_id=service.service_id,
                item_code=code,
                quantity=1,
                valid_from=draw.day(month, 1),
                valid_to=draw.day(draw.shift_month(month, 1), 1),
            )


def _device(world: World, service: Service, rng: object) -> None:
    if service.device_kind not in MODELS:
        return
    number = int(service.service_id[1:])
    imei, iccid = f"35{number:06d}{number * 7919 % 10**7:07d}", f"890141{number:06d}{number * 104729 % 10**7:07d}"
    status, seen = "enrolled", draw.plus_days(world.today, -(number % 12))
    if service.disconnected_on:
        status, seen = "retired", ""
    override = service.quirks.get("mdm")
    if isinstance(override, tuple):
        status, seen = override
    models = MODELS[service.device_kind]
    world.add(
        "devices",
        device_id=f"D{number:05d}",
        service_id=service.service_id,
        employee_id=service.now.employee_id,
        kind=service.device_kind,
        imei=imei,
        model=models[number % len(models)],
        mdm_status=status,
        last_seen_on=seen,
        assigned_on=service.activated_on,
        released_on=service.disconnected_on,
    )
    change = service.quirks.get("device_change")
    if change is None and service.now.cost_center_id == ROLLOUT_CENTER and service.device_kind == "phone":
        change = rollout_month(world)
    months = [m for m in world.months[::3] if service.state(draw.day(m, 3))]
    for month in sorted({*months, *([str(change)] if change else [])}):
        new = bool(change) and month >= str(change)
        if service.state(draw.day(month, 9)):
            swapped = bool(service.quirks.get("device_change")) and new
            world.add(
                "sim_observations",
                service_id=service.service_id,
                observed_on=draw.day(month, 9),
                iccid=f"{iccid[:-1]}9X"[:19] if swapped else iccid,
                imei=f"86{imei[2:]}" if new else imei,
            )


def _orders(world: World, service: Service) -> None:
    number = [0]

    def order(
        kind: str, when: str, status: str, item: str = "", fee: int | None = None, before: str = "", after: str = ""
    ) -> None:
        number[0] += 1
        world.add(
            "orders",
            order_id=f"O{service.service_id[1:]}-{number[0]}",
            service_id=service.service_id,
            account_id=service.spans[0].account_id,
            type=kind,
            requested_on=draw.plus_days(when, -9),
            ordered_on=draw.plus_days(when, -7),
            due_on=when,
            completed_on=when,
            item_code=item,
            nrc_amount=None if fee is None else draw.money(fee),
            currency=world.accounts[service.now.account_id]["currency"],
            from_value=before,
            to_value=after,
            status=status,
        )

    if service.activated_on >= world.months[0]:
        item, fee = activation_fee(service)
        order("install", service.activated_on, "installed", item, fee if item else None)
    for before, after in zip(service.spans, service.spans[1:], strict=False):
        if after.status != before.status:
            order("suspend" if after.status == "suspended" else "resume", after.valid_from, "changed")
        elif after.plan_id != before.plan_id:
            order("change", after.valid_from, "changed", before=before.plan_id, after=after.plan_id)
        else:
            order(
                "move",
                after.valid_from,
                "changed",
                before=before.employee_id or before.account_id,
                after=after.employee_id or after.account_id,
            )
    if service.disconnected_on:
        order("disconnect", service.disconnected_on, "disconnected")


def activation_fee(service: Service) -> tuple[str, int]:
    """Item and price in cents of a new service's one-off charge; blank where the carrier charges none."""
    if service.kind == "mobile" and service.carrier_id in {"tmobile", "vodafone"}:
        return ("TM-ACTIVATE", 3500) if service.carrier_id == "tmobile" else ("VF-ACTIVATE", 2500)
    if service.kind in {"circuit", "internet"} and service.carrier_id in {"lumen", "colt"}:
        return ("LUM-INSTALL", 50000) if service.carrier_id == "lumen" else ("COLT-INSTALL", 60000)
    return "", 0
