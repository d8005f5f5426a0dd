"""Bucket plans: what a pool buys, by hand, by brute force, by every method; what makes it dearer or cheaper."""

from __future__ import annotations

import math
import random

import pandas as pd
import pytest
import yaml
from bucket_estates import STAIRS, buckets, devices
from estates import M
from hypothesis import given, settings
from hypothesis import strategies as st
from plan_oracle import FEATURES, Oracle, as_frames, bucket_instance, limited_bucket_instance

import app.commands.optimize
import optimize
from optimize.build import build
from optimize.evaluate import Evaluator
from optimize.fitting import Fitting
from optimize.methods import METHODS
from optimize.scenario import parse
from optimize.scope import settle
from tests.run_command import run

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


@pytest.mark.parametrize(("drawn", "kind", "bought"), [({}, "history", 40), ({"factors": [2]}, "factors", 70)])
def test_the_back_test_pays_for_buckets_chosen_before_the_cut(drawn, kind, bought):
    frames = devices(2.0, 2.0, 2.0, 4.0, count=5)
    scenario = {"buckets": buckets([(10, 40), (20, 70)], today={}), "scenario_set": {"kind": kind, **drawn}}
    told = optimize.backtest_frames(frames, scenario, time_limit=5)
    paid = {p["policy"]: p["paid"] for p in told["policies"]}
    # 10 GB are seen before both cuts, 10 and 20 GB are paid: who expects twice the use buys enough for the second
    assert paid["stochastic"] == pytest.approx(5 * 6 + bought + (0 + (100 if bought == 40 else 0)) / 2)
    assert paid["clairvoyant"] == pytest.approx(5 * 6 + (40 + 70) / 2)
    assert paid["keep"] == pytest.approx(5 * 6 + (100 + 200) / 2)
    assert paid["line_average"] == paid["stochastic"]
    assert told["scenario_set"]["kind"] == kind
    assert any("scenario_set" in note for note in told["notes"]) == (kind != "history")
