"""Text of a PDF with positions; runs inside the child process, see `loaders.reading.child_main`.

Each page becomes one document: five lists as long as the page has words, `[x0, x1, top, bottom, text]`, in points from
the top left corner. Words are split at blanks, in the order in which the file draws them.
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Callable
from typing import Any

import pypdfium2 as pdfium
from pypdfium2 import raw

MAX_PAGES = 2_000
MAX_CHARACTERS = 200_000  # on one page
#: FPDFText_GetLooseCharBox(page, character, box), its pointers given as numbers: half the time of typed ones.
_measure = ctypes.cast(
    raw.FPDFText_GetLooseCharBox, ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)
)
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
        tell(_words(text, page.get_height()))
        text.close()
        page.close()


def _words(page: Any, height: float) -> list[list[Any]]:
    """Words by the boxes of their first and last characters."""
    count = page.count_chars()
    text = page.get_text_range(0, count) if count else ""
    if len(text) != count:
        text = "".join([chr(raw.FPDFText_GetUnicode(page, i)) for i in range(count)])
    spans = [found.span() for found in _WORD.finditer(text)]
    boxes = (raw.FS_RECTF * (2 * len(spans)))()  # measured into one block of memory, read at once
    at, size = ctypes.addressof(boxes), ctypes.sizeof(raw.FS_RECTF)
    handle = ctypes.cast(page.raw, ctypes.c_void_p).value
    for start, end in spans:
        _measure(handle, start, at)
        _measure(handle, end - 1, at + size)
        at += 2 * size
    edges = memoryview(boxes).cast("B").cast("f").tolist()  # left, top, right, bottom of first and last character
    tenths = height * 10 + 0.5
    return [
        [int(x * 10 + 0.5) / 10 for x in edges[0::8]],  # rounded, in a fifth of the time that round() takes
        [int(x * 10 + 0.5) / 10 for x in edges[6::8]],
        [int(tenths - y * 10) / 10 for y in edges[1::8]],
        [int(tenths - y * 10) / 10 for y in edges[3::8]],
        [text[start:end] for start, end in spans],
    ]
