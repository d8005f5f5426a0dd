"""The contract of detectors: every check runs for every detector of the register, and a new one gets them all.

A detector may be excused from a check only by name and with a reason (`anomaly/detectors.py`).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import lru_cache

import numpy as np
import pandas as pd
import pytest

from anomaly import model, score
from anomaly.detectors import DEFAULT, DETECTORS, Detector
from tests.anomaly.fleets import LINES, MONTH, Array, changed_use, made, quiet_line, rebuilt

Check = Callable[[Detector], None]
CHECKS: dict[str, Check] = {}


def check(function: Check) -> Check:
    CHECKS[function.__name__] = function
    return function


@lru_cache(maxsize=len(DETECTORS))
def plain(name: str) -> Array:
    return DETECTORS[name].score(made().estate)


@check
def shape(of: Detector) -> None:
    """Nats, one for each line-month, nothing outside a line's life."""
    estate = made().estate
    found = plain(of.id)
    assert found.shape == estate.shape
    assert np.isfinite(found).all()
    assert (found >= 0).all()
    assert (found[~estate.scored] == 0).all()


@check
def no_future_leak(of: Detector) -> None:
    estate = made().estate
    last = estate.months[MONTH]
    frames = {name: getattr(estate, name) for name in ("use", "billed", "sims", "events")}
    cut = rebuilt(estate, **{name: frame[frame["month"] <= last] for name, frame in frames.items()})
    np.testing.assert_array_equal(of.score(cut), plain(of.id)[:, : MONTH + 1])


@check
def month_order(of: Detector) -> None:
    """Rows of months that arrive out of order, the latest first, change nothing."""
    estate = made().estate
    frames = {
        name: getattr(estate, name).sort_values("month", ascending=False, kind="stable")
        for name in ("use", "billed", "sims", "events")
    }
    np.testing.assert_array_equal(of.score(rebuilt(estate, **frames)), plain(of.id))


@check
def permutation(of: Detector) -> None:
    """Other names, and so another order of the lines: each line keeps its scores."""
    estate = made().estate
    number = estate.services["service_id"].str[1:].astype(int)
    names = dict(zip(estate.services["service_id"], [f"Z{(7 * n) % LINES:06d}" for n in number], strict=True))
    frames = {name: getattr(estate, name) for name in ("use", "billed", "sims", "events")}
    frames |= {name: estate.tables[name] for name in ("services", "service_items")}
    renamed = rebuilt(estate, **{n: f.assign(service_id=f["service_id"].map(names)) for n, f in frames.items()})
    back = renamed.services["service_id"].tolist()
    order = [back.index(names[line]) for line in estate.services["service_id"]]
    np.testing.assert_allclose(of.score(renamed)[order], plain(of.id), atol=1e-9)


@check
def currency(of: Detector) -> None:
    np.testing.assert_array_equal(of.score(made(scale=184).estate), plain(of.id))


@check
def determinism(of: Detector) -> None:
    np.testing.assert_array_equal(of.score(made().estate), plain(of.id))


@check
def constant(of: Detector) -> None:
    """A line that uses the same every month is no surprise."""
    estate = made().estate
    line = estate.services["service_id"].iloc[quiet_line(estate)]
    use, billed = estate.use[estate.use["service_id"] != line], estate.billed[estate.billed["service_id"] != line]
    row = {"service_id": line, "usage_type": "data", "zone": "home", "currency": "USD", "cost": 0}
    rows = pd.DataFrame([{**row, "month": month, "quantity": 900_000_000} for month in estate.months])
    sims = estate.sims[estate.sims["service_id"] != line]
    flat = of.score(rebuilt(estate, use=pd.concat([use, rows], ignore_index=True), billed=billed, sims=sims))
    assert flat[quiet_line(estate), 3:].max() < score.NOTABLE


@check
def duplicate_fleet(of: Detector) -> None:
    """A fleet and its exact twin rank alike: the budget finds the same line-months."""
    estate = made().estate
    twin = {}
    frames = {name: getattr(estate, name) for name in ("use", "billed", "sims", "events")}
    frames |= {name: estate.tables[name] for name in ("services", "service_items")}
    for name, frame in frames.items():
        twin[name] = pd.concat([frame, frame.assign(service_id="X" + frame["service_id"])], ignore_index=True)
    doubled = of.score(rebuilt(estate, **twin))
    np.testing.assert_allclose(doubled[:LINES], doubled[LINES:], atol=1e-9)
    kept = score.budget_rows(0.01, int(estate.scored.sum()))
    first, second = (set(np.argsort(-s, axis=None, kind="stable")[:kept]) for s in (plain(of.id), doubled[:LINES]))
    assert len(first & second) / kept >= 0.7


@check
def null_fleet(of: Detector) -> None:
    """Without any planted event no more line-months reach a level than the level says, within chance."""
    calm = made(seed=6, rate=0.0).estate
    nats, last = of.score(calm)[:, -1], calm.scored[:, -1]
    for level in (0.01, 0.05):
        share = (nats[last] >= -np.log(level)).mean()
        assert share <= 3 * level + 2 / last.sum()


@check
def monotone(of: Detector) -> None:
    """More of something is never less surprising, and much of it is surprising."""
    estate = made().estate
    line = quiet_line(estate)
    cases = (("home", "data", None), ("roaming", "data", "JP"), ("premium", "voice", "US"))
    for zone, kind, country in (*cases, ("international", "voice", "CU")):
        found = []
        for size in (5, 50, 500, 5000):
            big = size * (40 if zone == "home" else 1)
            money = 0 if zone == "home" else size * 1_000_000
            values = {"quantity": big * 1_000_000, "cost": money, "country": country}
            found.append(of.score(changed_use(estate, line, MONTH, zone, kind, **values))[line, MONTH])
        assert all(later >= earlier - 1e-9 for earlier, later in itertools.pairwise(found)), (zone, found)
        assert found[-1] > 5


@check
def new_line(of: Detector) -> None:
    """A line without history is judged by its peers: an ordinary first month is calm, a huge one is not."""
    estate = made().estate
    young = next(s for s in range(LINES) if 3 <= int(np.argmax(estate.scored[s])) <= 12)
    first = int(np.argmax(estate.scored[young]))
    huge = changed_use(estate, young, first, "home", "data", quantity=3_000_000_000_000, country=None)
    assert plain(of.id)[young, first] < 2 < 4 < of.score(huge)[young, first]
    assert model.history_months(estate.scored)[young, first] == 0


@check
def missing_months(of: Detector) -> None:
    """A month that no carrier sent is unknown, not a drop to zero, and the months after it are scored."""
    estate = made().estate
    gone = estate.months[MONTH]
    nats = of.score(rebuilt(estate, use=estate.use[estate.use["month"] != gone]))
    assert nats.shape == estate.shape
    loud = nats[estate.scored[:, MONTH], MONTH] >= -np.log(0.05)
    assert loud.mean() <= 3 * 0.05
    assert (nats[:, MONTH + 1] > 0).any()


@pytest.mark.parametrize("name", CHECKS)
@pytest.mark.parametrize("detector", DETECTORS.values(), ids=lambda d: d.id)
def test_contract(detector: Detector, name: str) -> None:
    if name in detector.excused:
        pytest.skip(detector.excused[name])
    CHECKS[name](detector)


def test_excuses_are_for_known_checks_and_never_for_the_product() -> None:
    for detector in DETECTORS.values():
        assert set(detector.excused) <= set(CHECKS)
        assert all(len(reason) > 20 for reason in detector.excused.values())
    assert not DETECTORS[DEFAULT].excused
