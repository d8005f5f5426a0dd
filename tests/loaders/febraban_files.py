"""FEBRABAN bills of both versions, record by record."""

from __future__ import annotations

from fixed_records import fields, money


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
