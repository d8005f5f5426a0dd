"""What the elements of a segment say, apart from where the segment stands."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from loaders.x12 import values

_PRODUCT_IDS = ("A3", "NU", "VP", "UP", "MG", "SV", "VN", "PN", "SK", "ZZ")  # qualifiers, the best first


@dataclass(slots=True, eq=False)
class Facts:
    """What an amount's own segment says. `sign` is 1, -1 (relationship D, allowance) or 0 (I and O: not summed).

    `kind` is item, extra, allowance or tax; `priced` is quantity x unit price; `others` become attributes.
    """

    tag: str
    kind: str
    sign: int = 1
    amount: int | None = None
    priced: int | None = None
    rate: int | None = None
    quantity: int | None = None
    code: str | None = None
    text: str = ""
    others: dict[str, str] | None = None


#: An AMT of a level or LX, which has no segment of its own to say more.
LEVEL_AMOUNT = Facts("AMT", "item")


def get(e: list[str], at: int) -> str:
    """An element, trimmed; blank where the segment ends before it."""
    return e[at].strip() if len(e) > at else ""


@lru_cache(maxsize=1_000)
def relation(*codes: str) -> int:
    """-1 if a relationship code says delete, 0 if one says included or information only, else 1 (A, S, blank)."""
    marks = {code.strip() for code in codes}
    if marks & {"I", "O"}:
        return 0
    return -1 if "D" in marks else 1


def baseline(e: list[str]) -> Facts:
    """IT1."""
    return _item("IT1", e, 2, 4, 6, 1)


def subline(e: list[str]) -> Facts:
    """SLN; SLN03 is the relationship of the line, SLN08 that of its price."""
    return _item("SLN", e, 4, 6, 9, relation(get(e, 3), get(e, 8)))


def _item(tag: str, e: list[str], quantity: int, price: int, pairs: int, sign: int) -> Facts:
    found = {}
    for at in range(pairs, len(e) - 1, 2):
        if value := e[at + 1].strip():
            found[e[at].strip()] = value
    code = next((found[q] for q in _PRODUCT_IDS if q in found), None) if len(found) > 1 else None
    count, each = get(e, quantity), get(e, price)
    return Facts(
        tag,
        "item",
        sign,
        priced=values.product(count, each),
        rate=values.decimal(each),
        quantity=values.decimal(count),
        code=code or next(iter(found.values()), None),
        others={f"id {qualifier}": value[:1000] for qualifier, value in found.items()} if len(found) > 1 else None,
    )


def allowance_ita(e: list[str]) -> Facts:
    """ITA: ITA07 in implied cents, else ITA06 x ITA10."""
    return _extra("ITA", e, 7, 13, get(e, 3), get(e, 16), priced=values.product(get(e, 10), get(e, 6)))


def allowance_sac(e: list[str]) -> Facts:
    """SAC: SAC05 in implied cents."""
    return _extra("SAC", e, 5, 15, get(e, 2), "")


def _extra(tag: str, e: list[str], amount: int, text: int, code: str, mark: str, priced: int | None = None) -> Facts:
    indicator = e[1].strip()
    kind, sign = ("allowance", -1) if indicator == "A" else ("extra", 1 if indicator == "C" else 0)
    return Facts(
        tag,
        kind,
        sign * relation(mark),
        amount=values.cents(get(e, amount)),
        priced=priced,
        code=code or None,
        text=get(e, text),
    )


def tax(e: list[str]) -> Facts:
    """TXI."""
    code = e[1].strip()
    place = f"{get(e, 4)} {get(e, 5)}".strip()
    return Facts(
        "TXI",
        "tax",
        relation(get(e, 7)),
        amount=values.decimal(get(e, 2)),
        text=values.TAXES.get(code, f"Tax {code}" if code else "Tax"),
        others={"jurisdiction": place[:1000]} if place else None,
    )


def description(e: list[str]) -> tuple[str, str]:
    """(words, product code) of a PID; the code stands for the words where there are none."""
    code = get(e, 4)
    return get(e, 5) or code, code


def amount(e: list[str]) -> tuple[str, int | None]:
    """(qualifier, micros) of an AMT."""
    return e[1].strip(), values.decimal(e[2])


def service(e: list[str]) -> tuple[tuple[str, bool] | None, str]:
    """((number, is a circuit) or None, service class) of an SI."""
    if len(e) == 4 and e[1] == "TI" and e[2] == "TN" and (number := values.phone(e[3])):
        return (number, False), ""
    agency, others = e[1].strip(), [element.strip() for element in e[2:22]]
    return values.service_number(agency, *others), get(e, 3) if get(e, 2) == "SC" else ""


def dates(e: list[str]) -> tuple[str, str, str | None] | None:
    """(qualifier, day, last day or None) of a DTM: DTM02, or the range in DTM06 where DTM05 says RD8."""
    code = e[1].strip()
    if get(e, 5) == "RD8":
        first, _, last = get(e, 6).partition("-")
        start, end = values.day(first), values.day(last)
        return (code, start, end) if start else None
    start = values.day(get(e, 2))
    return (code, start, None) if start else None
