"""Small pools in groups of lines that share them: each group is priced as a whole, by a small integer model.

A dual on a pool cannot tell a step of its buckets from the steps around it, nor a started block from half of one: the
relaxation buys a third of a bucket. With few large pools that is little; with hundreds of small ones it is most of the
gap. Here only what many lines share has a dual: contracts, limits, pools that everybody may join. Lines that share a
small pool are one cluster, and a pass solves

    min over plans of its lines and steps of its pools of  [lines at the duals + rho x (buckets + started blocks)]

exactly. Its solutions are the columns of the same master, one block per cluster, so at most as many clusters are mixed
as there are rows that couple them.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from itertools import pairwise, product
from math import prod
from typing import TYPE_CHECKING, Any

import highspy
import numpy as np

from optimize import solver_child, solver_process
from optimize.decomposition import kernels
from optimize.decomposition.arrays import Estate, Floats, Pools, Whole
from optimize.decomposition.cluster_model import cluster_model
from optimize.decomposition.columns import Engine, Pass
from optimize.decomposition.master import quiet_highs
from optimize.decomposition.steps import charges

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from optimize.decomposition.cluster_model import Cluster
    from optimize.decomposition.master import Duals, Node

_MOST_OPTIONS = 400  # of a cluster: its model is surely small
_MOST_SHARED = 40  # pools with a dual beside the clusters
_FEWEST, _MOST = 20, 4_000  # clusters: fewer leave the tree over steps less to do, more take too long
_FREE_BLOCKS = 32
_MOST_SUMS = 20_000_000  # figures: what all options add to all shared rows
_MOST_MENUS = 16  # choices of steps that are relaxed one by one
_LAYOUTS = 4  # sets of open carriers whose models are kept
_NODES, _SECONDS = 5_000, 30.0  # for one cluster's model; a bound holds whenever it ends
_PLAIN: dict[str, Any] = {  # what HiGHS does beside its tree takes longer than these trees
    "mip_heuristic_run_feasibility_jump": False,
    "mip_heuristic_run_rins": False,
    "mip_heuristic_run_rens": False,
    "mip_heuristic_run_root_reduced_cost": False,
    "mip_heuristic_effort": 0.0,
    "mip_detect_symmetry": False,
    "mip_allow_restart": False,
}


@dataclass(frozen=True)
class Division:
    """Which pools are shared by the whole estate, and the lines and pools of each cluster."""

    shared: list[int]
    lines: list[Whole]
    pools: list[list[int]]


def divide(estate: Estate) -> Division | None:
    """The clusters of an estate; None where they are too few or too many, or too many pools tie them."""
    if estate.weight != 1.0:
        return None
    t = estate.templates
    sizes = np.diff(t.first)
    owner = np.repeat(np.arange(len(sizes)), sizes)
    pools_of: dict[int, set[int]] = defaultdict(set)
    for of in (t.data_pool, t.voice_pool):
        for q, g in zip(owner.tolist(), of.tolist(), strict=True):
            if g >= 0:
                pools_of[q].add(g)
    count = np.bincount(estate.template, minlength=len(sizes))
    options = count * sizes
    members: dict[int, list[int]] = defaultdict(list)
    for q, mine in pools_of.items():
        if count[q]:
            for g in mine:
                members[g].append(q)
    leader = list(range(len(sizes)))
    weight = options.tolist()

    def find(q: int) -> int:
        while leader[q] != q:
            leader[q] = leader[leader[q]]
            q = leader[q]
        return q

    shared = []
    for g in sorted(members, key=lambda g: (int(options[members[g]].sum()), g)):
        roots = {find(q) for q in members[g]}
        if sum(weight[r] for r in roots) > _MOST_OPTIONS:
            shared.append(g)
            continue
        first, *others = sorted(roots)
        for other in others:
            leader[other] = first
            weight[first] += weight[other]
    own = sorted(set(members) - set(shared))
    width = 2 + len(estate.contracts) + len(estate.limits.plan_most) + len(shared) * estate.months
    if len(shared) > _MOST_SHARED or int(options.sum()) * width > _MOST_SUMS:
        return None
    root_of = {g: find(members[g][0]) for g in own}
    number = {root: n for n, root in enumerate(sorted(set(root_of.values())))}
    if not _FEWEST <= len(number) <= _MOST:
        return None
    cluster = np.array([number.get(find(q), -1) for q in range(len(sizes))], dtype=np.int64)[estate.template]
    order = np.argsort(cluster, kind="stable")
    cuts = np.searchsorted(cluster[order], np.arange(len(number) + 1))
    pools: list[list[int]] = [[] for _ in number]
    for g in own:
        pools[number[root_of[g]]].append(g)
    return Division(sorted(shared), [order[a:b] for a, b in pairwise(cuts)], pools)


class Clustered(Engine):
    """An estate whose small pools are priced with their lines; its duals are those of what all clusters share.

    `whole` is the same estate with a dual on every pool. `exact`: clusters are integer models, else the best of the
    relaxations of each choice of steps, which is some twenty times quicker and leaves half of a started block open.
    `stop` ends a pass, whose bound still holds.
    """

    def __init__(self, whole: Engine, division: Division, stop: Callable[[], bool], *, exact: bool) -> None:
        super().__init__(_shared_only(whole.estate, division.shared))
        self.whole, self.division, self.stop, self.exact = whole, division, stop, exact
        self.slack = 0.0
        """What the model of one cluster may leave open, currency a month."""
        clusters = len(division.lines)
        self.block = np.full(self.estate.lines, -1, dtype=np.int32)
        for n, lines in enumerate(division.lines):
            self.block[lines] = n
        free = np.flatnonzero(self.block < 0)
        self.block[free] = clusters + np.arange(len(free)) * min(_FREE_BLOCKS, len(free)) // max(1, len(free))
        self.shape = replace(
            self.shape,
            blocks=int(self.block.max(initial=-1)) + 1,
            spend_range=whole.shape.spend_range,
            overage_most=whole.shape.overage_most,
        )
        self.pull = np.zeros((whole.shape.pools, whole.shape.months))
        """The duals that the pools of clusters have in their relaxations, of the last pass."""
        pools, unit = whole.estate.pools, np.where(whole.estate.pools.block > 0, whole.estate.pools.block, 1.0)
        blocks = (whole.shape.most_pull / unit[:, None] + 1.0) * whole.estate.prices
        self._most = blocks.mean(axis=1) + [float(pools.ladder(g).mrc.max()) for g in range(len(unit))]
        """What each pool can charge a month at most."""
        self._laid_out: dict[frozenset[int] | None, _Layout] = {}

    def price(self, duals: Duals, node: Node) -> Pass:
        """One pass: every line outside clusters alone, every cluster as a whole, and the bound that this proves."""
        found = super().price(duals, node)
        if not np.isfinite(found.bound):
            return found
        lines = np.arange(self.estate.lines)
        who, which, dear = kernels.near(self.packed, self.prices(found.duals, node), lines, np.inf)
        layout = self._layout(node, who, which)
        pools = self.whole.estate.pools
        rate = [min(float(found.duals.spend[c]) if c >= 0 else 1.0 for c in owners) for owners in pools.contracts]
        rho = [max(0.0, price) for price in rate]
        # spend that is worth having: as much of it as there can be
        added = sum(min(0.0, rate[g]) * float(self._most[g]) for mine in self.division.pools for g in mine)
        choice, points = found.choice.copy(), {}
        for n, (model, place) in enumerate(zip(layout.models, layout.places, strict=True)):
            model.at(dear[place], rho)
            bound, x = self._exactly(model) if self.exact else self._relaxed(model)
            added += max(0.0, float(bound) - 5e-7 - 5e-9 * abs(float(bound)))
            if x is not None:
                points[n] = x
                for i, k in model.choice(x).items():
                    choice[i] = k
            if n % 16 == 15 and self.stop():
                break
        sums, bits = self._totals(choice, self.block, self.shape.blocks)
        for n, x in points.items():
            model, some = layout.models[n], x[: len(layout.places[n])]
            sums[n] = some @ layout.sums[layout.places[n]]
            for j, g, amount in model.of_pool:
                sums[n, 1 + pools.contracts[g][0]] += amount * x[j]
            bits[n] = np.bitwise_or.reduce(layout.bits[layout.places[n]][some > 1e-9])
        self._charge(choice, sums, set(range(len(layout.models))) - set(points))
        return Pass(choice, sums, bits, found.bound + added, found.duals, found.own + added, found.slip)

    def remember(self, choice: Whole) -> None:
        """Choices as a column, every pool with the buckets that are cheapest for them."""
        choice = choice.astype(np.int16)
        sums, bits = self._totals(choice, self.block, self.shape.blocks)
        self._charge(choice, sums, range(len(self.division.pools)))
        self.memory.keep(choice, sums, bits)

    def all_pools(self, duals: Duals) -> Duals:
        """These duals as ones of the whole, with those of the relaxations for the pools of clusters."""
        pull = self.pull.copy()
        pull[self.division.shared] = duals.pull
        return replace(duals, pull=pull)

    def shared(self, duals: Duals) -> Duals:
        """Duals of the whole as these."""
        return replace(duals, pull=duals.pull[self.division.shared])

    def _exactly(self, cluster: Cluster) -> tuple[float, Floats | None]:
        options = {**_PLAIN, "mip_max_nodes": _NODES, "mip_rel_gap": 0.0, "mip_abs_gap": max(1e-6, self.slack)}
        outcome = solver_process.run(cluster.model, time_limit=_SECONDS, options=options)
        return outcome.bound, outcome.x

    def _relaxed(self, cluster: Cluster) -> tuple[float, Floats | None]:
        bound, x, duals = relaxed(cluster)
        if duals is not None:
            for g, month, row in cluster.rows:
                self.pull[g, month] = max(0.0, -float(duals[row]))
        return bound, x

    def _layout(self, node: Node, who: Whole, which: Whole) -> _Layout:
        """The models of the options that a node leaves open."""
        if node.carriers not in self._laid_out:
            first = np.searchsorted(who, np.arange(self.estate.lines + 1))
            places = [
                np.concatenate([np.arange(first[i], first[i + 1]) for i in lines.tolist()])
                for lines in self.division.lines
            ]
            models = [
                cluster_model(self.whole, who[place], which[place], pools)
                for place, pools in zip(places, self.division.pools, strict=True)
            ]
            while len(self._laid_out) >= _LAYOUTS:
                del self._laid_out[next(iter(self._laid_out))]
            self._laid_out[node.carriers] = _Layout(models, places, *self._contributions(who, which))
        return self._laid_out[node.carriers]

    def _contributions(self, who: Whole, which: Whole) -> tuple[Floats, Whole]:
        """What each option adds to the sums of its block, and its carrier as a bit."""
        estate, s, t = self.estate, self.shape, self.estate.templates
        option, rows = t.first[estate.template[who]] + which, np.arange(len(who))
        counted, changed = t.selected[estate.template[who]].astype(bool), which != estate.current[who]
        sums = np.zeros((len(who), s.width))
        sums[rows, 1 + t.contract[option]] = estate.charge[estate.start[who] + which]
        sums[:, 0] += changed * (t.fee[option] + t.leaves[option] * estate.exit_fee[who])
        sums[:, 1 + s.contracts] = changed & counted
        limited = t.limit[option] >= 0
        sums[rows[limited], 2 + s.contracts + t.limit[option][limited]] = 1.0
        active = estate.active[who] if len(estate.active) else np.ones((len(who), s.months), dtype=bool)
        pulls = sums[:, 2 + s.contracts + s.limits :].reshape(len(who), s.pools, s.months)
        for pool, use, allowance in (
            (t.data_pool, estate.data, t.data_allowance),
            (t.voice_pool, estate.voice, t.voice_allowance),
        ):
            inside = np.flatnonzero(pool[option] >= 0)
            if len(inside):
                net = use[who[inside]].astype(np.float64) - allowance[option[inside]][:, None]
                pulls[inside, pool[option[inside]]] += net * active[inside]
        bits = np.where(
            counted & (t.carrier[option] >= 0), np.int64(1) << np.maximum(t.carrier[option], 0).astype(np.int64), 0
        )
        return sums, bits

    def _charge(self, choice: Whole, sums: Floats, some: Collection[int]) -> None:
        """Add what the pools of some clusters charge for choices, each with its cheapest buckets."""
        if not some:
            return
        estate, s = self.whole.estate, self.whole.shape
        pull = self.whole.sums_of(choice)[2 + s.contracts + s.limits :].reshape(s.pools, s.months)
        for n in some:
            for g in self.division.pools[n]:
                sums[n, 1 + estate.pools.contracts[g][0]] += float(charges(estate, g, pull[g]).min())


@dataclass(frozen=True)
class _Layout:
    """The models of all clusters, where the options of each are among all, and what each option adds to its block."""

    models: list[Cluster]
    places: list[Whole]
    sums: Floats
    bits: Whole


def _shared_only(estate: Estate, shared: list[int]) -> Estate:
    """The estate without the pools of its clusters."""
    number = np.full(len(estate.pools.price) + 1, -1, dtype=np.int64)
    number[shared] = np.arange(len(shared))
    t, pools = estate.templates, estate.pools
    return replace(
        estate,
        templates=replace(
            t,
            data_pool=number[t.data_pool].astype(t.data_pool.dtype),
            voice_pool=number[t.voice_pool].astype(t.voice_pool.dtype),
        ),
        pools=Pools(
            pools.price[shared],
            pools.block[shared],
            pools.is_voice[shared],
            tuple(pools.contracts[g] for g in shared),
            tuple(pools.ladder(g) for g in shared),
        ),
    )


def relaxed(cluster: Cluster) -> tuple[float, Floats | None, Floats | None]:
    """The best relaxation over all choices of steps (one at a time where they are many): bound, point, row duals."""
    highs, arrays = quiet_highs(), cluster.model.arrays()
    highs.setOptionValue("output_flag", False)
    highs.setOptionValue("threads", 1)
    solver_child.fill(highs, arrays, True)
    menus = list(cluster.stairs.values())
    while prod(len(menu) for menu in menus) > _MOST_MENUS:
        menus.remove(max(menus, key=len))
    best, point, prices = np.inf, None, None
    for picked in product(*(menu.tolist() for menu in menus)):
        for menu, pick in zip(menus, picked, strict=True):
            at = (menu == pick).astype(np.float64)
            arrays["low"][menu] = arrays["high"][menu] = at
            highs.changeColsBounds(len(menu), menu.astype(np.int32), at, at)
        highs.run()
        if highs.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            return 0.0, None, None
        solution = highs.getSolution()
        duals = np.array(solution.row_dual)
        value, _ = solver_child.safe_bound(arrays, duals)
        if value < best:
            best, point, prices = value, np.array(solution.col_value), duals
    return best, point, prices
