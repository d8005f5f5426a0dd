"""A transaction that was read to its end becomes a bill (invoice, charges, calls), or is set aside with the reason."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from typing import Any

from core import periods
from core.money import round_half_up
from loaders.carriers import line_states
from loaders.contract import Bill, BillLine, Rejected, SourceRow
from loaders.reading.declare import cycle_period
from loaders.x12 import values
from loaders.x12.invoice import Transaction
from loaders.x12.parts import Call, Charge, Draft, Leaf, Outline
from loaders.x12.tie import Tie

_WIRELESS = ("wireless", "mobil", "cellular", "firstnet", "verizon", "t-mobile")
_FIXED = {"TCD": "call", "USD": "rate band"}


def set_aside(transaction: Transaction, reason: str) -> list[Rejected]:
    """Every segment of the transaction, those that were bad with their own reason, the others with this one."""
    own = {rejected.row.line: rejected for rejected in transaction.rejected}
    return [own.get(row.line, Rejected(row, None, None, None, reason)) for row in transaction.rows(with_bad=True)]


def problem_of(transaction: Transaction) -> str | None:
    """Why the transaction makes no invoice, None if it does."""
    shown = f"transaction {transaction.control or 'without number'}"
    if transaction.issued_on is None:
        return f"{shown} has no readable BIG segment with the invoice date"
    if transaction.account() is None:
        return f"{shown} names no account (REF 12, 11, 1L or 14)"
    if transaction.total is None:
        return f"{shown} has no readable TDS segment with the total"
    return None


def bill_of(transaction: Transaction, tied: Tie, sender: str) -> tuple[Bill, list[Rejected]]:
    """The bill, and the segments that could not be used. Only for a transaction without :func:`problem_of`."""
    account, issued = transaction.account(), transaction.issued_on
    assert account
    assert issued
    first, last = _period(transaction)
    previous, paid = transaction.carried()
    carrier = transaction.carrier() or sender or "unknown carrier"
    memo = transaction.is_credit_note() and tied.total > 0
    sign = -1 if memo else 1
    bill = Bill(
        carrier_id=values.carrier_id(carrier),
        carrier_name=carrier,
        carrier_is_named=True,
        account_number=account,
        account_name=transaction.customer(),
        number=transaction.number or f"{account}-{issued.replace('-', '')}",
        currency=transaction.currency or "USD",
        country="US",
        issued_on=issued,
        period_start=first,
        period_end=last,
        due_on=_due(transaction),
        previous_balance=previous,
        payments=paid,
        total=sign * tied.total,
        kind="credit_note" if transaction.is_credit_note() else "invoice",
        attributes=_attributes(transaction, tied),
    )
    _charges(bill, transaction, tied, sign)
    rejected = [*transaction.rejected, *_usage(bill, transaction)]
    bill.many_rows = transaction.rows()
    for remark in tied.remarks:
        transaction.count(remark)
    if memo:
        transaction.count("credit memo")
    return bill, sorted(rejected, key=lambda item: item.row.line)


def _period(transaction: Transaction) -> tuple[str | None, str | None]:
    """Invoice period (DTM 186, 187), else service period (150, 151); put in order, the missing end filled in."""
    dates = transaction.dates
    first = dates.get("186") or dates.get("150")
    last = dates.get("187") or dates.get("151")
    if first is None and last is None:
        root = transaction.root
        first, last = root.start, root.end
    return ordered(transaction, first, last)


def ordered(transaction: Transaction, first: str | None, last: str | None) -> tuple[str | None, str | None]:
    """A period with its days in order; one day alone is completed to a month."""
    if first and last:
        if first > last:
            transaction.count("inverted dates")
            return last, first
        return first, last
    if first:
        return first, periods.add_days(periods.add_months(first, 1), -1)
    return cycle_period(last) if last else (None, None)


def _due(transaction: Transaction) -> str | None:
    dates = transaction.dates
    due = transaction.due_on or dates.get("814") or dates.get("011")
    return due if due and due >= (transaction.issued_on or "") else None


def _attributes(transaction: Transaction, tied: Tie) -> dict[str, str]:
    found = {
        f"reference {code}": value for code, value in transaction.accounts.items() if len(transaction.accounts) > 1
    }
    if transaction.purpose not in {"", "00"}:
        found["purpose"] = transaction.purpose
        transaction.count(f"purpose {transaction.purpose}")
    if transaction.type not in {"", "CR"}:
        found["transaction type"] = transaction.type
        if transaction.type == "ME":
            transaction.count("memorandum")
    if not tied.tied:
        found["tie"] = "TDS does not equal the charges"
    return found


def _charges(bill: Bill, transaction: Transaction, tied: Tie, sign: int) -> None:
    """Add the charges and their lines to the bill, and mark the states of the lines."""
    mobile = any(word in bill.carrier_name.casefold() for word in _WIRELESS)
    kind = "mobile" if mobile else "fixed_voice"
    lines, charges = bill.lines, bill.charges
    main = transaction.account()
    rest: list[Charge] = []
    full: set[str] = set()
    met_again = False
    plain: dict[Outline, bool] = {}
    for entry in tied.drafts:
        if isinstance(entry, Leaf):
            outline = entry.outline
            charges += entry.charges
            number = entry.line
            if number is not None and entry.positive:
                if outline not in plain:
                    state = line_states.line_state(entry.charges, bill.period_start, bill.period_end)
                    plain[outline] = state == line_states.FULL and not outline.lines[0][2]
                if plain[outline] and number not in lines:
                    lines[number] = BillLine(number, kind)
                    full.add(number)
                    continue
            found = entry.lines()
            rest += entry.charges
        else:
            charge = charge_of(transaction, entry, sign, unit_prices=tied.unit_prices)
            if charge is None:
                continue
            if entry.level.account and entry.level.account != main:
                charge["attributes"] = {**(entry.said.others or {}), "sub account": entry.level.account}
            number_or_none, circuit = entry.place()
            found = [(number_or_none, circuit)] if number_or_none else []
            charges.append(charge)
            rest.append(charge)
        for number, circuit in found:
            if number not in lines:
                lines[number] = BillLine(number, "circuit" if circuit else kind)
            elif number in full:
                met_again = True
    line_states.mark(bill) if met_again else line_states.mark(bill, full, rest)


def charge_of(transaction: Transaction, draft: Draft, sign: int = 1, *, unit_prices: bool = False) -> Charge | None:
    """The charge that a draft becomes, None (which is counted) where the file gives no amount.

    `sign` is -1 in a credit memo; `unit_prices` says that quantity x unit price counts, not AMT.
    """
    said, facts = draft.said, draft.facts
    value = facts.priced if unit_prices and facts.priced is not None else said.value
    if value is None:
        transaction.count("no amount")
        return None
    amount, words = sign * facts.sign * value, draft.words()
    charge: Charge = {
        "billed_number": draft.place()[0],
        "category": values.category(words or "", facts.kind, amount < 0),
        "item_code": said.code or facts.code,
        "description": words,
        "amount": amount,
    }
    quantity = facts.quantity if said.quantity is None else said.quantity
    if quantity is not None:
        charge["quantity"] = quantity
    if facts.rate is not None:
        charge["unit_rate"] = facts.rate
    if said.others:
        charge["attributes"] = said.others
    start, end = draft.dates()
    if start or end:
        if not (start and end and start <= end):
            start, end = ordered(transaction, start, end)
        charge["period_start"], charge["period_end"] = start, end
    return charge


def _usage(bill: Bill, transaction: Transaction) -> list[Rejected]:
    """Calls (TCD) and rate bands (USD) as events, and their sums per line as usage; calls win over bands."""
    rejected = []
    sums: dict[tuple[str, str, str, str, str], list[int]] = {}
    for call in transaction.calls:
        level = call.level.named()
        number = level.number if level else call.number
        if not number or call.segment in transaction.bad:
            if call.segment not in transaction.bad:
                transaction.bad.add(call.segment)
                reason = f"the {_FIXED[call.tag]} belongs to no number"
                row = SourceRow(None, call.segment, call.raw)
                rejected.append(Rejected(row, "HL", "", "a level with SI or REF that names a number", reason))
            continue
        bill.lines.setdefault(number, BillLine(number, "fixed_voice"))
        event = _event(bill, call, number)
        bill.events.append(event)
        if event["quantity"] is not None and call.sign:
            month = event["started_at"][:7] if bill.period_start is None else bill.period_start[:7]
            key = (number, month, event["usage_type"], event["zone"], call.tag)
            entry = sums.setdefault(key, [0, 0])
            entry[0] += call.sign * event["quantity"]
            entry[1] += event["cost"] or 0
    for (number, month, kind, zone, tag), (quantity, cost) in sums.items():
        if quantity < 0 or (tag == "USD" and (number, month, kind, zone, "TCD") in sums):
            continue
        bill.usage.append(
            {
                "billed_number": number,
                "month": month,
                "usage_type": kind,
                "zone": zone,
                "quantity": quantity,
                "unit": {"data": "MB", "voice": "min", "sms": "msg"}[kind],
                "cost": cost,
                "currency": bill.currency,
                "period_start": bill.period_start,
                "period_end": bill.period_end,
            }
        )
    return rejected


def _event(bill: Bill, call: Call, number: str) -> dict[str, Any]:
    words = f"{call.words} {call.level.words()}".casefold()
    kind, unit, quantity = _measured(call.unit, call.quantity, words)
    to_phone, from_phone = values.phone(call.to_place), values.phone(call.from_place)
    incoming = to_phone is not None and to_phone[-10:] == values.phone(number or "")
    peer = from_phone if incoming else to_phone
    if peer is None and call.number and call.number != number:
        peer = call.number
    cost = call.amount
    return {
        "billed_number": number,
        "started_at": f"{call.day or _first_day(bill, call)}T{call.clock}",
        "direction": "in" if incoming else "out",
        "usage_type": kind,
        "zone": _zone(words, call.to_place),
        "peer_number": peer,
        "quantity": quantity,
        "unit": unit,
        "duration_s": quantity * 60 if kind == "voice" and quantity is not None and call.tag == "TCD" else None,
        "cost": None if cost is None else (call.sign or 1) * cost,
        "currency": bill.currency,
    }


def _first_day(bill: Bill, call: Call) -> str:
    start, end = call.level.dates()
    return start or end or bill.period_start or bill.issued_on


@lru_cache(maxsize=50_000)
def _measured(unit: str, measured: int | None, words: str) -> tuple[str, str, int | None]:
    """(usage type, canonical unit, quantity) of what a file measures in its unit, or only describes in words."""
    known = values.UNITS.get(unit)
    if known and measured is not None and measured >= 0:
        kind, canonical, times, parts = known
        return kind, canonical, round_half_up(Fraction(measured * times, parts))
    if any(word in words for word in ("text", "messag", "sms")):
        return "sms", "msg", measured if measured is None or measured >= 0 else None
    if "data" in words or "internet" in words:
        return "data", "MB", None
    return "voice", "min", None


def _zone(words: str, called: str) -> str:
    if "directory" in words or called.strip() == "411":
        return "directory"
    if "roam" in words:
        return "roaming"
    if "international" in words or "intl" in words or called.strip().startswith("011"):
        return "international"
    if "premium" in words or "900 " in words:
        return "premium"
    return "home"
