"""Call records of Optus, M2, BT and Windstream, and an Oracle E-Billing file."""

from __future__ import annotations

from fixed_records import fields


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
