"""The optimizer by size: what `run_frames` needs end to end and which gap it proves.

Estates of heavy-tailed, seasonal use (seeded); three plans per carrier, two of them sharing a pool with overage per
started GB; four carriers; change and porting fees; with and without all-unit tiers and commitments. Bar: 5,000 lines
x 12 plans x 18 months in a minute on one core at gap 1e-4.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from benchmarks import Row

TITLE = "Optimizer: time and proven gap by size"
_SEVERITY = {"pools": False, "pools, tiers, commitments": True}


def run(smoke: bool = False) -> list[Row]:
    """One row per size and severity."""
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "optimize"))
    from estates import pooled_estate

    import optimize

    rows = []
    sizes = [(60, 3, 2)] if smoke else [(500, 12, 4), (1000, 12, 4), (5000, 18, 4)]
    for lines, months, carriers in sizes:
        for name, contracts in _SEVERITY.items():
            frames = pooled_estate(lines, months, carriers, contracts=contracts)
            given = {"change_fee": 2, "porting_fee": 25}
            start = time.perf_counter()
            found = optimize.run_frames(frames, given, time_limit=10 if smoke else 60)
            seconds, proof = time.perf_counter() - start, found.to_json()["certificate"]
            rows.append(
                Row(
                    what=f"{lines:,} lines, {months} months, {name}",
                    value=f"{seconds:.1f} s, gap {proof['rel_gap']:.1e}, {found.status}",
                    against=f"today {found.to_json()['baseline_cost']:,.0f}, recommended {proof['cost']:,.0f} a month",
                    bar="60 s, 1e-4" if lines == 5000 else "",
                )
            )
    return rows
