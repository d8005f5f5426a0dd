"""Policies: what they decide, and that the one that wins can be recommended."""

from __future__ import annotations

import itertools
import json

import pandas as pd
import pytest
import yaml
from estates import M, pooled_estate

import app.commands.optimize
import optimize
from core.issues import BadInput
from optimize import rules, scenario
from optimize.evaluate import Evaluator
from optimize.scope import Setting
from tests.run_command import run


def test_the_two_group_sweep_is_the_best_cut_of_the_ranking():
    frames = pooled_estate(lines=9, months=1, carriers=1)
    frames["plans"]["pool_group"] = None
    found = rules.decide("two_group", frames, scenario.parse({}), ["2025-01"], 5)
    data = frames["usage"].query("usage_type == 'data'").set_index("service_id")["quantity"] / M
    voice = frames["usage"].query("usage_type == 'voice'").set_index("service_id")["quantity"] / M
    plans = {row.plan_id: row for row in frames["plans"].itertuples()}

    def price(plan, lines):
        if not lines:
            return 0.0
        row, use = plans[plan], (data[lines].mean(), voice[lines].mean())
        cost = row.mrc / M
        if not pd.isna(row.data_mb):
            cost += max(0, use[0] - row.data_mb / M) / 1024 * 10
            cost += max(0, use[1] - row.voice_min / M) * 0.05
        return cost * len(lines)

    ranked = sorted(data.index, key=lambda s: -data[s])
    best = min(
        price(a, ranked[:cut]) + price(b, ranked[cut:])
        for cut in range(len(ranked) + 1)
        for a, b in itertools.product(plans, plans)
    )
    groups = {plan: [s for s in ranked if found[s] == plan] for plan in set(found.values())}
    assert sum(price(plan, lines) for plan, lines in groups.items()) == pytest.approx(best)
    assert len(groups) <= 2


def test_the_last_month_sets_the_level_and_months_keep_their_differences():
    frames = pooled_estate(lines=6, months=4)
    usage = frames["usage"]
    abroad = usage.iloc[:1].assign(zone="roaming")
    frames["usage"] = pd.concat([usage, abroad], ignore_index=True)
    frames["services"]["activated_on"] = [None, None, None, None, None, "2025-03-01"]  # fewer lines at first
    train = ["2025-01", "2025-02", "2025-03"]
    found = rules.levelled(frames, train)["usage"]
    lines = pd.Series({"2025-01": 5, "2025-02": 5, "2025-03": 6})

    def levels(table, kind):
        home = table[(table["usage_type"] == kind) & (table["zone"] == "home") & table["month"].isin(train)]
        return home.groupby("month")["quantity"].sum().astype(float) / lines

    for kind in ("data", "voice"):
        before, after = levels(frames["usage"], kind), levels(found, kind)
        assert after.mean() == pytest.approx(before["2025-03"], rel=1e-6)
        assert (after / before).tolist() == pytest.approx([before["2025-03"] / before.mean()] * 3, rel=1e-6)
    assert found["quantity"].iloc[-1] == abroad["quantity"].iloc[0]
    silent = frames["usage"][frames["usage"]["month"] != "2025-03"]
    assert rules.levelled({**frames, "usage": silent}, train)["usage"]["quantity"].tolist() == list(silent["quantity"])


def test_a_policy_is_recommended_with_its_exact_cost_and_the_bound_of_the_optimum():
    frames = pooled_estate(lines=8, months=3)
    given = scenario.parse({"change_fee": 1, "gap": 0})
    document = rules.recommend(frames, given, ["line_average"], 5)
    months = ("2025-01", "2025-02", "2025-03")
    evaluator = Evaluator(frames, given, Setting(months, "USD"))
    plans = rules.decide("line_average", frames, given, list(months), 5)
    assert document["certificate"]["cost"] == pytest.approx(float(evaluator.price(plans).cost), abs=1e-6)
    optimum = optimize.run_frames(frames, given).to_json()
    assert document["certificate"]["bound"] == optimum["certificate"]["bound"]
    assert document["saving"] <= optimum["saving"] + 1e-6
    assert document["policy"] == "line_average"
    changed = {r["service_id"]: r["plan_id"] for r in document["recommendations"] if r["action"] != "keep"}
    held = frames["services"].set_index("service_id")["plan_id"]
    assert changed == {s: p for s, p in plans.items() if p != held[s]}
    assert rules.recommend(frames, given, ["stochastic"], 5)["certificate"]["cost"] == optimum["certificate"]["cost"]


def test_a_policy_that_breaks_a_limit_gives_way_to_the_next():
    frames = pooled_estate(lines=8, months=3)
    limited = scenario.parse({"max_changes": 1})
    assert rules.recommend(frames, limited, ["line_average", "keep"], 5)["policy"] == "keep"
    with pytest.raises(BadInput, match="max_changes"):
        rules.recommend(frames, limited, ["line_average"], 5)


def test_the_conclusion_says_how_sure_it_is():
    found = optimize.backtest_frames(pooled_estate(lines=8, months=6), {"gap": 0.01}, time_limit=2)
    assert found["ranking"][0] == found["winner"]
    assert "standard error" in found["conclusion"] or "One cut" in found["conclusion"]


def test_the_command_writes_the_winner(store_of, tmp_path):
    store = store_of(pooled_estate(lines=5, months=4))
    file, out = tmp_path / "s.yaml", tmp_path / "r.json"
    file.write_text(yaml.safe_dump({"gap": 0.01}))
    done = run(
        store,
        app.commands.optimize,
        ["backtest", str(file), "--recommend", str(out), "--policy", "line_months", "--json"],
    )
    assert done.exit_code == 0, done.stderr
    told, result = json.loads(done.stdout)["recommended"], json.loads(out.read_text())
    assert told["policy"] == result["policy"] == "line_months"
    assert told["cost"] == result["certificate"]["cost"]
    assert isinstance(
        run(store, app.commands.optimize, ["backtest", str(file), "--policy", "luck"]).exception, BadInput
    )


def test_the_dashboard_keeps_the_plans_of_a_policy_as_a_result(store_of):
    from app import jobs
    from app.views import results

    class Quiet:
        def say(self, *_, **__): ...

        def cancelled(self):
            return False

    store = store_of(pooled_estate(lines=5, months=3))
    params = {"scenario": "gap: 0.01\n", "name": "Mine", "ranking": ["two_group", "keep"]}
    done = jobs.recommend(store, params, Quiet())
    (item,) = results.outcomes(store)
    assert item.result_id == done["result_id"]
    assert item.name == "Mine, by two group"
    assert item.document["policy"] == "two_group"
    assert item.cost >= item.bound
