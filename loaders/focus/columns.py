"""The columns of FOCUS cost and usage data (FinOps Open Cost and Usage Specification 1.0 to 1.3), and their parsers."""

from __future__ import annotations

import json
import re
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Context, Decimal
from functools import lru_cache

from core.money import MAX_MICROS
from loaders.feeds.cells import nothing, said
from loaders.reading.declare import Field, Layout

#: Wide enough that no sum of 60-digit figures is rounded.
EXACT = Context(prec=150, rounding=ROUND_HALF_EVEN)
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,2})?", re.ASCII)
_STAMP = re.compile(
    r"(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2})?)(?:\.\d+)?)?\s*(Z|UTC|[+-]\d{2}:?\d{2})?", re.ASCII
)
_CATEGORIES = ("Usage", "Purchase", "Tax", "Credit", "Adjustment")
_COMMITMENTS = ("Spend", "Usage")

#: The columns that name who provides: that of 1.3, that of 1.0 to 1.2.
PROVIDER = ("ServiceProviderName", "ProviderName")
#: What the carrier is called where no column says it.
UNKNOWN_PROVIDER = "Unknown provider"


@lru_cache(maxsize=100_000)
def exact(text: str) -> Decimal | None:
    """A decimal figure with all its digits, also in scientific notation; None for `NULL` and blank.

    Raises:
        ValueError: with what was expected.
    """
    value = text.strip()
    if nothing(value):
        return None
    if len(value) > 60 or not _NUMBER.fullmatch(value):
        raise ValueError("a decimal number such as 0.0000123")
    number = EXACT.create_decimal(value)
    if number and not -60 <= number.adjusted() <= 11:
        raise ValueError("a number below 900000000000")
    if abs(number) * 1_000_000 > MAX_MICROS:
        raise ValueError("a number below 900000000000")
    return number


def micros(number: Decimal) -> int:
    """Micros of an exact figure, rounded half to even at the sixth decimal."""
    return int(EXACT.quantize(EXACT.multiply(number, Decimal(1_000_000)), Decimal(1)))


@lru_cache(maxsize=100_000)
def start_day(text: str) -> str | None:
    """ISO day (UTC as given) on which a period starts.

    Raises:
        ValueError: with what was expected.
    """
    moment = _moment(text)
    return moment.date().isoformat() if moment else None


@lru_cache(maxsize=100_000)
def last_day(text: str) -> str | None:
    """ISO day in which the last moment before an exclusive period end lies.

    Raises:
        ValueError: with what was expected.
    """
    moment = _moment(text)
    return (moment - timedelta(seconds=1)).date().isoformat() if moment else None


def _moment(text: str) -> datetime | None:
    value = text.strip()
    if nothing(value):
        return None
    match = _STAMP.fullmatch(value) if len(value) <= 40 else None
    if match:
        try:
            day = date.fromisoformat(match[1])
            if 1900 < day.year < 2200:
                return datetime.fromisoformat(f"{match[1]}T{match[2] or '00:00'}")
        except ValueError:
            pass
    raise ValueError("a moment such as 2026-09-01T00:00:00Z")


def category(text: str) -> str:
    """One of the five charge categories.

    Raises:
        ValueError: with the five.
    """
    return _one_of(text, _CATEGORIES)


def commitment_category(text: str) -> str:
    """Spend or Usage: what was promised.

    Raises:
        ValueError: with the two.
    """
    return _one_of(text, _COMMITMENTS)


def _one_of(text: str, words: tuple[str, ...]) -> str:
    value = text.strip().capitalize()
    if value not in words:
        raise ValueError(f"one of {', '.join(words)}")
    return value


@lru_cache(maxsize=50_000)
def tags(text: str) -> tuple[tuple[str, str], ...]:
    """Keys and values of a JSON object; other text is no tag."""
    if nothing(text):
        return ()
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return ()
    if not isinstance(found, dict):
        return ()
    return tuple((str(key), str(value)) for key, value in found.items() if isinstance(value, str | int | float))


LAYOUT = Layout(
    Field("cost", ("BilledCost",), exact, needed=True),
    Field("account", ("BillingAccountId",), said, needed=True),
    Field("account_name", ("BillingAccountName",), said),
    Field("currency", ("BillingCurrency",), said, needed=True),
    Field("period_start", ("BillingPeriodStart",), start_day, needed=True),
    Field("period_end", ("BillingPeriodEnd",), last_day),
    Field("category", ("ChargeCategory",), category, needed=True),
    Field("frequency", ("ChargeFrequency",), said),
    Field("description", ("ChargeDescription",), said),
    Field("start", ("ChargePeriodStart",), start_day, needed=True),
    Field("end", ("ChargePeriodEnd",), last_day),
    Field("consumed", ("ConsumedQuantity",), exact),
    Field("consumed_unit", ("ConsumedUnit",), said),
    Field("priced", ("PricingQuantity",), exact),
    Field("priced_unit", ("PricingUnit",), said),
    Field("invoice", ("InvoiceId",), said),
    Field("issuer", ("InvoiceIssuerName",), said),
    Field("provider", PROVIDER, said),
    Field("publisher", ("PublisherName", "HostProviderName"), said),
    Field("service", ("ServiceName",), said),
    Field("sku", ("SkuId",), said),
    Field("sub_account", ("SubAccountId",), said),
    Field("sub_account_name", ("SubAccountName",), said),
    Field("resource", ("ResourceId",), said),
    Field("resource_type", ("ResourceType",), said),
    Field("tags", ("Tags",), said),
)

#: Newest version first: columns that came with it.
_VERSIONS = (
    ("1.3", ("ServiceProviderName", "HostProviderName", "AllocatedMethodId", "ContractApplied")),
    ("1.2", ("InvoiceId", "PricingCurrency", "BillingAccountType", "SubAccountType")),
    (
        "1.1",
        ("CapacityReservationId", "CommitmentDiscountQuantity", "SkuMeter", "SkuPriceDetails", "ServiceSubcategory"),
    ),
)


def version(header: list[str]) -> str:
    """The FOCUS version that a header is written in, by the columns that came with each."""
    here = {cell.strip() for cell in header}
    return next((name for name, marks in _VERSIONS if here & set(marks)), "1.0")
