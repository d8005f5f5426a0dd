"""The words of a PDF as lines and phrases: finding a label, the text beside or below it, the columns under a header."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple

from loaders.reading import child
from loaders.reading.source import Source

_WORD_GAP = 0.9  # of the line's height: a wider gap begins another phrase
_NEAR_LINES = 3.5  # of the line's height: how far below its label a value may stand


#: A word with its box, in points from the top left corner of its page: x0, x1, top, bottom, text. A plain tuple, which
#: Python's collector of garbage leaves alone: a long invoice has a hundred thousand.
Word = tuple[float, float, float, float, str]


class Phrase(NamedTuple):
    """Words that stand together on a line."""

    x0: float
    x1: float
    text: str


class Line:
    """The words of one line, from left to right; `page` counts from 1, `number` through the whole document from 0.

    `middle` and `height` are those of the line in points, `text` all its words.
    """

    __slots__ = ("_folded", "_keys", "_phrases", "height", "middle", "number", "page", "text", "words")

    def __init__(self, page: int, number: int, words: tuple[Word, ...]) -> None:
        self.page = page
        self.number = number
        self.words = words
        self.text = " ".join([word[4] for word in words])
        top, bottom = min([word[2] for word in words]), max([word[3] for word in words])
        self.middle = (top + bottom) / 2
        self.height = max(bottom - top, 1.0)
        self._keys: list[str] | None = None
        self._folded: str | None = None
        self._phrases: tuple[Phrase, ...] | None = None

    @property
    def phrases(self) -> tuple[Phrase, ...]:
        """Words that stand together."""
        if self._phrases is None:
            self._phrases = tuple(together(self.words))
        return self._phrases

    @property
    def keys(self) -> list[str]:
        """The words as labels are compared."""
        if self._keys is None:
            self._keys = [key(word) for word in self.text.split(" ")]
        return self._keys

    @property
    def folded(self) -> str:
        """The text without case."""
        if self._folded is None:
            self._folded = self.text.casefold()
        return self._folded

    def edges(self, found: tuple[int, int]) -> tuple[float, float]:
        """The left edge of the first and the right edge of the last of the words that :meth:`find` found."""
        return self.words[found[0]][0], self.words[found[1]][1]

    def find(self, label: str) -> tuple[int, int] | None:
        """First and last word of a label, compared without case and the colon behind it."""
        wanted = _keys_of(label)
        keys, first, length = self.keys, wanted[0], len(wanted)
        for start, word in enumerate(keys):
            if word == first and tuple(keys[start : start + length]) == wanted:
                return start, start + length - 1
        return None


def key(text: str) -> str:
    """Words of labels compared without case and closing punctuation."""
    return text.casefold().rstrip(":;.,")


@lru_cache(maxsize=10_000)
def _keys_of(label: str) -> tuple[str, ...]:
    return tuple(key(part) for part in label.split()) or ("",)


def together(words: Sequence[Word]) -> Iterator[Phrase]:
    """Words joined to phrases, from left to right."""
    x0, x1, top, bottom, text = words[0]
    height = bottom - top
    texts = [text]
    for left, right, top, bottom, text in words[1:]:
        tall = bottom - top
        if left - x1 > _WORD_GAP * (tall if tall < height else height):
            yield Phrase(x0, x1, " ".join(texts))
            x0, texts = left, []
        texts.append(text)
        x1, height = right, tall
    yield Phrase(x0, x1, " ".join(texts))


@dataclass(frozen=True)
class Document:
    """All lines of a PDF, in reading order."""

    pages: int
    lines: tuple[Line, ...] = field(repr=False)

    def with_label(self, label: str) -> list[int]:
        """The places of the lines that may bear a label: those with its first word."""
        first = _keys_of(label)[0]
        return [place for place, line in enumerate(self.lines) if first in line.folded]

    @property
    def has_text(self) -> bool:
        """False for a scan."""
        return bool(self.lines)

    def right_of(self, label: str) -> Iterator[tuple[Line, str]]:
        """The phrases that stand to the right of a label, with their lines."""
        for place in self.with_label(label):
            line = self.lines[place]
            found = line.find(label)
            beside = [] if found is None else list(line.words[found[1] + 1 :])
            while beside and not key(beside[0][4]):
                beside.pop(0)  # a colon that stands alone
            if beside:
                yield line, next(together(beside)).text

    def below(self, label: str) -> Iterator[tuple[Line, str]]:
        """The phrases that stand below a label, with their lines."""
        for place in self.with_label(label):
            line = self.lines[place]
            found = line.find(label)
            if not found:
                continue
            left, right = line.edges(found)
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
        BadInput: if the file is damaged, protected or beyond the limits of :mod:`loaders.reading.pdf_text`.
    """
    stream = child.stream(source, "pdf_text", "" if pages is None else str(pages))
    count = next(stream, 0)
    lines: list[Line] = []
    for page, words in enumerate(stream, 1):
        lines += page_lines(words, page, len(lines))
    return Document(int(count), tuple(lines))


def page_lines(words: Sequence[Sequence[Any]], page: int, first: int) -> list[Line]:
    """The lines of one page from its words, `[x0, x1, top, bottom, text]` of all; `first` numbers the first line."""
    rows: list[list[Word]] = []
    middle, height = -1e9, 0.0
    for word in sorted(zip(*words, strict=True), key=_reading_order):
        center, tall = (word[2] + word[3]) / 2, word[3] - word[2]
        if abs(center - middle) < 0.45 * (tall if tall < height else height):
            rows[-1].append(word)
            continue
        rows.append([word])
        middle, height = center, tall
    return [Line(page, first + i, tuple(sorted(row))) for i, row in enumerate(rows)]


def _reading_order(word: Word) -> tuple[float, float]:
    return word[2] + word[3], word[0]
