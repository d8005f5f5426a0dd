"""Fewest changes at (nearly) the same cost: the last step of a search that has found its plans.

A search does not care which of many equal plans it ends on, so it changes lines that need no change. Here every change
that brings nothing is taken back; where some cost may be given for it (`limit`), the changes that bring least go first,
and the estate is searched again with a price on each change.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from optimize.decomposition import kernels
from optimize.decomposition.arrays import Floats, Whole
from optimize.decomposition.columns import Engine
from optimize.decomposition.master import Duals, Node
from optimize.decomposition.rounding import improved, most_of, objective, pieces_of, rounded, search

_ROUNDS = 8
_PASSES = 30


@dataclass(frozen=True)
class Polished:
    """Choices with few changes, and how many changes any choice within the limit has at least (0 = not known)."""

    choice: Whole
    at_least: int


def changes(engine: Engine, choice: Whole) -> int:
    """How many lines change."""
    return int(np.count_nonzero(choice != engine.estate.current))


def fewer_changes(engine: Engine, choice: Whole) -> Whole:
    """The same cost with fewer changes: every change that brings nothing is taken back."""
    found = choice.astype(np.int16).copy()
    changed = _returning(engine, found)
    moves = (changed, engine.estate.current[changed])
    search(engine, found, moves, pieces_of(engine.estate), sweeps=1, enough=1e-12)
    return found if objective(engine, found) <= objective(engine, choice) + 1e-9 else choice


def fewest_changes(engine: Engine, choice: Whole, duals: Duals, limit: float, stop: Callable[[], bool]) -> Polished:
    """Choices that change as few lines as were found at an objective of at most `limit`, with a proven least number.

    For a price mu on each change, (least objective with it - limit) / mu is a lower bound of the number of changes
    within the limit, and rounding that relaxation gives a candidate; mu is searched by halving. Where carriers are
    limited or cost, candidates keep to those that `choice` uses and what else is free; the bound is over all.
    """
    root = engine.root()
    node = root if _carriers_free(engine) else engine.root(_kept_carriers(engine, choice))
    best = _give_back(engine, choice, duals, node, limit)
    at_least, low, high = 0, 0.0, math.inf
    price = _marginal(engine, best, duals, node)
    for _ in range(_ROUNDS):
        if stop() or price <= 0 or at_least >= changes(engine, best):
            break
        dear = _priced(engine, price)
        found = dear.generate(root, duals, tolerance=1e-5, most=_PASSES, stop=stop)
        proven = found.bound - 1e-7 - 1e-12 * abs(found.bound)
        at_least = max(at_least, math.ceil((proven - limit) / price - 1e-9))
        if node != root:
            found = dear.generate(node, found.duals, tolerance=1e-5, most=_PASSES, stop=stop)
        if found.mixture is None:
            break
        rough = improved(dear, node, found.duals, rounded(dear, found.mixture), deep=False)
        within = objective(engine, rough) <= limit
        if within:
            mine = _give_back(engine, rough, found.duals, node, limit)
            if changes(engine, mine) < changes(engine, best):
                best = mine
        low, high = (price, high) if within else (low, price)
        price = math.sqrt(low * high) if low and math.isfinite(high) else (price * 3 if within else price / 3)
    return Polished(best, max(0, min(at_least, changes(engine, best))))


def _carriers_free(engine: Engine) -> bool:
    """Whether nothing is to be paid or counted for a carrier in use."""
    return engine.estate.limits.max_carriers is None and not engine.estate.carrier_cost


def _kept_carriers(engine: Engine, choice: Whole) -> frozenset[int]:
    """The carriers in use and, within the limit, those free of a fixed cost that most lines are with today."""
    t, estate = engine.estate.templates, engine.estate
    used = engine.used(choice, np.flatnonzero(t.selected[estate.template]))
    here = t.carrier[t.first[estate.template] + np.maximum(estate.current, 0)]
    lines = np.bincount(here[here >= 0], minlength=estate.carriers)
    most = estate.limits.max_carriers
    for k in np.argsort(-lines, kind="stable").tolist():
        if (most is None or len(used) < most) and not (estate.carrier_cost and estate.carrier_cost[k]):
            used.add(k)
    return frozenset(used)


def _returning(engine: Engine, choice: Whole) -> Whole:
    """Lines that could go back to today's plan, with no carrier coming into use where that is limited or costs."""
    estate, t = engine.estate, engine.estate.templates
    current = estate.current
    back = (choice != current) & (current >= 0)
    if not _carriers_free(engine):
        first, counted = t.first[estate.template], t.selected[estate.template]
        used = np.unique(t.carrier[first + choice][counted])
        back &= ~counted | np.isin(t.carrier[first + np.maximum(current, 0)], used)
    return np.flatnonzero(back)


def _priced(engine: Engine, price: float) -> Engine:
    """The same estate in which every change costs `price` more."""
    t = engine.estate.templates
    return Engine(replace(engine.estate, templates=replace(t, fee=t.fee + price)), blocks=engine.blocks)


def _worth(engine: Engine, choice: Whole, duals: Duals, node: Node) -> tuple[Whole, Floats]:
    """Changed lines and what each change is worth at the duals, least first."""
    changed = _returning(engine, choice)
    who, which, dear = kernels.near(engine.packed, engine.prices(duals, node), changed, np.inf)
    back = np.full(engine.estate.lines, np.inf)
    now = np.zeros(engine.estate.lines)
    current = engine.estate.current
    home, chosen = which == current[who], which == choice[who]
    back[who[home]] = dear[home]
    now[who[chosen]] = dear[chosen]
    worth = back[changed] - now[changed]
    order = np.argsort(worth, kind="stable")
    return changed[order], worth[order]


def _marginal(engine: Engine, choice: Whole, duals: Duals, node: Node) -> float:
    """A first price of a change: what the changes in the lowest tenth are worth."""
    _, worth = _worth(engine, choice, duals, node)
    usable = worth[np.isfinite(worth) & (worth > 1e-9)]
    return float(usable[len(usable) // 10]) if len(usable) else 0.0


def _give_back(engine: Engine, choice: Whole, duals: Duals, node: Node, limit: float) -> Whole:
    """Put the changes that bring least back, as many as the limit allows; exact in blocks and tiers."""
    found = fewer_changes(engine, choice)
    if any(np.isfinite(most_of(engine.estate)[1:])) or any(engine.estate.limits.plan_least):
        return found  # limits on lines of a plan: one by one only
    order, worth = _worth(engine, found, duals, node)
    order = order[np.isfinite(worth)]
    at, step = 0, len(order)
    while step:
        tried = found.copy()
        part = order[at : at + step]
        tried[part] = engine.estate.current[part]
        if len(part) and objective(engine, tried) <= limit:
            found, at = tried, at + step
        step = (step + 1) // 2 if step > 1 else 0
    return found
