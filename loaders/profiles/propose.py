"""A first mapping for a table with unknown headers: by exact name, by synonym, by likeness; a person confirms it.

Likeness alone decides nothing where the cells contradict: a column goes to a date or an amount only if its cells can
be read as one. Conventions for numbers and dates are guessed from the cells, and what stays open is said.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from rapidfuzz import fuzz, process

from loaders import drift
from loaders.profiles import headings
from loaders.profiles.profile import FieldMap, Profile, TotalRow, missing_fields
from loaders.profiles.targets import AMOUNTS, BILL, TARGETS, WIDE, Target, fields
from loaders.reading import grid
from loaders.reading.conventions import Dates, Numbers, Plain, blank
from loaders.reading.source import Source

_SAMPLE = 200
_ALIKE = 84
# Shares of a column's cells that must be readable as the field's kind: by likeness, by a known name; and of one kind.
_ALIKE_CONVERTS, _NAMED_CONVERTS, _CONVERTS = 0.8, 0.5, 0.8
EXACT, SYNONYM, SIMILAR, COPIED = "same name", "known synonym", "similar name", "same column"
RENAMED = "seems renamed"
#: Where a table's key is not in the file, the column that can stand for it.
_KEYS = {
    "services": ("service_id", ("number",)),
    "employees": ("employee_id", ("email", "name")),
    "devices": ("device_id", ("imei",)),
    "sites": ("site_id", ("name",)),
    "cost_centers": ("cost_center_id", ("name",)),
    "accounts": ("account_id", ("number", "name")),
    "carriers": ("carrier_id", ("name",)),
    "plans": ("plan_id", ("item_code", "name")),
}
_NUMBERS = tuple(
    Numbers(decimal=d, thousands=t)  # type: ignore[arg-type]
    for d, t in ((".", ""), (".", ","), (",", ""), (",", "."), (",", " "), (".", " "), (".", "'"))
)
_DECIMALS = re.compile(r"\d[.,]\d\d(?!\d)")
_ORDERS = ("ymd", "mdy", "dmy")
_LANGUAGES = ("en", "de", "fr", "es", "pt", "it", "nl")


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One proposed field: the column, how it was found, how alike (0 to 100)."""

    field: str
    column: str
    how: str
    score: int


@dataclass(frozen=True, slots=True)
class Proposal:
    """A mapping of one sheet onto one target; `missing` are needed fields without a column, `doubts` open questions.

    `said` are constants that the headings tell: the currency.
    """

    table: str
    sheet: str | None
    header: tuple[str, ...]
    samples: tuple[tuple[str, ...], ...]
    fields: dict[str, Suggestion]
    numbers: Numbers
    dates: Dates
    missing: tuple[str, ...]
    doubts: tuple[str, ...] = field(default=())
    total_row: TotalRow | None = None
    said: dict[str, str] = field(default_factory=dict)

    @property
    def score(self) -> float:
        """How well the target fits: sure fields count 1, missing needed ones cost 1.5."""
        return sum(s.score for s in self.fields.values() if s.how != COPIED) / 100 - 1.5 * len(self.missing)

    def profile(self, name: str, values: dict[str, str] | None = None, **changes: Any) -> Profile:
        """The proposal as a profile; `values` are constants for fields that the file lacks.

        Raises:
            pydantic.ValidationError: if needed fields stay without column and value.
        """
        mapped: dict[str, Any] = {key: FieldMap(column=s.column) for key, s in self.fields.items()}
        mapped |= {key: FieldMap(value=value) for key, value in {**self.said, **(values or {})}.items()}
        document = {
            "name": name,
            "table": self.table,
            "sheet": self.sheet,
            "header": list(self.header),
            "fields": mapped,
            "numbers": self.numbers,
            "dates": self.dates,
            "total_row": self.total_row,
        }
        return Profile.model_validate(document | changes)


def propose(source: Source, table: str | None = None, sheet: str | None = None) -> list[Proposal]:
    """Mappings of the file onto each target (or only `table`), the best first; the fullest sheet unless one is named.

    Raises:
        BadInput: if the file is no table or has no header row.
    """
    if not grid.is_table(source):
        raise source.refused("is no table", "a CSV or a workbook with a header row")
    best: tuple[int, str | None, list[grid.Located], int] | None = None
    for name in grid.sheets(source):
        if sheet is not None and name != sheet:
            continue
        located = grid.beginning(source, name, grid.HEADER_WITHIN + _SAMPLE)
        place = grid.find_header(located)
        if place is not None:
            size = sum(1 for cell in located[place][1] if cell.strip()) * (len(located) - place)
            if best is None or size > best[0]:
                best = (size, name, located, place)
    if best is None:
        raise source.refused("has no header row", "a row of column names above the data")
    _, name, located, place = best
    header = grid.named(located[place][1])
    width = len(header)
    samples = [tuple([*cells, *([""] * width)][:width]) for _, cells in located[place + 1 :][:_SAMPLE]]
    total = _total_row(header, [*samples[-3:], *_tail(source, name, width)])
    wanted = [table] if table else list(TARGETS)
    found = [replace(_onto(target, name, header, samples), total_row=total) for target in wanted]
    found = [proposal if proposal.table == BILL else replace(proposal, total_row=None) for proposal in found]
    return sorted(found, key=lambda p: (-p.score, TARGETS.index(p.table)))


TOTAL = re.compile(
    r"(grand |sub-?|sous-)?total\b|zwischensumme|sum(me)?\b|gesamt|total g[ée]n[ée]ral|suma\b|soma\b", re.IGNORECASE
)
_END = 8 * 1024


def _tail(source: Source, sheet: str | None, width: int) -> list[tuple[str, ...]]:
    """The last rows of a text: where totals stand."""
    if sheet is not None:
        return []
    with source.open() as handle:
        handle.seek(max(source.size - _END, 0))
        text = handle.read().decode(source.text_facts().encoding, errors="replace")
    lines = [line for line in text.splitlines() if line.strip()]
    cells = csv.reader(lines[-3:], delimiter=grid.delimiter(source))
    return [tuple([*row, *([""] * width)][:width]) for row in cells]


def _total_row(header: Sequence[str], rows: Sequence[Sequence[str]]) -> TotalRow | None:
    """A rule for the rows that begin with a word for total and are blank elsewhere but for a few figures."""
    for row in reversed(rows):
        for name, cell in zip(header, row, strict=True):
            found = TOTAL.match(cell.strip())
            if found and sum(1 for other in row if other.strip()) <= max(2, len(row) // 2):
                return TotalRow(column=name, starts=found[0].strip())
    return None


def _onto(table: str, sheet: str | None, header: list[str], samples: list[tuple[str, ...]]) -> Proposal:
    columns = {name: [row[i] for row in samples] for i, name in enumerate(header)}
    numbers, dates, doubts = conventions(columns.values())
    targets = fields(table)
    chosen: dict[str, Suggestion] = {}
    taken: set[str] = set()
    ranked = [s for target in targets.values() for s in _suggestions(table, target, columns, numbers, dates)]
    order = {name: i for i, name in enumerate(header)}
    for s in sorted(ranked, key=lambda s: (-s.score, not targets[s.field].required, order[s.column])):
        if s.field not in chosen and s.column not in taken:
            chosen[s.field] = s
            taken.add(s.column)
    key, stands_for = _KEYS.get(table, ("", ()))
    if key and key not in chosen:
        other = next((name for name in stands_for if name in chosen), None)
        if other:
            chosen[key] = Suggestion(key, chosen[other].column, COPIED, chosen[other].score)
    if table == BILL:
        _settle_total(chosen, columns, numbers)
        doubts += _unmapped_money(chosen, columns, numbers)
    ordered = {name: chosen[name] for name in targets if name in chosen}
    missing = tuple(missing_fields(table, ordered))
    told = {headings.currency(s.column) for name, s in ordered.items() if name in AMOUNTS} - {None}
    said = {"currency": str(told.pop())} if len(told) == 1 and "currency" in missing else {}
    missing = tuple(name for name in missing if name not in said)
    rows = tuple(samples[:20])
    return Proposal(table, sheet, tuple(header), rows, ordered, numbers, dates, missing, tuple(doubts), said=said)


def _settle_total(chosen: dict[str, Suggestion], columns: dict[str, list[str]], numbers: Numbers) -> None:
    """A total alone is the amount of its row; an amount that is the sum of those beside it is their total."""
    beside = [name for name in WIDE if name in chosen]
    old, new = "row_total", "amount"
    if "amount" in chosen and beside and "row_total" not in chosen:
        sums = [_money(columns[chosen[name].column], numbers) for name in beside]
        amounts = _money(columns[chosen["amount"].column], numbers)
        if any(amounts) and amounts == [sum(row) for row in zip(*sums, strict=True)]:
            old, new = "amount", "row_total"
    if old in chosen and (new == "row_total" or not any(name in chosen for name in AMOUNTS)):
        total = chosen.pop(old)
        chosen[new] = Suggestion(new, total.column, total.how, total.score)


def _money(cells: Sequence[str], numbers: Numbers) -> list[int]:
    """The cells in micros; what is blank or no number counts as 0."""
    found = []
    for cell in cells:
        try:
            found.append(numbers.parse(cell) or 0)
        except ValueError:
            found.append(0)
    return found


def _unmapped_money(
    chosen: Mapping[str, Suggestion], columns: Mapping[str, Sequence[str]], numbers: Numbers
) -> list[str]:
    """A question for each column that holds figures with decimals and is not mapped: are they a part of the bill?"""
    used = {s.column for s in chosen.values()}
    left = []
    for name, cells in columns.items():
        figures = [cell.strip() for cell in cells if not blank(cell)]
        decimals = [cell for cell in figures if _DECIMALS.search(cell) and not LOOKS_DATE.fullmatch(cell)]
        readable = _readable(numbers.parse, decimals)
        if name not in used and decimals and len(decimals) == readable == len(figures) and any(_money(cells, numbers)):
            left.append(f'"{name}"')
    return [f"figures that are not mapped and count in no total: {', '.join(left)}"] if left else []


def _suggestions(
    table: str, target: Target, columns: dict[str, list[str]], numbers: Numbers, dates: Dates
) -> Iterable[Suggestion]:
    known = synonyms(table, target.name)
    names = {headings.key(name) for name in (target.name, *known)} | {grid.column_key(name) for name in known}
    own = grid.column_key(target.name)
    words = [target.name.replace("_", " "), *known]
    for column, cells in columns.items():
        if grid.column_key(column) == own:
            how, score = EXACT, 100
        elif not names.isdisjoint((headings.key(column), grid.column_key(column))):
            how, score = SYNONYM, 95
        else:
            alike = process.extractOne(column, words, scorer=fuzz.token_sort_ratio, processor=headings.words)
            if not alike or alike[1] < _ALIKE:
                continue
            how, score = SIMILAR, round(alike[1] * 0.9)
        if _fits(target, cells, numbers, dates, _ALIKE_CONVERTS if how == SIMILAR else _NAMED_CONVERTS):
            yield Suggestion(target.name, column, how, score)


def _fits(target: Target, cells: Sequence[str], numbers: Numbers, dates: Dates, share: float) -> bool:
    parse: Any = {
        "micro": numbers.parse,
        "integer": numbers.parse,
        "day": dates.day,
        "month": dates.month,
        "stamp": dates.stamp,
    }.get(target.kind)
    filled = [cell for cell in cells if not blank(cell)]
    if parse is None or not filled:
        return True
    return _readable(parse, filled) >= share * len(filled)


def _readable(parse: Any, cells: Iterable[str]) -> int:
    count = 0
    for cell in cells:
        try:
            parse(cell)
            count += 1
        except ValueError:
            pass
    return count


@lru_cache(maxsize=1)
def _synonyms() -> dict[str, list[str]]:
    text = Path(__file__).with_name("synonyms.yaml").read_text(encoding="utf-8")
    return {str(key): [str(item) for item in items] for key, items in yaml.safe_load(text).items()}


def synonyms(table: str, name: str) -> list[str]:
    """What files call a field of a target."""
    return _synonyms().get(f"{table}.{name}") or _synonyms().get(name, [])


LOOKS_NUMBER = re.compile(r"[-+(]?[^\w\s]{0,3}\s?[\d.,' \u00a0\u202f]*\d[)\-+]?(\s?(CR|DR|[A-Z]{3}|[^\w\s]{1,2}))?")
LOOKS_DATE = re.compile(r"\d{1,4}[./-]\d{1,2}[./-]\d{1,4}.{0,20}|\d{1,2}\.? ?[^\W\d]{3,}\.? ?,? ?\d{2,4}")


def conventions(columns: Iterable[Sequence[str]]) -> tuple[Numbers, Dates, list[str]]:
    """The conventions under which most cells can be read, and what the cells leave open."""
    numbers: list[str] = []
    dates: list[str] = []
    for cells in columns:
        filled = [cell.strip() for cell in cells if not blank(cell) and not isinstance(cell, Plain)]
        for looks, kept in ((LOOKS_DATE, dates), (LOOKS_NUMBER, numbers)):
            like = [cell for cell in filled if looks.fullmatch(cell)]
            if filled and len(like) >= _CONVERTS * len(filled):
                kept.extend(like)
                break
    marked = [cell for cell in numbers if re.search(r"[.,' \u00a0\u202f]", cell)]
    number = max(_NUMBERS, key=lambda how: (_readable(how.parse, marked), -_NUMBERS.index(how)))
    counts = {order: _readable(Dates(order=order).day, dates) for order in _ORDERS}  # type: ignore[arg-type]
    order = max(_ORDERS, key=lambda o: (counts[o], -_ORDERS.index(o)))
    doubts = []
    if dates and order != "ymd" and counts["mdy"] == counts["dmy"]:
        doubts.append(f'dates such as "{dates[0]}" may be day first or month first')
    other = Numbers(decimal="," if number.decimal == "." else ".", thousands=number.decimal)
    if marked and _readable(other.parse, marked) == len(marked) and _readable(number.parse, marked) == len(marked):
        doubts.append(f'numbers such as "{marked[0]}" may have a decimal comma or a decimal point')
    language = max(_LANGUAGES, key=lambda code: (_readable(Dates(order=order, language=code).day, dates), code == "en"))  # type: ignore[arg-type]
    return number, Dates(order=order, language=language), doubts  # type: ignore[arg-type]


def reopened(profile: Profile, source: Source) -> Proposal:
    """A saved profile against a file whose columns have changed: what it still finds, the rest proposed anew.

    Raises:
        BadInput: if the file is no table.
    """
    fresh = propose(source, profile.table, profile.sheet)[0]
    there = {grid.column_key(name): name for name in fresh.header}
    kept = {
        name: Suggestion(name, there[grid.column_key(mapped.column)], EXACT, 100)
        for name, mapped in profile.fields.items()
        if mapped.column is not None and grid.column_key(mapped.column) in there
    }
    known = {grid.column_key(name) for name in profile.header}
    new = [column for column in fresh.header if grid.column_key(column) not in known]
    for name, mapped in profile.fields.items():
        if name in kept or mapped.column is None or mapped.column not in profile.header:
            continue
        now = drift.renamed(mapped.column, new, profile.header, fresh.header)
        if now is not None:
            kept[name] = Suggestion(name, now, RENAMED, 80)
            new.remove(now)
    taken = {s.column for s in kept.values()}
    added = {n: s for n, s in fresh.fields.items() if n in profile.fields and n not in kept and s.column not in taken}
    every = {**kept, **added}
    constants = {name: m for name, m in profile.fields.items() if m.value is not None}
    return replace(
        fresh,
        fields=every,
        numbers=profile.numbers,
        dates=profile.dates,
        missing=tuple(missing_fields(profile.table, every | constants)),
        doubts=(),
        total_row=profile.total_row,
    )
