"""Ties what was read to TDS: which of the amounts that a carrier may or may not count belong to the bill.

Counted always: IT1 and SLN (an IT1 that repeats its SLN once), ITA and SAC under a level or item, TXI under a level or
item. Counted, or left out, only where that and nothing simpler makes the sum equal TDS to the cent: the readings of
:func:`_readings`, each of which is told. Charges after TDS are the plainest of them and need no remark. TDS may include
the balance carried forward (BAL) or be written in whole dollars; both are told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from loaders.x12.invoice import Transaction
from loaders.x12.parts import Draft, Leaf

_COUNTED = {"item", "extra", "tax", "level tax"}


@dataclass(frozen=True, slots=True)
class Tie:
    """Which drafts make the bill, its total, and how it was reached (blank = as the standard says)."""

    drafts: list[Draft | Leaf]
    total: int
    tied: bool
    remarks: tuple[str, ...] = ()
    unit_prices: bool = False


@dataclass(frozen=True, slots=True)
class _Reading:
    text: str
    delta: int
    adds: tuple[Draft, ...] = ()
    drops: tuple[Draft, ...] = ()
    unit_prices: bool = False


def plainly(drafts: Sequence[Draft]) -> tuple[list[Draft], set[Draft]]:
    """The drafts that the plainest reading counts, and the IT1s that repeat the SLN before them."""
    merged = _merge_twins(drafts)
    return [d for d in drafts if d.origin in _COUNTED and d.facts.sign and not (merged and d in merged)], merged


def tie(transaction: Transaction) -> Tie | None:
    """The reading that equals TDS: the plainest first, then those with one, two and three changes.

    None where the plainest does not and levels were read by their outlines: they know no other reading.
    """
    assert transaction.total is not None
    drafts: list[Draft] = []
    total = 0
    for entry in transaction.drafts:
        if isinstance(entry, Leaf):
            total += entry.total
        else:
            drafts.append(entry)
    base, merged = plainly(drafts)
    total += sum(draft.money() for draft in base)
    targets = list(_targets(transaction))
    if len(drafts) < len(transaction.drafts):
        if total != targets[0][0]:
            return None
        left = {*drafts}.difference(base)
        every = [entry for entry in transaction.drafts if entry not in left] if left else transaction.drafts
        return Tie(every, total, True)
    if total == targets[0][0]:
        return Tie([*base], total, True)
    readings = [reading for reading in _readings(drafts, base, merged) if reading.delta]
    for target, remark in targets:
        for size in range(4):
            for chosen in combinations(readings, size):
                if total + sum(reading.delta for reading in chosen) == target:
                    notes = tuple(reading.text for reading in chosen if reading.text)
                    return Tie(
                        _apply(drafts, base, chosen),
                        target,
                        True,
                        (*notes, remark) if remark else notes,
                        any(reading.unit_prices for reading in chosen),
                    )
    return Tie([*base], transaction.total, False)


def _merge_twins(drafts: Sequence[Draft]) -> set[Draft]:
    """IT1s that repeat the SLN before them: the same amount, or none of their own."""
    merged: set[Draft] = set()
    for draft in drafts:
        twin = draft.twin
        if twin is None or draft.level is not twin.level:
            continue
        own, other = draft.value, twin.value
        if own is not None and other is not None and other not in {own, draft.facts.priced}:
            continue
        merged.add(draft)
        if not twin.number:
            twin.number, twin.circuit = draft.number, draft.circuit
        said, again = twin.said, draft.said
        if other is None:
            said.amount = own
        said.texts = said.texts or again.texts
        said.code = said.code or said.facts.code or again.code or again.facts.code
        said.start, said.end = said.start or again.start, said.end or again.end
        for name, value in (again.others or {}).items():
            said.note(name, value)
    return merged


def _readings(drafts: list[Draft], base: list[Draft], merged: set[Draft]) -> Iterator[_Reading]:
    def adding(text: str, wanted: Callable[[Draft], bool]) -> _Reading:
        found = tuple(d for d in drafts if d.facts.sign and wanted(d))
        return _Reading(text, sum(d.money() for d in found), adds=found)

    yield adding("", lambda d: d.origin == "after")
    yield adding("taxes of the heading belong to the total", lambda d: d.origin == "heading tax")
    yield adding("amounts of levels (AMT) belong to the total", lambda d: d.origin == "level")
    yield adding("an IT1 with the amount of the SLN before it is a charge of its own", lambda d: d in merged)
    parents = _restated(base)
    yield _Reading("levels that repeat the sum of the levels below were left out", -_sum(parents), drops=parents)
    shown = tuple(d for d in base if d.origin == "tax" and d.owner is not None and not d.owner.facts.sign)
    yield _Reading("taxes of items for information were left out", -_sum(shown), drops=shown)
    level_taxes = tuple(d for d in base if d.origin == "level tax")
    if _sum(level_taxes) == _sum(tuple(d for d in base if d.origin == "tax")):
        yield _Reading("taxes of levels repeat those of their items", -_sum(level_taxes), drops=level_taxes)
    priced = [d for d in base if None not in (d.facts.priced, d.said.amount) and d.facts.priced != d.said.amount]
    delta = sum(d.facts.sign * ((d.facts.priced or 0) - (d.said.amount or 0)) for d in priced)
    yield _Reading("quantity x unit price counts, not AMT", delta, unit_prices=True)


def _sum(drafts: tuple[Draft, ...]) -> int:
    return sum(draft.money() for draft in drafts)


def _restated(base: list[Draft]) -> tuple[Draft, ...]:
    """Charges of levels whose own sum equals the sum of everything below them."""
    own: dict[int, int] = {}
    levels = {}
    for draft in base:
        levels[id(draft.level)] = draft.level
        own[id(draft.level)] = own.get(id(draft.level), 0) + draft.money()
    below: dict[int, int] = {}
    for key, level in levels.items():
        above = level.parent
        for _ in range(50):
            if above is None:
                break
            below[id(above)] = below.get(id(above), 0) + own[key]
            above = above.parent
    again = {key for key, amount in own.items() if amount and below.get(key) == amount}
    return tuple(d for d in base if id(d.level) in again)


def _targets(transaction: Transaction) -> Iterator[tuple[int, str]]:
    total = transaction.total or 0
    yield total, ""
    previous, paid = transaction.carried()
    if previous or paid:
        carried = {(previous or 0) + (paid or 0), (previous or 0) - (paid or 0), previous or 0}
        for amount in sorted(carried - {0}):
            yield total - amount, "TDS includes the balance carried forward: the total is without it"
    if "." not in transaction.total_text and total:
        yield total * 100, "TDS is written in whole units, not in cents"


def _apply(drafts: list[Draft], base: list[Draft], chosen: tuple[_Reading, ...]) -> list[Draft | Leaf]:
    drops = {draft for reading in chosen for draft in reading.drops}
    kept = ({*base} | {draft for reading in chosen for draft in reading.adds}) - drops
    return [draft for draft in drafts if draft in kept]
