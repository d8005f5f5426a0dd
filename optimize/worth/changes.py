"""The frontier: the least cost with at most k changes, each point solved and proven, not a sum of single savings."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from optimize import explain
from optimize.priced import Assignment
from optimize.result import money
from optimize.worth.desk import Desk

_SHARES = (2, 5, 10, 20, 35, 50, 75)


def study(desk: Desk) -> dict[str, Any]:
    """`frontier`: changes allowed, changes used, saving a month and its bound; the last point is the scenario's own."""
    base = desk.base
    if base.priced is None:
        return {"frontier": []}
    most = base.priced.changes
    order = _by_saving(desk)
    rows: list[dict[str, Any]] = []
    known: list[Assignment] = []
    for allowed in sorted({max(1, most * share // 100) for share in _SHARES} - {most}) if most > 1 else []:
        desk.say(f"at most {allowed:,} of {most:,} changes")
        best = {**{s: line["plan_id"] for s, line in base.evaluator.lines.items()}, **dict(order[:allowed])}
        answer = desk.answer({"max_changes": allowed}, known=[best, *known], floor=base.bound)
        if not answer.feasible:
            continue
        known = [answer.assignment]
        rows.append(_point(allowed, answer.facts(), base.facts()))
    rows.append(_point(most, base.facts(), base.facts()))
    return {"frontier": rows}


def _point(allowed: int, facts: dict[str, Any], base: dict[str, Any]) -> dict[str, Any]:
    share = facts["saving"] / base["saving"] if base["saving"] else None
    room = money(Fraction(str(facts["objective"])) - Fraction(str(facts["bound"])))
    return {"allowed": allowed, **facts, "still_possible": room, "share": None if share is None else round(share, 6)}


def _by_saving(desk: Desk) -> list[tuple[str, str | None]]:
    """The changes of the scenario's own solution, largest single saving first."""
    base = desk.base
    assert base.priced is not None
    lines = base.evaluator.lines
    changed = {s: p for s, p in base.assignment.items() if p != lines[s]["plan_id"]}
    found = explain.effects(base.evaluator, base.priced, changed)
    return [(s, changed[s]) for s in sorted(changed, key=lambda s: (-found[s].saving, s))]
