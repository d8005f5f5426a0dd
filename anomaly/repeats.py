"""Repetitions of what a reviewer has decided on, for findings that no model ranks: moves of spend and early warnings.

The rules are those of :mod:`anomaly.feedback`: a decision speaks for later days only, keeps the same thing about the
same subject back for three months (or until the expiry that was given), and lets it return when it grew by half.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from anomaly.feedback import GROWTH, SUPPRESSED_MONTHS
from core import findings, periods
from core.findings import Finding, Queue
from core.store import Store


@dataclass(frozen=True)
class Reviewed:
    """A decision in force: what was decided on, the day that is about, how large it was and until when this holds."""

    finding_id: str
    rule: str
    subject: tuple[str, str]
    account_id: str | None
    currency: str | None
    on: str
    until: str
    scope: str
    size: float


Size = Callable[[int, Mapping[str, Any]], float]


def reviewed(store: Store, queue: Queue, size: Size) -> list[Reviewed]:
    """The decisions in force on the findings of a queue, oldest first; `size` as in :func:`keep_back`."""
    told = findings.decisions(store, (queue,))
    if told.empty:
        return []
    names = ["rule", "subject_type", "subject_id", "account_id", "currency", "month", "detail", "actual"]
    names += ["finding_id", "amount_at_stake"]
    rows = findings.load(store, queue=queue, current=False)[names]
    both = rows.merge(told[["finding_id", "scope", "expires_on"]], on="finding_id")
    made = []
    for row in both.to_dict("records"):
        month = str(row["month"])
        until = periods.month_end(periods.shift(month, SUPPRESSED_MONTHS))
        made.append(
            Reviewed(
                str(row["finding_id"]),
                str(row["rule"]),
                (str(row["subject_type"]), str(row["subject_id"])),
                _text(row["account_id"]),
                _text(row["currency"]),
                _day(json.loads(row["detail"] or "{}"), month),
                _text(row["expires_on"]) or until,
                str(row["scope"]),
                size(int(row["amount_at_stake"]), json.loads(row["actual"])),
            )
        )
    return made


def _text(value: Any) -> str | None:
    return None if pd.isna(value) else str(value)


def _day(detail: Mapping[str, Any] | None, month: str) -> str:
    return str((detail or {}).get("on") or periods.month_start(month))


def keep_back(items: Sequence[Finding], decided: Sequence[Reviewed], size: Size) -> list[Finding]:
    """The items with `detail.feedback`: the finding whose decision keeps this one back, or that it came back grown.

    `size` tells how large a finding is from its money at stake and its `actual` document; the other sign is another
    thing. The day of a finding is its `detail.on`, else the first of its month.
    """
    result = []
    for item in items:
        now = size(item.amount_at_stake, item.actual)
        heard = [d for d in decided if _speaks_for(d, item) and d.size * now >= 0]
        keeping = [d.finding_id for d in heard if abs(now) <= GROWTH * abs(d.size)]
        said = {"kept_back_by": keeping[-1] if keeping else None, "came_back": bool(heard) and not keeping}
        result.append(replace(item, detail={**(item.detail or {}), "feedback": said}))
    return result


def _speaks_for(decision: Reviewed, item: Finding) -> bool:
    if decision.scope == "finding" or (decision.rule, decision.currency) != (item.rule, item.currency):
        return False
    near = decision.scope == "account" and item.account_id is not None and decision.account_id == item.account_id
    return (near or decision.subject == (item.subject_type, item.subject_id)) and (
        decision.on < _day(item.detail, item.month) <= decision.until
    )


def is_kept_back(detail: Mapping[str, Any] | None) -> bool:
    """Whether an earlier decision keeps the finding with this detail back."""
    return bool(((detail or {}).get("feedback") or {}).get("kept_back_by"))


def counts(items: Sequence[Finding]) -> tuple[int, int]:
    """How many of the items are kept back, and how many came back because they grew."""
    said = [(item.detail or {}).get("feedback") or {} for item in items]
    return sum(bool(f.get("kept_back_by")) for f in said), sum(bool(f.get("came_back")) for f in said)
