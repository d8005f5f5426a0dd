"""The programme's scorecard on the small estate: five verdicts, exceptions by owner and age, payments, credits."""

from __future__ import annotations

import estate
import pytest

from app.views import programme
from app.views.findings import NOBODY
from app.views.selection import Filters
from audit import disputes
from core import findings
from core.money import SCALE
from core.store import Store

USD = Filters(currency="USD")


@pytest.fixture
def filled(store: Store) -> Store:
    return estate.fill(store)


def verdicts(store: Store) -> dict[str, tuple[str, str]]:
    return {q.topic: (q.verdict, q.evidence) for q in programme.view(store, USD).questions}


def test_money_by_owner_and_age_is_the_open_money(filled: Store) -> None:
    data = programme.view(filled, USD)
    frame = findings.load(filled, queue="audit")
    open_ = frame[(frame["amount_counted"] > 0) & (frame["claim"] != "informative")]
    rate = {"USD": 1.0, "GBP": 1.3}
    whole = sum(row.amount_counted * rate[row.currency] for row in open_.itertuples())
    assert data.owners["amount"].sum() == round(whole)
    ages = data.owners[[f"age{n}" for n in range(len(programme.AGES))]]
    assert (ages.sum(axis=1) == data.owners["amount"]).all()
    # the overcharge runs since April: 153 days from its last day to 30 September
    assert data.owners["oldest"].max() == 153


def test_owners_are_asked_for_until_every_case_has_one(filled: Store) -> None:
    keys = list(findings.load(filled, queue="audit")["finding_id"])
    with filled.transaction() as txn:
        txn.update("services", {"service_id": "s8"}, {"cost_center_id": None, "employee_id": None})
    assert verdicts(filled)["owners of exceptions"][0] == "No"
    assert NOBODY in set(programme.view(filled, USD).owners["owner"])
    findings.set_state(filled, keys, "triaged", owner="Ann")
    assert verdicts(filled)["owners of exceptions"][0] == "Yes"
    assert list(programme.view(filled, USD).owners["owner"]) == ["Ann"]


def test_claims_past_their_window_are_told_and_filing_counts(filled: Store) -> None:
    late = findings.load(filled, queue="audit", first="2026-04", last="2026-04")
    with filled.transaction() as txn:
        txn.update("contracts", {"contract_id": "c-c"}, {"dispute_window_days": 30})
    verdict, told = verdicts(filled)["disputes"]
    assert (verdict, "$0 filed" in told) == ("No", True)
    disputes.file(filled, list(late.loc[late["rule"] == "R1", "finding_id"]), "2026-05-10")
    assert "$65 filed" in verdicts(filled)["disputes"][1]  # 50 GBP at 1.30


def test_paid_on_time_is_by_due_date_and_last_payment(filled: Store) -> None:
    assert {k.label: k.value for k in programme.view(filled, USD).kpis}["Paid on time"] == "–"
    with filled.transaction() as txn:
        for invoice in ("i-ac-v-2026-08", "i-ac-v-2026-09"):
            txn.update("invoices", {"invoice_id": invoice}, {"due_on": "2026-10-15", "issued_on": "2026-09-30"})
        paid = [("08", "2026-10-01"), ("09", "2026-10-10"), ("09", "2026-10-20")]
        rows = [{"invoice_id": f"i-ac-v-2026-{month}", "paid_on": day, "amount": SCALE} for month, day in paid]
        txn.append("payments", [row | {"row_id": number} for number, row in enumerate(rows, 1)])
    kpis = {k.label: (k.value, k.delta) for k in programme.view(filled, USD).kpis}
    assert kpis["Paid on time"] == ("50.0 %", "1 bill late")
    assert kpis["Bill to payment"][1] == "longest 20 days"


def test_a_missed_notice_date_and_lines_without_contract_weaken_the_answer(filled: Store) -> None:
    assert verdicts(filled)["contracts and billing"][0] == "Partly"  # Colt's notice date was missed
    with filled.transaction() as txn:
        for key in ("c-c", "c-v", "c-a"):
            txn.update("contracts", {"contract_id": key}, {"terminated_on": "2026-08-01"})
    assert verdicts(filled)["contracts and billing"][0] == "No"


def test_an_empty_store_has_no_verdict(store: Store) -> None:
    assert {verdict for verdict, _ in verdicts(store).values()} == {"No data"}
