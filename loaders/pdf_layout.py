"""The words of a PDF as lines and phrases: finding a label, the text beside or below it, the columns under a header."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from loaders import child
from loaders.source import Source

_WORD_GAP = 0.9  # of the line's height: a wider gap begins another phrase
_NEAR_LINES = 3.5  # of the line's height: how far below its label a value may stand


@dataclass(frozen=True, slots=True)
class Word:
    """A word with its box, in points from the top left corner of its page."""

    x0: float
    x1: float
    top: float
    bottom: float
    text: str

    @property
    def height(self) -> float:
        """Of the box."""
        return max(self.bottom - self.top, 1.0)


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words that stand together on a line."""

    x0: float
    x1: float
    text: str


@dataclass(frozen=True)
class Line:
    """The words of one line, from left to right; `page` counts from 1, `number` through the whole document."""

    page: int
    number: int
    words: tuple[Word, ...] = field(repr=False)

    @cached_property
    def text(self) -> str:
        """All words."""
        return " ".join(word.text for word in self.words)

    @cached_property
    def middle(self) -> float:
        """Height of its middle."""
        return sum((word.top + word.bottom) / 2 for word in self.words) / len(self.words)

    @cached_property
    def height(self) -> float:
        """Of its tallest word."""
        return max(word.height for word in self.words)

    @cached_property
    def phrases(self) -> tuple[Phrase, ...]:
        """Words that stand together."""
        return tuple(together(self.words))

    def find(self, label: str) -> tuple[int, int] | None:
        """First and last word of a label, compared without case and the colon behind it."""
        wanted = [key(part) for part in label.split()]
        keys = [key(word.text) for word in self.words]
        for start in range(len(keys) - len(wanted) + 1):
            if keys[start : start + len(wanted)] == wanted:
                return start, start + len(wanted) - 1
        return None


def key(text: str) -> str:
    """Words of labels compared without case and closing punctuation."""
    return text.casefold().rstrip(":;.,")


def together(words: Sequence[Word]) -> Iterator[Phrase]:
    """Words joined to phrases, from left to right."""
    part: list[Word] = []
    for word in words:
        if part and word.x0 - part[-1].x1 > _WORD_GAP * min(word.height, part[-1].height):
            yield _phrase(part)
            part = []
        part.append(word)
    if part:
        yield _phrase(part)


def _phrase(words: Sequence[Word]) -> Phrase:
    return Phrase(words[0].x0, words[-1].x1, " ".join(word.text for word in words))


@dataclass(frozen=True)
class Document:
    """All lines of a PDF, in reading order."""

    pages: int
    lines: tuple[Line, ...] = field(repr=False)

    @property
    def has_text(self) -> bool:
        """False for a scan."""
        return bool(self.lines)

    def right_of(self, label: str) -> Iterator[tuple[Line, str]]:
        """The phrases that stand to the right of a label, with their lines."""
        for line in self.lines:
            found = line.find(label)
            beside = [] if found is None else list(line.words[found[1] + 1 :])
            while beside and not key(beside[0].text):
                beside.pop(0)  # a colon that stands alone
            if beside:
                yield line, next(together(beside)).text

    def below(self, label: str) -> Iterator[tuple[Line, str]]:
        """The phrases that stand below a label, with their lines."""
        for place, line in enumerate(self.lines):
            found = line.find(label)
            if not found:
                continue
            left, right = line.words[found[0]].x0, line.words[found[1]].x1
            for under in self.lines[place + 1 : place + 12]:
                if under.page != line.page or under.middle - line.middle > _NEAR_LINES * line.height:
                    break
                over = [p for p in under.phrases if p.x0 < right and p.x1 > left]
                if over:
                    nearest = min(over, key=lambda p: min(abs(p.x0 - left), abs(p.x1 - right)))
                    yield under, nearest.text
                    break


def read_document(source: Source, pages: int | None = None) -> Document:
    """The lines of all pages, or of the first `pages`.

    Raises:
        BadInput: if the file is damaged, protected or beyond the limits of :mod:`loaders.pdf_text`.
    """
    stream = child.stream(source, "pdf_text", "" if pages is None else str(pages))
    count = next(stream, 0)
    lines: list[Line] = []
    for page, (_, words) in enumerate(stream, 1):
        lines += _lines([Word(*word) for word in words], page, len(lines))
    return Document(int(count), tuple(lines))


def _lines(words: list[Word], page: int, first: int) -> list[Line]:
    rows: list[list[Word]] = []
    for word in sorted(words, key=lambda w: ((w.top + w.bottom) / 2, w.x0)):
        middle = (word.top + word.bottom) / 2
        if rows:
            last = rows[-1][0]
            if abs(middle - (last.top + last.bottom) / 2) < 0.45 * min(word.height, last.height):
                rows[-1].append(word)
                continue
        rows.append([word])
    return [Line(page, first + i, tuple(sorted(row, key=lambda w: w.x0))) for i, row in enumerate(rows)]
