"""A limit on the probability of overage: what it costs, and how close that is proven.

Two carriers with a data pool each, twelve months, lognormal use, overage cheap enough that pools overflow where that
pays. Seconds are those of the clock until the result, with other work beside it.
"""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks import Row

TITLE = "Optimizer: a limit on the probability of overage"
_SIZES = (3_000, 10_000)
_SECONDS = 240.0
_PRICE = 4_000_000  # of a GB above the allowance


def run(smoke: bool = False) -> list[Row]:
    """A row for each size and limit."""
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "optimize"))
    from estates import pooled_estate

    import optimize

    rows = []
    for lines in (300,) if smoke else _SIZES:
        frames = pooled_estate(lines, 3 if smoke else 12, 2)
        prices = frames["plans"]["data_overage_price"]
        frames["plans"]["data_overage_price"] = prices.mask(prices.notna(), _PRICE)
        seconds = 2.0 if smoke else _SECONDS
        free = optimize.run_frames(frames, {}, time_limit=seconds).to_json()
        for limit in ("0.1", "0.25"):
            found = optimize.run_frames(frames, {"overage_probability": {"limit": limit}}, time_limit=seconds).to_json()
            proof = found["certificate"]
            often = [100 * told["overage_probability"]["worst_pool"] for told in (found, free)]
            rows.append(
                Row(
                    f"{lines:,} lines, above the allowance in at most {100 * float(limit):.0f} % of the months",
                    f"gap {proof['rel_gap']:.1e}, {proof['seconds']:.0f} s",
                    f"worst pool {often[0]:.1f} % of the months instead of {often[1]:.1f} %, which costs "
                    f"{100 * (proof['cost'] / free['certificate']['cost'] - 1):.2f} %",
                )
            )
    return rows
