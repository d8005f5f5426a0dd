"""Conflicts name the smallest set of groups and the ways out."""

import pandas as pd
import pytest
from estates import pooled_estate

import optimize


@pytest.fixture(scope="module")
def estate():
    frames = pooled_estate(lines=8, months=3, carriers=2)
    frames["services"]["plan_id"] = "C0-0"
    frames["services"]["carrier_id"] = "C0"
    frames["services"]["account_id"] = "A-C0"
    frames["services"]["site_id"] = "S1"
    return frames


ONLY_C0 = {"coverage": pd.DataFrame({"site_id": ["S1"], "carrier_id": ["C0"]})}
CASES = [
    (ONLY_C0, {"carriers_allowed": ["C1"]}, ["coverage", "carriers_allowed"]),
    ({}, {"max_changes": 3, "carriers_allowed": ["C1"]}, ["carriers_allowed", "max_changes"]),
    ({}, {"force": {"L000001": "C1-0"}, "max_changes": 0}, ["max_changes", "force"]),
    ({}, {"force": {"L000001": "C1-0"}, "max_carriers": 1, "keep": ["L000002"]}, ["max_carriers", "force", "keep"]),
    ({}, {"force": {"L000001": "C1-0"}, "keep": ["L000001"]}, ["force", "keep"]),
    ({}, {"carriers_allowed": ["C1"], "keep": ["L000001"]}, ["carriers_allowed", "keep"]),
    ({}, {"max_carriers": 0}, ["max_carriers"]),
    (ONLY_C0, {"force": {"L000001": "C1-0"}}, ["coverage", "force"]),
    ({}, {"max_changes": 0, "overage_probability": {"limit": "0.5"}}, ["max_changes", "overage_probability"]),
    (
        ONLY_C0,
        {"keep": [f"L{n:06d}" for n in range(8)], "overage_probability": {"limit": 0, "kinds": ["data"]}},
        ["keep", "overage_probability"],
    ),
]


@pytest.mark.parametrize(("tables", "given", "groups"), CASES)
def test_smallest_conflict(estate, tables, given, groups):
    result = optimize.run_frames({**estate, **tables}, given)
    document = result.to_json()
    assert result.exit_code == 4
    assert document["status"] == "infeasible"
    assert document["recommendations"] == []
    assert document["certificate"]["cost"] is None
    assert document["infeasible"]["groups"] == groups
    assert document["infeasible"]["explanation"]


def limited(estate, **limits):
    plans = estate["plans"].copy()
    for name, values in limits.items():
        plans[name] = pd.array([values.get(p) for p in plans["plan_id"]], dtype="Int64")
    return {**estate, "plans": plans}


def test_line_limits(estate):
    every = dict.fromkeys(estate["plans"]["plan_id"], 1)
    document = optimize.run_frames(limited(estate, max_lines=every), {}).to_json()
    assert document["infeasible"]["groups"] == ["max_lines"]
    lonely = {"force": {"L000001": "C1-0"}, "max_changes": 2}
    document = optimize.run_frames(limited(estate, min_lines={"C1-0": 4}), lonely).to_json()
    assert document["infeasible"]["groups"] == ["max_changes", "min_lines", "force"]


def test_offer_that_is_not_listed(estate):
    plans = estate["plans"].assign(offer_id=[None, None, None, "rival", "rival", "rival"])
    frames = {**estate, "plans": plans}
    document = optimize.run_frames(frames, {"carriers_allowed": ["C1"]}).to_json()
    assert document["infeasible"]["groups"] == ["offers", "carriers_allowed"]
    assert optimize.run_frames(frames, {"carriers_allowed": ["C1"], "offers": ["rival"]}).status != "infeasible"


def test_relaxations_say_how_far(estate):
    document = optimize.run_frames(estate, {"carriers_allowed": ["C1"], "max_changes": 3}).to_json()
    ways = {r["group"]: r for r in document["infeasible"]["relaxations"]}
    assert ways["max_changes"]["value"] == 8
    assert ways["carriers_allowed"]["value"] == 5
    assert ways["max_changes"]["text"] == "allow 8 changes"


def test_a_limit_that_today_breaks_but_can_be_met_is_no_conflict(estate):
    result = optimize.run_frames(limited(estate, max_lines={"C0-0": 5}), {})
    document = result.to_json()
    assert result.exit_code == 0
    assert sum(r["action"] != "keep" for r in document["recommendations"]) >= 3
