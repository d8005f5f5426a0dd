"""How names, numbers and ids are compared whatever their spelling."""

from __future__ import annotations

import re
from functools import lru_cache

import phonenumbers

#: Why an identifier such as 2.87301E+11 is set aside: nobody knows which account or line it was.
ROUNDED = "a spreadsheet has rounded the number: its last digits are lost"
ALL_DIGITS = "a number with all its digits: take the file as it was downloaded, not as a spreadsheet saved it"
_ROUNDED = re.compile(r"\d([.,]\d+)?E\+\d\d", re.ASCII)


def rounded(number: str) -> bool:
    """Whether a spreadsheet wrote a long number as `2.87301E+11`."""
    return _ROUNDED.fullmatch(number.strip()) is not None


def slug(text: str) -> str:
    """An id out of a name: lower case, words joined by `_`."""
    return re.sub(r"[^a-z0-9]+", "_", text.casefold().replace("&", " ")).strip("_")[:60] or "unnamed"


def account_key(number: str) -> str:
    """Account numbers compared without dashes and blanks."""
    return "".join(c for c in number.casefold() if c.isalnum())


@lru_cache(maxsize=500_000)
def number_key(number: str, country: str | None) -> str:
    """One form for all spellings of a number; identifiers with letters keep letters and digits only."""
    text = number.strip()
    digits = re.sub(r"[^0-9]", "", text)
    if not digits or re.search(r"[A-Za-z]", text):
        return re.sub(r"[^0-9a-z]", "", text.casefold())
    if text.startswith("+"):
        return f"+{digits}"
    if digits.startswith("00"):
        return f"+{digits[2:]}"
    code = phonenumbers.country_code_for_region(country or "US") or 1
    if code == 1:
        return f"+1{digits}" if len(digits) == 10 else f"+{digits}" if len(digits) == 11 else digits
    longest = 11 if code == 55 else 10  # Brazil: area code (55 is one) and nine digits
    if digits.startswith(str(code)) and len(digits) > longest:
        return f"+{digits}"
    national = digits if country == "IT" else digits.removeprefix("0")
    return f"+{code}{national}"
