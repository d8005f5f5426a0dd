"""The savings ladder: identified, approved, implemented, realized, in one reporting currency."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.views.exchange import Exchange
from audit import savings
from core.money import parse_micros
from core.queries import workflow
from core.store import Store

STAGES = ("Identified", "Approved", "Implemented", "Realized")


def document(store: Store) -> dict[str, Any]:
    """The ledger of `tem savings` (`interfaces.md` section 6)."""
    return savings.savings(store)


def totals(store: Store, carriers: tuple[str, ...] = ()) -> dict[str, dict[str, int]]:
    """The totals of the ledger alone (of these carriers, if any), micros by stage and currency."""
    lines = savings.lines(store, workflow.today(store))
    return savings.totals(line for line in lines if not carriers or line.carrier_id in carriers)


def micros(value: Any) -> int:
    """An amount of a document, decimal text or micros, as micros."""
    return parse_micros(value) if isinstance(value, str) else int(value or 0)


def stages(by_stage: Mapping[str, Mapping[str, Any]], money: Exchange) -> tuple[tuple[str, int], ...]:
    """(stage, micros of the reporting currency) of the ledger's totals; each saving counts at the one stage reached."""
    result = []
    for name in STAGES:
        per_currency = by_stage.get(name.lower()) or {}
        amounts = [money.amount(micros(value), code) for code, value in sorted(per_currency.items())]
        result.append((name, sum(amount for amount in amounts if amount is not None)))
    return tuple(result)
