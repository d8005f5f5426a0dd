"""The loader contract: say how sure you are (`sniff`), then give what the file holds (`read`).

A loader is any object with `name`, `title`, `sniff` and `read`; third-party packages name theirs in the entry point
group `tem.loaders`. `read` yields a stream of these, in the order of the file:

- :class:`Chunk`: rows of one canonical table as text cells; the pipeline checks and converts them,
- :class:`LineUsage`: use by phone number or circuit that no invoice comes with (call records, usage exports),
- :class:`Bill`: one carrier invoice with charges, usage and lines, in micros and ISO days; the pipeline ties it,
- :class:`Records`: rows of a file that each say something of one or several canonical tables (inventory, people),
- :class:`Rejected`: one row that could not be understood.

A loader may also have `check(source)` (refuse before reading; returns warnings), `layout(source)` (the name of the
saved profile or template that reads the file) and `shape(source)` (its columns by part, for :mod:`loaders.drift`).

Row problems are values (:class:`Rejected`, or cells of a :class:`Chunk` that do not convert). A file that cannot be
used as a whole raises :class:`core.issues.BadInput`, at best from `check`, before anything is read.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from core.issues import Issue
from loaders.reading.source import Source
from loaders.reading.source import SourceRow as SourceRow  # noqa: PLC0414  part of the contract

#: How sure a loader is. Two loaders that are equally and most sure stop the file; both are named.
NO, MAYBE, LIKELY, SURE = 0.0, 0.3, 0.7, 0.95
#: The attribute of records that only bills or feeds name, until an inventory does.
UNCONFIRMED = {"unconfirmed": "yes"}


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


@dataclass(frozen=True, slots=True)
class Named:
    """A reference by what a foreign system calls a thing: `texts` are tried in order, exactly (see `loaders.links`).

    `kind` is employee, service, device, carrier, account, site, cost_center or contract. `within` is the carrier of an
    account, `name` what a thing that has to be made is called. What no text names becomes `otherwise`, if given; else
    carriers, accounts, sites and cost centers are made and marked unconfirmed, and people, services and devices stay
    unlinked, their texts kept for a later load; where the record was linked before, a `weak` reference leaves that.
    """

    kind: str
    texts: tuple[str, ...]
    within: str | None = None
    otherwise: str | None = None
    name: str | None = None
    weak: bool = False


@dataclass(frozen=True, slots=True)
class IfNew:
    """A cell that counts only for a record that does not exist yet: our own spelling of a number stays."""

    text: str | None


#: Cells of one canonical row: text as in a canonical file, a :class:`Named`, an :class:`IfNew`, None to clear;
#: `attributes` is a mapping.
Cells = dict[str, Any]


@dataclass(slots=True)
class Record:
    """One row of a foreign file and the canonical rows it makes; it is loaded as a whole or set aside as a whole."""

    place: SourceRow
    rows: list[tuple[str, Cells]]


@dataclass(slots=True)
class Records:
    """Some records, in the order of the file."""

    items: list[Record]

    def __len__(self) -> int:
        return len(self.items)


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
    """One line of a bill, by the number printed: what creates a service where no inventory names one.

    `cost_center` is what the bill calls the cost center of a line that it creates. Where several billed numbers make
    one line, a charge names it by `line`, the key in the bill's `lines`.
    """

    number: str
    kind: str = "mobile"
    device_kind: str | None = None
    attributes: dict[str, str] = field(default_factory=dict)
    cost_center: str | None = None


@dataclass(slots=True)
class Bill:
    """One carrier invoice, already in micros and ISO days.

    `charges` and `usage` are rows of the canonical tables without ids; `billed_number` names the line, or `line` does,
    the key of `lines`, where several numbers make one line. `usage` rows and `events` carry `billed_number` too.
    `total` is what the bill prints as its current charges. `carrier_is_named` says that the file gives the carrier by
    a printed name only: an account of the store with this number wins. `is_summary` says that it gives account totals
    of a bill that may be loaded in detail: it is compared with that one, and replaced by it, never added to it. A
    charge without a `category` gets one by :mod:`loaders.taxonomy`, which may also look at its `section` (the heading
    it stands under).
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
    kind: str = "invoice"
    carrier_is_named: bool = False
    many_rows: Collection[SourceRow] | None = None
    many_charges: Collection[dict[str, Any]] | None = None
    is_summary: bool = False

    @property
    def source_rows(self) -> Collection[SourceRow]:
        """The rows of the file that make it: `many_rows` where a format makes them on demand, else `rows`."""
        return self.rows if self.many_rows is None else self.many_rows

    @property
    def all_charges(self) -> Collection[dict[str, Any]]:
        """Its charges: `many_charges` where a format has more than memory should hold, else `charges`."""
        return self.charges if self.many_charges is None else self.many_charges


@dataclass(slots=True)
class LineUsage:
    """Use by the number printed that comes without an invoice: call records, or the rows of a usage export.

    `usage` and `events` are those of a :class:`Bill`; their cost is no charge, since the carrier's bill has it. With an
    `account_number` they belong to that account, which is made if it is unknown, as are its `lines` where no inventory
    names any; without one, a number is looked for among all lines of the carrier. `rows_of` are the records of each
    line by `billed_number`, and under None those of no line (headers, trailers): the records of a line that stays
    unknown are set aside.
    """

    carrier_id: str
    carrier_name: str
    account_number: str | None
    currency: str | None = None
    account_name: str | None = None
    country: str | None = None
    usage: list[dict[str, Any]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    lines: dict[str, BillLine] = field(default_factory=dict)
    rows_of: dict[str | None, list[SourceRow]] = field(default_factory=dict)

    @property
    def rows(self) -> list[SourceRow]:
        """All records."""
        return [row for rows in self.rows_of.values() for row in rows]


@dataclass(slots=True)
class LineReport:
    """What a report says of one line in one cycle; `total` and `usage` are compared with what the bill gave.

    `usage` rows are those of a :class:`Bill` without number and period; they are added where the line has no such use
    in that month. It counts no row: the row's inventory does.
    """

    carrier_id: str
    account_number: str
    number: str
    period_start: str
    period_end: str
    total: int | None
    usage: list[dict[str, Any]] = field(default_factory=list)


Item = Chunk | Bill | Records | LineUsage | LineReport | Rejected | Issue


@runtime_checkable
class Loader(Protocol):
    """What a format needs; see the module's text.

    Optional: `check(source) -> list[str]` looks before anything is read and gives warnings; `beginning(source, rows)`
    gives (columns, rows of text) for the preview of a file that is no table.
    """

    name: str
    title: str

    def sniff(self, source: Source) -> float:
        """How sure the loader is, from 0 to 1, judged by content; must not raise on any bytes."""

    def read(self, source: Source) -> Iterator[Item]:
        """Everything the file holds. An :class:`Issue` of severity warning is a remark on the file."""
