"""The seven states in which a line stands on a bill, told from its charges alone.

A bill does not say why a line costs what it costs: a suspended line shows 0.00 without a reason, a cancelled one a part
of its monthly charge. The states are those that auditors of wireless bills tell apart; whether a credit recurs is not
told from one bill.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache
from typing import Any

from loaders.contract import Bill

FULL = "active-full-month"
PRORATED = "active-prorated"
CREDITED = "active-with-credits"
SUSPENDED = "suspended"
REFUND = "refund"
CANCELLED = "cancelled-mid-cycle"
ONE_TIME = "one-time-only"
STATES = (FULL, PRORATED, CREDITED, SUSPENDED, REFUND, CANCELLED, ONE_TIME)

Charge = dict[str, Any]
_ENDED = ("cancel", "disconnect", "deactivat", "terminat")
_PART = ("prorat", "partial month", "pro-rat")
_ALONGSIDE = {"tax", "surcharge", "late_fee"}


@lru_cache(maxsize=50_000)
def _hint(text: str) -> str:
    """The state that the words of a charge name, blank for none."""
    lowered = text.casefold()
    if any(word in lowered for word in _ENDED):
        return CANCELLED
    return PRORATED if any(word in lowered for word in _PART) else ""


def line_state(charges: Sequence[Charge], first: str | None, last: str | None) -> str:
    """The state of a line by its charges on one bill whose period runs from `first` to `last`.

    Negative in total: refund. Nothing but zeros: suspended. No monthly charge, only equipment, usage or one-off ones:
    one-time-only. A monthly charge that ends before the period does, or words that say so: cancelled in the cycle;
    one that begins after it, or is prorated by its words: prorated. Otherwise active, with credits where any amount is
    negative.
    """
    total = 0
    paid = credited = monthly = other = False
    hints: set[str] = set()
    starts: list[str] = []
    ends: list[str] = []
    for charge in charges:
        amount, category = charge["amount"], charge["category"]
        if amount:
            paid = True
            total += amount
            if amount < 0:
                credited = True
            elif category == "mrc":
                monthly = True
                if start := charge.get("period_start"):
                    starts.append(start)
                if end := charge.get("period_end"):
                    ends.append(end)
            elif category not in _ALONGSIDE:
                other = True
        if words := charge.get("description"):
            hints.add(_hint(words))
    if total < 0:
        return REFUND
    if not paid:
        return SUSPENDED
    if not monthly:
        return ONE_TIME if other else CREDITED
    if (last and ends and max(ends) < last and min(starts or [""]) <= (first or "")) or CANCELLED in hints:
        return CANCELLED
    if (first and starts and max(starts) > first and max(starts) <= (last or "9")) or PRORATED in hints:
        return PRORATED
    return CREDITED if credited else FULL


def mark(bill: Bill, full: Collection[str] = (), rest: Iterable[Charge] | None = None) -> None:
    """Note on a bill how many lines are in which state, and on a line's first charge a state that is not plain.

    The lines in `full` are already known to be active for the full month; `rest` holds the charges of the others.
    """
    mine: dict[str, list[Charge]] = {number: [] for number in bill.lines if number not in full}
    for charge in bill.charges if rest is None else rest:
        number = charge.get("billed_number")
        if number in mine:
            mine[number].append(charge)
    found: Counter[str] = Counter({FULL: len(full)} if full else {})
    for charges in mine.values():
        if not charges:
            continue
        state = line_state(charges, bill.period_start, bill.period_end)
        found[state] += 1
        if state != FULL:
            charges[0]["attributes"] = {**(charges[0].get("attributes") or {}), "line state": state}
    if found:
        bill.attributes = {
            **bill.attributes,
            "line states": ", ".join(f"{found[state]} {state}" for state in STATES if found[state]),
        }
