"""An honest back-test: decide on earlier months, pay on the next ones, compare policies with the clairvoyant.

Rolling origin: at each cut the last `train` months are what a policy may see; its plans are then priced, by the exact
evaluator, on the `test` months that follow. Every policy meets the same scenario (carriers, coverage, limits); fees
are left out, so that plan choice alone is compared. It says who wins, also when that is a rule of thumb.
"""

from __future__ import annotations

import math
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
from optimize.result import money
from optimize.scenario_set import SetRule

#: Policies compared; each is described in docs/optimizer.md.
POLICIES: dict[str, str] = {
    **rules.RULES,
    "clairvoyant": "the optimum for the months that will be paid, known in advance: no policy can do better",
}
_MAX_FOLDS = 4


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
        scenario_set=SetRule(),
        overage_probability=checked.overage_unlimited,
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
    return _report(setting.currency, folds)


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
    future = replace(base, first=test[0], last=test[-1])
    payer = Evaluator(known, future, scope.Setting(tuple(test), str(base.currency)))
    plans = {name: rules.decide(name, known, past, train, time_limit) for name in rules.RULES}
    plans["clairvoyant"] = rules.decide("stochastic", known, future, test, time_limit)
    seen = Evaluator(known, past, scope.Setting(tuple(train), str(base.currency))) if base.buckets else None
    paid: dict[str, Fraction | None] = dict.fromkeys(plans)
    allowed: list[Fraction] = []
    for name, plan in plans.items():
        if plan is not None:
            mine = {s: p for s, p in plan.items() if s in payer.lines}
            told = payer if name == "clairvoyant" else None if name == "keep" else seen
            paid[name] = cost = _pay(payer, mine, told)
            allowed += [] if payer.violations(mine) else [cost]
    # a search that the clock ended may be beaten by a policy's plans: they too could have been known in advance
    paid["clairvoyant"] = min(allowed, default=paid["clairvoyant"])
    return {"lines": len(payer.lines), "paid": paid}


def _pay(payer: Evaluator, plans: dict[str, str | None], told: Evaluator | None) -> Fraction:
    """What plans cost in the months that are paid, with the buckets that are cheapest for them in the months told.

    Nobody told, every pool keeps today's.
    """
    return payer.price(plans, told.price(plans, improve=True).buckets if told else None).cost


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


def _report(currency: str, folds: list[dict[str, Any]]) -> dict[str, Any]:
    policies: list[dict[str, Any]] = []
    for name, meaning in POLICIES.items():
        paid = [fold["paid"][name] for fold in folds]
        if any(amount is None for amount in paid):
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
        policies.append(
            {
                "policy": name,
                "meaning": meaning,
                "paid": money(sum(paid, Fraction(0)) / len(paid)),
                "regret": None if mean is None else round(mean, 6),
                "standard_error": None if error is None else round(error, 6),
            }
        )
    rivals = sorted((p for p in policies if p["policy"] != "clairvoyant"), key=lambda p: (p["paid"], p["policy"]))
    best = rivals[0]["policy"]
    order = " < ".join(p["policy"] for p in rivals)
    conclusion = f"On this data {best} wins ({POLICIES[best]}); cheapest first: {order}."
    return {
        "currency": currency,
        "folds": [
            {
                **{k: v for k, v in f.items() if k != "paid"},
                "paid": {k: None if v is None else money(v) for k, v in f["paid"].items()},
            }
            for f in folds
        ],
        "policies": policies,
        "winner": best,
        "ranking": [p["policy"] for p in rivals],
        "conclusion": f"{conclusion} {_certainty(folds, rivals)}".strip(),
    }


def _certainty(folds: list[dict[str, Any]], rivals: list[dict[str, Any]]) -> str:
    """How sure the order of the first two is: their difference fold by fold against its standard error."""
    if len(rivals) < 2:
        return ""
    first, second = rivals[0]["policy"], rivals[1]["policy"]
    if len(folds) < 2:
        return f"One cut cannot tell how sure the lead over {second} is."
    gaps = [float(f["paid"][second] - f["paid"][first]) for f in folds]
    mean = sum(gaps) / len(gaps)
    error = math.sqrt(sum((g - mean) ** 2 for g in gaps) / (len(gaps) - 1) / len(gaps))
    told = f"It leads {second} by {mean:,.2f} a month (standard error {error:,.2f} over {len(gaps)} cuts)"
    return f"{told}{': too close to call' if mean <= 2 * error else ''}."
