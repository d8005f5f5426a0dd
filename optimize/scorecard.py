"""The weighted scorecard: cost against everything else that counts, with weights and scores that the buyer sets.

The cost score of a bid is 10 x cheapest total cost / its own total cost: the cheapest has 10, one that costs twice as
much has 5. A bid's result is the sum of weight x score divided by the sum of weights; a score that is not given is 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any

from optimize.comparison import BEST, Criterion

#: Shares of all weight that cost gets in the sensitivity.
SHARES = tuple(Fraction(n, 10) for n in range(11))


def scorecard(
    rows: Sequence[Mapping[str, Any]], criteria: Sequence[Criterion], cost_weight: Fraction
) -> dict[str, Any] | None:
    """The scorecard of the rows of bids (`key`, `total`); None without one that has a total, or without any weight.

    `sensitivity`: results and winner if cost had 0, 10, ... 100 % of all weight, the others keeping their ratio.
    """
    totals = {row["key"]: Fraction(str(row["total"])) for row in rows if row["total"] is not None and row["total"] > 0}
    beside = sum((one.weight for one in criteria), Fraction(0))
    if not totals or not cost_weight + beside:
        return None
    least = min(totals.values())
    cost = {offer: BEST * least / total for offer, total in totals.items()}
    other = {
        offer: sum((one.weight * one.scores.get(offer, Fraction(0)) for one in criteria), Fraction(0)) / (beside or 1)
        for offer in totals
    }
    share = cost_weight / (cost_weight + beside)

    def at(weight: Fraction) -> dict[str, Fraction]:
        return {offer: weight * cost[offer] + (1 - weight) * other[offer] for offer in totals}

    result = at(share)
    found = [
        {
            "offer_id": offer,
            "cost_score": _number(cost[offer]),
            "scores": {one.name: _maybe(one.scores.get(offer)) for one in criteria},
            "result": _number(result[offer]),
        }
        for offer in sorted(totals, key=lambda offer: (-result[offer], totals[offer], offer))
    ]
    return {
        "formula": f"{BEST} x cheapest total cost / total cost",
        **{"cost_weight": _number(cost_weight), "cost_share": _number(share)},
        "weights": {one.name: _number(one.weight) for one in criteria},
        "missing": [f"{one.name}: {o}" for one in criteria for o in sorted(totals) if o not in one.scores],
        **{"rows": found, "winner": found[0]["offer_id"]},
        "sensitivity": [
            {
                "cost_share": float(weight),
                "results": {offer: _number(value) for offer, value in here.items()},
                "winner": min(here, key=lambda offer: (-here[offer], totals[offer], offer)),
            }
            for weight in (SHARES if beside else ())
            for here in (at(weight),)
        ],
        "turns_at": _turns(cost, other) if beside else [],
    }


def _turns(cost: Mapping[str, Fraction], other: Mapping[str, Fraction]) -> list[dict[str, Any]]:
    """The shares of cost at which another bid becomes the winner, in order, each with the two bids; exact."""
    points = set()
    offers = sorted(cost)
    for n, one in enumerate(offers):
        for two in offers[n + 1 :]:
            slope = (cost[one] - other[one]) - (cost[two] - other[two])
            if slope and 0 < (at := (other[two] - other[one]) / slope) < 1:
                points.add(at)

    def best(share: Fraction) -> str:
        return min(offers, key=lambda o: (-(share * cost[o] + (1 - share) * other[o]), o))

    edges = [Fraction(0), *sorted(points), Fraction(1)]
    middles = [(low + high) / 2 for low, high in pairwise(edges)]
    found = []
    for n, at in enumerate(sorted(points)):
        before, after = best(middles[n]), best(middles[n + 1])
        if before != after:
            found.append({"cost_share": _number(at), "below": before, "above": after})
    return found


def _number(value: Fraction) -> float:
    return round(float(value), 4)


def _maybe(value: Fraction | None) -> float | None:
    return None if value is None else _number(value)
