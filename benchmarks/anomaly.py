"""The anomaly model against planted truth, side by side with an isolation forest on raw features.

The fleet (`_anomaly_fleet.py`) was written by the author of the detector: its figures say what the method does on what
it was built for, not what it will find elsewhere. `docs/anomaly.md` says more.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from sklearn.ensemble import IsolationForest
from sklearn.metrics import average_precision_score

from anomaly import features, policy, score
from anomaly import run as detector
from benchmarks import Row
from benchmarks._anomaly_fleet import SCORED_FROM, Fleet, fleet

TITLE = "Anomaly model"
BUDGET = 0.005
SEEDS = (11, 12, 13)


def scores(made: Fleet) -> dict[str, Any]:
    """Scores of shape (services, months) by method."""
    estate = made.estate
    found = policy.evaluate(estate)
    rates = policy.base_rates(estate, found)
    panel = features.build(estate)
    evidence, nats = detector.rank(estate, panel, found, rates, forest=True)
    rules = score.rule_families(found, rates, estate.shape)
    alone = replace(evidence, nats={name: nats for name, nats in evidence.nats.items() if name != "joint"})
    flat = features.frame(panel, estate)
    numbers = flat.drop(columns=["service", "month", "service_id"]).to_numpy(float)
    raw = IsolationForest(n_estimators=100, random_state=0).fit(numbers)
    raw_forest = np.zeros(estate.shape)
    raw_forest[flat["service"], flat["month"]] = -raw.score_samples(numbers)
    return {
        "isolation forest, raw features": raw_forest,
        "isolation forest, standardized residuals": evidence.nats["joint"],
        "policy rules only": np.sum(list(rules.values()), axis=0),
        "conformal signals, no rules": score.combine(alone, {}),
        "signals + rules, no forest": score.combine(alone, rules),
        "signals + rules + forest (the product)": nats,
    }


def measure(made: Fleet, scored: Any) -> dict[str, float]:
    """AP, events and money found at budget, precision, false alerts per 1000 line-months, look-alikes in the budget."""
    estate, truth = made.estate, made.truth
    service, month = np.nonzero(estate.scored & (np.arange(len(estate.months)) >= SCORED_FROM)[None, :])
    label = np.zeros(estate.shape, dtype=bool)
    label[truth["service"], truth["month"]] = True
    value, real = scored[service, month], label[service, month]
    order = np.lexsort((month, service, -value))
    top = order[: score.budget_rows(BUDGET, len(order))]
    cells = pd.MultiIndex.from_arrays([service[top], month[top]])
    hit = pd.MultiIndex.from_frame(truth[["service", "month"]]).isin(cells)
    events = truth.drop_duplicates("event").set_index("event")
    found = truth[hit]["event"].unique()
    alike = pd.MultiIndex.from_frame(made.alike[["service", "month"]])
    best = truth.assign(score=scored[truth["service"], truth["month"]]).groupby("event")["score"].max()
    quiet = np.sort(value[~real])

    def false_alerts(recall: float) -> float:
        needed = float(np.sort(best.to_numpy())[::-1][int(np.ceil(recall * len(best))) - 1])
        return 1000 * (len(quiet) - np.searchsorted(quiet, needed, side="left")) / len(value)

    return {
        "AP": float(average_precision_score(real, value)),
        "events": len(found) / max(len(events), 1),
        "precision": float(real[top].mean()),
        "FP@60": false_alerts(0.6),
        "FP@80": false_alerts(0.8),
        "money": float(events["money"].reindex(found).sum() / max(events["money"].sum(), 1)),
        "look-alikes": float((cells.isin(alike) & ~real[top]).sum()) / max(len(top), 1),
    }


def by_type(made: Fleet, scored: Any) -> pd.Series[float]:
    """Share of the events of each type that the budget finds."""
    estate, truth = made.estate, made.truth
    service, month = np.nonzero(estate.scored & (np.arange(len(estate.months)) >= SCORED_FROM)[None, :])
    order = np.lexsort((month, service, -scored[service, month]))[: score.budget_rows(BUDGET, len(service))]
    cells = pd.MultiIndex.from_arrays([service[order], month[order]])
    hit = pd.MultiIndex.from_frame(truth[["service", "month"]]).isin(cells)
    return truth.assign(hit=hit).groupby(["type", "event"])["hit"].max().groupby("type").mean()


def run(*, smoke: bool = False) -> list[Row]:
    """Measure every method on every seed and give the means."""
    seeds, size = (SEEDS[:1], 400) if smoke else (SEEDS, 2500)
    results: dict[str, list[dict[str, float]]] = {}
    seconds = 0.0
    for seed in seeds:
        made = fleet(seed, size)
        start = time.perf_counter()
        found = policy.evaluate(made.estate)
        detector.rank(made.estate, features.build(made.estate), found, policy.base_rates(made.estate, found))
        seconds = time.perf_counter() - start
        for name, scored in scores(made).items():
            results.setdefault(name, []).append(measure(made, scored))
    rows = []
    for name, listed in results.items():
        mean = {key: float(np.mean([one[key] for one in listed])) for key in listed[0]}
        said = f"AP {mean['AP']:.3f}, events {mean['events']:.2f}, precision {mean['precision']:.2f}"
        more = f"FP/1000 at R60 {mean['FP@60']:.1f}, R80 {mean['FP@80']:.1f}; money {mean['money']:.2f}"
        rows.append(Row(name, said, more, f"look-alikes {mean['look-alikes']:.3f} of the budget"))
    rows.append(Row(f"{size} lines x 18 months, rules and score", f"{seconds:.2f} s", "", "seconds"))
    return rows
