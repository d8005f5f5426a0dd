"""What a plan's price is worth: the price at which the first line moves, and how many lines move at each price.

With V the optimum without the plan and W(x) the cost of an assignment x that uses it, priced at MRC 0, the plan is
worth having at MRC m if and only if m < max over x of (V - W(x)) / n(x), n = expected lines on it. The maximum is found
by Dinkelbach's iteration: solve at the present price, take the break-even price of the assignment found, repeat until
nothing moves any more. Each step is a whole re-solve of the estate; duals only start it (they over-state volumes).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from core.issues import BadInput, Issue
from optimize.contracts import is_monotone
from optimize.priced import Assignment
from optimize.problem import PICO
from optimize.result import money
from optimize.tariff import MICRO
from optimize.worth.desk import Answer, Desk, better_of, difference

_ROUNDS = 8
_CANDIDATES = 4
_CENT = Fraction(1, 100)
_SHARES = (Fraction(9, 10), Fraction(8, 10), Fraction(65, 100), Fraction(1, 2))


def study(
    desk: Desk, plans: Iterable[str] | None = None, prices: Sequence[Fraction] | None = None, most: int = 8
) -> dict[str, Any]:
    """`plans`: break-even and demand curve of each named plan, by default of every plan of the scenario's offers
    (of all offers where it lists none), each beside today's catalogue and the other listed offers.

    Plans that lines are on today have no break-even (their lines are there at any price) and are left out by default.
    """
    held = {line["plan_id"] for line in desk.evaluator.lines.values()}
    issues = []
    for plan_id in plans or ():
        plan = desk.evaluator.plans[plan_id]
        if plan_id in held:
            issues.append(Issue(field="--plan", found=plan_id, message="lines are on it today: it has no break-even"))
        elif plan.get("currency") not in (None, desk.currency) or plan.get("mrc") is None:
            issues.append(Issue(field="--plan", found=plan_id, expected=f"a plan with a price in {desk.currency}"))
    if issues:
        raise BadInput(issues)
    return {"plans": [Curve(desk, plan_id).find(prices) for plan_id in plans or offered(desk)[:most]]}


def offered(desk: Desk) -> list[str]:
    """Plans of the listed offers (of all where none is listed) in the scenario's currency that nobody is on."""
    held = {line["plan_id"] for line in desk.evaluator.lines.values()}
    listed = set(desk.scenario.offers)
    return sorted(
        plan_id
        for plan_id, plan in desk.evaluator.plans.items()
        if plan.get("offer_id") is not None
        and (not listed or plan["offer_id"] in listed)
        and plan_id not in held
        and plan.get("currency") in (None, desk.currency)
        and plan.get("mrc") is not None
        and plan_id not in desk.scenario.force.values()
    )


class Curve:
    """Break-even and demand of one plan."""

    def __init__(self, desk: Desk, plan_id: str) -> None:
        self.desk, self.plan_id = desk, plan_id
        self.plan = desk.evaluator.plans[plan_id]
        self._holder: Assignment | None = None
        self._known_slopes: dict[str, Fraction] | None = None
        offer = self.plan.get("offer_id")
        self.offers = sorted({*desk.scenario.offers, *([offer] if offer else [])})
        self.listed = Fraction(desk.scenario.plan_price.get(plan_id, self.plan["mrc"]), MICRO)

    def find(self, prices: Sequence[Fraction] | None = None) -> dict[str, Any]:
        """Break-even (to the cent below which a line moves) and the demand curve; amounts a month."""
        plans = self.desk.frames["plans"]
        self.desk.say(f"{self.plan_id}: the estate without it")
        others = {row for row in self.offers if (plans["offer_id"] == row).sum() > (row == self.plan.get("offer_id"))}
        patch = {"offers": sorted(others) or None, "plan_price": self._prices(None)}
        base = (self.desk.base.assignment,) if self.desk.base.feasible else ()
        self.without = self.desk.answer(patch, tables={"plans": plans[plans["plan_id"] != self.plan_id]}, known=base)
        head = {
            **{"plan_id": self.plan_id, "carrier_id": self.plan["carrier_id"], "offer_id": self.plan.get("offer_id")},
            **{"list_price": money(self.listed), "without": self.without.facts()},
        }
        if not self.without.feasible:
            return {**head, "break_even": None, "proven": False, "demand": []}
        found = self._break_even()
        demand = [] if found["break_even"] is None else self._demand(found["break_even"], prices, base)
        found["break_even"] = None if found["break_even"] is None else money(found["break_even"])
        return {**head, **found, "demand": demand}

    def _prices(self, price: Fraction | None) -> dict[str, str] | None:
        """`plan_price` of the scenario with this plan at `price` (None: without it)."""
        known = dict(self.desk.document.get("plan_price") or {})
        known.pop(self.plan_id, None)
        if price is not None:
            known[self.plan_id] = decimal(price)
        return known or None

    def at(self, price: Fraction, known: Iterable[Assignment] = (), floor: Fraction | None = None) -> Answer:
        """The estate with the plan at a price."""
        return self.desk.answer(self._patch(price), known=(self.without.assignment, *known), floor=floor)

    def _patch(self, price: Fraction) -> dict[str, Any]:
        return {"offers": self.offers or None, "plan_price": self._prices(price)}

    def _break_even(self) -> dict[str, Any]:
        """The highest price, in whole cents, at which an assignment that uses the plan beats the best without it."""
        alone = self._first_alone()
        best, holder = (Fraction(0), None) if alone is None else (alone[1], alone[2])
        answer = None
        for _ in range(_ROUNDS):
            self.desk.say(f"{self.plan_id}: does a line move at {money(best):,.2f}?")
            answer = self.at(best, () if holder is None else (holder,))
            if not answer.on([self.plan_id]):
                if answer.objective < self.without.objective:
                    self.without = answer  # the search found better plans without it
                    holder = None
                break
            better = self._even(answer.assignment, best)
            if better is None or better <= best:
                break
            best, holder = better, answer.assignment
        if holder is None and best == 0:
            return {"break_even": None, "proven": False, "first_line": None}
        self._holder = holder
        above = self.at(best + _CENT, () if holder is None else (holder,))
        return {
            "break_even": best,
            "proven": self._proven(best, holder, above),
            "gap_without": money(max(Fraction(0), self.without.objective - self.without.bound)),
            "first_line": None if alone is None else {"service_id": alone[0], "price": money(alone[1])},
        }

    def _proven(self, price: Fraction, holder: Assignment | None, above: Answer) -> bool:
        """Whether both sides are proven: a line moves at the price, none a cent above (to half a cent of cost)."""
        half = Fraction(1, 200)
        if holder is None or self.without.objective - self.without.bound > half:
            return False
        return self._cost(holder, price) < self.without.objective and self.without.objective - above.bound <= half

    def _cost(self, assignment: Assignment, price: Fraction) -> Fraction:
        """Exact objective of an assignment with the plan at a price."""
        return self.desk.evaluator_under(self._patch(price)).price(assignment, improve=True).objective

    def _even(self, assignment: Assignment, low: Fraction) -> Fraction | None:
        """The highest whole cent, not below `low`, at which an assignment is cheaper than the best without the plan."""
        target = self.without.objective
        if self._cost(assignment, low) >= target:
            return None
        step = max(_CENT, _whole(self._share(assignment, target, low)))
        high = low + step
        while self._cost(assignment, high) < target:
            low, step = high, 2 * step
            high = low + step
            if step > 10**7:
                return None
        while high - low > _CENT:
            middle = low + max(_CENT, _whole((high - low) / 2))
            if self._cost(assignment, middle) < target:
                low = middle
            else:
                high = middle
        return low

    def _share(self, assignment: Assignment, target: Fraction, price: Fraction) -> Fraction:
        """By how much the price could rise if every line on the plan paid it in full."""
        lines, plan = self.desk.evaluator.lines, self.plan_id
        months = sum(lines[s]["months"] for s, p in assignment.items() if p == plan)
        if not months:
            return _CENT
        return (target - self._cost(assignment, price)) * self.desk.evaluator.drawn.total / months

    def _first_alone(self) -> tuple[str, Fraction, Assignment] | None:
        """The line that would move first with everything else as recommended: line, price, assignment; exact."""
        gains = sorted((-gain, s) for s, gain in self._gains().items())[:_CANDIDATES]
        found: tuple[str, Fraction, Assignment] | None = None
        for _, service_id in gains:
            moved = {**self.without.assignment, service_id: self.plan_id}
            if self.desk.evaluator_under(self._patch(self.listed)).violations(moved, improve=True):
                continue
            even = self._even(moved, Fraction(0) if found is None else found[1])
            if even is not None and (found is None or even > found[1]):
                found = (service_id, even, moved)
        return found

    def _may(self) -> list[str]:
        evaluator, scenario = self.desk.evaluator, self.desk.scenario
        lines = [line for line in evaluator.lines.values() if line["selected"]]
        forbidden = evaluator.limits.forbidden(self.plan_id, np.array([line["n"] for line in lines], dtype=np.int64))
        out = np.zeros(len(lines), dtype=bool)
        for group, mask in forbidden.items():
            out |= mask & (group != "offers")
        fixed = {*scenario.keep, *scenario.force}
        return [
            s for line, no in zip(lines, out.tolist(), strict=True) if (s := line["service_id"]) not in fixed and not no
        ]

    def _gains(self) -> dict[str, Fraction]:
        """About what each line would bring on the plan per month of it at price 0: only ranks the candidates."""
        under, priced = self.desk.evaluator, self.without.priced
        assert priced is not None
        may = self._may()
        now = {s: self.without.assignment[s] for s in may}
        new: dict[str, str | None] = dict.fromkeys(may, self.plan_id)
        own, pools = under.totals(new), under.pool_use.changes(priced, now, new)
        fees, paid = under.place.one_off(new), under.place.one_off(now)
        slope, old_slope = self._slopes_of(new), self._slopes_of(now)
        span, horizon = under.drawn.total, under.scenario.horizon_months
        found = {}
        for s in may:
            active = max(1, under.lines[s]["months"])  # a line may be active in no month that was drawn
            charges = (own[s] - int(self.listed * PICO) * active) * slope[s]
            gain = (priced.by_service[s] * old_slope[s] - charges + pools[s]) / (PICO * span)
            found[s] = (gain - Fraction(fees[s] - paid[s], PICO * horizon)) * span / active
        return found

    def _slopes_of(self, plans: Assignment) -> dict[str, Fraction]:
        """What one more unit of spend costs on the contract of each line's plan, as things stand without this plan."""
        contracts, slopes = self.desk.evaluator.place.contract_of(plans), self._slopes()
        return {s: slopes.get(contracts.get(s) or "", Fraction(1)) for s in plans}

    def _slopes(self) -> dict[str, Fraction]:
        if self._known_slopes is None:
            priced = self.without.priced
            assert priced is not None
            self._known_slopes = {
                cost.contract_id: next(s for s in terms.segments() if s.high is None or cost.spend < s.high).slope
                for cost in priced.contracts
                if (terms := self.desk.problem.contracts.get(cost.contract_id)) is not None
            }
        return self._known_slopes

    def _demand(
        self, first: Fraction, prices: Sequence[Fraction] | None, base: tuple[Assignment, ...]
    ) -> list[dict[str, Any]]:
        """The curve, dearest price first. A bound at a price holds at higher ones where more spend never costs less."""
        wanted = {_whole(p) for p in prices} if prices else {first, self.listed, *(_whole(first * s) for s in _SHARES)}
        rising = all(is_monotone(terms.segments()) for terms in self.desk.problem.contracts.values())
        rows: list[dict[str, Any]] = []
        known = [*base, *([] if self._holder is None else [self._holder])]
        floor: Fraction | None = None
        answers: list[tuple[Fraction, Answer]] = []
        for price in sorted(wanted):
            self.desk.say(f"{self.plan_id}: lines that move at {money(price):,.2f}")
            answer = self.at(price, known, floor)
            answers.append((price, answer))
            known = [*known[:2], answer.assignment]
            floor = answer.bound if rising else None
        # Each price has tried the plans of the cheaper one; now those of the dearer one. With plans no worse than those
        # of their neighbours the number of lines does not rise with the price, whatever gap the searches left.
        for n in reversed(range(len(answers) - 1)):
            price, answer = answers[n]
            answers[n] = price, better_of(answer, [answers[n + 1][1].assignment])
        for price, answer in reversed(answers):
            lines = answer.on([self.plan_id])
            found = difference(self.without, answer)
            rows.append(
                {
                    **{"price": money(price), "lines": len(lines), "carrier_revenue": money(price * len(lines))},
                    **{"saving": found["value"], "low": found["low"], "high": found["high"]},
                    **{"cost": money(answer.cost), "status": answer.status},
                }
            )
        return rows


def decimal(value: Fraction) -> str:
    """An amount in micros as the text a scenario holds."""
    micros = math.floor(value * MICRO)
    return f"{micros // MICRO}.{micros % MICRO:06d}"


def _whole(value: Fraction) -> Fraction:
    """Down to whole cents."""
    return Fraction(math.floor(value * 100), 100)
