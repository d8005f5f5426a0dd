"""The canonical tables of `interfaces.md` section 2: CSV, Parquet, or a workbook with one sheet per table.

The file's (or sheet's) name is the table's name. Columns are found by name; unknown ones become attributes; a
required column that is missing refuses the file and lists the columns it has.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import IO

from pyarrow import ArrowException, parquet

from core.issues import BadInput, Issue
from core.schema import CANONICAL, CANONICAL_COLUMNS, TABLES
from loaders import plain_csv
from loaders.contract import LIKELY, MAYBE, NO, SURE, Chunk, Item, Rejected, SourceRow
from loaders.reading import grid
from loaders.reading.declare import missing_columns
from loaders.reading.sheets import cell_text
from loaders.reading.source import Source
from loaders.reading.text import CHUNK_ROWS, DELIMITERS, Block, best_header, blocks, joined
from loaders.values import Typed

_TEXT_SUFFIXES = {".csv", ".tsv", ".txt", ".tab", ""}


def required(table: str) -> list[str]:
    """Columns without which a table means nothing."""
    return [name for name in CANONICAL_COLUMNS[table] if not TABLES[table].c[name].nullable]


def known_columns(table: str, header: Iterable[str]) -> int:
    """How many of the header's cells name a column of the table."""
    return len({name.casefold() for name in header} & set(CANONICAL_COLUMNS[table]))


class Canonical:
    """Loader of the canonical tables."""

    name = "canonical"
    title = "Canonical tables (CSV, Parquet, XLSX)"

    def sniff(self, source: Source) -> float:
        """By the name of a table and the columns of its header."""
        if source.is_workbook:
            return SURE if self._sheets(source) else NO
        if source.is_archive:
            return NO
        table = source.stem
        if table not in CANONICAL:
            return NO
        if source.head.startswith(b"PAR1"):
            return SURE
        text = source.head_text
        if text is None or source.suffix not in _TEXT_SUFFIXES:
            return NO
        _, header = best_header(text, lambda cells: known_columns(table, cells))
        if not known_columns(table, header):
            return MAYBE
        return LIKELY if missing_columns("", required(table), header) else SURE

    def tables(self, source: Source) -> list[tuple[str, str | None]]:
        """(table, sheet) of what the file holds, in the order in which tables are loaded."""
        if source.is_workbook:
            found = [(sheet.strip().lower(), sheet) for sheet in self._sheets(source)]
            return sorted(found, key=lambda pair: CANONICAL.index(pair[0]))
        return [(source.stem, None)]

    def check(self, source: Source) -> list[str]:
        """Look at the headers before anything is read; returns warnings.

        Raises:
            BadInput: if a table is unknown, unreadable, or lacks a required column; one issue for each.
        """
        issues: list[Issue] = []
        warnings: list[str] = []
        if source.is_workbook:
            others = [s for s in self._all_sheets(source) if s.strip().lower() not in CANONICAL]
            warnings += [f'the sheet "{sheet}" is no canonical table and was skipped' for sheet in others]
        tables = self.tables(source)
        if not tables or tables[0][0] not in CANONICAL:
            raise source.refused(
                "is no canonical table", f"a file named like one of {', '.join(CANONICAL)}", "rename the file"
            )
        for table, sheet in tables:
            header, remarks = self._header(source, table, sheet)
            shown = source.label if sheet is None else f"{source.label}/{sheet}"
            warnings += remarks
            issues += missing_columns(shown, required(table), header, CANONICAL_COLUMNS[table].__contains__)
            lowered = [h.casefold() for h in header if h]
            twice = sorted({h for h in lowered if lowered.count(h) > 1})
            issues += [
                Issue(file=shown, row=1, field=name, message=f"the column {name} stands twice in the header")
                for name in twice
            ]
        if issues:
            raise BadInput(issues)
        return warnings

    def read(self, source: Source) -> Iterator[Item]:
        """All tables of the file, in loading order."""
        for table, sheet in self.tables(source):
            yield from self._rows(source, table, sheet)

    def read_table(self, source: Source, table: str, sheet: str | None) -> Iterator[Item | Typed]:
        """One table: of a plain CSV as typed columns, else as chunks of text cells and rows that are rejected."""
        if not source.is_archive and not source.head.startswith(b"PAR1"):
            delimiter, header = self._text_header(source, table)
            if plain_csv.can_read(source.text_facts(), header):
                with source.open() as handle:
                    careful = partial(self._text_rows, source, table, delimiter)
                    yield from plain_csv.read(handle, table, delimiter, source.label, careful)
                return
        yield from self._rows(source, table, sheet)

    def _rows(self, source: Source, table: str, sheet: str | None) -> Iterator[Item]:
        """One table as chunks of text cells; rows with too few or too many cells are rejected."""
        if source.is_workbook:
            yield from _chunks(table, self._sheet_blocks(source, str(sheet)), sheet)
        elif source.head.startswith(b"PAR1"):
            yield from self._parquet(source, table)
        else:
            delimiter, _ = self._text_header(source, table)
            with source.open() as handle:
                yield from self._text_rows(source, table, delimiter, handle)

    def _text_rows(self, source: Source, table: str, delimiter: str, handle: IO[bytes]) -> Iterator[Item]:
        return _chunks(table, blocks(handle, source.text_facts(), delimiter, source.label), None)

    def _text_header(self, source: Source, table: str) -> tuple[str, list[str]]:
        return best_header(source.head_text or "", lambda cells: known_columns(table, cells))

    def _header(self, source: Source, table: str, sheet: str | None) -> tuple[list[str], list[str]]:
        if source.is_workbook:
            first = next(self._sheet_blocks(source, str(sheet)), None)
            return (first.rows[0] if first else []), []
        if source.head.startswith(b"PAR1"):
            try:
                return list(parquet.ParquetFile(source.path).schema_arrow.names), []
            except (ArrowException, OSError, ValueError) as error:
                raise _damaged(source, error) from error
        facts = source.text_facts()
        delimiter, header = self._text_header(source, table)
        warnings = facts.table_warnings()
        if delimiter != ",":
            warnings.append(f"delimiter {DELIMITERS[delimiter]} instead of comma")
        return header, warnings

    def _all_sheets(self, source: Source) -> list[str]:
        try:
            return [sheet for sheet in grid.sheets(source) if sheet is not None]
        except BadInput:
            return []

    def _sheets(self, source: Source) -> list[str]:
        return [sheet for sheet in self._all_sheets(source) if sheet.strip().lower() in CANONICAL]

    def _sheet_blocks(self, source: Source, sheet: str) -> Iterator[Block]:
        return grid.rows(source, sheet)

    def _parquet(self, source: Source, table: str) -> Iterator[Item]:
        try:
            with parquet.ParquetFile(source.path) as file:
                line = 1
                for batch in file.iter_batches(CHUNK_ROWS):
                    columns = [[cell_text(v) for v in column.to_pylist()] for column in batch.columns]
                    lines = range(line, line + batch.num_rows)
                    line += batch.num_rows
                    raws = [joined(cells) for cells in zip(*columns, strict=True)]
                    yield Chunk(table, _names(batch.schema.names, table), columns, lines, raws)
        except (ArrowException, OSError, ValueError) as error:
            raise _damaged(source, error) from error


def _damaged(source: Source, error: Exception) -> BadInput:
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    return source.refused(f"cannot be read: {reason}", "a complete file")


def _names(header: Iterable[str], table: str) -> list[str]:
    known = set(CANONICAL_COLUMNS[table])
    return [name.strip().casefold() if name.strip().casefold() in known else name.strip() for name in header]


def _chunks(table: str, records: Iterable[Block], member: str | None) -> Iterator[Item]:
    names: list[str] = []
    for block in records:
        start = 0
        if not names:
            header = [cell.strip() for cell in block.rows[0]]
            names, start = [n or f"column_{i}" for i, n in enumerate(_names(header, table), 1)], 1
        width = len(names)
        good = [i for i in range(start, len(block.rows)) if len(block.rows[i]) == width]
        if len(good) < len(block.rows) - start:
            for i in range(start, len(block.rows)):
                if len(block.rows[i]) != width:
                    yield _wrong_width(table, block, i, width, member)
        if not good:
            continue
        everything = len(good) == len(block.rows)
        rows = block.rows if everything else [block.rows[i] for i in good]
        lines = block.lines if everything else [block.lines[i] for i in good]
        raws = block.raws if everything else [block.raws[i] for i in good]
        yield Chunk(table, names, list(zip(*rows, strict=True)), lines, raws, member)


def _wrong_width(table: str, block: Block, index: int, width: int, member: str | None) -> Rejected:
    found = len(block.rows[index])
    return Rejected(
        SourceRow(member, block.lines[index], block.raws[index]),
        None,
        f"{found} cells",
        f"{width} cells",
        f"too {'few' if found < width else 'many'} cells",
        table,
    )
