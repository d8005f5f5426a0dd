"""Many small pools, each with its own stairs of buckets, under all-unit tiers, where every line may change carrier.

A pool of some twelve lines per account, four months, lognormal use. Seconds are those of the clock until the result,
with other work beside it.
"""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks import Row

TITLE = "Optimizer: hundreds of small pools with buckets under tiers"
_SIZES = ((1_200, 48), (5_000, 200))
_SECONDS = (60.0, 240.0)


def run(smoke: bool = False) -> list[Row]:
    """A row for each size and time."""
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "optimize"))
    from bucket_estates import porting_pools

    import optimize

    rows = []
    for lines, accounts in ((100, 12),) if smoke else _SIZES:
        frames, scenario = porting_pools(lines, accounts, months=2 if smoke else 4)
        for seconds in (2.0,) if smoke else _SECONDS:
            found = optimize.run_frames(frames, {**scenario, "gap": "0.001"}, time_limit=seconds).to_json()
            proof = found["certificate"]
            rows.append(
                Row(
                    f"{lines:,} lines, {len(found['pools'])} pools, at most {seconds:.0f} s",
                    f"gap {proof['rel_gap']:.1e}, {proof['seconds']:.0f} s",
                    f"{proof['objective']:,.2f} a month, {sum(row['count'] for row in found['buckets'])} buckets",
                )
            )
    return rows
