"""How long the anomaly scorer takes from features in memory to a ranked list, and what memory it needs.

A million lines over twelve months: 3 volumes and 15 rare events (1 to 3 of 100 line-months have one), five ways of
having peers, and the line-month rules of the starter library. Reading and writing the store is not in it.
"""

from __future__ import annotations

import resource
import time

import numpy as np

from anomaly import calibrate, facts, features, kernels, model, policy, score, selection
from anomaly.estate import Coded
from anomaly.ranks import Order
from anomaly.registry import SIGNALS
from anomaly.sparse import Sparse
from benchmarks import Row

TITLE = "Anomaly scorer at scale"
LINES, MONTHS = 1_000_000, 12
BUDGET = 0.005


def panel(lines: int, months: int, seed: int = 0) -> features.Panel:
    """Features of a fleet drawn at random: heavy-tailed levels, noise by line, rare events."""
    rng = np.random.default_rng(seed)
    shape = (lines, months)
    level = rng.normal(6.5, 1.2, (lines, 1))
    noise = rng.uniform(0.1, 0.6, (lines, 1))
    volumes = {
        name: np.exp(level + noise * rng.normal(0, 1, shape)) / by
        for name, by in (("home_data", 1.0), ("home_voice", 5.0), ("home_sms", 20.0))
    }
    money, counts = {}, {}
    for signal in SIGNALS:
        if signal.how == "rare" and signal.source not in money and signal.source not in counts:
            hits = rng.integers(0, lines * months, round(lines * months * rng.uniform(0.01, 0.03)))
            month, service = np.divmod(hits, lines)
            sizes = np.exp(rng.normal(0, 1, len(hits)))
            if signal.unit == "money":
                money[signal.source] = Sparse.at(shape, service, month, sizes * 1e6)
            else:
                counts[signal.source] = Sparse.at(shape, service, month, sizes)

    def codes(size: int) -> features.CODES:
        return np.asfortranarray(np.repeat(rng.integers(0, size, (lines, 1), dtype=np.int32), months, axis=1))

    yes, no = np.ones(shape, dtype=bool, order="F"), np.zeros(shape, dtype=bool, order="F")
    groups = {name: codes(size) for name, size in (("kind", 6), ("plan", 40), ("role", 12), ("plan_id", 20))}
    groups |= {"cost_center_id": codes(max(lines // 40, 2)), "site_id": codes(max(lines // 200, 2))}
    unit = np.full(shape, 30e6)
    return features.Panel(
        volumes, money, counts, unit, yes, yes, no, no, unit, unit, groups, np.full(lines, "USD", dtype=object)
    )


def line_facts(made: features.Panel) -> facts.Facts:
    """What the rules over line-months ask about, of every line-month: one row each, line by line."""
    lines, months = made.scored.shape
    count = lines * months
    text = Coded(np.zeros((count, 1), dtype=np.int32), np.array(["mobile"], dtype=object))
    known: dict[str, object] = dict.fromkeys(("kind", "purpose", "plan_id", "role", "country", "cost_center_id"), text)
    flags = ("active_whole_two_months", "suspended", "carrier_has_usage", "used", "premium_block")
    known |= dict.fromkeys(flags, np.ones(count, dtype=bool))
    known |= {"months_without_use": (made.volumes["home_data"].reshape(-1) < 1).astype(np.int64) * 2}
    known |= dict.fromkeys(("months_since_leaving", "unknown_equipment"), np.zeros(count, dtype=np.int64))
    known |= {"premium_cost": made.money["premium_cost"].dense().reshape(-1)}
    known |= dict.fromkeys(("usage_cost", "variable_cost"), made.money["home_cost"].dense().reshape(-1))
    nothing = np.zeros(count)
    known |= {name: nothing for name in facts.LINE_FACTS if name not in known}
    index = np.zeros(0, dtype=np.intp)
    return facts.Facts(index, index, known)  # type: ignore[arg-type]


def rule_hits(seen: facts.Facts) -> int:
    """Evaluate the conditions of the enabled line-month rules on every line-month; returns the number of hits."""
    rules = [rule for rule in policy.load_rules() if rule.enabled and rule.over == "line_month"]
    return sum(int(policy.holds(rule.when, seen, rule).sum()) for rule in rules)


def scored(made: features.Panel) -> tuple[int, dict[str, float]]:
    """Rank all line-months; returns the number listed and the seconds of each step.

    The facts of the rules are gone before the signals are looked for, as in `tem flag`.
    """
    times = {}
    seen = line_facts(made)
    start = time.perf_counter()
    hits = rule_hits(seen)
    times["rules"] = time.perf_counter() - start
    del seen
    start = time.perf_counter()
    evidence = model.assess(made)
    times["signals"] = time.perf_counter() - start
    start = time.perf_counter()
    held = Sparse.above(score.combine(score.families(evidence)))
    order = Order.of(held.value)
    nats = calibrate.surprise_of(held, made.scored, order=order).dense()
    calibrate.tail(held, made.scored, order=order)
    listed, _ = selection.best(nats, made.scored, score.budget_rows(BUDGET, nats.size))
    times["score and list"] = time.perf_counter() - start
    return len(listed) + min(hits, 0), times


def run(*, smoke: bool = False) -> list[Row]:
    """One warm-up on a small fleet (the kernels compile once and stay in the cache), then the measurement."""
    lines = 2_000 if smoke else LINES
    scored(panel(500, MONTHS))
    made = panel(lines, MONTHS)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.process_time()
    listed, times = scored(made)
    busy = time.process_time() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    total = sum(times.values())
    steps = ", ".join(f"{name} {seconds:.1f}" for name, seconds in times.items())
    what = f"{lines:,} lines x {MONTHS} months, rules and score ({listed:,} listed)"
    return [
        Row(what, f"{total:.1f} s", f"{steps}; processor time {busy:.1f} s on {kernels.CORES} cores", "<= 6 s"),
        Row(
            "peak memory of it",
            f"{peak * 1024 / 1e9:.2f} GB",
            f"features alone {before * 1024 / 1e9:.2f} GB",
            "<= 3 GB",
        ),
    ]
