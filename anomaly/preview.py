"""What a rule would have said about the past: hits and money by month, and what changes against the rule in force."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from anomaly import features, policy, rulebook
from anomaly.estate import Estate, read
from anomaly.rule_cases import failures
from anomaly.rules import Rule, rules_hash
from core.money import to_text
from core.store import Store

#: How many hits a preview lists, those with most money first.
LISTED = 50


def preview(store: Store, rules: Sequence[Rule], *, months: int | None = None) -> list[dict[str, Any]]:
    """For each rule a document of what it would have found in the last `months` months (all by default).

    Rules run whether they are enabled or not. Keys: rule, version, config (hash), from, to, silent (the tables that it
    needs and the store does not have), cases (those that come out otherwise), hits, excused, lines, money
    ({currency: text}), months [{month, hits, money}], `against` (the version in force, and how many hits are new, gone
    and the same; None for a new rule), examples [{service_id, month, amount, currency, what}].
    """
    estate = read(store)
    now = {rule.id: rule for rule in rulebook.in_force(store)}
    currency: Any = features.line_currency(estate) if estate.months else []
    return [_document(estate, rule, now.get(rule.id), currency, months) for rule in rules]


def _document(estate: Estate, rule: Rule, before: Rule | None, currency: Any, months: int | None) -> dict[str, Any]:
    span = estate.months[-months:] if months else estate.months
    document: dict[str, Any] = {
        "rule": rule.id,
        "version": rule.version,
        "config": rules_hash([rule]),
        "from": span[0] if span else None,
        "to": span[-1] if span else None,
        "silent": policy.missing_tables(estate, rule),
        "cases": failures(rule),
    }
    if rule.smallest_group:
        found = [hit for hit in policy.departments(estate, [_on(rule)]) if estate.months[hit.month] in span]
        by_month = [{"month": m, "hits": sum(estate.months[h.month] == m for h in found), "money": {}} for m in span]
        none = {"excused": 0, "lines": 0, "money": {}, "against": None, "examples": []}
        return document | {"hits": len(found), "months": by_month} | none
    cells, excused = _cells(estate, rule, span)
    old = None if before is None else set(_cells(estate, before, span)[0])
    new = set(cells)
    listed = sorted(cells.items(), key=lambda item: (-item[1][0], item[0]))[:LISTED]
    ids = estate.services["service_id"].astype(str).tolist()
    by_month = [
        {"month": m, "hits": len(here), "money": _money(here, currency)}
        for m in span
        for here in [{cell: value for cell, value in cells.items() if estate.months[cell[1]] == m}]
    ]
    return document | {
        "hits": len(cells),
        "excused": excused,
        "lines": len({line for line, _ in cells}),
        "money": _money(cells, currency),
        "months": by_month,
        "against": None
        if before is None or old is None
        else {"version": before.version, "new": len(new - old), "gone": len(old - new), "same": len(new & old)},
        "examples": [
            {
                "service_id": ids[line],
                "month": estate.months[t],
                "amount": to_text(stake),
                "currency": str(currency[line]) or None,
                "what": ", ".join(what),
            }
            for (line, t), (stake, what) in listed
        ],
    }


def _on(rule: Rule) -> Rule:
    return replace(rule, enabled=True)


def _cells(
    estate: Estate, rule: Rule, span: list[str]
) -> tuple[dict[tuple[int, int], tuple[int, tuple[str, ...]]], int]:
    """{(line, month): (stake, names)} of the hits in the months, and how many more are excused."""
    found = policy.evaluate(estate, [_on(rule)]).get(rule.id)
    cells: dict[tuple[int, int], tuple[int, tuple[str, ...]]] = {}
    excused = 0
    if found is None:
        return cells, excused
    for place in range(len(found.service)):
        line, month = int(found.service[place]), int(found.month[place])
        if estate.months[month] not in span:
            continue
        if found.exempt[place]:
            excused += 1
        else:
            cells[line, month] = int(found.stake[place]), (*found.countries[place], *found.what[place])
    return cells, excused


def _money(cells: dict[tuple[int, int], tuple[int, tuple[str, ...]]], currency: Any) -> dict[str, str]:
    sums: dict[str, int] = {}
    for (line, _), (stake, _) in cells.items():
        sums[str(currency[line])] = sums.get(str(currency[line]), 0) + stake
    return {code: to_text(amount) for code, amount in sorted(sums.items()) if amount}


def sentence(document: dict[str, Any]) -> str:
    """`Would have fired 14 times on 9 lines, 3210.00 USD, from 2025-04 to 2026-09.`"""
    if document["silent"]:
        return f"Stays silent: nothing is loaded in {', '.join(document['silent'])}."
    times = f"{document['hits']:,} time{'' if document['hits'] == 1 else 's'}"
    lines = f" on {document['lines']:,} line{'' if document['lines'] == 1 else 's'}" if document["lines"] else ""
    money = "".join(f", {amount} {code}".rstrip() for code, amount in document["money"].items())
    span = f", from {document['from']} to {document['to']}" if document["from"] else ""
    excused = f" {document['excused']:,} more are excused." if document["excused"] else ""
    return f"Would have fired {times}{lines}{money}{span}.{excused}"
