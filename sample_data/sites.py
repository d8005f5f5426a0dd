"""Sites of the sample organization, the carriers' coverage there, and its cost centers."""

from __future__ import annotations

from sample_data.world import World

# site_id, name, country, region, opened_on, share of the headcount, area code of its numbers
SITES = (
    ("NYC", "New York headquarters", "US", "US East", "2012-03-01", 0.17, "212"),
    ("ATL", "Atlanta service center", "US", "US East", "2015-06-01", 0.09, "404"),
    ("CHI", "Chicago office", "US", "US Central", "2014-01-15", 0.12, "312"),
    ("DAL", "Dallas distribution", "US", "US Central", "2016-09-01", 0.10, "214"),
    ("DEN", "Denver field office", "US", "US West", "2017-02-01", 0.0, "303"),
    ("SJC", "San Jose engineering", "US", "US West", "2013-05-01", 0.14, "408"),
    ("SEA", "Seattle office", "US", "US West", "2019-04-01", 0.08, "206"),
    ("FRA", "Frankfurt office", "DE", "Europe", "2014-10-01", 0.09, "69"),
    ("MUC", "Munich plant", "DE", "Europe", "2018-01-01", 0.06, "89"),
    ("LON", "London office", "GB", "Europe", "2015-03-01", 0.08, "20"),
    ("MAN", "Manchester warehouse", "GB", "Europe", "2020-07-01", 0.03, "161"),
    ("AMS", "Amsterdam hub", "NL", "Europe", "2019-11-01", 0.04, "20"),
)
CLOSED_SITE = "DEN"
EU_SITES = ("FRA", "MUC", "LON", "MAN", "AMS")
US_SITES = ("NYC", "ATL", "CHI", "DAL", "DEN", "SJC", "SEA")
GB_SITES = ("LON", "MAN")
COUNTRY = {row[0]: row[2] for row in SITES}
AREA_CODE = {row[0]: row[6] for row in SITES}
REGION = {row[0]: row[3] for row in SITES}

# Where a carrier does not reach although it serves the country: no AT&T in the Dallas halls, no T-Mobile in Atlanta.
_GAPS = {("DAL", "att"), ("ATL", "tmobile")}

# unit, GL account, departments
UNITS = (
    ("Sales", "641100", ("Americas sales", "Europe sales", "Sales operations", "Customer success")),
    ("Engineering", "641200", ("Platform", "Devices", "Quality", "Research")),
    ("Operations", "641300", ("Field service", "Distribution", "Plant", "Facilities")),
    ("Corporate", "641400", ("Finance", "People", "Legal", "Executive office")),
    ("IT", "641500", ("Network", "Workplace", "Security")),
)


def closing_month(world: World) -> str:
    """The month at whose end the closed site was given up."""
    return world.months[(len(world.months) * 2) // 3 - 1]


def build(world: World) -> None:
    """Add sites, coverage and cost centers to the world's tables."""
    from sample_data.draw import last_day

    for site_id, name, country, region, opened, _, _ in SITES:
        closed = last_day(closing_month(world)) if site_id == CLOSED_SITE else ""
        world.add(
            "sites", site_id=site_id, name=name, country=country, region=region, opened_on=opened, closed_on=closed
        )
        carriers = ["kore", "ringcentral"]
        carriers += ["verizon", "att", "tmobile", "lumen"] if country == "US" else ["vodafone", "colt"]
        carriers += ["bt"] if country == "GB" else []
        for carrier in sorted(carriers):
            if (site_id, carrier) not in _GAPS:
                world.add("coverage", site_id=site_id, carrier_id=carrier)
    number = 0
    for unit_number, (unit, gl_account, departments) in enumerate(UNITS, 1):
        parent = f"CC{unit_number}000"
        world.add(
            "cost_centers",
            cost_center_id=parent,
            name=unit,
            owner=f"Head of {unit}",
            business_unit=unit,
            gl_account=gl_account,
        )
        for offset, department in enumerate(departments, 1):
            number += 1
            world.add(
                "cost_centers",
                cost_center_id=f"CC{unit_number}{offset:02d}0",
                name=department,
                parent_id=parent,
                owner=f"{department} lead",
                business_unit=unit,
                gl_account=gl_account,
            )
    world.add(
        "cost_centers",
        cost_center_id="CC4900",
        name="Project Northwind",
        parent_id="CC4000",
        owner="Head of Corporate",
        business_unit="Corporate",
        gl_account="641490",
        closed_on=last_day(world.months[len(world.months) // 2]),
    )
