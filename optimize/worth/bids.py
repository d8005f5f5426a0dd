"""Offers side by side and the award: every bid over a term, from an estate optimized anew, and who gets what.

A bid is an offer's plans with its terms (`optimize.offer_terms`). Bids of one carrier are alternatives: an award
accepts at most one of them. Every combination that could matter is solved, so the best one found is the best there is,
up to the gaps that are told.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np

from core.issues import BadInput, Issue
from core.money import to_text
from optimize.offer_terms import OfferTerms, read_terms, under
from optimize.priced import MICRO, PICO, Assignment, Priced
from optimize.result import money
from optimize.scorecard import scorecard
from optimize.worth import tco
from optimize.worth.commitment import odds
from optimize.worth.desk import Answer, Desk
from optimize.worth.futures import rate
from optimize.worth.lapse import lapsing, months_owed
from optimize.worth.offers import fitting, listed, moves_of, plans_of, sheet
from optimize.worth.plan_price import decimal

MOST_AWARDS = 64
_MOVES = 200
_CANDIDATES = 3
#: Cases of the sensitivity: what is multiplied, and by what.
USAGE = (Fraction(8, 10), Fraction(12, 10))
PRICES = (Fraction(9, 10), Fraction(11, 10))
#: What of an offer's terms is no amount.
_PLAIN = (
    *("offer_id", "carrier_id", "name", "currency", "term_months", "commitment_period", "commitment_basis"),
    *("valid_until", "note"),
)


@dataclass(frozen=True)
class Award:
    """An estate optimized under accepted offers, with what it costs over the term. `flows` is None if it cannot be."""

    offers: tuple[str, ...]
    answer: Answer
    flows: tco.Flows | None
    owed: Mapping[str, int] = field(default_factory=dict)
    """Months for which the commitment of a contract is owed, where that is less than the term."""
    missed: Fraction = Fraction(0)
    """Credits of offers that no line has taken."""

    @property
    def total(self) -> Fraction:
        """Total cost of ownership."""
        assert self.flows is not None
        return self.flows.total

    @property
    def gap(self) -> Fraction:
        """The most that is still on the table over the term before taxes; a credit that no line earns is among it."""
        assert self.flows is not None
        return (self.answer.objective - self.answer.bound) * self.flows.horizon + self.missed


def study(desk: Desk) -> dict[str, Any]:
    """`bids`: each offer of the scenario (all of the catalogue where it lists none) over its horizon, and the award."""
    wanted = listed(desk)
    if not wanted:
        return {"bids": None}
    return {"bids": _Bids(desk, wanted).document()}


class _Bids:
    """One comparison: the estate without offers, with each alone, and with every combination."""

    def __init__(self, desk: Desk, wanted: Sequence[str]) -> None:
        self.desk, self.wanted = desk, list(wanted)
        every = read_terms(desk.frames, desk.currency)
        self.terms = {offer: every[offer] for offer in wanted}
        self.rule = desk.scenario.comparison
        self.joined: dict[str, str] = {}
        for contract_id, contract in sorted(desk.problem.contracts.items()):
            self.joined.setdefault(contract.carrier_id, contract_id)
        self.combinations = _combinations(self.terms)
        self.horizon = desk.scenario.horizon_months
        self.owed = months_owed(desk.frames, desk.problem.setting.months[-1], self.horizon)

    def document(self) -> dict[str, Any]:
        """Everything the study tells; amounts over the term unless named otherwise."""
        desk = self.desk
        desk.say("without any offer")
        none = self.solve(())
        if none.flows is None:
            return {"offers": self._offers(), "rows": [self._row("stay", none, none)], "award": None}
        alone = {offer: self._alone(offer, none) for offer in self.wanted}
        awards = [none, *alone.values(), *self._several(alone)]
        met = [award for award in awards if award.flows is not None]
        best = min(met, key=lambda award: (award.total, len(award.offers), award.offers))
        rows = [self._today(), self._row("stay", none, none)]
        rows += [self._row(offer, award, none) for offer, award in alone.items()]
        rows += [self._row("award", best, none)] if len(best.offers) > 1 else []
        bids = [row for row in rows if row["key"] in self.terms and row["total"] is not None]
        ranking = [row["key"] for row in sorted(bids, key=lambda row: (row["total"], row["key"]))]
        by_value = [row["key"] for row in sorted(bids, key=lambda row: (row["npv"], row["key"]))]
        promised = {offer: sheet(desk, offer)[0] for offer in self.wanted}
        return {
            "term_months": self.horizon,
            "commitments_end": dict(sorted((c, m) for c, m in self.owed.items() if self._committed(c))),
            "discount_rate": float(self.rule.discount_rate),
            "overlap_months": desk.scenario.overlap_months,
            "taxes": {carrier: float(share) for carrier, share in sorted(self.rule.taxes.items())},
            "offers": self._offers(),
            "rows": rows,
            "ranking": ranking,
            "ranking_by_npv": by_value,
            "cheapest_sheet": max(self.wanted, key=lambda offer: (promised[offer], offer)),
            "basket": self._basket(),
            "award": self._award(awards, alone, none, best),
            "sensitivity": self._sensitivity(alone, none),
            "scorecard": scorecard(bids, self.rule.criteria, self.rule.cost_weight),
        }

    # ---- solving ---------------------------------------------------------------------------------------------------

    def solve(
        self,
        offers: Iterable[str],
        patch: Mapping[str, Any] | None = None,
        known: Iterable[Assignment] = (),
    ) -> Award:
        """The estate with these offers accepted."""
        names = tuple(sorted(offers))
        accepted = [self.terms[offer] for offer in names]
        joining = dict(self.desk.scenario.joining_fee)
        for terms in accepted:
            joining[terms.carrier_id] = joining.get(terms.carrier_id, 0) + terms.joining_fee
        fees = {carrier: to_text(amount, 0) for carrier, amount in joining.items() if amount}
        changed = {"offers": list(names) or None, "joining_fee": fees or None, **(patch or {})}
        tables, owed = under(self.desk.frames, self.joined, accepted), self._owed(accepted)
        contracts = tables.get("contracts", self.desk.frames.get("contracts"))
        if contracts is not None and owed:
            tables["contracts"] = lapsing(contracts, owed, self.horizon)
        answer = self.desk.answer(changed, tables=tables, known=known)
        if answer.priced is None:
            return Award(names, answer, None, owed)
        priced, plans = answer.priced, answer.assignment
        flows = tco.flows(answer.evaluator, priced, plans, accepted, taxes=self.rule.taxes, owed=owed)
        left = [terms for terms in accepted if not tco.lines_on(answer.evaluator, answer.assignment, terms.offer_id)]
        missed = sum((terms.credit_over(flows.horizon) for terms in left), Fraction(0))
        return Award(names, answer, flows, owed, missed)

    def _committed(self, contract_id: str) -> bool:
        """Whether a contract of today has a commitment that costs something when it is missed."""
        contract = self.desk.problem.contracts.get(contract_id)
        return contract is not None and bool(contract.commitment and contract.shortfall_rate)

    def _owed(self, accepted: Sequence[OfferTerms]) -> dict[str, int]:
        """Months for which each commitment that ends within the horizon is owed; a bid's for the bid's own term."""
        found = dict(self.owed)
        for terms in accepted:
            if terms.commitment_amount is not None:
                contract_id = self.joined.get(terms.carrier_id, terms.contract_id)
                found.pop(contract_id, None)
                if terms.term_months is not None and terms.term_months < self.horizon:
                    found[contract_id] = terms.term_months
        return found

    def _alone(self, offer: str, none: Award, patch: Mapping[str, Any] | None = None) -> Award:
        self.desk.say(f"with {offer} alone")
        return self.solve([offer], patch, known=(none.answer.assignment,))

    def _several(self, alone: Mapping[str, Award]) -> list[Award]:
        """Awards of two offers and more."""
        found = []
        for names in self.combinations:
            if len(names) > 1:
                self.desk.say(f"with {', '.join(names)} together")
                found.append(self.solve(names, known=[alone[name].answer.assignment for name in names]))
        return found

    # ---- rows ------------------------------------------------------------------------------------------------------

    def _offers(self) -> list[dict[str, Any]]:
        """The bids as they were made."""
        found = []
        for offer, terms in self.terms.items():
            row = {name: value if name in _PLAIN else _amount(value) for name, value in asdict(terms).items()}
            found.append({**row, "plans": len(plans_of(self.desk, offer))})
        return found

    def _today(self) -> dict[str, Any]:
        """As it is: no line changes, and contracts renew, so that their commitments last."""
        evaluator, priced = self.desk.evaluator, self.desk.base.baseline
        assignment = {s: line["plan_id"] for s, line in evaluator.lines.items()}
        flows = self._today_flows()
        return {
            **{"key": "today", "status": "exact", "gap": 0.0},
            **self._money(flows),
            **{"changes": 0, "moved": 0, "lines": 0, "saving": 0.0, "against_stay": None, "low": None, "high": None},
            "unit": self._unit(self.desk.base, priced, assignment, None),
        }

    def _today_flows(self) -> tco.Flows:
        evaluator, priced = self.desk.evaluator, self.desk.base.baseline
        assignment = {s: line["plan_id"] for s, line in evaluator.lines.items()}
        return tco.flows(evaluator, priced, assignment, taxes=self.rule.taxes)

    def _money(self, flows: tco.Flows) -> dict[str, Any]:
        return {
            **{"total": money(flows.total), "npv": money(flows.present_value(self.rule.discount_rate))},
            "parts": {name: money(amount) for name, amount in flows.parts().items()},
            "months": [money(amount) for amount in flows.months()],
        }

    def _row(self, key: str, award: Award, none: Award) -> dict[str, Any]:
        """A bid over the term; `saving` against today, `against_stay` with its proven range."""
        answer, flows = award.answer, award.flows
        if flows is None or answer.priced is None or none.flows is None:
            why = answer.facts()["explanation"]
            empty = ("total", "npv", "parts", "months", "gap", "saving", "against_stay", "low", "high", "changes")
            return {"key": key, "status": answer.status, "explanation": why, **dict.fromkeys(empty)}
        evaluator = answer.evaluator
        mine = [s for offer in award.offers for s in tco.lines_on(evaluator, answer.assignment, offer)]
        today = evaluator.lines
        return {
            **{"key": key, "status": answer.status, "gap": money(award.gap)},
            **self._money(flows),
            "saving": money(self._today_flows().total - flows.total),
            **{"against_stay": (against := _between(none, award))["value"], "low": against["low"]},
            "high": against["high"],
            **{"changes": answer.priced.changes, "moved": answer.moved(), "lines": len(mine)},
            "by_plan": _counts(answer.assignment[s] for s in mine),
            "from_carriers": _counts(evaluator.plans[today[s]["plan_id"]]["carrier_id"] for s in mine),
            "moves": moves_of(answer, mine, _MOVES) if key in self.terms else [],
            "pools": self._pools(award),
            "commitment": self._commitment(award) if key in self.terms else None,
            "unit": self._unit(answer, answer.priced, answer.assignment, key if key in self.terms else None),
        }

    def _pools(self, award: Award) -> list[dict[str, Any]]:
        """The data pools of the bid's carriers: members, GB a month and overage, of an average month."""
        assert award.answer.priced is not None
        carriers = {self.terms[offer].carrier_id for offer in award.offers}
        drawn = award.answer.evaluator.drawn
        found = []
        for (kind, account, carrier, group), months in award.answer.priced.pools.items():
            if kind != "data" or carrier not in carriers:
                continue
            pairs = list(zip(months, drawn.weights, strict=True))

            def mean(values: Iterable[int], unit: int) -> float:
                return money(Fraction(sum(values), unit * drawn.total))

            found.append(
                {
                    **{"account_id": account, "carrier_id": carrier, "pool_group": group},
                    "members": mean((m.members * w for m, w in pairs), 1),
                    "allowance_gb": mean((m.allowance * w for m, w in pairs), 1024 * MICRO),
                    "used_gb": mean((m.used * w for m, w in pairs), 1024 * MICRO),
                    "overage": mean((m.charge * w for m, w in pairs), PICO),
                }
            )
        return found

    def _commitment(self, award: Award) -> dict[str, Any] | None:
        """What the bid's contract commits to a month, what is spent there, and how likely a period falls short."""
        (offer,) = award.offers
        terms, answer = self.terms[offer], award.answer
        contract_id = self.joined.get(terms.carrier_id, terms.contract_id)
        assert answer.priced is not None
        cost = next((c for c in answer.priced.contracts if c.contract_id == contract_id), None)
        if cost is None or not cost.commitment:
            return None
        row = answer.evaluator.place.contracts[contract_id]
        length = {"month": 1, "quarter": 3, "year": 12}.get(str(row.get("commitment_period") or "month"))
        length = length or int(row["initial_term_months"])
        net = row.get("commitment_basis") == "net"
        kept = 1 - (float(cost.discount / cost.spend) if net and cost.spend else 0.0)
        spent = [float(m) * kept for m in answer.contract_months(contract_id)]
        weights = self.desk.problem.weights
        months = award.owed.get(contract_id, self.horizon)
        return {
            **{"contract_id": contract_id, "monthly": money(cost.commitment), "period_months": length},
            **{"spend": money(cost.spend), "shortfall": money(cost.shortfall * self.horizon / months)},
            "owed_months": months,
            "share": None if not cost.spend else float(round(cost.commitment / cost.spend, 4)),
            "probability": odds(spent, float(cost.commitment * length), length, self.desk.scenario.seed, weights),
        }

    def _unit(self, answer: Answer, priced: Priced, assignment: Assignment, offer: str | None) -> dict[str, Any]:
        """Normalized prices a month, for a line and for a GB of home data: of the whole estate (net, without fees), and
        of the lines on the bid's plans (their own charges, pool overage left out)."""
        evaluator = answer.evaluator
        lines = evaluator.lines
        running = (priced.cost - priced.fees) * evaluator.drawn.total
        found = dict(zip(("per_line", "per_gb"), self._per(answer, running, list(lines)), strict=True))
        mine = tco.lines_on(evaluator, assignment, offer) if offer else []
        own = Fraction(sum(priced.by_service[s] for s in mine), PICO)
        return found | dict(zip(("bid_per_line", "bid_per_gb"), self._per(answer, own, mine), strict=True))

    def _per(self, answer: Answer, amount: Fraction, services: Sequence[str]) -> tuple[float | None, float | None]:
        evaluator = answer.evaluator
        months = sum(int(evaluator.lines[s]["months"]) for s in services)
        rows = [evaluator.lines[s]["n"] for s in services]
        weights = evaluator.drawn.weights
        use = evaluator.raw.home["data"][rows]
        gb = Fraction(sum(int(v) * w for v, w in zip(use.sum(axis=0).tolist(), weights, strict=True)), 1024 * MICRO)
        return (money(amount / months) if months else None, money(amount / gb) if gb else None)

    def _basket(self) -> dict[str, Any]:
        """The lines that every bid has a plan for with today's allowances: cheapest MRC of a line, from the sheet."""
        fits = {offer: fitting(self.desk, offer) for offer in self.wanted}
        common = sorted(set.intersection(*(set(found) for found in fits.values())))
        if not common:
            return {"lines": 0, "today": None, "offers": {}}
        prices, lines, plans = self.desk.scenario.plan_price, self.desk.evaluator.lines, self.desk.evaluator.plans
        today = sum(int(prices.get(p := lines[s]["plan_id"], plans[p]["mrc"])) for s in common)
        return {
            "lines": len(common),
            "today": money(Fraction(today, MICRO * len(common))),
            "offers": {o: money(Fraction(sum(f[s] for s in common), MICRO * len(common))) for o, f in fits.items()},
        }

    # ---- the award -------------------------------------------------------------------------------------------------

    def _award(
        self, awards: Sequence[Award], alone: Mapping[str, Award], none: Award, best: Award
    ) -> dict[str, Any] | None:
        """The best single bid, the best of all combinations, what splitting gains, and the price of two policies."""
        singles = [award for award in alone.values() if award.flows is not None]
        if not singles:
            return None
        single = min(singles, key=lambda award: (award.total, award.offers))
        tried = [
            {
                **{"offers": list(award.offers), "total": None if award.flows is None else money(award.total)},
                **{"gap": None if award.flows is None else money(award.gap), "status": award.answer.status},
            }
            for award in awards
        ]
        return {
            **{"offers": list(best.offers), "total": money(best.total), "gap": money(best.gap)},
            "shares": self._shares(best),
            "against_stay": _between(none, best),
            **{"single": single.offers[0], "single_total": money(single.total)},
            "split_gains": _between(single, best),
            "tried": tried,
            "one_carrier": self._one_carrier(best),
            "two_carriers": self._two_carriers(awards, best),
        }

    def _shares(self, award: Award) -> list[dict[str, Any]]:
        """Lines and spend a month of each carrier under an award, and the lines on the plans of its bid."""
        answer = award.answer
        assert answer.priced is not None
        offers = {self.terms[offer].carrier_id: offer for offer in award.offers}
        return [
            {
                **{"carrier_id": carrier, "offer_id": (offer := offers.get(carrier))},
                "lines": answer.priced.lines_by_carrier.get(carrier, 0),
                "on_offer": len(tco.lines_on(answer.evaluator, answer.assignment, offer)) if offer else 0,
                "cost": money(cost),
            }
            for carrier, cost in answer.priced.by_carrier.items()
            if answer.priced.lines_by_carrier.get(carrier) or cost
        ]

    def _one_carrier(self, best: Award) -> dict[str, Any]:
        """The best award with one carrier only, against the best without that rule; or why it cannot be."""
        if len(best.answer.carriers()) <= 1:
            return {**_policy(best, best), "explanation": None}
        self.desk.say("one carrier only")
        loose = self.desk.answer({"offers": self.wanted, "max_carriers": 1})
        if not loose.feasible:  # the plans of all bids together allow more than those of any award
            return {**_policy(None, best), "explanation": loose.facts()["explanation"]}
        found = [best] if len(best.answer.carriers()) <= 1 else []
        for offers in [(), *([offer] for offer in self.wanted)]:
            self.desk.say(f"one carrier only, with {', '.join(offers) or 'no offer'}")
            award = self.solve(offers, {"max_carriers": 1}, known=(loose.assignment,))
            found += [award] if award.flows is not None else []
        if not found:
            return {**_policy(None, best), "explanation": "No assignment was found in the time given."}
        return {**_policy(min(found, key=lambda award: award.total), best), "explanation": None}

    def _two_carriers(self, awards: Sequence[Award], best: Award) -> dict[str, Any]:
        """The best award with at least two carriers, against the best without that rule."""
        two = [award for award in awards if award.flows is not None and len(award.answer.carriers()) >= 2]
        if best in two:
            return _policy(best, best)
        for force in self._leaving(best):
            self.desk.say("at least two carriers")
            kept = {**(self.desk.document.get("force") or {}), **force}
            award = self.solve(best.offers, {"force": kept}, known=())
            two += [award] if award.flows is not None and len(award.answer.carriers()) >= 2 else []
        return _policy(min(two, key=lambda award: award.total) if two else None, best)

    def _leaving(self, best: Award) -> list[dict[str, str]]:
        """The lines that would leave the only carrier of an award most cheaply, each forced onto another's plan."""
        answer = best.answer
        evaluator, (only,) = answer.evaluator, answer.carriers()
        assert answer.priced is not None
        fixed = {*answer.scenario.keep, *answer.scenario.force}
        rows = [
            line["n"]
            for s, line in evaluator.lines.items()
            if line["selected"] and s not in fixed and answer.assignment[s] is not None
        ]
        ids = list(evaluator.lines)
        found = []
        for plan_id, plan in sorted(evaluator.plans.items()):
            if plan["carrier_id"] == only or plan.get("mrc") is None or not rows:
                continue
            places = np.array(rows, dtype=np.int64)
            barred = np.zeros(len(rows), dtype=bool)
            for mask in evaluator.limits.forbidden(plan_id, places).values():
                barred |= mask
            weights = evaluator.drawn.weights
            charges = evaluator.charges(plan_id, places)
            for n in np.flatnonzero(~barred).tolist():
                cost = sum(int(a) * w for a, w in zip(charges[n].tolist(), weights, strict=True))
                found.append((cost - answer.priced.by_service[ids[rows[n]]], ids[rows[n]], plan_id))
        return [{service_id: plan_id} for _, service_id, plan_id in sorted(found)[:_CANDIDATES]]

    # ---- what if ---------------------------------------------------------------------------------------------------

    def _sensitivity(self, alone: Mapping[str, Award], none: Award) -> list[dict[str, Any]]:
        """Totals and ranking with use lower and higher, and with each bid's prices lower and higher, others as bid."""
        found = [self._case("as bid", None, none, alone)]
        for factor in USAGE:
            name = f"usage {_signed(factor)}"
            growth = {**(self.desk.document.get("growth") or {})}
            growth |= {kind: rate(self.desk, factor, kind) for kind in ("data", "voice")}
            self.desk.say(f"{name}, without any offer")
            stay = self.solve((), {"growth": growth}, known=(none.answer.assignment,))
            here = {offer: self._alone(offer, stay, {"growth": growth}) for offer in alone}
            found.append(self._case(name, None, stay, here))
        for offer in self.wanted:
            for factor in PRICES:
                self.desk.say(f"prices of {offer} {_signed(factor)}")
                prices = dict(self.desk.document.get("plan_price") or {})
                for plan_id in plans_of(self.desk, offer):
                    listed_at = self.desk.scenario.plan_price.get(plan_id, self.desk.evaluator.plans[plan_id]["mrc"])
                    prices[plan_id] = decimal(Fraction(listed_at, MICRO) * factor)
                known = (alone[offer].answer.assignment,) if alone[offer].flows is not None else ()
                changed = self.solve([offer], {"plan_price": prices}, known=known)
                found.append(self._case(f"prices {_signed(factor)}", offer, none, {**alone, offer: changed}))
        return found

    def _case(self, name: str, offer: str | None, stay: Award, alone: Mapping[str, Award]) -> dict[str, Any]:
        totals = {o: None if award.flows is None else money(award.total) for o, award in alone.items()}
        there = [(total, o) for o, total in totals.items() if total is not None]
        return {
            **{"case": name, "offer_id": offer, "totals": totals},
            "stay": None if stay.flows is None else money(stay.total),
            "ranking": [o for _, o in sorted(there)],
        }


def _combinations(terms: Mapping[str, OfferTerms]) -> list[tuple[str, ...]]:
    """The sets of offers worth solving: at most one of a carrier. An offer that binds to nothing, its carrier's only
    one, is in every set of several: accepting it costs nothing.

    Raises:
        BadInput: more than :data:`MOST_AWARDS` sets.
    """
    by_carrier: dict[str, list[str]] = {}
    for offer, row in terms.items():
        by_carrier.setdefault(row.carrier_id, []).append(offer)
    choices: list[list[str | None]] = []
    for offers in by_carrier.values():
        free = len(offers) == 1 and not terms[offers[0]].binds
        choices.append([*([] if free else [None]), *offers])
    total = 1
    for choice in choices:
        total *= len(choice)
    if total > MOST_AWARDS:
        said = f"{len(terms)} offers can be combined in {total} ways"
        raise BadInput(Issue(field="offers", found=str(len(terms)), message=said, hint="compare fewer at a time"))
    found = {tuple(sorted(o for o in picked if o is not None)) for picked in product(*choices)}
    return sorted(found, key=lambda names: (len(names), names))


def _between(dear: Award, cheap: Award) -> dict[str, float]:
    """What `cheap` saves against `dear` over the term, with the range that the gaps leave."""
    value = dear.total - cheap.total
    return {"value": money(value), "low": money(value - dear.gap), "high": money(value + cheap.gap)}


def _policy(award: Award | None, best: Award) -> dict[str, Any]:
    """What an award costs more than the best one, as the price of the rule that it keeps."""
    if award is None:
        return {"offers": None, "total": None, "price": None, "low": None, "high": None, "carrier_ids": []}
    found = _between(award, best)
    return {
        **{"offers": list(award.offers), "total": money(award.total), "carrier_ids": award.answer.carriers()},
        **{"price": max(0.0, found["value"]), "low": max(0.0, found["low"]), "high": max(0.0, found["high"])},
    }


def _counts(names: Iterable[str | None]) -> dict[str, int]:
    found: dict[str, int] = {}
    for name in names:
        found[str(name)] = found.get(str(name), 0) + 1
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))


def _amount(micros: int | None) -> float | None:
    return None if micros is None else money(Fraction(micros, MICRO))


def _signed(factor: Fraction) -> str:
    return f"{float(factor * 100 - 100):+.0f} %"
