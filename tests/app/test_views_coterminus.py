"""The co-terminus planner as the page shows it."""

from __future__ import annotations

import pytest
from estate import fill

from app.views import coterminus
from core.money import SCALE
from core.store import Store


def test_without_contracts_there_is_nothing_to_align(store: Store) -> None:
    data = coterminus.view(store)
    assert data.chosen is None
    assert "nothing to align" in data.sentence


def test_the_cheapest_day_and_what_it_stands_on(store: Store) -> None:
    fill(store)
    with store.transaction() as txn:
        txn.update("services", {"service_id": "s1"}, {"term_end_on": "2027-06-20"})
    data = coterminus.view(store)
    # Verizon: s1 at 60 to 20 June 2027, two lines at 60 and one at 30 to 31 December 2026
    assert (data.chosen, data.currency) == ("verizon:USD", "USD")
    assert dict(zip(data.ends["month"], data.ends["lines"], strict=True)) == {"2026-12": 3, "2027-06": 1}
    rows = {row.day: row for row in data.days.itertuples()}
    # 1 January: s1 leaves six started months early for half of their MRC, and saves a tenth of it
    assert (rows["2027-01-01"].fees, rows["2027-01-01"].below) == (180 * SCALE, 36 * SCALE)
    # 1 July: the three others pay seven started months of 150, a tenth of that too much; s1 one month more
    assert (rows["2027-07-01"].fees, rows["2027-07-01"].above) == (0, 111 * SCALE)
    assert data.best == min(rows, key=lambda day: (rows[day].cost, day))
    free = coterminus.view(store, carrier="verizon:USD", cheaper=0)
    assert free.best == "2027-07-01"
    assert "costs nothing" in free.sentence
    assert coterminus.view(store, carrier="nobody").chosen == data.chosen


@pytest.mark.parametrize("cheaper", [0.0, 10.0, 90.0])
def test_the_planner_never_names_a_dearer_day_than_another(store: Store, cheaper: float) -> None:
    fill(store)
    with store.transaction() as txn:
        txn.update("services", {"service_id": "s2"}, {"term_end_on": "2027-03-01"})
    data = coterminus.view(store, cheaper=cheaper)
    assert int(data.days.set_index("day")["cost"][data.best]) == int(data.days["cost"].min())
