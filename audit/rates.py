"""Prices: the billed rate against the contract's (R1), its net price (R2), its volume tier (R3), or no price (R8)."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import pandas as pd

from audit.build import evidence, make, money, of_charge
from audit.context import Books, known, looked_up, rows
from audit.pricing import amount_of, is_access, share_of, unit_of, with_rates
from audit.registry import Rule, check
from audit.tiers import net_rates, tier_months
from core.findings import Finding
from core.money import SCALE, round_half_up, to_text


def priced_lines(books: Books) -> pd.DataFrame:
    """Positive charges of a service for which the contract has a rate on their day; computed once."""
    if "priced" not in books.__dict__:
        lines = books.lines
        rated = with_rates(books, lines[lines["service_id"].notna() & (lines["amount"] > 0)])
        books.__dict__["priced"] = rated[rated["rate"].notna()].reset_index(drop=True)
    found: pd.DataFrame = books.__dict__["priced"]
    return found


def _differing(books: Books) -> Iterator[tuple[Any, int, int, int, bool]]:
    """(charge, contract's rate, expected amount, stake, billed gross) where the price is not the contract's."""
    discounts = net_rates(books)
    lines = priced_lines(books)
    netted = lines["contract_id"].isin({contract for contract, _ in discounts})
    same = (lines["unit_rate"] == lines["rate"]).fillna(False).astype(bool) & ~netted & (lines["whole_months"] <= 1)
    for row in rows(lines[~same]):
        net = discounts.get((row.contract_id, row.month))
        discount = net.rate if net is not None and row.category in net.categories else Fraction(0)
        unit, share = unit_of(books, row), share_of(row, row.rate_unit)
        gross = amount_of(row.rate, row.quantity, share, unit)
        exact = Fraction(int(row.rate)) * (1 - discount)
        right = round_half_up(
            exact * Fraction(int(SCALE if row.quantity is None else row.quantity), SCALE) * share, unit
        )
        if known(row.unit_rate) and row.whole_months <= 1 and not discount:
            stake = amount_of(row.unit_rate, row.quantity, share, unit) - right
        elif not row.whole_months and row.category == "mrc":
            if int(row.amount) == amount_of(row.rate, row.quantity, 1, unit):
                continue  # the right price, not prorated: a matter of proration (C9)
            stake = int(row.amount) - right
        else:
            stake = int(row.amount) - right
        listed = (
            known(row.list_rate)
            and row.list_rate > row.rate
            and (
                row.unit_rate == row.list_rate
                if known(row.unit_rate)
                else int(row.amount) == amount_of(row.list_rate, row.quantity, share, unit)
            )
        )
        undiscounted = bool(discount) and int(row.amount) == gross
        if is_access(books, row) and books.idle_days(row.service_id, row.day, row.until):
            terms = books.contracts.get(row.contract_id)
            if stake < 0 or (terms is not None and terms.suspended_rate is not None):
                continue  # a suspended span has a price of its own (I10)
        yield row, round_half_up(exact), right, stake, bool(listed or undiscounted)


def _price(books: Books, rule: Rule, row: Any, rate: int, right: int, stake: int, why: str) -> Finding:
    billed = int(row.unit_rate) if known(row.unit_rate) else int(row.amount)
    facts = [
        evidence(
            "contract_rates",
            f"{row.contract_id}/{row.item_code}",
            row.month,
            "rate",
            int(row.rate),
            f"valid on {row.day}",
        ),
        evidence("charges", row.charge_id, row.month, "unit_rate", row.unit_rate, f"quantity {_quantity(row)}"),
        evidence("services", row.service_id, row.month, "contract_id", row.contract_id, f"state on {row.day}"),
    ]
    return of_charge(
        books,
        rule,
        row,
        stake,
        why,
        cause=f"{row.item_code}@{billed}",
        expected=right,
        actual=int(row.amount),
        facts=facts,
        claim="recoverable" if stake > 0 else "informative",
    )


def _quantity(row: Any) -> str:
    return to_text(row.quantity, 0) if known(row.quantity) else "1"


@check("R1")
def contract_rate(books: Books, rule: Rule) -> Iterator[Finding]:
    """The billed price is not the contract's."""
    for row, rate, right, stake, gross in _differing(books):
        if gross or not rule.beyond(stake, right):
            continue
        word = "too much" if stake > 0 else "too little"
        billed = f"billed at {money(int(row.unit_rate), row.currency)}" if known(row.unit_rate) else "billed"
        text = (
            f"{row.description or row.item_code} is {billed}; the contract {row.contract_id} says "
            f"{money(rate, row.currency)} on {row.day}. That is {money(abs(stake), row.currency)} {word}."
        )
        yield _price(books, rule, row, rate, right, stake, text)


@check("R2")
def net_price(books: Books, rule: Rule) -> Iterator[Finding]:
    """The charge is billed at the list price, or without the contract's discount."""
    for row, rate, right, stake, gross in _differing(books):
        if not gross or not rule.beyond(stake, right):
            continue
        text = (
            f"{row.description or row.item_code} is billed without the contract's discount: the net price in contract "
            f"{row.contract_id} is {money(rate, row.currency)} on {row.day}. "
            f"That is {money(stake, row.currency)} too much."
        )
        yield _price(books, rule, row, rate, right, stake, text)


@check("R3")
def tier_credit(books: Books, rule: Rule) -> Iterator[Finding]:
    """The volume discount of an invoice is not the one of the tier that the contract's spend reaches."""
    for tier in tier_months(books):
        if tier.item_code is None:
            continue
        lines = tier.lines
        eligible = lines.groupby("invoice_id")["amount"].sum()
        credits = books.lines[(books.lines["item_code"] == tier.item_code) & (books.lines["month"] == tier.month)]
        for invoice_id, base in sorted(eligible.items()):
            mine = list(rows(credits[credits["invoice_id"] == invoice_id].sort_values("charge_id")))
            invoice = books.invoices[invoice_id]
            unit = books.cents(invoice.currency)
            right = -round_half_up(Fraction(int(base)) * tier.rate, unit)
            billed = sum(int(row.amount) for row in mine)
            stake = billed - right
            if not rule.beyond(stake, right):
                continue
            percent = to_text(round_half_up(tier.rate * 100 * SCALE), 0)
            text = (
                f"The contract's spend of {money(tier.spend, invoice.currency)} in {tier.month} reaches the tier of "
                f"{percent} %. The volume credit of this invoice should be {money(right, invoice.currency)}, "
                f"it is {money(billed, invoice.currency)}."
            )
            facts = [
                evidence(
                    "contract_tiers",
                    f"{tier.contract_id}/{to_text(tier.spend_from)}",
                    tier.month,
                    "discount_rate",
                    round_half_up(tier.rate * SCALE),
                    f"{tier.mode}, spend from {to_text(tier.spend_from)}",
                ),
                evidence("charges", invoice_id, tier.month, "amount", int(base), "charges the discount applies to"),
                evidence(
                    "charges",
                    mine[0].charge_id if mine else "",
                    tier.month,
                    "amount",
                    billed,
                    "the volume credit" if mine else "no volume credit on the invoice",
                ),
            ]
            subject = ("charge", mine[0].charge_id) if len(mine) == 1 else ("invoice", invoice_id)
            stakes = _spread(stake, lines[lines["invoice_id"] == invoice_id]) if stake > 0 else {}
            yield make(
                books,
                rule,
                subject=subject,
                month=tier.month,
                cause=tier.contract_id,
                text=text,
                amount=stake,
                currency=invoice.currency or tier.currency,
                claim="recoverable" if stake > 0 else "informative",
                expected=right,
                actual=billed,
                facts=facts,
                account_id=invoice.account_id,
                invoices=[invoice_id],
                contract_id=tier.contract_id,
                stakes=stakes,
            )


def _spread(stake: int, lines: pd.DataFrame) -> dict[str, int]:
    """A missing discount, spread over the charges it should have reduced: in proportion, the rest to the last."""
    positive = lines[lines["amount"] > 0].sort_values("charge_id")
    total = int(positive["amount"].sum())
    result: dict[str, int] = {}
    done = before = 0
    for charge, amount in zip(positive["charge_id"], positive["amount"], strict=True):
        before += int(amount)
        upto = stake * before // total
        result[str(charge)] = upto - done
        done = upto
    return result


@check("R8")
def no_rate(books: Books, rule: Rule) -> Iterator[Finding]:
    """A contract with prices has none, at any date, for a service's main recurring charge."""
    rates = books.frames["contract_rates"]
    priced = set(
        zip(rates["contract_id"], rates["item_code"].fillna(looked_up(rates["plan_id"], books.plan_item)), strict=True)
    )
    contracts = {contract for contract, _ in priced}
    lines = books.lines
    chosen = lines[
        (lines["category"] == "mrc")
        & (lines["amount"] > 0)
        & lines["contract_id"].isin(contracts)
        & lines["item_code"].notna()
    ]
    for row in rows(chosen):
        if (row.contract_id, row.item_code) in priced or not is_access(books, row):
            continue
        text = (
            f"{row.description or row.item_code} is billed under contract {row.contract_id}, which has no price for "
            f"it. What it should cost is unknown."
        )
        facts = [evidence("contract_rates", f"{row.contract_id}/{row.item_code}", row.month, "rate", None, "no row")]
        yield of_charge(books, rule, row, 0, text, cause=row.item_code, actual=int(row.amount), facts=facts)
