"""Names of audit and policy rules, and what to do about each, for titles and actions."""

from __future__ import annotations

import importlib
from typing import Any

#: What a reader does about a finding, as a verb phrase; `{n}` is the number of cases.
_DO = {
    "R1": "Dispute {n} above the contract rate",
    "R2": "Dispute {n} without the contract's discount",
    "R3": "Dispute {n} with the wrong tier discount",
    "R6": "Claim {n} with an expired or missing credit",
    "C1": "Dispute {n} billed twice as a whole invoice",
    "C2": "Dispute {n} billed twice",
    "C3": "Dispute {n} with a late fee",
    "C9": "Dispute {n} that do not add up",
    "C14": "Claim {n} of promised credits",
    "I1": "Dispute {n} not in your inventory",
    "I2": "Dispute {n} billed after disconnection",
    "I4": "Cancel or reassign {n} of people who left",
    "I5": "Cancel {n} at closed sites",
    "U1": "Cancel {n} without any use",
    "zero_use": "Cancel {n} without any use",
    "use_after_leaving": "Take back {n} still used after the holder left",
    "U2": "Move {n} to smaller plans",
    "U3": "Move {n} off the top plan",
    "U7": "Block premium and directory numbers on {n}",
    "premium_use": "Block premium numbers on {n}",
    "roam_no_bundle": "Add roaming packs to {n}",
    "roam_no_travel": "Ask about roaming of {n}",
}
_TITLES = {
    "R1": "Billed rate differs from the contract",
    "I1": "Billed, but not in the inventory",
    "I2": "Billed after disconnection",
    "I4": "Line of a person who left",
    "C1": "Duplicate invoice",
    "C2": "Duplicate charge",
    "C3": "Late fee",
    "C9": "Invoice does not add up",
    "R6": "Expired credit or discount",
    "C14": "Promised credit missing",
    "U1": "No use",
    "zero_use": "No use for two months",
    "roam_no_bundle": "Roaming without a pack",
    "use_after_leaving": "Use after the holder left",
    "roam_no_travel": "Roaming without travel",
    "premium_use": "Premium numbers",
    "anomaly.line_month": "Unusual line-month",
}


def title(rule: str, family: str | None = None) -> str:
    """The title of a rule: from its registry, else from the list here, else its id in words."""
    return (
        _registered().get(rule) or _TITLES.get(rule) or _TITLES.get(family or "") or rule.replace("_", " ").capitalize()
    )


def advice(rule: str, family: str | None, cases: str) -> str:
    """What to do about `cases` (finished text such as `12 lines`) of a rule."""
    pattern = _DO.get(rule) or _DO.get(family or "")
    return pattern.format(n=cases) if pattern else f"{title(rule, family)}: {cases}"


def _registered() -> dict[str, str]:
    try:
        rules: Any = importlib.import_module("audit.registry").RULES
    except (ImportError, AttributeError, OSError):
        return {}
    entries = rules.values() if hasattr(rules, "values") else rules
    return {str(e.id): str(e.title) for e in entries if hasattr(e, "id") and hasattr(e, "title")}
