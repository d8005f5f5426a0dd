"""Saved versions of policy rules: every version stays; one of a rule is current, or none and the starter rule holds."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from sqlalchemy import func, select

from core import trail
from core.schema.work import policy_rules
from core.settings import settings
from core.store import Store, now


def current(store: Store) -> list[str]:
    """The YAML texts of the rules that the store holds in force, by rule id."""
    statement = select(policy_rules.c.yaml).where(policy_rules.c.current == 1).order_by(policy_rules.c.rule_id)
    return [str(text) for text in store.read(statement)["yaml"]]


def versions(store: Store, rule_id: str | None = None) -> pd.DataFrame:
    """Every saved version, newest first: rule_id, version, yaml, current, note, saved_by, saved_at."""
    statement = select(policy_rules)
    if rule_id is not None:
        statement = statement.where(policy_rules.c.rule_id == rule_id)
    return store.read(statement.order_by(policy_rules.c.rule_id, policy_rules.c.version.desc()))


def newest(store: Store, rule_id: str) -> int:
    """The highest version that was ever saved of a rule, 0 for none."""
    return int(store.scalar(select(func.max(policy_rules.c.version)).where(policy_rules.c.rule_id == rule_id)) or 0)


def save(store: Store, rules: Sequence[tuple[str, int, str]], note: str) -> None:
    """Keep (rule_id, version, YAML text) as current versions, all or none, each with an entry in the audit trail."""
    with store.transaction() as txn:
        for rule_id, version, text in rules:
            txn.update("policy_rules", {"rule_id": rule_id}, {"current": 0})
            row = {"rule_id": rule_id, "version": version, "yaml": text, "current": 1, "note": note or None}
            txn.insert("policy_rules", row | {"saved_by": settings().actor, "saved_at": now()})
            trail.record(txn, "policy.save", rule_id, {"version": version, "note": note})


def set_current(store: Store, rule_id: str, version: int | None, note: str = "") -> int:
    """Make a saved version current, or none of them (None); returns how many rows are current afterwards."""
    with store.transaction() as txn:
        txn.update("policy_rules", {"rule_id": rule_id}, {"current": 0})
        found = 0
        if version is not None:
            found = txn.update("policy_rules", {"rule_id": rule_id, "version": version}, {"current": 1})
        trail.record(txn, "policy.revert", rule_id, {"version": version, "note": note})
    return found
