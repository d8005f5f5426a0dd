"""Any table as rows of text: delimited text of any delimiter, or a sheet of a workbook; where its header stands."""

from __future__ import annotations

import contextlib
import csv
import io
import re
from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Sequence
from weakref import WeakKeyDictionary

from core.issues import BadInput
from loaders.reading import child
from loaders.reading.conventions import Plain
from loaders.reading.source import Source
from loaders.reading.text import DELIMITERS, Block, blocks, joined

HEADER_WITHIN = 60  # rows; titles, addresses and notes may stand above the header
_NUMBERISH = re.compile(r"[\s\d.,:/()+\-$€£%]*", re.ASCII)

#: The names of the sheets of files that were looked at: several loaders ask in turn.
_SHEETS: WeakKeyDictionary[Source, list[str]] = WeakKeyDictionary()

Located = tuple[int, list[str]]


_OTHER = re.compile(r"[^\w&%#$€£]|_", re.UNICODE)


def column_key(text: str) -> str:
    """Headers compared without case, blanks and punctuation, in any script."""
    return _OTHER.sub("", text.casefold())


def is_table(source: Source) -> bool:
    """Whether the file is a workbook or a delimited text of at least two columns; never raises."""
    try:
        if source.is_workbook:
            return True
        return not source.is_archive and source.head_text is not None and len(_head(source)) > 0
    except BadInput:
        return False


def sheets(source: Source) -> list[str | None]:
    """The sheets of a workbook; [None] for a text.

    Raises:
        BadInput: if the workbook cannot be read.
    """
    if not source.is_workbook:
        return [None]
    if source not in _SHEETS:
        _SHEETS[source] = list(next(child.stream(source, "sheets"), []))
    return list(_SHEETS[source])


def rows(source: Source, sheet: str | None) -> Generator[Block]:
    """All rows that are not blank, some at a time; cells of a workbook that are no text are :class:`Plain`.

    Raises:
        BadInput: if the file proves unreadable.
    """
    if sheet is None:
        with source.open() as handle:
            yield from blocks(handle, source.text_facts(), delimiter(source), source.label)
        return
    for part in child.stream(source, "sheets", sheet):
        located = [(line, [Plain(c[0]) if isinstance(c, list) else c for c in cells]) for line, cells in part]
        yield Block([line for line, _ in located], [c for _, c in located], [joined(c) for _, c in located])


def beginning(source: Source, sheet: str | None, count: int = HEADER_WITHIN) -> list[Located]:
    """The first rows that are not blank, with their lines; for a text only what stands in its first 64 KiB."""
    if sheet is None:
        return _head(source)[:count]
    found: list[Located] = []
    with contextlib.closing(rows(source, sheet)) as stream:
        for block in stream:
            found += zip(block.lines, block.rows, strict=True)
            if len(found) >= count:
                break
    return found[:count]


def delimiter(source: Source) -> str:
    """The delimiter under which most lines of the beginning have the same number of cells."""
    text = source.head_text or ""
    best, top = ",", (0, 0)
    for mark in DELIMITERS:
        widths = Counter(len(cells) for _, cells in _parsed(text, mark) if len(cells) > 1)
        if widths:
            width, lines = max(widths.items(), key=lambda item: (item[1], item[0]))
            if (lines, width) > top:
                best, top = mark, (lines, width)
    return best


def _head(source: Source) -> list[Located]:
    found = _parsed(source.head_text or "", delimiter(source))
    return found if any(len(cells) > 1 for _, cells in found) else []


def _parsed(text: str, mark: str) -> list[Located]:
    lines = list(io.StringIO(text, newline=""))
    if len(text) >= 60_000 and len(lines) > 1:
        lines = lines[:-1]  # cut off in the middle
    reader = csv.reader(lines[:400], delimiter=mark)
    found: list[Located] = []
    start = 1
    try:
        while (cells := next(reader, None)) is not None:
            if any(cell.strip() for cell in cells):
                found.append((start, cells))
            start = reader.line_num + 1
    except csv.Error:
        pass
    return found


def find_header(located: Sequence[Located], wanted: Iterable[str] = ()) -> int | None:
    """Position of the header row: the first that has all `wanted` columns, else the one that looks most like one."""
    keys = {column_key(name) for name in wanted}
    if keys:
        for index, (_, cells) in enumerate(located[:HEADER_WITHIN]):
            if keys <= {column_key(cell) for cell in cells}:
                return index
        return None
    best, top = None, 1.5
    for index, (_, cells) in enumerate(located[:HEADER_WITHIN]):
        named = [c.strip() for c in cells if c.strip() and not isinstance(c, Plain) and not _NUMBERISH.fullmatch(c)]
        below = located[index + 1][1] if index + 1 < len(located) else []
        filled = sum(1 for cell in below if cell.strip())
        score = (
            len({name.casefold() for name in named}) - 0.5 * (len(cells) - len(named)) + 0.2 * min(filled, len(named))
        )
        if named and score > top + 0.5:
            best, top = index, score
    return best


def named(header: Sequence[str]) -> list[str]:
    """Header cells trimmed; blank ones are numbered, repeated ones get their position."""
    names: list[str] = []
    for place, cell in enumerate(header, 1):
        name = " ".join(cell.split()) or f"column {place}"
        names.append(name if name not in names else f"{name} ({place})")
    return names


def table(source: Source, sheet: str | None, wanted: Iterable[str] = ()) -> Iterator[Block]:
    """The header row, then the rows below it; what stands above is left out.

    Raises:
        BadInput: if there is no header row.
    """
    located = beginning(source, sheet)
    place = find_header(located, wanted)
    if place is None:
        raise source.refused("has no header row with the columns that are needed")
    first = located[place][0]
    for block in rows(source, sheet):
        skip = next((i for i, line in enumerate(block.lines) if line >= first), len(block.lines))
        if skip < len(block.lines):
            yield Block(block.lines[skip:], block.rows[skip:], block.raws[skip:])
