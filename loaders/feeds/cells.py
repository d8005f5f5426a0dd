"""Cells of inventory and people exports: days, identifiers, numbers, truth values; each refusal says what was expected.

Spreadsheets damage identifiers: an IMEI that was shown as `6.37702E+15` has lost its last digits for good. Such a cell
is refused with that reason (:class:`Damaged`), never completed by zeros.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import date
from functools import lru_cache

from core import periods
from core.money import parse_micros, to_text
from loaders.names import ROUNDED

_NOTHING = {"", "na", "n/a", "none", "null", "nan", "-", "--", "unknown", "not available", "no date", "never", "nil"}
_SCIENCE = re.compile(r"[+-]?\d+([.,]\d+)?[eE]\+?\d{1,3}", re.ASCII)
_STAMP = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[T ].*)?", re.ASCII)
_PARTS = re.compile(r"(\d{1,2})([/.-])(\d{1,2})\2(\d{2}|\d{4})(?:[ ,T].*)?", re.ASCII)
_WORDS = re.compile(
    r"(?:[A-Za-z]{3,9},? )?(?:(\d{1,2})[ -]([A-Za-z]{3,9})\.?|([A-Za-z]{3,9})\.? (\d{1,2})),?[ -](\d{4}).*"
)
_COMPACT = re.compile(r"\d{8}", re.ASCII)
_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTHS = {name: n for n, name in enumerate(_NAMES, 1)}
_MONEY = re.compile(
    r"(?P<minus>[-(]?)\s*(?:[$€£]|[A-Z]{3})?\s*(?P<inner>-?)(?P<digits>[\d.,' ]*\d)\s*(?:[$€£]|[A-Z]{3})?\)?"
)
_YES = {"true", "yes", "y", "1", "on", "x"}
_NO = {"false", "no", "n", "0", "off"}


class Damaged(ValueError):
    """A cell that a spreadsheet has rounded: its digits cannot be had back."""

    reason = ROUNDED


def nothing(text: str) -> bool:
    """Whether a cell says nothing: blank, `N/A`, `NULL`, `Unknown`, `Never` ..."""
    return text.strip().casefold() in _NOTHING


def _plain_digits(text: str, what: str) -> str:
    value = text.strip().lstrip("'\u2019=").strip('"').strip()
    if _SCIENCE.fullmatch(value):
        raise Damaged(f"{what} with all its digits; format the column as text before exporting it")
    return value


@lru_cache(maxsize=100_000)
def imeis(text: str) -> tuple[str, ...]:
    """The IMEIs (14 to 16 digits) or MEIDs (14 hexadecimal digits) of a cell, blanks and dashes dropped; () for none.

    Raises:
        ValueError: with what was expected; :class:`Damaged` for one that a spreadsheet has rounded.
    """
    if len(text) > 200:
        raise ValueError("an IMEI of 15 digits")
    found = []
    for part in re.split(r"[,;|\n]", text):
        value = re.sub(r"[\s/.-]", "", _plain_digits(part, "an IMEI"))
        if nothing(value) or not value.strip("0"):
            continue
        value = value.upper()
        if not re.fullmatch(r"\d{14,16}|[0-9A-F]{14}", value, re.ASCII):
            raise ValueError("an IMEI of 15 digits")
        if value not in found:
            found.append(value)
    return tuple(found)


def check_digit_fits(imei: str) -> bool:
    """Whether the last of an IMEI's 15 digits is the check digit of the others (Luhn); True for any other length."""
    if len(imei) != 15 or not imei.isdigit():
        return True
    doubled = [int(c) * (2 if place % 2 else 1) for place, c in enumerate(imei)]
    return sum(n - 9 if n > 9 else n for n in doubled) % 10 == 0


@lru_cache(maxsize=100_000)
def iccid(text: str) -> str | None:
    """A SIM card's number (18 to 22 digits, perhaps a trailing F), blanks dropped; None for none.

    Raises:
        ValueError: with what was expected; :class:`Damaged` for one that a spreadsheet has rounded.
    """
    value = re.sub(r"[\s-]", "", _plain_digits(text, "an ICCID"))
    if nothing(value) or not value.strip("0"):
        return None
    if not re.fullmatch(r"\d{18,22}[Ff]?", value, re.ASCII):
        raise ValueError("an ICCID of 19 or 20 digits")
    return value.upper().rstrip("F")


@lru_cache(maxsize=100_000)
def phone(text: str) -> str | None:
    """A telephone number as it is written, None for none; masked numbers (`*******0101`) are given back as they are.

    Raises:
        ValueError: with what was expected; :class:`Damaged` for one that a spreadsheet has rounded.
    """
    value = _plain_digits(text, "a telephone number")
    if nothing(value) or not re.search(r"[1-9*xX]", value):
        return None
    if len(value) > 40 or not re.search(r"\d", value):
        raise ValueError("a telephone number such as +12125550101")
    return value


def masked(number: str) -> bool:
    """Whether a telephone number has hidden digits."""
    return bool(re.search(r"[*\u2022#]|[xX]{2,}", number))


def email(text: str) -> str | None:
    """An e-mail address or login in lower case, None for none."""
    value = text.strip().casefold()
    return None if nothing(value) else value.removeprefix("mailto:")


def said(text: str) -> str | None:
    """Trimmed text; None for a cell that says nothing."""
    value = text.strip().replace("\x00", "")
    return None if nothing(value) else value


def truth(text: str) -> bool | None:
    """Yes or no, None for a cell that says nothing.

    Raises:
        ValueError: with what was expected.
    """
    value = text.strip().casefold()
    if value in _YES:
        return True
    if value in _NO:
        return False
    if nothing(value):
        return None
    raise ValueError("yes or no")


@lru_cache(maxsize=100_000)
def money(text: str) -> str | None:
    """Plain decimal text of an amount such as `$1,234.56`, `1.234,56 EUR`, `(7.00)`; None for none.

    The last of comma and point is the decimal sign where both stand; a single one followed by exactly three digits is
    taken as a thousands separator only if it is a comma.

    Raises:
        ValueError: with what was expected.
    """
    value = text.strip()
    if nothing(value):
        return None
    match = _MONEY.fullmatch(value) if len(value) <= 60 else None
    signs = match is not None and match["minus"] == "-" and match["inner"] == "-"
    if match is None or signs or (match["minus"] == "(") != value.endswith(")"):
        raise ValueError("an amount such as 1234.56")
    digits = re.sub(r"[' ]", "", match["digits"])
    comma, point = digits.rfind(","), digits.rfind(".")
    if comma >= 0 and point >= 0:
        thousands, decimal = (",", ".") if point > comma else (".", ",")
    elif comma >= 0:
        thousands, decimal = (",", ".") if re.fullmatch(r"\d{1,3}(,\d{3})+", digits) else ("", ",")
    else:
        thousands, decimal = (".", "") if re.fullmatch(r"\d{1,3}(\.\d{3}){2,}", digits) else ("", ".")
    if thousands:
        whole = digits.split(decimal)[0] if decimal else digits
        if thousands in whole and not re.fullmatch(rf"\d{{1,3}}({re.escape(thousands)}\d{{3}})+", whole):
            raise ValueError("an amount such as 1234.56")
        digits = digits.replace(thousands, "")
    micros = parse_micros(digits.replace(",", "."))
    return to_text(-micros if match["minus"] or match["inner"] else micros)


def day(text: str) -> str | None:
    """ISO day of a cell, month before day where both are numbers; see :func:`day_in`."""
    return day_in("mdy", text)


@lru_cache(maxsize=100_000)
def day_in(order: str, text: str) -> str | None:
    """ISO day of a date or time stamp; `order` (mdy or dmy) decides `03/04/2026`. None for `Never`, `N/A`, blank.

    Raises:
        ValueError: with what was expected.
    """
    value = " ".join(text.split())
    if nothing(value) or value.startswith(("0001-01-01", "1/1/0001", "0000-00-00")):
        return None
    if len(value) <= 60:
        found = _ymd(value, order)
        if found is not None:
            try:
                return periods.parse_day(date(*found).isoformat())
            except ValueError:
                pass
    raise ValueError("a date such as 2026-09-30")


def _ymd(value: str, order: str) -> tuple[int, int, int] | None:
    if match := _STAMP.fullmatch(value):
        return int(match[1]), int(match[2]), int(match[3])
    if match := _PARTS.fullmatch(value):
        first, second = int(match[1]), int(match[3])
        year = int(match[4]) + (2000 if len(match[4]) == 2 else 0)
        by_day = first > 12 or (second <= 12 and (order == "dmy" or match[2] == "."))
        return (year, second, first) if by_day else (year, first, second)
    if match := _WORDS.fullmatch(value):
        month = _MONTHS.get((match[2] or match[3])[:3].casefold())
        return (int(match[5]), month, int(match[1] or match[4])) if month else None
    if _COMPACT.fullmatch(value):
        return int(value[:4]), int(value[4:6]), int(value[6:])
    return None


def day_order(texts: Iterable[str]) -> str | None:
    """mdy or dmy, as the texts themselves prove; `` where no text needs it, None where all could be either."""
    undecided = False
    for text in texts:
        match = _PARTS.fullmatch(" ".join(text.split())[:60])
        if match is None or match[2] == ".":
            continue
        if int(match[1]) > 12:
            return "dmy"
        if int(match[3]) > 12:
            return "mdy"
        undecided = undecided or match[1] != match[3]
    return None if undecided else ""


def chosen(table: dict[str, str], what: str) -> Callable[[str], str | None]:
    """A parser that looks a word up (case, blanks and punctuation apart); None for a cell that says nothing.

    The parser raises ValueError with the words it knows.
    """
    keys = {re.sub(r"[^a-z0-9]", "", word.casefold()): value for word, value in table.items()}

    def look(text: str) -> str | None:
        if nothing(text):
            return None
        key = re.sub(r"[^a-z0-9]", "", text.casefold())
        if key not in keys:
            raise ValueError(f"{what}: one of {', '.join(table)}")
        return keys[key]

    return look
