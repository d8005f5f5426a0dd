"""What a reader decides about findings: each decision is one transaction with its entries in the audit trail."""

from __future__ import annotations

from collections.abc import Sequence

from app import formats
from core import findings
from core.issues import BadInput
from core.queries import workflow
from core.store import Store

#: Decisions a reader can take, each with the state it leads to.
DECISIONS = {
    "triaged": "Mark as read",
    "accepted": "Confirm",
    "disputed": "File a dispute",
    "dismissed": "Dismiss",
    "implemented": "Done: changed at the carrier",
    "new": "Reopen",
}


#: How far the dismissal of a flag reaches; keys as :data:`core.schema.work.FEEDBACK_SCOPES`.
SCOPES = {
    "service": "This line",
    "finding": "This month only",
    "employee": "All lines of the holder",
    "cost_center": "The cost center",
    "account": "The account",
    "plan": "The plan",
    "role": "The role",
}
#: The same for a move of spend and for an early warning.
SPEND_SCOPES = {"service": "The same series", "finding": "This month only"}
WATCH_SCOPES = {"service": "This line or pool", "finding": "This warning only", "account": "The account"}
#: What can be decided about a flag.
FLAG_CHOICES = ("accepted", "dismissed", "triaged", "implemented")


def decide(
    store: Store,
    ids: Sequence[str],
    state: str,
    *,
    reason: str = "",
    owner: str = "",
    scope: str = "service",
    expires_on: str | None = None,
) -> tuple[bool, str]:
    """Apply a decision; returns whether it was, and one sentence for the reader.

    `disputed` files disputes with the carriers' deadlines checked, one for each invoice; a dismissal needs a reason.
    `scope` and `expires_on` say for which lines and until when the dismissal of a flag keeps its repetitions back.
    """
    if not ids:
        return False, "Pick at least one case first."
    if state == "dismissed" and not reason.strip():
        return False, "A dismissal needs a reason; it is kept in the audit trail."
    try:
        if state == "disputed":
            from audit import disputes

            filed = disputes.file(store, ids, workflow.today(store))
            return True, f"{formats.plural(len(filed), 'dispute')} filed for {formats.plural(len(ids), 'finding')}."
        count = findings.set_state(
            store,
            ids,
            state,
            reason=reason.strip() or None,
            owner=owner.strip() or None,
            scope=scope,
            expires_on=expires_on,
        )
    except ValueError as problem:
        return False, f"Nothing was changed: {problem}"
    except BadInput as problem:
        lines = [str(issue) for issue in problem.issues]
        more = f" (and {len(lines) - 3} more)" if len(lines) > 3 else ""
        return False, "Nothing was changed: " + "; ".join(lines[:3]) + more
    return True, f"{formats.plural(count, 'finding')} now {formats.words(state).lower()}."


def move_dispute(store: Store, key: str, state: str) -> tuple[bool, str]:
    """Move a dispute to its next state; returns whether it was, and one sentence for the reader."""
    from audit import disputes

    try:
        moved = disputes.set_state(store, key, state, workflow.today(store))
    except BadInput as problem:
        return False, f"Nothing was changed: {problem.issues[0]}"
    return True, f"The dispute of {formats.cents(moved.disputed, moved.currency)} is now {moved.state}."
