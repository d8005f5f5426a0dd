"""Feeds as declarations: the tables of a system's export, found by column names in texts, archives and workbooks.

A feed is a list of :class:`Kind` (a table of that system: its columns, what marks it, what canonical rows a row makes).
Everything else is written once here: which member or sheet is which table, title lines above the header, delimiters,
the order of day and month, columns that stand twice or are private, unknown columns as attributes, counted remarks.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from core.issues import BadInput, Issue
from loaders.contract import LIKELY, MAYBE, NO, Cells, Item, Record, Records, Rejected, SourceRow
from loaders.feeds import cells
from loaders.feeds.tables import Table, tables
from loaders.reading import grid
from loaders.reading.declare import Bound, Field, Layout, RowError, header_key
from loaders.reading.source import Source
from loaders.reading.text import Block, joined

Row = dict[str, Any]
#: Columns that no expense system needs; they are left out of the store, and the report says so.
PRIVATE = re.compile(
    r"gender|sex$|birth|\bdob\b|\bage$|\bssn\b|social ?security|national ?id|passport|salary|\bpay\b|payroll|"
    r"compensation|"
    r"ethnic|\brace\b|religio|marital|nationality|home ?(address|phone|email)|personal ?(email|phone|mobile)|"
    r"\biban\b|bank|emergency ?contact|\bpin\b|pin ?code|\bpuk|password|passcode|product ?key|licen[cs]e ?key|secret|"
    r"health|disabil|veteran|latitude|longitude",
    re.IGNORECASE,
)

#: Columns of device management that change with every export and say nothing of cost.
TECHNICAL = re.compile(
    r"storage|battery|wi-?fi|\bmac\b|mac ?address|bluetooth|\beas\b|azure ad|grace period|\bip ?(v4|v6|address)|subnet|"
    r"sku ?family|join ?type|encrypt|security patch|jail|compromised|\beid\b|management name|registered$|supervised",
    re.IGNORECASE,
)


_MOSTLY = 0.6  # of a header's cells


@dataclass(slots=True)
class Notes:
    """Remarks on rows, counted: one warning for each sentence."""

    said: dict[str, list[str]] = field(default_factory=dict)

    def add(self, sentence: str, value: str) -> None:
        """Count one row; `value` is shown for the first one."""
        self.said.setdefault(sentence, []).append(value)

    def issues(self) -> Iterator[Issue]:
        """The warnings."""
        for sentence, values in self.said.items():
            rows = "1 row" if len(values) == 1 else f"{len(values)} rows"
            yield Issue(severity="warning", message=f"{rows}: {sentence} (first: {values[0][:80]})")


@dataclass(frozen=True, slots=True)
class Kind:
    """One table of a system. `marks` are headers of which at least `enough` must stand in the file's header.

    A header with a `never` column is another table. `rows` gives the canonical rows of one parsed row and raises
    :class:`loaders.reading.declare.RowError`. `secret` columns are left out, like those of :data:`PRIVATE`.
    """

    title: str
    layout: Layout
    marks: tuple[str, ...]
    rows: Callable[[Row, Notes], list[tuple[str, Cells]]]
    enough: int = 2
    secret: tuple[str, ...] = ()
    never: re.Pattern[str] | None = None

    def fit(self, header: Sequence[str]) -> float:
        """How well a header fits, from 0 to 1, by the share of its cells that are known.

        Above 0.5 are complete ones, and those of which most cells are known although a needed one is missing: such a
        file is ours with a column renamed, and must not be read as another table that happens to be complete.
        """
        here = {header_key(cell) for cell in header if cell.strip()}
        if sum(header_key(mark) in here for mark in self.marks) < self.enough:
            return 0.0
        if self.never and any(self.never.search(cell) for cell in header):
            return 0.0
        known = min(self.layout.score(header) / max(len(here), 1), 1.0)
        if self.layout.complete(header):
            return 0.5 + 0.5 * known
        return 0.35 + 0.5 * known if known >= _MOSTLY else 0.5 * known


@dataclass(slots=True)
class _Found:
    """A table of the file that the feed reads; `row` counts the header's row from 1, `fit` says how well it fits."""

    table: Table
    kind: Kind
    delimiter: str
    header: list[str]
    row: int
    fit: float


class Feed:
    """A loader made of kinds."""

    def __init__(self, name: str, title: str, *kinds: Kind) -> None:
        self.name = name
        self.title = title
        self.kinds = kinds

    def sniff(self, source: Source) -> float:
        """By column names: LIKELY and up to 0.24 more where all needed or most columns are there, else MAYBE."""
        best = max((found.fit for found in self._find(source)), default=0.0)
        if best >= 0.5:
            return round(LIKELY + 0.48 * (best - 0.5), 3)
        return round(MAYBE + 0.4 * best, 3) if best > 0 else NO

    def stage(self, source: Source) -> int:
        """When the file is loaded among others: what is named before what names it, in the order of the kinds."""
        return 10 + min((self.kinds.index(found.kind) for found in self._find(source)), default=0)

    def shape(self, source: Source) -> dict[str, list[str]]:
        """The columns of each of its tables in the file: what drift compares with earlier files."""
        return {found.kind.title: grid.named(_ended(found.header)) for found in self._find(source)}

    def check(self, source: Source) -> list[str]:
        """Refuse a file without the needed columns; remarks on encoding, delimiter, columns, members left out."""
        found = self._find(source)
        if not found:
            marks = " or ".join(", ".join(kind.marks[:4]) for kind in self.kinds)
            raise source.refused(f"is no {self.title}", f"a header with columns such as {marks}")
        issues = [issue for item in found for issue in item.kind.layout.missing(item.header, item.table.shown)]
        if issues:
            raise BadInput(issues)
        warnings = []
        for item in found:
            warnings += item.table.remarks(item.delimiter) + self._columns(item)
        used = {item.table.member for item in found}
        others = [
            table.member for table in tables(source) if table.member not in used and any(table.beginnings.values())
        ]
        return warnings + [f"{member} was not read: it has no column that is known" for member in others]

    def _columns(self, item: _Found) -> list[str]:
        said = [f"the {item.row - 1} lines above the header were left out"] if item.row > 1 else []
        header = [cell for cell in item.header if cell]
        twice = sorted({cell for cell in header if sum(header_key(cell) == header_key(c) for c in header) > 1})
        said += [
            f"the column {cell} stands twice; the first one is read, the other kept as {cell} (2)" for cell in twice
        ]
        for word, pattern in (("private", PRIVATE), ("technical", TECHNICAL)):
            cells_out = [cell for cell in header if self._unwanted(item, cell, pattern)]
            if cells_out:
                said.append(f"{word} columns were left out: {', '.join(cells_out)}")
        return said

    def _unwanted(self, item: _Found, cell: str, *patterns: re.Pattern[str]) -> bool:
        if header_key(cell) in {header_key(name) for name in item.kind.secret}:
            return PRIVATE in patterns
        declared = {header_key(name) for f in item.kind.layout.fields for name in f.headers}
        spaced = re.sub(r"(?<=[a-z])(?=[A-Z])|_", " ", cell)
        return header_key(cell) not in declared and any(pattern.search(spaced) for pattern in patterns)

    def _find(self, source: Source) -> list[_Found]:
        found = []
        for table in tables(source):
            best: _Found | None = None
            for delimiter, rows in table.beginnings.items():
                for number, header in enumerate(rows, 1):
                    for kind in self.kinds:
                        fit = kind.fit(header)
                        if fit > (best.fit if best else 0.0):
                            best = _Found(table, kind, delimiter, [cell.strip() for cell in header], number, fit)
            if best:
                found.append(best)
        return found

    def read(self, source: Source) -> Iterator[Item]:
        """The records of every table, then the remarks."""
        notes = Notes()
        for item in self._find(source):
            yield from self._table(item, notes)
        yield from notes.issues()

    def _table(self, item: _Found, notes: Notes) -> Iterator[Item]:
        bound: Bound | None = None
        before = True
        left_out: set[str] = set()
        hidden: set[int] = set()
        for given in item.table.blocks(item.delimiter):
            block = given
            if before:
                place = next((i for i, row in enumerate(given.rows) if [c.strip() for c in row] == item.header), None)
                if place is None:
                    continue
                before = False
                block = Block(given.lines[place + 1 :], given.rows[place + 1 :], given.raws[place + 1 :])
            if not block.rows:
                continue
            if bound is None:
                bound = item.kind.layout.bind(item.header, item.table.shown)
                left_out = {
                    name for name, i in bound.extras if self._unwanted(item, item.header[i], PRIVATE, TECHNICAL)
                }
                hidden = {i for i, cell in enumerate(item.header) if self._unwanted(item, cell, PRIVATE)}
                _settle_days(bound, block, notes)
            yield from self._records(item, bound, _veiled(block, hidden), notes, left_out)

    def _records(self, item: _Found, bound: Bound, block: Block, notes: Notes, left_out: set[str]) -> Iterator[Item]:
        done: list[Record] = []
        for line, row_cells, raw in zip(block.lines, block.rows, block.raws, strict=True):
            place = SourceRow(item.table.member, line, raw)
            try:
                row = bound.parse(_fitted(row_cells, bound.width))
                made = item.kind.rows(row, notes)
            except RowError as problem:
                reason = getattr(problem.__cause__, "reason", "")
                yield Rejected(place, problem.field, problem.found, problem.expected, reason)
                continue
            if made:
                kept = {key[1:]: str(value) for key, value in row.items() if key.startswith("@") and value is not None}
                extras = {name: text for name, text in row["extras"].items() if name not in left_out}
                first = made[0][1]
                first["attributes"] = {**extras, **kept, **(first.get("attributes") or {})}
            done.append(Record(place, made))
        if done:
            yield Records(done)


def _ended(header: Sequence[str]) -> Sequence[str]:
    """The header without the blank cells at its end."""
    last = max((place for place, cell in enumerate(header) if cell.strip()), default=-1)
    return header[: last + 1]


def _veiled(block: Block, hidden: set[int]) -> Block:
    """The rows without what stands in private columns, in their raw text as well: it could land in the quarantine."""
    if not hidden:
        return block
    rows = [["" if i in hidden else cell for i, cell in enumerate(row)] for row in block.rows]
    return Block(block.lines, rows, [joined(row) for row in rows])


def _fitted(row: Sequence[str], width: int) -> Sequence[str]:
    """Blank cells at a row's end, which spreadsheets drop or add, do not matter."""
    if len(row) > width and not any(cell.strip() for cell in row[width:]):
        return row[:width]
    return row


def _settle_days(bound: Bound, block: Block, notes: Notes) -> None:
    """Decide by the first rows whether the month or the day comes first; say so where nothing decides it."""
    columns = [index for f, index in bound.found if f.parse is cells.day and index is not None]
    if not columns:
        return
    texts = [row[index] for row in block.rows for index in columns if index < len(row)]
    order = cells.day_order(texts)
    if order is None:
        first = next(text for text in texts if cells.day_order([text]) is None)
        notes.add("dates are read as month/day/year: nothing in the file tells", first)
    parse = partial(cells.day_in, order or "mdy")
    bound.found = [(replace(f, parse=parse) if f.parse is cells.day else f, index) for f, index in bound.found]


def note(name: str, *headers: str, parse: Callable[[str], Any] = cells.said) -> Field:
    """A column that is kept as the attribute `name`."""
    return Field(f"@{name}", headers, parse)


def said(key: str, *headers: str, parse: Callable[[str], Any] = cells.said, needed: bool = False) -> Field:
    """A column that is read as text; `N/A`, `Unknown` and the like say nothing."""
    return Field(key, headers, parse, needed)
