"""Loads read by several processes: the same store and report as by one; a process that dies; a load that is ended."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

import loaders
from core.schema import TABLES
from core.settings import settings
from core.store import Store
from loaders import registry

FILES = 8
GOLDEN = Path(__file__).parent / "golden"
MOMENTS = {"loaded_at", "replaced_at", "at", "previous_hash", "entry_hash"}

CRASHING = """
import os, signal
from loaders.contract import Issue, SURE

class Crashing:
    name, title = "crashing", "Ends its process"
    def sniff(self, source):
        return SURE if source.head.startswith(b"CRASH") else 0.0
    def read(self, source):
        yield Issue(severity="warning", message="begun")
        if os.getpid() != int(os.environ["TEST_PARENT"]):
            os.kill(os.getpid(), signal.SIGKILL)
"""


def processes(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    monkeypatch.setenv("TEM_LOAD_PROCESSES", str(count))
    settings.cache_clear()


def content(store: Store) -> dict[str, list[dict[str, Any]]]:
    """Everything in the store but when it came and how often it was written."""
    found = {}
    with store.reading() as reader:
        for name, table in TABLES.items():
            if name != "meta":
                rows = reader.connection.execute(select(table).order_by(*table.primary_key.columns)).mappings()
                found[name] = [{key: value for key, value in row.items() if key not in MOMENTS} for row in rows]
    return found


def children() -> list[int]:
    """Processes of this one that read files."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(status.read_text().rsplit(")", 1)[1].split()[1])
            if parent == os.getpid() and b"loaders.reader_child" in (status.parent / "cmdline").read_bytes():
                found.append(int(status.parent.name))
        except (OSError, IndexError):
            continue
    return found


def test_many_processes_load_what_one_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for count in (1, 2):
        processes(monkeypatch, count)
        store = Store.open(f"sqlite:///{tmp_path / f'{count}.db'}")
        report = loaders.load_paths(store, [GOLDEN])
        found.append((report.to_json(), [str(issue) for issue in report.issues], content(store)))
        store.close()
    assert not children()
    (alone, told, one), (together, said, many) = found
    assert (alone, told) == (together, said)
    assert [name for name, rows in one.items() if rows != many[name]] == []
    assert sum(file["rows_loaded"] for file in alone["files"]) > 300


def test_a_process_that_dies_costs_its_file_only(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "package"
    (package / "crashing-1.dist-info").mkdir(parents=True)
    (package / "crashing.py").write_text(CRASHING)
    (package / "crashing-1.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: crashing\nVersion: 1\n")
    (package / "crashing-1.dist-info" / "entry_points.txt").write_text("[tem.loaders]\nx = crashing:Crashing\n")
    monkeypatch.syspath_prepend(str(package))
    monkeypatch.setenv("PYTHONPATH", str(package))
    monkeypatch.setenv("TEST_PARENT", str(os.getpid()))
    registry._third_party.cache_clear()
    processes(monkeypatch, 2)
    folder = tmp_path / "in"
    folder.mkdir()
    for path in sorted(GOLDEN.glob("intune/*"))[:1]:
        for number in range(FILES):
            (folder / f"{number:02d}{path.suffix}").write_bytes(path.read_bytes() + b"\n" * number)
    (folder / "07_crash.txt").write_text("CRASH")
    try:
        report = loaders.load_paths(store, [folder])
    finally:
        registry._third_party.cache_clear()
    (broken,) = [file for file in report.files if file.error]
    assert (broken.file, broken.format) == ("07_crash.txt", "crashing")
    assert "ended the process that read it (code -9)" in str(broken.error)
    assert report.exit_code != 0
    assert sum(file.batch_id is not None for file in report.files) == FILES
    assert not children()


def test_a_load_that_is_ended_keeps_what_was_done(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    processes(monkeypatch, 2)
    folder = tmp_path / "in"
    folder.mkdir()
    (path,) = GOLDEN.glob("intune/*.csv")
    for number in range(FILES):
        (folder / f"{number:02d}.csv").write_bytes(path.read_bytes() + b"\n" * number)

    def ending(_fraction: float, note: str) -> None:
        if note.startswith("03.csv"):
            assert len(children()) == 2
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        loaders.load_paths(store, [folder], progress=ending)
    assert not children()
    assert store.frame("batches")["file"].tolist() == ["00.csv", "01.csv", "02.csv"]
    assert store.frame("quarantine")["batch_id"].tolist() == [1, 2, 3], "of each file, and none of the unfinished one"
