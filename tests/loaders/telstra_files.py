"""Telstra LINX daily event files and monthly invoice files."""

from __future__ import annotations

from fixed_records import fields


def fnn(number: str, width: int) -> str:
    """A LINX number: type A, length of the area code, six and four characters; O and a country code for abroad."""
    if number.startswith("+"):
        return f"O{1}{number[1:]}".ljust(width)
    if not number.isdigit():
        return f"N{number}".ljust(width)
    return f"A2{number[:6]:<6}{number[6:]:<4}".ljust(width)


def linx_call(kind: str, number: str, peer: str, day: str, unit: str, quantity: int, price: int, **more: str) -> str:
    """A usage record (UIR) or a usage adjustment (UAR); quantity in 1/100000, price in 1/10000000."""
    return fields(
        514,
        *((3, kind), (3, "TEL"), (8, 1), (8, quantity % 10**8), (8, 77), (8, "STD"), (8, "ELEM1")),
        *((10, more.get("account", "2000123456")), (10, "3000654321"), (29, fnn(number, 29)), (25, fnn(number, 25))),
        *(
            (25, fnn(peer, 25) if peer else ""),
            (10, day),
            (8, more.get("time", "14:05:30")),
            (12, more.get("area", "")),
        ),
        *((5, unit), (13, quantity), (9, more.get("duration", "000000000")), (3, "001"), (1, "U"), (15, price)),
        *([(4, "0001")] if kind == "UIR" else [(3, "R01")]),
        *((5, ""), (1, ""), (30, more.get("premium", ""))),
        (253 if kind == "UIR" else 254, ""),
    )


def linx_other(kind: str) -> str:
    """A header, trailer or other record, of which only the type is read."""
    return fields(514, (3, kind), (3, "TEL"), (508, ""))


def telstra_daily() -> bytes:
    """Voice by seconds, six seconds and minutes, data, an event, a 1900 call, abroad, an adjustment; two accounts."""
    records = [
        linx_other("FDR"),
        linx_call("UIR", "0398765432", "0412345678", "20260105", "SEC", 6_100_000, 1_234_567, area="MOBILE"),
        linx_call("UIR", "0398765432", "0298761234", "20260105", "6SEC", 1_000_000, 2_500_000),
        linx_call("UIR", "0398765432", "+12125550199", "20260106", "MIN", 250_000, 12_500_000, area="USA"),
        linx_call(
            "UIR", "0398765432", "1902123456", "20260106", "SEC", 9_000_000, 49_500_000, premium="HOROSCOPE LINE"
        ),
        linx_call("UIR", "0398765432", "1223", "20260107", "EVENT", 100_000, 4_000_000, duration="000000145"),
        linx_call("UIR", "0412345678", "", "20260107", "KBYTE", 204_800_000, 1_000_000, account="2000999999"),
        linx_call("UAR", "0398765432", "0412345678", "20260105", "SEC", 6_100_000, 1_234_567),
        linx_other("SER"),
        linx_other("OCR"),
        linx_other("UIT"),
        linx_other("FTR"),
    ]
    return "\n".join(record.rstrip() for record in records).encode() + b"\n"


def ten_thousandths(cents: int) -> str:
    """Fourteen characters with four implied decimals, a minus in front."""
    return ("-" if cents < 0 else "0") + str(abs(cents) * 100).rjust(13, "0")


def linx_row(section: str, *parts: tuple[int, str | int], line: str = "D", account: str = "2000123456") -> str:
    """A row of the monthly file."""
    begin = [(10, account), (27, f"K1234567 20260201{'':10}"), (2, section), (1, line)]
    used = sum(width for width, _ in (*begin, *parts))
    return fields(758, *begin, *parts, (758 - used, ""))


def linx_se(number: str, text: str, net: int, gst: int, quantity: str = "0000000001", **more: str) -> str:
    """Service and equipment."""
    return linx_row(
        "SE",
        *((7, 1), (30, "LINE RENTAL"), (29, fnn(number, 29)), (10, quantity), (50, text), (25, "RENTAL"), (1, "R")),
        *((8, more.get("start", "20260201")), (8, more.get("end", "20260228")), (14, ten_thousandths(net))),
        *((14, ten_thousandths(net)), (14, ten_thousandths(gst)), (14, ten_thousandths(net + gst))),
        *((30, "1 GEORGE ST"), (30, "SYDNEY"), (30, ""), (30, ""), (16, "PO-77"), (16, ""), (8, "PROD1"), (8, "BE01")),
        *((30, "PSTN"), (30, ""), (4, ""), (10, more.get("bandwidth", "")), (25, "")),
    )


def linx_oc(number: str, text: str, net: int, gst: int) -> str:
    """Other charges and credits."""
    return linx_row(
        "OC",
        *((7, 2), (30, "OTHER"), (29, fnn(number, 29)), (10, "0000000001"), (50, text), (25, "ONE OFF"), (1, "O")),
        *((8, "20260115"), (8, "20260115"), (16, "PO-78"), (16, ""), (14, ten_thousandths(net))),
        *((14, ten_thousandths(net)), (14, ten_thousandths(gst)), (14, ten_thousandths(net + gst)), (30, ""), (90, "")),
        *((10, ""), (10, ""), (8, "PROD2"), (8, "BE02")),
    )


def telstra_monthly() -> bytes:
    """33.00 + 550.00 + 165.00 - 11.00 = 737.00 AUD with GST of 67.00, which the account summary prints."""
    records = [
        linx_row("HD", (60, "TAX INVOICE"), line="H"),
        linx_row("AS", (30, "TOTAL THIS BILL"), (14, ten_thousandths(73700)), line="T"),
        linx_se("0398765432", "BUSINESS LINE", 3000, 300),
        linx_se("N1234567R", "ETHERNET ACCESS", 50000, 5000, bandwidth="100M"),
        linx_row("SE", (7, 0), (30, "SECTION TOTAL"), line="T"),
        linx_oc("0398765432", "NEW CONNECTION FEE", 15000, 1500),
        linx_oc("0398765432", "GOODWILL", -1000, -100),
    ]
    return "\r\n".join(records).encode() + b"\r\n"
