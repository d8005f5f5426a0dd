"""Estates as arrays for the optimizer's benchmarks: seeded, any size, described in benchmarks/README.md."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from optimize.contracts import Contract
from optimize.decomposition.arrays import Estate, Limits, Pools, Templates
from optimize.decomposition.costs import Catalogue, expected_charges

CARRIERS, PLANS, MONTHS = 4, 40, 12
_PER = PLANS // CARRIERS
_HORIZON = 12


@dataclass(frozen=True)
class Raw:
    """Use and inventory of an estate before anything is priced."""

    use: dict[str, np.ndarray]
    current: np.ndarray
    covered: np.ndarray
    """Sets of carriers as bits."""
    term_left: np.ndarray


def catalogue(block: float) -> Catalogue:
    """Four carriers with ten plans each: six sizes that share a pool, three that do not, one unlimited."""
    gb = np.array([0.5, 1, 3, 6, 12, 25, 2, 8, 20, np.inf])
    carrier = np.repeat(np.arange(CARRIERS), _PER)
    data = np.tile(gb, CARRIERS) * 1024.0
    size = np.where(np.isinf(data), 40.0, data / 1024.0)
    base = np.array([6.2, 5.8, 7.1, 6.5])[carrier] + np.array([2.30, 2.45, 2.15, 2.38])[carrier] * size**0.83
    pooled = np.tile(np.arange(_PER) < 6, CARRIERS)
    mrc = np.round(np.where(pooled, base, base * 0.97), 2)
    per_gb = np.array([10.0, 11.0, 12.0, 13.0])[carrier]
    voice = np.tile(np.array([100, 200, 300, 500, 800, 1500, 200, 500, 1000, np.inf]), CARRIERS)
    return Catalogue(
        carrier=carrier.astype(np.int32),
        mrc=mrc,
        data=data,
        data_price=np.where(np.isinf(data), 0.0, per_gb * (block / 1024.0)),
        data_block=np.full(PLANS, block),
        pooled=pooled,
        voice=voice,
        voice_price=np.where(np.isinf(voice), 0.0, 0.05),
        sms=np.tile(np.array([50, 100, 200, 500, 500, 1000, 100, 500, 500, np.inf]), CARRIERS),
        sms_price=np.full(PLANS, 0.02),
        roaming_price=np.array([0.02, 0.025, 0.018, 0.03])[carrier],
    )


def raw(lines: int, seed: int = 1) -> Raw:
    """Heavy-tailed, seasonal use, months 6 % up or down for all; sites covered as benchmarks/README.md says."""
    rng = np.random.default_rng(seed)
    months = np.arange(MONTHS)

    def shape(level: np.ndarray, noise: float, swing: float) -> np.ndarray:
        phase = rng.random((lines, 1), dtype=np.float32) * np.float32(2 * np.pi)
        season = 1 + np.float32(swing) * np.sin(months.astype(np.float32) * np.float32(np.pi / 6) + phase)
        wobble = np.exp(np.float32(noise) * rng.standard_normal((lines, MONTHS), dtype=np.float32))
        return (level[:, None] * season * wobble).astype(np.float32)

    data = shape(np.exp(7.2 + 1.3 * rng.standard_normal(lines, dtype=np.float32)), 0.35, 0.25)
    data *= np.exp(0.06 * rng.standard_normal(MONTHS)).astype(np.float32)
    voice = np.ceil(shape(np.exp(5.0 + 1.0 * rng.standard_normal(lines, dtype=np.float32)), 0.30, 0.1))
    sms = np.floor(shape(np.exp(3.0 + 1.1 * rng.standard_normal(lines, dtype=np.float32)), 0.5, 0.0))
    roaming = np.zeros((lines, MONTHS), dtype=np.float32)
    trips = rng.random((lines, MONTHS), dtype=np.float32) < 0.02
    roaming[trips] = np.exp(5 + rng.standard_normal(int(trips.sum()), dtype=np.float32))
    sites = max(8, lines // 40)
    bits = np.zeros(sites, dtype=np.int64)
    for c in range(CARRIERS):
        bits |= (rng.random(sites) < (0.75 if c == CARRIERS - 1 else 0.0)).astype(np.int64) << c
    # every site has at least two of the first three carriers: any pair of those serves everybody
    missing = rng.integers(-1, 3, sites)
    bits |= np.array([0b111, 0b110, 0b101, 0b011])[missing + 1]
    covered = bits[rng.integers(0, sites, lines)]
    carrier = rng.integers(0, CARRIERS, lines)
    size = np.clip(np.searchsorted([400, 1000, 2500, 6000, 15000], data.mean(axis=1)) + rng.integers(0, 3, lines), 0, 9)
    return Raw(
        use={"data": data, "voice": voice, "sms": sms, "roaming": roaming},
        current=(carrier * _PER + size).astype(np.int64),
        covered=covered,
        term_left=np.where(rng.random(lines) < 0.4, rng.integers(1, 24, lines), 0),
    )


def estate(given: Raw, plans: Catalogue, *, consolidation: bool = False, wide: bool = False) -> Estate:
    """Price every option and lay the lines out; `consolidation`: contracts, exit fees, at most two carriers.

    `wide` stores 64-bit figures, which smoke runs take: the compiled passes are then those of the product.
    """
    lines = len(given.current)
    carrier = given.current // _PER
    key = (carrier << CARRIERS) | given.covered | (1 << carrier)
    keys, template = np.unique(key, return_inverse=True)
    options, first = [], [0]
    for value in keys.tolist():
        options += [p for p in range(PLANS) if value >> int(plans.carrier[p]) & 1]
        first.append(len(options))
    home = np.repeat(keys >> CARRIERS, np.diff(first))
    plan = np.array(options, dtype=np.int32)
    with_carrier = plans.carrier[plan].astype(np.int32)
    leaves = with_carrier != home
    first_of = np.array(first, dtype=np.int64)
    start = np.concatenate([[0], np.cumsum(np.diff(first_of)[template])]).astype(np.int64)
    position = np.full((len(keys), PLANS), -1)
    for q in range(len(keys)):
        position[q, plan[first_of[q] : first_of[q + 1]]] = np.arange(first_of[q + 1] - first_of[q])
    exit_fee = np.zeros(lines, dtype=np.float32)
    if consolidation:
        exit_fee = (given.term_left * plans.mrc[given.current] * 0.5 / _HORIZON).astype(np.float32)
    template = template.astype(np.int32)
    charge = expected_charges(start, template, first_of, plan, plans, given.use)
    pool = np.where(plans.pooled[plan], with_carrier, -1).astype(np.int32)
    none = np.zeros((0, MONTHS), dtype=np.float32)
    contracts = ()
    if consolidation:
        contracts = tuple(tuple(c.segments()) for c in contracts_of(lines))
    figures = np.float64 if wide else np.float32
    return Estate(
        months=MONTHS,
        start=start,
        template=template,
        charge=charge.astype(figures, copy=False),
        exit_fee=exit_fee.astype(figures, copy=False),
        current=position[template, given.current].astype(np.int16),
        data=given.use["data"].astype(figures, copy=False),
        voice=none.astype(figures),
        active=np.zeros((0, MONTHS), dtype=np.bool_),
        templates=Templates(
            first=first_of,
            plan=plan,
            carrier=with_carrier,
            contract=(with_carrier if consolidation else np.full(len(plan), -1)).astype(np.int32),
            data_pool=pool,
            voice_pool=np.full(len(plan), -1, dtype=np.int32),
            data_allowance=np.where(pool >= 0, plans.data[plan], 0.0),
            voice_allowance=np.zeros(len(plan)),
            fee=np.where(leaves, 25.0, 2.0) / _HORIZON,
            leaves=leaves,
            limit=np.full(len(plan), -1, dtype=np.int32),
            selected=np.ones(len(keys), dtype=np.bool_),
        ),
        pools=Pools(
            price=plans.data_price[::_PER].copy(),
            block=plans.data_block[::_PER].copy(),
            is_voice=np.zeros(CARRIERS, dtype=np.bool_),
            contracts=tuple((c if consolidation else -1,) for c in range(CARRIERS)),
        ),
        contracts=contracts,
        limits=Limits(max_carriers=2 if consolidation else None),
        carriers=CARRIERS,
    )


def contracts_of(lines: int) -> list[Contract]:
    """One contract per carrier: three all-unit tiers and a commitment."""
    from fractions import Fraction

    unit = Fraction(lines)
    tiers = [
        [(4, "0.03"), (9, "0.08"), (14, "0.14")],
        [(4, "0.04"), (9, "0.09"), (14, "0.13")],
        [(3, "0.02"), (8, "0.07"), (15, "0.16")],
        [(5, "0.05"), (10, "0.10"), (13, "0.12")],
    ]
    commitment = [Fraction(3), Fraction(2), Fraction(5, 2), Fraction(1)]
    return [
        Contract(
            contract_id=f"K{c}",
            carrier_id=f"C{c}",
            tiers=tuple((unit * at, Fraction(rate)) for at, rate in tiers[c]),
            all_units=True,
            commitment=unit * commitment[c],
            net=c % 2 == 1,
            shortfall_rate=Fraction(1, 2),
        )
        for c in range(CARRIERS)
    ]


def tables(given: Raw, plans: Catalogue, *, contracts: bool = False) -> dict[str, pd.DataFrame]:
    """The same estate as canonical tables in millionths: one account per carrier, a site per set of carriers."""
    lines, million = len(given.current), 10**6

    def micro(values: np.ndarray, blank: np.ndarray | None = None) -> pd.arrays.IntegerArray:
        none = np.isinf(values) if blank is None else blank
        return pd.arrays.IntegerArray(
            np.where(none, 0, np.round(np.where(none, 0, values) * million)).astype(np.int64), none
        )

    names = [f"C{c}" for c in range(CARRIERS)]
    carrier = given.current // _PER
    ids = np.array([f"L{n:07d}" for n in range(lines)], dtype=object)
    months = [f"2025-{m + 1:02d}" for m in range(MONTHS)]
    catalogue = pd.DataFrame(
        {
            "plan_id": [f"P{p:02d}" for p in range(PLANS)],
            "carrier_id": [names[c] for c in plans.carrier],
            "service_kind": "mobile",
            "currency": "USD",
            "mrc": micro(plans.mrc),
            "data_mb": micro(plans.data),
            "voice_min": micro(plans.voice),
            "sms": micro(plans.sms),
            "data_overage_price": micro(plans.data_price),
            "data_overage_block_mb": micro(plans.data_block),
            "voice_overage_price": micro(plans.voice_price),
            "sms_overage_price": micro(plans.sms_price),
            "roaming_data_price": micro(plans.roaming_price[plans.carrier]),
            "pool_group": [f"pool-{c}" if p else None for c, p in zip(plans.carrier, plans.pooled, strict=True)],
        }
    )
    parts = []
    for kind, zone, values in (
        ("data", "home", given.use["data"]),
        ("voice", "home", given.use["voice"]),
        ("sms", "home", given.use["sms"]),
        ("data", "roaming", given.use["roaming"]),
    ):
        line, month = np.nonzero(values)
        quantity = np.round(values[line, month].astype(np.float64) * 100) * (million // 100)
        parts.append(
            pd.DataFrame(
                {
                    "service_id": ids[line],
                    "month": np.array(months, dtype=object)[month],
                    "usage_type": kind,
                    "zone": zone,
                    "quantity": quantity.astype(np.int64),
                }
            )
        )
    bits = np.unique(given.covered)
    found = {
        "carriers": pd.DataFrame({"carrier_id": names, "name": names}),
        "accounts": pd.DataFrame({"account_id": [f"A{c}" for c in names], "carrier_id": names, "currency": "USD"}),
        "sites": pd.DataFrame({"site_id": [f"S{b:02d}" for b in bits]}),
        "coverage": pd.DataFrame(
            [(f"S{b:02d}", names[c]) for b in bits for c in range(CARRIERS) if b >> c & 1],
            columns=["site_id", "carrier_id"],
        ),
        "plans": catalogue,
        "services": pd.DataFrame(
            {
                "service_id": ids,
                "kind": "mobile",
                "carrier_id": np.array(names, dtype=object)[carrier],
                "account_id": np.array([f"A{c}" for c in names], dtype=object)[carrier],
                "plan_id": np.array([f"P{p:02d}" for p in range(PLANS)], dtype=object)[given.current],
                "site_id": np.array([f"S{b:02d}" for b in range(1 << CARRIERS)], dtype=object)[given.covered],
                "status": "active",
            }
        ),
        "usage": pd.concat(parts, ignore_index=True),
    }
    if contracts:
        terms = contracts_of(lines)
        found["contracts"] = pd.DataFrame(
            {
                "contract_id": [c.contract_id for c in terms],
                "carrier_id": [c.carrier_id for c in terms],
                "currency": "USD",
                "commitment_amount": [int(c.commitment * million) for c in terms],
                "commitment_period": "month",
                "commitment_basis": ["net" if c.net else "gross" for c in terms],
                "shortfall_rate": [int(c.shortfall_rate * million) for c in terms],
            }
        )
        tiers = [(c.contract_id, int(at * million), int(rate * million)) for c in terms for at, rate in c.tiers]
        found["contract_tiers"] = pd.DataFrame(tiers, columns=["contract_id", "spend_from", "discount_rate"]).assign(
            mode="all_units"
        )
    return found
