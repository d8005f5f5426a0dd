"""Single calls, sessions and messages added up: monthly usage rows, and usage charges by line and kind of call."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from core.money import SCALE, round_half_up

UNITS = {"voice": "min", "data": "MB", "sms": "msg"}
Key = tuple[str | None, ...]
Number = Fraction | int


def share(amount: int, divisor: int) -> Number:
    """`amount / divisor` exactly: a whole number where it is one, since most are and sums of them are fast."""
    whole, rest = divmod(amount, divisor)
    return Fraction(amount, divisor) if rest else whole


def _rounded(value: Number) -> int:
    return value if isinstance(value, int) else round_half_up(value)


def event(
    number: str,
    started_at: str,
    usage_type: str,
    *,
    zone: str,
    currency: str,
    quantity: Number | None,
    cost: Number | None,
    direction: str = "out",
    peer: str | None = None,
    country: str | None = None,
    peer_country: str | None = None,
    seconds: Number | None = None,
) -> dict[str, Any]:
    """A row of `usage_events` for a :class:`loaders.contract.Bill`; amounts are micros, fractions of them are rounded.

    `quantity` is in minutes, MB or messages, `seconds` in seconds, all in micros.
    """

    return {
        "billed_number": number,
        "started_at": started_at,
        "direction": direction,
        "usage_type": usage_type,
        "zone": zone,
        "country": country,
        "peer_number": peer,
        "peer_country": peer_country,
        "quantity": None if quantity is None else _rounded(quantity),
        "unit": UNITS[usage_type],
        "duration_s": None if seconds is None else _rounded(seconds),
        "cost": None if cost is None else _rounded(cost),
        "currency": currency,
    }


class Tally:
    """Sums of use, kept exactly and rounded half up once per sum, in the order of first use."""

    def __init__(self, currency: str) -> None:
        self.currency = currency
        self._usage: dict[Key, Number] = {}
        self._costs: dict[Key, Number] = {}
        self._days: dict[Key, list[str]] = {}
        self._charges: dict[Key, list[Number]] = {}

    def add(
        self,
        number: str,
        usage_type: str,
        quantity: Number | None,
        cost: Number | None,
        *,
        zone: str = "home",
        country: str | None = None,
        day: str | None = None,
    ) -> None:
        """Add one call to its line's usage; a call without a quantity or cost adds the other only.

        With its `day` the call counts in that month, without in the period that :meth:`usage` is given.
        """
        key = (number, usage_type, zone, country, day and day[:7])
        self._usage[key] = self._usage.get(key, 0) + (quantity or 0)
        if cost is not None:
            self._costs[key] = self._costs.get(key, 0) + cost
        if day:
            days = self._days.setdefault(key, [day, day])
            days[:] = [min(days[0], day), max(days[1], day)]

    def charge(
        self,
        number: str,
        code: str | None,
        description: str | None,
        zone: str,
        country: str | None,
        unit: str | None,
        quantity: Number | None,
        amount: Number,
    ) -> None:
        """Add one call to the usage charge of its line and kind."""
        sums = self._charges.setdefault((number, code, description, zone, country, unit), [0, 0, 0])
        sums[0] += amount
        sums[1] += quantity or 0
        sums[2] += 1

    def usage(self, period_start: str | None = None, period_end: str | None = None) -> list[dict[str, Any]]:
        """Rows of `usage`; where no period is given, it is the first and last day of use in the month."""
        rows = []
        for key, quantity in self._usage.items():
            cost = self._costs.get(key)
            number, usage_type, zone, country, month = key
            first, last = self._days.get(key, [period_start, period_end])
            rows.append(
                {
                    "billed_number": number,
                    "month": month or str(period_start)[:7],
                    "usage_type": usage_type,
                    "zone": zone,
                    "country": country,
                    "quantity": max(_rounded(quantity), 0),
                    "unit": UNITS[str(usage_type)],
                    "cost": None if cost is None else _rounded(cost),
                    "currency": self.currency,
                    "period_start": period_start or first,
                    "period_end": period_end or last,
                }
            )
        return rows

    def charges(self) -> list[dict[str, Any]]:
        """Rows of `charges` of category usage; the number of calls is an attribute."""
        return [
            {
                "billed_number": number,
                "category": "usage",
                "item_code": code,
                "description": description,
                "zone": zone,
                "country": country,
                "quantity": _rounded(quantity) if unit else int(calls) * SCALE,
                "unit": unit,
                "amount": _rounded(amount),
                "attributes": {"calls": str(int(calls))},
            }
            for (number, code, description, zone, country, unit), (amount, quantity, calls) in self._charges.items()
        ]

    def numbers(self) -> set[str]:
        """The lines that have any use."""
        return {str(key[0]) for key in self._usage}
