"""What users get wrong, on the command line: one line each, exit code 2 or 4, never a traceback, never an answer."""

import json

import pandas as pd
import pytest
from estates import M, pooled_estate

from app import cli
from core.settings import settings


@pytest.fixture
def optimized(store, tmp_path, monkeypatch, capsys):
    """A function from tables and a scenario text to exit code, standard output and error of `tem optimize`."""

    def ask(frames, text, *options):
        with store.transaction() as txn:
            for name, frame in frames.items():
                txn.append(name, frame)
        file = tmp_path / "s.yaml"
        file.write_text(text)
        monkeypatch.setenv("TEM_STORE_URL", store.full_url)
        settings.cache_clear()  # opening the store has read them
        monkeypatch.setattr("sys.argv", ["tem", "optimize", str(file), *options])
        with pytest.raises(SystemExit) as left:
            cli.main()
        shown = capsys.readouterr()
        return left.value.code, shown.out, shown.err

    return ask


def estate(**columns):
    frames = pooled_estate(lines=6, months=3, contracts=True)
    for name, change in columns.items():
        plans = frames["plans"]
        values = [change.get(p, None if pd.isna(v) else v) for p, v in zip(plans["plan_id"], plans[name], strict=True)]
        frames["plans"] = plans.assign(**{name: pd.array(values, dtype="Int64")})
    return frames


def told(lines):
    """The problem lines of standard error; the steps of a run that came so far are left out."""
    return [line for line in lines.splitlines() if "pricing every line" not in line]


FOREIGN = estate()
FOREIGN["contracts"] = FOREIGN["contracts"].assign(currency="EUR")
SILENT = estate()
SILENT["usage"] = SILENT["usage"].iloc[:0]


@pytest.mark.parametrize(
    ("frames", "text", "said"),
    [
        pytest.param(
            estate(data_overage_price={"C0-1": 7 * M}), "{}", "C0-0, C0-1 of C0 differ", id="contradicting pool"
        ),
        pytest.param(estate(), "plan_price: {C0-0: -1}\n", "plan_price.C0-0", id="negative price"),
        pytest.param(SILENT, "{}", "no usage is loaded", id="missing usage"),
        pytest.param(estate(), "force: {nobody: C0-0}\n", "unknown service", id="unknown id"),
        pytest.param(FOREIGN, "currency: USD\n", "in another currency", id="commitment in another currency"),
        pytest.param(
            estate(),
            "months: {from: 2025-03, to: 2025-01}\n",
            "from not after to",
            id="months that end before they begin",
        ),
        pytest.param(estate(), "months: {from: 2024-99, to: 2024-01}\n", "months.from", id="no month"),
        pytest.param(estate(), "change_fee: -3\n", "change_fee", id="negative fee"),
        pytest.param(estate(), "scenario_set: {kind: dice}\n", "history or bootstrap or factors", id="unknown kind"),
        pytest.param(estate(), "scenario_set: {kind: bootstrap, draws: 0}\n", "scenario_set.draws", id="no draw"),
        pytest.param(estate(), "overage_probability: {limit: 2}\n", "overage_probability.limit", id="more than always"),
        pytest.param(estate(), "carrier_fixed_cost: {C9: 5}\n", "unknown carrier", id="fixed cost of nobody"),
        pytest.param(estate(), "carrier_fixed_cost: {C0: -5}\n", "carrier_fixed_cost.C0", id="negative fixed cost"),
        pytest.param(estate(), "carrier_fixed_cost: 5\n", "a mapping", id="fixed cost of no carrier"),
        pytest.param(estate(), "carrier_fixed_cost: {C0: [5]}\n", "one value", id="a list as fixed cost"),
        pytest.param(estate(), "method: magic\n", "closed_form", id="unknown method"),
        pytest.param(estate(), "method: closed_form\n", "methods that fit", id="method that does not fit"),
        pytest.param(estate(), "polish_within: 2\n", "polish_within", id="more than everything for fewer changes"),
    ],
)
def test_a_named_problem_and_exit_code_2(optimized, frames, text, said):
    code, out, err = optimized(frames, text, "--json")
    assert code == 2, err
    assert out == ""
    lines = told(err)
    assert any(said in line for line in lines), lines
    assert not any("Traceback" in line or "internal error" in line for line in lines)


def test_an_empty_range_of_months(optimized):
    frames = estate()
    frames["services"] = frames["services"].assign(activated_on="2025-02-01")
    code, _, err = optimized(frames, "months: {from: 2024-01, to: 2024-03}\n")
    assert (code, len(told(err))) == (2, 1)
    assert "no service" in err


def test_a_line_that_no_plan_can_serve_is_exit_4_with_its_ways_out(optimized, tmp_path):
    frames = estate()
    frames["services"] = frames["services"].assign(site_id="S1", carrier_id="C0", account_id="A-C0", plan_id="C0-0")
    frames["sites"] = pd.DataFrame({"site_id": ["S1"]})
    frames["coverage"] = pd.DataFrame({"site_id": ["S1"], "carrier_id": ["C0"]})
    out = tmp_path / "r.json"
    code, shown, err = optimized(frames, "carriers_allowed: [C1]\n", "--out", str(out), "--json")
    assert code == 4
    found = json.loads(out.read_text())
    assert json.loads(shown) == found
    assert found["infeasible"]["groups"] == ["coverage", "carriers_allowed"]
    assert "left without any plan" in err
    assert found["certificate"]["cost"] is None


def test_a_second_is_enough_for_an_incumbent_with_its_honest_gap(optimized):
    frames = pooled_estate(lines=700, months=9, carriers=4, contracts=True)
    code, out, err = optimized(frames, "gap: 0\n", "--time-limit", "1", "--json")
    assert code == 0, err
    found = json.loads(out)
    proof = found["certificate"]
    assert found["status"] == "time_limit"
    assert proof["bound"] < proof["objective"] <= found["baseline_cost"]
    assert proof["abs_gap"] == pytest.approx(proof["objective"] - proof["bound"], abs=2e-6)
