"""Every national format: its golden file loads as recorded, and damaged copies of it lose no record."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from national_files import GOLDEN, expected, files

import loaders
from benchmarks._damaged_files import damaged
from core.issues import BadInput
from core.store import Store
from loaders.contract import Bill, Chunk, RatedUsage, Rejected, SourceRow
from loaders.registry import by_name, detect
from loaders.source import Source

FILES = files()
NAMES = sorted(FILES)


@pytest.mark.parametrize("name", NAMES)
def test_the_golden_file_is_what_the_specification_gives(name: str) -> None:
    assert (GOLDEN / name).read_bytes() == FILES[name], "run: python tests/loaders/national_files.py"


@pytest.mark.parametrize("name", NAMES)
def test_the_golden_file_loads_as_recorded(store: Store, name: str) -> None:
    report = loaders.load_paths(store, [GOLDEN / name])
    assert expected(store, report) == (GOLDEN / name).with_suffix(".expected").read_text(encoding="utf-8")
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
        if isinstance(item, Bill | RatedUsage):
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


@pytest.mark.parametrize("name", NAMES)
def test_only_its_own_loader_takes_a_file(name: str) -> None:
    assert detect(Source(GOLDEN / name)).name == name.split("/")[0]
