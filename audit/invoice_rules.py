"""Whole invoices: repeated (C1), taxes (C7), arithmetic (C11), missing (C12), unusual service totals (C13)."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from audit.build import evidence, make, money, of_charge
from audit.context import Books, rows
from audit.pricing import amount_of, unit_of
from audit.registry import Rule, check
from core import periods
from core.findings import Finding
from core.money import SCALE, round_half_up, to_text

_MONTH = 365.2425 / 12  # days


@check("C1")
def repeated_invoice(books: Books, rule: Rule) -> Iterator[Finding]:
    """A second invoice with the number, or with the period and the lines, of an earlier one."""
    lines = books.all_lines
    for later, first in sorted(books.duplicate_invoices.items()):
        invoice, earlier = books.invoices[later], books.invoices[first]
        mine = lines[(lines["invoice_id"] == later) & (lines["category"] != "tax")]
        stakes = {str(c): int(a) for c, a in zip(mine["charge_id"], mine["amount"], strict=True) if a}
        amount = sum(stakes.values())
        currency = invoice.currency or books.accounts[invoice.account_id].currency
        same = (
            "its number" if invoice.number and invoice.number == earlier.number else "its period and its charge lines"
        )
        said = (
            f"Invoice {later} repeats {first}: {same} are the same. Its {len(stakes)} charges, "
            f"{money(amount, currency)} before tax, should not be paid."
        ).replace("its number are", "its number is")
        yield make(
            books,
            rule,
            subject=("invoice", later),
            month=invoice.month,
            cause=first,
            text=said,
            amount=amount,
            currency=currency,
            expected=0,
            actual=amount,
            facts=[
                evidence("invoices", first, earlier.month, "number", earlier.number, "the first invoice"),
                evidence(
                    "invoices", later, invoice.month, "number", invoice.number, f"total {to_text(int(invoice.total))}"
                ),
            ],
            stakes=stakes,
            account_id=invoice.account_id,
            invoices=[later],
            contract_id=mine["terms_id"].dropna().iloc[0] if mine["terms_id"].notna().any() else None,
        )


@check("C7")
def taxes(books: Books, rule: Rule) -> Iterator[Finding]:
    """A tax is not the rate on what it applies to, or is billed to an exempt account."""
    lines = books.lines
    yield from _exempt(books, rule)
    tax_rules = list(rows(books.frames["tax_rules"].sort_values(["country", "item_code"])))
    if not tax_rules:
        return
    carriers = {c.carrier_id: c.country for c in rows(books.frames["carriers"])}
    heads = {}
    for account_id, account in books.accounts.items():
        heads[account_id] = (account.country or carriers.get(account.carrier_id), _codes(account.tax_exempt))
    wanted = lines[lines["account_id"].isin([a for a, (country, _) in heads.items() if country])]
    groups = dict(iter(wanted.groupby("invoice_id", sort=True)))
    for invoice_id, group in groups.items():
        invoice = books.invoices[str(invoice_id)]
        country, free = heads[invoice.account_id]
        for tax in tax_rules:
            if tax.country != country or "all" in free or tax.item_code in free:
                continue
            billed = group[(group["category"] == "tax") & (group["item_code"] == tax.item_code)]
            day = billed["day"].iloc[0] if len(billed) else invoice.period_start or invoice.issued_on
            if not ((tax.effective_from or "") <= day <= (tax.effective_to or "9999")):
                continue
            applies = [part.strip() for part in (tax.applies_to or "").split("|") if part.strip()]
            taxed = group[group["category"].isin(applies)]
            if taxed.empty and billed.empty:
                continue
            yield from _tax(books, rule, invoice, tax, taxed, list(rows(billed.sort_values("charge_id"))))


def _codes(text: str | None) -> set[str]:
    return {part.strip() for part in (text or "").split("|") if part.strip()}


def _exempt(books: Books, rule: Rule) -> Iterator[Finding]:
    lines = books.lines
    free = {a: codes for a, row in books.accounts.items() if (codes := _codes(row.tax_exempt))}
    chosen = lines[(lines["category"] == "tax") & (lines["amount"] > 0) & lines["account_id"].isin(free)]
    for row in rows(chosen.sort_values("charge_id")):
        if "all" not in free[row.account_id] and row.item_code not in free[row.account_id]:
            continue
        said = (
            f"{row.description or row.item_code} of {money(int(row.amount), row.currency)} is billed to account "
            f"{row.account_id}, which is exempt from it."
        )
        yield of_charge(
            books,
            rule,
            row,
            int(row.amount),
            said,
            cause=f"exempt {row.item_code}",
            expected=0,
            actual=int(row.amount),
            facts=[
                evidence("accounts", row.account_id, row.month, "tax_exempt", "|".join(sorted(free[row.account_id])))
            ],
        )


def _tax(books: Books, rule: Rule, invoice: Any, tax: Any, taxed: pd.DataFrame, billed: list[Any]) -> Iterator[Finding]:
    base = int(taxed["amount"].sum())
    currency = invoice.currency or books.accounts[invoice.account_id].currency
    right = round_half_up(Fraction(base * int(tax.rate), SCALE), books.cents(currency))
    actual = sum(int(row.amount) for row in billed)
    stake = actual - right
    if abs(stake) <= rule.tolerance * max(1, len(taxed)):
        return
    percent = to_text(int(tax.rate) * 100, 0)
    said = (
        f"{tax.description or tax.item_code} of {percent} % on {money(base, currency)} is {money(right, currency)}; "
        f"{money(actual, currency)} {'is' if billed else 'was'} billed."
    )
    facts = [
        evidence(
            "tax_rules", f"{tax.country}/{tax.item_code}", invoice.month, "rate", int(tax.rate), tax.applies_to or ""
        ),
        evidence("invoices", invoice.invoice_id, invoice.month, "taxed", base, f"{len(taxed)} charges"),
        *(evidence("charges", row.charge_id, row.month, "amount", int(row.amount)) for row in billed),
    ]
    common: dict[str, Any] = {
        "cause": tax.item_code or "",
        "expected": right,
        "actual": actual,
        "facts": facts,
        "claim": "recoverable" if stake > 0 else "informative",
    }
    if len(billed) == 1:
        yield of_charge(books, rule, billed[0], stake, said, **common)
        return
    stakes: dict[str, int] = {}
    left = stake
    for row in billed:
        stakes[row.charge_id] = min(left, int(row.amount)) if stake > 0 else 0
        left -= stakes[row.charge_id]
    yield make(
        books,
        rule,
        subject=("invoice", invoice.invoice_id),
        month=invoice.month,
        text=said,
        amount=stake,
        currency=currency,
        account_id=invoice.account_id,
        invoices=[invoice.invoice_id],
        contract_id=taxed["terms_id"].dropna().iloc[0] if taxed["terms_id"].notna().any() else None,
        stakes={c: s for c, s in stakes.items() if s},
        **common,
    )


@check("C11")
def arithmetic(books: Books, rule: Rule) -> Iterator[Finding]:
    """An invoice's lines do not add up to its total, or quantity times rate is not a line's amount."""
    lines = books.lines
    sums = lines.groupby("invoice_id")["amount"].sum()
    whole = books.frames["charges"].groupby("invoice_id")["amount"].sum()
    for invoice_id, total in sums.items():
        invoice = books.invoices[str(invoice_id)]
        lines_total = int(whole[invoice_id]) if invoice_id in whole.index else int(total)
        stake = int(invoice.total) - lines_total
        if not rule.beyond(stake):
            continue
        currency = invoice.currency or books.accounts[invoice.account_id].currency
        said = (
            f"The charges of invoice {invoice.number or invoice_id} add up to "
            f"{money(lines_total, currency)}, its total is "
            f"{money(int(invoice.total), currency)}."
        )
        yield make(
            books,
            rule,
            subject=("invoice", str(invoice_id)),
            month=invoice.month,
            cause=str(invoice_id),
            text=said,
            amount=stake,
            currency=currency,
            claim="recoverable" if stake > 0 else "informative",
            expected=lines_total,
            actual=int(invoice.total),
            facts=[
                evidence("invoices", str(invoice_id), invoice.month, "total", int(invoice.total)),
                evidence("charges", str(invoice_id), invoice.month, "amount", lines_total, "sum of all charges"),
            ],
            account_id=invoice.account_id,
            invoices=[str(invoice_id)],
            contract_id=_terms_of(lines, invoice_id),
        )
    yield from _products(books, rule)


def _terms_of(lines: pd.DataFrame, invoice_id: Any) -> str | None:
    found = lines.loc[lines["invoice_id"] == invoice_id, "terms_id"].dropna()
    return str(found.iloc[0]) if len(found) else None


def _products(books: Books, rule: Rule) -> Iterator[Finding]:
    lines = books.lines
    both = lines["quantity"].notna() & lines["unit_rate"].notna() & (lines["category"] != "tax")
    simple = (lines["quantity"] == SCALE) & (lines["unit_rate"] == lines["amount"])
    part = (lines["category"] == "mrc") & (lines["whole_months"] == 0)
    free = (lines["category"] == "usage") & (lines["amount"] == 0)
    for row in rows(lines[both & ~simple.fillna(False).astype(bool) & ~part & ~free].sort_values("charge_id")):
        unit = unit_of(books, row)
        right = amount_of(row.unit_rate, row.quantity, 1, unit)
        sign = -1 if (row.amount < 0) != (right < 0) and row.category == "credit" else 1
        stake = int(row.amount) - sign * right
        if not rule.beyond(stake):
            continue
        if (
            row.category == "mrc"
            and row.whole_months > 1
            and not rule.beyond(stake - right * (int(row.whole_months) - 1))
        ):
            continue  # a monthly rate for several months
        if row.category == "mrc" and _partly_active(books, row):
            continue  # prorated by the service's days: a matter of C9 and I2
        said = (
            f"{to_text(int(row.quantity), 0)} times {money(int(row.unit_rate), row.currency)} is "
            f"{money(right, row.currency)}; "
            f"{row.description or row.item_code} is billed at {money(int(row.amount), row.currency)}."
        )
        yield of_charge(
            books,
            rule,
            row,
            stake,
            said,
            cause=row.charge_id,
            expected=right,
            actual=int(row.amount),
            claim="recoverable" if stake > 0 else "informative",
            facts=[
                evidence("charges", row.charge_id, row.month, "quantity", int(row.quantity)),
                evidence("charges", row.charge_id, row.month, "unit_rate", int(row.unit_rate)),
            ],
        )


def _partly_active(books: Books, row: Any) -> bool:
    until = row.until or row.day
    begun = row.activated_on is not None and row.day < row.activated_on <= until
    gone = row.disconnected_on is not None and row.day < row.disconnected_on <= until
    idle = books.idle_days(row.service_id, row.day, until) > 0
    return (begun or gone or idle) and row.amount < row.unit_rate


@check("C12")
def missing_invoice(books: Books, rule: Rule) -> Iterator[Finding]:
    """An expected invoice has not come days after it should have been issued."""
    grace = rule.whole("grace_days")
    invoices = books.frames["invoices"]
    bills = invoices[invoices["kind"].fillna("invoice") == "invoice"]
    for account_id, own in bills.groupby("account_id", sort=True):
        account = books.accounts.get(str(account_id))
        mine = own.assign(month=_counted_months(own))
        have = sorted(mine["month"].dropna().unique())
        if account is None or not have or account.cadence == "none":
            continue
        until = min(books.as_of[:7], (account.closed_on or "9999-12")[:7])
        for month in periods.months_between(have[0], until):
            if month in have:
                continue
            step = {"monthly": 1, "quarterly": 3, "yearly": 12}.get(account.cadence or "") or _learned(
                [m for m in have if m < month]
            )
            last = [m for m in have if m < month][-1]
            if (
                not step
                or periods.month_distance(have[0], month) % step
                or (account.closed_on and month == until == account.closed_on[:7])
            ):
                continue
            due, offset = _expected_day(account, mine[mine["month"] < month], month)
            if periods.add_days(due, grace) > books.as_of:
                continue
            said = (
                f"No invoice of account {account.number or account_id} for {month} has come; it was expected on {due}. "
                f"The last one is of {last}."
            )
            yield make(
                books,
                rule,
                subject=("account", str(account_id)),
                month=month,
                cause=f"after {last}",
                text=said,
                expected=due,
                unit="day",
                actual=None,
                account_id=str(account_id),
                carrier_id=account.carrier_id,
                facts=[
                    evidence("accounts", str(account_id), month, "cadence", account.cadence or "learned"),
                    evidence(
                        "invoices",
                        str(mine["invoice_id"].iloc[-1]),
                        last,
                        "issued_on",
                        mine["issued_on"].iloc[-1],
                        f"usual delay {offset} days",
                    ),
                ],
            )


def _counted_months(bills: pd.DataFrame) -> list[str | None]:
    """The month of each bill of an account, counted from the first one by the days between the ends of their periods.

    By the calendar, cycles that end on the 28th begin twice in March and never in February.
    """
    ends = [
        next((day for day in (end, issued) if isinstance(day, str)), None)
        for end, issued in zip(bills["period_end"], bills["issued_on"], strict=True)
    ]
    known = [(month, end) for month, end in zip(bills["month"], ends, strict=True) if isinstance(month, str) and end]
    if not known:
        return list(bills["month"])
    first, begun = min(known, key=lambda pair: pair[1])
    return [
        periods.shift(first, round(periods.days_between(begun, end) / _MONTH)) if end else month
        for month, end in zip(bills["month"], ends, strict=True)
    ]


def _learned(months: list[str]) -> int:
    """1, 3 or 12 where at least three invoices came in that rhythm, else 0."""
    gaps = [periods.month_distance(a, b) for a, b in pairwise(months)]
    if len(gaps) < 2:
        return 0
    usual = sorted(gaps)[len(gaps) // 2]
    return usual if usual in (1, 3, 12) else 0


def _expected_day(account: Any, before: pd.DataFrame, month: str) -> tuple[str, int]:
    """The day on which the month's invoice is issued as a rule: the account's bill day, later by whole months if the
    carrier bills in arrears after the period; else the usual distance from the month's first day."""
    offsets = sorted(
        periods.days_between(f"{m}-01", d)
        for m, d in zip(before["month"], before["issued_on"], strict=True)
        if isinstance(d, str)
    )
    usual = offsets[len(offsets) // 2] if offsets else periods.days_in_month(month) - 1
    if account.bill_day:
        later = round((usual - int(account.bill_day) + 1) / 30) if offsets else 0
        target = periods.shift(month, later)
        return f"{target}-{min(int(account.bill_day), periods.days_in_month(target)):02d}", usual
    return periods.add_days(f"{month}-01", usual), usual


@check("C13")
def unusual_total(books: Books, rule: Rule) -> Iterator[Finding]:
    """A service's month differs much from the median of its months before."""
    lines = books.lines
    chosen = lines[lines["service_id"].notna() & (lines["category"] != "tax")]
    table = chosen.pivot_table(index="service_id", columns="month", values="amount", aggfunc="sum", fill_value=0)
    table = table.reindex(columns=books.months, fill_value=0).astype("int64")
    steady = (
        pd.DataFrame({m: books.months_of_service(m)["steady"] for m in books.months}).reindex(table.index).fillna(False)
    )
    billed = {str(s): a for s, a in zip(chosen["service_id"], chosen["account_id"], strict=True)}
    currency = dict(zip(chosen["service_id"], chosen["currency"], strict=True))
    share, floor = rule.micros("share"), rule.micros("at_least")
    depth, least = rule.whole("months"), rule.whole("history")
    invoiced = set(zip(lines["account_id"], lines["month"], strict=True))
    there = [[(billed[str(s)], m) in invoiced for m in books.months] for s in table.index]
    totals = table.to_numpy()
    usable = steady.astype(bool).to_numpy() & np.array(there, dtype=bool).reshape(totals.shape)
    for column, month in enumerate(books.months):
        past = slice(max(0, column - depth), column)
        history = np.where(usable[:, past], totals[:, past].astype(float), np.nan)
        enough = (np.isfinite(history).sum(axis=1) >= least) & usable[:, column]
        for at in np.flatnonzero(enough):
            values = sorted(int(v) for v in totals[at, past][usable[at, past]])
            middle = len(values) // 2
            twice = values[middle] * 2 if len(values) % 2 else values[middle - 1] + values[middle]
            now = int(totals[at, column])
            gap = abs(2 * now - twice)
            if gap <= 2 * floor or gap * SCALE <= share * abs(twice):
                continue
            service, median = str(table.index[at]), twice // 2
            said = (
                f"The service costs {money(now, currency[service])} in {month}; the median of the "
                f"{len(values)} months before "
                f"is {money(median, currency[service])}."
            )
            yield make(
                books,
                rule,
                subject=("service", service),
                month=month,
                cause=month,
                text=said,
                currency=currency[service],
                expected=(median, None, None),
                actual=now,
                service_id=service,
                account_id=billed[service],
                facts=[
                    evidence("charges", service, month, "amount", now, "all charges before tax"),
                    evidence("charges", service, month, "median", median, f"{len(values)} months before"),
                ],
            )
