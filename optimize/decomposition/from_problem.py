"""A :class:`optimize.problem.Problem` as an :class:`Estate`: the same options in the same order, 64-bit.

Duals and columns of one problem start the search of another one: they are kept by the names of what they are about.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from optimize.contracts import Segment, is_monotone
from optimize.decomposition.arrays import Estate, Ladder, Limits, Pools, Templates, Whole
from optimize.decomposition.steps import ladder_of
from optimize.problem import MICRO, PICO, Problem
from optimize.reduce import contract_has_terms, limited_plans, pool_contracts
from optimize.warm import Columns, fingerprint

if TYPE_CHECKING:  # the master loads the solver
    from optimize.decomposition.master import Duals


def can_decompose(problem: Problem) -> bool:
    """Whether the decomposition knows everything that couples this problem's lines.

    It does not know bad months and how often a pool is above its allowance.
    """
    known = not problem.scenario.cvar_weight and not problem.limited_pools
    return known and bool((np.diff(problem.first_option) > 0).all())


def named_duals(problem: Problem, duals: Duals) -> dict[str, Any]:
    """Duals as a result file holds them: pools by key, contracts and plans by id; amounts a month."""
    pools = [
        {
            **{"kind": pool.kind, "account_id": pool.account_id, "carrier_id": pool.carrier_id},
            **{"pool_group": pool.group, "values": duals.pull[g].tolist()},
        }
        for g, pool in enumerate(problem.pools)
    ]
    contracts = [problem.contract_ids[c] for c in _priced_contracts(problem)]
    plans = [problem.plans[p].plan_id for p in sorted(limited_plans(problem))]
    return {
        "pools": pools,
        "contracts": dict(zip(contracts, duals.spend.tolist(), strict=True)),
        "change": duals.change,
        "plans": dict(zip(plans, duals.limit.tolist(), strict=True)),
    }


def duals_from(problem: Problem, named: Mapping[str, Any]) -> Duals | None:
    """Named duals as this problem's, what they do not name at its neutral price; None where they name nothing of it.

    A range of another length gets each pool's mean.
    """
    from optimize.decomposition.master import Duals

    months, hit = problem.months, False
    known = {(p["kind"], p["account_id"], p["carrier_id"], p["pool_group"]): p["values"] for p in named["pools"]}
    pull = np.zeros((len(problem.pools), months))
    for g, pool in enumerate(problem.pools):
        values = known.get((pool.kind, pool.account_id, pool.carrier_id, pool.group))
        if values:
            pull[g] = values if len(values) == months else np.sum(values) / months
            hit = True
    contracts = [problem.contract_ids[c] for c in _priced_contracts(problem)]
    limited = [problem.plans[p].plan_id for p in sorted(limited_plans(problem))]
    hit = hit or any(c in named["contracts"] for c in contracts) or any(p in named["plans"] for p in limited)
    if not hit:
        return None
    return Duals(
        pull,
        np.array([named["contracts"].get(c, 1.0) for c in contracts], dtype=np.float64),
        float(named["change"]) if problem.scenario.max_changes is not None else 0.0,
        np.array([named["plans"].get(p, 0.0) for p in limited], dtype=np.float64),
    )


def named_columns(problem: Problem, columns: Sequence[Whole]) -> Columns | None:
    """Choices of every line as a result holds them; None where there are none."""
    if not columns:
        return None
    of_option = problem.options.plan.astype(np.int16)
    first = problem.first_option[:-1]
    plans = np.stack([of_option[first + choice] for choice in columns])
    used, places = np.unique(plans, return_inverse=True)
    ids = tuple(problem.plans[p].plan_id if p >= 0 else None for p in used.tolist())
    return Columns(fingerprint(problem.lines), ids, places.reshape(plans.shape).astype(np.int16))


def columns_from(problem: Problem, estate: Estate, named: Columns | None) -> list[Whole]:
    """Named columns as choices among this problem's options; a line keeps its plan where it may not have the named one.

    Of no use, and none, where the lines are others.
    """
    if named is None or named.choices.shape[1] != estate.lines or named.lines != fingerprint(problem.lines):
        return []
    t, suspended = estate.templates, len(problem.plans)
    number: dict[str | None, int] = {None: suspended, **{plan.plan_id: n for n, plan in enumerate(problem.plans)}}
    option = np.full((len(t.selected), suspended + 2), -1, dtype=np.int16)  # of each template on each plan
    for q in range(len(t.selected)):
        mine = t.plan[t.first[q] : t.first[q + 1]]
        option[q, np.where(mine < 0, suspended, mine)] = np.arange(len(mine))
    known = np.array([number.get(plan, suspended + 1) for plan in named.plans], dtype=np.int64)
    kept = np.maximum(estate.current, 0)
    found = []
    for column in named.choices:
        choice = option[estate.template, known[column]]
        found.append(np.where(choice >= 0, choice, kept))
    return found


def choice_of(problem: Problem, assignment: Mapping[str, str | None]) -> Whole | None:
    """Plans as the position of each line's option (today's where a line is not named); None if one is no option."""
    number: dict[str | None, int] = {plan.plan_id: n for n, plan in enumerate(problem.plans)}
    number[None] = -1
    wanted = np.array(
        [number[assignment[x.service_id]] if x.service_id in assignment else x.plan for x in problem.lines],
        dtype=np.int64,
    )
    options = problem.options
    hit = np.flatnonzero(options.plan == wanted[options.line])
    if len(hit) != len(problem.lines):
        return None
    return (hit - problem.first_option[:-1]).astype(np.int16)


def _priced_contracts(problem: Problem) -> list[int]:
    return [c for c in range(len(problem.contract_ids)) if contract_has_terms(problem, c)]


def estate_of(problem: Problem) -> Estate:
    """The estate of a problem in which every line has an option."""
    options, scenario = problem.options, problem.scenario
    first = problem.first_option
    numbers = _priced_contracts(problem)
    renumber = np.full(len(problem.contract_ids) + 1, -1, dtype=np.int64)
    renumber[numbers] = np.arange(len(numbers))
    limited = sorted(limited_plans(problem))
    limit_of = np.full(len(problem.plans) + 1, -1, dtype=np.int64)
    limit_of[limited] = np.arange(len(limited))
    carrier_number = {c: n for n, c in enumerate(problem.carriers)}
    home = np.array([carrier_number[line.carrier_id] for line in problem.lines], dtype=np.int64)
    leaves = (options.carrier >= 0) & (options.carrier != home[options.line])
    there, carrier = _carriers(problem)
    horizon = float(PICO * scenario.horizon_months)
    fees = options.fees.astype(np.float64) / horizon
    porting = scenario.porting_fee * MICRO / horizon
    exit_fee = np.zeros(len(problem.lines))
    joining = np.array([scenario.joining_fee.get(c, 0) * MICRO / horizon for c in problem.carriers] + [0.0])
    exit_fee[options.line[leaves]] = fees[leaves] - porting - joining[options.carrier[leaves]]
    template, samples = _templates(problem, leaves)
    chosen = np.concatenate([np.arange(first[n], first[n + 1]) for n in samples]) if samples else np.zeros(0, int)
    sizes = [int(first[n + 1] - first[n]) for n in samples]
    plan = options.plan[chosen]
    allowance = {
        "data": np.array([(p.data_mb or 0) / MICRO for p in problem.plans] + [0.0])[plan],
        "voice": np.array([(p.voice_min or 0) / MICRO for p in problem.plans] + [0.0])[plan],
    }
    own = np.where(leaves[chosen], porting + joining[options.carrier[chosen]], scenario.change_fee * MICRO / horizon)
    costs = [scenario.carrier_fixed_cost.get(problem.carriers[k], 0) / MICRO for k in there]
    contracts: list[tuple[Segment, ...]] = [
        tuple(problem.contracts[problem.contract_ids[c]].segments()) for c in numbers
    ]
    current = np.full(len(problem.lines), -1, dtype=np.int16)
    kept = np.flatnonzero(~options.changed)
    current[options.line[kept]] = kept - first[options.line[kept]]
    months, none = problem.months, np.zeros((0, problem.months))
    use = {kind: problem.usage.home[kind].astype(np.float64) / MICRO for kind in ("data", "voice")}
    kinds = {pool.kind for pool in problem.pools}
    everywhere = bool(problem.usage.active.all())
    return Estate(
        months=months,
        start=first.astype(np.int64),
        template=template,
        charge=options.totals.astype(np.float64) / float(PICO * problem.total_weight),
        exit_fee=exit_fee,
        current=current,
        data=use["data"] if "data" in kinds else none,
        voice=use["voice"] if "voice" in kinds else none,
        active=np.zeros((0, months), dtype=np.bool_) if everywhere else problem.usage.active,
        templates=Templates(
            first=np.cumsum([0, *sizes]).astype(np.int64),
            plan=plan.astype(np.int32),
            carrier=carrier[options.carrier[chosen]].astype(np.int32),
            contract=renumber[options.contract[chosen]].astype(np.int32),
            data_pool=options.data_pool[chosen].astype(np.int32),
            voice_pool=options.voice_pool[chosen].astype(np.int32),
            data_allowance=allowance["data"],
            voice_allowance=allowance["voice"],
            fee=own + scenario.min_saving_per_change / MICRO,
            leaves=leaves[chosen],
            limit=limit_of[plan].astype(np.int32),
            selected=np.array([problem.lines[n].selected for n in samples], dtype=np.bool_),
        ),
        pools=_pools(problem, renumber),
        contracts=tuple(contracts),
        limits=Limits(
            max_carriers=scenario.max_carriers,
            max_changes=scenario.max_changes,
            plan_most=tuple(float("inf") if (m := problem.plans[p].max_lines) is None else float(m) for p in limited),
            plan_least=tuple(int(problem.plans[p].min_lines or 0) for p in limited),
        ),
        carriers=len(there),
        carrier_cost=tuple(costs) if any(costs) else (),
        shares=np.array(problem.weights, dtype=np.float64) * months / problem.total_weight,
    )


def _carriers(problem: Problem) -> tuple[list[int], Whole]:
    """The carriers that some option is with, and the place of each of the problem's carriers (-1 last) among them."""
    there = np.flatnonzero(np.bincount(problem.options.carrier + 1, minlength=1)[1:])
    place = np.full(len(problem.carriers) + 1, -1, dtype=np.int64)
    place[there] = np.arange(len(there))
    return there.tolist(), place


def _templates(problem: Problem, leaves: Whole) -> tuple[Whole, list[int]]:
    """The template of each line, and one line of each template."""
    options, first = problem.options, problem.first_option.tolist()
    signature, most = np.zeros(len(options), dtype=np.int64), 1
    for part in (options.plan, options.contract, options.data_pool, options.voice_pool, leaves.astype(np.int64)):
        width = int(part.max(initial=0)) + 2
        most *= width
        if most >= 2**62:  # small numbers again, so that nothing overflows
            signature = np.unique(signature, return_inverse=True)[1]
            most = (int(signature.max(initial=0)) + 1) * width
        signature = signature * width + part + 1
    found: dict[tuple[bytes, bool], int] = {}
    template = np.zeros(len(problem.lines), dtype=np.int32)
    samples: list[int] = []
    for n, line in enumerate(problem.lines):
        key = (signature[first[n] : first[n + 1]].tobytes(), line.selected)
        if key not in found:
            found[key] = len(samples)
            samples.append(n)
        template[n] = found[key]
    return template, samples


def _pools(problem: Problem, renumber: Whole) -> Pools:
    # the smallest contract of the members pays; members without one pay only among themselves
    ordered = [sorted(found, key=lambda c: (c < 0, c)) for found in pool_contracts(problem)]
    contracts = [tuple(dict.fromkeys(int(renumber[c]) for c in found)) or (-1,) for found in ordered]
    return Pools(
        price=np.array([p.price / MICRO for p in problem.pools]),
        block=np.array([p.block / MICRO for p in problem.pools]),
        is_voice=np.array([p.kind == "voice" for p in problem.pools], dtype=np.bool_),
        contracts=tuple(contracts),
        ladders=_ladders(problem) if problem.has_buckets else (),
    )


def _ladders(problem: Problem) -> tuple[Ladder, ...]:
    numbers = _priced_contracts(problem)
    dear = {c: is_monotone(problem.contracts[problem.contract_ids[c]].segments()) for c in numbers}
    owners, one = pool_contracts(problem), problem.scenario.bucket_steps == "one"
    return tuple(
        ladder_of(pool, one=one, monotone=all(dear.get(c, True) for c in owners[g]))
        for g, pool in enumerate(problem.pools)
    )
