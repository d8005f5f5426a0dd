"""The audit rules by name: what each one says, its thresholds as data, and the function that applies it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from core.findings import Finding
from core.issues import BadInput, Issue
from core.money import parse_micros

DATA = Path(__file__).with_name("rules.yaml")
Check = Callable[[Any, "Rule"], Iterable[Finding]]
_CHECKS: dict[str, Check] = {}


@dataclass(frozen=True)
class Rule:
    """One rule. `tolerance` is money per charge in micros, `options` are the thresholds its description names."""

    id: str
    title: str
    description: str
    kind: str
    claim: str
    default_reason: str
    tolerance: int = 10_000
    tolerance_rate: float = 0.0
    options: Mapping[str, Any] = field(default_factory=dict)
    enabled: bool = True

    @property
    def family(self) -> str:
        """The family code of the rule library; a rule is named by it."""
        return self.id

    @property
    def check(self) -> Check:
        """The function that applies the rule to the books."""
        return _CHECKS[self.id]

    def whole(self, name: str) -> int:
        """A threshold that is a count."""
        return int(self.options[name])

    def micros(self, name: str) -> int:
        """A threshold that is money, a rate or a quantity, in micros."""
        return parse_micros(str(self.options[name]))

    def names(self, name: str) -> tuple[str, ...]:
        """A threshold that is a list of words."""
        return tuple(self.options[name])

    def beyond(self, difference: int, base: int = 0) -> bool:
        """Whether a difference exceeds both tolerances."""
        return abs(difference) > self.tolerance and abs(difference) > self.tolerance_rate * abs(base)


def check(rule_id: str) -> Callable[[Check], Check]:
    """Register the function of a rule."""

    def register(function: Check) -> Check:
        _CHECKS[rule_id] = function
        return function

    return register


def _rule(rule_id: str, row: Mapping[str, Any]) -> Rule:
    return Rule(
        id=rule_id,
        title=row["title"],
        description=" ".join(str(row["description"]).split()),
        kind=row["kind"],
        claim=row["claim"],
        default_reason=row["default_reason"],
        tolerance=parse_micros(str(row.get("tolerance", "0.01"))),
        tolerance_rate=float(row.get("tolerance_rate", 0)),
        options=dict(row.get("options", {})),
    )


def load_rules(override: Path | None = None) -> dict[str, Rule]:
    """The shipped rules, with the thresholds that a user's YAML file changes (`U2: {below: 0.1}`).

    Keys of an override: enabled, tolerance, tolerance_rate, and the names of the rule's own thresholds.

    Raises:
        BadInput: one issue for each unknown rule, unknown key or unreadable value.
    """
    shipped = yaml.safe_load(DATA.read_text(encoding="utf-8"))
    rules = {rule_id: _rule(rule_id, row) for rule_id, row in shipped.items()}
    if override is None:
        return rules
    try:
        changes = yaml.safe_load(override.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise BadInput(Issue(file=str(override), message=f"cannot be read: {str(error).splitlines()[0]}")) from error
    changes = {} if changes is None else changes
    if not isinstance(changes, dict):
        raise BadInput(Issue(file=str(override), message="expected a mapping of rule ids"))
    issues = []
    for rule_id, change in changes.items():
        rule = rules.get(str(rule_id))
        if rule is None or not isinstance(change, dict):
            issues.append(Issue(file=str(override), field=str(rule_id), expected=f"a rule out of {', '.join(rules)}"))
            continue
        for key, value in change.items():
            try:
                rule = _changed(rule, str(key), value)
            except (ValueError, TypeError, re.error) as error:
                issues.append(
                    Issue(file=str(override), field=f"{rule_id}.{key}", found=str(value), expected=str(error))
                )
        rules[str(rule_id)] = rule
    if issues:
        raise BadInput(issues)
    return rules


def _changed(rule: Rule, key: str, value: Any) -> Rule:
    if key == "enabled":
        return replace(rule, enabled=bool(value))
    if key == "tolerance":
        return replace(rule, tolerance=parse_micros(str(value)))
    if key == "tolerance_rate":
        return replace(rule, tolerance_rate=float(value))
    if key not in rule.options:
        raise ValueError(f"one of {', '.join(['enabled', 'tolerance', 'tolerance_rate', *rule.options])}")
    if isinstance(rule.options[key], list) != isinstance(value, list):
        raise ValueError("a list" if isinstance(rule.options[key], list) else "a single value")
    if isinstance(rule.options[key], str):
        re.compile(str(value))
    elif not isinstance(value, list):
        parse_micros(str(value))
    return replace(rule, options={**rule.options, key: value})


#: The shipped rules by id.
RULES: dict[str, Rule] = load_rules()
