"""What was to be expected: shrunken median and MAD against own history and peers; a hurdle model for rare events."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_ndtr

from anomaly.estate import BOOL, CODES, REAL

WINDOW = 12  # months of own history that a baseline looks back on
SHRINK = 4.0  # how many months of own history weigh as much as the peers' spread
FLOOR = 0.12  # smallest spread on the log scale: about 12 %
PEER_FLOOR = 0.4
MIN_PEERS = 8
MAD = 1.4826
DRIFT_RECENT, DRIFT_WINDOW = 3, 8  # the last three months against the five before them
_RATE_WEIGHT = 3.0  # months of own history that weigh as much as the group's rate of an event
_CONTEXT_WEIGHT = 4.0
_MONEY_PRIOR = (np.log(0.3), 1.5, 3.0)  # log of fleet units: center, spread, weight in events


@dataclass(frozen=True)
class Level:
    """One volume against its baseline, on the log scale; arrays of shape (services, months).

    `z` is the standardized residual, `drift` the standardized change over half a year, `history` the months used.
    """

    z: REAL
    center: REAL
    spread: REAL
    drift: REAL
    peer: REAL
    history: NDArray[np.int64]


def row_median(values: REAL) -> tuple[REAL, NDArray[np.int64]]:
    """Median of each row without its NaN, and how many values it has; NaN for an empty row."""
    count = np.isfinite(values).sum(axis=1)
    if values.shape[1] == 0:
        return np.full(len(values), np.nan), count
    ordered = np.sort(values, axis=1)
    rows = np.arange(len(values))
    low, high = np.maximum((count - 1) // 2, 0), count // 2
    result = (ordered[rows, low] + ordered[rows, np.minimum(high, values.shape[1] - 1)]) / 2
    return np.where(count > 0, result, np.nan), count


def group_median(values: REAL, groups: CODES, *, least: int = MIN_PEERS) -> REAL:
    """Median of the finite values of each row's group; NaN where a group has fewer than `least` of them."""
    usable = np.isfinite(values) & (groups >= 0)
    result = np.full(int(groups.max(initial=-1)) + 2, np.nan)
    order = np.lexsort((values[usable], groups[usable]))
    codes, ordered = groups[usable][order], values[usable][order]
    names, start, size = np.unique(codes, return_index=True, return_counts=True)
    middle = (ordered[start + (size - 1) // 2] + ordered[start + size // 2]) / 2 if len(names) else ordered
    result[names] = np.where(size >= least, middle, np.nan)
    return result[groups]


def _first(*options: REAL) -> REAL:
    result = options[0]
    for other in options[1:]:
        result = np.where(np.isfinite(result), result, other)
    return result


def levels(x: REAL, known: BOOL, groups: dict[str, CODES]) -> Level:
    """Baselines of a volume `x` (log scale): each month is judged by the months before it and by its peers in it."""
    seen = np.where(known, x, np.nan)
    shape = x.shape
    z, drift = np.zeros(shape), np.zeros(shape)
    center, spread, peer = np.full(shape, np.nan), np.full(shape, np.nan), np.full(shape, np.nan)
    history = np.zeros(shape, dtype=np.int64)
    for t in range(shape[1]):
        now = seen[:, t]
        past = seen[:, max(0, t - WINDOW) : t]
        own, count = row_median(past)
        mad = MAD * row_median(np.abs(past - own[:, None]))[0]
        kind, plan = groups["kind"][:, t], groups["plan"][:, t]
        everyone = np.zeros(shape[0], dtype=np.int32)
        settled = np.where(count >= 3, mad, np.nan)
        usual = _first(group_median(settled, kind), group_median(settled, everyone, least=1), np.full(shape[0], 0.35))
        usual = np.maximum(usual, FLOOR)
        own_spread = np.sqrt((count * np.nan_to_num(mad) ** 2 + SHRINK * usual**2) / (count + SHRINK))
        own_spread = np.maximum(own_spread, FLOOR)
        level = _first(group_median(now, plan), group_median(now, kind), group_median(now, everyone, least=1))
        level = np.nan_to_num(level)
        apart = _first(
            MAD * group_median(np.abs(now - level), plan), MAD * group_median(np.abs(now - level), kind), usual * 3
        )
        apart = np.maximum(apart, PEER_FLOOR)
        residual = np.where(count >= 2, now - own, np.nan)
        shock = np.nan_to_num(_first(group_median(residual, kind), group_median(residual, everyone)))
        for name in ("cost_center_id", "site_id"):
            theirs = groups[name][:, t]
            shared = group_median(residual - shock, theirs)
            shock = shock + np.nan_to_num(shared)
        weight = count / (count + (own_spread / apart) ** 2)
        middle = weight * (np.nan_to_num(own) + shock) + (1 - weight) * level
        left = 1.0 / (count / own_spread**2 + 1.0 / apart**2)
        wide = np.sqrt(own_spread**2 + left)
        center[:, t], spread[:, t], peer[:, t], history[:, t] = middle, wide, level, count
        z[:, t] = np.where(np.isfinite(now), (now - middle) / wide, 0.0)
        if t >= DRIFT_WINDOW:
            recent, enough = row_median(seen[:, t - DRIFT_RECENT + 1 : t + 1])
            older, also = row_median(seen[:, t - DRIFT_WINDOW + 1 : t - DRIFT_RECENT + 1])
            change = np.where((enough == DRIFT_RECENT) & (also >= 4), recent - older, np.nan)
            change = change - np.nan_to_num(_first(group_median(change, kind), group_median(change, everyone)))
            drift[:, t] = np.nan_to_num(change) / own_spread
    return Level(z, center, spread, drift, peer, history)


@dataclass(frozen=True)
class Rare:
    """A rare event against its hurdle model: `surprise` in nats (0 = no event), chance of any, usual size."""

    surprise: REAL
    chance: REAL
    usual: REAL


def others_share(happened: BOOL, present: BOOL, groups: CODES) -> tuple[REAL, REAL]:
    """How many others of each row's group are present, and at how many of them it happened."""
    size = int(groups.max(initial=-1)) + 1
    inside = present & (groups >= 0)
    total = np.bincount(groups[inside], minlength=size).astype(float)
    hits = np.bincount(groups[inside & happened], minlength=size).astype(float)
    total, hits = np.append(total, 0.0), np.append(hits, 0.0)
    mine = inside.astype(float)
    return np.maximum(total[groups] - mine, 0.0), np.maximum(hits[groups] - mine * happened, 0.0)


def rare(amount: REAL, known: BOOL, groups: dict[str, CODES], *, context: tuple[str, ...], money: bool) -> Rare:
    """Does it happen at all, and how large is it: surprise = -ln(chance) - ln(P(at least that much)).

    The chance comes from the line's own months and its role, and is raised where others of the same department, site
    or plan have the event in the same month: a company's event is not a person's. Sizes are compared on the log scale.
    """
    shape = amount.shape
    happened = known & (amount > 0)
    size = np.where(happened, np.log(np.where(happened, amount, 1.0)), np.nan)
    surprise, chance, usual = np.zeros(shape), np.zeros(shape), np.full(shape, np.nan)
    times, months, total = np.zeros(shape[0]), np.zeros(shape[0]), np.zeros(shape[0])
    past: list[REAL] = []
    for t in range(shape[1]):
        present, hit = known[:, t], happened[:, t]
        n_all, k_all = present.sum(), hit.sum()
        seen, found = months.sum() + max(n_all - 1, 0), times.sum() + np.maximum(k_all - hit, 0)
        fleet = (found + 0.5) / (seen + 1.0)
        group = groups["role"][:, t]
        size_of = int(group.max(initial=-1)) + 1
        base_n = np.bincount(group, weights=months, minlength=size_of)[group]
        base_k = np.bincount(group, weights=times, minlength=size_of)[group]
        rate = (base_k + 30 * fleet) / (base_n + 30)
        own = (times + _RATE_WEIGHT * rate) / (months + _RATE_WEIGHT)
        odds = np.maximum(own, np.maximum(k_all - hit, 0) / max(n_all - 1, 1))
        for name in context:
            n_other, k_other = others_share(hit, present, groups[name][:, t])
            shared = (k_other + _CONTEXT_WEIGHT * rate) / (n_other + _CONTEXT_WEIGHT)
            odds = np.where(k_other >= 2, np.maximum(odds, shared), odds)
        odds = np.clip(odds, 1e-9, 1.0)
        pool = np.concatenate([*past, size[hit, t]])
        middle, wide, weight = _sizes(pool, money)
        expected = (total + 2.0 * middle) / (times + 2.0) if weight > 0 else np.full(shape[0], np.nan)
        tail = -log_ndtr(-(np.nan_to_num(size[:, t]) - expected) / wide) if weight > 0 else np.full(shape[0], np.log(2))
        surprise[:, t] = np.where(hit, -np.log(odds) + tail, 0.0)
        chance[:, t], usual[:, t] = odds, np.exp(expected)
        past.append(size[hit, t])
        times += hit
        months += present
        total += np.where(hit, np.nan_to_num(size[:, t]), 0.0)
    return Rare(surprise, chance, usual)


def _sizes(pool: REAL, money: bool) -> tuple[float, float, float]:
    """Center, spread and weight of event sizes on the log scale; robust, with a prior for money."""
    count = float(len(pool))
    middle = float(np.median(pool)) if count else 0.0
    wide = MAD * float(np.median(np.abs(pool - middle))) if count >= 5 else 1.5
    prior, prior_wide, prior_weight = _MONEY_PRIOR if money else (middle, 1.5, 0.0)
    weight = count + prior_weight
    if weight == 0:
        return 0.0, 1.5, 0.0
    both = (count * middle + prior_weight * prior) / weight
    spread = (count * wide + prior_weight * prior_wide) / weight
    return both, max(spread, 0.5), weight
