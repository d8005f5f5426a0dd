"""Loader of any table that a saved profile knows: found by its header, read by the profile's conventions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from core.issues import BadInput, Issue
from core.money import to_text
from loaders import drift
from loaders.contract import LIKELY, NO, Chunk, Item, Rejected, SourceRow
from loaders.profiles.bills import BillRows, UsageRows
from loaders.profiles.profile import FieldMap, Profile, parse_profile
from loaders.profiles.targets import BILL, LINE_USAGE, Target, fields
from loaders.reading import grid
from loaders.reading.conventions import blank
from loaders.reading.declare import RowError
from loaders.reading.source import Source
from loaders.reading.text import DELIMITERS, MAX_CELL

#: A mapping that a person confirmed goes before what a loader is sure of by itself.
CONFIRMED = 0.97
_SAME_COLUMNS = 0.98
_NEAR = 0.6  # share of a profile's columns from which a file counts as a changed one of its kind
_LEAST_NEAR = 3


@dataclass(frozen=True, slots=True)
class Match:
    """A profile against one sheet: `missing` are columns that it reads and the sheet lacks."""

    profile: Profile
    sheet: str | None
    header: tuple[str, ...]
    missing: tuple[str, ...]
    above: int

    @property
    def sure(self) -> float:
        """From 0 to 1."""
        if self.missing:
            return LIKELY
        same = {grid.column_key(c) for c in self.header} == {grid.column_key(c) for c in self.profile.header}
        return _SAME_COLUMNS if same else CONFIRMED


class Profiles:
    """Loader of files that a profile knows."""

    name = "profile"
    title = "Tables with a saved mapping profile"

    def __init__(self, definitions: Mapping[str, str] | None = None) -> None:
        """`definitions`: name -> YAML text, as they are saved in the store."""
        self.profiles = [parse_profile(text, f"profile {name}") for name, text in (definitions or {}).items()]
        self._matches: WeakKeyDictionary[Source, Match | None] = WeakKeyDictionary()

    def match(self, source: Source) -> Match | None:
        """The profile that fits the file best, None if none comes near."""
        if source not in self._matches:
            self._matches[source] = self._best(source)
        return self._matches[source]

    def _best(self, source: Source) -> Match | None:
        if not self.profiles or not grid.is_table(source):
            return None
        found: list[Match] = []
        for sheet in grid.sheets(source):
            located = grid.beginning(source, sheet)
            for profile in self.profiles:
                match = _against(profile, sheet, located)
                if match is not None:
                    found.append(match)
        return max(found, key=lambda m: (m.sure, -len(m.missing), len(m.profile.columns)), default=None)

    def sniff(self, source: Source) -> float:
        """By the header: all columns that a profile reads, or most of them."""
        match = self.match(source)
        return NO if match is None else match.sure

    def layout(self, source: Source) -> str | None:
        """The name of the profile that reads the file."""
        match = self.match(source)
        return None if match is None else match.profile.name

    def shape(self, source: Source) -> dict[str, list[str]]:
        """The columns of the file, under the profile's name."""
        match = self.match(source)
        return {} if match is None else {match.profile.name: grid.named(match.header)}

    def check(self, source: Source) -> list[str]:
        """Refuse a file that lacks columns of its profile; returns warnings.

        Raises:
            BadInput: if no profile fits, or one issue for each column that is missing.
        """
        match = self.match(source)
        if match is None:
            raise source.refused("fits no saved profile", None, "map its columns on the imports page or by tem profile")
        if match.missing:
            raise BadInput([_missing(source, match, name) for name in match.missing])
        warnings = [] if source.is_workbook else source.text_facts().table_warnings()
        if match.sheet is None and grid.delimiter(source) != ",":
            warnings.append(f"delimiter {DELIMITERS[grid.delimiter(source)]} instead of comma")
        if match.above:
            rows = "1 row above the header was" if match.above == 1 else f"{match.above} rows above the header were"
            warnings.append(f"{rows} left out")
        others = [sheet for sheet in grid.sheets(source) if sheet != match.sheet]
        if others:
            warnings.append(f"other sheets were not read: {', '.join(str(sheet) for sheet in others)}")
        return warnings

    def read(self, source: Source) -> Iterator[Item]:
        """Bills, or chunks of the canonical table."""
        match = self.match(source)
        if match is None or match.missing:
            self.check(source)
            return
        yield from read_table(source, match.sheet, match.profile)


def _missing(source: Source, match: Match, name: str) -> Issue:
    known = {grid.column_key(c) for c in match.profile.header}
    new = [column for column in match.header if grid.column_key(column) not in known]
    profile, header = match.profile, match.profile.header
    now = drift.renamed(name, new, header, match.header) if name in header else None
    return Issue(
        file=source.label,
        field=name,
        message=f"the column {name} of profile {profile.name} is missing; the file has: {', '.join(match.header)}",
        hint=f"it seems to be renamed {now}: confirm that on the imports page" if now else None,
    )


def _against(profile: Profile, sheet: str | None, located: Sequence[grid.Located]) -> Match | None:
    place = grid.find_header(located, profile.columns)
    if place is not None:
        return Match(profile, sheet, tuple(grid.named(located[place][1])), (), place)
    wanted = {grid.column_key(name): name for name in profile.columns}
    best: Match | None = None
    for index, (_, cells) in enumerate(located[: grid.HEADER_WITHIN]):
        keys = {grid.column_key(cell) for cell in cells}
        missing = tuple(name for key, name in wanted.items() if key not in keys)
        have = len(wanted) - len(missing)
        if have >= max(_LEAST_NEAR, _NEAR * len(wanted)) and (best is None or len(missing) < len(best.missing)):
            best = Match(profile, sheet, tuple(grid.named(cells)), missing, index)
    return best


def read_table(source: Source, sheet: str | None, profile: Profile) -> Iterator[Item]:
    """One sheet (or text) read by a profile, whether it is saved or not."""
    reader: Reader | None = None
    bills = BillRows(profile) if profile.table == BILL else None
    for block in grid.table(source, sheet, profile.columns):
        start = 0
        if reader is None:
            reader, start = Reader(profile, block.rows[0]), 1
        rows: list[dict[str, Any]] = []
        places: list[SourceRow] = []
        usage = UsageRows(profile)
        for line, cells, raw in zip(block.lines[start:], block.rows[start:], block.raws[start:], strict=True):
            place = SourceRow(sheet, line, raw)
            try:
                if bills is not None:
                    bills.add(reader, cells, place)
                elif profile.table == LINE_USAGE:
                    usage.add(reader.row(cells), place)
                else:
                    rows.append(reader.row(cells))
                    places.append(place)
            except RowError as problem:
                table = {BILL: None, LINE_USAGE: "usage"}.get(profile.table, profile.table)
                yield Rejected(place, problem.field, problem.found, problem.expected, table=table)
        yield from usage.found.values()
        if rows:
            yield _chunk(profile.table, reader, rows, places, sheet)
    if bills is not None:
        yield from bills.finished()


def _chunk(
    table: str, reader: Reader, rows: list[dict[str, Any]], places: list[SourceRow], member: str | None
) -> Chunk:
    names = [*reader.fields, *(name for name, _ in reader.extras)]
    columns = [[_text(row[name]) for row in rows] for name in reader.fields]
    columns += [[row["extras"].get(name, "") for row in rows] for name, _ in reader.extras]
    return Chunk(table, names, columns, [p.line for p in places], [p.raw for p in places], member)


def _text(value: Any) -> str:
    return "" if value is None else to_text(value, 0) if isinstance(value, int) else str(value)


class Reader:
    """Turns the cells of a row into the profile's fields: micros, ISO days, text, None for blank."""

    def __init__(self, profile: Profile, header: Sequence[str]) -> None:
        names = grid.named(header)
        places = {grid.column_key(name): place for place, name in reversed(list(enumerate(header)))}
        places |= {grid.column_key(name): place for place, name in reversed(list(enumerate(names)))}
        targets = fields(profile.table)
        self.width = len(header)
        self.fields: dict[str, tuple[Target, FieldMap, int | None]] = {}
        for name, mapped in profile.fields.items():
            place = None if mapped.column is None else places[grid.column_key(mapped.column)]
            self.fields[name] = (targets[name], mapped, place)
        used = {place for _, _, place in self.fields.values()}
        self.extras = [
            (name if name.casefold() not in targets else f"{name} (column)", place)
            for place, name in enumerate(names)
            if place not in used and header[place].strip()
        ]
        total = profile.total_row
        self.total_place = None if total is None else places[grid.column_key(total.column)]
        self._how = profile
        self._last: dict[str, str] = {}
        self._translated = {
            name: {key.strip().casefold(): value for key, value in mapped.values.items()}
            for name, mapped in profile.fields.items()
        }

    def row(self, cells: Sequence[str]) -> dict[str, Any]:
        """The row by field; `extras` holds the other columns by header.

        Raises:
            RowError: for a wrong number of cells, or a cell that cannot be read.
        """
        cells = self.sized(cells)
        row = {name: self.value(name, cells) for name in self.fields}
        row["extras"] = {name: text for name, place in self.extras if (text := cells[place].strip()[:MAX_CELL])}
        return row

    def sized(self, cells: Sequence[str]) -> Sequence[str]:
        """The row without blank cells beyond the header.

        Raises:
            RowError: if there are too few or too many cells.
        """
        if len(cells) > self.width and not any(cell.strip() for cell in cells[self.width :]):
            return cells[: self.width]
        if len(cells) != self.width:
            wrong = "few" if len(cells) < self.width else "many"
            raise RowError(None, f"{len(cells)} cells", f"{self.width} cells (too {wrong})")
        return cells

    def value(self, name: str, cells: Sequence[str]) -> Any:
        """One field of a row.

        Raises:
            RowError: if the cell cannot be read.
        """
        target, mapped, place = self.fields[name]
        if place is None:
            text = mapped.value or ""
        else:
            text = cells[place]
            if mapped.repeat:
                text = self._last[name] = text if text.strip() else self._last.get(name, text)
        try:
            if len(text) > MAX_CELL:
                raise ValueError(f"a cell of at most {MAX_CELL} characters")
            said = self._translated[name].get(text.strip().casefold())
            return self._parse(target, text if said is None else said)
        except ValueError as problem:
            raise RowError(mapped.column or name, text[:200], str(problem)) from problem

    def _parse(self, target: Target, text: str) -> Any:
        parsers: dict[str, Callable[[str], Any]] = {
            "micro": self._how.numbers.parse,
            "integer": self._how.numbers.parse,
            "day": self._how.dates.day,
            "month": self._how.dates.month,
            "stamp": self._how.dates.stamp,
        }
        if target.kind in parsers:
            return parsers[target.kind](text)
        value = "" if blank(text) else " ".join(text.replace("\x00", "").split())
        if target.choices and value.casefold() in target.choices:
            value = value.casefold()
        return value or None
