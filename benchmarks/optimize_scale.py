"""The optimizer at scale, on estates that live in memory as arrays: bars B1 to B8 of the decomposition.

Estates, sizes and the reference models are described in benchmarks/README.md. Times are wall-clock of one run; the
floor that times are compared with (one read of all use, one pass of lines x plans x months) is measured beside them.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from benchmarks import Row, _plan_estates

TITLE = "Optimizer: decomposition at scale"
SIZES = (10_000, 100_000, 1_000_000)
_NAIVE_SECONDS = 300


@dataclass
class Solved:
    """One search: what it found and how long it took."""

    value: float
    bound: float
    passes: int
    nodes: int
    seconds: float
    duals: Any
    engine: Any
    choice: Any

    @property
    def gap(self) -> float:
        """Relative gap."""
        return (self.value - self.bound) / self.value


def timed(action: Callable[[], Any]) -> tuple[Any, float]:
    """A result and its seconds."""
    start = time.perf_counter()
    found = action()
    return found, time.perf_counter() - start


def solve(estate: Any, gap: float, start: Any = None, *, close: bool = False) -> Solved:
    """Search an estate from its arrays to a certificate."""
    from optimize.decomposition.branch import BranchAndBound, Silent
    from optimize.decomposition.columns import Engine

    begun = time.perf_counter()
    engine, watch = Engine(estate), Silent()
    found = BranchAndBound(engine, watch, gap, start=start, close=close).run()
    seconds = time.perf_counter() - begun
    return Solved(watch.value, found.bound, found.passes, found.nodes, seconds, found.duals, engine, watch.choice)


def rss() -> float:
    """Peak resident memory so far, GB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2


def run(smoke: bool = False) -> list[Row]:
    """Rows of B2 to B4, B6 to B8; B1 and B5 with their reference solvers where not smoke."""
    sizes = (3_000,) if smoke else SIZES
    solve(_plan_estates.estate(_plan_estates.raw(500), _plan_estates.catalogue(1.0)), 1e-3)  # compiles
    rows: list[Row] = []
    for lines in sizes:
        rows += _pooling(lines, 1.0)
    rows += _pooling(sizes[0] if smoke else 100_000, 1024.0)
    rows += _consolidation(2_000 if smoke else sizes[-1])
    rows += _duals(2_000 if smoke else 50_000)
    rows += _build(200 if smoke else 5_000)
    if not smoke:
        rows += _against_naive(10_000)
    return rows


def _pooling(lines: int, block: float) -> list[Row]:
    """B2, B3, B7: pooling and right-sizing, all carriers open."""
    raw, plans = _plan_estates.raw(lines), _plan_estates.catalogue(block)
    _, reading = timed(lambda: [float(values.sum()) for values in raw.use.values()])
    estate, pricing = timed(lambda: _plan_estates.estate(raw, plans))
    gap = {10_000: 1e-4, 100_000: 2e-5}.get(lines, 5e-6 if lines > 100_000 else 1e-3)
    found = solve(estate, 0.2 * gap)
    total = pricing + found.seconds
    what = f"{lines:,} lines, blocks of {block:,.0f} MB"
    rows = [
        Row(f"{what}: gap", f"{found.gap:.1e}, {found.value - found.bound:,.2f} a month", "", f"{gap:.0e}; 50"),
        Row(
            f"{what}: end to end",
            f"{total:.2f} s ({total / (reading + pricing):.1f} x)",
            f"reading use + one cost pass: {reading + pricing:.2f} s; {found.passes} passes; peak {rss():.2f} GB",
            "15 x, 1.2 GB at 1,000,000" if lines == 1_000_000 else "",
        ),
    ]
    dearer = replace(estate, pools=replace(estate.pools, price=estate.pools.price * 1.02))
    cold, warm = solve(dearer, gap), solve(dearer, gap, found.duals)
    rows.append(
        Row(
            f"{what}: overage 2 % dearer, from the parent's duals",
            f"{warm.seconds:.2f} s, gap {warm.gap:.1e}",
            f"cold {cold.seconds:.2f} s, gap {cold.gap:.1e}",
            "1/2 of cold at 1,000,000" if lines == 1_000_000 else "",
        )
    )
    return rows


def _consolidation(lines: int) -> list[Row]:
    """B4: at most two of four carriers, three all-unit tiers each, commitments, coverage, exit fees."""
    raw, plans = _plan_estates.raw(lines), _plan_estates.catalogue(1.0)
    estate = _plan_estates.estate(raw, plans, consolidation=True)
    found = solve(estate, 1e-5 if lines > 100_000 else 1e-3)
    return [
        Row(
            f"{lines:,} lines, at most 2 of 4 carriers, tiers, commitments",
            f"gap {found.gap:.1e}, {found.passes} passes, {found.seconds:.1f} s",
            f"{found.nodes} nodes; peak {rss():.2f} GB",
            "1e-4, 150 passes",
        )
    ]


def _duals(lines: int) -> list[Row]:
    """B8: what the duals say a little more allowance is worth, against solving again."""
    raw, plans = _plan_estates.raw(lines, seed=5), _plan_estates.catalogue(1.0)
    estate = _plan_estates.estate(raw, plans)
    from optimize.decomposition.columns import Engine

    engine = Engine(estate)
    engine.remember_keep()
    found = engine.generate(engine.root(), engine.neutral(), tolerance=1e-8, most=200)
    used = float(np.maximum(raw.use["data"], 0).mean(axis=1).sum())
    more = 0.002 * used / _plan_estates.CARRIERS
    said = float(found.duals.pull.sum()) * more
    again = Engine(with_allowance(estate, more))
    again.remember_keep()
    second = again.generate(again.root(), found.duals, tolerance=1e-8, most=200)
    real = found.bound - second.bound
    return [
        Row(
            f"{lines:,} lines: 0.2 % more allowance, by duals",
            f"{said:,.2f} a month",
            f"solved again {real:,.2f} ({abs(said - real) / max(real, 1e-9):.2%} apart)",
            "0.1 %",
        )
    ]


def with_allowance(estate: Any, more: float) -> Any:
    """The estate with one more line per pool that brings `more` MB a month and uses and costs nothing."""
    t, pools = estate.templates, len(estate.pools.price)
    g = np.arange(pools)
    templates = replace(
        t,
        first=np.append(t.first, t.first[-1] + 1 + g),
        plan=np.append(t.plan, np.full(pools, -1, dtype=np.int32)),
        carrier=np.append(t.carrier, g.astype(np.int32)),
        contract=np.append(t.contract, np.full(pools, -1, dtype=np.int32)),
        data_pool=np.append(t.data_pool, g.astype(np.int32)),
        voice_pool=np.append(t.voice_pool, np.full(pools, -1, dtype=np.int32)),
        data_allowance=np.append(t.data_allowance, np.full(pools, more)),
        voice_allowance=np.append(t.voice_allowance, np.zeros(pools)),
        fee=np.append(t.fee, np.zeros(pools)),
        leaves=np.append(t.leaves, np.zeros(pools, dtype=np.bool_)),
        limit=np.append(t.limit, np.full(pools, -1, dtype=np.int32)),
        selected=np.append(t.selected, np.zeros(pools, dtype=np.bool_)),
    )
    return replace(
        estate,
        start=np.append(estate.start, estate.start[-1] + 1 + g),
        template=np.append(estate.template, (len(t.selected) + g).astype(np.int32)),
        charge=np.append(estate.charge, np.zeros(pools, dtype=np.float32)),
        exit_fee=np.append(estate.exit_fee, np.zeros(pools, dtype=np.float32)),
        current=np.append(estate.current, np.zeros(pools, dtype=np.int16)),
        data=np.concatenate([estate.data, np.zeros((pools, estate.months), dtype=np.float32)]),
        templates=templates,
    )


def _build(lines: int) -> list[Row]:
    """B6: building the arrays against building the line model in PuLP, object by object."""
    import pulp

    raw, plans = _plan_estates.raw(lines), _plan_estates.catalogue(1.0)
    estate, arrays = timed(lambda: _plan_estates.estate(raw, plans))
    _, engine = timed(lambda: __import__("optimize.decomposition.columns", fromlist=["Engine"]).Engine(estate))
    _, naive = timed(lambda: naive_model(pulp, estate))
    return [
        Row(
            f"{lines:,} lines: arrays built",
            f"{arrays + engine:.3f} s",
            f"naive PuLP {naive:.1f} s ({naive / (arrays + engine):.0f} x)",
            "50 x",
        )
    ]


def naive_model(pulp: Any, estate: Any) -> Any:
    """The line model as people write it first: a binary per line and plan, a row per line, pool and month."""
    t = estate.templates
    model = pulp.LpProblem("naive", pulp.LpMinimize)
    x: dict[tuple[int, int], Any] = {}
    cost = []
    for i in range(estate.lines):
        q = int(estate.template[i])
        for k in range(int(t.first[q + 1] - t.first[q])):
            x[i, k] = pulp.LpVariable(f"x_{i}_{k}", cat="Binary")
            fee = float(t.fee[t.first[q] + k]) if k != estate.current[i] else 0.0
            cost.append((float(estate.charge[estate.start[i] + k]) + fee) * x[i, k])
    over = {
        (g, m): pulp.LpVariable(f"v_{g}_{m}", 0) for g in range(len(estate.pools.price)) for m in range(estate.months)
    }
    rate = estate.pools.rate / estate.months
    model += pulp.lpSum(cost) + pulp.lpSum(float(rate[g]) * v for (g, _), v in over.items())
    for i in range(estate.lines):
        q = int(estate.template[i])
        model += pulp.lpSum(x[i, k] for k in range(int(t.first[q + 1] - t.first[q]))) == 1
    for (g, m), v in over.items():
        terms = []
        for i in range(estate.lines):
            q = int(estate.template[i])
            for k in range(int(t.first[q + 1] - t.first[q])):
                o = int(t.first[q]) + k
                if t.data_pool[o] == g:
                    terms.append((float(estate.data[i, m]) - float(t.data_allowance[o])) * x[i, k])
        model += v >= pulp.lpSum(terms)
    return model


def _against_naive(lines: int) -> list[Row]:
    """B1: end to end against naive PuLP with CBC at the same gap, limited to five minutes of search."""
    import pulp

    raw, plans = _plan_estates.raw(lines), _plan_estates.catalogue(1.0)
    estate, pricing = timed(lambda: _plan_estates.estate(raw, plans))
    found = solve(estate, 1e-4)
    mine = pricing + found.seconds
    model, build = timed(lambda: naive_model(pulp, estate))
    solver = pulp.PULP_CBC_CMD(msg=False, gapRel=1e-4, timeLimit=_NAIVE_SECONDS, threads=1)
    _, search = timed(lambda: model.solve(solver))
    objective = pulp.value(model.objective)
    return [
        Row(
            f"{lines:,} lines against naive PuLP + CBC",
            f"{mine:.2f} s, objective {found.value:,.2f}, gap {found.gap:.1e}",
            f"{build + search:.0f} s, objective {objective:,.2f} ({(build + search) / mine:.0f} x)",
            "200 x",
        )
    ]
