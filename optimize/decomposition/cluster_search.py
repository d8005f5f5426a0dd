"""The search over an estate of many small pools: a tree on relaxed clusters, then its parts on exact ones.

The tree divides only what is not a cluster's own: carriers and pieces of contracts, and in the exact part steps of the
shared pools.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from optimize import solver_process
from optimize.decomposition.arrays import Whole
from optimize.decomposition.branch import BranchAndBound, Found, Watch
from optimize.decomposition.cluster_model import choice_of_columns
from optimize.decomposition.clusters import Clustered, Division
from optimize.decomposition.columns import Engine, Generated
from optimize.decomposition.master import Duals, Mixture, Node
from optimize.decomposition.rounding import improved, objective

_PICK_SECONDS, _PICK_NODES = 20.0, 2_000
_SLACK = 0.1  # of the gap asked for: what the models of all clusters may leave open together


class _OnClusters(BranchAndBound):
    """A search whose passes price clusters; candidates are improved on the whole estate."""

    def __init__(self, engine: Clustered, watch: Watch, gap: float) -> None:
        super().__init__(engine, watch, gap)
        self.clustered = engine

    def improve(self, value: float) -> None:
        """A better value also says how exact the models of clusters are to be."""
        super().improve(value)
        if np.isfinite(self.best):
            self.clustered.slack = _SLACK * self.gap * abs(self.best) / len(self.clustered.division.lines)

    def _round(self, node: Node, found: Generated, *, deep: bool) -> None:
        assert found.mixture is not None
        whole = self.clustered.whole
        choices = [most_of_each(self.clustered, found.mixture), *self._picked(node)]
        choice = min(choices, key=lambda choice: objective(whole, choice))
        duals = self.clustered.all_pools(found.duals)
        for candidate in (choice, improved(whole, self._of_whole(node), duals, choice, deep=deep)):
            self._offer(candidate, objective(whole, candidate), found.mixture)

    def _of_whole(self, node: Node) -> Node:
        """The node with every step of the pools of clusters open."""
        steps = list(self.clustered.whole.root().steps)
        for g, part in zip(self.clustered.division.shared, node.steps, strict=True):
            steps[g] = part
        return replace(node, steps=tuple(steps))

    def _picked(self, node: Node) -> list[Whole]:
        """The best choice of one known column for every cluster, where columns are whole plans."""
        engine = self.clustered
        if not engine.exact:
            return []
        model, block, number = choice_of_columns(engine, node)
        outcome = solver_process.run(
            model,
            time_limit=min(_PICK_SECONDS, self.watch.left() or _PICK_SECONDS),
            cancelled=self.watch.stop,
            options={"mip_rel_gap": _SLACK * self.gap, "mip_max_nodes": _PICK_NODES},
        )
        if outcome.x is None or len(np.unique(block)) < engine.shape.blocks:
            return []
        found = np.zeros(engine.estate.lines, dtype=np.int16)
        for j in np.flatnonzero(outcome.x[: len(block)] > 0.5).tolist():
            mine = engine.block == block[j]
            found[mine] = engine.memory.choices[int(number[j])][mine]
        return [found]


class _OnRelaxed(_OnClusters):
    def _flattered(self, node: Node, mixture: Mixture, least: float) -> int:
        """The steps of shared pools matter less than what relaxed clusters leave open."""
        return -1


class ClusterSearch(_OnClusters):
    """One search; the arguments are those of :class:`optimize.decomposition.branch.BranchAndBound`."""

    def __init__(
        self,
        whole: Engine,
        division: Division,
        watch: Watch,
        gap: float,
        *,
        start: Duals | None = None,
        columns: Sequence[Whole] = (),
    ) -> None:
        super().__init__(Clustered(whole, division, watch.stop, exact=True), watch, gap)
        self.start, self.known = start, columns

    def run(self) -> Found:
        """Search until the gap is proven, every node is closed, or the watch stops it."""
        found = super().run()
        found.duals = self.clustered.all_pools(found.duals)
        return found

    def close_leaves(self) -> None:
        """The last models are of the whole estate: columns of clusters may not meet a tier as closely as lines do."""
        last = BranchAndBound(self.clustered.whole, self.watch, self.gap)
        last.best = self.best
        self.leaves.sort(key=lambda leaf: leaf[0])
        last.leaves = [(b, self._of_whole(node), self.clustered.all_pools(duals)) for b, node, duals in self.leaves]
        last.close_leaves()
        self.best, self.notes = last.best, last.notes
        self.leaves = [
            (bound, node, duals) for (bound, _, _), (_, node, duals) in zip(last.leaves, self.leaves, strict=True)
        ]

    def _roots(self) -> dict[frozenset[int], int]:
        whole, exact = self.clustered.whole, self.clustered
        loose = Clustered(whole, exact.division, self.watch.stop, exact=False)
        for choice in self.known:
            loose.remember(choice)
        lost, nodes = self._open_sets()
        tree = _OnRelaxed(loose, self.watch, self.gap)
        tree.best = self.best
        for guess in tree.guess(nodes, None if self.start is None else loose.shared(self.start)):
            self._push(guess.bound, guess.node, guess.duals, [])
        exact.pull, self.count = loose.pull, len(self.open)
        exact.remember_keep()
        self.improve(tree.best)
        return lost


def most_of_each(engine: Engine, mixture: Mixture) -> Whole:
    """Whole choices: of every block the pass that the mixture has most of."""
    found = np.zeros(engine.estate.lines, dtype=np.int16)
    for b in range(engine.shape.blocks):
        mine, begin, end = engine.block == b, int(mixture.starts[b]), int(mixture.starts[b + 1])
        if begin < end:
            picked = int(mixture.passes[begin + int(np.argmax(mixture.shares[begin:end]))])
            found[mine] = engine.memory.choices[picked][mine]
    return found
