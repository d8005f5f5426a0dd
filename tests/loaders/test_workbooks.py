"""The same bill as XLSX, XLS, XLSB and ODS: mapped once, read alike."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest

from core.store import Store
from loaders import load_paths
from loaders.report import FileReport
from tests.loaders import workbook_files
from tests.loaders.test_profiles import learn, rows


def _xls(path: Path) -> None:
    shutil.copy(Path(__file__).parent / "workbooks" / "bill.xls", path)


@pytest.mark.parametrize(
    ("kind", "make"),
    [("xlsx", workbook_files.xlsx), ("xls", _xls), ("xlsb", workbook_files.xlsb), ("ods", workbook_files.ods)],
)
def test_every_kind_of_workbook_gives_the_same_bill(
    store: Store, tmp_path: Path, kind: str, make: Callable[[Path], None]
) -> None:
    workbook_files.xlsx(tmp_path / "taught.xlsx")
    learn(store, tmp_path / "taught.xlsx", carrier_id="acme")
    make(tmp_path / f"bill.{kind}")
    (file,) = load_paths(store, [tmp_path / f"bill.{kind}"]).files
    assert (file.format, file.rows_in, file.rows_loaded, file.error) == ("profile", 4, 4, None)
    (invoice,) = file.invoices
    assert (invoice.number, invoice.account, invoice.total, invoice.balanced) == ("A-77", "99001", 1234604641234, True)
    assert rows(store, "charges", "billed_number", "description", "amount") == [
        ("2125550100", "Monthly plan", 40_250_000),
        ("2125550101", "Loyalty credit", -3_500_000),
        (None, "Fibre", 1234567891234),
    ]
    assert rows(store, "invoices", "issued_on") == [("2026-03-31",)]


@pytest.mark.parametrize(
    "name",
    ["att_charges/att_202601.csv", "verizon_report/invoices.csv", "bt/calls_202601.csv", "bell/calls_202601.csv"],
)
def test_a_portals_export_saved_as_a_workbook_is_the_same_file(store: Store, tmp_path: Path, name: str) -> None:
    source = Path(__file__).parent / "golden" / name
    book = openpyxl.Workbook()
    assert book.active is not None
    with source.open(encoding="cp1252", newline="") as handle:
        for row in csv.reader(handle):
            book.active.append(row)
    book.save(tmp_path / "export.xlsx")
    plain, sheet = (load_paths(store, [path], dry_run=True).files[0] for path in (source, tmp_path / "export.xlsx"))

    def told(file: FileReport) -> list[object]:
        return [file.format, file.rows_in, file.rows_loaded, file.error, file.to_json()["invoices"]]

    assert told(sheet) == told(plain)


def test_an_unknown_workbook_is_named_by_its_sheets(store: Store, tmp_path: Path) -> None:
    _xls(tmp_path / "bill.xls")
    (file,) = load_paths(store, [tmp_path / "bill.xls"]).files
    assert (file.error or "").startswith("bill.xls: no loader recognises its sheets (Detail); expected a format that")
