"""A mixed integer model of some undecided lines, everything else fixed: closes what rounding leaves open.

With all lines undecided and only options dropped whose reduced cost exceeds the gap, its bound is one of the node.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from optimize.decomposition.arrays import Estate, Floats, Whole
from optimize.decomposition.columns import Engine
from optimize.decomposition.master import Node
from optimize.ir import Model

_COUNTED_PRICE = 0.02  # started blocks dearer than this are whole numbers in the model


@dataclass
class Core:
    """The model, and for each of its first columns the line and the option."""

    model: Model
    who: Whole
    which: Whole

    def choice(self, base: Whole, x: Floats) -> Whole:
        """The choices of a point of the model, on top of what is fixed."""
        found = base.copy()
        best = np.full(len(base), -1.0)
        for i, k, value in zip(self.who.tolist(), self.which.tolist(), x[: len(self.who)].tolist(), strict=True):
            if value > best[i]:
                best[i], found[i] = value, k
        return found

    def start(self, choice: Whole) -> tuple[Whole, Floats]:
        """Choices as values of the line columns."""
        return np.arange(len(self.who)), (choice[self.who] == self.which).astype(np.float64)


def core(engine: Engine, node: Node, base: Whole, who: Whole, which: Whole) -> Core:
    """The model in which lines `who` have options `which` (sorted by line) and the others stay as in `base`."""
    estate, s = engine.estate, engine.shape
    t, months = estate.templates, s.months
    sums = engine.sums_of(base)
    lines = np.unique(who)
    part = Engine(estate.part(lines, 1.0), blocks=1)
    sums = sums - part.sums_of(base[lines])
    model = Model(constant=float(sums[0]))
    option = t.first[estate.template[who]] + which
    charge = estate.charge[estate.start[who] + which].astype(np.float64)
    contract = t.contract[option]
    changed = which != estate.current[who]
    cost = np.where(contract < 0, charge, 0.0)
    cost += np.where(changed, t.fee[option] + np.where(t.leaves[option], estate.exit_fee[who], 0.0), 0.0)
    for j in range(len(who)):
        model.column(f"x_{who[j]}_{which[j]}", float(cost[j]), 0, 1, whole=True)
    one_each(model, who)
    spend: list[list[tuple[int, float]]] = [[] for _ in range(s.contracts)]
    for c in range(s.contracts):
        spend[c] += [(int(j), float(charge[j])) for j in np.flatnonzero(contract == c)]
    base_column = 2 + s.contracts + s.limits
    active = estate.active[who] if len(estate.active) else np.ones((len(who), months), dtype=bool)
    for g in range(s.pools):
        voice = bool(estate.pools.is_voice[g])
        use, allowance = (estate.voice, t.voice_allowance) if voice else (estate.data, t.data_allowance)
        mine = np.flatnonzero((t.voice_pool if voice else t.data_pool)[option] == g)
        owners = estate.pools.contracts[g]
        bought = bucket_steps(estate, model, spend, g, node.steps[g], owners)
        pull = (use[who[mine]].astype(np.float64) - allowance[option[mine]][:, None]) * active[mine]
        for month in range(months):
            fixed = float(sums[base_column + g * months + month])
            pool_month(estate, model, spend, (g, month, months), mine, pull[:, month], fixed, bought, owners)
    for c in range(s.contracts):
        contract_pieces(engine, model, node, c, spend[c], float(sums[1 + c]))
    if estate.carrier_cost:
        rest = np.ones(estate.lines, dtype=bool)
        rest[lines] = False
        _carriers(engine, model, node, who, t.carrier[option], engine.used(base, rest))
    limits = estate.limits
    if limits.max_changes is not None:
        mine = np.flatnonzero(changed & t.selected[estate.template[who]].astype(bool))
        model.row("changes", "max_changes", mine, np.ones(len(mine)), high=limits.max_changes - sums[1 + s.contracts])
    for n in range(s.limits):
        have = float(sums[2 + s.contracts + n])
        mine = np.flatnonzero(t.limit[option] == n)
        if np.isfinite(limits.plan_most[n]):
            model.row(f"max_lines_{n}", "max_lines", mine, np.ones(len(mine)), high=limits.plan_most[n] - have)
        least = limits.plan_least[n]
        if least > 1:
            used = model.column(f"used_{n}", 0, 1 if have else 0, 1, whole=True)
            columns = np.append(mine, used)
            ones = np.ones(len(mine))
            model.row(f"min_lines_{n}", "min_lines", columns, np.append(ones, -float(least)), low=-have)
            model.row(f"unused_{n}", "min_lines", columns, np.append(ones, -float(len(mine) + 1)), high=0)
    return Core(model, who, which)


def one_each(model: Model, who: Whole) -> None:
    """One option for every line; `who` says whose option each column is, line by line."""
    bounds = np.append(np.flatnonzero(np.diff(who, prepend=-1)), len(who))
    for a, b in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        model.row(f"one_plan_{who[a]}", "one_plan", np.arange(a, b), np.ones(b - a), 1, 1)


def bucket_steps(
    estate: Estate,
    model: Model,
    spend: list[list[tuple[int, float]]],
    g: int,
    steps: tuple[int, int],
    owners: tuple[int, ...],
) -> tuple[Whole, Floats]:
    """A column for each open step of a pool's buckets, one of them chosen, and what each brings."""
    ladder, (begin, end) = estate.pools.ladder(g), steps
    if not ladder.allowance.any():
        return np.zeros(0, dtype=np.int64), np.zeros(0)
    columns = [model.column(f"step_{g}_{k}", 0, 0, 1, whole=True) for k in range(begin, end)]
    model.row(f"step_one_{g}", "bucket", columns, [1.0] * len(columns), 1, 1)
    prices = ladder.mrc[begin:end]
    if len(owners) > 1:
        paid = model.column(f"bucket_{g}", 0, 0, float(prices.max()))
        model.row(f"bucket_of_{g}", "bucket", [paid, *columns], [-1.0, *prices.tolist()], 0, 0)
        _paid_by(model, spend, f"bucket_{g}", paid, 1.0, owners)
    else:
        for j, price in zip(columns, prices.tolist(), strict=True):
            _paid_by(model, spend, f"step_{g}_{j}", j, price, owners)
    return np.array(columns, dtype=np.int64), ladder.allowance[begin:end]


def _paid_by(
    model: Model, spend: list[list[tuple[int, float]]], name: str, j: int, price: float, owners: tuple[int, ...]
) -> None:
    """`price` times column j is spend of one of the contracts that may pay, or (-1) simply cost."""
    parts = []
    for c in owners:
        w = j if len(owners) == 1 else model.column(f"share_{name}_{c}", 0, 0, model.high[j])
        parts.append(w)
        if c >= 0:
            spend[c].append((w, price))
        else:
            model.cost[w] = price
    if len(owners) > 1:
        model.row(f"share_all_{name}", "pool", [j, *parts], [-1.0] + [1.0] * len(parts), 0, 0)


def pool_month(
    estate: Estate,
    model: Model,
    spend: list[list[tuple[int, float]]],
    at: tuple[int, int, int],
    mine: Whole,
    pull: Floats,
    fixed: float,
    bought: tuple[Whole, Floats],
    owners: tuple[int, ...],
) -> int | None:
    """Overage of a pool in a month above `fixed`; the row of its allowance, None where it has none."""
    g, month, months = at
    steps, brought = bought
    most_brought = float(brought.max(initial=0.0))
    price, block = float(estate.prices[g, month]), float(estate.pools.block[g])
    most = fixed + float(np.maximum(pull, 0).sum())
    if most <= 0:
        return None
    unit = block if block > 0 else 1.0
    counted = block > 0 and float(estate.pools.price[g]) >= _COUNTED_PRICE
    bottom = fixed + float(np.minimum(pull, 0).sum()) - most_brought
    least = max(0.0, np.ceil(bottom / unit - 1e-9)) if counted else 0.0
    high = np.ceil(most / unit) + 1.0
    n = model.column(f"over_{g}_{month}", 0, min(least, high), high, whole=counted)
    # a thousandth of a unit is let go, so that rounding of sums never asks for a block too many
    columns, values = np.concatenate([mine, steps, [n]]), np.concatenate([pull, -brought, [-unit]])
    row = model.row(f"pool_{g}_{month}", "pool", columns, values, high=-fixed + 1e-6 * unit)
    if counted and owners != (-1,):
        # no more blocks than were started: none is bought to reach a tier
        lift = max(0.0, -bottom) + unit
        b = model.column(f"over_on_{g}_{month}", 0, 0, 1, whole=True)
        model.row(f"pool_on_{g}_{month}", "pool", [n, b], [1.0, -high], high=0)
        columns, values = np.append(columns, b), np.append(-values, lift)
        model.row(f"pool_exact_{g}_{month}", "pool", columns, values, high=fixed + unit + lift + 1e-6 * unit)
    _paid_by(model, spend, f"{g}_{month}", n, price / months, owners)
    return row


def _carriers(engine: Engine, model: Model, node: Node, who: Whole, carrier: Whole, fixed: set[int]) -> None:
    """The fixed cost of carriers: those the node pays for, those of the lines that stay (`fixed`), others if used."""
    cost = engine.estate.carrier_cost
    model.constant += sum(cost[k] for k in sorted(node.paid | fixed))
    for k in engine.undecided(node):
        mine = np.flatnonzero(carrier == k)
        if k in fixed or not len(mine):
            continue
        z = model.column(f"carrier_{k}", cost[k], 0, 1, whole=True)
        for places in np.split(mine, np.flatnonzero(np.diff(who[mine])) + 1):
            row, values = [*places.tolist(), z], [1.0] * len(places) + [-1.0]
            model.row(f"carrier_{k}_{who[places[0]]}", "carrier_cost", row, values, high=0)


def contract_pieces(
    engine: Engine, model: Model, node: Node, c: int, terms: list[tuple[int, float]], const: float
) -> None:
    """Spend within the node's open pieces, one binary per piece where there are several."""
    s = engine.shape
    low = float(s.spend_range[c, 0])
    most = float(s.spend_range[c, 1] + s.overage_most[c])
    parts, choice = [], []
    for number in range(*node.pieces[c]):
        piece = engine.estate.contracts[c][number]
        begin = max(low, float(piece.low)) if number else low
        end = most if piece.high is None else min(most, float(piece.high))
        if begin > end:
            continue
        y = model.column(f"tier_{c}_{number}", float(piece.fixed), 0, 1, whole=True)
        v = model.column(f"spend_{c}_{number}", float(piece.slope), min(0.0, begin), max(0.0, end))
        model.row(f"tier_from_{c}_{number}", "tiers", [v, y], [1.0, -begin], low=0)
        model.row(f"tier_to_{c}_{number}", "tiers", [v, y], [1.0, -end], high=0)
        parts.append(v)
        choice.append(y)
    model.row(f"tier_one_{c}", "tiers", choice, [1.0] * len(choice), 1, 1)
    columns = [j for j, _ in terms] + parts
    model.row(f"spend_of_{c}", "tiers", columns, [v for _, v in terms] + [-1.0] * len(parts), -const, -const)
