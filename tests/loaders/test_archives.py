"""A ZIP that no format reads as a whole is read like a folder of its files."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from national_files import GOLDEN

import loaders
from core.store import Store

ONE = ("febraban_v2/vivo_202602.txt", "optus/tap_20260201.dat", "x12_811/padded_full_tree.edi", "m2/m2_202601.txt")


def packed(path: Path, members: dict[str, bytes]) -> Path:
    """A ZIP of these members."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


@pytest.mark.parametrize("name", ONE)
def test_a_zipped_text_is_the_text(store: Store, tmp_path: Path, name: str) -> None:
    content = (GOLDEN / name).read_bytes()
    path = packed(
        tmp_path / "a.zip", {"out/" + Path(name).name: content, "__MACOSX/out/._x": b"x", "out/.DS_Store": b"y"}
    )
    (told,) = loaders.load_paths(store, [path]).files
    assert told.file == f"a.zip/out/{Path(name).name}"
    assert told.format == name.split("/")[0]
    assert (told.rows_loaded, told.rows_quarantined) == (told.rows_in, 0) or name.startswith("x12")
    again = loaders.load_paths(store, [GOLDEN / name]).files[0]
    assert again.duplicate_of == told.batch_id
    assert loaders.load_paths(store, [path], format=told.format).files[0].duplicate_of == told.batch_id


def test_a_zip_of_many_formats(store: Store, tmp_path: Path) -> None:
    members = {f"{place}/{Path(name).name}": (GOLDEN / name).read_bytes() for place, name in enumerate(ONE)}
    path = packed(tmp_path / "month.zip", {**members, "readme.txt": b"thanks for being our customer"})
    found = loaders.preview(path, store=store)
    assert (found.file, found.format) == ("month.zip", "febraban_v2, m2, optus, x12_811")
    assert not found.refused
    report = loaders.load_paths(store, [path])
    assert report.exit_code == 3
    assert {file.format for file in report.files} == {*(name.split("/")[0] for name in ONE), None}
    assert (found.report.rows_in, found.report.rows_loaded) == (
        sum(file.rows_in for file in report.files),
        sum(file.rows_loaded for file in report.files),
    )
    (refused,) = [file for file in report.files if file.error]
    assert refused.error is not None
    assert refused.error.startswith("month.zip/readme.txt: no loader recognises its content")
    assert loaders.preview(path, store=store).report.duplicate_of is not None


def test_a_zip_of_canonical_tables_is_one_batch(store: Store, tmp_path: Path) -> None:
    members = {path.name: path.read_bytes() for path in (GOLDEN / "estate").glob("*.csv")}
    report = loaders.load_paths(store, [packed(tmp_path / "estate.zip", members)])
    assert report.exit_code == 0
    assert {file.batch_id for file in report.files} == {1}


def test_an_archive_in_an_archive_is_refused(store: Store, tmp_path: Path) -> None:
    packed(tmp_path / "a.zip", {"a/deep.zip": packed(tmp_path / "deep.zip", {"x.txt": b"x"}).read_bytes()})
    report = loaders.load_paths(store, [tmp_path / "a.zip"])
    assert report.exit_code == 2
    assert str(report.files[0].error).startswith("a.zip/a/deep.zip: no loader recognises its content")
