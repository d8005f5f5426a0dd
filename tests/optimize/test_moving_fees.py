"""Fees of joining a carrier (also paid back ones) and months in which both carriers are paid, against brute force."""

import random

import pytest
from plan_oracle import FEATURES, Oracle, as_frames, instance

import optimize
from core.issues import BadInput
from optimize.build import build
from optimize.fitting import Fitting
from optimize.methods import METHODS
from optimize.scenario import parse


@pytest.mark.parametrize("feature", FEATURES[::4])
def test_the_methods_agree_with_brute_force(feature):
    for seed in range(2):
        rng = random.Random(f"joining{feature}{seed}")
        tables, scenario = instance(rng, feature)
        carriers = [row["carrier_id"] for row in tables["carriers"]]
        scenario |= {
            "joining_fee": {c: rng.choice([0, 12, -30, "2.5"]) for c in carriers},
            "overlap_months": rng.choice([0, 1, 3]),
        }
        oracle = Oracle(tables, scenario)
        if not oracle.services:
            continue
        best, frames = oracle.solve(), as_frames(tables)
        fitting = Fitting(build(frames, parse(scenario)))
        fit = [m for m in METHODS if m not in ("auto", "branch_and_bound") and fitting.refusal(m) is None]
        for method in fit:
            where = f"{feature} {seed} {method}"
            result = optimize.run_frames(frames, scenario | {"method": method})
            assert (result.status == "infeasible") == (best is None), where
            if best is None:
                continue
            proof = result.to_json()["certificate"]
            assert proof["bound"] <= float(best[0]) + 1e-6 <= proof["objective"] + 2e-6, where
            assert proof["objective"] == pytest.approx(float(best[0]), abs=2e-6), where
            picked = tuple(result.assignment.get(s["service_id"], s["plan_id"]) for s in oracle.services)
            assert proof["cost"] == pytest.approx(float(oracle.cost(picked)[0]), abs=1e-6), where


def test_overlap_is_at_most_the_horizon():
    with pytest.raises(BadInput, match="overlap_months"):
        parse({"overlap_months": 13})
    assert parse({"overlap_months": 13, "horizon_months": 24}).overlap_months == 13
