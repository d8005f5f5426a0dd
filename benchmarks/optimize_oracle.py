"""The optimizer against brute force: random tiny instances with every feature switched on in turn, every method.

Counts instances whose bound, cost, feasibility or (where the run says optimal) optimum differs from brute force.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Sequence
from math import prod
from pathlib import Path

from benchmarks import Row

TITLE = "Optimizer: random tiny instances against brute force"
_METHODS = ("decomposition", "model", "lines", "count", "closed_form")
_SEEDS, _BUCKET_SEEDS = 24, 9
_MOST_PICKS = 100  # assignments of an instance with buckets; each is priced with every purchase
_FIRST = 1_000
_BUCKETS, _LIMITED = ", pools with buckets", ", pools with buckets and a limit on overage"


def run(smoke: bool = False) -> list[Row]:
    """One row per method."""
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "optimize"))
    from plan_oracle import FEATURES

    chosen = FEATURES[:2] if smoke else FEATURES
    seeds = range(_FIRST, _FIRST + (1 if smoke else _SEEDS))
    few = seeds[: 1 if smoke else _BUCKET_SEEDS]
    rows = [_row(method, chosen, seeds) for method in _METHODS]
    rows += [_row(method, chosen, few, _BUCKETS) for method in ("decomposition", "model", "lines", "count")]
    return rows + [_row(method, chosen, few, _LIMITED) for method in ("model", "lines", "count")]


def _row(method: str, features: Sequence[str], seeds: Sequence[int], pools: str = "") -> Row:
    start = time.perf_counter()
    outcomes = [o for feature in features for seed in seeds for o in compared(feature, seed, method, pools)]
    wrong = [outcome for outcome in outcomes if outcome not in ("optimal", "gap_met", "infeasible", "time_limit")]
    proven, left = outcomes.count("optimal"), outcomes.count("time_limit")
    most = "150" if pools else "500"
    return Row(
        f"method {method}{pools}: mismatches",
        f"{len(wrong)} {'; '.join(wrong[:5])}".strip(),
        f"{len(outcomes)} instances, {proven} optimal, {left} left open, {time.perf_counter() - start:.0f} s",
        f"0 on >= {most}" if method in ("decomposition", "model") else "0 where it fits",
    )


def compared(feature: str, seed: int, method: str, pools: str = "") -> list[str]:
    """How one instance ends: its status, or what does not agree."""
    from plan_oracle import Oracle, as_frames, bucket_instance, instance, limited_bucket_instance

    import optimize
    from core.issues import BadInput

    make = {"": instance, _BUCKETS: bucket_instance, _LIMITED: limited_bucket_instance}[pools]
    tables, scenario = make(random.Random(f"{feature}{seed}"), feature)
    oracle = Oracle(tables, scenario)
    if not oracle.services:
        return []
    if pools and (not scenario["buckets"] or prod(len(oracle.choices(s)) for s in oracle.services) > _MOST_PICKS):
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
    bought: dict[tuple[str, ...], dict[str, int]] = {}
    for row in result.to_json()["buckets"]:
        key = tuple(row[name] for name in ("kind", "account_id", "carrier_id", "pool_group"))
        bought.setdefault(key, {})[row["bucket_id"]] = row["count"]
    picked = tuple(result.assignment.get(s["service_id"], s["plan_id"]) for s in oracle.services)
    if abs(proof["cost"] - float(oracle.cost(picked, bought)[0])) > 2e-6:
        return [f"{where}: cost"]
    if result.status == "optimal" and proof["objective"] - optimum > 0.0051:
        return [f"{where}: optimum"]
    return [result.status]
