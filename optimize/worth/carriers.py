"""Consolidation ladder (1..K carriers) and what one more unit of spend really costs at each contract."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from optimize.result import money
from optimize.worth.desk import Answer, Assignment, Desk, difference


def ladder(desk: Desk) -> dict[str, Any]:
    """`ladder`: for each number of carriers the best estate: cost, who stays, lines that move, one-off fees.

    `extra` is what the limit costs against no limit, with its proven range. Steps that cannot be met say why.
    """
    desk.say("without a limit on carriers")
    free = desk.answer({"max_carriers": None}, known=(desk.base.assignment,) if desk.base.feasible else ())
    if not free.feasible:
        return {"ladder": []}
    today = {
        free.evaluator.plans[line["plan_id"]]["carrier_id"]
        for line in free.evaluator.lines.values()
        if line["selected"]
    }
    most = max(len(free.carriers()), len(today))
    rows: list[dict[str, Any]] = []
    below: list[Assignment] = []
    for count in range(1, most + 1):
        if count >= len(free.carriers()):
            answer = free
        else:
            desk.say(f"at most {count} carrier{'s' if count > 1 else ''}")
            answer = desk.answer({"max_carriers": count}, known=below, floor=free.bound)
            below = [answer.assignment] if answer.feasible else []
        rows.append({"carriers": count, **_step(answer, free)})
        if answer is free:
            break
    return {"ladder": rows, "carriers_today": sorted(today)}


def _step(answer: Answer, free: Answer) -> dict[str, Any]:
    facts = answer.facts()
    if not answer.feasible:
        ways = [way["text"] for way in answer.why.relaxations] if answer.why else []
        return {**facts, "extra": None, "low": None, "high": None, "carrier_ids": [], "moved": None, "ways_out": ways}
    found = difference(answer, free)
    return {
        **facts,
        **{"extra": found["value"], "low": found["low"], "high": found["high"]},
        **{"carrier_ids": answer.carriers(), "moved": answer.moved(), "ways_out": []},
    }


def marginal(desk: Desk) -> dict[str, Any]:
    """`contracts`: spend, tier, commitment, and the price of the next unit of spend under the recommended plans.

    The marginal price is the slope of (spend - discount + shortfall) at the contract's spend: 0 while a gross
    commitment is short at rate 1, 1 - discount above it. Exact, from the contract's terms.
    """
    if desk.base.priced is None:
        return {"contracts": []}
    rows = []
    for cost in desk.base.priced.contracts:
        terms = desk.problem.contracts.get(cost.contract_id)
        if terms is None or not terms.has_terms:
            continue
        piece = next(s for s in terms.segments() if s.high is None or cost.spend < s.high)
        attained = cost.spend - cost.discount if terms.net else cost.spend
        charged = cost.spend - cost.discount + cost.shortfall
        rows.append(
            {
                **{"contract_id": cost.contract_id, "carrier_id": cost.carrier_id},
                **{"spend": money(cost.spend), "discount": money(cost.discount), "shortfall": money(cost.shortfall)},
                "marginal_price": float(piece.slope),
                "average_price": None if not cost.spend else float(charged / cost.spend),
                "commitment": money(cost.commitment),
                "above_commitment": money(attained - cost.commitment),
                "next_tier": None if cost.next_tier is None else money(cost.next_tier),
                "to_next_tier": None if cost.next_tier is None else money(cost.next_tier - cost.spend),
                "next_tier_worth": _tier_worth(terms, cost.spend, cost.next_tier),
            }
        )
    return {"contracts": rows}


def _tier_worth(terms: Any, spend: Fraction, start: Fraction | None) -> float | None:
    """What reaching the next tier changes in what is charged, spend itself included (negative: it pays to spend)."""
    return None if start is None else money(terms.charged(start) - terms.charged(spend))
