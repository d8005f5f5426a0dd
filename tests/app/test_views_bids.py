"""Bids on the page: what is compared and kept, the figures of a comparison as tables, bid sheet and workbook."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import yaml
from estate import fill
from streamlit.testing.v1 import AppTest

import app.commands.report
import app.commands.worth
import loaders
from app.jobs import REGISTRY
from app.reports import bid_comparison, bid_sheet
from app.views import bids
from app.views.selection import Filters
from core import jobs
from core.issues import BadInput
from core.money import SCALE
from core.store import Store
from tests.run_command import run

RIVAL = {
    **{"offer_id": "att-2027", "carrier_id": "att", "term_months": 24, "commitment_amount": 600 * SCALE},
    **{"commitment_period": "year", "signing_credit": 48 * SCALE, "valid_until": "2026-12-31"},
}


@pytest.fixture
def filled(store: Store) -> Store:
    fill(store)
    with store.transaction() as txn:
        txn.append("offer_terms", [RIVAL])
    return store


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """The hand-made estate with two bids, compared by the worker."""
    store = fill(Store.open(f"sqlite:///{tmp_path_factory.mktemp('bids') / 'tem.db'}"))
    beta = {"plan_id": "v-deal", "carrier_id": "verizon", "name": "Renewal 10 GB", "mrc": 40 * SCALE, "currency": "USD"}
    with store.transaction() as txn:
        txn.append("plans", [{**beta, "data_mb": 10_240 * SCALE, "offer_id": "vz-2027"}])
        txn.append("offer_terms", [RIVAL])
        txn.append("usage", [
            {"service_id": f"s{n}", "month": month, "usage_type": "data", "zone": "home", "quantity": 5_000 * SCALE}
            for n in range(1, 7) for month in ("2026-08", "2026-09")
        ])  # fmt: skip
    settings = bids.settings_of(store)
    rows = [{"criterion": "Coverage", "weight": 20, "att-2027": 9.0, "vz-2027": None}]
    assert bids.save(store, bids.with_scores(settings, 80, rows)) == []
    jobs.enqueue(store, "worth", {"scenario": bids.view(store, Filters()).asked, "studies": ["bids"], "time_limit": 5})
    assert jobs.run_one(store, REGISTRY)
    return store


def test_without_offers_the_page_says_what_to_do(store: Store) -> None:
    data = bids.view(store, Filters())
    assert data.title == "No bid is in the catalogue"
    assert not data.done


def test_before_the_comparison_all_offers_are_chosen(filled: Store) -> None:
    data = bids.view(filled, Filters())
    assert data.settings.offers == ("att-2027",)
    assert (data.settings.term, data.settings.discount_rate, data.done) == (36, 8.0, False)
    asked = yaml.safe_load(data.asked)
    assert asked["comparison"] == {"discount_rate": "0.08"}
    assert asked["horizon_months"] == 36


def test_settings_are_kept_and_weights_do_not_ask_again(filled: Store) -> None:
    before = bids.view(filled, Filters())
    rows = [
        {"criterion": "Coverage", "weight": 30, "att-2027": 8.5},
        {"criterion": " ", "weight": 10, "att-2027": 1},
        {"criterion": "Terms", "weight": None, "att-2027": float("nan")},
    ]
    assert bids.save(filled, bids.with_scores(before.settings, 50, rows)) == []
    after = bids.view(filled, Filters())
    assert after.settings.weights == {"Coverage": 30.0, "Terms": 0.0}
    assert after.settings.scores == {"Coverage": {"att-2027": 8.5}, "Terms": {}}
    assert after.settings.cost_weight == 50
    assert after.asked == before.asked
    assert list(bids.score_rows(after.settings)["criterion"]) == ["Coverage", "Terms"]


def test_settings_that_cannot_be_are_told_and_not_kept(filled: Store) -> None:
    settings = bids.settings_of(filled)
    wrong = bids.with_scores(settings, 50, [{"criterion": "Coverage", "weight": 30, "att-2027": 11}])
    assert any("from 0 to 10" in line for line in bids.save(filled, wrong))
    assert bids.settings_of(filled) == settings


def test_the_comparison_as_tables(done: Store) -> None:
    data = bids.view(done, Filters())
    assert data.done, data.problem
    assert list(data.rows["key"])[:4] == ["today", "stay", "att-2027", "vz-2027"]
    totals = dict(zip(data.rows["key"], data.rows["total"], strict=True))
    for key in totals:
        assert int(data.parts[key].iloc[:-1].sum()) == pytest.approx(totals[key], abs=20)  # parts add up to the total
        assert int(data.months[key].sum()) == pytest.approx(totals[key], abs=40)
        assert int(bids.groups(data).loc[key].sum()) == pytest.approx(totals[key], abs=20)
    back = bids.paid_back(data)
    assert len(back) == 36
    assert back["vz-2027"].iloc[-1] == pytest.approx(totals["stay"] - totals["vz-2027"], abs=80)
    assert data.terms["commitment"].iloc[0] == 50 * SCALE
    assert data.card is not None
    assert data.card["missing"] == ["Coverage: vz-2027"]
    assert data.cases["case"].iloc[0] == "As bid"
    assert "Taxes are not known and left out for everybody." in data.notes
    assert len(data.kpis) >= 3


def test_the_page_draws_them(done: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEM_STORE_URL", done.full_url)
    page = AppTest.from_file(str(Path(__file__).resolve().parents[2] / "app" / "main.py"), default_timeout=90).run()
    page = page.switch_page("../pages/offers.py").run()
    assert not page.exception
    assert page.title[0].value == bids.view(done, Filters()).title
    cards = [item.value for item in page.subheader]
    assert {"Total cost over the term", "Award", "What if", "Scorecard"} <= set(cards)


def test_the_workbook_holds_the_figures(done: Store) -> None:
    data = bids.view(done, Filters())
    book = openpyxl.load_workbook(io.BytesIO(bid_comparison.of_store(done)))
    assert book.sheetnames == [
        *("Summary", "Total cost", "By month", "Bids", "Award", "What if", "Scorecard"),
    ]
    sheet = book["Total cost"]
    assert sheet["A2"].value == "As today"
    assert sheet["B2"].value == pytest.approx(int(data.rows["total"].iloc[0]) / SCALE)
    assert book["By month"].max_row == 37


def test_the_command_writes_the_workbook(done: Store, tmp_path: Path) -> None:
    scenario, out = tmp_path / "s.yaml", tmp_path / "bids.xlsx"
    scenario.write_text("horizon_months: 12\ngap: 0.01\noffers: [vz-2027]\n")
    words = ["worth", str(scenario), "--study", "bids", "--time-limit", "5", "--out", str(out)]
    told = run(done, app.commands.worth, words)
    assert told.exit_code == 0, told.output
    assert "award:" in told.stdout
    assert "vz-2027" in openpyxl.load_workbook(out)["Total cost"]["A4"].value
    again = run(done, app.commands.worth, ["worth", str(scenario), "--study", "contracts", "--out", str(out)])
    assert isinstance(again.exception, BadInput)
    report = tmp_path / "again.xlsx"
    assert run(done, app.commands.report, ["report", "bids", "--out", str(report)]).exit_code == 0
    assert openpyxl.load_workbook(report).sheetnames[0] == "Summary"


def test_what_was_not_compared_cannot_be_written(filled: Store) -> None:
    with pytest.raises(BadInput, match="have not been compared"):
        bid_comparison.of_store(filled)


def test_a_filled_bid_sheet_loads_as_an_offer(done: Store, tmp_path: Path) -> None:
    book = openpyxl.load_workbook(io.BytesIO(bid_sheet.workbook(done, "att", "att-2028")))
    needs = list(book["Volumes"].values)
    assert needs[0] == bid_sheet.HEAD
    assert sum(row[4] for row in needs[1:]) == 6
    assert {row[2] for row in needs[1:]} == {"10 GB", "2 GB"}
    assert {row[3] for row in needs[1:]} == {"1 to 2 GB", "2 to 5 GB"}
    text = " ".join(str(cell) for row in needs for cell in row)
    assert "erizon" not in text
    put(
        book["Offers"],
        2,
        offer_id="att-2028",
        plan_id="att-28-5",
        carrier="att",
        mrc=19.5,
        data_mb=5120,
        currency="USD",
    )
    put(book["Offer_terms"], 2, term_months=24, commitment_amount=1200, commitment_period="year", signing_credit=100)
    path = tmp_path / "answer.xlsx"
    book.save(path)
    store = fill(Store.open(f"sqlite:///{tmp_path / 'other.db'}"))
    (told,) = loaders.load_paths(store, [path]).files
    assert (told.format, told.rows_in, told.rows_loaded) == ("contracts", 2, 2), told
    terms = store.frame("offer_terms").iloc[0]
    assert (terms["offer_id"], terms["carrier_id"], terms["signing_credit"]) == ("att-2028", "att", 100 * SCALE)
    assert "att-2028" in bids.view(store, Filters()).choices
    with pytest.raises(BadInput, match="carrier"):
        bid_sheet.workbook(done, "nobody")


def put(sheet: Any, row: int, **cells: Any) -> None:
    """Fill cells of a row by the heading of their column."""
    places = {cell.value: cell.column for cell in sheet[1]}
    for name, value in cells.items():
        sheet.cell(row, places[name], value)
