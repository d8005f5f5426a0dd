"""What a transaction consists of while it is read: levels of the HL tree, drafts of charges, calls, the segments."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from loaders.contract import SourceRow
from loaders.x12.decode import Facts


class Level:
    """One HL: `parent` is what HL02 names, not what stands above it in the file."""

    __slots__ = ("account", "circuit", "end", "kind", "number", "parent", "start", "stream", "text")

    def __init__(self, kind: str = "", parent: Level | None = None) -> None:
        self.kind = kind
        self.parent = parent
        self.number: str | None = None
        self.circuit = False
        self.account: str | None = None
        self.start: str | None = None
        self.end: str | None = None
        self.text = ""
        #: PID, AMT and items in their order, kept where a PID or AMT stands before the first item
        self.stream: list[tuple[str, object]] | None = None

    def named(self) -> Level | None:
        """The nearest level from here upwards that names a number."""
        level: Level | None = self
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


class Draft:
    """A charge as it is read: what its segment says (`facts`), and what the segments after it add."""

    amount: int | None = None
    which = ""
    number: str | None = None
    circuit = False
    owner: Draft | None = None
    code: str | None = None
    texts = ""
    quantity: int | None = None
    start: str | None = None
    end: str | None = None
    twin: Draft | None = None
    own: dict[str, str] | None = None

    def __init__(self, origin: str, level: Level, facts: Facts) -> None:
        self.origin = origin
        self.level = level
        self.facts = facts

    @property
    def value(self) -> int | None:
        """The unsigned amount: AMT or the segment's own, else quantity x price; None where the file gives none."""
        if self.amount is not None:
            return self.amount
        return self.facts.priced if self.facts.amount is None else self.facts.amount

    def money(self) -> int:
        """What it adds to the bill; 0 where the file gives no amount, or says that it is not to be summed."""
        return self.facts.sign * (self.value or 0)

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
        own = self.texts or self.facts.text
        if own or self.facts.kind == "tax":
            return own
        return (self.owner.words() if self.owner is not None else self.level.words()) or None

    @property
    def others(self) -> dict[str, str] | None:
        """What becomes attributes of the charge."""
        return self.own or self.facts.others

    def note(self, name: str, value: str) -> None:
        """Keep something of a segment as an attribute of the charge."""
        if self.own is None:
            self.own = dict(self.facts.others or {})
        self.own.setdefault(name, value[:1000])


class Call:
    """A TCD (one call) or USD (a rate band) while it is read."""

    __slots__ = (
        *("amount", "clock", "day", "from_place", "level", "number", "quantity", "segment", "sign", "tag"),
        *("to_place", "unit", "words"),
    )

    def __init__(self, tag: str, level: Level, segment: int) -> None:
        self.tag = tag
        self.level = level
        self.segment = segment
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
    """The segments of one transaction as rows: only the text is kept, the rows are made when they are asked for."""

    def __init__(self, first: int, raws: list[str], without: set[int]) -> None:
        self._first = first
        self._raws = raws
        self._without = without

    def __len__(self) -> int:
        return len(self._raws) - len(self._without)

    def __iter__(self) -> Iterator[SourceRow]:
        for number, raw in enumerate(self._raws, self._first):
            if number not in self._without:
                yield SourceRow(None, number, raw)

    def __contains__(self, row: object) -> bool:
        return any(row == own for own in self)
