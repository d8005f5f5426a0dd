"""What could be meant: similar numbers, circuit ids, e-mails and names for records that nothing names exactly.

Nothing here is ever applied by itself. A proposal has a score from 0 to 1 and a reason; a person accepts or refuses it.
An accepted one links the record and becomes an alias of what was meant, so that the next file finds it exactly; a
refused one is remembered with the record and not proposed again. Proposals are worked out anew when asked for.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

from rapidfuzz import fuzz, process
from rapidfuzz.distance import OSA

from core import rollups, trail
from core.issues import BadInput, Issue
from core.queries import loading
from core.store import Reader, Store, Txn, attributes_of
from loaders.feeds.cells import check_digit_fits
from loaders.links import ALIASES, KEY, LINKED, TABLE, aliases, unmatched
from loaders.names import number_key
from loaders.values import attributes_text

Row = dict[str, Any]
MASKED = "masked number"
REFUSED = "refused matches"
LEAST = 0.6
BEST = 3
_PEOPLE_KIND = "employee"
_MOST_OF_ONE = 50


@dataclass(frozen=True, slots=True)
class Proposal:
    """`text` is what the record's system says, `target` the id of what could be meant."""

    proposal_id: str
    table: str
    record: str
    column: str
    text: str
    target: str
    target_name: str
    score: float
    reason: str

    def to_json(self) -> dict[str, Any]:
        """The entry of `tem matches --json`."""
        return asdict(self)


def proposals(store: Store) -> list[Proposal]:
    """The best three for each unlinked record, surest first."""
    with store.reading() as reader:
        return _proposals(reader)


def _proposals(reader: Reader) -> list[Proposal]:
    books = _Books(reader)
    found: list[Proposal] = []
    for table, column, kind in LINKED:
        key = record_key(table)
        rows = {row[key]: row for row in loading.rows_with_attribute(reader, table, unmatched(kind))}
        if kind == "service":
            rows |= {row[key]: row for row in loading.rows_with_attribute(reader, table, MASKED)}
        for ident, row in sorted(rows.items()):
            if row[column] is None:
                found += _of_record(books, table, column, kind, ident, row)
    found += _twins(books)
    return sorted(found, key=lambda item: (-item.score, item.table, item.record, item.target))


def record_key(table: str) -> str:
    """The key column of a linked table."""
    return {"devices": "device_id", "services": "service_id", "orders": "order_id"}[table]


class _Books:
    """What can be meant, indexed so that only numbers that could be alike are compared."""

    def __init__(self, reader: Reader) -> None:
        self.countries = {row["account_id"]: row["country"] for row in loading.all_rows(reader, "accounts")}
        self.services = {row["service_id"]: row for row in loading.all_rows(reader, "services")}
        self.people = {row["employee_id"]: row for row in loading.all_rows(reader, "employees")}
        self.devices = loading.all_rows(reader, "devices")
        self._keys: dict[str, str] = {}
        self._near: dict[str, list[str]] = {}
        self._spelled: dict[str, str] = {}
        for ident, row in self.services.items():
            if not row["number"] or row["status"] == "disconnected":
                continue
            key = number_key(row["number"], self.countries.get(row["account_id"] or ""))
            self._keys[ident] = key
            if re.search("[a-z]", key):
                self._spelled[ident] = key
                continue
            for mark in _marks(key):
                self._near.setdefault(mark, []).append(ident)
        self._forms: dict[str, set[str]] = {}
        self._locals: dict[str, str] = {}
        for ident, person in self.people.items():
            for form in _forms(person):
                self._forms.setdefault(form, set()).add(ident)
            if person["email"]:
                self._locals[ident] = person["email"].casefold().partition("@")[0]

    def numbers(self, text: str) -> Iterator[tuple[Row, str, str]]:
        """Services whose number or circuit id may be like the text, with both keys."""
        for country in sorted(set(self.countries.values()) | {None}, key=str):
            key = number_key(text, country)
            if re.search("[a-z]", key):
                close = process.extract(key, self._spelled, scorer=fuzz.ratio, score_cutoff=80, limit=2 * BEST)
                found = [ident for _, _, ident in close]
            else:
                found = sorted({ident for mark in _marks(key) for ident in self._near.get(mark, ())})
            for ident in found:
                yield self.services[ident], key, self._keys[ident]

    def ending(self, digits: str) -> Iterator[Row]:
        """Services whose number ends with these digits."""
        for ident, key in self._keys.items():
            if key.endswith(digits):
                yield self.services[ident]

    def persons(self, text: str, shown: str) -> Iterator[Row]:
        """Employees whose login, name or e-mail may be like the text or the name shown beside it."""
        local = text.casefold().partition("@")[0]
        found = set(self._forms.get(local, ())) | self._forms.get(" ".join(sorted(shown.casefold().split())), set())
        close = process.extract(local, self._locals, scorer=fuzz.ratio, score_cutoff=85, limit=2 * BEST)
        found |= {ident for _, _, ident in close}
        for ident in sorted(found):
            yield self.people[ident]


def _marks(key: str) -> set[str]:
    """Numbers that differ in one digit share their first seven digits or their last four; alike endings, the last."""
    digits = key.lstrip("+")
    return {f"^{digits[:7]}", f"{digits[-4:]}$"} if len(digits) >= 7 else set()


def _forms(person: Row) -> set[str]:
    """What a login could be made of: the e-mail's local part, initials and names; and the sorted words of the name."""
    words = re.findall(r"\w+", (person["name"] or "").casefold())
    forms = {" ".join(sorted(words)), (person["email"] or "").casefold().partition("@")[0]}
    if len(words) >= 2:
        first, last = words[0], words[-1]
        forms |= {first[0] + last, last + first[0], first + last, f"{first}.{last}", f"{last}.{first}", first + last[0]}
    return forms - {""}


def _of_record(books: _Books, table: str, column: str, kind: str, ident: str, row: Row) -> list[Proposal]:
    attributes = attributes_of(row["attributes"])
    refused = set(str(attributes.get(REFUSED, "")).split("|"))
    texts = [text for text in str(attributes.get(unmatched(kind), "")).split("|") if text]
    best: dict[str, tuple[float, str, str]] = {}
    for text, target, score, reason in _candidates(books, kind, row, attributes, texts):
        if target not in refused and target != ident and score >= LEAST and score > best.get(target, (0.0,))[0]:
            best[target] = (score, reason, text)
    people, services = books.people, books.services
    named = {i: people[i]["name"] if kind == _PEOPLE_KIND else services[i]["number"] for i in best}
    chosen = sorted(best.items(), key=lambda item: (-item[1][0], item[0]))[:BEST]
    return [
        Proposal(
            _ident(table, ident, column, target),
            table,
            ident,
            column,
            text,
            target,
            named.get(target) or target,
            round(score, 2),
            reason,
        )
        for target, (score, reason, text) in chosen
    ]


def _twins(books: _Books) -> list[Proposal]:
    """Devices of one holder or line whose IMEIs differ in one digit: probably one device, typed twice."""
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in books.devices:
        if row["imei"]:
            for name in ("service_id", "employee_id"):
                if row[name]:
                    groups.setdefault((name, row[name]), []).append(row)
    found: dict[str, Proposal] = {}
    for (name, _), rows in groups.items():
        for one, other in combinations(rows[:_MOST_OF_ONE], 2):
            if OSA.distance(one["imei"][:14], other["imei"][:14]) != 1:
                continue
            pair = sorted((one, other), key=lambda row: (check_digit_fits(row["imei"]), row["device_id"]))
            wrong, right = pair
            if right["device_id"] in str(attributes_of(wrong["attributes"]).get(REFUSED, "")).split("|"):
                continue
            reason = f"one digit of the IMEI differs, and both have one {'line' if name == 'service_id' else 'holder'}"
            ident = _ident("devices", wrong["device_id"], "device_id", right["device_id"])
            ids = (wrong["device_id"], "device_id", wrong["imei"], right["device_id"])
            found[ident] = Proposal(ident, "devices", *ids, right["imei"], 0.85, reason)
    return list(found.values())


def _ident(*parts: str) -> str:
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:12]


def _candidates(
    books: _Books, kind: str, row: Row, attributes: Row, texts: list[str]
) -> Iterator[tuple[str, str, float, str]]:
    if kind == _PEOPLE_KIND:
        shown = str(attributes.get("user") or attributes.get("Full Name") or "")
        for text in texts:
            for person in books.persons(text, shown):
                score, reason = alike_person(text, shown, person)
                yield text, person["employee_id"], score, reason
        return
    masked = re.sub(r"\D", "", str(attributes.get(MASKED, "")))
    holder = row.get("employee_id")
    for text in texts:
        for service, a, b in books.numbers(text):
            score, reason = alike_numbers(a, b)
            mine = holder is not None and holder == service["employee_id"]
            yield text, service["service_id"], min(score + 0.05 * mine, 0.99) if score else 0.0, reason
    for service in books.ending(masked) if len(masked) >= 2 else ():
        mine = holder is not None and holder == service["employee_id"]
        reason = f"ends with {masked}" + (", and is this person's line" if mine else "")
        yield str(attributes[MASKED]), service["service_id"], 0.9 if mine else 0.3 + 0.08 * len(masked), reason


def alike_numbers(a: str, b: str) -> tuple[float, str]:
    """How alike two numbers or circuit ids are, given by their keys, from 0 to 1, and why."""
    if re.search(r"[a-z]", a + b):
        ratio = fuzz.ratio(a, b) / 100
        return (ratio * 0.95, "the ids are spelled alike") if min(len(a), len(b)) >= 5 and ratio >= 0.8 else (0.0, "")
    a, b = a.lstrip("+"), b.lstrip("+")
    if min(len(a), len(b)) < 7:
        return 0.0, ""
    same = next((n for n in range(min(len(a), len(b)), 6, -1) if a[-n:] == b[-n:]), 0)
    if same >= 7:
        return 0.6 + 0.3 * same / max(len(a), len(b)), f"the last {same} digits are the same"
    near = abs(len(a) - len(b)) <= 1 and OSA.distance(a, b, score_cutoff=1) == 1
    if near and len(a) == len(b):
        return 0.8, "one digit differs, or two are swapped"
    if near:
        return 0.75, "one digit is missing"
    return 0.0, ""


def alike_person(text: str, shown: str, person: Row) -> tuple[float, str]:
    """How alike a login or e-mail (and the name shown beside it) and an employee are, and why."""
    local = text.casefold().partition("@")[0]
    email = (person["email"] or "").casefold().partition("@")[0]
    if len(local) >= 3 and local == email:
        return 0.92, "the same e-mail name at another domain"
    name = " ".join((person["name"] or "").casefold().split())
    if name and shown and fuzz.token_sort_ratio(shown.casefold(), name) == 100:
        return 0.88, "the same name"
    words = re.findall(r"\w+", name)
    if len(words) >= 2 and len(local) >= 4:
        first, last = words[0], words[-1]
        if local in {
            first[0] + last,
            last + first[0],
            first + last,
            f"{first}.{last}",
            f"{last}.{first}",
            first + last[0],
        }:
            return 0.8, "the login is made of this name"
    if len(local) >= 5 and len(email) >= 5:
        ratio = fuzz.ratio(local, email) / 100
        if ratio >= 0.85:
            return ratio * 0.85, "the e-mail names are spelled alike"
    return 0.0, ""


def decide(store: Store, accepted: Iterable[str] = (), refused: Iterable[str] = ()) -> list[Proposal]:
    """Apply a person's decisions in one transaction; returns the proposals they were about.

    Raises:
        BadInput: if one is not proposed (any more), is both accepted and refused, or two accepted ones contradict.
    """
    yes, no = set(accepted), set(refused)
    with store.transaction() as txn:
        known = {item.proposal_id: item for item in _proposals(txn)}
        issues = [
            Issue(field="match", found=ident, message="is not proposed")
            for ident in sorted(yes | no)
            if ident not in known
        ]
        issues += [Issue(field="match", found=ident, message="is accepted and refused") for ident in sorted(yes & no)]
        records = [(known[i].table, known[i].record, known[i].column) for i in yes if i in known]
        issues += [
            Issue(field="match", found=record[1], message="two accepted matches contradict")
            for record in sorted({r for r in records if records.count(r) > 1})
        ]
        gone = {known[i].record for i in yes if i in known and known[i].column == "device_id"}
        issues += [
            Issue(field="match", found=ident, message="is about a device that another accepted match merges")
            for ident in sorted((yes | no) & set(known))
            if _touches(known[ident], gone)
        ]
        if issues:
            raise BadInput(issues)
        for ident in sorted(yes | no):
            item = known[ident]
            key = record_key(item.table)
            (row,) = loading.rows_by(txn, item.table, key, {item.record})
            attributes = attributes_of(row["attributes"])
            values: Row = {}
            if ident in yes and item.column == "device_id":
                _merge(txn, item, row)
                continue
            if ident in yes:
                kind = next(kind for table, column, kind in LINKED if (table, column) == (item.table, item.column))
                attributes.pop(unmatched(kind), None)
                values[item.column] = item.target
                if item.text != attributes.get(MASKED):
                    _alias(txn, kind, item)
            else:
                before = [part for part in str(attributes.get(REFUSED, "")).split("|") if part]
                attributes[REFUSED] = "|".join(sorted({*before, item.target}))
            txn.update(item.table, {key: item.record}, {**values, "attributes": attributes_text(attributes)})
            word = "accepted" if ident in yes else "refused"
            trail.record(txn, f"match {word}", f"{item.table} {item.record}", item.to_json())
        if yes:
            rollups.refresh(txn, None)
        return [known[ident] for ident in sorted(yes | no)]


def _touches(item: Proposal, gone: set[str]) -> bool:
    """Whether a match is about a device that goes, other than by this very match."""
    if item.column == "device_id":
        return item.target in gone
    return item.table == "devices" and item.record in gone


def _merge(txn: Txn, item: Proposal, row: Row) -> None:
    """Two records of one device become one: what the other does not say is taken over; the trail keeps the record."""
    (target,) = loading.rows_by(txn, "devices", "device_id", {item.target})
    attributes = {**attributes_of(row["attributes"]), **attributes_of(target["attributes"])}
    attributes.pop(REFUSED, None)
    texts = {*aliases(row), *aliases(target), str(row["imei"]), str(row["device_id"])}
    attributes[ALIASES] = "|".join(sorted(texts))
    kept = {"device_id", "batch_id", "attributes", "imei"}
    values = {name: value for name, value in row.items() if name not in kept and target[name] is None}
    txn.delete("devices", {"device_id": item.record})
    txn.update("devices", {"device_id": item.target}, {**values, "attributes": attributes_text(attributes)})
    trail.record(txn, "match accepted", f"devices {item.record}", {**item.to_json(), "merged": row})


def _alias(txn: Txn, kind: str, item: Proposal) -> None:
    (row,) = loading.rows_by(txn, TABLE[kind], KEY[kind], {item.target})
    attributes = attributes_of(row["attributes"])
    attributes[ALIASES] = "|".join(sorted({*aliases(row), item.text}))
    txn.update(TABLE[kind], {KEY[kind]: item.target}, {"attributes": attributes_text(attributes)})
