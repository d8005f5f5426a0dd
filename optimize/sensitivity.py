"""First honest values of what limits are worth: contract distances exactly, pool allowances from LP duals only."""

from __future__ import annotations

from typing import Any

from optimize.evaluate import Priced
from optimize.problem import Problem
from optimize.result import Solution, money


def sensitivities(problem: Problem, priced: Priced, solution: Solution) -> dict[str, Any]:
    """`contracts`: distance to the next tier and to the commitment. `pools`: value of one more MB or minute a month.

    Pool values are duals of the LP relaxation (never of the integer model) and are absent where no LP was solved.
    """
    contracts = [
        {
            "contract_id": cost.contract_id,
            "carrier_id": cost.carrier_id,
            "spend": money(cost.spend),
            "discount": money(cost.discount),
            "commitment": money(cost.commitment),
            "shortfall": money(cost.shortfall),
            "next_tier": None if cost.next_tier is None else money(cost.next_tier),
            "to_next_tier": None if cost.next_tier is None else money(cost.next_tier - cost.spend),
        }
        for cost in priced.contracts
        if cost.contract_id in problem.contracts and problem.contracts[cost.contract_id].has_terms
    ]
    pools = [
        {"kind": k, "account_id": a, "carrier_id": c, "pool_group": g, "value_per_unit": round(value, 9)}
        for (k, a, c, g), value in sorted(solution.pool_values.items())
    ]
    return {"contracts": contracts, "pools": pools}
