"""Elements of X12 as values: implied cents (N2), explicit decimals (R), dates, telephone numbers, tax names."""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache

from core.money import MAX_MICROS, SCALE, mul, parse_micros

CENT = SCALE // 100
_DAY = re.compile(r"(\d{4}|\d{2})(\d{2})(\d{2})", re.ASCII)
_CLOCK = re.compile(r"([01]\d|2[0-3])([0-5]\d)([0-5]\d)?\d{0,2}", re.ASCII)
_PHONE = re.compile(r"\+?[0-9][0-9 .()/-]{8,20}", re.ASCII)
_WHOLE = re.compile(r"-?\d{1,16}", re.ASCII)

#: Element 963 as the X12 dictionary names it, as far as we know it; other codes are shown as they stand.
TAXES = {
    "CP": "County or parish sales tax",
    "CS": "City sales tax",
    "CT": "County tax",
    "FD": "Federal tax",
    "FT": "Federal excise tax",
    "GS": "Goods and services tax",
    "LS": "State and local sales tax",
    "LT": "Local sales tax",
    "SP": "State or provincial tax",
    "ST": "State sales tax",
    "SU": "Sales and use tax",
    "TX": "All taxes",
    "UT": "Utility users' tax",
    "VA": "Value added tax",
}
#: Element 355, the units that calls and data come in: (usage type, canonical unit, numerator, denominator).
UNITS = {
    "MJ": ("voice", "min", 1, 1),
    "03": ("voice", "min", 1, 60),
    "HR": ("voice", "min", 60, 1),
    "2P": ("data", "MB", 1, 1024),
    "4L": ("data", "MB", 1, 1),
    "E34": ("data", "MB", 1024, 1),
    "AD": ("data", "MB", 1, 1024 * 1024),
}


@lru_cache(maxsize=100_000)
def decimal(text: str) -> int | None:
    """Micros of an R element (the point is written); None when blank. A bare point at the end is dropped.

    Raises:
        ValueError: with what was expected.
    """
    value = text.strip()
    if not value:
        return None
    return parse_micros(value.removesuffix("."))


@lru_cache(maxsize=100_000)
def cents(text: str) -> int | None:
    """Micros of an N2 element (two implied decimals); None when blank. A written point is believed.

    Raises:
        ValueError: with what was expected.
    """
    value = text.strip()
    if not value:
        return None
    if "." in value:
        return decimal(value)
    if not _WHOLE.fullmatch(value):
        raise ValueError("an amount in cents such as 12345")
    micros = int(value) * CENT
    if abs(micros) > MAX_MICROS:
        raise ValueError(f"an amount in cents of at most {MAX_MICROS // CENT}")
    return micros


@lru_cache(maxsize=100_000)
def product(quantity: str, price: str) -> int | None:
    """Quantity x unit price, rounded half up to the cent; a blank quantity is 1; None without a price.

    Raises:
        ValueError: with what was expected.
    """
    each = decimal(price)
    if each is None:
        return None
    count = decimal(quantity)
    if count is None or count == SCALE:
        return each
    return mul(each, count, unit=CENT)


@lru_cache(maxsize=20_000)
def day(text: str) -> str | None:
    """ISO day of CCYYMMDD or YYMMDD (of this century); None when blank.

    Raises:
        ValueError: with what was expected.
    """
    value = text.strip()
    if not value:
        return None
    found = _DAY.fullmatch(value)
    if found:
        year = int(found[1]) + (2000 if len(found[1]) == 2 else 0)
        try:
            if 1900 <= year < 2200:
                return date(year, int(found[2]), int(found[3])).isoformat()
        except ValueError:
            pass
    raise ValueError("a date such as 20260131")


@lru_cache(maxsize=100_000)
def clock(text: str) -> str:
    """`14:05:00` of HHMM or HHMMSS; midnight when blank.

    Raises:
        ValueError: with what was expected.
    """
    value = text.strip()
    if not value:
        return "00:00:00"
    found = _CLOCK.fullmatch(value)
    if not found:
        raise ValueError("a time such as 1405")
    return f"{found[1]}:{found[2]}:{found[3] or '00'}"


@lru_cache(maxsize=200_000)
def phone(text: str) -> str | None:
    """The digits of a text that is a telephone number of 10 to 15 digits, else None."""
    value = text.strip()
    if not _PHONE.fullmatch(value):
        return None
    digits = re.sub(r"[^0-9]", "", value)
    if not 10 <= len(digits) <= 15:
        return None
    return f"+{digits}" if value.startswith("+") else digits


@lru_cache(maxsize=50_000)
def service_number(agency: str, *elements: str) -> tuple[str, bool] | None:
    """(number, is a circuit) that an SI segment names, None where it names none.

    `SI*CI*id` and a pair `CI*id` name a circuit, a pair `SC*code` a service class; any other id that has the shape of
    a telephone number is one, also where it is cut over several elements (`SI*TI*212*5550101`).
    """
    if agency == "CI":
        identity = next((e.strip() for e in elements if e.strip()), "")
        return (identity, True) if identity else None
    if not elements or elements[0] == "SC":
        pairs = elements[2:]
        return service_number(agency, *pairs) if pairs else None
    if elements[0] == "CI":
        return (elements[1].strip(), True) if len(elements) > 1 and elements[1].strip() else None
    whole = phone("".join(elements[1:])) or phone("".join(elements))
    if whole:
        return whole, False
    for element in elements:
        if found := phone(element):
            return found, False
    rest = elements[2:]
    return service_number(agency, *rest) if rest else None


_WORDS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("late_fee", ("late fee", "late payment", "late charge")),
    ("surcharge", ("surcharge", "universal service", "usf", "fcc", "subscriber line", "regulatory", "recovery fee")),
    ("surcharge", ("911", "access recovery", "federal access", "eucl", "cost recovery", "franchise fee")),
    ("tax", ("tax",)),
    ("equipment", ("equipment", "handset", "device", "router", "modem")),
    ("nrc", ("install", "activation", "one-time", "one time", "non-recurring", "nonrecurring", "labor", "set-up")),
    ("third_party", ("third party", "third-party")),
    ("usage", ("usage", "toll", "long distance", "per minute", "per-minute", "calls", "roaming", "411")),
    ("usage", ("directory assistance", "messaging", "text message", "overage", "international call")),
    ("adjustment", ("adjust",)),
)


@lru_cache(maxsize=100_000)
def category(text: str, kind: str, negative: bool) -> str:
    """The category of a charge by the words that describe it.

    `kind` is item (a product: recurring unless the words say otherwise), extra or allowance (ITA, SAC) or tax (TXI).
    A negative amount is a credit unless it is a tax, a surcharge or an adjustment.
    """
    if kind == "tax":
        return "tax"
    lowered = text.casefold()
    found = next((name for name, words in _WORDS if any(word in lowered for word in words)), None)
    if found in {"tax", "surcharge", "adjustment"}:
        return found
    if negative or (kind == "allowance"):
        return "credit"
    return found or ("mrc" if kind == "item" else "occ")


def carrier_id(name: str) -> str:
    """An id for a carrier that is only known by its printed name."""
    lowered = name.casefold()
    if "verizon" in lowered or "cellco" in lowered:
        return "verizon"
    if "at&t" in lowered or lowered.startswith("att ") or lowered == "att":
        return "att"
    return re.sub(r"[^a-z0-9]+", "-", lowered).strip("-")[:60] or "carrier"
