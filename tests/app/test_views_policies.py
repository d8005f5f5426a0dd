"""The policy page: rules with what they found, drafts, saving, going back, a preview in words."""

from __future__ import annotations

from typing import Any

import estate
import pytest
import yaml

from app import jobs
from app.views import policies
from app.views.selection import Filters
from core.store import Store

USD = Filters(currency="USD")


class Quiet:
    def say(self, *_: Any, **__: Any) -> None: ...

    def cancelled(self) -> bool:
        return False


@pytest.fixture
def filled(store: Store) -> Store:
    return estate.fill(store)


def entry(store: Store, name: str) -> policies.Entry:
    (found,) = [item for item in policies.view(store, USD).entries if item.rule_id == name]
    return found


def answers(item: policies.Entry, **changes: Any) -> dict[str, Any]:
    return {name: item.document.get(name) for name in policies.FIELDS} | changes


def test_every_rule_in_force_is_listed_with_its_hits(filled: Store) -> None:
    data = policies.view(filled, USD)
    assert len(data.table) == len(data.entries)
    row = data.table.set_index("rule_id").loc["zero_use"]
    assert (row["state"], row["version"]) == ("On", "1 (starter)")
    assert data.table.set_index("rule_id").loc["roam_no_bundle", ["hits", "worth"]].tolist() == [6, 123_000_000]
    assert "stay off" in data.sentence


def test_a_draft_that_changes_nothing_is_the_rule_in_force(filled: Store) -> None:
    for item in policies.view(filled, USD).entries:
        text, problems = policies.draft(answers(item), item.conditions)
        assert problems == []
        assert policies.save(filled, text, "nothing")[1].startswith("Nothing to save"), item.rule_id


def test_a_change_is_saved_with_its_reason_and_can_be_taken_back(filled: Store) -> None:
    item = entry(filled, "zero_use")
    text, problems = policies.draft(answers(item, owner="IT", severity="low"), item.conditions)
    assert problems == []
    assert policies.save(filled, text, " ")[0] is False
    assert policies.save(filled, text, "IT owns them") == (True, "Version 2 of zero_use is in force.")
    changed = entry(filled, "zero_use")
    assert (changed.version, changed.document["owner"]) == (2, "IT")
    assert list(changed.versions["note"]) == ["IT owns them"]
    assert policies.go_back(filled, "zero_use", None) == (True, "Version 1 of zero_use is in force.")
    assert policies.go_back(filled, "premium_use", None)[0] is False


@pytest.mark.parametrize(
    ("change", "conditions", "said"),
    [
        ({"min_money": "lots"}, None, "minimum of money"),
        ({"message": "{nobody}"}, None, "message names"),
        ({}, "[", "no YAML"),
        ({}, "5", "mapping of fields"),
        ({}, "when: {field: shoe, op: '>', value: 1}", "the id and the version"),
    ],
)
def test_a_wrong_draft_is_told_in_words(
    filled: Store, change: dict[str, Any], conditions: str | None, said: str
) -> None:
    item = entry(filled, "zero_use")
    _, problems = policies.draft(answers(item, **change), item.conditions if conditions is None else conditions)
    assert any(said in line for line in problems)


def test_a_preview_is_told_with_months_and_money(filled: Store) -> None:
    item = entry(filled, "zero_use")
    rest = yaml.safe_load(item.conditions)
    rest["scope"] = {"device_kind": ["tablet"]}
    text, _ = policies.draft(answers(item), policies.as_yaml(rest))
    document = jobs.preview_rule(filled, {"rule": text}, Quiet())  # type: ignore[arg-type]
    found = policies.seen(document)
    assert found.sentence.startswith("Would have fired 0 times")
    assert "0 new" in found.against
    assert found.warnings  # the rule's own cases name no device
    assert len(found.months) == len(found.hits)
