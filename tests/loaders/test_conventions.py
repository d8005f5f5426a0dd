"""Numbers and dates as files write them, by declared conventions; nothing is guessed while reading."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.money import SCALE
from loaders.reading.conventions import Dates, Numbers, Plain

GERMAN = Numbers(decimal=",", thousands=".")
US = Numbers(thousands=",")
FRENCH = Numbers(decimal=",", thousands=" ")


@pytest.mark.parametrize(
    ("how", "text", "value"),
    [
        (GERMAN, "1.234,56", "1234.56"),
        (GERMAN, "1.234,56-", "-1234.56"),
        (GERMAN, "-1.234,56 €", "-1234.56"),
        (US, "$(1,234.56)", "-1234.56"),
        (US, "($1,234.56)", "-1234.56"),
        (US, "1,234.56 CR", "-1234.56"),
        (US, "\u22125.00", "-5"),
        (US, "-$5", "-5"),
        (US, "USD 12.00", "12"),
        (US, ".5", "0.5"),
        (US, "12,34,567.00", "1234567"),
        (FRENCH, "1\u202f234,5", "1234.5"),
        (Numbers(thousands="'"), "1\u2019234.50", "1234.5"),
        (GERMAN, Plain("1234.567"), "1234.567"),
    ],
)
def test_numbers(how: Numbers, text: str, value: str) -> None:
    assert how.parse(text) == int(Decimal(value) * SCALE)


@pytest.mark.parametrize("text", ["", " ", "-", "N/A", "null"])
def test_nothing_is_no_number(text: str) -> None:
    assert US.parse(text) is None
    assert Dates().day(text) is None


@pytest.mark.parametrize(
    ("how", "text"),
    [
        (GERMAN, "12.34"),
        (US, "12,34"),
        (US, "1,2345"),
        (US, "--1"),
        (US, "-(1.00)"),
        (US, "5."),
        (US, "1e5"),
        (US, "٣"),
        (US, "NaN"),
        (US, "1.0000001"),
        (US, "9" * 61),
        (US, "twelve"),
    ],
)
def test_what_does_not_follow_the_convention_is_refused(how: Numbers, text: str) -> None:
    with pytest.raises(ValueError, match=r"number|decimals"):
        how.parse(text)


def test_another_currency_is_refused() -> None:
    assert US.parse("12.00 USD", "USD") == 12 * SCALE
    for text in ("12.00 EUR", "€12.00"):
        with pytest.raises(ValueError, match="an amount in USD"):
            US.parse(text, "USD")


@given(
    value=st.integers(-(10**13), 10**13),
    decimal=st.sampled_from([".", ","]),
    thousands=st.sampled_from(["", " ", "'", ".", ","]),
    negative=st.sampled_from(["-{}", "{}-", "({})", "{} CR"]),
)
def test_what_is_written_by_a_convention_is_read_by_it(value: int, decimal: str, thousands: str, negative: str) -> None:
    if thousands == decimal:
        return
    whole, cents = divmod(abs(value), 100)
    text = f"{whole:,}".replace(",", thousands) + f"{decimal}{cents:02d}"
    how = Numbers(decimal=decimal, thousands=thousands)  # type: ignore[arg-type]
    assert how.parse(negative.format(text) if value < 0 else text) == value * SCALE // 100


@pytest.mark.parametrize(
    ("order", "language", "text", "day"),
    [
        ("dmy", "de", "31.01.2026", "2026-01-31"),
        ("dmy", "de", "1. März 2026", "2026-03-01"),
        ("dmy", "pt_BR", "1 de fevereiro de 2026", "2026-02-01"),
        ("dmy", "en", "31/1/26", "2026-01-31"),
        ("mdy", "en", "1/31/26", "2026-01-31"),
        ("mdy", "en", "Jan 31, 2026", "2026-01-31"),
        ("dmy", "en", "2026-01-31", "2026-01-31"),
        ("dmy", "en", "31.01.2026 14:05", "2026-01-31"),
        ("dmy", "en", "31012026", "2026-01-31"),
        ("ymd", "en", "20260131", "2026-01-31"),
    ],
)
def test_days(order: str, language: str, text: str, day: str) -> None:
    assert Dates(order=order, language=language).day(text) == day  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["13/13/2026", "01/31/2026", "31/02/2026", "46022", "soon", "1/2/3/4", "x" * 99])
def test_days_that_do_not_exist_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="a date such as 31/01/2026"):
        Dates(order="dmy").day(text)


@given(st.dates(date(1950, 1, 1), date(2079, 12, 31)), st.sampled_from(["%d/%m/%Y", "%d.%m.%y", "%d-%m-%Y %H:%M"]))
def test_every_day_written_day_first_is_read(day: date, form: str) -> None:
    if "%y" in form and not 1980 <= day.year < 2080:
        day = day.replace(year=2000 + day.year % 80, day=min(day.day, 28))
    assert Dates(order="dmy").day(day.strftime(form)) == day.isoformat()
    assert Dates(order="dmy").day((day + timedelta(0)).isoformat()) == day.isoformat()


@pytest.mark.parametrize("text", ["01/2026", "Jan 2026", "2026-01", "202601", "Januar 2026", "31.01.2026"])
def test_months(text: str) -> None:
    assert Dates(order="dmy", language="de").month(text) == "2026-01"


def test_times() -> None:
    assert Dates(order="dmy").stamp("31.01.2026 2:05 PM") == "2026-01-31T14:05:00"
    assert Dates().stamp("2026-01-31T14:05:09Z") == "2026-01-31T14:05:09"
    assert Dates().stamp("2026-01-31") == "2026-01-31T00:00:00"
