"""The optimizer at scale, on estates that live in memory as arrays: bars B1 to B8 of the decomposition.

Estates, sizes and the reference models are described in benchmarks/README.md. Seconds are processor time, which other
work on the machine hardly changes; the floor that they are compared with (one read of all use, one pass of lines x
plans x months) is measured beside them.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from benchmarks import Row, _plan_estates, _plan_references

TITLE = "Optimizer: decomposition at scale"
SIZES = (10_000, 100_000, 1_000_000)
_GAPS = {10_000: 1e-4, 100_000: 2e-5, 1_000_000: 5e-6}
_CBC_SECONDS, _HIGHS_SECONDS = 300, 120
_EXACT = 1e-9
_WHOLE_LP = 10_000  # lines up to which HiGHS solves the whole LP beside the passes


@dataclass
class Solved:
    """One search: what it found and the processor time it took."""

    value: float
    bound: float
    passes: int
    nodes: int
    seconds: float
    duals: Any
    columns: Any

    @property
    def gap(self) -> float:
        """Relative gap."""
        return (self.value - self.bound) / self.value


def timed(action: Callable[[], Any]) -> tuple[Any, float]:
    """A result and its processor seconds."""
    start = time.process_time()
    found = action()
    return found, time.process_time() - start


def solve(estate: Any, gap: float, parent: Solved | None = None) -> Solved:
    """Search an estate from its arrays to a certificate, without integer models; `parent` starts it."""
    from optimize.decomposition.branch import BranchAndBound, Silent
    from optimize.decomposition.columns import Engine

    watch = Silent()
    known = {} if parent is None else {"start": parent.duals, "columns": parent.columns}
    found, seconds = timed(lambda: BranchAndBound(Engine(estate), watch, gap, close=False, **known).run())
    return Solved(watch.value, found.bound, found.passes, found.nodes, seconds, found.duals, found.columns)


def rss() -> float:
    """Peak resident memory so far, GB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2


def run(smoke: bool = False) -> list[Row]:
    """Rows of B2 to B4, B6 to B8; B1 and B5 with their reference solvers where not smoke."""
    if smoke:
        rows, base = _pooling(600, 1.0, wide=True)
        return [*rows, *_consolidation(300, base, wide=True), *_duals(300, wide=True), *_build(60)]
    for consolidation in (False, True):  # compiles
        raw = _plan_estates.raw(500)
        solve(_plan_estates.estate(raw, _plan_estates.catalogue(1.0), consolidation=consolidation), 1e-3)
    rows = []
    for lines in SIZES:
        more, base = _pooling(lines, 1.0)
        rows += more
    rows += _consolidation(SIZES[-1], base)
    rows += _pooling(100_000, 1024.0)[0]
    for lines in (2_000, 10_000, 50_000):
        rows += _duals(lines)
    rows += _build(5_000)
    rows += _against_naive(10_000)
    rows += _small(1_000)
    return rows


def _pooling(lines: int, block: float, *, wide: bool = False) -> tuple[list[Row], float]:
    """B2, B3, B7: pooling and right-sizing, all carriers open; also what B3 took."""
    raw, plans = _plan_estates.raw(lines), _plan_estates.catalogue(block)
    _, reading = timed(lambda: [float(values.sum()) for values in raw.use.values()])
    estate, pricing = timed(lambda: _plan_estates.estate(raw, plans, wide=wide))
    gap = _GAPS.get(lines, 1e-3)
    found = solve(estate, gap)
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
    cold, warm = solve(dearer, gap), solve(dearer, gap, found)
    rows.append(
        Row(
            f"{what}: overage 2 % dearer, from the parent's duals and columns",
            f"{warm.seconds:.2f} s, {warm.passes} passes, gap {warm.gap:.1e}",
            f"cold {cold.seconds:.2f} s, {cold.passes} passes, gap {cold.gap:.1e} ({warm.seconds / cold.seconds:.2f})",
            "1/2 of cold at 1,000,000" if lines == 1_000_000 else "",
        )
    )
    return rows, total


def _consolidation(lines: int, base: float, *, wide: bool = False) -> list[Row]:
    """B4: at most two of four carriers, three all-unit tiers each, commitments, coverage, exit fees."""
    raw, plans = _plan_estates.raw(lines), _plan_estates.catalogue(1.0)
    estate, pricing = timed(lambda: _plan_estates.estate(raw, plans, consolidation=True, wide=wide))
    found = solve(estate, 5e-6 if lines > 100_000 else 5e-3)
    total = pricing + found.seconds
    return [
        Row(
            f"{lines:,} lines, at most 2 of 4 carriers, tiers, commitments",
            f"gap {found.gap:.1e}, {found.passes} passes, {total:.1f} s",
            f"pooling alone {base:.1f} s ({total / base:.1f} x); {found.nodes} nodes; peak {rss():.2f} GB",
            "1e-4, 150 passes, 25 x",
        )
    ]


def _duals(lines: int, *, wide: bool = False) -> list[Row]:
    """B8: what duals say 0.2 % more allowance is worth, against solving again, and against HiGHS on the whole LP."""
    raw, plans = _plan_estates.raw(lines, seed=5), _plan_estates.catalogue(1.0)
    estate = _plan_estates.estate(raw, plans, wide=wide)
    used = float(np.maximum(raw.use["data"], 0).mean(axis=1).sum())
    more = 0.002 * used / _plan_estates.CARRIERS
    here = _relaxed(estate, 0.0)
    there = _relaxed(estate, more, here.duals)
    slopes = [float(found.duals.pull.sum()) * more for found in (here, there)]
    said, real = sum(slopes) / 2, here.bound - there.bound

    def apart(value: float, other: float) -> str:
        return f"{abs(value - other) / max(abs(other), 1e-9):.2%} apart"

    against = f"solved again {real:,.2f} ({apart(said, real)})"
    if lines <= _WHOLE_LP:
        whole = _whole_lp(estate, 0.0) - _whole_lp(estate, more)
        against += f", by HiGHS on the whole LP {whole:,.2f} ({apart(said, whole)})"
    return [
        Row(
            f"{lines:,} lines: 0.2 % more allowance, mean of the duals before and after",
            f"{said:,.2f} a month",
            f"{against}; duals before alone {slopes[0]:,.2f} ({apart(slopes[0], real)}), after alone {slopes[1]:,.2f}",
            "0.1 %",
        )
    ]


def _relaxed(estate: Any, more: float, start: Any = None) -> Any:
    """The relaxation, with `more` MB in every month of every pool."""
    from optimize.decomposition.columns import Engine

    engine = Engine(estate, spare=np.full((len(estate.pools.price), estate.months), more))
    engine.remember_keep()
    return engine.generate(engine.root(), start or engine.neutral(), tolerance=_EXACT, most=200)


def _whole_lp(estate: Any, more: float) -> float:
    """The same by HiGHS: the LP of all undominated options."""
    from optimize import solver_process

    model = _plan_references.compact_model(estate)
    for row, group in enumerate(model.row_groups):
        if group == "pool":
            model.row_high[row] += more
    return solver_process.run(model, relax=True).objective


def _build(lines: int) -> list[Row]:
    """B6: building the arrays and the product's PuLP model against the line model in PuLP, object by object."""
    import pulp

    from optimize.decomposition.columns import Engine
    from optimize.model_pulp import to_pulp

    raw, plans = _plan_estates.raw(lines), _plan_estates.catalogue(1.0)
    estate, arrays = timed(lambda: _plan_estates.estate(raw, plans))
    _, engine = timed(lambda: Engine(estate))
    _, compact = timed(lambda: to_pulp(_plan_references.compact_model(estate)))
    _, naive = timed(lambda: _plan_references.naive_model(pulp, estate))
    return [
        Row(
            f"{lines:,} lines: arrays built",
            f"{arrays + engine:.3f} s",
            f"naive PuLP {naive:.1f} s ({naive / (arrays + engine):.0f} x)",
            "50 x",
        ),
        Row(
            f"{lines:,} lines: the product's PuLP model built",
            f"{compact:.2f} s",
            f"naive PuLP {naive:.1f} s ({naive / compact:.1f} x)",
            "4 x",
        ),
    ]


def _against_naive(lines: int) -> list[Row]:
    """B1: end to end against naive PuLP with CBC at the same gap, limited to five minutes of search."""
    raw, plans = _plan_estates.raw(lines), _plan_estates.catalogue(1.0)
    estate, pricing = timed(lambda: _plan_estates.estate(raw, plans))
    found = solve(estate, 1e-4)
    mine = pricing + found.seconds
    naive = _plan_references.solved(lines, "cbc", _CBC_SECONDS, 1e-4)
    total = naive["build"] + naive["search"]
    return [
        Row(
            f"{lines:,} lines against naive PuLP + CBC",
            f"{mine:.2f} s, objective {found.value:,.2f}, gap {found.gap:.1e}",
            f"{total:.0f} s, objective {naive['objective']:,.2f} ({total / mine:.0f} x)",
            "200 x",
        )
    ]


def _small(lines: int) -> list[Row]:
    """B5: a small estate against naive PuLP with CBC and against HiGHS on arrays."""
    cbc = _plan_references.solved(lines, "cbc", _CBC_SECONDS, 1e-6)
    highs = _plan_references.solved(lines, "highs", _HIGHS_SECONDS, 1e-6)
    mine = _plan_references.solved(lines, "decomposition", 0.9 * cbc["search"] / 8, 1e-6)
    gap = (mine["objective"] - mine["bound"]) / mine["objective"]
    return [
        Row(
            f"{lines:,} lines: objective within 1/8 of CBC's time",
            f"{mine['objective']:,.2f} in {mine['search']:.0f} s, gap {gap:.1e}",
            f"CBC {cbc['objective']:,.2f} in {cbc['search']:.0f} s; HiGHS on arrays {highs['objective']:,.2f} "
            f"in {highs['search']:.0f} s",
            "no worse",
        )
    ]
