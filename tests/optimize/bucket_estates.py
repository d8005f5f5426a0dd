"""Estates whose pools buy buckets, for several test modules."""

from __future__ import annotations

import pandas as pd
from estates import M, pooled_estate

STAIRS = ((50, 150), (85, 230), (150, 380))


def buckets(stairs=STAIRS, carrier="C0", **extra):
    return [
        {
            "bucket_id": f"{gb} GB",
            "carrier_id": carrier,
            "pool_group": "shared",
            "allowance": gb * 1024,
            "mrc": mrc,
            **extra,
        }
        for gb, mrc in stairs
    ]


def devices(*use, count=25):
    """Devices of one account on a pooled plan of nothing for 6 a month, overage 10 for a started GB of 1,024 MB.

    `use`: GB of each device in each month. The other plan, 60 a month, is unlimited.
    """
    plans = {
        "plan_id": ["pooled", "unlimited"],
        "carrier_id": "C0",
        "service_kind": "iot",
        "currency": "USD",
        "mrc": pd.array([6 * M, 60 * M], dtype="Int64"),
        "data_mb": pd.array([0, None], dtype="Int64"),
        "data_overage_price": pd.array([10 * M, None], dtype="Int64"),
        "data_overage_block_mb": pd.array([1024 * M, None], dtype="Int64"),
        "pool_group": ["shared", None],
    }
    ids = [f"D{n:02d}" for n in range(count)]
    services = {
        **{"service_id": ids, "kind": "iot", "carrier_id": "C0", "account_id": "A"},
        **{"plan_id": "pooled", "status": "active"},
    }
    usage = [
        {
            "service_id": s,
            "month": f"2026-{t + 1:02d}",
            "usage_type": "data",
            "zone": "home",
            "quantity": round(gb * 1024 * M),
        }
        for s in ids
        for t, gb in enumerate(use)
    ]
    return {
        "carriers": pd.DataFrame({"carrier_id": ["C0"]}),
        "accounts": pd.DataFrame({"account_id": ["A"], "carrier_id": ["C0"]}),
        "plans": pd.DataFrame(plans),
        "services": pd.DataFrame(services),
        "usage": pd.DataFrame(usage),
    }


def throttled(price=None, only=True):
    """25 devices that together use 50, 80, 130 and 25 GB; overage `price` for a started GB, None = free."""
    frames = devices(2.0, 3.2, 5.2, 1.0)
    frames["plans"]["data_overage_price"] = pd.array([None if price is None else price * M, None], dtype="Int64")
    if only:
        frames["plans"] = frames["plans"].iloc[:1]
    return frames


def small_pools(lines, each, steps="one"):
    """Accounts of `each` lines with a pool and stairs of 50, 85 and 150 GB; every other one has 50 GB today."""
    frames = pooled_estate(lines, 4, 1, seed=8)
    names = [f"A{n:03d}" for n in range(lines // each)]
    frames["services"]["account_id"] = [names[n % len(names)] for n in range(lines)]
    frames["accounts"] = pd.DataFrame({"account_id": names, "carrier_id": "C0"})
    small = frames["plans"]["plan_id"] == "C0-0"
    frames["plans"].loc[small, ["data_mb", "mrc"]] = [0, 5 * M]
    stairs = buckets(((50, 100), (85, 160), (150, 270)))
    stairs[0]["today"] = dict.fromkeys(names[::2], 1)
    return frames, {"buckets": stairs, "bucket_steps": steps}


def porting_pools(lines, accounts, months=4, seed=8):
    """Two carriers, each with so many accounts, a small pool with stairs in each, all-unit tiers; lines may port."""
    frames = pooled_estate(lines, months, 2, seed=seed, contracts=True)
    carriers = ("C0", "C1")
    names = {carrier: [f"{carrier}-A{n:03d}" for n in range(accounts)] for carrier in carriers}
    held = frames["services"]["carrier_id"]
    frames["services"]["account_id"] = [names[carrier][n % accounts] for n, carrier in enumerate(held)]
    frames["accounts"] = pd.DataFrame(
        {"account_id": [a for c in carriers for a in names[c]], "carrier_id": [c for c in carriers for _ in names[c]]}
    )
    small = frames["plans"]["plan_id"].isin(["C0-0", "C1-0"])
    frames["plans"].loc[small, "data_mb"] = 0
    frames["plans"].loc[small, "mrc"] = 5 * M
    stairs = [
        {**bucket, "bucket_id": f"{carrier} {bucket['bucket_id']}"}
        for carrier in carriers
        for bucket in buckets(((50, 100), (85, 160), (150, 270)), carrier)
    ]
    return frames, {"buckets": stairs, "porting_fee": 12}
