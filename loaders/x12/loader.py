"""Loader of ANSI X12 811 files: envelope, transactions, remarks; see `docs/formats/x12_811.md`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from core.issues import Issue
from loaders.contract import LIKELY, NO, SURE, Item, Rejected, SourceRow
from loaders.reading.source import Source
from loaders.x12.bill import bill_of, problem_of, set_aside
from loaders.x12.invoice import ENVELOPE, Insurance, Transaction
from loaders.x12.outline import Outlines, shape_of
from loaders.x12.parts import Leaf
from loaders.x12.segments import Delimiters, blocks, encoding_of, find_delimiters, head_of
from loaders.x12.tie import tie

_SHOWN = 12  # elements of a segment in the preview
_INSURANCE_VERSION = re.compile(r"X146", re.IGNORECASE)
_REMARKS = {
    "SE01": "{n} transactions with another number of segments than SE01 says",
    "SE02": "{n} transactions whose SE02 is not their ST02",
    "CTT01": "{n} transactions with another number of items than CTT01 says",
    "orphan HL": "{n} levels (HL) name a parent that does not stand before them: read as top levels",
    "repeated HL": "{n} levels (HL) repeat an id: the newest holds",
    "inverted dates": "{n} periods with the end before the start (DTM 150, 151): turned round",
    "TDS with a point": "{n} totals (TDS) with a decimal point where cents are implied: the point was believed",
    "no amount": "{n} items without an amount: nothing to bill",
    "credit memo": "{n} credit memos (BIG07 CR) with positive amounts: read as credits",
    "memorandum": "{n} transactions are marked as a memorandum (BIG07 ME), not as an invoice",
}


class X12Bill:
    """Loader of the X12 811."""

    name = "x12_811"
    title = "ANSI X12 811 telecom invoice (EDI)"

    def sniff(self, source: Source) -> float:
        """An ISA segment at the start and a transaction set 811 in the first 64 KiB."""
        head = head_of(source)
        if not head.startswith("ISA"):
            return NO
        try:
            marks = find_delimiters(head)
        except ValueError:
            return LIKELY if re.match(r"ISA[^A-Za-z0-9 ]00", head) else NO
        if _sets(head, marks) & {"811"} or f"{marks.segment}GS{marks.element}CI{marks.element}" in _flat(head):
            return SURE
        return LIKELY

    def check(self, source: Source) -> list[str]:
        """Refuse a damaged ISA segment, an interchange of other transaction sets, and insurers' 811s, by name."""
        head = head_of(source)
        try:
            marks = find_delimiters(head)
        except ValueError as problem:
            raise source.refused(f"has {problem}", "an X12 interchange that starts with ISA") from None
        sets = _sets(head, marks)
        if sets and "811" not in sets and len(source.head) == source.size:
            held = ", ".join(sorted(sets))
            raise source.refused(f"holds X12 transaction sets {held}", "a transaction set 811 (telecom invoice)")
        for group in re.findall(f"GS{re.escape(marks.element)}[^{re.escape(marks.segment)}]{{0,200}}", head[:4000]):
            if _INSURANCE_VERSION.search(group):
                raise _insurance(source, "GS08 names the insurance guide X146")
        return ["byte-order mark at the start"] if source.head.startswith(b"\xef\xbb\xbf") else []

    def beginning(self, source: Source, rows: int) -> tuple[list[str], list[list[str]]]:
        """The first segments by their elements, for the preview: one segment is one row."""
        head = head_of(source)
        marks = find_delimiters(head)
        found = [segment.strip().split(marks.element)[:_SHOWN] for segment in head.split(marks.segment)[:rows]]
        width = max(map(len, found))
        names = ["segment", *(f"{at:02d}" for at in range(1, width))]
        return names, [[cell[:200] for cell in row] + [""] * (width - len(row)) for row in found]

    def read(self, source: Source) -> Iterator[Item]:
        """One bill for each transaction set, as soon as its SE segment is read."""
        with source.open() as handle:
            reader = _Interchange(source)
            for marks, text, before_level in blocks(handle, encoding_of(source), source):
                yield from reader.take(marks, text, before_level)
            yield from reader.close()


def _flat(head: str) -> str:
    return head.replace("\r", "").replace("\n", "")


def _sets(head: str, marks: Delimiters) -> set[str]:
    """The transaction sets that begin in this text."""
    start = re.escape(marks.segment) + r"\s*ST" + re.escape(marks.element)
    return set(re.findall(start + r"\s*(\d{3})", head))


def _insurance(source: Source, reason: str) -> Exception:
    return source.refused(f"is an insurance 811, no telecom bill: {reason}", "an 811 of a telecom carrier")


class _Interchange:
    """What stands around the transactions, and what is told of all of them together."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.marks: Delimiters | None = None
        self.outlines: Outlines | None = None
        self.number = 0
        self.open: Transaction | None = None
        self.skipping: str | None = None
        self.sender = ""
        self.transactions = 0
        self.in_group = 0
        self.groups = 0
        self.counts: dict[str, int] = {}
        self.firsts: dict[str, str] = {}
        self.unread: dict[str, int] = {}
        self.envelope: list[str] = []
        self.ended = False

    def take(self, marks: Delimiters, text: str, before_level: bool) -> Iterator[Item]:
        """The segments of one block: levels by their outlines where they have been met before, the others one by one.

        A level may be cut where it is the last of a block that does not end before a level.
        """
        if self.outlines is None or marks != self.marks:
            self.marks, self.outlines = marks, Outlines(marks)
        tag, read = f"HL{marks.element}", self.outlines.read
        levels, shapes = text.split(marks.segment + tag), shape_of(text).split(marks.segment + tag)
        try:
            if text.startswith(tag):
                levels[0], shapes[0] = levels[0][len(tag) :], shapes[0][len(tag) :]
            else:
                yield from self._plainly(levels[0])
                del levels[0], shapes[0]
            whole = len(levels) if before_level else len(levels) - 1
            for level, shape in zip(levels[:whole], shapes, strict=False):
                count = 0 if self.open is None else read(self.open, level, shape)
                if count:
                    self.number += count
                else:
                    yield from self._level(level, shape)
            for level in levels[whole:]:
                yield from self._level(level, shapes[-1])
        except Insurance as known_by:
            raise _insurance(self.source, str(known_by)) from None

    def _level(self, text: str, shape: str) -> Iterator[Item]:
        """A level that has no outline; if it is the last of its transaction, what stands before the total may have."""
        assert self.marks is not None
        assert self.outlines is not None
        tag, totals = f"HL{self.marks.element}", f"{self.marks.segment}TDS{self.marks.element}"
        cut = text.find(totals)
        count = self.outlines.read(self.open, text[:cut], shape[:cut]) if self.open is not None and cut >= 0 else 0
        self.number += count
        yield from self._plainly(text[cut + len(self.marks.segment) :] if count else tag + text)

    def _plainly(self, text: str) -> Iterator[Item]:
        assert self.marks is not None
        element = self.marks.element
        for raw in text.split(self.marks.segment):
            self.number += 1
            elements = raw.split(element)
            if self.open is not None and elements[0] not in ENVELOPE:
                self.open.take(self.number, raw, elements)
            else:
                yield from self._frame(self.number, raw, elements)

    def _frame(self, number: int, raw: str, elements: list[str]) -> Iterator[Item]:
        tag = elements[0].strip()
        if tag == "ST":
            yield from self._begin(number, elements)
        elif tag == "SE":
            yield from self._end(number, elements)
        elif tag in {"ISA", "GS", "GE", "IEA", "TA1"}:
            yield from self._envelope(tag, elements)
        elif self.skipping is not None:
            yield Rejected(SourceRow(None, number, raw), None, None, "811", self.skipping)
        elif self.open is None:
            reason = "the segment stands outside of a transaction"
            yield Rejected(SourceRow(None, number, raw), None, None, "segments between ST and SE", reason)

    def _begin(self, number: int, elements: list[str]) -> Iterator[Item]:
        yield from self._cut_short("has no SE segment")
        self.in_group += 1
        kind = elements[1].strip() if len(elements) > 1 else ""
        if kind != "811":
            self.skipping = f"the transaction set {kind or 'without number'} is no 811"
            return
        self.skipping = None
        self.transactions += 1
        assert self.marks is not None
        self.open = Transaction(elements[2].strip() if len(elements) > 2 else "", number + 1, self.marks)

    def _end(self, number: int, elements: list[str]) -> Iterator[Item]:
        self.skipping = None
        transaction, self.open = self.open, None
        if transaction is None:
            return
        transaction.settle()
        problem = problem_of(transaction)
        tied = None
        if problem is None:
            tied = tie(transaction)
            if tied is None or (transaction.is_credit_note() and transaction.has_leaves()):
                transaction = transaction.afresh()
                tied = tie(transaction)
        said = elements[1].strip() if len(elements) > 1 else ""
        if (said.lstrip("0") or "0") != str(number - transaction.first + 2):
            transaction.count("SE01")
        if len(elements) > 2 and elements[2].strip() != transaction.control:
            transaction.count("SE02")
        if tied is None:
            yield from set_aside(transaction, problem or "")
        else:
            if transaction.lines_counted is not None and transaction.lines_counted not in _line_counts(transaction):
                transaction.count("CTT01")
            bill, rejected = bill_of(transaction, tied, self.sender)
            yield from rejected
            yield bill
        for name, count in transaction.counts.items():
            self.counts[name] = self.counts.get(name, 0) + count
            self.firsts.setdefault(name, transaction.number or transaction.control)
        for tag, count in transaction.unread.items():
            self.unread[tag] = self.unread.get(tag, 0) + count

    def _cut_short(self, how: str) -> Iterator[Item]:
        transaction, self.open = self.open, None
        if transaction is not None:
            shown = transaction.control or "without number"
            yield from set_aside(transaction, f"transaction {shown} {how}: it may be cut short")

    def _envelope(self, tag: str, elements: list[str]) -> Iterator[Item]:
        yield from self._cut_short(f"ends in a {tag} segment without SE")
        self.skipping = None
        self.ended = tag == "IEA"
        told = elements[1].strip() if len(elements) > 1 else ""
        if tag == "ISA":
            self.sender = elements[6].strip() if len(elements) > 6 else ""
            self.groups = 0
        elif tag == "GS":
            self.groups += 1
            self.in_group = 0
            self.sender = (elements[2].strip() if len(elements) > 2 else "") or self.sender
            if told != "CI":
                self._say(f"the functional group is marked {told or 'by nothing'}, not CI")
            if len(elements) > 8 and _INSURANCE_VERSION.search(elements[8]):
                raise _insurance(self.source, "GS08 names the insurance guide X146")
        elif tag == "GE" and told.lstrip("0") != str(self.in_group).lstrip("0"):
            self._say(f"GE01 says {told or 'nothing'} transactions, the group has {self.in_group}")
        elif tag == "IEA" and told.lstrip("0") != str(self.groups).lstrip("0"):
            self._say(f"IEA01 says {told or 'nothing'} groups, the interchange has {self.groups}")

    def _say(self, text: str) -> None:
        if text not in self.envelope and len(self.envelope) < 20:
            self.envelope.append(text)

    def close(self) -> Iterator[Item]:
        """After the last segment: what is unfinished, and the remarks on the file.

        Raises:
            BadInput: if the file held no 811 at all.
        """
        yield from self._cut_short("has no SE segment")
        if not self.transactions:
            raise self.source.refused("holds no transaction set 811", "an X12 811 (telecom invoice)")
        if not self.ended:
            self._say("the file ends without its IEA segment")
        for text in self.envelope:
            yield Issue(severity="warning", message=text)
        for name, count in self.counts.items():
            told = _REMARKS.get(name, f"{{n}} invoices tie to TDS by this reading: {name}").format(n=count)
            yield Issue(severity="warning", message=f"{told} (first: {self.firsts[name]})")
        for tag, count in sorted(self.unread.items()):
            yield Issue(severity="warning", message=f"{count} segments {tag} are unknown and were not read")


def _line_counts(transaction: Transaction) -> set[int]:
    """What CTT01 counts differs between carriers: levels, IT1s, SLNs, both together, or nothing."""
    tags: list[str] = []
    for entry in transaction.drafts:
        if isinstance(entry, Leaf):
            tags += entry.outline.items
        elif entry.origin == "item":
            tags.append(entry.facts.tag)
    baseline = tags.count("IT1")
    return {0, len(transaction.levels), baseline, len(tags) - baseline, len(tags)}
