"""Files of call records: what their loaders share, from a parsed call to :class:`loaders.contract.LineUsage`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import phonenumbers

from core.issues import Issue
from loaders.carriers.tally import Tally, event
from loaders.contract import BillLine, LineUsage, Rejected, SourceRow

Number = Fraction | int | None


@dataclass(frozen=True, slots=True)
class Carrier:
    """Who sends the file, its country and the currency of its amounts."""

    carrier_id: str
    name: str
    country: str | None
    currency: str


@dataclass(slots=True)
class Call:
    """One call, session or message of a line; `quantity` (minutes, MB, messages), `seconds` and `cost` in micros.

    `day` is ISO, `time` is `HH:MM:SS`; a call without a time is no event, only usage.
    """

    number: str
    day: str
    time: str | None
    usage_type: str
    quantity: Number
    cost: Number
    seconds: Number = None
    zone: str = "home"
    direction: str = "out"
    peer: str | None = None
    country: str | None = None
    kind: str | None = None
    attributes: dict[str, str] = field(default_factory=dict)


class CallFile:
    """Collects the calls of a file by account and currency, in the order of the file."""

    def __init__(self, carrier: Carrier) -> None:
        self.carrier = carrier
        self._accounts: dict[tuple[str, str], LineUsage] = {}
        self._tallies: dict[tuple[str, str], Tally] = {}
        self._apart: list[SourceRow] = []

    def add(self, account: str, call: Call, place: SourceRow, currency: str | None = None) -> None:
        """Add one call."""
        key = (account, currency or self.carrier.currency)
        use = self._account(key)
        use.rows_of.setdefault(call.number, []).append(place)
        kind = call.kind or line_kind(call.number, self.carrier)
        line = use.lines.setdefault(call.number, BillLine(call.number, kind))
        for name, value in call.attributes.items():
            line.attributes.setdefault(name, value)
        self._tallies[key].add(
            call.number,
            call.usage_type,
            call.quantity,
            call.cost,
            zone=call.zone,
            country=call.country,
            day=call.day,
        )
        taken_back = call.quantity is not None and call.quantity < 0
        if call.time is not None:
            use.events.append(
                event(
                    call.number,
                    f"{call.day}T{call.time}",
                    call.usage_type,
                    zone=call.zone,
                    currency=key[1],
                    quantity=None if taken_back else call.quantity,
                    cost=call.cost,
                    direction=call.direction,
                    peer=call.peer,
                    country=call.country,
                    peer_country=call.country,
                    seconds=None if taken_back else call.seconds,
                )
            )

    def _account(self, key: tuple[str, str]) -> LineUsage:
        if key not in self._accounts:
            carrier = self.carrier
            self._accounts[key] = LineUsage(carrier.carrier_id, carrier.name, key[0], key[1], country=carrier.country)
            self._tallies[key] = Tally(key[1])
        return self._accounts[key]

    def note(self, place: SourceRow) -> None:
        """A record that was read and belongs to no line: a header, a trailer."""
        self._apart.append(place)

    def take_notes(self) -> list[SourceRow]:
        """The records of no line, for an invoice of a file that has no calls; [] if it has some."""
        taken = [] if self._accounts else self._apart
        self._apart = self._apart if self._accounts else []
        return taken

    def finish(self) -> Iterator[LineUsage | Rejected]:
        """Everything that was collected; headers and trailers alone are no use and are set aside."""
        if not self._accounts:
            for place in self._apart:
                yield Rejected(place, None, None, "a file with call records", "the file has no call that can be used")
            return
        for key, use in self._accounts.items():
            use.usage = self._tallies[key].usage()
        first = next(iter(self._accounts.values()))
        if self._apart:
            first.rows_of[None] = self._apart
        yield from self._accounts.values()

    def cut_off(self, expected: str) -> Iterator[Rejected]:
        """Set everything aside: the file has no end."""
        return self.refuse("record type", None, expected, "the file is cut off: it has no trailer record")

    def refuse(self, field: str, found: str | None, expected: str, reason: str) -> Iterator[Rejected]:
        """Set everything aside, in the order of the file."""
        rows = [row for use in self._accounts.values() for row in use.rows] + self._apart
        for place in sorted(rows, key=lambda row: row.line):
            yield Rejected(place, field, found, expected, reason)


def line_kind(number: str, carrier: Carrier) -> str:
    """mobile or fixed_voice by the country's numbering plan, circuit for what is no phone number."""
    if any(c.isalpha() for c in number):
        return "circuit"
    try:
        parsed = phonenumbers.parse(number, carrier.country)
    except phonenumbers.NumberParseException:
        return "fixed_voice"
    return "mobile" if phonenumbers.number_type(parsed) == phonenumbers.PhoneNumberType.MOBILE else "fixed_voice"


def country_called(number: str | None, carrier: Carrier, *exits: str) -> str | None:
    """ISO country of a number written internationally: with `+`, or after one of the `exits` codes; else None."""
    text = "".join(c for c in number or "" if c.isdigit() or c == "+")
    for code in exits:
        if text.startswith(code) and len(text) > len(code) + 6:
            text = f"+{text.removeprefix(code)}"
            break
    if not text.startswith("+"):
        return None
    try:
        parsed = phonenumbers.parse(text)
    except phonenumbers.NumberParseException:
        return None
    region = phonenumbers.region_code_for_number(parsed) or phonenumbers.region_code_for_country_code(
        parsed.country_code or 0
    )
    return None if region in {carrier.country, "ZZ", "001", None} else region


def remark(text: str) -> Issue:
    """A warning on the file."""
    return Issue(severity="warning", message=text)


Row = dict[str, Any]
