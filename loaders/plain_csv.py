"""Plain blocks of a canonical CSV become typed columns at array speed; whatever is unusual goes the careful way.

A block of lines is read by Arrow into columns of text. Columns of few different values are converted once per value, by
the same parsers as everywhere (:class:`loaders.values.Column`); long numbers and texts by array kernels that accept
exactly what those parsers accept. A block with a cell that does not convert, another number of cells, an odd quote or
a line break inside a cell is read again row by row (:func:`loaders.canonical.chunks`), which finds and names the row.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import IO, Any

import numpy as np
import pyarrow as pa
from pyarrow import compute, csv

from core.money import MAX_MICROS
from core.schema import CANONICAL_COLUMNS, TABLES
from loaders.contract import Chunk, Item, Rejected
from loaders.reading.text import MAX_CELL, MAX_LINE, TextFacts
from loaders.values import UNITS, Bad, Column, Typed

BLOCK = 2 * 1024 * 1024  # bytes
_NUMBER = r"^[+-]?(?:[0-9]+(?:\.[0-9]{1,6})?|\.[0-9]{1,6})$"
_DIGITS = 18  # of a decimal whose unscaled value fits 64 bits
_SAMPLE = 1_000

#: Reads some lines, the header in front, row by row.
Careful = Callable[[IO[bytes]], Iterator[Item]]


class RawLines(Sequence[str]):
    """The lines of a block as text, cut apart only when one is asked for."""

    def __init__(self, block: bytes, count: int) -> None:
        self._block = block
        self._count = count
        self._lines: list[bytes] | None = None

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: Any) -> Any:
        if self._lines is None:
            self._lines = self._block.split(b"\n")
        found = self._lines[index]
        return found.decode("utf-8") if isinstance(found, bytes) else [line.decode("utf-8") for line in found]


def can_read(facts: TextFacts, header: Sequence[str], table: str) -> bool:
    """Whether a file may go this way at all: UTF-8, lines that end in LF or CRLF, canonical columns only."""
    known = set(CANONICAL_COLUMNS[table])
    plain = facts.encoding in {"utf-8", "utf-8-sig"} and facts.errors == "strict" and facts.newline in {"lf", "crlf"}
    return plain and all(name.strip().casefold() in known for name in header) and len(set(header)) == len(header)


def read(handle: IO[bytes], table: str, delimiter: str, careful: Careful) -> Iterator[Item | Typed]:
    """The rows of a file for which :func:`can_read` holds, as typed columns where possible, else as `careful` gives."""
    head = handle.readline(MAX_LINE)
    names = [cell.strip().casefold() for cell in head.decode("utf-8-sig").strip("\r\n").split(delimiter)]
    if b'"' in head or any(not name for name in names) or not head.endswith(b"\n"):
        yield from careful(io.BytesIO(head + handle.read()))
        return
    columns = {name: Column(table, name) for name in names}
    line = 2
    for block in _blocks(handle):
        typed = _typed(block, table, names, columns, delimiter, line)
        if typed is not None:
            yield typed
        else:
            for column in columns.values():
                column.bad = False
            for item in careful(io.BytesIO(head + block)):
                yield _moved(item, line - 2)
        line += block.count(b"\n")


def _moved(item: Item, by: int) -> Item:
    if isinstance(item, Chunk):
        return replace(item, lines=[number + by for number in item.lines])
    if isinstance(item, Rejected):
        return replace(item, row=replace(item.row, line=item.row.line + by))
    return item


def _blocks(handle: IO[bytes]) -> Iterator[bytes]:
    """Whole lines; a quoted cell that goes on in the next line is not cut."""
    rest = b""
    while data := handle.read(BLOCK):
        block = rest + data
        cut = block.rfind(b"\n") + 1
        if b'"' in block:
            for _ in range(100):
                if cut <= 0 or block.count(b'"', 0, cut) % 2 == 0:
                    break
                cut = block.rfind(b"\n", 0, cut - 1) + 1
        if cut > 0 and block.count(b'"', 0, cut) % 2 == 0:
            yield block[:cut]
            rest = block[cut:]
        else:
            rest = block
    if rest:
        yield rest if rest.endswith(b"\n") else rest + b"\n"


def _odd(block: bytes, delimiter: str) -> bool:
    """Whether quotes stand where readers of CSV differ."""
    if b'"' not in block:
        return False
    mark = re.escape(delimiter).encode()
    return re.search(rb'[^%b\n"]"[^%b\r\n"]|(?:^|[%b\n])""[^%b\r\n"]' % (mark, mark, mark, mark), block) is not None


def _typed(
    block: bytes, table: str, names: list[str], columns: dict[str, Column], delimiter: str, line: int
) -> Typed | None:
    if _odd(block, delimiter):
        return None
    try:
        found = csv.read_csv(
            pa.BufferReader(block),
            csv.ReadOptions(column_names=names, block_size=len(block) + 1),
            csv.ParseOptions(delimiter=delimiter, newlines_in_values=b'"' in block),
            csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False),
        )
    except pa.ArrowInvalid:
        return None
    count = found.num_rows
    if count != block.count(b"\n"):
        return None
    values: list[list[Any]] = []
    for name in names:
        cells = found.column(name).combine_chunks()
        converted = _column(cells, columns[name], TABLES[table].c[name].info)
        if converted is None:
            return None
        values.append(converted)
    if table in {"usage", "usage_events"} and "unit" in names and "usage_type" in names:
        pairs = set(zip(values[names.index("usage_type")], values[names.index("unit")], strict=True))
        if any(unit is not None and UNITS[kind] != unit for kind, unit in pairs):
            return None
    return Typed(table, list(names), values, None, range(line, line + count), RawLines(block, count), None)


def _column(cells: pa.StringArray, column: Column, info: dict[str, Any]) -> list[Any] | None:
    """The values of a column, None where any cell needs the careful way."""
    many = len(cells) > _SAMPLE and len(cells[:_SAMPLE].unique()) > _SAMPLE // 2
    if many and info["kind"] == "text" and not info.get("choices"):
        return _texts(compute.utf8_trim_whitespace(cells), column)
    if many and info["kind"] == "micro":
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


def _texts(cells: pa.StringArray, column: Column) -> list[Any] | None:
    if (compute.max(compute.binary_length(cells)).as_py() or 0) > MAX_CELL:
        return None
    empty = compute.equal(cells, "")
    if compute.any(empty).as_py():
        if column.required:
            return None
        cells = compute.if_else(empty, None, cells)
    values: list[Any] = cells.to_pylist()
    return values


def _micros(cells: pa.StringArray, column: Column, info: dict[str, Any]) -> list[Any] | None:
    """Numbers with up to six decimals; blanks around them, or more digits than 64 bits hold, go the careful way."""
    empty = compute.equal(cells, "")
    blank = compute.any(empty).as_py()
    if blank and column.required:
        return None
    given = compute.if_else(empty, None, cells) if blank else cells
    if not compute.all(compute.match_substring_regex(given, _NUMBER), skip_nulls=True).as_py():
        return None
    try:
        exact = given.cast(pa.decimal128(_DIGITS, 6))
    except pa.ArrowInvalid:
        return None
    words = np.frombuffer(exact.buffers()[1], dtype="<i8")[exact.offset * 2 : (exact.offset + len(exact)) * 2 : 2]
    mask = np.from_dlpack(empty.cast(pa.int8())).astype(bool)
    low, high = max(int(info.get("low", 0)), -MAX_MICROS), min(int(info.get("high", 0)), MAX_MICROS)
    sound = words[~mask] if blank else words
    if len(sound) and not low <= int(sound.min()) <= int(sound.max()) <= high:
        return None
    if not blank:
        plain: list[Any] = words.tolist()
        return plain
    mixed = words.astype(object)
    mixed[mask] = None
    values: list[Any] = mixed.tolist()
    return values
