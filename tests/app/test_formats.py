"""How numbers read."""

from __future__ import annotations

import pytest

from app import formats
from app.page_text import escape
from core.money import SCALE


@pytest.mark.parametrize(
    ("value", "shown"),
    [(1_842_310, "$1.84M"), (61_204, "$61.2k"), (940, "$940"), (-8_000, "−$8.00k"), (999_600, "$1.00M"), (0, "$0")],
)
def test_short_amounts_have_three_figures(value: int, shown: str) -> None:
    assert formats.short(value * SCALE, "USD") == shown


def test_amounts_keep_their_sign_currency_and_cents() -> None:
    assert formats.money(-12_345_678_900, "EUR", 2) == "−€12,345.68"
    assert formats.cents(1_234_000_000, "JPY") == "¥1,234"
    assert formats.money(5 * SCALE, "SEK", sign=True) == "+SEK 5"
    assert formats.money(None, "USD") == "–"


def test_shares_months_and_days() -> None:
    assert formats.percent(34, 1000) == "3.4 %"
    assert formats.percent(1, 0) == "–"
    assert formats.month("2026-09") == "September 2026"
    assert formats.day("2026-09-05") == "5 Sep 2026"
    assert formats.quantity(2048 * SCALE, "MB") == "2 GB"


def test_text_of_carriers_is_no_markdown() -> None:
    assert escape("a $5 [link](x) *b*") == "a \\$5 \\[link\\](x) \\*b\\*"
