"""Delimited call records: tables without a header row, and days and times as carriers outside the US write them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date, datetime
from typing import Any

from core import periods
from core.money import parse_micros
from loaders.reading.declare import Bound, Layout, RowError, blank, us_number
from loaders.reading.source import Source, SourceRow
from loaders.reading.text import blocks

_DAY_FIRST = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4}|\d{2})", re.ASCII)
_YEAR_FIRST = re.compile(r"(\d{4})[/.-](\d{1,2})[/.-](\d{1,2})", re.ASCII)
_NAMED = ("%d %b %Y", "%d-%b-%Y", "%d-%b-%y", "%d %B %Y")
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?\s*([AaPp][Mm])?", re.ASCII)
_SPAN = re.compile(r"(?:(\d{1,4}):)?(\d{1,4}):(\d{2})", re.ASCII)


def records(source: Source, delimiter: str) -> Iterator[tuple[list[str], SourceRow]]:
    """The cells of each record and where it stands."""
    with source.open() as handle:
        for block in blocks(handle, source.text_facts(), delimiter, source.label):
            for line, cells, raw in zip(block.lines, block.rows, block.raws, strict=True):
                yield [cell.strip() for cell in cells], SourceRow(None, line, raw)


def head_cells(source: Source, delimiter: str, count: int = 50) -> list[list[str]]:
    """The cells of the first lines, for sniffing; [] for binary content."""
    if source.is_archive or source.head_text is None:
        return []
    lines = source.head_text.lstrip("\ufeff").splitlines()[:count]
    return [[cell.strip() for cell in line.split(delimiter)] for line in lines if line.strip()]


class Cells:
    """Some cells of one kind of record, by their number from 1; records may be shorter or longer than what is read."""

    def __init__(self, *columns: tuple[str, int, str, Callable[[str], Any]]) -> None:
        self.columns = columns

    def parse(self, cells: list[str]) -> dict[str, Any]:
        """The cells by our names; those that a record does not have are blank.

        Raises:
            RowError: for a cell that cannot be read.
        """
        row: dict[str, Any] = {}
        for key, position, title, parse in self.columns:
            cell = cells[position - 1] if position <= len(cells) else ""
            try:
                row[key] = parse(cell)
            except ValueError as problem:
                raise RowError(title, cell[:200], str(problem)) from problem
        return row


def in_order(layout: Layout, shown: str) -> Bound:
    """A layout whose columns stand in the order of its declaration, for files without a header row."""
    return layout.bind([item.headers[0] for item in layout.fields], shown)


def day_first(text: str) -> str | None:
    """ISO day of `31/01/2026`, `31.1.26`, `31 Jan 2026`, `2026/01/31`; None when blank.

    Raises:
        ValueError: with what was expected.
    """
    value = " ".join(text.split())
    if blank(value):
        return None
    if match := _DAY_FIRST.fullmatch(value):
        day, month, year = map(int, match.groups())
        parts = (year + 2000 if year < 100 else year, month, day)
    elif match := _YEAR_FIRST.fullmatch(value):
        parts = (int(match[1]), int(match[2]), int(match[3]))
    else:
        parts = _named(value)
    try:
        return periods.parse_day(date(*parts).isoformat())
    except ValueError:
        raise ValueError("a date such as 31/01/2026") from None


def _named(value: str) -> tuple[int, int, int]:
    for form in _NAMED:
        try:
            found = datetime.strptime(value[:20], form)  # noqa: DTZ007  a day
        except ValueError:
            continue
        return found.year, found.month, found.day
    raise ValueError("a date such as 31/01/2026")


def clock(text: str) -> str | None:
    """`HH:MM:SS` of `9:05`, `09:05:07`, `2:05 PM`; None when blank.

    Raises:
        ValueError: with what was expected.
    """
    value = text.strip()
    if blank(value):
        return None
    match = _CLOCK.fullmatch(value)
    hour = int(match[1]) if match else 24
    if match and match[4] and hour <= 12:
        hour = hour % 12 + (12 if match[4].lower() == "pm" else 0)
    if match is None or hour > 23 or int(match[2]) > 59 or int(match[3] or 0) > 59:
        raise ValueError("a time such as 14:05:00")
    return f"{hour:02d}:{match[2]}:{match[3] or '00'}"


def span_seconds(text: str) -> int | None:
    """Seconds of a duration such as `1:02:03`, `02:03` or `123`; None when blank.

    Raises:
        ValueError: with what was expected.
    """
    value = text.strip()
    if blank(value):
        return None
    if value.isascii() and value.isdigit() and len(value) <= 9:
        return int(value)
    match = _SPAN.fullmatch(value)
    if match is None or int(match[3]) > 59:
        raise ValueError("a duration such as 0:02:03")
    return int(match[1] or 0) * 3600 + int(match[2]) * 60 + int(match[3])


def needed_number(text: str) -> int:
    """Micros of an amount that must not be blank; currency signs and thousands separators are fine."""
    value = us_number(text.strip().lstrip("£").replace("-£", "-").replace("(£", "("))
    if value is None:
        raise ValueError("an amount such as 1.23")
    return value


def plain_number(text: str) -> int | None:
    """Micros of a plain decimal number; None when blank."""
    return None if blank(text) else parse_micros(text)
