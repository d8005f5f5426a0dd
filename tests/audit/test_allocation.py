"""Allocation: rounding, methods, ties to the cent, closed months, refused rules."""

from __future__ import annotations

import csv
import json
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.commands import allocate as command
from audit.allocation import allocate
from audit.allocation_rules import parse_rules
from audit.shares import marginal, shapley, split
from core.issues import BadInput
from core.money import SCALE
from tests.run_command import run

M, CENT = SCALE, 10_000

# --- splitting -------------------------------------------------------------------------------------------------------


def test_the_rest_goes_to_the_largest_remainders():
    assert split(100 * CENT, {"a": 1, "b": 1, "c": 1}, CENT) == {"a": 34 * CENT, "b": 33 * CENT, "c": 33 * CENT}
    assert split(-10 * CENT, {"a": 5, "b": 3, "c": 2}, CENT) == {"a": -5 * CENT, "b": -3 * CENT, "c": -2 * CENT}
    assert split(1 * CENT, {"z": 2, "a": 1}, CENT) == {"a": 0, "z": CENT}
    assert split(1 * CENT, {"z": 1, "a": 1}, CENT) == {"a": CENT, "z": 0}


def by_hand(amount, weights):
    """Largest remainder in whole cents with decimals, for whole-cent amounts."""
    cents, total = abs(amount) // CENT, sum(weights.values())
    exact = {key: Fraction(cents * weight, total) for key, weight in weights.items() if weight}
    parts = {key: int(value) for key, value in exact.items()}
    for key in sorted(exact, key=lambda k: (-(exact[k] - int(exact[k])), k))[: cents - sum(parts.values())]:
        parts[key] += 1
    return {key: part * CENT * (-1 if amount < 0 else 1) for key, part in parts.items()}


WEIGHTS = st.dictionaries(st.text("abcdef", min_size=1, max_size=3), st.integers(0, 1000), min_size=1, max_size=8)


@settings(max_examples=300, deadline=None)
@given(st.integers(-(10**7), 10**7), WEIGHTS.filter(lambda w: any(w.values())))
def test_whole_cents_agree_with_an_independent_count(cents, weights):
    assert split(cents * CENT, weights, CENT) == by_hand(cents * CENT, weights)


@settings(max_examples=300, deadline=None)
@given(st.integers(-(10**13), 10**13), WEIGHTS.filter(lambda w: any(w.values())), st.sampled_from([1, 1000, CENT, M]))
def test_parts_always_add_up_and_stay_within_a_unit_of_their_quota(amount, weights, unit):
    parts = split(amount, weights, unit)
    assert sum(parts.values()) == amount
    for key, part in parts.items():
        quota = Fraction(amount * weights[key], sum(weights.values()))
        assert abs(part - quota) < 2 * unit


@pytest.mark.parametrize("weights", [{}, {"a": 0}, {"a": -1, "b": 3}])
def test_weights_have_to_weigh_something(weights):
    with pytest.raises(ValueError, match="weights"):
        split(M, weights, CENT)


def test_marginal_and_shapley_of_a_pool():
    over = {"a": 6, "b": 3, "c": -4}

    def cost(group):
        return max(0, sum(over[name] for name in group))

    assert marginal(["a", "b", "c"], cost) == {"a": 5, "b": 3, "c": 0}
    values = shapley(["a", "b", "c"], cost)
    orders = [("a", "b", "c"), ("a", "c", "b"), ("b", "a", "c"), ("b", "c", "a"), ("c", "a", "b"), ("c", "b", "a")]
    raw = {name: Fraction(0) for name in over}
    for order in orders:
        for place, name in enumerate(order):
            raw[name] += Fraction(cost(order[: place + 1]) - cost(order[:place]), len(orders))
    assert values == {name: max(Fraction(0), value) for name, value in raw.items()}


def test_many_parties_are_sampled_the_same_way_twice():
    names = [f"n{i}" for i in range(14)]

    def cost(group):
        return max(0, 10 * len(group) - 60)

    first = shapley(names, cost)
    assert first == shapley(names[::-1], cost)
    assert sum(first.values()) == cost(frozenset(names))


# --- a month ---------------------------------------------------------------------------------------------------------

RULES = {
    "version": 1,
    "fallback": {"cost_center_id": "zz"},
    "payable_account": "2000",
    "expense_account": "6000",
    "rules": [],
}


def fill(store):
    with store.transaction() as txn:
        txn.append("carriers", [{"carrier_id": "v"}])
        txn.append("accounts", [{"account_id": "a", "carrier_id": "v", "currency": "USD"}])
        txn.append("cost_centers", [{"cost_center_id": "c1", "gl_account": "6100"}])
        for key in ("c2", "c3", "zz"):
            txn.append("cost_centers", [{"cost_center_id": key}])
        people = [("e1", "c1", "active", None), ("e2", "c2", "active", None), ("e3", "c2", "left", "2026-03-30")]
        people += [("e4", "c3", "left", "2026-04-10"), ("e5", "c1", "leave", None)]
        for key, center, status, left in people:
            txn.append("employees", [{"employee_id": key, "cost_center_id": center, "status": status, "left_on": left}])
        txn.append("plans", [{"plan_id": "p", "carrier_id": "v", "mrc": 0, "pool_group": "g", "data_mb": 100 * M}])
        txn.append("plans", [{"plan_id": "q", "carrier_id": "v", "mrc": 0, "data_mb": 100 * M}])
        lines = [("s1", "c1", None, "p"), ("s2", None, "e2", "p"), ("s3", None, None, "q")]
        for key, center, person, plan in lines:
            row = {"service_id": key, "kind": "mobile", "account_id": "a", "carrier_id": "v", "cost_center_id": center}
            txn.append("services", [row | {"employee_id": person, "plan_id": plan, "status": "active"}])
        txn.append("services", [{"service_id": "s4", "kind": "circuit", "account_id": "a", "carrier_id": "v"}])
        for valid_from, valid_to, center in (("2026-01-01", "2026-03-15", "c1"), ("2026-03-15", None, "c3")):
            row = {"service_id": "s4", "valid_from": valid_from, "valid_to": valid_to, "account_id": "a"}
            txn.append("service_history", [row | {"cost_center_id": center}])
        for key, quantity, zone in (("s1", 300, None), ("s2", 100, None), ("s2", 900, "roaming"), ("s3", 50, None)):
            row = {"service_id": key, "month": "2026-03", "usage_type": "data", "quantity": quantity * M, "zone": zone}
            txn.append("usage", [row])
        bill(txn, "i1", "2026-03-01", "USD", [("s1", 10), ("s2", 20), ("s3", 30), (None, 40)])
        bill(txn, "i2", "2026-03-20", "EUR", [("s4", -7)])
        bill(txn, "i3", "2026-04-01", "USD", [("s1", 99)])
    return store


def bill(txn, key, day, currency, lines):
    total = sum(amount for _, amount in lines) * M
    row = {"invoice_id": key, "account_id": "a", "period_start": day, "currency": currency, "total": total}
    txn.append("invoices", [row])
    for n, (service, amount) in enumerate(lines):
        charge = {"charge_id": f"{key}-{n}", "invoice_id": key, "service_id": service, "amount": amount * M}
        txn.append("charges", [charge | {"category": "mrc" if service else "usage", "period_start": day}])


def done(store, *rules, pool_method=None, **more):
    document = RULES | {"rules": [{"id": f"r{n}", **rule} for n, rule in enumerate(rules)]} | more
    return allocate(store, parse_rules(document, store, pool_method=pool_method), "2026-03")


def amounts(found, charge):
    return {row["cost_center_id"]: row["amount"] for row in found["lines"] if row["charge_id"] == charge}


def test_direct_follows_the_service_then_its_employee_then_the_fallback(store):
    found = done(fill(store), {"method": "direct"})
    assert amounts(found, "i1-0") == {"c1": "10.00"}
    assert amounts(found, "i1-1") == {"c2": "20.00"}
    assert amounts(found, "i1-2") == {"zz": "30.00"}
    assert amounts(found, "i1-3") == {"zz": "40.00"}
    assert amounts(found, "i2-0") == {"c3": "-7.00"}  # the state on the charge's day


def test_headcount_counts_who_is_active_on_the_last_day(store):
    found = done(fill(store), {"method": "headcount"})
    # e1 and e2 are active, e4 leaves in April; e3 has left, e5 is on leave
    assert amounts(found, "i1-2") == {"c1": "10.00", "c2": "10.00", "c3": "10.00"}


def test_usage_weighs_the_account_by_direct_cost_center(store):
    everywhere = done(fill(store), {"method": "usage", "usage_type": "data", "match": {"has_service": False}})
    assert amounts(everywhere, "i1-3") == {"c1": "8.89", "c2": "29.63", "zz": "1.48"}
    at_home = done(store, {"method": "usage", "usage_type": "data", "zones": ["home"], "match": {"has_service": False}})
    assert amounts(at_home, "i1-3") == {"c1": "26.67", "c2": "8.89", "zz": "4.44"}
    nothing = done(store, {"method": "usage", "usage_type": "sms", "match": {"has_service": False}})
    assert amounts(nothing, "i1-3") == {"zz": "40.00"}


def test_fixed_shares(store):
    found = done(fill(store), {"method": "fixed", "shares": {"c1": 0.25, "c2": "0.75", "c3": 0}})
    assert amounts(found, "i1-3") == {"c1": "10.00", "c2": "30.00"}


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("proportional", {"c1": "30.00", "c2": "10.00"}),
        ("lines", {"c1": "20.00", "c2": "20.00"}),
        ("marginal", {"c1": "40.00"}),
        ("shapley", {"c1": "40.00"}),
    ],
)
def test_pool_methods(store, method, expected):
    rule = {"method": "pool", "pool_group": "g", "zones": ["home"], "match": {"has_service": False}}
    found = done(fill(store), rule, pool_method=method)
    assert amounts(found, "i1-3") == expected


def test_the_first_match_wins_and_keys_are_and(store):
    found = done(
        fill(store),
        {"method": "fixed", "shares": {"c3": 1}, "match": {"services": ["s1", "s2"], "currencies": ["EUR"]}},
        {"method": "fixed", "shares": {"c2": 1}, "match": {"categories": ["mrc"], "kinds": ["mobile"]}},
        {"method": "fixed", "shares": {"c1": 1}},
    )
    assert {row["charge_id"]: row["rule_id"] for row in found["lines"]} == {
        "i1-0": "r1",
        "i1-1": "r1",
        "i1-2": "r1",
        "i1-3": "r2",
        "i2-0": "r2",
    }
    assert done(store)["lines"][0]["rule_id"] is None


def check_ties(found):
    for row in found["currencies"]:
        assert row["difference"] == 0
        assert Decimal(row["invoiced"]) == Decimal(row["allocated"]) + Decimal(row["unallocated"])
        lines = sum(Decimal(line["amount"]) for line in found["lines"] if line["currency"] == row["currency"])
        centers = sum(Decimal(c["amount"]) for c in found["by_cost_center"] if c["currency"] == row["currency"])
        assert lines == centers == Decimal(row["allocated"])
    for key in {row["invoice_id"] for row in found["journal"]}:
        rows = [row for row in found["journal"] if row["invoice_id"] == key]
        assert sum(Decimal(row["debit"]) - Decimal(row["credit"]) for row in rows) == 0


def test_everything_ties(store):
    found = done(fill(store), {"method": "headcount", "match": {"has_service": False}}, {"method": "direct"})
    check_ties(found)
    usd = next(row for row in found["currencies"] if row["currency"] == "USD")
    assert (usd["invoiced"], usd["allocated"], usd["unallocated"], usd["fallback"]) == (
        "100.00",
        "100.00",
        "0.00",
        "30.00",
    )
    assert {"i1", "i2"} == {row["invoice_id"] for row in found["journal"]}
    (payable,) = [r for r in found["journal"] if r["gl_account"] == "2000" and r["invoice_id"] == "i2"]
    assert (payable["debit"], payable["credit"], payable["cost_center_id"]) == ("7.00", "0.00", None)
    assert {r["gl_account"] for r in found["journal"] if r["cost_center_id"] == "c1"} == {"6100"}
    assert {r["gl_account"] for r in found["journal"] if r["cost_center_id"] == "c2"} == {"6000"}


def test_what_an_invoice_totals_beyond_its_charges_is_named(store):
    fill(store)
    with store.transaction() as txn:
        txn.update("invoices", {"invoice_id": "i1"}, {"total": 103 * M})
    found = done(store, {"method": "direct"})
    check_ties(found)
    assert next(r for r in found["currencies"] if r["currency"] == "USD")["unallocated"] == "3.00"


RULE = st.one_of(
    st.just({"method": "direct"}),
    st.just({"method": "headcount"}),
    st.just({"method": "usage", "usage_type": "data"}),
    st.just({"method": "pool", "pool_group": "g"}),
    st.builds(
        lambda shares: {"method": "fixed", "shares": shares},
        st.dictionaries(st.sampled_from(["c1", "c2", "c3"]), st.integers(1, 97), min_size=1),
    ),
)


@pytest.fixture(scope="module")
def month(tmp_path_factory):
    from core.store import Store

    opened = fill(Store.open(f"sqlite:///{tmp_path_factory.mktemp('allocation') / 'tem.db'}"))
    with opened.transaction() as txn:
        odd = [("s1", "0.01"), ("s2", "17.333333"), (None, "1000.005"), (None, "-3.337"), ("s3", "0")]
        total = 0
        for n, (service, amount) in enumerate(odd):
            micros = int(Decimal(amount) * M)
            total += micros
            row = {"charge_id": f"o{n}", "invoice_id": "i1", "service_id": service, "amount": micros}
            txn.append("charges", [row | {"category": "usage", "period_start": "2026-03-01"}])
        txn.update("invoices", {"invoice_id": "i1"}, {"total": 100 * M + total})
    yield opened
    opened.close()


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(RULE, st.sampled_from([{}, {"has_service": False}, {"categories": ["mrc"]}])), max_size=4))
def test_any_rules_tie_to_the_cent(month, chosen):
    check_ties(done(month, *({**rule, "match": match} for rule, match in chosen)))


# --- closing and refusing --------------------------------------------------------------------------------------------


def test_a_closed_month_stays_and_other_rules_are_refused(store):
    fill(store)
    rules = parse_rules(RULES | {"rules": [{"id": "r", "method": "direct"}]}, store)
    closed = allocate(store, rules, "2026-03", close=True)
    assert closed["status"] == "closed"
    with store.transaction() as txn:
        bill(txn, "i9", "2026-03-05", "USD", [("s1", 5)])
    assert allocate(store, rules, "2026-03") == closed
    other = parse_rules(RULES | {"rules": [{"id": "r", "method": "headcount"}]}, store)
    with pytest.raises(BadInput, match="closed under other rules"):
        allocate(store, other, "2026-03")
    assert list(store.frame("audit_trail")["action"]) == ["allocation.close"]


@pytest.mark.parametrize(
    ("change", "count"),
    [
        ({"version": 2}, 1),
        ({"fallback": {}}, 1),
        ({"fallback": {"cost_center_id": "nowhere"}}, 1),
        ({"surprise": 1, "other": 2}, 2),
        ({"rules": [{"id": "x", "method": "guess"}]}, 1),
        ({"rules": [{"id": "x", "method": "direct", "shares": {}}]}, 1),
        ({"rules": [{"id": "x", "method": "direct"}, {"id": "x", "method": "direct"}]}, 1),
        ({"rules": [{"id": "x", "method": "fixed", "shares": {"c1": -1, "nowhere": 1}}]}, 2),
        ({"rules": [{"id": "x", "method": "fixed", "shares": {"c1": 0}}]}, 1),
        ({"rules": [{"id": "x", "method": "usage"}]}, 1),
        ({"rules": [{"id": "x", "method": "pool"}]}, 1),
        ({"rules": [{"id": "x", "method": "direct", "match": {"carriers": ["w"], "kinds": ["x"], "colour": 1}}]}, 3),
        ({"rules": [{"method": "direct", "match": {"has_service": "yes"}}]}, 2),
        ({"rules": "all"}, 1),
    ],
)
def test_bad_rules_are_named_one_by_one(store, change, count):
    with pytest.raises(BadInput) as caught:
        parse_rules(RULES | change, fill(store))
    assert len(caught.value.issues) == count


def test_command(store, tmp_path):
    fill(store)
    rules = tmp_path / "rules.yaml"
    rules.write_text(json.dumps(RULES | {"rules": [{"id": "r", "method": "direct"}]}))
    args = ["allocate", str(rules), "--month", "2026-03", "--out", str(tmp_path / "out"), "--json"]
    first, again = run(store, command, args), run(store, command, args)
    assert first.exit_code == 0
    assert first.stdout == again.stdout
    with (tmp_path / "out" / "lines.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert sum(Decimal(row["amount"]) for row in rows) == 93
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["by_cost_center.csv", "journal.csv", "lines.csv"]


@pytest.mark.parametrize("text", ["", "a: [", "- 1", "\x00\x01", "{a: &a [*a]}"])
def test_bad_files_are_refused(store, tmp_path, text):
    rules = tmp_path / "rules.yaml"
    rules.write_text(text)
    result = run(fill(store), command, ["allocate", str(rules), "--month", "2026-03"])
    assert isinstance(result.exception, BadInput)


@pytest.mark.parametrize("month", ["2026-13", "March", "2031-01"])
def test_bad_months_are_refused(store, tmp_path, month):
    rules = tmp_path / "rules.yaml"
    rules.write_text(json.dumps(RULES))
    result = run(fill(store), command, ["allocate", str(rules), "--month", month])
    assert isinstance(result.exception, BadInput)
