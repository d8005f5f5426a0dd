"""Writes X12 811 files from a small model of bills, in the dialects that carriers use; amounts are cents."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Dialect:
    """How a file is written. `ahead`: PID and AMT before their SLN, an IT1 repeating it (the compact dialect)."""

    element: str = "*"
    component: str = ">"
    segment: str = "~"
    line_end: str = "\n"
    padded: bool = True
    ahead: bool = False
    version: str = "00401"
    skip_levels: bool = False
    priced_only: bool = False
    bom: bool = False
    wrong_counts: bool = False


@dataclass(frozen=True)
class Item:
    """A product: `relation` as SLN03."""

    text: str
    quantity: int
    price: int
    relation: str = "A"

    @property
    def cents(self) -> int:
        """What it adds to the bill."""
        sign = {"I": 0, "O": 0, "D": -1}.get(self.relation, 1)
        return sign * self.quantity * self.price


@dataclass(frozen=True)
class Line:
    """A number and what it is billed."""

    number: str
    items: tuple[Item, ...]
    taxes: tuple[int, ...] = ()
    credits: tuple[int, ...] = ()
    calls: tuple[tuple[int, int], ...] = ()  # (tenths of minutes, cents)

    @property
    def cents(self) -> int:
        """What the line adds to the bill."""
        return sum(item.cents for item in self.items) + sum(self.taxes) - sum(self.credits)


@dataclass(frozen=True)
class Bill:
    """One transaction set."""

    number: str
    account: str
    lines: tuple[Line, ...]
    late_fee: int = 0
    off_by: int = 0
    heading: tuple[str, ...] = field(default=("DTM*150*20260101", "DTM*151*20260131"))

    @property
    def cents(self) -> int:
        """The true sum."""
        return sum(line.cents for line in self.lines) + self.late_fee


def money(cents: int) -> str:
    """Cents as an R element: 1250 -> 12.5."""
    sign = "-" if cents < 0 else ""
    text = f"{abs(cents) // 100}.{abs(cents) % 100:02d}".rstrip("0").rstrip(".")
    return sign + text


def body(bill: Bill, dialect: Dialect) -> list[str]:
    """The segments between ST and SE, written with `*`."""
    found = [f"BIG*20260201*{bill.number}", f"REF*12*{bill.account}", *bill.heading]
    found += ["N1*PE*Granite Telecommunications", "HL*1**1*1"]
    above = 1
    if not dialect.skip_levels:
        found += ["HL*2*1*4*1", "HL*3*2*5*1"]
        above = 3
    level = 3
    for line in bill.lines:
        level += 1
        found += [f"HL*{level}*{above}*8*0", f"SI*TI*TN*{line.number}"]
        for at, item in enumerate(line.items, 1):
            found += _item(at, item, dialect)
        found += [_ita("A", cents) for cents in line.credits]
        for cents in line.taxes:
            found.append(f"TXI*ST*{money(cents)}**CD*NY")
        for tenths, cents in line.calls:
            found.append(
                f"TCD*1*20260105*1405*TN*{line.number}*NY*TN*3125550199*IL*{money(tenths * 10)}**{money(cents)}"
            )
    found.append(f"TDS*{bill.cents + bill.off_by}")
    if bill.late_fee:
        found.append(_ita("C", bill.late_fee))
    found.append(f"CTT*{99 if dialect.wrong_counts else 0}")
    return found


def _ita(indicator: str, cents: int) -> str:
    return f"ITA*{indicator}*TI*****{cents}******{'CREDIT' if indicator == 'A' else 'LATE PAYMENT CHARGE'}"


def _item(at: int, item: Item, dialect: Dialect) -> list[str]:
    amount = money(item.quantity * item.price)
    text, total = f"PID*F****{item.text}", f"AMT*1*{amount}"
    line = f"SLN*{at}**{item.relation}*{item.quantity}*EA*{money(item.price)}***A3*{item.text[:4].strip()}"
    if dialect.ahead:
        return [text, total, line, f"IT1*{at}*{item.quantity}*EA*{money(item.price)}"]
    return [line, text] if dialect.priced_only else [line, text, total]


def interchange(bills: list[Bill], dialect: Dialect = Dialect()) -> bytes:
    """The whole file."""
    blank = ["00", "", "00", "", "ZZ", "GRANITE", "ZZ", "ACME"]
    if dialect.padded:
        blank = ["00", " " * 10, "00", " " * 10, "ZZ", "GRANITE".ljust(15), "ZZ", "ACME".ljust(15)]
    mark = "U" if dialect.version == "00401" else "`" if dialect.element == "^" else "^"
    isa = ["ISA", *blank, "260201", "1200", mark, dialect.version, "000000007", "0", "P", dialect.component]
    segments = [
        "*".join(isa[:-1]) + "*" + dialect.component,
        f"GS*CI*GRANITE*ACME*20260201*1200*7*X*{dialect.version}0",
    ]
    for at, bill in enumerate(bills, 1):
        inner = body(bill, dialect)
        count = len(inner) + (9 if dialect.wrong_counts else 2)
        segments += [f"ST*811*{at:04d}", *inner, f"SE*{count}*{at:04d}"]
    segments += [f"GE*{len(bills)}*7", "IEA*1*000000007"]
    text = "".join(s.replace("*", dialect.element) + dialect.segment + dialect.line_end for s in segments)
    return (b"\xef\xbb\xbf" if dialect.bom else b"") + text.encode()
