"""Rows of contracts: what discounts and shortfall make of a contract's spend, piece by piece.

Amounts are currency a month.
"""

from __future__ import annotations

from collections import defaultdict
from fractions import Fraction
from math import gcd

from optimize.contracts import Segment, is_convex
from optimize.draft import Draft
from optimize.problem import MICRO, PICO
from optimize.reduce import contract_has_terms


def contract_rows(draft: Draft) -> None:
    """Every contract with terms, after all columns that are its spend."""
    for number, contract_id in enumerate(draft.problem.contract_ids):
        if not contract_has_terms(draft.problem, number):
            continue
        contract, const = draft.problem.contracts[contract_id], draft.spend_const[number]
        terms = draft.spend_terms[number]
        if not terms:
            draft.add_common_const(float(contract.charged(const) - const))
            continue
        low, high = _spend_range(draft, number, const)
        pieces = [s for s in contract.segments() if (s.high is None or s.high >= low) and s.low <= high]
        pieces = pieces or contract.segments()[:1]
        _spend_function(draft, number, pieces, terms, const, low, high)


def _spend_range(draft: Draft, number: int, const: Fraction) -> tuple[Fraction, Fraction]:
    options, low, high = draft.problem.options, const, const
    for group in draft.reduced.classes:
        if len(group.options[0]) == 1:
            continue
        spends = [options.total[o] if options.contract[o] == number else 0 for o in group.options[0]]
        low += Fraction(min(spends) * group.size, PICO * draft.total)
        high += Fraction(max(spends) * group.size, PICO * draft.total)
    for j, weight in draft.spend_terms[number]:
        if j >= len(draft.opt):
            high += Fraction(draft.model.high[j]) * Fraction(weight) + Fraction(1, MICRO)
    return low - Fraction(1, MICRO), high + Fraction(1, MICRO)


def _spend_function(
    draft: Draft,
    number: int,
    pieces: list[Segment],
    terms: list[tuple[int, float]],
    const: Fraction,
    low: Fraction,
    high: Fraction,
) -> None:
    model = draft.model
    name = draft.problem.contract_ids[number]
    group = "commitment" if not draft.problem.contracts[name].tiers else "tiers"
    if len(pieces) == 1 or is_convex(pieces):
        s = model.column(f"spend_{number}", 0, float(low), float(high))
        _spend_row(draft, number, group, terms, [s], const)
        if len(pieces) == 1:
            draft.add_common_const(float(pieces[0].fixed))
            draft.add_common(s, float(pieces[0].slope - 1))
            return
        worst = max(abs(float(p.fixed)) + abs(float(p.slope - 1) * float(high)) for p in pieces) + 1.0
        a = model.column(f"adjust_{number}", 0, -worst, worst)
        draft.add_common(a, 1.0)
        for m, p in enumerate(pieces):
            slope = float(p.slope - 1)
            model.row(f"adjust_{number}_{m}", group, [a, s], [1.0, -slope], low=float(p.fixed))
        return
    parts, choice = [], []
    for m, p in enumerate(pieces):
        begin = float(low if m == 0 else max(p.low, low))
        end = float(high if p.high is None else min(p.high, high))
        after = pieces[m + 1] if m + 1 < len(pieces) else None
        if after is not None and p.high is not None and p.high <= high and _jumps_up(p, after):
            end = float(p.high - _resolution(draft, number) / 2)  # at the threshold itself the dearer tier holds
        y = model.column(f"tier_{number}_{m}", 0, 0, 1, whole=True)
        s = model.column(f"spend_{number}_{m}", 0, min(0.0, begin), max(0.0, end))
        draft.add_common(y, float(p.fixed))
        draft.add_common(s, float(p.slope - 1))
        model.row(f"tier_from_{number}_{m}", group, [s, y], [1.0, -begin], low=0)
        model.row(f"tier_to_{number}_{m}", group, [s, y], [1.0, -end], high=0)
        parts.append(s)
        choice.append(y)
    model.row(f"tier_one_{number}", group, choice, [1.0] * len(choice), 1, 1)
    _spend_row(draft, number, group, terms, parts, const)


def _resolution(draft: Draft, number: int) -> Fraction:
    """Every possible spend of a contract is a multiple of this amount a month."""
    options, step = draft.problem.options, 0
    for group in draft.reduced.classes:
        for mine in group.options:
            for o in mine:
                if options.contract[o] == number:
                    step = gcd(step, options.total[o])
    for g, contracts in enumerate(draft.reduced.pool_contracts):
        if number in contracts:
            pool = draft.problem.pools[g]
            step = gcd(step, pool.price * MICRO if pool.kind == "data" else pool.price)
            step = gcd(step, *(size.mrc * MICRO * draft.total for size in pool.buckets))
    return Fraction(step, PICO * draft.total)


def _spend_row(
    draft: Draft, number: int, group: str, terms: list[tuple[int, float]], parts: list[int], const: Fraction
) -> None:
    added: dict[int, float] = defaultdict(float)
    for j, weight in terms:
        added[j] += weight
    columns = [*added, *parts]
    values = [*added.values(), *([-1.0] * len(parts))]
    draft.model.row(f"spend_of_{number}", group, columns, values, -float(const), -float(const))


def _jumps_up(piece: Segment, after: Segment) -> bool:
    """Whether the contract charges more at the threshold than just below it."""
    at = after.low
    return piece.fixed + piece.slope * at < after.fixed + after.slope * at
