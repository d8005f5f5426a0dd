"""One end for many terms: what it costs to let every line of a carrier end on the same day, for each day it could be.

A line whose term ends later is ended early and pays its termination fee; one whose term ends earlier is extended at its
current price. `cheaper` is the share by which a new agreement is expected to be below current prices: each month that
a line is extended costs that share of its price, each month that it ends early brings it. Nothing else is assumed, so
with 0 only fees count.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from core.contract_register import contract_register, monthly_prices, plain
from core.money import mul
from core.periods import add_months, month_distance, month_start
from core.renewals import started_months, termination_fee
from core.store import Store


@dataclass(frozen=True, slots=True)
class Bound:
    """Lines that are bound alike: the day on which their term is over, what each pays a month, and their termination
    rule (money in micros, None: not known)."""

    term_end: str
    mrc: int | None
    rule: str | None
    amount: int | None
    lines: int = 1


@dataclass(frozen=True, slots=True)
class Alignment:
    """Every line ending on `day`: lines ended early and their `fees`, lines extended and what they pay until then at
    current prices (`extension`), what of it lies above a new price (`above`), and what ending early saves (`below`).

    `unknown`: lines whose fee or price is not known and that count as nothing.
    """

    day: str
    early: int
    fees: int
    extended: int
    extension: int
    above: int
    below: int
    unknown: int

    @property
    def cost(self) -> int:
        """What aligning to this day costs against letting every line end on its own."""
        return self.fees + self.above - self.below


def align(bound: Sequence[Bound], day: str, cheaper: int) -> Alignment:
    """What it costs to end all lines on `day`; `cheaper` is a share in micros."""
    early = extended = unknown = fees = extension = above = below = 0
    for some in bound:
        fee = termination_fee(some.rule, some.amount, mrc=some.mrc, as_of=day, term_end=some.term_end)
        unknown += some.lines * (fee is None or some.mrc is None)
        price = some.mrc or 0
        if some.term_end > day:
            early += some.lines
            fees += some.lines * (fee or 0)
            below += some.lines * mul(started_months(day, some.term_end) * price, cheaper)
        elif some.term_end < day:
            months = started_months(some.term_end, day)
            extended += some.lines
            extension += some.lines * months * price
            above += some.lines * mul(months * price, cheaper)
    return Alignment(day, early, fees, extended, extension, above, below, unknown)


def days(bound: Sequence[Bound], as_of: str) -> list[str]:
    """The days to choose from: the first of each month after `as_of`, to that after the last term, at most 60."""
    if not bound:
        return []
    last = max(some.term_end for some in bound)
    first = add_months(month_start(as_of[:7]), 1)
    return [add_months(first, n) for n in range(min(60, max(0, month_distance(first, last)) + 2))]


def best(found: Sequence[Alignment]) -> Alignment:
    """The cheapest day; of equal ones the earliest."""
    return min(found, key=lambda one: (one.cost, one.day))


def bound_lines(store: Store, as_of: str) -> dict[tuple[str, str | None], list[Bound]]:
    """The lines whose term ends after `as_of`, by carrier and currency of their contract, those bound alike together.

    Where the notice for the running term has been missed, a line is bound until the contract's earliest way out.
    """
    prices = monthly_prices(store, as_of)
    columns = ["contract_id", "currency", "etf_rule", "etf_amount"]
    rules = {row[0]: tuple(map(plain, row[1:])) for row in store.frame("contracts", columns).itertuples(index=False)}
    found: dict[tuple[str, str | None], Counter[tuple[str, int | None, str | None, int | None]]] = {}
    for contract in contract_register(store, as_of):
        if contract["state"] in (None, "terminated", "expired", "month_to_month"):
            continue
        currency, rule, amount = rules[contract["contract_id"]]
        until = (contract["earliest_exit"] if contract["notice_state"] == "missed" else None) or ""
        mine = found.setdefault((contract["carrier_id"], currency), Counter())
        for service in contract["services"]:
            end = max(service["term_end"] or "", until)
            if end > as_of:
                mine[end, prices.get(service["service_id"]), rule, amount] += 1
    return {
        key: [Bound(*bound, lines) for bound, lines in sorted(counted.items(), key=str)]
        for key, counted in found.items()
        if counted
    }
