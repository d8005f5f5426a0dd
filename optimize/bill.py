"""`tem bill`: what the usage of each month costs under every service's current plan (interfaces.md section 3)."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd

from core.issues import BadInput, Issue
from core.money import round_half_up
from optimize.checks import check_tables
from optimize.evaluate import Evaluator
from optimize.frames import Frames, column, from_store, rows
from optimize.priced import PICO, PoolKey
from optimize.scenario import Scenario
from optimize.scope import Setting, priced_services, settle


@dataclass(frozen=True)
class Part:
    """The bill in one currency: exact amounts in picos."""

    currency: str
    by_month: dict[str, int]
    by_service: dict[str, int]
    pools: dict[PoolKey, int]

    @property
    def total(self) -> int:
        """All months, services and pools."""
        return sum(self.by_month.values())


@dataclass(frozen=True)
class Bill:
    """One part per currency; nothing is converted or added across currencies."""

    months: tuple[str, ...]
    parts: tuple[Part, ...]

    def to_json(self) -> dict[str, Any]:
        """The document of `tem bill --json`. With several currencies the top-level total is null, see `currencies`."""
        parts = [_document(part) for part in self.parts]
        empty: dict[str, Any] = {"currency": None, "total": None, "by_month": {}, "by_service": {}, "pools": []}
        document = parts[0] if len(parts) == 1 else empty
        return {
            **document,
            "from": self.months[0],
            "to": self.months[-1],
            "by_currency": parts if len(parts) > 1 else [],
        }


def money(picos: int | Fraction) -> float:
    """Picos as a number of currency, rounded half up to 6 decimals."""
    return round_half_up(Fraction(picos) / 10**6) / 10**6


def _document(part: Part) -> dict[str, Any]:
    return {
        "currency": part.currency,
        "total": money(part.total),
        "by_month": {month: money(value) for month, value in part.by_month.items()},
        "by_service": {service: money(value) for service, value in part.by_service.items()},
        "pools": [
            {"kind": k, "account_id": a, "carrier_id": c, "pool_group": g, "overage": money(value)}
            for (k, a, c, g), value in part.pools.items()
        ],
    }


def bill(store: Any, first: str | None = None, last: str | None = None) -> Bill:
    """The bill of a store from month `first` to `last` (default: first and last month with usage).

    Raises:
        BadInput: empty range, no active service, contradicting plans.
    """
    return bill_frames(from_store(store), first, last)


def bill_frames(frames: Frames, first: str | None = None, last: str | None = None) -> Bill:
    """:func:`bill` on plain frames."""
    months = settle(Scenario(first=first, last=last, currency="any"), frames).months
    priced = priced_services(frames, months)
    if not priced:
        raise BadInput(Issue(field="months", found=f"{months[0]} to {months[-1]}", message="no service is active"))
    currency_of = dict(rows(frames, "plans", "plan_id", "currency"))
    currencies = sorted({currency_of[plan] for _, plan in priced if currency_of.get(plan)}) or [""]
    narrow = {**frames, "contracts": pd.DataFrame(), "contract_tiers": pd.DataFrame()}
    parts = []
    for number, currency in enumerate(currencies):
        scenario = Scenario(first=months[0], last=months[-1], currency=currency, other_currencies="leave_out")
        setting = Setting(months, currency)
        check_tables(narrow, scenario, setting)
        if number == 1:  # plans without a currency are billed once, in the first
            services = narrow["services"]
            known = [bool(currency_of.get(plan)) for plan in column(services, "plan_id")]
            narrow["services"] = services[np.array(known, dtype=bool)]
        cost = Evaluator(narrow, scenario, setting).price()
        parts.append(
            Part(
                currency=currency,
                by_month=dict(zip(months, cost.by_month, strict=True)),
                by_service=cost.by_service,
                pools={key: sum(m.charge for m in pool) for key, pool in cost.pools.items()},
            )
        )
    return Bill(months, tuple(parts))


__all__ = ["PICO", "Bill", "Part", "bill", "bill_frames", "money"]
