"""Look at a file before loading it: format, first rows, problems, invoice totals; nothing is kept."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from core.issues import BadInput, Issue
from core.schema import CANONICAL
from core.store import Store
from loaders.canonical import known_columns
from loaders.load import load_paths
from loaders.reading import grid
from loaders.reading.source import Source
from loaders.reading.text import best_header, blocks
from loaders.registry import by_name
from loaders.report import FileReport

_ROWS = 20


@dataclass(frozen=True, slots=True)
class Preview:
    """What a file is and what loading it would do.

    `columns` and `rows` are the beginning of the file (of the first text member of an archive) as text; `report` is
    the entry that `tem load --dry-run` gives, `issues` its problems and warnings.
    """

    file: str
    format: str | None
    columns: list[str]
    rows: list[list[str]]
    report: FileReport
    issues: list[Issue] = field(default_factory=list)

    @property
    def refused(self) -> bool:
        """Whether the file cannot be loaded at all."""
        return self.report.error is not None


def preview(path: Path | str, *, store: Store | None = None, format: str | None = None, rows: int = _ROWS) -> Preview:
    """Detect, read and check a file against the store (an empty one, if None) without changing anything.

    Raises:
        BadInput: if the file does not exist or the format is unknown.
    """
    path = Path(path)
    if store is not None:
        loaded = load_paths(store, [path], format=format, dry_run=True)
    else:
        with tempfile.TemporaryDirectory() as folder:
            empty = Store.open(f"sqlite:///{folder}/preview.db")
            loaded = load_paths(empty, [path], format=format, dry_run=True)
            empty.close()
    report = loaded.as_one(path.name)
    columns, first = _beginning(path, rows, report.format) if path.is_file() else ([], [])
    return Preview(path.name, report.format, columns, first, report, loaded.issues)


def _beginning(path: Path, rows: int, format: str | None) -> tuple[list[str], list[list[str]]]:
    source = Source(path)
    own = None if source.is_archive or format is None else getattr(by_name(format), "beginning", None)
    try:
        if own is not None:
            found: tuple[list[str], list[list[str]]] = own(source, rows)
            return found
        members = [None] if not source.is_archive else [m for m in source.members if source.member_head(m)]
        if not members or source.is_workbook or source.head.startswith(b"PAR1"):
            return _typed_beginning(source, rows)
        member = max(members, key=lambda name: len(source.member_head(name) or "") if name else 0)
        head = source.head_text if member is None else source.member_head(member)
        delimiter, _ = best_header(head or "", lambda cells: _known(source.stem, cells))
        with source.open(member) as handle:
            block = next(blocks(handle, source.text_facts(member), delimiter, source.label, rows + 1), None)
    except BadInput:
        return [], []
    if block is None:
        return [], []
    return block.rows[0], [[cell[:200] for cell in row] for row in block.rows[1:]]


def _known(table: str, cells: list[str]) -> int:
    return known_columns(table, cells) if table in CANONICAL else len(cells)


def _typed_beginning(source: Source, rows: int) -> tuple[list[str], list[list[str]]]:
    from loaders.canonical import Canonical
    from loaders.contract import Chunk

    if source.is_workbook and not Canonical().sniff(source):
        return _unknown_sheet(source, rows)
    try:
        chunk = next((item for item in Canonical().read(source) if isinstance(item, Chunk)), None)
    except (BadInput, ValueError, KeyError):
        return [], []
    if chunk is None:
        return [], []
    return list(chunk.names), [list(row) for row in zip(*(column[:rows] for column in chunk.columns), strict=True)]


def _unknown_sheet(source: Source, rows: int) -> tuple[list[str], list[list[str]]]:
    """The beginning of the first sheet that has a header row."""
    try:
        for sheet in grid.sheets(source):
            located = grid.beginning(source, sheet, rows + grid.HEADER_WITHIN)
            place = grid.find_header(located)
            if place is not None:
                below = located[place + 1 :][:rows]
                return grid.named(located[place][1]), [[str(cell)[:200] for cell in cells] for _, cells in below]
    except BadInput:
        pass
    return [], []
