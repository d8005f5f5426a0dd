"""The evaluator against the oracle of the interface document: exact also where 64 bits do not suffice."""

import random
from fractions import Fraction

import numpy as np
import pytest
from estates import M, pooled_estate
from hypothesis import given
from hypothesis import strategies as st
from plan_oracle import FEATURES, Oracle, as_frames, instance

from optimize.evaluate import Evaluator
from optimize.raw_lines import exact_sums
from optimize.scenario import parse
from optimize.scope import settle


def evaluator_of(frames, scenario):
    checked = parse(scenario)
    return Evaluator(frames, checked, settle(checked, frames))


@pytest.mark.parametrize("factor", [1, 10**7])
@pytest.mark.parametrize("feature", FEATURES)
def test_every_assignment_costs_what_the_document_says(feature, factor):
    tables, scenario = instance(random.Random(f"{feature}31"), feature)
    for row in tables["usage"]:  # at the second factor a charge no longer fits 64 bits of picos
        row["quantity"] = row["quantity"] * factor
    for row in tables["plans"]:
        row["mrc"] = str(Fraction(str(row["mrc"])) * factor)
    oracle = Oracle(tables, scenario)
    if not oracle.services:
        return
    evaluator = evaluator_of(as_frames(tables), scenario)
    ids = [service["service_id"] for service in oracle.services]
    rng = random.Random(7)
    for _ in range(6):
        picked = tuple(rng.choice(oracle.choices(s) or [s["plan_id"]]) for s in oracle.services)
        cost, objective, total, changes = oracle.cost(picked)
        priced = evaluator.price(dict(zip(ids, picked, strict=True)))
        assert (priced.cost, priced.total_cost, priced.changes) == (cost, total, changes)
        assert priced.objective == objective
        weights = evaluator.drawn.weights
        pooled = sum(m.charge * w for pool in priced.pools.values() for m, w in zip(pool, weights, strict=True))
        gross = sum(amount * w for amount, w in zip(priced.by_month, weights, strict=True))
        assert gross == sum(priced.by_service.values()) + pooled
        if all(p in oracle.choices(s) for s, p in zip(oracle.services, picked, strict=True)):
            assert (not evaluator.violations(dict(zip(ids, picked, strict=True)))) == oracle.feasible(picked)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(-(2**62), 2**62)), max_size=40))
def test_sums_by_code_are_exact(rows):
    codes = np.array([code for code, _ in rows], dtype=np.int64)
    values = np.array([value for _, value in rows], dtype=np.int64)
    found, sums = exact_sums(codes, values)
    expected = {code: sum(v for c, v in rows if c == code) for code in sorted({c for c, _ in rows})}
    assert dict(zip(found.tolist(), sums.tolist(), strict=True)) == expected


@pytest.mark.parametrize("drawn", [{"kind": "history"}, {"kind": "factors", "factors": [1, {"data": 2, "weight": 3}]}])
def test_what_one_change_does_to_pools_is_the_difference_of_two_prices(drawn):
    frames = pooled_estate(30, 4, 2)
    evaluator = evaluator_of(frames, {"scenario_set": drawn})
    weights = evaluator.drawn.weights
    today = {s: line["plan_id"] for s, line in evaluator.lines.items()}
    priced, rng = evaluator.price(), random.Random(3)
    new = {s: rng.choice(list(evaluator.plans)) for s in today}
    changes = evaluator.pool_use.changes(priced, today, new)
    for service_id in list(today)[:12]:
        again = evaluator.price({service_id: new[service_id]})
        pools = [
            sum(m.charge * w for pool in one.pools.values() for m, w in zip(pool, weights, strict=True))
            for one in (priced, again)
        ]
        assert changes[service_id] == pools[0] - pools[1]
        own = evaluator.totals({service_id: new[service_id]})[service_id]
        assert again.by_service[service_id] == own


def test_other_terms_on_the_same_lines_are_a_fresh_evaluator():
    frames = pooled_estate(20, 3, 2, contracts=True)
    evaluator = evaluator_of(frames, {})
    plans = frames["plans"].assign(mrc=frames["plans"]["mrc"] + 3 * M)
    contracts = frames["contracts"].assign(commitment_amount=0)
    changed = {**frames, "plans": plans, "contracts": contracts}
    scenario = parse({"max_changes": 3, "plan_price": {"C0-0": "1"}})
    patched = evaluator.under(scenario, changed, {"plans", "contracts"})
    fresh = Evaluator(changed, scenario, settle(scenario, changed))
    some = {s: "C1-1" for n, s in enumerate(evaluator.lines) if n % 3 == 0}
    assert patched.price(some).cost == fresh.price(some).cost
    assert patched.violations(some) == fresh.violations(some) == ["max_changes"]
    assert evaluator.price(some).cost != fresh.price(some).cost
