"""What has changed in a known format, told before it is loaded: columns, charge codes, totals.

Columns are compared with every different header that live batches of the same format had; the nearest counts, so two
accounts with two layouts do not warn in turn. Charge codes are compared with what the carrier's newest bills had.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from rapidfuzz import fuzz, process

from core.issues import BadInput
from core.money import to_text
from core.queries import formats, loading
from core.schema import CANONICAL
from loaders.batch import Batch, FileState
from loaders.contract import Loader
from loaders.reading import grid
from loaders.reading.source import Source
from loaders.reading.text import first_record

if TYPE_CHECKING:
    from loaders.facts import Facts

Row = dict[str, Any]
_SIMILAR = 72
_SHOWN = 6
_MOST_CODES = 2_000
_MANY_LINES = 8  # of the invoice before, from which fewer than half are worth a question
_NUMBERS = re.compile(r"[\d_\-. ]+")


def shape(loader: Loader, source: Source) -> dict[str, list[str]]:
    """The columns of each part (table, sheet, kind of member) of a file; a loader may tell them by its own `shape`."""
    own = getattr(loader, "shape", None)
    try:
        if own is not None:
            return dict(own(source))
        if source.is_workbook:
            return {}
        if source.is_archive:
            texts = {member: source.member_head(member) for member in source.members}
            found = {_part(member): _header(text or "") for member, text in texts.items()}
        else:
            part = source.stem if source.stem in CANONICAL else ""
            found = {part: _header(source.head_text or "", 2 if part else 3)}
    except BadInput:
        return {}
    return {part: columns for part, columns in found.items() if columns}


def _part(member: str) -> str:
    """The kind of a member: its name without folder, suffix, dates and counters."""
    return _NUMBERS.sub(" ", member.rsplit("/", 1)[-1].rsplit(".", 1)[0]).strip().casefold()


def _header(text: str, least: int = 3) -> list[str]:
    """The first record as column names, `least` of them; [] if it does not look like a header (EDI, fixed width)."""
    for mark in sorted("\t|;,", key=lambda m: -len(first_record(text, m))):
        cells = first_record(text, mark)
        names = [cell for cell in cells if cell]
        if len(names) < least or any(not re.search(r"[^\W\d_]", name) for name in names):
            continue
        if len(names) >= 0.8 * len(cells) and all(len(name) <= 100 for name in names):
            return grid.named(cells)
    return []


def columns(batch: Batch, file: FileState, found: dict[str, list[str]]) -> None:
    """Warn of columns that differ from all headers known of the format, and remember these."""
    if file.report.format is None:
        return
    for part, header in sorted(found.items()):
        known = formats.columns_before(batch.txn, file.report.format, part)
        for text in changes(known, header):
            batch.warn(file, f"{part}: {text}" if part else text)
        formats.note_columns(batch.txn, batch.batch_id, file.report.format, part, header)


def changes(known: Sequence[Sequence[str]], header: Sequence[str]) -> list[str]:
    """How a header differs from the nearest known one, as sentences; [] if it equals one or none is known."""
    if not known:
        return []
    keys = {grid.column_key(name): name for name in header}
    nearest = max(known, key=lambda old: len({grid.column_key(name) for name in old} & keys.keys()) - len(old) / 1000)
    before = {grid.column_key(name): name for name in nearest}
    gone = [name for key, name in before.items() if key not in keys]
    new = [name for key, name in keys.items() if key not in before]
    if not gone and not new:
        return []
    said = []
    for old in list(gone):
        match = renamed(old, new, nearest, header)
        if match is not None:
            said.append(f'the column "{old}" seems to be renamed "{match}"')
            gone.remove(old)
            new.remove(match)
    if gone:
        said.append(f"columns of earlier files are missing: {_listed(gone)}")
    if new:
        said.append(f"columns that earlier files did not have: {_listed(new)}")
    return said


def renamed(old: str, new: Sequence[str], nearest: Sequence[str], header: Sequence[str]) -> str | None:
    """A new column that is spelt alike, or stands between the same neighbours."""
    if not new:
        return None
    found = process.extractOne(old, new, scorer=fuzz.token_sort_ratio, processor=str.casefold, score_cutoff=_SIMILAR)
    if found:
        return str(found[0])
    around = _neighbours(nearest)[old]
    places = _neighbours(header)
    return next((name for name in new if places[name] == around), None)


def _neighbours(header: Sequence[str]) -> dict[str, tuple[str, str]]:
    padded = ["", *header, ""]
    before = {name: grid.column_key(left) for left, name in pairwise(padded)}
    after = {name: grid.column_key(right) for name, right in pairwise(padded)}
    return {name: (before[name], after[name]) for name in header}


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(f'"{name}"' for name in names[:_SHOWN])
    return shown if len(names) <= _SHOWN else f"{shown} and {len(names) - _SHOWN} more"


def codes(batch: Batch) -> None:
    """Warn of charge codes that a carrier has not billed before, and remember the codes of this batch."""
    for carrier, found in loading.charge_codes(batch.txn, batch.batch_id).items():
        part = f"codes of {carrier}"
        before = formats.columns_before(batch.txn, "charges", part, limit=50)
        catalogue = loading.known(batch.txn, "items", "item_code")
        seen = {code for known in before for code in known} | catalogue
        fresh = [code for code in found if code not in seen]
        if before and fresh:
            batch.warn(batch.files[-1], _unseen(carrier, fresh, len(found)))
        formats.note_columns(batch.txn, batch.batch_id, "charges", part, sorted(found)[:_MOST_CODES])


def _unseen(carrier: str, fresh: Sequence[str], of: int) -> str:
    if len(fresh) > 20 and len(fresh) > of / 2:
        return (
            f"most charge codes of {carrier} were never billed before ({len(fresh)} of {of}): has the format changed?"
        )
    return f"charge codes that {carrier} did not bill before: {_listed(sorted(fresh))}"


def totals(facts: Facts, wrong: Mapping[str, int]) -> None:
    """Say of invoices that do not tie (with the sum of their charges) when the earlier ones of the account did."""
    rows = {row["invoice_id"]: row for row in loading.rows_by(facts.txn, "invoices", "invoice_id", wrong)}
    accounts = {row["account_id"] for row in rows.values()}
    older: dict[str, list[loading.Row]] = {}
    for row in loading.rows_by(facts.txn, "invoices", "account_id", accounts):
        if row["batch_id"] != facts.batch.batch_id:
            older.setdefault(row["account_id"], []).append(row)
    sums = loading.charge_sums(facts.txn, {row["invoice_id"] for found in older.values() for row in found} - set(wrong))
    sums |= wrong
    tied = {
        account
        for account, before in older.items()
        if all(sums.get(old["invoice_id"], 0) == old["total"] for old in before)
    }
    changed = [(ident, row) for ident, row in sorted(rows.items()) if row["account_id"] in tied]
    for ident, row in changed[:_SHOWN]:
        before = older[row["account_id"]]
        if before:
            off = wrong[ident] - row["total"]
            facts.batch.warn(
                facts.touched[ident],
                f"invoice {row['number'] or ident} is off by {to_text(off)}, the earlier ones of account "
                f"{row['account_id']} tie ({len(before)}): has the format changed?",
            )


def lines(facts: Facts, rows: Mapping[str, Row]) -> None:
    """Say of invoices that bill less than half as many lines as the one before in their account: is the file whole?

    `rows` are the invoices of the batch by invoice_id. A bill without a total of its own ties however much of it is
    missing.
    """
    mine = {ident: row for ident, row in rows.items() if row["issued_on"]}
    accounts = {row["account_id"] for row in mine.values()}
    older: dict[str, list[Row]] = {}
    for row in loading.invoices_before(facts.txn, facts.batch.batch_id, accounts):
        older.setdefault(row["account_id"], []).append(row)
    before: dict[str, Row] = {}
    for ident, row in mine.items():
        earlier = [old for old in older.get(row["account_id"], ()) if (old["issued_on"] or "") < row["issued_on"]]
        if earlier:
            before[ident] = earlier[-1]
    counts = loading.line_counts(facts.txn, {row["invoice_id"] for row in before.values()} | set(before))
    few = [
        (ident, counts.get(ident, 0), counts.get(old["invoice_id"], 0), old)
        for ident, old in sorted(before.items())
        if counts.get(ident, 0) < counts.get(old["invoice_id"], 0) / 2 and counts[old["invoice_id"]] >= _MANY_LINES
    ]
    for ident, now, then, old in few[:_SHOWN]:
        facts.batch.warn(
            facts.touched[ident],
            f"invoice {mine[ident]['number'] or ident} bills {now} lines, the one before it "
            f"({old['number'] or old['invoice_id']}) {then}: is the file complete?",
        )
