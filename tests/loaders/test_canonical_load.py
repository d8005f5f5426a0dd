"""Canonical tables: what loads, what is set aside and why, what is refused."""

from __future__ import annotations

import csv
from datetime import date
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
import xlsxwriter
from pyarrow import parquet

import loaders
from core.issues import BadInput
from core.queries import loading
from core.store import Store


def one(report: loaders.LoadReport, name: str) -> loaders.FileReport:
    """The entry of one file."""
    return next(file for file in report.files if file.file == name)


def counts(file: loaders.FileReport) -> tuple[int, int, int]:
    """rows_in, rows_loaded, rows_quarantined."""
    return file.rows_in, file.rows_loaded, file.rows_quarantined


def test_a_folder_is_one_batch_and_ties(store: Store, estate: Path) -> None:
    report = loaders.load_paths(store, [estate])
    assert report.exit_code == 0
    assert {file.batch_id for file in report.files} == {1}
    assert one(report, "invoices.csv").to_json()["invoices"] == [
        {
            "number": "N1",
            "account": "100",
            "total": "30.00",
            "charges_total": "30.00",
            "currency": "USD",
            "balanced": True,
        }
    ]
    charges = store.frame("charges").set_index("charge_id")
    assert charges["service_id"].fillna("").to_dict() == {"C1": "S1", "C2": "S2", "C3": ""}
    assert charges.loc["C3", "billed_number"] == "G77"
    assert list(charges["amount"]) == [20_000_000, 12_000_000, -2_000_000]
    assert list(store.frame("line_months")["month"].unique()) == ["2026-01"]


def test_an_invoice_that_does_not_sum_loads_out_of_balance(store: Store, estate: Path) -> None:
    text = (estate / "charges.csv").read_text().replace("-2.00", "-2.01")
    (estate / "charges.csv").write_text(text)
    report = loaders.load_paths(store, [estate])
    assert report.exit_code == 0
    invoice = one(report, "invoices.csv").invoices[0]
    assert (invoice.balanced, invoice.charges_total) == (False, 29_990_000)


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("NaN", "a plain decimal number such as -12.34"),
        ("1e999", "a plain decimal number such as -12.34"),
        ("1,234.00", "a plain decimal number such as -12.34"),
        ("5.", "a plain decimal number such as -12.34"),
        ("1.0000001", "a number with at most 6 decimals"),
        ("", "a value"),
        ("١٢", "a plain decimal number such as -12.34"),
        ("9" * 60, "a number of at most 40 characters"),
        ("x" * 10_000_000, "a cell of at most 100000 characters"),
    ],
)
def test_an_unreadable_amount_is_set_aside_with_its_reason(
    store: Store, estate: Path, cell: str, expected: str
) -> None:
    with (estate / "charges.csv").open("a") as handle:
        csv.writer(handle).writerow(["C9", "I1", "S1", "", "mrc", "PLAN", cell, "2026-01-01", "2026-01-31"])
    report = loaders.load_paths(store, [estate])
    assert report.exit_code == 3
    assert counts(one(report, "charges.csv")) == (4, 3, 1)
    (row,) = loading.quarantined(store)
    assert (row["file"], row["row"], row["field"]) == ("charges.csv", 5, "amount")
    assert row["expected"] == expected
    assert row["raw"].startswith("C9,I1") or row["raw"].startswith('"C9')
    assert len(row["raw"]) <= 2000
    assert row["found"] == cell[:200]


def test_every_kind_of_bad_row_is_named(store: Store, estate: Path) -> None:
    with (estate / "charges.csv").open("a") as handle:
        handle.write("C4,I404,S1,,mrc,P,1.00,,\n")  # unknown invoice
        handle.write("C5,I1,S404,,mrc,P,1.00,,\n")  # unknown service
        handle.write("C6,I1,S1,,mrc,P,1.00,2026-02-30,\n")  # no such day
        handle.write("C7,I1,S1,,rent,P,1.00,,\n")  # no such category
        handle.write("C8,I1,S1\n")  # too few cells
        handle.write("C9,I1,S1,,mrc,P,1.00,,,,\n")  # too many cells
        handle.write("C1,I1,S1,,mrc,PLAN,99.00,2026-01-01,2026-01-31\n")  # repeated, other content
        handle.write("C1,I1,S1,,mrc,PLAN,20.00,2026-01-01,2026-01-31\n")  # repeated, same content
    with (estate / "usage.csv").open("a") as handle:
        handle.write("S404,2026-01,data,home,1,MB,\nS1,2026-13,data,home,1,MB,\nS1,2026-01,data,home,1,GB,\n")
        handle.write("S1,2026-01,data,home,-1,MB,\n")
    report = loaders.load_paths(store, [estate])
    assert counts(one(report, "charges.csv")) == (11, 4, 7)
    assert counts(one(report, "usage.csv")) == (6, 2, 4)
    found = {(r["file"], r["row"]): (r["field"], r["found"], r["expected"]) for r in loading.quarantined(store)}
    assert found == {
        ("charges.csv", 5): ("invoice_id", "I404", "an invoice that is loaded"),
        ("charges.csv", 6): ("service_id", "S404", "a service that is loaded"),
        ("charges.csv", 7): ("period_start", "2026-02-30", "a date such as 2026-09-30"),
        ("charges.csv", 8): (
            "category",
            "rent",
            "one of mrc, nrc, usage, occ, tax, surcharge, credit, adjustment, equipment, late_fee, third_party",
        ),
        ("charges.csv", 9): (None, "3 cells", "9 cells"),
        ("charges.csv", 10): (None, "11 cells", "9 cells"),
        ("charges.csv", 11): ("charge_id", "C1", "each charge_id once"),
        ("usage.csv", 4): ("service_id", "S404", "a service that is loaded"),
        ("usage.csv", 5): ("month", "2026-13", "a month such as 2026-09"),
        ("usage.csv", 6): ("unit", "GB", "MB for data"),
        ("usage.csv", 7): ("quantity", "-1", "a number from 0 to 900000000000"),
    }


def test_a_missing_column_lists_what_is_there_and_the_closest(store: Store, estate: Path) -> None:
    text = (estate / "charges.csv").read_text().replace("amount", "amout", 1)
    (estate / "charges.csv").write_text(text)
    report = loaders.load_paths(store, [estate])
    assert report.exit_code == 3  # the other tables load
    error = one(report, "charges.csv").error
    assert error is not None
    assert "the required column amount is missing" in error
    assert "charge_id, invoice_id" in error
    assert "the closest is amout" in error
    assert store.count("charges") == 0
    assert store.count("invoices") == 1


def test_unknown_tables_are_skipped_with_a_warning(store: Store, estate: Path) -> None:
    (estate / "favourites.csv").write_text("a,b\n1,2\n")
    report = loaders.load_paths(store, [estate])
    assert report.exit_code == 0
    told = "favourites is no canonical table and was skipped; map its columns on the imports page"
    assert one(report, "favourites.csv").warnings == [f"{told}, or see `tem profile propose`"]


def test_unknown_columns_become_attributes_and_blanks_are_trimmed(store: Store, tmp_path: Path) -> None:
    (tmp_path / "sites.csv").write_text("site_id, name ,Floor\n S1 ,  Head office ,7\nS2,Depot,\n")
    loaders.load_paths(store, [tmp_path / "sites.csv"])
    frame = store.frame("sites").set_index("site_id")
    assert frame.loc["S1", "name"] == "Head office"
    assert frame.loc["S1", "attributes"] == '{"Floor": "7"}'
    assert frame["attributes"].isna()["S2"]


@pytest.mark.parametrize(
    ("encode", "warning"),
    [
        (lambda t: t.encode("utf-16"), "encoding utf-16 instead of UTF-8"),
        (lambda t: t.encode("cp1252"), "encoding cp1252 instead of UTF-8"),
        (lambda t: b"\xef\xbb\xbf" + t.encode(), "byte-order mark at the start"),
        (lambda t: t.replace("\n", "\r").encode(), "line ends are CR only"),
        (lambda t: t.replace(",", ";").encode(), "delimiter semicolon instead of comma"),
        (lambda t: t.replace(",", "\t").encode(), "delimiter tab instead of comma"),
    ],
)
def test_odd_texts_are_read_with_a_warning(store: Store, tmp_path: Path, encode: object, warning: str) -> None:
    path = tmp_path / "sites.csv"
    path.write_bytes(encode("site_id,name\nS1,Zürich\nS2,Genève\n"))  # type: ignore[operator]
    report = loaders.load_paths(store, [path])
    assert report.exit_code == 0
    assert report.files[0].warnings == [warning]
    assert list(store.frame("sites")["name"]) == ["Zürich", "Genève"]


def test_parquet_and_workbooks_say_the_same_as_csv(store: Store, tmp_path: Path) -> None:
    tmp_path = tmp_path / "in"
    tmp_path.mkdir()
    parquet.write_table(
        pa.table({"site_id": ["S1", "S2"], "name": ["Head", None], "opened_on": [date(2020, 1, 2), None]}),
        tmp_path / "sites.parquet",
    )
    parquet.write_table(
        pa.table({"plan_id": ["P"], "carrier_id": ["tel"], "mrc": [Decimal("12.340000")], "min_lines": [3.0]}),
        tmp_path / "plans.parquet",
    )
    with xlsxwriter.Workbook(str(tmp_path / "book.xlsx")) as book:
        sheet = book.add_worksheet("carriers")
        sheet.write_row(0, 0, ["carrier_id", "name"])
        sheet.write_row(1, 0, ["tel", "Telco"])
        sheet = book.add_worksheet("accounts")
        sheet.write_row(0, 0, ["account_id", "carrier_id", "number", "bill_day"])
        sheet.write_row(1, 0, ["A1", "tel", 123456, 15])
        book.add_worksheet("Notes").write(0, 0, "hello")
    report = loaders.load_paths(store, [tmp_path])
    assert report.exit_code == 0, report.issues
    assert list(store.frame("sites")["opened_on"].fillna("")) == ["2020-01-02", ""]
    assert store.frame("plans")[["mrc", "min_lines"]].to_numpy().tolist() == [[12_340_000, 3]]
    assert store.frame("accounts")[["number", "bill_day"]].to_numpy().tolist() == [["123456", 15]]
    assert one(report, "book.xlsx").warnings == ['the sheet "Notes" is no canonical table and was skipped']


def test_dimension_rows_update_what_they_name_and_keep_history(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "employees.csv"
    path.write_text("employee_id,name,role,Badge\nE1,Ann,sales,7\n")
    loaders.load_paths(store, [path])
    path.write_text("employee_id,role\nE1,director\n")
    loaders.load_paths(store, [path])
    row = store.frame("employees").iloc[0]
    assert (row["name"], row["role"], row["attributes"]) == ("Ann", "director", '{"Badge": "7"}')
    history = store.frame("record_history")
    assert list(history["record_key"]) == ["E1"]
    assert '"role": "sales"' in history.loc[0, "record"]
    assert list(history["replaced_by_batch"]) == [2]


def test_bills_of_an_account_without_inventory_create_unconfirmed_services(store: Store, estate: Path) -> None:
    inventory = (estate / "services.csv").read_text()
    (estate / "services.csv").unlink()
    (estate / "usage.csv").unlink()
    loaders.load_paths(store, [estate])
    created = store.frame("services")
    assert list(created["attributes"].unique()) == ['{"unconfirmed": "yes"}']
    assert set(created["service_id"]) == {"S1", "A1:12125550102", "A1:G77"}
    (estate / "services.csv").write_text(inventory)
    loaders.load_paths(store, [estate / "services.csv"])
    named = store.frame("services").set_index("service_id")
    assert named.loc["S1"].isna()["attributes"]
    assert "A1:12125550102" not in named.index  # the inventory names that number S2
    assert list(store.frame("charges")["service_id"]) == ["S1", "S2", "A1:G77"]


def test_an_inventory_that_comes_later_finds_its_charges(store: Store, estate: Path) -> None:
    lines = (estate / "services.csv").read_text().splitlines(keepends=True)
    (estate / "services.csv").write_text("".join(line for line in lines if not line.startswith("S2")))
    (estate / "usage.csv").unlink()
    loaders.load_paths(store, [estate])
    assert store.frame("charges")["service_id"].isna().tolist() == [False, True, True]
    (estate / "services.csv").write_text("".join(lines))
    loaders.load_paths(store, [estate / "services.csv"])
    assert store.frame("charges")["service_id"].fillna("").tolist() == ["S1", "S2", ""]


def test_a_recycled_number_goes_to_who_had_it_that_day(store: Store, estate: Path) -> None:
    (estate / "services.csv").write_text(
        "service_id,number,carrier_id,account_id,activated_on,disconnected_on\n"
        "S1,+12125550102,tel,A1,2020-01-01,2025-12-15\nS2,+12125550102,tel,A1,2025-12-20,\n"
    )
    loaders.load_paths(store, [estate])
    assert store.frame("charges").set_index("charge_id").loc["C2", "service_id"] == "S2"


def test_a_path_that_is_not_there_is_bad_input(store: Store, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no such file"):
        loaders.load_paths(store, [tmp_path / "nothing"])
    with pytest.raises(BadInput, match="no such format"):
        loaders.load_paths(store, [tmp_path], format="x13")
