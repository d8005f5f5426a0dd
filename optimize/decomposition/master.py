"""The Dantzig-Wolfe master: mix earlier passes block by block, and read duals off the mixture.

A column is one block of lines in one pricing pass. Rows: one mixture per block, the pull on every pool and month, the
spend of every contract, limits. Each contract charges the lower envelope of the pieces that its node leaves open.
Everything is per line and pool rows are scaled by their mean use, so that tolerances mean the same at every size.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import Any

import highspy
import numpy as np

from optimize.decomposition.arrays import Estate, Floats, Whole
from optimize.decomposition.steps import hull

_BIG = 50.0
_RECENT = 40
_OPTIONS = {
    "output_flag": False,
    "threads": 1,
    "random_seed": 7,
    "presolve": "off",
    "primal_feasibility_tolerance": 1e-9,
    "dual_feasibility_tolerance": 1e-9,
}


class MasterCannotRun(RuntimeError):
    """HiGHS refuses to run. Its pool of threads is one for the process: whoever used it first decides their number."""

    def __str__(self) -> str:
        return "HiGHS does not run: this process has used it with another number of threads than 1, which it wants here"


@dataclass(frozen=True)
class Duals:
    """Prices of what couples lines: use per pool and month, spend per contract, a change, a line on a limited plan."""

    pull: Floats
    """lambda, currency per MB or minute."""
    spend: Floats
    """rho: what one more unit of spend really costs under each contract."""
    change: float
    limit: Floats

    def mixed(self, other: Duals, share: float) -> Duals:
        """`share` of these and the rest of the others."""
        rest = 1.0 - share
        return Duals(
            share * self.pull + rest * other.pull,
            share * self.spend + rest * other.spend,
            share * self.change + rest * other.change,
            share * self.limit + rest * other.limit,
        )


@dataclass(frozen=True)
class Node:
    """A part of the search: the carriers open to selected lines (None = all), open pieces and steps.

    `paid`: carriers whose fixed cost is owed in this part, as a line is with them.
    """

    carriers: frozenset[int] | None
    pieces: tuple[tuple[int, int], ...]
    """Per contract the first and the end of its open pieces."""
    steps: tuple[tuple[int, int], ...]
    """The same per pool for the steps of its buckets."""
    paid: frozenset[int] = frozenset()

    def fixed_cost(self, estate: Estate) -> float:
        """What is owed for carriers in every solution of this part."""
        return sum(estate.carrier_cost[k] for k in sorted(self.paid))

    def forbids(self, bits: Whole) -> Whole:
        """Whether sets of used carriers (bits) contain one that is closed."""
        if self.carriers is None:
            return np.zeros(len(bits), dtype=bool)
        open_bits = sum(1 << c for c in self.carriers)
        return (bits & ~np.int64(open_bits)) != 0


@dataclass
class Mixture:
    """What the master found: its value, its duals, and per block the passes it mixes with their shares."""

    value: float
    duals: Duals
    starts: Whole
    passes: Whole
    shares: Floats
    slack: float
    spend: Floats
    """Spend per contract of the mixture."""
    envelope: Floats
    """What the envelope charges for that spend."""
    bought: Floats
    """Allowance of buckets that the mixture has per pool."""
    flattery: Floats
    """Per pool what its buckets and overage cost at least for the mixture's use, beyond what the mixture pays."""


@dataclass(frozen=True)
class Shape:
    """Sizes and scales that master, bound and search share."""

    blocks: int
    pools: int
    months: int
    contracts: int
    limits: int
    lines: float
    unit: Floats
    """Mean use per line of each pool: what its rows are divided by."""
    most_pull: Floats
    """pools x months: no choice pulls more."""
    spend_range: Floats
    """contracts x 2: spend without pool overage is in between."""
    overage_most: Floats
    """Per contract: no pool overage can add more spend."""
    spare: Floats
    """pools x months: allowance that a pool has beside that of its lines."""

    @property
    def width(self) -> int:
        """Number of sums per block."""
        return 2 + self.contracts + self.limits + self.pools * self.months


def ends(estate: Estate, shape: Shape, node: Node, c: int) -> list[tuple[float, float]]:
    """(spend, charged) at the ends of the open pieces of contract c, within what spend can be."""
    low = float(shape.spend_range[c, 0])
    high = float(shape.spend_range[c, 1] + shape.overage_most[c])
    found = []
    for number in range(*node.pieces[c]):
        piece = estate.contracts[c][number]
        begin = max(low, float(piece.low)) if number else low
        end = high if piece.high is None else min(high, float(piece.high))
        if begin <= end:
            found += [(s, float(piece.fixed) + float(piece.slope) * s) for s in (begin, end)]
    return found


def quiet_highs() -> Any:
    """HiGHS without the banner that it prints on stdout when it is made: commands print their documents there."""
    sys.stdout.flush()
    kept, nowhere = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 1)
        return highspy.Highs()
    finally:
        os.dup2(kept, 1)
        os.close(kept)
        os.close(nowhere)


class Master:
    """The restricted master of one node; columns are added pass by pass."""

    def __init__(self, estate: Estate, shape: Shape, node: Node) -> None:
        self.estate, self.shape, self.node = estate, shape, node
        self.highs = quiet_highs()
        for name, value in _OPTIONS.items():
            self.highs.setOptionValue(name, value)
        self.owner: list[tuple[int, int]] = []
        self._rows()
        self._side()

    # Rows: blocks, pulls, spends, hulls, changes, limits.

    def _rows(self) -> None:
        s, estate = self.shape, self.estate
        size = s.pools * s.months
        self.pull_row = s.blocks
        self.spend_row = self.pull_row + size
        self.hull_row = self.spend_row + s.contracts
        self.change_row = self.hull_row + s.contracts
        self.limit_row = self.change_row + (estate.limits.max_changes is not None)
        self.step_row = self.limit_row + s.limits
        self.stepped = [g for g in range(s.pools) if estate.pools.ladder(g).allowance.any()]
        inf = highspy.kHighsInf
        spare = (-s.spare / s.unit[:, None] / s.lines).ravel().tolist()
        low = [1.0] * s.blocks + spare + [0.0] * s.contracts + [1.0] * s.contracts
        high = [1.0] * s.blocks + [inf] * size + [0.0] * s.contracts + [1.0] * s.contracts
        if estate.limits.max_changes is not None:
            low.append(-inf)
            high.append(estate.limits.max_changes / s.lines)
        for most in estate.limits.plan_most:
            low.append(-inf)
            high.append(inf if np.isinf(most) else most / s.lines)
        low += [1.0] * len(self.stepped)
        high += [1.0] * len(self.stepped)
        for a, b in zip(low, high, strict=True):
            self.highs.addRow(a, b, 0, np.zeros(0, dtype=np.int32), np.zeros(0))

    def _column(self, cost: float, entries: list[tuple[int, float]], high: float = highspy.kHighsInf) -> int:
        rows = np.array([r for r, v in entries if v], dtype=np.int32)
        values = np.array([v for _, v in entries if v], dtype=np.float64)
        self.highs.addCol(cost, 0.0, high, len(rows), rows, values)
        return self.highs.getNumCol() - 1

    def _side(self) -> None:
        s, estate = self.shape, self.estate
        rate = estate.rates
        for g in range(s.pools):
            for t in range(s.months):
                row = self.pull_row + g * s.months + t
                cost = float(rate[g, t] * s.unit[g])
                for c in estate.pools.contracts[g]:
                    entries = [(row, 1.0)]
                    if c >= 0:
                        entries.append((self.spend_row + c, cost))
                    self._column(0.0 if c >= 0 else cost, entries, float(s.most_pull[g, t] / s.lines / s.unit[g]))
        for c in range(s.contracts):
            for spend, charged in ends(estate, s, self.node, c) or [(0.0, _BIG * s.lines)]:
                entries = [(self.spend_row + c, -spend / s.lines), (self.hull_row + c, 1.0)]
                self._column(charged / s.lines, entries)
        self.step_from = self.highs.getNumCol()
        self.step_columns: list[tuple[int, int]] = []
        for n, g in enumerate(self.stepped):
            self._steps(self.step_row + n, g)
        self.slack_from = self.highs.getNumCol()
        for c in range(s.contracts):
            self._column(_BIG, [(self.spend_row + c, 1.0)])
            self._column(_BIG, [(self.spend_row + c, -1.0)])
        penalty = _BIG * max(1.0, float(np.abs(s.spend_range).max(initial=1.0)) / s.lines)
        for row in range(self.change_row, self.limit_row + s.limits):
            self._column(penalty, [(row, -1.0)])
        self.slack_to = self.highs.getNumCol()

    def _steps(self, row: int, g: int) -> None:
        """A pool mixes the open steps of its ladder; each is paid under one of the contracts that may pay."""
        s, ladder = self.shape, self.estate.pools.ladder(g)
        begin, end = self.node.steps[g]
        for k in hull(ladder, begin, end):
            brought = float(ladder.allowance[k]) / s.lines / float(s.unit[g])
            mrc = float(ladder.mrc[k]) / s.lines
            for c in self.estate.pools.contracts[g] if mrc else (-1,):
                entries = [(row, 1.0), *((self.pull_row + g * s.months + t, brought) for t in range(s.months))]
                if c >= 0:
                    entries.append((self.spend_row + c, mrc))
                self._column(0.0 if c >= 0 else mrc, entries)
                self.step_columns.append((g, k))

    def add(self, number: int, sums: Floats, bits: Whole) -> None:
        """The columns of a pass, one per block; blocks that use a closed carrier are left out."""
        s, c0 = self.shape, self.shape.contracts
        closed = self.node.forbids(bits)
        scale = np.ones(s.width) / s.lines
        base = 2 + c0 + s.limits
        scale[base:] /= np.repeat(s.unit, s.months)
        scaled = sums * scale
        rows = np.concatenate(
            [
                np.arange(self.pull_row, self.pull_row + s.pools * s.months),
                np.arange(self.spend_row, self.spend_row + c0),
            ]
        ).astype(np.int32)
        for b in range(s.blocks):
            if closed[b]:
                continue
            values = np.concatenate([-scaled[b, base:], scaled[b, 1 : 1 + c0]])
            extra_rows, extra = [b], [1.0]
            if self.estate.limits.max_changes is not None:
                extra_rows.append(self.change_row)
                extra.append(scaled[b, 1 + c0])
            for n in range(s.limits):
                extra_rows.append(self.limit_row + n)
                extra.append(scaled[b, 2 + c0 + n])
            where = np.concatenate([rows, np.array(extra_rows, dtype=np.int32)])
            what = np.concatenate([values, np.array(extra)])
            keep = np.abs(what) > 1e-13
            self.highs.addCol(float(scaled[b, 0]), 0.0, highspy.kHighsInf, int(keep.sum()), where[keep], what[keep])
            self.owner.append((b, number))

    def solve(self) -> Mixture | None:
        """The best mixture of the columns so far; None if HiGHS does not finish.

        Raises:
            MasterCannotRun: if HiGHS does not even begin.
        """
        failed = self.highs.run() == highspy.HighsStatus.kError
        status = self.highs.getModelStatus()
        if failed and status == highspy.HighsModelStatus.kNotset:
            raise MasterCannotRun
        if status != highspy.HighsModelStatus.kOptimal:
            return None
        s = self.shape
        solution = self.highs.getSolution()
        x, y = np.array(solution.col_value), np.array(solution.row_dual)
        pull = np.maximum(y[self.pull_row : self.spend_row], 0.0).reshape(s.pools, s.months) / s.unit[:, None]
        duals = Duals(
            pull=pull,
            spend=-y[self.spend_row : self.hull_row],
            change=max(0.0, -float(y[self.change_row])) if self.estate.limits.max_changes is not None else 0.0,
            limit=np.maximum(0.0, -y[self.limit_row : self.limit_row + s.limits]),
        )
        mixed: list[list[tuple[int, float]]] = [[] for _ in range(s.blocks)]
        for (b, number), share in zip(self.owner, x[self.slack_to :].tolist(), strict=True):
            if share > 1e-9:
                mixed[b].append((number, share))
        starts = np.cumsum([0, *(len(m) for m in mixed)]).astype(np.int64)
        flat = [item for m in mixed for item in m]
        spend, envelope = self._spend(x)
        bought, flattery = self._bought(x, np.array(solution.row_value), duals)
        return Mixture(
            value=self.highs.getInfo().objective_function_value * s.lines + self.node.fixed_cost(self.estate),
            duals=duals,
            starts=starts,
            passes=np.array([n for n, _ in flat], dtype=np.int64),
            shares=np.array([share for _, share in flat]),
            slack=float(x[self.slack_from : self.slack_to].sum()),
            spend=spend,
            envelope=envelope,
            bought=bought,
            flattery=flattery,
        )

    def _spend(self, x: Floats) -> tuple[Floats, Floats]:
        """Spend per contract and what the envelope charges for it."""
        s = self.shape
        column = sum(len(owners) for owners in self.estate.pools.contracts) * s.months
        found, charged = np.zeros(s.contracts), np.zeros(s.contracts)
        for c in range(s.contracts):
            for spend, amount in ends(self.estate, s, self.node, c) or [(0.0, 0.0)]:
                found[c] += x[column] * spend
                charged[c] += x[column] * amount
                column += 1
        return found, charged

    def _bought(self, x: Floats, activity: Floats, duals: Duals) -> tuple[Floats, Floats]:
        """Allowance bought per pool, and how much more the cheapest single step would cost for the same use."""
        s, pools = self.shape, self.estate.pools
        bought, flattery = np.zeros(s.pools), np.zeros(s.pools)
        if not self.stepped:
            return bought, flattery
        paid = np.zeros(s.pools)
        for (g, k), share in zip(self.step_columns, x[self.step_from :].tolist(), strict=False):
            bought[g] += share * float(pools.ladder(g).allowance[k])
            paid[g] += share * float(pools.ladder(g).mrc[k])
        owners = np.repeat([len(found) for found in pools.contracts], s.months)
        over = np.add.reduceat(x[: int(owners.sum())], np.cumsum(owners) - owners).reshape(s.pools, s.months)
        left = activity[self.pull_row : self.spend_row].reshape(s.pools, s.months)
        scale = s.unit * s.lines
        rates = self.estate.rates
        for g in self.stepped:
            begin, end = self.node.steps[g]
            use = bought[g] + (over[g] - left[g]) * scale[g]
            ladder = pools.ladder(g)
            excess = np.maximum(use[None, :] - ladder.allowance[begin:end, None], 0.0)
            price = min(max(0.0, float(duals.spend[c])) if c >= 0 else 1.0 for c in pools.contracts[g])
            least = float((ladder.mrc[begin:end] + excess @ rates[g]).min())
            flattery[g] = price * (least - paid[g] - float(over[g] @ rates[g]) * scale[g])
        return bought, flattery


class Memory:
    """Passes that were made: choices, sums and carriers, shared by all nodes of a search; old ones are let go."""

    def __init__(self) -> None:
        self.choices: dict[int, Whole] = {}
        self.sums: dict[int, Floats] = {}
        self.bits: dict[int, Whole] = {}
        self._next = 0

    def keep(self, choice: Whole, sums: Floats, bits: Whole) -> int:
        """Add a pass and return its number."""
        number = self._next
        self._next += 1
        self.choices[number] = choice.astype(np.int8) if choice.max(initial=0) < 127 else choice
        self.sums[number], self.bits[number] = sums, bits
        return number

    def known(self) -> list[int]:
        """The numbers of the passes that are still held."""
        return list(self.sums)

    def forget(self, mixture: Mixture | None) -> None:
        """Let all passes go but the first (today's plans), those of the mixture and the newest."""
        wanted = {0} | set(self.known()[-_RECENT:])
        if mixture is not None:
            wanted |= set(mixture.passes.tolist())
        for number in [n for n in self.sums if n not in wanted]:
            del self.choices[number], self.sums[number], self.bits[number]
