"""Rules in the store: saved versions take the starter's place, a preview says what they would have found."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

import anomaly
from anomaly import policy, preview, rulebook, rules
from app.commands import rules as command
from core import trail
from core.issues import BadInput
from core.store import Store
from tests.anomaly.tiny import base, use, write
from tests.run_command import run

MONTHS = ("2026-01", "2026-02", "2026-03")


@pytest.fixture
def filled(store: Store) -> Store:
    rows = base()
    rows["usage"] = [use(f"L{n}", month) for n in range(3) for month in MONTHS]
    rows["usage"] += [
        use("L1", month, "1", kind="voice", zone="premium", country="US", cost=cost)
        for month, cost in zip(MONTHS, ("2", "8", "6.5"), strict=True)
    ]
    return write(store, rows)


def starter(name: str, **changes: Any) -> rules.Rule:
    (found,) = [rule for rule in policy.load_rules() if rule.id == name]
    return policy.replace(found, **({"cases": ()} | changes if changes else {}))


def premium(store: Store) -> set[str]:
    return {item.month for item in anomaly.flag(store, queue="policy") if item.rule == "premium_use"}


def test_a_saved_rule_takes_the_place_of_the_starter_until_it_is_taken_back(filled: Store) -> None:
    assert premium(filled) == set(MONTHS)
    (saved,) = rulebook.save(filled, [starter("premium_use", min_money=5_000_000)], "small sums do not matter")
    assert saved.version == 2
    assert premium(filled) == {"2026-02", "2026-03"}
    assert [rule.id for rule in rulebook.in_force(filled)] == [rule.id for rule in policy.load_rules()]
    (again,) = rulebook.save(filled, [starter("premium_use", min_money=7_000_000)])
    assert again.version == 3
    assert premium(filled) == {"2026-02"}
    rulebook.revert(filled, "premium_use", 2)
    assert premium(filled) == {"2026-02", "2026-03"}
    rulebook.revert(filled, "premium_use")
    assert premium(filled) == set(MONTHS)
    told = [(item.version, item.current, item.note) for item in rulebook.history(filled)]
    assert told == [(3, False, ""), (2, False, "small sums do not matter")]
    assert trail.verify(filled) == []
    (third,) = rulebook.save(filled, [starter("premium_use", min_money=1_000_000)])
    assert third.version == 4  # a number is never used twice


def test_a_rule_whose_cases_fail_is_previewed_but_not_saved(filled: Store) -> None:
    draft = starter("premium_use", min_money=5_000_000, cases=starter("premium_use").cases)
    (seen,) = preview.preview(filled, [draft])
    assert (seen["hits"], seen["cases"]) == (2, ["case 1: no hit, which it says it is not"])
    with pytest.raises(BadInput, match="case 1"):
        rulebook.save(filled, [draft])
    assert rulebook.history(filled) == []


def test_saving_what_is_in_force_saves_nothing(filled: Store) -> None:
    assert rulebook.save(filled, policy.load_rules()) == []
    assert rulebook.history(filled) == []


def test_a_rule_of_the_company_joins_the_library(filled: Store) -> None:
    rulebook.save(filled, [starter("premium_use", id="premium_in_march", valid_from="2026-03-01")])
    found = {(item.rule, item.month) for item in anomaly.flag(filled, queue="policy") if "premium" in item.rule}
    assert ("premium_in_march", "2026-03") in found
    assert ("premium_in_march", "2026-02") not in found
    rulebook.revert(filled, "premium_in_march")
    assert "premium_in_march" not in {rule.id for rule in rulebook.in_force(filled)}


@pytest.mark.parametrize(("name", "version"), [("premium_use", None), ("nobody", None)])
def test_what_was_never_saved_cannot_be_reverted(filled: Store, name: str, version: int | None) -> None:
    with pytest.raises(BadInput, match="saved versions"):
        rulebook.revert(filled, name, version)


def test_a_preview_counts_hits_and_money_and_the_change(filled: Store) -> None:
    (seen,) = preview.preview(filled, [starter("premium_use", min_money=5_000_000, enabled=False)])
    assert (seen["hits"], seen["lines"], seen["money"]) == (2, 1, {"USD": "14.50"})
    assert seen["against"] == {"version": 1, "new": 0, "gone": 1, "same": 2}
    assert [(row["month"], row["hits"]) for row in seen["months"]] == [(MONTHS[0], 0), (MONTHS[1], 1), (MONTHS[2], 1)]
    assert [row["amount"] for row in seen["examples"]] == ["8.00", "6.50"]
    assert preview.sentence(seen) == "Would have fired 2 times on 1 line, 14.50 USD, from 2026-01 to 2026-03."
    (short,) = preview.preview(filled, [starter("premium_use")], months=1)
    assert (short["from"], short["hits"]) == ("2026-03", 1)
    (silent,) = preview.preview(filled, [starter("roam_no_travel")])
    assert preview.sentence(silent) == "Stays silent: nothing is loaded in travel."


def document(**changes: Any) -> dict[str, Any]:
    return rules.as_document(starter("premium_use")) | changes


LEAF = {"field": "premium_cost", "op": ">", "value": 1}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"colour": "red"}, "unknown field colour"),
        ({"id": "a b"}, "id is a short name"),
        ({"version": 0}, "version is a whole number"),
        ({"over": "moon"}, "over is one of"),
        ({"stake": "cost"}, "stake is one of"),
        ({"severity": "huge"}, "severity is one of"),
        ({"min_money": -1}, "min_money is 0 or more"),
        ({"min_money": "lots"}, "min_money is a plain decimal"),
        ({"valid_from": "yesterday"}, "valid_from is a date"),
        ({"valid_from": "2026-02-01", "valid_to": "2026-02-01"}, "valid_to lies after"),
        ({"needs": ["shoes"]}, "needs names shoes"),
        ({"exempt": ["luck"]}, "exempt names luck"),
        ({"scope": {"shoe": ["x"]}}, "unknown scope shoe"),
        ({"scope": {"kind": "mobile"}}, "scope kind takes a list"),
        ({"caps": {"sales": "many"}}, "the cap of sales"),
        ({"message": "{secret.__class__}"}, "message names"),
        ({"message": "{"}, "message:"),
        ({"when": {**LEAF, "value": "x"}}, "compared with a number"),
        ({"when": {**LEAF, "value": True}}, "compared with a number"),
        ({"when": {"field": "kind", "op": ">", "value": "x"}}, "kind is a text"),
        ({"when": {"field": "used", "op": "==", "value": 1}}, "true or false"),
        ({"when": {"field": "kind", "op": "in", "value": "mobile"}}, "takes a list"),
        ({"when": {"any": []}}, "list of conditions"),
        ({"when": {"field": "off_hours_share", "op": ">", "value": 0.5}}, "about people"),
        ({"monitors_people": True}, "why_off"),
        ({"cases": [{"hit": True, "facts": {"premium_cost": 0}}]}, "case 1: no hit"),
        ({"cases": [{"hit": False, "facts": {"premium_cost": 1}, "why": "free"}]}, "case 1 (free): a hit"),
        ({"cases": [{"hit": True, "facts": {"shoe": 1}}]}, "unknown fact shoe"),
    ],
)
def test_a_wrong_rule_is_refused_with_a_sentence(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput) as refused:
        rules.read_rules(yaml.safe_dump(document(**changes)), "mine")
    assert said in str(refused.value)


def test_off_hours_of_single_lines_cannot_be_written() -> None:
    raw = rules.as_document(starter("off_hours_use")) | {"smallest_group": 0}
    assert any("department only" in text for text in rules.check_rule(raw))


def test_the_command_lists_previews_saves_and_goes_back(filled: Store, tmp_path: Path) -> None:
    out = tmp_path / "mine.yaml"
    shown = run(filled, command, ["rules", "premium_use", "--out", str(out), "--json"])
    assert json.loads(shown.stdout)[0]["id"] == "premium_use"
    out.write_text(out.read_text().replace("min_money: 0", "min_money: 5"))
    assert isinstance(run(filled, command, ["rules", "--check", str(out)]).exception, BadInput)
    seen = run(filled, command, ["rules", "--preview", "--file", str(out)])
    assert "case 1: no hit" in seen.stdout
    out.write_text(out.read_text().replace("premium_cost: 0.01", "premium_cost: 5.01"))
    rules.load_rules.cache_clear()
    checked = run(filled, command, ["rules", "--check", str(out)])
    assert checked.exit_code == 0
    seen = run(filled, command, ["rules", "--preview", "--file", str(out)])
    assert "Would have fired 2 times on 1 line, 14.50 USD" in seen.stdout
    run(filled, command, ["rules", "--save", str(out), "--note", "agreed in May"])
    assert "agreed in May" in run(filled, command, ["rules", "--history"]).stdout
    run(filled, command, ["rules", "--disable", "premium_use"])
    assert premium(filled) == set()
    assert run(filled, command, ["rules", "--revert", "premium_use", "--version", "2"]).exit_code == 0
    assert premium(filled) == {"2026-02", "2026-03"}
    people = run(filled, command, ["rules", "--enable", "off_hours_use"])
    assert "monitors people" in people.stderr
    wrong = run(filled, command, ["rules", "shoes"])
    assert isinstance(wrong.exception, BadInput)
