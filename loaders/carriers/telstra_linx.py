"""Telstra LinxOnline (Australia): daily event files and the monthly invoice file, both fixed width.

A daily file is call records of 514 characters between FDR and FTR; its usage has a price with seven implied decimals
and is billed later, so it becomes usage and no charges. The monthly file has sections; of its rows of 758 characters
only those with line type D are charges. The positions of its summary sections (header, account summary, usage
charges) are not published: its total is the sum of the details that are read, and is looked for in the summary.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from core.money import SCALE, to_text
from loaders.carriers.callfile import Call, CallFile, Carrier, country_called, line_kind, remark
from loaders.carriers.tally import Number, share
from loaders.contract import NO, SURE, Bill, BillLine, Item, Rejected, SourceRow
from loaders.reading.declare import RowError
from loaders.reading.fixed import Record, clock6, column, count, day8, head_lines, implied, lines, needed_day8, signed
from loaders.reading.source import Source

TELSTRA = Carrier("telstra", "Telstra", "AU", "AUD")
DAILY, MONTHLY = 514, 758


def service_number(text: str) -> str | None:
    """The number in a LINX number field: its first character is its type (A national, O abroad, else other).

    National and foreign numbers have the length of their area or country code before them.
    """
    value = text.strip()
    if not value:
        return None
    if value[0] == "A" and value[1:2].isdigit():
        return "".join(value[2:12].split())
    if value[0] == "O" and value[1:2].isdigit():
        return f"+{''.join(value[2:17].split())}"
    return value if value[0].isdigit() else "".join(value[1:19].split()) or None


USAGE = Record(
    "usage",
    DAILY,
    column("sequence", 15, 22, "Event record sequence number"),
    column("product", 31, 38, "Product billing identifier"),
    column("element", 39, 46, "Billing element code"),
    column("account", 47, 56, "Invoice arrangement id"),
    column("number", 67, 95, "Full national number", service_number),
    column("origin", 96, 120, "Originating number", service_number),
    column("peer", 121, 145, "Destination number", service_number),
    column("day", 146, 155, "Originating date", needed_day8),
    column("time", 156, 163, "Originating time", clock6),
    column("area", 164, 175, "To area"),
    column("unit", 176, 180, "Unit of measure"),
    column("quantity", 181, 193, "Quantity", implied(5, optional=True)),
    column("duration", 194, 202, "Call duration", count),
    column("price", 207, 221, "Price", signed(7)),
)
_PREMIUM_AT = {"UIR": 231, "UAR": 230}  # where the 30 characters of a 1900 call's description begin
_OTHER_MONEY = {"SER": "service and equipment", "OCR": "other charges", "OAR": "adjustments of other charges"}
_TARIFFS = {"NTR", "UTR", "CNR", "CTR"}
_ENDS = {"FDR", "FTR", "UIT", "UAT", "SET", "OCT", "OAT", "NTT", "UTT", "CNT", "CTT"}
_TYPES = {"UIR", "UAR", *_OTHER_MONEY, *_TARIFFS, *_ENDS}
_SECONDS = {"SEC": 1, "6SEC": 6, "MIN": 60}
_DIRECTORY = {"1223", "12455", "12456", "1234"}

_BEGIN = (
    column("account", 1, 10, "Invoice arrangement id"),
    column("bill", 11, 37, "characters 11-37"),
    column("item", 41, 47, "Global item reference"),
    column("group", 48, 77, "Invoice COSVC description"),
    column("number", 78, 106, "Full national number", service_number),
    column("quantity", 107, 116, "Generic quantity", signed(0, optional=True)),
    column("description", 117, 166, "Billing transaction description"),
    column("transaction", 167, 191, "Transaction type description"),
    column("from", 193, 200, "Start date", day8),
    column("to", 201, 208, "End date", day8),
)
EQUIPMENT = Record(
    "service and equipment",
    MONTHLY,
    *_BEGIN,
    column("gross", 209, 222, "Summary gross amount", signed(4, optional=True)),
    column("net", 223, 236, "Summary net amount", signed(4)),
    column("gst", 237, 250, "GST amount", signed(4)),
    column("total", 251, 264, "Price including GST", signed(4)),
    column("place", 265, 294, "Service location"),
    column("order", 385, 400, "Purchase order number"),
    column("product", 417, 424, "Product billing id"),
    column("element", 425, 432, "Billing element code"),
    column("bandwidth", 497, 506, "Bandwidth"),
)
OTHER_CHARGES = Record(
    "other charges and credits",
    MONTHLY,
    *_BEGIN,
    column("order", 209, 224, "Purchase order number"),
    column("gross", 241, 254, "Summary gross amount", signed(4, optional=True)),
    column("net", 255, 268, "Summary net amount", signed(4)),
    column("gst", 269, 282, "GST amount", signed(4)),
    column("total", 283, 296, "Price including GST", signed(4)),
    column("product", 437, 444, "Product billing id"),
    column("element", 445, 452, "Billing element code"),
)
_SECTIONS = {
    "HD": "header",
    "AS": "account summary",
    "RM": "remittance",
    "UC": "usage charges",
    "SE": "service and equipment",
    "OC": "other charges",
    "OO": "ons and offs",
    "DC": "directory charges",
    "AD": "adjustments",
    "PY": "payments",
    "PB": "previous bill",
    "MS": "messages",
    "SS": "service summary",
    "DI": "discounts",
    "DF": "daily files",
}
_UNREAD_MONEY = ("UC", "DC", "AD", "DI")
_DATE = re.compile(r"(?<!\d)20\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?!\d)", re.ASCII)


def _section(line: str) -> str:
    return line[37:39] if line[37:39] in _SECTIONS and line[39:40].strip() else ""


class TelstraLinx:
    """Loader of both files, told apart by their records."""

    name = "telstra_linx"
    title = "Telstra LINX daily event file and monthly invoice file (fixed width)"

    def sniff(self, source: Source) -> float:
        """Known record types in front and a usage record's date, or known sections with a detail row's dates."""
        head = head_lines(source)[:-1] or head_lines(source)
        return SURE if head and (_is_daily(head) or _is_monthly(head)) else NO

    def check(self, source: Source) -> list[str]:
        """Refuse what is no text; returns warnings on encoding and line ends."""
        return source.text_facts().warnings()

    def read(self, source: Source) -> Iterator[Item]:
        """The use of a daily file by account, or the invoices of a monthly one."""
        yield from _daily(source) if _is_daily(head_lines(source)) else _monthly(source)


def _is_daily(head: list[str]) -> bool:
    calls = [line for line in head if line[:3] in {"UIR", "UAR"}]
    typed = sum(line[:3] in _TYPES for line in head)
    dated = any(re.fullmatch(r"20\d{6} {0,2}\d\d:\d\d:\d\d", line[145:163].strip(), re.ASCII) for line in calls)
    return 2 * typed > len(head) and (dated or (not calls and head[0][:3] == "FDR"))


def _is_monthly(head: list[str]) -> bool:
    known = [line for line in head if _section(line)]
    details = [line for line in known if line[37:40] in {"SED", "OCD"}]
    return 2 * len(known) > len(head) and any(line[192:208].isdigit() for line in details)


def _daily(source: Source) -> Iterator[Item]:
    calls = CallFile(TELSTRA)
    other: Counter[str] = Counter()
    seen: set[str] = set()
    for number, text in lines(source, DAILY):
        place = SourceRow(None, number, text)
        kind = text[:3]
        seen.add(kind)
        try:
            if kind in _PREMIUM_AT:
                _event(calls, kind, text, place)
            elif kind in _TYPES:
                other[kind] += 1
                calls.note(place)
            else:
                raise RowError("record type", kind, "a record type such as UIR")
        except RowError as problem:
            yield Rejected(place, problem.field, problem.found, problem.expected)
    if "FDR" in seen and "FTR" not in seen:
        yield from calls.cut_off("an FTR record at the end")
        return
    for kind, text in _OTHER_MONEY.items():
        if other[kind]:
            yield remark(f"{other[kind]} {kind} records ({text}) are not read: the monthly invoice file bills them")
    tariffs = sum(other[kind] for kind in _TARIFFS)
    if tariffs:
        yield remark(f"{tariffs} tariff records are not read")
    yield from calls.finish()


def _event(calls: CallFile, kind: str, text: str, place: SourceRow) -> None:
    row = USAGE.parse(text)
    for key, title in (("account", "Invoice arrangement id"), ("number", "Full national number")):
        if row[key] is None:
            raise RowError(title, "", "a value")
    cost: Number = share(row["price"], 10)
    adjusted = kind == "UAR"
    described = text[_PREMIUM_AT[kind] : _PREMIUM_AT[kind] + 30].strip()
    country = country_called(row["peer"], TELSTRA, "0011")
    peer = row["peer"] or ""
    zone = "home"
    if described or peer.startswith(("190", "0190")):
        zone = "premium"
    elif peer in _DIRECTORY:
        zone = "directory"
    elif country:
        zone = "international"
    usage_type, quantity, seconds = _measure(row["unit"] or "", row["quantity"], row["duration"])
    calls.add(
        row["account"],
        Call(
            number=row["number"],
            day=row["day"],
            time=row["time"],
            usage_type=usage_type,
            quantity=None if adjusted else quantity,
            cost=-cost if adjusted and cost > 0 else cost,
            seconds=None if adjusted else seconds,
            zone=zone,
            peer=row["peer"],
            country=country,
        ),
        place,
    )


def _measure(unit: str, quantity: int | None, duration: int | None) -> tuple[str, Number | None, int | None]:
    """Usage type, quantity (minutes or MB) and seconds; units that count calls or items have a duration only."""
    if unit in {"KBYTE", "SEG"}:
        return "data", share(quantity, 1024) if unit == "KBYTE" and quantity is not None else None, None
    seconds = None
    if unit in _SECONDS and quantity is not None:
        seconds = quantity * _SECONDS[unit]
    elif duration is not None:
        seconds = (duration // 10_000 * 3600 + duration // 100 % 100 * 60 + duration % 100) * SCALE
    return "voice", None if seconds is None else share(seconds, 60), seconds


def _monthly(source: Source) -> Iterator[Item]:
    """The invoices of a monthly file.

    Raises:
        BadInput: if its last record alone is short: no trailer tells that a file is cut off.
    """
    bills: dict[str, Bill] = {}
    taxes: Counter[str] = Counter()
    sections: Counter[str] = Counter()
    summaries: list[str] = []
    apart: list[SourceRow] = []
    untied = 0
    whole = MONTHLY
    place: SourceRow | None = None
    for number, text in lines(source, MONTHLY):
        whole = min(whole, MONTHLY if place is None else len(place.raw))
        place = SourceRow(None, number, text)
        section = _section(text)
        try:
            if not section:
                raise RowError("section type", text[37:40].strip(), f"one of {', '.join(sorted(_SECTIONS))}")
            if text[37:40] in {"SED", "OCD"}:
                untied += _detail(bills, taxes, section, text, place)
                continue
            sections[section] += 1
            apart.append(place)
            if section == "AS":
                summaries.append(text)
        except RowError as problem:
            yield Rejected(place, problem.field, problem.found, problem.expected)
    if place is not None and len(place.raw) < whole == MONTHLY and place.line > 1:
        expected = f"{MONTHLY} characters, as the records before it have"
        raise source.refused(f"is cut off: its last record has {len(place.raw)} characters", expected)
    if not bills:
        for place in apart:
            yield Rejected(place, None, None, "a file with detail rows", "the file has no detail row that can be used")
        return
    if untied:
        yield remark(f"{untied} rows whose net amount and GST do not sum to their price")
    for section in _UNREAD_MONEY:
        if sections[section]:
            named = f"{sections[section]} rows of {_SECTIONS[section]} ({section})"
            yield remark(f"{named} are not read: their layout is not published")
    next(iter(bills.values())).rows += apart
    for bill in bills.values():
        yield from _finish(bill, taxes[bill.account_number], summaries)


def _detail(bills: dict[str, Bill], taxes: Counter[str], section: str, text: str, place: SourceRow) -> int:
    """Put a detail row into its bill; 1 if net and GST do not sum to its price."""
    row = (EQUIPMENT if section == "SE" else OTHER_CHARGES).parse(text)
    if row["account"] is None:
        raise RowError("Invoice arrangement id", "", "a value")
    bill = bills.setdefault(row["account"], _bill(row["account"], row["bill"] or ""))
    bill.rows.append(place)
    words = f"{row['description'] or ''} {row['transaction'] or ''}".casefold()
    category = "mrc" if section == "SE" else "nrc" if re.search(r"instal+ation|connection", words) else "occ"
    named = {
        "gross": to_text(row["gross"]) if row["gross"] not in {None, row["net"]} else None,
        "group": row["group"],
        "purchase order": row["order"],
        "transaction": row["transaction"],
    }
    number = row["number"]
    quantity = row["quantity"]
    bill.charges.append(
        {
            "billed_number": number,
            "category": "credit" if row["net"] < 0 else category,
            "item_code": "-".join(part for part in (row["product"], row["element"]) if part) or None,
            "description": row["description"],
            "quantity": None if quantity is None else abs(quantity),
            "amount": row["net"],
            "period_start": row["from"],
            "period_end": row["to"] if row["from"] and row["to"] and row["to"] >= row["from"] else None,
            "attributes": {name: value for name, value in named.items() if value},
        }
    )
    taxes[row["account"]] += row["gst"]
    bill.total += row["total"]
    if number and number not in bill.lines:
        places = {"place": row.get("place"), "bandwidth": row.get("bandwidth")}
        attributes = {name: value for name, value in places.items() if value}
        bill.lines[number] = BillLine(number, line_kind(number, TELSTRA), attributes=attributes)
    return int(row["net"] + row["gst"] != row["total"])


def _bill(account: str, reference: str) -> Bill:
    found = _DATE.search(reference)
    issued = day8(found[0]) if found else None
    return Bill(
        carrier_id=TELSTRA.carrier_id,
        carrier_name=TELSTRA.name,
        account_number=account,
        number="",
        currency=TELSTRA.currency,
        country=TELSTRA.country,
        issued_on=issued or "",
        total=0,
        attributes={"bill reference": reference} if reference else {},
    )


def _finish(bill: Bill, gst: int, summaries: list[str]) -> Iterator[Item]:
    """Its period, number and GST; whether its total stands in the account summary."""
    spans = ((charge["period_start"], charge["period_end"]) for charge in bill.charges)
    periods = Counter(span for span in spans if all(span))
    if periods:
        bill.period_start, bill.period_end = periods.most_common(1)[0][0]
    bill.issued_on = bill.issued_on or bill.period_end or ""
    if not bill.issued_on:
        for place in bill.rows:
            yield Rejected(place, "End date", None, "a date", "no row of the invoice has a period")
        return
    bill.number = f"{bill.account_number}-{bill.issued_on.replace('-', '')}"
    for charge in bill.charges:
        if charge["period_start"] is None or charge["period_end"] is None:
            charge["period_start"], charge["period_end"] = bill.period_start, bill.period_end
    if gst:
        bill.charges.append({"category": "tax", "item_code": "GST", "description": "GST", "amount": gst})
    printed = {f"{abs(bill.total) // 100:014d}", f"{abs(bill.total) // 10_000:011d}", to_text(abs(bill.total))}
    if not any(text in line for line in summaries for text in printed):
        yield remark(
            f"invoice {bill.number}: its total {to_text(bill.total)} is the sum of its detail rows; "
            "no account summary row prints it"
        )
    yield bill
