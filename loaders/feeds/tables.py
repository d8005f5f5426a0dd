"""The tables of a file: text, Parquet, each text in an archive, or each sheet of a workbook, as rows of text cells."""

from __future__ import annotations

import contextlib
import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from core.issues import BadInput
from loaders.reading import columnar, grid
from loaders.reading.source import Source
from loaders.reading.text import CHUNK_ROWS, DELIMITERS, Block, blocks

_BEGINNING = 15
Rows = Sequence[Sequence[str]]


@dataclass(slots=True)
class Table:
    """One table. `member` is None for a plain text or Parquet; `beginnings` are its first rows, by delimiter.

    The delimiter of a sheet and of Parquet is blank; of Parquet the beginning is its header only.
    """

    source: Source
    member: str | None
    beginnings: dict[str, Rows] = field(default_factory=dict)

    @property
    def shown(self) -> str:
        """How it is called in messages."""
        return self.source.label if self.member is None else f"{self.source.label}/{self.member}"

    def remarks(self, delimiter: str) -> list[str]:
        """How the text is written, where that is unusual.

        Raises:
            BadInput: if it is no text.
        """
        if not delimiter:
            return []
        named = [] if delimiter == "," else [f"delimiter {DELIMITERS[delimiter]} instead of comma"]
        return [*self.source.text_facts(self.member).table_warnings(), *named]

    def blocks(self, delimiter: str, size: int = CHUNK_ROWS) -> Iterator[Block]:
        """All rows that are not blank, the header included.

        Raises:
            BadInput: if the file proves damaged.
        """
        if not delimiter:
            parquet = self.member is None
            yield from columnar.blocks(self.source, size) if parquet else grid.rows(self.source, self.member)
            return
        with self.source.open(self.member) as handle:
            yield from blocks(handle, self.source.text_facts(self.member), delimiter, self.shown, size)


@lru_cache(maxsize=4)
def tables(source: Source) -> tuple[Table, ...]:
    """The tables of a file, in its order; none for what is neither text, Parquet, archive of texts nor workbook."""
    if columnar.is_parquet(source):
        names = columnar.header(source)
        return () if names is None else (Table(source, None, {"": [names]}),)
    if source.is_workbook:
        try:
            return tuple(_sheet(source, name) for name in grid.sheets(source) if name is not None)
        except BadInput:
            return ()
    if source.is_archive:
        heads = [(name, source.member_head(name)) for name in source.members]
        return tuple(Table(source, name, _text_rows(head)) for name, head in heads if head is not None)
    text = source.head_text
    return () if text is None else (Table(source, None, _text_rows(text)),)


def _sheet(source: Source, name: str) -> Table:
    return Table(source, name, {"": [cells for _, cells in grid.beginning(source, name, _BEGINNING)]})


def _text_rows(text: str) -> dict[str, Rows]:
    return {mark: _first_rows(text, mark) for mark in DELIMITERS}


def _first_rows(text: str, delimiter: str) -> Rows:
    found: list[list[str]] = []
    with contextlib.suppress(csv.Error):
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
            if any(cell.strip() for cell in row):
                found.append(row)
            if len(found) >= _BEGINNING:
                break
    return found
