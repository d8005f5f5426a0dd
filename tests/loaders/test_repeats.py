"""Loading twice, re-issues, superseding, undo, dry runs, previews."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

import loaders
from core import rollups, trail
from core.issues import BadInput
from core.queries import loading
from core.schema import CANONICAL
from core.store import Store


def content(store: Store) -> dict[str, list[tuple[object, ...]]]:
    """Everything canonical, without batch and surrogate ids."""
    result = {}
    for table in CANONICAL:
        frame = store.frame(table).drop(columns=["batch_id", "row_id"], errors="ignore")
        rows = frame.astype(object).where(frame.notna(), None)
        result[table] = sorted(map(tuple, rows.to_numpy().tolist()), key=repr)
    return result


def test_loading_twice_changes_nothing_and_says_so(store: Store, estate: Path) -> None:
    first = loaders.load_paths(store, [estate])
    before, version = content(store), store.version
    again = loaders.load_paths(store, [estate])
    assert again.exit_code == 0
    assert {file.duplicate_of for file in again.files} == {first.files[0].batch_id}
    assert all((f.rows_in, f.rows_loaded, f.batch_id) == (0, 0, None) for f in again.files)
    assert (content(store), store.version) == (before, version)


def test_an_archive_counts_by_its_members(store: Store, verizon_zip: Callable[..., Path], tmp_path: Path) -> None:
    path = verizon_zip()
    loaders.load_paths(store, [path])
    again = tmp_path / "repacked.zip"
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(again, "w", zipfile.ZIP_STORED) as new:
        for name in reversed(old.namelist()):
            new.writestr(name, old.read(name))
    report = loaders.load_paths(store, [again])
    assert report.files[0].duplicate_of == 1


def test_two_copies_in_one_call_load_once(store: Store, att_csv: Path, tmp_path: Path) -> None:
    shutil.copy(att_csv, tmp_path / "copy.csv")
    report = loaders.load_paths(store, [att_csv, tmp_path / "copy.csv"])
    assert [file.duplicate_of for file in report.files] == [None, 1]


@pytest.mark.parametrize("change", [("30.00", "31.00"), ("N1,2026-01-31", "N1,2026-02-01")])
def test_a_reissued_invoice_is_set_aside_as_a_whole(store: Store, estate: Path, change: tuple[str, str]) -> None:
    loaders.load_paths(store, [estate])
    before = content(store)
    path = estate / "invoices.csv"
    path.write_text(path.read_text().replace(*change))
    report = loaders.load_paths(store, [estate])
    file = next(f for f in report.files if f.file == "invoices.csv")
    assert (report.exit_code, file.rows_in, file.rows_quarantined) == (3, 1, 1)
    assert content(store) == before
    (row,) = loading.quarantined(store)
    assert row["reason"].startswith("re-issue of invoice N1 of account A1")
    report = loaders.load_paths(store, [path], supersede=True)
    assert (report.exit_code, report.files[0].rows_loaded) == (0, 1)
    assert loading.quarantined(store) == []
    assert set(store.frame("record_history")["table_name"]) == {"invoices", "charges"}


def test_a_changed_charge_makes_the_whole_invoice_a_reissue(store: Store, estate: Path) -> None:
    loaders.load_paths(store, [estate])
    (estate / "invoices.csv").write_text((estate / "invoices.csv").read_text() + "\n")  # other bytes, same row
    (estate / "charges.csv").write_text((estate / "charges.csv").read_text().replace("12.00", "12.50"))
    report = loaders.load_paths(store, [estate])
    assert sum(f.rows_quarantined for f in report.files) == 4  # the invoice and its three charges
    assert store.frame("charges")["amount"].sum() == 30_000_000
    shutil.copytree(estate, estate.parent / "next")
    report = loaders.load_paths(store, [estate.parent / "next"], supersede=True)
    assert report.exit_code == 0
    assert store.frame("charges")["amount"].sum() == 30_500_000
    assert rollups.check(store) == []


def test_another_id_with_the_same_number_is_a_reissue(store: Store, estate: Path, tmp_path: Path) -> None:
    loaders.load_paths(store, [estate])
    path = tmp_path / "invoices.csv"
    path.write_text("invoice_id,account_id,number,total\nI9,A1,N1,30.00\n")
    assert loaders.load_paths(store, [path]).files[0].rows_quarantined == 1
    assert store.count("invoices") == 1


def test_a_carrier_bill_with_other_content_needs_supersede(
    store: Store, verizon_zip: Callable[..., Path], verizon_detail: str
) -> None:
    loaders.load_paths(store, [verizon_zip("a.zip")])
    usage = store.count("usage")
    other = verizon_zip("b.zip", detail=verizon_detail.replace("$34.00", "$35.00"))
    report = loaders.load_paths(store, [other])
    assert report.exit_code == 3
    assert report.files[0].rows_quarantined == report.files[0].rows_in > 0
    assert store.frame("invoices")["batch_id"].tolist() == [1]
    report = loaders.load_paths(store, [other], supersede=True)
    assert report.exit_code == 0
    assert [i.charges_total for i in report.files[0].invoices] == [1_098_870_000]
    assert store.count("usage") == usage
    batches = store.frame("batches").set_index("batch_id")
    assert batches.loc[1, "state"] == "superseded"


def test_rows_set_aside_load_once_what_they_name_is_known(store: Store, estate: Path) -> None:
    usage = estate / "usage.csv"
    assert loaders.load_paths(store, [usage]).exit_code == 3
    assert loaders.load_paths(store, [usage]).files[0].duplicate_of == 1  # still unknown: nothing changes
    assert len(loading.quarantined(store)) == 2
    report = loaders.load_paths(store, [estate])
    assert report.exit_code == 0
    assert store.count("usage") == 2
    assert loading.quarantined(store) == []


def test_overlapping_usage_files_do_not_count_twice(store: Store, estate: Path) -> None:
    loaders.load_paths(store, [estate])
    path = estate / "usage.csv"
    path.write_text(path.read_text() + "S1,2026-02,data,home,5,MB,0\n")
    report = loaders.load_paths(store, [path])
    assert report.files[0].rows_loaded == 3
    assert report.files[0].warnings == ["2 rows of usage were already there with the same content"]
    assert store.count("usage") == 3


def test_undo_takes_a_batch_back(store: Store, estate: Path, att_csv: Path) -> None:
    loaders.load_paths(store, [estate])
    before = content(store)
    batch = loaders.load_paths(store, [att_csv]).files[0].batch_id
    assert batch is not None
    loaders.undo(store, batch)
    assert content(store) == before
    assert rollups.check(store) == []
    assert trail.verify(store) == []
    assert loaders.load_paths(store, [att_csv]).files[0].rows_loaded == 4
    with pytest.raises(BadInput, match="no batch"):
        loaders.undo(store, batch)


def test_undo_brings_replaced_records_back(store: Store, estate: Path) -> None:
    loaders.load_paths(store, [estate])
    before = content(store)
    path = estate / "services.csv"
    path.write_text(path.read_text().replace("S1,mobile", "S1,iot"))
    report = loaders.load_paths(store, [path])
    assert store.frame("services").loc[0, "kind"] == "iot"
    loaders.undo(store, report.files[0].batch_id or 0)
    assert content(store) == before


def test_a_dry_run_keeps_nothing(store: Store, estate: Path) -> None:
    before = content(store)
    report = loaders.load_paths(store, [estate], dry_run=True)
    assert report.exit_code == 0
    assert {file.batch_id for file in report.files} == {None}
    assert next(f for f in report.files if f.file == "invoices.csv").invoices[0].balanced
    assert content(store) == before
    assert store.count("batches") == 0


def test_a_preview_shows_what_would_happen(store: Store, estate: Path, verizon_zip: Callable[..., Path]) -> None:
    loaders.load_paths(store, [estate])
    version = store.version
    seen = loaders.preview(verizon_zip(), store=store)
    assert (seen.format, seen.refused, seen.report.rows_quarantined) == ("verizon_rdd", False, 0)
    assert [i.balanced for i in seen.report.invoices] == [True]
    assert "Item Category" in seen.columns
    assert len(seen.rows) >= 1
    assert store.version == version
    bad = estate / "charges.csv"
    bad.write_text("charge_id,invoice_id\nC1,I1\n")
    seen = loaders.preview(bad, store=store)
    assert seen.refused
    assert [issue.field for issue in seen.issues] == ["category", "amount"]
