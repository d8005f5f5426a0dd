"""Re-issued invoices: the same is nothing new; other content is set aside as a whole, or replaces the older one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core.queries import loading
from loaders.contract import Rejected
from loaders.values import Typed

if TYPE_CHECKING:
    from loaders.facts import Contest, Facts

Row = dict[str, Any]


def settle(facts: Facts) -> None:
    """Decide on every invoice of the batch that the store already had."""
    if not facts.contests:
        return
    old_ids = {contest.old_id for contest in facts.contests.values()}
    stored = loading.invoice_dependants(facts.txn, old_ids)
    invoices = {row["invoice_id"]: row for row in stored["invoices"]}
    charges: dict[str, dict[str, Row]] = {}
    for row in stored["charges"]:
        charges.setdefault(row["invoice_id"], {})[row["charge_id"]] = row
    contests, facts.contests = facts.contests, {}
    for ident, contest in contests.items():
        old, old_charges = invoices[contest.old_id], charges.get(contest.old_id, {})
        verdict = _compare(ident, contest, old, old_charges)
        if verdict == "same":
            for held in contest.rows:
                facts.batch.loaded(held.file, 1)
            facts.batch.warn(contest.rows[0].file, f"invoice {old['number'] or ident} was already there")
        elif verdict == "later":
            facts.batch.loaded(contest.rows[0].file, 1)
            _replay(facts, [held for held in contest.rows if held.table == "charges"])
        elif facts.batch.supersede:
            replace(facts, contest.old_id, ident)
            facts.batch.warn(contest.rows[0].file, f"replaced invoice {old['number'] or contest.old_id}")
            _replay(facts, contest.rows)
        else:
            reason = reason_of(old)
            for held in contest.rows:
                facts.batch.reject(held.file, [Rejected(held.typed.source(0), None, None, None, reason, held.table)])


def reason_of(old: Row) -> str:
    """Why a re-issue was set aside, and how to take it."""
    return (
        f"re-issue of invoice {old['number'] or old['invoice_id']} of account {old['account_id']} with other content "
        f"(batch {old['batch_id']} holds it; --supersede, or the switch on the imports page, replaces it)"
    )


def _compare(ident: str, contest: Contest, old: Row, old_charges: dict[str, Row]) -> str:
    from loaders.facts import agrees

    if ident != old["invoice_id"] or not agrees(old, contest.rows[0].record):
        return "other"
    held = [item for item in contest.rows if item.table == "charges"]
    if not held:
        return "same"
    if not old_charges:
        return "later"
    complete = {item.record["charge_id"] for item in held} <= set(old_charges)
    return "same" if complete and all(agrees(old_charges[h.record["charge_id"]], h.record) for h in held) else "other"


def replace(facts: Facts, old_id: str, new_id: str) -> None:
    """Take the older invoice out of the facts and keep it, with its charges, as history; payments go to the new one."""
    kept = loading.invoice_dependants(facts.txn, {old_id})
    for table in ("charges", "invoices"):
        for row in kept[table]:
            facts.batch.keep_history(table, str(row["charge_id" if table == "charges" else "invoice_id"]), row)
            if row["batch_id"] is not None and row["period_start"]:
                facts.batch.months.add(row["period_start"][:7])
    batches = {row["batch_id"] for row in kept["invoices"] if row["batch_id"] is not None}
    loading.drop_invoices(facts.txn, {old_id})
    payments = [{n: v for n, v in row.items() if n not in {"row_id"}} for row in kept["payments"]]
    facts.txn.append("payments", [{**row, "invoice_id": new_id} for row in payments])
    facts.invoices().pop(old_id, None)
    for batch_id in batches:
        if not loading.live_invoices(facts.txn, batch_id):
            facts.txn.update(
                "batches", {"batch_id": batch_id}, {"state": "superseded", "superseded_by": facts.batch.batch_id}
            )


def _replay(facts: Facts, rows: list[Any]) -> None:
    for table in ("invoices", "charges"):
        for held in rows:
            if held.table == table:
                part: Typed = held.typed
                facts.apply(held.file, part)
