"""Counter-offer check and award: the whole estate re-optimized with and without each offer, alone and together."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from optimize import explain
from optimize.result import money
from optimize.tariff import MICRO
from optimize.worth.desk import Answer, Desk, difference

_MOVES_SHOWN = 500


def study(desk: Desk) -> dict[str, Any]:
    """`offers`: what each offer promises and what it really saves; `award`: who gets which lines if all are accepted.

    Offers are those the scenario lists, all of the catalogue where it lists none.
    """
    wanted = listed(desk)
    if not wanted:
        return {"offers": [], "award": None}
    desk.say("without any offer")
    none = desk.answer({"offers": None})
    if not none.feasible:
        return {"offers": [], "award": None}
    alone = {}
    for offer in wanted:
        desk.say(f"with {offer} alone")
        alone[offer] = desk.answer({"offers": [offer]}, known=(none.assignment,))
    rows = [_check(desk, offer, answer, none) for offer, answer in alone.items()]
    return {"offers": rows, "award": _award(desk, alone, none)}


def listed(desk: Desk) -> list[str]:
    """The offers in question, in the scenario's currency."""
    plans = desk.evaluator.plans.values()
    there = {p["offer_id"] for p in plans if p.get("offer_id") and p.get("currency") in (None, desk.currency)}
    return sorted(there & set(desk.scenario.offers)) if desk.scenario.offers else sorted(there)


def plans_of(desk: Desk, offer: str) -> list[str]:
    """The plans of an offer."""
    return sorted(p for p, row in desk.evaluator.plans.items() if row.get("offer_id") == offer)


def _check(desk: Desk, offer: str, with_it: Answer, without: Answer) -> dict[str, Any]:
    assert with_it.priced is not None
    assert without.priced is not None
    lines = with_it.on(plans_of(desk, offer))
    running = (without.cost - without.priced.fees) - (with_it.cost - with_it.priced.fees)
    extra = with_it.one_off - without.one_off
    short = sum((c.shortfall for c in with_it.priced.contracts), Fraction(0))
    before = sum((c.shortfall for c in without.priced.contracts), Fraction(0))
    found = difference(without, with_it)
    promised, fits = sheet(desk, offer)
    return {
        "offer_id": offer,
        "carrier_id": desk.evaluator.plans[plans_of(desk, offer)[0]]["carrier_id"],
        **{"promised": money(promised), "promised_lines": fits},
        **{"real": found["value"], "low": found["low"], "high": found["high"], "lines": len(lines)},
        **{"cost_with": money(with_it.cost), "cost_without": money(without.cost)},
        **{"bound_with": with_it.facts()["bound"], "bound_without": without.facts()["bound"]},
        **{"one_off": money(extra), "running_saving": money(running)},
        "payback_months": float(round(extra / running, 1)) if running > 0 and extra > 0 else None,
        "new_shortfall": money(short - before),
        "moves": moves_of(with_it, lines),
        "by_plan": {p: len(with_it.on([p])) for p in plans_of(desk, offer) if with_it.on([p])},
        "status": with_it.status,
    }


def moves_of(answer: Answer, lines: list[str], most: int = _MOVES_SHOWN) -> list[dict[str, Any]]:
    """Lines that move as recommendations, largest saving first, at most so many."""
    assert answer.priced is not None
    found = explain.changed(answer.evaluator, answer.priced, {s: answer.assignment[s] for s in lines})
    return sorted(found, key=lambda row: (-row["monthly_saving"], row["service_id"]))[:most]


def sheet(desk: Desk, offer: str) -> tuple[Fraction, int]:
    """What the price sheet promises: each line's MRC against the cheapest offered plan with at least its allowances.

    No use, no pools, no fees, no coverage: (saving a month, lines).
    """
    prices, lines = desk.scenario.plan_price, desk.evaluator.lines
    saved = [
        now - price
        for service_id, price in fitting(desk, offer).items()
        if price < (now := prices.get(p := lines[service_id]["plan_id"], desk.evaluator.plans[p]["mrc"]))
    ]
    return Fraction(sum(saved), MICRO), len(saved)


def fitting(desk: Desk, offer: str) -> dict[str, int]:
    """The MRC (micros) of the cheapest plan of an offer with at least a line's allowances, for each line it suits."""
    evaluator, prices = desk.evaluator, desk.scenario.plan_price
    offered = [evaluator.plans[p] for p in plans_of(desk, offer)]
    found: dict[str, int] = {}
    known: dict[tuple[Any, Any], int | None] = {}
    for service_id, line in evaluator.lines.items():
        if not line["selected"]:
            continue
        key = (line["plan_id"], line.get("kind"))
        if key not in known:
            now = evaluator.plans[line["plan_id"]]
            fits = [
                prices.get(plan["plan_id"], plan["mrc"])
                for plan in offered
                if plan.get("service_kind") in (None, line.get("kind"))
                and all(_covers(plan.get(name), now.get(name)) for name in ("data_mb", "voice_min", "sms"))
            ]
            known[key] = min(fits, default=None)
        price = known[key]
        if price is not None:
            found[service_id] = price
    return found


def _covers(offered: int | None, held: int | None) -> bool:
    """Whether an allowance is at least another one; None is unlimited."""
    return offered is None or (held is not None and offered >= held)


def _award(desk: Desk, alone: dict[str, Answer], none: Answer) -> dict[str, Any]:
    """All offers on the table: cost, lines of each, and what each adds to the others (the most it can be worth)."""
    names = sorted(alone)
    if len(names) == 1:
        together = alone[names[0]]
    else:
        desk.say("with all offers together")
        together = desk.answer({"offers": names}, known=[a.assignment for a in alone.values()])
    shares = []
    for offer in names:
        rest = [n for n in names if n != offer]
        if not rest:
            without = none
        elif len(rest) == 1:
            without = alone[rest[0]]
        else:
            desk.say(f"all offers but {offer}")
            without = desk.answer({"offers": rest}, known=[alone[n].assignment for n in rest])
        found = difference(without, together)
        shares.append(
            {
                **{"offer_id": offer, "lines": len(together.on(plans_of(desk, offer)))},
                **{"adds": found["value"], "low": found["low"], "high": found["high"]},
            }
        )
    best = min(alone, key=lambda n: (alone[n].objective, n))
    against = difference(none, together)
    return {
        **together.facts(),
        **{"real": against["value"], "low": against["low"], "high": against["high"]},
        "shares": shares,
        "best_single": {"offer_id": best, "cost": money(alone[best].cost)},
        "split_gains": difference(alone[best], together),
    }
