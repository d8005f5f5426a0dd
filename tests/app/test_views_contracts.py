"""The contract register as a page: dates, countdowns, commitment, clauses, calendar."""

from __future__ import annotations

import estate
import pytest

from app.reports import brief
from app.views import contracts, overview, renewals
from app.views.selection import Filters
from core.money import SCALE
from core.store import Store

USD = Filters(currency="USD")


@pytest.fixture
def filled(store: Store) -> Store:
    return estate.fill(store)


def test_the_register_of_an_empty_store_is_empty(store: Store) -> None:
    data = contracts.view(store, Filters())
    assert (data.title, len(data.table)) == ("No contract matches the filters", 0)
    assert contracts.contract(store, contract_id="c-v") is None


def test_notice_dates_and_countdowns(filled: Store) -> None:
    data = contracts.view(filled, USD)
    rows = data.table.set_index("contract_id")
    assert data.as_of == "2026-09-30"
    # three years from 2024-01-01 end on 2027-01-01; 60 days before is 2026-11-02
    assert rows.loc["c-v", "notice_by"] == "2026-11-02"
    assert rows.loc["c-v", "countdown"] == "33 days left"
    assert data.title == "Verizon MSA: 33 days left to give notice"
    # three months before 2026-11-01 have passed: the next term's date counts
    assert rows.loc["c-c", "countdown"] == "Missed on 1 Aug 2026"
    assert {k.label: k.value for k in data.kpis}["Notice missed"] == "1"


def test_calendar_holds_the_notice_date(filled: Store) -> None:
    text = contracts.view(filled, USD).calendar
    assert "BEGIN:VCALENDAR" in text
    assert "DTSTART;VALUE=DATE:20261102" in text


def test_one_contract_in_full(filled: Store) -> None:
    one = contracts.contract(filled, contract_id="c-v")
    assert one is not None
    assert one.facts["Notice"] == "60 days"
    assert one.dates["Last day for notice"] == "2 Nov 2026"
    # half of the MRC of the started months left to 2026-12-31, for 60 + 60 + 60 + 30
    assert list(one.services["etf"]) == sorted(one.services["etf"], reverse=True)
    assert one.services["etf"].sum() > 0
    assert list(one.tiers["spend_from"]) == [0, 200 * SCALE]
    assert one.rates["off"].iloc[0] == pytest.approx(0.2)
    verdicts = dict(zip(one.clauses["clause"], one.clauses["verdict"], strict=True))
    assert verdicts["Automatic renewal"] == "Watch"


def test_the_bullet_compares_spend_with_the_commitment(filled: Store) -> None:
    one = contracts.contract(filled, contract_id="c-v")
    assert one is not None
    assert one.bullet is not None
    bullet = one.bullet
    assert bullet.committed == 3600 * SCALE
    assert bullet.spent == 6 * 210 * SCALE  # 60 + 60 + 60 + 30 in each of six months
    # 273 of 365 days of the period 2026-01-01 to 2026-12-31
    assert bullet.due_now == pytest.approx(3600 * SCALE * 273 / 365, abs=1)
    assert bullet.shortfall > 0
    assert "shortfall" in bullet.sentence


def test_a_contract_that_cannot_be_dated_says_so(filled: Store) -> None:
    with filled.transaction() as txn:
        txn.append("contracts", [{"contract_id": "c-x", "carrier_id": "att", "name": "Lost", "renewal_type": "tacit"}])
    data = contracts.view(filled, USD)
    assert any("c-x" in line for line in data.problems)
    one = contracts.contract(filled, contract_id="c-x")
    assert one is not None
    assert one.problems
    assert one.dates["Last day for notice"] == "–"


def test_an_express_contract_ends_and_is_never_said_to_renew(filled: Store) -> None:
    with filled.transaction() as txn:
        txn.update("contracts", {"contract_id": "c-v"}, {"renewal_type": "express", "renewal_term_months": None})
        # its notice date has passed, but it ends by itself: nobody is bound for another term
        txn.update("contracts", {"contract_id": "c-c"}, {"renewal_type": "express", "renewal_term_months": None})
    data = contracts.view(filled, USD)
    assert "it ends on 1 Jan 2027 unless both sides renew it" in data.sentence
    assert {k.label: k.value for k in data.kpis}["Notice missed"] == "0"
    assert data.table.set_index("contract_id").loc["c-c", "countdown"] == "Ends on 1 Nov 2026"
    assert "SUMMARY:Term ends: Verizon MSA" in data.calendar
    notes = [a.why for a in overview.view(filled, USD).actions if "Verizon MSA" in a.what]
    assert notes == ["33 days left; it ends on 1 Jan 2027 unless both sides renew it"]
    shown = {t.label: (t.note, t.tone) for t in renewals.view(filled, USD).terms}
    assert shown["Verizon MSA"][0].startswith("decide by 2 Nov 2026")
    assert shown["Colt MPLS"][0].startswith("ends 1 Nov 2026")
    page = brief.content(filled, "colt")
    assert page["title"] == "Colt: the contract ends on 1 Nov 2026"
    assert any("ends by itself on 1 Nov 2026" in fact for fact in page["leverage"])


def test_after_a_missed_notice_the_next_one_is_named(filled: Store) -> None:
    data = contracts.view(filled, Filters(currency="USD", carriers=("colt",)))
    assert data.title == "No notice is due in 90 days; next is Colt MPLS"
    assert data.sentence == "By 1 Aug 2027, in 305 days."
