"""The price of every policy: take it away, solve again, and the difference is what it costs a month.

For a scenario that cannot be met it is the list of ways out, each with the cost of going it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import pandas as pd

from optimize.result import money
from optimize.worth.desk import Answer, Desk, difference


@dataclass(frozen=True)
class Policy:
    """One rule of the scenario, of the plans or of a contract, and the change that takes it away."""

    policy: str
    name: str
    patch: Mapping[str, Any] = field(default_factory=dict)
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)


def present(desk: Desk) -> list[Policy]:
    """The policies that hold in this scenario, in a fixed order."""
    scenario, found = desk.scenario, []
    rules: list[tuple[str, str, bool]] = [
        ("carriers_allowed", f"Only these carriers: {', '.join(scenario.carriers_allowed or ())}",
         scenario.carriers_allowed is not None),
        ("max_carriers", f"At most {scenario.max_carriers} carriers", scenario.max_carriers is not None),
        ("max_changes", f"At most {scenario.max_changes} changes", scenario.max_changes is not None),
        ("overage_probability", _overage_words(desk), bool(scenario.limited_kinds)),
        ("keep", f"{len(scenario.keep):,} services keep their plan", bool(scenario.keep)),
        ("force", f"{len(scenario.force):,} services are forced on a plan", bool(scenario.force)),
        ("services", "Only the services of the filter may change", bool(scenario.services)),
        ("min_saving_per_change", f"A change must save {money(Fraction(scenario.min_saving_per_change, 10**6)):,.2f}",
         bool(scenario.min_saving_per_change)),
        ("change_fee", f"One-off fee of {money(Fraction(scenario.change_fee, 10**6)):,.2f} a change",
         bool(scenario.change_fee)),
        ("porting_fee", f"One-off fee of {money(Fraction(scenario.porting_fee, 10**6)):,.2f} a move to another carrier",
         bool(scenario.porting_fee)),
        ("carrier_fixed_cost",
         f"A fixed cost of {', '.join(c for c, a in sorted(scenario.carrier_fixed_cost.items()) if a)}",
         any(scenario.carrier_fixed_cost.values())),
    ]  # fmt: skip
    # a limit of 1 limits nothing, and still says that buckets of a pool with free overage are meant
    without = {"overage_probability": {**(desk.document.get("overage_probability") or {}), "limit": 1}}
    found += [Policy(key, name, {key: without.get(key)}) for key, name, there in rules if there]
    return found + _of_tables(desk)


def _overage_words(desk: Desk) -> str:
    rule = desk.scenario.overage_probability
    return (
        "" if rule is None else f"Pools above their allowance in at most {float(rule.limit) * 100:.4g} % of the months"
    )


def _of_tables(desk: Desk) -> list[Policy]:
    frames, found = desk.frames, []
    if desk.problem.covered:
        found.append(
            Policy("coverage", "Only carriers that cover the site", tables={"coverage": frames["coverage"].iloc[:0]})
        )
    plans = frames["plans"]
    for name, text in (("min_lines", "Minimum lines of a plan"), ("max_lines", "Maximum lines of a plan")):
        if name in plans.columns and plans[name].notna().any():
            found.append(Policy(name, text, tables={"plans": plans.assign(**{name: pd.NA})}))
    contracts = frames.get("contracts")
    if contracts is None or contracts.empty:
        return found
    if "etf_rule" in contracts.columns and contracts["etf_rule"].isin(["fixed", "months_left_mrc"]).any():
        free = contracts.assign(etf_rule="none")
        found.append(Policy("early_termination", "Fees for leaving a contract early", tables={"contracts": free}))
    for contract_id, contract in sorted(desk.problem.contracts.items()):
        if contract.commitment and contract.shortfall_rate:
            changed = contracts.copy()
            changed.loc[changed["contract_id"] == contract_id, "commitment_amount"] = 0
            text = f"Commitment of {contract_id}: {money(contract.commitment):,.2f} a month"
            found.append(Policy(f"commitment:{contract_id}", text, tables={"contracts": changed}))
    return found


def study(desk: Desk) -> dict[str, Any]:
    """`policies`: each with its price a month (value, proven range) and the estate's cost without it, dearest first."""
    rows = []
    for policy in present(desk):
        desk.say(f"without: {policy.name}")
        without = desk.answer(policy.patch, tables=policy.tables, known=(desk.base.assignment,))
        rows.append({"policy": policy.policy, "name": policy.name, **_price(desk.base, without, policy)})
    if not desk.base.feasible:
        rows += _ways_out(desk)
    rows.sort(key=lambda r: (r["price"] is None, -(r["price"] or 0), r["cost"] is None, r["cost"] or 0, r["policy"]))
    return {"policies": rows}


def _price(base: Answer, without: Answer, policy: Policy) -> dict[str, Any]:
    facts = without.facts()
    told = {"cost": facts["cost"], "status": facts["status"], "changes": facts.get("changes")}
    if not base.feasible or not without.feasible:
        return {"price": None, "low": None, "high": None, "makes_feasible": without.feasible, **told}
    found = difference(base, without)
    if policy.policy == "min_saving_per_change":
        # it is in the objective of the base only, so costs are compared
        value = max(Fraction(0), base.cost - without.cost)
        high = max(value, base.cost - without.bound)
        found = {"value": money(value), "low": 0.0, "high": money(high)}
    return {"price": found["value"], "low": found["low"], "high": found["high"], "makes_feasible": None, **told}


def _ways_out(desk: Desk) -> list[dict[str, Any]]:
    """Relaxations that give a number (so many carriers, so many changes) with the cost of the estate under each."""
    rows = []
    for way in desk.base.why.relaxations if desk.base.why else ():
        if way["group"] not in ("max_carriers", "max_changes", "overage_probability") or way["value"] is None:
            continue
        desk.say(f"way out: {way['text']}")
        value = way["value"]
        if way["group"] == "overage_probability":
            value = {**desk.document["overage_probability"], "limit": value}
        facts = desk.answer({way["group"]: value}).facts()
        rows.append(
            {
                **{"policy": f"{way['group']}={way['value']}", "name": way["text"][0].upper() + way["text"][1:]},
                **{"price": None, "low": None, "high": None, "makes_feasible": facts["status"] != "infeasible"},
                **{"cost": facts["cost"], "status": facts["status"], "changes": facts.get("changes")},
            }
        )
    return rows
