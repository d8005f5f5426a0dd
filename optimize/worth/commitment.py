"""The commitment sweep: what each level of commitment costs, how likely it is missed, what rebate would pay for it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd

from core.issues import BadInput, Issue
from optimize.result import money
from optimize.tariff import MICRO
from optimize.worth.desk import Answer, Desk, difference

_SHARES = (Fraction(1, 2), Fraction(3, 4), Fraction(9, 10), Fraction(1), Fraction(11, 10), Fraction(5, 4))
_DRAWS = 4_000


def study(
    desk: Desk, contracts: Sequence[str] | None = None, steps: Sequence[tuple[Fraction, Fraction]] = ()
) -> dict[str, Any]:
    """`commitments`: for each contract (default: those in force with a commitment) a sweep of levels.

    `steps` are offered pairs (commitment a month, discount rate on all spend): each is solved as the contract's only
    terms and the cheapest is named.
    """
    missing = [c for c in contracts or () if c not in desk.problem.contracts]
    if missing:
        raise BadInput(
            [Issue(field="--contract", found=c, expected="a contract in force in the range") for c in missing]
        )
    if not desk.base.feasible:
        return {"commitments": []}
    known = sorted(
        c
        for c, terms in desk.problem.contracts.items()
        if terms.commitment and terms.shortfall_rate and _lines(desk, c)
    )
    return {"commitments": [_sweep(desk, c, steps) for c in contracts or known]}


def _lines(desk: Desk, contract_id: str) -> int:
    return sum(line.contract_id == contract_id for line in desk.problem.lines)


def _sweep(desk: Desk, contract_id: str, steps: Sequence[tuple[Fraction, Fraction]]) -> dict[str, Any]:
    terms = desk.problem.contracts[contract_id]
    row = _row(desk, contract_id)
    length = _length(row)
    desk.say(f"{contract_id}: without a commitment")
    free = _at(desk, contract_id, Fraction(0), length, [desk.base])
    spend = _spend(free, contract_id)
    now = terms.commitment
    levels = sorted({Fraction(0), now, *(Fraction(math.floor(spend * share)) for share in _SHARES)})
    rows, known = [], [free, desk.base]
    for level in levels:
        answer = free if level == 0 else None
        if answer is None:
            desk.say(f"{contract_id}: commitment of {money(level):,.0f} a month")
            answer = _at(desk, contract_id, level, length, known, floor=free.bound)
            known = [free, answer]
        rows.append(_level(desk, answer, free, contract_id, level, length, terms.net))
    offered = [_step(desk, contract_id, level, rate, length, [free, desk.base], terms.net) for level, rate in steps]
    cheapest = min(offered, key=lambda r: (r["cost"], r["commitment"])) if offered else None
    return {
        **{"contract_id": contract_id, "carrier_id": terms.carrier_id, "period_months": length},
        **{"basis": "net" if terms.net else "gross", "current": money(now), "free_up_to": money(spend)},
        **{"levels": rows, "offered": offered},
        "cheapest": None if cheapest is None else {k: cheapest[k] for k in ("commitment", "rate", "cost")},
    }


def _row(desk: Desk, contract_id: str) -> dict[str, Any]:
    frame = desk.frames["contracts"]
    found = frame[frame["contract_id"] == contract_id].iloc[0].to_dict()
    return {str(k): None if pd.isna(v) else v for k, v in found.items()}


def _length(row: dict[str, Any]) -> int:
    """Months of the commitment's period."""
    period = row.get("commitment_period") or "month"
    return {"month": 1, "quarter": 3, "year": 12}.get(str(period)) or int(row.get("initial_term_months") or 1)


def _at(
    desk: Desk, contract_id: str, level: Fraction, length: int, known: list[Answer], floor: Fraction | None = None
) -> Answer:
    changed = desk.frames["contracts"].copy()
    changed.loc[changed["contract_id"] == contract_id, "commitment_amount"] = math.floor(level * length * MICRO)
    return desk.answer(tables={"contracts": changed}, known=[a.assignment for a in known], floor=floor)


def _step(
    desk: Desk,
    contract_id: str,
    level: Fraction,
    rate: Fraction,
    length: int,
    known: list[Answer],
    net: bool,
) -> dict[str, Any]:
    desk.say(f"{contract_id}: {money(level):,.0f} a month at {float(rate):.1%} off")
    changed = desk.frames["contracts"].copy()
    changed.loc[changed["contract_id"] == contract_id, "commitment_amount"] = math.floor(level * length * MICRO)
    tier = {"contract_id": contract_id, "spend_from": 0, "discount_rate": math.floor(rate * MICRO), "mode": "all_units"}
    old = desk.frames.get("contract_tiers")
    rest = [] if old is None or old.empty else [old[old["contract_id"] != contract_id]]
    tiers = pd.concat([*rest, pd.DataFrame([tier])], ignore_index=True)
    tables = {"contracts": changed, "contract_tiers": tiers}
    answer = desk.answer(tables=tables, known=[a.assignment for a in known])
    return {"rate": float(rate), **_level(desk, answer, None, contract_id, level, length, net)}


def _spend(answer: Answer, contract_id: str) -> Fraction:
    assert answer.priced is not None
    return next(c.spend for c in answer.priced.contracts if c.contract_id == contract_id)


def _level(
    desk: Desk, answer: Answer, free: Answer | None, contract_id: str, level: Fraction, length: int, net: bool
) -> dict[str, Any]:
    assert answer.priced is not None
    cost = next(c for c in answer.priced.contracts if c.contract_id == contract_id)
    found = {"value": None, "low": None, "high": None} if free is None else difference(answer, free)
    need = None
    if free is not None and cost.spend:
        need = float(max(Fraction(0), answer.objective - free.objective) / cost.spend)
    kept = 1 - (float(cost.discount / cost.spend) if net and cost.spend else 0.0)
    months = [float(m) * kept for m in answer.contract_months(contract_id)]
    return {
        **{"commitment": money(level), "amount": money(level * length)},
        **{"cost": money(answer.cost), "status": answer.status},
        **{"extra": found["value"], "low": found["low"], "high": found["high"]},
        **{"spend": money(cost.spend), "discount": money(cost.discount), "shortfall": money(cost.shortfall)},
        "probability": odds(months, float(level * length), length, desk.scenario.seed, desk.problem.weights),
        "rebate_needed": need,
    }


def odds(months: Sequence[float], amount: float, length: int, seed: int, weights: Sequence[int] | None = None) -> float:
    """Probability that spend of one commitment period misses `amount`: months of the range drawn at random by weight.

    A period of one month: the share of months below the amount. Longer ones: seeded bootstrap, months independent.
    """
    if amount <= 0 or not len(months):
        return 0.0
    here, share = np.asarray(months), None
    if weights is not None and len(set(weights)) > 1:
        share = np.array(weights, dtype=np.float64) / sum(weights)
    if length == 1:
        return round(float(np.average(here < amount, weights=share)), 4)
    sums = np.random.default_rng(seed).choice(here, (_DRAWS, length), p=share).sum(axis=1)
    return round(float((sums < amount).mean()), 4)
