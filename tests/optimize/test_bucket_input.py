"""Bucket plans: what is refused, each with its name."""

from __future__ import annotations

import pandas as pd
import pytest
from bucket_estates import STAIRS, buckets, devices

import optimize
from core.issues import BadInput


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"buckets": "50 GB"}, "a list of buckets"),
        ({"buckets": ["50 GB"]}, "a bucket with bucket_id"),
        ({"buckets": [{"bucket_id": "x"}]}, "allowance: missing"),
        ({"buckets": buckets(allowance=0)}, "allowance"),
        ({"buckets": buckets(mrc="-1")}, "mrc"),
        ({"buckets": buckets(kind="sms")}, "data or voice"),
        ({"buckets": buckets(max_per_pool=0)}, "a whole number from 1"),
        ({"buckets": buckets(max_per_pool=5000)}, "from 1 to 999"),
        ({"buckets": buckets(rollover=1)}, "unknown key"),
        ({"buckets": [*buckets(), *buckets()]}, "an id of its own"),
        ({"buckets": buckets(today=3)}, "{account_id: count}"),
        ({"buckets": buckets(today={"A": 2})}, "at most max_per_pool 1"),
        ({"buckets": buckets(today={"A": 1})}, "several sizes today"),
        ({"buckets": buckets(max_per_pool=40), "bucket_steps": "any"}, "combinations of counts"),
        ({"buckets": buckets(), "bucket_steps": "two"}, "one or any"),
        ({"buckets": buckets(carrier="nobody")}, "unknown carrier"),
        ({"buckets": buckets(STAIRS[:1], today={"nobody": 1})}, "unknown account"),
        ({"buckets": buckets(STAIRS[:1], pool_group="other")}, "is in no plan"),
        ({"buckets": buckets(STAIRS[:1], kind="voice")}, "is in no plan"),
    ],
)
def test_a_wrong_bucket_is_named(change, said):
    with pytest.raises(BadInput) as caught:
        optimize.run_frames(devices(1.0), change)
    assert any(said in str(issue) for issue in caught.value.issues), [str(i) for i in caught.value.issues]
    assert all("\n" not in str(issue) for issue in caught.value.issues)


def test_a_pool_whose_overage_is_free_needs_no_bucket():
    frames = devices(1.0)
    frames["plans"]["data_overage_price"] = pd.array([None, None], dtype="Int64")
    with pytest.raises(BadInput, match="no bucket is ever needed"):
        optimize.run_frames(frames, {"buckets": buckets()})


def test_buckets_couple_lines_so_that_the_closed_form_does_not_fit():
    with pytest.raises(BadInput, match="coupled by pool"):
        optimize.run_frames(devices(1.0), {"buckets": buckets(), "method": "closed_form"})
