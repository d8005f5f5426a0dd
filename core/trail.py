"""The audit trail: who did what, as a chain of hashes in which no entry can be changed or removed unseen."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from sqlalchemy import select

from core.schema.work import audit_trail
from core.settings import settings
from core.store import Store, Txn, now

_FIRST = "0" * 64


def _hash(previous: str, at: str, actor: str, action: str, subject: str, detail: str) -> str:
    return hashlib.sha256(json.dumps([previous, at, actor, action, subject, detail]).encode()).hexdigest()


def record(
    txn: Txn, action: str, subject: str, detail: dict[str, Any] | None = None, *, actor: str | None = None
) -> None:
    """Add an entry, in the transaction of the change it tells of.

    `action` is a verb (`load`, `dispute.file`), `subject` the id of what it was done to, `detail` the values before
    and after.
    """
    last = txn.scalar(select(audit_trail.c.entry_hash).order_by(audit_trail.c.entry_id.desc()).limit(1)) or _FIRST
    at, who = now(), actor or settings().actor
    text = json.dumps(detail or {}, sort_keys=True, default=str)
    txn.insert(
        "audit_trail",
        {
            "at": at,
            "actor": who,
            "action": action,
            "subject": subject,
            "detail": text,
            "previous_hash": last,
            "entry_hash": _hash(last, at, who, action, subject, text),
        },
    )


def verify(store: Store) -> list[str]:
    """One line for each entry whose hash does not follow from its content and its predecessor; empty when sound."""
    problems, previous = [], _FIRST
    for row in store.frame("audit_trail").itertuples():
        expected = _hash(previous, row.at, row.actor, row.action, row.subject, row.detail)
        if row.previous_hash != previous or row.entry_hash != expected:
            problems.append(
                f"audit trail entry {row.entry_id} ({row.action} {row.subject}) was changed or lost its predecessor"
            )
        previous = row.entry_hash
    return problems
