"""Fixed-width formats as declarations: a record is a list of typed columns at positions counted from 1, as specs do.

Lines come with or without line ends, padded or with their trailing blanks cut off; a record is padded to its length
before it is read, so that a column that was cut off is blank, and a blank amount is a :class:`RowError`; a number
that only begins before the record ends is one too.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

from core import periods
from core.issues import BadInput, Issue
from core.money import MAX_MICROS, PLACES
from loaders.reading.declare import RowError, plain
from loaders.reading.source import Source
from loaders.reading.text import MAX_LINE

_DIGITS = re.compile(r"[0-9]{1,30}", re.ASCII)
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):?([0-5][0-9]):?([0-5][0-9])", re.ASCII)


@dataclass(frozen=True, slots=True)
class Column:
    """Characters `first` to `last` (both included, counted from 1) of a record."""

    key: str
    first: int
    last: int
    title: str
    parse: Callable[[str], Any] = plain


def column(key: str, first: int, last: int, title: str, parse: Callable[[str], Any] = plain) -> Column:
    """A declared column; `title` is the specification's name for it."""
    return Column(key, first, last, title, parse)


class Record:
    """One kind of record: its name, its length in characters, the columns that are read."""

    def __init__(self, title: str, length: int, *columns: Column) -> None:
        self.title = title
        self.length = length
        self.columns = columns

    def parse(self, line: str) -> dict[str, Any]:
        """The columns by our names.

        Raises:
            RowError: for a record that is too long or ends inside a number, or a column that cannot be read.
        """
        if len(line) > self.length and line[self.length :].strip():
            raise RowError(None, f"{len(line)} characters", f"{self.length} characters")
        if len(line) < self.length:
            self._check_end(line)
        padded = line.ljust(self.length)
        row: dict[str, Any] = {}
        for item in self.columns:
            cell = padded[item.first - 1 : item.last]
            try:
                row[item.key] = item.parse(cell)
            except ValueError as problem:
                raise RowError(item.title, cell.strip()[:200], str(problem)) from problem
        return row

    def _check_end(self, line: str) -> None:
        for item in self.columns:
            begun = line[item.first - 1 :].strip() if item.first <= len(line) < item.last else ""
            if begun and isinstance(item.parse, Digits):
                width = item.last - item.first + 1
                raise RowError(item.title, begun, f"{width} characters: the record is cut off")


def lines(source: Source, length: int) -> Iterator[tuple[int, str]]:
    """Records with their line, counted from 1; blank lines are left out.

    A file without any line end is cut into records of `length` characters.

    Raises:
        BadInput: if the file is no text, or a line is longer than 64 million characters.
    """
    facts = source.text_facts()
    with source.open() as handle:
        text = io.TextIOWrapper(handle, encoding=facts.encoding, errors=facts.errors, newline=None)
        cut = facts.newline == "none" and source.size > 2 * length
        number = 0
        while record := text.read(length) if cut else text.readline(MAX_LINE):
            number += 1
            if len(record) >= MAX_LINE:
                raise BadInput(Issue(file=source.label, message=f"a line is longer than {MAX_LINE} characters"))
            record = record.rstrip("\n")
            if record.strip():
                yield number, record
        text.detach()


def head_lines(source: Source, count: int = 50) -> list[str]:
    """The first lines of a text for sniffing; [] for binary content."""
    if source.is_archive or source.head_text is None:
        return []
    return [line for line in source.head_text.lstrip("\ufeff").splitlines()[:count] if line.strip()]


@dataclass(frozen=True, slots=True)
class Digits:
    """Parses digits with `places` implied decimals to micros; blank is None where `optional`.

    With more than six places the value is in units of 10 ** -places, so that nothing is rounded here.
    """

    places: int
    optional: bool = False
    signed: bool = False

    def __call__(self, text: str) -> int | None:
        """The value of a cell.

        Raises:
            ValueError: with what was expected.
        """
        value = text.strip()
        negative = self.signed and (value.startswith("-") or value.endswith("-"))
        if self.signed:
            value = value.removeprefix("-").removeprefix("+").removesuffix("-").removesuffix("+").strip()
        if not value and self.optional:
            return None
        if not _DIGITS.fullmatch(value):
            raise ValueError(f"digits with {self.places} implied decimals")
        number = int(value) * 10 ** max(PLACES - self.places, 0)
        if number > MAX_MICROS * 10 ** max(self.places - PLACES, 0):
            raise ValueError(f"a number of at most {MAX_MICROS // 10**PLACES}")
        return -number if negative else number


def implied(places: int, *, optional: bool = False) -> Digits:
    """Unsigned :class:`Digits`."""
    return Digits(places, optional)


def signed(places: int, *, optional: bool = False) -> Digits:
    """:class:`Digits` with a sign before them (`+`, `-` or none) or behind."""
    return Digits(places, optional, signed=True)


def sign(text: str) -> int:
    """-1 for `-`, 1 for `+` or a blank.

    Raises:
        ValueError: for anything else.
    """
    value = text.strip()
    if value not in {"", "+", "-"}:
        raise ValueError("a sign: + or -")
    return -1 if value == "-" else 1


def count(text: str) -> int | None:
    """A whole number of digits; None when blank."""
    value = text.strip()
    if not value:
        return None
    if not _DIGITS.fullmatch(value) or len(value) > 18:
        raise ValueError("a whole number")
    return int(value)


@lru_cache(maxsize=10_000)
def day8(text: str) -> str | None:
    """ISO day of `YYYYMMDD`; None for blanks or zeros."""
    value = text.strip()
    if not value.strip("0"):
        return None
    if len(value) == 8 and value.isascii() and value.isdigit():
        try:
            return periods.parse_day(date(int(value[:4]), int(value[4:6]), int(value[6:])).isoformat())
        except ValueError:
            pass
    raise ValueError("a date such as 20260930")


def needed_day8(text: str) -> str:
    """:func:`day8` of a column that must not be blank."""
    day = day8(text)
    if day is None:
        raise ValueError("a date such as 20260930")
    return day


@lru_cache(maxsize=100_000)
def clock6(text: str) -> str | None:
    """`HH:MM:SS` of `HHMMSS` or `HH:MM:SS`; None when blank."""
    value = text.strip()
    if not value:
        return None
    match = _CLOCK.fullmatch(value)
    if match is None:
        raise ValueError("a time such as 140500")
    return ":".join(match.groups())
