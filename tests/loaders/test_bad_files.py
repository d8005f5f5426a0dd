"""Bad files: one line per problem, the right exit code, nothing half loaded, never a traceback."""

from __future__ import annotations

import os
import random
import signal
import struct
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import loaders
from core.schema import CANONICAL
from core.store import Store
from loaders import registry
from loaders.contract import Item
from loaders.reading import source
from loaders.reading.source import Source


def refused(store: Store, path: Path) -> str:
    """The one-line reason for which the file is refused; checks that nothing changed."""
    report = loaders.load_paths(store, [path])
    assert report.exit_code == 2
    assert store.count("batches") == 0
    assert all(store.count(table) == 0 for table in CANONICAL)
    lines = [str(issue) for issue in report.issues if issue.severity == "error"]
    assert lines
    assert all("\n" not in line and line.startswith(path.name) for line in lines)
    return "; ".join(lines)


def test_an_empty_file(store: Store, tmp_path: Path) -> None:
    (tmp_path / "charges.csv").write_bytes(b"")
    assert "is empty" in refused(store, tmp_path / "charges.csv")


@pytest.mark.parametrize("name", ["charges.csv", "photo.csv", "charges.xlsx", "charges.parquet"])
def test_a_binary(store: Store, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(bytes(random.Random(1).randbytes(5000)))
    assert "no loader recognises" in refused(store, tmp_path / name)


def test_a_parquet_that_ends_early(store: Store, tmp_path: Path) -> None:
    (tmp_path / "usage.parquet").write_bytes(b"PAR1" + b"\x00" * 100)
    assert "cannot be read" in refused(store, tmp_path / "usage.parquet")


def test_a_text_no_loader_knows(store: Store, tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("fruit,price\napple,1\n")
    assert 'its first line is "fruit,price"' in refused(store, tmp_path / "list.csv")


def test_a_wrong_delimiter(store: Store, tmp_path: Path) -> None:
    (tmp_path / "sites.csv").write_text("site_id~name\nS1~Head\n")
    said = refused(store, tmp_path / "sites.csv")
    assert "the required column site_id is missing; the closest is site_id~name; the file has: site_id~name" in said


def locked(path: Path) -> Path:
    """A workbook as Excel writes it with a password: an OLE container with the encrypted package inside."""
    free, end = 0xFFFFFFFF, 0xFFFFFFFE
    fat = struct.pack("<128I", 0xFFFFFFFD, end, *range(3, 10), end, *[free] * 118)
    name = "EncryptedPackage".encode("utf-16-le")
    root = "Root Entry".encode("utf-16-le").ljust(64, b"\0") + struct.pack("<HBB3I", 22, 5, 1, free, free, 1)
    entry = name.ljust(64, b"\0") + struct.pack("<HBB3I", len(name) + 2, 2, 1, free, free, free)
    directory = (root.ljust(128, b"\0") + entry.ljust(116, b"\0") + struct.pack("<IQ", 2, 4096)).ljust(512, b"\0")
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<5H", 62, 3, 0xFFFE, 9, 6) + bytes(6)
    head += struct.pack("<9I", 0, 1, 1, 0, 4096, end, 0, end, 0) + struct.pack("<109I", 0, *[free] * 108)
    path.write_bytes(head + fat + directory + b"x" * 4096)
    return path


def test_a_workbook_with_a_password(store: Store, tmp_path: Path) -> None:
    said = refused(store, locked(tmp_path / "bill.xlsx"))
    assert said == (
        "bill.xlsx: is protected by a password; expected a workbook without one; save it again without a password"
    )


def test_a_workbook_that_ends_early(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "old.xls"
    path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600))
    assert "cannot be read" in refused(store, path)


def test_rows_set_aside_for_one_reason_are_told_once(store: Store, tmp_path: Path) -> None:
    whole = (Path(__file__).parent / "golden" / "x12_811" / "padded_full_tree.edi").read_bytes()
    (tmp_path / "half.edi").write_bytes(whole[: len(whole) // 2])
    report = loaders.load_paths(store, [tmp_path / "half.edi"])
    lines = [str(issue) for issue in report.issues if issue.severity == "error"]
    assert len(lines) == 1
    assert f"it may be cut short ({report.files[0].rows_quarantined} rows, to row 40)" in lines[0]


@pytest.mark.parametrize("name", ["../evil.txt", "/etc/evil.txt", "a/../../evil.txt", "..\\evil.txt", "C:\\evil.txt"])
def test_an_archive_with_a_path_outside(store: Store, tmp_path: Path, name: str) -> None:
    with zipfile.ZipFile(tmp_path / "bill.zip", "w") as archive:
        info = zipfile.ZipInfo("x")
        info.filename = name
        archive.writestr(info, "x")
    assert "unsafe path" in refused(store, tmp_path / "bill.zip")


@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.9, 0.99])
def test_a_truncated_archive(store: Store, verizon_zip: Callable[..., Path], share: float) -> None:
    path = verizon_zip()
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    assert "truncated" in refused(store, path)


def test_an_archive_with_a_broken_member(store: Store, verizon_zip: Callable[..., Path]) -> None:
    path = verizon_zip()
    data = bytearray(path.read_bytes())
    data[200] ^= 0xFF
    path.write_bytes(bytes(data))
    assert refused(store, path)


def test_an_archive_that_unpacks_beyond_the_limits(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "_RATIO_FROM", 1024 * 1024)
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("AccountSummary.txt", b"0" * 20_000_000)
    assert "unpacks to 20000000 bytes" in refused(store, tmp_path / "bomb.zip")
    monkeypatch.setattr(source, "MAX_MEMBERS", 3)
    with zipfile.ZipFile(tmp_path / "many.zip", "w") as archive:
        for n in range(5):
            archive.writestr(f"f{n}", "x")
    assert "holds 5 files" in refused(store, tmp_path / "many.zip")


class Twin:
    """A second loader that is as sure as the canonical one."""

    name = "twin"
    title = "Twin"

    def sniff(self, source: Source) -> float:
        return 0.95 if source.stem == "sites" else 0.0

    def read(self, source: Source) -> Iterator[Item]:
        yield loaders.Chunk("sites", ["site_id", "name"], [["T1"], ["Twin"]], [2], ["T1,Twin"])


def test_two_loaders_that_are_equally_sure(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_third_party", lambda: (Twin(),))
    path = tmp_path / "sites.csv"
    path.write_text("site_id,name\nS1,Head\n")
    assert "is claimed by canonical and twin alike" in refused(store, path)
    assert loaders.load_paths(store, [path], format="twin").exit_code == 0
    assert list(store.frame("sites")["name"]) == ["Twin"]


def test_a_refused_file_does_not_stop_the_others(store: Store, estate: Path) -> None:
    (estate / "bad.zip").write_bytes(b"PK\x03\x04 nothing")
    report = loaders.load_paths(store, [estate])
    assert report.exit_code == 3
    assert [f.file for f in report.files if f.error] == ["bad.zip"]
    assert "error" in report.to_json()["files"][[f.file for f in report.files].index("bad.zip")]
    assert store.count("charges") == 3


def test_killed_in_the_middle_of_a_load(tmp_path: Path, estate: Path) -> None:
    """kill -9 while a large file is being written leaves the store as it was, and the next load completes."""
    url = f"sqlite:///{tmp_path / 'killed.db'}"
    store = Store.open(url)
    loaders.load_paths(store, [estate])
    version = store.version
    big = tmp_path / "big"
    big.mkdir()
    with (big / "usage.csv").open("w") as handle:
        handle.write("service_id,month,usage_type,quantity,unit\n")
        handle.writelines(f"S1,2026-03,data,{n},MB\n" for n in range(400_000))
    wal = tmp_path / "killed.db-wal"
    code = f"import loaders;from core.store import Store;loaders.load_paths(Store.open({url!r}), [{str(big)!r}])"
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while (
        time.monotonic() < deadline and process.poll() is None and not (wal.exists() and wal.stat().st_size > 100_000)
    ):
        time.sleep(0.01)
    assert process.poll() is None, "the load ended before it could be killed"
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    store = Store.open(url)
    assert (store.version, store.count("batches"), store.count("usage")) == (version, 1, 2)
    assert store.integrity() == []
    assert loaders.load_paths(store, [big]).files[0].rows_loaded == 400_000
    assert store.count("usage") == 400_002
