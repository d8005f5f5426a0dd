"""The savings ledger: stages, kinds, nothing twice, a frozen baseline, a bridge that adds up."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from app.commands import savings as command
from audit import disputes, savings
from core import findings, rollups
from core.findings import Finding
from core.issues import BadInput
from core.money import SCALE
from tests.run_command import run

M = SCALE
MONTHS = [f"2026-{n:02d}" for n in range(1, 7)]


def fill(store, months=MONTHS):
    with store.transaction() as txn:
        txn.append("accounts", [{"account_id": "a", "carrier_id": "v", "currency": "USD"}])
        txn.append("plans", [{"plan_id": "p", "carrier_id": "v", "mrc": 40 * M, "currency": "USD"}])
        for n in (1, 2):
            row = {"service_id": f"s{n}", "carrier_id": "v", "account_id": "a", "plan_id": "p", "status": "active"}
            txn.append("services", [row])
        for month in months:
            bill(txn, month)
        rollups.refresh(txn)
    return store


def bill(txn, month, price=40, lines=2):
    day = f"{month}-01"
    row = {"invoice_id": f"i{month}", "account_id": "a", "period_start": day, "issued_on": day, "currency": "USD"}
    txn.append("invoices", [row | {"total": price * lines * M}])
    for n in range(1, lines + 1):
        charge = {"charge_id": f"{month}s{n}", "invoice_id": f"i{month}", "service_id": f"s{n}", "amount": price * M}
        txn.append("charges", [charge | {"category": "mrc", "item_code": "p", "period_start": day}])


def found(rule, service, month, amount, **more):
    values = {"claim": "recoverable", "episode_id": f"{rule}-{service}", "queue": "audit", "family": rule} | more
    return Finding(
        rule=rule,
        subject_type="service",
        subject_id=service,
        service_id=service,
        month=month,
        amount_at_stake=amount * M,
        amount_counted=amount * M,
        currency="USD",
        account_id="a",
        charge_stakes={f"{month}{service}": amount * M},
        **values,
    )


R1 = [found("R1", "s1", month, 5) for month in MONTHS[:3]]
U1 = [found("U1", "s2", month, 40, claim="avoidable") for month in MONTHS[:3]]


def lines(store, **where):
    rows = savings.savings(store)["lines"]
    return [(row["stage"], row["kind"], row["amount"]) for row in rows]


def test_the_months_of_one_cause_are_one_line(store):
    findings.save(fill(store), [*R1, *U1], "audit")
    assert lines(store) == [("identified", "hard", "120.00"), ("identified", "hard", "15.00")]
    totals = savings.savings(store)["totals"]
    assert totals == {"identified": {"USD": "135.00"}, "approved": {}, "implemented": {}, "realized": {}}


def test_what_does_not_come_every_month_is_avoidance(store):
    findings.save(fill(store), [found("U7", "s1", "2026-03", 9, claim="avoidable")], "audit")
    assert lines(store) == [("identified", "avoidance", "9.00")]


@pytest.mark.parametrize("more", [{"claim": "informative"}, {"amount_counted": 0}])
def test_no_money_no_saving(store, more):
    from dataclasses import replace

    findings.save(fill(store), [replace(R1[0], **more)], "audit")
    assert lines(store) == []


def test_dismissed_findings_are_no_saving(store):
    findings.save(fill(store), R1, "audit")
    findings.set_state(store, [R1[0].finding_id], "dismissed", reason="agreed price")
    assert lines(store) == [("identified", "hard", "10.00")]


def test_policy_hits_on_counted_lines_are_not_counted_again(store):
    fill(store)
    findings.save(store, U1, "audit")
    findings.save(
        store, [found("zero_use", "s2", month, 40, claim="avoidable", queue="policy") for month in MONTHS[:4]], "policy"
    )
    amounts = sorted(Decimal(row["amount"]) for row in savings.savings(store)["lines"])
    assert amounts == [40, 120]  # only April is new


def test_what_a_carrier_declined_is_no_saving_but_what_it_credited_is(store):
    findings.save(fill(store), R1[:2], "audit")
    second = [disputes.file(store, [item.finding_id], "2026-03-05")[0].dispute_id for item in R1[:2]][1]
    disputes.set_state(store, second, "declined", "2026-04-02")
    assert lines(store) == [("approved", "hard", "5.00")]
    assert disputes.refused(store) == {R1[1].finding_id}
    with store.transaction() as txn:
        row = {"charge_id": "k", "invoice_id": "i2026-05", "service_id": "s1", "category": "credit", "amount": -2 * M}
        txn.append("charges", [row | {"related_charge_id": "2026-02s1"}])
    assert lines(store) == [("approved", "hard", "5.00"), ("realized", "hard", "2.00")]
    disputes.set_state(store, second, "submitted", "2026-04-10")
    assert lines(store) == [("approved", "hard", "8.00"), ("realized", "hard", "2.00")]


def test_recovered_money_is_realized_by_a_credit_only(store):
    findings.save(fill(store), R1[:1], "audit")
    key = disputes.file(store, [R1[0].finding_id], "2026-02-01")[0].dispute_id
    assert lines(store) == [("approved", "hard", "5.00")]
    disputes.set_state(store, key, "credited", "2026-03-01")
    assert lines(store) == [("implemented", "hard", "5.00")]  # said, not proven
    with store.transaction() as txn:
        row = {"charge_id": "k", "invoice_id": "i2026-04", "service_id": "s1", "category": "credit", "amount": -5 * M}
        txn.append("charges", [row | {"period_start": "2026-04-01"}])
    assert lines(store) == [("realized", "hard", "5.00")]


def test_part_of_a_credit_is_part_of_the_saving(store):
    findings.save(fill(store), R1[:2], "audit")
    disputes.file(store, [f.finding_id for f in R1[:2]], "2026-03-01")
    with store.transaction() as txn:
        row = {"charge_id": "k", "invoice_id": "i2026-04", "category": "credit", "amount": -5 * M}
        txn.append("charges", [row | {"period_start": "2026-04-01", "related_charge_id": "2026-01s1"}])
    assert sorted(lines(store)) == [("approved", "hard", "5.00"), ("realized", "hard", "5.00")]


def test_waste_ended_is_proven_by_the_bills_that_follow(store):
    findings.save(fill(store), U1, "audit")
    ids = [f.finding_id for f in U1]
    findings.set_state(store, ids, "accepted")
    assert lines(store) == [("approved", "hard", "120.00")]
    findings.set_state(store, ids, "implemented")
    assert lines(store) == [("realized", "hard", "120.00")]  # 40 in each of April, May, June


def result(store, saving=30.5):
    document = {
        "scenario": "Right-size",
        "saving": saving,
        "recommendations": [{"service_id": "s2", "action": "suspend"}, {"service_id": "s1", "action": "keep"}],
    }
    with store.transaction() as txn:
        row = {"result_id": "r1", "scenario_id": "sc", "status": "optimal", "data_version": 1, "created_at": "2026"}
        txn.append("results", [row | {"document": json.dumps(document)}])


def test_a_recorded_result_replaces_the_waste_it_ends(store):
    findings.save(fill(store), [*R1, *U1], "audit")
    result(store)
    key = savings.record_result(store, "r1")
    assert lines(store) == [("identified", "hard", "15.00"), ("approved", "hard", "366.00")]
    savings.set_stage(store, key, "implemented")
    assert savings.savings(store)["totals"]["implemented"] == {"USD": "366.00"}
    with pytest.raises(BadInput):
        savings.set_stage(store, key, "done")
    with pytest.raises(BadInput):
        savings.set_stage(store, "S-none", "approved")


@pytest.mark.parametrize(("key", "saving"), [("r2", 1), ("r1", 0), ("r1", -3)])
def test_a_result_that_saves_nothing_is_no_saving(store, key, saving):
    result(fill(store), saving)
    with pytest.raises(BadInput):
        savings.record_result(store, key)


def test_a_frozen_baseline_does_not_move(store):
    fill(store)
    loose = savings.baseline(store)
    key = savings.freeze(store)
    assert (loose["sha256"], loose["frozen"]) == (key, False)
    with store.transaction() as txn:
        charge = {"charge_id": "late", "invoice_id": "i2026-01", "category": "mrc", "amount": 7 * M}
        txn.append("charges", [charge | {"period_start": "2026-01-01"}])
        rollups.refresh(txn)
    kept = savings.savings(store)["baseline"]
    assert kept == {"sha256": key, "from": "2026-01", "to": "2026-06", "frozen": True}
    assert savings.freeze(store) != key
    with pytest.raises(BadInput):
        savings.freeze(store, "2030-01", "2030-02")


def steps(store):
    (step,) = savings.savings(store)["bridge"]
    parts = ("price", "volume", "mix", "errors", "fx", "other")
    assert Decimal(step["start"]) + sum(Decimal(step[name]) for name in parts) == Decimal(step["end"])
    return {name: Decimal(step[name]) for name in ("start", *parts, "end")}


def year(store, price, count):
    fill(store, [f"2025-{n:02d}" for n in range(1, 13)])
    with store.transaction() as txn:
        for month in ("2026-01", "2026-02", "2026-03"):
            bill(txn, month, price, count)
        rollups.refresh(txn)
    return steps(store)


def test_a_higher_price_is_price(store):
    assert year(store, 43, 2) == {
        "start": 80,
        "price": 6,
        "volume": 0,
        "mix": 0,
        "errors": 0,
        "fx": 0,
        "other": 0,
        "end": 86,
    }


def test_fewer_lines_are_volume(store):
    assert year(store, 40, 1) == {
        "start": 80,
        "price": 0,
        "volume": -40,
        "mix": 0,
        "errors": 0,
        "fx": 0,
        "other": 0,
        "end": 40,
    }


def test_wrong_prices_are_errors_not_price(store):
    year(store, 43, 2)
    wrong = [found("R1", "s1", month, 3) for month in ("2026-01", "2026-02", "2026-03")]
    findings.save(store, wrong, "audit")
    assert steps(store) == {"start": 80, "price": 3, "volume": 0, "mix": 0, "errors": 3, "fx": 0, "other": 0, "end": 86}


def test_empty_store(store):
    empty = savings.savings(store, "2026-09-30")
    assert empty["baseline"]["sha256"] is None
    assert (empty["lines"], empty["bridge"]) == ([], [])


def test_command(store):
    findings.save(fill(store), [*R1, *U1], "audit")
    first, again = (run(store, command, ["savings", "--json"]) for _ in range(2))
    assert first.exit_code == 0
    assert first.stdout == again.stdout
    assert set(json.loads(first.stdout)) == {"baseline", "totals", "lines", "bridge"}
    assert run(store, command, ["savings", "--freeze"]).exit_code == 0
    assert isinstance(run(store, command, ["savings", "--record", "x"]).exception, BadInput)
