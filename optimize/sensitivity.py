"""First honest values of what limits are worth: contract distances exactly, pool allowances from LP duals only."""

from __future__ import annotations

from typing import Any

from optimize.priced import Priced
from optimize.problem import Problem
from optimize.result import Solution, money


def sensitivities(problem: Problem, priced: Priced, solution: Solution) -> dict[str, Any]:
    """`contracts`: see :func:`contract_prices`. `pools`: value of one more MB or minute a month.

    Pool values are duals of the LP relaxation (never of the integer model) and are absent where no LP was solved.
    """
    pools = [
        {"kind": k, "account_id": a, "carrier_id": c, "pool_group": g, "value_per_unit": round(value, 9)}
        for (k, a, c, g), value in sorted(solution.pool_values.items())
    ]
    return {"contracts": contract_prices(problem, priced), "pools": pools}


def contract_prices(problem: Problem, priced: Priced) -> list[dict[str, Any]]:
    """Each contract with terms: spend, distances, and the price of one more unit of spend; exact, amounts a month.

    The marginal price is the slope of (spend - discount + shortfall) at the contract's spend: 0 while a gross
    commitment is short at rate 1, 1 - discount above it. `next_tier_worth` is what is charged at the next tier less
    what is charged now (negative: it pays to spend more).
    """
    rows = []
    for cost in priced.contracts:
        terms = problem.contracts.get(cost.contract_id)
        if terms is None or not terms.has_terms:
            continue
        spend = cost.spend
        slope = next(s.slope for s in terms.segments() if s.high is None or spend < s.high)
        attained = spend - cost.discount if terms.net else spend
        charged = spend - cost.discount + cost.shortfall
        tier = cost.next_tier
        rows.append(
            {
                "contract_id": cost.contract_id,
                "carrier_id": cost.carrier_id,
                "spend": money(spend),
                "discount": money(cost.discount),
                "commitment": money(cost.commitment),
                "above_commitment": money(attained - cost.commitment),
                "shortfall": money(cost.shortfall),
                "next_tier": None if tier is None else money(tier),
                "to_next_tier": None if tier is None else money(tier - spend),
                "next_tier_worth": None if tier is None else money(terms.charged(tier) - charged),
                "marginal_price": float(slope),
                "average_price": float(charged / spend) if spend else None,
            }
        )
    return rows
