"""Exact reduction before any model: drop options that another one beats in every respect, merge identical lines.

Dominance keeps the integer optimum (the lower envelope would not). An option is dropped only for one that counts the
same in every limit, brings no more to any pool in any month and costs no more. Lines whose remaining options agree
in every figure become one class with an integer count. What is the same under all options does not tell lines apart:
the use of a line that stays in its pool, and charges that every plan passes on (roaming, say).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optimize.contracts import is_monotone
from optimize.problem import Problem, contribution
from optimize.rightsize import weighted_cost


@dataclass(frozen=True)
class LineClass:
    """Lines that are alike: `options[m][k]` is option k of member m; the first member stands for all in costs.

    Members may differ by an amount that is the same under all options, `base` (picos, all months).
    """

    lines: list[int]
    options: list[list[int]]
    base: list[int] = field(default_factory=list)

    @property
    def size(self) -> int:
        """Number of lines."""
        return len(self.lines)

    @property
    def surplus(self) -> int:
        """What all members together are charged beyond what the first one stands for, whatever is chosen (picos)."""
        return sum(self.base) - self.size * self.base[0]


@dataclass(frozen=True)
class Reduced:
    """Classes, what their members bring to pools, and which contracts and pools must be modelled exactly."""

    classes: list[LineClass]
    pull: dict[str, NDArray[Any]]
    """Use minus allowance of every option in its data / voice pool per month, millionths (0 without pool)."""
    pool_contracts: list[list[int]]
    """Per pool the contracts its options belong to (-1 = none), ascending."""
    exact_contracts: frozenset[int]
    """Contracts under which spending more can pay, so that overage must not be overstated."""
    exact_pools: frozenset[int]

    @property
    def columns(self) -> int:
        """Number of option variables."""
        return sum(len(c.options[0]) for c in self.classes if len(c.options[0]) > 1)


def contract_has_terms(problem: Problem, number: int) -> bool:
    """Whether contract `number` exists, is in force and has tiers or a commitment."""
    contract = problem.contracts.get(problem.contract_ids[number]) if number >= 0 else None
    return contract is not None and contract.has_terms


def limited_plans(problem: Problem) -> set[int]:
    """Plans with a limit on their number of lines."""
    used = {int(p) for p in np.unique(problem.options.plan) if p >= 0}
    return {p for p in used if (problem.plans[p].min_lines or 0) > 1 or problem.plans[p].max_lines is not None}


def reduce(problem: Problem, *, merge: bool = True) -> Reduced:
    """The reduced problem; without `merge` every line is a class of its own (the line model)."""
    options = problem.options
    every = np.arange(len(options), dtype=np.int64)
    pull = {}
    for kind, pool in (("data", options.data_pool), ("voice", options.voice_pool)):
        brought = contribution(problem, every, kind)
        brought[pool < 0] = 0
        pull[kind] = brought
    owners = pool_contracts(problem)
    exact = set()
    for number, contract_id in enumerate(problem.contract_ids):
        if contract_has_terms(problem, number):
            segments = problem.contracts[contract_id].segments()
            if problem.scenario.cvar_weight or not is_monotone(segments):
                exact.add(number)
    exact_pools = {g for g, found in enumerate(owners) if exact & set(found)}
    draft = Reduced([], pull, owners, frozenset(exact), frozenset(exact_pools))
    kept = _undominated(problem, draft)
    classes = _classes(problem, draft, kept) if merge else [_alone(problem, n, mine) for n, mine in enumerate(kept)]
    return Reduced(classes, pull, owners, frozenset(exact), frozenset(exact_pools))


def pool_contracts(problem: Problem) -> list[list[int]]:
    """Per pool the contracts of the options that are in it (-1 = none), ascending."""
    options, width = problem.options, len(problem.contract_ids) + 1
    found: list[list[int]] = [[] for _ in problem.pools]
    for pool in (options.data_pool, options.voice_pool):
        inside = pool >= 0
        for pair in np.unique(pool[inside] * width + options.contract[inside] + 1).tolist():
            found[pair // width].append(pair % width - 1)
    return [sorted(set(contracts)) for contracts in found]


def split_pools(problem: Problem, reduced: Reduced) -> set[int]:
    """Pools whose overage may fall to one contract or another, depending on who is in them (item 19)."""
    return {
        g
        for g, found in enumerate(reduced.pool_contracts)
        if len(found) > 1 and any(contract_has_terms(problem, c) for c in found)
    }


def _signatures(problem: Problem, split: set[int]) -> NDArray[np.int64]:
    """Options with the same row count alike in every limit and contract."""
    options, scenario = problem.options, problem.scenario
    terms = np.array([contract_has_terms(problem, c) for c in range(len(problem.contract_ids))] + [False], dtype=bool)
    limited = limited_plans(problem)
    contract = np.where(terms[options.contract], options.contract, -1)
    in_split = np.isin(options.data_pool, list(split)) | np.isin(options.voice_pool, list(split))
    contract = np.where(in_split, options.contract + 1_000_000, contract)
    counted = scenario.max_carriers is not None or np.isin(options.carrier, list(problem.carrier_costs[1]))
    carrier = np.where(counted, options.carrier, -1)
    plan = np.where(np.isin(options.plan, list(limited)), options.plan, -1)
    return np.stack([contract, carrier, plan], axis=1).astype(np.int64)


def _undominated(problem: Problem, draft: Reduced) -> list[list[int]]:
    options, scenario = problem.options, problem.scenario
    cost = weighted_cost(problem)
    split = split_pools(problem, draft)
    signature = _signatures(problem, split)
    strict = sorted(draft.exact_pools | split)
    frozen = np.isin(options.contract, list(draft.exact_contracts))
    frozen |= np.isin(options.data_pool, strict) | np.isin(options.voice_pool, strict)
    rank = np.where(options.plan >= 0, options.plan, len(problem.plans))
    limit_changes = scenario.max_changes is not None
    # where more spend costs nothing (a commitment not reached), a saving need not pay: keep today's plan in the race
    terms = [c for c in problem.contracts.values() if c.has_terms]
    flat = any(s.slope <= 0 for c in terms for s in c.segments())
    first = problem.first_option.tolist()
    kept = []
    for n in range(len(problem.lines)):
        here = list(range(first[n], first[n + 1]))
        if len(here) < 2:
            kept.append(here)
            continue
        order = sorted(here, key=lambda o: (cost[o], bool(options.changed[o]), int(rank[o])))
        idx = np.array(order, dtype=np.int64)
        beats: NDArray[Any] = (signature[idx][:, None, :] == signature[idx][None, :, :]).all(axis=2)
        if limit_changes or flat:
            beats &= options.changed[idx][:, None] <= options.changed[idx][None, :]
        for kind, pool in (("data", options.data_pool[idx]), ("voice", options.voice_pool[idx])):
            brought = draft.pull[kind][idx]
            same = pool[:, None] == pool[None, :]
            less = (brought[:, None, :] <= brought[None, :, :]).all(axis=2)
            brings_none = np.asarray((brought <= 0).all(axis=1))
            takes_none = np.asarray((brought >= 0).all(axis=1))
            apart = brings_none[:, None] & takes_none[None, :]
            beats = beats & np.where(same, less, apart)
        if scenario.cvar_weight:
            monthly = options.monthly[idx]
            fixed = np.array([options.fee[o] for o in order], dtype=object)
            beats &= (monthly[:, None, :] <= monthly[None, :, :]).all(axis=2)
            beats &= (fixed[:, None] <= fixed[None, :]).astype(bool)
            if scenario.min_saving_per_change:
                beats &= options.changed[idx][:, None] <= options.changed[idx][None, :]
        if frozen[idx].any():
            beats &= _twins(problem, draft, idx)
        # sorted by cost, so only an earlier option can beat a later one
        beaten = np.asarray(np.triu(beats, k=1).any(axis=0))
        kept.append(sorted(o for o, gone in zip(order, beaten.tolist(), strict=True) if not gone))
    return kept


def _twins(problem: Problem, draft: Reduced, idx: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Pairs of options that are the same in every figure: the only ones that may be merged under strict contracts."""
    options = problem.options
    total = np.array([options.total[o] for o in idx], dtype=object)
    same = (total[:, None] == total[None, :]).astype(bool)
    for values in (options.contract[idx], options.data_pool[idx], options.voice_pool[idx]):
        same &= values[:, None] == values[None, :]
    for kind in ("data", "voice"):
        brought = draft.pull[kind][idx]
        same &= (brought[:, None, :] == brought[None, :, :]).all(axis=2)
    return same


def _alone(problem: Problem, n: int, mine: list[int]) -> LineClass:
    return LineClass([n], [mine], [problem.options.total[mine[0]] if mine else 0])


def _classes(problem: Problem, draft: Reduced, kept: list[list[int]]) -> list[LineClass]:
    options, scenario = problem.options, problem.scenario
    split = split_pools(problem, draft)
    terms = np.array([contract_has_terms(problem, c) for c in range(len(problem.contract_ids))] + [False], dtype=bool)
    paid_to = np.where(terms[options.contract], options.contract, -1)
    found: dict[tuple[Any, ...], LineClass] = {}
    for n, mine in enumerate(kept):
        idx = np.array(mine, dtype=np.int64)
        # a charge that all options share is a constant of the cost, and of the spend where they share the contract too
        shared = bool(mine) and not scenario.cvar_weight and len({int(c) for c in paid_to[idx]}) == 1
        base = options.total[mine[0]] if shared else 0
        parts: list[Any] = [problem.lines[n].selected]
        for o in mine:
            names = (options.plan, options.contract, options.data_pool, options.voice_pool, options.changed)
            parts.append((*(int(a[o]) for a in names), options.total[o] - base, options.fee[o]))
        for kind, pool in (("data", options.data_pool), ("voice", options.voice_pool)):
            brought = draft.pull[kind][idx]
            if len(mine) and pool[mine[0]] >= 0 and (pool[idx] == pool[mine[0]]).all():
                brought = brought - brought[0]
            parts.append(brought.tobytes())
        pools = {int(options.data_pool[o]) for o in mine} | {int(options.voice_pool[o]) for o in mine}
        if pools & split:
            parts.append(problem.usage.active[n].tobytes())
        if scenario.cvar_weight:
            parts.append(options.monthly[idx].tobytes())
        key = tuple(parts)
        group = found.setdefault(key, LineClass([], []))
        group.lines.append(n)
        group.options.append(mine)
        group.base.append(base)
    return list(found.values())
