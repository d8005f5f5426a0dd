"""Total cost of ownership: what an estate costs month by month over a term, what for, and its present value.

A month's charges are the expected ones of the scenario (`interfaces.md` section 4, item 5): use and prices stay as they
are over the term. One-off amounts fall into the first month; a line that changes carrier pays its old MRC for
`overlap_months` more. Present value: each month is paid at its end, sum of amount / (1 + rate) ** (month / 12).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, localcontext
from fractions import Fraction

from core.money import round_half_up
from optimize.evaluate import Evaluator
from optimize.offer_terms import OfferTerms
from optimize.priced import MICRO, PICO, Assignment, Priced

#: What money goes to, in order; credits and discounts are below zero.
PARTS = (
    *("mrc", "usage", "discount", "shortfall", "carrier_cost", "taxes"),
    *("moving", "activation", "early_termination", "overlap", "credits"),
)
_DIGITS = 60


@dataclass(frozen=True)
class Flows:
    """Amounts of currency over `horizon` months: `monthly` in each, `once` in the first, `first` (part, amount, months)
    in each of the first so many."""

    horizon: int
    monthly: Mapping[str, Fraction]
    once: Mapping[str, Fraction] = field(default_factory=dict)
    first: Sequence[tuple[str, Fraction, int]] = ()

    def months(self) -> list[Fraction]:
        """What is paid in each month."""
        every, once = sum(self.monthly.values(), Fraction(0)), sum(self.once.values(), Fraction(0))
        found = [every + sum(a for _, a, months in self.first if n < months) for n in range(self.horizon)]
        return [found[0] + once, *found[1:]]

    def parts(self) -> dict[str, Fraction]:
        """What is paid over the term, by part."""
        found = dict.fromkeys(PARTS, Fraction(0))
        for name, amount in self.monthly.items():
            found[name] += amount * self.horizon
        for name, amount in self.once.items():
            found[name] += amount
        for name, amount, months in self.first:
            found[name] += amount * months
        return found

    @property
    def total(self) -> Fraction:
        """What is paid over the term."""
        return sum(self.months(), Fraction(0))

    def present_value(self, rate: Fraction) -> Fraction:
        """What the payments are worth today at an interest of `rate` a year, to a millionth."""
        return present_value(self.months(), rate)


def present_value(months: Sequence[Fraction], rate: Fraction) -> Fraction:
    """Payments at the end of each month, discounted at an interest of `rate` a year; rounded half up to a millionth."""
    with localcontext() as context:
        context.prec = _DIGITS
        base = 1 + Decimal(rate.numerator) / Decimal(rate.denominator)
        value = Decimal(0)
        for n, amount in enumerate(months, start=1):
            value += Decimal(amount.numerator) / Decimal(amount.denominator) / base ** (Decimal(n) / 12)
        return Fraction(round_half_up(Fraction(value) * MICRO), MICRO)


def flows(
    evaluator: Evaluator,
    priced: Priced,
    assignment: Assignment,
    accepted: Sequence[OfferTerms] = (),
    *,
    taxes: Mapping[str, Fraction] | None = None,
    owed: Mapping[str, int] | None = None,
) -> Flows:
    """What a priced assignment costs over the scenario's horizon, under the terms of the offers that were accepted.

    Its parts add up to `priced.cost` x horizon, exactly, plus taxes less signing and monthly credits. These are paid
    where a line is on a plan of the offer. `taxes`: share of a carrier's charges (net, without shortfall) on top.
    `owed`: contracts whose commitment is owed for fewer months, as :func:`optimize.worth.lapse.lapsing` has priced it.
    """
    scenario, span = evaluator.scenario, evaluator.drawn.total
    horizon = scenario.horizon_months
    mrc = _mrc(evaluator, assignment)
    gross = Fraction(sum(a * w for a, w in zip(priced.by_month, evaluator.drawn.weights, strict=True)), PICO * span)
    short = {c.contract_id: c.shortfall for c in priced.contracts if c.shortfall}
    brief = {c: months for c, months in (owed or {}).items() if c in short and months < horizon}
    taken = [terms for terms in accepted if lines_on(evaluator, assignment, terms.offer_id)]
    monthly = {
        "mrc": mrc,
        "usage": gross - mrc,
        "discount": -sum((c.discount for c in priced.contracts), Fraction(0)),
        "shortfall": sum((amount for c, amount in short.items() if c not in brief), Fraction(0)),
        "carrier_cost": sum(priced.carrier_fixed_cost.values(), Fraction(0)),
        "taxes": _taxes(priced, taxes or {}),
        "credits": -sum((Fraction(terms.monthly_credit or 0, MICRO) for terms in taken), Fraction(0)),
    }
    moved = moving(evaluator, assignment)
    stayed = priced.changes - len(moved)
    old = [evaluator.plans[evaluator.lines[s]["plan_id"]] for s in moved]
    overlap = Fraction(sum(int(plan["mrc"]) for plan in old), MICRO)
    fees = Fraction(stayed * scenario.change_fee + len(moved) * scenario.porting_fee, MICRO)
    by_carrier = {terms.carrier_id: terms for terms in accepted}
    back = joining = 0
    for carrier in moved.values():
        joining += scenario.joining_fee.get(carrier, 0)
        back += (by_carrier[carrier].port_credit or 0) if carrier in by_carrier else 0
    ended = priced.fees * horizon - fees - Fraction(joining, MICRO) - overlap * scenario.overlap_months
    signing = sum(terms.signing_credit or 0 for terms in taken)
    once = {
        "moving": fees,
        "activation": Fraction(joining + back, MICRO),
        "early_termination": ended,
        "credits": -Fraction(back + signing, MICRO),
    }
    first = [("shortfall", short[c] * horizon / months, months) for c, months in sorted(brief.items())]
    return Flows(horizon, monthly, once, [*first, ("overlap", overlap, scenario.overlap_months)])


def lines_on(evaluator: Evaluator, assignment: Assignment, offer_id: str) -> list[str]:
    """Services on a plan of an offer."""
    plans = evaluator.plans
    return [s for s, p in assignment.items() if p is not None and plans[p].get("offer_id") == offer_id]


def moving(evaluator: Evaluator, assignment: Assignment) -> dict[str, str]:
    """The services that change carrier, each with its new one."""
    plans, lines = evaluator.plans, evaluator.lines
    return {
        s: str(plans[p]["carrier_id"])
        for s, p in assignment.items()
        if p is not None and plans[p]["carrier_id"] != plans[lines[s]["plan_id"]]["carrier_id"]
    }


def _mrc(evaluator: Evaluator, assignment: Assignment) -> Fraction:
    """Monthly recurring charges of an average month, suspended lines included."""
    scenario, total = evaluator.scenario, 0
    for service_id, line in evaluator.lines.items():
        plan_id = assignment.get(service_id, line["plan_id"])
        price = scenario.suspend_price
        if plan_id is not None:
            price = scenario.plan_price.get(plan_id, evaluator.plans[plan_id]["mrc"])
        total += int(price) * int(line["months"])
    return Fraction(total, MICRO * evaluator.drawn.total)


def _taxes(priced: Priced, taxes: Mapping[str, Fraction]) -> Fraction:
    found = Fraction(0)
    for carrier, share in taxes.items():
        short = sum((c.shortfall for c in priced.contracts if c.carrier_id == carrier), Fraction(0))
        charges = priced.by_carrier.get(carrier, Fraction(0)) - priced.carrier_fixed_cost.get(carrier, Fraction(0))
        found += share * (charges - short)
    return found
