"""What a transaction consists of while it is read: levels of the HL tree, drafts of charges, calls, the segments."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from core.money import to_text
from loaders.contract import SourceRow
from loaders.x12.decode import Facts
from loaders.x12.segments import Delimiters

_REMEMBERED = 64  # of the amounts that levels of one outline have

Charge = dict[str, Any]
_TOTAL_AMOUNTS = {"1", "LI", "PB", "TP", "TT", "BD"}  # AMT01 codes that mean the item's own total


class Level:
    """One HL: `parent` is what HL02 names, not what stands above it in the file."""

    number: str | None = None
    circuit = False
    account: str | None = None
    heritage = 0  #: see :meth:`loaders.x12.outline.Outlines.read`
    start: str | None = None
    end: str | None = None
    text = ""
    #: PID, AMT and items in their order, kept where a PID or AMT stands before the first item
    stream: list[tuple[str, object]] | None = None

    def __init__(self, parent: Level | None = None) -> None:
        self.parent = parent

    def named(self) -> Level | None:
        """The nearest level from here upwards that names a number."""
        if self.number:
            return self
        level = self.parent
        for _ in range(50):
            if level is None or level.number:
                return level
            level = level.parent
        return None

    def dates(self) -> tuple[str | None, str | None]:
        """The service period of the nearest level from here upwards that has one."""
        level: Level | None = self
        for _ in range(50):
            if level is None:
                break
            if level.start or level.end:
                return level.start, level.end
            level = level.parent
        return None, None

    def words(self) -> str:
        """What this level and those above it are called, nearest first."""
        found: list[str] = []
        level: Level | None = self
        for _ in range(50):
            if level is None:
                break
            if level.text:
                found.append(level.text)
            level = level.parent
        return "; ".join(found)


class Said:
    """What an amount's own segment says (`facts`), and what the segments after it add."""

    amount: int | None = None
    which = ""
    code: str | None = None
    texts = ""
    quantity: int | None = None
    start: str | None = None
    end: str | None = None
    more: dict[str, str] | None = None

    def __init__(self, facts: Facts) -> None:
        self.facts = facts

    @property
    def value(self) -> int | None:
        """The unsigned amount: AMT or the segment's own, else quantity x price; None where the file gives none."""
        if self.amount is not None:
            return self.amount
        return self.facts.priced if self.facts.amount is None else self.facts.amount

    @property
    def others(self) -> dict[str, str] | None:
        """What becomes attributes of the charge."""
        return self.more or self.facts.others

    def give_amount(self, qualifier: str, value: int) -> None:
        """The first AMT is the amount; one whose code means a total is better, the others are kept aside."""
        if self.amount is None:
            self.amount, self.which = value, qualifier
        elif qualifier in _TOTAL_AMOUNTS and self.which not in _TOTAL_AMOUNTS:
            self.note(f"amount {self.which}", to_text(self.amount))
            self.amount, self.which = value, qualifier
        else:
            self.note(f"amount {qualifier}", to_text(value))

    def note(self, name: str, value: str) -> None:
        """Keep something of a segment as an attribute of the charge."""
        if name not in (kept := self.others or {}):
            self.more = {**kept, name: value[:1000]}


class Draft:
    """A charge as it is read: what is said of it, and where it stands."""

    number: str | None = None
    circuit = False
    owner: Draft | None = None
    twin: Draft | None = None

    def __init__(self, origin: str, level: Level, said: Said) -> None:
        self.origin = origin
        self.level = level
        self.said = said
        self.facts = said.facts

    @property
    def value(self) -> int | None:
        """See :attr:`Said.value`."""
        return self.said.value

    def money(self) -> int:
        """What it adds to the bill; 0 where the file gives no amount, or says that it is not to be summed."""
        return self.facts.sign * (self.said.value or 0)

    def place(self) -> tuple[str | None, bool]:
        """The number it is billed to, its own or its level's, and whether that is a circuit."""
        if self.number:
            return self.number, self.circuit
        if self.owner is not None and self.owner.number:
            return self.owner.number, self.owner.circuit
        level = self.level.named()
        return (level.number, level.circuit) if level is not None else (None, False)

    def words(self) -> str | None:
        """What describes it: its own words, else those of what it belongs to."""
        own = self.said.texts or self.facts.text
        if own or self.facts.kind == "tax":
            return own
        return (self.owner.words() if self.owner is not None else self.level.words()) or None

    def dates(self) -> tuple[str | None, str | None]:
        """Its service period: its own, else that of what it belongs to."""
        said = self.said
        if said.start or said.end:
            return said.start, said.end
        if self.owner is not None and (self.owner.said.start or self.owner.said.end):
            return self.owner.said.start, self.owner.said.end
        return self.level.dates()


class Call:
    """A TCD (one call) or USD (a rate band) while it is read."""

    __slots__ = (
        *("amount", "clock", "day", "from_place", "level", "number", "quantity", "raw", "segment", "sign"),
        *("tag", "to_place", "unit", "words"),
    )

    def __init__(self, tag: str, level: Level, segment: int, raw: str) -> None:
        """`segment` is its number in the file, `raw` its text."""
        self.tag = tag
        self.level = level
        self.segment = segment
        self.raw = raw
        self.sign = 1
        self.day: str | None = None
        self.clock = "00:00:00"
        self.number: str | None = None
        self.from_place = ""
        self.to_place = ""
        self.amount: int | None = None
        self.quantity: int | None = None
        self.unit = ""
        self.words = ""


#: New charges with their amounts, but without the numbers at places; their sum; whether none is negative or 0.
Filled = tuple[list[Charge], int, bool]


@dataclass(frozen=True, slots=True, eq=False)
class Outline:
    """What all levels of one outline have in common; see :mod:`loaders.x12.outline`.

    `texts` cuts the texts at the places of a level out of it. A charge begins as a copy of a template (`new`); then
    its number, where that stands at a place, and its amounts are put in: (field, place, factor). `lines` are the
    numbers billed, each by its place or as it always is, with whether it is a circuit; `line` is the place of the
    number that all charges are billed to, if there is one. `items` are the tags of the items. `steady`: no charge can
    be negative.
    """

    segments: int
    texts: Callable[[str], Sequence[str]]
    like: Level
    number: int | None
    charges: tuple[tuple[Callable[[], Charge], int | None, tuple[tuple[str, int, int], ...]], ...]
    lines: tuple[tuple[int | None, str, bool], ...]
    line: int | None
    items: tuple[str, ...]
    steady: bool
    _known: dict[Sequence[str], tuple[list[Callable[[], Charge]], int, bool]] = field(default_factory=dict)

    def filled(self, sums: Sequence[str]) -> Filled | None:
        """Charges with the amounts that stand at the places; those that were met before are remembered.

        None where a credit may be 0: it is of another category then.
        """
        known = self._known.get(sums)
        if known is not None:
            return [new() for new in known[0]], known[1], known[2]
        amounts = [int(text.replace(".", "")) for text in sums]
        if 0 in amounts and not self.steady:
            return None
        charges = []
        total = 0
        for new, _, fields in self.charges:
            charge = new()
            for name, at, factor in fields:
                charge[name] = amounts[at] * factor
            total += charge["amount"]
            charges.append(charge)
        positive = self.steady and 0 not in amounts
        if len(self._known) < _REMEMBERED:
            self._known[sums] = [charge.copy().copy for charge in charges], total, positive
        return charges, total, positive


class Leaf:
    """A level that was read by its outline: charges as the plainest reading has them, and their sum.

    `line` is the number that all of them are billed to, if there is one; `positive` says that none is negative or 0.
    """

    __slots__ = ("charges", "line", "outline", "parent", "positive", "text", "total")

    def __init__(self, outline: Outline, parent: Level, text: str, texts: Sequence[str], filled: Filled) -> None:
        """`text` is the level without its tag, `texts` stand at its places, `filled` are its charges."""
        self.outline = outline
        self.parent = parent
        self.text = text
        self.charges, self.total, self.positive = filled
        self.line = None
        if outline.line is not None:
            self.line = line = texts[outline.line]
            for charge in self.charges:
                charge["billed_number"] = line
        else:
            for charge, (_, number, _) in zip(self.charges, outline.charges, strict=True):
                if number is not None:
                    charge["billed_number"] = texts[number]

    def lines(self) -> list[tuple[str, bool]]:
        """The numbers billed, each with whether it is a circuit."""
        texts = self.outline.texts(self.text)
        return [(always if at is None else texts[at], circuit) for at, always, circuit in self.outline.lines]

    def level(self) -> Level:
        """The level itself, for those that name it as their parent."""
        outline = self.outline
        like, level = outline.like, Level(self.parent)
        level.number = like.number if outline.number is None else outline.texts(self.text)[outline.number]
        level.circuit, level.start, level.end, level.text = like.circuit, like.start, like.end, like.text
        return level


class Segments(Collection[SourceRow]):
    """The segments of one transaction as rows: only the text is kept, the rows are made when they are asked for.

    `texts` holds segments and levels; segments are numbered from `first`, those in `without` are left out.
    """

    def __init__(self, first: int, texts: list[str | Leaf], marks: Delimiters, without: set[int]) -> None:
        self._first = first
        self._texts = texts
        self._marks = marks
        self._without = without

    def __len__(self) -> int:
        every = sum(entry.outline.segments if isinstance(entry, Leaf) else 1 for entry in self._texts)
        return every - len(self._without)

    def __iter__(self) -> Iterator[SourceRow]:
        for number, raw in enumerate(self._raws(), self._first):
            if number not in self._without:
                yield SourceRow(None, number, raw)

    def _raws(self) -> Iterator[str]:
        for entry in self._texts:
            if isinstance(entry, Leaf):
                yield from f"HL{self._marks.element}{entry.text}".split(self._marks.segment)
            else:
                yield entry

    def __contains__(self, row: object) -> bool:
        return any(row == own for own in self)
