"""Compiled passes against plain numpy on random arrays with gaps and ties."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anomaly import baseline, kernels, ranks, selection
from anomaly.sparse import Sparse


def group_median(values: np.ndarray, groups: np.ndarray, *, least: int) -> np.ndarray:
    """The median of its group on each row; NaN for a row in no group."""
    size = int(groups.max(initial=-1)) + 1
    column = np.ascontiguousarray(values)
    medians = kernels.group_medians(column, np.ascontiguousarray(groups), size, least, np.empty(len(column)))
    return np.append(medians, np.nan)[groups]


def holed(seed: int, lines: int = 40, months: int = 15) -> np.ndarray:
    rng = np.random.default_rng(seed)
    x = np.round(rng.normal(5, 2, (lines, months)), 1)
    x[rng.random(x.shape) < 0.2] = np.nan
    x[3] = np.nan
    x[4] = 7.0
    return x


@pytest.mark.filterwarnings("ignore:All-NaN")
@pytest.mark.parametrize("window", [3, 12])
def test_own_past_is_the_median_of_the_usable_months_before(window: int) -> None:
    x = holed(1)
    usable = np.random.default_rng(5).random(x.shape) < 0.9
    middle, apart = np.empty_like(x), np.empty_like(x)
    count = kernels.own_past(x, window, usable, middle, apart)
    for t in range(x.shape[1]):
        past = np.where(usable, x, np.nan)[:, max(0, t - window) : t]
        if past.shape[1]:
            expected = np.nanmedian(past, axis=1)
            np.testing.assert_allclose(middle[:, t], expected)
            np.testing.assert_allclose(apart[:, t], np.nanmedian(np.abs(past - expected[:, None]), axis=1))
        np.testing.assert_array_equal(count[:, t], np.isfinite(past).sum(axis=1))


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from([0.0, 1.0, 1.5, -2.0, 9.0, np.nan]), st.integers(-1, 4)), max_size=40),
    st.integers(1, 4),
)
def test_group_medians_are_medians(rows: list[tuple[float, int]], least: int) -> None:
    values = np.array([v for v, _ in rows], dtype=float)
    groups = np.array([g for _, g in rows], dtype=np.int32)
    found = group_median(values, groups, least=least)
    for place, group in enumerate(groups):
        inside = values[(groups == group) & np.isfinite(values)]
        expected = np.median(inside) if group >= 0 and len(inside) >= least else np.nan
        np.testing.assert_equal(found[place], expected)


def test_a_large_group_has_its_median_too() -> None:
    values = np.random.default_rng(0).normal(size=10_001)
    groups = np.zeros(10_001, dtype=np.int32)
    assert group_median(values, groups, least=8)[0] == np.median(values)
    assert group_median(values[1:], groups[1:], least=8)[0] == np.median(values[1:])


@given(st.lists(st.tuples(st.sampled_from([0.5, 1.0, -2.0, np.nan]), st.integers(0, 2)), min_size=1, max_size=30))
@settings(max_examples=30, deadline=None)
def test_medians_come_with_their_deviation(rows: list[tuple[float, int]]) -> None:
    values, groups = np.array([v for v, _ in rows]), np.array([g for _, g in rows], dtype=np.int32)
    apart = np.full(3, np.nan)
    kernels.group_medians(values, groups, 3, 2, np.empty(len(values)), apart)
    for group in range(3):
        inside = values[(groups == group) & np.isfinite(values)]
        expected = np.median(np.abs(inside - np.median(inside))) if len(inside) >= 2 else np.nan
        np.testing.assert_equal(apart[group], expected)
    if np.isfinite(values).any():
        known = values[np.isfinite(values)]
        middle = np.median(known)
        assert kernels.median_and_mad(known) == (middle, np.median(np.abs(known - middle)))


@pytest.mark.parametrize(
    "value",
    [
        np.random.default_rng(0).lognormal(0, 3, 5000),
        np.random.default_rng(1).integers(0, 9, 500).astype(float),
        np.array([1e-300, *(1 + 1e-16 * np.arange(4000, 0, -1)), np.inf, 0.0, -0.0]),
        np.empty(0),
    ],
    ids=["spread", "ties", "nearly equal", "none"],
)
def test_an_order_ascends(value: np.ndarray) -> None:
    order = ranks.Order.of(value)
    np.testing.assert_array_equal(order.value, np.sort(value))
    np.testing.assert_array_equal(value[order.place], order.value)
    np.testing.assert_array_equal(np.sort(order.place), np.arange(len(value)))


@given(st.integers(0, 10_000))
@settings(max_examples=40, deadline=None)
def test_a_value_is_reached_by_the_reference_of_its_month(seed: int) -> None:
    rng = np.random.default_rng(seed)
    count, months = int(rng.integers(1, 60)), int(rng.integers(1, 7))
    value, month = rng.integers(0, 12, count).astype(float), np.sort(rng.integers(0, months, count))
    now, later = rng.random((2, count)) < 0.7
    since = np.array([rng.integers(0, t + 1) for t in range(months)])
    start = np.searchsorted(month, np.arange(months + 1))
    service = np.arange(count, dtype=np.int32)
    marked_now, marked_later = (np.repeat(mask[:, None], months, axis=1) for mask in (now, later))
    order = ranks.Order.of(value)
    code = ranks.codes(start, service, now=marked_now, later=marked_later)[order.place]

    def reference(t: int, first: int) -> np.ndarray:
        return value[((month == t) & now) | ((month >= first) & (month < t) & later)]

    expected = [(reference(t, since[t]) >= v).sum() for v, t in zip(value, month, strict=True)]
    np.testing.assert_array_equal(order.reached(code, since), expected)
    found = order.of_rank(code, np.array([np.full(months, 3), np.zeros(months, dtype=int)]))
    for t in range(months):
        inside = np.sort(reference(t, 0))
        np.testing.assert_equal(found[:, t], [inside[-3] if len(inside) >= 3 else np.nan, np.nan])


@given(st.integers(0, 10_000), st.floats(0, 1))
@settings(max_examples=40, deadline=None)
def test_the_best_are_the_first_of_all_in_order(seed: int, share: float) -> None:
    rng = np.random.default_rng(seed)
    nats = np.round(rng.exponential(1, (9, 4)), 1) + rng.choice([0, 2e-7, 9e-7], (9, 4))
    inside = rng.random((9, 4)) < 0.8
    service, month = np.nonzero(inside)
    rows = round(share * len(service))
    order = np.lexsort((month, service, -np.round(nats[service, month], 6)))[:rows]
    found = selection.best(nats, inside, rows)
    np.testing.assert_array_equal(found, (service[order], month[order]))


def test_events_come_by_month_with_what_was_before_them() -> None:
    amount = np.array([[0.0, 2.0, 3.0], [4.0, 0.0, 5.0], [6.0, 7.0, 0.0]])
    known = np.ones(amount.shape, dtype=bool)
    known[2, 0] = False
    found = Sparse.above(amount).kept(known)
    cells = zip(found.service, found.month, found.value, strict=True)
    assert list(cells) == [(1, 0, 4), (0, 1, 2), (2, 1, 7), (0, 2, 3), (1, 2, 5)]
    times, total = kernels.earlier_events(found.service, found.value, 3)
    assert (times.tolist(), total.tolist()) == ([0, 0, 0, 1, 1], [0, 0, 0, 2, 4])


def test_top_three_are_the_three_largest() -> None:
    stack = np.random.default_rng(2).random((7, 11, 5))
    kept = [np.zeros((11, 5), order="F") for _ in range(3)]
    for family in stack:
        held = Sparse.above(family)
        for t in range(5):
            kernels.top_three(*(grid[:, t] for grid in kept), *held.column(t))
    np.testing.assert_array_equal(np.stack(kept), np.sort(stack, axis=0)[::-1][:3])


def ramps(x: np.ndarray, length: int, before: int, weight: float) -> tuple[np.ndarray, np.ndarray]:
    slope, error = np.empty_like(x), np.empty_like(x)
    kernels.ramps(x, np.ones_like(x), length, before, weight, 50.0, slope, error)
    return slope, error


def test_a_ramp_is_the_least_squares_rise_from_the_level_before() -> None:
    x = np.random.default_rng(3).normal(0, 0.2, (5, 12)) + 0.1 * np.maximum(np.arange(12) - 5, 0)
    slope, error = ramps(x, 6, 4, 0.0)
    assert np.isnan(slope[:, :8]).all()  # fewer than three months of a level
    ramp = np.array([0, 0, 0, 0, 1, 2, 3, 4, 5, 6])
    for s in range(5):
        (b, _), residual, *_ = np.polyfit(ramp, x[s, 2:], 1, full=True)
        np.testing.assert_allclose(slope[s, 11], b)
        np.testing.assert_allclose(error[s, 11], np.sqrt(residual[0] / 8 / ((ramp - ramp.mean()) ** 2).sum()))


def test_a_ramp_bears_one_missing_month_of_the_rise() -> None:
    x = np.zeros((2, 12))
    x[:, 6:] = 0.1 * np.arange(1, 7)
    x[0, 8] = x[1, 8] = x[1, 9] = np.nan
    slope, _ = ramps(x, 6, 12, 0.0)
    np.testing.assert_allclose(slope[0, 11], 0.1)
    assert np.isnan(slope[1, 11])


def test_drift_and_shift_tell_a_slope_from_a_step_from_a_spike() -> None:
    rng = np.random.default_rng(4)
    x = rng.normal(5, 0.25, (60, 16))
    x[0, 6:] += 0.2 * np.arange(10)
    x[1, 12:] += 1.2
    x[2, 13] += 3.0
    groups = {name: np.zeros(x.shape, dtype=np.int32) for name in ("kind", "plan", "cost_center_id", "site_id")}
    found, _ = baseline.levels(x, np.ones(x.shape, dtype=bool), groups)
    drift, shift = found.drift.dense(), found.shift.dense()
    assert drift[0, 13:].min() > 4.5 > drift[3:, 9:].max()
    assert shift[1, 14] > 2.0
    assert shift[1, 13] < 1.0
    assert shift[2].max() < 1.0
    assert drift[2].max() < 3.5


@given(st.integers(0, 9))
def test_a_sparse_array_answers_like_the_full_one(seed: int) -> None:
    rng = np.random.default_rng(seed)
    full, other = (np.where(rng.random((9, 5)) < 0.3, np.round(rng.random((9, 5)), 1), 0.0) for _ in range(2))
    held = Sparse.above(full)
    np.testing.assert_array_equal(held.dense(), full)
    np.testing.assert_array_equal(Sparse.above(full, 0.5).dense(), np.where(full > 0.5, full, 0.0))
    np.testing.assert_array_equal(held.louder(Sparse.above(other)).dense(), np.maximum(full, other))
    mask = rng.random(full.shape) < 0.5
    np.testing.assert_array_equal(held.kept(mask).dense(), np.where(mask, full, 0.0))
    s, t = np.divmod(rng.permutation(45), 5)
    np.testing.assert_array_equal(held[s, t], full[s, t])
    np.testing.assert_array_equal(Sparse.at(full.shape, s, t, full[s, t]).dense(), full)
    assert [held[int(a), int(b)] for a, b in zip(s, t, strict=True)] == full[s, t].tolist()
    np.testing.assert_array_equal(held[mask[:, 2], 2], full[mask[:, 2], 2])
    np.testing.assert_array_equal(held[:, 4], full[:, 4])
    assert (held.places(s, t) >= 0).tolist() == (full[s, t] > 0).tolist()


def test_of_a_cell_that_is_named_twice_the_last_value_counts() -> None:
    held = Sparse.at((3, 2), np.array([1, 2, 1]), np.array([0, 1, 0]), np.array([5.0, 6.0, 7.0]))
    np.testing.assert_array_equal(held.dense(), [[0, 0], [7, 0], [0, 6]])
    assert Sparse.above(np.zeros((0, 4))).dense().shape == (0, 4)


def test_ranks_of_many_equal_values_are_found() -> None:
    values = np.concatenate([np.zeros(50_000), np.ones(50_000), np.random.default_rng(1).integers(0, 3, 20_001)])
    groups = np.zeros(len(values), dtype=np.int32)
    assert group_median(values, groups, least=1)[0] == np.median(values)
    ramp = np.arange(20_000.0)
    for ordered in (ramp, ramp[::-1], np.roll(ramp, 7)):
        assert group_median(ordered, groups[:20_000], least=1)[0] == np.median(ramp)
