"""TAP 3 (GSMA TD.57, releases 10 to 12): call records that a visited operator sends to the subscribers' own operator.

A file is one BER-coded batch. Its charges are priced use of the lines named, between operators: they become usage of
the recipient's account with the sender, no charges. They count only if they come to the batch's audit totals.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from core import periods
from core.money import MAX_MICROS, PLACES, SCALE
from loaders.carriers.callfile import Call, CallFile, Carrier, remark
from loaders.carriers.tally import share
from loaders.contract import NO, SURE, Item, Rejected, SourceRow
from loaders.reading.ber import Damaged, Node, nodes, tags_ahead
from loaders.reading.declare import RowError
from loaders.reading.fixed import clock6, day8
from loaders.reading.source import Source

MAX_BYTES = 64 * 1024**2
RELEASES = {10, 11, 12}
BATCH, NOTIFICATION, EVENTS = 1, 2, 3
CONTROL, ACCOUNTING, NETWORK, MESSAGES, AUDIT = 4, 5, 6, 8, 15
SENDER, RECIPIENT, VERSION, RELEASE = 196, 182, 201, 189
CURRENCY, DECIMALS = 210, 244
TOTAL, COUNT = 415, 43
CHARGE, CHARGE_TYPE, CHARGE_DETAIL, CAMEL_FEE = 62, 71, 63, 422
CONTENT_SERVICE, REFUND = 352, 344
IMSI, MSISDN, MIN, MDN = 129, 152, 146, 253
STAMP, DURATION, BYTES_IN, BYTES_OUT, TELESERVICE = 16, 223, 250, 251, 218
STARTS = (44, 447, 88, 76, 74)  # of a call, of a session, of a message's deposit and delivery, of charging
CALLED, DIALLED, CALLING, OTHER = (407,), (279, 419, 402), (405,), (444,)
_MESSAGE_SERVICES = {"20", "21", "22"}


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of event: its name in the specification, the usage it is (None: by its teleservice), its direction."""

    name: str
    usage_type: str | None
    direction: str = "out"


KINDS = {
    9: Kind("mobile originated call", None),
    10: Kind("mobile terminated call", None, "in"),
    11: Kind("supplementary service event", "voice"),
    12: Kind("service centre usage", "sms"),
    14: Kind("GPRS call", "data"),
    433: Kind("messaging event", "sms"),
    434: Kind("mobile session", "voice"),
}
UNREAD = {17: "content transaction", 297: "location service"}


class Tap3:
    """Loader of TAP 3 batches."""

    name = "tap3"
    title = "TAP 3 roaming call records (GSMA TD.57, BER)"

    def sniff(self, source: Source) -> float:
        """A batch whose control information begins with the sender, or a notification that does."""
        head = source.head[:256]
        known = [[BATCH, CONTROL, SENDER], [NOTIFICATION, SENDER]]
        return SURE if tags_ahead(head, 3) in known else NO

    def check(self, source: Source) -> list[str]:
        """Refuse what is too large or no TAP file."""
        if source.size > MAX_BYTES:
            raise source.refused(f"has {source.size} bytes", f"a TAP file of up to {MAX_BYTES} bytes")
        if self.sniff(source) == NO:
            raise source.refused("is no TAP batch", "a TAP 3 file that begins with its control information")
        return []

    def read(self, source: Source) -> Iterator[Item]:
        """The usage of the batch; all of it is set aside where it does not come to the audit totals.

        Raises:
            BadInput: if the file is no BER, or of a release that is not known.
        """
        with source.open() as handle:
            content = handle.read(MAX_BYTES)
        batch = _Batch(source)
        try:
            for line, node in enumerate(nodes(content, BATCH, EVENTS), start=1):
                yield from batch.take(node, SourceRow(None, line, str(node)))
        except Damaged as damage:
            raise source.refused(f"is damaged: {damage}", "a complete TAP file") from damage
        yield from batch.finish()


class _Batch:
    """What was read of a batch so far."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.calls: CallFile | None = None
        self.currency, self.decimals, self.recipient = "XDR", 0, ""
        self.total, self.events = 0, 0
        self.audit: Node | None = None

    def take(self, node: Node, place: SourceRow) -> Iterator[Rejected]:
        """One element of the batch."""
        if node.tag in {CONTROL, NOTIFICATION}:
            if self.calls is not None:
                raise self.source.refused("holds more than one batch", "one TAP 3 batch")
            self._open(node)
        if self.calls is None:
            raise self.source.refused("has no control information at its start", "a TAP 3 batch")
        if node.tag == ACCOUNTING:
            self._account(node)
        elif node.tag == AUDIT:
            self.audit = node
        elif node.tag not in {CONTROL, NOTIFICATION, NETWORK, MESSAGES}:
            self.events += 1
            try:
                self._event(node, place)
            except RowError as problem:
                yield Rejected(place, problem.field, problem.found, problem.expected)
            return
        self.calls.note(place)

    def _open(self, node: Node) -> None:
        sender, self.recipient = node.text(SENDER) or "", node.text(RECIPIENT) or ""
        version, release = self._header(node, VERSION), self._header(node, RELEASE)
        if not sender or not self.recipient:
            raise self.source.refused("names no sender or no recipient", "a TAP 3 batch")
        if version != 3 or release not in RELEASES:
            raise self.source.refused(f"is of TAP version {version}.{release}", "version 3, release 10, 11 or 12")
        self.calls = CallFile(Carrier(sender.lower(), sender, None, self.currency))

    def _account(self, node: Node) -> None:
        currency = (node.text(CURRENCY) or "SDR").upper()
        self.currency = "XDR" if currency == "SDR" else currency
        decimals = self._header(node, DECIMALS)
        if decimals is None or not 0 <= decimals <= PLACES:
            raise self.source.refused(f"has amounts of {decimals} decimals", f"0 to {PLACES} decimals")
        self.decimals = decimals

    def _header(self, node: Node, tag: int) -> int | None:
        try:
            return node.number("", tag)
        except RowError as problem:
            raise self.source.refused(f"has a damaged number: {problem.found}", problem.expected) from problem

    def _event(self, node: Node, place: SourceRow) -> None:
        charge = sum(_charges(node))
        self.total += charge
        kind = KINDS.get(node.tag)
        if kind is None:
            name = UNREAD.get(node.tag, f"event {node.tag}")
            raise RowError("call event", name, "a call, a message or a session")
        cost = charge * 10 ** (PLACES - self.decimals)
        if abs(cost) > MAX_MICROS:
            raise RowError("Charge", str(charge), "a smaller amount")
        assert self.calls is not None
        self.calls.add(self.recipient, _call(node, kind, cost), place, self.currency)

    def finish(self) -> Iterator[Item]:
        """The usage, if the audit totals agree."""
        if self.calls is None:
            raise self.source.refused("has no batch", "a TAP 3 batch")
        if self.audit is None and self.events:
            yield from self.calls.refuse("auditControlInfo", None, "the audit totals at the end", "the file is cut off")
            return
        found = {TOTAL: self.total, COUNT: self.events}
        for tag, title in ((TOTAL, "Total charge"), (COUNT, "Call event details count")):
            said = self.audit and self._header(self.audit, tag)
            if self.audit is not None and said != found[tag]:
                reason = f"the batch says {said}, its events come to {found[tag]}"
                yield from self.calls.refuse(title, str(said), str(found[tag]), reason)
                return
        if self.events:
            yield remark(f"charges between operators, in {self.currency} without tax; no bill of a line's own operator")
        yield from self.calls.finish()


def _charges(node: Node) -> Iterator[int]:
    """Every amount that the batch's total charge counts: charge type 00, CAMEL fees, charges of messages."""
    if node.tag == CONTENT_SERVICE and node.number("Charge refund indicator", REFUND):
        return
    if node.tag == CHARGE_DETAIL:
        if node.text(CHARGE_TYPE) == "00":
            yield node.number("Charge", CHARGE) or 0
    elif node.tag in {CHARGE, CAMEL_FEE}:
        yield node.number("Charge", node.tag) or 0
    for inner in () if node.tag == CHARGE_DETAIL else node.inside:
        yield from _charges(inner)


def _call(node: Node, kind: Kind, cost: int) -> Call:
    msisdn, imsi = node.digits(MSISDN), node.digits(IMSI)
    number = f"+{msisdn}" if msisdn else imsi or node.text(MDN, MIN)
    if number is None or not number.lstrip("+").isdigit():
        raise RowError("Chargeable subscriber", number or "", "an MSISDN or IMSI")
    day, time = _start(node)
    service = (node.text(TELESERVICE) or "")[:2]
    usage_type = kind.usage_type or ("sms" if service in _MESSAGE_SERVICES else "voice")
    seconds = node.number("Total call event duration", DURATION)
    return Call(
        number=number,
        day=day,
        time=time,
        usage_type=usage_type,
        quantity=_quantity(node, usage_type, seconds),
        cost=cost,
        seconds=None if seconds is None or usage_type == "sms" else seconds * SCALE,
        zone="roaming",
        direction=kind.direction,
        peer=_peer(node),
        kind="mobile",
        attributes={"imsi": imsi} if imsi else {},
    )


def _start(node: Node) -> tuple[str, str]:
    start = node.first(*STARTS)
    text = (start and start.text(STAMP)) or ""
    try:
        day, time = day8(text[:8]), clock6(text[8:])
    except ValueError:
        day = time = None
    if len(text) != 14 or day is None or time is None:
        raise RowError("Local timestamp", text, "a time such as 20260930140500")
    return periods.parse_day(day), time


def _quantity(node: Node, usage_type: str, seconds: int | None) -> Fraction | int:
    if usage_type == "sms":
        return SCALE
    if usage_type == "voice":
        return _not_negative("Total call event duration", share((seconds or 0) * SCALE, 60))
    volume = sum(node.number("Data volume", tag) or 0 for tag in (BYTES_IN, BYTES_OUT))
    return _not_negative("Data volume", share(volume * SCALE, 1024**2))


def _not_negative(title: str, value: Fraction | int) -> Fraction | int:
    if not 0 <= value <= MAX_MICROS:
        raise RowError(title, str(value), "a number from 0")
    return value


def _peer(node: Node) -> str | None:
    packed = node.digits(*CALLED, *CALLING, *OTHER)
    if packed and packed.isdigit():
        return f"+{packed}"
    return packed or node.text(*DIALLED)
