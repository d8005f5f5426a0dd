"""The loader contract: say how sure you are (`sniff`), then give what the file holds (`read`).

A loader is any object with `name`, `title`, `sniff` and `read`; third-party packages name theirs in the entry point
group `tem.loaders`. `read` yields a stream of four things, in the order of the file:

- :class:`Chunk`: rows of one canonical table as text cells; the pipeline checks and converts them,
- :class:`LineUsage`: usage by phone number or circuit, without an invoice,
- :class:`Bill`: one carrier invoice with charges, usage and lines, in micros and ISO days; the pipeline ties it,
- :class:`Rejected`: one row that could not be understood.

A loader may also have `check(source)` (refuse before reading; returns warnings), `layout(source)` (the name of the
saved profile or template that reads the file) and `shape(source)` (its columns by part, for :mod:`loaders.drift`).

Row problems are values (:class:`Rejected`, or cells of a :class:`Chunk` that do not convert). A file that cannot be
used as a whole raises :class:`core.issues.BadInput`, at best from `check`, before anything is read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from core.issues import Issue
from loaders.source import Source

#: How sure a loader is. Two loaders that are equally and most sure stop the file; both are named.
NO, MAYBE, LIKELY, SURE = 0.0, 0.3, 0.7, 0.95


@dataclass(slots=True)
class SourceRow:
    """Where something stands: the member of an archive (or sheet), the line of the file from 1, its raw text."""

    member: str | None
    line: int
    raw: str


@dataclass(slots=True)
class Chunk:
    """Rows of one canonical table: `columns[i]` are the text cells of `names[i]`; blank text = unknown."""

    table: str
    names: Sequence[str]
    columns: Sequence[Sequence[str]]
    lines: Sequence[int]
    raws: Sequence[str]
    member: str | None = None

    def __len__(self) -> int:
        return len(self.lines)


@dataclass(slots=True)
class Rejected:
    """A row that could not be read: goes to the quarantine with the reason."""

    row: SourceRow
    field: str | None
    found: str | None
    expected: str | None
    reason: str = ""
    table: str | None = None


@dataclass(slots=True)
class BillLine:
    """One line of a bill, by the number printed: what creates a service where no inventory names one."""

    number: str
    kind: str = "mobile"
    device_kind: str | None = None
    attributes: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Bill:
    """One carrier invoice, already in micros and ISO days.

    `charges` and `usage` are rows of the canonical tables without ids; `billed_number` names the line. `usage` rows
    and `events` carry `billed_number` too. `total` is what the bill prints as its current charges. A charge without a
    `category` gets one by :mod:`loaders.taxonomy`, which may also look at its `section` (the heading it stands under).
    """

    carrier_id: str
    carrier_name: str
    account_number: str
    number: str
    currency: str
    issued_on: str
    total: int
    account_name: str | None = None
    country: str | None = None
    period_start: str | None = None
    period_end: str | None = None
    due_on: str | None = None
    previous_balance: int | None = None
    payments: int | None = None
    attributes: dict[str, str] = field(default_factory=dict)
    charges: list[dict[str, Any]] = field(default_factory=list)
    usage: list[dict[str, Any]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    lines: dict[str, BillLine] = field(default_factory=dict)
    rows: list[SourceRow] = field(default_factory=list)


@dataclass(slots=True)
class UsageRow:
    """Usage of one line in one month: rows of the canonical table without `service_id`."""

    carrier_id: str
    number: str
    country: str | None
    usage: list[dict[str, Any]]
    place: SourceRow


@dataclass(slots=True)
class LineUsage:
    """Usage by the number printed, without an invoice; the pipeline finds the services."""

    rows: list[UsageRow]


Item = Chunk | Bill | LineUsage | Rejected | Issue


@runtime_checkable
class Loader(Protocol):
    """What a format needs; see the module's text."""

    name: str
    title: str

    def sniff(self, source: Source) -> float:
        """How sure the loader is, from 0 to 1, judged by content; must not raise on any bytes."""

    def read(self, source: Source) -> Iterator[Item]:
        """Everything the file holds. An :class:`Issue` of severity warning is a remark on the file."""
