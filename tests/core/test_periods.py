"""Days and months as text."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import periods

DAYS = st.dates(date(1950, 1, 1), date(2150, 12, 31)).map(date.isoformat)
MONTHS = DAYS.map(periods.month_of)


@given(MONTHS, st.integers(-600, 600))
def test_shift_and_distance_are_inverse(month: str, by: int) -> None:
    assert periods.month_distance(month, periods.shift(month, by)) == by
    assert periods.shift(periods.shift(month, by), -by) == month


@given(MONTHS, st.integers(0, 60))
def test_months_between_counts_both_ends(month: str, by: int) -> None:
    months = periods.months_between(month, periods.shift(month, by))
    assert len(months) == by + 1
    assert months == sorted(set(months))


@given(MONTHS)
def test_month_end_is_the_day_before_the_next_month(month: str) -> None:
    following = date.fromisoformat(periods.month_start(periods.shift(month, 1)))
    assert periods.month_end(month) == (following - timedelta(days=1)).isoformat()


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [
        ("2026-01-31", 1, "2026-02-28"),
        ("2028-01-31", 1, "2028-02-29"),
        ("2026-01-31", 2, "2026-03-31"),
        ("2026-03-15", -3, "2025-12-15"),
    ],
)
def test_add_months_clips_the_day(day: str, months: int, expected: str) -> None:
    assert periods.add_months(day, months) == expected


@given(DAYS)
def test_real_days_are_accepted(day: str) -> None:
    assert periods.parse_day(day) == day


@pytest.mark.parametrize(
    "text", ["2026-02-30", "2026-1-1", "30/09/2026", "20260930", "", "1899-12-31", "２０２６-01-01"]
)
def test_other_days_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="a date such as"):
        periods.parse_day(text)


@pytest.mark.parametrize("text", ["2026-13", "2026-00", "2026-9", "2026-09-01", "26-09"])
def test_other_months_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="a month such as"):
        periods.parse_month(text)
