"""Plain blocks of a canonical CSV become typed columns at array speed; whatever is unusual goes the careful way.

A block of lines is read by Arrow into columns of text. Columns of few different values are converted once per value, by
the same parsers as everywhere (:class:`loaders.values.Column`); long numbers and texts by array kernels that accept
exactly what those parsers accept. A block with a cell that does not convert, another number of cells, a blank line or
a line break inside a cell is read again row by row (by :mod:`loaders.canonical`), which finds and names the row. Only
whole records are taken from a block: the next one begins where Python's own reader ends its last.
"""

from __future__ import annotations

import csv as text_csv
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import IO, Any

import numpy as np
import pyarrow as pa
from pyarrow import compute, csv

from core.issues import BadInput, Issue
from core.money import MAX_MICROS, PLACES
from core.schema import CANONICAL_COLUMNS, TABLES
from loaders.contract import Chunk, Item, Rejected
from loaders.reading.text import MAX_CELL, MAX_LINE, TextFacts
from loaders.values import UNITS, Attributes, Bad, Column, Typed

BLOCK = 1024 * 1024  # bytes
_NUMERALS = b"0123456789.+-"
_POINT, _LINE_END, _QUOTE = ord("."), ord("\n"), ord('"')
_LONGEST = 40  # characters of a number
_DIGITS = 18  # of a decimal whose unscaled value fits 64 bits
_SAMPLE = 4_000  # cells that tell whether a column has few different values

#: Reads some lines, the header in front, row by row.
Careful = Callable[[IO[bytes]], Iterator[Item]]


class RawLines(Sequence[str]):
    """The lines of a block as text, cut apart only when one is asked for."""

    def __init__(self, block: memoryview, count: int) -> None:
        self._block = block
        self._count = count
        self._lines: list[bytes] | None = None

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: Any) -> Any:
        if self._lines is None:
            self._lines = bytes(self._block).split(b"\n")
        found = self._lines[index]
        return found.decode("utf-8") if isinstance(found, bytes) else [line.decode("utf-8") for line in found]


def can_read(facts: TextFacts, header: Sequence[str]) -> bool:
    """Whether a file may go this way at all: UTF-8 to its end, lines that end in LF or CRLF, each column once."""
    plain = facts.encoding in {"utf-8", "utf-8-sig"} and facts.errors == "strict" and facts.newline in {"lf", "crlf"}
    return plain and len(set(header)) == len(header)


def read(handle: IO[bytes], table: str, delimiter: str, shown: str, careful: Careful) -> Iterator[Item | Typed]:
    """The rows of a file for which :func:`can_read` holds, as typed columns where possible, else as `careful` gives.

    Raises:
        BadInput: if a line, or a cell that goes on over lines, is longer than 64 million characters.
    """
    head = handle.readline(MAX_LINE)
    names = _header(head, table, delimiter)
    if not names:
        handle.seek(0)
        yield from careful(handle)
        return
    reader = _Reader(table, names, delimiter)
    line, begin, size = 2, len(head), BLOCK
    while data := handle.read(size):
        more = len(data) == size
        if not more and not data.endswith(b"\n"):
            data += b"\n"
        block = memoryview(data)[: data.rfind(b"\n") + 1]
        count = int(np.count_nonzero(np.frombuffer(block, dtype="u1") == _LINE_END))
        typed = reader.typed(block, count, line)
        if typed is not None:
            yield typed
        else:
            block = block[: _whole_records(bytes(block), delimiter)] if more else block
            count = bytes(block).count(b"\n")
            for item in careful(io.BytesIO(head + block)) if count else ():
                yield _moved(item, line - 2)
        line += count
        begin += len(block)
        size = BLOCK if count else 2 * size
        if size > MAX_LINE:
            raise BadInput(Issue(file=shown, row=line, message=f"a line or cell is longer than {MAX_LINE} characters"))
        handle.seek(begin)


def _header(head: bytes, table: str, delimiter: str) -> list[str]:
    """The columns that the first line names; [] if it is not the whole header, or names one of them nothing."""
    if not head.endswith(b"\n") or head.count(b'"') % 2:
        return []
    cells = next(text_csv.reader([head.decode("utf-8-sig").rstrip("\r\n")], delimiter=delimiter), [])
    known = set(CANONICAL_COLUMNS[table])
    names = [name.casefold() if name.casefold() in known else name for name in map(str.strip, cells)]
    return names if all(names) and len(set(names)) == len(names) else []


def _moved(item: Item, by: int) -> Item:
    if isinstance(item, Chunk):
        return replace(item, lines=[number + by for number in item.lines])
    if isinstance(item, Rejected):
        return replace(item, row=replace(item.row, line=item.row.line + by))
    return item


def _whole_records(block: bytes, delimiter: str) -> int:
    """How many bytes of some whole lines are whole records: all but a last one whose quoted cell may go on."""
    if b'"' not in block:
        return len(block)
    done = begin = last = 0

    def lines() -> Iterator[str]:
        nonlocal done
        for line in io.StringIO(block.decode("latin-1"), newline=""):  # a byte is a character
            done += len(line)
            yield line

    text_csv.field_size_limit(2 * MAX_LINE)
    cells: list[str] = []
    for cells in text_csv.reader(lines(), delimiter=delimiter):  # noqa: B007  the last one is looked at
        last, begin = begin, done
    return last if cells and cells[-1].endswith("\n") else len(block)


class _Reader:
    """Reads blocks of one table; keeps the columns' memory between them."""

    def __init__(self, table: str, names: list[str], delimiter: str) -> None:
        self.table, self.names, self.delimiter = table, names, delimiter
        self.columns = {name: Column(table, name) for name in names if name in CANONICAL_COLUMNS[table]}
        self.attributes = Attributes()

    def typed(self, block: memoryview, count: int, line: int) -> Typed | None:
        """The block, which has `count` line ends, as typed columns; None where it needs the careful way."""
        found = self._cells(block) if count else None
        if found is None or found.num_rows != count or found.column(self.names[-1])[-1].as_py().endswith("\n"):
            return None  # a cell goes on over lines, or would behind the block; else Arrow reads quotes as Python does
        values: dict[str, list[Any]] = {}
        extras: dict[str, list[str]] = {}
        for name in self.names:
            cells = found.column(name).chunk(0)
            if name not in self.columns:
                extras[name] = cells.to_pylist()
                continue
            converted = _column(cells, self.columns[name], TABLES[self.table].c[name].info)
            if converted is None:
                return None
            values[name] = converted
        if self.table in {"usage", "usage_events"} and "unit" in values and "usage_type" in values:
            pairs = set(zip(values["usage_type"], values["unit"], strict=True))
            if any(unit is not None and UNITS[kind] != unit for kind, unit in pairs):
                return None
        attributes = self.attributes.texts(extras)
        lines, raws = range(line, line + count), RawLines(block, count)
        return Typed(self.table, list(values), list(values.values()), attributes, lines, raws, None)

    def _cells(self, block: memoryview) -> pa.Table | None:
        quoted = bool((np.frombuffer(block, dtype="u1") == _QUOTE).any())
        try:
            return csv.read_csv(
                pa.BufferReader(block),
                csv.ReadOptions(column_names=self.names, block_size=len(block) + 1, use_threads=False),
                csv.ParseOptions(delimiter=self.delimiter, newlines_in_values=quoted),
                csv.ConvertOptions(
                    column_types=dict.fromkeys(self.names, pa.string()),
                    strings_can_be_null=False,
                    check_utf8=False,  # every byte was decoded while the file was hashed, see `can_read`
                ),
            )
        except pa.ArrowInvalid:
            return None


def _column(cells: pa.StringArray, column: Column, info: dict[str, Any]) -> list[Any] | None:
    """The values of a column, None where any cell needs the careful way."""
    kinds = cells[:_SAMPLE].unique()
    if len(kinds) == 1 and compute.all(compute.equal(cells, kinds[0])).as_py():
        value = column[kinds[0].as_py()]
        return None if type(value) is Bad else [value] * len(cells)
    if len(cells) > _SAMPLE and len(kinds) > _SAMPLE // 2:
        if info["kind"] == "text" and not info.get("choices"):
            return _texts(compute.utf8_trim_whitespace(cells), column)
        if info["kind"] == "micro":
            return _micros(cells, column, info)
    coded = cells.dictionary_encode()
    known = [column[cell] for cell in coded.dictionary.to_pylist()]
    if any(type(value) is Bad for value in known):
        return None
    found: list[Any] = _objects(known)[np.from_dlpack(coded.indices)].tolist()
    return found


def _objects(values: list[Any]) -> np.ndarray[Any, Any]:
    found = np.empty(len(values), dtype=object)
    found[:] = values
    return found


class _Bytes:
    """The bytes of a column of text, all its cells behind each other, and where each of them ends."""

    def __init__(self, cells: pa.StringArray) -> None:
        _, offsets, content = cells.buffers()
        ends = np.frombuffer(offsets, dtype="<i4")[cells.offset : cells.offset + len(cells) + 1]
        self.content = content[int(ends[0]) : int(ends[-1])].to_pybytes()
        self.offsets = ends - ends[0]
        self.lengths = np.diff(ends)

    @property
    def characters(self) -> np.ndarray[Any, Any]:
        """The bytes as numbers."""
        return np.frombuffer(self.content, dtype="u1")

    def without_points(self) -> pa.StringArray:
        """The cells, which have one point each, without it."""
        offsets = self.offsets - np.arange(len(self.offsets), dtype="<i4")
        digits = self.content.translate(None, b".")
        return pa.StringArray.from_buffers(len(self.lengths), pa.py_buffer(offsets), pa.py_buffer(digits))


def _texts(cells: pa.StringArray, column: Column) -> list[Any] | None:
    lengths = compute.binary_length(cells)
    shortest = compute.min(lengths).as_py()
    if compute.max(lengths).as_py() > MAX_CELL or (not shortest and column.required):
        return None
    values: list[Any] = (cells if shortest else compute.if_else(compute.equal(cells, ""), None, cells)).to_pylist()
    return values


def _micros(cells: pa.StringArray, column: Column, info: dict[str, Any]) -> list[Any] | None:
    """Numbers with up to six decimals; blanks around them, or more digits than 64 bits hold, go the careful way."""
    given = _Bytes(cells)
    empty = given.lengths == 0
    blank = bool(empty.any())
    if (blank and column.required) or given.lengths.max() > _LONGEST:
        return None
    places = _places(given)
    if not places:
        return None
    words = None
    if len(places) == 1 and not blank:
        words, unit = _whole(given.without_points() if places != {0} else cells), 10 ** (PLACES - min(places))
    if words is None:
        words, unit = _decimals(compute.if_else(pa.array(empty), None, cells) if blank else cells), 1
    if words is None:
        return None
    low, high = max(int(info.get("low", 0)), -MAX_MICROS), min(int(info.get("high", 0)), MAX_MICROS)
    sound = words[~empty] if blank else words
    if not low <= int(sound.min()) * unit <= int(sound.max()) * unit <= high:
        return None
    if not blank:
        plain: list[Any] = (words * unit).tolist()
        return plain
    mixed = words.astype(object)
    mixed[empty] = None
    values: list[Any] = mixed.tolist()
    return values


def _places(given: _Bytes) -> set[int]:
    """How many decimals the cells have, each one of 0 to 6; none at all if a cell is certainly no number.

    What is then still no number (two points, a sign alone) is refused when it is converted.
    """
    if given.content.translate(None, _NUMERALS):
        return set()
    characters, ends = given.characters, given.offsets[1:]
    signs = given.content.count(b"-") + given.content.count(b"+")
    if signs:
        first = characters[np.minimum(given.offsets[:-1], len(characters) - 1)]
        if np.count_nonzero(((first == ord("-")) | (first == ord("+"))) & (given.lengths > 0)) != signs:
            return set()
    points = given.content.count(b".")
    places = set() if points == len(ends) else {0}
    for decimals in range(1, PLACES + 1):
        if not points:
            break
        at = np.maximum(ends - decimals - 1, 0)
        found = np.count_nonzero((characters[at] == _POINT) & (given.lengths > decimals))
        points -= found
        places |= {decimals} if found else set()
    return set() if points else places


def _whole(cells: pa.StringArray) -> np.ndarray[Any, Any] | None:
    try:
        return np.from_dlpack(cells.cast(pa.int64()))
    except pa.ArrowInvalid:
        return None


def _decimals(cells: pa.StringArray) -> np.ndarray[Any, Any] | None:
    """Micros; anything where there is no cell."""
    try:
        exact = cells.cast(pa.decimal128(_DIGITS, PLACES))
    except pa.ArrowInvalid:
        return None
    return np.frombuffer(exact.buffers()[1], dtype="<i8")[exact.offset * 2 : (exact.offset + len(exact)) * 2 : 2]
