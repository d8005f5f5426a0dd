"""BT (United Kingdom) itemised calls: CSV with a header row, costs in pounds to a tenth of a penny.

The file names no account: the installation's number stands for it, and the line's number for the line (the
installation's, where it is blank). It has no total and no invoice: the calls are usage, which BT's bill charges.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from core.money import SCALE
from loaders.carriers.callfile import Call, CallFile, Carrier, Row, country_called, remark
from loaders.carriers.headed import headed, refused, sure
from loaders.contract import Item, Rejected, SourceRow
from loaders.reading.declare import Layout, RowError, blank, field
from loaders.reading.delimited import clock, day_first, needed_number, span_seconds
from loaders.reading.source import Source

_NEAR = 8  # columns from which a file without all that are needed counts as a changed one of this format
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
    title = "BT itemised calls (CSV or workbook)"

    def sniff(self, source: Source) -> float:
        """By the names of the columns."""
        return sure(headed(source, LAYOUT), _NEAR)

    def check(self, source: Source) -> list[str]:
        """Refuse a file without the needed columns; returns warnings on how its text is written."""
        found = headed(source, LAYOUT)
        if found is None:
            raise source.refused("is no file of BT itemised calls", "columns such as Charge Code, Installation No")
        return [text for text in found.check() if "cp1252" not in text]

    def read(self, source: Source) -> Iterator[Item]:
        """The calls by installation."""
        found = headed(source, LAYOUT)
        calls = CallFile(BT)
        rebates = 0
        for item in found.rows() if found else ():
            if isinstance(item, Rejected):
                yield item
                continue
            row, place = item
            try:
                _add(calls, row, place)
                rebates += not blank((row["rebate"] or "").strip("£0.").strip())
            except RowError as problem:
                yield refused(place, problem)
        if rebates:
            rows = "1 row has" if rebates == 1 else f"{rebates} rows have"
            yield remark(f"{rows} a Txt Direct Rebate, which is not taken off their cost")
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
