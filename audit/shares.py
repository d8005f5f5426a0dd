"""Splitting an amount to the cent by largest remainders, and weighing who caused a pool's cost."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable, Mapping
from fractions import Fraction

#: Up to this many parties Shapley values are exact; above, they are the mean of sampled orders with a fixed seed.
EXACT_PARTIES = 10
SAMPLED_ORDERS = 2000
_SEED = 7


def split(amount: int, weights: Mapping[str, int | Fraction], unit: int) -> dict[str, int]:
    """`amount` micros dealt to the keys of `weights` in whole multiples of `unit` (10_000 micros for cents).

    Per key: quota = |amount| x weight / sum of weights, floor in units; the rest goes, one unit each, to the largest
    remainders, ties to the smaller key; the sign is restored. A rest smaller than a unit goes to the next largest
    remainder. The parts add up to `amount`. Keys without weight get nothing.

    Raises:
        ValueError: if no weight is above 0, or one is below.
    """
    chosen = {key: Fraction(weight) for key, weight in sorted(weights.items()) if weight}
    total = sum(chosen.values(), Fraction(0))
    if total <= 0 or any(weight < 0 for weight in chosen.values()):
        raise ValueError("weights of at least 0, one of them above")
    size, sign = abs(amount), -1 if amount < 0 else 1
    quotas = {key: Fraction(size) * weight / total / unit for key, weight in chosen.items()}
    parts = {key: math.floor(quota) * unit for key, quota in quotas.items()}
    order = sorted(quotas, key=lambda key: (math.floor(quotas[key]) - quotas[key], key))
    rest = size - sum(parts.values())
    for key in itertools.cycle(order):
        if rest <= 0:
            break
        step = min(unit, rest)
        parts[key] += step
        rest -= step
    return {key: sign * part for key, part in parts.items()}


def marginal(parties: list[str], cost: Callable[[frozenset[str]], int]) -> dict[str, int]:
    """What the group's cost falls by without each party, at least 0."""
    everyone = frozenset(parties)
    whole = cost(everyone)
    return {party: max(0, whole - cost(everyone - {party})) for party in parties}


def shapley(parties: list[str], cost: Callable[[frozenset[str]], int]) -> dict[str, Fraction]:
    """The mean of what each party adds to the cost, over all orders of joining; at least 0.

    Exact for up to :data:`EXACT_PARTIES` parties, else the mean over :data:`SAMPLED_ORDERS` orders of a fixed seed.
    """
    names = sorted(parties)
    known: dict[frozenset[str], int] = {}

    def of(group: frozenset[str]) -> int:
        if group not in known:
            known[group] = cost(group)
        return known[group]

    values = dict.fromkeys(names, Fraction(0))
    if len(names) <= EXACT_PARTIES:
        count = len(names)
        for party in names:
            others = [name for name in names if name != party]
            for size in range(count):
                weight = Fraction(math.factorial(size) * math.factorial(count - size - 1), math.factorial(count))
                for chosen in itertools.combinations(others, size):
                    before = frozenset(chosen)
                    values[party] += weight * (of(before | {party}) - of(before))
    else:
        draw = random.Random(_SEED)
        for _ in range(SAMPLED_ORDERS):
            order = names[:]
            draw.shuffle(order)
            group = frozenset[str]()
            for party in order:
                larger = group | {party}
                values[party] += Fraction(of(larger) - of(group), SAMPLED_ORDERS)
                group = larger
    return {party: max(Fraction(0), value) for party, value in values.items()}
