"""The year's budget of each cost center and carrier: the months before, as finance saw them, moved by a percentage."""

from __future__ import annotations

from collections import Counter

from sample_data import draw
from sample_data.world import Charge, World

#: Months before the year that its budget is made from, where there are as many.
BASE = 6
#: Percent by which a cost center's budget differs from what it cost, in whole steps.
STEPS = range(-4, 6)


def build(world: World) -> None:
    """Add a budget for every month of the year of the last bill, in the currency of the account, in whole tens."""
    year = world.months[-1][:4]
    before = [month for month in world.months if month < f"{year}-01"][-BASE:] or world.months[:2]
    spent: Counter[tuple[str, str, str]] = Counter()
    for invoice in world.invoices:
        if invoice.month in before:
            account = world.accounts[invoice.account_id]
            for charge in invoice.charges:
                center = _center(world, charge)
                spent[center, str(account["carrier_id"]), str(account["currency"])] += charge.amount
    for (center, carrier, currency), cents in sorted(spent.items()):
        step = draw.stream(world.seed, "budget", center).choice(STEPS)
        tens = draw.half_up(cents * (100 + step), len(before) * 100_000)
        for month in range(1, 13) if tens > 0 else ():
            world.add(
                "budgets",
                budget_id=f"{year}-{month:02d}-{carrier}-{center or 'none'}",
                month=f"{year}-{month:02d}",
                cost_center_id=center,
                carrier_id=carrier,
                amount=tens * 10,
                currency=currency,
            )


def _center(world: World, charge: Charge) -> str:
    service = world.services.get(charge.service_id or "")
    state = service.state(charge.period_start) if service and charge.period_start else None
    if state is None:
        return ""
    person = world.employees.get(state.employee_id)
    return state.cost_center_id or (person.cost_center_id if person else "")
