"""What a transaction consists of while it is read: levels of the HL tree, drafts of charges, calls, the segments."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from core.money import to_text
from loaders.contract import SourceRow
from loaders.x12.decode import Facts

_TOTAL_AMOUNTS = {"1", "LI", "PB", "TP", "TT", "BD"}  # AMT01 codes that mean the item's own total


class Level:
    """One HL: `parent` is what HL02 names, not what stands above it in the file."""

    number: str | None = None
    circuit = False
    account: str | None = None
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
    """What an amount's own segment says (`facts`), and what the segments after it add.

    One that is `shared` stands for all drafts whose segments repeat word for word: to change it, :meth:`Draft.own`.
    """

    amount: int | None = None
    which = ""
    code: str | None = None
    texts = ""
    quantity: int | None = None
    start: str | None = None
    end: str | None = None
    more: dict[str, str] | None = None
    shared = False

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

    def copy(self) -> Said:
        """The same, to be changed."""
        said = Said(self.facts)
        vars(said).update(vars(self), shared=False)
        return said

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

    def own(self) -> Said:
        """What is said of this draft alone: to be added to."""
        if self.said.shared:
            self.said = self.said.copy()
        return self.said

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


class Segments(Collection[SourceRow]):
    """The segments of one transaction as rows: only the text is kept, the rows are made when they are asked for.

    `groups` holds segments, one or several in a text; they are numbered from `first`, those in `without` are left out.
    """

    def __init__(self, first: int, groups: list[str], terminator: str, without: set[int]) -> None:
        self._first = first
        self._groups = groups
        self._terminator = terminator
        self._without = without

    def __len__(self) -> int:
        mark = self._terminator
        return len(self._groups) + sum(group.count(mark) for group in self._groups) - len(self._without)

    def __iter__(self) -> Iterator[SourceRow]:
        raws = (raw for group in self._groups for raw in group.split(self._terminator))
        for number, raw in enumerate(raws, self._first):
            if number not in self._without:
                yield SourceRow(None, number, raw)

    def __contains__(self, row: object) -> bool:
        return any(row == own for own in self)
