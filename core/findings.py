"""Findings are one thing: audit, policy and anomaly produce the same rows, in the same table, with the same workflow.

The meaning of every field is fixed by `interfaces.md` section 5. Money here is in micros, net of tax, for one month.
The queues `spend` (moves of accounts, carriers, cost centers) and `watch` (early warnings) are kept beside the three
that are fixed there: their rows are never among those of the others.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import pandas as pd
from sqlalchemy import select

from core import periods, trail
from core.money import SCALE, to_text
from core.schema import rollups
from core.schema.work import FEEDBACK_SCOPES, FINDING_STATES, feedback, findings
from core.settings import settings
from core.store import Store, Txn, now

Queue = Literal["audit", "policy", "anomaly", "spend", "watch"]
Severity = Literal["info", "low", "medium", "high", "critical"]

#: Severity by money in fleet units (median monthly spend of an active line): below 0.25 info, 1 low, 5 medium, 25 high.
SEVERITY_STEPS: tuple[tuple[int, Severity], ...] = (
    (250_000, "info"),
    (SCALE, "low"),
    (5 * SCALE, "medium"),
    (25 * SCALE, "high"),
)

#: Whose claim on a charge counts first: it should not exist > wrong price > waste > information.
PRECEDENCE_GROUPS: tuple[frozenset[str], ...] = (
    frozenset({"C1", "C2", "I1", "I2", "I7", "C10"}),
    frozenset({"R1", "R2", "R3", "R4", "R5", "R6", "R7", "R8", "C7", "C9", "I10", "C5"}),
    frozenset(
        {"I4", "I5", "I6", "I8", "U1", "U2", "U3", "U4", "U5", "U6", "U7", "U8", "zero_use", "use_after_leaving"}
    ),
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One wrong, wasteful or surprising thing in one month; see `interfaces.md` section 5 for every field.

    `amount_at_stake` and `amount_counted` are micros of `currency`, positive = the customer lost it or can avoid it.
    `charge_stakes` maps a charge to the part of it that is at stake; :func:`settle` turns it into what counts.
    `expected` is `{value, low, high, unit}`, `actual` `{value, unit}`, `evidence` a list of
    `{table, key, month, field, value, note}`; money and quantities inside them are decimal text.
    `occasion` tells rows of one rule, subject and month apart where there can be several (the day and level of a
    warning, the currency of a move of spend); it is blank in the other queues.
    """

    queue: Queue
    rule: str
    subject_type: str
    subject_id: str
    month: str
    amount_at_stake: int = 0
    currency: str | None = None
    family: str | None = None
    kind: str | None = None
    service_id: str | None = None
    account_id: str | None = None
    carrier_id: str | None = None
    episode_id: str | None = None
    amount_counted: int = 0
    direction: Literal["over", "under", "none"] = "none"
    claim: Literal["recoverable", "avoidable", "informative"] = "informative"
    severity: Severity = "info"
    score: float | None = None
    expected: dict[str, Any] = field(default_factory=dict)
    actual: dict[str, Any] = field(default_factory=dict)
    evidence: list[dict[str, Any]] = field(default_factory=list)
    explanation: str = ""
    invoice_ids: tuple[str, ...] = ()
    charge_stakes: Mapping[str, int] = field(default_factory=dict)
    default_reason: str | None = None
    file_by: str | None = None
    withhold_by: str | None = None
    history_months: int | None = None
    state: str = "new"
    detail: dict[str, Any] | None = None
    occasion: str = ""

    @property
    def finding_id(self) -> str:
        """See :func:`finding_id`."""
        return finding_id(self.queue, self.rule, self.subject_type, self.subject_id, self.month, self.occasion)

    @property
    def charge_ids(self) -> list[str]:
        """The charges that money is claimed on, in text order."""
        return sorted(self.charge_stakes)


def finding_id(queue: str, rule: str, subject_type: str, subject_id: str, month: str, occasion: str = "") -> str:
    """A stable id: the same when months are processed one by one, all at once or twice."""
    key = json.dumps([queue, rule, subject_type, subject_id, month, *([occasion] if occasion else [])])
    return hashlib.sha256(key.encode()).hexdigest()[:20]


def episode_id(queue: str, rule: str, subject_id: str, cause: str) -> str:
    """One id for the months of a continuing cause; `cause` names it (a date, an order, a first month)."""
    return hashlib.sha256(json.dumps([queue, rule, subject_id, cause]).encode()).hexdigest()[:16]


def severity_for(amount: int, unit: int | None, *, excused: bool = False) -> Severity:
    """Severity from money alone, in fleet units; at most info under a recorded exemption or travel.

    `amount` and `unit` are micros of one currency; without a unit (no active line billed) one currency unit is used.
    """
    if excused:
        return "info"
    relative = abs(amount) * SCALE // max(unit or SCALE, 1)
    for limit, name in SEVERITY_STEPS:
        if relative < limit:
            return name
    return "critical"


def fleet_units(store: Store, *, until: str | None = None) -> dict[str, int]:
    """Median monthly spend of an active line, per currency, in micros; of months up to `until` only."""
    table = rollups.line_months
    statement = select(table.c.currency, table.c.total).where(table.c.total > 0)
    if until:
        statement = statement.where(table.c.month <= until)
    frame = store.read(statement)
    if frame.empty:
        return {}
    return {
        str(name): int(group.sort_values().iloc[len(group) // 2]) for name, group in frame.groupby("currency")["total"]
    }


def settle(items: Iterable[Finding], charge_amounts: Mapping[str, int]) -> list[Finding]:
    """Let every cent of a charge count once.

    Findings take their stakes in order of precedence (should not exist > wrong price > waste > information, then the
    larger stake, then the id); each takes at most what is left of the charge (`charge_amounts`, micros). Undercharges
    (negative stakes) count apart and never net an overcharge. A finding without charges counts its whole amount,
    unless it is informative. Returned in the order given, with `charge_stakes` and `amount_counted` set.
    """
    given = list(items)
    left = {charge: max(amount, 0) for charge, amount in charge_amounts.items()}
    order = sorted(range(len(given)), key=lambda i: (_rank(given[i]), -given[i].amount_at_stake, given[i].finding_id))
    settled: list[Finding] = list(given)
    for index in order:
        item = given[index]
        if not item.charge_stakes:
            counted = 0 if item.claim == "informative" else item.amount_at_stake
            settled[index] = replace(item, amount_counted=counted)
            continue
        stakes: dict[str, int] = {}
        for charge in sorted(item.charge_stakes):
            stake = item.charge_stakes[charge]
            if stake > 0:
                stake = min(stake, left.get(charge, stake))
                left[charge] = left.get(charge, stake) - stake
            stakes[charge] = stake
        settled[index] = replace(item, charge_stakes=stakes, amount_counted=sum(stakes.values()))
    return settled


def _rank(item: Finding) -> int:
    if item.claim == "informative":
        return len(PRECEDENCE_GROUPS)
    code = item.family or item.rule
    for rank, group in enumerate(PRECEDENCE_GROUPS):
        if code in group or item.rule in group:
            return rank
    return len(PRECEDENCE_GROUPS)


def to_json(item: Finding) -> dict[str, Any]:
    """The document of `interfaces.md` section 5: money as decimal text, `charge_stakes` as a list."""
    return {
        "finding_id": item.finding_id,
        "queue": item.queue,
        "rule": item.rule,
        "family": item.family,
        "kind": item.kind,
        "subject_type": item.subject_type,
        "subject_id": item.subject_id,
        "service_id": item.service_id,
        "account_id": item.account_id,
        "carrier_id": item.carrier_id,
        "month": item.month,
        "episode_id": item.episode_id,
        "amount_at_stake": to_text(item.amount_at_stake),
        "amount_counted": to_text(item.amount_counted),
        "currency": item.currency,
        "direction": item.direction,
        "claim": item.claim,
        "severity": item.severity,
        "score": None if item.score is None else round(item.score, 6),
        "expected": item.expected,
        "actual": item.actual,
        "evidence": item.evidence,
        "explanation": item.explanation,
        "invoice_ids": list(item.invoice_ids),
        "charge_ids": item.charge_ids,
        "charge_stakes": [
            {"charge_id": charge, "amount": to_text(stake)} for charge, stake in sorted(item.charge_stakes.items())
        ],
        "default_reason": item.default_reason,
        "file_by": item.file_by,
        "withhold_by": item.withhold_by,
        "history_months": item.history_months,
        "state": item.state,
        "detail": item.detail,
    }


_KEPT = ("state", "state_reason", "owner", "due_on")


def save(
    store: Store, items: Sequence[Finding], queue: Queue, *, first: str | None = None, last: str | None = None
) -> dict[str, int]:
    """Write what a run found in `queue` over the months `first`..`last`; what people did to a finding stays.

    Known findings keep state, reason, owner and due date. A finding that the run no longer finds stays in the table
    when somebody has worked on it (`current` = 0) and goes when nobody has. Returns counts: new, known, gone.
    """
    table = findings
    span = table.c.queue == queue
    if first:
        span &= table.c.month >= first
    if last:
        span &= table.c.month <= last
    with store.transaction() as txn:
        before = txn.read(select(table).where(span)).set_index("finding_id")
        rows, fresh = [], 0
        for item in sorted(items, key=lambda f: f.finding_id):
            row = _row(item)
            if item.finding_id in before.index:
                row |= {name: _plain(before.at[item.finding_id, name]) for name in _KEPT}
            else:
                fresh += 1
            rows.append(row)
        found = {row["finding_id"] for row in rows}
        worked = [str(i) for i in before.index if i not in found and before.at[i, "state"] != "new"]
        txn.execute(table.delete().where(span, table.c.finding_id.not_in(worked)))
        if worked:
            txn.execute(table.update().where(table.c.finding_id.in_(worked)).values(current=0))
        txn.append("findings", rows)
    return {"new": fresh, "known": len(rows) - fresh, "gone": len(before) - (len(rows) - fresh)}


def _plain(value: Any) -> Any:
    return None if pd.isna(value) else value


def _row(item: Finding) -> dict[str, Any]:
    def dump(value: Any) -> str:
        return json.dumps(value, sort_keys=True, default=str)

    document = to_json(item)
    row = {name: document[name] for name in document if name in findings.c}
    row |= {
        name: dump(document[name])
        for name in ("expected", "actual", "evidence", "invoice_ids", "charge_ids", "charge_stakes")
    }
    row["detail"] = None if item.detail is None else dump(item.detail)
    row |= {"amount_at_stake": item.amount_at_stake, "amount_counted": item.amount_counted, "current": 1}
    row["score"] = None if item.score is None else round(item.score * SCALE)
    return row


def load(
    store: Store, *, queue: str | None = None, first: str | None = None, last: str | None = None, current: bool = True
) -> pd.DataFrame:
    """Stored findings as a frame, largest money first; JSON columns are text, amounts micros."""
    table = findings
    statement = select(table)
    if queue:
        statement = statement.where(table.c.queue == queue)
    if first:
        statement = statement.where(table.c.month >= first)
    if last:
        statement = statement.where(table.c.month <= last)
    if current:
        statement = statement.where(table.c.current == 1)
    return store.read(statement.order_by(table.c.amount_at_stake.desc(), table.c.finding_id))


#: What a state says about a flag: people confirmed it, dismissed it, or took the decision back.
VERDICTS = {
    "accepted": "confirmed",
    "disputed": "confirmed",
    "credited": "confirmed",
    "implemented": "confirmed",
    "dismissed": "dismissed",
    "new": "withdrawn",
}


def set_state(
    store: Store,
    ids: Sequence[str],
    state: str,
    *,
    reason: str | None = None,
    owner: str | None = None,
    due_on: str | None = None,
    actor: str | None = None,
    scope: str = "service",
    expires_on: str | None = None,
) -> int:
    """Move findings through the workflow, each with an entry in the audit trail; returns how many there were.

    A decision about anything but an audit finding is also kept as feedback: `scope` says which lines it speaks for,
    `expires_on` until when (blank: three months).

    Raises:
        ValueError: if the state or scope is unknown, a dismissal gives no reason, or the expiry is no day.
    """
    if state not in FINDING_STATES:
        raise ValueError(f"a state out of {', '.join(FINDING_STATES)}")
    if state == "dismissed" and not (reason or "").strip():
        raise ValueError("a dismissal needs a reason")
    if scope not in FEEDBACK_SCOPES:
        raise ValueError(f"a scope out of {', '.join(FEEDBACK_SCOPES)}")
    if expires_on is not None:
        periods.parse_day(expires_on)
    reach = {"scope": scope, "expires_on": expires_on} if state == "dismissed" else {}
    with store.transaction() as txn:
        before = txn.read(select(findings).where(findings.c.finding_id.in_(list(ids)))).set_index("finding_id")
        for item in before.index:
            values: dict[str, Any] = {"state": state, "state_reason": reason}
            values |= {name: value for name, value in (("owner", owner), ("due_on", due_on)) if value is not None}
            txn.update("findings", {"finding_id": item}, values)
            _remember(txn, str(item), before.loc[item], state, reason, scope, expires_on, actor)
            trail.record(
                txn,
                f"finding.{state}",
                str(item),
                {"from": before.at[item, "state"], "reason": reason, "owner": owner} | reach,
                actor=actor,
            )
    return len(before)


def _remember(
    txn: Txn,
    finding_id: str,
    row: Any,
    state: str,
    reason: str | None,
    scope: str,
    expires_on: str | None,
    actor: str | None,
) -> None:
    verdict = VERDICTS.get(state)
    if verdict is None or row["queue"] == "audit":
        return
    txn.insert(
        "feedback",
        {
            "finding_id": finding_id,
            **{name: _plain(row[name]) for name in ("queue", "rule", "kind", "service_id", "month")},
            "verdict": verdict,
            "reason": reason,
            "scope": scope if verdict == "dismissed" else "service",
            "expires_on": expires_on,
            "decided_by": actor or settings().actor,
            "decided_at": now(),
        },
    )


def decisions(store: Store, queues: Sequence[Queue] = ("policy", "anomaly")) -> pd.DataFrame:
    """The decision in force on each finding of some queues, oldest first; columns of the feedback table.

    A later decision on the same finding replaces an earlier one; one that was taken back is gone. A state that came
    about without a decision of its own (a dispute that was filed, a store from before feedback) counts as one.
    """
    told = store.read(select(feedback).where(feedback.c.queue.in_(queues)).order_by(feedback.c.feedback_id))
    told = told.drop_duplicates("finding_id", keep="last")
    names = ("finding_id", "queue", "rule", "kind", "service_id", "month")
    stated = store.read(
        select(*[findings.c[name] for name in names], findings.c.state, findings.c.state_reason.label("reason"))
        .where(
            findings.c.queue.in_(queues),
            findings.c.state.in_([name for name, verdict in VERDICTS.items() if verdict != "withdrawn"]),
        )
        .order_by(findings.c.finding_id)
    )
    stated = stated[~stated["finding_id"].isin(told["finding_id"])]
    silent = stated.drop(columns="state").assign(verdict=stated["state"].map(VERDICTS), scope="service")
    both = silent.reindex(columns=told.columns).astype(told.dtypes.to_dict()) if len(silent) else told.iloc[:0]
    every = pd.concat([both, told], ignore_index=True) if len(both) else told
    return every[every["verdict"] != "withdrawn"].reset_index(drop=True)


def with_states(store: Store, items: Sequence[Finding]) -> list[Finding]:
    """The items with the state that people gave to those of them that are stored."""
    known = store.read(select(findings.c.finding_id, findings.c.state).where(findings.c.state != "new"))
    states = dict(zip(known["finding_id"], known["state"], strict=True))
    return [replace(item, state=states.get(item.finding_id, item.state)) for item in items]
