"""Column generation at one node: pricing passes against the master until the bound meets the mixture."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np

from optimize.decomposition import kernels
from optimize.decomposition.arrays import Estate, Floats, Whole, blocks_of
from optimize.decomposition.master import Duals, Master, Memory, Mixture, Node, Shape, ends

_SAMPLE, _LARGE_SAMPLE, _LARGE = 2_000, 10_000, 50_000
_FEW = 20  # lines of a sample for each pool with buckets below which it is no guide
_BLOCKS = 64
_SHARE = 0.5  # of the best duals in the next ones (Wentges smoothing): less after a success, more after a failure
_REPLAY = 6


@dataclass
class Pass:
    """One pricing pass: everybody's best choice at given duals, its sums per block, and the bound it proves."""

    choice: Whole
    sums: Floats
    bits: Whole
    bound: float
    duals: Duals
    own: float
    """The lines' part of the bound."""
    slip: float = 0.0
    """What the bound is lowered by for rounding errors."""


@dataclass
class Generated:
    """The end of column generation at a node."""

    bound: float
    duals: Duals
    own: float
    """The lines' part of the bound."""
    mixture: Mixture | None
    replay: list[Duals]
    """Duals of the passes that the mixture uses most."""


@dataclass
class Engine:
    """An estate ready for pricing passes.

    `spare` is allowance (pools x months) that pools have beside that of their lines; only relaxations know it.
    """

    estate: Estate
    blocks: int = _BLOCKS
    spare: Floats | None = None
    made: int = 0
    memory: Memory = field(default_factory=Memory)
    _least: float | None = None

    def __post_init__(self) -> None:
        self.packed, pool_of = self.estate.packed()
        by_month = np.arange(self.estate.months)[:, None]
        cuts = self.packed.pool_first
        places = [pool_of[a:b] * self.estate.months + by_month for a, b in pairwise(cuts.tolist())]
        self._pull_at = np.concatenate([np.zeros(0, dtype=np.int64), *(place.ravel() for place in places)])
        t = self.estate.templates
        self.size = _size(self.estate)
        self._counted = np.repeat(t.selected, np.diff(t.first)).astype(bool)
        # what lines may choose between, as sets of carriers; few differ
        self._choices = {
            (bool(t.selected[q]), frozenset(t.carrier[int(t.first[q]) : int(t.first[q + 1])].tolist()))
            for q in np.unique(self.estate.template).tolist()
        }
        self._dear = frozenset(k for _, carriers in self._choices for k in carriers if self._cost_of(k))
        self.block = blocks_of(self.estate, self.blocks)
        self.shape = _shape(self.estate, int(self.block.max(initial=0)) + 1, self.spare)

    def root(self, carriers: frozenset[int] | None = None) -> Node:
        """The node that leaves every piece of every contract and every step of every pool open."""
        pools = self.estate.pools
        steps = tuple((0, len(pools.ladder(g).mrc)) for g in range(self.shape.pools))
        return self.settled(Node(carriers, tuple((0, len(c)) for c in self.estate.contracts), steps))

    def settled(self, node: Node) -> Node:
        """The node with the fixed cost of every carrier that some line cannot leave inside it."""
        sure = node.paid
        for selected, carriers in self._choices if self._dear else ():
            left = carriers if node.carriers is None or not selected else carriers & (node.carriers | {-1})
            if len(left) == 1:
                sure |= left & self._dear
        return replace(node, paid=sure)

    def undecided(self, node: Node) -> list[int]:
        """Open carriers with a fixed cost that the node has not taken yet, dearest first."""
        there = self._dear - node.paid
        if node.carriers is not None:
            there &= node.carriers
        return sorted(there, key=lambda k: (-self.estate.carrier_cost[k], k))

    def without(self, node: Node, carrier: int) -> Node:
        """The node with a carrier closed to selected lines."""
        there = node.carriers
        if there is None:
            there = frozenset(k for selected, carriers in self._choices if selected for k in carriers if k >= 0)
        return self.settled(replace(node, carriers=there - {carrier}))

    def _cost_of(self, carrier: int) -> float:
        return self.estate.carrier_cost[carrier] if carrier >= 0 and self.estate.carrier_cost else 0.0

    def used(self, choice: Whole, lines: Whole | slice = slice(None)) -> set[int]:
        """The carriers that (some) lines are with."""
        t = self.estate.templates
        carrier = t.carrier[t.first[self.estate.template[lines]] + choice[lines]]
        return set(np.flatnonzero(np.bincount(carrier + 1, minlength=1)[1:]).tolist())

    def carriers_cost(self, choice: Whole) -> float:
        """The fixed cost of the carriers that lines are with."""
        cost = self.estate.carrier_cost
        return sum(cost[k] for k in sorted(self.used(choice))) if cost else 0.0

    def neutral(self) -> Duals:
        """Prices at which nothing is coupled."""
        s = self.shape
        return Duals(np.zeros((s.pools, s.months)), np.ones(s.contracts), 0.0, np.zeros(s.limits))

    def clipped(self, duals: Duals) -> Duals:
        """The duals with every pool price at most what overage costs: above that the bound only falls."""
        rate = np.empty(self.shape.pools)
        for g, owners in enumerate(self.estate.pools.contracts):
            rate[g] = min(max(0.0, duals.spend[c]) if c >= 0 else 1.0 for c in owners)
        rates = rate[:, None] * self.estate.rates
        return Duals(np.clip(duals.pull, 0.0, rates), duals.spend, duals.change, duals.limit)

    def prices(self, duals: Duals, node: Node) -> kernels.Prices:
        """Duals as the kernels take them; options that the node closes cost inf."""
        t = self.estate.templates
        change = t.fee + np.where(self._counted, duals.change, 0.0)
        fixed = change.copy()
        if len(duals.limit):
            fixed += np.append(duals.limit, 0.0)[t.limit]
        if node.carriers is not None:
            is_open = np.isin(t.carrier, [-1, *node.carriers])
            fixed[~is_open & self._counted] = np.inf
        if not len(self.estate.active):
            of_pool = np.append(duals.pull.sum(axis=1), 0.0)
            fixed -= t.data_allowance * of_pool[t.data_pool] + t.voice_allowance * of_pool[t.voice_pool]
        scale = np.append(duals.spend, 1.0)[t.contract]
        return kernels.Prices(duals.pull.ravel()[self._pull_at], scale, fixed, change)

    def price(self, duals: Duals, node: Node) -> Pass:
        """One pass over all lines, and the lower bound it proves for the node."""
        s = self.shape
        duals = self.clipped(duals)
        choice, value = kernels.price(self.packed, self.prices(duals, node))
        self.made += 1
        weight = self.estate.weight
        rounding = 6e-8 if self.packed.charge.dtype == np.float32 else 2e-15
        if not np.isfinite(value):
            return Pass(choice, np.zeros((s.blocks, s.width)), np.zeros(s.blocks, dtype=np.int64), np.inf, duals, 0.0)
        sums, bits = self._totals(choice, self.block, s.blocks)
        slip = rounding * self.size * (1.0 + float(np.abs(duals.spend).max(initial=0.0))) + 1e-13 * abs(value)
        own = weight * (value - slip)
        return Pass(choice, sums, bits, own + self.side(duals, node), duals, own, weight * slip)

    def side(self, duals: Duals, node: Node) -> float:
        """What the bound adds beside the lines: carriers paid for; pools, contracts, limits, each at its cheapest."""
        s, estate = self.shape, self.estate
        total = node.fixed_cost(estate) - float((duals.pull * s.spare).sum())
        rate = estate.rates
        for g, owners in enumerate(estate.pools.contracts):
            price = min(float(duals.spend[c]) if c >= 0 else 1.0 for c in owners)
            total += float(np.minimum(0.0, (price * rate[g] - duals.pull[g]) * s.most_pull[g]).sum())
            steps, open_ = estate.pools.ladder(g), slice(*node.steps[g])
            total += float((price * steps.mrc[open_] - steps.allowance[open_] * duals.pull[g].sum()).min())
        for c in range(s.contracts):
            rho = float(duals.spend[c])
            total += min((charged - rho * spend for spend, charged in ends(estate, s, node, c)), default=np.inf)
        if estate.limits.max_changes is not None:
            total -= duals.change * estate.limits.max_changes
        for most, price in zip(estate.limits.plan_most, duals.limit.tolist(), strict=True):
            if price > 0:
                total -= price * most
        return total

    def cap_spend(self, value: float) -> None:
        """Leave out spend that alone would cost more than `value`, the objective of a solution.

        Only where nothing can be negative: then charged(S) >= (least slope) x S already exceeds it.
        """
        s, estate = self.shape, self.estate
        if not s.contracts or value <= 0 or self._negative():
            return
        for c, contract in enumerate(estate.contracts):
            slope = min(float(piece.slope) for piece in contract)
            if slope <= 0 or min(float(piece.fixed) for piece in contract) < 0:
                continue
            most = value / slope * (1.0 + 1e-9) + 1e-6
            s.spend_range[c, 1] = max(s.spend_range[c, 0], min(s.spend_range[c, 1], most))
            s.overage_most[c] = min(s.overage_most[c], max(0.0, most - s.spend_range[c, 1]))

    def _negative(self) -> bool:
        if self._least is None:
            rest = (self.estate.charge, self.estate.templates.fee, self.estate.exit_fee)
            self._least = min(float(values.min(initial=0.0)) for values in rest)
        others = any(piece.slope < 0 for contract in self.estate.contracts for piece in contract)
        return self._least < 0 or others

    def _totals(self, choice: Whole, block: Whole, blocks: int) -> tuple[Floats, Whole]:
        s = self.shape
        sums, bits = kernels.totals(self.packed, choice, block, blocks, s.width, s.contracts, s.limits)
        return sums * self.estate.weight, bits

    def sums_of(self, choice: Whole) -> Floats:
        """Sums of given choices over all lines."""
        return self._totals(choice, np.zeros(self.estate.lines, dtype=np.int32), 1)[0][0]

    def remember_keep(self) -> None:
        """Keep everything as a first column, where today's plan is an option of every line."""
        if (self.estate.current < 0).any():
            return
        self.remember(self.estate.current)

    def remember(self, choice: Whole) -> None:
        """Choices as a column."""
        choice = choice.astype(np.int16)
        self.memory.keep(choice, *self._totals(choice, self.block, self.shape.blocks))

    def generate(
        self,
        node: Node,
        start: Duals,
        *,
        tolerance: float,
        most: int,
        cutoff: float = np.inf,
        replay: Sequence[Duals] = (),
        stop: Callable[[], bool] | None = None,
        heard: Callable[[float, float], None] | None = None,
    ) -> Generated:
        """Passes until mixture and bound are within `tolerance` (relative) or the bound reaches the cut-off.

        `replay` are further duals to start from; `stop` is asked between passes, `heard(value, bound)` follows.
        """
        master = Master(self.estate, self.shape, node)
        for number in self.memory.known():
            master.add(number, self.memory.sums[number], self.memory.bits[number])
        asked: dict[int, Duals] = {}

        def tried(duals: Duals) -> Pass:
            found = self.price(duals, node)
            if np.isfinite(found.bound):
                number = self.memory.keep(found.choice, found.sums, found.bits)
                asked[number] = found.duals
                master.add(number, found.sums, found.bits)
            return found

        first, mixture = self.made, None
        best = tried(start)
        for duals in replay:
            if best.bound < cutoff:
                best = max(best, tried(duals), key=lambda found: found.bound)
        share = _SHARE
        while best.bound < cutoff:
            mixed = master.solve()
            if mixed is None:
                break
            mixture = mixed
            if heard is not None:
                heard(mixture.value, best.bound)
            if mixture.value - best.bound - best.slip <= tolerance * max(abs(mixture.value), 1e-9):
                break
            if self.made - first >= most or (stop is not None and stop()):
                break
            found = tried(best.duals.mixed(self.clipped(mixture.duals), share))
            if found.bound > best.bound:
                best, share = found, max(0.0, share - 0.2)
            else:
                share = min(0.9, share + 0.1)
        self.memory.forget(mixture)
        return Generated(best.bound, best.duals, best.own, mixture, _replayed(mixture, asked))


def _replayed(mixture: Mixture | None, asked: dict[int, Duals]) -> list[Duals]:
    """The duals whose passes carry most of the mixture."""
    if mixture is None:
        return []
    weight: dict[int, float] = defaultdict(float)
    for number, share in zip(mixture.passes.tolist(), mixture.shares.tolist(), strict=True):
        weight[number] += share
    order = sorted((n for n in weight if n in asked), key=lambda n: (-weight[n], n))
    return [asked[n] for n in order[:_REPLAY]]


def _shape(estate: Estate, blocks: int, spare: Floats | None) -> Shape:
    t, months = estate.templates, estate.months
    pools, contracts = len(estate.pools.price), len(estate.contracts)
    total = estate.lines * estate.weight
    unit = np.ones(pools)
    most = np.zeros((pools, months))
    means = {}
    for voice, use in ((0, estate.data), (1, estate.voice)):
        if len(use):
            means[voice] = np.maximum(use, 0).sum(axis=0, dtype=np.float64) * estate.weight
    for g in range(pools):
        sums = means.get(int(estate.pools.is_voice[g]))
        if sums is not None:
            most[g] = sums
            unit[g] = max(float(sums.mean()) / max(total, 1.0), 1e-6)
    negative = 0.0
    for pool, allowance in ((t.data_pool, t.data_allowance), (t.voice_pool, t.voice_allowance)):
        if (pool >= 0).any():
            negative = min(negative, float(allowance[pool >= 0].min()))
    most = most - negative * total
    spend = np.zeros((contracts, 2))
    for c in range(contracts):
        mine = (t.contract == c).astype(np.float64)
        if mine.any():
            of_line = _extremes(estate, mine)
            spend[c] = of_line * estate.weight
    overage = np.zeros(contracts)
    rate = estate.rates
    for g, owners in enumerate(estate.pools.contracts):
        for c in owners:
            if c >= 0:
                overage[c] += float(most[g] @ rate[g]) + estate.pools.price[g]
                overage[c] += float(estate.pools.ladder(g).mrc.max())
    spend[:, 0] -= 1e-6 + 1e-7 * np.abs(spend).max(axis=1, initial=0.0)
    spend[:, 1] += 1e-6 + 1e-7 * np.abs(spend).max(axis=1, initial=0.0)
    more = np.zeros((pools, months)) if spare is None else spare
    limits = len(estate.limits.plan_most)
    return Shape(blocks, pools, months, contracts, limits, total, unit, most, spend, overage, more)


def _size(estate: Estate) -> float:
    """Sum over lines of the largest charge: what rounding errors are relative to."""
    total, step = 0.0, 65_536
    for begin in range(0, estate.lines, step):
        cuts = estate.start[begin : begin + step + 1]
        charge = np.abs(estate.charge[cuts[0] : cuts[-1]])
        total += float(np.maximum.reduceat(charge, cuts[:-1] - cuts[0]).sum(dtype=np.float64))
    return total


def _extremes(estate: Estate, mine: Floats) -> Floats:
    """Least and most charges that options marked in `mine` (per template option) can add up to."""
    low = high = 0.0
    t = estate.templates
    for q in np.unique(estate.template):
        lines = np.flatnonzero(estate.template == q)
        a, b = int(t.first[q]), int(t.first[q + 1])
        smallest = np.full(len(lines), np.inf)
        largest = np.full(len(lines), -np.inf)
        for k in range(b - a):
            charge = estate.charge[estate.start[lines] + k] if mine[a + k] else np.zeros(len(lines))
            smallest = np.minimum(smallest, charge)
            largest = np.maximum(largest, charge)
        low += float(smallest.sum())
        high += float(largest.sum())
    return np.array([low, high])


def sample(engine: Engine) -> Engine | None:
    """A systematic sample of lines, each standing for many; None where the estate is small itself.

    Nor where it would have a handful of lines for each pool that buys buckets: they tell nothing of what it needs.
    """
    n, estate = engine.estate.lines, engine.estate
    size = _LARGE_SAMPLE if n >= _LARGE else _SAMPLE
    if n <= 2 * size or (estate.pools.ladders and size < _FEW * engine.shape.pools):
        return None
    order = np.argsort(engine.block, kind="stable")
    lines = np.sort(order[np.arange(size) * n // size + n // (2 * size)])
    small = Engine(engine.estate.part(lines, engine.estate.weight * n / size), blocks=engine.blocks)
    small.remember_keep()
    return small
