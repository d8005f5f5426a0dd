"""Prices of policies and break-even prices against brute force on random tiny instances."""

from __future__ import annotations

import copy
import random

import pytest
from plan_oracle import Oracle, as_frames, instance

from optimize.worth import worth_frames


def best(tables, scenario):
    """The optimum by enumeration, None where nothing is feasible."""
    found = Oracle(tables, scenario).solve()
    return None if found is None else float(found[0])


def without(tables, scenario, policy):
    """Tables and scenario with a policy taken away."""
    if policy == "coverage":
        return {**tables, "coverage": []}, scenario
    if policy in ("min_lines", "max_lines"):
        return {**tables, "plans": [{**p, policy: None} for p in tables["plans"]]}, scenario
    if policy.startswith("commitment:"):
        changed = [
            {**c, "commitment_amount": 0 if c["contract_id"] == policy.split(":")[1] else c["commitment_amount"]}
            for c in tables["contracts"]
        ]
        return {**tables, "contracts": changed}, scenario
    if policy == "early_termination":
        return {**tables, "contracts": [{**c, "etf_rule": "none"} for c in tables["contracts"]]}, scenario
    return tables, {k: v for k, v in scenario.items() if k != policy}


@pytest.mark.parametrize(("feature", "seed"), [("shortfall", 1), ("etf", 2), ("coverage", 4), ("everything", 5)])
def test_policies_equal_brute_force(feature, seed):
    tables, scenario = instance(random.Random(f"worth{feature}{seed}"), feature)
    scenario = {**scenario, "max_changes": 1, "porting_fee": 7, "objective": "expected"}
    found = worth_frames(as_frames(tables), scenario, studies=["policies"], time_limit=10)
    base = best(tables, scenario)
    assert (base is None) == (found["infeasible"] is not None)
    checked = 0
    for row in found["studies"]["policies"]["policies"]:
        if "=" in row["policy"] or row["policy"] == "min_saving_per_change":
            continue
        free = best(*without(tables, scenario, row["policy"]))
        if base is None or free is None:
            assert row["price"] is None
            assert bool(row["makes_feasible"]) == (free is not None), row["policy"]
            continue
        checked += 1
        assert row["price"] == pytest.approx(base - free, abs=2e-4), row["policy"]
        assert row["low"] - 2e-6 <= base - free <= row["high"] + 2e-6, row["policy"]
    assert base is None or checked >= 2


@pytest.mark.parametrize("seed", range(4))
def test_break_even_equals_brute_force(seed):
    rng = random.Random(f"even{seed}")
    tables, scenario = instance(rng, "data_pool")
    scenario = {k: v for k, v in scenario.items() if k not in ("offers", "plan_price", "force", "cvar", "objective")}
    tables = copy.deepcopy(tables)
    tables.pop("contract_tiers", None)
    tables["services"] = tables["services"][:3]
    kept = {row["service_id"] for row in tables["services"]}
    tables["usage"] = [row for row in tables["usage"] if row["service_id"] in kept]
    scenario["keep"] = [s for s in scenario.get("keep", ()) if s in kept]
    for plan in tables["plans"]:
        plan |= {"offer_id": None, "min_lines": None, "max_lines": None}
    for contract in tables.get("contracts", ()):
        contract["commitment_amount"] = None
    offered = {**rng.choice(tables["plans"]), "plan_id": "zz", "offer_id": "o", "service_kind": None}
    whole = {**tables, "plans": [*tables["plans"], offered]}
    found = worth_frames(as_frames(whole), scenario, studies=["break_even"], plans=["zz"], time_limit=10, prices=[5])
    (row,) = found["studies"]["break_even"]["plans"]
    none = best(tables, scenario)
    if none is None:
        assert row["break_even"] is None
        return

    def at(price):
        return best(whole, {**scenario, "offers": ["o"], "plan_price": {"zz": f"{price:.2f}"}})

    assert row["without"]["objective"] == pytest.approx(none, abs=1e-5)
    if row["break_even"] is None:
        assert at(0) >= none - 1e-6
        return
    assert at(row["break_even"]) < none
    assert at(row["break_even"] + 0.01) >= none - 1e-6
    assert row["demand"][0]["saving"] == pytest.approx(none - at(5), abs=2e-5)
