"""Running the rules: which months, what is already credited, every cent counted once, one stable order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

# the modules register their rules when they are imported
from audit import charges, commitments, inventory_rules, invoice_rules, price_moves, rates, usage_rules  # noqa: F401
from audit.context import Books
from audit.registry import RULES, Rule, load_rules
from core.findings import Finding, settle
from core.store import Store

#: Rules that look at credits themselves.
_OWN_CREDITS = {"C2", "C14", "R6", "R3", "C7", "C11"}


def run(
    store: Store,
    *,
    first: str | None = None,
    last: str | None = None,
    as_of: str | None = None,
    rules: Path | None = None,
) -> list[Finding]:
    """Every finding of the months `first`..`last` (default: all), as known on `as_of`.

    `as_of` defaults to the last day of the last month with an invoice. `rules` is a YAML file that changes thresholds.
    Amounts are settled over all rules, so that no charge counts beyond itself. Sorted by month, rule, subject.
    """
    books = Books.load(store, as_of)
    found = apply(books, (load_rules(rules) if rules else RULES).values())
    return [f for f in found if (first is None or f.month >= first) and (last is None or f.month <= last)]


def apply(books: Books, rules: Iterable[Rule]) -> list[Finding]:
    """Findings of `rules` on `books`, settled and sorted."""
    found: list[Finding] = []
    if books.months:
        for rule in rules:
            if rule.enabled:
                found += _net_of_credits(books, rule, rule.check(books, rule))
    found = [f for f in found if f.month <= books.as_of[:7]]
    found.sort(key=lambda f: (f.month, _code(f.rule), f.subject_type, f.subject_id))
    return _settled(found, books)


def _settled(found: list[Finding], books: Books) -> list[Finding]:
    return settle(found, books.charge_amounts)


def _code(rule: str) -> tuple[str, int]:
    return rule[0], int(rule[1:])


def _net_of_credits(books: Books, rule: Rule, items: Iterable[Finding]) -> list[Finding]:
    """Take off what a credit of the same month has given back already; what is given back in full is no finding."""
    result = []
    for item in items:
        stakes = item.charge_stakes
        if rule.id in _OWN_CREDITS or item.claim != "recoverable" or not any(c in books.credited for c in stakes):
            result.append(item)
            continue
        left = {c: max(0, amount + books.credited.get(c, 0)) if amount > 0 else amount for c, amount in stakes.items()}
        amount = sum(left.values())
        if rule.beyond(amount):
            severity = books.severity(amount, item.currency, item.month, excused=item.severity == "info")
            result.append(replace(item, charge_stakes=left, amount_at_stake=amount, severity=severity))  # type: ignore[arg-type]
    return result
