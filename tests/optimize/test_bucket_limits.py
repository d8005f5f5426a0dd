"""Buckets under a limit on the probability of overage: the cheapest that keeps it."""

from __future__ import annotations

import pytest
from bucket_estates import STAIRS, buckets, small_pools, throttled
from estates import M, pooled_estate

import optimize
from optimize.worth import worth_frames

# the smallest bucket that holds the largest month, the second largest, the third, none: month by month above it
UNDER_A_LIMIT = [(0, "150 GB", 380, ()), ("0.25", "85 GB", 230, (45,)), ("0.5", "50 GB", 150, (30, 80))]
UNDER_A_LIMIT += [("0.99", "50 GB", 150, (30, 80)), (1, None, 0, (50, 80, 130, 25))]


@pytest.mark.parametrize("method", ["count", "lines", "model"])
@pytest.mark.parametrize("price", [None, 1])
@pytest.mark.parametrize(("limit", "bought", "mrc", "above"), UNDER_A_LIMIT)
def test_what_twenty_five_devices_buy_to_overflow_seldom(limit, bought, mrc, above, price, method):
    held = buckets()
    held[0]["today"] = {"A": 1}
    scenario = {"buckets": held, "overage_probability": {"limit": limit}, "gap": 0, "method": method}
    found = optimize.run_frames(throttled(price, only=method == "count"), scenario).to_json()
    assert found["status"] == "optimal"
    assert found["certificate"]["cost"] == pytest.approx(150 + mrc + (price or 0) * sum(above) / 4)
    assert [row["bucket_id"] for row in found["buckets"] if row["count"]] == ([bought] if bought else [])
    assert found["overage_probability"]["worst_pool"] == len(above) / 4
    assert found["overage_probability"]["baseline_worst_pool"] == 0.5
    assert all(row["action"] == "keep" for row in found["recommendations"])


@pytest.mark.parametrize(
    ("stairs", "extra", "least"),
    [
        (STAIRS[:1], {}, 0.5),
        (STAIRS[:1], {"max_per_pool": 2}, 0.25),
        (STAIRS[:1], {"max_per_pool": 3}, None),
        (STAIRS[:2], {}, 0.25),
        (STAIRS[:2], {"offer_id": "RFP"}, 1),
        (STAIRS[:1], {"offer_id": "RFP", "today": {"A": 1}}, 0.5),
    ],
)
def test_the_smallest_limit_is_that_with_every_bucket_that_may_be_bought(stairs, extra, least):
    scenario = {"buckets": buckets(stairs, **extra), "overage_probability": {"limit": 0}, "gap": 0}
    result = optimize.run_frames(throttled(), scenario)
    if least is None:
        assert result.status == "optimal"
        return
    why = result.to_json()["infeasible"]
    assert why["groups"] == ["overage_probability"]
    assert "whatever buckets they buy" in why["explanation"]
    (way,) = why["relaxations"]
    assert way["value"] == least
    loose = {**scenario, "overage_probability": {"limit": least}}
    assert optimize.run_frames(throttled(), loose).status == "optimal"


def test_sizes_that_may_be_combined_count_together_in_the_smallest_limit():
    scenario = {"buckets": buckets(STAIRS[:2]), "bucket_steps": "any", "overage_probability": {"limit": 0}, "gap": 0}
    found = optimize.run_frames(throttled(), scenario).to_json()
    assert found["certificate"]["cost"] == pytest.approx(150 + 150 + 230)


def test_the_price_of_a_limit_is_that_of_the_bucket_that_meets_it():
    held = buckets()
    held[0]["today"] = {"A": 1}
    scenario = {"buckets": held, "overage_probability": {"limit": "0.25"}, "gap": 0}
    for price, paid in ((None, 230), (1, 230 + 45 / 4 - (50 + 80 + 130 + 25) / 4)):
        (policy,) = worth_frames(throttled(price), scenario, studies=["policies"])["studies"]["policies"]["policies"]
        assert (policy["policy"], policy["price"]) == ("overage_probability", pytest.approx(paid))


def test_the_back_test_leaves_the_limit_out_where_overage_is_free_too():
    scenario = {"buckets": buckets(today={}), "overage_probability": {"limit": 0}}
    told = optimize.backtest_frames(throttled(), scenario, time_limit=5)
    assert {p["policy"]: p["paid"] for p in told["policies"]}["stochastic"] == pytest.approx(150)


def test_parts_keep_the_limit_of_each_pool():
    frames, scenario = small_pools(60, 12, "any")
    limited = {**scenario, "overage_probability": {"limit": "0"}, "gap": 0}
    parted, whole = (optimize.run_frames(frames, {**limited, "method": m}).to_json() for m in ("model", "lines"))
    assert "parts" in parted["certificate"]["solver_status"]
    assert parted["certificate"]["objective"] == pytest.approx(whole["certificate"]["objective"], abs=0.006)
    assert max(pool["overage_probability"] for pool in parted["pools"]) == 0
    free = optimize.run_frames(frames, {**scenario, "gap": 0, "method": "model"}).to_json()
    assert max(pool["overage_probability"] for pool in free["pools"]) > 0


def test_a_large_model_with_buckets_chooses_its_months_and_stays_honest(monkeypatch):
    frames = pooled_estate(40, 6, 1, block=256)
    small = frames["plans"]["plan_id"] == "C0-0"
    frames["plans"].loc[small, ["data_mb", "mrc"]] = [0, 5 * M]
    frames["plans"]["data_overage_price"] = frames["plans"]["data_overage_price"] // 12
    given = {"buckets": buckets(((20, 45), (50, 100), (85, 160))), "gap": 0, "method": "model"}
    limit = {**given, "overage_probability": {"limit": "0.17"}}
    best = optimize.run_frames(frames, limit).to_json()["certificate"]["objective"]
    monkeypatch.setattr(optimize.solve, "SMALL", 0)
    large = optimize.run_frames(frames, {**limit, "gap": "0.0005"}).to_json()
    assert large["certificate"]["bound"] <= best + 1e-6 <= large["certificate"]["objective"] + 2e-6
    assert large["certificate"]["objective"] <= best * 1.002
    assert large["overage_probability"]["worst_pool"] <= 0.17
    free = optimize.run_frames(frames, given).to_json()
    assert free["overage_probability"]["worst_pool"] > 0.17, "the limit binds"
