"""Teaching the loaders from a page: a mapping for an unknown table, a template for a PDF, and what they find."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import ValidationError

from app import formats as shown
from core.issues import BadInput, Issue
from core.money import to_text
from core.queries import formats
from core.store import Store
from loaders.contract import Bill, Chunk, LineUsage, Rejected
from loaders.pdf.loader import with_text
from loaders.pdf.propose import propose_template
from loaders.pdf.reading import Reading, header_order, read_by, recognised
from loaders.pdf.template import parse_template
from loaders.profiles.loader import Profiles, read_table
from loaders.profiles.profile import Profile, missing_fields, parse_profile
from loaders.profiles.propose import Proposal, propose, reopened
from loaders.profiles.targets import BILL, LINE_USAGE, TARGETS, fields
from loaders.reading.conventions import Dates, Numbers
from loaders.reading.source import Source
from loaders.taxonomy import Taxonomy
from loaders.values import Bad, Converter

_SHOWN = 20
NUMBERS = {
    "1,234.56": Numbers(thousands=","),
    "1234.56": Numbers(),
    "1.234,56": Numbers(decimal=",", thousands="."),
    "1234,56": Numbers(decimal=","),
    "1 234,56": Numbers(decimal=",", thousands=" "),
    "1 234.56": Numbers(thousands=" "),
    "1'234.56": Numbers(thousands="'"),
}
ORDERS = {"ymd": "2026-01-31", "dmy": "31/01/2026 (day first)", "mdy": "01/31/2026 (month first)"}
LANGUAGES = {
    **{"en": "English", "de": "German", "fr": "French", "es": "Spanish", "pt": "Portuguese", "it": "Italian"},
    **{"nl": "Dutch", "pl": "Polish", "sv": "Swedish", "da": "Danish"},
}


@dataclass(frozen=True)
class Draft:
    """A proposal ready to be edited: `rows` has column, field, sample, how; `constants` are fields that the file does
    not name (with a value where the saved profile gave one); `changed` names that profile."""

    proposal: Proposal
    rows: pd.DataFrame
    constants: dict[str, str]
    saved: Profile | None

    @property
    def changed(self) -> str | None:
        """The name of the saved profile that the file nearly fits."""
        return None if self.saved is None else self.saved.name


@dataclass(frozen=True)
class Trial:
    """What a mapping reads, nothing kept: counts, reasons, the first `rows` (of a bill: its charges), the `invoices`;
    amounts of both in micros, all else as text."""

    loaded: int
    aside: int
    reasons: tuple[str, ...]
    rows: pd.DataFrame
    invoices: pd.DataFrame

    @property
    def off(self) -> int:
        """Invoices that do not tie."""
        return int((self.invoices["ties"] == "No").sum()) if len(self.invoices) else 0


def targets() -> dict[str, str]:
    """What a file can be mapped onto: name -> words."""
    special = {BILL: "Bill: one row for each charge", LINE_USAGE: "Usage: one row for each line and month"}
    return {name: special.get(name) or shown.words(name) for name in TARGETS}


def draft(store: Store, file: Path, table: str | None = None) -> Draft:
    """The best first mapping of a file, or that of the saved profile it nearly fits.

    Raises:
        BadInput: if the file is no table.
    """
    source = Source(file, file.name)
    near = Profiles(formats.saved(store, "profile")).match(source)
    constants: dict[str, str] = {}
    kept = None
    if near is not None and near.missing and table in {None, near.profile.table}:
        proposal, kept = reopened(near.profile, source), near.profile
        constants = {name: m.value for name, m in near.profile.fields.items() if m.value is not None}
    else:
        proposal = propose(source, table)[0]
    if kept is None:
        named = {name for name in proposal.missing if name in fields(proposal.table)}
        constants = dict.fromkeys(sorted(named, key=list(fields(proposal.table)).index), "") | proposal.said
        if proposal.table == BILL:
            constants |= {name: "" for name in ("carrier_name", "country") if name not in proposal.fields}
    by_column = {s.column: s for s in proposal.fields.values()}
    places = {name: i for i, name in enumerate(proposal.header)}
    rows = [
        {
            "column": name,
            "field": by_column[name].field if name in by_column else "",
            "sample": _sample(proposal, places[name]),
            "how": by_column[name].how if name in by_column else "kept as an attribute",
        }
        for name in proposal.header
    ]
    return Draft(proposal, pd.DataFrame(rows), constants, kept)


def _sample(proposal: Proposal, place: int) -> str:
    filled = [row[place].strip() for row in proposal.samples if row[place].strip()]
    return " · ".join(dict.fromkeys(filled[:3]))[:80]


def profile(
    start: Draft,
    name: str,
    columns: Mapping[str, str],
    values: Mapping[str, str],
    numbers: Numbers,
    dates: Dates,
    total: tuple[str, str] | None = None,
) -> Profile:
    """The profile that a person's answers make: `columns` is column -> field, `values` field -> constant.

    Raises:
        BadInput: with one issue for each thing that is wrong.
    """
    chosen: dict[str, Any] = {}
    problems: list[Issue] = []
    for column, field in columns.items():
        if field and field in chosen:
            problems.append(Issue(field=field, message=f"both {chosen[field]} and {column} are mapped to it"))
        elif field:
            chosen[field] = column
    copied = {s.field: s.column for s in start.proposal.fields.values() if s.field not in chosen}
    copied = {field: column for field, column in copied.items() if column in chosen.values() and field not in chosen}
    constants = {field: {"value": text.strip()} for field, text in values.items() if text.strip()}
    chosen = {field: _as_saved(start, field, column) for field, column in chosen.items()}
    answered = copied | chosen | {field: value for field, value in constants.items() if field not in chosen}
    document = {
        "name": name,
        "table": start.proposal.table,
        "sheet": start.proposal.sheet,
        "header": list(start.proposal.header),
        "fields": answered,
        "numbers": numbers,
        "dates": dates,
        "total_row": {"column": total[0], "starts": total[1]} if total and all(total) else None,
    }
    known = fields(start.proposal.table)
    needed = missing_fields(start.proposal.table, answered)
    missing = [known[field].title if field in known else field for field in needed]
    if missing:
        problems.append(Issue(message=f"Still needed: {', '.join(missing)}"))
    if problems:
        raise BadInput(problems)
    try:
        return Profile.model_validate(document)
    except ValidationError as error:
        said = [str(problem["msg"]).removeprefix("Value error, ") for problem in error.errors()]
        raise BadInput([Issue(message=text) for text in said]) from error


def _as_saved(start: Draft, field: str, column: str) -> Any:
    """The column with what the saved profile knew of the field: translations, repetition."""
    known = None if start.saved is None else start.saved.fields.get(field)
    if known is None or known.column is None:
        return column
    return {"column": column, "values": known.values, "repeat": known.repeat}


def trial(store: Store, file: Path, definition: str) -> Trial:
    """Read a whole file by a profile (YAML text) that need not be saved, and keep nothing.

    Raises:
        BadInput: if the profile is wrong or does not fit the file.
    """
    made = parse_profile(definition)
    taxonomy = Taxonomy.of(store)
    loaded = 0
    rejected: list[Rejected] = []
    rows: list[dict[str, Any]] = []
    invoices: list[dict[str, Any]] = []
    converter = None if made.table in {BILL, LINE_USAGE} else Converter(made.table)
    for item in read_table(Source(file, file.name), made.sheet, made):
        if isinstance(item, Rejected):
            rejected.append(item)
        elif isinstance(item, Bill):
            loaded += len(item.rows)
            rows += [_charge(item, charge, taxonomy) for charge in item.charges[: _SHOWN - len(rows)]]
            charged = sum(charge["amount"] for charge in item.charges)
            invoices.append(
                {
                    "account": item.account_number,
                    "number": item.number,
                    "issued_on": item.issued_on,
                    "total": item.total,
                    "charges": charged,
                    "currency": item.currency,
                    "ties": "Yes" if charged == item.total else "No",
                }
            )
        elif isinstance(item, LineUsage):
            loaded += len(item.rows)
            rows += [_used(used) for used in item.usage[: _SHOWN - len(rows)]]
        elif isinstance(item, Chunk) and converter is not None:
            typed, bad = converter.convert(item)
            rejected += bad
            loaded += len(typed)
            for record in typed.keep(range(min(len(typed), max(_SHOWN - len(rows), 0)))).records():
                rows.append({name: _text(made.table, name, value) for name, value in record.items()})
    names = ["account", "number", "issued_on", "total", "charges", "currency", "ties"]
    return Trial(loaded, len(rejected), _reasons(rejected), pd.DataFrame(rows), pd.DataFrame(invoices, columns=names))


def _used(row: Mapping[str, Any]) -> dict[str, Any]:
    used = f"{to_text(row['quantity'], 0)} {row['unit']}"
    told = {"line": "billed_number", "month": "month", "type": "usage_type", "zone": "zone"}
    return {**{title: row[name] for title, name in told.items()}, "used": used}


def _charge(bill: Bill, charge: Mapping[str, Any], taxonomy: Taxonomy) -> dict[str, Any]:
    return {
        "invoice": bill.number,
        "line": charge.get("billed_number") or "account",
        "category": shown.words(taxonomy.category(bill.carrier_id, charge.get("category"), dict(charge))),
        "description": charge.get("description") or "",
        "amount": charge["amount"],
        "currency": bill.currency,
        "from": charge.get("period_start") or bill.period_start or bill.issued_on,
    }


def _text(table: str, name: str, value: Any) -> str:
    if value is None or isinstance(value, Bad):
        return ""
    return to_text(value, 0) if fields(table)[name].kind == "micro" else str(value)


def _reasons(rejected: list[Rejected]) -> tuple[str, ...]:
    lines = []
    for item in rejected[:6]:
        found = "blank" if not item.found else f'"{item.found[:40]}"'
        lines.append(
            f"row {item.row.line}, {item.field or 'the row'}: {found}, expected {item.expected or item.reason}"
        )
    if len(rejected) > 6:
        lines.append(f"and {len(rejected) - 6:,} more")
    return tuple(lines)


@dataclass(frozen=True)
class Matched:
    """What a template finds in a PDF. `fields`: field, value, page; `rows`: the charges, amounts in micros; `unread`:
    lines of its tables that are no rows; `problems`: why the invoice would be refused; `total`: as printed; `charged`:
    the sum of the charges."""

    accepted: bool
    fields: pd.DataFrame
    rows: pd.DataFrame
    unread: pd.DataFrame
    problems: tuple[str, ...]
    total: str | None
    charged: str


def draft_template(store: Store, file: Path) -> tuple[str, str]:
    """The text of a PDF as templates see it (at most five pages), and the template to begin with: a saved one that
    recognises the file, else a proposed one.

    Raises:
        BadInput: if it has no text or cannot be read.
    """
    document = with_text(Source(file, file.name), 5)
    parts: list[str] = []
    page = 0
    for line in document.lines:
        if line.page != page:
            page = line.page
            parts.append(f"--- page {page} of {document.pages} ---")
        parts.append("   ".join(phrase.text for phrase in line.phrases))
    kept = formats.saved(store, "pdf")
    known = [text for name, text in kept.items() if recognised(parse_template(text, name), document)]
    return "\n".join(parts), known[0] if known else propose_template(document)


def sample_invoices(store: Store) -> dict[str, Path]:
    """The sample invoices whose templates the store holds (that of the demo does), by the name of the template."""
    kept = formats.saved(store, "pdf")
    if not kept:
        return {}
    from sample_data import PDF

    return {path.stem: path for path in sorted(PDF.glob("*.pdf")) if path.stem in kept}


def matched(store: Store, file: Path, definition: str) -> Matched:
    """Read a PDF by a template (YAML text) that need not be saved, and keep nothing.

    Raises:
        BadInput: if the template is wrong or the file cannot be read.
    """
    reading = read_by(parse_template(definition), with_text(Source(file, file.name)))
    taxonomy = Taxonomy.of(store)
    currency = str(reading.fields["currency"].value) if "currency" in reading.fields else None
    found = [
        {
            "field": shown.words(name),
            "value": "not found"
            if item is None
            else shown.cents(item.value, currency)
            if isinstance(item.value, int)
            else item.value,
            "page": None if item is None else item.page or None,
        }
        for name, item in header_order(reading)
    ]
    return Matched(
        reading.accepted,
        pd.DataFrame(found, columns=["field", "value", "page"]),
        _charges(reading, taxonomy),
        pd.DataFrame(
            [
                {"page": u.line.page, "line": u.line.text, "field": u.field or "", "expected": u.expected}
                for u in reading.unread
            ],
            columns=["page", "line", "field", "expected"],
        ),
        tuple(str(issue) for issue in reading.problems),
        None if reading.total is None else shown.cents(reading.total, currency),
        shown.cents(reading.charged, currency),
    )


def _charges(reading: Reading, taxonomy: Taxonomy) -> pd.DataFrame:
    rows = []
    for row in reading.rows:
        charge = {**row.values, "section": row.section}
        rows.append(
            {
                "page": row.lines[0].page if row.lines else None,
                "number": row.values.get("number") or "account",
                "category": shown.words(taxonomy.category(reading.template.carrier_id, row.category, charge)),
                "description": row.values.get("description") or row.section or "",
                "amount": row.values["amount"],
            }
        )
    return pd.DataFrame(rows, columns=["page", "number", "category", "description", "amount"])


def saved(store: Store) -> pd.DataFrame:
    """Everything that was taught: kind, name, definition."""
    titles = {"profile": "Mapping profile", "pdf": "PDF template", "charge_rules": "Charge rules"}
    rows = [
        {"kind": titles[kind], "code": kind, "name": name, "definition": text}
        for kind in formats.KINDS
        for name, text in formats.saved(store, kind).items()
    ]
    return pd.DataFrame(rows, columns=["kind", "code", "name", "definition"])
