"""Services that belong to sites rather than people: shared and standby lines, IoT SIMs, seats, fixed services."""

from __future__ import annotations

from sample_data import draw
from sample_data.catalogue_data import UNPLANNED
from sample_data.estate import POOLED, SITE_CENTER, STANDBY, Builder, account_of
from sample_data.sites import CLOSED_SITE, EU_SITES, GB_SITES, REGION, US_SITES
from sample_data.world import World

LUMEN_KINDS = (
    "LUM-DIA-1G",
    "LUM-POTS",
    "LUM-ETH-1G",
    "LUM-POTS",
    "LUM-SIP-23",
    "LUM-POTS",
    "LUM-SDW-M",
    "LUM-POTS",
    "LUM-MPLS-100",
    "LUM-POTS",
    "LUM-POTS",
    "LUM-WAVE-10G",
    "LUM-DIA-500",
    "LUM-POTS",
    "LUM-SDW-L",
    "LUM-POTS",
    "LUM-SIP-100",
    "LUM-POTS",
    "LUM-ETH-1G",
)
BT_ITEMS = (
    "BT-LINE",
    "BT-ONEVOICE",
    "BT-LINE",
    "BT-LINE",
    "BT-DIA-1G",
    "BT-LINE",
    "BT-ONEVOICE",
    "BT-LINE",
    "BT-LINE",
    "BT-ETH-1G",
    "BT-LINE",
    "BT-LINE",
)
COLT_ITEMS = ("COLT-ETH-1G", "COLT-IP-1G", "COLT-SIP-60", "COLT-ETH-1G", "COLT-WAVE-10G", "COLT-ETH-1G", "COLT-IP-1G")


def site_lines(world: World, builder: Builder, left: dict[str, int]) -> None:
    """Shared devices of the halls, standby phones, emergency handsets and backup hotspots."""
    rng = draw.stream(world.seed, "site-lines")
    for carrier in ("verizon", "att", "tmobile", "vodafone"):
        sites = [
            s
            for s in (EU_SITES if carrier == "vodafone" else US_SITES)
            if s != CLOSED_SITE and (carrier, s) not in {("att", "DAL"), ("tmobile", "ATL")}
        ]
        for _ in range(max(0, left[carrier])):
            purpose = draw.weighted(rng, ["shared", "standby", "emergency", "backup"], [0.84, 0.07, 0.05, 0.04])
            site = rng.choice(sites)
            if purpose == "shared":
                device, mean = rng.choice(["phone", "tablet", "phone"]), rng.uniform(500, 4200)
                plan = POOLED[carrier][0 if mean < 1500 else 1]
            else:
                device, plan, mean = ("hotspot" if purpose == "backup" else "phone"), STANDBY[carrier], 0.0
            service = builder.service(
                carrier,
                "mobile",
                device,
                purpose,
                site,
                account_of(carrier, site, rng),
                plan,
                center=rng.choice(["CC3010", "CC3020", "CC3030", SITE_CENTER]),
                rng=rng,
            )
            service.mean_mb = mean


def iot(world: World, builder: Builder, count: int) -> None:
    rng = draw.stream(world.seed, "iot")
    for _ in range(count):
        plan, device, mean = draw.weighted(
            rng,
            [
                ("KO-50", "sensor", 32.0),
                ("KO-250", "router", 165.0),
                ("KO-1G", "camera", 640.0),
                ("KO-5G", "camera", 3300.0),
            ],
            [0.62, 0.20, 0.12, 0.06],
        )
        site = rng.choice(["DAL", "MUC", "MAN", "SJC", "ATL", "AMS"])
        service = builder.service(
            "kore", "iot", device, "m2m", site, "KORE-1", plan, center=rng.choice(["CC3020", "CC3030"]), rng=rng
        )
        service.mean_mb = mean * rng.uniform(0.75, 1.2)


def seats(world: World, builder: Builder, count: int) -> None:
    rng = draw.stream(world.seed, "seats")
    staff = sorted(world.employees.values(), key=lambda e: (e.role not in {"office", "sales"}, e.employee_id))
    for index in range(count):
        employee = staff[index % len(staff)]
        plan = draw.weighted(rng, ["RC-CORE", "RC-ADV", "RC-ULTRA"], [0.45, 0.40, 0.15])
        builder.service(
            "ringcentral",
            "uc_seat",
            "",
            "",
            employee.site_id,
            "RC-1",
            "",
            item=plan,
            employee=employee,
            rng=rng,
            number=f"RC-{index + 1:05d}",
        )


def fixed(world: World, builder: Builder, left: dict[str, int]) -> None:
    rng = draw.stream(world.seed, "fixed")
    kind_of = {code: kind for code, _, kind, _, _ in UNPLANNED}
    us_sites = ["DEN", "NYC", "CHI", "SJC", "DAL", "ATL", "SEA", "NYC", "CHI", "SJC", "DAL"]
    for index in range(left["lumen"]):
        plan, site = LUMEN_KINDS[index % len(LUMEN_KINDS)], us_sites[index % len(us_sites)]
        kind = kind_of[plan]
        purpose = rng.choice(["", "emergency", ""]) if plan == "LUM-POTS" else ""
        account = "LUM-1" if REGION[site] == "US East" else "LUM-2"
        builder.service("lumen", kind, "", purpose, site, account, "", center=SITE_CENTER, item=plan, rng=rng)
    for carrier, items, sites, account in (
        ("bt", BT_ITEMS, GB_SITES, "BT-1"),
        ("colt", COLT_ITEMS, ("FRA", "AMS", "MUC"), "COLT-1"),
    ):
        for index in range(left[carrier]):
            item = items[index % len(items)]
            builder.service(
                carrier,
                kind_of[item],
                "",
                "",
                sites[index % len(sites)],
                account,
                "",
                center=SITE_CENTER,
                item=item,
                rng=rng,
            )
