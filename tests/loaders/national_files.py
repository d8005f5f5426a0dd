"""Golden carrier files of the national formats, built from the widths of the published layouts.

The widths stand here as the specifications list them, one after the other, and not by the positions that the loaders
declare: a wrong position in either shows as a difference. `python tests/loaders/national_files.py` writes the files.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

GOLDEN = Path(__file__).parent / "golden"
EXPECTED = Path(__file__).parent / "expected"


def fields(length: int, *parts: tuple[int, str | int]) -> str:
    """A record from (width, value) pairs: text is padded right with blanks, whole numbers left with zeros."""
    record = ""
    for width, value in parts:
        cell = str(value).rjust(width, "0") if isinstance(value, int) else value.ljust(width)
        assert len(cell) == width, (width, value)
        record += cell
    assert len(record) == length, len(record)
    return record


def money(cents: int, width: int = 13) -> str:
    """A sign and digits with two implied decimals."""
    return ("-" if cents < 0 else "+") + str(abs(cents)).rjust(width, "0")


class V2:
    """FEBRABAN version 2, record by record; `lines` numbers them."""

    def __init__(self, account: str = "0302514452", issued: str = "20260205", due: str = "20260220") -> None:
        self.account, self.issued, self.due = account, issued, due
        self.lines: list[str] = []

    def _add(self, kind: int, *parts: tuple[int, str | int]) -> None:
        self.lines.append(fields(350, (1, kind), (12, len(self.lines) + 1), *parts))

    def header(self, operator: str = "VIVO S.A.") -> None:
        self._add(
            *(0, (8, "20260206"), (15, operator), (2, "SP"), (15, "C0001"), (40, "ACME COMÉRCIO LTDA")),
            *((15, "012345678000199"), (25, self.account), (8, self.due), (8, self.issued), (201, "")),
        )

    def summary(
        self, area: str, phone: str, *, use: int, subscription: int, taxes: int, total: int, **more: str
    ) -> None:
        self._add(
            *(1, (25, self.account), (8, self.due), (8, self.issued), (25, more.get("resource", f"R{area}{phone}"))),
            *((5, "11000"), (25, "SAO PAULO"), (2, area), (10, phone), (4, more.get("service", "SMP")), (35, "Móvel")),
            *((15, more.get("feature", "")), (2, ""), (5, more.get("speed", "")), (4, more.get("speed_unit", ""))),
            *((8, "20260101"), (8, "20260131"), (8, "20260101"), (8, "20260131"), (5, "MIN"), (7, 12)),
            *((14, money(use)), (14, money(subscription)), (2, "25"), (14, money(taxes)), (14, money(0))),
            *((12, "000000004711"), (14, money(total)), (36, "")),
        )

    def address(self, area: str, phone: str) -> None:
        self._add(
            *(2, (25, f"R{area}{phone}"), (2, area), (10, phone), (15, ""), (5, "11000"), (20, "SAO PAULO"), (2, "SP")),
            *((30, "RUA DAS FLORES"), (5, "10"), (10, "AP 1"), (20, "CENTRO"), (5, ""), (20, ""), (2, ""), (30, "")),
            *((5, ""), (10, ""), (20, ""), (101, "")),
        )

    def call(self, area: str, phone: str, cents: int, tenths: int, *, peer: str = "33334444", **more: str) -> None:
        self._add(
            *(3, (8, self.due), (8, self.issued), (25, f"R{area}{phone}"), (5, "11000"), (2, area), (10, phone)),
            *((15, ""), (2, "01"), (8, more.get("day", "20260115")), (5, "21000"), (25, "RIO DE JANEIRO"), (2, "RJ")),
            *((2, ""), (2, "15"), (20, "VIVO"), (3, more.get("country", "055")), (4, more.get("peer_area", "0021"))),
            *((10, peer), (2, ""), (6, tenths), (3, more.get("code", "VC2")), (50, more.get("text", "LDN PARA FIXO"))),
            *((6, more.get("time", "140530")), (1, more.get("collect", "1")), (1, "K"), (25, "NORMAL"), (2, "03")),
            *((1, "-" if cents < 0 else "+"), (5, 2500), (13, abs(cents)), (5, "00001"), (61, "")),
        )

    def service(self, area: str, phone: str, cents: int, group: str, text: str, code: str = "001", **more: str) -> None:
        self._add(
            *(4, (8, self.due), (8, self.issued), (25, more.get("resource", f"R{area}{phone}")), (5, "11000")),
            *(
                (2, area),
                (10, phone),
                (15, ""),
                (8, "20260101"),
                (5, ""),
                (25, ""),
                (2, ""),
                (2, ""),
                (2, ""),
                (20, ""),
            ),
            *((3, ""), (4, ""), (10, ""), (2, ""), (6, ""), (6, ""), (3, group), (30, "GRUPO " + group), (3, code)),
            *((40, text), (14, money(cents)), (5, "00001"), (74, "")),
        )

    def discount(self, area: str, phone: str, cents: int, text: str, sign: str | None = None) -> None:
        printed = sign or ("-" if cents < 0 else "+")
        self._add(
            *(5, (8, self.due), (8, self.issued), (25, f"R{area}{phone}" if phone else ""), (25, self.account)),
            *((5, "11000"), (2, area), (10, phone), (3, "DSC"), (80, text), (1, printed), (13, abs(cents) * 10)),
            *((5, 1000), (13, abs(cents)), (8, "20260101"), (6, "000000"), (8, "20260131"), (6, "235959")),
            *((5, "00001"), (106, "")),
        )

    def trailer(self, cents: int, resources: int, records: int | None = None) -> None:
        self._add(
            *(9, (15, "C0001"), (25, self.account), (8, self.due), (8, self.issued)),
            *(
                (12, len(self.lines) + 1 if records is None else records),
                (12, resources),
                (14, money(cents)),
                (243, ""),
            ),
        )


class V3:
    """FEBRABAN version 3, record by record; keeps the sums and counts that the trailer prints."""

    def __init__(self, account: str = "998877", issued: str = "20260203", month: str = "202601") -> None:
        self.account, self.issued, self.month = account, issued, month
        self.lines: list[str] = []
        self.sums: dict[str, int] = {}
        self.counts: dict[str, int] = {}

    def _add(self, kind: str, cents: int, *parts: tuple[int, str | int]) -> None:
        self.counts[kind] = self.counts.get(kind, 0) + 1
        self.sums[kind] = self.sums.get(kind, 0) + cents
        begin = [(2, kind), (12, len(self.lines) + 1), (25, self.account), (8, self.issued), (6, self.month)]
        used = sum(width for width, _ in (*begin, *parts))
        self.lines.append(fields(350, *begin, *parts, (349 - used, ""), (1, "F")))

    def header(self, operator: str = "CLARO S/A", invoice: int = 51234567) -> None:
        self._add(
            *("00", 0, (8, "20260204"), (8, "20260218"), (3, "055"), (15, operator), (15, "40432544000147"), (2, "SP")),
            *((15, "CLI77"), (30, "ACME COMÉRCIO LTDA"), (15, "012345678000199"), (4, "V3R0"), (16, invoice)),
            *((50, ""), (2, "03"), (20, "COBRANCA SIMPLES"), (4, ""), (4, ""), (10, ""), (35, "")),
        )

    def summary(
        self, number: str, *, calls: int, services: int, total: int, left: str = "00000000", **more: str
    ) -> None:
        self._add(
            *(
                "10",
                total,
                (25, more.get("resource", f"R{number}")),
                (5, "11000"),
                (16, number),
                (4, "0001"),
                (8, "20250101"),
                (8, left),
            ),
            *((9, 1), (13, calls), (9, 1), (15, services), (13, 0), (13, total), (2, ""), (5, ""), (4, "")),
            (8, "20260218"),
        )

    def address(self, number: str) -> None:
        self._add(
            *("20", 0, (25, f"R{number}"), (16, number), (5, "11000"), (15, "SAO PAULO"), (2, "SP")),
            *((30, "RUA DAS FLORES"), (5, "10"), (8, ""), (10, "CENTRO")),
        )

    def call(self, number: str, cents: int, duration: int, **more: str) -> None:
        self._add(
            *(
                "30",
                cents,
                (25, f"R{number}"),
                (5, "11000"),
                (16, number),
                (8, more.get("day", "20260110")),
                (5, "21000"),
            ),
            *((25, "RIO DE JANEIRO"), (2, "RJ"), (2, more.get("reach", "N")), (2, "21"), (20, "CLARO")),
            *((17, more.get("peer", "2133334444")), (5, more.get("network", "00000")), (3, "000"), (7, duration)),
            *((3, "001"), (3, more.get("code", "LDN")), (25, more.get("text", "LONGA DISTANCIA")), (6, "081500")),
            *(
                (5, 2500),
                (13, cents),
                (15, cents * 75),
                (1, 1),
                (12, "000000009911"),
                (1, "1"),
                (1, "N"),
                (15, "NORMAL"),
            ),
            (2, "01"),
        )

    def service(
        self, number: str, cents: int, quantity: int, unit: str, text: str, code: str = "SVC", **more: str
    ) -> None:
        self._add(
            *("40", cents, (25, f"R{number}"), (5, "11000"), (16, number), (8, "20260112"), (2, "N"), (17, "")),
            *((5, more.get("network", "00000")), (3, "000"), (6, quantity), (2, unit), (6, "101500"), (3, "002")),
            *((3, code), (25, text), (13, cents), (15, cents * 75), (1, 1), (12, "000000009911")),
        )

    def discount(self, number: str, cents: int, text: str, sign: str = "-") -> None:
        self._add(
            *("50", -cents, (25, f"R{number}"), (16, number), (1, "1"), (3, "003"), (3, "DSC"), (25, text)),
            *((13, cents * 10), (1, 1), (12, "000000009911"), (5, 1000), (1, sign), (13, cents), (8, "20260101")),
            *((6, "000000"), (8, "20260131"), (6, "235959")),
        )

    def plan(self, number: str, cents: int, text: str, code: str = "P100", **more: str) -> None:
        self._add(
            *(
                "60",
                cents,
                (25, more.get("resource", f"R{number}")),
                (16, number),
                (1, "1"),
                (8, "20260101"),
                (8, "20260131"),
                (3, "055"),
            ),
            *((15, "CLARO"), (12, 800), (12, 1000), (2, "MB"), (3, "004"), (3, "PLN"), (25, "PLANO PRINCIPAL")),
            *((5, code), (25, text), (13, cents), (15, cents * 75), (1, 1), (12, "000000009911")),
        )

    def adjustment(self, number: str, cents: int, text: str) -> None:
        self._add(
            *("70", cents, (25, f"R{number}"), (16, number), (1, "1"), (3, "005"), (3, "AJU"), (40, text), (13, 0)),
            *((5, 0), (1, "-" if cents < 0 else "+"), (13, abs(cents)), (8, "20251201"), (6, "000000")),
            *((8, "20251231"), (6, "235959")),
        )

    def tax_invoice(self, cents: int) -> None:
        self._add(
            *("80", cents, (8, "20260218"), (3, "055"), (15, "CLARO"), (15, "40432544000147"), (13, cents), (1, 1)),
            (12, "000000009911"),
        )

    def trailer(self, cents: int | None = None) -> None:
        s, n = (lambda kind: abs(self.sums.get(kind, 0))), (lambda kind: self.counts.get(kind, 0))
        total = sum(self.sums.get(kind, 0) for kind in ("30", "40", "50", "60", "70")) if cents is None else cents
        self._add(
            *("99", 0, (8, "20260218"), (15, "CLI77"), (13, total), (12, len(self.lines) + 1), (13, s("10"))),
            *((9, n("10")), (9, n("20")), (13, s("30")), (9, n("30")), (13, s("40")), (9, n("40")), (1, "-")),
            *((13, s("50")), (9, n("50")), (13, s("60")), (9, n("60")), (1, "-"), (13, s("70")), (9, n("70"))),
            *((13, s("80")), (9, n("80"))),
        )


def febraban_v2() -> bytes:
    """Two mobiles, a leased line and an account charge: 154.90 + 61.40 + 900.00 + 5.00 - 10.00 = 1,111.30 BRL."""
    bill = V2()
    bill.header()
    bill.summary("11", "987650001", use=5500, subscription=9990, taxes=3800, total=15490)
    bill.summary("11", "987650002", use=640, subscription=5500, taxes=1500, total=6140)
    bill.summary(
        *("", ""),
        **{"use": 0, "subscription": 90000, "taxes": 22500, "total": 90000},
        **{"resource": "LP-00077", "service": "SLDA", "feature": "LP-TRANSDATA", "speed": "2", "speed_unit": "Mbps"},
    )
    bill.address("11", "987650001")
    bill.call("11", "987650001", 150, 25)
    bill.call("11", "987650001", 350, 71, day="20260120", time="091500")
    bill.call("11", "987650001", 4500, 100, country="001", peer_area="0212", peer="5550199", text="DDI ESTADOS UNIDOS")
    bill.call("11", "987650001", 500, 30, peer="102", peer_area="", text="AUXILIO A LISTA")
    bill.call("11", "987650002", 640, 1, text="TORPEDO SMS", code="SMS")
    bill.service("11", "987650001", 9990, "ASS", "PLANO EMPRESA 100", "101")
    bill.service("11", "987650002", 5500, "ASS", "PLANO EMPRESA 50", "102")
    bill.service("", "", 500, "CIA", "EMISSÃO DE SEGUNDA VIA")
    bill.discount("", "", -1000, "DESCONTO CORPORATIVO")
    bill.trailer(111130, 3)
    return "\r\n".join(line.rstrip() for line in bill.lines).encode("cp1252") + b"\r\n"


def febraban_v3() -> bytes:
    """Two mobiles and an adjustment of the account: 118.40 + 50.00 - 12.34 = 156.06 BRL."""
    bill = V3()
    bill.header()
    bill.summary("11987650001", calls=1240, services=1600, total=11840)
    bill.call("11987650001", 240, 12)
    bill.call("11987650001", 700, 185, reach="I", peer="12125550199", code="DDI", text="INTERNACIONAL")
    bill.call("11987650001", 300, 20, network="31041", code="RMG", text="CHAMADA EM VIAGEM")
    bill.service("11987650001", 1600, 512, "KB", "INTERNET AVULSA")
    bill.service("11987650001", 0, 900, "MB", "INTERNET FRANQUIA")
    bill.discount("11987650001", 1000, "DESCONTO PLANO")
    bill.plan("11987650001", 10000, "PLANO 1GB")
    bill.summary("11987650002", calls=0, services=0, total=5000, left="20260120")
    bill.address("11987650002")
    bill.plan("11987650002", 5000, "PLANO BASICO", "P050")
    bill.adjustment("", -1234, "CONTESTACAO DE DEZEMBRO")
    bill.tax_invoice(15606)
    bill.trailer()
    return "\n".join(bill.lines).encode("utf-8") + b"\n"


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


def optus_call(kind: str, number: str, peer: str, stamp: str, seconds: int, cents: int, currency: str = "AUD") -> str:
    """A call (50) or a credit (51)."""
    return fields(
        343,
        *((2, kind), (10, ""), (2, "01"), (14, "12345678"), (24, number), (6, ""), (24, number), (24, peer), (6, "")),
        *((14, stamp), (6, ""), (6, "000003"), (6, ""), (10, seconds), (3, "Y"), (8, ""), (8, ""), (32, "MELBOURNE")),
        *(
            (32, "SYDNEY"),
            (1, "P"),
            (10, seconds),
            (10, ""),
            (10, ""),
            (10, "F1"),
            (6, ""),
            (8, cents),
            (6, ""),
            (6, ""),
        ),
        *((6, ""), (6, currency), (6, ""), (6, ""), (6, ""), (3, ""), (3, ""), (3, "")),
    )


def optus() -> bytes:
    """Three calls and a credit between a header and a trailer."""
    records = [
        "01HEADER20260201",
        optus_call("50", "0398765432", "0298761234", "20260105140530", 125, 45),
        optus_call("50", "0398765432", "001112125550199", "20260106090000", 600, 1200),
        optus_call("50", "1300123456", "0398765432", "20260106100000", 60, 15, "000036"),
        optus_call("51", "0398765432", "0298761234", "20260105140530", 125, 45),
        "99TRAILER0000000004",
    ]
    return "\n".join(records).encode() + b"\n"


M2_COLUMNS = (
    *("kind", "carrier", "reference", "number", "source", "peer", "day", "time", "duration", "end", "description"),
    *("quantity", "amount", "tariff", "foreign_type", "foreign_carrier", "name", "department", "instalment", "of"),
    *("tax", "total", "prime"),
)


def m2_row(**cells: str) -> str:
    """A record of 23 columns; those not given are blank."""
    assert len(M2_COLUMNS) == 23
    assert set(cells) <= set(M2_COLUMNS)
    return "|".join(cells.get(name, "") for name in M2_COLUMNS)


def m2() -> bytes:
    """Calls, data, a message abroad, and other charges of 33.00 + 10.00 - 2.50 = 40.50 AUD."""
    call = {"kind": "US", "carrier": "1", "number": "0398765432", "source": "0398765432"}
    ann = {"carrier": "1", "number": "0412345678", "name": "ANN", "department": "SALES"}
    rows = [
        "HE|M2|20260201",
        m2_row(
            **call,
            reference="R1",
            peer="0412345678",
            day="2026/01/05",
            time="14:05:30",
            duration="61",
            amount="12.5",
            tariff="MOB",
        ),
        m2_row(
            kind="US",
            **ann,
            reference="R2",
            day="2026/01/05",
            time="15:00:00",
            duration="2048",
            amount="20",
            tariff="GPRS",
        ),
        m2_row(
            kind="US",
            **ann,
            reference="R3",
            peer="+447700900123",
            day="2026/01/06",
            time="08:00:00",
            duration="1",
            amount="50",
            tariff="SMS",
            foreign_carrier="VODUK",
        ),
        m2_row(
            **call,
            reference="R4",
            peer="001112125550199",
            day="2026/01/06",
            time="09:00:00",
            duration="120",
            amount="180",
            tariff="IDD",
        ),
        m2_row(
            kind="OC",
            number="0398765432",
            reference="R5",
            day="2026/01/01",
            end="2026/01/31",
            quantity="1",
            description="LINE RENTAL",
            amount="3300",
            tariff="RENT",
        ),
        m2_row(
            kind="OC",
            **ann,
            reference="R6",
            day="2026/01/15",
            description="HANDSET",
            quantity="1",
            amount="1000",
            tariff="HW",
            instalment="3",
            of="24",
            tax="I",
            total="24000",
        ),
        m2_row(
            kind="OC",
            **ann,
            reference="R7",
            day="2026/01/20",
            description="GOODWILL",
            quantity="1",
            amount="-250",
            tariff="CR",
        ),
        "TR|7",
    ]
    return "\r\n".join(rows).encode() + b"\r\n"


def bt() -> bytes:
    """Local, mobile, international, premium and directory calls; one line of an installation."""
    rows = [
        "Charge Code,Installation No,Line No,Charge Card No,Date,Time,Destination,Called No,Duration,"
        "Txt Direct Rebate,Cost",
        "Local,01632960001,,,05/01/2026,09:15:00,Exeter,01632960555,00:02:30,,£0.105",
        "Mobile,01632960001,01632960002,,05/01/2026,10:00:00,Mobile,07700900123,00:01:00,0.000,£0.159",
        '"International","01632960001","",,06/01/2026,11:30:10,"USA, New York",0012125550199,01:00:00,,"£1,012.400"',
        "Premium,01632960001,,,06/01/2026,12:00:00,Premium Rate,09061234567,00:00:30,,£0.750",
        "Directory Enq,01632960001,,,07/01/2026,12:30:00,Directory,118500,00:00:45,,£2.980",
        "Ring Back,01632960001,,,07/01/2026,13:00:00,,,00:00:00,0.010,£0.200",
    ]
    return "\r\n".join(rows).encode("cp1252") + b"\r\n"


def windstream() -> bytes:
    """Interstate, international, directory and toll-free calls."""
    home = "4045550101|ATLANTA GA|US"
    rows = [
        f"100200|R1|1|01/05/2026 14:05:30|||{home}|2125550199|NEW YORK NY|US|2.5|0.0875|Interstate Calling|N|",
        f"100200|R2|4|01/06/2026 09:00:00|||{home}|011447700900123|LONDON|GB|10|1.2|International Calling|N|",
        "100200|R3|9|01/06/2026 10:00:00|||4045550102|ATLANTA GA|US|4115551212|DIR ASST|US|1|1.50|"
        "LD Directory Assistance|N|",
        f"100200|R4|6|01/07/2026 11:00:00|||2125550199|NEW YORK NY|US|{home}|3.1|0.124|"
        "Interstate Toll Free|N|8005550123",
    ]
    return "\n".join(rows).replace("|", "\t").encode() + b"\n"


def oracle_ebilling() -> bytes:
    """A statement of two accounts: 146.50 with two services and a charge of its own, and 20.00 without services."""
    rows = [
        "0000|BILL|BS1|WIRELESS|1",
        "150|PRD1|Business Circle 2500",
        "1000|ST-77|C1|ACME INC|20260205|20260101|20260131|500.00|-500.00|0.00|0.00|166.50|166.50|20260228|US|CAD",
        "1100|ST-77|CHECK|20260110|500.00",
        "2000|ST-77|AC-1|ACME HEAD OFFICE|1 MAIN ST||TORONTO|ON|CA|M5V|100.00|30.00|-5.00|10.00|11.50|146.50",
        "3000|ST-77|AC-1|4165550101|ANN|60.00|30.00|-5.00|0.00|9.00|94.00|",
        "3000|ST-77|AC-1|4165550102|BOB|40.00|0.00|0.00|0.00|2.50|42.50|",
        "3100|ST-77|AC-1|4165550101|MRC|Business Circle 2500|60.00",
        "4000|VOICE|ST-77|AC-1|4165550101|20260105|14:05:30|2125550199|PEAK|INTL|OUT|VOICE|12.5|MINUTES|30.00",
        "4000|DATA|ST-77|AC-1|4165550101|20260106|09:00|||HOME|OUT|DATA|2048|KB|0.00",
        "4000|MESSAGE|ST-77|AC-1|4165550102|20260106|10:00|4165550199||HOME|INCOMING|MSG|3|MESSAGES|0.00",
        "2000|ST-77|AC-2|ACME BRANCH|2 MAIN ST||TORONTO|ON|CA|M5V|15.00|0.00|0.00|3.00|2.00|20.00",
    ]
    return "\n".join(rows).encode() + b"\n"


def files() -> dict[str, bytes]:
    """Every golden file by its path under `golden/`."""
    return {
        "bt/calls_202601.csv": bt(),
        "febraban_v2/vivo_202602.txt": febraban_v2(),
        "febraban_v3/claro_202601.txt": febraban_v3(),
        "m2/m2_202601.txt": m2(),
        "optus/tap_20260201.dat": optus(),
        "oracle_ebilling/bill_202601.dat": oracle_ebilling(),
        "telstra_linx/daily_20260107.txt": telstra_daily(),
        "telstra_linx/monthly_202602.txt": telstra_monthly(),
        "windstream/cdr_202601.txt": windstream(),
    }


def expected(store: Any, report: Any) -> str:
    """What loading a file gave, as text to look at: the report's entry, then the facts row by row."""
    lines = [json.dumps(entry, ensure_ascii=False) for entry in report.to_json()["files"]]
    for table, names in SHOWN.items():
        frame = store.frame(table)
        lines.append(f"-- {table}: {len(frame)}")
        if len(frame):
            rows = frame[[name for name in names if name in frame]].astype(object)
            lines += sorted(
                " | ".join(f"{name}={value}" for name, value in row.items() if value == value and value is not None)
                for row in rows.to_dict("records")
            )
    return "\n".join(lines) + "\n"


SHOWN = {
    "invoices": (
        *("number", "account_id", "issued_on", "period_start", "period_end", "due_on", "currency"),
        *("previous_balance", "payments", "total"),
    ),
    "charges": (
        *("billed_number", "service_id", "category", "item_code", "description", "zone", "country", "quantity", "unit"),
        *("amount", "period_start", "period_end", "attributes"),
    ),
    "usage": (
        *("service_id", "month", "usage_type", "zone", "country", "quantity", "unit", "cost", "currency"),
        *("period_start", "period_end"),
    ),
    "usage_events": (
        *("service_id", "started_at", "direction", "usage_type", "zone", "country", "peer_number", "quantity"),
        *("duration_s", "cost", "currency"),
    ),
    "services": ("service_id", "kind", "number", "carrier_id", "attributes"),
}


def main() -> None:
    """Write the golden files, and for each what loading it into an empty store gives."""
    import tap3_files

    import loaders
    from core.store import Store

    for name, content in {**files(), **tap3_files.files()}.items():
        path = GOLDEN / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        with tempfile.TemporaryDirectory() as folder:
            store = Store.open(f"sqlite:///{folder}/golden.db")
            text = expected(store, loaders.load_paths(store, [path]))
            store.close()
        recorded = EXPECTED / Path(name).with_suffix(".txt")
        recorded.parent.mkdir(parents=True, exist_ok=True)
        recorded.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
