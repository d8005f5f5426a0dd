"""Every national format: its golden file loads as recorded, and damaged copies of it lose no record."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import tap3_files
from national_files import EXPECTED, GOLDEN, expected, files

import loaders
from benchmarks._damaged_files import damaged
from core.issues import BadInput
from core.store import Store
from loaders.contract import Bill, Chunk, LineUsage, Rejected, SourceRow
from loaders.reading.source import Source
from loaders.registry import by_name, detect

FILES = files()
NAMES = sorted(FILES)
ALL = {**FILES, **tap3_files.files()}


@pytest.fixture(scope="module")
def dry_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """One empty store for all that is only tried."""
    opened = Store.open(f"sqlite:///{tmp_path_factory.mktemp('dry') / 'tem.db'}")
    yield opened
    opened.close()


@pytest.mark.parametrize("name", sorted(ALL))
def test_the_golden_file_is_what_the_specification_gives(name: str) -> None:
    assert (GOLDEN / name).read_bytes() == ALL[name], "run: python tests/loaders/national_files.py"


@pytest.mark.parametrize("name", sorted(ALL))
def test_the_golden_file_loads_as_recorded(store: Store, name: str) -> None:
    report = loaders.load_paths(store, [GOLDEN / name])
    recorded = (EXPECTED / name).with_suffix(".txt")
    assert expected(store, report) == recorded.read_text(encoding="utf-8")
    (file,) = report.files
    assert file.format == name.split("/")[0]
    assert (file.rows_in, file.rows_quarantined) == (file.rows_loaded, 0)
    assert all(invoice.balanced for invoice in file.invoices)
    again = loaders.load_paths(store, [GOLDEN / name])
    assert again.files[0].duplicate_of == 1


def records(content: bytes) -> int:
    """Lines that are not blank."""
    return sum(bool(line.strip()) for line in re.split(rb"\r\n|\r|\n", content))


def lines_of(row: SourceRow) -> int:
    """Lines of a record: more than one where a quoted cell of a CSV runs on."""
    return records(row.raw.encode())


def counted(path: Path, loader_name: str) -> int | None:
    """Lines that a loader took or set aside; None if it refused the file as a whole."""
    total = 0
    try:
        items = list(by_name(loader_name).read(Source(path)))
    except BadInput:
        return None
    for item in items:
        if isinstance(item, Bill | LineUsage):
            total += sum(lines_of(row) for row in item.rows)
        elif isinstance(item, Rejected):
            total += lines_of(item.row)
            assert item.reason or item.expected
        else:
            assert not isinstance(item, Chunk)
    return total


@pytest.mark.parametrize("name", NAMES)
def test_damaged_copies_lose_no_record(tmp_path: Path, name: str) -> None:
    path = tmp_path / Path(name).name
    for seed in range(60):
        content = damaged(FILES[name], seed)
        path.write_bytes(content)
        if content.strip():
            expected_count = records(content) - (1 if name.startswith("bt/") else 0)
            assert counted(path, name.split("/")[0]) in {expected_count, None}, seed


@pytest.mark.parametrize("name", sorted(ALL))
def test_only_its_own_loader_takes_a_file(name: str) -> None:
    assert detect(Source(GOLDEN / name)).name == name.split("/")[0]


@pytest.mark.parametrize("name", NAMES)
def test_a_wrong_file_under_its_name_is_refused_or_set_aside(dry_store: Store, tmp_path: Path, name: str) -> None:
    loader_name = name.split("/")[0]
    at = NAMES.index(name)
    wrong = [GOLDEN / other for other in (NAMES[at - 2], NAMES[at - 4]) if not other.startswith(loader_name)]
    for label, content in {
        "blank.txt": b"\n \n",
        "one.txt": b"x",
        "long.txt": b"0" * 100_000,
        "b.bin": bytes(300),
    }.items():
        (tmp_path / label).write_bytes(content)
        wrong.append(tmp_path / label)
    for file in loaders.load_paths(dry_store, wrong, format=loader_name, dry_run=True).files:
        assert (file.rows_loaded, file.invoices) == (0, []), file.file
        assert file.error or file.rows_quarantined == file.rows_in


def test_a_folder_of_all_formats_loads_in_one_go(store: Store) -> None:
    report = loaders.load_paths(store, [GOLDEN / folder for folder in {name.split("/")[0]: 0 for name in ALL}])
    assert report.exit_code == 0
    assert {file.format for file in report.files} == {name.split("/")[0] for name in ALL}
    assert all(invoice.balanced for file in report.files for invoice in file.invoices)
    assert {invoice.currency for file in report.files for invoice in file.invoices} == {"BRL", "AUD", "CAD"}
    assert set(store.frame("usage")["currency"]) == {"BRL", "AUD", "CAD", "GBP", "USD", "XDR"}
