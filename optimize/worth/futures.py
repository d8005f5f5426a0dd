"""A choice that holds in several futures: costs of each candidate in each, regret, and the least largest regret."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from optimize.priced import Assignment, BucketCounts
from optimize.result import money
from optimize.worth.desk import Answer, Desk

#: Data use against the range's: name and factor.
FUTURES: tuple[tuple[str, Fraction], ...] = (
    ("data -20 %", Fraction(8, 10)),
    ("data as it was", Fraction(1)),
    ("data +20 %", Fraction(12, 10)),
    ("data +50 %", Fraction(15, 10)),
)


def study(desk: Desk, futures: tuple[tuple[str, Fraction], ...] = FUTURES) -> dict[str, Any]:
    """`futures`: the best plans for each future, priced in every other one; `choose` has the least largest regret.

    A regret is the objective of a choice less the best one known for that future; the true regret is at most
    `unproven` higher (the distance of that best one to its bound).
    """
    if not desk.base.feasible:
        return {"futures": None}
    answers: dict[str, Answer] = {}
    for name, factor in futures:
        desk.say(f"the best plans for {name}")
        patch = {"growth": {**(desk.document.get("growth") or {}), "data": rate(desk, factor)}}
        answer = desk.answer(patch, known=(desk.base.assignment,))
        if answer.feasible:
            answers[name] = answer
    choices: dict[str, tuple[Assignment, BucketCounts | None]] = {
        f"best for {name}": (answer.assignment, answer.priced.buckets)
        for name, answer in answers.items()
        if answer.priced is not None
    }
    choices["keep everything"] = ({}, None)
    costs: dict[str, dict[str, Fraction]] = {}
    for choice, (assignment, bought) in choices.items():
        if any(answer.evaluator.violations(assignment, bought) for answer in answers.values()):
            continue
        costs[choice] = {name: one.evaluator.price(assignment, bought).objective for name, one in answers.items()}
    best = {name: min(row[name] for row in costs.values()) for name in answers}
    rows = [
        {
            **{"choice": choice, "costs": {name: money(value) for name, value in row.items()}},
            "regrets": {name: money(row[name] - best[name]) for name in row},
            "max_regret": money(max(row[name] - best[name] for name in row)),
        }
        for choice, row in costs.items()
    ]
    rows.sort(key=lambda row: (row["max_regret"], row["choice"]))
    told = [
        {"future": name, "best": money(best[name]), "unproven": money(max(Fraction(0), best[name] - answer.bound))}
        for name, answer in answers.items()
    ]
    return {"futures": {"futures": told, "choices": rows, "choose": rows[0]["choice"] if rows else None}}


def rate(desk: Desk, factor: Fraction, kind: str = "data") -> str:
    """The monthly growth that multiplies the scenario's own use of a type by `factor` over the range, to 6 decimals."""
    span = len(desk.problem.setting.months)
    own = 1 + desk.scenario.growth.get(kind, 0) / 1e6
    return f"{own * float(factor) ** (1 / span) - 1:.6f}"
