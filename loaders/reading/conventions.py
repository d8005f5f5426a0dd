"""How a file writes numbers, days and currencies: declared once in a profile or template, then read without guessing.

Cells of workbooks that hold a number or a day come as :class:`Plain` text in the store's own form (`.` decimals, ISO
days) and are not read by the file's conventions: `1234.567` in a sheet is never taken for a million.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from typing import Literal

from babel import Locale, UnknownLocaleError
from babel.dates import get_month_names
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from core import periods
from core.money import parse_micros

_DASHES = str.maketrans({"\u2212": "-", "\u2013": "-", "\u00a0": " ", "\u202f": " ", "\u2009": " ", "\u2019": "'"})
_SYMBOLS = {
    **{"€": "EUR", "£": "GBP", "¥": "JPY", "₹": "INR", "R$": "BRL", "US$": "USD", "zł": "PLN"},
    **{"$": None, "kr": None},
}
_CODE = re.compile(r"(?<![A-Za-z])[A-Z]{3}(?![A-Za-z])", re.ASCII)
_NOTHING = {"", "-", "na", "n/a", "none", "null", "no date"}
_MAX = 60


class Plain(str):
    """Text of a workbook cell that is a number or a day, in the store's own form."""

    __slots__ = ()


def blank(text: str) -> bool:
    """Whether a cell says nothing (blank, `-`, `N/A`, `NULL`)."""
    return text.strip().casefold() in _NOTHING


class Numbers(BaseModel):
    """`decimal` is the decimal mark, `thousands` the separator of groups (none if empty).

    Negative numbers may stand as `-1.00`, `1.00-`, `(1.00)` or `1.00 CR`, in every file.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    decimal: Literal[".", ","] = "."
    thousands: Literal["", ",", ".", " ", "'"] = ""

    @model_validator(mode="after")
    def _differ(self) -> Numbers:
        if self.decimal == self.thousands:
            raise ValueError("decimal and thousands must be different marks")
        return self

    @property
    def example(self) -> str:
        """A number as the convention writes it."""
        return f"1{self.thousands}234{self.decimal}56"

    def parse(self, text: str, currency: str | None = None) -> int | None:
        """Micros of a number; None for a blank. `currency`: what a printed currency code or sign must agree with.

        Raises:
            ValueError: with what was expected.
        """
        if isinstance(text, Plain):
            return parse_micros(text)
        return _number(self, text, currency)


class Dates(BaseModel):
    """`order` of day, month and year in numbers; `language` of month names (ISO 639, such as `en`, `de`, `pt_BR`)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    order: Literal["ymd", "dmy", "mdy"] = "ymd"
    language: str = "en"

    @field_validator("language")
    @classmethod
    def _known(cls, value: str) -> str:
        try:
            Locale.parse(value.replace("-", "_"))
        except (UnknownLocaleError, ValueError) as error:
            raise ValueError("a language such as en, de or pt_BR") from error
        return value.replace("-", "_")

    @property
    def example(self) -> str:
        """A day as the convention writes it."""
        return {"ymd": "2026-01-31", "dmy": "31/01/2026", "mdy": "01/31/2026"}[self.order]

    def day(self, text: str) -> str | None:
        """ISO day; None for a blank. A time of day after the date is left out.

        Raises:
            ValueError: with what was expected.
        """
        return _day(self, text)

    def month(self, text: str) -> str | None:
        """`YYYY-MM` of a month such as `01/2026`, `Jan 2026` or of any day; None for a blank.

        Raises:
            ValueError: with what was expected.
        """
        return _month(self, text)

    def stamp(self, text: str) -> str | None:
        """ISO time of a day with a time of day; None for a blank.

        Raises:
            ValueError: with what was expected.
        """
        return _stamp(self, text)


class Conventions(BaseModel):
    """Numbers and dates of one file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    numbers: Numbers = Field(default_factory=Numbers)
    dates: Dates = Field(default_factory=Dates)


@lru_cache(maxsize=100_000)
def _number(how: Numbers, text: str, currency: str | None) -> int | None:
    wanted = f"a number such as {how.example}"
    if len(text) > _MAX:
        raise ValueError(wanted)
    value = _without_currency(text.translate(_DASHES).strip(), currency)
    if blank(value):
        return None
    negative = False
    if value.startswith("(") and value.endswith(")"):
        value, negative = value[1:-1].strip(), True
    if value[-2:].upper() in {"CR", "DR"}:
        negative ^= value[-2:].upper() == "CR"
        value = value[:-2].rstrip()
    signs = [value[:1], value[-1:]] if len(value) > 1 else [value[:1]]
    marked = [sign for sign in signs if sign in {"-", "+"}]
    if len(marked) > 1 or (marked and negative):
        raise ValueError(wanted)
    if marked:
        negative = marked[0] == "-"
        value = (value[1:] if value[0] in "+-" else value[:-1]).strip()
    value = _without_currency(value, currency)
    whole, mark, fraction = value.partition(how.decimal)
    if mark and not fraction:
        raise ValueError(wanted)
    if how.thousands and how.thousands in whole:
        groups = whole.split(how.thousands)
        good = 1 <= len(groups[0]) <= 3 and all(2 <= len(g) <= 3 for g in groups[1:-1]) and len(groups[-1]) == 3
        if not good:
            raise ValueError(wanted)
        whole = "".join(groups)
    if (
        not (whole.isdigit() or (not whole and fraction))
        or (fraction and not fraction.isdigit())
        or not value.isascii()
    ):
        raise ValueError(wanted)
    micros = parse_micros(f"{whole or '0'}.{fraction}" if fraction else whole)
    return -micros if negative else micros


def _without_currency(value: str, currency: str | None) -> str:
    code = _CODE.search(value)
    if code and code[0] not in {"CR", "DR"}:
        if currency and code[0] != currency:
            raise ValueError(f"an amount in {currency}")
        return (value[: code.start()] + value[code.end() :]).strip()
    for sign in sorted(_SYMBOLS, key=len, reverse=True):
        if sign in value:
            meant = _SYMBOLS[sign]
            if currency and meant and meant != currency:
                raise ValueError(f"an amount in {currency}")
            return value.replace(sign, "", 1).strip()
    return value


@lru_cache(maxsize=32)
def _month_names(language: str) -> dict[str, int]:
    names: dict[str, int] = {}
    for code in {"en", language}:
        for width in ("wide", "abbreviated"):
            for context in ("format", "stand-alone"):
                for number, name in get_month_names(width, context, code).items():
                    names[name.casefold().rstrip(".")] = number
    return names


_TIME = re.compile(
    r"[T ]+(?P<h>\d{1,2}):(?P<m>\d{2})(:(?P<s>\d{2})(\.\d+)?)?\s*(?P<half>[AaPp]\.?[Mm]?\.?)?(Z|[+-]\d{2}:?\d{2})?$"
)
_TOKENS = re.compile(r"\d+|[^\W\d_]+\.?", re.UNICODE)
_FILLER = {"de", "of", "del", "di", "th", "st", "nd", "rd"}


def _tokens(how: Dates, text: str) -> list[str | int]:
    """Numbers as text, month names as numbers."""
    found: list[str | int] = []
    names = _month_names(how.language)
    for token in _TOKENS.findall(text):
        word = token.casefold().rstrip(".")
        if token[0].isdigit():
            found.append(token)
        elif word in names:
            found.append(names[word])
        elif word not in _FILLER:
            raise ValueError
    return found


def _year(text: str) -> int:
    if len(text) == 4:
        return int(text)
    if len(text) == 2:
        return 2000 + int(text) if int(text) < 80 else 1900 + int(text)
    raise ValueError


def _date(how: Dates, text: str) -> date:
    tokens = _tokens(how, text)
    if len(tokens) == 1 and len(str(tokens[0])) == 8:
        digits = str(tokens[0])
        cuts = {"ymd": (4, 6), "dmy": (2, 4), "mdy": (2, 4)}[how.order]
        tokens = [digits[: cuts[0]], digits[cuts[0] : cuts[1]], digits[cuts[1] :]]
    if len(tokens) != 3:
        raise ValueError
    named = [t for t in tokens if isinstance(t, int)]
    if named:
        rest: Sequence[str] = [t for t in tokens if isinstance(t, str)]
        year_first = len(rest[0]) == 4
        day, year = (rest[1], rest[0]) if year_first else (rest[0], rest[1])
        return date(_year(year), named[0], int(day))
    parts = [str(t) for t in tokens]
    order = "ymd" if len(parts[0]) == 4 else how.order
    by_letter = dict(zip(order, parts, strict=True))
    return date(_year(by_letter["y"]), int(by_letter["m"]), int(by_letter["d"]))


@lru_cache(maxsize=20_000)
def _day(how: Dates, text: str) -> str | None:
    value = " ".join(text.translate(_DASHES).split())
    if blank(value):
        return None
    try:
        if len(value) > _MAX:
            raise ValueError
        return periods.parse_day(_date(how, _TIME.sub("", value)).isoformat())
    except (ValueError, IndexError):
        raise ValueError(f"a date such as {how.example}") from None


@lru_cache(maxsize=20_000)
def _month(how: Dates, text: str) -> str | None:
    value = " ".join(text.split())
    if blank(value):
        return None
    try:
        tokens = _tokens(how, value[:_MAX]) if len(value) <= _MAX else []
    except ValueError:
        tokens = []
    if len(tokens) == 1 and len(str(tokens[0])) == 6:
        tokens = [str(tokens[0])[:4], str(tokens[0])[4:]]
    if len(tokens) == 2:
        year = next((t for t in tokens if isinstance(t, str) and len(t) == 4), None)
        other = next((t for t in tokens if t is not year), None)
        if year is not None and other is not None and 1 <= int(other) <= 12:
            return periods.parse_month(f"{year}-{int(other):02d}")
    day = _day(how, text)
    return None if day is None else day[:7]


@lru_cache(maxsize=20_000)
def _stamp(how: Dates, text: str) -> str | None:
    value = " ".join(text.split())
    if blank(value):
        return None
    day = _day(how, value)
    time = _TIME.search(value)
    if time is None:
        return f"{day}T00:00:00"
    hour, half = int(time["h"]), (time["half"] or "").lower()[:1]
    if half:
        hour = hour % 12 + (12 if half == "p" else 0)
    if hour > 23 or int(time["m"]) > 59 or int(time["s"] or 0) > 59:
        raise ValueError(f"a time such as {how.example} 14:05:00")
    return f"{day}T{hour:02d}:{time['m']}:{time['s'] or '00'}"
