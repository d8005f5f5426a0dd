"""The rules in force in a store: the starter library, with what the company has changed and saved in its place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from anomaly.rules import Rule, load_rules, read_rules, to_yaml
from core.issues import BadInput, Issue
from core.queries import policy as queries
from core.store import Store


@dataclass(frozen=True)
class Version:
    """One saved version of a rule, with its text."""

    rule_id: str
    version: int
    current: bool
    note: str
    saved_by: str
    saved_at: str
    yaml: str


def in_force(store: Store) -> tuple[Rule, ...]:
    """The starter rules, each replaced by the store's current version of it, and the store's own rules after them.

    Raises:
        BadInput: if a saved rule cannot be read any more.
    """
    name = "the store's policy rules"
    saved = {rule.id: rule for text in queries.current(store) for rule in read_rules(text, name, cases=False)}
    starter = load_rules()
    known = {rule.id for rule in starter}
    kept = [saved.get(rule.id, rule) for rule in starter]
    return (*kept, *(rule for name, rule in sorted(saved.items()) if name not in known))


def save(store: Store, rules: Sequence[Rule], note: str = "") -> list[Rule]:
    """Save rules as new current versions and return them with their version numbers.

    A version number that was used before is raised to the next free one, so that a finding's `rule@version` always
    names one text. A rule that says what the one in force says is not saved again.

    Raises:
        BadInput: if a rule is not sound or one of its cases fails; then nothing is saved.
    """
    read_rules(to_yaml(rules), "the rule")
    now = {rule.id: rule for rule in in_force(store)}
    fresh = []
    for rule in rules:
        before = now.get(rule.id)
        if before is not None and replace(rule, version=before.version) == before:
            continue
        least = max(queries.newest(store, rule.id), before.version if before else 0) + 1
        fresh.append(replace(rule, version=max(rule.version, least)))
    if fresh:
        queries.save(store, [(rule.id, rule.version, to_yaml([rule])) for rule in fresh], note)
    return fresh


def revert(store: Store, rule_id: str, version: int | None = None) -> Rule | None:
    """Go back to a saved version, or (None) to the starter rule; returns the rule in force afterwards, None for none.

    Raises:
        BadInput: for a rule that was never saved, or a version that does not exist.
    """
    there = {item.version for item in history(store, rule_id)}
    if not there:
        raise BadInput(Issue(field="rule", found=rule_id, expected="a rule with saved versions"))
    if version is not None and version not in there:
        listed = ", ".join(map(str, sorted(there)))
        raise BadInput(Issue(field="version", found=str(version), expected=f"one of {listed}"))
    queries.set_current(store, rule_id, version)
    return next((rule for rule in in_force(store) if rule.id == rule_id), None)


def history(store: Store, rule_id: str | None = None) -> list[Version]:
    """Saved versions, newest first."""
    frame = queries.versions(store, rule_id)
    return [
        Version(
            str(row.rule_id),
            int(row.version),
            bool(row.current),
            row.note if isinstance(row.note, str) else "",
            str(row.saved_by),
            str(row.saved_at),
            str(row.yaml),
        )
        for row in frame.itertuples(index=False)
    ]
