"""Carriers' tables with a header row, as text of any delimiter or as a sheet: found by their columns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from loaders.contract import LIKELY, NO, SURE, Rejected, SourceRow
from loaders.feeds.tables import Table, tables
from loaders.reading.declare import Bound, Layout, RowError
from loaders.reading.source import Source


@dataclass(frozen=True, slots=True)
class Headed:
    """The text or sheet of a file whose header has most columns of a layout."""

    layout: Layout
    table: Table
    delimiter: str
    header: list[str]

    @property
    def score(self) -> int:
        """How many of the layout's columns it has."""
        return self.layout.score(self.header)

    @property
    def complete(self) -> bool:
        """Whether it has all that are needed."""
        return self.layout.complete(self.header)

    def check(self) -> list[str]:
        """How the text is written, where that is unusual.

        Raises:
            BadInput: if a needed column is missing; one issue for each.
        """
        self.layout.bind(self.header, self.table.shown)
        return self.table.remarks(self.delimiter)

    def rows(self) -> Iterator[tuple[dict[str, Any], SourceRow] | Rejected]:
        """The rows below the header, by the layout's names, or why one cannot be read."""
        bound: Bound | None = None
        for block in self.table.blocks(self.delimiter):
            for line, cells, raw in zip(block.lines, block.rows, block.raws, strict=True):
                if bound is None:
                    bound = self.layout.bind([cell.strip() for cell in cells], self.table.shown)
                    continue
                place = SourceRow(self.table.member, line, raw)
                try:
                    yield bound.parse(cells), place
                except RowError as problem:
                    yield refused(place, problem)


def refused(place: SourceRow, problem: RowError) -> Rejected:
    """A row with a cell that cannot be read."""
    return Rejected(place, problem.field, problem.found, problem.expected)


def headed(source: Source, layout: Layout) -> Headed | None:
    """What comes nearest to the layout; None for no table, and for a ZIP, each file of which is looked at by itself."""
    if source.is_archive and not source.is_workbook:
        return None
    found = [
        Headed(layout, table, delimiter, [cell.strip() for cell in rows[0]])
        for table in tables(source)
        for delimiter, rows in table.beginnings.items()
        if rows
    ]
    return max(found, key=lambda item: (item.score, len(item.header)), default=None)


def sure(found: Headed | None, near: int) -> float:
    """How sure a loader is: of all needed columns, or of at least `near` of its columns, which are a changed file's."""
    if found is None:
        return NO
    return SURE if found.complete else LIKELY if found.score >= near else NO
