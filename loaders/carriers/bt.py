"""BT (United Kingdom) itemised calls: CSV with a header row, costs in pounds to a tenth of a penny.

The file names no account: the installation's number stands for it, and the line's number for the line (the
installation's, where it is blank). It has no total and no invoice: the calls are usage, which BT's bill charges.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from core.money import SCALE
from loaders.carriers.callfile import Call, CallFile, Carrier, Row, country_called, remark
from loaders.contract import LIKELY, NO, SURE, Item, Rejected, SourceRow
from loaders.reading.declare import Layout, RowError, blank, field
from loaders.reading.delimited import clock, day_first, needed_number, records, span_seconds
from loaders.reading.source import Source
from loaders.reading.text import DELIMITERS, best_header

BT = Carrier("bt", "BT", "GB", "GBP")

LAYOUT = Layout(
    field("code", "Charge Code", needed=True),
    field("installation", "Installation No", "Installation Number", needed=True),
    field("line", "Line No", "Line Number"),
    field("card", "Charge Card No", "Charge Card Number"),
    field("day", "Date", parse=day_first, needed=True),
    field("time", "Time", parse=clock, needed=True),
    field("place", "Destination"),
    field("peer", "Called No", "Called Number", needed=True),
    field("seconds", "Duration", parse=span_seconds, needed=True),
    field("rebate", "Txt Direct Rebate"),
    field("cost", "Cost", "Cost (£)", parse=needed_number, needed=True),
)


class BtCalls:
    """Loader of BT's itemised calls."""

    name = "bt"
    title = "BT itemised calls (CSV)"

    def sniff(self, source: Source) -> float:
        """By the names of the columns."""
        if source.is_archive or source.head_text is None:
            return NO
        _, header = best_header(source.head_text, LAYOUT.score)
        if LAYOUT.complete(header):
            return SURE
        return LIKELY if LAYOUT.score(header) >= 8 else NO

    def check(self, source: Source) -> list[str]:
        """Refuse a file without the needed columns; returns warnings on encoding and delimiter."""
        facts = source.text_facts()
        delimiter, header = best_header(source.head_text or "", LAYOUT.score)
        LAYOUT.bind(header, source.label)
        named = [] if delimiter == "," else [f"delimiter {DELIMITERS[delimiter]} instead of comma"]
        return [*(text for text in facts.table_warnings() if "cp1252" not in text), *named]

    def read(self, source: Source) -> Iterator[Item]:
        """The calls by installation."""
        delimiter, _ = best_header(source.head_text or "", LAYOUT.score)
        calls = CallFile(BT)
        bound = None
        rebates = 0
        for cells, place in records(source, delimiter):
            if bound is None:
                bound = LAYOUT.bind(cells, source.label)
                continue
            try:
                row = bound.parse(cells)
                _add(calls, row, place)
                rebates += not blank((row["rebate"] or "").strip("£0.").strip())
            except RowError as problem:
                yield Rejected(place, problem.field, problem.found, problem.expected)
        if rebates:
            yield remark(f"{rebates} rows have a Txt Direct Rebate, which is not taken off their cost")
        yield from calls.finish()


def _add(calls: CallFile, row: Row, place: SourceRow) -> None:
    for key, title in (("installation", "Installation No"), ("day", "Date")):
        if row[key] is None:
            raise RowError(title, "", "a value")
    number = row["line"] if row["line"] and row["line"].strip("0") else row["installation"]
    words = f"{row['code'] or ''} {row['place'] or ''}".casefold()
    peer = "".join((row["peer"] or "").split())
    country = country_called(peer, BT, "00")
    usage_type = "sms" if "text" in words or "sms" in words else "voice"
    seconds = None if row["seconds"] is None else row["seconds"] * SCALE
    quantity: Fraction | int | None = SCALE if usage_type == "sms" else None
    if usage_type == "voice" and seconds is not None:
        quantity = Fraction(seconds, 60)
    named = {"charge card": row["card"]} if row["card"] and row["card"].strip("0") else {}
    call = Call(
        number=number,
        day=row["day"],
        time=row["time"],
        usage_type=usage_type,
        quantity=quantity,
        cost=row["cost"],
        seconds=seconds,
        zone=_zone(words, peer, country),
        peer=peer or None,
        country=country,
        attributes=named,
    )
    calls.add(row["installation"], call, place)


def _zone(words: str, peer: str, country: str | None) -> str:
    """By the number: 09 is premium rate, 118 directory enquiries; else by the words of charge code and destination."""
    if peer.startswith("09") or "premium" in words:
        return "premium"
    if peer.startswith("118") or "directory" in words:
        return "directory"
    return "international" if country or "international" in words else "home"
