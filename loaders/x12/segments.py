"""X12 as a stream of segments: delimiters from the ISA segment, whatever its padding; memory of one block."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from core.issues import BadInput
from loaders.reading.source import Source
from loaders.reading.text import MAX_LINE

BLOCK = 128 * 1024  # bytes; a block and what is made of it stay in the cache of the processor
_BLANKS = " \t\r\n\ufeff"
_ISA_ELEMENTS = 16
_HEAD = 4000  # characters in which an ISA segment ends
_ISA_LONGEST = 40  # characters of an element; 15 is the longest of the standard


@dataclass(frozen=True, slots=True)
class Delimiters:
    """What separates elements, components and segments; `component` is blank where ISA16 is left out."""

    element: str
    component: str
    segment: str


def find_delimiters(text: str) -> Delimiters:
    """The delimiters of an interchange that starts with its ISA segment, padded to 106 characters or not.

    Raises:
        ValueError: with what is wrong with the ISA segment.
    """
    if not text.startswith("ISA") or len(text) < 4:
        raise ValueError("no ISA segment at the start")
    element = text[3]
    if element.isalnum() or element in " \r\n":
        raise ValueError(f'"{element}" cannot separate elements')
    head = text[:_HEAD]
    parts = head.split(element, _ISA_ELEMENTS)
    if any("\n" in part for part in parts[:-1]):  # lines cut at a fixed width
        parts = head.replace("\r", "").replace("\n", "").split(element, _ISA_ELEMENTS)
    if len(parts) <= _ISA_ELEMENTS or any(len(part) > _ISA_LONGEST for part in parts[:-1]):
        raise ValueError("an ISA segment without its 16 elements")
    tail = parts[_ISA_ELEMENTS]
    start = min((at for tag in ("GS", "TA1") if 0 <= (at := tail.find(tag + element)) <= 12), default=-1)
    between = tail[:2] if start < 0 else tail[:start]
    marks = between.strip(" \r\n")
    line_end = "\n" if "\n" in between else "\r" if "\r" in between else ""
    if len(marks) == 2:
        component, segment = marks[0], marks[1]
    elif len(marks) == 1 and not line_end:
        component, segment = "", marks
    elif len(marks) == 1:
        group = tail[len(between) :]
        closing = group[: max(group.find(f"ST{element}"), 0)].rstrip(" \r\n")
        component, segment = ("", marks) if closing.endswith(marks) else (marks, line_end)
    else:
        component, segment = "", line_end
    if not segment or segment.isalnum() or segment == element:
        raise ValueError("an ISA segment whose end cannot be told")
    return Delimiters(element, component, segment)


def encoding_of(source: Source) -> str:
    """The encoding of an X12 file; control characters may be its delimiters, so it need not pass as text."""
    try:
        return source.text_facts().encoding
    except BadInput:
        return "utf-8-sig" if source.head.startswith(codecs.BOM_UTF8) else "latin-1"


def head_of(source: Source) -> str:
    """The beginning of the file as text, blanks and byte-order mark removed; never raises."""
    text = source.head_text
    if text is None:
        text = source.head.removeprefix(codecs.BOM_UTF8).decode("latin-1")
    return text.lstrip(_BLANKS)


def blocks(handle: IO[bytes], encoding: str, source: Source) -> Iterator[tuple[Delimiters, str, bool]]:
    """Texts of whole segments, without line ends and the last terminator, in the order of the file.

    With each comes whether it ends just before an HL segment, as it does where it holds several levels. The last
    segment is given even where the file ends before its terminator. A second interchange may have other delimiters.

    Raises:
        BadInput: if an ISA segment is unusable, or a segment is longer than 64 million characters.
    """
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    text = ""
    current: Delimiters | None = None
    earlier: Delimiters | None = None
    more = True
    while more:
        data = handle.read(BLOCK)
        more = bool(data)
        text += decoder.decode(data, final=not more)
        while text:
            if current is None:
                text = text.lstrip(_BLANKS)
                if not text or (len(text) < _HEAD and more):
                    break
                current = earlier = _next_delimiters(text, earlier, source)
            level = _last_level(text, current) if more else 0
            cut = level or (text.rfind(current.segment) + 1 if more else len(text))
            if cut == 0:
                if len(text) > MAX_LINE:
                    raise source.refused(f"has a segment of more than {MAX_LINE} characters")
                break
            end = _end_of_interchange(text, current, cut)
            whole, text = text[: end or cut], text[end or cut :]
            if whole := _cleaned(whole, current):
                yield current, whole, bool(level) and end is None
            if end is None:
                break
            current = None


def _next_delimiters(text: str, earlier: Delimiters | None, source: Source) -> Delimiters:
    """Those of the interchange that begins here; stray segments after an interchange keep its delimiters."""
    if earlier is not None and not text.startswith("ISA"):
        return earlier
    try:
        return find_delimiters(text)
    except ValueError as problem:
        raise source.refused(f"has {problem}", "an X12 interchange that starts with ISA") from None


def _last_level(text: str, delimiters: Delimiters) -> int:
    """Where the last HL segment begins, 0 if none does behind another segment."""
    tag = f"HL{delimiters.element}"
    at = text.rfind(tag)
    while at > 0 and not _is_start(text, at, delimiters):
        at = text.rfind(tag, 0, at)
    return max(at, 0)


def _end_of_interchange(text: str, delimiters: Delimiters, cut: int) -> int | None:
    """Where the first IEA segment before `cut` ends, None if there is none."""
    at = text.find(f"IEA{delimiters.element}", 0, cut)
    while at >= 0:
        if _is_start(text, at, delimiters):
            end = text.find(delimiters.segment, at, cut)
            return None if end < 0 else end + 1
        at = text.find(f"IEA{delimiters.element}", at + 1, cut)
    return None


def _is_start(text: str, at: int, delimiters: Delimiters) -> bool:
    """Whether nothing, or a terminator and blanks, stand before `at`."""
    before = text[max(at - 8, 0) : at].rstrip(" \r\n" if delimiters.segment not in "\r\n" else " ")
    return not before or before[-1] == delimiters.segment


def _cleaned(text: str, delimiters: Delimiters) -> str:
    """The segments that are not blank, with a terminator between them."""
    for mark in "\r\n":
        if mark in text and mark not in (delimiters.segment, delimiters.element):
            text = text.replace(mark, "")
    segment = delimiters.segment
    if segment * 2 in text or text.startswith(segment):
        text = segment.join(part for part in text.split(segment) if part.strip())
    before, _, last = text.rpartition(segment)
    return text if last.strip() else before
