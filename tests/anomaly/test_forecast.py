"""The forecast: rules against hand-made series, the replay against itself, the interval against what came."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomaly.forecast import COVER, DAMPING, Forecast, forecast
from core import periods
from core.money import SCALE

MONTHS = periods.months_between("2024-01", "2026-12")


def table(values: list[float], series: str = "A", category: str = "mrc", start: int = 0) -> pd.DataFrame:
    """One row a month, amounts in currency units; None leaves the month out."""
    rows = [
        {"series": series, "category": category, "month": MONTHS[start + n], "amount": round(value * SCALE)}
        for n, value in enumerate(values)
        if value is not None
    ]
    return pd.DataFrame(rows)


def made(frame: pd.DataFrame, months: int, ahead: int = 3) -> Forecast:
    result = forecast(frame, MONTHS[months - 1], ahead)
    assert result is not None
    return result


def test_a_steady_account_goes_on_and_its_interval_has_no_width() -> None:
    found = made(table([100.0] * 14), 14)
    assert [(m.month, m.expected, m.low, m.high) for m in found.months] == [
        (month, 100 * SCALE, 100 * SCALE, 100 * SCALE) for month in ("2025-03", "2025-04", "2025-05")
    ]
    assert found.replays[0].one == 0


def test_a_straight_rise_is_followed_and_fades() -> None:
    found = made(table([100.0 + 10 * n for n in range(16)]), 16)
    assert found.used == {"recurring": "trend"}
    # the middle of the last three months is 240, its slope 10 a month, each further step fades
    steps = [1 + 1, 1 + 1 + DAMPING, 1 + 1 + DAMPING + DAMPING**2]
    assert [m.expected / SCALE for m in found.months] == pytest.approx([240 + 10 * s for s in steps])


def test_a_year_that_repeats_is_seen_once_it_could_be_replayed() -> None:
    year = [100, 100, 110, 90, 140, 60, 100, 130, 70, 100, 160, 40]
    found = made(table([float(v) for v in year * 2 + year[:6]], category="usage"), 30, ahead=6)
    assert found.used == {"use": "season"}
    assert [m.expected for m in found.months] == [v * SCALE for v in year[6:]]


def test_one_month_out_of_line_is_not_carried_on() -> None:
    values = [100.0] * 12 + [400.0, 100.0]
    assert made(table(values), 14).months[0].expected == 100 * SCALE


def test_later_months_are_not_looked_at() -> None:
    values = [100.0, 104, 99, 120, 95, 101, 130, 90, 111, 98, 140, 99, 97, 105]
    assert made(table([*values, 9000.0]), 14) == made(table(values), 14)


def test_the_published_error_is_that_of_choices_made_in_ignorance() -> None:
    # the best rule changes when the rise begins: the replay of the first months must not know
    values = [100.0, 90, 110] * 3 + [100.0 + 30 * n for n in range(9)]
    found = made(table(values), 18)
    best = found.best_rule
    assert best is not None
    assert best.one is not None
    assert found.replays[0].one is not None
    assert found.replays[0].one > best.one


def test_a_late_bill_counts_as_the_month_before_and_is_named_a_closed_account_ends() -> None:
    late = pd.concat([table([100.0] * 13), table([50.0] * 12, "B")])
    found = made(late, 13)
    assert found.late == ("B",)
    assert found.by_series["B"] == (50 * SCALE,) * 3
    closed = pd.concat([table([100.0] * 13), table([50.0] * 8, "B")])
    assert made(closed, 13).by_series["B"] == (0, 0, 0)
    assert made(closed, 13).late == ()


def test_a_new_account_is_not_taken_for_a_late_one() -> None:
    found = made(pd.concat([table([100.0] * 13), table([70.0] * 3, "B", start=10)]), 13)
    assert found.by_series["B"] == (70 * SCALE,) * 3


def test_too_little_history_says_nothing_or_gives_no_interval() -> None:
    assert forecast(table([100.0, 101.0]), MONTHS[1], 3) is None
    assert forecast(table([100.0] * 5).iloc[:0], MONTHS[1], 3) is None
    short = made(table([100.0, 103.0, 98.0, 101.0]), 4)
    assert short.months[0].expected == 101 * SCALE  # the middle of 103, 98, 101
    assert short.months[0].low is None
    assert short.replays[0].one is None


@given(st.lists(st.integers(1, 500), min_size=9, max_size=20), st.integers(2, 40))
def test_another_currency_scale_and_another_order_change_nothing(values: list[int], scale: int) -> None:
    frame = pd.concat([table([float(v) for v in values]), table([float(v) for v in reversed(values)], "B", "usage")])
    plain = made(frame, len(values))
    scaled = made(frame.assign(amount=frame["amount"] * scale).iloc[::-1], len(values))
    assert scaled.used == plain.used
    for one, other in zip(plain.months, scaled.months, strict=True):
        assert other.expected == pytest.approx(one.expected * scale, abs=scale)


def test_the_interval_holds_what_it_promises_for_a_wandering_level() -> None:
    rng, inside, compared = np.random.default_rng(4), 0, 0
    for _ in range(120):
        values = list(1000 + np.cumsum(rng.normal(0, 20, 27)))
        found = made(table(values), 24)
        for month, actual in zip(found.months, values[24:], strict=True):
            assert month.low is not None
            assert month.high is not None
            inside += month.low <= actual * SCALE <= month.high
            compared += 1
    assert COVER - 0.1 < inside / compared < COVER + 0.1
