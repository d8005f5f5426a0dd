"""Verizon raw data download and AT&T charges: golden bills with the quirks of real files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import loaders
from core.queries import loading
from core.store import Store
from loaders.reading.declare import us_day, us_number
from tests.loaders.conftest import V_WIRELESS


def test_the_verizon_bill_ties_and_loses_no_row(store: Store, estate: Path, verizon_zip: Callable[..., Path]) -> None:
    loaders.load_paths(store, [estate])
    report = loaders.load_paths(store, [verizon_zip()])
    (file,) = report.files
    assert (file.format, file.rows_in, file.rows_loaded, file.rows_quarantined) == ("verizon_rdd", 16, 16, 0)
    assert file.to_json()["invoices"] == [
        {
            "number": "9901",
            "account": "642350544-00001",
            "total": "1102.87",
            "charges_total": "1102.87",
            "currency": "USD",
            "balanced": True,
        }
    ]
    invoice = store.frame("invoices").set_index("invoice_id").loc["V1:9901"]
    assert (invoice["period_start"], invoice["period_end"], invoice["due_on"]) == (
        "2026-01-01",
        "2026-01-31",
        "2026-02-23",
    )
    assert (invoice["previous_balance"], invoice["payments"]) == (1_000_000_000, -1_000_000_000)
    charges = store.frame("charges")
    charges = charges[charges["invoice_id"] == "V1:9901"].astype(object).fillna("")
    rows = charges[["service_id", "category", "description", "amount"]].to_numpy().tolist()
    assert sorted(map(tuple, rows)) == sorted(
        [
            ("SV1", "mrc", "Unlimited Plus", 1_040_000_000),
            ("SV1", "mrc", "Call Filter", 2_990_000),
            ("SV1", "credit", "$10 Monthly Access Crdt 36 Mon", -10_000_000),
            ("SV1", "credit", "Roaming minutes", -7_230_000),
            ("", "late_fee", "Late Fee", 5_000_000),
            ("SV2", "mrc", "Unlimited Start", 34_000_000),
            ("SV2", "occ", "411 Search", 3_980_000),
            ("SV2", "equipment", "Device Payment Agreement 5 of 36", 21_030_000),
            ("SV2", "tax", "State tax", 3_100_000),
            ("", "surcharge", "Administrative charge", 10_000_000),
        ]
    )
    usage = store.frame("usage")
    mine = usage[usage["service_id"].isin(["SV1", "SV2"])]
    assert {(r.service_id, r.usage_type, r.zone): r.quantity for r in mine.itertuples()} == {
        ("SV1", "data", "home"): 2_048_000_000,
        ("SV1", "voice", "home"): 120_000_000,
        ("SV1", "sms", "home"): 33_000_000,
        ("SV1", "voice", "roaming"): 12_000_000,
        ("SV2", "data", "home"): 500_000,
        ("SV2", "voice", "home"): 0,
        ("SV2", "sms", "home"): 5_000_000,
    }
    event = store.frame("usage_events").iloc[0]
    assert (event["started_at"], event["quantity"], event["service_id"]) == ("2026-01-03T14:05:00", 4_000_000, "SV1")


def test_verizon_lines_nobody_inventoried(
    store: Store, estate: Path, verizon_zip: Callable[..., Path], verizon_detail: str
) -> None:
    loaders.load_paths(store, [verizon_zip()])  # no inventory at all: the bill makes carrier, account and lines
    services = store.frame("services")
    assert list(services["service_id"]) == [
        "verizon:642350544-00001:16465550001",
        "verizon:642350544-00001:16465550002",
    ]
    assert all('"unconfirmed": "yes"' in text for text in services["attributes"])
    other = Store.open(f"sqlite:///{estate.parent / 'other.db'}")
    loaders.load_paths(other, [estate])
    stranger = verizon_detail.replace("646-555-0002", "646-555-9999")
    report = loaders.load_paths(other, [verizon_zip("c.zip", detail=stranger)])
    assert report.exit_code == 0
    assert any("646-555-9999" in text for text in report.files[0].warnings)
    charges = other.frame("charges")
    lost = charges[charges["billed_number"] == "646-555-9999"]
    assert lost["service_id"].isna().all()
    assert len(lost) == 4


def test_bad_verizon_rows_are_set_aside_and_show_in_the_balance(
    store: Store, verizon_zip: Callable[..., Path], verizon_detail: str
) -> None:
    broken = verizon_detail.replace("$34.00", "$34.0O").replace("9901\tJan 31, 2026\tN/A", "9902\tJan 31, 2026\tN/A", 1)
    report = loaders.load_paths(store, [verizon_zip(detail=broken)])
    (file,) = report.files
    assert (report.exit_code, file.rows_in, file.rows_loaded, file.rows_quarantined) == (3, 16, 14, 2)
    assert not file.invoices[0].balanced
    rows = loading.quarantined(store)
    assert [(r["field"], r["found"]) for r in rows] == [("Cost", "$34.0O"), ("Invoice Number", "9902")]
    assert all("Detail" in r["file"] and r["raw"].startswith("1\t642350544") for r in rows)


@pytest.mark.parametrize("member", ["summary", "detail"])
def test_a_download_without_a_needed_member_is_refused(
    store: Store, verizon_zip: Callable[..., Path], member: str
) -> None:
    report = loaders.load_paths(store, [verizon_zip(**{member: None})])
    assert report.exit_code == 2
    assert "file; it holds:" in (report.files[0].error or "")


def test_a_missing_verizon_column_names_the_closest(
    store: Store, verizon_zip: Callable[..., Path], verizon_detail: str
) -> None:
    report = loaders.load_paths(store, [verizon_zip(detail=verizon_detail.replace('"Cost"', '"Costs"'))])
    assert report.exit_code == 2
    assert "the required column Cost is missing" in (report.files[0].error or "")
    assert "the closest is Cost" in (report.files[0].error or "")


def test_att_cycles_are_invoices_and_pools_are_no_lines(store: Store, estate: Path, att_csv: Path) -> None:
    loaders.load_paths(store, [estate])
    (file,) = loaders.load_paths(store, [att_csv]).files
    assert (file.format, file.rows_in, file.rows_loaded, file.warnings) == ("att_charges", 4, 4, [])
    assert [(i.number, i.total, i.balanced) for i in file.invoices] == [
        ("287301456789-20260202", 1_056_600_000, True),
        ("287301456789-20260217", 28_000_000, True),
    ]
    charges = store.frame("charges")
    rows = charges[charges["invoice_id"].str.startswith("T1:")].astype(object).fillna("")
    assert sorted(
        map(tuple, rows[["billed_number", "service_id", "category", "amount"]].to_numpy().tolist())
    ) == sorted(
        [
            ("4155550001", "ST1", "mrc", 1_033_000_000),
            ("4155550001", "ST1", "occ", 2_000_000),
            ("4155550001", "ST1", "tax", 3_100_000),
            ("4155550001", "ST1", "surcharge", 1_000_000),
            ("G000117", "", "mrc", 30_000_000),
            ("0", "", "credit", -12_500_000),
            ("4155550001", "ST1", "mrc", 33_000_000),
            ("4155550001", "ST1", "credit", -5_000_000),
        ]
    )
    usage = store.frame("usage")
    mine = usage[
        (usage["service_id"] == "ST1") & (usage["month"] == "2026-01") & (usage["period_start"] == "2026-01-01")
    ]
    assert dict(zip(mine["usage_type"], mine["quantity"], strict=True)) == {
        "data": 1_024_000_000,
        "voice": 100_000_000,
        "sms": 7_000_000,
    }


def test_the_sample_loads_balanced_with_nothing_set_aside(store: Store, tmp_path: Path) -> None:
    sample = pytest.importorskip("sample_data")
    sample.generate(tmp_path / "s", services=60, months=4)
    report = loaders.load_paths(store, [tmp_path / "s" / name for name in ("canonical", "verizon", "att")])
    assert report.exit_code == 0
    bills = [file for file in report.files if file.format != "canonical"]
    assert len(bills) >= 8
    assert all(file.invoices and all(i.balanced for i in file.invoices) for file in bills)


@pytest.mark.parametrize(
    ("text", "micros"),
    [
        ("$1,234.56", 1_234_560_000),
        ("(7.23)", -7_230_000),
        ("($7.23)", -7_230_000),
        ("-7.23", -7_230_000),
        ("-$7.23", -7_230_000),
        ("$-7.23", -7_230_000),
        ("7.23-", -7_230_000),
        ("(-7.23)", -7_230_000),
        ("NA", None),
        ("N/A", None),
        ("", None),
    ],
)
def test_money_as_us_carriers_print_it(text: str, micros: int | None) -> None:
    assert us_number(text) == micros


@pytest.mark.parametrize("text", ["1,23", "12,34.5", "$", "--5", "1e5", "NaN", "5.", "1.2345678", "x"])
def test_money_nobody_prints_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"amount|decimals"):
        us_number(text)


@pytest.mark.parametrize(
    "text",
    ["Jan 31, 2026", "January 31, 2026", "01/31/2026", "1/31/2026", "01/31/26", "01-31-2026", "2026-01-31", "20260131"],
)
def test_days_as_us_carriers_print_them(text: str) -> None:
    assert us_day(text) == "2026-01-31"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "$1,025.76",
            "$1,030.00",
            "lines whose charges differ between summary and detail: 1 (first: 646-555-0001, 1030",
        ),
        ("Total Charges", "Monthly Charges", "lines whose monthly charges differ between summary and detail: 2"),
    ],
)
def test_a_line_whose_detail_is_not_its_summary_is_told(
    store: Store, verizon_zip: Callable[..., Path], old: str, new: str, said: str
) -> None:
    if old == "Total Charges":  # one more column, wrong for both lines
        wireless = "\n".join(
            f"{line}\t{cell}"
            for line, cell in zip(V_WIRELESS.splitlines(), [f'"{new}"', "$1.00", "$33.00", "NA"], strict=True)
        )
    else:
        wireless = V_WIRELESS.replace(old, new)
    (file,) = loaders.load_paths(store, [verizon_zip(wireless=f"{wireless}\n")]).files
    assert [text for text in file.warnings if said in text]
    assert file.invoices[0].balanced
    (whole,) = loaders.load_paths(store, [verizon_zip("whole.zip")], dry_run=True, supersede=True).files
    assert not [text for text in whole.warnings if "differ between" in text]
