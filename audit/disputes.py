"""Disputes: from a finding to the credit that proves it, inside the windows the contract gives.

A dispute concerns one invoice. Findings that claim money back and have not been worked on are shown as `identified`
disputes, one for each invoice; filing makes them rows of the store. Money is in micros; documents carry decimal text.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd

from audit.credit_matching import Claim, match
from core import findings, trail
from core.contract_register import plain
from core.inventory import service_spans
from core.issues import BadInput, Issue
from core.money import parse_micros, to_text
from core.periods import add_days, days_between
from core.queries import workflow
from core.store import Store, now

STATES = ("identified", "submitted", "approved", "declined", "credited")
#: Which state may follow which; `credited` is also reached by itself when credits cover the disputed amount.
NEXT: dict[str, tuple[str, ...]] = {
    "identified": ("submitted",),
    "submitted": ("approved", "declined", "credited"),
    "approved": ("declined", "credited"),
    "declined": ("submitted",),
    "credited": (),
}
OPEN = ("identified", "submitted", "approved")
#: Finding states that leave a claim undecided, so that it may be filed while its window is open.
UNDECIDED = ("new", "triaged", "accepted")
_FINDING_STATE = {"submitted": "disputed", "approved": "disputed", "declined": "disputed", "credited": "credited"}


@dataclass(frozen=True, slots=True)
class Dispute:
    """One dispute on one invoice, as seen on a day. `billed`, `disputed`, `credited` are micros of `currency`."""

    dispute_id: str
    finding_ids: tuple[str, ...]
    carrier_id: str | None
    account_id: str | None
    invoice_id: str | None
    billed: int
    disputed: int
    currency: str | None
    state: str = "identified"
    filed_on: str | None = None
    issued_on: str | None = None
    file_by: str | None = None
    withhold_by: str | None = None
    credited: int = 0
    credit_charge_ids: tuple[str, ...] = ()
    claims: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """finding -> charge -> micros claimed on it"""
    settled: Mapping[str, int] = field(default_factory=dict)
    """charge -> micros that credits have brought for it; what is credited beyond names no charge"""
    last_credit_on: str | None = None

    @property
    def stakes(self) -> dict[str, int]:
        """Charge -> micros claimed on it by all findings together."""
        result: Counter[str] = Counter()
        for parts in self.claims.values():
            result.update(parts)
        return dict(result)

    def may_file(self, as_of: str) -> bool:
        """Whether the dispute is (was, once filed) in time; the last day counts. No window means no limit."""
        return self.file_by is None or (self.filed_on or as_of) <= self.file_by

    def may_withhold(self, as_of: str) -> bool:
        """Whether the disputed part may stay unpaid: only if filed inside the withholding window and not declined."""
        in_time = self.withhold_by is None or (self.filed_on or as_of) <= self.withhold_by
        return in_time and self.may_file(as_of) and self.state in OPEN

    def age_days(self, as_of: str) -> int | None:
        """Days since filing; before filing, days since the bill was issued."""
        since = self.filed_on or self.issued_on
        return None if since is None else max(0, days_between(since, as_of))

    def document(self, as_of: str) -> dict[str, Any]:
        """The dispute as `tem disputes` prints it."""
        return {
            "dispute_id": self.dispute_id,
            "finding_ids": list(self.finding_ids),
            "carrier_id": self.carrier_id,
            "account_id": self.account_id,
            "invoice_id": self.invoice_id,
            "billed": to_text(self.billed),
            "disputed": to_text(self.disputed),
            "currency": self.currency,
            "state": self.state,
            "filed_on": self.filed_on,
            "file_by": self.file_by,
            "withhold_by": self.withhold_by,
            "may_file": self.may_file(as_of),
            "may_withhold": self.may_withhold(as_of),
            "credited": to_text(self.credited),
            "credit_charge_ids": list(self.credit_charge_ids),
            "age_days": self.age_days(as_of),
        }


def dispute_id(invoice_id: str | None, finding_ids: Iterable[str]) -> str:
    """A stable id of the claims made on one invoice."""
    key = json.dumps([invoice_id, sorted(finding_ids)])
    return "D-" + hashlib.sha256(key.encode()).hexdigest()[:12]


def disputes(store: Store, as_of: str, *, only_open: bool = False) -> list[Dispute]:
    """Every dispute on the day `as_of`: those filed by then, with the credits found, and the claims still unfiled.

    Largest disputed amount first, then the id; amounts of different currencies are compared as numbers only to sort.
    """
    kept = _stored(store)
    taken = {finding for item in kept for finding in item.finding_ids}
    frame = findings.load(store)
    claims = _rows(
        frame[
            (frame["claim"] == "recoverable")
            & (frame["amount_counted"] > 0)
            & frame["state"].isin(UNDECIDED)
            & ~frame["finding_id"].isin(taken)
        ]
    )
    result = _with_credits(store, kept, as_of) + _group(store, claims)
    if only_open:
        result = [item for item in result if item.state in OPEN]
    return sorted(result, key=lambda item: (-item.disputed, item.dispute_id))


def on_file(store: Store, as_of: str) -> list[Dispute]:
    """The disputes that were filed by `as_of`, with the credits found."""
    return _with_credits(store, _stored(store), as_of)


def refused(store: Store) -> frozenset[str]:
    """The findings of disputes that the carrier declined and nobody has filed again."""
    return frozenset(key for item in _stored(store) if item.state == "declined" for key in item.finding_ids)


def documents(store: Store, as_of: str, *, only_open: bool = False) -> list[dict[str, Any]]:
    """The documents of `tem disputes`."""
    return [item.document(as_of) for item in disputes(store, as_of, only_open=only_open)]


def file(store: Store, finding_ids: Sequence[str], as_of: str, *, actor: str | None = None) -> list[Dispute]:
    """Submit the named findings to their carriers, one dispute for each invoice; returns what was filed.

    Raises:
        BadInput: nothing is filed if a finding is unknown, claims no money on an invoice, is part of a dispute already,
            was dismissed, or if the filing window of its invoice is over on `as_of`.
    """
    held = findings.load(store, current=False)
    known = {row["finding_id"]: row for row in _rows(held[held["finding_id"].isin(list(finding_ids))])}
    taken = {finding: item.dispute_id for item in _stored(store) for finding in item.finding_ids}
    issues, rows = [], []
    for key in dict.fromkeys(finding_ids):
        row = known.get(key)
        if row is None:
            issues.append(Issue(field="--file", found=key, expected="the id of a finding; see `tem audit --json`"))
        elif key in taken:
            issues.append(Issue(field="--file", found=key, message=f"is part of dispute {taken[key]} already"))
        elif row["state"] == "dismissed":
            issues.append(Issue(field="--file", found=key, message="was dismissed"))
        elif row["amount_counted"] <= 0 or not (row["charge_stakes"] or row["invoice_ids"]):
            issues.append(Issue(field="--file", found=key, message="claims no money on an invoice"))
        else:
            rows.append(row)
    filed = [replace(item, state="submitted", filed_on=as_of) for item in _group(store, rows)]
    for item in filed:
        if not item.may_file(as_of):
            why = f"invoice {item.invoice_id}: the window to dispute closed on {item.file_by}"
            issues.append(Issue(field="--file", found=", ".join(item.finding_ids), message=why))
    if issues:
        raise BadInput(issues)
    with store.transaction() as txn:
        for item in filed:
            txn.append("disputes", [_row(item)])
            trail.record(
                txn,
                "dispute.submitted",
                item.dispute_id,
                {"findings": list(item.finding_ids), "disputed": to_text(item.disputed), "currency": item.currency},
                actor=actor,
            )
            for key in item.finding_ids:
                txn.update("findings", {"finding_id": key}, {"state": "disputed"})
    return filed


def set_state(store: Store, key: str, state: str, as_of: str, *, actor: str | None = None) -> Dispute:
    """Move a dispute on: submitted -> approved / declined -> credited; a declined one may be submitted again.

    Raises:
        BadInput: if there is no such dispute, no such state, or the state does not follow the present one.
    """
    if state not in STATES:
        raise BadInput(Issue(field="--set", found=state, expected="one of " + ", ".join(STATES)))
    item = next((item for item in disputes(store, as_of) if item.dispute_id == key), None)
    if item is None:
        raise BadInput(Issue(field="--set", found=key, expected="the id of a dispute; see `tem disputes`"))
    if item.state == state:
        return item
    if state not in NEXT[item.state]:
        allowed = ", ".join(NEXT[item.state]) or "nothing: it is settled"
        raise BadInput(Issue(field="--set", found=state, expected=f"after {item.state}: {allowed}"))
    if item.state == "identified":
        return file(store, item.finding_ids, as_of, actor=actor)[0]
    moved = replace(item, state=state, filed_on=as_of if state == "submitted" else item.filed_on)
    if state == "submitted" and not moved.may_file(as_of):
        raise BadInput(Issue(field="--set", found=key, message=f"the window to dispute closed on {item.file_by}"))
    with store.transaction() as txn:
        values = {"state": state, "filed_on": moved.filed_on, "changed_at": now()}
        txn.update("disputes", {"dispute_id": key}, values)
        trail.record(
            txn, f"dispute.{state}", key, {"from": item.state, "credited": to_text(item.credited)}, actor=actor
        )
        for finding in item.finding_ids:
            txn.update("findings", {"finding_id": finding}, {"state": _FINDING_STATE[state]})
    return moved


def _rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    result = []
    for raw in frame.to_dict("records"):
        row = {str(name): plain(value) for name, value in raw.items()}
        stakes = json.loads(row["charge_stakes"] or "[]")
        row["charge_stakes"] = [entry["charge_id"] for entry in stakes]
        row["stakes"] = {entry["charge_id"]: parse_micros(entry["amount"]) for entry in stakes}
        row["invoice_ids"] = json.loads(row["invoice_ids"] or "[]")
        result.append(row)
    return result


def _group(store: Store, rows: Sequence[dict[str, Any]]) -> list[Dispute]:
    """One dispute for each invoice that the findings claim money on."""
    if not rows:
        return []
    charges = workflow.charges_named(store, [key for row in rows for key in row["stakes"]]).set_index("charge_id")
    invoices = store.frame("invoices").set_index("invoice_id")
    claims: dict[str, dict[str, Any]] = {}
    for row in rows:
        parts: dict[str, dict[str, int]] = {}
        for charge, stake in row["stakes"].items():
            if stake > 0 and charge in charges.index:
                parts.setdefault(str(charges.at[charge, "invoice_id"]), {})[charge] = stake
        if not parts and row["invoice_ids"] and row["invoice_ids"][-1] in invoices.index:
            parts[row["invoice_ids"][-1]] = {}
        for invoice, stakes in parts.items():
            claim = claims.setdefault(invoice, {"rows": [], "claims": {}, "loose": 0})
            claim["rows"].append(row)
            claim["claims"][row["finding_id"]] = stakes
            if not stakes:
                claim["loose"] += row["amount_counted"]
    windows = _windows(store)
    result = []
    for invoice, claim in claims.items():
        row = invoices.loc[invoice]
        issued = plain(row["issued_on"])
        keys = tuple(sorted({r["finding_id"] for r in claim["rows"]}))
        file_days, hold_days = windows(claim["rows"], plain(row["account_id"]), issued)
        claimed = [pair for stakes in claim["claims"].values() for pair in stakes.items()]
        billed = sum(int(charges.at[charge, "amount"]) for charge in {charge for charge, _ in claimed})
        result.append(
            Dispute(
                dispute_id=dispute_id(invoice, keys),
                finding_ids=keys,
                carrier_id=next((r["carrier_id"] for r in claim["rows"] if r["carrier_id"]), None),
                account_id=plain(row["account_id"]),
                invoice_id=invoice,
                billed=billed if claimed else int(row["total"]),
                disputed=sum(stake for _, stake in claimed) + claim["loose"],
                currency=plain(row["currency"]) or claim["rows"][0]["currency"],
                issued_on=issued,
                file_by=None if issued is None or file_days is None else add_days(issued, file_days),
                withhold_by=None if issued is None or hold_days is None else add_days(issued, hold_days),
                claims=claim["claims"],
            )
        )
    return result


def _windows(store: Store) -> Any:
    """A function giving the shortest dispute and withholding window (days) of the contracts behind some findings."""
    contracts = store.frame("contracts").set_index("contract_id")
    spans = service_spans(store)
    by_service: dict[str, list[tuple[str, str, str | None]]] = {}
    by_account: dict[str, set[str]] = {}
    for row in spans.itertuples(index=False):
        contract, account = plain(row.contract_id), plain(row.account_id)
        by_service.setdefault(row.service_id, []).append((row.valid_from, row.valid_to, contract))
        if contract is not None and account is not None:
            by_account.setdefault(account, set()).add(contract)

    def windows(rows: Sequence[dict[str, Any]], account: str | None, day: str | None) -> tuple[int | None, int | None]:
        named: set[str] = set()
        for row in rows:
            held = by_service.get(row["service_id"] or "", [])
            on = next((c for first, until, c in held if first <= (day or until) < until), None)
            last = on or next((c for *_, c in reversed(held) if c), None)
            if row["subject_type"] == "contract":
                named.add(row["subject_id"])
            elif last is not None:
                named.add(last)
            else:
                named |= by_account.get(account or "", set())
        found = [contracts.loc[name] for name in sorted(named) if name in contracts.index]

        def least(column: str) -> int | None:
            values = [int(row[column]) for row in found if not pd.isna(row[column])]
            return min(values) if values else None

        return least("dispute_window_days"), least("withhold_window_days")

    return windows


def _stored(store: Store) -> list[Dispute]:
    rows = [{str(k): plain(v) for k, v in raw.items()} for raw in store.frame("disputes").to_dict("records")]
    if not rows:
        return []
    invoices = store.frame("invoices", ["invoice_id", "issued_on"]).set_index("invoice_id")["issued_on"]
    named = {row["dispute_id"]: tuple(json.loads(row["finding_ids"])) for row in rows}
    claimed = findings.load(store, current=False)
    claimed = claimed[claimed["finding_id"].isin({key for keys in named.values() for key in keys})]
    stakes = {row["finding_id"]: row["stakes"] for row in _rows(claimed)}
    result = []
    for row in rows:
        keys = named[row["dispute_id"]]
        names = ("dispute_id", "carrier_id", "account_id", "invoice_id", "billed", "disputed", "currency", "state")
        result.append(
            Dispute(
                **{name: row[name] for name in (*names, "filed_on", "file_by", "withhold_by", "credited")},
                finding_ids=keys,
                issued_on=plain(invoices.get(row["invoice_id"])),
                claims={key: stakes.get(key, {}) for key in keys},
            )
        )
    return result


def _row(item: Dispute) -> dict[str, Any]:
    names = ("dispute_id", "carrier_id", "account_id", "invoice_id", "billed", "disputed", "currency", "state")
    return {
        **{name: getattr(item, name) for name in (*names, "filed_on", "file_by", "withhold_by")},
        "finding_ids": json.dumps(list(item.finding_ids)),
        "credited": 0,
        "credit_charge_ids": "[]",
        "changed_at": now(),
    }


def _with_credits(store: Store, items: list[Dispute], as_of: str) -> list[Dispute]:
    """The disputes with the credits on invoices issued up to `as_of` matched to them."""
    alive = [item for item in items if item.state != "identified"]
    accounts = [item.account_id for item in alive if item.account_id]
    if not accounts:
        return items
    records = workflow.credits(store, accounts).to_dict("records")
    pool = [{str(k): plain(v) for k, v in raw.items()} for raw in records]
    pool = [row for row in pool if row["issued_on"] is not None and row["issued_on"] <= as_of]
    named = workflow.charges_named(store, [key for item in alive for key in item.stakes])
    lines = {row.charge_id: (plain(row.service_id), plain(row.item_code)) for row in named.itertuples(index=False)}
    claims = [
        Claim(
            item.dispute_id, item.account_id, item.invoice_id, item.issued_on, item.filed_on, item.disputed, item.stakes
        )
        for item in alive
    ]
    found = match(claims, pool, lines)
    return [_credited(item, found.get(item.dispute_id, [])) for item in items]


def _credited(item: Dispute, credits: list[dict[str, Any]]) -> Dispute:
    amount = min(item.disputed, -sum(credit["amount"] for credit in credits)) if credits else 0
    settled: Counter[str] = Counter()
    for credit in credits:
        if credit["settles"] is not None:
            settled[credit["settles"]] -= credit["amount"]
    return replace(
        item,
        credited=amount,
        credit_charge_ids=tuple(sorted(credit["charge_id"] for credit in credits)),
        state="credited" if amount >= item.disputed > 0 else item.state,
        settled=dict(settled),
        last_credit_on=max((credit["issued_on"] for credit in credits), default=None),
    )


def proven(store: Store, as_of: str) -> dict[str, int]:
    """Finding -> micros that credits have brought for it by `as_of`; findings without any are left out.

    A credit goes to the findings that claim on the charge it settles; what settles no charge of its own, to the
    findings of the dispute in order of id, none above what it claims.
    """
    items = [item for item in on_file(store, as_of) if item.credited]
    if not items:
        return {}
    counted = findings.load(store, current=False).set_index("finding_id")["amount_counted"]
    result: Counter[str] = Counter()
    for item in items:
        room = {key: max(0, int(counted.get(key, 0))) for key in item.finding_ids}
        rest, settled = item.credited, dict(item.settled)
        for key in item.finding_ids:
            for charge, stake in item.claims.get(key, {}).items():
                part = min(stake, settled.get(charge, 0), room[key], rest)
                settled[charge] = settled.get(charge, 0) - part
                room[key] -= part
                rest -= part
                result[key] += part
        for key in item.finding_ids:
            part = min(rest, room[key])
            rest -= part
            result[key] += part
    return {key: amount for key, amount in result.items() if amount > 0}


def settle(store: Store, as_of: str) -> int:
    """Give findings in dispute the state their credits prove: `credited`, or `disputed` again where one was undone.

    Returns how many findings changed; each leaves an entry in the trail.
    """
    items = [item for item in on_file(store, as_of) if item.state != "identified"]
    keys = {key for item in items for key in item.finding_ids}
    brought = proven(store, as_of)
    # A person may have said that a dispute is credited: only what the bills say is taken back by the bills.
    said = {row.dispute_id for row in store.frame("disputes").itertuples(index=False) if row.state == "credited"}
    told = {key for item in items if item.dispute_id in said for key in item.finding_ids}
    frame = findings.load(store, current=False)
    changed = 0
    for row in frame[frame["finding_id"].isin(keys) & frame["state"].isin(["disputed", "credited"])].itertuples():
        covered = brought.get(row.finding_id, 0) >= row.amount_counted > 0
        state = "credited" if covered or row.finding_id in told else "disputed"
        if state != row.state:
            reason = "credits on later bills cover it" if covered else "the credits that covered it are gone"
            changed += findings.set_state(store, [row.finding_id], state, reason=reason)
    return changed
