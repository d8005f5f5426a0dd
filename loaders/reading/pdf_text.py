"""Text of a PDF with positions; runs inside the child process, see `loaders.reading.child_main`.

Each page becomes one document: `[height, words]`, a word is `[x0, x1, top, bottom, text]` in points from the top left
corner. Words are split at blanks and at gaps, in the order in which the file draws them.
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Callable, Iterator
from typing import Any

import pypdfium2 as pdfium
from pypdfium2 import raw

MAX_PAGES = 2_000
MAX_CHARACTERS = 200_000  # on one page
_WORD = re.compile(r"[^\s\x00\x02\u200b\ufffe]+")


def read(path: str, argument: str, tell: Callable[[Any], None]) -> None:
    """Write all pages, or the first `argument` ones."""
    try:
        document = pdfium.PdfDocument(path)
    except pdfium.PdfiumError as error:
        said = str(error)
        reason = "is protected by a password" if "password" in said.lower() else "is a damaged PDF"
        tell({"refused": reason, "expected": "a complete PDF that opens without a password"})
        return
    count = len(document)
    if count > MAX_PAGES:
        tell({"refused": f"has {count} pages", "expected": f"at most {MAX_PAGES}"})
        return
    tell(count)
    wanted = min(int(argument), count) if argument else count
    for number in range(wanted):
        page = document[number]
        text = page.get_textpage()
        characters = text.count_chars()
        if characters > MAX_CHARACTERS:
            tell(
                {
                    "refused": f"has {characters} characters on page {number + 1}",
                    "expected": f"at most {MAX_CHARACTERS}",
                }
            )
            return
        height = page.get_height()
        tell([round(height, 1), list(_words(text, height))])
        text.close()
        page.close()


def _words(page: Any, height: float) -> Iterator[list[Any]]:
    """Words by the boxes of their first and last characters."""
    count = page.count_chars()
    text = page.get_text_range() if count else ""
    if len(text) != count:
        text = "".join([chr(raw.FPDFText_GetUnicode(page, i)) for i in range(count)])
    box = raw.FS_RECTF()
    place, measure = ctypes.byref(box), raw.FPDFText_GetLooseCharBox
    for found in _WORD.finditer(text):
        start, end = found.span()
        measure(page, start, place)
        x0, top, bottom = box.left, height - box.top, height - box.bottom
        if end - start > 1:
            measure(page, end - 1, place)
        yield [round(x0, 1), round(box.right, 1), round(top, 1), round(bottom, 1), found[0]]
