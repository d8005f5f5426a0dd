"""Days as numbers, and what a billed period is: whole months, or a part of one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from core import periods


@lru_cache(maxsize=100_000)
def ordinal(day: str) -> int:
    """The day's number; days count up by one."""
    return date.fromisoformat(day).toordinal()


def ordinals(days: pd.Series[Any]) -> Any:
    """Numbers of a column of days without gaps, as int64."""
    found = {day: ordinal(day) for day in days.unique()}
    return days.map(found).to_numpy(dtype="int64")


@lru_cache(maxsize=100_000)
def period(first: str, last: str | None) -> tuple[int, int, int]:
    """(whole months or 0, days, days of the first day's month) of a period that includes both days.

    A blank or reversed end is one whole month: nothing says that it was a part of one.
    """
    length = periods.days_in_month(first[:7])
    if last is None or last < first:
        return 1, length, length
    days = ordinal(last) - ordinal(first) + 1
    whole = 0
    for count in range(max(1, days // 31), days // 28 + 1):
        if periods.add_days(periods.add_months(first, count), -1) == last:
            whole = count
    return whole, days, length


@dataclass(frozen=True)
class PeriodFacts:
    """Columns of :func:`period` for many charges."""

    whole: Any
    days: Any
    month_days: Any

    @classmethod
    def of(cls, first: pd.Series[Any], last: pd.Series[Any]) -> PeriodFacts:
        """Facts of each pair of days."""
        pairs = list(zip(first, last.astype(object).where(last.notna(), None), strict=True))
        facts = {pair: period(*pair) for pair in set(pairs)}
        table = np.array([facts[pair] for pair in pairs], dtype="int64").reshape(-1, 3)
        return cls(table[:, 0], table[:, 1], table[:, 2])
