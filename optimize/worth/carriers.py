"""Consolidation ladder (1..K carriers) and what one more unit of spend really costs at each contract."""

from __future__ import annotations

from typing import Any

from optimize.priced import Assignment
from optimize.sensitivity import contract_prices
from optimize.worth.desk import Answer, Desk, difference


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
    """`contracts`: what one more unit of spend costs under the recommended plans; see `sensitivity.contract_prices`."""
    return {"contracts": [] if desk.base.priced is None else contract_prices(desk.problem, desk.base.priced)}
