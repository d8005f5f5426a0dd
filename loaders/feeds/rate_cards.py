"""Contracts and rate cards as people write them: the template of `tem template contracts`, as YAML or as a workbook.

Sections are contracts, tiers, rates, plans, offers (rivals' plans), offer_terms and items. In YAML, tiers and rates may
stand inside their contract, plans inside their offer. Every row is checked by itself and against the others of the
file: a row that cannot be right is set aside with its line, the field and what was expected; the others are loaded.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from babel.numbers import list_currencies
from rapidfuzz import process

from core.issues import BadInput, Issue
from core.money import parse_micros, to_text
from loaders.contract import LIKELY, NO, Cells, Item, Named, Record, Records, Rejected, SourceRow
from loaders.feeds import yaml_rows
from loaders.feeds.rate_card_columns import COLUMNS, NEEDED, SECTIONS, SHARES
from loaders.feeds.tables import Table, tables
from loaders.reading.declare import RowError
from loaders.reading.source import Source

MARK = "OpenTEM contracts"
_KEY = re.compile(r"^(contracts|tiers|rates|plans|offers|offer_terms|items):[ \t]*(#.*)?\r?$", re.MULTILINE)
_OTHER = re.compile(r"^(months|objective|rules|policies|services|version):", re.MULTILINE)
_OWN_SHEETS = {"tiers", "rates", "offers", "offer_terms"}


@dataclass(slots=True)
class _Row:
    """One row as it stands: a section, its cells as text, where it is."""

    section: str
    cells: dict[str, str]
    place: SourceRow
    wrong: RowError | None = None


@dataclass(slots=True)
class _Seen:
    """What the file has said so far, to tell rows that contradict one another."""

    ids: dict[tuple[str, ...], int] = field(default_factory=dict)
    spans: dict[tuple[str, ...], list[tuple[str, str, int]]] = field(default_factory=dict)


class RateCards:
    """Loader of the contract template."""

    name = "contracts"
    title = "Contracts, tiers, rates, plans and offers (YAML or workbook template)"

    def sniff(self, source: Source) -> float:
        """A workbook with the template's sheets, or a YAML text with its keys."""
        if source.is_archive or source.is_workbook:
            names = {str(table.member).strip().casefold() for table in tables(source)} if source.is_workbook else set()
            return 0.97 if names & _OWN_SHEETS and self._sheets(source) else NO
        text = source.head_text
        if text is None or source.suffix not in {".yaml", ".yml", ""} or not _KEY.search(text):
            return NO
        return NO if _OTHER.search(text) else LIKELY + 0.2

    def shape(self, source: Source) -> dict[str, list[str]]:
        """The columns of each sheet; YAML has none."""
        return {section: [name for name in header if name] for _, section, header in self._sheets(source)}

    def check(self, source: Source) -> list[str]:
        """Refuse a file whose columns, keys or YAML cannot be used, and a template that holds nothing yet."""
        if not any(True for _ in self._rows(source)):
            raise source.refused("holds no rows", "a filled template", "`tem template contracts FILE` writes one")
        warnings = []
        for table, section, header in self._sheets(source):
            unknown = [name for name in header if name and name not in COLUMNS[section]]
            warnings += [
                f"{table.member}: the column {name} is kept as attribute; expected {_unknown(section, name)}"
                for name in unknown
            ]
        if not source.is_workbook:
            warnings += source.text_facts().warnings()
        return warnings

    def read(self, source: Source) -> Iterator[Item]:
        """Contracts first, then what names them."""
        seen = _Seen()
        rows = list(self._rows(source))
        for section in SECTIONS:
            done: list[Record] = []
            for row in rows:
                if row.section != section:
                    continue
                try:
                    if row.wrong:
                        raise row.wrong
                    done.append(Record(row.place, [(SECTIONS[section], _cells(section, row, seen))]))
                except RowError as problem:
                    yield Rejected(row.place, problem.field, problem.found, problem.expected, table=SECTIONS[section])
            if done:
                yield Records(done)

    def _sheets(self, source: Source) -> list[tuple[Table, str, list[str]]]:
        found = []
        for table in tables(source) if source.is_workbook else ():
            section = str(table.member).strip().casefold()
            rows = table.beginnings[""]
            if section in COLUMNS and rows:
                header = [re.sub(r"\W+", "_", cell.strip().casefold()).strip("_") for cell in rows[0]]
                header = ["carrier" if name == "carrier_id" else name for name in header]
                if len(set(header) & set(COLUMNS[section])) >= 2:
                    found.append((table, section, header))
        return found

    def _rows(self, source: Source) -> Iterator[_Row]:
        if source.is_workbook:
            for table, section, header in self._sheets(source):
                missing = [name for name in NEEDED[section] if name not in header]
                if missing:
                    raise BadInput(
                        [
                            Issue(file=table.shown, row=1, field=name, message="the column is missing")
                            for name in missing
                        ]
                    )
                first = True
                for block in table.blocks(""):
                    for line, cells, raw in zip(block.lines, block.rows, block.raws, strict=True):
                        if not first:
                            named = {name: cell for name, cell in zip(header, cells, strict=False) if name}
                            yield _Row(section, named, SourceRow(table.member, line, raw))
                        first = False
            return
        facts = source.text_facts()
        with source.open() as handle:
            text = handle.read(4 * yaml_rows.MAX_TEXT).decode(facts.encoding, facts.errors)
        root = yaml_rows.parse(text, source.label)
        yield from _yaml_rows(root, text.splitlines(), source)


def _yaml_rows(root: yaml_rows.Node | None, lines: list[str], source: Source) -> Iterator[_Row]:
    if root is None or root.keys is None:
        raise source.refused("is no contract template", f"a mapping with the keys {', '.join(SECTIONS)}")
    for key, node in root.keys.items():
        if key not in SECTIONS:
            raise BadInput(
                Issue(file=source.label, row=node.line, field=key, message="is unknown", expected=", ".join(SECTIONS))
            )
        yield from _section(key, node, {}, lines)


def _section(section: str, node: yaml_rows.Node, given: dict[str, str], lines: list[str]) -> Iterator[_Row]:
    if node.items is None:
        if node.text is not None or node.keys:
            place = SourceRow(None, node.line, "\n".join(lines[node.line - 1 : node.end]))
            yield _Row(section, {}, place, RowError(section, node.text or "a mapping", "a list of rows"))
        return
    inner = {"contracts": ("tiers", "rates"), "offers": ("plans",)}.get(section, ())
    for item in node.items:
        place = SourceRow(None, item.line, "\n".join(lines[item.line - 1 : max(item.end, item.line)]))
        if item.keys is None:
            yield _Row(section, {}, place, RowError(None, item.text or "a list", "a row such as {name: value}"))
            continue
        wrong = RowError(item.twice[0], item.twice[0], "each key once") if item.twice else None
        cells = dict(given)
        for key, value in item.keys.items():
            name = "carrier" if key == "carrier_id" else key
            if key in inner:
                continue
            if name not in COLUMNS[section]:
                wrong = wrong or RowError(key, key, _unknown(section, key))
            elif value.keys is not None:
                wrong = wrong or RowError(key, "a mapping", "a single value")
            elif value.items is not None:
                cells[name] = "|".join(part.text or "" for part in value.items)
            else:
                cells[name] = value.text or ""
        nested = [(key, item.keys[key]) for key in inner if key in item.keys]
        if section == "offers" and nested:
            shared = {name: text for name, text in cells.items() if name in {"offer_id", "carrier", "currency"}}
            yield from _section("offers", nested[0][1], shared, lines)
            continue
        yield _Row(section, cells, place, wrong)
        for key, value in nested:
            yield from _section(key, value, {"contract_id": cells.get("contract_id", "")}, lines)


def _unknown(section: str, name: str) -> str:
    close = process.extractOne(name, list(COLUMNS[section]), score_cutoff=60)
    return f"a known column, such as {close[0] if close else next(iter(COLUMNS[section]))}"


def _cells(section: str, row: _Row, seen: _Seen) -> Cells:
    """The canonical row; raises RowError where it cannot be right."""
    text = {name: value.strip() for name, value in row.cells.items()}
    for name in NEEDED[section]:
        if not text.get(name):
            raise RowError(name, "", "a value")
    for name in SHARES & set(text):
        text[name] = _share(name, text[name])
    currency = text.get("currency", "")
    if currency and currency.upper() not in _CURRENCIES:
        raise RowError("currency", currency, "an ISO currency code such as USD")
    text["currency"] = currency.upper()
    _consistent(section, text)
    _once(section, text, row.place.line, seen)
    known = {name: value for name, value in text.items() if name in COLUMNS[section] and name != "carrier"}
    found: Cells = {name: value for name, value in known.items() if value}
    if section == "contracts" or "carrier" in text:
        found["carrier_id"] = Named("carrier", (text["carrier"],))
    if section in {"tiers", "rates"}:
        found["contract_id"] = Named("contract", (text["contract_id"],))
    found["attributes"] = {name: value for name, value in text.items() if name not in COLUMNS[section] and value}
    if section in {"tiers", "rates", "items"} and not found.get("currency"):
        found.pop("currency", None)
    return found


def _share(name: str, value: str) -> str:
    if not value.endswith("%"):
        return value
    try:
        return to_text(parse_micros(value[:-1].strip()) // 100, 0)
    except ValueError as problem:
        raise RowError(name, value, "a share such as 0.1 or 10%") from problem


def _consistent(section: str, text: dict[str, str]) -> None:
    def both(first: str, last: str, expected: str) -> None:
        a, b = text.get(first, ""), text.get(last, "")
        if not a or not b:
            return
        try:
            wrong = parse_micros(a) > parse_micros(b)
        except ValueError:
            wrong = len(a) == len(b) == 10 and a > b
        if wrong:
            raise RowError(last, b, f"{expected} {first} {a}")

    if section == "contracts":
        if text.get("notice_days") and text.get("notice_months"):
            raise RowError("notice_months", text["notice_months"], "notice_days or notice_months, not both")
        if text.get("renewal_type") == "tacit" and not text.get("renewal_term_months"):
            raise RowError("renewal_term_months", "", "months, since the contract renews by itself")
        for name in ("initial_term_months", "renewal_term_months", "notice_days", "notice_months"):
            if text.get(name, "").startswith("-"):
                raise RowError(name, text[name], "0 or more")
        both("start_date", "terminated_on", "a day not before")
    elif section == "rates":
        if not text.get("item_code") and not text.get("plan_id"):
            raise RowError("item_code", "", "an item_code or a plan_id")
        both("effective_from", "effective_to", "a day not before")
        both("qty_from", "qty_to", "a quantity not below")
    elif section in {"plans", "offers"}:
        both("min_lines", "max_lines", "a number not below")
        for pool, allowance in (("pool_group", "data_mb"), ("voice_pool_group", "voice_min")):
            if text.get(pool) and not text.get(allowance):
                raise RowError(allowance, "", f"an allowance, since the plan shares the pool {text[pool]}")


def _once(section: str, text: dict[str, str], line: int, seen: _Seen) -> None:
    keys = {
        "contracts": ("contract_id",),
        "tiers": ("contract_id", "spend_from", "period", "item_code"),
        "plans": ("plan_id",),
        "offers": ("plan_id",),
        "offer_terms": ("offer_id",),
        "items": ("carrier", "item_code"),
    }
    if section in keys:
        key = ("plans" if section == "offers" else section, *(text.get(name, "") for name in keys[section]))
        if key in seen.ids:
            name = keys[section][-1]
            raise RowError(name, text.get(name, ""), f"each {name} once; row {seen.ids[key]} has it already")
        seen.ids[key] = line
        return
    band = ("contract_id", "item_code", "plan_id", "qty_from", "qty_to")
    spans = seen.spans.setdefault(tuple(text.get(name, "") for name in band), [])
    first, last = text.get("effective_from") or "0000-00-00", text.get("effective_to") or "9999-99-99"
    for other_first, other_last, other in spans:
        if first <= other_last and other_first <= last:
            raise RowError("effective_from", text.get("effective_from", ""), f"dates that do not overlap row {other}")
    spans.append((first, last, line))


def _codes() -> frozenset[str]:
    return frozenset(list_currencies())


_CURRENCIES: Iterable[str] = _codes()
