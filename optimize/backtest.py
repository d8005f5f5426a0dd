"""An honest back-test: decide on earlier months, pay on the next ones, compare policies with the clairvoyant.

Rolling origin: at each cut the last `train` months are what a policy may see; its plans are then priced, by the exact
evaluator, on the `test` months that follow. Every policy meets the same scenario (carriers, coverage, limits); fees
are left out, so that plan choice alone is compared. It says who wins, also when that is a rule of thumb.

A scenario set and a limit on overage are ways to decide: policies that look at months one by one decide over the set
drawn from the months seen, and under the limit there. Months are paid as they were, each once; how often pools were
above their allowance in them is counted for every policy, and one that was so too often does not win over one that was
not.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pandas as pd

from core.issues import BadInput, Issue
from core.periods import month_of
from optimize import frames as tables
from optimize import rules, scope
from optimize import scenario as scenarios
from optimize.evaluate import Evaluator
from optimize.priced import Overage, PoolKey, overage
from optimize.result import money
from optimize.scenario_set import SetRule

#: Policies compared; each is described in docs/optimizer.md.
POLICIES: dict[str, str] = {
    **rules.RULES,
    "clairvoyant": "the optimum for the months that will be paid, known in advance: no policy can do better",
}
_MAX_FOLDS = 4
#: Which policies look at months one by one, and so decide over the scenario's set of months and under its limit.
_OVER_A_SET = ("line_months", "stochastic", "stochastic_level")
_UNDER_A_LIMIT = ("stochastic", "stochastic_level")
_SET_READ = (
    "scenario_set: line_months, stochastic and stochastic_level decide over it, drawn from the months seen. The others "
    "decide on one average month or, the clairvoyant, on the months that are paid. Months are paid as they were."
)
_LIMIT_READ = (
    "overage_probability: stochastic and stochastic_level keep the limit in the months seen, and so do the buckets of "
    "all but keep. Rules of thumb look at no pool, one average month has no probability, and a cut is too short to "
    "hold the clairvoyant to a share of months: it stays the least that could be paid."
)


def backtest(
    store: Any,
    scenario: Mapping[str, Any] | Path | str,
    *,
    progress: Callable[[str], None] | None = None,
    time_limit: float = 20.0,
) -> dict[str, Any]:
    """The back-test of a store under a scenario; `time_limit` bounds each optimization.

    Raises:
        BadInput: problems of scenario or data; fewer than three months.
    """
    return backtest_frames(tables.from_store(store), scenario, progress=progress, time_limit=time_limit)


def backtest_frames(
    frames: tables.Frames,
    scenario: Mapping[str, Any] | Path | str,
    *,
    progress: Callable[[str], None] | None = None,
    time_limit: float = 20.0,
) -> dict[str, Any]:
    """:func:`backtest` on plain frames."""
    say = progress or (lambda _: None)
    checked = scenarios.read(scenario)
    setting = scope.settle(checked, frames)
    months = list(setting.months)
    if len(months) < 3:
        raise BadInput(Issue(field="months", found=f"{len(months)} months", expected="at least 3 months to replay"))
    base = replace(
        checked,
        currency=setting.currency,
        change_fee=0,
        porting_fee=0,
        joining_fee={},
        overlap_months=0,
        min_saving_per_change=0,
        objective="expected",
        growth={},
        suspend_zero_use_months=None,
        force={},
    )
    folds = []
    for train, test in _folds(months):
        say(f"deciding on {train[0]} to {train[-1]}, paying {test[0]} to {test[-1]}")
        fold = _fold(frames, base, train, test, time_limit)
        if fold is not None:
            folds.append({"train": [train[0], train[-1]], "test": [test[0], test[-1]], **fold})
    if not folds:
        raise BadInput(Issue(field="months", message="no fold has lines that are active before and after the cut"))
    return _report(base, folds)


def recommend_policy(
    store: Any, scenario: Mapping[str, Any] | Path | str, ranking: list[str], *, time_limit: float = 20.0
) -> dict[str, Any]:
    """A result file with the plans of the first policy of `ranking` that meets the scenario; see `rules.recommend`.

    Raises:
        BadInput: problems of scenario or data; no policy meets the scenario.
    """
    return rules.recommend(tables.from_store(store), scenarios.read(scenario), ranking, time_limit)


def _folds(months: list[str]) -> list[tuple[list[str], list[str]]]:
    """Up to four cuts; the test window is a quarter of the range (at most 3 months)."""
    width = max(1, min(3, len(months) // 4))
    cuts = list(range(len(months) - width, max(1, len(months) // 3) - 1, -width))[:_MAX_FOLDS]
    return [(months[:cut], months[cut : cut + width]) for cut in sorted(cuts) if cut >= 2]


def _fold(
    frames: tables.Frames, base: scenarios.Scenario, train: list[str], test: list[str], time_limit: float
) -> dict[str, Any] | None:
    lines = _present(frames, train, test)
    if lines.empty:
        return None
    known = {**frames, "services": lines}
    past = replace(base, first=train[0], last=train[-1])
    paid_as_was = replace(base, scenario_set=SetRule(), overage_probability=base.overage_unlimited)
    future = replace(paid_as_was, first=test[0], last=test[-1])
    payer = Evaluator(known, future, scope.Setting(tuple(test), str(base.currency)))
    plans = {name: rules.decide(name, known, past, train, time_limit) for name in rules.RULES}
    plans["clairvoyant"] = rules.decide("stochastic", known, future, test, time_limit)
    seen = Evaluator(known, past, scope.settle(past, known)) if base.buckets else None
    paid: dict[str, Fraction | None] = dict.fromkeys(plans)
    above: dict[str, Overage] = {}
    allowed: list[tuple[Fraction, str]] = []
    for name, plan in plans.items():
        if plan is not None:
            mine = {s: p for s, p in plan.items() if s in payer.lines}
            told = payer if name == "clairvoyant" else None if name == "keep" else seen
            priced = payer.price(mine, told.price(mine, improve=True).buckets if told else None)
            paid[name] = priced.cost
            above[name] = overage(priced.pools, payer.drawn.weights, _counted(base))
            allowed += [] if payer.violations(mine) else [(priced.cost, name)]
    # a search that the clock ended may be beaten by a policy's plans: they too could have been known in advance
    if allowed:
        paid["clairvoyant"], known_best = min(allowed)
        above["clairvoyant"] = above[known_best]
    return {"lines": len(payer.lines), "paid": paid, "above": above}


def _counted(scenario: scenarios.Scenario) -> tuple[str, ...]:
    """The kinds of pool whose overage is counted."""
    rule = scenario.overage_probability
    return scenarios.POOLED if rule is None else rule.kinds


def _present(frames: tables.Frames, train: list[str], test: list[str]) -> pd.DataFrame:
    """Services active in the last month seen and in the first month paid: the others cannot be decided."""
    services = frames["services"]
    good = []
    names = ("activated_on", "disconnected_on", "status")
    for start, end, status in tables.rows(frames, "services", *names):
        before = start is None or month_of(start) <= train[-1]
        after = end is None or month_of(end) >= test[0]
        good.append(before and after and not (status == "disconnected" and end is None))
    return services[pd.Series(good, index=services.index, dtype=bool)]


def _report(base: scenarios.Scenario, folds: list[dict[str, Any]]) -> dict[str, Any]:
    rule = base.overage_probability
    policies: list[dict[str, Any]] = []
    notes = [_SET_READ] if base.scenario_set != SetRule() else []
    notes += [] if rule is None else [_LIMIT_READ]
    for name, meaning in POLICIES.items():
        paid = [fold["paid"][name] for fold in folds]
        if any(amount is None for amount in paid):
            cut = next(fold for fold, amount in zip(folds, paid, strict=True) if amount is None)
            seen = f"{cut['train'][0]} to {cut['train'][1]}"
            notes.append(f"{name} is left out: none of its plans meets the scenario in the months seen, {seen}.")
            continue
        regrets = [
            float(amount / fold["paid"]["clairvoyant"] - 1)
            for amount, fold in zip(paid, folds, strict=True)
            if fold["paid"]["clairvoyant"]
        ]
        mean = sum(regrets) / len(regrets) if regrets else None
        error = None
        if mean is not None and len(regrets) > 1:
            error = math.sqrt(sum((r - mean) ** 2 for r in regrets) / (len(regrets) - 1) / len(regrets))
        worst, estate = _often([fold["above"][name] for fold in folds])
        policies.append(
            {
                "policy": name,
                "meaning": meaning,
                "paid": money(sum(paid, Fraction(0)) / len(paid)),
                "regret": None if mean is None else round(mean, 6),
                "standard_error": None if error is None else round(error, 6),
                "overage_probability": {"estate": float(estate), "worst_pool": float(worst)},
                "keeps_limit": None if rule is None else worst <= rule.limit,
            }
        )
    rivals = sorted(
        (p for p in policies if p["policy"] != "clairvoyant"),
        key=lambda p: (p["keeps_limit"] is False, p["paid"], p["policy"]),
    )
    best = rivals[0]["policy"]
    order = " < ".join(p["policy"] for p in rivals)
    conclusion = f"On this data {best} wins ({POLICIES[best]}); cheapest first: {order}."
    if rule is not None:
        conclusion = f"On this data {best} wins ({POLICIES[best]}). {_limit_kept(rivals, rule.limit)}"
    return {
        "currency": str(base.currency),
        "scenario_set": {"kind": base.scenario_set.kind, "decides": list(_OVER_A_SET)},
        "overage_probability": {
            "limit": None if rule is None else float(rule.limit),
            "kinds": list(_counted(base)),
            "decides": list(_UNDER_A_LIMIT),
        },
        "folds": [
            {
                **{k: v for k, v in f.items() if k not in ("paid", "above")},
                "paid": {k: None if v is None else money(v) for k, v in f["paid"].items()},
            }
            for f in folds
        ],
        "policies": policies,
        "notes": notes,
        "winner": best,
        "ranking": [p["policy"] for p in rivals],
        "conclusion": f"{conclusion} {_certainty(folds, rivals)}".strip(),
    }


def _often(folds: list[Overage]) -> tuple[Fraction, Fraction]:
    """In which share of all months paid the worst pool, and any pool, was above; every cut pays as many months."""
    pools: dict[PoolKey, Fraction] = defaultdict(Fraction)
    for fold in folds:
        for key, share in fold.pools.items():
            pools[key] += share / len(folds)
    estate = sum((fold.estate for fold in folds), Fraction(0)) / len(folds)
    return max(pools.values(), default=Fraction(0)), estate


def _limit_kept(rivals: list[dict[str, Any]], limit: Fraction) -> str:
    """Which policies kept the limit on overage in the months they paid."""
    kept = [p["policy"] for p in rivals if p["keeps_limit"]]
    broke = [p["policy"] for p in rivals if not p["keeps_limit"]]
    share = f"{float(100 * limit):g} %"
    if not kept:
        return f"No policy kept every pool within its allowance but for {share} of the months; cheapest first: " + (
            " < ".join(broke) + "."
        )
    told = f"Every pool above its allowance in at most {share} of the months, cheapest first: {' < '.join(kept)}"
    return f"{told}; more often: {' < '.join(broke)}." if broke else f"{told}."


def _certainty(folds: list[dict[str, Any]], rivals: list[dict[str, Any]]) -> str:
    """How sure the order of the first two is: their difference fold by fold against its standard error."""
    if len(rivals) < 2:
        return ""
    first, second = rivals[0]["policy"], rivals[1]["policy"]
    if rivals[0]["keeps_limit"] != rivals[1]["keeps_limit"]:
        return "No other policy kept the limit on overage."
    if len(folds) < 2:
        return f"One cut cannot tell how sure the lead over {second} is."
    gaps = [float(f["paid"][second] - f["paid"][first]) for f in folds]
    mean = sum(gaps) / len(gaps)
    error = math.sqrt(sum((g - mean) ** 2 for g in gaps) / (len(gaps) - 1) / len(gaps))
    told = f"It leads {second} by {mean:,.2f} a month (standard error {error:,.2f} over {len(gaps)} cuts)"
    return f"{told}{': too close to call' if mean <= 2 * error else ''}."
