"""The problem: lines, plans, pools, contracts and every option a line has, as frozen structures of arrays.

Built from plain frames. An option is one line on one plan (or suspended), with the account, contract and pools the
line would then belong to, its exact charges and its one-off fee (interfaces.md section 4, items 1-22).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optimize import tariff
from optimize.contracts import Contract
from optimize.priced import PoolKey
from optimize.scenario import Scenario
from optimize.scope import Setting

MICRO = 10**6
PICO = 10**12

#: The named groups of business constraints; explanations of infeasibility are sets of these ids.
GROUPS: dict[str, tuple[str, str]] = {
    "eligibility": ("Kind and currency", "A plan serves services of its own kind, priced in the scenario's currency."),
    "offers": ("Offers", "A plan of a carrier's offer is used only where the scenario lists the offer."),
    "coverage": ("Coverage", "A service moves only to a carrier that covers its site; staying is always possible."),
    "carriers_allowed": ("Carriers allowed", "Selected services are with the carriers the scenario allows."),
    "max_carriers": ("Maximum of carriers", "Selected services use at most so many different carriers."),
    "max_changes": ("Maximum of changes", "At most so many services change their plan or are suspended."),
    "min_lines": ("Minimum lines of a plan", "A plan is unused or has at least min_lines lines."),
    "max_lines": ("Maximum lines of a plan", "A plan has at most max_lines lines over all accounts."),
    "force": ("Forced plans", "A service named under force gets exactly that plan."),
    "keep": ("Kept services", "A service named under keep stays on its plan."),
    "overage_probability": (
        "Probability of overage",
        "Each pool is above its allowance in at most the scenario's share of the months.",
    ),
}

#: What else the models couple; each has its sentence here and in docs/optimizer.md.
COUPLINGS: dict[str, tuple[str, str]] = {
    "one_plan": ("One plan per line", "Every line has exactly one plan or is suspended."),
    "pool": (
        "Pool overage",
        "In each month a pool charges its use above the sum of its allowances, per started block.",
    ),
    "bucket": (
        "Bucket steps",
        "A pool buys whole buckets, of one size at most unless sizes may be combined, and only while it has a member.",
    ),
    "tiers": (
        "Tier discount",
        "The contract's expected monthly gross spend decides the discount on all or part of it.",
    ),
    "commitment": ("Commitment", "Spend below the commitment costs shortfall_rate times what is missing."),
    "carrier_cost": ("Carrier fixed cost", "A carrier that any line is with costs its fixed amount every month."),
    "cvar": ("Bad months", "Conditional value at risk of the months' costs enters the objective."),
}


@dataclass(frozen=True)
class Line:
    """One service in the problem."""

    service_id: str
    kind: str | None
    plan: int
    carrier_id: str
    account_id: str
    contract_id: str | None
    site_id: str | None
    term_end_on: str | None
    selected: bool


@dataclass(frozen=True)
class Options:
    """All options of all lines, flat and grouped by line; `plan` is -1 for a suspension."""

    line: NDArray[np.int64]
    plan: NDArray[np.int64]
    carrier: NDArray[np.int64]
    contract: NDArray[np.int64]
    data_pool: NDArray[np.int64]
    voice_pool: NDArray[np.int64]
    changed: NDArray[np.bool_]
    totals: NDArray[Any]
    """Charges of all months without pools by weight, picos: 64 bits, or Python integers where they do not fit."""
    fees: NDArray[Any]
    """One-off fees, picos, likewise."""
    monthly: NDArray[np.float64]
    """Charges of each month without pools, currency, options x T; no rows where bad months do not count."""

    def __len__(self) -> int:
        return len(self.line)

    @cached_property
    def total(self) -> list[int]:
        """`totals` as Python integers."""
        return list(self.totals.tolist())

    @cached_property
    def fee(self) -> list[int]:
        """`fees` as Python integers."""
        return list(self.fees.tolist())


@dataclass(frozen=True)
class PoolBucket:
    """A size of bucket that a pool may have up to `most` of: allowance and MRC a month in micros."""

    bucket_id: str
    allowance: int
    mrc: int
    most: int


@dataclass(frozen=True)
class Pool:
    """Plans that share allowances: its key, price and block in micros (voice: block 0), buckets it may buy."""

    kind: str
    account_id: str
    carrier_id: str
    group: str
    price: int
    block: int
    buckets: tuple[PoolBucket, ...] = ()

    @property
    def key(self) -> PoolKey:
        """What names the pool everywhere."""
        return self.kind, self.account_id, self.carrier_id, self.group


@dataclass(frozen=True)
class Problem:
    """Everything the models and methods need."""

    scenario: Scenario
    setting: Setting
    plans: list[tariff.Plan]
    lines: list[Line]
    usage: tariff.Usage
    suspendable: NDArray[np.bool_]
    carriers: list[str]
    contract_ids: list[str]
    contracts: dict[str, Contract]
    pools: list[Pool]
    options: Options
    covered: dict[str, set[str]]
    joined: dict[str, str]
    """The account that a service moving to a carrier joins."""
    keep: frozenset[str]
    first_option: NDArray[np.int64] = field(repr=False)
    """Index of each line's first option; one more entry for the end. Equal neighbours: a line without options."""

    @property
    def months(self) -> int:
        """Number of scenario months: the columns of all arrays by month."""
        return len(self.setting.scenarios.months)

    @property
    def weights(self) -> list[int]:
        """Weight of each scenario month."""
        return self.setting.scenarios.weights

    @property
    def total_weight(self) -> int:
        """Sum of the weights: what sums over months are divided by to be a month's mean."""
        return self.setting.scenarios.total

    @property
    def limited_pools(self) -> list[int]:
        """Pools whose probability of overage the scenario limits."""
        return [g for g, pool in enumerate(self.pools) if pool.kind in self.scenario.limited_kinds]

    @property
    def has_buckets(self) -> bool:
        """Whether some pool may buy buckets."""
        return any(pool.buckets for pool in self.pools)

    @cached_property
    def carrier_costs(self) -> tuple[Fraction, dict[int, Fraction]]:
        """Fixed cost of carriers a month: what is owed whatever is decided, and by carrier number what may be saved.

        A carrier that some line cannot leave is in the first part; one that no line can be with is in neither.
        """
        options, number = self.options, {c: n for n, c in enumerate(self.carriers)}
        asked = {number[c]: a for c, a in self.scenario.carrier_fixed_cost.items() if a and c in number}
        if not asked:
            return Fraction(0), {}
        first, sure = self.first_option[:-1], np.zeros(0, dtype=np.int64)
        if len(options):
            has = np.diff(self.first_option) > 0
            low = np.minimum.reduceat(options.carrier, first[has])
            sure = np.unique(low[low == np.maximum.reduceat(options.carrier, first[has])])
        owed = sum((Fraction(asked[c], MICRO) for c in sure.tolist() if c in asked), Fraction(0))
        there = set(np.flatnonzero(np.bincount(options.carrier + 1)) - 1) - set(sure.tolist())
        return owed, {c: Fraction(a, MICRO) for c, a in sorted(asked.items()) if c in there}

    def assignment(self, chosen: Iterable[int]) -> dict[str, str | None]:
        """service_id -> plan_id (None = suspended) of the chosen option of every line."""
        found: dict[str, str | None] = {}
        for option in chosen:
            plan = int(self.options.plan[option])
            found[self.lines[int(self.options.line[option])].service_id] = (
                self.plans[plan].plan_id if plan >= 0 else None
            )
        return found


def contribution(problem: Problem, options: NDArray[np.int64], kind: str) -> NDArray[Any]:
    """Use minus allowance that options bring to their pool of `kind` in each month: options x T, millionths."""
    lines = problem.options.line[options]
    allowance = np.array(
        [(p.data_mb if kind == "data" else p.voice_min) or 0 for p in problem.plans] + [0], dtype=np.int64
    )[problem.options.plan[options]]
    active = problem.usage.active[lines]
    return problem.usage.home[kind][lines] - active * allowance[:, None]


def allowed_plans(
    plans: list[tariff.Plan],
    line: Line,
    scenario: Scenario,
    currency: str,
    covered: dict[str, set[str]],
    ignore: frozenset[str] = frozenset(),
) -> list[int]:
    """The plans a line may have (item 7), in order of plan_id; `ignore` names groups that are switched off."""
    if not line.selected:
        return [line.plan]
    sites = covered.get(line.site_id, set()) if covered and line.site_id is not None else None
    found = []
    for n, plan in enumerate(plans):
        stays = plan.carrier_id == line.carrier_id
        allowed = scenario.carriers_allowed
        if "carriers_allowed" not in ignore and allowed is not None and plan.carrier_id not in allowed:
            continue
        if "eligibility" not in ignore and plan.currency not in (None, currency):
            continue
        if n != line.plan:
            if "eligibility" not in ignore and plan.service_kind not in (None, line.kind):
                continue
            if "offers" not in ignore and plan.offer_id is not None and plan.offer_id not in scenario.offers:
                continue
            if "coverage" not in ignore and sites is not None and not stays and plan.carrier_id not in sites:
                continue
        found.append(n)
    return found
