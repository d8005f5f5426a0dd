"""Small and large estates for the optimizer's tests and benchmarks."""

from __future__ import annotations

import numpy as np
import pandas as pd

M = 10**6


def pooled_estate(lines=60, months=6, carriers=2, seed=1, *, contracts=False, block=1024):
    """Lines of heavy-tailed, seasonal use on 3 plans per carrier: two sizes sharing a pool and one unlimited."""
    rng = np.random.default_rng(seed)
    names = [f"C{k}" for k in range(carriers)]
    plans = []
    for k, carrier in enumerate(names):
        for size, gb in enumerate((2, 8, None)):
            mrc = 53_000_000 if gb is None else 8_000_000 + 3_200_000 * gb
            plans.append(
                {
                    "plan_id": f"{carrier}-{size}",
                    "carrier_id": carrier,
                    "service_kind": "mobile",
                    "mrc": mrc + 370_000 * k,
                    "currency": "USD",
                    "data_mb": None if gb is None else gb * 1024 * M,
                    "voice_min": None if gb is None else (200, 600)[size] * M,
                    "data_overage_price": None if gb is None else 10 * M,
                    "data_overage_block_mb": block * M,
                    "voice_overage_price": 50_000,
                    "pool_group": None if gb is None else "shared",
                }
            )
    table = pd.DataFrame(plans)
    for name in ("mrc", "data_mb", "voice_min", "data_overage_price", "data_overage_block_mb", "voice_overage_price"):
        table[name] = pd.array([None if pd.isna(v) else int(v) for v in table[name]], dtype="Int64")
    now = rng.integers(0, len(plans), lines)
    services = pd.DataFrame(
        {
            "service_id": [f"L{n:06d}" for n in range(lines)],
            "kind": "mobile",
            "carrier_id": [plans[p]["carrier_id"] for p in now],
            "account_id": [f"A-{plans[p]['carrier_id']}" for p in now],
            "plan_id": [plans[p]["plan_id"] for p in now],
            "status": "active",
        }
    )
    span = [f"{2025 + m // 12}-{m % 12 + 1:02d}" for m in range(months)]
    season = 1 + 0.2 * np.sin(np.arange(months) / 12 * 6.28)
    level = rng.lognormal(7.6, 1.2, lines)[:, None] * season * rng.lognormal(0, 0.35, (lines, months))
    talk = rng.lognormal(5, 1, lines)[:, None] * rng.lognormal(0, 0.3, (lines, months))
    parts = [
        pd.DataFrame(
            {
                "service_id": np.repeat(services["service_id"].to_numpy(dtype=object), months),
                "month": np.tile(np.array(span, dtype=object), lines),
                "usage_type": kind,
                "zone": "home",
                "quantity": (np.round(use, 2) * M).round().astype(np.int64).ravel(),
            }
        )
        for kind, use in (("data", level), ("voice", np.ceil(talk)))
    ]
    frames = {
        "carriers": pd.DataFrame({"carrier_id": names}),
        "accounts": pd.DataFrame({"account_id": [f"A-{c}" for c in names], "carrier_id": names}),
        "plans": table,
        "services": services,
        "usage": pd.concat(parts, ignore_index=True),
    }
    if contracts:
        unit = int(lines * 8 * M)
        frames["contracts"] = pd.DataFrame(
            {
                "contract_id": [f"K-{c}" for c in names],
                "carrier_id": names,
                "currency": "USD",
                "commitment_amount": unit,
                "commitment_period": "month",
                "commitment_basis": "gross",
                "shortfall_rate": 500_000,
            }
        )
        tiers = [(c, unit * n, rate) for c in names for n, rate in ((1, 50_000), (2, 100_000))]
        frames["contract_tiers"] = pd.DataFrame(
            {
                "contract_id": [f"K-{c}" for c, _, _ in tiers],
                "spend_from": [s for _, s, _ in tiers],
                "discount_rate": [r for _, _, r in tiers],
                "mode": "all_units",
            }
        )
    return frames
