"""Which of our things a foreign system means: numbers, IMEIs, e-mails, circuit ids and names, compared exactly.

Exactly means: the same after spelling is taken out (case, blanks, punctuation; telephone numbers in international form
with the country of the account; an IMEI by its first 14 digits, which is what its check digit and software version
leave alone). Whatever is only similar is never linked here: see `loaders.proposals`. A link that a person confirmed is
kept as an alias of what was meant and is found like a name from then on.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from core.queries import loading
from core.store import Reader, attributes_of
from loaders import dimensions
from loaders.batch import Batch, FileState
from loaders.contract import UNCONFIRMED, Named
from loaders.names import number_key, slug
from loaders.values import attributes_text

Row = dict[str, Any]
TABLE = {
    "employee": "employees",
    "service": "services",
    "device": "devices",
    "carrier": "carriers",
    "account": "accounts",
    "site": "sites",
    "cost_center": "cost_centers",
    "contract": "contracts",
}
KEY = {kind: f"{kind}_id" for kind in TABLE}
ALIASES = "also known as"
_MADE = ("carrier", "account", "site", "cost_center")
_WORDS = {"employee": "people", "service": "numbers"}


def unmatched(kind: str) -> str:
    """The attribute that keeps what a foreign system called a thing that was not found."""
    return f"unmatched {kind}"


def keys(kind: str, text: str, countries: Iterable[str | None] = (None,)) -> set[str]:
    """The forms under which a text is compared; several only for a number that could belong to several countries."""
    if kind == "service":
        return {number_key(text, country) for country in countries} - {""}
    if kind == "device":
        value = re.sub(r"[^0-9a-z]", "", text.casefold())
        return {value[:14]} if re.fullmatch(r"\d{14,16}", value) else {value} - {""}
    if kind == "employee":
        return {text.strip().casefold()} - {""}
    return {re.sub(r"[^0-9a-z]", "", text.casefold())} - {""}


def aliases(row: Row) -> list[str]:
    """Other names of a record that a person confirmed."""
    text = attributes_of(row.get("attributes")).get(ALIASES)
    return [part for part in str(text).split("|") if part] if text else []


def names(kind: str, row: Row) -> Iterator[str]:
    """What a record is called in our own books: its id, number, names, aliases."""
    attributes = attributes_of(row.get("attributes"))
    given: dict[str, tuple[Any, ...]] = {
        "employee": (row.get("email"), attributes.get("user name"), attributes.get("login")),
        "service": (row.get("number"),),
        "device": (row.get("imei"), attributes.get("second imei"), attributes.get("serial number")),
        "account": (row.get("number"),),
    }
    for text in (row[KEY[kind]], *given.get(kind, (row.get("name"),)), *aliases(row)):
        if text:
            yield str(text)


class Index:
    """Everything of one kind by the forms of its names."""

    def __init__(self, kind: str, rows: Iterable[Row], countries: dict[str, str | None]) -> None:
        self.kind = kind
        self._countries = countries
        self._found: dict[str, dict[str, Row]] = {}
        self._rows: dict[str, Row] = {}
        for row in rows:
            self.learn(row)

    def learn(self, row: Row) -> None:
        """A record that is new or has changed."""
        country = self._countries.get(row.get("account_id") or "")
        self._rows[row[KEY[self.kind]]] = row
        for text in names(self.kind, row):
            for key in keys(self.kind, text, (country,)):
                self._found.setdefault(key, {})[row[KEY[self.kind]]] = row

    def __contains__(self, ident: object) -> bool:
        """Whether there is a record of that id."""
        return ident in self._rows

    def find(self, text: str, within: str | None = None) -> str | None:
        """The one record of that name; None if there is none or more than one that could be meant."""
        countries = set(self._countries.values()) or {None}
        found: dict[str, Row] = {}
        for key in keys(self.kind, text, countries):
            found |= self._found.get(key, {})
        if within is not None and self.kind in {"account", "service"}:
            found = {ident: row for ident, row in found.items() if row.get("carrier_id") == within}
        if len(found) > 1:
            exact = {ident: row for ident, row in found.items() if ident == text}
            live = {i: r for i, r in found.items() if r.get("status") not in {"disconnected", "left"}}
            found = exact or live
        return next(iter(found)) if len(found) == 1 else None

    def named_like(self, text: str) -> set[str]:
        """Whatever has a name of the same words, or of all words of the shorter one at the start of the longer.

        That is no link: `AT&T` is like `AT&T Mobility`. It decides only where something else speaks for it too.
        """
        return {
            ident
            for ident, row in self._rows.items()
            if any(_begins_alike(_words(text), _words(name)) for name in names(self.kind, row))
        }


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9&]+", text.casefold())


def _begins_alike(one: list[str], other: list[str]) -> bool:
    shorter = min(len(one), len(other))
    return shorter > 0 and one[:shorter] == other[:shorter]


class Links:
    """Finds, inside one batch, what a :class:`loaders.contract.Named` means."""

    def __init__(self, batch: Batch) -> None:
        self.batch = batch
        self._indexes: dict[str, Index] = {}
        self._missing: dict[tuple[int, str], list[str]] = {}
        self._made: dict[tuple[int, str], list[str]] = {}

    def index(self, kind: str) -> Index:
        """The index of one kind, read when first needed."""
        if kind not in self._indexes:
            self._indexes[kind] = read_index(self.batch.txn, kind)
        return self._indexes[kind]

    def learn(self, table: str, rows: Iterable[Row]) -> None:
        """Records were written: what names them finds them from now on."""
        for kind, name in TABLE.items():
            if name == table and kind in self._indexes:
                if kind == "account":
                    self._indexes.pop("service", None)
                for row in rows:
                    self._indexes[kind].learn(row)

    def resolve(self, file: FileState, named: Named) -> str | None:
        """The id that is meant; see :class:`loaders.contract.Named` for what happens when nothing is found."""
        texts = [text.strip() for text in named.texts if text and text.strip()]
        within = None
        if named.within:
            within = self.resolve(file, Named("carrier", (named.within,)))
        for text in texts:
            found = self.index(named.kind).find(text, within)
            if found is not None:
                return found
        if named.otherwise is not None or not texts:
            return named.otherwise
        if named.kind in _MADE:
            return self._make(file, named.kind, texts[0], within, named.name)
        if named.kind in _WORDS:
            self._missing.setdefault((id(file), named.kind), []).append(texts[0])
        return None

    def _make(self, file: FileState, kind: str, text: str, within: str | None, name: str | None) -> str | None:
        if kind == "account" and within is None:
            return None
        ident = {"carrier": slug(text), "account": f"{within}:{text}"}.get(kind, text[:100])
        row: Row = {KEY[kind]: ident, "attributes": attributes_text(UNCONFIRMED)}
        row |= {"carrier_id": within, "number": text} if kind == "account" else {"name": name or text}
        if not loading.rows_by(self.batch.txn, TABLE[kind], KEY[kind], {ident}):
            dimensions.insert(self.batch, TABLE[kind], [row])
            self.batch.dimensions_changed = True
            self._made.setdefault((id(file), kind), []).append(text)
        self.learn(TABLE[kind], [row])
        return ident

    def report(self, file: FileState) -> None:
        """Say what was not found and what was made for a file."""
        for (owner, kind), texts in sorted(self._missing.items()):
            if owner == id(file):
                often = "once" if len(texts) == 1 else f"{len(texts)} times"
                self.batch.warn(
                    file,
                    f"{_WORDS[kind]} that are not loaded are named {often} (first: {texts[0]}); "
                    "they are linked once they are; `tem matches` shows similar ones",
                )
        for (owner, kind), texts in sorted(self._made.items()):
            if owner == id(file):
                word = kind.replace("_", " ")
                self.batch.warn(
                    file, f"{len(texts)} {word}{'s' * (len(texts) > 1)} made, unconfirmed (first: {texts[0]})"
                )


def read_index(txn: Reader, kind: str) -> Index:
    """The index of one kind as the store has it."""
    countries: dict[str, str | None] = {}
    if kind == "service":
        countries = {row["account_id"]: row["country"] for row in loading.all_rows(txn, "accounts")}
    return Index(kind, loading.all_rows(txn, TABLE[kind]), countries)


#: table, column that was left blank, kind of what it names.
LINKED = (
    ("devices", "service_id", "service"),
    ("devices", "employee_id", "employee"),
    ("services", "employee_id", "employee"),
    ("orders", "service_id", "service"),
)


def relink(batch: Batch) -> None:
    """After inventory or people were loaded: link what named them before they were known."""
    indexes: dict[str, Index] = {}
    for table, column, kind in LINKED:
        name = unmatched(kind)
        key = "order_id" if table == "orders" else KEY[table.removesuffix("s")]
        for row in loading.rows_with_attribute(batch.txn, table, name):
            attributes = attributes_of(row["attributes"])
            target = row[column]
            if target is None:
                if kind not in indexes:
                    indexes[kind] = read_index(batch.txn, kind)
                found = (indexes[kind].find(text) for text in str(attributes[name]).split("|"))
                target = next((ident for ident in found if ident is not None), None)
            if target is None:
                continue
            batch.keep_history(table, str(row[key]), row)
            attributes.pop(name)
            text = json.dumps(attributes, sort_keys=True, ensure_ascii=False) if attributes else None
            batch.txn.update(table, {key: row[key]}, {column: target, "attributes": text, "batch_id": batch.batch_id})
            batch.dimensions_changed = True
