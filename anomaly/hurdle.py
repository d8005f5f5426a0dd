"""A hurdle model for rare events: does it happen at all, and how large is it when it does."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_ndtr

from anomaly.baseline import MAD
from anomaly.estate import BOOL, CODES, REAL
from anomaly.kernels import counted, earlier_events, median_and_mad
from anomaly.sparse import Sparse

_RATE_WEIGHT = 3.0  # months of own history that weigh as much as the role's rate of an event
_ROLE_WEIGHT = 30.0  # line-months of a role that weigh as much as the fleet's rate
_CONTEXT_WEIGHT = 4.0
_LEAST_OTHERS = 2  # others of a department, site or plan with the same event that make it the group's
_MONEY_PRIOR = (np.log(0.3), 1.5, 3.0)  # log of fleet units: center, spread, weight in events


@dataclass(frozen=True)
class Rare:
    """A rare event against its model: `surprise` in nats of every event, its `chance` of any and its `usual` size."""

    surprise: Sparse
    chance: REAL
    usual: REAL

    def at(self, service: int, month: int) -> tuple[float, float]:
        """Chance and usual size of an event of a line-month, (0, 0) where none happened."""
        place = int(self.surprise.places(service, month))
        return (0.0, 0.0) if place < 0 else (float(self.chance[place]), float(self.usual[place]))


class Presence:
    """Which line-months can have an event at all, and how many there are in each group: shared by all events."""

    def __init__(self, known: BOOL, groups: dict[str, CODES]) -> None:
        self.known = known
        self.groups = groups
        self.sizes = {name: int(grid.max(initial=-1)) + 1 for name, grid in groups.items()}
        self._lines: dict[tuple[str, int], NDArray[np.int64]] = {}

    @cached_property
    def before(self) -> NDArray[np.int16]:
        """Earlier line-months of each line."""
        result = np.zeros(self.known.shape, dtype=np.int16, order="F")
        for t in range(1, self.known.shape[1]):
            np.add(result[:, t - 1], self.known[:, t - 1], out=result[:, t])
        return result

    @cached_property
    def lines(self) -> NDArray[np.int64]:
        """Lines present in each month."""
        return np.asarray(self.known.sum(axis=0))

    def lines_of(self, group: str, month: int) -> NDArray[np.int64]:
        """Lines present in the month in each code of a group; the last entry stands for no group."""
        key = (group, month)
        if key not in self._lines:
            codes = self.groups[group][:, month]
            self._lines[key] = counted(codes, self.known[:, month], self.sizes[group] + 1)
        return self._lines[key]

    def share(self, group: str, month: int, hit: NDArray[np.int32]) -> tuple[REAL, REAL]:
        """For each line of `hit` how many others of its group are present, and how many of those are in `hit` too."""
        codes = self.groups[group][hit, month]
        present = self.lines_of(group, month)
        both = np.bincount(codes[codes >= 0], minlength=len(present))
        alone = codes < 0
        total, shared = present[codes] - 1, both[codes] - 1
        return np.where(alone, 0, total).astype(float), np.where(alone, 0, shared).astype(float)


def rare(amount: Sparse, presence: Presence, *, context: tuple[str, ...], money: bool) -> Rare:
    """Surprise of every event: -ln(chance of any) - ln(P(at least that much)).

    The chance comes from the line's own months and its role, and is raised where others of the same department, site
    or plan have the event in the same month: a company's event is not a person's. Sizes are compared on the log scale.
    """
    width = amount.shape[1]
    happened = amount.kept(presence.known)
    service, bounds = happened.service, happened.start
    size = np.log(happened.value)
    times, total = earlier_events(service, size, amount.shape[0])
    chance, tail, usual = np.ones(len(service)), np.zeros(len(service)), np.zeros(len(service))
    roles = presence.sizes["role"] + 1
    role_lines, role_events = np.zeros(roles), np.zeros(roles)
    seen_lines, seen_events = 0.0, 0.0
    pool = np.empty(0)
    for t in range(width):
        here = slice(bounds[t], bounds[t + 1])
        lines, hits = float(presence.lines[t]), float(bounds[t + 1] - bounds[t])
        if hits:
            hit = service[here]
            fleet = (seen_events + max(hits - 1, 0) + 0.5) / (seen_lines + max(lines - 1, 0) + 1.0)
            role = presence.groups["role"][hit, t]
            rate = (role_events[role] + _ROLE_WEIGHT * fleet) / (role_lines[role] + _ROLE_WEIGHT)
            own = (times[here] + _RATE_WEIGHT * rate) / (presence.before[hit, t] + _RATE_WEIGHT)
            odds = np.maximum(own, max(hits - 1, 0) / max(lines - 1, 1))
            for name in context:
                n_other, k_other = presence.share(name, t, hit)
                shared = (k_other + _CONTEXT_WEIGHT * rate) / (n_other + _CONTEXT_WEIGHT)
                odds = np.where(k_other >= _LEAST_OTHERS, np.maximum(odds, shared), odds)
            pool = np.concatenate([pool, size[here]])
            middle, wide = _sizes(pool, money)
            expected = (total[here] + 2.0 * middle) / (times[here] + 2.0)
            chance[here] = np.clip(odds, 1e-9, 1.0)
            tail[here] = -log_ndtr(-(size[here] - expected) / wide)
            usual[here] = np.exp(expected)
            role_events += np.bincount(role, minlength=roles)
        role_lines[: len(presence.lines_of("role", t))] += presence.lines_of("role", t)
        seen_lines += lines
        seen_events += hits
    return Rare(happened.with_values(-np.log(chance) + tail), chance, usual)


def _sizes(pool: REAL, money: bool) -> tuple[float, float]:
    """Center and spread of event sizes on the log scale; robust, with a prior for money."""
    count = float(len(pool))
    middle, apart = median_and_mad(pool)
    wide = MAD * apart if count >= 5 else 1.5
    prior, prior_wide, weight = _MONEY_PRIOR if money else (middle, 1.5, 0.0)
    both = (count * middle + weight * prior) / (count + weight)
    return both, max((count * wide + weight * prior_wide) / (count + weight), 0.5)
