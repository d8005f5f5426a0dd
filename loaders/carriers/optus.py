"""Optus (Australia) call records: fixed width, one call per line, amounts in whole cents.

Record type 50 is a call, 51 a credit for one, whose units and amount are taken back. Header and trailer records are
not published: a record of another type is counted where it is the first or the last of the file, and set aside
anywhere else. The layout has no total and no invoice: the calls are usage, which a bill charges.
"""

from __future__ import annotations

from collections.abc import Iterator

from core import periods
from core.money import SCALE
from loaders.carriers.callfile import Call, CallFile, Carrier, Row, country_called
from loaders.carriers.tally import share
from loaders.contract import NO, SURE, Item, Rejected, SourceRow
from loaders.reading.declare import RowError
from loaders.reading.fixed import Record, clock6, column, count, day8, head_lines, implied, lines
from loaders.reading.source import Source

OPTUS = Carrier("optus", "Optus", "AU", "AUD")
LENGTH = 343


def _stamp(text: str) -> tuple[str, str]:
    value = text.strip()
    day, time = day8(value[:8]), clock6(value[8:])
    if len(value) != 14 or day is None or time is None:
        raise ValueError("a time such as 20260930140500")
    return periods.parse_day(day), time


def _currency(text: str) -> str:
    """AUD for a blank, `AUD` or its ISO number 036; another three letters as they stand."""
    value = text.strip().upper()
    if value in {"", "AUD"} or value.lstrip("0") == "36":
        return OPTUS.currency
    if len(value) == 3 and value.isascii() and value.isalpha():
        return value
    raise ValueError("a currency such as AUD")


CALL = Record(
    "call",
    LENGTH,
    column("kind", 1, 2, "Record type"),
    column("account", 15, 28, "Account number"),
    column("number", 29, 52, "Service number"),
    column("origin", 59, 82, "Point of origin"),
    column("peer", 83, 106, "Point of target"),
    column("jurisdiction", 107, 112, "Jurisdiction"),
    column("stamp", 113, 126, "Call date", _stamp),
    column("usage_type", 133, 138, "Usage type id"),
    column("units", 145, 154, "Units", count),
    column("origin_text", 174, 205, "Origin description"),
    column("peer_text", 206, 237, "Target description"),
    column("amount", 285, 292, "Amount", implied(2)),
    column("currency", 311, 316, "Currency code", _currency),
)
_CALLS = {"50", "51"}


class Optus:
    """Loader of Optus call records."""

    name = "optus"
    title = "Optus call records (fixed width)"

    def sniff(self, source: Source) -> float:
        """Records of type 50 or 51 with a time and an amount at their places."""
        head = head_lines(source)
        calls = [line for line in head if line[:2] in _CALLS and len(line) >= 292]
        if not calls or 2 * len(calls) < len(head) - 2:
            return NO
        return SURE if 2 * sum(map(_looks_right, calls)) > len(calls) else NO

    def check(self, source: Source) -> list[str]:
        """Refuse what is no text; returns warnings on encoding and line ends."""
        return source.text_facts().warnings()

    def read(self, source: Source) -> Iterator[Item]:
        """The calls by account."""
        calls = CallFile(OPTUS)
        waiting: SourceRow | None = None
        first = True
        for number, text in lines(source, LENGTH):
            place = SourceRow(None, number, text)
            if waiting is not None:
                yield _strange(waiting)
                waiting = None
            if text[:2] not in _CALLS:
                if first:
                    calls.note(place)
                else:
                    waiting = place
            else:
                try:
                    _add(calls, CALL.parse(text), place)
                except RowError as problem:
                    yield Rejected(place, problem.field, problem.found, problem.expected)
            first = False
        if waiting is not None:
            calls.note(waiting)
        yield from calls.finish()


def _looks_right(line: str) -> bool:
    try:
        CALL.parse(line)
    except RowError:
        return False
    return True


def _strange(place: SourceRow) -> Rejected:
    return Rejected(place, "Record type", place.raw[:2], "50 (a call) or 51 (a credit)")


def _add(calls: CallFile, row: Row, place: SourceRow) -> None:
    for key, title in (("account", "Account number"), ("number", "Service number"), ("units", "Units")):
        if row[key] is None:
            raise RowError(title, "", "a value")
    turn = -1 if row["kind"] == "51" else 1
    day, time = row["stamp"]
    peer = row["peer"] or ""
    inbound = row["number"].lstrip("+").startswith(("13", "1800"))
    country = country_called(peer, OPTUS, "0011")
    zone = "premium" if peer.startswith(("190", "0190")) else "international" if country else "home"
    call = Call(
        number=row["number"],
        day=day,
        time=time,
        usage_type="voice",
        quantity=turn * share(row["units"] * SCALE, 60),
        cost=turn * row["amount"],
        seconds=row["units"] * SCALE,
        zone=zone,
        direction="in" if inbound else "out",
        peer=row["origin"] if inbound else row["peer"],
        country=country,
    )
    calls.add(row["account"], call, place, row["currency"])
