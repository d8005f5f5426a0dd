"""Policy rules as people read and change them: what is in force, what it found, drafts, previews and versions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import yaml

from anomaly import preview, rulebook
from anomaly.grains import GRAINS
from anomaly.rules import CLAIMS, SEVERITIES, Rule, as_document, read_rules, rules_hash
from app import formats
from app.views.exchange import exchange
from app.views.parts import Kpi
from app.views.selection import Filters, settled
from core import periods
from core.issues import BadInput
from core.money import parse_micros
from core.queries import workbench
from core.store import Store

#: What the form asks for; everything else of a rule is edited as YAML.
FIELDS = ("title", "enabled", "min_money", "severity", "claim", "owner", "valid_from", "valid_to", "message", "action")
SEVERITY_WORDS = {"by_money": "By money", **{name: f"At most {name}" for name in SEVERITIES[1:]}}
CLAIM_WORDS = {name: formats.words(name) for name in CLAIMS}


@dataclass(frozen=True)
class Entry:
    """One rule in force: `document` as written, `conditions` its YAML without the fields of the form."""

    rule_id: str
    version: int
    title: str
    enabled: bool
    watches_people: bool
    why_off: str
    about: str
    document: Mapping[str, Any]
    conditions: str
    versions: pd.DataFrame


@dataclass(frozen=True)
class Policies:
    """`table`: one row for each rule in force, in the order of `entries`; money in micros of `currency`."""

    title: str
    sentence: str
    kpis: tuple[Kpi, ...]
    table: pd.DataFrame
    entries: tuple[Entry, ...]
    config: str
    currency: str | None
    note: str
    facts: dict[str, pd.DataFrame] = field(default_factory=dict)


def view(store: Store, filters: Filters) -> Policies:
    """The rules in force with what they have found over all months and nobody has closed yet."""
    chosen = settled(store, filters)
    money = exchange(
        store, chosen.currency, periods.month_end(chosen.month) if chosen.month else None, convert=chosen.convert
    )
    rules = rulebook.in_force(store)
    found = workbench.finding_list(store, ("policy",))
    found = found[found["state"].isin(["new", "triaged", "accepted"])]
    saved = rulebook.history(store)
    rows, entries = [], []
    for rule in rules:
        own = found[found["rule"] == rule.id]
        worth = [money.amount(a, c) or 0 for a, c in zip(own["amount_at_stake"], own["currency"], strict=True)]
        versions = _versions([item for item in saved if item.rule_id == rule.id])
        rows.append(
            {
                "title": rule.title,
                "state": "On" if rule.enabled else "Off",
                "hits": len(own),
                "worth": sum(worth),
                "owner": rule.owner,
                "version": f"{rule.version}" + ("" if len(versions) and versions["current"].any() else " (starter)"),
                "rule_id": rule.id,
            }
        )
        entries.append(_entry(rule, versions))
    table = pd.DataFrame(rows)
    on, total = int((table["state"] == "On").sum()), int(table["worth"].sum())
    hits = int(table["hits"].sum())
    title = f"{formats.plural(on, 'policy rule')} in force, {formats.plural(hits, 'open hit')}"
    off = [entry.title for entry in entries if entry.watches_people and not entry.enabled]
    sentence = (
        f"{formats.plural(len(off), 'rule')} about people stay off until somebody decides otherwise."
        if off
        else "Every rule that watches people has been switched on: the reason is in its versions."
    )
    changed = sum(bool(entry.versions["current"].any()) for entry in entries)
    kpis = (
        Kpi("Rules in force", formats.count(on), f"of {len(entries)}"),
        Kpi("Open hits", formats.count(hits), "all months", "attention" if hits else "neutral"),
        Kpi("At stake", formats.money(total, money.target), "hits may share money"),
        Kpi("Changed by you", formats.count(changed), "the rest is the starter library"),
    )
    return Policies(
        title,
        sentence,
        kpis,
        table,
        tuple(entries),
        rules_hash(rules),
        money.target,
        money.sentence(),
        {name: pd.DataFrame(list(grain.facts.items()), columns=["fact", "meaning"]) for name, grain in GRAINS.items()},
    )


def config(store: Store) -> str:
    """A short name for all rules in force: what an answer that depends on them is keyed on."""
    return rules_hash(rulebook.in_force(store))


def _versions(saved: Sequence[rulebook.Version]) -> pd.DataFrame:
    columns = ["version", "saved_at", "saved_by", "note", "current"]
    rows = [[v.version, v.saved_at, v.saved_by, v.note, int(v.current)] for v in saved]
    return pd.DataFrame(rows, columns=columns)


def _entry(rule: Rule, versions: pd.DataFrame) -> Entry:
    document = as_document(rule)
    rest = {name: value for name, value in document.items() if name not in FIELDS}
    return Entry(
        rule.id,
        rule.version,
        rule.title,
        rule.enabled,
        rule.monitors_people,
        " ".join(rule.why_off.split()),
        GRAINS[rule.over].title,
        document,
        as_yaml(rest),
        versions,
    )


def as_yaml(document: Mapping[str, Any]) -> str:
    """A part of a rule as YAML text in the order given."""
    return yaml.safe_dump(dict(document), sort_keys=False, allow_unicode=True, width=100, default_flow_style=None)


def draft(answers: Mapping[str, Any], conditions: str) -> tuple[str, list[str]]:
    """The rule that the form and the YAML beside it describe, as text, and what is wrong with it (one sentence each).

    Cases that come out otherwise are named by the preview, and refuse the rule only when it is saved.
    """
    try:
        rest = yaml.safe_load(conditions)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        return conditions, [f"The conditions are no YAML: {str(error).splitlines()[0]}"]
    if not isinstance(rest, dict):
        return conditions, ["The conditions are a mapping of fields such as when, scope and needs."]
    if not {"id", "version"} <= set(rest):
        return conditions, ["The YAML names the id and the version of the rule."]
    asked: dict[str, Any] = {name: value for name, value in answers.items() if value not in (None, "")}
    asked["enabled"] = bool(answers.get("enabled"))
    if "min_money" in asked:
        try:
            parse_micros(str(asked["min_money"]))
        except ValueError as error:
            return conditions, [f"The minimum of money is {error}."]
    text = as_yaml({**{k: rest[k] for k in ("id", "version") if k in rest}, **asked, **rest})
    try:
        read_rules(text, "The rule", cases=False)
    except BadInput as problem:
        return text, [issue.message or str(issue) for issue in problem.issues]
    return text, []


def save(store: Store, text: str, note: str) -> tuple[bool, str]:
    """Save a draft as the version in force; returns whether it was, and one sentence for the reader."""
    if not note.strip():
        return False, "Say in a few words why: it is kept with the version and in the audit trail."
    try:
        fresh = rulebook.save(store, read_rules(text, "The rule"), note.strip())
    except BadInput as problem:
        lines = [issue.message or str(issue) for issue in problem.issues]
        return False, "Nothing was saved: " + "; ".join(lines[:3])
    if not fresh:
        return True, "Nothing to save: the rule in force says the same."
    return True, f"Version {fresh[0].version} of {fresh[0].id} is in force."


def go_back(store: Store, rule_id: str, version: int | None) -> tuple[bool, str]:
    """Back to a saved version, or to the starter rule (None)."""
    try:
        now = rulebook.revert(store, rule_id, version)
    except BadInput as problem:
        return False, str(problem)
    return True, f"Version {now.version} of {rule_id} is in force." if now else f"{rule_id} is no rule any more."


@dataclass(frozen=True)
class Seen:
    """A preview as it is shown: `months` with hits, `examples` with money in micros."""

    sentence: str
    against: str
    warnings: tuple[str, ...]
    months: tuple[str, ...]
    hits: tuple[int, ...]
    examples: pd.DataFrame


def seen(document: Mapping[str, Any]) -> Seen:
    """The preview document of a job in words and tables."""
    against = document.get("against")
    told = "A new rule: there is no version in force to compare with."
    if against:
        told = (
            f"Against version {against['version']} in force: {against['new']:,} new, {against['gone']:,} gone, "
            f"{against['same']:,} the same."
        )
    examples = pd.DataFrame(document["examples"], columns=["service_id", "month", "amount", "currency", "what"])
    examples["amount"] = pd.array([parse_micros(text) for text in examples["amount"]], dtype="Int64")
    if not examples["what"].str.len().any():
        examples = examples.drop(columns="what")
    return Seen(
        preview.sentence(dict(document)),
        told,
        tuple(document.get("cases") or ()),
        tuple(row["month"] for row in document["months"]),
        tuple(int(row["hits"]) for row in document["months"]),
        examples,
    )
