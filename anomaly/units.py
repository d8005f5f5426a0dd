"""The unit that money is judged in: what a line of the fleet usually costs a month."""

from __future__ import annotations

import numpy as np
import pandas as pd


def fleet_units(spend: pd.DataFrame, months: list[str]) -> dict[tuple[str, str], int]:
    """Fleet unit by (currency, month): median spend of a billed line in the months up to it."""
    result: dict[tuple[str, str], int] = {}
    for name, group in spend.groupby("currency"):
        for month in months:
            past = group.loc[group["month"] <= month, "total"].to_numpy(dtype=np.int64)
            if len(past):
                result[str(name), month] = int(np.sort(past)[len(past) // 2])
    return result
