"""Windstream (United States) call records: 17 tab-separated columns without a header row.

The file has no total and no invoice: the calls are usage, which Windstream's bill charges. A toll-free call belongs to
its toll-free number and comes in; every other call belongs to the number it was made from.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction

from loaders.carriers.callfile import Call, CallFile, Carrier, Row, country_called
from loaders.contract import NO, SURE, Item, Rejected, SourceRow
from loaders.reading.declare import Layout, RowError, field, us_day
from loaders.reading.delimited import clock, head_cells, in_order, needed_number, plain_number, records
from loaders.reading.source import Source

WINDSTREAM = Carrier("windstream", "Windstream", "US", "USD")


def _stamp(text: str) -> tuple[str, str | None]:
    """Day and time of `01/31/2026 14:05:00`, `2026-01-31 2:05 PM` or a day alone."""
    value = " ".join(text.replace("T", " ").split())
    day, _, time = value.partition(" ")
    found = us_day(day)
    if found is None:
        raise ValueError("a time such as 01/31/2026 14:05:00")
    return found, clock(time)


LAYOUT = Layout(
    field("account", "Account"),
    field("reference", "Reference"),
    field("call_type", "Call type"),
    field("stamp", "Answer date", parse=_stamp),
    field("account_code", "Account code"),
    field("did", "CPN_DID"),
    field("origin", "From"),
    field("origin_place", "From location"),
    field("origin_country", "From country"),
    field("peer", "To"),
    field("peer_place", "To location"),
    field("peer_country", "To country"),
    field("units", "Units", parse=plain_number),
    field("amount", "Amount", parse=needed_number),
    field("service", "Service type"),
    field("payphone", "Payphone"),
    field("toll_free", "TF number"),
)
_SERVICE = re.compile(
    r"calling|toll free|directory assistance|message local|operator|assistance|third|toll (3rd|collect)|per use", re.I
)


class WindstreamCalls:
    """Loader of Windstream call records."""

    name = "windstream"
    title = "Windstream call records (tab separated, no header row)"

    def sniff(self, source: Source) -> float:
        """Seventeen cells, a time and an amount at their places, and a service type that Windstream names."""
        head = head_cells(source, "\t")
        wide = [cells for cells in head if len(cells) == len(LAYOUT.fields)]
        if not wide or 2 * len(wide) < len(head):
            return NO
        return SURE if any(_looks_right(cells) for cells in wide[:20]) else NO

    def check(self, source: Source) -> list[str]:
        """Refuse what is no text; returns warnings on encoding and line ends."""
        return source.text_facts().table_warnings()

    def read(self, source: Source) -> Iterator[Item]:
        """The calls by account."""
        bound = in_order(LAYOUT, source.label)
        calls = CallFile(WINDSTREAM)
        for cells, place in records(source, "\t"):
            try:
                _add(calls, bound.parse(cells), place)
            except RowError as problem:
                yield Rejected(place, problem.field, problem.found, problem.expected)
        yield from calls.finish()


def _looks_right(cells: list[str]) -> bool:
    try:
        row = in_order(LAYOUT, "").parse(cells)
    except RowError:
        return False
    return row["account"] is not None and bool(_SERVICE.search(row["service"] or ""))


def _add(calls: CallFile, row: Row, place: SourceRow) -> None:
    number = row["toll_free"] or row["origin"] or row["did"]
    for value, title in ((row["account"], "Account"), (number, "From")):
        if value is None:
            raise RowError(title, "", "a value")
    words = (row["service"] or "").casefold()
    inbound = row["toll_free"] is not None
    country = country_called(row["peer"], WINDSTREAM, "011")
    named = (row["peer_country"] or "").upper()
    if country is None and "international" in words and re.fullmatch(r"[A-Z]{2}", named) and named != "US":
        country = named
    zone = "directory" if "directory" in words else "international" if country or "international" in words else "home"
    units = row["units"]
    day, time = row["stamp"]
    call = Call(
        number=number,
        day=day,
        time=time,
        usage_type="voice",
        quantity=units,
        cost=row["amount"],
        seconds=None if units is None else Fraction(units) * 60,
        zone=zone,
        direction="in" if inbound else "out",
        peer=row["origin"] if inbound else row["peer"],
        country=country,
    )
    calls.add(row["account"], call, place)
