"""The Megaline figures, to the cent, from the command line's own path: load, bill, optimize."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from estates import pooled_estate

import app.commands.optimize
import loaders
import optimize
from app.jobs import REGISTRY
from app.views import optimizer
from app.views.selection import Filters
from core import jobs
from optimize import rules
from tests.run_command import run

ROOT = Path(__file__).resolve().parents[2]
CONVERTER = ROOT.parent / "shared" / "tools" / "megaline_to_canonical.py"


@pytest.fixture(scope="module")
def megaline(tmp_path_factory):
    """A store with the 490 Megaline lines."""
    if not CONVERTER.is_file() or not (CONVERTER.parent.parent / "data" / "megaline").is_dir():
        pytest.skip("the Megaline course data is not beside the project (../shared)")
    from core.store import Store

    folder = tmp_path_factory.mktemp("megaline")
    subprocess.run([sys.executable, str(CONVERTER), str(folder / "tables")], check=True)
    store = Store.open(f"sqlite:///{folder / 'tem.db'}")
    loaders.load_paths(store, [folder / "tables"])
    yield store
    store.close()


@pytest.mark.megaline
def test_bill_to_the_cent(megaline):
    assert optimize.bill(megaline).to_json()["total"] == 147557.18


@pytest.mark.megaline
def test_right_sizing_to_the_cent(megaline):
    result = optimize.run_scenario(megaline, {})
    proof = result.to_json()["certificate"]
    assert result.status == "optimal"
    assert proof["total_cost"] == 116785.39
    assert proof["abs_gap"] == 0.0


@pytest.mark.megaline
def test_the_models_agree_with_the_closed_form(megaline):
    """A limit that does not bind sends the same problem through the MIP."""
    proof = optimize.run_scenario(megaline, {"max_changes": 490, "gap": 0}).to_json()["certificate"]
    assert proof["solver"] == "HiGHS"
    assert proof["total_cost"] == 116785.39


@pytest.mark.megaline
def test_commands(megaline, tmp_path):
    def tem(*words):
        return run(megaline, app.commands.optimize, words)

    bill = tem("bill", "--json")
    assert json.loads(bill.stdout)["total"] == 147557.18
    file, out = tmp_path / "s.yaml", tmp_path / "r.json"
    file.write_text(yaml.safe_dump({"max_carriers": 0}))
    done = tem("optimize", str(file), "--out", str(out))
    assert done.exit_code == 4
    assert json.loads(out.read_text())["infeasible"]["groups"] == ["max_carriers"]
    assert "infeasible" in done.stderr
    file.write_text(yaml.safe_dump({"name": "all"}))
    done = tem("optimize", str(file), "--json")
    assert done.exit_code == 0
    assert json.loads(done.stdout)["certificate"]["total_cost"] == 116785.39
    replay = tem("backtest", str(file), "--json")
    assert json.loads(replay.stdout)["winner"] != "clairvoyant"


def test_backtest_on_a_pooled_estate():
    found = optimize.backtest_frames(pooled_estate(lines=40, months=8), {"gap": 0.001})
    policies = {p["policy"]: p for p in found["policies"]}
    assert set(policies) == {
        "keep",
        "line_average",
        "line_months",
        "two_group",
        "pooled_mean",
        "pooled_buffer",
        "stochastic",
        "stochastic_level",
        "clairvoyant",
    }
    least = policies["clairvoyant"]["paid"]
    assert all(p["paid"] >= least * (1 - 0.002) for p in policies.values())
    assert policies["stochastic"]["paid"] < policies["keep"]["paid"]
    assert found["winner"] in found["conclusion"]


def test_no_policy_beats_the_clairvoyant_even_where_its_search_found_nothing(monkeypatch):
    decide = rules.decide
    monkeypatch.setattr(rules, "decide", lambda name, *rest: {} if rest[2] == ["2025-03"] else decide(name, *rest))
    found = optimize.backtest_frames(pooled_estate(lines=12, months=3), {"gap": 0.01})
    regrets = {p["policy"]: p["regret"] for p in found["policies"]}
    assert min(regrets.values()) == regrets["clairvoyant"] == 0
    assert regrets["keep"] > 0


def test_backtest_needs_three_months():
    from core.issues import BadInput

    with pytest.raises(BadInput):
        optimize.backtest_frames(pooled_estate(lines=4, months=2), {})


@pytest.mark.megaline
def test_the_dashboard_shows_the_same(megaline):
    """The job of the scenario studio keeps the result; the optimizer page shows its certificate."""
    jobs.enqueue(megaline, "optimize", {"scenario": "name: Right-size\n", "name": "Right-size"})
    assert jobs.run_one(megaline, REGISTRY)
    seen = optimizer.view(megaline, Filters())
    assert seen.facts["Cost of all months"] == "$116,785.39"
    assert seen.facts["Result"] == "Proven optimal"
