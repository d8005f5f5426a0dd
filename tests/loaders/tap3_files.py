"""TAP 3 files written element by element from the published grammar, without the library that reads them."""

from __future__ import annotations

Element = bytes


def tlv(tag: int, *inside: Element | str | int, indefinite: bool = False) -> Element:
    """An element of application class: constructed of elements, or a text, or a whole number."""
    if inside and isinstance(inside[0], str):
        return _coded(tag, 0x40, inside[0].encode())
    if inside and isinstance(inside[0], int):
        value = inside[0]
        return _coded(tag, 0x40, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))
    content = b"".join(part for part in inside if isinstance(part, bytes))
    if indefinite:
        return _tag(tag, 0x60) + b"\x80" + content + b"\0\0"
    return _coded(tag, 0x60, content)


def bcd(tag: int, digits: str) -> Element:
    """Packed digits, the left half of a byte first."""
    return _coded(tag, 0x40, bytes.fromhex(digits + "f" * (len(digits) % 2)))


def _tag(tag: int, kind: int) -> bytes:
    if tag < 31:
        return bytes([kind | tag])
    seven = [tag & 0x7F]
    while tag := tag >> 7:
        seven.insert(0, 0x80 | tag & 0x7F)
    return bytes([kind | 0x1F, *seven])


def _coded(tag: int, kind: int, content: bytes) -> bytes:
    size = len(content)
    if size < 128:
        return _tag(tag, kind) + bytes([size]) + content
    counted = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return _tag(tag, kind) + bytes([0x80 | len(counted)]) + counted + content


def when(tag: int, stamp: str) -> Element:
    """A local time with the code of its offset."""
    return tlv(tag, tlv(16, stamp), tlv(232, 1))


def subscriber(msisdn: str | None, imsi: str) -> Element:
    """A chargeable subscriber with a SIM."""
    return tlv(427, tlv(199, bcd(129, imsi), bcd(152, msisdn) if msisdn else b""))


def charged(amount: int, *, air: int | None = None, item: str = "D") -> Element:
    """Charge information of one total charge, and of an airtime charge within it."""
    details = [tlv(63, tlv(71, "00"), tlv(62, amount), tlv(65, 60))]
    if air is not None:
        details.append(tlv(63, tlv(71, "01"), tlv(62, air)))
    return tlv(69, tlv(66, item), tlv(258, tlv(259, 1), tlv(255, 0), tlv(256, 0)), tlv(64, *details))


def basic(service: str, *charges: Element) -> Element:
    """The basic services used: one teleservice with its charges."""
    return tlv(38, tlv(39, tlv(36, tlv(426, tlv(218, service))), tlv(70, *charges)))


ANN, BOB = ("447700900101", "234150000000101"), (None, "234150000000102")


def outgoing(
    stamp: str, seconds: int, amount: int, *, of: tuple[str | None, str] = ANN, to: str = "61255501234"
) -> Element:
    """A call made."""
    info = tlv(147, subscriber(*of), tlv(89, bcd(407, to)), when(44, stamp), tlv(223, seconds))
    return tlv(9, info, tlv(138, tlv(156, tlv(184, 1))), basic("11", charged(amount, air=amount)))


def incoming(stamp: str, seconds: int, amount: int) -> Element:
    """A call received."""
    info = tlv(153, subscriber(*ANN), tlv(41, bcd(405, "447700900900")), when(44, stamp), tlv(223, seconds))
    return tlv(10, info, basic("11", charged(amount)))


def message(stamp: str, amount: int) -> Element:
    """A short message sent, recorded as a call of teleservice 22."""
    info = tlv(147, subscriber(*ANN), tlv(89, tlv(419, "447700900902")), when(44, stamp), tlv(223, 1))
    return tlv(9, info, basic("22", charged(amount, item="E")))


def session(stamp: str, received: int, sent: int, amount: int) -> Element:
    """A data session of the subscriber without an MSISDN."""
    info = tlv(114, tlv(115, subscriber(*BOB)), tlv(116, tlv(261, "internet")), when(44, stamp), tlv(223, 600))
    return tlv(14, info, tlv(121, tlv(250, received), tlv(251, sent), tlv(70, charged(amount, item="X"))))


def party() -> Element:
    """The charged party of events of the IP multimedia network."""
    return tlv(436, bcd(129, ANN[1]), bcd(152, ANN[0] or ""))


def ims_message(stamp: str, amount: int) -> Element:
    """A messaging event: its charge stands in the event itself."""
    return tlv(433, tlv(439, 1), party(), when(447, stamp), tlv(443, bcd(444, "447700900903")), tlv(62, amount))


def ims_call(stamp: str, seconds: int, amount: int) -> Element:
    """A mobile session: a call over the IP multimedia network."""
    charge = tlv(448, tlv(449, tlv(66, "D"), tlv(64, tlv(63, tlv(71, "00"), tlv(62, amount)))))
    return tlv(434, tlv(440, 1), party(), when(447, stamp), tlv(223, seconds), charge)


def content(amount: int, refund: int) -> Element:
    """A content transaction, which is not read, with a refund, which the total charge leaves out."""
    bought = tlv(352, tlv(336, 1), tlv(70, charged(amount, item="C")))
    returned = tlv(352, tlv(336, 1), tlv(344, 1), tlv(70, charged(refund, item="C")))
    return tlv(17, tlv(304, when(300, "20260107120000")), tlv(285, bought, returned))


def batch(
    *events: Element,
    total: int | None,
    count: int | None = None,
    currency: str | None = None,
    decimals: int = 5,
    release: int = 12,
    indefinite: bool = False,
) -> bytes:
    """A transfer batch of AUSXX for GBRXX; `total` None leaves the audit record out."""
    control = tlv(4, tlv(196, "AUSXX"), tlv(182, "GBRXX"), tlv(109, "00178"), tlv(201, 3), tlv(189, release))
    money = tlv(5, tlv(135, "AUD"), tlv(210, currency) if currency else b"", tlv(244, decimals))
    network = tlv(6, tlv(234, tlv(233, tlv(232, 1), tlv(231, "+1100"))))
    audit = b""
    if total is not None:
        audit = tlv(15, tlv(415, total), tlv(226, 0), tlv(225, 0), tlv(43, len(events) if count is None else count))
    calls = tlv(3, *events, indefinite=indefinite)
    return tlv(1, control, money, network, calls, audit, indefinite=indefinite)


def notification() -> bytes:
    """What is sent when there was nothing to charge."""
    return tlv(2, tlv(196, "AUSXX"), tlv(182, "GBRXX"), tlv(109, "00179"), tlv(201, 3), tlv(189, 12))


def golden() -> bytes:
    """Seven events of two subscribers in special drawing rights, of 5 decimals: 4.10 in all."""
    return batch(
        outgoing("20260105140530", 150, 125000),
        incoming("20260105150000", 61, 50000),
        message("20260105160000", 10000),
        session("20260106080000", 3 * 1024**2, 1024**2, 200000),
        ims_message("20260106090000", 5000),
        ims_call("20260106100000", 60, 20000),
        outgoing("20260131235959", 0, 0, of=BOB),
        total=410000,
    )


def files() -> dict[str, bytes]:
    """The golden file by its path under `golden/`."""
    return {"tap3/CDAUSXXGBRXX00178": golden()}
