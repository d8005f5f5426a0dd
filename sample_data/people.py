"""Employees: roles, cost centers, leavers, and the trips that explain roaming."""

from __future__ import annotations

from sample_data import draw
from sample_data.sites import COUNTRY, EU_SITES, SITES
from sample_data.world import Employee, World

# fmt: off
FIRST = (
    "Ada", "Alan", "Amara", "Anna", "Ben", "Bianca", "Carla", "Chen", "Chloe", "Clara", "Daniel", "David",
    "Deepa", "Diego", "Elena", "Elif", "Emma", "Eric", "Fatima", "Felix", "Finn", "Grace", "Hana", "Hugo", "Ines",
    "Ivan", "Jamal", "James", "Jana", "Jonas", "Julia", "Kai", "Karin", "Kofi", "Laura", "Lena", "Leo", "Lin",
    "Louis", "Maria", "Marta", "Max", "Maya", "Mei", "Mila", "Nadia", "Nina", "Noah", "Nora", "Omar", "Oscar",
    "Paul", "Priya", "Rahul", "Rosa", "Sam", "Sara", "Sofia", "Tariq", "Theo", "Tom", "Uma", "Vera", "Victor",
    "Wei", "Yara", "Yusuf", "Zoe",
)
# fmt: on
# fmt: off
LAST = (
    "Abbott", "Adeyemi", "Ahmed", "Becker", "Bell", "Bennett", "Berg", "Blake", "Brandt", "Brooks", "Carter",
    "Chan", "Cole", "Costa", "Cruz", "Dalton", "Davies", "Diaz", "Dietrich", "Ellis", "Evans", "Fischer",
    "Flores", "Ford", "Foster", "Fuchs", "Garcia", "Gupta", "Hahn", "Hansen", "Hart", "Hayes", "Hoffman",
    "Hughes", "Ito", "Jain", "Jansen", "Keller", "Khan", "Kim", "Klein", "Kowalski", "Lang", "Larsen", "Lee",
    "Lopez", "Martin", "Meyer", "Mills", "Moreau", "Morgan", "Murphy", "Nair", "Novak", "Okafor", "Olsen",
    "Ortiz", "Patel", "Peters", "Quinn", "Reed", "Reyes", "Rossi", "Roy", "Sato", "Schmidt", "Shah", "Silva",
    "Singh", "Stone", "Suzuki", "Taylor", "Torres", "Tran", "Vogel", "Wagner", "Walsh", "Weber", "West", "Wolf",
    "Wong", "Young", "Zhang",
)
# fmt: on

# role: share, cost centers, monthly chance of a trip abroad, use factor
ROLES = {
    "executive": (0.04, ("CC4040",), 0.20, 1.5),
    "sales": (0.24, ("CC1010", "CC1020", "CC1030", "CC1040"), 0.14, 1.4),
    "engineer": (0.24, ("CC2010", "CC2020", "CC2030", "CC2040"), 0.02, 0.8),
    "field": (0.20, ("CC3010", "CC3020", "CC3030"), 0.03, 1.8),
    "office": (0.22, ("CC4010", "CC4020", "CC4030", "CC3040"), 0.01, 0.6),
    "it": (0.06, ("CC5010", "CC5020", "CC5030"), 0.02, 1.0),
}
FROM_US = (("CA", 5), ("MX", 4), ("GB", 4), ("DE", 3), ("FR", 2), ("JP", 1), ("BR", 1), ("SG", 1))
FROM_EU = (("FR", 4), ("DE", 4), ("IT", 3), ("ES", 3), ("PL", 2), ("NL", 2), ("US", 2), ("CH", 1))
EVENT_COUNTRY = "PT"


def event_month(world: World) -> str:
    """The month of the sales meeting in Lisbon: many roam at once, and all of it is booked travel."""
    return world.months[world.month_at(0.62)]


def build(world: World) -> None:
    """Add employees, their history, leavers and travel."""
    rng = draw.stream(world.seed, "people")
    count = max(20, round(world.size * 0.36))
    shares = [row[5] for row in SITES]
    names: set[str] = set()
    for index in range(count):
        role = draw.weighted(rng, list(ROLES), [row[0] for row in ROLES.values()])
        site = draw.weighted(rng, [row[0] for row in SITES], shares)
        centers = ROLES[role][1]
        center = "CC1020" if role == "sales" and site in EU_SITES else rng.choice(centers)
        name = f"{rng.choice(FIRST)} {rng.choice(LAST)}"
        email = name.lower().replace(" ", ".")
        if email in names:
            email = f"{email}{index}"
        names.add(email)
        employee = Employee(
            f"E{index + 1:05d}",
            name,
            f"{email}@example.com",
            center,
            site,
            COUNTRY[site],
            role,
            draw.lognormal(rng, ROLES[role][3], 0.55),
        )
        world.employees[employee.employee_id] = employee
    _leavers(world)
    _trips(world)


def _leavers(world: World) -> None:
    rng = draw.stream(world.seed, "leavers")
    months = world.months
    staff = sorted(world.employees)
    leaving = rng.sample(staff, max(3, round(len(staff) * 0.08)))
    for employee_id in sorted(leaving):
        month = months[rng.randrange(1, max(2, len(months) - 1))]
        world.employees[employee_id].left_on = draw.day(month, rng.randint(2, 27))


def _trips(world: World) -> None:
    rng = draw.stream(world.seed, "travel")
    for employee in world.employees.values():
        chance = ROLES[employee.role][2]
        home = employee.country
        choices = FROM_EU if employee.site_id in EU_SITES else FROM_US
        countries = [country for country, _ in choices if country != home]
        weights = [weight for country, weight in choices if country != home]
        for month in world.months:
            season = 0.6 if month[5:] in {"07", "08", "12"} else 1.0
            if employee.left_on and draw.last_day(month) >= employee.left_on:
                break
            going = rng.random() < chance * season
            country, first, length = draw.weighted(rng, countries, weights), rng.randint(2, 17), rng.randint(2, 9)
            if month == event_month(world) and employee.role in {"sales", "executive"} and rng.random() < 0.5:
                going, country, first, length = True, EVENT_COUNTRY, 11, 4
            if going:
                employee.travels.append((country, draw.day(month, first), draw.day(month, first + length)))


def write_tables(world: World) -> None:
    """Employees and travel as canonical rows (after plants have settled who travels)."""
    for employee in world.employees.values():
        world.add(
            "employees",
            employee_id=employee.employee_id,
            name=employee.name,
            email=employee.email,
            cost_center_id=employee.cost_center_id,
            site_id=employee.site_id,
            status="left" if employee.left_on else "active",
            left_on=employee.left_on,
            role=employee.role,
            country=employee.country,
        )
    number = 0
    for employee in world.employees.values():
        for country, first, last in employee.travels:
            number += 1
            world.add(
                "travel",
                travel_id=f"T{number:05d}",
                employee_id=employee.employee_id,
                country=country,
                starts_on=first,
                ends_on=last,
                source="booking" if number % 5 else "calendar",
            )
