"""Disputes: windows, states, credits that prove them, the trail they leave."""

from __future__ import annotations

import json

import pytest

from app.commands import disputes as command
from audit import disputes
from core import trail
from core.findings import Finding, load, save
from core.issues import BadInput
from core.money import SCALE
from tests.run_command import run

M = SCALE


def fill(store, *, windows=(90, 30)):
    """One account, lines s1 and s2, invoices of January to June 2026 issued on the 5th, two overcharges in January."""
    with store.transaction() as txn:
        txn.append("accounts", [{"account_id": "a", "carrier_id": "v", "currency": "USD"}])
        txn.append(
            "contracts",
            [
                {
                    "contract_id": "c",
                    "carrier_id": "v",
                    "dispute_window_days": windows[0],
                    "withhold_window_days": windows[1],
                }
            ],
        )
        for n in (1, 2):
            txn.append("services", [{"service_id": f"s{n}", "carrier_id": "v", "account_id": "a", "contract_id": "c"}])
        for month in range(1, 7):
            day = f"2026-{month:02d}-01"
            txn.append(
                "invoices",
                [
                    {
                        "invoice_id": f"i{month}",
                        "account_id": "a",
                        "issued_on": day[:8] + "05",
                        "period_start": day,
                        "total": 0,
                    }
                ],
            )
            for n in (1, 2):
                charge(txn, f"m{month}s{n}", f"i{month}", f"s{n}", "mrc", 40 * M, day)
    save(store, [overcharge("m1s1", 10 * M), overcharge("m1s2", 5 * M)], "audit")
    return store


def charge(txn, key, invoice, service, category, amount, day, **more):
    row = {"charge_id": key, "invoice_id": invoice, "service_id": service, "category": category, "amount": amount}
    txn.append("charges", [row | {"period_start": day} | more])


def overcharge(key, stake, **more):
    values = {"rule": "R1", "claim": "recoverable", "service_id": f"s{key[-1]}", "subject_type": "charge"} | more
    return Finding(
        queue="audit",
        subject_id=key,
        month="2026-01",
        amount_at_stake=stake,
        amount_counted=stake,
        currency="USD",
        carrier_id="v",
        account_id="a",
        charge_stakes={key: stake},
        invoice_ids=("i1",),
        **values,
    )


A, B = overcharge("m1s1", 1).finding_id, overcharge("m1s2", 1).finding_id


def only(store, as_of="2026-01-10"):
    (found,) = disputes.documents(store, as_of)
    return found


def test_claims_of_an_invoice_are_one_identified_dispute(store):
    found = only(fill(store))
    assert sorted(found["finding_ids"]) == sorted([A, B])
    assert (found["billed"], found["disputed"], found["credited"]) == ("80.00", "15.00", "0.00")
    assert (found["invoice_id"], found["carrier_id"], found["state"]) == ("i1", "v", "identified")
    assert (found["file_by"], found["withhold_by"], found["age_days"]) == ("2026-04-05", "2026-02-04", 5)


@pytest.mark.parametrize(
    ("day", "may_file", "may_withhold"),
    [
        ("2026-02-04", True, True),  # day 30
        ("2026-02-05", True, False),  # day 31
        ("2026-04-05", True, False),  # day 90
        ("2026-04-06", False, False),  # day 91
    ],
)
def test_windows_include_their_last_day(store, day, may_file, may_withhold):
    found = only(fill(store), day)
    assert (found["may_file"], found["may_withhold"]) == (may_file, may_withhold)


def test_too_late_to_file_changes_nothing(store):
    fill(store)
    with pytest.raises(BadInput, match="closed on 2026-04-05"):
        disputes.file(store, [A, B], "2026-04-06")
    assert store.count("disputes") == 0
    assert set(load(store)["state"]) == {"new"}


def test_without_a_window_there_is_no_limit(store):
    found = only(fill(store, windows=(None, None)), "2029-01-01")
    assert (found["file_by"], found["may_file"]) == (None, True)


def test_filing_keeps_the_withholding_right_of_its_day(store):
    fill(store)
    disputes.file(store, [A, B], "2026-02-04")
    assert only(store, "2026-06-30")["may_withhold"] is True
    assert only(store, "2026-06-30")["age_days"] == 146
    assert set(load(store)["state"]) == {"disputed"}


def test_unfiled_claims_of_the_same_invoice_stay_identified(store):
    fill(store)
    disputes.file(store, [A], "2026-02-04")
    found = {d["state"]: d for d in disputes.documents(store, "2026-02-05")}
    assert found["submitted"]["finding_ids"] == [A]
    assert found["identified"]["finding_ids"] == [B]


@pytest.mark.parametrize("more", [{"claim": "avoidable"}, {"claim": "informative"}])
def test_only_recoverable_money_is_identified(store, more):
    fill(store)
    save(store, [overcharge("m1s1", M, **more)], "audit")
    assert disputes.documents(store, "2026-02-01") == []


def test_filing_refuses_what_it_cannot_claim(store):
    fill(store)
    disputes.file(store, [A], "2026-02-01")
    with pytest.raises(BadInput) as caught:
        disputes.file(store, [A, "nonsense"], "2026-02-01")
    assert len(caught.value.issues) == 2


def test_workflow_and_its_trail(store):
    fill(store)
    key = disputes.file(store, [A, B], "2026-02-01")[0].dispute_id
    assert disputes.set_state(store, key, "approved", "2026-02-20").state == "approved"
    with pytest.raises(BadInput, match="after approved: declined, credited"):
        disputes.set_state(store, key, "submitted", "2026-02-20")
    disputes.set_state(store, key, "declined", "2026-02-21")
    assert disputes.documents(store, "2026-02-21", only_open=True) == []
    disputes.set_state(store, key, "submitted", "2026-03-01")
    disputes.set_state(store, key, "credited", "2026-03-02")
    with pytest.raises(BadInput, match="settled"):
        disputes.set_state(store, key, "declined", "2026-03-03")
    actions = [a for a in store.frame("audit_trail")["action"] if a.startswith("dispute.")]
    assert actions == [f"dispute.{s}" for s in ("submitted", "approved", "declined", "submitted", "credited")]
    assert trail.verify(store) == []
    assert set(load(store)["state"]) == {"credited"}


@pytest.mark.parametrize(("key", "state"), [("D-0", "approved"), (None, "won")])
def test_unknown_dispute_or_state(store, key, state):
    fill(store)
    with pytest.raises(BadInput):
        disputes.set_state(store, key or only(store)["dispute_id"], state, "2026-02-01")


def credited(store, rows, as_of="2026-06-30"):
    disputes.file(fill(store), [A, B], "2026-02-01")
    with store.transaction() as txn:
        for n, (invoice, service, amount, more) in enumerate(rows):
            day = f"2026-{int(invoice[1:]):02d}-01"
            charge(txn, f"k{n}", invoice, service, "credit", amount, day, **more)
    found = only(store, as_of)
    return found["credited"], found["state"], found["credit_charge_ids"]


def test_a_credit_that_names_the_charge_settles_it(store):
    rows = [("i3", None, -10 * M, {"related_charge_id": "m1s1"}), ("i3", "s2", -5 * M, {})]
    assert credited(store, rows) == ("15.00", "credited", ["k0", "k1"])


def test_part_of_the_money_leaves_it_open(store):
    assert credited(store, [("i3", "s1", -10 * M, {})]) == ("10.00", "submitted", ["k0"])


def test_one_credit_of_the_account_for_the_whole(store):
    assert credited(store, [("i4", None, -15 * M, {})]) == ("15.00", "credited", ["k0"])


def test_a_credit_counts_from_its_invoice_on(store):
    assert credited(store, [("i4", None, -15 * M, {})], "2026-04-04")[1] == "submitted"


@pytest.mark.parametrize(
    "rows",
    [
        [("i1", "s1", -10 * M, {})],  # on the same invoice
        [("i3", "s1", -9 * M, {})],  # another amount
        [(f"i{n}", "s1", -10 * M, {"item_code": "LOYAL"}) for n in (2, 3, 4)],  # a monthly discount
        [("i3", None, -15 * M, {"related_charge_id": "m2s1"})],  # names another charge
    ],
)
def test_other_credits_prove_nothing(store, rows):
    assert credited(store, rows) == ("0.00", "submitted", [])


def test_no_credit_is_used_twice(store):
    fill(store)
    twin = Finding(**{f: getattr(overcharge("m2s1", 10 * M), f) for f in overcharge("m2s1", 1).__dataclass_fields__})
    save(store, [overcharge("m1s1", 10 * M), twin], "audit")
    disputes.file(store, [A, twin.finding_id], "2026-02-10")
    with store.transaction() as txn:
        charge(txn, "k", "i3", "s1", "credit", -10 * M, "2026-03-01")
    found = [d["credited"] for d in disputes.documents(store, "2026-06-30")]
    assert sorted(found) == ["0.00", "10.00"]


def test_command(store):
    fill(store)
    first, again = (run(store, command, ["disputes", "--as-of", "2026-02-01", "--json"]) for _ in range(2))
    assert first.exit_code == 0
    assert first.stdout == again.stdout
    done = run(store, command, ["disputes", "--as-of", "2026-02-01", "--file", A, B, "--json"])
    (filed,) = json.loads(done.stdout)
    assert filed["state"] == "submitted"
    moved = run(
        store, command, ["disputes", "--set", filed["dispute_id"], "approved", "--json", "--as-of", "2026-03-01"]
    )
    assert json.loads(moved.stdout)[0]["state"] == "approved"
    assert json.loads(run(store, command, ["disputes", "--open", "--json"]).stdout)[0]["state"] == "approved"
    assert isinstance(run(store, command, ["disputes", "--file", "x", "--json"]).exception, BadInput)


def test_credits_settle_the_findings_they_name_and_their_loss_reopens_them(store):
    fill(store)
    disputes.file(store, [A, B], "2026-01-20")
    assert disputes.settle(store, "2026-06-30") == 0
    with store.transaction() as txn:
        charge(txn, "cr", "i3", "s2", "credit", -5 * M, "2026-03-01", related_charge_id="m1s2")
    assert disputes.proven(store, "2026-06-30") == {B: 5 * M}
    assert disputes.settle(store, "2026-06-30") == 1
    states = load(store).set_index("finding_id")["state"]
    assert (states[A], states[B]) == ("disputed", "credited")
    assert disputes.settle(store, "2026-06-30") == 0
    with store.transaction() as txn:
        txn.delete("charges", {"charge_id": "cr"})
    assert disputes.settle(store, "2026-06-30") == 1
    assert set(load(store)["state"]) == {"disputed"}


def test_a_credit_that_names_no_charge_goes_to_the_findings_in_order(store):
    fill(store)
    disputes.file(store, [A, B], "2026-01-20")
    with store.transaction() as txn:
        charge(txn, "cr", "i3", None, "credit", -15 * M, "2026-03-01")
    assert disputes.proven(store, "2026-06-30") == {A: 10 * M, B: 5 * M}
    assert disputes.settle(store, "2026-06-30") == 2
