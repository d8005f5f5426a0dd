"""Prices that should have moved: an expired contract (R4), a superseding one (R5), dated credits (R6, C14)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from audit.build import evidence, make, money
from audit.context import Books, looked_up, rows
from audit.pricing import amount_of, share_of, unit_of, with_rates
from audit.registry import Rule, check
from core import periods
from core.findings import Finding
from core.inventory import LAST_DAY


def _recurring(books: Books) -> pd.DataFrame:
    lines = books.lines
    return lines[(lines["category"] == "mrc") & (lines["amount"] > 0) & lines["contract_id"].notna()]


def _by_service(items: list[tuple[Any, int]]) -> dict[tuple[str, str], list[tuple[Any, int]]]:
    groups: dict[tuple[str, str], list[tuple[Any, int]]] = {}
    for row, stake in items:
        groups.setdefault((row.service_id, row.month), []).append((row, stake))
    return groups


def ended_on(contract: Any) -> str | None:
    """The first day on which a contract no longer holds: terminated, or express and past its initial term."""
    if contract.terminated_on:
        return str(contract.terminated_on)
    if contract.renewal_type in ("express", "month_to_month") and contract.start_date and contract.initial_term_months:
        return periods.add_months(contract.start_date, int(contract.initial_term_months))
    return None


@check("R4")
def expired_contract(books: Books, rule: Rule) -> Iterator[Finding]:
    """A contract has expired and its services are billed above its last rate."""
    rates = books.frames["contract_rates"]
    last = {(r.contract_id, r.item_code): r for r in rows(rates.sort_values("effective_from", na_position="first"))}
    hits = []
    for row in rows(with_rates(books, _recurring(books))):
        end = ended_on(books.contracts[row.contract_id]) if row.contract_id in books.contracts else None
        rate = last.get((row.contract_id, row.item_code))
        if end is None or row.day < end or row.rate is not None or rate is None or rate.rate is None:
            continue
        right = amount_of(rate.rate, row.quantity, share_of(row, rate.unit), unit_of(books, row))
        if rule.beyond(int(row.amount) - right, right) and row.amount > right:
            hits.append((row, int(row.amount) - right))
    for (service, month), group in sorted(_by_service(hits).items()):
        row = group[0][0]
        amount = sum(stake for _, stake in group)
        end = ended_on(books.contracts[row.contract_id])
        text = (
            f"Contract {row.contract_id} ended on {end}. {row.description or row.item_code} is billed "
            f"{money(amount, row.currency)} above its last price."
        )
        facts = [
            evidence("contracts", row.contract_id, month, "end", end),
            *(evidence("charges", r.charge_id, month, "amount", int(r.amount)) for r, _ in group),
        ]
        billed = sum(int(r.amount) for r, _ in group)
        yield make(
            books,
            rule,
            subject=("service", service),
            month=month,
            cause=f"{row.contract_id}",
            text=text,
            amount=amount,
            currency=row.currency,
            expected=billed - amount,
            actual=billed,
            facts=facts,
            service_id=service,
            account_id=row.account_id,
            stakes={r.charge_id: s for r, s in group},
            invoices=[r.invoice_id for r, _ in group],
            contract_id=row.contract_id,
        )


@check("R5")
def superseded_contract(books: Books, rule: Rule) -> Iterator[Finding]:
    """A service is still on a contract that another one supersedes."""
    newer = {c.supersedes: c for c in books.contracts.values() if c.supersedes}
    if not newer:
        return
    lines = _recurring(books)
    lines = lines[lines["contract_id"].isin(newer)].copy()
    starts = looked_up(lines["contract_id"], {old: c.start_date or "" for old, c in newer.items()})
    lines = lines[starts <= lines["day"]]
    lines["old_id"] = lines["contract_id"]
    lines["contract_id"] = looked_up(lines["old_id"], {old: c.contract_id for old, c in newer.items()})
    items = []
    for row in rows(with_rates(books, lines)):
        stake = 0
        if row.rate is not None:
            stake = int(row.amount) - amount_of(
                row.rate, row.quantity, share_of(row, row.rate_unit), unit_of(books, row)
            )
        items.append((row, stake if rule.beyond(stake) and stake > 0 else 0))
    for (service, month), group in sorted(_by_service(items).items()):
        row = group[0][0]
        amount = sum(stake for _, stake in group)
        text = (
            f"The service is still on contract {row.old_id}, which {row.contract_id} supersedes from "
            f"{newer[row.old_id].start_date}."
        )
        if amount:
            text += f" At the new prices it would cost {money(amount, row.currency)} less."
        facts = [
            evidence("services", service, month, "contract_id", row.old_id, f"state on {row.day}"),
            evidence("contracts", row.contract_id, month, "supersedes", row.old_id),
            *(evidence("charges", r.charge_id, month, "amount", int(r.amount)) for r, _ in group),
        ]
        billed = sum(int(r.amount) for r, _ in group)
        yield make(
            books,
            rule,
            subject=("service", service),
            month=month,
            cause=f"{row.old_id}",
            text=text,
            amount=amount,
            currency=row.currency,
            claim="recoverable" if amount else "informative",
            expected=billed - amount,
            actual=billed,
            facts=facts,
            service_id=service,
            account_id=row.account_id,
            stakes={r.charge_id: s for r, s in group if s},
            invoices=[r.invoice_id for r, _ in group],
            contract_id=row.old_id,
        )


class Promise:
    """A promised credit and what came of it: received per month, credits after its end."""

    def __init__(self, row: Any) -> None:
        self.row = row
        self.received: dict[str, int] = {}
        self.late: list[Any] = []
        self.charges: list[Any] = []

    @property
    def monthly(self) -> bool:
        """Whether it recurs every month."""
        return bool(self.row.cadence == "monthly")

    def matches(self, line: Any) -> bool:
        """Whether a credit on a bill can be this promise's."""
        row = self.row
        if row.service_id and line.service_id != row.service_id:
            return False
        if row.account_id and line.account_id != row.account_id:
            return False
        if row.carrier_id and line.carrier_id != row.carrier_id:
            return False
        if row.item_code:
            return bool(line.item_code == row.item_code)
        return bool(line.related_charge_id is None)

    def begins(self) -> str:
        """The first month it can appear in."""
        return str(self.row.starts_on or self.row.promised_on or "")[:7]

    def ends(self) -> str:
        """The last month it is owed in, if it recurs."""
        return str(self.row.ends_on or LAST_DAY)[:7]


def promises(books: Books) -> list[Promise]:
    """Every promise with the credits that fall to it; a credit falls to one promise only. Computed once."""
    if "promises" not in books.__dict__:
        books.__dict__["promises"] = _promises(books)
    found: list[Promise] = books.__dict__["promises"]
    return found


def _promises(books: Books) -> list[Promise]:
    found = [Promise(row) for row in rows(books.frames["credits_promised"].sort_values("credit_id"))]
    if not found:
        return []
    tier_items = set(books.frames["contract_tiers"]["item_code"].dropna())
    lines = books.lines
    credits = lines[(lines["amount"] < 0) & ~lines["item_code"].isin(tier_items) & (lines["category"] != "tax")]
    for line in rows(credits.sort_values(["month", "charge_id"])):
        options = [p for p in found if p.matches(line) and line.month >= p.begins()]
        inside = [p for p in options if p.monthly and line.month <= p.ends()]
        once = [p for p in options if not p.monthly and sum(p.received.values()) < p.row.amount]
        due = [p for p in inside if p.received.get(line.month, 0) < p.row.amount] or once or inside
        if due:
            best = min(due, key=lambda p: (p.row.service_id is None, p.row.item_code is None, p.row.credit_id))
            best.received[line.month] = best.received.get(line.month, 0) - int(line.amount)
            best.charges.append(line)
        else:
            over = [p for p in options if p.monthly and p.row.item_code and line.month > p.ends()]
            if over:
                max(over, key=lambda p: (p.ends(), p.row.credit_id)).late.append(line)
    return found


def _owed(books: Books, promise: Promise) -> Iterator[tuple[str, int, int, int]]:
    """(month, owed in it, received in it, new shortfall in total) of a recurring promise."""
    months = [m for m in books.months if m >= promise.begins()]
    if not months or promise.begins() < books.months[0]:
        months = [m for m in books.months if m >= books.months[0]]
    owed = got = before = 0
    for month in months:
        if month > promise.ends() or not _billed(books, promise, month):
            continue
        service = books.services.get(promise.row.service_id or "")
        if service is not None and (service.disconnected_on or LAST_DAY)[:7] <= month:
            continue  # a line that is gone is owed no credit
        owed += int(promise.row.amount)
        got += promise.received.get(month, 0)
        short = max(0, owed - got)
        yield month, int(promise.row.amount), promise.received.get(month, 0), max(0, short - before)
        before = max(before, short)


def _billed(books: Books, promise: Promise, month: str) -> bool:
    """Whether a bill of that month is there at all: without one nothing can be said."""
    if "billed_accounts" not in books.__dict__:
        books.__dict__["billed_accounts"] = set(
            zip(books.all_lines["account_id"], books.all_lines["month"], strict=True)
        )
    pairs: set[tuple[str, str]] = books.__dict__["billed_accounts"]
    account = promise.row.account_id
    if account is None and promise.row.service_id in books.services:
        account = books.services[promise.row.service_id].account_id
    return account is None or (account, month) in pairs


@check("R6")
def dated_credit(books: Books, rule: Rule) -> Iterator[Finding]:
    """A dated recurring credit stops before its end, or runs on after it."""
    for promise in promises(books):
        row = promise.row
        if not promise.monthly:
            continue
        seen = False
        for month, _, received, short in _owed(books, promise):
            seen = seen or received > 0
            if seen and received == 0 and rule.beyond(short):
                text = (
                    f"The credit {row.credit_id} of {money(int(row.amount), row.currency)} a month runs until "
                    f"{row.ends_on or 'further notice'}, but the bill of {month} has none."
                )
                yield _credit(books, rule, promise, month, short, text)
        for line in promise.late:
            text = (
                f"The credit {row.credit_id} ended on {row.ends_on}, but {money(-int(line.amount), line.currency)} "
                f"are still credited in {line.month}."
            )
            yield make(
                books,
                rule,
                subject=("charge", line.charge_id),
                month=line.month,
                cause=row.credit_id,
                text=text,
                amount=int(line.amount),
                currency=line.currency,
                claim="informative",
                expected=0,
                actual=int(line.amount),
                facts=[
                    evidence("credits_promised", row.credit_id, line.month, "ends_on", row.ends_on),
                    evidence("charges", line.charge_id, line.month, "amount", int(line.amount)),
                ],
                stakes={line.charge_id: int(line.amount)},
                service_id=line.service_id,
                account_id=line.account_id,
                invoices=[line.invoice_id],
                contract_id=line.terms_id,
            )


@check("C14")
def promised_credit(books: Books, rule: Rule) -> Iterator[Finding]:
    """A promised credit never appears, or what came falls short of it in total."""
    for promise in promises(books):
        row = promise.row
        if promise.monthly:
            seen = False
            for month, _, received, short in _owed(books, promise):
                seen = seen or received > 0
                due = (row.due_by or "")[:7] <= month
                if due and rule.beyond(short) and (received > 0 or not seen):
                    text = (
                        f"The credit {row.credit_id} of {money(int(row.amount), row.currency)} a month is promised for "
                        f"{month}; {money(received, row.currency)} came."
                    )
                    yield _credit(books, rule, promise, month, short, text)
            continue
        due_by = row.due_by or row.ends_on or row.starts_on
        if not due_by or due_by > books.as_of or due_by[:7] < (books.months[0] if books.months else ""):
            continue
        month = due_by[:7]
        received = sum(amount for when, amount in promise.received.items() if when <= month)
        short = int(row.amount) - received
        if rule.beyond(short) and short > 0:
            text = (
                f"The {row.reason or 'promised'} credit {row.credit_id} of "
                f"{money(int(row.amount), row.currency)} was due "
                f"by {due_by}; {money(received, row.currency)} came."
            )
            yield _credit(books, rule, promise, month, short, text)


def _credit(books: Books, rule: Rule, promise: Promise, month: str, short: int, text: str) -> Finding:
    row = promise.row
    account = books.accounts.get(row.account_id or "")
    currency = row.currency or (account.currency if account else None)
    service = row.service_id
    received = promise.received.get(month, 0)
    subject = (
        ("service", service)
        if service
        else ("account", row.account_id)
        if row.account_id
        else ("carrier", row.carrier_id or "unknown")
    )
    facts = [
        evidence("credits_promised", row.credit_id, month, "amount", int(row.amount), f"{row.cadence or 'once'}"),
        evidence("charges", row.item_code or "", month, "amount", -received, "credits received"),
    ]
    return make(
        books,
        rule,
        subject=subject,
        month=month,
        cause=row.credit_id,
        text=text,
        amount=short,
        currency=currency,
        expected=-int(row.amount),
        actual=-received,
        facts=facts,
        service_id=service,
        account_id=row.account_id,
        carrier_id=row.carrier_id,
        invoices=_invoice_of(books, row, month),
        contract_id=_terms(books, row),
    )


def _invoice_of(books: Books, row: Any, month: str) -> list[str]:
    lines = books.all_lines
    mine = lines["service_id"] == row.service_id if row.service_id else lines["account_id"] == row.account_id
    return sorted(lines.loc[mine & (lines["month"] == month), "invoice_id"].unique())[:1]


def _terms(books: Books, row: Any) -> str | None:
    service = books.services.get(row.service_id or "")
    if service is not None and service.contract_id:
        return str(service.contract_id)
    own = [c for c in books.contracts.values() if c.carrier_id == row.carrier_id]
    return own[0].contract_id if len(own) == 1 else None
