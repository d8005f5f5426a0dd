"""The policy engine: rules are data (`policy_rules.yaml`), every hit is a fact, nothing is ranked or cut off."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml
from numpy.typing import NDArray

from anomaly.estate import BOOL, Coded, Estate
from anomaly.facts import LINE_FACTS, ROAMING_FACTS, Facts, line_facts, micros, plan_price, roaming_facts
from core import inventory, periods
from core.issues import BadInput, Issue
from core.money import SCALE

__all__ = ["Hits", "Rule", "base_rates", "check_rule", "evaluate", "exempt_from", "load_rules", "replace", "rules_hash"]

RULES_FILE = Path(__file__).with_name("policy_rules.yaml")
OPERATORS = (">", ">=", "<", "<=", "==", "!=", "in", "not_in")
STAKES = ("mrc", "mrc_and_usage", "cost", "data_voice_cost", "premium_cost", "above_cap", "none")
SCOPES = ("kind", "plan_id", "role", "country", "cost_center_id")
_GRAINS = {"line_month": LINE_FACTS, "roaming_country": ROAMING_FACTS}


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
    caps: Mapping[str, float] = field(default_factory=dict)
    monitors_people: bool = False
    why_off: str = ""


@dataclass(frozen=True)
class Hits:
    """What one rule found: service and month indices in order, money at stake (micros), and what excuses it."""

    rule: Rule
    service: NDArray[np.intp]
    month: NDArray[np.intp]
    stake: NDArray[np.int64]
    exempt: BOOL
    countries: list[tuple[str, ...]]


@lru_cache(maxsize=8)
def load_rules(path: Path = RULES_FILE) -> tuple[Rule, ...]:
    """The rules of a file, checked.

    Raises:
        BadInput: one issue for each thing that is wrong with the file.
    """
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise BadInput(Issue(file=str(path), message=f"cannot be read: {str(error).splitlines()[0]}")) from error
    if not isinstance(document, dict) or not isinstance(document.get("rules"), list):
        raise BadInput(Issue(file=str(path), field="rules", expected="a list of rules"))
    problems: list[Issue] = []
    rules = []
    for number, raw in enumerate(document["rules"], 1):
        wrong = check_rule(raw)
        problems += [Issue(file=str(path), field=f"rules[{number}]", message=text) for text in wrong]
        if not wrong:
            rules.append(_rule(raw))
    ids = [rule.id for rule in rules]
    doubled = sorted({name for name in ids if ids.count(name) > 1})
    problems += [Issue(file=str(path), field="id", found=name, expected="an id used once") for name in doubled]
    if problems:
        raise BadInput(problems)
    return tuple(rules)


def _rule(raw: dict[str, Any]) -> Rule:
    values = dict(raw)
    for name in ("needs", "exempt"):
        if name in values:
            values[name] = tuple(values[name])
    values["min_money"] = round(float(values.get("min_money", 0)) * SCALE)
    return Rule(**values)


def check_rule(raw: Any) -> list[str]:
    """What is wrong with one rule as written; empty when it can run."""
    if not isinstance(raw, dict):
        return ["a rule is a mapping of fields"]
    known = set(Rule.__dataclass_fields__)
    problems = [f"unknown field {name}" for name in sorted(map(str, set(raw) - known))]
    required = ("id", "version", "title", "kind", "over", "when", "stake", "message")
    problems += [f"field {name} is missing" for name in required if name not in raw]
    if problems:
        return problems
    if raw["over"] not in _GRAINS:
        return [f"over is one of {', '.join(_GRAINS)}, not {raw['over']}"]
    if raw["stake"] not in STAKES:
        problems.append(f"stake is one of {', '.join(STAKES)}, not {raw['stake']}")
    problems += [f"unknown scope {name}" for name in sorted(set(raw.get("scope") or {}) - set(SCOPES))]
    if raw.get("monitors_people") and not str(raw.get("why_off", "")).strip():
        problems.append("a rule that monitors people says in why_off why it is off by default")
    try:
        if float(raw.get("min_money", 0)) < 0:
            problems.append("min_money is 0 or more")
    except (TypeError, ValueError):
        problems.append("min_money is a number")
    return problems + _check_when(raw["when"], _GRAINS[raw["over"]])


def _check_when(when: Any, facts: Mapping[str, str]) -> list[str]:
    if not isinstance(when, dict):
        return ["a condition is {field, op, value}, {all: [...]} or {any: [...]}"]
    if len(when) == 1 and next(iter(when)) in {"all", "any"}:
        parts = next(iter(when.values()))
        if not isinstance(parts, list) or not parts:
            return ["all and any take a list of conditions"]
        return [text for part in parts for text in _check_when(part, facts)]
    if set(when) != {"field", "op", "value"}:
        return ["a condition is {field, op, value}, {all: [...]} or {any: [...]}"]
    problems = [] if when["field"] in facts else [f"unknown fact {when['field']}; there are {', '.join(facts)}"]
    if when["op"] not in OPERATORS:
        problems.append(f"unknown operator {when['op']}; there are {', '.join(OPERATORS)}")
    return problems


def rules_hash(rules: Sequence[Rule]) -> str:
    """A short hash of everything the rules say, to name a run's configuration."""
    return hashlib.sha256(repr([sorted(vars(rule).items()) for rule in rules]).encode()).hexdigest()[:12]


def holds(when: Mapping[str, Any], facts: Facts, rule: Rule) -> BOOL:
    """Where a condition holds, for every row of the facts."""
    if "all" in when:
        return np.logical_and.reduce([holds(part, facts, rule) for part in when["all"]])
    if "any" in when:
        return np.logical_or.reduce([holds(part, facts, rule) for part in when["any"]])
    left, op, right = facts.values[when["field"]], when["op"], when["value"]
    if isinstance(left, Coded):
        wanted = {str(item) for item in (right if isinstance(right, list) else [right])}
        found = left.isin(wanted)[:, 0]
        return ~found if op in {"not_in", "!="} else found
    bound: Any = right
    if right == "$min_money":
        bound = rule.min_money
    elif right == "$cap":
        role = facts.values["role"]
        assert isinstance(role, Coded)
        bound = role.lookup({name: float(cap) * SCALE for name, cap in rule.caps.items()}, np.inf)[:, 0]
    elif when["field"].endswith("_cost") or when["field"] == "cost":
        bound = float(right) * SCALE
    values: NDArray[Any] = left
    if op in {"in", "not_in"}:
        inside = np.isin(values, right)
        return ~inside if op == "not_in" else inside
    compare = {
        ">": np.greater,
        ">=": np.greater_equal,
        "<": np.less,
        "<=": np.less_equal,
        "==": np.equal,
        "!=": np.not_equal,
    }[op]
    return np.asarray(compare(values, bound), dtype=bool)


def evaluate(estate: Estate, rules: Sequence[Rule] | None = None) -> dict[str, Hits]:
    """Every hit of every enabled rule, excused ones included, by rule id."""
    chosen = [rule for rule in (load_rules() if rules is None else rules) if rule.enabled]
    result: dict[str, Hits] = {}
    if not estate.months or not len(estate.services):
        return result
    cache: dict[str, Facts] = {}
    for rule in chosen:
        if any(not _loaded(estate, table) for table in rule.needs):
            continue
        if rule.over not in cache:
            cache[rule.over] = line_facts(estate) if rule.over == "line_month" else roaming_facts(estate)
        result[rule.id] = _run(rule, cache[rule.over], estate)
    return result


def _loaded(estate: Estate, table: str) -> bool:
    frames = {
        **estate.tables,
        "usage": estate.use,
        "usage_events": estate.events,
        "sim_observations": estate.sims,
        "devices": estate.known_devices,
    }
    return len(frames[table]) > 0


def _run(rule: Rule, facts: Facts, estate: Estate) -> Hits:
    found = holds(rule.when, facts, rule)
    for name, allowed in rule.scope.items():
        value = facts.values[name]
        assert isinstance(value, Coded)
        found &= value.isin({str(item) for item in allowed})[:, 0]
    rows = np.flatnonzero(found)
    service, month = facts.service[rows], facts.month[rows]
    money = _stakes(rule, facts, rows, estate)
    keys = service * len(estate.months) + month
    unique, inverse = np.unique(keys, return_inverse=True)
    stake = np.zeros(len(unique), dtype=np.int64)
    np.add.at(stake, inverse, money)
    countries: list[list[str]] = [[] for _ in unique]
    if facts.country is not None:
        for position, name in zip(inverse, facts.country[rows], strict=True):
            countries[position].append(name or "an unnamed country")
    service, month = unique // len(estate.months), unique % len(estate.months)
    enough = np.ones(len(unique), dtype=bool)
    if rule.min_money and "$min_money" not in str(rule.when):
        enough = stake >= rule.min_money
    kept = np.flatnonzero(enough)
    return Hits(
        rule=rule,
        service=service[kept],
        month=month[kept],
        stake=stake[kept],
        exempt=exempted(estate, rule, service[kept], month[kept]),
        countries=[tuple(sorted(set(countries[i]))) for i in kept],
    )


def _stakes(rule: Rule, facts: Facts, rows: NDArray[np.intp], estate: Estate) -> NDArray[np.int64]:
    if rule.stake == "none":
        return np.zeros(len(rows), dtype=np.int64)
    if rule.stake in {"cost", "data_voice_cost", "premium_cost"}:
        return np.asarray([micros(value) for value in np.asarray(facts.values[rule.stake])[rows]], dtype=np.int64)
    price = plan_price(estate)[facts.service[rows], facts.month[rows]]
    if rule.stake == "mrc":
        return price
    if rule.stake == "mrc_and_usage":
        return price + np.asarray(facts.values["usage_cost"])[rows].astype(np.int64)
    role = facts.values["role"]
    assert isinstance(role, Coded)
    cap = role.lookup({name: float(value) * SCALE for name, value in rule.caps.items()}, np.inf)[rows, 0]
    return (np.asarray(facts.values["variable_cost"])[rows] - cap).astype(np.int64)


_SCOPE_STATE = {
    "employee": "employee_id",
    "cost_center": "cost_center_id",
    "account": "account_id",
    "plan": "plan_id",
    "role": "role",
}


def exempted(estate: Estate, rule: Rule, service: NDArray[np.intp], month: NDArray[np.intp]) -> BOOL:
    """Which line-months a recorded exemption of the rule (or of `*`) covers on a day of the month."""
    result = np.zeros(len(service), dtype=bool)
    if "policy_exemptions" not in rule.exempt:
        return result
    return exempt_from(estate, {rule.id, "*"}, service, month)


def exempt_from(estate: Estate, names: set[str], service: NDArray[np.intp], month: NDArray[np.intp]) -> BOOL:
    """Which line-months an exemption of one of the rule names covers on a day of the month."""
    result = np.zeros(len(service), dtype=bool)
    table: pd.DataFrame = estate.tables["policy_exemptions"]
    table = table[table["rule"].isin(sorted(names))]
    starts = np.array([periods.month_start(m) for m in estate.months], dtype="U10")[month]
    ends = np.array([periods.month_end(m) for m in estate.months], dtype="U10")[month]
    lower = table["effective_from"].fillna(inventory.FIRST_DAY)
    upper = table["effective_to"].fillna(inventory.LAST_DAY)
    ids = estate.services["service_id"].to_numpy(dtype=object)
    for kind, key, first, last in zip(table["scope_type"], table["scope_id"], lower, upper, strict=True):
        in_time = (ends >= first) & (starts <= last)
        if kind == "service":
            hit = ids[service] == key
        else:
            hit = estate.state[_SCOPE_STATE[kind]].isin({str(key)})[service, month]
        result |= in_time & hit
    return result


def base_rates(estate: Estate, hits: Mapping[str, Hits]) -> dict[str, NDArray[np.float64]]:
    """For each rule and month: (hits so far + 1) / (line-months so far + 2), the month itself included."""
    lines = np.cumsum(estate.scored.sum(axis=0))
    result = {}
    for name, found in hits.items():
        counted = np.bincount(found.month[~found.exempt], minlength=len(estate.months))
        result[name] = np.minimum((np.cumsum(counted) + 1.0) / (lines + 2.0), 1.0)
    return result
