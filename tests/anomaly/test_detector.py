"""Parts of the detector: budget, signals, baselines, calibration, what the data say about themselves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from anomaly import baseline, calibrate, estate, features, hurdle, model, policy, ranking, score
from anomaly.detectors import DEFAULT, DETECTORS
from anomaly.registry import SIGNALS
from anomaly.sparse import Sparse
from benchmarks._anomaly_fleet import fleet
from core.store import Store
from tests.anomaly.fleets import MONTH, changed_use, made, quiet_line, rebuilt
from tests.anomaly.tiny import base, use, write

scores = DETECTORS[DEFAULT].score


@pytest.mark.parametrize("budget", [0.0, 0.001, 0.005, 0.07, 1.0])
def test_the_budget_is_exact(budget: float) -> None:
    rows = score.budget_rows(budget, 1300)
    assert rows == {0.0: 0, 0.001: 2, 0.005: 7, 0.07: 91, 1.0: 1300}[budget]


def test_missing_months_are_no_drop() -> None:
    of = made().estate
    gone = of.months[MONTH]
    holes = rebuilt(of, use=of.use[of.use["month"] != gone])
    panel = features.build(holes)
    assert not panel.known[:, MONTH].any()
    evidence = model.assess(panel)
    assert evidence.nats["data_down"][:, MONTH].max() == 0
    assert scores(holes).shape == holes.shape


def with_event(amounts: dict[str, Sparse], name: str, line: int, size: float) -> None:
    """Add an event of a line in month 12."""
    whole = amounts[name].dense()
    whole[line, 12] = size
    amounts[name] = Sparse.above(whole)


def test_every_signal_speaks() -> None:
    """Each signal is heard on a fleet that has its kind of event, and is silent where nothing happened."""
    busy = fleet(3, 500, rate=0.02, boost=2.0)
    panel = features.build(busy.estate)
    with_event(panel.counts, "destinations", 7, 9)
    with_event(panel.counts, "roam_voice", 8, 300)
    with_event(panel.money, "directory_cost", 9, 20e6)
    with_event(panel.money, "one_off", 10, 300e6)
    with_event(panel.counts, "sim_swap", 11, 1)
    nats = {name: held.dense() for name, held in model.assess(panel).nats.items()}
    assert set(nats) == {signal.id for signal in SIGNALS}
    for signal in SIGNALS:
        assert nats[signal.id].max() >= 4, signal.id
        if signal.how == "rare":
            amounts = panel.money if signal.source in panel.money else panel.counts
            assert nats[signal.id][amounts[signal.source].dense() == 0].max(initial=0) == 0


def test_impossible_use_is_marked() -> None:
    of = made().estate
    line = quiet_line(of)
    broken = changed_use(of, line, MONTH, "home", "voice", quantity=90_000 * 1_000_000, country=None)
    panel = features.build(broken)
    assert panel.impossible.sum() == 1
    assert panel.impossible[line, MONTH]


def test_events_of_a_whole_department_are_excused() -> None:
    """A trip of one person surprises more than the same trip of a whole department."""
    rng = np.random.default_rng(0)
    amount = np.zeros((400, 12))
    amount[:, :11] = (rng.random((400, 11)) < 0.01) * 5.0
    amount[:30, 11] = amount[200, 11] = 5.0
    groups = {name: np.zeros((400, 12), dtype=np.int32) for name in ("role", "site_id")}
    groups["cost_center_id"] = np.repeat((np.arange(400) // 40).astype(np.int32)[:, None], 12, axis=1)
    known = np.ones((400, 12), dtype=bool)
    found = hurdle.rare(
        Sparse.above(amount), hurdle.Presence(known, groups), context=("cost_center_id", "site_id"), money=True
    )
    assert found.surprise[200, 11] > found.surprise[0, 11] + 1


def test_conformal_p_is_the_share_of_line_months_so_far() -> None:
    raw = np.array([[1.0, 4.0], [2.0, 0.0], [3.0, 5.0]])
    nats = calibrate.surprise(raw, np.ones_like(raw, dtype=bool))
    np.testing.assert_allclose(np.exp(-nats[:, 0]), [1.0, 3 / 4, 2 / 4])
    np.testing.assert_allclose(np.exp(-nats[:, 1]), [3 / 7, 1.0, 2 / 7])


def test_the_far_tail_is_told_by_size_where_ranks_are_alike() -> None:
    """Of two values beyond all others the one far beyond is more surprising, as much as a power law says."""
    rng = np.random.default_rng(7)
    raw = np.abs(rng.standard_t(4, (4000, 2)))
    raw[0, 1], raw[1, 1] = 40.0, 400.0
    everything = np.ones(raw.shape, dtype=bool)
    ranks, sizes = (calibrate.surprise(raw, everything, extended=e) for e in (False, True))
    assert ranks[1, 1] - ranks[0, 1] < 1
    assert sizes[1, 1] - sizes[0, 1] == pytest.approx(4 * np.log(10), rel=0.3)
    bulk = ranks < -np.log(2 * calibrate.TAIL_TO)
    np.testing.assert_array_equal(sizes[bulk], ranks[bulk])
    few = calibrate.surprise(raw[:100], everything[:100], extended=True)
    np.testing.assert_array_equal(few, calibrate.surprise(raw[:100], everything[:100]))


def test_a_past_begins_with_the_first_use() -> None:
    """The first use of a line is judged by its peers: usual where they use it, not where hardly anybody does."""
    x = np.full((80, 9), 5.0) + np.random.default_rng(2).normal(0, 0.3, (80, 9))
    x[0, :5] = x[1, 3:6] = 0.0
    x[40:] = 0.0
    x[40, 7] = 5.0
    kind = np.repeat((np.arange(80) // 40).astype(np.int32)[:, None], 9, axis=1)
    groups = {"kind": kind, "plan": kind, "cost_center_id": kind, "site_id": kind}
    z = baseline.levels(x, np.ones(x.shape, dtype=bool), groups)[0].z
    assert abs(z[0, 5]) < 3 < 8 < z[40, 7]
    assert z[1, 3] < -8


def test_a_part_of_a_month_is_no_past() -> None:
    """The month in which a line was switched on in its last days makes the next one no spike."""
    x = np.full((40, 4), 5.0) + np.random.default_rng(2).normal(0, 0.3, (40, 4))
    x[0, 1], x[0, 0] = 1.0, 0.0
    groups = {name: np.zeros(x.shape, dtype=np.int32) for name in ("kind", "plan", "cost_center_id", "site_id")}
    known = np.ones(x.shape, dtype=bool)
    known[0, 0] = False
    partial = np.zeros(x.shape, dtype=bool)
    partial[0, 1] = True
    told, blind = (baseline.levels(x, known, groups, partial=p)[0].z[0, 2] for p in (partial, None))
    assert abs(told) < 2 < 4 < blind


def test_evidence_of_one_family_counts_once() -> None:
    evidence = model.assess(features.build(made().estate))
    twice = replace(evidence, nats=evidence.nats | {"roaming_data": evidence.nats["roaming_cost"]})
    louder, plain = (score.combine(score.families(one)) for one in (twice, evidence))
    assert (louder <= plain + 1e-9).all()


def test_confirmed_line_months_leave_the_reference_of_later_months() -> None:
    raw = np.array([[9.0, 1.0, 5.0], [8.0, 2.0, 1.0], [1.0, 1.0, 2.0]])
    everything = np.ones_like(raw, dtype=bool)
    confirmed = np.zeros_like(everything)
    confirmed[:2, 0] = True
    plain, cleaned = (calibrate.surprise(raw, everything, confirmed=c) for c in (None, confirmed))
    np.testing.assert_array_equal(cleaned[:, 0], plain[:, 0])
    np.testing.assert_allclose(np.exp(-plain[0, 2]), 4 / 10)
    np.testing.assert_allclose(np.exp(-cleaned[0, 2]), 2 / 8)
    np.testing.assert_allclose(calibrate.tail(Sparse.above(raw), everything, confirmed=confirmed)[0], [1.0, 1.0, 1 / 5])


def test_a_country_that_many_go_to_at_once_is_an_event_of_the_company(store: Store) -> None:
    """Six lines in one country in a month are a gathering; one elsewhere, or a country people always go to, is not."""
    rows = base(12)
    for month in ("2026-05", "2026-06", "2026-07", "2026-08"):
        rows["usage"] += [use(f"L{n}", month) for n in range(12)]
        rows["usage"] += [use(f"L{n}", month, "50", zone="roaming", country="FR", cost="3") for n in range(6, 12)]
    rows["usage"] += [use(f"L{n}", "2026-08", "50", zone="roaming", country="PT", cost="5") for n in range(6)]
    rows["usage"].append(use("L1", "2026-08", "50", zone="roaming", country="JP", cost="5"))
    of = estate.read(write(store, rows))
    marked = ranking.gathered(of)
    assert set(of.ids[marked[:, 3]]) == {"L0", "L2", "L3", "L4", "L5"}  # L1 was in Japan too
    assert not marked[:, 1:3].any()
    found = policy.evaluate(of)
    rates = policy.base_rates(of, found)
    plain, explained = (score.rule_families(found, rates, of.shape, explained=e) for e in (None, marked))
    for name, held in plain.items():
        nats, excused = held.dense(), explained[name].dense()
        if name == "roaming":
            assert excused[marked].max(initial=0) <= np.log(2)
            np.testing.assert_array_equal(excused[~marked], nats[~marked])
        else:
            np.testing.assert_array_equal(excused, nats)


def test_another_sim_in_other_equipment_is_told_from_a_new_phone(store: Store) -> None:
    rows = base(4)
    rows["usage"] = [use(f"L{n}", month) for n in range(4) for month in ("2026-01", "2026-02", "2026-03")]
    seen = {"L0": ("S1", "I2"), "L1": ("S2", "I1"), "L2": ("S2", "I2")}
    rows["sim_observations"] = [
        {"service_id": f"L{n}", "observed_on": f"2026-0{m}-05", "iccid": "S1", "imei": "I1"}
        for n in range(4)
        for m in (1, 2)
    ]
    rows["sim_observations"] += [
        {"service_id": line, "observed_on": "2026-03-05", "iccid": sim, "imei": device}
        for line, (sim, device) in seen.items()
    ]
    of = estate.read(write(store, rows))
    counts = {name: held.dense() for name, held in features.build(of).counts.items()}
    assert of.ids[counts["sim_swap"][:, 2] > 0].tolist() == ["L2"]
    assert of.ids[counts["device_change"][:, 2] > 0].tolist() == ["L0", "L2"]
    assert counts["sim_swap"][:, :2].sum() == 0
