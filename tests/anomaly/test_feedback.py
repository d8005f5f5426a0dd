"""Decisions reach the model: what was reviewed stays quiet, comes back when it grows, and teaches the order."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression

import anomaly
from anomaly import calibrate, features, feedback, policy, ranking, rerank, selection
from anomaly.feedback import Decision, Memory
from anomaly.sparse import Sparse
from core import findings, periods
from core.findings import Finding
from core.queries import anomaly as queries
from core.store import Store
from tests.anomaly.fleets import made
from tests.anomaly.tiny import Rows, base, use, write

MONTHS = periods.months_between("2026-01", "2026-12")
LINE = "L3"


def company(extra: dict[str, float], lines: int = 24) -> Rows:
    """Ordinary lines, and L3 with premium cost by month."""
    rows = base(lines)
    for n in range(lines):
        for t, month in enumerate(MONTHS):
            rows["usage"].append(use(f"L{n}", month, str(1000 + 37 * ((n * 7 + t * 3) % 11))))
    for month, cost in extra.items():
        rows["usage"].append(use(LINE, month, "20", kind="voice", zone="premium", country="US", cost=f"{cost:.2f}"))
    return rows


def alerts(store: Store, **options: Any) -> dict[tuple[str, str], Finding]:
    found = anomaly.flag(store, queue="anomaly", **options)
    return {(item.service_id or "", item.month): item for item in found}


def decide(store: Store, month: str, state: str, **options: Any) -> Finding:
    """Flag, keep, and decide on the alert of the line in the month."""
    run = anomaly.flag_run(store, queue="anomaly", budget=0.02)
    anomaly.save(store, run, "anomaly")
    (item,) = [i for i in run.findings if (i.service_id, i.month) == (LINE, month)]
    assert findings.set_state(store, [item.finding_id], state, reason="known and agreed", **options) == 1
    return item


def listed(store: Store, budget: float = 0.02) -> set[str]:
    return {month for line, month in alerts(store, budget=budget) if line == LINE}


@pytest.mark.parametrize("state", ["dismissed", "accepted"])
def test_what_was_reviewed_stays_quiet_for_three_months(store: Store, state: str) -> None:
    write(store, company({"2026-06": 40, "2026-07": 42, "2026-09": 41, "2026-10": 43}))
    assert listed(store) == {"2026-06", "2026-07", "2026-09", "2026-10"}
    decide(store, "2026-06", state)
    assert listed(store) == {"2026-06", "2026-10"}
    run = anomaly.flag_run(store, queue="anomaly", budget=0.02)
    assert (run.summary["suppressed"], run.summary["repetitions"]) == (2, 2)
    assert "2 alerts kept back" in anomaly.told(run)[0]


def test_it_comes_back_when_it_grows_by_half(store: Store) -> None:
    write(store, company({"2026-06": 40, "2026-07": 59, "2026-08": 61}))
    decide(store, "2026-06", "dismissed")
    assert listed(store) == {"2026-06", "2026-08"}
    item = alerts(store, budget=0.02)[LINE, "2026-08"]
    assert item.detail is not None
    assert item.detail["feedback"] == {"kept_back_by": None, "came_back": True}
    similar = item.detail["similar"]
    assert [(case["month"], case["verdict"], case["reason"]) for case in similar] == [
        ("2026-06", "dismissed", "known and agreed")
    ]


def test_another_kind_of_surprise_is_not_kept_back(store: Store) -> None:
    rows = company({"2026-06": 40})
    rows["usage"].append(use(LINE, "2026-07", "30000", zone="roaming", country="JP", cost="250"))
    write(store, rows)
    decide(store, "2026-06", "dismissed")
    assert listed(store) == {"2026-06", "2026-07"}


def test_the_expiry_of_a_dismissal_holds(store: Store) -> None:
    write(store, company({"2026-06": 40, "2026-07": 41, "2026-10": 42, "2026-12": 41}))
    decide(store, "2026-06", "dismissed", expires_on="2026-11-30")
    assert listed(store) == {"2026-06", "2026-12"}
    decide(store, "2026-06", "dismissed", expires_on="2026-06-30")
    assert listed(store) == {"2026-06", "2026-07", "2026-10", "2026-12"}


def test_the_scope_of_a_dismissal_reaches_other_lines(store: Store) -> None:
    rows = company({"2026-06": 40})
    rows["usage"].append(use("L5", "2026-07", "20", kind="voice", zone="premium", country="US", cost="41.00"))
    write(store, rows)
    decide(store, "2026-06", "dismissed", scope="finding")
    assert ("L5", "2026-07") in alerts(store, budget=0.02)
    decide(store, "2026-06", "dismissed", scope="role")
    assert ("L5", "2026-07") not in alerts(store, budget=0.02)


def test_every_scored_line_month_is_still_listed_on_demand(store: Store) -> None:
    write(store, company({"2026-06": 40, "2026-07": 42}))
    before = alerts(store, budget=1.0)
    reviewed = decide(store, "2026-06", "accepted")
    after = alerts(store, budget=1.0)
    assert set(after) == set(before)
    quiet = after[LINE, "2026-07"]
    assert quiet.detail is not None
    assert quiet.detail["feedback"]["kept_back_by"] == reviewed.finding_id
    assert (quiet.score or 0) < (before[LINE, "2026-07"].score or 0)


def test_decisions_change_no_row_of_their_own_month_or_before(store: Store) -> None:
    write(store, company({"2026-06": 40, "2026-07": 42}))
    before = alerts(store, budget=1.0)
    decide(store, "2026-06", "accepted")
    after = alerts(store, budget=1.0)
    for key, item in before.items():
        if key[1] <= "2026-06":
            assert findings.to_json(after[key]) == findings.to_json(item)


def test_a_decision_that_is_taken_back_is_forgotten(store: Store) -> None:
    write(store, company({"2026-06": 40, "2026-07": 42}))
    decide(store, "2026-06", "dismissed")
    assert listed(store) == {"2026-06"}
    decide(store, "2026-06", "new")
    assert listed(store) == {"2026-06", "2026-07"}
    assert findings.decisions(store).empty


def test_a_state_without_a_decision_of_its_own_counts(store: Store) -> None:
    write(store, company({"2026-06": 40, "2026-07": 42}))
    run = anomaly.flag_run(store, queue="anomaly", budget=0.02)
    anomaly.save(store, run, "anomaly")
    (key,) = [i.finding_id for i in run.findings if (i.service_id, i.month) == (LINE, "2026-06")]
    with store.transaction() as txn:
        txn.update("findings", {"finding_id": key}, {"state": "disputed"})
    assert list(findings.decisions(store)["verdict"]) == ["confirmed"]
    assert listed(store) == {"2026-06"}


def test_each_run_is_kept_with_its_provenance(store: Store) -> None:
    write(store, company({"2026-06": 40}))
    assert queries.newest_run(store) is None
    run = anomaly.flag_run(store, queue="anomaly")
    anomaly.save(store, run, "anomaly")
    kept = queries.newest_run(store)
    assert kept is not None
    assert {name: kept[name] for name in run.summary} == run.summary
    assert kept["months"] == ["2026-01", "2026-12"]
    assert {row["month"] for row in kept["drift"]} == set(MONTHS[1:])


@pytest.mark.parametrize(
    ("state", "options"),
    [("dismissed", {"scope": "planet"}), ("dismissed", {"expires_on": "soon"}), ("bogus", {}), ("dismissed", {})],
)
def test_bad_decisions_are_refused(store: Store, state: str, options: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"scope out of|a date such as|state out of|needs a reason"):
        findings.set_state(store, ["x"], state, reason="why" if options else None, **options)


def test_discoveries_follow_benjamini_and_hochberg() -> None:
    p = np.array([0.001, 0.008, 0.039, 0.041, 0.042, 0.06, 0.074, 0.205, 0.212, 0.216])
    assert selection.benjamini_hochberg(p, 0.05).sum() == 2  # the example of the 1995 paper's kind
    assert selection.benjamini_hochberg(p, 0.5).all()
    assert not selection.benjamini_hochberg(np.full(9, 0.5), 0.1).any()
    assert selection.benjamini_hochberg(np.empty(0), 0.1).shape == (0,)


def _memory(shape: tuple[int, int], decided: list[tuple[int, int, bool]]) -> Memory:
    rows = [Decision(f"{s}:{t}", s, t, real, None, None, "service", t + 3) for s, t, real in decided]
    return Memory(tuple(rows), shape)


def test_reviewers_move_the_order_only_after_enough_decisions() -> None:
    """Reviewers confirm family a and dismiss family b of the same loudness: a rises above b, quiet rows stay."""
    rng = np.random.default_rng(1)
    shape = (400, 4)
    a, b = np.zeros(shape), np.zeros(shape)
    a[:60, 1], b[60:120, 1] = rng.uniform(6, 9, 60), rng.uniform(6, 9, 60)
    a[200, 2] = b[201, 2] = 7.0
    raw, scored = np.maximum(a, b), np.ones(shape, dtype=bool)
    loudness = calibrate.surprise(raw, scored)
    decided = [(s, 1, s < 60) for s in range(120)]
    moved, touched = rerank.moved(raw, loudness, {"a": a, "b": b}, scored, _memory(shape, decided))
    assert moved[200, 2] > 7.0 > moved[201, 2]
    assert not touched[:, :2].any()
    np.testing.assert_array_equal(moved[~touched], raw[~touched])
    few, none = rerank.moved(raw, loudness, {"a": a, "b": b}, scored, _memory(shape, decided[40:80]))
    assert not none.any()
    np.testing.assert_array_equal(few, raw)


@pytest.mark.parametrize("both", [False, True])
def test_many_decisions_may_teach_trees(both: bool) -> None:
    """What a sum cannot tell (either alone is real, both together are not) trees learn once there are enough rows."""
    rng = np.random.default_rng(5)
    pairs = rng.integers(0, 2, (rerank.LEAST_BOOSTED, 2))
    rows = np.column_stack([rng.uniform(6, 9, len(pairs)), 8.0 * pairs])
    real = (pairs[:, 0] != pairs[:, 1]) if both else pairs[:, 0] == 1
    learner = rerank._learner(rows, real)
    assert isinstance(learner, HistGradientBoostingClassifier) or not both
    assert ((learner.predict_proba(rows)[:, 1] > 0.5) == real).mean() > 0.95
    assert isinstance(rerank._learner(rows[:-1], real[:-1]), LogisticRegression)


def test_what_a_confirmed_alert_speaks_for_is_no_reference() -> None:
    estate = made().estate
    decided = [(3, 5, True), (4, 6, False)]
    marked = np.argwhere(feedback.unclean(_memory(estate.shape, decided), estate))
    assert marked.tolist() == [[3, month] for month in range(5, 9)]


def test_what_is_kept_back_is_no_reference_for_what_is_asked_about() -> None:
    """Dismissed things go on being loud for months in which nobody is asked about them."""
    fleet = made()
    estate, panel = fleet.estate, features.build(fleet.estate)
    found = policy.evaluate(estate)
    rates = policy.base_rates(estate, found)
    first = fleet.truth.drop_duplicates("event")
    decided = [(s, t, False) for s, t in zip(first["service"], first["month"], strict=True)]
    plain = ranking.rank(estate, panel, found, rates)
    now = ranking.rank(estate, panel, found, rates, _memory(estate.shape, decided))
    kept = now.kept_back
    assert kept[:, :-1].any()
    assert (now.tail[kept] == 1.0).all()
    rare = (plain.tail < 0.02) & ~kept
    rare[:, :-1] = False
    assert now.tail[rare].sum() < plain.tail[rare].sum()


def test_the_false_discovery_rate_is_measured_against_settled_lines() -> None:
    """Loud months of a line's beginning make no later month look ordinary, and serve only until others are there."""
    raw = np.array([[9.0, 9.0, 2.0, 5.0], [9.0, 9.0, 1.0, 0.0]])
    everything = np.ones(raw.shape, dtype=bool)
    settled = everything.copy()
    settled[:, :2] = False
    p = calibrate.tail(Sparse.above(raw), everything, settled=settled)
    np.testing.assert_allclose(p[0], [1, 1, 1, 1 / 3])
    np.testing.assert_allclose(calibrate.tail(Sparse.above(raw), everything)[0], [1, 1, 1, 5 / 7])


def test_a_share_of_the_budget_goes_by_the_unsupervised_order() -> None:
    nats, other = np.arange(100.0)[:, None], np.arange(100.0)[::-1, None]
    best = selection._best(nats, other, np.ones((100, 1), dtype=bool), 0.1)
    assert set(np.flatnonzero(best[:, 0])) == {0, 1, *range(92, 100)}


def test_memory_of_an_estate_knows_its_lines_and_months() -> None:
    estate = made().estate
    empty = feedback.nothing(estate)
    assert not empty.confirmed.any()
    assert not empty.dismissed.any()
    memory = _memory(estate.shape, [(3, 5, True), (4, 6, False), (3, 5, False)])
    assert memory.confirmed.sum() == memory.dismissed.sum() == 1
