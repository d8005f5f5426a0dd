"""Policy rules as data: what a rule may say, how it is read from YAML and checked, and its own test cases."""

from __future__ import annotations

import hashlib
import string
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from anomaly.grains import FLAG_FACTS, GRAINS, TEXT_FACTS, is_money
from core import periods
from core.issues import BadInput, Issue, clip
from core.money import parse_micros, to_text

RULES_FILE = Path(__file__).with_name("policy_rules.yaml")
NUMBER_OPERATORS = (">", ">=", "<", "<=", "==", "!=", "in", "not_in")
TEXT_OPERATORS = ("==", "!=", "in", "not_in", "starts_with")
FLAG_OPERATORS = ("==", "!=")
OPERATORS = (*NUMBER_OPERATORS, "starts_with")
SCOPES = ("kind", "device_kind", "plan_id", "role", "country", "cost_center_id")
#: What can excuse a hit -> the fact that says so; a recorded exemption needs none.
EXEMPTIONS = {
    "policy_exemptions": None,
    "travel": "travel_covers",
    "bundle": "bundle_covers",
    "asset_record": "asset_known",
}
SEVERITIES = ("by_money", "info", "low", "medium", "high", "critical")
CLAIMS = ("avoidable", "informative")
PLACEHOLDERS = ("month", "stake", "countries", "left_on", "what")
TABLES = (
    *("usage", "usage_events", "service_items", "employees", "travel", "sim_observations", "devices", "orders"),
    *("contract_rates", "charges"),
)
_REQUIRED = ("id", "version", "title", "kind", "over", "when", "stake", "message")


@dataclass(frozen=True)
class Rule:
    """One policy rule; the head of `policy_rules.yaml` says what each field means. `min_money` is in micros."""

    id: str
    version: int
    title: str
    kind: str
    over: str
    when: Mapping[str, Any]
    stake: str
    message: str
    enabled: bool = True
    needs: tuple[str, ...] = ()
    scope: Mapping[str, Any] = field(default_factory=dict)
    exempt: tuple[str, ...] = ("policy_exemptions",)
    min_money: int = 0
    claim: str = "informative"
    severity: str = "by_money"
    owner: str = ""
    action: str = ""
    in_ranking: bool = True
    valid_from: str | None = None
    valid_to: str | None = None
    caps: Mapping[str, float] = field(default_factory=dict)
    monitors_people: bool = False
    why_off: str = ""
    smallest_group: int = 0
    cases: tuple[Mapping[str, Any], ...] = ()

    def in_force(self, month: str) -> bool:
        """Whether the rule holds on every day of the month; valid_to is the first day on which it no longer does."""
        return (not self.valid_from or self.valid_from <= periods.month_start(month)) and (
            not self.valid_to or self.valid_to > periods.month_end(month)
        )


@lru_cache(maxsize=8)
def load_rules(path: Path = RULES_FILE, *, cases: bool = True) -> tuple[Rule, ...]:
    """The rules of a file, checked; see :func:`read_rules`.

    Raises:
        BadInput: one issue for each thing that is wrong with the file.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(Issue(file=str(path), message=f"cannot be read: {str(error).splitlines()[0]}")) from error
    return read_rules(text, str(path), cases=cases)


def read_rules(text: str, name: str, *, cases: bool = True) -> tuple[Rule, ...]:
    """The rules of a YAML text: `rules: [...]`, or a single rule. `name` is what messages call the text.

    With `cases` a rule whose own cases come out otherwise is refused; a draft to look at may still have such cases.

    Raises:
        BadInput: one issue for each thing that is wrong.
    """
    try:
        document = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise BadInput(Issue(file=name, message=f"cannot be read: {str(error).splitlines()[0]}")) from error
    if isinstance(document, dict) and "id" in document and "rules" not in document:
        document = {"rules": [document]}
    if not isinstance(document, dict) or not isinstance(document.get("rules"), list):
        raise BadInput(Issue(file=name, field="rules", expected="a list of rules"))
    problems: list[Issue] = []
    rules = []
    for number, raw in enumerate(document["rules"], 1):
        wrong = check_rule(raw, cases=cases)
        label = f"rules[{number}]" if not isinstance(raw, dict) else f"rules[{number}] {clip(raw.get('id', ''), 40)}"
        problems += [Issue(file=name, field=label.strip(), message=said) for said in wrong]
        if not wrong:
            rules.append(_rule(raw))
    ids = [rule.id for rule in rules]
    doubled = sorted({item for item in ids if ids.count(item) > 1})
    problems += [Issue(file=name, field="id", found=item, expected="an id used once") for item in doubled]
    if problems:
        raise BadInput(problems)
    return tuple(rules)


def _rule(raw: Mapping[str, Any]) -> Rule:
    values = {name: value for name, value in raw.items() if value is not None or name in _REQUIRED}
    for name in ("needs", "exempt", "cases"):
        if name in values:
            values[name] = tuple(values[name])
    for name in ("valid_from", "valid_to"):
        if name in values:
            values[name] = str(values[name])
    values["min_money"] = parse_micros(str(values.get("min_money", 0)))
    return Rule(**values)


def check_rule(raw: Any, *, cases: bool = True) -> list[str]:
    """What is wrong with one rule as written; empty when it can run and (`cases`) its own cases come out right."""
    if not isinstance(raw, dict):
        return ["a rule is a mapping of fields"]
    problems = [f"unknown field {clip(name)}" for name in sorted(map(str, set(raw) - set(Rule.__dataclass_fields__)))]
    problems += [f"field {name} is missing" for name in _REQUIRED if name not in raw or raw[name] is None]
    if problems:
        return problems
    if raw["over"] not in GRAINS:
        return [f"over is one of {', '.join(GRAINS)}, not {clip(raw['over'])}"]
    problems = [*_check_values(raw), *_check_lists(raw), *_check_message(raw["message"])]
    problems += _check_when(raw["when"], raw["over"])
    problems += _check_privacy(raw)
    if not isinstance(raw.get("cases") or [], list):
        problems.append("cases is a list")
    return problems or (_check_cases(raw) if cases else [])


def _check_values(raw: Mapping[str, Any]) -> list[str]:
    problems = []
    if not isinstance(raw["id"], str) or not raw["id"].replace("_", "").isalnum() or len(raw["id"]) > 60:
        problems.append("id is a short name of letters, digits and _")
    if not isinstance(raw["version"], int) or isinstance(raw["version"], bool) or not 1 <= raw["version"] < 10**6:
        problems.append("version is a whole number from 1")
    for name in ("title", "kind", "owner", "action", "why_off"):
        if not isinstance(raw.get(name) or "", str):
            problems.append(f"{name} is text")
    for name in ("enabled", "monitors_people", "in_ranking"):
        if not isinstance(raw.get(name, False), bool):
            problems.append(f"{name} is true or false")
    group = raw.get("smallest_group") or 0
    if not isinstance(group, int) or isinstance(group, bool) or group < 0:
        problems.append("smallest_group is a whole number from 0")
    grain = GRAINS[raw["over"]]
    if raw["stake"] not in grain.stakes:
        problems.append(f"stake is one of {', '.join(grain.stakes)}, not {clip(raw['stake'])}")
    for name, allowed in (("severity", SEVERITIES), ("claim", CLAIMS)):
        if raw.get(name, allowed[0]) not in allowed:
            problems.append(f"{name} is one of {', '.join(allowed)}, not {clip(raw[name])}")
    try:
        if parse_micros(str(raw.get("min_money") or 0)) < 0:
            problems.append("min_money is 0 or more")
    except ValueError as error:
        problems.append(f"min_money is {error}")
    for name in ("valid_from", "valid_to"):
        if raw.get(name) is not None:
            try:
                periods.parse_day(str(raw[name]))
            except ValueError as error:
                problems.append(f"{name} is {error}, not {clip(raw[name])}")
    if raw.get("valid_from") and raw.get("valid_to") and str(raw["valid_from"]) >= str(raw["valid_to"]):
        problems.append("valid_to lies after valid_from")
    return problems


def _check_lists(raw: Mapping[str, Any]) -> list[str]:
    problems = []
    for name, allowed in (("needs", TABLES), ("exempt", tuple(EXEMPTIONS))):
        listed = raw.get(name) or []
        if not isinstance(listed, list):
            problems.append(f"{name} is a list")
            continue
        problems += [
            f"{name} names {clip(item)}; there are {', '.join(allowed)}" for item in listed if item not in allowed
        ]
    excuses = raw.get("exempt")
    for name in excuses if isinstance(excuses, list) else []:
        fact = EXEMPTIONS.get(name)
        if fact and fact not in GRAINS[raw["over"]].facts:
            problems.append(f"{name} cannot excuse a rule over {raw['over']}")
    scope = raw.get("scope") or {}
    if not isinstance(scope, dict):
        problems.append("scope is a mapping of column: list")
    else:
        problems += [
            f"unknown scope {clip(name)}; there are {', '.join(SCOPES)}" for name in scope if name not in SCOPES
        ]
        problems += [f"scope {name} takes a list" for name in scope if not isinstance(scope[name], list)]
    caps = raw.get("caps") or {}
    if not isinstance(caps, dict):
        return [*problems, "caps is a mapping of role: amount"]
    for role, cap in caps.items():
        try:
            parse_micros(str(cap))
        except ValueError as error:
            problems.append(f"the cap of {clip(role)} is {error}")
    return problems


def _check_message(message: Any) -> list[str]:
    if not isinstance(message, str):
        return ["message is text"]
    try:
        names = [name for _, name, _, _ in string.Formatter().parse(message) if name is not None]
    except ValueError as error:
        return [f"message: {error}"]
    return [
        f"message names {{{clip(name)}}}; there are {', '.join(f'{{{p}}}' for p in PLACEHOLDERS)}"
        for name in names
        if name not in PLACEHOLDERS
    ]


def _check_when(when: Any, over: str, depth: int = 0) -> list[str]:
    shape = "a condition is {field, op, value}, {all: [...]} or {any: [...]}"
    if not isinstance(when, dict) or depth > 20:
        return [shape]
    if len(when) == 1 and next(iter(when)) in {"all", "any"}:
        parts = next(iter(when.values()))
        if not isinstance(parts, list) or not parts:
            return ["all and any take a list of conditions"]
        return [text for part in parts for text in _check_when(part, over, depth + 1)]
    if set(when) != {"field", "op", "value"}:
        return [shape]
    facts, name, op, value = GRAINS[over].facts, when["field"], when["op"], when["value"]
    problems = []
    if op not in OPERATORS:
        problems.append(f"unknown operator {clip(op)}; there are {', '.join(OPERATORS)}")
    if name not in facts:
        return [f"unknown fact {clip(name)}; there are {', '.join(facts)}", *problems]
    return problems or _check_value(name, op, value)


def _check_value(name: str, op: str, value: Any) -> list[str]:
    kind = "number"
    operators: tuple[str, ...] = NUMBER_OPERATORS
    if name in TEXT_FACTS:
        kind, operators = "text", TEXT_OPERATORS
    elif name in FLAG_FACTS:
        kind, operators = "flag", FLAG_OPERATORS
    if op not in operators:
        return [f"{name} is a {kind}: use one of {', '.join(operators)}"]
    many = op in {"in", "not_in", "starts_with"}
    listed = value if isinstance(value, list) else [value]
    if many and not isinstance(value, list):
        return [f"{op} takes a list"]
    if not many and isinstance(value, list):
        return [f"{op} takes one value"]
    for item in listed:
        if kind == "text" and not isinstance(item, str):
            return [f"{name} is compared with text (in quotes), not {clip(item)}"]
        if kind == "flag" and not isinstance(item, bool):
            return [f"{name} is compared with true or false, not {clip(item)}"]
        if kind == "number" and item not in ("$min_money", "$cap"):
            try:
                parse_micros(str(item))
            except ValueError:
                return [f"{name} is compared with a number of at most 6 decimals, not {clip(item)}"]
    return []


def _check_privacy(raw: Mapping[str, Any]) -> list[str]:
    watching = bool(raw.get("monitors_people"))
    problems = []
    if watching and not str(raw.get("why_off") or "").strip():
        problems.append("a rule that monitors people says in why_off why it is off by default")
    if not watching and any(
        name in {"off_hours_share", "unknown_equipment", "new_sims"} for name in named(raw["when"])
    ):
        problems.append("off-hours use and carried equipment are about people: set monitors_people and why_off")
    if int(raw.get("smallest_group") or 0) and raw["over"] != "line_month":
        problems.append("smallest_group goes with over: line_month")
    if "off_hours_share" in named(raw["when"]) and int(raw.get("smallest_group") or 0) < 3:
        problems.append("off-hours use is looked at by department only: smallest_group is 3 or more")
    return problems


def _check_cases(raw: Mapping[str, Any]) -> list[str]:
    from anomaly import rule_cases

    return rule_cases.failures(_rule(raw))


def named(when: Any) -> set[str]:
    """The facts that a condition names."""
    if not isinstance(when, dict):
        return set()
    if "field" in when:
        return {str(when["field"])}
    return {name for parts in when.values() if isinstance(parts, list) for part in parts for name in named(part)}


def rules_hash(rules: Iterable[Rule]) -> str:
    """A short hash of everything the rules say, to name a run's configuration."""
    return hashlib.sha256(repr([sorted(vars(rule).items()) for rule in rules]).encode()).hexdigest()[:12]


def as_document(rule: Rule) -> dict[str, Any]:
    """The rule as it is written in YAML: fields in the order of the schema, defaults and blanks left out."""
    document: dict[str, Any] = {}
    for item in fields(Rule):
        value = getattr(rule, item.name)
        if item.name == "min_money":
            number = to_text(value, 0)
            value = int(number) if "." not in number else float(number)
        always = item.name in {"enabled", "exempt", "min_money"} or (item.name == "in_ranking" and not value)
        if always or (item.name != "in_ranking" and value not in (None, "", (), {}, 0, False)):
            document[item.name] = _plain(value)
    return document


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def to_yaml(rules: Sequence[Rule]) -> str:
    """A rule file; reading it back gives the same rules."""
    documents = [as_document(rule) for rule in rules]
    return yaml.safe_dump(
        {"version": 1, "rules": documents}, sort_keys=False, allow_unicode=True, width=110, default_flow_style=None
    )


def money_bound(name: str, value: Any) -> float:
    """A number that a fact is compared with: micros for money, else the number itself."""
    micros = parse_micros(str(value))
    return float(micros) if is_money(name) else float(value)
