"""Days and months as ISO text (`2026-09-30`, `2026-09`), which sorts as it counts."""

from __future__ import annotations

import calendar
import re
from datetime import date, timedelta

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])", re.ASCII)


def parse_day(text: str) -> str:
    """`text` if it is a real day between 1900 and 2199.

    Raises:
        ValueError: with what was expected.
    """
    value = text.strip()
    if _DAY.fullmatch(value):
        try:
            if 1900 <= date.fromisoformat(value).year < 2200:
                return value
        except ValueError:
            pass
    raise ValueError("a date such as 2026-09-30")


def parse_month(text: str) -> str:
    """`text` if it is a month between 1900 and 2199.

    Raises:
        ValueError: with what was expected.
    """
    value = text.strip()
    if _MONTH.fullmatch(value) and 1900 <= int(value[:4]) < 2200:
        return value
    raise ValueError("a month such as 2026-09")


def month_of(day: str) -> str:
    """The month a day lies in."""
    return day[:7]


def shift(month: str, by: int) -> str:
    """The month `by` months after `month` (before, if negative)."""
    index = int(month[:4]) * 12 + int(month[5:7]) - 1 + by
    return f"{index // 12:04d}-{index % 12 + 1:02d}"


def month_distance(first: str, last: str) -> int:
    """How many months `last` lies after `first`; 0 for the same month."""
    return (int(last[:4]) - int(first[:4])) * 12 + int(last[5:7]) - int(first[5:7])


def months_between(first: str, last: str) -> list[str]:
    """All months from `first` to `last`, both included; empty if `last` comes before `first`."""
    return [shift(first, n) for n in range(month_distance(first, last) + 1)]


def days_in_month(month: str) -> int:
    """28 to 31."""
    return calendar.monthrange(int(month[:4]), int(month[5:7]))[1]


def month_start(month: str) -> str:
    """First day of the month."""
    return f"{month}-01"


def month_end(month: str) -> str:
    """Last day of the month."""
    return f"{month}-{days_in_month(month):02d}"


def add_months(day: str, months: int) -> str:
    """`day` moved by whole months, its day clipped to the month's last (31 January + 1 = 28 or 29 February)."""
    month = shift(day[:7], months)
    return f"{month}-{min(int(day[8:10]), days_in_month(month)):02d}"


def add_days(day: str, days: int) -> str:
    """`day` moved by calendar days."""
    return (date.fromisoformat(day) + timedelta(days=days)).isoformat()


def days_between(first: str, last: str) -> int:
    """Days from `first` to `last`; 0 for the same day."""
    return (date.fromisoformat(last) - date.fromisoformat(first)).days
