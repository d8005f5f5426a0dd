"""The allocation rules file (RULES.yaml): read, checked as a whole, hashed; the format is in `docs/allocation.md`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import yaml

from core.issues import BadInput, Issue
from core.schema.billing import CATEGORIES
from core.schema.inventory import KINDS
from core.schema.usage import USAGE_TYPES, ZONES
from core.store import Store

METHODS = ("direct", "headcount", "usage", "fixed", "pool")
POOL_METHODS = ("proportional", "lines", "marginal", "shapley")
MATCH_KEYS = ("categories", "carriers", "accounts", "kinds", "item_codes", "services", "has_service", "currencies")
_TOP = ("version", "fallback", "payable_account", "expense_account", "rules")
_OWN = {
    "direct": (),
    "headcount": (),
    "usage": ("usage_type", "zones"),
    "fixed": ("shares",),
    "pool": ("pool_group", "usage_type", "zones", "pool_method"),
}
_FIXED_VALUES: dict[str, tuple[str, ...]] = {"categories": CATEGORIES, "kinds": KINDS}
_MAX_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: what it matches (lists are "any of", keys are "and") and how it deals the amount out."""

    rule_id: str
    method: str
    match: Mapping[str, Any] = field(default_factory=dict)
    usage_type: str | None = None
    zones: tuple[str, ...] | None = None
    shares: Mapping[str, Fraction] = field(default_factory=dict)
    pool_group: str | None = None
    pool_method: str = "proportional"


@dataclass(frozen=True, slots=True)
class Rules:
    """A whole rules file; `sha256` is that of its meaning: comments and key order do not matter."""

    fallback: str
    payable_account: str | None
    expense_account: str | None
    rules: tuple[Rule, ...]
    sha256: str


def read_rules(path: Path, store: Store, *, pool_method: str | None = None) -> Rules:
    """The rules in the file at `path`, checked against the ids of `store`.

    Raises:
        BadInput: with one issue for each unknown key, method, id or impossible share.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise BadInput(Issue(file=str(path), message=f"cannot be read: {error.strerror}")) from error
    if len(raw) > _MAX_BYTES:
        raise BadInput(Issue(file=str(path), message="is too large for a rules file"))
    try:
        document = yaml.safe_load(raw.decode("utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise BadInput(Issue(file=str(path), message=f"is no YAML: {str(error).splitlines()[0]}")) from error
    return parse_rules(document, store, pool_method=pool_method, file=str(path))


def parse_rules(document: Any, store: Store, *, pool_method: str | None = None, file: str = "rules") -> Rules:
    """:func:`read_rules` from a document that is in memory already."""
    reading = _Reading(file, store)
    if not isinstance(document, dict):
        raise BadInput(Issue(file=file, expected="a mapping with the keys " + ", ".join(_TOP)))
    reading.keys(document, _TOP, "")
    if document.get("version") != 1 or isinstance(document.get("version"), bool):
        reading.issue("version", document.get("version"), "1")
    fallback = document.get("fallback")
    center = fallback.get("cost_center_id") if isinstance(fallback, dict) else None
    if not isinstance(center, str) or not center:
        reading.issue("fallback.cost_center_id", center, "the cost center for what no rule can place")
    else:
        reading.known("fallback.cost_center_id", center, "cost_centers", "cost_center_id")
    if pool_method is not None and pool_method not in POOL_METHODS:
        reading.issue("--pool", pool_method, "one of " + ", ".join(POOL_METHODS))
    listed = document.get("rules") or []
    if not isinstance(listed, list):
        reading.issue("rules", listed, "a list of rules")
        listed = []
    rules = [reading.rule(number, item, pool_method) for number, item in enumerate(listed, start=1)]
    names = [rule.rule_id for rule in rules if rule is not None]
    for name in sorted({name for name in names if names.count(name) > 1}):
        reading.issue("rules.id", name, "an id of its own for each rule")
    if reading.issues:
        raise BadInput(reading.issues)
    meaning = json.dumps([document, pool_method], sort_keys=True, default=str)
    return Rules(
        fallback=str(center),
        payable_account=_text(document.get("payable_account")),
        expense_account=_text(document.get("expense_account")),
        rules=tuple(rule for rule in rules if rule is not None),
        sha256=hashlib.sha256(meaning.encode()).hexdigest(),
    )


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


class _Reading:
    """Collects the issues of one file."""

    def __init__(self, file: str, store: Store) -> None:
        self.file, self.store = file, store
        self.issues: list[Issue] = []
        self._ids: dict[str, set[str]] = {}

    def issue(self, field_: str, found: object, expected: str) -> None:
        shown = "" if found is None else str(found)
        self.issues.append(Issue(file=self.file, field=field_, found=shown, expected=expected))

    def keys(self, document: Mapping[Any, Any], allowed: tuple[str, ...], where: str) -> None:
        for key in document:
            if key not in allowed:
                self.issue(f"{where}{key}", key, "one of the keys " + ", ".join(allowed))

    def known(self, field_: str, value: str, table: str, column: str) -> None:
        if table not in self._ids:
            self._ids[table] = set(self.store.frame(table, [column])[column].dropna())
        if self._ids[table] and value not in self._ids[table]:
            self.issue(field_, value, f"an id of {table}")

    def rule(self, number: int, item: Any, pool_method: str | None) -> Rule | None:
        where = f"rules[{number}]."
        if not isinstance(item, dict):
            self.issue(where[:-1], item, "a mapping with id, match and method")
            return None
        method = item.get("method")
        if method not in METHODS:
            self.issue(where + "method", method, "one of " + ", ".join(METHODS))
            return None
        self.keys(item, ("id", "match", "method", *_OWN[method]), where)
        name = item.get("id")
        if name is None or name == "":
            self.issue(where + "id", name, "a name of the rule")
        usage_type = item.get("usage_type")
        if (usage_type is not None or method == "usage") and usage_type not in USAGE_TYPES:
            self.issue(where + "usage_type", usage_type, "one of " + ", ".join(USAGE_TYPES))
        zones = self.values(where + "zones", item.get("zones"), ZONES)
        group = item.get("pool_group")
        if method == "pool" and (not isinstance(group, str) or not group):
            self.issue(where + "pool_group", group, "the pool_group of plans")
        how = pool_method or item.get("pool_method") or "proportional"
        if how not in POOL_METHODS:
            self.issue(where + "pool_method", how, "one of " + ", ".join(POOL_METHODS))
        shares = self.shares(where + "shares", item.get("shares")) if method == "fixed" else {}
        match = self.match(where + "match.", item.get("match") or {})
        return Rule(
            rule_id=str(name),
            method=method,
            match=match,
            usage_type=usage_type or ("data" if method == "pool" else None),
            zones=None if zones is None else tuple(zones),
            shares=shares,
            pool_group=group,
            pool_method=how,
        )

    def values(self, field_: str, value: Any, allowed: tuple[str, ...] | None) -> list[str] | None:
        if value is None:
            return None
        listed = value if isinstance(value, list) else [value]
        for entry in listed:
            if isinstance(entry, dict | list | bool) or (allowed is not None and entry not in allowed):
                self.issue(field_, entry, "one of " + ", ".join(allowed) if allowed else "a list of ids")
        return [str(entry) for entry in listed]

    def match(self, where: str, document: Any) -> dict[str, Any]:
        if not isinstance(document, dict):
            self.issue(where[:-1], document, "a mapping with some of " + ", ".join(MATCH_KEYS))
            return {}
        self.keys(document, MATCH_KEYS, where)
        result: dict[str, Any] = {}
        tables = {
            "carriers": ("carriers", "carrier_id"),
            "accounts": ("accounts", "account_id"),
            "services": ("services", "service_id"),
        }
        for key in MATCH_KEYS:
            if document.get(key) is None:
                continue
            if key == "has_service":
                if not isinstance(document[key], bool):
                    self.issue(where + key, document[key], "true or false")
                result[key] = document[key]
                continue
            values = self.values(where + key, document[key], _FIXED_VALUES.get(key)) or []
            if key in tables:
                for value in values:
                    self.known(where + key, value, *tables[key])
            result[key] = frozenset(values)
        return result

    def shares(self, where: str, document: Any) -> dict[str, Fraction]:
        if not isinstance(document, dict) or not document:
            self.issue(where, document, "a mapping from cost_center_id to its share")
            return {}
        result = {}
        for key, value in document.items():
            self.known(where, str(key), "cost_centers", "cost_center_id")
            try:
                share = Fraction(str(value))
                if share < 0 or isinstance(value, bool):
                    raise ValueError
            except (ValueError, ZeroDivisionError):
                self.issue(f"{where}.{key}", value, "a number of at least 0")
                continue
            result[str(key)] = share
        if result and not any(result.values()):
            self.issue(where, "only zeros", "one share above 0")
        return result
