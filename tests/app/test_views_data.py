"""Invoices, inventory, dossier, imports, allocation and health on the small estate and on an empty store."""

from __future__ import annotations

import csv
import io

import estate
import pytest

from app.views import allocation, dossier, freshness, health, imports, inventory, ledger, savings, spend
from app.views.selection import Filters, choices
from core import rollups
from core.findings import set_state
from core.money import SCALE, parse_micros
from core.store import Store

USD = Filters(month="2026-09", compare="2026-08", currency="USD")


@pytest.fixture
def filled(store: Store) -> Store:
    return estate.fill(store)


def test_the_month_by_category_adds_up_to_its_invoices(filled: Store) -> None:
    data = spend.view(filled, Filters(month="2026-09", compare="2026-08", currency="USD", convert=False))
    assert data.categories["now"].sum() == 355 * SCALE
    assert data.invoices.loc[data.invoices["currency"] == "USD", "total"].sum() == 355 * SCALE
    assert data.sentence == "Every invoice ties to its charges to the cent."


def test_an_invoice_that_does_not_tie_is_named_with_the_difference(filled: Store) -> None:
    with filled.transaction() as txn:
        txn.update("invoices", {"invoice_id": "i-ac-v-2026-09"}, {"total": 211 * SCALE})
    data = spend.view(filled, USD)
    assert data.sentence.startswith("1 invoice does not tie")
    assert data.invoices.set_index("invoice_id").at["i-ac-v-2026-09", "difference"] == -SCALE
    bill = spend.invoice(filled, "i-ac-v-2026-09")
    assert bill.facts["Difference"] == "−$1.00"
    assert bill.services["amount"].sum() == 210 * SCALE


def test_charges_of_cost_centers_follow_the_holder(filled: Store) -> None:
    centers = spend.view(filled, USD).centers.set_index("name")["now"]
    assert centers["Sales"] == 180 * SCALE
    assert centers["Field service"] == (30 + 55 + 55 + 23) * SCALE


def test_inventory_finds_unused_lines_and_leavers(filled: Store) -> None:
    data = inventory.view(filled, USD)
    assert set(data.rows.loc[data.rows["unused"] == 1, "service_id"]) == {"s2"}
    assert inventory.view(filled, USD, only="left").rows["service_id"].tolist() == ["s3"]
    assert inventory.view(filled, USD, search="5550004").rows["service_id"].tolist() == ["s4"]
    assert inventory.view(filled, USD, kind="circuit").rows["monthly"].tolist() == [1235 * SCALE]


def test_a_search_is_text_not_a_pattern(filled: Store) -> None:
    assert inventory.view(filled, USD, search=".*").rows.empty


def test_the_dossier_knows_everything_about_a_line(filled: Store) -> None:
    data = dossier.view(filled, Filters(), service_id="s2")
    assert data is not None
    assert data.history["total"].tolist() == [60 * SCALE] * 6
    assert data.facts["Holder"] == "Employee 2"
    assert data.plan["Plan"] == "Business 10 GB"
    assert data.recommendation.startswith("Suspend this line: saves $51.50 a month")
    assert data.findings["month"].iloc[0] == "2026-09"
    assert dossier.view(filled, Filters(), service_id="nobody") is None


def test_a_missing_bill_is_seen(filled: Store) -> None:
    with filled.transaction() as txn:
        ids = ["ch-s8-2026-07"]
        txn.delete("charges", {"charge_id": ids})
        txn.delete("invoices", {"invoice_id": "i-ac-c-2026-07"})
        rollups.refresh(txn)
    data = health.view(filled, Filters())
    assert data.gaps.to_dict("records") == [{"account": "Colt C-9", "month": "2026-07"}]
    assert data.title.startswith("Look at these gaps")


def test_the_health_title_counts_the_invoices_that_do_not_tie(filled: Store) -> None:
    assert health.view(filled, Filters()).title == "The figures can be trusted"
    titles = []
    for ident in ("i-ac-v-2026-09", "i-ac-v-2026-08"):
        with filled.transaction() as txn:
            txn.update("invoices", {"invoice_id": ident}, {"total": SCALE})
        data = health.view(filled, Filters())
        titles.append((data.title, next(kpi for kpi in data.kpis if kpi.label == "Invoices that tie").delta))
    assert titles == [
        ("The figures can be trusted, but for 1 invoice that does not tie", "17 of 18"),
        ("The figures can be trusted, but for 2 invoices that do not tie", "16 of 18"),
    ]


def test_freshness_says_what_the_figures_rest_on(filled: Store) -> None:
    told = freshness.sentence(filled)
    assert "Data to September 2026" in told
    assert "18 of 18 invoices tie to their charges" in told


def test_views_of_an_empty_store_are_calm(store: Store) -> None:
    assert choices(store).empty
    assert imports.view(store, Filters()).title == "Import your first files"
    assert freshness.sentence(store) == "No bill has been loaded yet."
    assert inventory.view(store, Filters()).rows.empty
    nothing = health.view(store, Filters())
    assert (nothing.gaps.empty, nothing.title) == (True, "There are no figures yet")


def test_the_showback_ties_to_the_invoices_and_shows_what_belongs_to_nobody(filled: Store) -> None:
    data = allocation.view(filled, USD)
    assert data.currencies["difference"].tolist() == [0, 0]
    dollars = data.centers[data.centers["currency"] == "USD"].set_index("cost_center")["amount"]
    assert dollars.to_dict() == {"cc1": 180 * SCALE, "cc2": 163 * SCALE, allocation.NOBODY: 12 * SCALE}
    assert data.centers["amount"].sum() == data.currencies["invoiced"].sum()


def test_savings_stand_at_one_stage_each(filled: Store) -> None:
    before = savings.view(filled, USD)
    assert dict(before.stages)["Approved"] == 0
    assert sum(amount for _, amount in before.stages) > 0
    one = before.lines.iloc[0]
    keys = [
        k
        for row in ledger.document(filled)["lines"]
        if row["saving_id"] == one["saving_id"]
        for k in row["finding_ids"]
    ]
    set_state(filled, keys, "accepted")
    after = savings.view(filled, USD)
    assert dict(after.stages)["Approved"] > 0
    assert sum(amount for _, amount in after.stages) == sum(amount for _, amount in before.stages)


def test_the_files_of_the_allocation_hold_its_money(filled: Store) -> None:
    month = "2026-09"
    rows = list(csv.DictReader(io.StringIO(allocation.csv(filled, month=month, part="by_cost_center").decode())))
    shown = allocation.view(filled, Filters(month=month)).centers
    assert sorted(parse_micros(row["amount"]) for row in rows) == sorted(shown["amount"])
    entries = list(csv.DictReader(io.StringIO(allocation.csv(filled, month=month, part="journal").decode())))
    assert sum(parse_micros(e["debit"] or "0") - parse_micros(e["credit"] or "0") for e in entries) == 0
    assert entries
