"""What it is worth: every figure against independent solves, closed forms or the evaluator."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from estates import M, pooled_estate

import app.commands.worth
import optimize
from core.issues import BadInput
from core.jobs import Cancelled
from optimize.worth import STUDIES, worth_frames
from optimize.worth.commitment import odds
from optimize.worth.desk import Desk, better_of
from tests.run_command import run

GIVEN = {"gap": 0, "change_fee": 1, "porting_fee": 10}


def with_offers(frames, *, pooled=False):
    """The estate with a small plan of offer RFP and an unlimited one of offer RFQ, both at carrier C1."""
    group = "shared" if pooled else None
    offers = (
        frames["plans"]
        .iloc[[0, 2]]
        .assign(
            plan_id=["X-2", "X-U"],
            carrier_id="C1",
            offer_id=["RFP", "RFQ"],
            mrc=[9 * M, 30 * M],
            pool_group=[group, None],
        )
    )
    return {**frames, "plans": pd.concat([frames["plans"].assign(offer_id=None), offers], ignore_index=True)}


@pytest.fixture(scope="module")
def estate():
    return with_offers(pooled_estate(lines=6, months=2, contracts=True))


def cost(frames, given):
    found = optimize.run_frames(frames, {**GIVEN, **given})
    return found.to_json()["certificate"]["cost"]


def ask(frames, *studies, given=None, **more):
    found = worth_frames(frames, {**GIVEN, **(given or {})}, studies=studies, time_limit=3, **more)
    json.dumps(found)
    return {key: value for study in found["studies"].values() for key, value in study.items()}


def close(value):
    return pytest.approx(value, abs=0.011)


def test_the_price_of_a_policy_is_the_difference_of_two_solves(estate):
    given = {"max_changes": 3, "carriers_allowed": ["C0", "C1"], "keep": ["L000001"]}
    rows = {row["policy"]: row for row in ask(estate, "policies", given=given)["policies"]}
    base = cost(estate, given)
    for policy in ("max_changes", "keep", "porting_fee"):
        patch = {"porting_fee": 0} if policy == "porting_fee" else {}
        without = cost(estate, {k: v for k, v in given.items() if k != policy} | patch)
        assert rows[policy]["price"] == close(base - without)
        assert rows[policy]["low"] <= rows[policy]["price"] <= rows[policy]["high"]
    contracts = estate["contracts"].assign(commitment_amount=[0, estate["contracts"]["commitment_amount"].iloc[1]])
    assert rows["commitment:K-C0"]["price"] == close(base - cost({**estate, "contracts": contracts}, given))
    assert rows["carriers_allowed"]["price"] == close(0)


def test_an_impossible_scenario_gets_its_ways_out_with_their_cost(estate):
    held = estate["services"].groupby("carrier_id")["service_id"].first()
    given = {"max_carriers": 1, "keep": sorted(held)}
    found = worth_frames(estate, {**GIVEN, **given}, studies=["policies", "carriers", "frontier"], time_limit=3)
    assert set(found["infeasible"]["groups"]) == {"max_carriers", "keep"}
    rows = {row["policy"]: row for row in found["studies"]["policies"]["policies"]}
    assert rows["max_carriers=2"]["cost"] == close(cost(estate, {**given, "max_carriers": 2}))
    assert rows["keep"]["makes_feasible"]
    assert rows["keep"]["cost"] == close(cost(estate, {"max_carriers": 1}))
    assert found["studies"]["carriers"]["ladder"][0]["cost"] is None
    assert found["studies"]["frontier"] == {"frontier": []}


def test_break_even_without_couplings_is_the_closed_form_to_the_cent():
    frames = with_offers(pooled_estate(lines=6, months=2))
    frames["plans"]["pool_group"] = None
    (row,) = ask(frames, "break_even", plans=["X-2"])["plans"]
    # oracle: the most any line would pay, its best cost elsewhere less its cost on the plan at MRC 0
    most = Fraction(0)
    for service_id in frames["services"]["service_id"]:
        only = {"services": {"service_id": service_id}}
        elsewhere = cost(frames, only)
        free = cost(frames, {**only, "offers": ["RFP"], "plan_price": {"X-2": 0}, "force": {service_id: "X-2"}})
        most = max(most, Fraction(str(elsewhere)) - Fraction(str(free)))
    assert Fraction(str(row["break_even"])) < most <= Fraction(str(row["break_even"])) + Fraction(1, 100)
    assert row["proven"]


def test_plans_of_another_solve_replace_dearer_ones_where_they_are_allowed(estate):
    desk = Desk(estate, {**GIVEN, "offers": ["RFP"]})
    best = desk.answer()
    kept = {s: line["plan_id"] for s, line in desk.evaluator.lines.items()}
    loose = replace(best, assignment=kept, priced=desk.evaluator.price(kept), status="time_limit")
    assert loose.objective > best.objective
    unknown = dict.fromkeys(kept, "no such plan")
    found = better_of(loose, [unknown, best.assignment, kept])
    assert (found.objective, found.status, found.assignment) == (best.objective, "optimal", best.assignment)
    assert better_of(best, [kept]) is best
    locked = desk.answer({"keep": list(kept)})
    assert better_of(locked, [best.assignment]) is locked


@pytest.mark.parametrize("pooled", [False, True])
def test_at_break_even_a_line_moves_and_a_cent_above_none(pooled):
    frames = with_offers(pooled_estate(lines=6, months=2), pooled=pooled)
    (row,) = ask(frames, "break_even", plans=["X-2"], prices=[Fraction(12), Fraction(9), Fraction(5)])["plans"]
    without = cost(frames, {})
    at = row["break_even"]
    here = {"offers": ["RFP"]}
    assert cost(frames, here | {"plan_price": {"X-2": at}}) < without
    assert cost(frames, here | {"plan_price": {"X-2": round(at + 0.01, 2)}}) == close(without)
    lines = [point["lines"] for point in row["demand"]]
    savings = [point["saving"] for point in row["demand"]]
    assert [p["price"] for p in row["demand"]] == sorted((p["price"] for p in row["demand"]), reverse=True)
    assert lines == sorted(lines)
    assert savings == sorted(savings)
    assert lines[-1] >= 1


def test_a_plan_that_lines_are_on_has_no_break_even(estate):
    with pytest.raises(BadInput, match="lines are on it today"):
        ask(estate, "break_even", plans=["C0-0"])


def test_the_offer_check_is_the_estate_with_less_the_estate_without(estate):
    found = ask(estate, "offers")
    without, alone = cost(estate, {}), {o: cost(estate, {"offers": [o]}) for o in ("RFP", "RFQ")}
    both = cost(estate, {"offers": ["RFP", "RFQ"]})
    for row in found["offers"]:
        assert row["real"] == close(without - alone[row["offer_id"]])
        assert row["cost_without"] == close(without)
        assert len(row["moves"]) == row["lines"]
        assert {move["plan_id"] for move in row["moves"]} == set(row["by_plan"])
    award = found["award"]
    assert award["real"] == close(without - both)
    adds = {row["offer_id"]: row["adds"] for row in award["shares"]}
    assert adds == {"RFP": close(alone["RFQ"] - both), "RFQ": close(alone["RFP"] - both)}
    assert award["best_single"]["offer_id"] == min(alone, key=alone.get)


def test_the_price_sheet_counts_only_allowances():
    frames = with_offers(pooled_estate(lines=6, months=2))
    sheet = {row["offer_id"]: row for row in ask(frames, "offers")["offers"]}
    held = frames["services"].merge(frames["plans"], on="plan_id")
    dearer = held[held["mrc"] > 30 * M]  # the unlimited plan of RFQ covers all of them
    assert sheet["RFQ"]["promised"] == close(float((dearer["mrc"] - 30 * M).sum()) / M)
    assert sheet["RFQ"]["promised_lines"] == len(dearer)


def test_the_commitment_sweep_prices_each_level(estate):
    (row,) = ask(estate, "commitments", contracts=["K-C0"], steps=[(Fraction(60), Fraction(1, 5))])["commitments"]
    costs = [level["cost"] for level in row["levels"]]
    assert costs == sorted(costs)
    assert row["levels"][0]["extra"] == 0
    level = row["levels"][-1]
    contracts = estate["contracts"].assign(
        commitment_amount=[round(level["amount"] * M), estate["contracts"]["commitment_amount"].iloc[1]]
    )
    assert level["cost"] == close(cost({**estate, "contracts": contracts}, {}))
    tiers = estate["contract_tiers"]
    own = pd.DataFrame([{"contract_id": "K-C0", "spend_from": 0, "discount_rate": 200_000, "mode": "all_units"}])
    offered = {
        **estate,
        "contracts": contracts.assign(commitment_amount=[60 * M, contracts["commitment_amount"].iloc[1]]),
        "contract_tiers": pd.concat([tiers[tiers["contract_id"] != "K-C0"], own]),
    }
    assert row["offered"][0]["cost"] == close(cost(offered, {}))
    assert row["cheapest"]["rate"] == 0.2


def test_the_odds_of_missing_a_commitment():
    months = [100.0, 80.0, 120.0, 90.0]
    assert odds(months, 95, 1, 7) == 0.5
    assert odds(months, 0, 3, 7) == 0
    assert odds(months, 12 * 121, 12, 7) == 1
    year = odds(months, 12 * 97.5, 12, 7)
    assert 0.4 < year < 0.6  # the mean month is 97.5
    assert year == odds(months, 12 * 97.5, 12, 7)


def test_the_ladder_of_carriers(estate):
    ladder = ask(estate, "carriers")["ladder"]
    assert [row["carriers"] for row in ladder] == [1, 2]
    single = min(cost(estate, {"carriers_allowed": [c]}) for c in ("C0", "C1"))
    assert ladder[0]["cost"] == close(single)
    assert ladder[1]["cost"] == close(cost(estate, {}))
    assert ladder[0]["extra"] == close(ladder[0]["cost"] - ladder[1]["cost"])


def test_marginal_prices_are_the_slope_of_what_is_charged(estate):
    for row in ask(estate, "contracts")["contracts"]:
        rate = row["discount"] / row["spend"] if row["spend"] else 0.0
        expected = 1 - rate - (0.5 if row["above_commitment"] < 0 else 0)  # shortfall_rate of the estate: 0.5
        assert row["marginal_price"] == pytest.approx(expected)


def test_a_gb_in_a_pool_by_duals_by_resolving_and_as_plans_stand():
    frames = pooled_estate(lines=12, months=2)
    rows = ask(frames, "pools")["pools"]
    assert rows
    found = optimize.run_frames(frames, GIVEN)
    for row in rows:
        if row["dual_per_gb"] > 0.01:
            assert row["resolved_per_gb"] == pytest.approx(row["dual_per_gb"], rel=1e-3)
        # a line without a price that brings 1 GB and uses nothing
        plan = (
            frames["plans"]
            .iloc[[0]]
            .assign(plan_id="gift", carrier_id=row["carrier_id"], mrc=0, data_mb=1024 * M, service_kind="none")
        )
        line = pd.DataFrame([{"service_id": "gift", "kind": "none", "carrier_id": row["carrier_id"], "plan_id": "gift",
                              "account_id": row["account_id"], "status": "active"}])  # fmt: skip
        force = {s: p for s, p in found.assignment.items() if p is not None}
        more = {
            **frames,
            "plans": pd.concat([frames["plans"], plan]),
            "services": pd.concat([frames["services"], line]),
        }
        assert row["as_plans_stand"] == close(cost(frames, {"force": force}) - cost(more, {"force": force}))


def test_a_gb_by_passes_over_all_lines_is_what_the_whole_lp_says():
    """Two independent ways to the same relaxation: decomposition, and HiGHS on the model."""
    frames = pooled_estate(lines=150, months=4, carriers=2)
    given = {"gap": "0.0005"}
    by_passes, by_model = (
        {row["carrier_id"]: row for row in ask(frames, "pools", given={**given, "method": method})["pools"]}
        for method in ("decomposition", "model")
    )
    assert by_passes.keys() == by_model.keys() == {"C0", "C1"}
    for carrier, mine in by_passes.items():  # steps are of the allowance of the plans found, so they may differ
        other = by_model[carrier]
        assert mine["high_per_gb"] > 0.1
        assert mine["high_per_gb"] == pytest.approx(other["high_per_gb"], rel=1e-4)
        for row in (mine, other):
            slack = 1e-4 * row["high_per_gb"]
            assert row["low_per_gb"] - slack <= row["resolved_per_gb"] <= row["high_per_gb"] + slack
            assert row["low_per_gb"] <= row["dual_per_gb"] <= row["high_per_gb"]


def test_the_frontier_is_solved_and_beats_adding_up(estate):
    rows = ask(estate, "frontier")["frontier"]
    savings = [row["saving"] for row in rows]
    assert savings == sorted(savings)
    assert rows[-1]["share"] == 1
    first = rows[0]
    assert first["changes"] <= first["allowed"]
    assert first["cost"] == close(cost(estate, {"max_changes": first["allowed"]}))


def test_waiting_pays_where_a_fee_for_leaving_runs_out():
    frames = pooled_estate(lines=6, months=3)
    dear = frames["plans"]["carrier_id"] == "C0"
    frames["plans"]["mrc"] = np.where(dear, frames["plans"]["mrc"] * 3, frames["plans"]["mrc"])
    frames["services"] = frames["services"].assign(carrier_id="C0", account_id="A-C0", plan_id="C0-0")
    frames["services"]["term_end_on"] = "2025-04-30"  # the range ends in March: one month left
    frames["services"]["contract_id"] = "K0"
    frames["contracts"] = pd.DataFrame(
        [{"contract_id": "K0", "carrier_id": "C0", "etf_rule": "fixed", "etf_amount": 900 * M}]
    )
    told = ask(frames, "delay")["delay"]
    by_month = {row["delay"]: row for row in told["months"]}
    assert told["best"] == 1
    assert by_month[1]["one_off"] == 6 * 10
    assert by_month[0]["total"] == close(12 * cost(frames, {}))
    assert by_month[2]["total"] > by_month[1]["total"]
    assert by_month[1]["cost_of_delay"] < 0


def test_a_notice_date_that_passes_while_waiting_binds_for_another_term():
    frames = pooled_estate(lines=6, months=3)
    dear = frames["plans"]["carrier_id"] == "C0"
    frames["plans"]["mrc"] = np.where(dear, frames["plans"]["mrc"] * 3, frames["plans"]["mrc"])
    frames["services"] = frames["services"].assign(carrier_id="C0", account_id="A-C0", plan_id="C0-0")
    frames["services"]["term_end_on"] = "2025-06-30"
    frames["contracts"] = pd.DataFrame(
        [
            {
                **{"contract_id": "K0", "carrier_id": "C0", "etf_rule": "months_left_mrc", "etf_amount": M // 2},
                **{"start_date": "2024-07-01", "initial_term_months": 12, "renewal_term_months": 12},
                **{"renewal_type": "tacit", "notice_months": 2},  # notice by 2025-05-01 for 2025-07-01
            }
        ]
    )
    told = ask(frames, "delay", given={"change_fee": 0, "porting_fee": 0})["delay"]
    by_month = {row["delay"]: row for row in told["months"]}
    assert by_month[1]["renews"] == []  # the end of April is in time
    assert by_month[2]["renews"] == [{"contract_id": "K0", "until": "2026-06-30"}]
    # three months left now, two in a month, then the new term: thirteen months of half of today's price, or staying
    assert by_month[1]["one_off"] < by_month[0]["one_off"] < 1.6 * by_month[1]["one_off"]
    assert by_month[2]["cost"] > by_month[1]["cost"]
    assert told["best"] in (0, 1)
    assert by_month[2]["cost_of_delay"] > by_month[2]["lost"] > by_month[1]["lost"] > 0


def test_the_choice_of_least_regret():
    frames = pooled_estate(lines=6, months=2)
    told = ask(frames, "futures")["futures"]
    rows = {row["choice"]: row for row in told["choices"]}
    assert told["choose"] == min(rows, key=lambda c: (rows[c]["max_regret"], c))
    for row in rows.values():
        assert row["max_regret"] == max(row["regrets"].values())
        assert all(value >= 0 for value in row["regrets"].values())
    as_it_was = rows["best for data as it was"]
    assert as_it_was["costs"]["data as it was"] == close(cost(frames, {}))


def test_every_study_is_documented_and_runs(estate):
    text = (Path(__file__).resolve().parents[2] / "docs" / "optimizer.md").read_text(encoding="utf-8")
    assert [name for name in STUDIES if f"`{name}`" not in text] == []
    assert set(app.commands.worth._LINES) == set(STUDIES)


def test_two_runs_say_the_same_and_a_cancel_is_heard(estate):
    first, second = (ask(estate, "offers", "contracts") for _ in range(2))
    assert first == second
    with pytest.raises(Cancelled):
        ask(estate, "policies", cancelled=lambda: True)


def test_the_command(store_of, tmp_path):
    store = store_of(with_offers(pooled_estate(lines=6, months=3)))
    file, out = tmp_path / "s.yaml", tmp_path / "w.json"
    file.write_text(yaml.safe_dump({"gap": 0.001, "currency": "USD", "porting_fee": 10}))
    done = run(store, app.commands.worth, ["worth", str(file), "--study", "futures", "--study", "break_even", "--plan",
                                           "X-U",
                                           "--price", "25", "--json", "--out", str(out)])  # fmt: skip
    assert done.exit_code == 0, done.stderr
    told = json.loads(done.stdout)
    assert json.loads(out.read_text()) == told
    assert {"currency", "months", "base", "baseline_cost", "input_sha256"} <= set(told)
    assert [p["price"] for p in told["studies"]["break_even"]["plans"][0]["demand"]] == [25.0]
    done = run(store, app.commands.worth, ["worth", str(file), "--study", "contracts", "--study", "pools"])
    assert done.exit_code == 0
    assert "today" in done.stdout
    file.write_text(yaml.safe_dump({"max_carriers": 0}))
    done = run(store, app.commands.worth, ["worth", str(file), "--study", "policies"])
    assert done.exit_code == 4
    assert "infeasible" in done.stderr
    for words in (["--study", "nothing"], ["--plan", "nothing"], ["--step", "12"], ["--price", "x"]):
        problem = run(store, app.commands.worth, ["worth", str(file), *words])
        assert isinstance(problem.exception, BadInput)


def test_the_dashboard_asks_and_shows(store_of):
    from app.jobs import REGISTRY
    from app.views import worth
    from app.views.selection import Filters
    from core import jobs

    store = store_of(pooled_estate(lines=5, months=2, contracts=True))
    text = "name: Mine\ngap: 0.01\n"
    jobs.enqueue(store, "optimize", {"scenario": text, "name": "Mine"})
    jobs.enqueue(store, "worth", {"scenario": text, "studies": ["contracts", "frontier", "pools"], "time_limit": 3})
    while jobs.run_one(store, REGISTRY):
        pass
    data = worth.view(store, Filters())
    assert data.done == {"contracts", "frontier", "pools"}
    assert len(data.frontier)
    assert "solves, each re-priced from usage" in data.proof
