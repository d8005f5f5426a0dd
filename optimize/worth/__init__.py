"""What a scenario is worth: policies, prices, commitments, carriers, offers, timing, futures, each by re-solving."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from core.issues import BadInput, Issue
from optimize import frames as tables
from optimize import scenario as scenarios
from optimize.result import money, versions
from optimize.worth import bids, carriers, changes, commitment, futures, offers, plan_price, policies, pools, timing
from optimize.worth.desk import Desk


@dataclass(frozen=True)
class Study:
    """One question and the function that answers it."""

    title: str
    asks: str
    run: Callable[..., dict[str, Any]]


#: Every study by id; each is described in docs/optimizer.md.
STUDIES: dict[str, Study] = {
    "policies": Study("Price of each policy", "What does each rule cost a month?", policies.study),
    "offers": Study("Counter-offer check and award", "What does each offer really save, who gets what?", offers.study),
    "bids": Study("Bids side by side", "What does each bid cost over its term, and who should get what?", bids.study),
    "break_even": Study("Break-even and demand", "At which price do how many lines move?", plan_price.study),
    "commitments": Study("Commitment sweep", "What does each level of commitment cost?", commitment.study),
    "carriers": Study("Consolidation ladder", "What do fewer carriers cost?", carriers.ladder),
    "contracts": Study("Effective marginal price", "What does one more unit of spend cost?", carriers.marginal),
    "pools": Study("A GB more in each pool", "What is more allowance worth?", pools.study),
    "frontier": Study("Saving by number of changes", "How few changes bring most of it?", changes.study),
    "delay": Study("Cost of delay", "When is it best to act?", timing.study),
    "futures": Study("Least regret", "Which choice holds if use turns out otherwise?", futures.study),
}


def worth(
    store: Any,
    scenario: Mapping[str, Any] | Path | str,
    *,
    studies: Iterable[str] | None = None,
    time_limit: float | None = 10.0,
    progress: Callable[[str], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
    **asked: Any,
) -> dict[str, Any]:
    """The studies of a scenario on a store; see :func:`worth_frames`."""
    return worth_frames(
        tables.from_store(store),
        scenario,
        studies=studies,
        time_limit=time_limit,
        progress=progress,
        cancelled=cancelled,
        **asked,
    )


def worth_frames(
    frames: tables.Frames,
    scenario: Mapping[str, Any] | Path | str,
    *,
    studies: Iterable[str] | None = None,
    time_limit: float | None = 10.0,
    progress: Callable[[str], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
    plans: Sequence[str] | None = None,
    prices: Sequence[Fraction] | None = None,
    contracts: Sequence[str] | None = None,
    steps: Sequence[tuple[Fraction, Fraction]] = (),
) -> dict[str, Any]:
    """The document of `tem worth --json`. `time_limit` bounds each solve (None: the core's own work limits).

    `plans` and `prices` (a month) of the break-even study; `contracts` and offered `steps` (commitment a month,
    discount rate) of the commitment sweep.

    Raises:
        BadInput: problems of the scenario or the data, unknown studies, plans or contracts.
        core.jobs.Cancelled: if `cancelled` says so.
    """
    begun = time.monotonic()
    wanted = list(dict.fromkeys(studies)) if studies is not None else list(STUDIES)
    _check(frames, wanted, plans, contracts)
    document = dict(scenarios.read(scenario).document)
    say = progress or (lambda _: None)
    say("the scenario itself")
    desk = Desk(frames, document, time_limit=time_limit, say=say, cancelled=cancelled)
    extra: dict[str, dict[str, Any]] = {
        "break_even": {"plans": plans, "prices": prices},
        "commitments": {"contracts": contracts, "steps": steps},
    }
    found: dict[str, Any] = {}
    for name in wanted:
        found[name] = STUDIES[name].run(desk, **extra.get(name, {}))
    base = desk.base
    return {
        "scenario": document,
        "currency": desk.currency,
        "months": {"from": desk.problem.setting.months[0], "to": desk.problem.setting.months[-1]},
        "services": len(desk.problem.lines),
        "baseline_cost": money(base.baseline.cost),
        "base": base.facts(),
        "infeasible": base.why.to_json() if base.why else None,
        "input_sha256": tables.digest(frames, desk.scenario.text),
        "versions": versions(),
        "studies": found,
        "solves": desk.solves,
        "seconds": round(time.monotonic() - begun, 3),
    }


def _check(
    frames: tables.Frames, studies: Sequence[str], plans: Sequence[str] | None, contracts: Sequence[str] | None
) -> None:
    known_plans = {p for (p,) in tables.rows(frames, "plans", "plan_id")}
    known_contracts = {c for (c,) in tables.rows(frames, "contracts", "contract_id")}
    issues = [
        Issue(field=field, found=name, message=f"unknown {what}", hint=hint)
        for field, names, known, what, hint in (
            ("--study", studies, set(STUDIES), "study", "known: " + ", ".join(STUDIES)),
            ("--plan", plans or (), known_plans, "plan", None),
            ("--contract", contracts or (), known_contracts, "contract", None),
        )
        for name in names
        if name not in known
    ]
    if issues:
        raise BadInput(issues)


__all__ = ["STUDIES", "Study", "worth", "worth_frames"]
