"""Findings: stable ids, severity from money, every cent of a charge counted once, people's work kept."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import findings, trail
from core.findings import Finding
from core.money import SCALE
from core.store import Store


def finding(rule: str = "R1", stakes: dict[str, int] | None = None, **changes: object) -> Finding:
    stakes = stakes or {}
    values: dict[str, object] = {
        "queue": "audit",
        "rule": rule,
        "family": rule,
        "subject_type": "charge",
        "subject_id": "c1",
        "month": "2026-09",
        "amount_at_stake": sum(stakes.values()),
        "charge_stakes": stakes,
        "currency": "USD",
        "claim": "recoverable",
    }
    return Finding(**(values | changes))  # type: ignore[arg-type]


def test_the_id_depends_only_on_what_was_found() -> None:
    one = finding(stakes={"c1": 5})
    same = finding(stakes={"c1": 7}, explanation="other words", severity="high")
    assert one.finding_id == same.finding_id
    assert len({one.finding_id, finding(month="2026-08").finding_id, finding(rule="R2").finding_id}) == 3


@pytest.mark.parametrize(
    ("amount", "expected"),
    [
        (9_999_999, "info"),
        (10_000_000, "low"),
        (39_999_999, "low"),
        (40_000_000, "medium"),
        (200_000_000, "high"),
        (1_000_000_000, "critical"),
    ],
)
def test_severity_in_units_of_a_40_dollar_line(amount: int, expected: str) -> None:
    assert findings.severity_for(amount, 40 * SCALE) == expected
    assert findings.severity_for(-amount, 40 * SCALE) == expected
    assert findings.severity_for(amount, 40 * SCALE, excused=True) == "info"


def test_a_charge_that_should_not_exist_counts_before_its_price_and_its_waste() -> None:
    waste = finding("U1", {"c1": 50})
    price = finding("R1", {"c1": 20})
    phantom = finding("I2", {"c1": 50})
    settled = findings.settle([waste, price, phantom], {"c1": 50})
    assert [item.amount_counted for item in settled] == [0, 0, 50]
    assert [item.amount_counted for item in findings.settle([waste, price], {"c1": 50})] == [30, 20]


def test_an_undercharge_never_nets_an_overcharge() -> None:
    over, under = finding("R1", {"c1": 20}), finding("R1", {"c1": -30}, subject_id="c2")
    settled = findings.settle([over, under], {"c1": 50})
    assert [item.amount_counted for item in settled] == [20, -30]


@given(
    st.dictionaries(st.sampled_from("abcd"), st.integers(0, 1000), min_size=1),
    st.lists(
        st.tuples(
            st.sampled_from(["C1", "I2", "R1", "U1", "C13"]),
            st.dictionaries(st.sampled_from("abcd"), st.integers(-500, 1500)),
        ),
        max_size=12,
    ),
)
def test_no_charge_is_counted_beyond_itself(amounts: dict[str, int], drawn: list[tuple[str, dict[str, int]]]) -> None:
    charges = dict.fromkeys("abcd", 0) | amounts
    items = [finding(rule, stakes, subject_id=str(n)) for n, (rule, stakes) in enumerate(drawn)]
    settled = findings.settle(items, charges)
    for charge, amount in charges.items():
        assert sum(max(item.charge_stakes.get(charge, 0), 0) for item in settled) <= amount
    assert all(item.amount_counted == sum(item.charge_stakes.values()) for item in settled if item.charge_stakes)
    assert [item.finding_id for item in settled] == [item.finding_id for item in items]
    again = findings.settle(list(reversed(items)), charges)
    assert {i.finding_id: i.amount_counted for i in again} == {i.finding_id: i.amount_counted for i in settled}


def test_what_people_did_survives_the_next_run(store: Store) -> None:
    kept, dropped, worked = (
        finding(stakes={"c1": 5 * SCALE}, subject_id=name) for name in ("kept", "dropped", "worked")
    )
    assert findings.save(store, [kept, dropped, worked], "audit") == {"new": 3, "known": 0, "gone": 0}
    findings.set_state(
        store, [kept.finding_id, worked.finding_id], "dismissed", reason="agreed with the carrier", owner="Ada"
    )
    assert findings.save(store, [kept], "audit") == {"new": 0, "known": 1, "gone": 2}
    stored = findings.load(store, current=False).set_index("finding_id")
    assert stored.loc[kept.finding_id, ["state", "owner", "current"]].tolist() == ["dismissed", "Ada", 1]
    assert stored.loc[worked.finding_id, ["state", "current"]].tolist() == ["dismissed", 0]
    assert dropped.finding_id not in stored.index
    assert trail.verify(store) == []
    assert store.count("audit_trail") == 2


def test_saving_one_queue_or_span_leaves_the_others(store: Store) -> None:
    august, policy = finding(month="2026-08"), finding(queue="policy")
    findings.save(store, [august], "audit")
    findings.save(store, [policy], "policy")
    findings.save(store, [], "audit", first="2026-09")
    assert set(findings.load(store)["finding_id"]) == {august.finding_id, policy.finding_id}


def test_a_dismissal_needs_a_reason_and_states_are_a_fixed_list(store: Store) -> None:
    with pytest.raises(ValueError, match="reason"):
        findings.set_state(store, ["x"], "dismissed", reason=" ")
    with pytest.raises(ValueError, match="a state out of"):
        findings.set_state(store, ["x"], "forgotten")


def test_the_document_has_every_field_and_money_as_text() -> None:
    document = findings.to_json(finding(stakes={"c1": 12_345_678}, score=1.23456789))
    assert document["amount_at_stake"] == "12.345678"
    assert document["charge_stakes"] == [{"charge_id": "c1", "amount": "12.345678"}]
    assert findings.to_json(finding())["amount_at_stake"] == "0.00"
    assert set(document) >= {
        *("finding_id", "queue", "rule", "family", "kind", "subject_type", "subject_id", "service_id", "account_id"),
        *("carrier_id", "month", "episode_id", "amount_at_stake", "amount_counted", "currency", "direction", "claim"),
        *("severity", "score", "expected", "actual", "evidence", "explanation", "invoice_ids", "charge_ids"),
        *("charge_stakes", "default_reason", "file_by", "withhold_by", "state"),
    }
    json.dumps(document)
