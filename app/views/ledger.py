"""The savings ladder: identified, approved, implemented, realized, in one reporting currency."""

from __future__ import annotations

from typing import Any

from app.views.exchange import Exchange
from audit import savings
from core.money import parse_micros
from core.store import Store

STAGES = ("Identified", "Approved", "Implemented", "Realized")


def document(store: Store) -> dict[str, Any]:
    """The ledger of `tem savings` (`interfaces.md` section 6)."""
    return savings.savings(store)


def micros(value: Any) -> int:
    """An amount of a document, decimal text or micros, as micros."""
    return parse_micros(value) if isinstance(value, str) else int(value or 0)


def stages(store: Store, money: Exchange) -> tuple[tuple[str, int], ...]:
    """(stage, micros of the reporting currency); each saving counts at the one stage it has reached."""
    totals = document(store).get("totals") or {}
    result = []
    for name in STAGES:
        per_currency = totals.get(name.lower()) or {}
        amounts = [money.amount(micros(value), code) for code, value in sorted(per_currency.items())]
        result.append((name, sum(amount for amount in amounts if amount is not None)))
    return tuple(result)
