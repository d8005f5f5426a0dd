"""Money is exact: text to micros and back, rounding, and what is refused."""

from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import money

MICROS = st.integers(min_value=-money.MAX_MICROS, max_value=money.MAX_MICROS)


@given(MICROS)
def test_text_and_micros_are_inverse(micros: int) -> None:
    assert money.parse_micros(money.to_text(micros)) == micros
    assert money.to_decimal(micros) == Decimal(micros) / 10**6


@given(MICROS, st.sampled_from([1, 10, 10_000, 1_000_000]))
def test_rounding_agrees_with_decimal(micros: int, unit: int) -> None:
    expected = (Decimal(micros) / unit).quantize(Decimal(1), ROUND_HALF_UP) * unit
    assert money.round_half_up(micros, unit) == expected


@given(st.integers(-(10**12), 10**12), st.integers(-(10**12), 10**12))
def test_product_is_exact_before_rounding(left: int, right: int) -> None:
    assert abs(Fraction(left * right, 10**6) - money.mul(left, right)) <= Fraction(1, 2)


@pytest.mark.parametrize(
    ("text", "micros"),
    [
        ("12.34", 12_340_000),
        ("-7.230000", -7_230_000),
        (".5", 500_000),
        ("+1", 1_000_000),
        (" 3 ", 3_000_000),
        ("-0", 0),
    ],
)
def test_plain_numbers(text: str, micros: int) -> None:
    assert money.parse_micros(text) == micros


@pytest.mark.parametrize(
    "text",
    [
        "",
        "5.",
        "1,000.00",
        "1_000",
        "NaN",
        "Infinity",
        "1e5",
        "1e999",
        "１２",
        "--1",
        "1.0000001",
        "0x10",
        "9" * 41,
        "9" * 30,
    ],
)
def test_everything_else_is_refused_with_what_was_expected(text: str) -> None:
    with pytest.raises(ValueError, match="a "):
        money.parse_micros(text)


def test_too_many_decimals_are_refused_not_rounded() -> None:
    assert money.parse_micros("1.005") == 1_005_000
    with pytest.raises(ValueError, match="at most 2 decimals"):
        money.parse_micros("1.005", places=2)


def test_a_huge_exponent_costs_no_time() -> None:
    with pytest.raises(ValueError, match="plain decimal"):
        money.parse_micros("1e2000000")


def test_proration_of_a_month() -> None:
    # 75.00 for 12 of 31 days, half up to cents: 29.0322... -> 29.03
    assert money.ratio(12, 31, 75_000_000, unit=money.cent_unit("USD")) == 29_030_000
    assert money.cent_unit("JPY") == 1_000_000
