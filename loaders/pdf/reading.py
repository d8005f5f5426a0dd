"""One PDF read by one template: what was found where, what was not, and whether it sums to the printed total."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from core.issues import Issue
from core.money import to_text
from loaders.pdf.layout import Document, Line, Phrase, together
from loaders.pdf.template import HEADER_FIELDS, Anchor, Column, Table, Template, kind_of
from loaders.reading.conventions import blank

_FAR = 1e9
_NOT_PRINTED = {"currency": "the currency"}


@dataclass(frozen=True, slots=True)
class Found:
    """A header field: its value (micros, ISO day, text), the text it was read from, the page."""

    value: Any
    text: str
    page: int


@dataclass(slots=True)
class Row:
    """One charge: values by field, `section` the heading above it, the lines it was read from."""

    values: dict[str, Any]
    lines: list[Line]
    category: str | None = None
    section: str | None = None

    @property
    def text(self) -> str:
        """The lines as they stand."""
        return " / ".join(line.text for line in self.lines)


@dataclass(frozen=True, slots=True)
class Unread:
    """A line inside a table that is no row: which field, what stood there, what was expected."""

    line: Line
    field: str | None
    found: str | None
    expected: str


@dataclass
class Reading:
    """Everything a template found. `problems` refuse the invoice."""

    template: Template
    fields: dict[str, Found] = field(default_factory=dict)
    rows: list[Row] = field(default_factory=list)
    unread: list[Unread] = field(default_factory=list)
    problems: list[Issue] = field(default_factory=list)

    @property
    def charged(self) -> int:
        """Sum of the charges, micros."""
        return sum(int(row.values["amount"]) for row in self.rows)

    @property
    def total(self) -> int | None:
        """The printed total, micros."""
        found = self.fields.get("total")
        return None if found is None else int(found.value)

    @property
    def ties(self) -> bool:
        """Whether the charges sum to the printed total, exactly."""
        return self.total == self.charged

    @property
    def accepted(self) -> bool:
        """Whether the invoice can be loaded."""
        return not self.problems and self.ties


def recognised(template: Template, document: Document) -> bool:
    """Whether all texts of the template stand on the first page."""
    page = " ".join(line.text for line in document.lines if line.page == 1).casefold()
    return all(" ".join(text.casefold().split()) in page for text in template.recognise)


def read_by(template: Template, document: Document) -> Reading:
    """Read a document by a template; never raises for what the document holds."""
    reading = Reading(template)
    for name, anchor in template.fields.items():
        found, tried = _value(template, document, anchor, kind_of(name))
        if found is not None:
            reading.fields[name] = found
        elif name in {"account_number", "issued_on", "total", "currency"}:
            reading.problems.append(_not_found(name, anchor, kind_of(name), tried))
    if "currency" not in reading.fields and template.currency:
        reading.fields["currency"] = Found(template.currency.upper(), template.currency, 0)
    for table in template.tables:
        _read_table(reading, document, table)
    for extra in template.charges:
        found, tried = _value(template, document, extra.amount, "micro")
        if found is not None:
            said = extra.description or extra.amount.right_of or extra.amount.below
            line = next((ln for ln in document.lines if ln.page == found.page and found.text in ln.text), None)
            values = {"amount": found.value, "description": said}
            reading.rows.append(Row(values, [line] if line else [], extra.category))
        elif not extra.optional:
            reading.problems.append(_not_found("charges", extra.amount, "micro", tried))
    if not reading.problems and not reading.ties:
        reading.problems.append(_does_not_tie(reading))
    return reading


def _does_not_tie(reading: Reading) -> Issue:
    said = f"the charges read sum to {to_text(reading.charged)}, the printed total is {to_text(reading.total or 0)}"
    if reading.unread:
        first = reading.unread[0]
        said += f"; {len(reading.unread)} lines of its tables were not read (first: {first.line.text[:80]})"
    return Issue(field="total", message=said, hint="correct the template on the imports page")


def _not_found(name: str, anchor: Anchor, kind: str, tried: str | None) -> Issue:
    label = anchor.right_of or anchor.below
    where = "to the right of" if anchor.right_of else "below"
    wanted = {"micro": "an amount", "day": "a date"}.get(kind, "a text")
    message = f'{wanted} {where} "{label}"' + ("" if tried is not None else " was not found")
    if tried is None:
        return Issue(field=name, message=message)
    return Issue(field=name, found=tried, expected=message)


def _value(template: Template, document: Document, anchor: Anchor, kind: str) -> tuple[Found | None, str | None]:
    """The first text at the anchor that can be read as the kind; else the first that cannot."""
    if anchor.value is not None:
        return Found(_parsed(template, kind, anchor.value), anchor.value, 0), None
    near = document.right_of(anchor.right_of) if anchor.right_of else document.below(anchor.below or "")
    tried: str | None = None
    for line, text in near:
        part = anchor.part(text)
        if part is None and anchor.right_of:
            part = anchor.part(line.text)
        try:
            value = None if part is None else _parsed(template, kind, part)
        except ValueError:
            value = None
        if value is not None:
            return Found(value, str(part), line.page), None
        tried = tried or text
    return None, tried


def _parsed(template: Template, kind: str, text: str) -> Any:
    if kind == "micro":
        return template.numbers.parse(text)
    if kind == "day":
        return template.dates.day(text)
    return None if blank(text) else " ".join(text.split())


@dataclass(slots=True)
class _Placed:
    """A column and where it stands on the page."""

    name: str
    column: Column
    x0: float
    x1: float

    def distance(self, phrase: Phrase) -> float:
        """0 where the phrase lines up with the column."""
        if self.column.heading is None:
            middle = (phrase.x0 + phrase.x1) / 2
            return 0.0 if self.x0 <= middle <= self.x1 else _FAR
        align = self.column.align
        if align == "right":
            return abs(phrase.x1 - self.x1)
        left = abs(phrase.x0 - self.x0)
        if align == "left":
            return left
        center = abs(phrase.x0 + phrase.x1 - self.x0 - self.x1) / 2
        return center if align == "center" else min(left, abs(phrase.x1 - self.x1), center)


class _Columns:
    """The columns of a table where they stand on a page."""

    def __init__(self, placed: list[_Placed]) -> None:
        self._placed = placed
        self._known: dict[tuple[float, float], str | None] = {}  # rows line up: the same edges come again and again

    def nearest(self, phrase: Phrase) -> str | None:
        """The column that the phrase lines up with best; None outside all of them."""
        x0, x1, _ = phrase
        if (x0, x1) not in self._known:
            best = min(self._placed, key=lambda placed: placed.distance(phrase))
            self._known[x0, x1] = best.name if best.distance(phrase) < _FAR else None
        return self._known[x0, x1]


def _headings(table: Table, line: Line) -> _Columns | None:
    """The columns, where the line bears all of the table's headings."""
    placed = []
    for name, column in table.columns.items():
        if column.heading is None:
            placed.append(_Placed(name, column, column.left or 0.0, column.right or _FAR))
            continue
        found = line.find(column.heading)
        if found is None:
            return None
        placed.append(_Placed(name, column, *line.edges(found)))
    return _Columns(placed)


def _inside(table: Table, document: Document) -> Iterator[tuple[Line, _Columns | None]]:
    """Every line; with the columns where it stands inside the table."""
    ranged = all(column.heading is None for column in table.columns.values())
    bare = _headings(table, document.lines[0]) if ranged and document.lines else None
    heading = next((c.heading for c in table.columns.values() if c.heading is not None), None)
    maybe = [document.lines[place] for place in document.with_label(heading)] if heading else []
    heads = {line.number: found for line in maybe if (found := _headings(table, line))}
    repeated = len({line.page for line in document.lines if line.number in heads}) > 1
    begins = None if table.begins is None else " ".join(table.begins.casefold().split())
    ends = tuple(" ".join(text.casefold().split()) for text in table.ends)
    columns: _Columns | None = None
    page = 0
    for line in document.lines:
        if line.page != page and repeated:
            columns = None
        page = line.page
        if line.number in heads:
            columns = heads[line.number]
        elif begins is not None and line.folded.startswith(begins):
            columns = bare
            yield line, None
        elif columns is not None and line.folded.startswith(ends):
            columns = None
        else:
            yield line, columns


def _read_table(reading: Reading, document: Document, table: Table) -> None:
    groups = [_finder(p) for p in table.group if p]
    ignored = [_finder(p) for p in table.ignore if p]
    context: list[dict[str, str]] = [{} for _ in groups]
    last: Row | None = None
    around: dict[str, str] = {}
    for line, columns in _inside(table, document):
        level, match = _first_match(groups, line.text)
        if match is not None:
            context[level] = {name: text.strip() for name, text in match.groupdict().items() if text}
            for inner in range(level + 1, len(context)):
                context[inner] = {}
            around = {name: text for part in context for name, text in part.items()}
            last = None
        elif columns is None:
            last = None
        elif _first_match(ignored, line.text)[1] is None:
            last = _read_row(reading, table, columns, line, around, last)


#: What finds a pattern in a text.
_Finder = Callable[[str], re.Match[str] | None]


def _finder(pattern: str) -> _Finder:
    compiled = re.compile(pattern, re.IGNORECASE)
    at_start = pattern.startswith("^") and "|" not in pattern
    return compiled.match if at_start else compiled.search  # search would try in vain at every place of the line


def _first_match(finders: list[_Finder], text: str) -> tuple[int, re.Match[str] | None]:
    """The first pattern that is found in a text: its place, and what it matched."""
    for place, find in enumerate(finders):
        if match := find(text):
            return place, match
    return 0, None


def _read_row(
    reading: Reading, table: Table, columns: _Columns, line: Line, around: dict[str, str], last: Row | None
) -> Row | None:
    cells: dict[str, list[str]] = {}
    for phrase in together(line.words):  # not line.phrases: these are needed once, those are kept
        column = columns.nearest(phrase)
        if column is not None:
            cells.setdefault(column, []).append(phrase.text)
    if len(cells) == 1 and "description" in cells:
        if last is not None and last.lines[-1].page == line.page:
            last.values["description"] = (
                f"{last.values.get('description') or ''} {' '.join(cells['description'])}".strip()
            )
            last.lines.append(line)
            return last
        reading.unread.append(Unread(line, "amount", line.text, "an amount, or a heading that the template names"))
        return None
    values: dict[str, Any] = {name: text for name, text in around.items() if name != "section"}
    for name, parts in cells.items():
        text = " ".join(parts)
        try:
            value = _parsed(reading.template, kind_of(name), _translated(table.columns[name], text))
        except ValueError as problem:
            reading.unread.append(Unread(line, name, text, str(problem)))
            return last
        if value is not None:
            values[name] = value
    if values.get("amount") is None:
        reading.unread.append(Unread(line, "amount", None, "an amount"))
        return last
    row = Row(values, [line], table.category, around.get("section"))
    reading.rows.append(row)
    return row


def _translated(column: Column, text: str) -> str:
    if not column.values:
        return text
    return {said.casefold(): meant for said, meant in column.values.items()}.get(text.casefold(), text)


def header_order(reading: Reading) -> list[tuple[str, Found | None]]:
    """The fields that the template names, in the order of an invoice; None where nothing was found."""
    named = [name for name in HEADER_FIELDS if name in reading.template.fields or name in reading.fields]
    return [(name, reading.fields.get(name)) for name in named]
