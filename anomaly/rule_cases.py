"""A rule's own test cases: facts written by hand, and whether the rule hits them.

`cases: [{facts: {cost: 12, calls: 10}, stake: 12, hit: true, why: "..."}]`. Facts that a case does not name are 0,
false or unknown. `month` (YYYY-MM) tests the validity, `stake` the minimum of money.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from anomaly.estate import Coded
from anomaly.facts import Column, Facts, Values
from anomaly.grains import FLAG_FACTS, GRAINS, TEXT_FACTS, is_money
from anomaly.rules import EXEMPTIONS, Rule
from core import periods
from core.issues import clip
from core.money import parse_micros

_KEYS = {"facts", "stake", "hit", "month", "why"}


def failures(rule: Rule) -> list[str]:
    """One sentence for each case that is written wrongly or comes out other than it says."""
    problems = []
    for number, case in enumerate(rule.cases, 1):
        wrong = _malformed(rule, case)
        if wrong:
            problems.append(f"case {number}: {wrong}")
        elif hits(rule, case) is not case["hit"]:
            said = f" ({clip(case['why'])})" if case.get("why") else ""
            problems.append(f"case {number}{said}: {'no hit' if case['hit'] else 'a hit'}, which it says it is not")
    return problems


def _malformed(rule: Rule, case: Any) -> str:
    if not isinstance(case, Mapping) or not isinstance(case.get("hit"), bool):
        return "a case is {facts: {...}, hit: true or false}"
    unknown = sorted(map(str, set(case) - _KEYS))
    facts = case.get("facts", {})
    if unknown:
        return f"unknown {', '.join(map(clip, unknown))}"
    if not isinstance(facts, Mapping):
        return "facts is a mapping"
    try:
        parse_micros(str(case.get("stake", 0)))
        if case.get("month") is not None:
            periods.parse_month(str(case["month"]))
    except ValueError as error:
        return f"expected {error}"
    for name, value in facts.items():
        if name not in GRAINS[rule.over].facts:
            return f"unknown fact {clip(name)}"
        expected: tuple[type, ...] = (int, float)
        if name in TEXT_FACTS:
            expected = (str,)
        elif name in FLAG_FACTS:
            expected = (bool,)
        if not isinstance(value, expected) or (name not in FLAG_FACTS and isinstance(value, bool)):
            return f"{name} cannot be {clip(value)}"
    return ""


def hits(rule: Rule, case: Mapping[str, Any]) -> bool:
    """Whether the rule reports the case: conditions, scope, validity, minimum of money and what excuses it."""
    from anomaly import policy

    facts = _facts(rule, case.get("facts", {}))
    if case.get("month") is not None and not rule.in_force(str(case["month"])):
        return False
    if not bool(policy.matching(rule, facts)[0]):
        return False
    stake = parse_micros(str(case.get("stake", 0)))
    if "stake" in case and rule.min_money and "$min_money" not in str(rule.when) and stake < rule.min_money:
        return False
    excuses = [EXEMPTIONS[name] for name in rule.exempt]
    return not any(fact and bool(np.asarray(facts.values[fact])[0]) for fact in excuses)


def _facts(rule: Rule, given: Mapping[str, Any]) -> Facts:
    def maker(name: str) -> Callable[[], Column]:
        def make() -> Column:
            if name in TEXT_FACTS:
                code = 0 if name in given else -1
                return Coded(np.array([[code]], dtype=np.int32), np.array([given.get(name, "")], dtype=object))
            if name in FLAG_FACTS:
                return np.array([bool(given.get(name, False))])
            value = given.get(name, 0)
            return np.array([float(parse_micros(str(value)) if is_money(name) else value)])

        return make

    none = np.zeros(1, dtype=np.intp)
    return Facts(none, none, Values({name: maker(name) for name in GRAINS[rule.over].facts}))
