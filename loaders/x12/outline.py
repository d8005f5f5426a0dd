"""Levels that are alike in all but their numbers and amounts, read by the places where those stand.

A bill of many lines says the same of each: the same segments, products, days; only the ids, the telephone number and
the amounts differ. What a level is once its digits are set to 0 is its *shape*; where two levels of one shape also have
the same digits outside of the *places* that may differ, they have the same :class:`~loaders.x12.parts.Outline`, and
what stands at its places is all that is left to be read.

An outline is learnt by experiment, not by knowledge of segments: the level is read segment by segment, then once more
for each place with another text there. A place counts only where the charges follow it plainly: an amount is the
amount, or a whole multiple of it; a text is the number billed. Where anything else follows from it, it is no place.
Levels that do more than charge (accounts, calls, totals, damaged or unknown segments) have no outline.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

from core.money import PLACES
from loaders.x12.bill import charge_of
from loaders.x12.invoice import ENVELOPE, Insurance, Transaction
from loaders.x12.parts import Draft, Leaf, Level, Outline
from loaders.x12.segments import Delimiters
from loaders.x12.tie import plainly

_DIGITS = str.maketrans("123456789", "0" * 9)
_DIGIT_BYTES = bytes.maketrans(b"123456789", b"0" * 9)
_OTHER = str.maketrans("0123456789", "1234567891")
_MET = 3  # times that a level is met before its outline is learnt
_SHAPES, _OUTLINES, _SEEN, _HERITAGES = 10_000, 2_000, 200_000, 200_000  # kept at most
_FAILURES = 20  # experiments with levels of one shape that found no outline, after which no more are made
_CENTS = 2  # decimals of cents
_LONGEST = 20_000  # characters of a level
_WHOLE_DIGITS = 9  # of an amount

#: What may differ between a transaction before and after it has read one level that has an outline.
_OF_READING = {"at", "texts", "levels", "level", "item", "extra", "scope", "drafts", "root"}

#: Fields of a charge that may follow from an amount.
_SUMS = {"amount", "unit_rate", "quantity"}


@dataclass(frozen=True, slots=True)
class _Read:
    """What one level says: its charges, its lines, the tags of its items; `twins`: an IT1 repeats its SLN."""

    level: Level
    charges: list[dict[str, Any]]
    lines: list[tuple[str, bool]]
    items: tuple[str, ...]
    twins: bool


def shape_of(text: str) -> str:
    """The text with every digit set to 0."""
    if text.isascii():
        return text.encode("ascii").translate(_DIGIT_BYTES).decode("ascii")
    return text.translate(_DIGITS)


@dataclass(slots=True)
class _Shape:
    """Levels of one shape: what is kept of their texts, by place. The first two texts are HL01 and HL02."""

    words: list[slice]
    amounts: list[slice]
    twins: bool = False
    rest: Callable[[str], tuple[str, ...]] = field(init=False)
    texts: Callable[[str], tuple[str, ...]] = field(init=False)
    sums: Callable[[str], tuple[str, ...]] = field(init=False)
    outlines: dict[Any, Outline] = field(init=False)
    failures: int = 0
    newest: Any = None
    outline: Outline | None = None

    def __post_init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Begin anew with the places as they are now."""
        places = sorted([*self.words, *self.amounts], key=lambda place: place.start)
        edges = [0, *(edge for place in places for edge in (place.start, place.stop)), None]
        self.rest = _cut([slice(*pair) for pair in zip(edges[::2], edges[1::2], strict=True)])
        self.texts, self.sums = _cut(self.words), _cut(self.amounts)
        self.outlines, self.newest, self.outline = {}, None, None


def _cut(places: list[slice]) -> Callable[[str], tuple[str, ...]]:
    if len(places) > 1:
        return itemgetter(*places)
    return lambda text: tuple(text[place] for place in places)


_UNSEEN = _Shape([], [])


class Outlines:
    """What is known of the levels of files with these delimiters."""

    def __init__(self, marks: Delimiters) -> None:
        self.marks = marks
        element, end = re.escape(marks.element), f"(?=[{re.escape(marks.element + marks.segment)}]|$)"
        self._ids = re.compile(f"(0+){element}(0+){element}")
        self._numbers = re.compile(f"(?<={element})0{{10,15}}{end}")
        self._sums = re.compile(f"(?<={element})-?(0{{1,{_WHOLE_DIGITS}}}\\.0{{1,{PLACES}}}){end}")
        self._calls = re.compile(f"{re.escape(marks.segment)}(?:TCD|USD){element}")
        self._shapes: dict[str, _Shape | None] = {}
        self._heritages: dict[Any, int] = {}
        self._next_heritage = 1
        self._met: dict[int, int] = {}
        self._learnt = 0

    def read(self, transaction: Transaction, text: str, shape: str) -> int:
        """Read a level (without its tag HL) by its outline.

        Returns its number of segments; 0 where it was not read, since it must be read segment by segment.
        """
        known = self._shapes.get(shape, _UNSEEN)
        if known is _UNSEEN:
            self._meet(shape)
            return 0
        if known is None or transaction.total is not None:
            return 0
        texts, sums, levels = known.texts(text), known.sums(text), transaction.levels
        identity = texts[0]
        if transaction.level.stream is not None:
            transaction.settle()
        parent = levels.get(texts[1])
        if isinstance(parent, Leaf):
            parent = transaction.level_of(texts[1])
        if parent is None or identity in levels:
            return 0
        key: Any = (parent.heritage or self._heritage(parent), known.rest(text))
        if known.twins:
            key = (*key, *(sums.index(amount) for amount in sums))
        if key != known.newest:
            if key not in known.outlines:
                self._learn(transaction, parent, known, key, text)
                return 0
            known.newest, known.outline = key, known.outlines[key]
        outline = known.outline
        assert outline is not None
        filled = outline.filled(sums)
        if filled is None:
            return 0
        leaf = Leaf(outline, parent, text, texts, filled)
        transaction.texts.append(leaf)
        transaction.drafts.append(leaf)
        levels[identity] = leaf
        return outline.segments

    def _meet(self, shape: str) -> None:
        if len(self._shapes) >= _SHAPES:
            self._shapes.clear()
        ids = self._ids.match(shape)
        if ids is None or len(shape) > _LONGEST or self._calls.search(shape):
            self._shapes[shape] = None
            return
        numbers = [slice(*found.span()) for found in self._numbers.finditer(shape, ids.end())]
        sums = [slice(*found.span(1)) for found in self._sums.finditer(shape, ids.end())]
        self._shapes[shape] = _Shape([slice(*ids.span(1)), slice(*ids.span(2)), *numbers], sums)

    def _heritage(self, parent: Level) -> int:
        """A number for all that a level takes from those above it."""
        if not parent.heritage:
            named = parent.named()
            told = (named and named.number, named and named.circuit, parent.dates(), parent.words())
            if told not in self._heritages:
                if len(self._heritages) >= _HERITAGES:
                    self._heritages.clear()
                self._heritages[told] = self._next_heritage
                self._next_heritage += 1
            parent.heritage = self._heritages[told]
        return parent.heritage

    def _learn(self, transaction: Transaction, parent: Level, known: _Shape, key: Any, text: str) -> None:
        """Learn the outline of a level that has been met often enough."""
        mark = hash((id(known), key))
        met = self._met[mark] = self._met.get(mark, 0) + 1
        if met == 1 and len(self._met) > _SEEN:
            self._met.clear()
        if met != _MET:
            return
        del self._met[mark]
        if self._learnt >= _OUTLINES:
            self._shapes.clear()
            self._learnt = 0
        found = _Experiment(self.marks, transaction, parent, known, text).outline()
        if found is not None:
            known.outlines[key] = found
            self._learnt += 1
            return
        known.failures += 1
        if known.failures > _FAILURES:
            self._shapes[shape_of(text)] = None


class _Experiment:
    """One level, read again and again with other texts at its places."""

    def __init__(self, marks: Delimiters, transaction: Transaction, parent: Level, known: _Shape, text: str) -> None:
        self.marks = marks
        self.transaction = transaction
        self.parent = parent
        self.known = known
        self.text = text

    def outline(self) -> Outline | None:
        """The outline of the level; None if it has none, or if fewer places are to be used from now on."""
        known, text = self.known, self.text
        read = self._read(text)
        if read is None:
            return None
        if read.twins and not known.twins:
            known.twins = True
            known.forget()
            return None
        billed: list[int | None] = [None for _ in read.charges]
        sums: list[list[tuple[str, int, int]]] = [[] for _ in read.charges]
        numbers: dict[str, int] = {}
        own: int | None = None
        for at, place in enumerate(known.words[2:], 2):
            other = self._read(_changed(text, [place]))
            if other is None or not _follows(read, other, text[place], text[place].translate(_OTHER)):
                self._without(known.words, place)
                return None
            for nth, (charge, changed) in enumerate(zip(read.charges, other.charges, strict=True)):
                if charge != changed:
                    billed[nth] = at
            if read.lines != other.lines:
                numbers[text[place]] = at
            if read.level.number != other.level.number:
                own = at
        for at, place in enumerate(known.amounts):
            same = [other for other in known.amounts if text[other] == text[place]] if known.twins else [place]
            if same[0] != place:
                continue
            other = self._read(_changed(text, same))
            factors = None if other is None else _multiples(read, other, text[place])
            if factors is None or _overlap(sums, factors):
                self._without(known.amounts, place)
                return None
            for mine, more in zip(sums, factors, strict=True):
                mine += [(name, at, factor) for name, factor in more.items()]
        alone = billed[0] if len({*billed}) == 1 and len(read.lines) == 1 else None
        return Outline(
            segments=text.count(self.marks.segment) + 1,
            texts=known.texts,
            like=read.level,
            number=own,
            charges=tuple(
                (charge.copy, at, tuple(mine)) for charge, at, mine in zip(read.charges, billed, sums, strict=True)
            ),
            lines=tuple((numbers.get(line), line, circuit) for line, circuit in read.lines),
            line=alone,
            items=read.items,
            steady=all(
                charge["amount"] >= 0 and all(factor > 0 for name, _, factor in mine if name == "amount")
                for charge, mine in zip(read.charges, sums, strict=True)
            ),
        )

    def _without(self, places: list[slice], place: slice) -> None:
        """More than a charge's amount or number follows from this place: from now on it tells levels apart."""
        places.remove(place)
        self.known.forget()

    def _read(self, text: str) -> _Read | None:
        """What the level says; None if it does more than charge."""
        marks = self.marks
        scratch = Transaction("", 0, marks)
        scratch.root = self.transaction.root
        scratch.level = self.parent
        scratch.levels = {self.known.texts(text)[1]: self.parent}
        try:
            for raw in f"HL{marks.element}{text}".split(marks.segment):
                elements = raw.split(marks.element)
                if elements[0].strip() in ENVELOPE:
                    return None
                scratch.take(0, raw, elements)
        except Insurance:
            return None
        scratch.settle()
        drafts = [draft for draft in scratch.drafts if isinstance(draft, Draft)]
        counted, merged = plainly(drafts)
        charges = [charge for draft in counted if (charge := charge_of(scratch, draft)) is not None]
        if len(scratch.levels) != 2:
            return None
        if any(draft.twin is not None and draft not in merged for draft in drafts):
            return None  # whether an IT1 repeats its SLN may depend on more than the texts being equal
        said, nothing = vars(scratch), vars(Transaction("", 0, marks))
        if any(said[name] != nothing[name] for name in said.keys() - _OF_READING):
            return None
        lines = dict.fromkeys((number, circuit) for number, circuit in (d.place() for d in counted) if number)
        items = tuple(draft.facts.tag for draft in drafts if draft.origin == "item")
        return _Read(scratch.level, charges, [*lines], items, bool(merged))


def _changed(text: str, places: list[slice]) -> str:
    """The text with another digit for each at the places."""
    for place in places:
        text = text[: place.start] + text[place].translate(_OTHER) + text[place.stop :]
    return text


def _same_level(one: Level, other: Level) -> bool:
    return (one.circuit, one.start, one.end, one.text) == (other.circuit, other.start, other.end, other.text)


def _follows(read: _Read, other: _Read, old: str, new: str) -> bool:
    """Whether nothing but numbers changed, and those from the old text to the new one."""

    def renamed(number: str | None) -> str | None:
        return new if number == old else number

    if not _same_level(read.level, other.level) or len(read.charges) != len(other.charges):
        return False
    if other.level.number not in (read.level.number, renamed(read.level.number)) or read.items != other.items:
        return False
    if other.lines not in (read.lines, [(renamed(line) or "", circuit) for line, circuit in read.lines]):
        return False
    return all(
        changed in (charge, {**charge, "billed_number": renamed(charge["billed_number"])})
        for charge, changed in zip(read.charges, other.charges, strict=True)
    )


def _multiples(read: _Read, other: _Read, old: str) -> list[dict[str, int]] | None:
    """By charge, the fields that are a whole multiple of the amount at a place; None if anything else changed."""
    if (read.level.number, read.lines, read.items) != (other.level.number, other.lines, other.items):
        return None
    if not _same_level(read.level, other.level) or len(read.charges) != len(other.charges):
        return None
    places = len(old) - old.index(".") - 1
    before, after = int(old.replace(".", "")), int(old.translate(_OTHER).replace(".", ""))
    found = []
    for charge, changed in zip(read.charges, other.charges, strict=True):
        if charge.keys() != changed.keys():
            return None
        differ = {name for name in charge if charge[name] != changed[name]}
        if not differ <= _SUMS:
            return None
        factors = {name: changed[name] // after for name in sorted(differ)}
        if any((charge[name], changed[name]) != (f * before, f * after) for name, f in factors.items()):
            return None
        if places > _CENTS and any(abs(factor) != 10 ** (PLACES - places) for factor in factors.values()):
            return None  # a multiple of parts of a cent may have been rounded
        found.append(factors)
    return found


def _overlap(sums: list[list[tuple[str, int, int]]], factors: list[dict[str, int]]) -> bool:
    """Whether a field of a charge already follows from another place."""
    return any(name in more for mine, more in zip(sums, factors, strict=True) for name, _, _ in mine)
