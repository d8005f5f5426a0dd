"""What is coming, on the small estate: sums made by hand, budgets in two currencies, the command."""

from __future__ import annotations

import json

import estate
import pytest

from app.commands import forecast as command
from app.views import forecast, overview
from app.views.selection import Filters
from core.money import SCALE
from core.store import Store
from tests.run_command import run

USD = Filters(month="2026-09", currency="USD")
#: Verizon 60 + 60 + 60 + 30, AT&T 55 + 55 + 12, Colt 950 GBP at 1.3: the same every month. Roaming rises by 1 from 18.
RECURRING = 210 + 122 + 1235


@pytest.fixture
def filled(store: Store) -> Store:
    return estate.fill(store)


def budget(store: Store, *rows: tuple[str, str | None, str | None, float, str]) -> None:
    with store.transaction() as txn:
        for number, (month, center, carrier, amount, currency) in enumerate(rows):
            row = {"budget_id": f"b{number}", "month": month, "amount": round(amount * SCALE), "currency": currency}
            txn.insert("budgets", row | {"cost_center_id": center, "carrier_id": carrier})


def test_the_next_month_is_recurring_charges_and_the_middle_of_the_last_three_of_use(filled: Store) -> None:
    data = forecast.view(filled, USD)
    assert data.ahead[0].month == "2026-10"
    assert data.ahead[0].expected == (RECURRING + 22) * SCALE
    assert data.billed[-1] == (RECURRING + 23) * SCALE
    assert len(data.ahead) == forecast.LEAST_AHEAD


def test_without_january_the_year_has_no_total_and_says_why(filled: Store) -> None:
    data = forecast.view(filled, USD)
    assert "do not begin in January 2026" in data.sentence
    assert data.kpis[1].value == "–"


def test_carriers_and_their_budgets_add_up_at_the_stores_rate(filled: Store) -> None:
    months = [f"2026-{number:02d}" for number in range(1, 13)]
    budget(
        filled,
        *((month, None, "colt", 900.0, "GBP") for month in months),
        *((month, "cc1", "verizon", 200.0, "USD") for month in months),
    )
    data = forecast.view(filled, USD)
    parts = data.carriers.set_index("name")
    colt = parts.loc["Colt"] if "Colt" in parts.index else parts[parts["budget"] == 900 * 1.3 * 12 * SCALE].iloc[0]
    assert colt["so_far"] == 6 * 1235 * SCALE
    assert colt["ahead"] == 3 * 1235 * SCALE
    assert colt["budget"] == 12 * 1170 * SCALE
    assert colt["difference"] == (9 * 1235 - 12 * 1170) * SCALE
    assert parts["so_far"].sum() == sum(data.billed)
    assert parts["ahead"].sum() == sum(m.expected for m in data.ahead if m.month <= "2026-12")
    assert data.budget[-1] is None  # March 2027 has no budget
    assert data.budget[len(data.months)] == (1170 + 200) * SCALE
    centers = data.centers.set_index("name")
    assert centers["budget"].sum() == 9 * (1170 + 200) * SCALE


def test_a_carrier_filter_holds_for_bills_forecast_and_budget(filled: Store) -> None:
    budget(filled, ("2026-10", None, "colt", 900.0, "GBP"), ("2026-10", None, "verizon", 200.0, "USD"))
    data = forecast.view(filled, Filters(month="2026-09", currency="USD", carriers=("verizon",)))
    assert data.ahead[0].expected == 210 * SCALE
    assert data.budget[len(data.months)] == 200 * SCALE


def test_the_overview_says_what_is_coming(filled: Store) -> None:
    assert "October 2026 should cost $1.59k" in overview.view(filled, USD).coming


def test_the_command_prints_the_same_as_a_document(filled: Store) -> None:
    result = run(filled, command, ["forecast", "--month", "2026-09", "--currency", "USD", "--json"])
    assert result.exit_code == 0
    told = json.loads(result.stdout)
    assert told["ahead"][0] == {"month": "2026-10", "expected": f"{RECURRING + 22}.00", "low": None, "high": None}
    assert {row["name"] for row in told["carriers"]} >= {"Verizon Wireless"}
    text = run(filled, command, ["forecast"])
    assert "2026-10" in text.stdout


def test_a_month_that_is_none_is_refused(filled: Store) -> None:
    result = run(filled, command, ["forecast", "--month", "2026-13"])
    assert result.exit_code != 0
    assert "2026-13" in str(result.exception)
    assert "2026-04 to 2026-09" in str(run(filled, command, ["forecast", "--month", "2030-01"]).exception)
