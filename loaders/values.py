"""Text cells become the store's values, by what the schema says of each column; each refusal says what was expected."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.money import parse_micros, to_text
from core.periods import parse_day, parse_month
from core.schema import CANONICAL_COLUMNS, TABLES
from loaders.contract import Chunk, Rejected, SourceRow
from loaders.reading.text import MAX_CELL

_STAMP = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:?\d{2})?)?", re.ASCII)
_WHOLE = re.compile(r"[+-]?[0-9]{1,18}(\.0+)?", re.ASCII)
_UNPRINTABLE = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f\ud800-\udfff]")  # no text file can hold them
_CACHED = 200_000
_JSON = json.JSONEncoder(sort_keys=True, ensure_ascii=False)
UNITS = {"data": "MB", "voice": "min", "sms": "msg"}


@dataclass(frozen=True, slots=True)
class Bad:
    """A cell that does not convert."""

    found: str
    expected: str


def _parse_stamp(text: str) -> str:
    if _STAMP.fullmatch(text):
        try:
            if 1900 <= datetime.fromisoformat(text).year < 2200:
                return text.replace(" ", "T", 1)
        except ValueError:
            pass
    raise ValueError("an ISO time such as 2026-09-30T14:05:00")


def _parse_text(text: str) -> str:
    if _UNPRINTABLE.search(text):
        raise ValueError("printable text")
    return text


def parser(table: str, name: str) -> Callable[[str], Any]:
    """The parser of one column: trimmed text that is not blank to a value.

    The parser raises ValueError with a short phrase that says what was expected.
    """
    info = TABLES[table].c[name].info
    kind, choices = info["kind"], info.get("choices")
    low, high = int(info.get("low", 0)), int(info.get("high", 0))
    if choices:
        allowed = frozenset(choices)

        def choose(text: str) -> str:
            if text not in allowed:
                raise ValueError(f"one of {', '.join(choices)}")
            return text

        return choose
    if kind == "micro":

        def number(text: str) -> int:
            value = parse_micros(text)
            if not low <= value <= high:
                raise ValueError(f"a number from {to_text(low, 0)} to {to_text(high, 0)}")
            return value

        return number
    if kind == "integer":

        def whole(text: str) -> int:
            value = int(text.partition(".")[0]) if _WHOLE.fullmatch(text) else None
            if value is None or not low <= value <= high:
                raise ValueError(f"a whole number from {low} to {high}")
            return value

        return whole
    return {"day": parse_day, "month": parse_month, "stamp": _parse_stamp}.get(kind, _parse_text)


class Column(dict[str, Any]):
    """Converts the cells of one column and remembers what it has seen; `bad` is set once a cell was refused."""

    def __init__(self, table: str, name: str) -> None:
        super().__init__()
        self.name = name
        self.bad = False
        self._parse = parser(table, name)
        self.required = not TABLES[table].c[name].nullable

    def __missing__(self, raw: str) -> Any:
        value: Any = None
        text = raw.strip()
        try:
            if len(raw) > MAX_CELL:
                raise ValueError(f"a cell of at most {MAX_CELL} characters")
            if text:
                value = self._parse(text)
            elif self.required:
                raise ValueError("a value")
        except ValueError as problem:
            value, self.bad = Bad(text[:200], str(problem)), True
        if len(self) < _CACHED and len(raw) <= 100:
            self[raw] = value
        return value


@dataclass(slots=True)
class Typed:
    """Rows of one canonical table in the store's values, with where they came from."""

    table: str
    names: list[str]
    columns: list[list[Any]]
    attributes: list[str | None] | None
    lines: Sequence[int]
    raws: Sequence[str]
    member: str | None

    def __len__(self) -> int:
        return len(self.lines)

    def keep(self, wanted: Sequence[int]) -> Typed:
        """Only the rows at these positions."""
        if len(wanted) == len(self.lines):
            return self
        return Typed(
            self.table,
            self.names,
            [[column[i] for i in wanted] for column in self.columns],
            None if self.attributes is None else [self.attributes[i] for i in wanted],
            [self.lines[i] for i in wanted],
            [self.raws[i] for i in wanted],
            self.member,
        )

    def column(self, name: str) -> list[Any]:
        """Values of a column; all None where the file does not have it."""
        return self.columns[self.names.index(name)] if name in self.names else [None] * len(self)

    def records(self) -> list[dict[str, Any]]:
        """The rows as mappings of the columns the file has."""
        return [dict(zip(self.names, values, strict=True)) for values in zip(*self.columns, strict=True)]

    def source(self, index: int) -> SourceRow:
        """Where the row at this position stands."""
        return SourceRow(self.member, self.lines[index], self.raws[index])


class Attributes:
    """Writes the cells of columns that a table does not have as `attributes`, and remembers what it has written."""

    def __init__(self) -> None:
        self._written: dict[tuple[str, ...], str | None] = {}

    def texts(self, extras: Mapping[str, Sequence[str]]) -> list[str | None] | None:
        """The attributes of each row, from its cells by column; None where there is no such column."""
        if not extras:
            return None
        written = self._written
        result: list[str | None] = []
        for cells in zip(*extras.values(), strict=True):
            if cells not in written:
                if len(written) > _CACHED:
                    written.clear()
                given = {n: v.strip()[:MAX_CELL].replace("\x00", "") for n, v in zip(extras, cells, strict=True)}
                written[cells] = attributes_text({n: v for n, v in given.items() if v})
            result.append(written[cells])
        return result


class Converter:
    """Turns the chunks of one table into typed rows; keeps the columns' memory between chunks."""

    def __init__(self, table: str) -> None:
        self.table = table
        self._columns = {name: Column(table, name) for name in CANONICAL_COLUMNS[table]}
        self._attributes = Attributes()

    def convert(self, chunk: Chunk) -> tuple[Typed, list[Rejected]]:
        """The rows that convert, and the others with their first bad cell and all bad fields named."""
        names: list[str] = []
        columns: list[list[Any]] = []
        extras: dict[str, Sequence[str]] = {}
        for name, cells in zip(chunk.names, chunk.columns, strict=True):
            if name in self._columns:
                column = self._columns[name]
                names.append(name)
                columns.append([column[cell] for cell in cells])
            elif name:
                extras[name] = cells
        typed = Typed(self.table, names, columns, self._attributes.texts(extras), chunk.lines, chunk.raws, chunk.member)
        bad = self._bad(typed)
        self._check_units(typed, bad)
        if not bad:
            return typed, []
        rejected = [self._reject(typed, index, bad[index]) for index in sorted(bad)]
        return typed.keep([i for i in range(len(typed)) if i not in bad]), rejected

    def _bad(self, typed: Typed) -> dict[int, list[tuple[str, Bad]]]:
        found: dict[int, list[tuple[str, Bad]]] = {}
        for name, values in zip(typed.names, typed.columns, strict=True):
            if self._columns[name].bad:
                for index, value in enumerate(values):
                    if type(value) is Bad:
                        found.setdefault(index, []).append((name, value))
        return found

    def _check_units(self, typed: Typed, bad: dict[int, list[tuple[str, Bad]]]) -> None:
        if self.table not in {"usage", "usage_events"} or "unit" not in typed.names:
            return
        for index, (kind, unit) in enumerate(zip(typed.column("usage_type"), typed.column("unit"), strict=True)):
            if unit is not None and type(kind) is str and type(unit) is str and UNITS[kind] != unit:
                bad.setdefault(index, []).append(("unit", Bad(unit, f"{UNITS[kind]} for {kind}")))

    def _reject(self, typed: Typed, index: int, problems: list[tuple[str, Bad]]) -> Rejected:
        name, bad = problems[0]
        others = [f'{field} "{value.found}" (expected {value.expected})' for field, value in problems[1:]]
        reason = "a value is missing" if not bad.found else "the value cannot be used"
        if others:
            reason += f"; also {'; '.join(others)}"
        return Rejected(typed.source(index), name, bad.found, bad.expected, reason[:2000], self.table)


def attributes_text(values: dict[str, str]) -> str | None:
    """The `attributes` column: sorted JSON, None when there is nothing."""
    return _JSON.encode(values) if values else None
