"""M2 (Australian reseller): 23 columns without a header row, separated by `|` or commas; amounts in cents.

Records are HE (header), US (usage), OC (other charges) and TR (trailer). The file names no account, so its lines
belong to one account called M2. Usage is billed by the reseller's invoice and becomes usage; other charges are an
invoice of the file, numbered by its last day, whose total is their sum because none is printed.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from core.money import SCALE, parse_micros, round_half_up, to_text
from loaders.carriers.callfile import Call, CallFile, Carrier, Row, country_called, line_kind, remark
from loaders.contract import NO, SURE, Bill, BillLine, Item, Rejected, SourceRow
from loaders.reading.declare import Layout, RowError, blank, field
from loaders.reading.delimited import clock, day_first, head_cells, in_order, plain_number, records
from loaders.reading.source import Source

M2 = Carrier("m2", "M2", "AU", "AUD")
ACCOUNT = "M2"


def _cents(text: str) -> Fraction:
    if blank(text):
        raise ValueError("an amount in cents")
    return Fraction(parse_micros(text), 100)


LAYOUT = Layout(
    field("kind", "RecordType"),
    field("carrier", "CarrierId"),
    field("reference", "ReferenceNumber"),
    field("number", "FNN"),
    field("source", "Source"),
    field("peer", "Destination"),
    field("day", "ChargeDate", parse=day_first),
    field("time", "ChargeTime", parse=clock),
    field("duration", "Duration", parse=plain_number),
    field("end", "ChargeDateEnd", parse=day_first),
    field("description", "Description"),
    field("quantity", "Quantity", parse=plain_number),
    field("amount", "ChargeAmount", parse=_cents),
    field("tariff", "Tariff"),
    field("foreign_type", "ForeignChargeType"),
    field("foreign_carrier", "ForeignCallDescCode"),
    field("name", "ServiceName"),
    field("department", "ServiceDepartment"),
    field("instalment", "InstalmentNumber"),
    field("instalments", "InstalmentOf"),
    field("instalment_tax", "InstalmentTaxTreatment"),
    field("instalment_total", "InstalmentTotalCharge"),
    field("prime", "ExtensionPrimeNumber"),
)
_KINDS = {"HE", "TR", "US", "OC"}
_DATA = ("GPRS", "3G", "4G", "5G", "DATA")


class M2Records:
    """Loader of M2 call records."""

    name = "m2"
    title = "M2 call records (23 columns, no header row)"

    def sniff(self, source: Source) -> float:
        """Known record types in front, and usage records with 23 cells."""
        return SURE if _delimiter(source) else NO

    def check(self, source: Source) -> list[str]:
        """Refuse what is no text; returns warnings on encoding and line ends."""
        return source.text_facts().warnings()

    def read(self, source: Source) -> Iterator[Item]:
        """The calls, then the other charges as one invoice."""
        bound = in_order(LAYOUT, source.label)
        calls = CallFile(M2)
        other: list[tuple[Row, SourceRow]] = []
        seen: set[str] = set()
        for cells, place in records(source, _delimiter(source) or "|"):
            kind = cells[0]
            seen.add(kind)
            try:
                if kind in {"HE", "TR"}:
                    calls.note(place)
                elif kind == "US":
                    _usage(calls, bound.parse(cells), place)
                elif kind == "OC":
                    other.append((_charge(bound.parse(cells)), place))
                else:
                    raise RowError("RecordType", kind[:20], "one of HE, OC, TR, US")
            except RowError as problem:
                yield Rejected(place, problem.field, problem.found, problem.expected)
        if "HE" in seen and "TR" not in seen:
            yield from calls.cut_off("a TR record at the end")
            for _, place in other:
                reason = "the file is cut off: it has no trailer record"
                yield Rejected(place, "RecordType", None, "a TR record at the end", reason)
            return
        if other:
            yield from _invoice(other, calls.take_notes())
        yield from calls.finish()


def _delimiter(source: Source) -> str | None:
    for delimiter in ("|", ","):
        head = head_cells(source, delimiter)
        details = [cells for cells in head if cells[0] in {"US", "OC"}]
        typed = sum(cells[0] in _KINDS for cells in head)
        if details and 2 * typed > len(head) and any(len(cells) == len(LAYOUT.fields) for cells in details):
            return delimiter
    return None


def _usage(calls: CallFile, row: Row, place: SourceRow) -> None:
    for key, title in (("number", "FNN"), ("day", "ChargeDate")):
        if row[key] is None:
            raise RowError(title, "", "a value")
    words = f"{row['tariff'] or ''} {row['foreign_type'] or ''} {row['description'] or ''}".upper()
    data = any(word in words for word in _DATA)
    kind = "data" if data else "sms" if "SMS" in words or "MMS" in words else "voice"
    duration = row["duration"]
    quantity: Fraction | int | None = SCALE if kind == "sms" else None
    if kind != "sms" and duration is not None and duration >= 0:
        quantity = Fraction(duration, 1024 if data else 60)
    country = country_called(row["peer"], M2, "0011")
    peer = row["peer"] or ""
    zone = "premium" if peer.startswith(("190", "0190")) else "international" if country else "home"
    if row["foreign_carrier"] and zone != "premium":
        zone = "roaming"
    named = {"user name": row["name"], "department": row["department"], "prime number": row["prime"]}
    call = Call(
        number=row["number"],
        day=row["day"],
        time=row["time"],
        usage_type=kind,
        quantity=quantity,
        cost=row["amount"],
        seconds=duration if kind == "voice" and duration is not None and duration >= 0 else None,
        zone=zone,
        peer=row["peer"],
        country=None if zone == "roaming" else country,
        attributes={name: value for name, value in named.items() if value},
    )
    calls.add(ACCOUNT, call, place)


def _charge(row: Row) -> Row:
    if row["day"] is None and row["end"] is None:
        raise RowError("ChargeDate", "", "a date such as 31/01/2026")
    if row["amount"].denominator != 1:
        raise RowError("ChargeAmount", str(float(row["amount"])), "cents with at most four decimals")
    return row


def _invoice(other: list[tuple[Row, SourceRow]], apart: list[SourceRow]) -> Iterator[Item]:
    last = max(row["end"] or row["day"] for row, _ in other)
    first = min(row["day"] or row["end"] for row, _ in other)
    bill = Bill(
        carrier_id=M2.carrier_id,
        carrier_name=M2.name,
        account_number=ACCOUNT,
        number=f"{ACCOUNT}-{last.replace('-', '')}",
        currency=M2.currency,
        country=M2.country,
        issued_on=last,
        period_start=first,
        period_end=last,
        total=sum(round_half_up(row["amount"]) for row, _ in other),
        rows=[*apart, *(place for _, place in other)],
    )
    for row, _ in other:
        bill.charges.append(_line_charge(row))
        number = row["number"]
        if number and number not in bill.lines:
            named = {"user name": row["name"], "department": row["department"]}
            attributes = {name: value for name, value in named.items() if value}
            bill.lines[number] = BillLine(number, line_kind(number, M2), attributes=attributes)
    yield remark(
        f"other charges are invoice {bill.number} of {to_text(bill.total)}: their sum, since the file prints no total"
    )
    yield bill


def _line_charge(row: Row) -> Row:
    amount = round_half_up(row["amount"])
    recurring = bool(row["day"] and row["end"] and row["end"] > row["day"])
    category = "equipment" if row["instalment"] else "mrc" if recurring else "occ"
    named = {"instalment": row["instalment"], "of": row["instalments"], "reference": row["reference"]}
    return {
        "billed_number": row["number"],
        "category": "credit" if amount < 0 else category,
        "item_code": row["tariff"],
        "description": row["description"],
        "quantity": row["quantity"],
        "amount": amount,
        "period_start": row["day"] or row["end"],
        "period_end": row["end"] or row["day"],
        "attributes": {name: value for name, value in named.items() if value},
    }
