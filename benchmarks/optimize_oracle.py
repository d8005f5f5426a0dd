"""The optimizer against brute force: random tiny instances with every feature switched on in turn, every method.

Counts instances whose bound, cost, feasibility or (where the run says optimal) optimum differs from brute force.
"""

from __future__ import annotations

import random
import sys
import time
from pathlib import Path

from benchmarks import Row

TITLE = "Optimizer: random tiny instances against brute force"
_SEEDS = 24
_FIRST = 1_000


def run(smoke: bool = False) -> list[Row]:
    """One row per method."""
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "optimize"))
    from plan_oracle import FEATURES

    chosen = FEATURES[:2] if smoke else FEATURES
    seeds = range(_FIRST, _FIRST + (1 if smoke else _SEEDS))
    rows = []
    for method in ("decomposition", "model", "lines", "count", "closed_form"):
        start = time.perf_counter()
        outcomes = [outcome for feature in chosen for seed in seeds for outcome in compared(feature, seed, method)]
        wrong = [outcome for outcome in outcomes if outcome not in ("optimal", "gap_met", "infeasible", "time_limit")]
        proven, left = outcomes.count("optimal"), outcomes.count("time_limit")
        rows.append(
            Row(
                f"method {method}: mismatches",
                f"{len(wrong)} {'; '.join(wrong[:5])}".strip(),
                f"{len(outcomes)} instances, {proven} optimal, {left} left open, {time.perf_counter() - start:.0f} s",
                "0 on >= 500" if method in ("decomposition", "model") else "0 where it fits",
            )
        )
    return rows


def compared(feature: str, seed: int, method: str) -> list[str]:
    """How one instance ends: its status, or what does not agree."""
    from plan_oracle import Oracle, as_frames, instance

    import optimize
    from core.issues import BadInput

    tables, scenario = instance(random.Random(f"{feature}{seed}"), feature)
    oracle = Oracle(tables, scenario)
    if not oracle.services:
        return []
    best = oracle.solve()
    where = f"{feature} {seed}"
    try:
        result = optimize.run_frames(as_frames(tables), {**scenario, "method": method})
    except BadInput:  # the method does not fit
        return []
    except Exception as error:
        return [f"{where}: {type(error).__name__}"]
    if (result.status == "infeasible") != (best is None):
        return [f"{where}: feasibility"]
    if best is None:
        return [result.status]
    proof, optimum = result.to_json()["certificate"], float(best[0])
    if proof["bound"] > optimum + 1e-6 or proof["objective"] < optimum - 1e-6:
        return [f"{where}: bound"]
    picked = tuple(result.assignment.get(s["service_id"], s["plan_id"]) for s in oracle.services)
    if abs(proof["cost"] - float(oracle.cost(picked)[0])) > 2e-6:
        return [f"{where}: cost"]
    if result.status == "optimal" and proof["objective"] - optimum > 0.0051:
        return [f"{where}: optimum"]
    return [result.status]
