"""The audit workbench: cases, money by claim and currency, evidence, decisions with their trail."""

from __future__ import annotations

import estate
import pytest

from app import triage
from app.components.queue import csv_text
from app.views import evidence, findings
from app.views.selection import Filters
from core.money import SCALE
from core.queries import workbench
from core.store import Store

USD = Filters(currency="USD")


@pytest.fixture
def filled(store: Store) -> Store:
    return estate.fill(store)


def test_an_empty_store_has_nothing_open(store: Store) -> None:
    data = findings.view(store, Filters())
    assert data.title == "Nothing is open under these filters"
    assert len(data.table) == 0
    assert data.members == ()


def test_months_of_one_cause_are_one_case_and_the_largest_money_comes_first(filled: Store) -> None:
    data = findings.view(filled, USD)
    first = data.table.iloc[0]
    assert (first["rule"], first["months"], first["amount"], first["currency"]) == ("R1", 6, 300 * SCALE, "GBP")
    assert first["worth"] == 390 * SCALE  # 300 GBP at 1.3
    assert len(data.members[0]) == 6
    assert data.found == 12
    assert list(data.table["worth"].abs()) == sorted(data.table["worth"].abs(), reverse=True)


def test_totals_keep_currencies_and_undercharges_apart(filled: Store) -> None:
    data = findings.view(filled, USD)
    told = {(row.claim, row.currency): (row.amount, row.findings) for row in data.totals.itertuples()}
    assert told == {
        ("To recover", "GBP"): (300 * SCALE, 6),
        ("To avoid", "USD"): (300 * SCALE, 5),
        ("Billed too little", "USD"): (-5 * SCALE, 1),
    }
    assert data.title.startswith("$690 ")  # 390 + 300, the undercharge nets nothing


def test_filters_narrow_the_queue(filled: Store) -> None:
    assert set(findings.view(filled, USD, rule=("U1",)).table["rule"]) == {"U1"}
    assert findings.view(filled, USD, month="2026-04").found == 1
    assert findings.view(filled, Filters(currency="USD", carriers=("colt",))).found == 6
    assert findings.view(filled, USD, state=("dismissed",)).found == 0
    assert set(findings.view(filled, USD, owner=("Ann Lee",)).table["rule"]) == {"U1"}
    assert findings.view(filled, USD, queue="policy").found == 6


def test_the_deadline_figure_counts_claims_that_close_within_thirty_days(filled: Store) -> None:
    kpi = next(item for item in findings.view(filled, USD).kpis if item.label == "File within 30 days")
    assert (kpi.value, kpi.delta, kpi.tone) == ("$325", "5 findings", "attention")


def test_evidence_names_charge_clause_and_days_left(filled: Store) -> None:
    ids = findings.view(filled, USD).members[0]
    seen = evidence.of(filled, finding_id=ids[0])
    assert seen is not None
    assert seen.title.endswith(": LON-77")
    assert seen.rule_text.startswith("Rule R1: ")
    assert list(seen.charges["stake"]) == [50 * SCALE]
    assert seen.clause["Contract"] == "Colt MPLS"
    assert seen.clause["Rate: Access 1 Gbit/s"] == "£900.00"
    assert seen.deadlines == (
        "File the dispute by 27 Dec 2026: 88 days left.",
        "Withhold payment by 28 Oct 2026: 28 days left.",
    )
    assert len(seen.months) == 6
    assert evidence.of(filled, finding_id="nothing") is None


def test_a_decision_is_kept_with_its_reason_in_the_trail(filled: Store) -> None:
    ids = findings.view(filled, USD, rule=("U1",)).members[0]
    assert triage.decide(filled, ids, "dismissed") == (
        False,
        "A dismissal needs a reason; it is kept in the audit trail.",
    )
    done, told = triage.decide(filled, ids, "dismissed", reason="Spare phone", owner="Ann Lee")
    assert done
    assert told == "5 findings now dismissed."
    assert findings.view(filled, USD, rule=("U1",)).found == 0
    seen = evidence.of(filled, finding_id=ids[0])
    assert seen is not None
    assert seen.trail.iloc[0]["detail"] == "Spare phone; Ann Lee"


def test_filing_makes_disputes_and_refuses_what_claims_nothing(filled: Store) -> None:
    unused = findings.view(filled, USD, rule=("U1",)).members[0]
    wrong = list(findings.view(filled, USD, rule=("R1",)).members[0])[:1]
    done, told = triage.decide(filled, wrong, "disputed")
    assert done, told
    assert list(workbench.finding(filled, wrong[0])["state"]) == ["disputed"]
    done, told = triage.decide(filled, [*wrong, *unused], "disputed")
    assert not done
    assert told.startswith("Nothing was changed: ")


def test_the_csv_holds_plain_decimals(filled: Store) -> None:
    lines = csv_text(findings.view(filled, USD).table).splitlines()
    assert lines[0].startswith("what,rule,subject")
    assert ",300.00,GBP,390.00," in lines[1]
