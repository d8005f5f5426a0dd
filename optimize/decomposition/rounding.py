"""From a mixture to whole plans: split blocks along their lines, then exact local search on near ties."""

from __future__ import annotations

import numpy as np

from optimize.decomposition import kernels
from optimize.decomposition.arrays import Estate, Floats, Whole
from optimize.decomposition.columns import Engine
from optimize.decomposition.master import Duals, Mixture, Node
from optimize.decomposition.steps import best_steps, charged_for

Pieces = tuple[Floats, Floats, Floats, Whole]
_MOST_LINES, _MOVES = 60_000, 50_000
_PAIRED = 4_000  # moves that are tried two at a time
_SWEEPS = 12
_STEEP = 5.0


def pieces_of(estate: Estate) -> Pieces:
    """What the contracts charge, as the kernels take it: low ends, fixed parts, slopes, first piece per contract."""
    flat = [piece for contract in estate.contracts for piece in contract]
    first = np.cumsum([0, *(len(c) for c in estate.contracts)]).astype(np.int64)
    low = np.array([float(p.low) for p in flat])
    return low, np.array([float(p.fixed) for p in flat]), np.array([float(p.slope) for p in flat]), first


def aimed(engine: Engine, node: Node) -> Pieces:
    """The contracts' functions with steep walls around the node's open pieces, a little inside their ends.

    A plan that misses a tier by one line loses the whole discount; the walls lead the search to where the mixture is.
    """
    estate = engine.estate
    low: list[float] = []
    fixed: list[float] = []
    slope: list[float] = []
    first = [0]
    margin = 1e-6 * engine.shape.lines
    for c, contract in enumerate(estate.contracts):
        a, b = node.pieces[c]
        begin, end = float(contract[a].low), contract[b - 1].high
        mine = [(float(p.low), float(p.fixed), float(p.slope)) for p in contract[a:b]]
        if a > 0:
            at = begin + margin
            value = mine[0][1] + mine[0][2] * at
            mine = [(float("-inf"), value + _STEEP * at, -_STEEP), (at, *mine[0][1:]), *mine[1:]]
        if end is not None and b < len(contract):
            at = float(end) - margin
            value = mine[-1][1] + mine[-1][2] * at
            mine.append((at, value - _STEEP * at, _STEEP))
        for piece in mine:
            low.append(piece[0])
            fixed.append(piece[1])
            slope.append(piece[2])
        first.append(len(low))
    return np.array(low), np.array(fixed), np.array(slope), np.array(first, dtype=np.int64)


def pools_of(estate: Estate) -> tuple[Floats, Floats, Whole]:
    """Price by month, block and paying contract of each pool."""
    owner = np.array([owners[0] for owners in estate.pools.contracts], dtype=np.int64)
    return estate.prices, estate.pools.block.astype(np.float64), owner


def most_of(estate: Estate) -> Floats:
    """Limits as the kernels take them: changes, then lines per limited plan."""
    changes = estate.limits.max_changes
    return np.array([np.inf if changes is None else float(changes), *estate.limits.plan_most])


def spend_of(
    engine: Engine, sums: Floats, ranges: tuple[tuple[int, int], ...] | None = None
) -> tuple[Floats, float, Whole]:
    """Spend per contract of summed choices, charges under no contract, and the step of each pool's buckets.

    Pool overage is in started blocks; each pool has the buckets (among `ranges`) that are cheapest for these choices.
    """
    s = engine.shape
    pull = sums[2 + s.contracts + s.limits :].reshape(s.pools, s.months)
    spend = sums[1 : 1 + s.contracts]
    found = best_steps(engine.estate, pools_of(engine.estate)[2], pull, spend, ranges)
    return spend + found.spend, found.free, found.step


def objective(engine: Engine, choice: Whole) -> float:
    """What choices cost, with started blocks and the contracts' true charges (64-bit; the evaluator decides)."""
    sums = engine.sums_of(choice)
    spend, total, _ = spend_of(engine, sums)
    for amount, contract in zip(spend, engine.estate.contracts, strict=True):
        total += float(charged_for(contract, np.array([amount]))[0])
    return float(sums[0]) + total + engine.carriers_cost(choice)


def rounded(engine: Engine, mixture: Mixture) -> Whole:
    """Whole choices that mix every block as the master does."""
    where = kernels.spread(engine.block, mixture.starts, mixture.shares)
    found = np.zeros(engine.estate.lines, dtype=np.int16)
    for number in np.unique(mixture.passes):
        mine = mixture.passes[where] == number
        found[mine] = engine.memory.choices[int(number)][mine]
    return found


def search(
    engine: Engine,
    choice: Whole,
    moves: tuple[Whole, Whole],
    pieces: Pieces,
    *,
    sweeps: int = _SWEEPS,
    enough: float = -1e-9,
    pairs: bool = False,
    ranges: tuple[tuple[int, int], ...] | None = None,
) -> int:
    """Exact local search over moves (lines, options) on choices, in place: single moves, or two at a time.

    A single move is made where it changes the objective by less than `enough`. Every pool keeps the buckets that are
    cheapest (among `ranges`) for the choices as they come. Returns how many were made.
    """
    estate, s = engine.estate, engine.shape
    sums = engine.sums_of(choice)
    spend, _, step = spend_of(engine, sums, ranges)
    for g, k in enumerate(step.tolist()):
        at = 2 + s.contracts + s.limits + g * s.months
        sums[at : at + s.months] -= estate.pools.ladder(g).allowance[k]
    context = (*moves, pools_of(estate), pieces, most_of(estate), 2 + s.contracts + s.limits)
    if pairs:
        return int(kernels.improve_pairs(engine.packed, choice, sums, spend, *context, sweeps))
    return int(kernels.improve(engine.packed, choice, sums, spend, *context, sweeps, enough))


def improved(engine: Engine, node: Node, duals: Duals, choice: Whole, *, deep: bool = True) -> Whole:
    """Exact local search from `choice` over the moves that the duals leave closest to a tie (of every n-th line).

    `deep` adds pairs of moves to single moves.
    """
    if engine.estate.weight != 1.0:
        raise ValueError("a sample has no whole plans")
    prices = engine.prices(duals, node)
    choice = _within_changes(engine, prices, choice.astype(np.int16))
    scale = abs(objective(engine, choice)) / engine.estate.lines
    if scale <= 0:
        return choice
    n = engine.estate.lines
    some = min(n, _MOST_LINES)
    lines = np.arange(some) * n // some
    room = scale * (2.0 if n <= 2_000 else 0.6 if n <= _MOST_LINES else 0.1)
    moves = _by_doubt(*kernels.near(engine.packed, prices, lines, room))
    pieces = pieces_of(engine.estate)
    if engine.shape.contracts:
        search(engine, choice, moves, aimed(engine, node), ranges=node.steps)
    if node.steps != engine.root().steps:
        search(engine, choice, moves, pieces, ranges=node.steps)
    for _ in range(_SWEEPS if engine.estate.pools.ladders else 1):  # other plans may call for other buckets
        if not search(engine, choice, moves, pieces):
            break
    if not deep:
        return choice
    few = (moves[0][:_PAIRED], moves[1][:_PAIRED])
    while search(engine, choice, few, pieces, pairs=True) and search(engine, choice, moves, pieces):
        pass
    return choice


def _by_doubt(who: Whole, which: Whole, dear: Floats) -> tuple[Whole, Whole]:
    """Candidates, which stand line by line, in order of what they cost at the duals; a line's best option comes with
    its second best."""
    first = np.flatnonzero(np.diff(who, prepend=-1))
    sizes = np.diff(first, append=len(who))
    dear = dear.copy()
    cheapest = np.flatnonzero(dear == np.repeat(np.minimum.reduceat(dear, first), sizes)) if len(first) else first
    best = cheapest[np.diff(who[cheapest], prepend=-1) > 0]
    dear[best] = np.inf
    dear[best] = np.minimum.reduceat(dear, first) if len(first) else dear[best]
    kept = np.isfinite(dear)
    if np.count_nonzero(kept) > _MOVES:
        kept = dear <= np.partition(dear, _MOVES)[_MOVES]
    who, which, dear = who[kept], which[kept], dear[kept]
    order = np.lexsort((which, who, dear))
    return who[order][:_MOVES], which[order][:_MOVES]


def _within_changes(engine: Engine, prices: kernels.Prices, choice: Whole) -> Whole:
    """Take back the changes that bring least until the maximum of changes holds."""
    most, current = engine.estate.limits.max_changes, engine.estate.current
    if most is None:
        return choice
    counted = engine.estate.templates.selected[engine.estate.template].astype(bool)
    changed = np.flatnonzero((choice != current) & (current >= 0) & counted)
    forced = int(((choice != current) & (current < 0) & counted).sum())
    excess = len(changed) + forced - most
    if excess <= 0 or excess > len(changed):
        return choice
    who, which, dear = kernels.near(engine.packed, prices, changed, np.inf)
    worth = np.full(engine.estate.lines, np.inf)
    worth[who[which == current[who]]] = dear[which == current[who]]
    now = np.zeros(engine.estate.lines)
    now[who[which == choice[who]]] = dear[which == choice[who]]
    order = changed[np.argsort(worth[changed] - now[changed], kind="stable")][:excess]
    choice = choice.copy()
    choice[order] = current[order]
    return choice
