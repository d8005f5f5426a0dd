"""The same bill as XLSX, XLS, XLSB and ODS: mapped once, read alike."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from core.store import Store
from loaders import load_paths
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
