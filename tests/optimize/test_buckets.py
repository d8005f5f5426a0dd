"""Bucket plans: what a pool buys, by hand, by brute force, by every method; what makes it dearer or cheaper."""

from __future__ import annotations

import math
import random

import numpy as np
import pandas as pd
import pytest
import yaml
from estates import M, pooled_estate
from hypothesis import given, settings
from hypothesis import strategies as st
from plan_oracle import FEATURES, Oracle, as_frames, bucket_instance, limited_bucket_instance

import app.commands.optimize
import optimize
from core.issues import BadInput
from optimize.build import build
from optimize.decomposition.arrays import Ladder
from optimize.decomposition.columns import Engine, sample
from optimize.decomposition.from_problem import estate_of
from optimize.decomposition.steps import hull, ladder_of
from optimize.evaluate import Evaluator
from optimize.fitting import Fitting
from optimize.formulate import build_model
from optimize.methods import METHODS
from optimize.model_pulp import to_pulp
from optimize.problem import Pool, PoolBucket
from optimize.reduce import reduce
from optimize.scenario import parse
from optimize.scope import settle
from optimize.worth import worth_frames
from tests.run_command import run

STAIRS = ((50, 150), (85, 230), (150, 380))


def buckets(stairs=STAIRS, carrier="C0", **extra):
    return [
        {
            "bucket_id": f"{gb} GB",
            "carrier_id": carrier,
            "pool_group": "shared",
            "allowance": gb * 1024,
            "mrc": mrc,
            **extra,
        }
        for gb, mrc in stairs
    ]


def devices(*use, count=25):
    """Devices of one account on a pooled plan of nothing for 6 a month, overage 10 for a started GB of 1,024 MB.

    `use`: GB of each device in each month. The other plan, 60 a month, is unlimited.
    """
    plans = {
        "plan_id": ["pooled", "unlimited"],
        "carrier_id": "C0",
        "service_kind": "iot",
        "currency": "USD",
        "mrc": pd.array([6 * M, 60 * M], dtype="Int64"),
        "data_mb": pd.array([0, None], dtype="Int64"),
        "data_overage_price": pd.array([10 * M, None], dtype="Int64"),
        "data_overage_block_mb": pd.array([1024 * M, None], dtype="Int64"),
        "pool_group": ["shared", None],
    }
    ids = [f"D{n:02d}" for n in range(count)]
    services = {
        **{"service_id": ids, "kind": "iot", "carrier_id": "C0", "account_id": "A"},
        **{"plan_id": "pooled", "status": "active"},
    }
    usage = [
        {
            "service_id": s,
            "month": f"2026-{t + 1:02d}",
            "usage_type": "data",
            "zone": "home",
            "quantity": round(gb * 1024 * M),
        }
        for s in ids
        for t, gb in enumerate(use)
    ]
    return {
        "carriers": pd.DataFrame({"carrier_id": ["C0"]}),
        "accounts": pd.DataFrame({"account_id": ["A"], "carrier_id": ["C0"]}),
        "plans": pd.DataFrame(plans),
        "services": pd.DataFrame(services),
        "usage": pd.DataFrame(usage),
    }


# 25 devices cost 150 a month on their plans; the rest is the pool's. Of the stairs 50, 85 and 150 GB at 150, 230, 380:
BY_HAND = [
    ((0.4, 0.4), "one", {}, 250),  # 10 GB a month are 100 of overage: less than any bucket
    ((2.0, 2.4), "one", {"50 GB": 1}, 150 + 150 + (0 + 100) / 2),  # 50 and 60 GB; 85 GB would be 380
    ((2.8, 3.2), "one", {"85 GB": 1}, 150 + 230),  # 70 and 80 GB; 50 GB would be 150 + 150 + 250
    ((5.0, 6.0), "one", {"150 GB": 1}, 150 + 380),  # 125 and 150 GB
    ((3.88, 3.88), "one", {"85 GB": 1}, 150 + 230 + 120),  # 97 GB: 12 GB of overage; 150 GB would be 530
    ((3.88, 3.88), "any", {"50 GB": 2}, 150 + 300),  # two of 50 GB hold 97 GB
]


@pytest.mark.parametrize("method", ["model", "lines", "count", "decomposition", "branch_and_bound"])
@pytest.mark.parametrize(("use", "steps", "bought", "cost"), BY_HAND)
def test_twenty_five_devices_by_hand(use, steps, bought, cost, method):
    held = [dict(b, today={"A": 1} if b["bucket_id"] == "85 GB" else {}, max_per_pool=2) for b in buckets()]
    held = held if steps == "any" else [dict(b, max_per_pool=1) for b in held]
    scenario = {"buckets": held, "bucket_steps": steps, "gap": 0, "method": method}
    frames = devices(*use)
    if method == "count":  # it fits where nobody may leave the pool
        frames["plans"] = frames["plans"].iloc[:1]
    found = optimize.run_frames(frames, scenario).to_json()
    assert found["status"] == "optimal"
    assert found["certificate"]["cost"] == pytest.approx(cost)
    assert {row["bucket_id"]: row["count"] for row in found["buckets"] if row["count"]} == bought
    today = 150 + 230 + sum(10 * math.ceil(max(0, 25 * gb - 85) - 1e-9) for gb in use) / 2
    assert found["baseline_cost"] == pytest.approx(today)
    assert [row["change"] for row in found["buckets"] if row["bucket_id"] == "85 GB"] == [bought.get("85 GB", 0) - 1]
    (pool,) = found["pools"]
    assert pool["bucket_cost"] == sum(n * dict(STAIRS)[int(name.split()[0])] for name, n in bought.items())
    assert pool["allowance"] == sum(n * int(name.split()[0]) * 1024 for name, n in bought.items())
    assert pool["bucket_cost"] + pool["overage_cost"] == pytest.approx(cost - 150)
    assert (pool["baseline_allowance"], pool["baseline_bucket_cost"]) == (85 * 1024, 230)


def throttled(price=None, only=True):
    """25 devices that together use 50, 80, 130 and 25 GB; overage `price` for a started GB, None = free."""
    frames = devices(2.0, 3.2, 5.2, 1.0)
    frames["plans"]["data_overage_price"] = pd.array([None if price is None else price * M, None], dtype="Int64")
    if only:
        frames["plans"] = frames["plans"].iloc[:1]
    return frames


# the smallest bucket that holds the largest month, the second largest, the third, none: month by month above it
UNDER_A_LIMIT = [(0, "150 GB", 380, ()), ("0.25", "85 GB", 230, (45,)), ("0.5", "50 GB", 150, (30, 80))]
UNDER_A_LIMIT += [("0.99", "50 GB", 150, (30, 80)), (1, None, 0, (50, 80, 130, 25))]


@pytest.mark.parametrize("method", ["count", "lines", "model"])
@pytest.mark.parametrize("price", [None, 1])
@pytest.mark.parametrize(("limit", "bought", "mrc", "above"), UNDER_A_LIMIT)
def test_what_twenty_five_devices_buy_to_overflow_seldom(limit, bought, mrc, above, price, method):
    held = buckets()
    held[0]["today"] = {"A": 1}
    scenario = {"buckets": held, "overage_probability": {"limit": limit}, "gap": 0, "method": method}
    found = optimize.run_frames(throttled(price, only=method == "count"), scenario).to_json()
    assert found["status"] == "optimal"
    assert found["certificate"]["cost"] == pytest.approx(150 + mrc + (price or 0) * sum(above) / 4)
    assert [row["bucket_id"] for row in found["buckets"] if row["count"]] == ([bought] if bought else [])
    assert found["overage_probability"]["worst_pool"] == len(above) / 4
    assert found["overage_probability"]["baseline_worst_pool"] == 0.5
    assert all(row["action"] == "keep" for row in found["recommendations"])


@pytest.mark.parametrize(
    ("stairs", "extra", "least"),
    [
        (STAIRS[:1], {}, 0.5),
        (STAIRS[:1], {"max_per_pool": 2}, 0.25),
        (STAIRS[:1], {"max_per_pool": 3}, None),
        (STAIRS[:2], {}, 0.25),
        (STAIRS[:2], {"offer_id": "RFP"}, 1),
        (STAIRS[:1], {"offer_id": "RFP", "today": {"A": 1}}, 0.5),
    ],
)
def test_the_smallest_limit_is_that_with_every_bucket_that_may_be_bought(stairs, extra, least):
    scenario = {"buckets": buckets(stairs, **extra), "overage_probability": {"limit": 0}, "gap": 0}
    result = optimize.run_frames(throttled(), scenario)
    if least is None:
        assert result.status == "optimal"
        return
    why = result.to_json()["infeasible"]
    assert why["groups"] == ["overage_probability"]
    assert "whatever buckets they buy" in why["explanation"]
    (way,) = why["relaxations"]
    assert way["value"] == least
    loose = {**scenario, "overage_probability": {"limit": least}}
    assert optimize.run_frames(throttled(), loose).status == "optimal"


def test_sizes_that_may_be_combined_count_together_in_the_smallest_limit():
    scenario = {"buckets": buckets(STAIRS[:2]), "bucket_steps": "any", "overage_probability": {"limit": 0}, "gap": 0}
    found = optimize.run_frames(throttled(), scenario).to_json()
    assert found["certificate"]["cost"] == pytest.approx(150 + 150 + 230)


def test_the_price_of_a_limit_is_that_of_the_bucket_that_meets_it():
    held = buckets()
    held[0]["today"] = {"A": 1}
    scenario = {"buckets": held, "overage_probability": {"limit": "0.25"}, "gap": 0}
    for price, paid in ((None, 230), (1, 230 + 45 / 4 - (50 + 80 + 130 + 25) / 4)):
        (policy,) = worth_frames(throttled(price), scenario, studies=["policies"])["studies"]["policies"]["policies"]
        assert (policy["policy"], policy["price"]) == ("overage_probability", pytest.approx(paid))


def test_the_back_test_leaves_the_limit_out_where_overage_is_free_too():
    scenario = {"buckets": buckets(today={}), "overage_probability": {"limit": 0}}
    told = optimize.backtest_frames(throttled(), scenario, time_limit=5)
    assert {p["policy"]: p["paid"] for p in told["policies"]}["stochastic"] == pytest.approx(150)


def test_parts_keep_the_limit_of_each_pool():
    frames, scenario = small_pools(60, 12, "any")
    limited = {**scenario, "overage_probability": {"limit": "0"}, "gap": 0}
    parted, whole = (optimize.run_frames(frames, {**limited, "method": m}).to_json() for m in ("model", "lines"))
    assert "parts" in parted["certificate"]["solver_status"]
    assert parted["certificate"]["objective"] == pytest.approx(whole["certificate"]["objective"], abs=0.006)
    assert max(pool["overage_probability"] for pool in parted["pools"]) == 0
    free = optimize.run_frames(frames, {**scenario, "gap": 0, "method": "model"}).to_json()
    assert max(pool["overage_probability"] for pool in free["pools"]) > 0


def test_a_large_model_with_buckets_chooses_its_months_and_stays_honest(monkeypatch):
    frames = pooled_estate(40, 6, 1, block=256)
    small = frames["plans"]["plan_id"] == "C0-0"
    frames["plans"].loc[small, ["data_mb", "mrc"]] = [0, 5 * M]
    frames["plans"]["data_overage_price"] = frames["plans"]["data_overage_price"] // 12
    given = {"buckets": buckets(((20, 45), (50, 100), (85, 160))), "gap": 0, "method": "model"}
    limit = {**given, "overage_probability": {"limit": "0.17"}}
    best = optimize.run_frames(frames, limit).to_json()["certificate"]["objective"]
    monkeypatch.setattr(optimize.solve, "SMALL", 0)
    large = optimize.run_frames(frames, {**limit, "gap": "0.0005"}).to_json()
    assert large["certificate"]["bound"] <= best + 1e-6 <= large["certificate"]["objective"] + 2e-6
    assert large["certificate"]["objective"] <= best * 1.002
    assert large["overage_probability"]["worst_pool"] <= 0.17
    free = optimize.run_frames(frames, given).to_json()
    assert free["overage_probability"]["worst_pool"] > 0.17, "the limit binds"


def test_lines_that_leave_the_pool_make_a_smaller_bucket_do():
    frames = devices(2.0, 2.0)
    heavy = frames["usage"]["service_id"] == "D07"
    frames["usage"].loc[heavy, "quantity"] = 12 * 1024 * M
    found = optimize.run_frames(frames, {"buckets": buckets(today={}), "gap": 0}).to_json()
    # 24 x 2 + 12 = 60 GB: 85 GB costs 380 in all; the heavy one alone on unlimited leaves 48 GB for 50 GB
    assert found["certificate"]["cost"] == pytest.approx(24 * 6 + 60 + 150)
    (row,) = found["recommendations"]
    assert (row["service_id"], row["reason_code"]) == ("D07", "pool_buster")
    assert "its pool buys 1 x 50 GB" in row["reason"]
    assert [(r["bucket_id"], r["count"]) for r in found["buckets"]] == [("50 GB", 1)]


@pytest.mark.parametrize("make", [bucket_instance, limited_bucket_instance])
@pytest.mark.parametrize("feature", FEATURES)
def test_every_method_that_fits_agrees_with_brute_force(feature, make):
    seed = next(s for s in range(40, 90) if _fits(make, feature, s))
    tables, scenario = make(random.Random(f"{feature}{seed}"), feature)
    oracle, frames = Oracle(tables, scenario), as_frames(tables)
    best = oracle.solve()
    fitting = Fitting(build(frames, parse(scenario)))
    for method in [m for m in METHODS if m != "auto" and fitting.refusal(m) is None]:
        result = optimize.run_frames(frames, {**scenario, "method": method})
        where = f"{feature} {seed} {method}"
        assert (result.status == "infeasible") == (best is None), where
        if best is None:
            continue
        found = result.to_json()
        proof = found["certificate"]
        assert proof["bound"] <= float(best[0]) + 1e-6 <= proof["objective"] + 2e-6, where
        by_passes = method in ("decomposition", "branch_and_bound")
        assert result.status == "optimal" or by_passes, where
        if result.status == "optimal":
            exact = 0.0051 if by_passes else 2e-6
            assert proof["objective"] == pytest.approx(float(best[0]), abs=exact), where
        picked = tuple(result.assignment.get(s["service_id"], s["plan_id"]) for s in oracle.services)
        bought: dict = {}
        for row in found["buckets"]:
            key = tuple(row[name] for name in ("kind", "account_id", "carrier_id", "pool_group"))
            bought.setdefault(key, {})[row["bucket_id"]] = row["count"]
        cost, _, total, _ = oracle.cost(picked, bought)
        assert proof["cost"] == pytest.approx(float(cost), abs=1e-6), where
        assert proof["total_cost"] == pytest.approx(float(total), abs=1e-6), where
        assert found["baseline_cost"] == pytest.approx(float(oracle.keep()[1]), abs=1e-6), where
        assert oracle.feasible(picked, bought), where
        pools, any_of = oracle.overage(picked, bought)
        assert found["overage_probability"]["estate"] == pytest.approx(float(any_of)), where
        assert found["overage_probability"]["worst_pool"] == pytest.approx(float(max(pools.values(), default=0))), where


def _fits(make, feature, seed):
    """Whether an instance has a choice, and few enough for brute force in a moment."""
    tables, scenario = make(random.Random(f"{feature}{seed}"), feature)
    oracle = Oracle(tables, scenario)
    if not scenario["buckets"] or not oracle.services:
        return False
    picks = math.prod(len(oracle.choices(s)) for s in oracle.services)
    most = math.prod(len(oracle.menu((b["kind"], "", b["carrier_id"], b["pool_group"]))) for b in scenario["buckets"])
    return 4 <= picks <= 40 and most <= 60


@pytest.mark.parametrize("make", [bucket_instance, limited_bucket_instance])
@pytest.mark.parametrize("feature", FEATURES)
def test_the_evaluator_prices_given_counts_and_finds_the_best(feature, make):
    for seed in (5, 6):
        tables, scenario = make(random.Random(f"{feature}{seed}"), feature)
        oracle = Oracle(tables, scenario)
        if not oracle.services:
            continue
        frames, checked = as_frames(tables), parse(scenario)
        evaluator = Evaluator(frames, checked, settle(checked, frames))
        rng = random.Random(9)
        ids = [service["service_id"] for service in oracle.services]
        assert evaluator.price().cost == oracle.keep()[1]
        for _ in range(3):
            picked = tuple(rng.choice(oracle.choices(s) or [s["plan_id"]]) for s in oracle.services)
            plans = dict(zip(ids, picked, strict=True))
            every = oracle.purchases(picked)
            if len(every) > 300:
                continue
            priced = [oracle.cost(picked, bought)[:3] for bought in every]
            for bought, (cost, objective, total) in zip(every, priced, strict=True):
                found = evaluator.price(plans, bought)
                assert (found.cost, found.objective, found.total_cost) == (cost, objective, total)
            excesses = oracle.excesses(picked)
            kept = [oracle.keeps_limit(excesses, bought) for bought in every]
            for bought, keeps in list(zip(every, kept, strict=True))[:20]:
                assert ("overage_probability" not in evaluator.violations(plans, bought)) == keeps
            assert ("overage_probability" not in evaluator.violations(plans, improve=True)) == any(kept)
            if any(kept):
                least = min(objective for keeps, (_, objective, _) in zip(kept, priced, strict=True) if keeps)
                assert evaluator.price(plans, improve=True).objective == least


def cost_of(frames, stairs, **scenario):
    done = optimize.run_frames(frames, {"buckets": buckets(stairs), "gap": 0, **scenario}).to_json()
    return done["certificate"]["objective"], [row["bucket_id"] for row in done["buckets"] if row["count"]]


uses = st.lists(st.sampled_from([0.2, 1.0, 2.3, 4.0, 6.5]), min_size=1, max_size=3)
prices = st.lists(st.integers(5, 120), min_size=2, max_size=3)


@settings(max_examples=8, deadline=None)
@given(uses, prices, st.sampled_from(["one", "any"]))
def test_more_sizes_and_lower_prices_never_cost_more(use, mrcs, steps):
    frames = devices(*use, count=6)
    stairs = [(gb, mrc) for gb, mrc in zip((5, 12, 30), mrcs, strict=False)]
    least = cost_of(frames, stairs, bucket_steps=steps)[0]
    assert least <= cost_of(frames, stairs[:-1], bucket_steps=steps)[0] + 1e-6
    cheaper = [(gb, mrc - 4) for gb, mrc in stairs]
    assert cost_of(frames, cheaper, bucket_steps=steps)[0] <= least + 1e-6
    assert least <= cost_of(frames, stairs, bucket_steps="one")[0] + 1e-6


@settings(max_examples=6, deadline=None)
@given(uses)
def test_a_bucket_that_costs_more_than_all_overage_is_never_bought(use):
    frames = devices(*use, count=6)
    most = max(10 * math.ceil(6 * gb) for gb in use)
    assert cost_of(frames, [(5, most + 1), (30, most + 2)])[1] == []
    plain = optimize.run_frames(frames, {"gap": 0}).to_json()["certificate"]["objective"]
    assert cost_of(frames, [(5, most + 1)])[0] == pytest.approx(plain)


def test_the_model_for_audit_and_the_arrays_are_the_same():
    frames = pooled_estate(12, 2, 2, contracts=True)
    scenario = {"buckets": buckets(max_per_pool=2), "bucket_steps": "one"}
    model = build_model(problem := build(frames, parse(scenario)), reduce(problem)).model
    arrays, audit = model.arrays(), to_pulp(model)
    whole = [name for name, is_whole in zip(model.names, model.whole, strict=True) if is_whole]
    assert [n for n in whole if n.startswith("bucket_")]
    at = {name: n for n, name in enumerate(model.names)}
    matrix = {
        (row.rsplit("_low", 1)[0].rsplit("_high", 1)[0], at[v.name]): c
        for row, constraint in audit.constraints.items()
        for v, c in constraint.items()
        if row.startswith("bucket_")
    }
    starts = arrays["starts"]
    expected = {
        (name, int(arrays["columns"][k])): float(arrays["values"][k])
        for n, name in enumerate(model.row_names)
        if name.startswith("bucket_")
        for k in range(starts[n], starts[n + 1])
    }
    assert matrix == expected
    assert {name.rsplit("_", 2)[0] for name, _ in expected} >= {"bucket_of"}


def test_steps_of_a_ladder():
    pool = Pool("data", "A", "C0", "shared", 1, 1, tuple(PoolBucket(n, a * M, m * M, 2) for n, a, m in LADDER))
    one, every = (ladder_of(pool, one=one, monotone=True) for one in (True, False))
    assert one.allowance.tolist() == [0, 5, 10, 12, 24]
    assert one.mrc.tolist() == [0, 10, 20, 22, 44]
    assert every.allowance.tolist() == [0, 5, 10, 12, 17, 22, 24, 29, 34]
    assert every.mrc.tolist() == [0, 10, 20, 22, 32, 42, 44, 54, 64]
    dear = Pool("data", "A", "C0", "shared", 1, 1, (*pool.buckets, PoolBucket("c", 11 * M, 23 * M, 1)))
    assert ladder_of(dear, one=True, monotone=True).allowance.tolist() == one.allowance.tolist()
    assert ladder_of(dear, one=True, monotone=False).allowance.tolist() == [0, 5, 10, 11, 12, 24]
    steep = Ladder(np.array([0.0, 1, 2, 3, 4]), np.array([0.0, 5, 6, 11, 13]))
    assert hull(steep, 0, 5) == [0, 2, 4]
    assert hull(steep, 1, 4) == [1, 2, 3]
    assert hull(steep, 3, 4) == [3]


LADDER = (("a", 5, 10), ("b", 12, 22))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"buckets": "50 GB"}, "a list of buckets"),
        ({"buckets": ["50 GB"]}, "a bucket with bucket_id"),
        ({"buckets": [{"bucket_id": "x"}]}, "allowance: missing"),
        ({"buckets": buckets(allowance=0)}, "allowance"),
        ({"buckets": buckets(mrc="-1")}, "mrc"),
        ({"buckets": buckets(kind="sms")}, "data or voice"),
        ({"buckets": buckets(max_per_pool=0)}, "a whole number from 1"),
        ({"buckets": buckets(max_per_pool=5000)}, "from 1 to 999"),
        ({"buckets": buckets(rollover=1)}, "unknown key"),
        ({"buckets": [*buckets(), *buckets()]}, "an id of its own"),
        ({"buckets": buckets(today=3)}, "{account_id: count}"),
        ({"buckets": buckets(today={"A": 2})}, "at most max_per_pool 1"),
        ({"buckets": buckets(today={"A": 1})}, "several sizes today"),
        ({"buckets": buckets(max_per_pool=40), "bucket_steps": "any"}, "combinations of counts"),
        ({"buckets": buckets(), "bucket_steps": "two"}, "one or any"),
        ({"buckets": buckets(carrier="nobody")}, "unknown carrier"),
        ({"buckets": buckets(STAIRS[:1], today={"nobody": 1})}, "unknown account"),
        ({"buckets": buckets(STAIRS[:1], pool_group="other")}, "is in no plan"),
        ({"buckets": buckets(STAIRS[:1], kind="voice")}, "is in no plan"),
    ],
)
def test_a_wrong_bucket_is_named(change, said):
    with pytest.raises(BadInput) as caught:
        optimize.run_frames(devices(1.0), change)
    assert any(said in str(issue) for issue in caught.value.issues), [str(i) for i in caught.value.issues]
    assert all("\n" not in str(issue) for issue in caught.value.issues)


def test_a_pool_whose_overage_is_free_needs_no_bucket():
    frames = devices(1.0)
    frames["plans"]["data_overage_price"] = pd.array([None, None], dtype="Int64")
    with pytest.raises(BadInput, match="no bucket is ever needed"):
        optimize.run_frames(frames, {"buckets": buckets()})


def test_buckets_couple_lines_so_that_the_closed_form_does_not_fit():
    with pytest.raises(BadInput, match="coupled by pool"):
        optimize.run_frames(devices(1.0), {"buckets": buckets(), "method": "closed_form"})


def test_a_bucket_of_an_offer_needs_the_offer_but_what_one_has_may_stay():
    offered = buckets(STAIRS[:1], offer_id="RFP")
    frames = devices(2.0)
    without = optimize.run_frames(frames, {"buckets": offered, "gap": 0}).to_json()
    assert without["buckets"] == []
    with_it = optimize.run_frames(frames, {"buckets": offered, "offers": ["RFP"], "gap": 0}).to_json()
    assert with_it["certificate"]["cost"] == pytest.approx(300)
    held = [dict(offered[0], today={"A": 1})]
    kept = optimize.run_frames(frames, {"buckets": held, "gap": 0}).to_json()
    assert kept["certificate"]["cost"] == kept["baseline_cost"] == pytest.approx(300)


@pytest.mark.parametrize("method", ["model", "lines"])
def test_lines_without_a_choice_are_proven_too(method):
    frames = devices(2.0)
    only = frames["plans"].iloc[:1]
    other = only.assign(plan_id="other", pool_group="other", mrc=90 * M)
    for plans, group, cost in ((only, "shared", 300), (pd.concat([only, other]), "other", 650)):
        scenario = {"buckets": buckets(pool_group=group), "gap": 0, "method": method}
        found = optimize.run_frames({**frames, "plans": plans}, scenario).to_json()
        assert (found["status"], found["certificate"]["cost"]) == ("optimal", cost)


@pytest.mark.parametrize("method", ["model", "lines"])
def test_bad_months_without_a_choice_are_proven_too(method):
    frames = devices(2.0, 3.0)
    frames["plans"]["mrc"] = pd.array([6 * M, 1 * M], dtype="Int64")  # unlimited beats the pool for every line
    bad = {"objective": "cvar", "cvar": {"alpha": "0.9", "weight": 1}}
    found = optimize.run_frames(frames, {"buckets": buckets(today={}), **bad, "gap": 0, "method": method}).to_json()
    assert (found["status"], found["certificate"]["cost"]) == ("optimal", 25)


def test_a_bucket_of_a_pool_that_nobody_is_in_costs_nothing_and_is_given_up():
    frames = devices(0.1)
    frames["accounts"] = pd.DataFrame({"account_id": ["A", "B"], "carrier_id": ["C0", "C0"]})
    found = optimize.run_frames(frames, {"buckets": buckets(STAIRS[:1], today={"B": 1}), "gap": 0}).to_json()
    assert found["baseline_cost"] == pytest.approx(150 + 30)
    assert [(row["account_id"], row["today"], row["change"]) for row in found["buckets"]] == [("B", 1, -1)]


def test_a_bucket_is_spend_of_its_pools_contract():
    frames = devices(2.0)
    frames["contracts"] = pd.DataFrame({"contract_id": ["K"], "carrier_id": ["C0"], "currency": ["USD"]})
    frames["contract_tiers"] = pd.DataFrame(
        {
            **{"contract_id": ["K"], "spend_from": pd.array([380 * M], dtype="Int64")},
            **{"discount_rate": pd.array([M // 4], dtype="Int64"), "mode": ["all_units"]},
        }
    )
    # 50 GB in all: 300 with the small bucket, and 380 with the next reaches the tier of 25 %: 285
    found = {
        method: optimize.run_frames(frames, {"buckets": buckets(), "gap": 0, "method": method}).to_json()
        for method in ("model", "lines", "decomposition")
    }
    for document in found.values():
        assert document["certificate"]["cost"] == pytest.approx(285)
        assert [row["bucket_id"] for row in document["buckets"]] == ["85 GB"]
        (contract,) = document["sensitivities"]["contracts"]
        assert contract["spend"] == pytest.approx(380)


def test_five_thousand_lines_with_a_proven_gap():
    frames = pooled_estate(5_000, 3, 1, seed=5)
    frames["services"]["account_id"] = [f"A{n % 4}" for n in range(5_000)]
    frames["accounts"] = pd.DataFrame({"account_id": [f"A{n}" for n in range(4)], "carrier_id": "C0"})
    small = frames["plans"]["plan_id"] == "C0-0"
    frames["plans"].loc[small, ["data_mb", "mrc"]] = [0, 5 * M]
    stairs = [(gb * 50, mrc * 50) for gb, mrc in ((50, 100), (85, 160), (150, 270))]
    scenario = {"buckets": buckets(stairs, max_per_pool=3), "bucket_steps": "any", "gap": "0.001"}
    scenario["method"] = "branch_and_bound"
    found = optimize.run_frames(frames, scenario).to_json()
    proof = found["certificate"]
    assert found["status"] == "gap_met"
    assert proof["rel_gap"] <= 1e-3
    assert sum(row["count"] for row in found["buckets"]) >= 4
    assert sum(pool["bucket_cost"] for pool in found["pools"]) == sum(r["mrc"] * r["count"] for r in found["buckets"])


def small_pools(lines, each, steps="one"):
    """Accounts of `each` lines with a pool and stairs of 50, 85 and 150 GB; every other one has 50 GB today."""
    frames = pooled_estate(lines, 4, 1, seed=8)
    names = [f"A{n:03d}" for n in range(lines // each)]
    frames["services"]["account_id"] = [names[n % len(names)] for n in range(lines)]
    frames["accounts"] = pd.DataFrame({"account_id": names, "carrier_id": "C0"})
    small = frames["plans"]["plan_id"] == "C0-0"
    frames["plans"].loc[small, ["data_mb", "mrc"]] = [0, 5 * M]
    stairs = buckets(((50, 100), (85, 160), (150, 270)))
    stairs[0]["today"] = dict.fromkeys(names[::2], 1)
    return frames, {"buckets": stairs, "bucket_steps": steps}


def test_small_pools_are_solved_one_by_one_to_a_proven_optimum():
    frames, scenario = small_pools(250, 25)
    found = optimize.run_frames(frames, {**scenario, "gap": "0.0001"}).to_json()
    proof = found["certificate"]
    assert proof["method"] == "model"
    assert "parts" in proof["solver_status"]
    assert found["status"] in ("optimal", "gap_met")
    assert proof["rel_gap"] <= 1e-4


def test_parts_find_what_the_whole_model_finds():
    frames, scenario = small_pools(60, 12, "any")
    parted = optimize.run_frames(frames, {**scenario, "gap": 0, "method": "model"}).to_json()
    whole = optimize.run_frames(frames, {**scenario, "gap": 0, "method": "lines"}).to_json()
    assert "parts" in parted["certificate"]["solver_status"]
    assert "parts" not in whole["certificate"]["solver_status"]
    assert parted["certificate"]["objective"] == pytest.approx(whole["certificate"]["objective"], abs=0.006)
    actions = [[r["action"] != "keep" for r in d["recommendations"]] for d in (parted, whole)]
    assert sum(actions[0]) == sum(actions[1])
    tied = optimize.run_frames(frames, {**scenario, "gap": "0.01", "method": "model", "max_changes": 40}).to_json()
    assert "parts" not in tied["certificate"]["solver_status"]


def test_a_search_by_parts_that_is_cut_short_has_an_honest_gap():
    frames, scenario = small_pools(100, 25)
    asked = []

    def cancelled():
        asked.append(1)
        return len(asked) > 2

    found = optimize.run_frames(frames, {**scenario, "gap": 0, "method": "model"}, cancelled=cancelled).to_json()
    proof = found["certificate"]
    assert found["status"] == "cancelled"
    assert 0 < proof["bound"] < proof["objective"] <= found["baseline_cost"]


def test_the_command_tells_what_to_order_and_writes_the_model(store_of, tmp_path):
    store, file, model = store_of(devices(2.0, count=25)), tmp_path / "s.yaml", tmp_path / "m.lp"
    held = buckets()
    held[1]["today"] = {"A": 1}
    file.write_text(yaml.safe_dump({"buckets": held, "gap": 0}))
    done = run(store, app.commands.optimize, ["optimize", str(file), "--model", str(model)])
    assert done.exit_code == 0, done.stderr
    assert "2 to order or cancel" in done.stdout
    assert "C0 shared, A: 50 GB x 1 (today 0), 150.00 a month each" in done.stdout
    assert "bucket_one_0" in model.read_text()


def test_no_sample_where_it_would_have_a_handful_of_lines_for_each_pool_with_buckets():
    frames, scenario = small_pools(4_200, 30)
    engine = Engine(estate_of(build(frames, parse(scenario))))
    assert sample(engine) is None
    plain = Engine(estate_of(build(frames, parse({}))))
    assert sample(plain).estate.lines == 2_000


def test_the_back_test_pays_for_buckets_chosen_before_the_cut():
    frames = devices(2.0, 2.0, 2.0, 4.0, count=5)
    told = optimize.backtest_frames(frames, {"buckets": buckets([(10, 40), (20, 70)], today={})}, time_limit=5)
    paid = {p["policy"]: p["paid"] for p in told["policies"]}
    # 10 GB are seen before both cuts, 10 and 20 GB are paid: the small bucket is bought and the second time too small
    assert paid["stochastic"] == pytest.approx(5 * 6 + 40 + (0 + 100) / 2)
    assert paid["clairvoyant"] == pytest.approx(5 * 6 + (40 + 70) / 2)
    assert paid["keep"] == pytest.approx(5 * 6 + (100 + 200) / 2)
