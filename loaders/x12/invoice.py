"""One transaction set 811 (ST to SE): each segment in the state that its loop gives it, until it is one bill.

The tree of the standard is followed where a file follows it and bent where carriers do: levels are found by HL02,
levels may be skipped, PID and AMT may stand before the SLN or IT1 they describe, and an IT1 may repeat its SLN.
Element types decide the cents: TDS, ITA and SAC05 have two implied decimals, AMT, IT1, SLN, TXI, BAL and TCD a point.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from core.issues import clip
from loaders.contract import Rejected, SourceRow
from loaders.reading.declare import RowError
from loaders.x12 import decode, values
from loaders.x12.decode import LEVEL_AMOUNT, Facts, get, relation
from loaders.x12.parts import Call, Draft, Leaf, Level, Said, Segments
from loaders.x12.segments import Delimiters

_ACCOUNTS = ("12", "11", "1L", "14", "AJ", "BLT", "9V", "AN")  # REF01 codes of account numbers, the best first
_PAYEES = ("SJ", "PE", "RE", "SE", "VN", "SV")  # N101 and NM101 codes of the carrier, the best first
_CUSTOMERS = ("BT", "PR", "BY")
_INSURANCE_LEVELS = {"19", "20", "21", "22", "23", "PT"}
_INSURED = {"IL", "IN", "QC", "HK"}  # entities that only insurers name: insured, patient, subscriber
_PREVIOUS, _PAYMENTS = {"P"}, {"TP", "PP", "P", "AP", "C5"}

_TCD_ELEMENTS = 17

#: Tags of segments that stand around transactions.
ENVELOPE = frozenset({"ST", "SE", "GS", "GE", "ISA", "IEA"})


class Insurance(Exception):
    """The transaction is an insurer's 811; the text says by what it was known."""


class Transaction:
    """What one ST..SE says. `first` is the number of its first segment in the file.

    Its drafts stand in the order of the file; a level that was read by its outline is one :class:`Leaf` among them.
    """

    def __init__(self, control: str, first: int, marks: Delimiters) -> None:
        self.control = control
        self.first = first
        self.at = first
        self.marks = marks
        self.texts: list[str | Leaf] = []
        self.rejected: list[Rejected] = []
        self.bad: set[int] = set()
        self.remarks: list[str] = []
        self.unread: dict[str, int] = {}
        self.counts: dict[str, int] = {}
        self.levels: dict[str, Level | Leaf] = {}
        self.root = Level()
        self.level = self.root
        self.item: Draft | None = None
        self.extra: Draft | None = None
        self.call: Call | None = None
        self.scope = "heading"
        self.drafts: list[Draft | Leaf] = []
        self.calls: list[Call] = []
        self.number: str | None = None
        self.issued_on: str | None = None
        self.purpose = self.type = ""
        self.due_on: str | None = None
        self.currency: str | None = None
        self.accounts: dict[str, str] = {}
        self.level_accounts: dict[str, str] = {}
        self.payees: dict[str, str] = {}
        self.customers: dict[str, tuple[str, str]] = {}
        self.dates: dict[str, str] = {}
        self.total: int | None = None
        self.total_text = ""
        self.balances: list[tuple[str, str, int]] = []
        self.lines_counted: int | None = None

    def take(self, number: int, raw: str, elements: list[str]) -> None:
        """Read one segment; one that cannot be read is set aside.

        Raises:
            Insurance: if the segment can only be an insurer's.
        """
        self.texts.append(raw)
        self.at = number
        tag = elements[0]
        try:
            if tag in DECODED:
                decode, apply = DECODED[tag]
                apply(self, decode(elements))
            elif tag in HANDLERS:
                HANDLERS[tag](self, elements)
            else:
                self._unknown(number, raw, elements)
        except RowError as problem:
            self.reject(number, raw, problem.field, problem.found, problem.expected)
        except ValueError as problem:
            self.reject(number, raw, tag, clip(raw, 200), str(problem))
        except IndexError:
            self.reject(number, raw, tag, f"{len(elements) - 1} elements", f"a complete {tag} segment")

    def afresh(self) -> Transaction:
        """The same transaction, read segment by segment."""
        again = Transaction(self.control, self.first, self.marks)
        for row in self.rows(with_bad=True):
            again.take(row.line, row.raw, row.raw.split(self.marks.element))
        again.settle()
        return again

    def is_credit_note(self) -> bool:
        """Whether BIG07 says so."""
        return self.type == "CR"

    def has_leaves(self) -> bool:
        """Whether any level was read by its outline."""
        return any(isinstance(draft, Leaf) for draft in self.drafts)

    def reject(self, number: int, raw: str, field: str | None, found: str | None, expected: str | None) -> None:
        """Set a segment aside."""
        self.bad.add(number)
        self.rejected.append(Rejected(SourceRow(None, number, raw), field, found, expected))

    def rows(self, *, with_bad: bool = False) -> Segments:
        """The segments that were read, those that were set aside only on demand."""
        return Segments(self.first, self.texts, self.marks, set() if with_bad else self.bad)

    def count(self, name: str) -> None:
        """Count something that is remarked on once per file."""
        self.counts[name] = self.counts.get(name, 0) + 1

    def _unknown(self, number: int, raw: str, elements: list[str]) -> None:
        tag = elements[0].strip()
        if tag != elements[0] and (tag in HANDLERS or tag in DECODED):
            self.texts.pop()
            self.take(number, raw, [tag, *elements[1:]])
        elif 2 <= len(tag) <= 3 and tag.isascii() and tag.isalnum() and len(elements) > 1:
            self.unread[tag] = self.unread.get(tag, 0) + 1
        else:
            self.reject(number, raw, None, clip(raw), "a segment such as REF*12*287301456789")

    # heading

    def _big(self, e: list[str]) -> None:
        if self.number is not None or self.issued_on is not None:
            raise RowError("BIG02", get(e, 2), "one BIG in a transaction")
        self.issued_on = values.day(e[1])
        self.number = get(e, 2) or None
        self.type, self.purpose = get(e, 7), get(e, 8)

    def _cur(self, e: list[str]) -> None:
        code = get(e, 2).upper()
        if self.scope != "heading":
            return
        if not (len(code) == 3 and code.isascii() and code.isalpha()):
            raise RowError("CUR02", code, "a currency code such as USD")
        self.currency = code

    def _itd(self, e: list[str]) -> None:
        self.due_on = values.day(get(e, 6)) or self.due_on

    def _n1(self, e: list[str]) -> None:
        code = e[1].strip()
        if self.total is not None:
            self.scope = "summary"
        if code in _INSURED:
            raise Insurance(f"N1*{code} names an insured person")
        if code in _PAYEES and get(e, 2):
            self.payees.setdefault(code, e[2].strip())
        elif code in _CUSTOMERS:
            self.customers.setdefault(code, (get(e, 2), get(e, 4)))

    # the tree

    def _hl(self, e: list[str]) -> None:
        identity, above, kind = e[1].strip(), get(e, 2), get(e, 3)
        if kind in _INSURANCE_LEVELS:
            raise Insurance(f"HL03 {kind} is a level of insurance claims")
        if self.level.stream is not None:
            self.settle()
        levels = self.levels
        parent = self.level_of(above)
        if above and parent is None:
            self.count("orphan HL")
        if identity in levels:
            self.count("repeated HL")
        self.level = levels[identity] = Level(parent or self.root)
        self.item = self.extra = self.call = None
        self.scope = "level"

    def level_of(self, identity: str) -> Level | None:
        """The level with this HL01, None if there is none."""
        found = self.levels.get(identity)
        if isinstance(found, Leaf):
            found = self.levels[identity] = found.level()
        return found

    def _lx(self, e: list[str]) -> None:
        self.item = self.extra = self.call = None
        self.scope = "lx"

    def _nm1(self, e: list[str]) -> None:
        code = e[1].strip()
        if code in _INSURED:
            raise Insurance(f"NM1*{code} names an insured person")
        if code in _PAYEES and get(e, 3):
            self.payees.setdefault(code, e[3].strip())
        elif code in _CUSTOMERS:
            self.customers.setdefault(code, (get(e, 3), get(e, 9)))

    def _veh(self, e: list[str]) -> None:
        raise Insurance("VEH describes an insured vehicle")

    def settle(self) -> None:
        """Give the PIDs and AMTs that stood around a level's items to the right ones.

        They belong to the item that follows where none stands behind the level's last item; otherwise they belong to
        the item before, and those ahead of the first item to the level itself.
        """
        level = self.level
        stream, level.stream = level.stream, None
        if not stream:
            return
        items = [at for at, (kind, _) in enumerate(stream) if kind == "item"]
        for tag in ("PID", "AMT"):
            parts = [at for at, (kind, _) in enumerate(stream) if kind.startswith(tag)]
            ahead = bool(parts and items) and parts[0] < items[0] and parts[-1] < items[-1]
            for at in parts:
                where = (i for i in items if i > at) if ahead else (i for i in reversed(items) if i < at)
                found = next(where, None)
                item = None if found is None else stream[found][1]
                self._give(item, *stream[at])

    def _give(self, item: object, kind: str, value: object) -> None:
        if isinstance(value, int):
            if isinstance(item, Draft):
                item.said.give_amount(kind[3:], value)
            else:
                self._add_level_amount(value)
        elif isinstance(item, Draft):
            said = item.said
            said.texts = f"{said.texts}; {value}" if said.texts else str(value)
        else:
            self.level.text = self.level.text or str(value)

    def _add_level_amount(self, value: int) -> None:
        draft = Draft("level", self.level, Said(LEVEL_AMOUNT))
        draft.said.amount = value
        self.drafts.append(draft)

    # items and what follows them; these never fail, since decoding came first

    def _item(self, facts: Facts) -> None:
        draft = Draft("item", self.level, Said(facts))
        stream = self.level.stream
        if stream is not None:
            stream.append(("item", draft))
        before = self.item
        if before is not None and facts.tag == "IT1" and before.facts.tag == "SLN":
            draft.twin = before
        self.drafts.append(draft)
        self.item = draft
        self.extra = self.call = None
        self.scope = "item"

    def _extra(self, facts: Facts) -> None:
        """An allowance or charge: of an item, of a level, or after the total; those of calls are not summed."""
        if self.call is not None:
            return
        if self.total is not None:
            draft = Draft("after", self.root, Said(facts))
        else:
            draft = Draft("extra", self.level, Said(facts))
            draft.owner = self.item
            if self.scope in {"level", "lx", "heading"}:
                self.scope = "extra"
        self.drafts.append(draft)
        self.extra = draft

    def _tax(self, facts: Facts) -> None:
        if self.call is not None or facts.amount is None:
            return
        if self.total is not None:
            draft = Draft("after", self.root, Said(facts))
        elif self.item is not None:
            draft = Draft("tax", self.level, Said(facts))
            draft.owner = self.item
        else:
            draft = Draft("heading tax" if self.scope == "heading" else "level tax", self.level, Said(facts))
        self.drafts.append(draft)

    def _description(self, facts: tuple[str, str]) -> None:
        text, code = facts
        if not text:
            return
        level = self.level
        if self.call is not None:
            self.call.words = f"{self.call.words} {text}"
        elif self.scope == "lx":
            level.text = level.text or text
        elif self.scope == "level" or level.stream is not None:
            if level.stream is None:
                level.stream = []
            level.stream.append(("PID", text))
        elif self.item is not None:
            said = self.item.said
            said.texts = f"{said.texts}; {text}" if said.texts else text
            if code and said.facts.code is None:
                said.code = said.code or code
        elif self.extra is not None and not self.extra.said.texts:
            self.extra.said.texts = text

    def _amount(self, facts: tuple[str, int | None]) -> None:
        qualifier, value = facts
        level = self.level
        if value is None or self.call is not None or self.total is not None or self.scope == "heading":
            return
        if self.scope == "lx":
            self._add_level_amount(value)
        elif self.scope == "level" or level.stream is not None:
            if level.stream is None:
                level.stream = []
            level.stream.append((f"AMT{qualifier}", value))
        elif self.item is not None:
            self.item.said.give_amount(qualifier, value)

    def _service(self, facts: tuple[tuple[str, bool] | None, str]) -> None:
        found, service_class = facts
        if found is None:
            if service_class and self.item is not None:
                self.item.said.note("service class", service_class)
        elif self.call is not None:
            self.call.number = self.call.number or found[0]
        elif self.total is None:
            target: Draft | Level = self.item or self.level
            if target.number is None:
                target.number, target.circuit = found

    def _dates(self, facts: tuple[str, str, str | None] | None) -> None:
        if facts is None or self.total is not None:
            return
        code, first, last = facts
        if self.scope == "heading":
            self.dates.setdefault(code, first)
            if last:
                self.dates.setdefault({"150": "151", "186": "187"}.get(code, ""), last)
            return
        about = self.item
        if self.extra is not None and (about is None or about.facts.tag == "IT1"):
            about = self.extra
        target: Level | Said = self.level if about is None else about.said
        if last:
            target.start, target.end = first, last
        elif code in {"150", "186"}:
            target.start = first
        elif code in {"151", "187"}:
            target.end = first

    def _ref(self, e: list[str]) -> None:
        code, value = e[1].strip(), get(e, 2)
        if not value:
            return
        if code in _ACCOUNTS:
            kept = self.accounts if self.scope == "heading" else self.level_accounts
            kept.setdefault(code, value)
            if self.level is not self.root and self.level.account is None and self.total is None:
                self.level.account = value
            return
        target: Level | Draft = self.item or self.level
        if target is self.root or self.call is not None or self.total is not None:
            return
        if code == "CN":
            if target.number is None:
                target.number, target.circuit = value, True
        elif target.number is None and (number := values.phone(value)):
            target.number = number
        elif isinstance(target, Draft):
            target.said.note(f"reference {code}", value)

    # calls

    def _tcd(self, e: list[str]) -> None:
        e = [*map(str.strip, e), *[""] * (_TCD_ELEMENTS - len(e))]
        call = self._call("TCD", relation(e[16]))
        call.day = values.day(e[2])
        call.clock = values.clock(e[3])
        call.from_place, call.to_place = e[5], e[8]
        minutes, seconds = values.decimal(e[10]), values.decimal(e[11])
        if minutes is not None or seconds is not None:
            call.quantity, call.unit = (minutes or 0) + (seconds or 0) // 60, "MJ"
        call.amount = next((m for text in e[12:16] if text and (m := values.decimal(text)) is not None), None)
        self._add_call(call)

    def _usd(self, e: list[str]) -> None:
        call = self._call("USD", relation(get(e, 1)))
        call.unit = get(e, 5)
        quantity = values.decimal(get(e, 6))
        call.quantity = values.decimal(get(e, 7)) if quantity is None else quantity
        money = values.decimal(get(e, 8))
        call.amount = values.cents(get(e, 9)) if money is None else money
        self._add_call(call)

    def _call(self, tag: str, sign: int) -> Call:
        call = Call(tag, self.level, self.at, str(self.texts[-1]))
        call.sign = sign
        return call

    def _add_call(self, call: Call) -> None:
        self.calls.append(call)
        self.call = call
        self.item = self.extra = None
        self.scope = "call"

    def _qty(self, e: list[str]) -> None:
        value, unit = values.decimal(get(e, 2)), get(e, 3)
        if value is None:
            return
        if self.call is not None:
            if unit in values.UNITS or self.call.quantity is None:
                self.call.quantity, self.call.unit = value, unit or self.call.unit
        elif self.item is not None and self.item.facts.quantity is None:
            self.item.said.quantity = value

    # the end

    def _tds(self, e: list[str]) -> None:
        self.settle()
        if self.total is not None:
            raise RowError("TDS01", e[1], "one TDS in a transaction")
        if not e[1].strip():
            raise RowError("TDS01", "", "the total in cents")
        if "." in e[1]:
            self.count("TDS with a point")
        self.total = values.cents(e[1])
        self.total_text = e[1].strip()
        self.item = self.extra = self.call = None
        self.scope = "summary"

    def _bal(self, e: list[str]) -> None:
        value = values.decimal(e[3])
        if value is not None:
            self.balances.append((e[1].strip(), e[2].strip(), value))

    def _ctt(self, e: list[str]) -> None:
        text = get(e, 1)
        self.lines_counted = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else -1

    def _known(self, e: list[str]) -> None:
        """A segment of the 811 that tells nothing a bill keeps."""

    def carried(self) -> tuple[int | None, int | None]:
        """Previous balance and payments as BAL gives them."""
        previous = next((v for a, b, v in self.balances if a in _PREVIOUS and b not in _PAYMENTS - {"P"}), None)
        paid = [v for _, b, v in self.balances if b in _PAYMENTS - {"P"}]
        return previous, sum(paid) if paid else None

    def account(self) -> str | None:
        """The account number: of the heading, else of the first level, else the customer's id in N104."""
        for kept in (self.accounts, self.level_accounts):
            for code in _ACCOUNTS:
                if code in kept:
                    return kept[code]
        return next((ident for code in _CUSTOMERS if (ident := self.customers.get(code, ("", ""))[1])), None)

    def carrier(self) -> str | None:
        """The carrier's printed name."""
        return next((self.payees[code] for code in _PAYEES if code in self.payees), None)

    def customer(self) -> str | None:
        """The customer's printed name."""
        return next((name for code in _CUSTOMERS if (name := self.customers.get(code, ("", ""))[0])), None)


HANDLERS: dict[str, Callable[[Transaction, list[str]], None]] = {
    "BIG": Transaction._big,
    "CUR": Transaction._cur,
    "ITD": Transaction._itd,
    "N1": Transaction._n1,
    "HL": Transaction._hl,
    "LX": Transaction._lx,
    "NM1": Transaction._nm1,
    "VEH": Transaction._veh,
    "REF": Transaction._ref,
    "TCD": Transaction._tcd,
    "USD": Transaction._usd,
    "QTY": Transaction._qty,
    "TDS": Transaction._tds,
    "BAL": Transaction._bal,
    "CTT": Transaction._ctt,
}
_NOTHING_KEPT = (
    *("NTE", "N2", "N3", "N4", "PER", "DMG", "FA1", "FA2", "MEA", "INC", "MSG", "CAD", "YNQ", "LQ", "LCD", "III"),
    *("TRF", "PAM", "ISS"),
)
DECODED: dict[str, tuple[Callable[[list[str]], Any], Callable[[Transaction, Any], None]]] = {
    "IT1": (decode.baseline, Transaction._item),
    "SLN": (decode.subline, Transaction._item),
    "ITA": (decode.allowance_ita, Transaction._extra),
    "SAC": (decode.allowance_sac, Transaction._extra),
    "TXI": (decode.tax, Transaction._tax),
    "PID": (decode.description, Transaction._description),
    "AMT": (decode.amount, Transaction._amount),
    "SI": (decode.service, Transaction._service),
    "DTM": (decode.dates, Transaction._dates),
}
HANDLERS |= dict.fromkeys(_NOTHING_KEPT, Transaction._known)
