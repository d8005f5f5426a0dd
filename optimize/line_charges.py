"""What lines are charged on a plan outside pools, month by month, in exact arithmetic; the evaluator's own prices.

Section 4 of `interfaces.md`, items 13 and 15. The solver's are in `optimize.tariff`, so that a mistake in one shows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optimize.priced import MICRO
from optimize.pulls import FITS, Numbers, blocks, peak
from optimize.raw_lines import KINDS, RawLines


def suspended(raw: RawLines, rows: Numbers, price: int, total: int) -> NDArray[Any]:
    """What suspended lines cost in each month at `price` (picos), rows x T."""
    return raw.active[rows].astype(np.int64 if price * total < FITS else object) * price


def charges(plan: Mapping[str, Any], mrc: int, raw: RawLines, rows: Numbers, total: int) -> NDArray[Any]:
    """Charges of lines on a plan at an MRC (picos) in each month outside pools, picos: rows x T.

    Python integers where sums over months of weight `total` could overflow 64 bits.
    """
    active = raw.active[rows]
    block = plan.get("data_overage_block_mb") or MICRO
    prices = {name: plan.get(f"{name}_overage_price") or 0 for name in KINDS}
    own: dict[str, Any] = {kind: plan.get(f"roaming_{kind}_price") for kind in KINDS}
    rates: dict[str, int] = {kind: MICRO if own[kind] is None else own[kind] for kind in KINDS}
    home = {kind: raw.home[kind][rows] for kind in KINDS}
    other = raw.other_cost[rows]
    abroad = {k: raw.roaming_cost[k][rows] if own[k] is None else raw.roaming[k][rows] for k in KINDS}
    most = abs(mrc) + peak(other) * MICRO + (peak(home["data"]) // block + 1) * prices["data"] * MICRO
    most += sum(peak(home[kind]) * prices[kind] for kind in ("voice", "sms"))
    most += sum(peak(abroad[kind]) * rates[kind] for kind in KINDS)
    if most * total >= FITS or any(v.dtype == object for v in (other, *home.values(), *abroad.values())):
        home = {kind: values.astype(object) for kind, values in home.items()}
        abroad = {kind: values.astype(object) for kind, values in abroad.items()}
        other = other.astype(object)
    cost = other * MICRO + mrc
    if plan.get("pool_group") is None and plan.get("data_mb") is not None and prices["data"]:
        cost = cost + blocks(home["data"] - plan["data_mb"], block) * (prices["data"] * MICRO)
    if plan.get("voice_pool_group") is None and plan.get("voice_min") is not None:
        cost = cost + np.maximum(home["voice"] - plan["voice_min"], 0) * prices["voice"]
    if plan.get("sms") is not None:
        cost = cost + np.maximum(home["sms"] - plan["sms"], 0) * prices["sms"]
    for kind in KINDS:
        cost = cost + abroad[kind] * rates[kind]
    return np.where(active, cost, 0)
