"""Integer models for clusters: of one cluster at given duals, and of which known plans each cluster takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from optimize.decomposition.arrays import Floats, Whole
from optimize.decomposition.columns import Engine
from optimize.decomposition.core_model import bucket_steps, contract_pieces, one_each, pool_month
from optimize.decomposition.master import Node
from optimize.ir import Model


@dataclass
class Cluster:
    """The model of some lines and pools that nothing else is in; its costs are set by :meth:`at`.

    `who` and `which`: line and option of its first columns; `of_pool`: the pool and the charge of each later one.
    """

    model: Model
    who: Whole
    which: Whole
    of_pool: list[tuple[int, int, float]]
    stairs: dict[int, Whole]
    """Per pool with buckets the columns of its steps, all of them in order."""
    rows: list[tuple[int, int, int]]
    """Pool, month and row of each allowance."""

    def at(self, cost: Floats, rho: Sequence[float]) -> None:
        """Set what its options cost, and by pool what a unit of its charges counts."""
        self.model.cost[: len(self.who)] = cost.tolist()
        for j, g, amount in self.of_pool:
            self.model.cost[j] = amount * rho[g]

    def choice(self, x: Floats) -> dict[int, int]:
        """The option of each line at a point."""
        return {int(self.who[j]): int(self.which[j]) for j in np.flatnonzero(x[: len(self.who)] > 0.5).tolist()}


def cluster_model(engine: Engine, who: Whole, which: Whole, pools: Sequence[int]) -> Cluster:
    """The model in which lines `who` have options `which` (line by line), with these pools and no others."""
    estate, months = engine.estate, engine.shape.months
    t, model = estate.templates, Model()
    for i, k in zip(who.tolist(), which.tolist(), strict=True):
        model.column(f"x_{i}_{k}", 0.0, 0, 1, whole=True)
    one_each(model, who)
    option = t.first[estate.template[who]] + which
    active = estate.active[who] if len(estate.active) else np.ones((len(who), months), dtype=bool)
    of_pool: list[tuple[int, int, float]] = []
    stairs, rows = {}, []
    for g in pools:
        begin = len(model.names)
        voice = bool(estate.pools.is_voice[g])
        use, allowance = (estate.voice, t.voice_allowance) if voice else (estate.data, t.data_allowance)
        mine = np.flatnonzero((t.voice_pool if voice else t.data_pool)[option] == g)
        bought = bucket_steps(estate, model, [], g, (0, len(estate.pools.ladder(g).mrc)), (-1,))
        if len(bought[0]):
            stairs[g] = bought[0]
        pull = (use[who[mine]].astype(np.float64) - allowance[option[mine]][:, None]) * active[mine]
        for month in range(months):
            row = pool_month(estate, model, [], (g, month, months), mine, pull[:, month], 0.0, bought, (-1,))
            rows += [] if row is None else [(g, month, row)]
        of_pool += [(j, g, model.cost[j]) for j in range(begin, len(model.names))]
    return Cluster(model, who, which, of_pool, stairs, rows)


def choice_of_columns(engine: Engine, node: Node) -> tuple[Model, Whole, Whole]:
    """The model that takes one known column for every block, with block and number of each of its first columns.

    Contracts charge what they charge, within the node's pieces; shared pools have whole blocks and one step.
    """
    s, estate, model = engine.shape, engine.estate, Model()
    known = [
        (b, n) for b in range(s.blocks) for n in engine.memory.known() if not node.forbids(engine.memory.bits[n])[b]
    ]
    block, number = (np.array(column, dtype=np.int64) for column in zip(*known, strict=True))
    sums = np.stack([engine.memory.sums[n][b] for b, n in known])
    for b, n in known:
        model.column(f"z_{b}_{n}", float(engine.memory.sums[n][b][0]), 0, 1, whole=True)
    one_each(model, block)
    every = np.arange(len(known))
    spend = [[(j, float(sums[j, 1 + c])) for j in every.tolist()] for c in range(s.contracts)]
    base = 2 + s.contracts + s.limits
    for g in range(s.pools):
        owners = estate.pools.contracts[g]
        bought = bucket_steps(estate, model, spend, g, node.steps[g], owners)
        for month in range(s.months):
            pull = sums[:, base + g * s.months + month]
            pool_month(estate, model, spend, (g, month, s.months), every, pull, 0.0, bought, owners)
    for c in range(s.contracts):
        contract_pieces(engine, model, node, c, spend[c], 0.0)
    if estate.limits.max_changes is not None:
        model.row("changes", "max_changes", every, sums[:, 1 + s.contracts], high=estate.limits.max_changes)
    for n, most in enumerate(estate.limits.plan_most):
        if np.isfinite(most):
            model.row(f"max_lines_{n}", "max_lines", every, sums[:, 2 + s.contracts + n], high=most)
    model.constant = node.fixed_cost(estate)
    return model, block, number
