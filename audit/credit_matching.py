"""Which credit of a later invoice settles which dispute; no credit is used twice.

In order of proof: a credit that names a disputed charge; one of the same service for the exact amount claimed on a
charge; one of the account for exactly the disputed total. A credit that comes in three or more months under the same
service, item and description is a discount and settles nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_DISCOUNT_MONTHS = 3


@dataclass(frozen=True, slots=True)
class Claim:
    """What a dispute claims: `disputed` micros on an invoice, `stakes` of it on single charges."""

    dispute_id: str
    account_id: str | None
    invoice_id: str | None
    issued_on: str | None
    filed_on: str | None
    disputed: int
    stakes: Mapping[str, int]


def match(
    claims: Sequence[Claim], credits: Sequence[dict[str, Any]], lines: Mapping[str, tuple[str | None, str | None]]
) -> dict[str, list[dict[str, Any]]]:
    """The credits of each dispute, by dispute_id.

    `credits` are negative charges (charge_id, invoice_id, account_id, issued_on, service_id, item_code, description,
    related_charge_id, amount in micros); each comes back with `settles`, the charge it answers, None for a whole
    dispute. `lines` gives (service_id, item_code) of each disputed charge. Older claims
    choose first.
    """
    order = sorted(claims, key=lambda claim: (claim.filed_on or "", claim.dispute_id))
    pool = sorted(credits, key=lambda credit: (credit["issued_on"], credit["charge_id"]))
    found: dict[str, list[dict[str, Any]]] = {claim.dispute_id: [] for claim in order}
    used: set[str] = set()
    regular = _regular(pool)

    def take(claim: Claim, credit: dict[str, Any], settles: str | None) -> None:
        used.add(credit["charge_id"])
        found[claim.dispute_id].append({**credit, "settles": settles})

    def later(claim: Claim, *, loose: bool) -> list[dict[str, Any]]:
        return [
            credit
            for credit in pool
            if credit["charge_id"] not in used
            and credit["account_id"] == claim.account_id
            and credit["invoice_id"] != claim.invoice_id
            and credit["issued_on"] >= (claim.issued_on or "")
            and not (loose and (credit["related_charge_id"] is not None or _series(credit) in regular))
        ]

    for claim in order:
        for credit in later(claim, loose=False):
            if credit["related_charge_id"] in claim.stakes:
                take(claim, credit, credit["related_charge_id"])
    for claim in order:
        open_stakes = dict(claim.stakes)
        for credit in found[claim.dispute_id]:
            open_stakes.pop(credit["settles"], None)
        for key, stake in sorted(open_stakes.items()):
            service, item = lines.get(key, (None, None))
            if service is None:
                continue
            exact = [c for c in later(claim, loose=True) if (c["service_id"], c["amount"]) == (service, -stake)]
            if exact:
                take(claim, min(exact, key=lambda c: (c["item_code"] != item, c["issued_on"], c["charge_id"])), key)
    for claim in order:
        if not found[claim.dispute_id]:
            whole = [c for c in later(claim, loose=True) if c["amount"] == -claim.disputed]
            if whole:
                take(claim, whole[0], None)
    return found


def _series(credit: dict[str, Any]) -> tuple[Any, ...]:
    return credit["account_id"], credit["service_id"], credit["item_code"], credit["description"]


def _regular(pool: Sequence[dict[str, Any]]) -> set[tuple[Any, ...]]:
    months: dict[tuple[Any, ...], set[str]] = {}
    for credit in pool:
        months.setdefault(_series(credit), set()).add(credit["issued_on"][:7])
    return {key for key, seen in months.items() if len(seen) >= _DISCOUNT_MONTHS}
