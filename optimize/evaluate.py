"""The independent evaluator: what an assignment of plans costs, from raw usage, in exact arithmetic.

It reads the canonical tables itself and shares no code with the pricing engine, the models or the solver; every cost
that is reported comes from here. Money is whole picos (1e-12) per month: 64-bit where a bound of the figures shows that
they fit, Python integers where not, sums always exact; fractions where something is divided (`interfaces.md` section 3
and section 4, items 1-24).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from optimize.bucket_choice import Shops, added, frozen, mrc_of
from optimize.priced import (
    PICO,
    Assignment,
    BucketCounts,
    ContractCost,
    PoolKey,
    PoolMonth,
    Priced,
    contract_cost,
    overage,
)
from optimize.pulls import Pulls, blocks, peak
from optimize.raw_lines import KINDS, MICRO, exact_sums, exact_total, read_lines, records, weighted
from optimize.scenario import Scenario
from optimize.scope import Setting

_FITS = 2**62
Numbers = NDArray[np.int64]
_REMEMBERED = 4  # assignments whose cost is kept: a search asks again for the ones that it starts and ends with
_NUMBERED = ("target_accounts", "joining_fee", "overlap_months")  # what the numbers of :meth:`_number` depend on
_POOLED = {"data": ("pool_group", "data_mb"), "voice": ("voice_pool_group", "voice_min")}


class Evaluator:
    """Prices assignments of one scenario on one set of tables.

    `lines`: the rows of the services table by service_id (see :class:`optimize.raw_lines.RawLines`); `plans`: the rows
    of the plans table by plan_id.
    """

    def __init__(self, frames: Mapping[str, pd.DataFrame], scenario: Scenario, setting: Setting) -> None:
        self.scenario = scenario
        self.months, self.drawn = list(setting.months), setting.scenarios
        self.currency = setting.currency
        self._accounts: dict[str, str] = {}
        for row in records(frames, "accounts"):
            carrier, account = row.get("carrier_id"), row["account_id"]
            if carrier is not None and account < self._accounts.get(carrier, "\U0010ffff"):
                self._accounts[carrier] = account
        self.plans = {row["plan_id"]: row for row in records(frames, "plans")}
        self.raw = read_lines(frames, scenario, self.months, self.drawn, self.plans, self.currency)
        self.lines = self.raw.rows
        self._read_coverage(frames)
        self._read_contracts(frames)
        self._number()
        self._known: dict[tuple[Any, ...], Priced] = {}

    def under(self, scenario: Scenario, frames: Mapping[str, pd.DataFrame], changed: set[str]) -> Evaluator:
        """The same lines and use under another scenario (same months, filter and growth) and other terms.

        `changed` names the tables among plans, contracts, contract_tiers and coverage that are to be read again.
        """
        found = copy(self)
        found.scenario, found._pool_plans, found._known = scenario, {}, {}
        if "plans" in changed:
            found.plans = {row["plan_id"]: row for row in records(frames, "plans")}
        if "coverage" in changed:
            found._read_coverage(frames)
        if changed & {"contracts", "contract_tiers"}:
            found._read_contracts(frames)
        if changed or any(getattr(scenario, name) != getattr(self.scenario, name) for name in _NUMBERED):
            found._number()
        return found

    # ---- reading ---------------------------------------------------------------------------------------------------

    def _read_coverage(self, frames: Mapping[str, pd.DataFrame]) -> None:
        self._covered: dict[str, set[str]] = defaultdict(set)
        for row in records(frames, "coverage"):
            self._covered[row["site_id"]].add(row["carrier_id"])

    def _read_contracts(self, frames: Mapping[str, pd.DataFrame]) -> None:
        self.contracts = {row["contract_id"]: row for row in records(frames, "contracts")}
        self._tiers: dict[str, list[tuple[int, int, str]]] = defaultdict(list)
        for row in records(frames, "contract_tiers"):
            mode = row.get("mode") or "all_units"
            self._tiers[row["contract_id"]].append((row["spend_from"], row["discount_rate"], mode))
        self.in_force = sorted(c for c, row in self.contracts.items() if self._holds(row))
        self._with_terms = {c for c in self.in_force if self._tiers[c] or self.contracts[c].get("commitment_amount")}
        self._default_contract: dict[str, str] = {}
        for contract_id in self.in_force:
            self._default_contract.setdefault(self.contracts[contract_id]["carrier_id"], contract_id)

    def _holds(self, row: Mapping[str, Any]) -> bool:
        currency = row.get("currency")
        if self.scenario.other_currencies == "leave_out" and currency not in (None, self.currency):
            return False
        start = row.get("start_date")
        if start is None:
            return True
        if start[:7] > self.months[-1]:
            return False
        term = row.get("initial_term_months")
        if row.get("renewal_type") == "express" and term is not None:
            return _month_number(start[:7]) + term - 1 >= _month_number(self.months[0])
        return True

    def _number(self) -> None:
        """Numbers for plans, carriers, accounts, contracts and pools, and what each line has today."""
        rows, plans = list(self.lines.values()), list(self.plans.values())
        self._ids = list(self.lines)
        self._plan_ids = list(self.plans)
        self._plan_number = {plan_id: n for n, plan_id in enumerate(self._plan_ids)}
        self._number_of: dict[str | None, int] = {**self._plan_number, None: -1}
        self._carriers = sorted({plan["carrier_id"] for plan in plans if plan["carrier_id"] is not None})
        carrier = {name: n for n, name in enumerate(self._carriers)}
        self._carrier_of = np.array([carrier.get(plan["carrier_id"], -1) for plan in plans], dtype=np.int64)
        self._today = np.array([self._plan_number[row["plan_id"]] for row in rows], dtype=np.int64)
        own = [self._home_of(row, self.plans[row["plan_id"]]["carrier_id"]) for row in rows]
        new = [self._new_home(name) for name in self._carriers]
        self._account_ids = sorted({account for account, _ in [*own, *new]})
        self._contract_ids = sorted({contract for _, contract in [*own, *new] if contract is not None})
        account = {name: n for n, name in enumerate(self._account_ids)}
        contract: dict[str | None, int] = {name: n for n, name in enumerate(self._contract_ids)}
        contract[None] = -1
        self._own_account = np.array([account[a] for a, _ in own], dtype=np.int64)
        self._own_contract = np.array([contract[c] for _, c in own], dtype=np.int64)
        self._new_account = np.array([account[a] for a, _ in new], dtype=np.int64)
        self._new_contract = np.array([contract[c] for _, c in new], dtype=np.int64)
        self._groups: dict[str, list[tuple[str, str]]] = {}
        self._group_of: dict[str, Numbers] = {}
        self._allowance_of: dict[str, Numbers] = {}
        for kind, (group, allowance) in _POOLED.items():
            keys = sorted({(p["carrier_id"], p[group]) for p in plans if p.get(group) is not None})
            number = {key: n for n, key in enumerate(keys)}
            self._groups[kind] = keys
            places = [number.get((p["carrier_id"], p.get(group)), -1) for p in plans]
            self._group_of[kind] = np.array(places, dtype=np.int64)
            self._allowance_of[kind] = np.array([p.get(allowance) or 0 for p in plans], dtype=np.int64)
        self._pool_plans: dict[tuple[str, str, str], Mapping[str, Any]] = {}
        self._kinds = np.array([row.get("kind") for row in rows], dtype=object)
        self._sites = np.array([row.get("site_id") for row in rows], dtype=object)
        self._fees = np.array([self._exit_fee(row) for row in rows], dtype=object)
        self._joining = np.array([self.scenario.joining_fee.get(c, 0) * MICRO for c in self._carriers], dtype=object)

    # ---- where a line ends up --------------------------------------------------------------------------------------

    def chosen(self, assignment: Assignment | None) -> Numbers:
        """The number of each line's plan, -1 = suspended, in the order of `lines`."""
        if assignment and list(assignment) == self._ids:
            return np.fromiter(map(self._number_of.__getitem__, assignment.values()), np.int64, len(self._ids))
        found = self._today.copy()
        for service_id, plan_id in (assignment or {}).items():
            line = self.lines.get(service_id)
            if line is not None:
                found[line["n"]] = -1 if plan_id is None else self._plan_number[plan_id]
        return found

    def _new_home(self, carrier: str) -> tuple[str, str | None]:
        """Account and contract of a line that moves to a carrier."""
        account = self._accounts.get(carrier, f"new:{carrier}")
        return self.scenario.target_accounts.get(carrier, account), self._default_contract.get(carrier)

    def _home_of(self, line: Mapping[str, Any], carrier: str) -> tuple[str, str | None]:
        """Account and contract of a line that is with `carrier` after the decision."""
        if self.plans[line["plan_id"]]["carrier_id"] != carrier:
            return self._new_home(carrier)
        account = line.get("account_id") or self._accounts.get(carrier, f"new:{carrier}")
        return account, line.get("contract_id") or self._default_contract.get(carrier)

    def _homes(
        self, chosen: Numbers, rows: Numbers | slice = slice(None)
    ) -> tuple[Numbers, Numbers, NDArray[np.bool_]]:
        """Account and contract (-1 = none) of lines on plans, and whether they stay with their carrier."""
        carrier = self._carrier_of[chosen]
        stays = (chosen < 0) | (carrier == self._carrier_of[self._today[rows]])
        account = np.where(stays, self._own_account[rows], self._new_account[carrier])
        return account, np.where(stays, self._own_contract[rows], self._new_contract[carrier]), stays

    def contract_of(self, plan_ids: Assignment) -> dict[str, str | None]:
        """The contract of each named service on its plan, None = none; suspended ones are left out."""
        return {s: contract for s, (_, contract) in self.homes_of(plan_ids).items()}

    def homes_of(self, plan_ids: Assignment) -> dict[str, tuple[str, str | None]]:
        """Account and contract (None = none) of each named service on its plan; suspended ones are left out."""
        wanted = {s: p for s, p in plan_ids.items() if p is not None}
        rows = np.array([self.lines[s]["n"] for s in wanted], dtype=np.int64)
        chosen = np.array([self._plan_number[p] for p in wanted.values()], dtype=np.int64)
        account, contract, _ = self._homes(chosen, rows)
        names = [*self._contract_ids, None]
        homes = ((self._account_ids[a], names[c]) for a, c in zip(account.tolist(), contract.tolist(), strict=True))
        return dict(zip(wanted, homes, strict=True))

    def one_off(self, assignment: Assignment) -> dict[str, int]:
        """One-off fees of each named service's change, picos."""
        rows = np.array([self.lines[s]["n"] for s in assignment], dtype=np.int64)
        chosen = np.array([-1 if p is None else self._plan_number[p] for p in assignment.values()], dtype=np.int64)
        _, _, stays = self._homes(chosen, rows)
        change, port = self.scenario.change_fee * MICRO, self.scenario.porting_fee * MICRO
        same = (chosen == self._today[rows]).tolist()
        fees = (self._fees[rows] + self._joining[self._carrier_of[chosen]]).tolist()
        return {
            s: 0 if same[n] else (change if stay else port + fees[n])
            for n, (s, stay) in enumerate(zip(assignment, stays.tolist(), strict=True))
        }

    def _exit_fee(self, line: Mapping[str, Any]) -> int:
        """What leaving the carrier costs a line beside the porting fee, picos: early termination and overlap."""
        now = self.plans[line["plan_id"]]
        both = self.scenario.overlap_months * int(now["mrc"]) * MICRO
        contract_id = line.get("contract_id") or self._default_contract.get(now["carrier_id"])
        contract, last = self.contracts.get(contract_id or "", {}), self.months[-1]
        rule, amount = contract.get("etf_rule"), contract.get("etf_amount")
        left = max(0, _month_number((line.get("term_end_on") or last)[:7]) - _month_number(last))
        if rule == "fixed" and left > 0:
            return both + int(amount or 0) * MICRO
        if rule == "months_left_mrc":
            return both + left * int(now["mrc"]) * int(MICRO if amount is None else amount)
        return both

    # ---- prices ----------------------------------------------------------------------------------------------------

    def _by_plan(self, chosen: Numbers) -> Iterator[tuple[int, Numbers]]:
        """Each plan that occurs in `chosen` with the places in it."""
        order = np.argsort(chosen.astype(np.int16) if len(self._plan_ids) < 2**15 else chosen, kind="stable")
        found, first = np.unique(chosen[order], return_index=True)
        for n, p in enumerate(found.tolist()):
            yield p, order[first[n] : first[n + 1] if n + 1 < len(first) else None]

    def charges(self, plan_id: str | None, rows: Numbers) -> NDArray[Any]:
        """Charges of lines in each month outside pools, picos: rows x T; suspended lines: the suspension's price."""
        raw, active = self.raw, self.raw.active[rows]
        if plan_id is None:
            price = self.scenario.suspend_price * MICRO
            return active.astype(np.int64 if price * self.drawn.total < _FITS else object) * price
        plan = self.plans[plan_id]
        mrc = self.scenario.plan_price.get(plan_id, plan["mrc"]) * MICRO
        block = plan.get("data_overage_block_mb") or MICRO
        prices = {name: plan.get(f"{name}_overage_price") or 0 for name in KINDS}
        own: dict[str, Any] = {kind: plan.get(f"roaming_{kind}_price") for kind in KINDS}
        rates: dict[str, int] = {kind: MICRO if own[kind] is None else own[kind] for kind in KINDS}
        home = {kind: raw.home[kind][rows] for kind in KINDS}
        other = raw.other_cost[rows]
        abroad = {k: raw.roaming_cost[k][rows] if own[k] is None else raw.roaming[k][rows] for k in KINDS}
        most = abs(mrc) + peak(other) * MICRO + (peak(home["data"]) // block + 1) * prices["data"] * MICRO
        most += sum(peak(home[kind]) * prices[kind] for kind in ("voice", "sms"))
        most += sum(peak(abroad[kind]) * (MICRO if rates[kind] is None else rates[kind]) for kind in KINDS)
        if most * self.drawn.total >= _FITS or any(
            v.dtype == object for v in (other, *home.values(), *abroad.values())
        ):
            home = {kind: values.astype(object) for kind, values in home.items()}
            abroad = {kind: values.astype(object) for kind, values in abroad.items()}
            other = other.astype(object)
        cost = other * MICRO + mrc
        if plan.get("pool_group") is None and plan.get("data_mb") is not None and prices["data"]:
            cost = cost + blocks(home["data"] - plan["data_mb"], block) * (prices["data"] * MICRO)
        if plan.get("voice_pool_group") is None and plan.get("voice_min") is not None:
            cost = cost + np.maximum(home["voice"] - plan["voice_min"], 0) * prices["voice"]
        if plan.get("sms") is not None:
            cost = cost + np.maximum(home["sms"] - plan["sms"], 0) * prices["sms"]
        for kind in KINDS:
            cost = cost + abroad[kind] * rates[kind]
        return np.where(active, cost, 0)

    def totals(self, assignment: Assignment) -> dict[str, int]:
        """Charges of all months by weight, outside pools, of each named service on its plan, picos."""
        ids = list(assignment)
        rows = np.array([self.lines[s]["n"] for s in ids], dtype=np.int64)
        chosen = np.array([-1 if p is None else self._plan_number[p] for p in assignment.values()], dtype=np.int64)
        found: dict[str, int] = {}
        for p, places in self._by_plan(chosen):
            sums = weighted(self.charges(self._plan_ids[p] if p >= 0 else None, rows[places]), self.drawn.weights)
            found.update(zip((ids[n] for n in places.tolist()), sums.tolist(), strict=True))
        return found

    def price(
        self, assignment: Assignment | None = None, buckets: BucketCounts | None = None, *, improve: bool = False
    ) -> Priced:
        """The exact cost of an assignment (today's plans for services it does not name) with given buckets.

        Without `buckets` every pool has today's. With `improve` they are where the search for cheaper counts starts;
        counts that break the limit on overage are no candidates, unless the pool has no others.
        """
        chosen = self.chosen(assignment)
        key = (chosen.tobytes(), *((frozen(buckets), improve) if self.scenario.buckets else ()))
        found = self._known.pop(key, None) or self._price(chosen, buckets, improve)
        self._known[key] = found
        while len(self._known) > _REMEMBERED:
            del self._known[next(iter(self._known))]
        return found

    def _price(self, chosen: Numbers, buckets: BucketCounts | None, improve: bool) -> Priced:
        span, weights = self.drawn.total, self.drawn.weights
        account, contract, stays = self._homes(chosen)
        outside, totals = self._priced(chosen)
        changed = chosen != self._today
        moved = changed & ~stays
        fees = int(np.count_nonzero(changed & stays)) * self.scenario.change_fee * MICRO
        fees += int(np.count_nonzero(moved)) * self.scenario.porting_fee * MICRO + sum(self._fees[moved].tolist())
        fees += sum(self._joining[self._carrier_of[chosen[moved]]].tolist())
        kept = chosen >= 0
        spend: dict[str, int] = defaultdict(int)
        under = kept & (contract >= 0)
        for c, amount in zip(*(a.tolist() for a in exact_sums(contract[under], totals[under])), strict=True):
            spend[self._contract_ids[c]] += amount
        carrier = self._carrier_of[np.where(kept, chosen, self._today)]
        by_carrier: dict[str, Fraction] = defaultdict(Fraction)
        for c, amount in zip(*(a.tolist() for a in exact_sums(carrier, totals)), strict=True):
            by_carrier[self._carriers[c]] += Fraction(amount, PICO * span)
        counts = np.bincount(carrier[kept], minlength=len(self._carriers)).tolist()
        lines_by_carrier = {self._carriers[c]: n for c, n in enumerate(counts) if n}
        fixed = {
            c: Fraction(amount, MICRO)
            for c, amount in sorted(self.scenario.carrier_fixed_cost.items())
            if amount and c in lines_by_carrier
        }
        for name, owed in fixed.items():
            by_carrier[name] += owed
        monthly_fees = Fraction(fees, PICO * self.scenario.horizon_months)
        changes = int(np.count_nonzero(changed))
        pools = self._filled_pools(chosen, account, contract)

        def settled(charges: Sequence[int], more: Mapping[str, int]) -> tuple[list[ContractCost], Fraction, list[int]]:
            spends = {c: Fraction(spend[c] + more.get(c, 0), PICO * span) for c in self.in_force}
            costs = [contract_cost(self.contracts[c], self._tiers.get(c, ()), s) for c, s in spends.items()]
            months = [a + b for a, b in zip(outside, charges, strict=True)]
            extra = sum((c.shortfall - c.discount for c in costs), Fraction(0)) + sum(fixed.values(), Fraction(0))
            gross = sum(amount * weight for amount, weight in zip(months, weights, strict=True))
            return costs, Fraction(gross, PICO * span) + extra, months

        def value(charges: Sequence[int], more: Mapping[str, int]) -> Fraction:
            _, amount, months = settled(charges, more)
            return self._objective(amount + monthly_fees, months, changes)

        shops = Shops(self.scenario, pools, buckets, self.pool_price, self._with_terms, weights)
        bought = shops.cheapest(value) if improve else shops.as_given()
        for key, step in bought.items():
            step.enter(pools[key])
            by_carrier[key[2]] += Fraction(step.total, PICO * span)
        contracts, running, by_month = settled(*added(bought.values(), len(weights)))
        for cost in contracts:
            if cost.carrier_id is not None and (cost.shortfall or cost.discount):
                by_carrier[cost.carrier_id] += cost.shortfall - cost.discount
        cost_of_month = running + monthly_fees
        return Priced(
            cost=cost_of_month,
            objective=self._objective(cost_of_month, by_month, changes),
            total_cost=running * len(self.months),
            fees=monthly_fees,
            changes=changes,
            by_carrier=dict(sorted(by_carrier.items())),
            lines_by_carrier=lines_by_carrier,
            carrier_fixed_cost=fixed,
            by_service=dict(zip(self._ids, totals.tolist(), strict=True)),
            by_month=by_month,
            pools=pools,
            buckets={key: step.counts for key, step in bought.items() if step.counts},
            contracts=contracts,
        )

    def _priced(self, chosen: Numbers) -> tuple[list[int], NDArray[Any]]:
        """Charges outside pools of each month, all lines together, and of each line, all months by weight; picos."""
        by_month = [0] * len(self.drawn.months)
        weights = None if set(self.drawn.weights) == {1} else np.array(self.drawn.weights, dtype=np.int64)
        totals = np.zeros(len(chosen), dtype=object)
        for p, places in self._by_plan(chosen):
            cost = self.charges(self._plan_ids[p] if p >= 0 else None, places)
            by_month = [a + b for a, b in zip(by_month, exact_total(cost).tolist(), strict=True)]
            weighed = cost if weights is None else cost * weights
            totals[places] = weighed.sum(axis=1)  # a line's months fit, see `charges`
        small = not len(totals) or max(abs(min(totals)), abs(max(totals))) < _FITS
        return by_month, totals.astype(np.int64) if small else totals

    # ---- pools -----------------------------------------------------------------------------------------------------

    def _filled_pools(self, chosen: Numbers, account: Numbers, contract: Numbers) -> dict[PoolKey, list[PoolMonth]]:
        """What the members bring to every pool that has one, month by month, not yet priced."""
        pools: dict[PoolKey, list[PoolMonth]] = {}
        for kind, groups in self._groups.items():
            group = np.where(chosen >= 0, self._group_of[kind][chosen], -1) if len(groups) else np.full(len(chosen), -1)
            rows = np.flatnonzero(group >= 0)
            if not len(rows):
                continue
            code = account[rows] * len(groups) + group[rows]
            active = self.raw.active[rows].astype(np.int64)
            found, allowance = exact_sums(code, active * self._allowance_of[kind][chosen[rows]][:, None])
            used = exact_sums(code, self.raw.home[kind][rows])[1].tolist()
            members = exact_sums(code, active)[1].tolist()
            names = self._present(code, contract[rows], active)
            for n, (c, brought) in enumerate(zip(found.tolist(), allowance.tolist(), strict=True)):
                carrier, name = groups[c % len(groups)]
                key = (kind, self._account_ids[c // len(groups)], carrier, name)
                pools[key] = [
                    PoolMonth(brought[t], used[n][t], members[n][t], 0, names.get((c, t), set()))
                    for t in range(len(self.drawn.months))
                ]
        return dict(sorted(pools.items()))

    def _present(self, code: Numbers, contract: Numbers, active: Numbers) -> dict[tuple[int, int], set[str]]:
        """By pool and month the contracts of the members that are active."""
        found: dict[tuple[int, int], set[str]] = defaultdict(set)
        under = contract >= 0
        width = max(1, len(self._contract_ids))
        pairs, count = exact_sums(code[under] * width + contract[under], active[under])
        for pair, months in zip(pairs.tolist(), count.tolist(), strict=True):
            for t, members in enumerate(months):
                if members:
                    found[pair // width, t].add(self._contract_ids[pair % width])
        return found

    def pool_price(self, key: PoolKey, month: PoolMonth) -> int:
        """Overage of a pool in a month, picos."""
        kind, _, carrier, group = key
        plan, excess = self._pool_plan(kind, carrier, group), max(0, month.used - month.allowance)
        if kind == "data":
            block = int(plan.get("data_overage_block_mb") or MICRO)
            return -(-excess // block) * int(plan.get("data_overage_price") or 0) * MICRO
        return excess * int(plan.get("voice_overage_price") or 0)

    def _pool_plan(self, kind: str, carrier: str, group: str) -> Mapping[str, Any]:
        name = "pool_group" if kind == "data" else "voice_pool_group"
        cache = self._pool_plans
        if (kind, carrier, group) not in cache:
            used = {self._plan_ids[p] for p in np.unique(self._today).tolist()}
            members = [p for p in self.plans.values() if p["carrier_id"] == carrier and p.get(name) == group]
            usable = [p for p in members if p["plan_id"] in used or p.get("offer_id") in (None, *self.scenario.offers)]
            cache[(kind, carrier, group)] = (usable or members)[0]
        return cache[(kind, carrier, group)]

    def pool_changes(self, priced: Priced, now: Assignment, new: Assignment) -> dict[str, int]:
        """What pools charge less, all months by weight (picos), if one line alone goes from `now` to `new`; exact.

        One figure per service of `now`, each with every other line as in `priced`.
        """
        ids = list(now)
        rows = np.array([self.lines[s]["n"] for s in ids], dtype=np.int64)
        less = dict.fromkeys(ids, 0)
        for kind in self._groups:
            leaves = self._pulls(kind, rows, list(now.values()))
            joins = self._pulls(kind, rows, [new[s] for s in ids])
            same = leaves.code == joins.code
            for pulls, there, sign in ((leaves, leaves.code >= 0, -1), (joins, (joins.code >= 0) & ~same, 1)):
                for c in np.unique(pulls.code[there]).tolist():
                    places = np.flatnonzero(there & (pulls.code == c))
                    step = sign * pulls.of(places)
                    if sign < 0:
                        stays = same[places]
                        step[stays] = step[stays] + joins.of(places[stays])
                    for place, saved in zip(places.tolist(), self._saved(kind, c, priced, step), strict=True):
                        less[ids[place]] += saved
        return less

    def _pulls(self, kind: str, rows: Numbers, plan_ids: list[str | None]) -> Pulls:
        chosen = np.array([-1 if p is None else self._plan_number[p] for p in plan_ids], dtype=np.int64)
        account, _, _ = self._homes(chosen, rows)
        group = np.where(chosen >= 0, self._group_of[kind][chosen], -1)
        code = np.where(group >= 0, account * len(self._groups[kind]) + group, -1)
        brought = np.where(chosen >= 0, self._allowance_of[kind][chosen], 0)
        return Pulls(code, rows, brought, self.raw.home[kind], self.raw.active)

    def _saved(self, kind: str, code: int, priced: Priced, step: NDArray[Any]) -> list[int]:
        """What one pool charges less, months by weight, if its use less allowance changes by each row of `step`."""
        carrier, group = self._groups[kind][code % len(self._groups[kind])]
        key = (kind, self._account_ids[code // len(self._groups[kind])], carrier, group)
        months = priced.pools.get(key) or [PoolMonth() for _ in self.drawn.months]
        excess = [m.used - m.allowance for m in months]
        if max(map(abs, excess)) + peak(step) >= _FITS:
            step = step.astype(object)
        before = np.array(excess, dtype=step.dtype)
        plan = self._pool_plan(kind, carrier, group)
        if kind == "data":
            block = int(plan.get("data_overage_block_mb") or MICRO)
            price = int(plan.get("data_overage_price") or 0) * MICRO
            units = blocks(before, block)[None, :] - blocks(before[None, :] + step, block)
        else:
            price = int(plan.get("voice_overage_price") or 0)
            units = np.maximum(before, 0)[None, :] - np.maximum(before[None, :] + step, 0)
        return [int(n) * price for n in weighted(units, self.drawn.weights)]

    def contract_months(self, assignment: Assignment, priced: Priced, contract_id: str) -> list[Fraction]:
        """Gross spend of a contract in each scenario month under an assignment, before discount and fees."""
        chosen = self.chosen(assignment)
        _, contract, _ = self._homes(chosen)
        number = self._contract_ids.index(contract_id) if contract_id in self._contract_ids else -2
        mine = np.flatnonzero((contract == number) & (chosen >= 0))
        months = [0] * len(self.drawn.months)
        for p, places in self._by_plan(chosen[mine]):
            cost = exact_total(self.charges(self._plan_ids[p], mine[places])).tolist()
            months = [a + b for a, b in zip(months, cost, strict=True)]
        for key, pool in priced.pools.items():
            for n, month in enumerate(pool):
                if month.contracts and min(month.contracts) == contract_id:
                    months[n] += month.charge
            if min(set().union(*(month.contracts for month in pool)), default=None) == contract_id:
                bought = mrc_of(self.scenario, key, priced.buckets.get(key, {}))
                months = [amount + bought for amount in months]
        return [Fraction(amount, PICO) for amount in months]

    # ---- contracts and objective -----------------------------------------------------------------------------------

    def _objective(self, cost: Fraction, by_month: list[int], changes: int) -> Fraction:
        weight = self.scenario.cvar_weight
        value = cost * (1 - weight)
        if weight:
            span, weights = self.drawn.total, self.drawn.weights
            gross = sum(amount * w for amount, w in zip(by_month, weights, strict=True))
            same = cost - Fraction(gross, PICO * span)
            months = [(Fraction(amount, PICO) + same, w) for amount, w in zip(by_month, weights, strict=True)]
            tail = (1 - self.scenario.alpha) * span
            above = {eta: sum(((m - eta) * w for m, w in months if m > eta), Fraction(0)) for eta, _ in months}
            value += weight * min(eta + excess / tail for eta, excess in above.items())
        return value + Fraction(self.scenario.min_saving_per_change * changes, MICRO)

    # ---- limits ----------------------------------------------------------------------------------------------------

    def forbidden(self, plan_id: str, rows: Numbers) -> dict[str, NDArray[np.bool_]]:
        """By named group which of some lines it forbids a plan to."""
        plan, scenario, number = self.plans[plan_id], self.scenario, self._plan_number[plan_id]
        another = self._today[rows] != number
        moves = self._carrier_of[self._today[rows]] != self._carrier_of[number]
        none, every = np.zeros(len(rows), dtype=bool), np.ones(len(rows), dtype=bool)
        kind, carrier = plan.get("service_kind"), plan["carrier_id"]
        wrong = none if kind is None else another & (self._kinds[rows] != kind)
        offer, allowed, outside = plan.get("offer_id"), scenario.carriers_allowed, none.copy()
        if self._covered:
            sites = self._sites[rows[moves]].tolist()
            outside[moves] = [s is not None and carrier not in self._covered.get(s, ()) for s in sites]
        return {
            "eligibility": every if plan.get("currency") not in (None, self.currency) else wrong,
            "offers": another if offer is not None and offer not in scenario.offers else none,
            "carriers_allowed": every if allowed is not None and carrier not in allowed else none,
            "coverage": outside,
        }

    def may_suspend(self, rows: Numbers) -> NDArray[np.bool_]:
        """Which of some lines qualify for suspension (item 18)."""
        last = self.scenario.suspend_zero_use_months
        if last is None or last > len(self.months):
            return np.zeros(len(rows), dtype=bool)
        quiet = self.raw.quiet[rows] >= last
        kinds = self.scenario.suspend_kinds
        suits = np.array([kind in kinds for kind in self._kinds[rows].tolist()], dtype=bool)
        return quiet & suits & self.raw.selected[rows]

    def violations(
        self, assignment: Assignment | None = None, buckets: BucketCounts | None = None, *, improve: bool = False
    ) -> list[str]:
        """The named groups of constraints that an assignment violates, in a fixed order; buckets as in `price`."""
        chosen, scenario, selected = self.chosen(assignment), self.scenario, self.raw.selected
        changed = chosen != self._today
        broken: set[str] = {"services"} if (changed & ~selected).any() else set()
        free = np.flatnonzero(selected)
        for p, places in self._by_plan(chosen[free]):
            if p >= 0:
                groups = self.forbidden(self._plan_ids[p], free[places])
                broken.update(name for name, mask in groups.items() if mask.any())
            elif not self.may_suspend(free[places]).all():
                broken.add("suspend")
        mine = {s: self.lines[s]["n"] for s in (*scenario.keep, *scenario.force) if s in self.lines}
        mine = {s: n for s, n in mine.items() if selected[n]}
        if any(changed[mine[s]] for s in scenario.keep if s in mine):
            broken.add("keep")
        if any(chosen[mine[s]] != self._plan_number[p] for s, p in scenario.force.items() if s in mine):
            broken.add("force")
        used = np.unique(self._carrier_of[chosen[free][chosen[free] >= 0]])
        if scenario.max_carriers is not None and len(used) > scenario.max_carriers:
            broken.add("max_carriers")
        if scenario.max_changes is not None and np.count_nonzero(changed[free]) > scenario.max_changes:
            broken.add("max_changes")
        count = np.bincount(chosen[chosen >= 0], minlength=1)
        for p in np.flatnonzero(count).tolist():
            low, high = (self.plans[self._plan_ids[p]].get(name) for name in ("min_lines", "max_lines"))
            if low is not None and count[p] < low:
                broken.add("min_lines")
            if high is not None and count[p] > high:
                broken.add("max_lines")
        if scenario.overage_probability is not None and scenario.limited_kinds:
            if scenario.buckets:
                pools = self.price(assignment, buckets, improve=improve).pools
            else:
                pools = self._filled_pools(chosen, *self._homes(chosen)[:2])
            odds = overage(pools, self.drawn.weights, scenario.limited_kinds)
            if any(share > scenario.overage_probability.limit for share in odds.pools.values()):
                broken.add("overage_probability")
        return sorted(broken)


def _month_number(month: str) -> int:
    return int(month[:4]) * 12 + int(month[5:7])
