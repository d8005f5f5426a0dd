"""Text files as they come: encodings, byte-order marks, line ends, delimiters; rows with their raw text."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import IO

from core.issues import BadInput, Issue

MAX_LINE = 64 * 1024 * 1024  # characters; a longer line means that the file is no table
MAX_CELL = 100_000
CHUNK_ROWS = 20_000
_CONTROL = bytes(range(9)) + bytes(range(14, 27)) + bytes(range(28, 32))
#: The decoding of a UTF-8 text in which some bytes are Windows-1252.
MIXED = "tem-utf-8-or-cp1252"
_STRAYS = re.compile("[\udc80-\udcff]")
_UNDEFINED_1252 = b"\x81\x8d\x8f\x90\x9d"
DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}


def _as_1252(error: UnicodeError) -> tuple[str, int]:
    """Decode bytes that are no UTF-8 as Windows-1252."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("cp1252", errors="replace"), error.end


codecs.register_error(MIXED, _as_1252)


@dataclass(frozen=True, slots=True)
class TextFacts:
    """How a text is written. `newline` is one of lf, crlf, cr, mixed, none.

    `errors` is how its decoder treats bytes that are no UTF-8 in a text that else is; `ended` says that its last line
    has its line end.
    """

    encoding: str
    bom: bool
    newline: str
    errors: str = "strict"
    ended: bool = True

    def table_warnings(self) -> list[str]:
        """:meth:`warnings` of a table without a trailer, in which a cut-off last row can look like a whole one."""
        if self.ended or self.newline == "none":
            return self.warnings()
        return [*self.warnings(), "the last line has no line end: if the file is cut off, its last value is too"]

    def warnings(self) -> list[str]:
        """What differs from plain UTF-8 with normal line ends, as short sentences."""
        found = []
        if self.errors == MIXED:
            found.append("some letters are Windows-1252 in a text that else is UTF-8")
        elif self.encoding not in {"utf-8", "utf-8-sig"}:
            found.append(f"encoding {self.encoding} instead of UTF-8")
        elif self.bom:
            found.append("byte-order mark at the start")
        if self.newline == "cr":
            found.append("line ends are CR only")
        return found


class TextScan:
    """Looks at every byte once, while the file is hashed, and then knows how the text is written."""

    def __init__(self) -> None:
        self.facts: TextFacts | None = None
        self._start = b""
        self._first = True
        self._utf8 = codecs.getincrementaldecoder("utf-8")()
        self._utf16: codecs.IncrementalDecoder | None = None
        self._wide = ""
        self._letters = 0  # bytes of letters beyond ASCII in UTF-8, each without its first
        self._strays = 0  # bytes that are no UTF-8
        self._cp1252 = True
        self.cut = False
        self._control = False
        self._cr = self._lf = self._crlf = 0
        self._last = b""
        self.size = 0

    def feed(self, block: bytes) -> None:
        """The next bytes."""
        if self._first:
            self._first = False
            self._begin(block)
        self.size += len(block)
        if self._wide:
            self._feed_wide(block)
            return
        self._feed_utf8(block)
        self._cp1252 = self._cp1252 and not block.translate(None, delete=_all_but(_UNDEFINED_1252))
        self._control = self._control or len(block.translate(None, delete=_CONTROL)) != len(block)
        self._cr += block.count(b"\r")
        self._lf += block.count(b"\n")
        self._crlf += block.count(b"\r\n") + (self._last == b"\r" and block[:1] == b"\n")
        self._last = block[-1:]

    def _begin(self, block: bytes) -> None:
        self._start = block[:4096]
        if block.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            self._wide = "utf-16"
        else:
            even, odd = self._start[0::2], self._start[1::2]
            if len(odd) >= 4 and odd.count(0) > 0.7 * len(odd) and even.count(0) == 0:
                self._wide = "utf-16-le"
            elif len(odd) >= 4 and even.count(0) > 0.7 * len(even) and odd.count(0) == 0:
                self._wide = "utf-16-be"
        if self._wide:
            self._utf16 = codecs.getincrementaldecoder(self._wide)()

    def _feed_utf8(self, block: bytes) -> None:
        try:
            text = self._utf8.decode(block)
        except UnicodeDecodeError:
            rest = self._utf8.getstate()
            self._utf8 = codecs.getincrementaldecoder("utf-8")("surrogateescape")
            self._utf8.setstate(rest)
            text = self._utf8.decode(block)
        self._letters += len(block) - len(text)
        if self._utf8.errors != "strict":
            self._strays += len(_STRAYS.findall(text))

    def _feed_wide(self, block: bytes) -> None:
        if self._utf16 is None:
            return
        try:
            text = self._utf16.decode(block)
        except UnicodeDecodeError:
            self._utf16 = None
            return
        self._control = self._control or "\x00" in text
        self._last = text[-1:].encode() or self._last
        self._cr += text.count("\r")
        self._lf += text.count("\n")
        self._crlf += text.count("\r\n")

    def close(self) -> None:
        """All bytes were fed: decide. A UTF-8 text that ends inside a letter is none: it is `cut`."""
        bom = self._start.startswith(codecs.BOM_UTF8)
        ended = self._last in {b"\n", b"\r"}
        if self._wide:
            if self._utf16 is not None and not self._control and self._ended(self._utf16):
                self.facts = TextFacts(
                    "utf-16" if self._wide == "utf-16" else self._wide, True, self._newline(), ended=ended
                )
            return
        if self._control:
            return
        utf8 = "utf-8-sig" if bom else "utf-8"
        if self._letters > self._strays > 0:
            self.facts = TextFacts(utf8, bom, self._newline(), MIXED, ended)
        elif not self._strays and self._ended(self._utf8):
            self.facts = TextFacts(utf8, bom, self._newline(), ended=ended)
        elif not self._strays and self._letters > len(self._utf8.getstate()[0]):
            self.cut = True
        elif self._cp1252:
            self.facts = TextFacts("cp1252", False, self._newline(), ended=ended)

    @staticmethod
    def _ended(decoder: codecs.IncrementalDecoder) -> bool:
        try:
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
        return True

    def _newline(self) -> str:
        lone_cr, lone_lf = self._cr - self._crlf, self._lf - self._crlf
        kinds = [name for name, n in (("crlf", self._crlf), ("lf", lone_lf), ("cr", lone_cr)) if n > 0]
        return "none" if not kinds else kinds[0] if len(kinds) == 1 else "mixed"

    @classmethod
    def head(cls, head: bytes) -> str | None:
        """The beginning of a file as text; None if it is none."""
        scan = cls()
        for cut in range(4):
            scan = cls()
            scan.feed(head[: len(head) - cut])
            scan.close()
            if scan.facts is not None and scan.facts.encoding != "cp1252":
                known = MIXED if scan.facts.errors == MIXED else "replace"
                return head[: len(head) - cut].decode(scan.facts.encoding, errors=known)
        return head.decode("cp1252", errors="replace") if scan.facts is not None else None


def _all_but(kept: bytes) -> bytes:
    return bytes(b for b in range(256) if b not in kept)


def first_record(text: str, delimiter: str) -> list[str]:
    """The cells of the first line that is not blank, trimmed."""
    for line in io.StringIO(text, newline=""):
        if line.strip(" \t\r\n,;|"):
            try:
                return [cell.strip() for cell in next(csv.reader([line.rstrip("\r\n")], delimiter=delimiter), [])]
            except csv.Error:
                return []
    return []


def best_header(text: str, score: Callable[[list[str]], int]) -> tuple[str, list[str]]:
    """The delimiter under which the header line names most of what `score` looks for, and the header's cells."""
    best = (",", first_record(text, ","))
    top = (score(best[1]), len(best[1]))
    for delimiter in DELIMITERS:
        cells = first_record(text, delimiter)
        rank = (score(cells), len(cells))
        if rank > top:
            best, top = (delimiter, cells), rank
    return best


@dataclass(slots=True)
class Block:
    """Some rows of a table of text: `lines` count from 1, `raws` are the lines as they stand in the file."""

    lines: list[int]
    rows: list[list[str]]
    raws: list[str]


def blocks(handle: IO[bytes], facts: TextFacts, delimiter: str, shown: str, size: int = CHUNK_ROWS) -> Iterator[Block]:
    """The records of a delimited text, the header included, blank ones left out.

    Raises:
        BadInput: if a line is longer than 64 million characters.
    """
    csv.field_size_limit(2 * MAX_LINE)
    text = io.TextIOWrapper(handle, encoding=facts.encoding, errors=facts.errors, newline="")
    pending: list[str] = []
    readline = text.readline

    def feed() -> Iterator[str]:
        while line := readline(MAX_LINE):
            if len(line) >= MAX_LINE:
                raise BadInput(Issue(file=shown, message=f"a line is longer than {MAX_LINE} characters"))
            pending.append(line)
            yield line

    reader = csv.reader(feed(), delimiter=delimiter)
    number = 1
    block = Block([], [], [])
    total = 0
    try:
        for cells in reader:
            raw = pending[0] if len(pending) == 1 else "".join(pending)
            taken = len(pending)
            pending.clear()
            if cells and (len(cells) > 1 or cells[0].strip()) and any(cells):
                block.lines.append(number)
                block.rows.append(cells)
                block.raws.append(raw)
                total += len(raw)
            number += taken
            if len(block.lines) >= size or total > MAX_LINE:
                yield block
                block, total = Block([], [], []), 0
    except csv.Error as error:
        raise BadInput(Issue(file=shown, row=number, message=f"is no readable table: {error}")) from error
    if block.lines:
        yield block
    text.detach()


def joined(cells: Iterable[str]) -> str:
    """Cells as one line of a CSV, for what stands in no text file."""
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(list(cells))
    return text.getvalue()


def shown_raw(raw: str, limit: int = 2_000) -> str:
    """Raw text for the quarantine: without line end, clipped, without characters a store cannot hold."""
    text = raw.rstrip("\r\n").replace("\x00", "\N{REPLACEMENT CHARACTER}")
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
