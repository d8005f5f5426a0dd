"""Records of fixed width, written by the widths of the published layouts one after the other.

Not by the positions that the loaders declare: a wrong position in either shows as a difference.
"""

from __future__ import annotations


def fields(length: int, *parts: tuple[int, str | int]) -> str:
    """A record from (width, value) pairs: text is padded right with blanks, whole numbers left with zeros."""
    record = ""
    for width, value in parts:
        cell = str(value).rjust(width, "0") if isinstance(value, int) else value.ljust(width)
        assert len(cell) == width, (width, value)
        record += cell
    assert len(record) == length, len(record)
    return record


def money(cents: int, width: int = 13) -> str:
    """A sign and digits with two implied decimals."""
    return ("-" if cents < 0 else "+") + str(abs(cents)).rjust(width, "0")
