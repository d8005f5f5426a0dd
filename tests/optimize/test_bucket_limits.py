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


def ways_out(frames, stairs, **scenario):
    """Groups of the conflict under a limit of 0, and the way out of each that has one."""
    held = [b for offer, sizes in stairs.items() for b in buckets(sizes, offer_id=offer)]
    why = optimize.run_frames(frames, {"buckets": held, "overage_probability": {"limit": 0}, **scenario}).to_json()
    return why["infeasible"]["groups"], {r["group"]: r for r in why["infeasible"]["relaxations"]}


def test_an_offer_whose_buckets_would_keep_the_limit_is_a_way_out():
    stairs = {None: STAIRS[:1], "small": STAIRS[1:2], "RFP": STAIRS[2:]}
    groups, ways = ways_out(throttled(), stairs)
    assert groups == ["offers", "overage_probability"]
    assert (ways["offers"]["value"], ways["offers"]["text"]) == (0, "list the offer RFP, whose buckets suffice")
    assert ways["overage_probability"]["value"] == 0.5
    listed = {"buckets": [b for o, s in stairs.items() for b in buckets(s, offer_id=o)], "offers": ["RFP"]}
    assert optimize.run_frames(throttled(), {**listed, "overage_probability": {"limit": 0}}).status == "optimal"


def test_offers_whose_buckets_suffice_only_together_are_named_together():
    stairs = {"A": STAIRS[:1], "B": STAIRS[1:2]}
    groups, ways = ways_out(throttled(), stairs, bucket_steps="any")
    assert groups == ["offers", "overage_probability"]
    assert ways["offers"]["text"] == "list the offers A, B, whose buckets suffice together"


def test_offers_whose_buckets_do_not_suffice_are_no_way_out():
    groups, ways = ways_out(throttled(), {"A": STAIRS[:1], "B": STAIRS[1:2]})
    assert (groups, list(ways)) == (["overage_probability"], ["overage_probability"])


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


# 50, 80, 130 and 25 GB a month; two cuts: seen are 50 and 80, paid 130; then seen are 50, 80 and 130, paid 25
REPLAYED = [
    (0, (230 + 380) / 2, 0.5, False),  # the largest month seen: 85 GB are too few for 130
    ("0.5", (150 + 230) / 2, 0.5, True),  # the second largest
    (1, 0, 1, True),
]


@pytest.mark.parametrize(("limit", "mrc", "above", "keeps"), REPLAYED)
def test_the_back_test_decides_under_the_limit_and_counts_months_above(limit, mrc, above, keeps):
    scenario = {"buckets": buckets(today={}), "overage_probability": {"limit": limit}}
    told = optimize.backtest_frames(throttled(), scenario, time_limit=5)
    policies = {p["policy"]: p for p in told["policies"]}
    row = policies["stochastic"]
    assert row["paid"] == pytest.approx(150 + mrc)
    assert (row["overage_probability"]["worst_pool"], row["keeps_limit"]) == (above, keeps)
    assert policies["keep"]["paid"] == policies["clairvoyant"]["paid"] == pytest.approx(150)
    assert policies["keep"]["keeps_limit"] == (limit == 1)
    if limit == "0.5":
        assert told["ranking"][-1] == "keep", "the cheapest, but above its allowance in every month"
        assert "more often: keep" in told["conclusion"]
    assert told["overage_probability"]["decides"] == ["stochastic", "stochastic_level"]
    assert any("clairvoyant" in note for note in told["notes"])


def test_the_back_test_names_policies_that_find_no_plans_within_the_limit():
    told = optimize.backtest_frames(throttled(), {"overage_probability": {"limit": 0}}, time_limit=5)
    assert "keep" in told["ranking"]
    assert "stochastic" not in told["ranking"]
    assert any("stochastic is left out" in n and "2026-01 to 2026-02" in n for n in told["notes"])
    assert "No policy kept" in told["conclusion"]


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
