"""The optimizer on problems of the literature, against solvers and dynamic programs of their own.

Generalized assignment (types A to D by Chu and Beasley's recipe) through tables, models and child process against a
plain model solved by CBC; multiple-choice knapsacks (Pisinger's classes) against an exact dynamic program, by the model
and by the decomposition. `tests/optimize/peer_instances.py` generates both; nothing is copied.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

from benchmarks import Row

TITLE = "Optimizer: problems of the literature"
_CLASSES = ("uncorrelated", "weakly correlated", "strongly correlated")


def run(smoke: bool = False) -> list[Row]:
    """One row per family and method: instances that differ, largest gap, time."""
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "optimize"))
    seeds = range(1, 2 if smoke else 4)
    sizes = [(3, 8)] if smoke else [(5, 15), (5, 20), (8, 24)]
    rows = [_assignment(kind, sizes, seeds) for kind in ("A" if smoke else "ABCD")]
    for kind in _CLASSES[:1] if smoke else _CLASSES:
        rows += [_knapsack(kind, method, 10 if smoke else 60, seeds) for method in ("model", "decomposition")]
    return rows


def _solved(frames: Any, method: str) -> tuple[dict[str, Any], float]:
    import optimize

    begun = time.perf_counter()
    proof = optimize.run_frames(frames, {"gap": 0, "method": method}, time_limit=20).to_json()["certificate"]
    return proof, time.perf_counter() - begun


def _assignment(kind: str, sizes: list[tuple[int, int]], seeds: range) -> Row:
    from peer_instances import assignment, assignment_optimum, estate_of

    wrong, unproven, mine, theirs, count = 0, 0, 0.0, 0.0, 0
    for agents, jobs in sizes:
        for seed in seeds:
            costs, weights, capacity = assignment(kind, agents, jobs, seed)
            begun = time.perf_counter()
            optimum = assignment_optimum(costs, weights, capacity)
            theirs += time.perf_counter() - begun
            if optimum is None:
                continue
            choices = [[(i, costs[i][j], weights[i][j]) for i in range(agents)] for j in range(jobs)]
            proof, seconds = _solved(estate_of(choices, capacity), "model")
            mine, count = mine + seconds, count + 1
            unproven += proof["abs_gap"] > 0.005
            wrong += proof["bound"] > optimum + 1e-6 or proof["objective"] < optimum - 1e-6
            wrong += proof["abs_gap"] <= 0.005 and abs(proof["objective"] - optimum) > 1e-6
    return Row(
        f"generalized assignment, type {kind}: {count} instances up to {sizes[-1][0]} x {sizes[-1][1]}",
        f"{wrong} differ, {unproven} left open, {mine:.1f} s",
        f"CBC on a plain model {theirs:.1f} s",
        "0 differ",
    )


def _knapsack(kind: str, method: str, classes: int, seeds: range) -> Row:
    from peer_instances import estate_of, knapsack, knapsack_optimum

    wrong, worst, seconds = 0, 0.0, 0.0
    for seed in seeds:
        rows, capacity = knapsack(kind, classes, 10, seed)
        optimum = knapsack_optimum(rows, capacity)
        proof, took = _solved(
            estate_of([[(0, cost, weight) for cost, weight in row] for row in rows], [capacity]), method
        )
        seconds += took
        wrong += proof["bound"] > optimum + 1e-6 or proof["objective"] < optimum - 1e-6
        worst = max(worst, proof["objective"] / optimum - 1)
    return Row(
        f"multiple-choice knapsack, {kind}, {classes} classes x 10, {method}",
        f"{wrong} contradict, at most {worst:.1e} above the optimum, {seconds:.1f} s",
        f"{len(seeds)} instances, exact by dynamic programming",
        "0 contradict",
    )
