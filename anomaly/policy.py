"""The policy engine: rules are data (`policy_rules.yaml`), every hit is a fact, nothing is ranked or cut off."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from anomaly.estate import BOOL, Coded, Estate
from anomaly.facts import Facts, micros, plan_price
from anomaly.grains import GRAINS
from anomaly.rules import EXEMPTIONS, Rule, check_rule, load_rules, money_bound, rules_hash
from core import inventory, periods
from core.money import parse_micros

__all__ = [
    "Department",
    "Hits",
    "Rule",
    "base_rates",
    "check_rule",
    "departments",
    "evaluate",
    "exempt_from",
    "load_rules",
    "matching",
    "missing_tables",
    "replace",
    "rules_hash",
]


@dataclass(frozen=True)
class Hits:
    """What one rule found: service and month indices in order, money at stake (micros), and what excuses it.

    `countries` are the visited countries, `what` names other things of a hit: items billed, countries called.
    """

    rule: Rule
    service: NDArray[np.intp]
    month: NDArray[np.intp]
    stake: NDArray[np.int64]
    exempt: BOOL
    countries: list[tuple[str, ...]]
    what: list[tuple[str, ...]] = field(default_factory=list)


@dataclass(frozen=True)
class Department:
    """Where a rule that looks at departments only found something: `lines` of a cost center in a month (an index), out
    of `seen` lines with such facts. No line is named."""

    rule: Rule
    cost_center_id: str
    month: int
    lines: int
    seen: int


def matching(rule: Rule, facts: Facts) -> BOOL:
    """Where conditions and scope hold, for every row of the facts."""
    found = holds(rule.when, facts, rule)
    for name, allowed in rule.scope.items():
        value = facts.values[name]
        assert isinstance(value, Coded)
        found = found & value.isin({str(item) for item in allowed})[:, 0]
    return found


def holds(when: Mapping[str, Any], facts: Facts, rule: Rule) -> BOOL:
    """Where a condition holds, for every row of the facts."""
    if "all" in when:
        return np.logical_and.reduce([holds(part, facts, rule) for part in when["all"]])
    if "any" in when:
        return np.logical_or.reduce([holds(part, facts, rule) for part in when["any"]])
    name, op, right = when["field"], when["op"], when["value"]
    left = facts.values[name]
    if isinstance(left, Coded):
        return _text_holds(left, op, right)
    values: NDArray[Any] = left
    if op in {"in", "not_in"}:
        inside = np.isin(values, [money_bound(name, item) for item in right])
        return ~inside if op == "not_in" else inside
    bound: Any
    if right == "$min_money":
        bound = rule.min_money
    elif right == "$cap":
        bound = _caps(rule, facts)
    else:
        bound = right if isinstance(right, bool) else money_bound(name, right)
    compare = {
        ">": np.greater,
        ">=": np.greater_equal,
        "<": np.less,
        "<=": np.less_equal,
        "==": np.equal,
        "!=": np.not_equal,
    }[op]
    return np.asarray(compare(values, bound), dtype=bool)


def _text_holds(left: Coded, op: str, right: Any) -> BOOL:
    listed = [str(item) for item in (right if isinstance(right, list) else [right])]
    if op == "starts_with":
        begins = {value for value in left.values if isinstance(value, str) and value.startswith(tuple(listed))}
        return left.isin(begins)[:, 0]
    found = left.isin(set(listed))[:, 0]
    return ~found if op in {"not_in", "!="} else found


def _caps(rule: Rule, facts: Facts) -> NDArray[np.float64]:
    role = facts.values["role"]
    assert isinstance(role, Coded)
    return role.lookup({name: float(parse_micros(str(cap))) for name, cap in rule.caps.items()}, np.inf)[:, 0]


def evaluate(estate: Estate, rules: Sequence[Rule] | None = None) -> dict[str, Hits]:
    """Every hit of every enabled rule about lines, excused ones included, by rule id."""
    result: dict[str, Hits] = {}
    cache: dict[str, Facts] = {}
    for rule in _runnable(estate, rules):
        if not rule.smallest_group:
            result[rule.id] = _run(rule, _facts(estate, rule, cache), estate)
    return result


def departments(estate: Estate, rules: Sequence[Rule] | None = None) -> list[Department]:
    """Hits of the enabled rules that look at departments only, smaller groups than `smallest_group` left out."""
    found: list[Department] = []
    cache: dict[str, Facts] = {}
    for rule in _runnable(estate, rules):
        if not rule.smallest_group:
            continue
        facts = _facts(estate, rule, cache)
        hit = (matching(rule, facts) & _in_time(rule, facts, estate)).reshape(estate.shape) & estate.scored
        seen = estate.scored & _has_events(estate)
        center = estate.state["cost_center_id"]
        for t in range(len(estate.months)):
            codes = center.codes[:, t]
            for code in np.unique(codes[hit[:, t] & (codes >= 0)]):
                group = codes == code
                lines, all_lines = int((hit[:, t] & group).sum()), int((seen[:, t] & group).sum())
                if all_lines >= rule.smallest_group and lines * 2 > all_lines:
                    found.append(Department(rule, str(center.values[code]), t, lines, all_lines))
    return found


def _has_events(estate: Estate) -> BOOL:
    rows = estate.detail("event_hours")
    return estate.sums(rows, "count") > 0 if len(rows) else np.zeros(estate.shape, dtype=bool)


def _runnable(estate: Estate, rules: Sequence[Rule] | None) -> list[Rule]:
    if not estate.months or not len(estate.services):
        return []
    chosen = load_rules() if rules is None else rules
    return [rule for rule in chosen if rule.enabled and not missing_tables(estate, rule)]


def missing_tables(estate: Estate, rule: Rule) -> list[str]:
    """The tables that a rule needs and that hold nothing: without them it stays silent."""
    return [table for table in rule.needs if not _loaded(estate, table)]


def _facts(estate: Estate, rule: Rule, cache: dict[str, Facts]) -> Facts:
    if rule.over not in cache:
        cache[rule.over] = GRAINS[rule.over].build(estate)
    return cache[rule.over]


def _loaded(estate: Estate, table: str) -> bool:
    if table == "usage_events":
        return len(estate.events) > 0 or len(estate.detail("event_hours")) > 0
    frames = {
        **estate.tables,
        "usage": estate.use,
        "charges": estate.billed,
        "sim_observations": estate.sims,
        "devices": estate.known_devices,
    }
    return len(frames[table]) > 0


def _in_time(rule: Rule, facts: Facts, estate: Estate) -> BOOL:
    return np.array([rule.in_force(month) for month in estate.months], dtype=bool)[facts.month]


def _run(rule: Rule, facts: Facts, estate: Estate) -> Hits:
    rows = np.flatnonzero(matching(rule, facts) & _in_time(rule, facts, estate))
    service, month = facts.service[rows], facts.month[rows]
    money = _stakes(rule, facts, rows, estate)
    keys = service * len(estate.months) + month
    unique, inverse = np.unique(keys, return_inverse=True)
    stake = np.zeros(len(unique), dtype=np.int64)
    np.add.at(stake, inverse, money)
    excused = np.ones(len(unique), dtype=bool)
    np.logical_and.at(excused, inverse, _excused(rule, facts, rows))
    service, month = unique // len(estate.months), unique % len(estate.months)
    enough = np.ones(len(unique), dtype=bool)
    if rule.min_money and "$min_money" not in str(rule.when):
        enough = stake >= rule.min_money
    kept = np.flatnonzero(enough)
    countries = _names(facts.country, rows, inverse, len(unique), "an unnamed country")
    what = _names(facts.label, rows, inverse, len(unique), "")
    return Hits(
        rule=rule,
        service=service[kept],
        month=month[kept],
        stake=stake[kept],
        exempt=excused[kept] | exempted(estate, rule, service[kept], month[kept]),
        countries=[countries[i] for i in kept],
        what=[what[i] for i in kept],
    )


def _names(
    values: NDArray[np.object_] | None, rows: NDArray[np.intp], place: NDArray[np.intp], count: int, blank: str
) -> list[tuple[str, ...]]:
    listed: list[set[str]] = [set() for _ in range(count)]
    if values is not None:
        for position, name in zip(place, values[rows], strict=True):
            listed[position].add(name or blank)
    return [tuple(sorted(names)) for names in listed]


def _excused(rule: Rule, facts: Facts, rows: NDArray[np.intp]) -> BOOL:
    result = np.zeros(len(rows), dtype=bool)
    for name in rule.exempt:
        fact = EXEMPTIONS[name]
        if fact:
            result |= np.asarray(facts.values[fact], dtype=bool)[rows]
    return result


def _stakes(rule: Rule, facts: Facts, rows: NDArray[np.intp], estate: Estate) -> NDArray[np.int64]:
    if rule.stake == "none":
        return np.zeros(len(rows), dtype=np.int64)
    if rule.stake in {"mrc", "mrc_and_usage"}:
        price = plan_price(estate)[facts.service[rows], facts.month[rows]]
        if rule.stake == "mrc":
            return price
        return price + np.asarray(facts.values["usage_cost"])[rows].astype(np.int64)
    if rule.stake == "above_cap":
        return (np.asarray(facts.values["variable_cost"])[rows] - _caps(rule, facts)[rows]).astype(np.int64)
    name = "cost" if rule.stake == "call_cost" else rule.stake
    return np.asarray([micros(value) for value in np.asarray(facts.values[name])[rows]], dtype=np.int64)


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
