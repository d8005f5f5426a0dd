"""What it is worth: do duals agree with re-solving, is the break-even right, which policy wins on real use.

B8: pools of a synthetic estate, dual against the relaxation solved again with 0.2 % more allowance; the first
break-even price of an offered plan, confirmed by independent runs at that price and a cent above. B9: Megaline usage
(490 lines of 2018, course data beside the project) on a plan catalogue of our own, pooled, decided on the months
before a cut and paid on the month after it, at three scalings of use. Beside it, which of the two stochastic policies
is better where all use moves together: it stays, jumps, grows, falls or wanders.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks import Row

TITLE = "What it is worth: duals, break-even, back-test"
ROOT = Path(__file__).resolve().parent.parent
_SHARED = ROOT.parent / "shared"
_M = 10**6
_SCALES = (Fraction(1), Fraction(1, 2), Fraction(2))
_SIZES = (2, 5, 10, 20, 40)  # GB of the pooled plans


def run(smoke: bool = False) -> list[Row]:
    """Rows for B8 and B9; B9 only where the Megaline data is there."""
    sys.path.insert(0, str(ROOT / "tests" / "optimize"))
    from estates import pooled_estate

    rows = [_duals(pooled_estate(60 if smoke else 2_000, 3 if smoke else 6, 2 if smoke else 4))]
    rows.append(_break_even(pooled_estate(10 if smoke else 40, 2 if smoke else 4)))
    rows.append(_levels(("flat",) if smoke else tuple(_COURSES), (31,) if smoke else (31, 32, 33), 6 if smoke else 80))
    if not smoke:
        rows += (
            [_backtest(scale) for scale in _SCALES] if _there() else [Row("B9, Megaline", "no data beside the project")]
        )
    return rows


def _duals(frames: dict[str, pd.DataFrame]) -> Row:
    from optimize.worth import worth_frames

    begun = time.perf_counter()
    found = worth_frames(frames, {"gap": 0.001}, studies=["pools"], time_limit=30)["studies"]["pools"]["pools"]
    worst = max(
        (abs(p["dual_per_gb"] / p["resolved_per_gb"] - 1) for p in found if p["resolved_per_gb"] > 0.001), default=0.0
    )
    lines = len(frames["services"])
    return Row(
        f"B8, {lines:,} lines: dual of {len(found)} pools against a re-solve with 0.2 % more allowance",
        f"at most {worst:.3%} apart, {time.perf_counter() - begun:.0f} s",
        ", ".join(f"{p['dual_per_gb']:.3f}" for p in found[:4]) + " a GB",
        "0.1 %",
    )


def _break_even(frames: dict[str, pd.DataFrame]) -> Row:
    import optimize
    from optimize.worth import worth_frames

    offer = (
        frames["plans"].iloc[[2]].assign(plan_id="X-U", carrier_id="C1", offer_id="RFP", mrc=45 * _M, pool_group=None)
    )
    frames = {**frames, "plans": pd.concat([frames["plans"].assign(offer_id=None), offer], ignore_index=True)}
    begun = time.perf_counter()
    given = {"gap": 0, "porting_fee": 10}
    (row,) = worth_frames(frames, given, studies=["break_even"], time_limit=30)["studies"]["break_even"]["plans"]
    seconds, at = time.perf_counter() - begun, row["break_even"]
    takers = []
    for price in (at, round(at + 0.01, 2)):
        scenario = {**given, "offers": ["RFP"], "plan_price": {"X-U": price}}
        takers.append(list(optimize.run_frames(frames, scenario, time_limit=60).assignment.values()).count("X-U"))
    return Row(
        f"B8, {len(frames['services'])} lines: first break-even MRC",
        f"{at:.2f}, {'proven' if row['proven'] else 'best found'}, {seconds:.0f} s with its demand curve",
        f"independent runs: {takers[0]} line(s) at it, {takers[1]} a cent above",
        "to the cent",
    )


#: How the use of all lines moves together: growth a month, noise of a month, noise that stays.
_COURSES = {
    "flat": (0.0, 0.0, 0.0),
    "shocks": (0.0, 0.06, 0.0),
    "grows 2 %": (0.02, 0.03, 0.0),
    "grows 5 %": (0.05, 0.03, 0.0),
    "falls 3 %": (-0.03, 0.03, 0.0),
    "wanders": (0.0, 0.0, 0.06),
}


def _levels(courses: tuple[str, ...], seeds: tuple[int, ...], lines: int) -> Row:
    """Mean regret of both stochastic policies on seasonal use, decided on 6 and on 9 months, paid on the next 3."""
    from estates import pooled_estate

    begun, months = time.perf_counter(), 12
    found: dict[str, list[tuple[float, float]]] = {course: [] for course in courses}
    for course in courses:
        growth, noise, drift = _COURSES[course]
        for seed in seeds:
            rng = np.random.default_rng(seed + 100)
            shared = (1 + growth) ** np.arange(months) * np.exp(noise * rng.standard_normal(months))
            shared *= np.exp(np.cumsum(drift * rng.standard_normal(months)))
            frames = pooled_estate(lines, months, 2, seed)
            usage = frames["usage"]
            factor = usage["month"].map(dict(zip(sorted(usage["month"].unique()), shared, strict=True)))
            data = usage["usage_type"] == "data"
            grown = usage["quantity"].where(~data, (usage["quantity"] * factor).round().astype("int64"))
            found[course].append(_regrets({**frames, "usage": usage.assign(quantity=grown)}))
    told = [f"{c} {np.mean([a for a, _ in v]):.1%} / {np.mean([b for _, b in v]):.1%}" for c, v in found.items()]
    pairs = np.array([pair for v in found.values() for pair in v])
    gain = pairs[:, 0] - pairs[:, 1]
    error = gain.std(ddof=1) / len(gain) ** 0.5 if len(gain) > 1 else 0.0
    return Row(
        f"B9, {len(pairs)} synthetic estates of {lines} lines: regret of stochastic / stochastic_level",
        f"{pairs[:, 0].mean():.1%} / {pairs[:, 1].mean():.1%}",
        f"{gain.mean():.1%} better (se {error:.1%}), in {int((gain > 0).sum())}; {', '.join(told)}; "
        f"{time.perf_counter() - begun:.0f} s",
        "",
    )


def _regrets(frames: dict[str, pd.DataFrame]) -> tuple[float, float]:
    """Mean regrets of `stochastic` and `stochastic_level`, against the best plans known for the months paid."""
    from optimize import rules, scenario
    from optimize.evaluate import Evaluator
    from optimize.scope import Setting

    months = sorted(frames["usage"]["month"].unique())
    given = scenario.parse({"gap": "0.003", "currency": "USD"})
    regrets = []
    for cut in (6, 9):
        train, test = months[:cut], months[cut : cut + 3]
        payer = Evaluator(frames, replace(given, first=test[0], last=test[-1]), Setting(tuple(test), "USD"))
        plans = [rules.decide(policy, frames, given, train, 20) for policy in ("stochastic", "stochastic_level")]
        plans.append(rules.decide("stochastic", frames, given, test, 20))
        paid = [payer.price(plan).cost for plan in plans]
        regrets.append([float(amount / min(paid) - 1) for amount in paid])
    found = np.mean(regrets, axis=0)
    return float(found[0]), float(found[1])


def _there() -> bool:
    return (_SHARED / "tools" / "megaline_to_canonical.py").is_file() and (_SHARED / "data" / "megaline").is_dir()


def _backtest(scale: Fraction) -> Row:
    import optimize

    begun = time.perf_counter()
    found = optimize.backtest_frames(megaline(scale), {"months": {"from": "2018-08", "to": "2018-12"}, "gap": 0.0005})
    last = found["folds"][-1]["paid"]
    above = {name: paid / last["clairvoyant"] - 1 for name, paid in last.items()}
    regret = {p["policy"]: p for p in found["policies"]}
    mean = ", ".join(
        f"{name} {p['regret']:+.1%} (se {p['standard_error']:.1%})"
        for name, p in regret.items()
        if name != "clairvoyant"
    )
    return Row(
        f"B9, Megaline use x {float(scale):g}, {found['folds'][-1]['lines']} lines, Aug-Nov to Dec",
        "; ".join(
            f"{name} {above[name]:.1%} above the clairvoyant, "
            f"{1 - last[name] / last['line_average']:.1%} below per-line average"
            for name in ("stochastic", "stochastic_level")
        ),
        f"over {len(found['folds'])} cuts: {mean}; winner {found['winner']}; {time.perf_counter() - begun:.0f} s",
        "5 %, 8 %",
    )


def megaline(scale: Fraction) -> dict[str, pd.DataFrame]:
    """Megaline's use times `scale` on one carrier's pooled plans (2 to 40 GB) and an unlimited one, overage per GB."""
    from core.store import Store
    from loaders import load_paths
    from optimize.frames import from_store

    with tempfile.TemporaryDirectory() as folder:
        tool = _SHARED / "tools" / "megaline_to_canonical.py"
        subprocess.run([sys.executable, str(tool), f"{folder}/tables"], check=True, capture_output=True)
        store = Store.open(f"sqlite:///{folder}/tem.db")
        load_paths(store, [Path(folder) / "tables"])
        frames: dict[str, Any] = from_store(store)
        store.close()
    usage = frames["usage"]
    data = (usage["usage_type"] == "data").to_numpy()
    frames["usage"] = usage.assign(
        quantity=usage["quantity"].where(~data, usage["quantity"] * scale.numerator // scale.denominator)
    )
    carrier = frames["plans"]["carrier_id"].iloc[0]
    pooled = [(f"pool-{gb}", (10 + 2 * gb) * _M, gb * 1024 * _M, "shared") for gb in _SIZES]
    plans = pd.DataFrame(
        [*pooled, ("unlimited", 90 * _M, None, None)], columns=["plan_id", "mrc", "data_mb", "pool_group"]
    ).assign(carrier_id=carrier, currency="USD", data_overage_price=10 * _M, data_overage_block_mb=1024 * _M)
    for name in ("mrc", "data_mb", "data_overage_price", "data_overage_block_mb"):
        plans[name] = plans[name].astype("Int64")
    seen = {month: set(group) for month, group in usage.groupby("month")["service_id"]}
    months = seen["2018-08"] & seen["2018-12"]
    services = frames["services"]
    frames["services"] = services[services["service_id"].isin(months)].assign(plan_id="pool-20")
    frames["plans"] = plans
    return {k: v for k, v in frames.items() if k not in ("contracts", "contract_tiers", "coverage")}
