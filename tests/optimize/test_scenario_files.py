"""Scenario files: exact values, every problem named, nothing ignored."""

from fractions import Fraction
from pathlib import Path

import pandas as pd
import pytest
from estates import pooled_estate

import optimize
from core.issues import BadInput
from optimize import explain, problem, scenario
from optimize.backtest import POLICIES
from optimize.methods import METHODS, POLISHES

ROOT = Path(__file__).resolve().parents[2]


def issues(given, frames=None):
    with pytest.raises(BadInput) as caught:
        optimize.run_frames(frames or pooled_estate(lines=4, months=3), given)
    return [str(issue) for issue in caught.value.issues]


def test_a_file_is_read_exactly(tmp_path):
    file = tmp_path / "s.yaml"
    file.write_text(
        "name: x\nmonths: {from: 2025-01, to: 2025-03}\nchange_fee: 0.1\ngap: 1e-3\nkeep: [00123]\n"
        "growth: {data: 0.015}\nmax_carriers:\nobjective: cvar\ncvar: {alpha: 0.95, weight: 0.3}\n"
    )
    read = scenario.read(file)
    assert read.change_fee == 100_000
    assert read.gap == Fraction(1, 1000)
    assert read.keep == ("00123",)
    assert read.growth == {"data": 15_000}
    assert read.max_carriers is None
    assert (read.alpha, read.weight, read.first, read.last) == (Fraction(19, 20), Fraction(3, 10), "2025-01", "2025-03")


@pytest.mark.parametrize(
    "text",
    ["- a\n- b\n", "name: [", "name: a\nname: b\n", "just text", "? [a]\n: b\n", "!!python/object:os.system {}\n"],
)
def test_what_is_no_scenario_is_one_line(tmp_path, text):
    file = tmp_path / "s.yaml"
    file.write_text(text)
    with pytest.raises(BadInput) as caught:
        scenario.read(file)
    assert len(caught.value.issues) == 1
    assert "\n" not in str(caught.value.issues[0])


def test_every_problem_is_named_at_once():
    given = {
        "max_carrier": 2,
        "change_fee": -1,
        "gap": -0.1,
        "horizon_months": 0,
        "cvar": {"alpha": 1, "weight": 1.5, "beta": 2},
        "objective": "best",
        "growth": {"fax": 1},
        "services": {"colour": "red"},
        "months": {"from": "2026-13", "until": "2026-01"},
        "max_changes": "many",
        "plan_price": {"C0-0": "1e999"},
        "keep": {"a": 1},
    }
    found = issues(given)
    for key in ("max_carrier", "change_fee", "gap", "horizon_months", "cvar.alpha", "cvar.weight", "cvar.beta"):
        assert any(f"field {key}" in line for line in found), key
    for key in ("objective", "growth.fax", "services.colour", "months.from", "months.until", "max_changes"):
        assert any(f"field {key}" in line for line in found), key
    assert any("plan_price.C0-0" in line for line in found)


def test_unknown_ids_are_named():
    given = {
        "carriers_allowed": ["C9"],
        "offers": ["none"],
        "plan_price": {"p9": 1},
        "force": {"nobody": "C0-0", "L000000": "p8"},
        "keep": ["ghost"],
        "target_accounts": {"C0": "A-C1", "C8": "A-C0", "C1": "A9"},
    }
    found = "\n".join(issues(given))
    for name in ("C9", "none", "p9", "nobody", "p8", "ghost", "A-C1", "C8", "A9"):
        assert f'"{name}' in found, name


def test_force_outside_the_filter_and_keep_outside_it():
    given = {"services": {"service_id": "L000001"}, "force": {"L000000": "C0-0"}}
    assert "leaves this service out" in issues(given)[0]
    kept = {"services": {"service_id": "L000001"}, "keep": ["L000000"]}
    assert optimize.run_frames(pooled_estate(lines=4, months=3), kept).exit_code == 0


def test_ranges():
    assert "from not after to" in issues({"months": {"from": "2025-03", "to": "2025-01"}})[0]
    frames = pooled_estate(lines=4, months=3)
    frames["services"]["activated_on"] = "2025-02-01"
    assert "no service" in issues({"months": {"from": "2024-01", "to": "2024-02"}}, frames)[0]
    empty = {**frames, "usage": frames["usage"].iloc[:0]}
    assert "range is needed" in issues({}, empty)[0]


def with_plans(**columns):
    frames = pooled_estate(lines=4, months=3)
    plans = frames["plans"].copy()
    for name, change in columns.items():
        values = [change.get(p, None if pd.isna(v) else v) for p, v in zip(plans["plan_id"], plans[name], strict=True)]
        plans[name] = pd.array(values, dtype="Int64") if plans[name].dtype == "Int64" else values
    return {**frames, "plans": plans}


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"data_overage_price": {"C0-1": 7_000_000}}, "differ in overage price"),
        ({"data_mb": {"C0-0": None}}, "needs an allowance"),
        ({"mrc": {"C0-0": -1}}, "0 or more"),
        ({"data_overage_block_mb": {"C0-0": 0}}, "above 0"),
    ],
)
def test_bad_plans(columns, said):
    assert any(said in line for line in issues({}, with_plans(**columns)))


def test_currencies():
    frames = pooled_estate(lines=8, months=3)
    plans = frames["plans"].copy()
    plans["currency"] = ["USD", "USD", "USD", "EUR", "EUR", "EUR"]
    frames = {**frames, "plans": plans}
    assert "current plans of one currency" in issues({}, frames)[0]
    assert "another currency" in issues({"currency": "USD"}, frames)[0]
    result = optimize.run_frames(frames, {"currency": "USD", "other_currencies": "leave_out"})
    assert [c["carrier_id"] for c in result.to_json()["by_carrier"]] == ["C0"]
    bill = optimize.bill_frames(frames).to_json()
    assert bill["total"] is None
    assert [part["currency"] for part in bill["by_currency"]] == ["EUR", "USD"]


def test_contract_problems():
    frames = pooled_estate(lines=4, months=3, contracts=True)
    foreign = {**frames, "contracts": frames["contracts"].assign(currency="EUR")}
    assert any("another currency" in line for line in issues({"currency": "USD"}, foreign))
    mixed = frames["contract_tiers"].copy()
    mixed.loc[0, "mode"] = "incremental"
    assert any("two modes" in line for line in issues({}, {**frames, "contract_tiers": mixed}))
    twice = pd.concat([frames["contract_tiers"], frames["contract_tiers"]])
    assert any("same spend" in line for line in issues({}, {**frames, "contract_tiers": twice}))


def test_every_key_group_reason_and_policy_is_documented():
    text = (ROOT / "docs" / "optimizer.md").read_text(encoding="utf-8")
    names = [*scenario.KEYS, *problem.GROUPS, *problem.COUPLINGS, *explain.REASONS, *POLICIES, *METHODS, *POLISHES]
    assert [name for name in names if f"`{name}`" not in text] == []
    for registry in (problem.GROUPS, problem.COUPLINGS):
        assert all(title and sentence.endswith(".") for title, sentence in registry.values())


def test_every_group_is_exercised_by_a_conflict():
    text = (Path(__file__).parent / "test_plan_infeasible.py").read_text(encoding="utf-8")
    untested = [name for name in problem.GROUPS if f'"{name}"' not in text]
    assert untested in ([], ["eligibility"])
