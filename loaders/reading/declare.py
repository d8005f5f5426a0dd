"""Formats as declarations: a carrier's table is a list of typed columns, found by name and never by position."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from rapidfuzz import process

from core import periods
from core.issues import BadInput, Issue
from core.money import parse_micros
from loaders.reading.text import MAX_CELL

_NOTHING = {"", "na", "n/a", "none", "-", "no date"}
_GROUPED = re.compile(r"\d{1,3}(,\d{3})+(\.\d+)?", re.ASCII)
_SIGNED = re.compile(r"(?P<before>-?)\s*\$?\s*(?P<inside>-?)\s*(?P<digits>[0-9.,]+)\s*(?P<after>-?)", re.ASCII)
_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTHS = {name: n for n, name in enumerate(_NAMES, 1)}
_WORDS = re.compile(r"([A-Za-z]{3,9})\.? (\d{1,2}),? (\d{4})", re.ASCII)
_NUMERIC = ("%m/%d/%Y", "%m/%d/%y", "%Y-%m-%d", "%m-%d-%Y", "%Y%m%d")


def blank(text: str) -> bool:
    """Whether a carrier's cell says nothing (`NA`, `N/A`, blank, `No Date`)."""
    return text.strip().casefold() in _NOTHING


@lru_cache(maxsize=100_000)
def us_number(text: str) -> int | None:
    """Micros of a number as US carriers print it: `$1,234.56`, `(7.23)`, `-7.23`, `($7.23)`, `7.23-`; None for `NA`.

    Raises:
        ValueError: with what was expected.
    """
    if len(text) > 60:
        raise ValueError("an amount such as $1,234.56 or (7.23)")
    value = text.strip()
    if blank(value):
        return None
    bracketed = value.startswith("(") and value.endswith(")")
    signed = _SIGNED.fullmatch(value[1:-1].strip() if bracketed else value)
    if signed is None or sum(map(bool, signed.group("before", "inside", "after"))) > 1:
        raise ValueError("an amount such as $1,234.56 or (7.23)")
    negative = bracketed or any(signed.group("before", "inside", "after"))
    value = signed["digits"]
    if _GROUPED.fullmatch(value):
        value = value.replace(",", "")
    try:
        micros = parse_micros(value)
    except ValueError as problem:
        reason = str(problem)
        raise ValueError(reason if "decimals" in reason else "an amount such as $1,234.56 or (7.23)") from problem
    return -micros if negative else micros


@lru_cache(maxsize=10_000)
def us_day(text: str) -> str | None:
    """ISO day of `Jan 31, 2026`, `01/31/2026`, `1/31/26`, `01-31-2026`, `2026-01-31`; None for `No Date`.

    Raises:
        ValueError: with what was expected.
    """
    value = " ".join(text.split())
    if blank(value):
        return None
    match = _WORDS.fullmatch(value)
    if match and match[1][:3].casefold() in _MONTHS:
        try:
            day = date(int(match[3]), _MONTHS[match[1][:3].casefold()], int(match[2]))
        except ValueError:
            raise ValueError("a date such as Jan 31, 2026") from None
        return periods.parse_day(day.isoformat())
    if len(value) <= 10 and value.isascii():
        for form in _NUMERIC:
            try:
                return periods.parse_day(datetime.strptime(value, form).date().isoformat())  # noqa: DTZ007  a day
            except ValueError:
                continue
    raise ValueError("a date such as 01/31/2026 or Jan 31, 2026")


def plain(text: str) -> str | None:
    """Trimmed text, None when blank."""
    if len(text) > MAX_CELL:
        raise ValueError(f"a cell of at most {MAX_CELL} characters")
    return text.strip().replace("\x00", "") or None


@dataclass(frozen=True, slots=True)
class Field:
    """One column of a carrier's table: our name, the header's spellings, the parser; `needed` ones must be there."""

    key: str
    headers: tuple[str, ...]
    parse: Callable[[str], Any] = plain
    needed: bool = False


def field(key: str, *headers: str, parse: Callable[[str], Any] = plain, needed: bool = False) -> Field:
    """A declared column."""
    return Field(key, headers, parse, needed)


@lru_cache(maxsize=100_000)
def header_key(text: str) -> str:
    """Headers compared without case, blanks and punctuation: spellings differ by a comma between files."""
    return re.sub(r"[^a-z0-9&]", "", text.casefold())


def missing_columns(
    shown: str, needed: Iterable[str], header: list[str], known: Callable[[str], bool] = lambda name: False
) -> list[Issue]:
    """One issue for each needed column that the header lacks: the closest of those that are not `known` to be another
    one, and what the file has."""
    have = {name.casefold() for name in header}
    strange = [name for name in header if name and not known(name)]
    issues = []
    for name in needed:
        if name.casefold() in have:
            continue
        close = process.extractOne(name, strange, processor=str.casefold, score_cutoff=70)
        closest = f"the closest is {close[0]}; " if close else ""
        issues.append(
            Issue(
                file=shown,
                row=1,
                field=name,
                message=f"the required column {name} is missing",
                hint=f"{closest}the file has: " + ", ".join(h or "(blank)" for h in header),
            )
        )
    return issues


class Layout:
    """The columns of one table of a carrier format."""

    def __init__(self, *fields: Field) -> None:
        self.fields = fields
        self._keys = [(f, frozenset(map(header_key, f.headers))) for f in fields]

    def score(self, header: Sequence[str]) -> int:
        """How many declared columns the header has."""
        here = set(map(header_key, header))
        return sum(not keys.isdisjoint(here) for _, keys in self._keys)

    def complete(self, header: Sequence[str]) -> bool:
        """Whether every needed column is there."""
        here = set(map(header_key, header))
        return not any(f.needed and keys.isdisjoint(here) for f, keys in self._keys)

    def missing(self, header: Sequence[str], shown: str) -> list[Issue]:
        """One issue for each needed column that is not there."""
        here = set(map(header_key, header))
        needed = [f.headers[0] for f, keys in self._keys if f.needed and keys.isdisjoint(here)]
        declared = {key for _, keys in self._keys for key in keys}
        return missing_columns(shown, needed, list(header), lambda name: header_key(name) in declared)

    def bind(self, header: Sequence[str], shown: str) -> Bound:
        """Find the columns in a header.

        Raises:
            BadInput: if a needed column is missing; one issue for each.
        """
        issues = self.missing(header, shown)
        if issues:
            raise BadInput(issues)
        places: dict[str, int] = {}
        for place, cell in enumerate(header):
            places.setdefault(header_key(cell), place)
        found: list[tuple[Field, int | None]] = []
        for f in self.fields:
            index = next((places[header_key(h)] for h in f.headers if header_key(h) in places), None)
            found.append((f, index))
        used = {index for _, index in found if index is not None}
        extras: list[tuple[str, int]] = []
        for place, cell in enumerate(header):
            if place not in used and cell.strip():
                earlier = sum(header_key(cell) == header_key(other) for other in header[:place])
                extras.append((f"{cell.strip()} ({earlier + 1})" if earlier else cell.strip(), place))
        return Bound(found, extras, len(header))


class RowError(ValueError):
    """A cell of a carrier's row that cannot be read."""

    def __init__(self, field: str | None, found: str, expected: str) -> None:
        super().__init__(expected)
        self.field = field
        self.found = found
        self.expected = expected


class Bound:
    """A layout found in a header: turns rows into mappings."""

    def __init__(self, found: list[tuple[Field, int | None]], extras: list[tuple[str, int]], width: int) -> None:
        self.found = found
        self.extras = extras
        self.width = width

    def parse(self, cells: Sequence[str]) -> dict[str, Any]:
        """The row by our names; absent columns are None; other columns are under `extras`.

        Raises:
            RowError: for a wrong number of cells or a cell that cannot be read.
        """
        if len(cells) != self.width:
            wrong = "few" if len(cells) < self.width else "many"
            raise RowError(None, f"{len(cells)} cells", f"{self.width} cells (too {wrong})")
        row: dict[str, Any] = {}
        for f, index in self.found:
            if index is None:
                row[f.key] = None
                continue
            try:
                row[f.key] = f.parse(cells[index])
            except ValueError as problem:
                raise RowError(f.headers[0], cells[index][:200], str(problem)) from problem
        row["extras"] = {name: value for name, i in self.extras if (value := cells[i].strip()[:1000])}
        return row


def cycle_period(cycle_end: str) -> tuple[str, str]:
    """First and last day of the bill cycle that ends on a day: a calendar month where that is a month's last day."""
    if periods.month_end(periods.month_of(cycle_end)) == cycle_end:
        return periods.month_start(periods.month_of(cycle_end)), cycle_end
    return periods.add_days(periods.add_months(cycle_end, -1), 1), cycle_end
