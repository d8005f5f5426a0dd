"""Contract checks of the detector: what must hold for any fleet, whatever the model inside."""

from __future__ import annotations

import itertools
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
import pytest

from anomaly import baseline, calibrate, estate, features, model, policy, score
from anomaly import run as detector
from anomaly.registry import SIGNALS
from benchmarks._anomaly_fleet import Fleet, fleet

LINES = 260
MONTH = 14


@lru_cache(maxsize=4)
def made(seed: int = 5, rate: float = 0.004, scale: int = 1) -> Fleet:
    return fleet(seed, LINES, rate=rate, scale=scale)


def scores(of: estate.Estate) -> np.ndarray[Any, Any]:
    found = policy.evaluate(of)
    return detector.rank(of, features.build(of), found, policy.base_rates(of, found))[1]


def rebuilt(of: estate.Estate, **frames: pd.DataFrame) -> estate.Estate:
    use, billed = frames.get("use", of.use), frames.get("billed", of.billed)
    tables = {name: frames.get(name, frame) for name, frame in of.tables.items()}
    events, sims = frames.get("events", of.events), frames.get("sims", of.sims)
    return estate.build(tables, use, billed, events, sims, of.known_devices)


def changed_use(of: estate.Estate, service: int, month: int, zone: str, kind: str, **values: Any) -> estate.Estate:
    """The same estate with one usage row more (or, in zone home, another one instead)."""
    line, when = of.services["service_id"].iloc[service], of.months[month]
    use = of.use
    same = (use["service_id"] == line) & (use["month"] == when) & (use["zone"] == zone) & (use["usage_type"] == kind)
    row = {"service_id": line, "month": when, "usage_type": kind, "zone": zone, "currency": "USD", "cost": 0} | values
    return rebuilt(of, use=pd.concat([use[~same], pd.DataFrame([row])], ignore_index=True))


@lru_cache(maxsize=1)
def _plain() -> np.ndarray[Any, Any]:
    return scores(made().estate)


def quiet_line(of: estate.Estate) -> int:
    """A line with full history and no planted event."""
    busy = set(made().truth["service"]) | set(made().alike["service"])
    return next(s for s in range(LINES) if s not in busy and of.scored[s].all())


def test_no_future_leak() -> None:
    of = made().estate
    last = of.months[MONTH]
    cut = rebuilt(
        of,
        use=of.use[of.use["month"] <= last],
        billed=of.billed[of.billed["month"] <= last],
        sims=of.sims[of.sims["month"] <= last],
        events=of.events[of.events["month"] <= last],
    )
    assert cut.months[-1] == last
    np.testing.assert_array_equal(scores(cut), _plain()[:, : MONTH + 1])


def test_order_of_lines_and_months_is_irrelevant() -> None:
    of = made().estate
    shuffled = rebuilt(
        of,
        use=of.use.sample(frac=1, random_state=1),
        billed=of.billed.sample(frac=1, random_state=2),
        sims=of.sims.sample(frac=1, random_state=3),
        services=of.tables["services"].sample(frac=1, random_state=4),
    )
    np.testing.assert_array_equal(scores(shuffled), _plain())


def test_other_names_for_the_lines_change_nothing() -> None:
    of = made().estate
    number = of.services["service_id"].str[1:].astype(int)
    names = dict(zip(of.services["service_id"], [f"Z{(7 * n) % LINES:06d}" for n in number], strict=True))
    frames = {name: getattr(of, name) for name in ("use", "billed", "sims", "events")}
    frames |= {name: of.tables[name] for name in ("services", "service_items")}
    renamed = rebuilt(of, **{n: f.assign(service_id=f["service_id"].map(names)) for n, f in frames.items()})
    back = renamed.services["service_id"].tolist()
    order = [back.index(names[line]) for line in of.services["service_id"]]
    np.testing.assert_allclose(scores(renamed)[order], _plain(), atol=1e-9)


def test_currency_scale_changes_nothing() -> None:
    np.testing.assert_array_equal(scores(made(scale=184).estate), _plain())


def test_two_runs_agree_exactly() -> None:
    np.testing.assert_array_equal(scores(made().estate), _plain())


def test_a_constant_line_is_no_surprise() -> None:
    of = made().estate
    line = of.services["service_id"].iloc[quiet_line(of)]
    use, billed = of.use[of.use["service_id"] != line], of.billed[of.billed["service_id"] != line]
    row = {"service_id": line, "usage_type": "data", "zone": "home", "currency": "USD", "cost": 0}
    rows = pd.DataFrame([{**row, "month": month, "quantity": 900_000_000} for month in of.months])
    sims = of.sims[of.sims["service_id"] != line]
    flat = scores(rebuilt(of, use=pd.concat([use, rows], ignore_index=True), billed=billed, sims=sims))
    assert flat[quiet_line(of), 3:].max() < score.NOTABLE


def test_a_doubled_fleet_ranks_alike() -> None:
    of = made().estate
    twin = {}
    for name in ("use", "billed", "sims", "events"):
        frame = getattr(of, name)
        twin[name] = pd.concat([frame, frame.assign(service_id="X" + frame["service_id"])], ignore_index=True)
    for name in ("services", "service_items"):
        frame = of.tables[name]
        twin[name] = pd.concat([frame, frame.assign(service_id="X" + frame["service_id"])], ignore_index=True)
    doubled = scores(rebuilt(of, **twin))[:LINES]
    kept = score.budget_rows(0.01, int(of.scored.sum()))
    first, second = (set(np.argsort(-s, axis=None, kind="stable")[:kept]) for s in (_plain(), doubled))
    assert len(first & second) / kept >= 0.7


@pytest.mark.parametrize("budget", [0.0, 0.001, 0.005, 0.07, 1.0])
def test_the_budget_is_exact(budget: float) -> None:
    rows = score.budget_rows(budget, 1300)
    assert rows == {0.0: 0, 0.001: 2, 0.005: 7, 0.07: 91, 1.0: 1300}[budget]


def test_a_fleet_without_events_is_not_full_of_alarms() -> None:
    calm = made(seed=6, rate=0.0)
    nats, scored = scores(calm.estate), calm.estate.scored
    last = scored[:, -1]
    for level in (0.01, 0.05):
        share = (nats[:, -1][last] >= -np.log(level)).mean()
        assert share <= 3 * level + 2 / last.sum()


@pytest.mark.parametrize(
    ("zone", "kind", "country"),
    [("home", "data", None), ("roaming", "data", "JP"), ("premium", "voice", "US"), ("international", "voice", "CU")],
)
def test_more_is_never_less_surprising(zone: str, kind: str, country: str | None) -> None:
    of = made().estate
    line = quiet_line(of)
    found = []
    for size in (5, 50, 500, 5000):
        big = size * (40 if zone == "home" else 1)
        values = {"quantity": big * 1_000_000, "cost": 0 if zone == "home" else size * 1_000_000, "country": country}
        found.append(scores(changed_use(of, line, MONTH, zone, kind, **values))[line, MONTH])
    assert all(later >= earlier - 1e-9 for earlier, later in itertools.pairwise(found))
    assert found[-1] > 5


def test_a_new_line_is_judged_by_its_peers() -> None:
    of = made().estate
    young = next(s for s in range(LINES) if 3 <= int(np.argmax(of.scored[s])) <= 12)
    first = int(np.argmax(of.scored[young]))
    plain = _plain()[young, first]
    loud = scores(changed_use(of, young, first, "home", "data", quantity=3_000_000_000_000, country=None))[young, first]
    assert plain < 2 < 4 < loud
    assert model.history_months(of.scored)[young, first] == 0


def test_missing_months_are_no_drop() -> None:
    of = made().estate
    gone = of.months[MONTH]
    holes = rebuilt(of, use=of.use[of.use["month"] != gone])
    panel = features.build(holes)
    assert not panel.known[:, MONTH].any()
    evidence = model.assess(panel, forest=False)
    assert evidence.nats["data_down"][:, MONTH].max() == 0
    assert scores(holes).shape == holes.shape


def test_every_signal_speaks() -> None:
    """Each signal is heard on a fleet that has its kind of event, and is silent where nothing happened."""
    busy = fleet(3, 500, rate=0.02, boost=2.0)
    panel = features.build(busy.estate)
    panel.counts["destinations"][7, 12] = 9
    panel.counts["roam_voice"][8, 12] = 300
    panel.money["directory_cost"][9, 12] = 20e6
    panel.money["one_off"][10, 12] = 300e6
    nats = model.assess(panel).nats
    assert set(nats) == {signal.id for signal in SIGNALS}
    for signal in SIGNALS:
        assert nats[signal.id].max() >= 4, signal.id
        if signal.how == "rare":
            amounts = panel.money if signal.source in panel.money else panel.counts
            assert nats[signal.id][amounts[signal.source] == 0].max(initial=0) == 0


def test_impossible_use_is_a_data_problem() -> None:
    of = made().estate
    line = quiet_line(of)
    broken = changed_use(of, line, MONTH, "home", "voice", quantity=90_000 * 1_000_000, country=None)
    panel = features.build(broken)
    assert panel.impossible.sum() == 1
    assert panel.impossible[line, MONTH]
    found = policy.evaluate(broken)
    chosen = np.ones(len(broken.months), dtype=bool)
    items = detector._anomalies(broken, panel, found, policy.base_rates(broken, found), chosen, {}, 0.01)
    (item,) = [i for i in items if i.service_id == broken.services["service_id"].iloc[line]]
    assert item.kind == "data_problem"
    assert "not the user" in item.explanation


def test_events_of_a_whole_department_are_excused() -> None:
    """A trip of one person surprises more than the same trip of a whole department."""
    rng = np.random.default_rng(0)
    amount = np.zeros((400, 12))
    amount[:, :11] = (rng.random((400, 11)) < 0.01) * 5.0
    amount[:30, 11] = amount[200, 11] = 5.0
    groups = {name: np.zeros((400, 12), dtype=np.int32) for name in ("role", "site_id")}
    groups["cost_center_id"] = np.repeat((np.arange(400) // 40).astype(np.int32)[:, None], 12, axis=1)
    known = np.ones((400, 12), dtype=bool)
    found = baseline.rare(amount, known, groups, context=("cost_center_id", "site_id"), money=True)
    assert found.surprise[200, 11] > found.surprise[0, 11] + 1


def test_row_median_and_group_median() -> None:
    values = np.array([[1.0, np.nan, 3.0], [np.nan] * 3, [5.0, 4.0, 9.0]])
    middle, count = baseline.row_median(values)
    np.testing.assert_array_equal(middle, [2.0, np.nan, 5.0])
    np.testing.assert_array_equal(count, [2, 0, 3])
    groups = np.array([0, 0, 0, 1, -1], dtype=np.int32)
    found = baseline.group_median(np.array([1.0, 9.0, 2.0, 7.0, 5.0]), groups, least=2)
    np.testing.assert_array_equal(found, [2.0, 2.0, 2.0, np.nan, np.nan])


def test_conformal_p_is_the_share_of_line_months_so_far() -> None:
    raw = np.array([[1.0, 4.0], [2.0, 0.0], [3.0, 5.0]])
    nats = calibrate.surprise(raw, np.ones_like(raw, dtype=bool))
    np.testing.assert_allclose(np.exp(-nats[:, 0]), [1.0, 3 / 4, 2 / 4])
    np.testing.assert_allclose(np.exp(-nats[:, 1]), [3 / 7, 1.0, 2 / 7])


def test_evidence_of_one_family_counts_once() -> None:
    of = made().estate
    evidence = model.assess(features.build(of), forest=False)
    twice = replace(evidence, nats=evidence.nats | {"roaming_data": evidence.nats["roaming_cost"]})
    louder = score.combine(twice, {})
    assert (louder <= score.combine(evidence, {}) + 1e-9).all()
