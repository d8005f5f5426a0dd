"""Single charges: rules C2 to C6 and C8 to C10.

Repeated (C2), late fees (C3), exits (C4), one-off fees (C5), avoidable extras (C6), moves (C8), proration (C9), foreign
carriers (C10).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pandas as pd

from audit.build import evidence, money, of_charge
from audit.context import Books, rows
from audit.dating import ordinal
from audit.pricing import amount_of, full_rate, is_access, part_of_month, unit_of, with_rates
from audit.registry import Rule, check
from core import periods
from core.findings import Finding
from core.money import SCALE, to_text


@check("C2")
def repeated_charge(books: Books, rule: Rule) -> Iterator[Finding]:
    """The same charge stands twice: account, service, item, period and amount are equal, and no credit reverses one."""
    lines = books.lines
    chosen = lines[(lines["amount"] > 0) & ~lines["category"].isin(["usage", "tax"])].copy()
    text = ["service_id", "billed_number", "item_code", "description", "until"]
    for column in text:
        chosen[column] = chosen[column].fillna("")
    chosen["what"] = chosen["item_code"].where(chosen["item_code"] != "", chosen["description"])
    alone = chosen["service_id"] == ""
    chosen["scope"] = chosen["invoice_id"].where(alone, "")
    chosen["who"] = chosen["service_id"].where(~alone, chosen["billed_number"])
    keys = ["account_id", "scope", "who", "category", "what", "day", "until", "amount"]
    twice = chosen[chosen.duplicated(keys, keep=False)]
    if twice.empty:
        return
    orders = twice.assign(issued=twice["issued_on"].fillna("")).sort_values(
        [*keys, "issued", "invoice_id", "charge_id"]
    )
    reversals = _reversals(books)
    for _, group in orders.groupby(keys, sort=True, dropna=False):
        members = list(rows(group))
        first = members[0]
        ids = {row.charge_id for row in members}
        given = reversals(first, ids)
        for row in members[1:]:
            if given + int(row.amount) <= rule.tolerance and given < 0:
                given += int(row.amount)
                continue
            stake = int(row.amount) + min(0, given)
            given = 0
            where = "the same bill" if row.invoice_id == first.invoice_id else f"invoice {first.invoice_id}"
            said = (
                f"{row.description or row.item_code} for {row.day} to {row.until or row.day} is billed again: {where} "
                f"already has it with the same amount, and no credit takes it back."
            )
            facts = [
                evidence("charges", first.charge_id, first.month, "amount", int(first.amount), "the first one"),
                evidence(
                    "services",
                    row.service_id or row.billed_number,
                    row.month,
                    "service_id",
                    row.service_id or None,
                    f"item {row.item_code or '-'}",
                ),
            ]
            yield of_charge(
                books,
                rule,
                _blank(row),
                stake,
                said,
                cause=f"{row.what}",
                expected=0,
                actual=int(row.amount),
                facts=facts,
            )


def _blank(row: Any) -> Any:
    return row._replace(service_id=row.service_id or None)


def _reversals(books: Books) -> Any:
    lines = books.lines
    credits = lines[(lines["amount"] < 0) & lines["category"].isin(["credit", "adjustment", "mrc", "nrc", "occ"])]
    named: dict[str, list[Any]] = defaultdict(list)
    loose: dict[tuple[Any, ...], list[Any]] = defaultdict(list)
    for row in rows(credits):
        if row.related_charge_id:
            named[row.related_charge_id].append(row)
        elif row.service_id:
            loose[row.account_id, row.service_id, -int(row.amount)].append(row)

    def total(first: Any, ids: set[str]) -> int:
        found = [r for charge in ids for r in named.get(charge, ()) if r.month <= first.month]
        found += [
            r
            for r in loose.get((first.account_id, first.service_id, int(first.amount)), ())
            if r.month == first.month and r.item_code in (None, first.item_code or None)
        ]
        return sum(int(r.amount) for r in found)

    return total


@check("C3")
def late_fee(books: Books, rule: Rule) -> Iterator[Finding]:
    """A late-payment fee; to be claimed back where the payments show that the invoice was paid in time."""
    lines = books.lines
    chosen = lines[((lines["category"] == "late_fee") | (lines["nature"] == "late_fee")) & (lines["amount"] > 0)]
    if chosen.empty:
        return
    paid = books.frames["payments"]
    invoices = books.frames["invoices"]
    for row in rows(chosen.sort_values("charge_id")):
        late = _fined_invoice(books, invoices, row)
        facts, claim = [], rule.claim
        said = f"{row.description or 'A late-payment fee'} of {money(int(row.amount), row.currency)} was charged."
        if late is not None and late.due_on and len(paid):
            end = periods.month_end(row.month)
            mine = paid[(paid["invoice_id"] == late.invoice_id) & (paid["paid_on"] <= end)].sort_values("paid_on")
            timely = int(mine.loc[mine["paid_on"] <= late.due_on, "amount"].sum())
            facts = [
                evidence(
                    "invoices", late.invoice_id, late.month, "due_on", late.due_on, f"total {to_text(int(late.total))}"
                )
            ]
            facts += [
                evidence("payments", late.invoice_id, late.month, "paid_on", p.paid_on, to_text(int(p.amount)))
                for p in rows(mine)
            ]
            if timely >= int(late.total) > 0:
                claim = "recoverable"
                said += f" Invoice {late.number or late.invoice_id} was due on {late.due_on} and paid in time."
            else:
                said += f" Invoice {late.number or late.invoice_id} was not paid in full by {late.due_on}."
        yield of_charge(
            books,
            rule,
            row,
            int(row.amount),
            said,
            cause=row.charge_id,
            claim=claim,
            expected=0,
            actual=int(row.amount),
            facts=facts,
        )


def _fined_invoice(books: Books, invoices: pd.DataFrame, row: Any) -> Any:
    if row.related_charge_id:
        lines = books.all_lines
        named = lines.loc[lines["charge_id"] == row.related_charge_id, "invoice_id"]
        if len(named):
            return books.invoices.get(named.iloc[0])
    fee = books.invoices[row.invoice_id]
    mine = invoices[
        (invoices["account_id"] == row.account_id)
        & (invoices["invoice_id"] != row.invoice_id)
        & (invoices["kind"].fillna("invoice") == "invoice")
        & ~invoices["invoice_id"].isin(books.duplicate_invoices)
    ]
    before = mine[mine["month"] < (fee.month or "")].sort_values(["month", "invoice_id"])
    return books.invoices[before["invoice_id"].iloc[-1]] if len(before) else None


@check("C4")
def exit_fee(books: Books, rule: Rule) -> Iterator[Finding]:
    """An early-termination fee that is not what the contract's rule gives."""
    lines = books.lines
    for row in rows(lines[(lines["nature"] == "etf") & (lines["amount"] > 0)].sort_values("charge_id")):
        right = _exit_price(books, row)
        stake = 0 if right is None else int(row.amount) - right
        if right is not None and (not rule.beyond(stake, right) or stake < 0):
            continue
        said = f"An early-termination fee of {money(int(row.amount), row.currency)} was charged."
        said += (
            f" The contract gives {money(right, row.currency)}."
            if right is not None
            else " The contract's rule is unknown."
        )
        facts = [evidence("contracts", row.terms_id or "", row.month, "etf_rule", None, "term end of the service")]
        yield of_charge(
            books,
            rule,
            row,
            stake,
            said,
            cause=row.charge_id,
            expected=right,
            actual=int(row.amount),
            facts=facts,
            claim="recoverable" if stake > 0 else "informative",
        )


def _exit_price(books: Books, row: Any) -> int | None:
    contract, service = books.contracts.get(row.contract_id or ""), books.services.get(row.service_id or "")
    if contract is None or service is None or contract.etf_rule is None:
        return None
    if contract.etf_rule == "none":
        return 0
    gone = service.disconnected_on or row.day
    end = service.term_end_on
    left = max(0, periods.month_distance(gone[:7], end[:7])) if end else 0
    if contract.etf_rule == "fixed":
        return int(contract.etf_amount or 0) if left else 0
    plan = books.plans.get(service.plan_id or "")
    if plan is None:
        return None
    factor = SCALE if contract.etf_amount is None else int(contract.etf_amount)
    return amount_of(int(plan.mrc), factor, left, books.cents(row.currency))


@check("C5")
def unexpected_fee(books: Books, rule: Rule) -> Iterator[Finding]:
    """A one-off charge without an order near it, or above the order's price."""
    orders = books.frames["orders"]
    if orders.empty:
        return
    window = rule.whole("order_days")
    usable = orders[orders["status"].fillna("") != "cancelled"]
    by_service: dict[str, list[Any]] = defaultdict(list)
    by_account: dict[str, list[Any]] = defaultdict(list)
    for order in rows(usable.sort_values("order_id")):
        if order.service_id:
            by_service[order.service_id].append(order)
        if order.account_id:
            by_account[order.account_id].append(order)
    lines = books.lines
    natures = rule.names("natures")
    chosen = lines[
        (lines["amount"] > 0)
        & (
            ((lines["category"] == "nrc") & ~lines["nature"].isin(["etf", "late_fee", *rule.names("other_rules")]))
            | (lines["nature"].isin(natures) & (lines["category"] != "tax"))
        )
    ]
    for row in rows(chosen.sort_values("charge_id")):
        pool = by_service.get(row.service_id, []) if row.service_id else by_account.get(row.account_id, [])
        near = [o for o in pool if _near(o, row, window)]
        own = [o for o in near if o.item_code == row.item_code and o.item_code]
        near = own or [
            o
            for o in near
            if not o.item_code
            or books.items.get((row.carrier_id, o.item_code)) is None
            or books.items[row.carrier_id, o.item_code].nature == "access"
        ]
        priced = [int(o.nrc_amount) for o in near if o.nrc_amount is not None]
        facts = [
            evidence("orders", o.order_id, row.month, "nrc_amount", o.nrc_amount, f"{o.type} {_when(o)}") for o in near
        ]
        if not near:
            stake, right = int(row.amount), 0
            said = (
                f"{row.description or row.item_code} of {money(stake, row.currency)} has no order of this "
                f"{'service' if row.service_id else 'account'} within {window} days."
            )
            facts = [evidence("orders", row.service_id or row.account_id, row.month, "order_id", None, "no order")]
        elif priced and rule.beyond(int(row.amount) - max(priced)) and row.amount > max(priced):
            right = max(priced)
            stake = int(row.amount) - right
            said = f"{row.description or row.item_code} is {money(stake, row.currency)} above what was ordered."
        else:
            continue
        yield of_charge(
            books, rule, row, stake, said, cause=row.charge_id, expected=right, actual=int(row.amount), facts=facts
        )


def _when(order: Any) -> str | None:
    found: str | None = order.completed_on or order.ordered_on or order.requested_on or order.due_on
    return found


def _near(order: Any, row: Any, window: int) -> bool:
    days = [d for d in (order.requested_on, order.ordered_on, order.completed_on, order.due_on) if d]
    seen = [d for d in days if d <= periods.month_end(row.month)]
    last = max(row.day, row.until or row.day)
    return any(ordinal(row.day) - window <= ordinal(d) <= ordinal(last) + window for d in seen)


@check("C6")
def avoidable_extra(books: Books, rule: Rule) -> Iterator[Finding]:
    """Paper invoices, non-published listings, inside wire, unreturned equipment."""
    lines = books.lines
    chosen = lines[lines["nature"].isin(rule.names("natures")) & (lines["amount"] > 0) & (lines["category"] != "tax")]
    for row in rows(chosen.sort_values("charge_id")):
        said = (
            f"{row.description or row.item_code} costs {money(int(row.amount), row.currency)} "
            f"({row.nature.replace('_', ' ')}) and can usually be dropped."
        )
        yield of_charge(
            books,
            rule,
            row,
            int(row.amount),
            said,
            cause=row.item_code or row.nature,
            expected=0,
            actual=int(row.amount),
            facts=[evidence("items", row.item_code or "", row.month, "nature", row.nature)],
        )


@check("C8")
def moved_balance(books: Books, rule: Rule) -> Iterator[Finding]:
    """A positive adjustment or a balance transfer: money without a service behind it."""
    lines = books.lines
    floor = rule.micros("at_least")
    chosen = lines[
        ((lines["category"] == "adjustment") | (lines["nature"] == "balance_transfer"))
        & (lines["amount"] >= floor)
        & lines["related_charge_id"].isna()
    ]
    for row in rows(chosen.sort_values("charge_id")):
        said = (
            f"{row.description or 'An adjustment'} of {money(int(row.amount), row.currency)} has to be "
            "explained by the carrier."
        )
        yield of_charge(books, rule, row, int(row.amount), said, cause=row.charge_id, actual=int(row.amount))


@check("C9")
def proration(books: Books, rule: Rule) -> Iterator[Finding]:
    """A part of a month is not billed as the contract prorates it."""
    lines = books.lines
    chosen = lines[(lines["category"] == "mrc") & (lines["amount"] > 0) & lines["proration"].notna()]
    started = (chosen["activated_on"] > chosen["day"]) & (chosen["activated_on"] <= chosen["until"])
    started = started.fillna(False).astype(bool) & (chosen["whole_months"] == 1)
    chosen = chosen[(chosen["whole_months"] == 0) | started]
    for row in rows(with_rates(books, chosen)):
        base = full_rate(row, row.rate)
        if base is None or (is_access(books, row) and books.idle_days(row.service_id, row.day, row.until)):
            continue
        days = int(row.days)
        if row.whole_months:
            if row.proration == "full_month":
                continue
            days = ordinal(row.until) - ordinal(row.activated_on) + 1
        elif row.activated_on and row.day < row.activated_on <= row.until:
            days = ordinal(row.until) - ordinal(row.activated_on) + 1
        share = part_of_month(days, int(row.month_days), row.proration)
        right = amount_of(base, row.quantity, share, unit_of(books, row))
        stake = int(row.amount) - right
        if not rule.beyond(stake):
            continue
        way = {"thirty_day": "thirtieths of the month", "full_month": "whole months"}.get(
            row.proration, "the month's days"
        )
        said = (
            f"{row.description or row.item_code} covers {days} of {int(row.month_days)} days of "
            f"{row.month}. Prorated by "
            f"{way} it costs {money(right, row.currency)}, billed are {money(int(row.amount), row.currency)}."
        )
        facts = [
            evidence("contracts", row.contract_id, row.month, "proration", row.proration),
            evidence("services", row.service_id, row.month, "activated_on", row.activated_on),
            evidence(
                "charges", row.charge_id, row.month, "period", f"{row.day} to {row.until}", f"full rate {to_text(base)}"
            ),
        ]
        yield of_charge(
            books,
            rule,
            row,
            stake,
            said,
            cause=row.charge_id,
            expected=right,
            actual=int(row.amount),
            facts=facts,
            claim="recoverable" if stake > 0 else "informative",
        )


def foreign_numbers(books: Books) -> dict[str, str]:
    """Charges that bill the number of a service of another carrier, without a port order: charge -> service.

    Silent where no orders are loaded. Computed once.
    """
    if "foreign_numbers" not in books.__dict__:
        books.__dict__["foreign_numbers"] = _foreign(books)
    found: dict[str, str] = books.__dict__["foreign_numbers"]
    return found


def _foreign(books: Books) -> dict[str, str]:
    orders = books.frames["orders"]
    if orders.empty:
        return {}
    ported: dict[str, str] = {}
    for order in rows(orders[(orders["type"] == "port") & (orders["status"].fillna("") != "cancelled")]):
        day = min(d for d in (order.requested_on, order.ordered_on, order.completed_on, "9999") if d)
        ported[order.service_id] = min(day, ported.get(order.service_id, "9999"))
    lines = books.lines
    positive = lines[(lines["amount"] > 0) & (lines["category"] != "tax")]
    found = {}
    matched = positive[positive["service_id"].notna() & (positive["s_carrier"] != positive["carrier_id"])]
    for row in rows(matched[["charge_id", "service_id", "month", "s_carrier"]]):
        if row.s_carrier and not _ported(ported, row.service_id, row.month):
            found[row.charge_id] = row.service_id
    owners: dict[str, list[Any]] = defaultdict(list)
    for span in rows(books.spans[books.spans["number"].notna()]):
        if span.status != "disconnected":
            owners[_digits(span.number)].append(span)
    loose = positive[positive["service_id"].isna() & positive["billed_number"].notna()]
    for row in rows(loose):
        for span in owners.get(_digits(row.billed_number), ()):
            live = span.valid_from <= row.day < span.valid_to and (span.disconnected_on or "9999") > row.day
            if live and span.carrier_id != row.carrier_id and not _ported(ported, span.service_id, row.month):
                found[row.charge_id] = span.service_id
    return found


def _ported(ported: dict[str, str], service: str, month: str) -> bool:
    return ported.get(service, "9999")[:7] <= month


def _digits(number: str) -> str:
    return "".join(c for c in number if c.isalnum()).upper()


@check("C10")
def slamming(books: Books, rule: Rule) -> Iterator[Finding]:
    """Another carrier bills the number of a service, and no order ported it."""
    hits = foreign_numbers(books)
    lines = books.lines
    for row in rows(lines[lines["charge_id"].isin(hits)].sort_values("charge_id")):
        service = books.services[hits[row.charge_id]]
        said = (
            f"Carrier {row.carrier_id} bills the number {row.billed_number or service.number}, "
            "which belongs to a service of "
            f"carrier {service.carrier_id}. No order ported it."
        )
        facts = [
            evidence("services", service.service_id, row.month, "carrier_id", service.carrier_id),
            evidence("orders", service.service_id, row.month, "type", None, "no port order"),
        ]
        yield of_charge(
            books,
            rule,
            row._replace(service_id=service.service_id),
            int(row.amount),
            said,
            cause=row.carrier_id or "",
            expected=0,
            actual=int(row.amount),
            facts=facts,
        )
