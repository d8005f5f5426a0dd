"""What a finding expected and found, in words."""

from __future__ import annotations

import pytest

from app.components.evidence import said
from app.views.savings import _what


@pytest.mark.parametrize(
    ("document", "currency", "told"),
    [
        ({"value": "2701.42", "unit": "USD"}, "USD", "$2,701.42"),
        ({"value": "0", "unit": "USD"}, "USD", "$0.00"),
        ({"value": "0.0125", "unit": "USD"}, "USD", "0.0125 USD"),  # a price finer than a cent keeps its figures
        ({"value": "12.50", "unit": "EUR"}, "USD", "12.50 EUR"),
        ({"value": "1200", "unit": "JPY"}, "JPY", "¥1,200"),
        ({"value": "3", "unit": "GB"}, "USD", "3 GB"),
        ({"value": None, "low": "1", "high": "2", "unit": "GB"}, "USD", "1 to 2 GB"),
        (None, "USD", "–"),
    ],
)
def test_money_reads_as_money_and_loses_no_figure(document: object, currency: str, told: str) -> None:
    assert said(document, currency) == told


def test_a_ledger_line_names_the_number_of_its_line() -> None:
    assert _what("I5 S1, 6 findings", {"S1": "+1 303 555 0100"}) == "Site is closed: +1 303 555 0100"
    assert _what("I5 S2", {}) == "Site is closed: S2"
    assert _what("Every change that pays", {}) == "Every change that pays"
