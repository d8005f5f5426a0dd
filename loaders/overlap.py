"""Facts without an id of their own that an older batch holds: files that overlap must not count twice.

A row that equals an older one in every value is dropped. Use that is the sum of calls is more than its row: the sums of
calls that were loaded before are taken out of it, so that a month's calls to date and then the whole month count each
call once. Use that a report or an export gives is held against what is loaded of the line's month: a bill takes its
place, another report is a re-issue.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from core.money import to_text
from core.queries import loading
from core.store import Txn
from loaders.batch import Batch, FileState

Row = dict[str, Any]
Use = tuple[str, str, str, str]
_KEY = ("service_id", "month", "usage_type", "zone", "country", "currency")


def settle(batch: Batch, tables: Iterable[str], called: Collection[str]) -> None:
    """Drop what is there already from `tables`; `called` are services whose use in this batch is that of its events."""
    for table in tables:
        repeats = loading.Repeats(batch.txn, table, batch.batch_id, but=called if table == "usage" else ())
        if not repeats:
            continue
        for row in repeats.older():  # so that its batch is not taken back before this one
            batch.keep_history(table, str(row["row_id"]), row)
        if table == "usage_events" and called:
            _reduce(batch, repeats.sums(), called)
        twins = repeats.delete()
        batch.warn(batch.files[-1], f"{twins} rows of {table} were already there with the same content")
    if called:
        changed, older = loading.changed_calls(batch.txn, batch.batch_id)
        if changed:
            batch.warn(
                batch.files[-1],
                f"{changed} calls begin like calls of batch {older} and differ otherwise: both count; "
                f"undo batch {older} first if this file corrects it",
            )


def _reduce(batch: Batch, sums: list[Row], called: Collection[str]) -> None:
    """Take calls that are there already out of the use of this batch, which their sums are part of."""
    mine: dict[tuple[Any, ...], list[Row]] = {}
    for row in loading.rows_by(batch.txn, "usage", "batch_id", {batch.batch_id}):
        mine.setdefault(tuple(row[name] for name in _KEY), []).append(row)
    for known in sums:
        rows = mine.get(tuple(known[name] for name in _KEY), [])
        if rows and known["service_id"] in called:
            _take_out(batch, rows, known)


def _take_out(batch: Batch, rows: list[Row], known: Row) -> None:
    """Of one kind of use of a line; numbers that became one line are one row from then on."""
    count, quantity, cost = (int(known[name] or 0) for name in ("count", "quantity", "cost"))
    left = max(sum(row["quantity"] for row in rows) - quantity, 0)
    costs = [row["cost"] for row in rows if row["cost"] is not None]
    left_cost = sum(costs) - cost if costs else None
    nothing = left <= count and abs(left_cost or 0) <= count  # each call was rounded to a millionth
    first = rows[0]["row_id"]
    batch.txn.delete("usage", {"row_id": [row["row_id"] for row in rows if nothing or row["row_id"] != first]})
    if not nothing:
        batch.txn.update("usage", {"row_id": first}, {"quantity": left, "cost": left_cost})


def use_of(txn: Txn, services: Collection[str]) -> dict[Use, list[Row]]:
    """The rows of use of these services by service, month, type and zone."""
    found: dict[Use, list[Row]] = {}
    for row in loading.rows_by(txn, "usage", "service_id", services):
        found.setdefault(use_key(row), []).append(row)
    return found


def use_key(row: Row) -> Use:
    """Service, month, type and zone of a row of use."""
    return row["service_id"], row["month"], row["usage_type"], row.get("zone") or "home"


def give_way(batch: Batch, file: FileState, rows: Collection[Row]) -> None:
    """Use that a report gave goes where a bill gives its own (`rows`) for the same line, month, type and zone."""
    reports = loading.report_batches(batch.txn) if rows else set()
    if not reports:
        return
    older = use_of(batch.txn, {row["service_id"] for row in rows})
    gone = [row for key in {use_key(row) for row in rows} for row in older.get(key, ()) if row["batch_id"] in reports]
    _replace(batch, gone)
    if gone:
        batch.warn(file, f"use that a report gave, {len(gone)} rows of it, gave way to the bill's")


def reissued(batch: Batch, rows: Collection[Row]) -> tuple[list[Row], dict[str, str]]:
    """Of the use that an export gives: the rows to add, and the numbers to set aside, each with the reason."""
    older = use_of(batch.txn, {row["service_id"] for row in rows})
    mine: dict[Use, list[Row]] = {}
    for row in rows:
        mine.setdefault(use_key(row), []).append(row)
    reports = loading.report_batches(batch.txn)
    told: dict[str, str] = {}
    there: set[Use] = set()
    replaced: list[Row] = []
    for key, found in mine.items():
        old = [row for row in older.get(key, ()) if row["batch_id"] != batch.batch_id]
        was, now = (sum(row["quantity"] for row in side) for side in (old, found))
        if old and was == now:
            there.add(key)
        elif old and batch.supersede and all(row["batch_id"] in reports for row in old):
            replaced += old
        elif old:
            told.setdefault(found[0]["billed_number"], _reissue(key, old[0], was, reports))
    _replace(batch, replaced)
    return [row for row in rows if use_key(row) not in there and row["billed_number"] not in told], told


def _reissue(key: Use, old: Row, was: int, reports: Collection[int]) -> str:
    _, month, usage_type, _ = key
    held = f"batch {old['batch_id']} holds {to_text(was, 0)} {old['unit'] or ''}".rstrip()
    if old["batch_id"] not in reports:
        return f"other {usage_type} use of the line in {month} than its bill gives ({held}, which stays)"
    replace = "--supersede, or the switch on the imports page, replaces it"
    return f"re-issue of the {usage_type} use of the line in {month} with another quantity ({held}; {replace})"


def withdraw(batch: Batch, old: Row) -> None:
    """The use and the calls that came with an invoice that is replaced go with it.

    They are those of its lines, and of other lines of its account that no invoice of the same batch charges.
    """
    txn, batch_id = batch.txn, int(old["batch_id"])
    charged = {row["service_id"] for row in loading.rows_by(txn, "charges", "invoice_id", {old["invoice_id"]})}
    elsewhere = loading.services_charged(txn, batch_id, old["invoice_id"])
    account = {row["service_id"] for row in loading.rows_by(txn, "services", "account_id", {old["account_id"]})}
    services = (charged | (account - elsewhere)) - {None}
    use = loading.use_in_batch(txn, "usage", batch_id, services)
    _replace(batch, [row for row in use if row["period_start"] == old["period_start"]])
    calls = loading.use_in_batch(txn, "usage_events", batch_id, services)
    first, last = old["period_start"] or "", old["period_end"] or "9"
    mine = [r for r in calls if r["service_id"] not in elsewhere or first <= r["started_at"][:10] <= last]
    batch.keep_all("usage_events", [(str(row["row_id"]), row) for row in mine])
    loading.drop_rows(txn, "usage_events", [row["row_id"] for row in mine])


def _replace(batch: Batch, rows: Collection[Row]) -> None:
    batch.keep_all("usage", [(str(row["row_id"]), row) for row in rows])
    batch.months |= {row["month"] for row in rows}
    loading.drop_rows(batch.txn, "usage", [row["row_id"] for row in rows])
