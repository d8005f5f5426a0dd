"""Branch and bound over carrier subsets, contract pieces and bucket steps, on bounds from column generation.

A node fixes which carriers are open, which pieces of each contract its spend may lie on and which steps of its buckets
each pool may buy; inside it every contract and pool charges the lower envelope of what is open, so a node with one
piece per contract and one step per pool has no gap but the lines'. Nodes are taken best bound first; the passes of one
node are columns of the next.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Protocol

import numpy as np

from optimize import solver_process
from optimize.decomposition.arrays import Estate, Floats, Whole
from optimize.decomposition.columns import Engine, Generated, Pass, sample
from optimize.decomposition.core_model import Core, core
from optimize.decomposition.kernels import near
from optimize.decomposition.master import Duals, Mixture, Node
from optimize.decomposition.rounding import improved, objective, rounded

_PASSES = 80  # per node
_MANY = 200_000  # lines from which a pass costs more than what rounding leaves
_LOOSE = 1e-3  # lines' gap at which a node that will be divided anyway is left
_SAMPLE_GAP, _SAMPLE_GAP_TIERS = 1e-4, 1e-3
_CLEARLY = 3e-3  # relative: a part this much dearer than a sample's best needs no pass of its own yet
_MOST_STEPPED = 500  # nodes after which buckets are left to the last models
_CORE_COLUMNS = 60_000  # option columns up to which the last gap is closed by a mixed integer model
_CORE_NODES, _LEAST_NODES = 4_000, 200
_CORE_WORK = 1_500_000  # nodes x columns of a model: large ones are slow, and seldom prove more with more nodes
_CORES = (400, 1_500, 4_000)  # options of the small models that look for a better solution first
_CORE_LINES = 20_000  # lines up to which they find one: a larger estate has ties enough for pairs
_CORE_ROOM = 0.3  # of the mean cost of a line
_ENOUGH = 0.9  # of the gap asked for: what a leaf must come within to be left


class Watch(Protocol):
    """Who follows a search: may stop it, hears of values, and has the last word on a candidate."""

    def stop(self) -> bool:
        """Whether to end now."""
        ...

    def left(self) -> float | None:
        """Seconds that remain; None = no limit."""
        ...

    def offer(self, choice: Whole, value: float) -> float:
        """A candidate; returns the value of the best feasible one so far (exact where it is checked)."""
        ...

    def tell(self, note: str, bound: float) -> None:
        """News of the bound."""
        ...


class Silent:
    """A watch that keeps the best candidate and asks nothing."""

    def __init__(self) -> None:
        self.choice: Whole | None = None
        self.value = float("inf")
        self.trail: list[tuple[str, float, float]] = []

    def stop(self) -> bool:
        """Never."""
        return False

    def left(self) -> float | None:
        """For ever."""
        return None

    def offer(self, choice: Whole, value: float) -> float:
        """Keep the better one."""
        if value < self.value:
            self.choice, self.value = choice, value
        return self.value

    def tell(self, note: str, bound: float) -> None:
        """Remember."""
        self.trail.append((note, self.value, bound))


class Quiet(Silent):
    """A watch of a part of a search: only its stop is heard."""

    def __init__(self, other: Watch) -> None:
        super().__init__()
        self.other = other

    def stop(self) -> bool:
        """Whether the whole search stops."""
        return self.other.stop()


@dataclass
class Guess:
    """A part of the search as a sample sees it: its bound there, duals, and those of the passes it mixes."""

    bound: float
    node: Node
    duals: Duals
    replay: list[Duals]


@dataclass(order=True)
class _Open:
    bound: float
    number: int
    node: Node = field(compare=False)
    duals: Duals = field(compare=False)
    replay: list[Duals] = field(compare=False)


@dataclass
class Found:
    """The end of a search: the proven bound, passes, nodes, duals of the best node, subsets that serve nobody."""

    bound: float
    passes: int
    nodes: int
    duals: Duals
    uncovered: dict[frozenset[int], int]
    ended: str = "done"
    notes: list[str] = field(default_factory=list)
    columns: list[Whole] = field(default_factory=list)
    """Choices of the passes whose mixture led to the best plans: with the duals, a start for a like estate."""


def subsets(estate: Estate) -> list[frozenset[int] | None]:
    """The largest sets of carriers that may be open together."""
    most, t = estate.limits.max_carriers, estate.templates
    counted = np.repeat(t.selected, np.diff(t.first)).astype(bool)
    present = sorted({int(c) for c in t.carrier[counted] if c >= 0})
    if most is None or most >= len(present):
        return [None]
    return [frozenset(chosen) for chosen in combinations(present, most)]


def uncovered(estate: Estate, carriers: frozenset[int] | None) -> int:
    """How many lines have no option when only these carriers are open."""
    if carriers is None:
        return 0
    t = estate.templates
    count = np.bincount(estate.template, minlength=len(t.selected))
    lost = 0
    for q in np.flatnonzero(count):
        mine = t.carrier[int(t.first[q]) : int(t.first[q + 1])].tolist()
        if t.selected[q] and not any(c < 0 or c in carriers for c in mine):
            lost += int(count[q])
    return lost


class BranchAndBound:
    """One search; `gap` is relative. `close` switches the final mixed integer models on.

    `start` and `columns` are the duals and columns that a search of a like estate ended with: they take the place of a
    sample. Columns are choices of every line among the same options.
    """

    def __init__(
        self,
        engine: Engine,
        watch: Watch,
        gap: float,
        *,
        start: Duals | None = None,
        columns: Sequence[Whole] = (),
        close: bool = True,
    ) -> None:
        self.engine, self.watch, self.gap, self.start, self.close = engine, watch, gap, start, close
        self.best = float("inf")
        self.open: list[_Open] = []
        self.leaves: list[tuple[float, Node, Duals]] = []
        self.count = 0
        self.guesses: list[Guess] = []
        self.notes: list[str] = []
        self.columns = list(columns)
        self.ended = "done"

    def run(self) -> Found:
        """Search until the gap is proven, every node is closed, or the watch stops it."""
        lost = self._roots()
        root_duals = self.engine.neutral()
        while self.open:
            entry = heapq.heappop(self.open)
            if entry.bound >= self._cutoff():
                self.open = []
                self.leaves.append((entry.bound, entry.node, entry.duals))
                break
            if self.watch.stop():
                heapq.heappush(self.open, entry)
                self.ended = "stopped"
                break
            self._process(entry)
            self.watch.tell("pricing all lines", self.bound())
        if self.leaves:
            root_duals = min(self.leaves, key=lambda leaf: leaf[0])[2]
        elif self.open:
            root_duals = self.open[0].duals
        if self.close and self.ended == "done":
            self.close_leaves()
        return Found(self.bound(), self.engine.made, self.count, root_duals, lost, self.ended, self.notes, self.columns)

    def bound(self) -> float:
        """What is proven so far: the least bound of all that is open or closed."""
        open_bounds = [entry.bound for entry in self.open]
        return min([*open_bounds, *(leaf[0] for leaf in self.leaves), self.best])

    def _cutoff(self) -> float:
        """Bounds above this are good enough."""
        return self.best - 0.5 * self.gap * abs(self.best) if np.isfinite(self.best) else np.inf

    def _open_sets(self) -> tuple[dict[frozenset[int], int], list[Node]]:
        """Sets of carriers that leave lines without coverage, with their number, and the nodes of all others."""
        lost: dict[frozenset[int], int] = {}
        nodes = []
        for carriers in subsets(self.engine.estate):
            missing = uncovered(self.engine.estate, carriers)
            if missing:
                assert carriers is not None
                lost[carriers] = missing
            else:
                nodes.append(self.engine.root(carriers))
        return lost, nodes

    def _roots(self) -> dict[frozenset[int], int]:
        engine = self.engine
        engine.remember_keep()
        for choice in self.columns:
            engine.remember(choice)
        lost, nodes = self._open_sets()
        small = None if self.start is not None else sample(engine)
        guesses = [Guess(0.0, node, self.start or engine.neutral(), []) for node in nodes]
        if small is not None:
            least = _SAMPLE_GAP_TIERS if engine.estate.contracts else _SAMPLE_GAP
            guesses = BranchAndBound(small, Quiet(self.watch), max(self.gap, least)).guess(nodes)
        self._first_bounds(guesses)
        return lost

    def guess(self, nodes: list[Node], start: Duals | None = None) -> list[Guess]:
        """Search a sample: the parts into which its tree divides the nodes, best first, with their duals."""
        self.engine.remember_keep()
        for node in nodes:
            first = self.engine.price(start or self.engine.neutral(), node)
            if np.isfinite(first.bound):
                self._push(first.bound, node, first.duals, [])
        while self.open and self.open[0].bound < self._cutoff() and not self.watch.stop():
            self._process(heapq.heappop(self.open))
        rest = [Guess(e.bound, e.node, e.duals, e.replay) for e in self.open]
        return sorted([*self.guesses, *rest], key=lambda g: g.bound)

    def _first_bounds(self, guesses: list[Guess]) -> None:
        """A valid bound for every part: of a pass already made where that already rules it out, else of its own."""
        engine = self.engine
        made: list[tuple[frozenset[int] | None, Pass]] = []
        for guess in guesses:
            if self.watch.stop() and made:
                self._push(self._known(guess.node, made)[0], guess.node, guess.duals, guess.replay)
                continue
            bound, duals = self._known(guess.node, made)
            if made and bound > guesses[0].bound * (1.0 + _CLEARLY):
                self._push(bound, guess.node, duals, guess.replay)
                continue
            first = engine.price(guess.duals, guess.node)
            if np.isfinite(first.bound):
                engine.memory.keep(first.choice, first.sums, first.bits)
                made.append((guess.node.carriers, first))
                self._push(max(bound, first.bound), guess.node, first.duals, guess.replay)

    def _known(self, node: Node, made: list[tuple[frozenset[int] | None, Pass]]) -> tuple[float, Duals]:
        """The best bound for a node that earlier passes prove: their lines' part with the node's own side."""
        best, duals = float("-inf"), self.engine.neutral()
        for carriers, found in made:
            if carriers is None or (node.carriers is not None and node.carriers <= carriers):
                bound = found.own + self.engine.side(found.duals, node)
                if bound > best:
                    best, duals = bound, found.duals
        return best, duals

    def improve(self, value: float) -> None:
        """A better value: spend that alone costs more than it is out of the question."""
        if value < self.best:
            self.best = value
            self.engine.cap_spend(value)

    def _push(self, bound: float, node: Node, duals: Duals, replay: list[Duals]) -> None:
        self.count += 1
        heapq.heappush(self.open, _Open(bound, self.count, node, duals, replay))

    def _process(self, entry: _Open) -> None:
        engine, node = self.engine, entry.node
        size = max(abs(self.best) if np.isfinite(self.best) else abs(entry.bound), 0.01)
        share = 0.1 if engine.shape.lines < _MANY else 0.3  # of the gap; rounding needs the rest
        lines_gap = max(share * self.gap, 0.05 / engine.shape.lines)
        least = 0.02 * self.gap * size

        def heard(value: float, bound: float) -> None:
            others = [e.bound for e in self.open] + [leaf[0] for leaf in self.leaves]
            self.watch.tell("pricing all lines", min([max(bound, entry.bound), *others, self.best]))

        several = any(b - a > 1 for a, b in (*node.pieces, *node.steps)) or bool(engine.undecided(node))
        tolerance = max(lines_gap, _LOOSE) if several else lines_gap
        found = self._generate(node, entry.duals, entry.replay, tolerance, heard)
        if several and self._unsplit(node, found, least):
            found = self._generate(node, found.duals, [], lines_gap, heard)
        bound = max(found.bound, entry.bound)
        if not np.isfinite(bound):
            return
        sampled = engine.estate.weight != 1.0
        if bound >= self._cutoff() or found.mixture is None:
            self._leaf(bound, node, found)
            return
        split = self._split(node, found, least)
        if not sampled and found.mixture.value < self.best:
            self._round(node, found, deep=split is None)
        if split is None and sampled:
            self.improve(found.mixture.value)
        if split is None or bound >= self._cutoff():
            self._leaf(bound, node, found)
            return
        before = engine.side(found.duals, node)
        for child in split:
            side = engine.side(found.duals, child)
            if np.isfinite(side):
                self._push(max(bound, found.bound - before + side), child, found.duals, [])

    def _generate(
        self,
        node: Node,
        start: Duals,
        replay: list[Duals],
        tolerance: float,
        heard: Callable[[float, float], None],
    ) -> Generated:
        return self.engine.generate(
            node,
            start,
            tolerance=tolerance,
            most=_PASSES,
            cutoff=self._cutoff(),
            replay=replay,
            stop=self.watch.stop,
            heard=heard,
        )

    def _unsplit(self, node: Node, found: Generated, least: float) -> bool:
        """Whether a node solved loosely is not worth dividing, so that its lines' gap is what remains."""
        if found.mixture is None or found.bound >= self._cutoff() or self.watch.stop():
            return False
        return self._split(node, found, least) is None

    def _leaf(self, bound: float, node: Node, found: Generated) -> None:
        self.leaves.append((bound, node, found.duals))
        self.guesses.append(Guess(bound, node, found.duals, found.replay))

    def _round(self, node: Node, found: Generated, *, deep: bool) -> None:
        assert found.mixture is not None
        choice = improved(self.engine, node, found.duals, rounded(self.engine, found.mixture), deep=deep)
        self._offer(choice, objective(self.engine, choice), found.mixture)

    def _offer(self, choice: Whole, value: float, mixture: Mixture) -> None:
        before = self.best
        self.improve(self.watch.offer(choice, value))
        if self.best < before:
            self.columns = [self.engine.memory.choices[n] for n in sorted(set(mixture.passes.tolist()))]

    def _split(self, node: Node, found: Generated, least: float) -> list[Node] | None:
        """Two nodes that divide what the mixture pays too little for: a carrier's fixed cost, a contract or a pool.

        A carrier that it uses unpaid is closed in one and paid for in the other; of the contract whose envelope is
        furthest below what it charges the open pieces are divided, of the pool whose buckets are the steps. None where
        no more than `least` is missing.
        """
        mixture = found.mixture
        assert mixture is not None
        unpaid = next((k for k in self.engine.undecided(node) if self._mixes(mixture, k)), None)
        missing = 0.0 if unpaid is None else self.engine.estate.carrier_cost[unpaid]
        worst, pick = max(least, missing), -1
        for c, contract in enumerate(self.engine.estate.contracts):
            a, b = node.pieces[c]
            if b - a < 2:
                continue
            spend = float(mixture.spend[c])
            piece = contract[_piece_at(contract, spend, a, b)]
            error = float(piece.fixed) + float(piece.slope) * spend - float(mixture.envelope[c])
            if error > worst:
                worst, pick = error, c
        g = self._flattered(node, mixture, worst)
        if g >= 0:
            a, b = node.steps[g]
            brought = self.engine.estate.pools.ladder(g).allowance[a:b]
            middle = a + min(max(1, int(np.searchsorted(brought, mixture.bought[g], side="right"))), b - a - 1)
            return [replace(node, steps=_set(node.steps, g, part)) for part in ((a, middle), (middle, b))]
        if pick < 0 and unpaid is not None and missing > least:
            return [self.engine.without(node, unpaid), replace(node, paid=node.paid | {unpaid})]
        if pick < 0:
            return None
        a, b = node.pieces[pick]
        at = _piece_at(self.engine.estate.contracts[pick], float(mixture.spend[pick]), a, b)
        middle = at if at > a else a + 1
        return [replace(node, pieces=_set(node.pieces, pick, part)) for part in ((a, middle), (middle, b))]

    def _flattered(self, node: Node, mixture: Mixture, least: float) -> int:
        """The pool whose buckets cost most beyond what the mixture pays; -1 where none is above `least`.

        A sample's pools are too rough for steps to matter.
        """
        estate = self.engine.estate
        if not estate.pools.ladders or estate.weight != 1.0 or self.count > _MOST_STEPPED:
            return -1
        free = np.array([b - a > 1 for a, b in node.steps])
        error = np.where(free, mixture.flattery, -np.inf)
        g = int(np.argmax(error))
        return g if error[g] > least else -1

    def _mixes(self, mixture: Mixture, carrier: int) -> bool:
        """Whether a block of the mixture has lines with a carrier."""
        memory, block = self.engine.memory, np.repeat(np.arange(len(mixture.starts) - 1), np.diff(mixture.starts))
        pairs = zip(mixture.passes.tolist(), block.tolist(), strict=True)
        return any(memory.bits[number][b] >> carrier & 1 for number, b in pairs)

    # ---- the last gap ----------------------------------------------------------------------------------------------

    def close_leaves(self) -> None:
        """Mixed integer models of the leaves that are not good enough, on the options that the gap leaves open."""
        self.leaves.sort(key=lambda leaf: leaf[0])
        for number, (bound, node, duals) in enumerate(self.leaves):
            for most in _CORES:
                if self._closed(bound) or self._few_left(node, duals, most):
                    break
                self._solve_core(bound, node, duals, most)
            if self._closed(bound):
                break
            better = self._close_leaf(node, duals)
            if better is not None:
                self.leaves[number] = (max(bound, better), node, duals)

    def _closed(self, bound: float) -> bool:
        """Whether nothing is to be done about a bound."""
        return self.best - bound <= max(_ENOUGH * self.gap * abs(self.best), 1e-3) or self.watch.stop()

    def _few_left(self, node: Node, duals: Duals, most: int) -> bool:
        """Whether at most so many options are left in a leaf: then its own model comes next, which also proves."""
        if self.engine.estate.lines > _CORE_LINES:
            return False
        who, _, _ = self._left(node, duals)
        return int(np.count_nonzero(np.bincount(who, minlength=1)[who] > 1)) <= most

    def _solve_core(self, bound: float, node: Node, duals: Duals, most: int) -> None:
        """A better solution from `most` options that are nearest to a tie, all other lines as in the best so far.

        Good enough for the leaf's bound is good enough: the search ends there.
        """
        engine, base = self.engine, self._base()
        if base is None or engine.estate.lines > _CORE_LINES:
            return
        room = _CORE_ROOM * abs(self.best) / engine.estate.lines
        lines = np.arange(engine.estate.lines)
        who, which, dear = near(engine.packed, engine.prices(duals, node), lines, room)
        mine = which == base[who]
        far = np.partition(dear[~mine], most)[most] if np.count_nonzero(~mine) > most else np.inf
        kept = mine | (dear < far)
        kept &= (np.bincount(who[kept], minlength=len(lines)) > 1)[who]
        if len(np.unique(who[mine])) == len(lines) and kept.any():  # else the best so far lies elsewhere
            enough = bound + _ENOUGH * self.gap * abs(self.best)
            self._solve_model(core(engine, node, base, who[kept], which[kept]), base, 0.2 * self.gap, enough)

    def _left(self, node: Node, duals: Duals) -> tuple[Whole, Whole, Floats]:
        """The options whose reduced cost is within what is left of the gap: line, option, reduced cost."""
        engine = self.engine
        priced = engine.price(duals, node)
        room = self.best - priced.bound + 1e-6 * (1.0 + 1e-3 * abs(priced.bound))
        prices = engine.prices(priced.duals, node)
        lines = np.arange(engine.estate.lines)
        who, which, dear = near(engine.packed, prices, lines, room if np.isfinite(room) else np.inf)
        return who, which, dear

    def _close_leaf(self, node: Node, duals: Duals) -> float | None:
        engine = self.engine
        who, which, dear = self._left(node, duals)
        if len(who) > _CORE_COLUMNS:
            return None
        base = np.zeros(engine.estate.lines, dtype=np.int16)  # every line's cheapest option is among the candidates
        cheapest = np.lexsort((dear, who))
        first = np.flatnonzero(np.diff(who[cheapest], prepend=-1))
        base[who[cheapest[first]]] = which[cheapest[first]]
        several = np.bincount(who, minlength=engine.estate.lines)[who] > 1
        if not several.any():  # one choice is left: the model says what it costs
            several[:] = True
        outcome = self._solve_model(core(engine, node, base, who[several], which[several]), base, 0.9 * self.gap)
        if outcome.ended == "infeasible":
            return self.best
        return min(outcome.bound - 5e-7 - 5e-9 * abs(outcome.bound), self.best)

    def _solve_model(self, model: Core, base: Whole, gap: float, enough: float = -np.inf) -> solver_process.Outcome:
        incumbent = self._base()
        outcome = solver_process.run(
            model.model,
            time_limit=self.watch.left(),
            cancelled=self.watch.stop,
            options={
                "mip_rel_gap": gap,
                "mip_abs_gap": 1e-6,
                "mip_max_nodes": max(_LEAST_NODES, min(_CORE_NODES, _CORE_WORK // len(model.model.names))),
                "objective_target": float(enough),
            },
            start=None if incumbent is None else model.start(incumbent),
        )
        self.notes.append(outcome.status)
        for x in [*outcome.points[-2:], *([outcome.x] if outcome.x is not None else [])]:
            choice = model.choice(base, x)
            self.improve(self.watch.offer(choice, objective(self.engine, choice)))
        return outcome

    def _base(self) -> Whole | None:
        return getattr(self.watch, "choice", None)


def _set(ranges: tuple[tuple[int, int], ...], n: int, part: tuple[int, int]) -> tuple[tuple[int, int], ...]:
    """The ranges with the n-th replaced."""
    return (*ranges[:n], part, *ranges[n + 1 :])


def _piece_at(contract: tuple[object, ...], spend: float, a: int, b: int) -> int:
    for number in range(a, b - 1):
        high = contract[number].high  # type: ignore[attr-defined]
        if high is not None and spend < float(high):
            return number
    return b - 1
