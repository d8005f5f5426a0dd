"""Every method that fits a problem finds the same optimum; one that does not is refused with the reason."""

import json
import random

import pandas as pd
import pytest
from estates import M, pooled_estate
from plan_oracle import FEATURES, Oracle, as_frames, instance

import app.commands.optimize
import optimize
from core.issues import BadInput
from optimize.build import build
from optimize.fitting import Fitting
from optimize.methods import METHODS
from optimize.scenario import parse
from tests.run_command import run


def fleet(lines=60, months=3, roaming=True):
    """A fleet that stays in one carrier's pool: two sizes of plan, unlimited minutes, roaming at cost."""
    frames = pooled_estate(lines, months, 1, seed=4)
    plans = frames["plans"][frames["plans"]["pool_group"].notna()].copy()
    plans["voice_min"] = pd.array([None] * len(plans), dtype="Int64")
    usage = frames["usage"]
    if roaming:
        trips = usage[usage["usage_type"] == "data"].assign(zone="roaming", quantity=5 * M)
        trips["cost"] = [M * (n % 7) for n in range(len(trips))]
        usage = pd.concat([usage.assign(cost=pd.array([None] * len(usage), dtype="Int64")), trips], ignore_index=True)
    services = frames["services"].assign(plan_id=[f"C0-{n % 2}" for n in range(lines)])
    return {**frames, "plans": plans, "services": services, "usage": usage}


@pytest.mark.parametrize("feature", FEATURES)
def test_all_methods_that_fit_agree_with_brute_force(feature):
    for seed in (202,):
        tables, given = instance(random.Random(f"{feature}{seed}"), feature)
        oracle = Oracle(tables, given)
        if not oracle.services or (best := oracle.solve()) is None:
            continue
        frames = as_frames(tables)
        fitting = Fitting(build(frames, parse(given)))
        fit = [m for m in METHODS if m != "auto" and fitting.refusal(m) is None]
        assert "model" in fit
        for method in [m for m in fit if m not in ("model", "decomposition")]:  # those have brute force of their own
            proof = optimize.run_frames(frames, {**given, "method": method}).to_json()["certificate"]
            where = f"{feature} {seed} {method}"
            assert proof["method"] == method, where
            assert proof["bound"] <= float(best[0]) + 1e-6 <= proof["objective"] + 2e-6, where
            if proof["abs_gap"] <= 0.005:
                assert proof["objective"] == pytest.approx(float(best[0]), abs=0.0051), where
            if method != "branch_and_bound":
                assert proof["objective"] == pytest.approx(float(best[0]), abs=2e-6), where


def test_a_fleet_of_fixed_pools_is_counted_and_the_line_model_agrees():
    frames = fleet()
    found = {m: optimize.run_frames(frames, {"gap": 0, "method": m}).to_json() for m in ("auto", "lines", "model")}
    proofs = {m: document["certificate"] for m, document in found.items()}
    assert proofs["auto"]["method"] == "count"
    assert proofs["auto"]["solver"] == "HiGHS through PuLP"
    assert proofs["lines"]["method"] == "lines"
    assert len({proof["objective"] for proof in proofs.values()}) == 1
    changes = {m: sum(r["action"] != "keep" for r in d["recommendations"]) for m, d in found.items()}
    assert len(set(changes.values())) == 1
    fitting = Fitting(build(frames, parse({})))
    assert len(fitting.reduced.classes) == 2  # today's two plans; what roaming costs does not tell lines apart


def test_a_count_under_a_contract_counts_what_every_plan_passes_on():
    """Roaming is spend of the contract as well, so a tier that only it reaches must be seen by every method."""
    frames = fleet(12)
    paid = sum(c or 0 for c in frames["usage"]["cost"].fillna(0)) // 3
    frames["contracts"] = pd.DataFrame({"contract_id": ["K"], "carrier_id": ["C0"], "currency": ["USD"]})
    frames["contract_tiers"] = pd.DataFrame(
        {"contract_id": ["K"], "spend_from": [paid + 12 * 12 * M], "discount_rate": [300_000], "mode": ["all_units"]}
    )
    costs = {
        m: optimize.run_frames(frames, {"gap": 0, "method": m}).to_json()["certificate"]["objective"]
        for m in ("count", "lines", "model")
    }
    assert len(set(costs.values())) == 1


@pytest.mark.parametrize(
    ("frames", "given", "method", "said"),
    [
        (pooled_estate(6, 2, 2), {}, "closed_form", "coupled by pool"),
        (pooled_estate(6, 2, 2), {}, "count", "join or leave a pool"),
        (pooled_estate(6, 2, 2), {}, "branch_and_bound", "no tier, no commitment"),
        (pooled_estate(6, 2, 2), {"objective": "cvar"}, "decomposition", "bad months"),
        (pooled_estate(20, 2, 2), {}, "lines", "more than 15"),
    ],
)
def test_a_method_that_does_not_fit_is_refused_with_the_reason(monkeypatch, frames, given, method, said):
    monkeypatch.setattr("optimize.fitting._MOST_LINES", 15)
    with pytest.raises(BadInput) as caught:
        optimize.run_frames(frames, {**given, "method": method})
    (issue,) = caught.value.issues
    assert said in str(issue)
    assert "methods that fit: " in str(issue)
    assert method not in str(issue).split("methods that fit: ")[1].split(", ")


def test_classes_whose_lines_are_charged_differently_are_no_count_model():
    frames = fleet(8)
    frames["plans"]["voice_min"] = pd.array([100 * M, 200 * M], dtype="Int64")
    with pytest.raises(BadInput, match="charged differently"):
        optimize.run_frames(frames, {"method": "count"})


def changed(document):
    return sum(row["action"] != "keep" for row in document["recommendations"])


@pytest.mark.parametrize("method", ["model", "decomposition"])
def test_fewer_changes_are_bought_within_the_share_that_is_given(method):
    frames = pooled_estate(40, 3, 2)
    given = {"gap": 0, "method": method}
    plain = optimize.run_frames(frames, given).to_json()
    spent = optimize.run_frames(frames, {**given, "polish_within": "0.02"}).to_json()
    before, after = plain["certificate"], spent["certificate"]
    assert changed(spent) < changed(plain)
    assert after["objective"] <= before["objective"] * 1.02 + 1e-6
    assert after["objective"] <= spent["baseline_cost"]
    assert after["bound"] <= before["objective"] + 1e-6
    assert spent["status"] in ("gap_met", "optimal", "time_limit")


@pytest.mark.parametrize("limit", [{}, {"max_carriers": 2}, {"carrier_fixed_cost": {"C0": 60, "C1": 20, "C2": 90}}])
def test_both_polishes_agree_on_the_fewest_changes(limit):
    frames = pooled_estate(30, 3, 3 if limit else 2)
    given = {"gap": 0, "polish": "fewest_changes", "polish_within": "0.05", **limit}
    by_model = optimize.run_frames(frames, {**given, "method": "model"}).to_json()
    by_passes = optimize.run_frames(frames, {**given, "method": "decomposition"}).to_json()
    least = int(by_passes["certificate"]["solver_status"].split("at least ")[1].split(" ")[0])
    assert 0 < least <= changed(by_model) <= changed(by_passes) <= changed(by_model) + 2


def test_no_polish_leaves_the_plans_as_found():
    frames = pooled_estate(24, 4, 2)
    plain, rough = (optimize.run_frames(frames, {"gap": 0, "polish": p}).to_json() for p in ("auto", "none"))
    assert rough["certificate"]["objective"] == pytest.approx(plain["certificate"]["objective"], abs=0.006)
    assert changed(rough) >= changed(plain)


def test_the_command_takes_method_polish_and_parent(store_of, tmp_path):
    store = store_of(pooled_estate(40, 3, 2, contracts=True))
    file, out, again = tmp_path / "s.yaml", tmp_path / "parent.json", tmp_path / "child.json"

    def optimized(*options):
        return run(store, app.commands.optimize, ["optimize", str(file), *options])

    file.write_text("name: base\ngap: 0.01\n")
    first = optimized("--method", "branch_and_bound", "--polish", "none", "--out", str(out))
    assert first.exit_code == 0, first.stderr
    parent = json.loads(out.read_text())
    assert parent["certificate"]["method"] == "branch_and_bound"
    assert parent["scenario"]["polish"] == "none"
    file.write_text("name: child\ngap: 0.01\nplan_price: {C0-0: '9.99'}\nmethod: decomposition\n")
    second = optimized("--warm", str(out), "--out", str(again))
    assert second.exit_code == 0, second.stderr
    assert "from a parent's result" in second.stdout
    proof = json.loads(again.read_text())["certificate"]
    assert proof["warm_start"] == parent["certificate"]["input_sha256"]
    assert "coupled by" in str(optimized("--method", "closed_form").exception)
    assert "is no result" in str(optimized("--warm", str(file)).exception)
