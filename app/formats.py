"""How numbers, months and days read in the dashboard and in reports; no Streamlit here, views use it for titles."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from core.money import SCALE, minor_places, to_decimal

SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "CHF": "CHF ", "CAD": "C$", "AUD": "A$", "BRL": "R$"}
MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
MINUS = "\N{MINUS SIGN}"
UNKNOWN = "–"


def missing(value: Any) -> bool:
    """Whether `value` is None, NaN or NA."""
    return value is None or str(value) in {"<NA>", "nan", "NaT", "None"}


def symbol(currency: str | None) -> str:
    """The sign written before an amount: `$`, `€`, else the ISO code and a blank."""
    return "" if missing(currency) else SYMBOLS.get(str(currency), f"{currency} ")


def money(micros: Any, currency: str | None = None, places: int = 0, *, sign: bool = False) -> str:
    """`$1,842,310`; with `places=2` to the cent; with `sign` also a plus."""
    if missing(micros):
        return UNKNOWN
    value = to_decimal(int(micros)).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    mark = MINUS if value < 0 else "+" if sign and value > 0 else ""
    return f"{mark}{symbol(currency)}{abs(value):,.{places}f}"


def cents(micros: Any, currency: str | None = None) -> str:
    """An amount with the decimals of its currency: `$12.34`, `¥1,234`."""
    return money(micros, currency, minor_places(currency))


def short(micros: Any, currency: str | None = None, *, sign: bool = False) -> str:
    """Three figures for titles and chart labels: `$1.84M`, `$61.2k`, `$940`."""
    if missing(micros):
        return UNKNOWN
    value = to_decimal(int(micros))
    mark = MINUS if value < 0 else "+" if sign and value > 0 else ""
    size = abs(value)
    for limit, letter in ((Decimal(10**9), "B"), (Decimal(10**6), "M"), (Decimal(10**3), "k")):
        if size >= limit * Decimal("0.9995"):
            scaled = size / limit
            places = 2 if scaled < 10 else 1 if scaled < 100 else 0
            return f"{mark}{symbol(currency)}{scaled:.{places}f}{letter}"
    return f"{mark}{symbol(currency)}{size:,.0f}"


def span(low: Any, high: Any, currency: str | None = None) -> str:
    """`$249k to $256k`: two amounts in short form."""
    return f"{short(low, currency)} to {short(high, currency)}"


def percent(part: Any, whole: Any = 1, places: int = 1, *, sign: bool = False) -> str:
    """`part / whole` as `3.4 %`; the dash when the whole is zero or unknown."""
    if missing(part) or missing(whole) or not whole:
        return UNKNOWN
    value = round(100 * float(part) / float(whole), places)
    mark = MINUS if value < 0 else "+" if sign and value > 0 else ""
    return f"{mark}{abs(value):,.{places}f} %"


def count(value: Any) -> str:
    """A whole number with thousands: `2,514`."""
    return UNKNOWN if missing(value) else f"{int(value):,}"


def plural(number: int, one: str, many: str | None = None) -> str:
    """`1 contract`, `2 contracts`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def tied(invoices: int, off: int) -> str:
    """`1 invoice, it ties`, `3 invoices, all tie`, `3 invoices, 1 out of balance`."""
    told = f"{off:,} out of balance" if off else "it ties" if invoices == 1 else "all tie"
    return f"{plural(invoices, 'invoice')}, {told}"


def quantity(micros: Any, unit: str | None = None) -> str:
    """A quantity kept in millionths with its unit: `12.5 GB` for MB above a thousand, `340 min`."""
    if missing(micros):
        return UNKNOWN
    value, name = int(micros) / SCALE, unit or ""
    if name == "MB" and value >= 1024:
        value, name = value / 1024, "GB"
    digits = f"{value:,.1f}" if value < 100 and value != int(value) else f"{value:,.0f}"
    return f"{digits} {name}".strip()


def month(text: Any) -> str:
    """`September 2026`."""
    return UNKNOWN if missing(text) else f"{MONTHS[int(text[5:7]) - 1]} {text[:4]}"


def month_name(text: Any) -> str:
    """`September`."""
    return UNKNOWN if missing(text) else MONTHS[int(text[5:7]) - 1]


def month_short(text: Any) -> str:
    """`Sep 26`, for axes."""
    return UNKNOWN if missing(text) else f"{MONTHS[int(text[5:7]) - 1][:3]} {text[2:4]}"


def day(text: Any) -> str:
    """`30 Sep 2026`."""
    return UNKNOWN if missing(text) else f"{int(text[8:10])} {MONTHS[int(text[5:7]) - 1][:3]} {text[:4]}"


def stamp(text: Any) -> str:
    """`30 Sep 2026, 14:05` (UTC) of an ISO timestamp."""
    return UNKNOWN if missing(text) else f"{day(text)}, {text[11:16]}"


def words(code: Any) -> str:
    """A code as words: `fixed_voice` becomes `Fixed voice`; the field's abbreviations stay in capitals."""
    if missing(code):
        return UNKNOWN
    known = {
        **{"mrc": "Recurring (MRC)", "nrc": "One-off (NRC)", "occ": "Other (OCC)", "iot": "IoT", "sdwan": "SD-WAN"},
        **{"sip_trunk": "SIP trunk", "uc_seat": "UC seat", "saas_seat": "SaaS seat", "m2m": "Machine to machine"},
        **{"sms": "Messages", "data": "Data", "voice": "Voice"},
    }
    return known.get(str(code), str(code).replace("_", " ").capitalize())
