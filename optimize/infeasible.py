"""Why a scenario cannot be met: the smallest set of named groups that contradict each other, and the ways out.

Only groups that can conflict take part: which plans a line may have, forced and kept plans, the limits that count
carriers, changes and lines, and how often pools may be above their allowance, whatever buckets they buy: those of
offers that are not listed are among the ways out. Prices and contracts never make a scenario infeasible.
"""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optimize import solver_process
from optimize.buckets import most_brought
from optimize.ir import Model
from optimize.overage_limit import PoolLimit
from optimize.problem import GROUPS, MICRO, Problem, allowed_plans

_PLAN_GROUPS = ("eligibility", "offers", "coverage", "carriers_allowed")
_SECONDS = 20.0


@dataclass(frozen=True)
class Infeasibility:
    """A smallest conflicting set of groups, in words, and what each change would have to be."""

    groups: list[str]
    explanation: str
    relaxations: list[dict[str, Any]]

    def to_json(self) -> dict[str, Any]:
        """The `infeasible` part of the result file."""
        return {"groups": self.groups, "explanation": self.explanation, "relaxations": self.relaxations}


@dataclass
class _Kind:
    """Lines that are alike for feasibility: their options (-1 = suspended), today's plan, how many."""

    selected: bool
    plan: int
    options: tuple[int, ...]
    strict: frozenset[int]
    first: int
    """Number of the first line."""
    lines: list[str] = field(default_factory=list)


def explain(problem: Problem, time_limit: float | None = None) -> Infeasibility | None:
    """The conflict of a scenario, or None if some assignment meets it."""
    return _Conflict(problem, time_limit).find()


def some_assignment(problem: Problem) -> dict[str, str | None] | None:
    """An assignment that meets the scenario with fewest changes, whatever it costs; None if none was found in time."""
    return _Conflict(problem, None).point()


class _Conflict:
    def __init__(self, problem: Problem, time_limit: float | None) -> None:
        self.problem, self.scenario = problem, problem.scenario
        self.seconds = _SECONDS if time_limit is None else max(1.0, min(_SECONDS, time_limit))
        self.cache: dict[tuple[frozenset[str], frozenset[str]], bool] = {}
        limited = [b for b in problem.scenario.buckets if b.kind in problem.scenario.limited_kinds]
        self.more_offers = frozenset(b.offer_id for b in limited if b.offer_id) - set(problem.scenario.offers)
        """Offers that are not listed and have buckets for pools with a limit."""
        self.present = [g for g in GROUPS if self._is_present(g)]

    def _is_present(self, group: str) -> bool:
        scenario, plans = self.scenario, self.problem.plans
        there: dict[str, bool] = {
            "eligibility": True,
            "offers": bool(self.more_offers)
            or any(p.offer_id is not None and p.offer_id not in scenario.offers for p in plans),
            "coverage": bool(self.problem.covered),
            "carriers_allowed": scenario.carriers_allowed is not None,
            "max_carriers": scenario.max_carriers is not None,
            "max_changes": scenario.max_changes is not None,
            "min_lines": any((p.min_lines or 0) > 1 for p in plans),
            "max_lines": any(p.max_lines is not None for p in plans),
            "force": bool(scenario.force),
            "keep": bool(scenario.keep),
            "overage_probability": any(
                group is not None and kind in scenario.limited_kinds
                for p in plans
                for kind, group in (("data", p.pool_group), ("voice", p.voice_pool_group))
            ),
        }
        return there[group]

    def find(self) -> Infeasibility | None:
        everything = frozenset(self.present)
        if self._feasible(everything):
            return None
        # the groups without which it works are in every conflict; then the smallest set, force and keep first
        order = sorted(self.present, key=lambda g: (g not in ("force", "keep"), self.present.index(g)))
        needed = [g for g in order if self._feasible(everything - {g})]
        others = [g for g in order if g not in needed]
        conflict = everything
        for size in range(len(others) + 1):
            found = next(
                (s for s in itertools.combinations(others, size) if not self._feasible(frozenset((*needed, *s)))), None
            )
            if found is not None:
                conflict = frozenset((*needed, *found))
                break
        groups = [g for g in GROUPS if g in conflict]
        return Infeasibility(groups, self._words(groups), self._relaxations(groups))

    def point(self) -> dict[str, str | None] | None:
        """An assignment that meets every group."""
        active = frozenset(self.present)
        kinds = self._kinds(active)
        if not all(kind.options for kind in kinds):
            return None
        model, columns = self._model(kinds, active, "changes")
        outcome = solver_process.run(model, time_limit=self.seconds, options={"mip_rel_gap": 0.0})
        if outcome.x is None:
            return None
        found: dict[str, str | None] = {}
        for kind, mine in zip(kinds, columns, strict=True):
            lines = iter(kind.lines)
            for p, j in zip(kind.options, mine, strict=True):
                for service in itertools.islice(lines, round(float(outcome.x[j]))):
                    found[service] = self.problem.plans[p].plan_id if p >= 0 else None
        return found

    # ---- feasibility -----------------------------------------------------------------------------------------------

    def _kinds(self, active: frozenset[str], loosened: str | None = None) -> list[_Kind]:
        """Lines by their options when only `active` groups hold; `strict`: options that `loosened` allows too."""
        found: dict[tuple[Any, ...], _Kind] = {}
        memo: dict[tuple[Any, ...], list[int]] = {}
        for n, line in enumerate(self.problem.lines):
            strict = frozenset(self._options(n, active | {loosened} if loosened else active, memo))
            options = tuple(self._options(n, active, memo))
            key = (line.selected, line.plan, options, strict, *self._pooled(n, options, active))
            found.setdefault(key, _Kind(line.selected, line.plan, options, strict, n)).lines.append(line.service_id)
        return list(found.values())

    def _pooled(self, n: int, options: tuple[int, ...], active: frozenset[str]) -> tuple[Any, ...]:
        """What tells lines apart where overage is limited: their account, their active months, their use."""
        pools = [self._pools_of(n, p) for p in options] if "overage_probability" in active else []
        kinds = {kind for mine in pools for kind, *_ in mine}
        if not kinds:
            return ()
        usage = self.problem.usage
        return (
            self.problem.lines[n].account_id,
            usage.active[n].tobytes(),
            *(usage.home[kind][n].tobytes() for kind in sorted(kinds)),
        )

    def _pools_of(self, n: int, p: int) -> list[tuple[str, str, str, str]]:
        """The pools with a limit that line n is in on plan p (-1 = suspended)."""
        if p < 0:
            return []
        line, plan, limited = self.problem.lines[n], self.problem.plans[p], self.scenario.limited_kinds
        stays = plan.carrier_id == line.carrier_id
        account = line.account_id if stays else self.problem.joined[plan.carrier_id]
        groups = {"data": plan.pool_group, "voice": plan.voice_pool_group}
        return [
            (kind, account, plan.carrier_id, group)
            for kind, group in groups.items()
            if group is not None and kind in limited
        ]

    def _options(self, n: int, active: frozenset[str], memo: dict[tuple[Any, ...], list[int]]) -> list[int]:
        line, scenario = self.problem.lines[n], self.scenario
        key = (line.selected, line.plan, line.kind, line.site_id, active)
        if key not in memo:
            ignore = frozenset(g for g in _PLAN_GROUPS if g not in active)
            args = (self.problem.plans, line, scenario, self.problem.setting.currency, self.problem.covered)
            memo[key] = allowed_plans(*args, ignore=ignore)
        options = memo[key]
        kept = "keep" in active and line.selected and line.service_id in scenario.keep
        forced = scenario.force.get(line.service_id) if "force" in active else None
        if kept:
            options = [p for p in options if p == line.plan]
        if forced is not None:
            options = [p for p in options if self.problem.plans[p].plan_id == forced]
        if self.problem.suspendable[n] and not kept and forced is None:
            options = [*options, -1]
        return options

    def _feasible(self, active: frozenset[str], listed: frozenset[str] = frozenset()) -> bool:
        """Whether some assignment meets the groups `active`, where buckets of the offers `listed` may be bought too."""
        if (active, listed) not in self.cache:
            kinds = self._kinds(active)
            met = all(k.options for k in kinds) and self._least(kinds, active, "", listed) is not None
            self.cache[active, listed] = met
        return self.cache[active, listed]

    def _least(
        self, kinds: Sequence[_Kind], active: frozenset[str], count: str, listed: frozenset[str] = frozenset()
    ) -> float | None:
        """Least number of changes, carriers or lines outside their strict options, or least share of months in which
        a pool is over (`count`); None if infeasible. `listed` as in `_feasible`; all offers where they are no limit."""
        listed = listed if "offers" in active else self.more_offers
        counted = active & {"max_carriers", "max_changes", "min_lines", "max_lines", "overage_probability"}
        if not count and (not counted or (counted == {"overage_probability"} and self._is_eased(kinds, listed))):
            return 0
        model, _ = self._model(kinds, active, count, listed)
        gap = 0.0 if count else 1e6  # any point will do
        outcome = solver_process.run(model, time_limit=self.seconds, options={"mip_rel_gap": gap})
        if outcome.ended == "infeasible":
            return None
        if outcome.x is None:
            return None if count else 0  # undecided in the time given: not called infeasible
        if not count:
            return 0
        least = float(np.dot(model.cost, outcome.x))
        return least if count == "overage" else round(least)

    def _model(
        self, kinds: Sequence[_Kind], active: frozenset[str], count: str, listed: frozenset[str] = frozenset()
    ) -> tuple[Model, list[list[int]]]:
        """How many lines of each kind take each option; the columns of each kind in the order of its options."""
        plans, scenario, model = self.problem.plans, self.scenario, Model()
        columns: list[list[int]] = []
        by_plan: dict[int, list[int]] = defaultdict(list)
        by_carrier: dict[str, list[tuple[int, int]]] = defaultdict(list)
        changed: list[int] = []
        for number, kind in enumerate(kinds):
            size, mine = len(kind.lines), []
            for p in kind.options:
                cost = 0.0
                if count == "changes":
                    cost = float(p != kind.plan)
                elif count == "outside":
                    cost = float(p not in kind.strict)
                j = model.column(f"x_{number}_{p}", cost, 0, size, whole=True)
                mine.append(j)
                if p >= 0:
                    by_plan[p].append(j)
                    if kind.selected:
                        by_carrier[plans[p].carrier_id].append((j, size))
                if p != kind.plan:
                    changed.append(j)
            model.row(f"one_{number}", "one_plan", mine, [1.0] * len(mine), size, size)
            columns.append(mine)
        if "max_changes" in active and scenario.max_changes is not None:
            model.row("changes", "max_changes", changed, [1.0] * len(changed), high=scenario.max_changes)
        if "max_carriers" in active or count == "carriers":
            used = []
            for carrier, members in sorted(by_carrier.items()):
                z = model.column(f"z_{carrier}", float(count == "carriers"), 0, 1, whole=True)
                used.append(z)
                for j, size in members:
                    model.row(f"z_{carrier}_{j}", "max_carriers", [j, z], [1.0, -float(size)], high=0)
            if "max_carriers" in active and scenario.max_carriers is not None:
                model.row("carriers", "max_carriers", used, [1.0] * len(used), high=scenario.max_carriers)
        if "overage_probability" in active or count == "overage":
            self._limit_overage(model, kinds, columns, count, listed)
        for p, js in sorted(by_plan.items()):
            low, high, total = plans[p].min_lines, plans[p].max_lines, float(sum(model.high[j] for j in js))
            if "max_lines" in active and high is not None:
                model.row(f"max_{p}", "max_lines", js, [1.0] * len(js), high=high)
            if "min_lines" in active and (low or 0) > 1:
                w = model.column(f"w_{p}", 0, 0, 1, whole=True)
                model.row(f"min_{p}", "min_lines", [*js, w], [1.0] * len(js) + [-float(low or 0)], low=0)
                model.row(f"any_{p}", "min_lines", [*js, w], [1.0] * len(js) + [-total], high=0)
        return model, columns

    def _pull(self, n: int, p: int, kind: str) -> NDArray[Any]:
        """What line n on plan p uses of its pool of a kind less what it brings, by month, millionths."""
        usage, plan = self.problem.usage, self.problem.plans[p]
        allowance = (plan.data_mb if kind == "data" else plan.voice_min) or 0
        found: NDArray[Any] = usage.home[kind][n] - usage.active[n] * allowance
        return found

    def _most_bought(self, pool: tuple[str, str, str, str], listed: frozenset[str]) -> int:
        """The most allowance that buckets can bring to a pool, millionths: prices never make a scenario infeasible."""
        kind, account, carrier, group = pool
        scenario = self.scenario
        mine = [b for b in scenario.buckets if b.pools == (kind, carrier, group)]
        sizes = [(b.allowance, b.most(account, (*scenario.offers, *listed))) for b in mine]
        return most_brought(sizes, one=scenario.bucket_steps == "one")

    def _is_eased(self, kinds: Sequence[_Kind], listed: frozenset[str]) -> bool:
        """Whether pools keep the limit when every line is on the plan that takes least from them: no search needed."""
        rule = self.scenario.overage_probability
        assert rule is not None
        excess: dict[tuple[str, str, str, str], NDArray[Any]] = {}
        for kind in kinds:
            best: tuple[int, dict[tuple[str, str, str, str], NDArray[Any]]] | None = None
            for p in kind.options:
                pulls = {pool: self._pull(kind.first, p, pool[0]) for pool in self._pools_of(kind.first, p)}
                taken = sum(int(pull.sum()) for pull in pulls.values())
                if best is None or taken < best[0]:
                    best = (taken, pulls)
            for pool, pull in best[1].items() if best else ():
                excess[pool] = excess.get(pool, 0) + pull.astype(object) * len(kind.lines)
        weights = np.array(self.problem.weights, dtype=object)
        most = rule.limit * self.problem.total_weight
        return all(
            weights[total.astype(object) > self._most_bought(pool, listed)].sum() <= most
            for pool, total in excess.items()
        )

    def _limit_overage(
        self,
        model: Model,
        kinds: Sequence[_Kind],
        columns: Sequence[Sequence[int]],
        count: str,
        listed: frozenset[str],
    ) -> None:
        """How often each pool may be above its allowance; that share is what is minimized where `overage` counts.

        Where nothing is counted, less overage leads the solver to what is feasible.
        """
        rule = self.scenario.overage_probability
        assert rule is not None
        share = model.column("share_over", 1.0, 0, 1) if count == "overage" else None
        members: dict[tuple[str, str, str, str], list[tuple[int, int, int]]] = defaultdict(list)
        for number, (kind, mine) in enumerate(zip(kinds, columns, strict=True)):
            for p, j in zip(kind.options, mine, strict=True):
                for pool in self._pools_of(kind.first, p):
                    members[pool].append((number, p, j))
        for g, (pool, found) in enumerate(sorted(members.items())):
            limit = PoolLimit(model, str(g), self.problem.weights)
            bought = self._most_bought(pool, listed)
            by_month = np.array([self._pull(kinds[number].first, p, pool[0]) for number, p, _ in found]).T.tolist()
            for t, pulls in enumerate(by_month):
                reach: dict[int, list[int]] = defaultdict(list)
                for (number, _, _), pull in zip(found, pulls, strict=True):
                    reach[number].append(pull * len(kinds[number].lines))
                certain = {number: len(mine) == len(kinds[number].options) for number, mine in reach.items()}
                least_of = sum(min(mine) if certain[k] else min(0, *mine) for k, mine in reach.items())
                most_of = sum(max(mine) if certain[k] else max(0, *mine) for k, mine in reach.items())
                js = [j for *_, j in found]
                for j, pull in zip(() if count else js, pulls, strict=False):
                    model.cost[j] += pull / (MICRO * 1000)
                limit.month(t, js, pulls, -bought, least_of - bought, most_of - bought)
            limit.close(rule.limit, share)

    # ---- words -----------------------------------------------------------------------------------------------------

    def _words(self, groups: list[str]) -> str:
        scenario = self.scenario
        stuck = [s for k in self._kinds(frozenset(groups)) if not k.options for s in k.lines]
        said = {
            "max_carriers": f"at most {scenario.max_carriers} carriers",
            "max_changes": f"at most {scenario.max_changes} changes",
            "carriers_allowed": f"only the carriers {', '.join(scenario.carriers_allowed or ())}",
            "coverage": "carriers that cover the site",
            "offers": f"only the offers {', '.join(scenario.offers) or '(none)'}",
            "eligibility": "plans of the service's kind and currency",
            "min_lines": "the plans' min_lines",
            "max_lines": "the plans' max_lines",
            "force": f"the forced plans ({len(scenario.force)})",
            "keep": f"the kept services ({len(scenario.keep)})",
            "overage_probability": self._overage_words(),
        }
        together = " and ".join(said[g] for g in groups)
        text = f"No assignment meets {together}{' together' if len(groups) > 1 else ''}."
        if stuck:
            text += f" {len(stuck)} service(s) are left without any plan, for example {', '.join(sorted(stuck)[:3])}."
        return text

    def _overage_words(self) -> str:
        rule = self.scenario.overage_probability
        if rule is None:
            return ""
        bought = ", whatever buckets they buy" if any(b.kind in rule.kinds for b in self.scenario.buckets) else ""
        return f"pools above their allowance in at most {float(rule.limit) * 100:.4g} % of the months{bought}"

    def _least_overage(self, rest: frozenset[str]) -> float | None:
        """The smallest limit that can be met, rounded up to 6 decimals; None where no limit below 1 can be proven."""
        found = self._least(self._kinds(rest | {"overage_probability"}), rest, "overage")
        if found is None:
            return None
        total = self.problem.total_weight
        return math.ceil(Fraction(round(found * total) * 10**6, total)) / 10**6

    def _offer_words(self, everything: frozenset[str], exempt: str) -> str:
        """The first offer whose buckets suffice, all of them together, or those beside plans of offers."""
        names = sorted(self.more_offers)
        alone = next((name for name in names if self._feasible(everything, frozenset({name}))), None)
        if alone is not None:
            return f"list the offer {alone}, whose buckets suffice"
        if self._feasible(everything, self.more_offers):
            return f"list the offers {', '.join(names)}, whose buckets suffice together"
        return f"{exempt}, and list the offers of buckets {', '.join(names)}"

    def _relaxations(self, groups: list[str]) -> list[dict[str, Any]]:
        found = []
        everything = frozenset(self.present)
        value: float | None
        for group in groups:
            rest = everything - {group}
            if not self._feasible(rest):
                continue
            if group == "max_carriers":
                value = self._least(self._kinds(rest), rest, "carriers")
                text = f"allow {_many(value)} carriers"
            elif group == "max_changes":
                value = self._least(self._kinds(rest), rest, "changes")
                text = f"allow {_many(value)} changes"
            elif group == "overage_probability":
                value = self._least_overage(rest)
                share = "more" if value is None else f"{value * 100:.6g} %"
                text = f"allow pools above their allowance in {share} of the months"
            elif group in ("min_lines", "max_lines"):
                value, text = None, f"change {group} of the plans"
            else:
                value = self._least(self._kinds(rest, group), rest, "outside")
                text = f"exempt {_many(value)} service(s) from {GROUPS[group][0].lower()}"
                if group == "offers" and self.more_offers:
                    text = self._offer_words(everything, text)
            found.append({"group": group, "value": value, "text": text})
        return found


def _many(value: float | None) -> str:
    """A number as it is said; `more` where the time was too short to find it."""
    return "more" if value is None else str(value)
