"""Which named groups of business constraints an assignment violates: the evaluator's own reading of the limits.

Section 4 of `interfaces.md`, items 7, 8, 10-12 and 18. The limit on overage needs pools: the evaluator adds it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from optimize.placement import Placement
from optimize.pulls import Numbers
from optimize.raw_lines import RawLines, records
from optimize.scenario import Scenario


def read_coverage(frames: Mapping[str, pd.DataFrame]) -> dict[str, set[str]]:
    """The carriers that cover each site."""
    covered: dict[str, set[str]] = defaultdict(set)
    for row in records(frames, "coverage"):
        covered[row["site_id"]].add(row["carrier_id"])
    return covered


class Limits:
    """What plans lines may have, one by one and together."""

    def __init__(self, place: Placement, raw: RawLines, scenario: Scenario, covered: Mapping[str, set[str]]) -> None:
        self.place, self.raw, self.scenario, self.covered = place, raw, scenario, covered
        rows = place.lines.values()
        self._kinds = np.array([row.get("kind") for row in rows], dtype=object)
        self._sites = np.array([row.get("site_id") for row in rows], dtype=object)

    def forbidden(self, plan_id: str, rows: Numbers) -> dict[str, NDArray[np.bool_]]:
        """By named group which of some lines it forbids a plan to."""
        plan, scenario, number = self.place.plans[plan_id], self.scenario, self.place.plan_number[plan_id]
        another = self.place.today[rows] != number
        moves = self.place.carrier_of[self.place.today[rows]] != self.place.carrier_of[number]
        none, every = np.zeros(len(rows), dtype=bool), np.ones(len(rows), dtype=bool)
        kind, carrier = plan.get("service_kind"), plan["carrier_id"]
        wrong = none if kind is None else another & (self._kinds[rows] != kind)
        offer, allowed, outside = plan.get("offer_id"), scenario.carriers_allowed, none.copy()
        if self.covered:
            sites = self._sites[rows[moves]].tolist()
            outside[moves] = [s is not None and carrier not in self.covered.get(s, ()) for s in sites]
        return {
            "eligibility": every if plan.get("currency") not in (None, self.place.currency) else wrong,
            "offers": another if offer is not None and offer not in scenario.offers else none,
            "carriers_allowed": every if allowed is not None and carrier not in allowed else none,
            "coverage": outside,
        }

    def may_suspend(self, rows: Numbers) -> NDArray[np.bool_]:
        """Which of some lines qualify for suspension (item 18)."""
        last = self.scenario.suspend_zero_use_months
        if last is None or last > len(self.place.months):
            return np.zeros(len(rows), dtype=bool)
        quiet = self.raw.quiet[rows] >= last
        kinds = self.scenario.suspend_kinds
        suits = np.array([kind in kinds for kind in self._kinds[rows].tolist()], dtype=bool)
        return quiet & suits & self.raw.selected[rows]

    def broken(self, chosen: Numbers) -> set[str]:
        """The named groups that the plans of all lines violate, all but the limit on overage."""
        scenario, selected = self.scenario, self.raw.selected
        changed = chosen != self.place.today
        broken: set[str] = {"services"} if (changed & ~selected).any() else set()
        free = np.flatnonzero(selected)
        for p, places in self.place.by_plan(chosen[free]):
            if p >= 0:
                groups = self.forbidden(self.place.plan_ids[p], free[places])
                broken.update(name for name, mask in groups.items() if mask.any())
            elif not self.may_suspend(free[places]).all():
                broken.add("suspend")
        mine = {s: self.place.lines[s]["n"] for s in (*scenario.keep, *scenario.force) if s in self.place.lines}
        mine = {s: n for s, n in mine.items() if selected[n]}
        if any(changed[mine[s]] for s in scenario.keep if s in mine):
            broken.add("keep")
        if any(chosen[mine[s]] != self.place.plan_number[p] for s, p in scenario.force.items() if s in mine):
            broken.add("force")
        used = np.unique(self.place.carrier_of[chosen[free][chosen[free] >= 0]])
        if scenario.max_carriers is not None and len(used) > scenario.max_carriers:
            broken.add("max_carriers")
        if scenario.max_changes is not None and np.count_nonzero(changed[free]) > scenario.max_changes:
            broken.add("max_changes")
        count = np.bincount(chosen[chosen >= 0], minlength=1)
        for p in np.flatnonzero(count).tolist():
            low, high = (self.place.plans[self.place.plan_ids[p]].get(name) for name in ("min_lines", "max_lines"))
            if low is not None and count[p] < low:
                broken.add("min_lines")
            if high is not None and count[p] > high:
                broken.add("max_lines")
        return broken
