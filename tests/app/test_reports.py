"""Reports and exports: their figures are the store's, their files open, bad requests are refused."""

from __future__ import annotations

import csv
import io
import json
import re
from decimal import Decimal

import openpyxl
import pytest
from pptx import Presentation

from app import formats
from app.commands import export as export_command
from app.commands import report as report_command
from app.reports import brief, change_order, dispute_pack, executive, focus, notice_letter, slides, workbook
from app.reports.pdf import pdf
from app.views.selection import Filters
from audit import disputes
from core.contract_register import contract_register
from core.issues import BadInput
from core.money import to_text
from core.queries import spend, workflow
from core.store import Store
from tests.app.estate import BUCKETS, RESULT, add_result, fill
from tests.run_command import run


@pytest.fixture(scope="module")
def estate(tmp_path_factory):
    opened = fill(Store.open(f"sqlite:///{tmp_path_factory.mktemp('reports') / 'tem.db'}"))
    yield opened
    opened.close()


@pytest.fixture
def filled(store):
    return fill(store)


def pages(content):
    assert content.startswith(b"%PDF-")
    return len(re.findall(rb"/Type\s*/Page\b", content))


# --- executive -------------------------------------------------------------------------------------------------------


def test_the_trend_is_the_rollup(estate):
    page = executive.content(estate, Filters(currency="USD"))
    assert page["month"] == "2026-09"
    table = spend.spend(estate, by=("month", "carrier_id"))
    att = table[(table["carrier_id"] == "att") & (table["month"] == "2026-09")]["amount"].sum()
    row = dict(zip(page["trend"]["names"], page["trend"]["values"], strict=True))["AT&T Mobility"]
    assert Decimal(str(row[-1])) == Decimal(to_text(int(att)))


def test_steps_lead_from_one_total_to_the_other(estate):
    steps = executive.content(estate)["steps"]
    assert (steps[0]["kind"], steps[-1]["kind"]) == ("total", "total")
    assert all(0 <= step["low"] <= step["high"] <= 1 for step in steps)
    level = steps[0]["high"]
    for step in steps[1:-1]:
        assert level == pytest.approx(step["low"] if step["kind"] == "up" else step["high"])
        level = step["high"] if step["kind"] == "up" else step["low"]
    assert level == pytest.approx(steps[-1]["high"])


def test_executive_pdf_is_the_same_twice(estate):
    page = executive.content(estate)
    first = pdf("executive", page)
    assert first == pdf("executive", page)
    assert pages(first) == 2


@pytest.mark.parametrize("text", ["#panic()", "a *b* _c_ $x$ <d> @e", "\\ \" ' ` ~", "Ünïcode — 日本"])
def test_text_of_users_is_never_markup(estate, text):
    page = executive.content(estate) | {"title": text, "sentence": text}
    page["actions"] = [[text, text, text, text]]
    assert pages(pdf("executive", page)) == 2


def test_slides_hold_charts_and_tables_that_can_be_edited(estate):
    deck = Presentation(io.BytesIO(slides.slides(estate)))
    page = executive.content(estate)
    shapes = [shape for slide in deck.slides for shape in slide.shapes]
    charts = [shape.chart for shape in shapes if shape.has_chart]
    assert [list(series.values) for series in charts[0].plots[0].series] == [list(v) for v in page["trend"]["values"]]
    tables = [shape.table for shape in shapes if shape.has_table]
    assert tables[0].cell(1, 0).text == page["actions"][0][0]
    assert page["title"] in [shape.text_frame.text for shape in deck.slides[0].shapes if shape.has_text_frame]


def test_workbook_has_every_charge_of_the_rollup(estate):
    content = workbook.workbook(estate)
    assert content == workbook.workbook(estate)
    book = openpyxl.load_workbook(io.BytesIO(content))
    assert book.sheetnames == ["Summary", "Spend", "Findings", "Savings", "Disputes", "Contracts", "Method"]
    rows = list(book["Spend"].values)
    total = sum(Decimal(str(row[4])) for row in rows[1:])
    assert total == Decimal(to_text(int(spend.spend(estate, by=("month",))["amount"].sum())))
    assert len(list(book["Findings"].values)) - 1 == len(estate.frame("findings"))


def test_an_empty_store_has_nothing_to_report(store):
    with pytest.raises(BadInput, match="no bill"):
        executive.content(store)


# --- brief, disputes, change order -----------------------------------------------------------------------------------


def test_brief_names_dates_spend_and_items_of_the_carrier(estate):
    page = brief.content(estate, "colt")
    assert page["title"] == "Colt: notice by 1 Aug 2027"  # notice for 1 Nov 2026 was due on 1 Aug 2026
    assert "missed" in page["sentence"]
    assert page["kpis"][0]["value"] == "£5,700"
    assert page["items"][0][:3] == ["ACC", "", "MRC"]
    assert page["items"][0][4:6] == ["£950.00", "£900.00"]
    assert page["items"][-1][1] == "Total"
    assert page["errors"][0][0] == "R1"
    assert page["errors"][0][3] == "£300"
    assert pages(pdf("brief", page)) == 1


def test_brief_counts_usage_in_its_unit(estate):
    items = {row[0]: row for row in brief.content(estate, "att")["items"]}
    assert items["a-10"][3:5] == ["2", "$55.00"]


@pytest.mark.parametrize("carrier", ["nobody", ""])
def test_brief_needs_a_known_carrier(estate, carrier):
    with pytest.raises(BadInput):
        brief.content(estate, carrier)


def test_dispute_pack_lists_what_is_in_its_window(estate):
    page = dispute_pack.content(estate, "2026-09-30", carrier_id="colt")
    claims = [d for d in disputes.disputes(estate, "2026-09-30") if d.carrier_id == "colt" and d.may_file("2026-09-30")]
    assert len(page["disputes"]) == len(claims)
    line = page["disputes"][-1]["lines"][0]
    assert line[0] == "LON-77"
    assert line[3:5] == ["£950.00", "£50.00"]
    assert "contract says 900.00 GBP" in line[5]
    assert pages(pdf("dispute", page)) >= 1


def test_a_filed_pack_names_what_is_open_and_no_day_to_file(filled):
    august = next(d for d in disputes.disputes(filled, "2026-09-30") if d.invoice_id == "i-ac-c-2026-08")
    (claim,) = disputes.file(filled, august.finding_ids, "2026-09-30")
    page = dispute_pack.content(filled, "2026-09-30", dispute_id=claim.dispute_id)
    assert page["kpis"][-1]["value"] == "Filed"
    assert "window" not in page["sentence"]
    with filled.transaction() as txn:
        charge = {"charge_id": "back", "service_id": "s8", "category": "credit", "amount": -20_000_000}
        txn.append("charges", [charge | {"invoice_id": "i-ac-c-2026-09", "related_charge_id": "ch-s8-2026-08"}])
    page = dispute_pack.content(filled, "2026-10-31", dispute_id=claim.dispute_id)
    assert page["title"] == "Colt: £30.00 in dispute"
    assert page["kpis"][0]["delta"] == "£20.00 credited so far"


def test_dispute_pack_of_one(estate):
    key = disputes.disputes(estate, "2026-09-30")[0].dispute_id
    page = dispute_pack.content(estate, "2026-09-30", dispute_id=key)
    assert len(page["disputes"]) == 1
    assert dict(page["disputes"][0]["facts"])["Reference"] == key
    with pytest.raises(BadInput):
        dispute_pack.content(estate, "2026-09-30", dispute_id="D-none")


def test_notice_letter_ends_a_contract_on_its_earliest_exit(filled):
    row = next(r for r in contract_register(filled, "2026-09-30") if r["contract_id"] == "c-v")
    letter = notice_letter.content(filled, "c-v", "2026-09-30")
    facts = dict(letter["facts"])
    assert facts["Contract ends on"] == formats.day(row["earliest_exit"])
    assert facts["Services"] == str(len(row["services"]))
    with filled.transaction() as txn:
        txn.update("contracts", {"contract_id": "c-v"}, {"terminated_on": "2026-08-31"})
    with pytest.raises(BadInput, match="nothing to give notice of"):
        notice_letter.content(filled, "c-v", "2026-09-30")


def test_periods_read_short():
    assert dispute_pack.period("2026-07-01", "2026-07-31") == "1–31 Jul 2026"
    assert dispute_pack.period("2026-06-25", "2026-07-24") == "25 Jun – 24 Jul 2026"
    assert dispute_pack.period("2025-12-25", "2026-01-24") == "25 Dec 2025 – 24 Jan 2026"
    assert dispute_pack.period("2026-07-01", None) == "1 Jul 2026"


def test_change_order_lists_the_changes_only(estate):
    document, rows = change_order.rows(estate)
    assert document["result_id"] == "r1"
    assert [(row["service_id"], row["action"], row["number"]) for row in rows] == [
        ("s2", "suspend", "5550002"),
        ("s1", "change_plan", "5550001"),
    ]
    book = openpyxl.load_workbook(io.BytesIO(change_order.workbook(estate)))
    assert book.sheetnames == ["About", "verizon"]
    with pytest.raises(BadInput):
        change_order.rows(estate, "r9")
    with pytest.raises(BadInput):
        change_order.rows(estate, None, "colt")


def test_change_order_asks_for_buckets_too(store):
    fill(store)
    add_result(store, result_id="r2", document={**RESULT, "recommendations": [], "buckets": BUCKETS})
    _, rows = change_order.rows(store, "r2")
    assert [(r["service_id"], r["action"], r["current_plan_id"], r["plan_id"], r["monthly_saving"]) for r in rows] == [
        (None, "buy_bucket", "50 GB x 0", "50 GB x 2", None),
        (None, "cancel_bucket", "85 GB x 1", "85 GB x 0", None),
    ]
    assert "2 instead of 0 of 51,200 MB at 150.00 a month" in rows[0]["reason"]
    book = openpyxl.load_workbook(io.BytesIO(change_order.workbook(store, "r2")))
    assert [row[4].value for row in book["verizon"].iter_rows(min_row=2)] == ["buy_bucket", "cancel_bucket"]
    with pytest.raises(BadInput):
        change_order.rows(store, "r2", "colt")


# --- exports ---------------------------------------------------------------------------------------------------------


def test_focus_has_one_row_per_charge_and_its_money(estate):
    rows = focus.rows(estate)
    assert len(rows) == estate.count("charges")
    for code in ("USD", "GBP"):
        billed = sum(Decimal(row["BilledCost"]) for row in rows if row["BillingCurrency"] == code)
        charged = workflow.all_charges(estate)
        assert billed == Decimal(to_text(int(charged[charged["currency"] == code]["amount"].sum())))
    sample = next(row for row in rows if row["x_ChargeId"] == "ch-s1-2026-09")
    assert sample["ChargePeriodStart"] == "2026-09-01T00:00:00Z"
    assert sample["ChargePeriodEnd"] == "2026-09-29T00:00:00Z"  # exclusive: the bill ends on the 28th
    assert (sample["ChargeCategory"], sample["ChargeFrequency"]) == ("Purchase", "Recurring")
    assert {row["ChargeCategory"] for row in rows} <= {"Usage", "Purchase", "Tax", "Credit", "Adjustment"}
    assert json.loads(sample["Tags"])["employee_id"] == "e1"


@pytest.mark.parametrize(
    ("value", "cell"),
    [("=1+1", "'=1+1"), ("@x", "'@x"), ("-5.00", "-5.00"), ("-x", "'-x"), ("+49 30", "+49 30"), (None, ""), ("a", "a")],
)
def test_no_cell_starts_a_formula(value, cell):
    written = list(csv.reader(io.StringIO(focus.csv_text([{"a": value, "b": "x"}], ["a", "b"]))))
    assert written == [["a", "b"], [cell, "x"]]


@pytest.mark.parametrize("kind", ["focus", "gl", "chargeback", "savings", "ics"])
def test_exports_are_the_same_twice(filled, tmp_path, kind):
    out = tmp_path / f"x.{'ics' if kind == 'ics' else 'csv'}"
    seen = set()
    for _ in range(2):
        result = run(filled, export_command, ["export", kind, "--out", str(out)])
        assert result.exit_code == 0, result.output
        seen.add(out.read_bytes())
    assert len(seen) == 1
    assert not list(tmp_path.glob("*.part"))


def test_journal_balances(filled, tmp_path):
    out = tmp_path / "gl.csv"
    run(filled, export_command, ["export", "gl", "--out", str(out), "--month", "2026-09"])
    with out.open() as file:
        rows = list(csv.DictReader(file))
    assert sum(Decimal(r["debit"]) - Decimal(r["credit"]) for r in rows) == 0
    assert sum(Decimal(r["debit"]) for r in rows if r["currency"] == "GBP") == 950


@pytest.mark.parametrize(
    ("kind", "name", "more"),
    [
        ("executive", "x.pdf", []),
        ("executive", "x.xlsx", ["--month", "2026-08"]),
        ("executive", "x.pptx", []),
        ("negotiation-brief", "x.pdf", ["--carrier", "verizon"]),
        ("dispute-pack", "x.pdf", ["--as-of", "2026-09-30"]),
        ("change-order", "x.xlsx", []),
        ("notice-letter", "x.pdf", ["--contract", "c-v"]),
        ("change-order", "x.csv", []),
    ],
)
def test_every_report_is_written(filled, tmp_path, kind, name, more):
    out = tmp_path / name
    result = run(filled, report_command, ["report", kind, "--out", str(out), *more])
    assert result.exit_code == 0, (result.output, result.exception)
    assert out.stat().st_size > 200


@pytest.mark.parametrize(
    ("kind", "name", "more"),
    [
        ("poem", "x.pdf", []),
        ("executive", "x.docx", []),
        ("negotiation-brief", "x.pdf", []),
        ("executive", "x.pdf", ["--month", "2031-01"]),
        ("executive", "x.pdf", ["--month", "soon"]),
        ("dispute-pack", "x.pdf", ["--as-of", "2026-02-30"]),
        ("notice-letter", "x.pdf", []),
        ("notice-letter", "x.pdf", ["--contract", "none"]),
    ],
)
def test_impossible_reports_are_refused_and_leave_no_file(filled, tmp_path, kind, name, more):
    result = run(filled, report_command, ["report", kind, "--out", str(tmp_path / name), *more])
    assert isinstance(result.exception, BadInput)
    assert not (tmp_path / name).exists()


def test_every_kind_is_documented():
    from tests.conftest import ROOT

    text = (ROOT / "docs" / "reports.md").read_text(encoding="utf-8")
    for kind in (*report_command.KINDS, *export_command.KINDS):
        assert f"`{kind}`" in text
