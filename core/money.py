"""Exact money, rates and quantities: whole numbers of millionths ("micros").

An amount of 12.34 is stored as 12_340_000, a rate of 15 % as 150_000, an allowance of 1 GB as 1_024_000_000 (MB).
Six decimals are what `interfaces.md` accepts; a seventh is refused, never rounded in silence. Text becomes micros only
here (:func:`parse_micros`), micros become text only here (:func:`to_text`); nothing in between is a float.
"""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

SCALE = 1_000_000
PLACES = 6
MAX_MICROS = 9 * 10**17  # below 2**63, so that ten of them still add up in a signed 64-bit column

_PLAIN = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)", re.ASCII)
_MAX_LENGTH = 40  # longer numbers are refused before any arithmetic: int(Decimal("1e2000000")) takes minutes

MINOR_PLACES = {"JPY": 0, "KRW": 0, "CLP": 0, "ISK": 0, "VND": 0, "BHD": 3, "KWD": 3, "OMR": 3, "JOD": 3, "TND": 3}


def minor_places(currency: str | None) -> int:
    """Decimals of a currency's minor unit (ISO 4217): 2, but 0 for the yen and 3 for the dinars."""
    return MINOR_PLACES.get((currency or "").upper(), 2)


def parse_micros(text: str, *, places: int = PLACES) -> int:
    """Micros of a plain decimal number such as `-12.34`.

    Accepts ASCII digits with an optional sign and an optional `.` followed by at most `places` decimals. Blanks
    around the number are trimmed. Thousands separators, exponents, `5.`, `NaN` and full-width digits are refused.

    Raises:
        ValueError: with what was expected, as a short phrase for an :class:`core.issues.Issue`.
    """
    value = text.strip()
    if len(value) > _MAX_LENGTH:
        raise ValueError(f"a number of at most {_MAX_LENGTH} characters")
    if not _PLAIN.fullmatch(value):
        raise ValueError("a plain decimal number such as -12.34")
    sign = -1 if value[0] == "-" else 1
    whole, _, fraction = value.lstrip("+-").partition(".")
    if len(fraction) > places:
        raise ValueError(f"a number with at most {places} decimals")
    micros = sign * (int(whole or "0") * SCALE + int((fraction or "0").ljust(PLACES, "0")))
    if abs(micros) > MAX_MICROS:
        raise ValueError(f"a number between -{MAX_MICROS // SCALE} and {MAX_MICROS // SCALE}")
    return micros


def to_decimal(micros: int) -> Decimal:
    """The exact decimal value of `micros`."""
    return Decimal(int(micros)) / SCALE


def round_half_up(value: Fraction | Decimal | int, unit: int = 1) -> int:
    """`value` rounded to a multiple of `unit`, halves away from zero; `value` and the result are in micros.

    With `unit=10_000` it rounds micros to cents, the rounding of an invoice line.
    """
    exact = Fraction(value) / unit
    magnitude = (2 * abs(exact.numerator) + exact.denominator) // (2 * exact.denominator)
    return unit * (magnitude if exact >= 0 else -magnitude)


def mul(left: int, right: int, *, unit: int = 1) -> int:
    """Product of two micros in micros, rounded half up to a multiple of `unit`."""
    return round_half_up(Fraction(int(left) * int(right), SCALE), unit)


def ratio(part: int, whole: int, of: int, *, unit: int = 1) -> int:
    """`of x part / whole` in micros, rounded half up to a multiple of `unit`; used for proration.

    Raises:
        ZeroDivisionError: if `whole` is 0.
    """
    return round_half_up(Fraction(int(of) * int(part), int(whole)), unit)


def cent_unit(currency: str | None) -> int:
    """Micros of one minor unit of `currency`: 10_000 for cents."""
    return 10 ** (PLACES - minor_places(currency))


def to_text(micros: int, places: int = 2) -> str:
    """`micros` as plain decimal text with at least `places` decimals, more only where the value has them."""
    sign, value = ("-", -int(micros)) if micros < 0 else ("", int(micros))
    whole, fraction = divmod(value, SCALE)
    digits = f"{fraction:06d}".rstrip("0").ljust(places, "0")
    return f"{sign}{whole}.{digits}" if digits else f"{sign}{whole}"


def to_rounded_text(micros: int, places: int = 2) -> str:
    """`micros` rounded half up to `places` decimals, as plain text."""
    return str(to_decimal(micros).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP))
