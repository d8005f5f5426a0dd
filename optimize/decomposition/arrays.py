"""The estate as flat arrays: lines, the options of their templates, pools, contracts, limits.

Lines whose options mean the same (plan, pool, contract, carrier, allowance) share a template; a line itself holds
only what each option would charge it, its current option, its exit fee and its pooled use. Amounts are currency a
month, quantities MB or minutes. Options of a line stand in the order of its template.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from optimize.contracts import Segment

MOST_CARRIERS = 62  # a set of carriers is a whole number of 64 bits
MOST_SUBSETS = 20_000  # sets of carriers that a search may start from
Floats = NDArray[Any]
Whole = NDArray[Any]


class Packed(NamedTuple):
    """What the compiled kernels read; see :class:`Estate` for the meaning."""

    months: int
    most_options: int
    most_pools: int
    start: Whole
    template: Whole
    charge: Floats
    exit_fee: Floats
    current: Whole
    data: Floats
    voice: Floats
    active: Whole
    first: Whole
    contract: Whole
    data_pool: Whole
    voice_pool: Whole
    data_allowance: Floats
    voice_allowance: Floats
    fee: Floats
    leaving: Floats
    """1 where the line's exit fee is due, else 0."""
    limit: Whole
    carrier: Whole
    counted: Whole
    pool_first: Whole
    """Template q has pools `pool_first[q]` to `pool_first[q + 1]`, those of data first."""
    data_pools: Whole
    """How many of a template's pools are of data."""
    local_data: Whole
    """Place of an option's pool among those of its template; after the last one where it has none."""
    local_voice: Whole
    is_voice: Whole


@dataclass(frozen=True)
class Templates:
    """The options of all templates, flat; template q has options `first[q]` to `first[q + 1]`."""

    first: Whole
    plan: Whole
    """Plan number, -1 = suspended."""
    carrier: Whole
    """Carrier number, -1 = none."""
    contract: Whole
    """Number among the estate's contracts with terms, -1 = its charges are simply paid."""
    data_pool: Whole
    voice_pool: Whole
    data_allowance: Floats
    voice_allowance: Floats
    fee: Floats
    """One-off fee of changing to the option, spread over the horizon, plus the price of a change."""
    leaves: Whole
    """Whether the line's exit fee is due."""
    limit: Whole
    """Number of the limited plan, -1 = the plan has no limit."""
    selected: Whole
    """Per template: whether its lines count for the maximum of carriers."""


class Ladder(NamedTuple):
    """The totals of buckets that a pool can buy, by allowance: MB or minutes, and currency, a month."""

    allowance: Floats
    mrc: Floats


_NO_BUCKETS = Ladder(np.zeros(1), np.zeros(1))


@dataclass(frozen=True)
class Pools:
    """Pools: price per block, block in MB or minutes (0 = linear, price per unit), voice or data, their contracts."""

    price: Floats
    block: Floats
    is_voice: Whole
    contracts: tuple[tuple[int, ...], ...]
    """Contracts (-1 = none) to which the overage may fall, the first in order of precedence."""
    ladders: tuple[Ladder, ...] = ()
    """Per pool the steps of its buckets; none given: no pool buys any."""

    def ladder(self, g: int) -> Ladder:
        """The steps of a pool; a pool without buckets has one, of nothing."""
        return self.ladders[g] if self.ladders else _NO_BUCKETS

    @property
    def rate(self) -> Floats:
        """Price of one MB or minute of overage, blocks neglected."""
        return self.price / np.where(self.block > 0, self.block, 1.0)


@dataclass(frozen=True)
class Limits:
    """Limits that couple lines; None = no limit."""

    max_carriers: int | None = None
    max_changes: int | None = None
    plan_most: tuple[float, ...] = ()
    """Per limited plan its max_lines (inf = none)."""
    plan_least: tuple[int, ...] = ()
    """Per limited plan its min_lines (a plan is unused or has at least so many)."""


@dataclass(frozen=True)
class Estate:
    """A whole estate; `change_price` is what the objective adds per change beside fees (already in `fee`)."""

    months: int
    start: Whole
    template: Whole
    charge: Floats
    exit_fee: Floats
    current: Whole
    """Position of today's plan among the line's options, -1 = it is none of them."""
    data: Floats
    voice: Floats
    """Pooled use, lines x months (no rows where nothing is pooled)."""
    active: Whole
    """Lines x months, no rows where every line is active in every month."""
    templates: Templates
    pools: Pools
    contracts: tuple[tuple[Segment, ...], ...]
    """Per contract with terms: charged(S) as pieces in order."""
    limits: Limits = field(default_factory=Limits)
    carriers: int = 1
    carrier_cost: tuple[float, ...] = ()
    """Fixed cost of each carrier while any line is with it; empty where none has one."""
    weight: float = 1.0
    """How many lines one line stands for (samples)."""
    shares: Floats = field(default_factory=lambda: np.ones(1))
    """What each month counts against the mean month (a single 1: all alike)."""

    @property
    def lines(self) -> int:
        """Number of lines."""
        return len(self.template)

    @property
    def prices(self) -> Floats:
        """Price of a block in each month as it counts in the sum of the months, pools x months."""
        return self.pools.price.astype(np.float64)[:, None] * np.broadcast_to(self.shares, self.months)

    @property
    def rates(self) -> Floats:
        """What one MB or minute of overage in a month adds to the mean month, pools x months; blocks neglected."""
        return self.pools.rate[:, None] * np.broadcast_to(self.shares, self.months) / self.months

    def packed(self) -> tuple[Packed, Whole]:
        """The arrays in the order the kernels want, and the pools of all templates one after the other."""
        t = self.templates
        pool_first, pool_of, data_pools = [0], [], []
        local_data = np.zeros(len(t.plan), dtype=np.int32)
        local_voice = np.zeros(len(t.plan), dtype=np.int32)
        for q in range(len(t.first) - 1):
            a, b = int(t.first[q]), int(t.first[q + 1])
            data = sorted(set(t.data_pool[a:b].tolist()) - {-1})
            mine = [*data, *sorted(set(t.voice_pool[a:b].tolist()) - {-1})]
            place = {g: n for n, g in enumerate(mine)}
            local_data[a:b] = [place.get(g, len(mine)) for g in t.data_pool[a:b].tolist()]
            local_voice[a:b] = [place.get(g, len(mine)) for g in t.voice_pool[a:b].tolist()]
            pool_of += mine
            data_pools.append(len(data))
            pool_first.append(len(pool_of))
        packed = Packed(
            months=self.months,
            most_options=int(np.diff(t.first).max(initial=0)),
            most_pools=int(np.diff(pool_first).max(initial=0)),
            start=self.start,
            template=self.template,
            charge=self.charge,
            exit_fee=self.exit_fee,
            current=self.current,
            data=self.data,
            voice=self.voice,
            active=self.active,
            first=t.first,
            contract=t.contract,
            data_pool=t.data_pool,
            voice_pool=t.voice_pool,
            data_allowance=t.data_allowance,
            voice_allowance=t.voice_allowance,
            fee=t.fee,
            leaving=t.leaves.astype(np.float64),
            limit=t.limit,
            carrier=t.carrier,
            counted=t.selected,
            pool_first=np.array(pool_first, dtype=np.int32),
            data_pools=np.array(data_pools, dtype=np.int32),
            local_data=local_data,
            local_voice=local_voice,
            is_voice=self.pools.is_voice,
        )
        return packed, np.array(pool_of, dtype=np.int64)

    def part(self, lines: Whole, weight: float) -> Estate:
        """The estate of some lines, each standing for `weight` of them."""
        sizes = (self.start[lines + 1] - self.start[lines]).astype(np.int64)
        start = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        where = np.repeat(self.start[lines] - start[:-1], sizes) + np.arange(start[-1])
        return Estate(
            months=self.months,
            start=start,
            template=self.template[lines],
            charge=self.charge[where],
            exit_fee=self.exit_fee[lines],
            current=self.current[lines],
            data=self.data[lines] if len(self.data) else self.data,
            voice=self.voice[lines] if len(self.voice) else self.voice,
            active=self.active[lines] if len(self.active) else self.active,
            templates=self.templates,
            pools=self.pools,
            contracts=self.contracts,
            limits=self.limits,
            carriers=self.carriers,
            carrier_cost=self.carrier_cost,
            weight=weight,
            shares=self.shares,
        )


def blocks_of(estate: Estate, most: int) -> Whole:
    """A block number per line: lines of the same carrier of today and like use stand together, `most` blocks at most.

    Blocks are the units of the master: the finer they are, the closer its mixtures come to single lines.
    """
    n = estate.lines
    if n <= most:
        return np.arange(n, dtype=np.int32)
    t = estate.templates
    chosen = np.where(estate.current >= 0, estate.current, 0)
    group = t.carrier[t.first[estate.template] + chosen].astype(np.int64) + 1
    level = np.zeros(n)
    for use in (estate.data, estate.voice):
        if len(use):
            mean = use.mean(axis=1, dtype=np.float64)
            level += mean / max(float(mean.mean()), 1e-9)
    if not level.any():
        level = estate.charge[estate.start[:-1]].astype(np.float64)
    found = np.zeros(n, dtype=np.int32)
    counts = np.bincount(group)
    number = 0
    for g in np.flatnonzero(counts):
        mine = np.flatnonzero(group == g)
        parts = max(1, int(most * len(mine) / n))
        order = np.argsort(level[mine], kind="stable")
        rank = np.empty(len(mine), dtype=np.int64)
        rank[order] = np.arange(len(mine))
        found[mine] = number + rank * parts // len(mine)
        number += parts
    return found
