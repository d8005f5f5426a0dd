"""Making one finding: evidence, deadlines, severity and the parts every rule fills alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from audit.context import Books
from audit.registry import Rule
from core import periods
from core.findings import Finding, episode_id
from core.money import to_text

Evidence = dict[str, Any]


def evidence(table: str, key: str, month: str | None, field: str, value: Any, note: str = "") -> Evidence:
    """One fact: where it stands, what it says. Integers are micros and become decimal text."""
    shown = to_text(value) if isinstance(value, int) else ("" if value is None else str(value))
    return {"table": table, "key": key, "month": month, "field": field, "value": shown, "note": note}


def money(amount: int, currency: str | None) -> str:
    """An amount as a sentence says it."""
    return f"{to_text(amount)} {currency or ''}".rstrip()


def make(
    books: Books,
    rule: Rule,
    *,
    subject: tuple[str, str],
    month: str,
    cause: str,
    text: str,
    amount: int = 0,
    currency: str | None = None,
    claim: str | None = None,
    expected: Any = None,
    actual: Any = None,
    unit: str | None = None,
    facts: Sequence[Evidence] = (),
    stakes: Mapping[str, int] | None = None,
    service_id: str | None = None,
    account_id: str | None = None,
    carrier_id: str | None = None,
    invoices: Sequence[str] = (),
    contract_id: str | None = None,
    episode_subject: str | None = None,
) -> Finding:
    """A finding of `rule`; `cause` names what continues from month to month and makes the episode."""
    service = books.services.get(service_id or "")
    if service is not None:
        account_id, carrier_id = account_id or service.account_id, carrier_id or service.carrier_id
    account = books.accounts.get(account_id or "")
    carrier_id = carrier_id or (account.carrier_id if account else None)
    file_by, withhold_by = deadlines(books, invoices, contract_id, account_id)
    direction = "over" if amount > 0 else "under" if amount < 0 else "none"
    excused = books.exempt(rule.id, month, service_id)
    return Finding(
        queue="audit",
        rule=rule.id,
        family=rule.family,
        kind=rule.kind,
        subject_type=subject[0],
        subject_id=subject[1],
        month=month,
        amount_at_stake=amount,
        currency=currency,
        service_id=service_id,
        account_id=account_id,
        carrier_id=carrier_id,
        episode_id=episode_id("audit", rule.id, episode_subject or service_id or account_id or subject[1], cause),
        direction=direction,  # type: ignore[arg-type]
        claim=claim or rule.claim,  # type: ignore[arg-type]
        severity=books.severity(amount, currency, month, excused=excused),  # type: ignore[arg-type]
        expected=_value(expected, unit or currency, full=True),
        actual=_value(actual, unit or currency, full=False),
        evidence=list(facts),
        explanation=text,
        invoice_ids=tuple(dict.fromkeys(invoices)),
        charge_stakes=dict(stakes or {}),
        default_reason=rule.default_reason,
        file_by=file_by,
        withhold_by=withhold_by,
    )


def _value(value: Any, unit: str | None, *, full: bool) -> dict[str, Any]:
    low = high = None
    if isinstance(value, tuple):
        value, low, high = value
    shown = [to_text(v) if isinstance(v, int) else v for v in (value, low, high)]
    result = {"value": shown[0], "unit": unit}
    return {"value": shown[0], "low": shown[1], "high": shown[2], "unit": unit} if full else result


def deadlines(
    books: Books, invoices: Sequence[str], contract_id: str | None, account_id: str | None
) -> tuple[str | None, str | None]:
    """(file_by, withhold_by) of the first invoice: issued_on + the contract's windows, both days included.

    Without a contract the shortest windows among those of the account's lines count, as they do for a dispute.
    """
    contract = books.contracts.get(contract_id or "")
    invoice = books.invoices.get(invoices[0]) if invoices else None
    if invoice is None or not invoice.issued_on:
        return None, None
    held = [contract] if contract is not None else books.contracts_of(account_id)

    def last_day(window: str) -> str | None:
        days = [int(value) for value in (getattr(row, window) for row in held) if value is not None]
        return periods.add_days(invoice.issued_on, min(days)) if days else None

    return last_day("dispute_window_days"), last_day("withhold_window_days")


def of_charge(books: Books, rule: Rule, row: Any, amount: int, text: str, **more: Any) -> Finding:
    """A finding on one charge: the whole `amount` is claimed on it."""
    more.setdefault("facts", [])
    facts = [
        evidence("charges", row.charge_id, row.month, "amount", int(row.amount), f"invoice {row.invoice_id}"),
        *more.pop("facts"),
    ]
    claimed = {row.charge_id: amount} if amount else {}
    return make(
        books,
        rule,
        subject=("charge", row.charge_id),
        month=row.month,
        amount=amount,
        currency=row.currency,
        text=text,
        stakes=claimed,
        facts=facts,
        service_id=row.service_id,
        account_id=row.account_id,
        carrier_id=row.carrier_id,
        invoices=[row.invoice_id],
        contract_id=row.terms_id,
        **more,
    )
