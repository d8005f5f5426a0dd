"""Expected charges of lines on plans from use arrays, in one compiled pass: lines x options x months, 32-bit.

For estates that live in memory as arrays. Estates from tables are priced exactly by `optimize.tariff`; what is
reported is re-priced by an evaluator in either case.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optimize.decomposition.kernels import compiled, over_ranges

Floats = NDArray[Any]


@dataclass(frozen=True)
class Catalogue:
    """Plans as arrays; allowances inf = unlimited, block 0 = linear, pooled data is left to the pool."""

    carrier: NDArray[Any]
    mrc: Floats
    data: Floats
    data_price: Floats
    """Per block."""
    data_block: Floats
    pooled: NDArray[Any]
    voice: Floats
    voice_price: Floats
    sms: Floats
    sms_price: Floats
    roaming_price: Floats


@compiled
def _fill(
    charge: Any,
    start: Any,
    template: Any,
    first: Any,
    plan: Any,
    table: Any,
    pooled: Any,
    use: Any,
    begin: int,
    end: int,
) -> None:
    data, voice, sms, roam = use
    months = data.shape[1]
    for i in range(begin, end):
        q = template[i]
        away = np.float32(0.0)
        for t in range(months):
            away += roam[i, t]
        for k in range(first[q + 1] - first[q]):
            p = plan[first[q] + k]
            free, rate, block = table[1, p], table[2, p], table[3, p]
            minutes, minute = table[4, p], table[5, p]
            messages, message = table[6, p], table[7, p]
            total = np.float32(0.0)
            if not pooled[p] and rate > 0:
                for t in range(months):
                    over = data[i, t] - free
                    if over > 0:
                        total += rate * np.ceil(over / block) if block > 0 else rate * over
            for t in range(months):
                over = voice[i, t] - minutes
                total += minute * over if over > 0 else np.float32(0.0)
            for t in range(months):
                over = sms[i, t] - messages
                total += message * over if over > 0 else np.float32(0.0)
            total += away * table[8, p]
            charge[start[i] + k] = table[0, p] + total / np.float32(months)


def expected_charges(
    start: NDArray[Any],
    template: NDArray[Any],
    first: NDArray[Any],
    plan: NDArray[Any],
    catalogue: Catalogue,
    use: dict[str, Floats],
) -> Floats:
    """Expected monthly charge of every option of every line without pooled data.

    `use` has data (MB), voice (minutes), sms (messages) and roaming (MB), lines x months each.
    """
    c = catalogue
    table = np.stack(
        [
            *(c.mrc, c.data, c.data_price, c.data_block, c.voice, c.voice_price, c.sms, c.sms_price),
            c.roaming_price,
        ]
    ).astype(np.float32)
    charge = np.empty(start[-1], dtype=np.float32)
    args = (start, template, first, plan, table, c.pooled, (use["data"], use["voice"], use["sms"], use["roaming"]))
    over_ranges(len(template), lambda _, begin, end: _fill(charge, *args, begin, end))
    return charge
