"""Scenario sets and the limit on the probability of overage: hand-computed cases, properties, refusals, scale."""

import math
import random
from fractions import Fraction as F

import numpy as np
import pytest
from estates import pooled_estate
from hypothesis import given, settings
from hypothesis import strategies as st
from plan_oracle import Oracle, as_frames, instance

import optimize
import optimize.scenario
import optimize.solve
from core.issues import BadInput
from optimize.result import Contradiction
from optimize.worth import policies
from optimize.worth.desk import Desk

MONTHS = ("2026-01", "2026-02", "2026-03", "2026-04")


def pair(use=(80, 90, 130, 240), small=100, price=1, top=40):
    """Two lines in one pool of 2 x 100 MB at 10 each, `price` for each MB above; or unlimited for `top`."""
    plan = {"carrier_id": "A", "service_kind": None, "currency": "USD", "voice_min": None, "sms": None}
    plan |= {"voice_overage_price": None, "sms_overage_price": None, "offer_id": None, "voice_pool_group": None}
    plan |= {"min_lines": None, "max_lines": None, "data_overage_block_mb": 1}
    rows = [
        plan | {"plan_id": "P", "mrc": 10, "data_mb": small, "data_overage_price": price, "pool_group": "g"},
        plan | {"plan_id": "U", "mrc": top, "data_mb": None, "data_overage_price": None, "pool_group": None},
    ]
    services = [
        {"service_id": s, "kind": "mobile", "carrier_id": "A", "account_id": "A1", "contract_id": None, "plan_id": "P"}
        | {"site_id": None, "status": "active", "activated_on": None, "disconnected_on": None, "term_end_on": None}
        for s in ("heavy", "light")
    ]
    usage = [
        {"service_id": s, "month": m, "usage_type": "data", "zone": None, "quantity": q, "cost": None}
        for m, most in zip(MONTHS, use, strict=True)
        for s, q in (("heavy", most), ("light", 60))
    ]
    return {
        "carriers": [{"carrier_id": "A", "name": "A"}],
        "accounts": [{"account_id": "A1", "carrier_id": "A"}],
        **{"plans": rows, "services": services, "usage": usage},
    }


def solved(tables, **scenario):
    return optimize.run_frames(as_frames(tables), {"gap": 0, **scenario}).to_json()


# ---- by hand --------------------------------------------------------------------------------------------------------


def test_what_a_limit_does_by_hand():
    """Use is 140, 150, 190, 300 of 200: above it in April only, by 100 MB at 0.3: 7.5 a month, cheaper than 40 - 10."""
    free = solved(pair(price="0.3"))
    assert free["certificate"]["cost"] == 27.5
    assert free["overage_probability"] == {
        **{"limit": None, "kinds": ["data", "voice"], "estate": 0.25, "worst_pool": 0.25},
        **{"baseline_estate": 0.25, "baseline_worst_pool": 0.25},
    }
    assert solved(pair(price="0.3"), overage_probability={"limit": "0.25"})["certificate"]["cost"] == 27.5
    tight = solved(pair(price="0.3"), overage_probability={"limit": "0.24", "kinds": ["data"]})
    assert tight["certificate"]["cost"] == 50.0  # one of the two leaves the pool; today's plans are no incumbent
    assert tight["saving"] == -22.5
    assert tight["overage_probability"]["estate"] == 0.0
    assert tight["overage_probability"]["baseline_estate"] == 0.25
    (change,) = [row for row in tight["recommendations"] if row["action"] != "keep"]
    assert change["service_id"] == "heavy"
    assert change["reason_code"] == "overage_limit"
    assert solved(pair(price="0.3"), overage_probability={"limit": 0, "kinds": "voice"})["certificate"]["cost"] == 27.5


def test_overage_that_costs_nothing_counts_as_well():
    free = solved(pair(price=None))
    assert free["certificate"]["method"] == "closed_form"
    assert free["overage_probability"]["estate"] == 0.25
    assert solved(pair(price=None), overage_probability={"limit": 0})["certificate"]["cost"] == 50.0


def test_factors_by_hand():
    """At 80 % use is 112, 120, 152, 240 of 200; at 120 % 168, 180, 228, 360: above by 40 and 28 + 160; weights 3, 1."""
    cases = [{"data": "0.8", "weight": 3}, {"data": "1.2"}]
    found = solved(pair(price="0.3"), scenario_set={"kind": "factors", "factors": cases})
    over = F(3, 10) * (3 * 40 + 28 + 160) / 16
    assert found["certificate"]["cost"] == float(20 + over)
    assert found["certificate"]["total_cost"] == float(4 * (20 + over))  # of as many months as the range has
    assert found["overage_probability"]["estate"] == float(F(3 + 1 + 1, 16))
    months = found["scenario_set"]["months"]
    assert found["scenario_set"]["kind"] == "factors"
    assert len(months) == 8
    assert months[0] == {"month": "2026-01", "data": 0.8, "voice": 1.0, "sms": 1.0, "probability": 0.1875}
    assert sum(m["probability"] for m in months) == 1


def test_bootstrap_by_hand():
    """Every month is drawn for all lines together; a month drawn k times weighs k."""
    found = solved(pair(price="0.3"), scenario_set={"kind": "bootstrap", "draws": 8, "seed": 5})
    drawn = {m["month"]: m["probability"] for m in found["scenario_set"]["months"]}
    assert sum(drawn.values()) == 1
    assert all((8 * odds).is_integer() for odds in drawn.values())
    assert found["overage_probability"]["estate"] == drawn.get("2026-04", 0)
    assert found["certificate"]["cost"] == pytest.approx(20 + 30 * drawn.get("2026-04", 0))
    again = solved(pair(price="0.3"), scenario_set={"kind": "bootstrap", "draws": 8}, seed=5)
    assert again["scenario_set"] == found["scenario_set"]
    other = solved(pair(price="0.3"), scenario_set={"kind": "bootstrap", "draws": 8, "seed": 6})
    assert other["scenario_set"] != found["scenario_set"]


def test_suspension_looks_at_the_range_not_at_what_was_drawn():
    tables = pair()
    tables["usage"] = [u for u in tables["usage"] if u["service_id"] == "heavy" or u["month"] == "2026-01"]
    rules = {"suspend_zero_use_months": 3, "scenario_set": {"kind": "bootstrap", "draws": 1, "seed": 3}}
    found = solved(tables, **rules)
    assert [r["service_id"] for r in found["recommendations"] if r["action"] == "suspend"] == ["light"]
    assert len(found["scenario_set"]["months"]) == 1
    none = solved(tables, **{**rules, "suspend_zero_use_months": 4})["recommendations"]
    assert not any(r["action"] == "suspend" for r in none)


# ---- properties -----------------------------------------------------------------------------------------------------


@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 10**6), feature=st.sampled_from(["data_pool", "all_units", "cvar", "suspend", "roaming"]))
def test_what_leaves_everything_as_it_was(seed, feature):
    """A limit of 1, factors [1] and weights of any scale: the same result as without the key."""
    tables, scenario = instance(random.Random(seed), feature)
    for key in ("overage_probability", "scenario_set"):
        scenario.pop(key, None)
    if not Oracle(tables, scenario).services:
        return
    frames = as_frames(tables)
    found = optimize.run_frames(frames, scenario).to_json()
    for same in (
        {"overage_probability": {"limit": 1}},
        {"scenario_set": {"kind": "history"}},
        {"scenario_set": {"kind": "factors", "factors": [1]}},
        {"scenario_set": {"kind": "factors", "factors": [{"data": "1.0", "weight": "0.125"}, {"weight": 7}]}},
    ):
        other = optimize.run_frames(frames, {**scenario, **same}).to_json()
        for key in ("status", "baseline_cost", "saving", "pools", "by_carrier", "recommendations", "infeasible"):
            assert other[key] == found[key], (key, same)
        assert other["certificate"]["objective"] == found["certificate"]["objective"]


@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_a_tighter_limit_is_never_cheaper_and_the_smallest_one_is_named(seed):
    tables, scenario = instance(random.Random(seed), "overage_limit")
    if not Oracle(tables, scenario).services:
        return
    frames, last = as_frames(tables), math.inf
    for limit in (0, "0.2", "0.4", "0.7", 1):
        given_limit = {**scenario, "overage_probability": {"limit": limit}}
        found = optimize.run_frames(frames, given_limit).to_json()
        if found["infeasible"] is None:
            assert found["certificate"]["objective"] <= last + 1e-6
            last = found["certificate"]["objective"]
            assert F(str(limit)) >= F(found["overage_probability"]["worst_pool"]).limit_denominator(1000)
            continue
        assert last == math.inf, "feasible under a tighter limit"
        ways = {way["group"]: way["value"] for way in found["infeasible"]["relaxations"]}
        if ways.get("overage_probability") is not None:
            relaxed = {**scenario, "overage_probability": {"limit": ways["overage_probability"]}}
            assert optimize.run_frames(frames, relaxed).status != "infeasible"


def test_a_bootstrap_that_draws_every_month_once_is_history():
    plain = solved(pair())
    seed = next(s for s in range(500) if len(set(np.random.default_rng(s).integers(0, 4, 4).tolist())) == 4)
    found = solved(pair(), scenario_set={"kind": "bootstrap", "draws": 4, "seed": seed})
    assert len(found["scenario_set"]["months"]) == 4
    assert found["certificate"]["cost"] == plain["certificate"]["cost"]
    assert found["pools"] == plain["pools"]


def test_factors_that_split_the_weight_of_a_case_change_nothing():
    """80 % twice at weight 1 is 80 % once at weight 2, whatever the scale of the weights."""
    found = [
        solved(pair(price="0.3"), scenario_set={"kind": "factors", "factors": cases})
        for cases in (
            ["0.8", "0.8", "1.2"],
            [{"data": "0.8", "voice": "0.8", "sms": "0.8", "weight": 2}, "1.2"],
            [dict.fromkeys(("data", "voice", "sms"), f) | {"weight": w} for f, w in (("0.8", "0.5"), ("1.2", "0.25"))],
        )
    ]
    for document in found:
        for key in ("pools", "scenario_set", "saving", "overage_probability"):
            assert document[key] == found[0][key]


# ---- methods, infeasibility, scale ----------------------------------------------------------------------------------


def test_methods_with_a_limit_and_refusals():
    frames = pooled_estate(12, 4, 2)
    limit = {"gap": 0, "overage_probability": {"limit": 0}}
    costs = {m: optimize.run_frames(frames, {**limit, "method": m}).certificate.cost for m in ("lines", "model")}
    assert costs["lines"] == pytest.approx(costs["model"], abs=1e-6)
    for method in ("decomposition", "branch_and_bound", "closed_form"):
        with pytest.raises(BadInput) as refused:
            optimize.run_frames(frames, {**limit, "method": method})
        assert "model" in str(refused.value)
    assert optimize.run_frames(frames, {"gap": 0, "overage_probability": {"limit": 1}, "method": "decomposition"})


def test_a_limit_that_cannot_be_met_is_named_with_the_smallest_that_can():
    tables = pair()
    tables["plans"] = tables["plans"][:1]
    found = solved(tables, overage_probability={"limit": "0.1"})
    assert found["status"] == "infeasible"
    assert found["overage_probability"]["estate"] is None
    assert found["overage_probability"]["baseline_estate"] == 0.25
    why = found["infeasible"]
    assert why["groups"] == ["overage_probability"]
    assert "10 % of the months" in why["explanation"]
    assert why["relaxations"] == [
        {
            **{"group": "overage_probability", "value": 0.25},
            "text": "allow pools above their allowance in 25 % of the months",
        }
    ]
    kept = solved(pair(), overage_probability={"limit": "0.1"}, keep=["heavy", "light"])
    assert kept["infeasible"]["groups"] == ["keep", "overage_probability"]
    assert [way["value"] for way in kept["infeasible"]["relaxations"]] == [1, 0.25]
    thirds = solved(tables, overage_probability={"limit": 0}, months={"from": "2026-02", "to": "2026-04"})
    (way,) = thirds["infeasible"]["relaxations"]
    assert way["value"] == 0.333334  # a third rounded up, so that it can be written into the scenario
    assert solved(tables, overage_probability={"limit": way["value"]}, months={"from": "2026-02", "to": "2026-04"})[
        "certificate"
    ]["cost"]


def test_a_result_that_breaks_the_limit_is_a_contradiction(monkeypatch):
    """The evaluator counts from raw use; whatever a method returned, plans that are over too often are never shown."""
    real = optimize.solve.solve

    def careless(problem, evaluator, *rest, **named):
        found = real(problem, evaluator, *rest, **named)
        return type(found)(**{**found.__dict__, "assignment": {}})

    monkeypatch.setattr(optimize.solve, "solve", careless)
    with pytest.raises(Contradiction, match="overage_probability"):
        solved(pair(price="0.3"), overage_probability={"limit": 0})


def test_large_models_choose_months_and_stay_honest(monkeypatch):
    """The path for many lines: months by a tree over relaxations. Same cost as the whole model, bound below both."""
    frames = pooled_estate(40, 6, 2, block=256)
    frames["plans"]["data_overage_price"] = frames["plans"]["data_overage_price"] // 12
    limit = {"gap": "0.0005", "overage_probability": {"limit": "0.1"}}
    whole = optimize.run_frames(frames, {**limit, "gap": 0}).to_json()
    monkeypatch.setattr(optimize.solve, "SMALL", 0)
    large = optimize.run_frames(frames, limit).to_json()
    assert large["certificate"]["method"] == "model"
    best = whole["certificate"]["objective"]
    assert large["certificate"]["bound"] <= best <= large["certificate"]["objective"] + 1e-6
    assert large["certificate"]["objective"] <= best * 1.002
    assert large["overage_probability"]["worst_pool"] <= 0.1
    free = optimize.run_frames(frames, {"gap": "0.0005"}).to_json()
    assert free["overage_probability"]["worst_pool"] > 0.1, "the limit binds"


def test_what_the_limit_costs():
    desk = Desk(as_frames(pair(price="0.3")), {"gap": "0", "overage_probability": {"limit": "0"}})
    (row,) = [r for r in policies.study(desk)["policies"] if r["policy"] == "overage_probability"]
    assert (row["price"], row["cost"]) == (22.5, 27.5)
    tables = pair()
    tables["plans"] = tables["plans"][:1]
    stuck = policies.study(Desk(as_frames(tables), {"gap": "0", "overage_probability": {"limit": "0"}}))["policies"]
    ways = {r["policy"]: r for r in stuck}
    assert ways["overage_probability=0.25"]["makes_feasible"]
    assert ways["overage_probability"]["makes_feasible"]


# ---- bad input ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("scenario_set: {kind: monte_carlo}", "scenario_set.kind"),
        ("scenario_set: bootstrap", "scenario_set"),
        ("scenario_set: {kind: bootstrap, draws: 0}", "scenario_set.draws"),
        ("scenario_set: {kind: bootstrap, draws: 99999999}", "scenario_set.draws"),
        ("scenario_set: {kind: bootstrap, factors: [1]}", "scenario_set.factors"),
        ("scenario_set: {kind: factors}", "scenario_set.factors"),
        ("scenario_set: {kind: factors, factors: []}", "scenario_set.factors"),
        ("scenario_set: {kind: factors, factors: [-0.5]}", "scenario_set.factors.1"),
        ("scenario_set: {kind: factors, factors: [{data: 1, weight: 0}]}", "scenario_set.factors.1.weight"),
        ("scenario_set: {kind: factors, factors: [{mms: 1}]}", "scenario_set.factors.1.mms"),
        ("overage_probability: {limit: 1.5}", "overage_probability.limit"),
        ("overage_probability: {limit: -0.1}", "overage_probability.limit"),
        ("overage_probability: {kinds: [data]}", "overage_probability.limit"),
        ("overage_probability: {limit: 0.1, kinds: [sms]}", "overage_probability.kinds"),
        ("overage_probability: 0.1", "overage_probability"),
    ],
)
def test_bad_keys_are_named_each_in_one_line(text, named):
    with pytest.raises(BadInput) as refused:
        optimize.scenario.parse(optimize.read_text(text))
    (issue,) = refused.value.issues
    assert issue.field == named
    assert "\n" not in str(issue)


def test_more_scenario_months_than_the_arrays_take_are_refused():
    frames = pooled_estate(4, 12)
    cases = [{"data": f"0.{n:02d}"} for n in range(10, 34)]
    with pytest.raises(BadInput, match="288 scenario months"):
        optimize.run_frames(frames, {"scenario_set": {"kind": "factors", "factors": cases}})
