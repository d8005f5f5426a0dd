"""From canonical tables to the problem: lines, their usage, their options with exact charges and fees."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from optimize import tariff
from optimize.checks import PLAN_COLUMNS, check_tables
from optimize.contracts import Contract, read_contracts
from optimize.frames import SERVICE_COLUMNS, Frames, places, rows, whole
from optimize.problem import MICRO, PICO, Line, Options, Pool, PoolBucket, Problem, allowed_plans
from optimize.scenario import Scenario
from optimize.scope import Setting, priced_services, settle


def build(frames: Frames, scenario: Scenario, like: Problem | None = None) -> Problem:
    """The problem of a scenario on canonical tables.

    `like` is a problem of the same services, usage and accounts: lines, usage and charges that are the same are taken
    from it.

    Raises:
        BadInput: with every problem of the scenario's ids, the range and the data it meets.
    """
    setting = settle(scenario, frames)
    check_tables(frames, scenario, setting)
    plans = _plans(frames, scenario)
    number = {plan.plan_id: n for n, plan in enumerate(plans)}
    contracts = read_contracts(frames, scenario, setting)
    default_contract: dict[str, str] = {}
    for contract in contracts:
        default_contract.setdefault(contract.carrier_id, contract.contract_id)
    accounts: dict[str, str] = {}
    for account, carrier in sorted(rows(frames, "accounts", "account_id", "carrier_id")):
        if carrier is not None:
            accounts.setdefault(carrier, account)
    if like is not None and not _same_lines(like, scenario, setting, plans, default_contract):
        like = None
    if like is not None:
        lines, usage, suspendable = like.lines, like.usage, like.suspendable
    else:
        lines = _lines(frames, scenario, setting, plans, number, accounts, default_contract)
        position = {line.service_id: n for n, line in enumerate(lines)}
        history, used = _usage(frames, setting, position)
        suspendable = _suspendable(scenario, lines, history.active, used)
        usage = _scenario_months(history, scenario, setting)
    covered: dict[str, set[str]] = defaultdict(set)
    for site, carrier in rows(frames, "coverage", "site_id", "carrier_id"):
        covered[site].add(carrier)
    etf = _exit_fees(frames, scenario, setting, lines, plans)
    draft = _Draft(scenario, setting, plans, lines, usage, suspendable, dict(covered), accounts, default_contract, etf)
    return draft.finish({c.contract_id: c for c in contracts}, like)


def _same_lines(
    like: Problem, scenario: Scenario, setting: Setting, plans: list[tariff.Plan], default_contract: dict[str, str]
) -> bool:
    """Whether a problem of the same services and usage has the same lines, and lets the same ones be suspended."""
    before: dict[str, str] = {}
    for contract in like.contracts.values():
        before.setdefault(contract.carrier_id, contract.contract_id)
    return (
        setting == like.setting
        and scenario.services == like.scenario.services
        and scenario.growth == like.scenario.growth
        and default_contract == before
        and [(p.plan_id, p.carrier_id, p.currency) for p in plans]
        == [(p.plan_id, p.carrier_id, p.currency) for p in like.plans]
        and scenario.suspend_zero_use_months == like.scenario.suspend_zero_use_months
        and scenario.suspend_kinds == like.scenario.suspend_kinds
    )


def _plans(frames: Frames, scenario: Scenario) -> list[tariff.Plan]:
    table = {row[0]: dict(zip(PLAN_COLUMNS, row, strict=True)) for row in rows(frames, "plans", *PLAN_COLUMNS)}
    found = []
    for plan_id, row in sorted(table.items()):
        if row["mrc"] is None or row["carrier_id"] is None:
            continue
        found.append(
            tariff.Plan(
                plan_id=plan_id,
                carrier_id=row["carrier_id"],
                mrc=scenario.plan_price.get(plan_id, row["mrc"]),
                catalogue_mrc=row["mrc"],
                data_mb=row["data_mb"],
                voice_min=row["voice_min"],
                sms=row["sms"],
                data_price=row["data_overage_price"] or 0,
                data_block=MICRO if row["data_overage_block_mb"] is None else row["data_overage_block_mb"],
                voice_price=row["voice_overage_price"] or 0,
                sms_price=row["sms_overage_price"] or 0,
                roaming={kind: row[f"roaming_{kind}_price"] for kind in tariff.KINDS},
                pool_group=row["pool_group"],
                voice_pool_group=row["voice_pool_group"],
                min_lines=row["min_lines"],
                max_lines=row["max_lines"],
                service_kind=row["service_kind"],
                offer_id=row["offer_id"],
                currency=row["currency"],
            )
        )
    return found


def _lines(
    frames: Frames,
    scenario: Scenario,
    setting: Setting,
    plans: list[tariff.Plan],
    number: dict[str, int],
    accounts: dict[str, str],
    default_contract: dict[str, str],
) -> list[Line]:
    priced = {service for service, plan in priced_services(frames, setting.months) if plan in number}
    found = []
    for values in rows(frames, "services", *SERVICE_COLUMNS):
        row = dict(zip(SERVICE_COLUMNS, values, strict=True))
        if row["service_id"] not in priced or plans[number[row["plan_id"]]].currency not in (None, setting.currency):
            continue
        plan = number[row["plan_id"]]
        carrier = plans[plan].carrier_id
        found.append(
            Line(
                service_id=row["service_id"],
                kind=row["kind"],
                plan=plan,
                carrier_id=carrier,
                account_id=row["account_id"] or accounts.get(carrier, f"new:{carrier}"),
                contract_id=row["contract_id"] or default_contract.get(carrier),
                site_id=row["site_id"],
                term_end_on=row["term_end_on"],
                selected=scenario.selects(row),
            )
        )
    return sorted(found, key=lambda line: line.service_id)


def _usage(frames: Frames, setting: Setting, position: dict[str, int]) -> tuple[tariff.Usage, NDArray[np.bool_]]:
    """Usage of the lines in the months of the range they are active, and where there was any use at all."""
    months = {month: n for n, month in enumerate(setting.months)}
    shape = (len(position), len(months))
    active = np.zeros(shape, dtype=bool)
    names = np.array(setting.months)
    for service_id, start, end in rows(frames, "services", "service_id", "activated_on", "disconnected_on"):
        if (line := position.get(service_id)) is not None:
            active[line] = True
            if start is not None:
                active[line] &= names >= start[:7]
            if end is not None:
                active[line] &= names <= end[:7]
    frame = frames.get("usage")
    frame = pd.DataFrame({"service_id": [], "month": []}) if frame is None else frame
    who, when = places(frame, "service_id", position), places(frame, "month", months)
    good = np.flatnonzero((who >= 0) & (when >= 0))
    good = good[active[who[good], when[good]]]
    cell = who[good] * shape[1] + when[good]
    quantity, cost = whole(frame, "quantity")[good], whole(frame, "cost")[good]
    kind = places(frame, "usage_type", {k: n for n, k in enumerate(tariff.KINDS)})[good]
    zone = places(frame, "zone", {"home": 0, "": 0, "roaming": 1}, blank=0)[good]

    def added(mask: NDArray[np.bool_], values: NDArray[np.int64]) -> NDArray[np.int64]:
        result = np.zeros(shape, dtype=np.int64)
        np.add.at(result.ravel(), cell[mask], values[mask])
        return result

    of_kind = {k: kind == n for n, k in enumerate(tariff.KINDS)}
    home: dict[str, tariff.Ints] = {k: added((zone == 0) & mask, quantity) for k, mask in of_kind.items()}
    roaming = {k: added((zone == 1) & mask, quantity) for k, mask in of_kind.items()}
    roaming_cost = {k: added((zone == 1) & mask, cost) for k, mask in of_kind.items()}
    other = added((zone != 0) & ~((zone == 1) & (kind >= 0)), cost)
    used = np.zeros(shape, dtype=bool)
    used.ravel()[cell[quantity > 0]] = True
    return tariff.Usage(active, home, roaming, roaming_cost, other), used


def _scenario_months(history: tariff.Usage, scenario: Scenario, setting: Setting) -> tariff.Usage:
    """The usage in the scenario's months: growth and factors on home use (items 16 and 31), the rest as it was."""
    drawn, span = setting.scenarios, len(setting.months)
    source = slice(None) if drawn.sources.tolist() == list(range(span)) else drawn.sources
    home: dict[str, tariff.Ints] = {}
    for name, values in history.home.items():
        growth = Fraction(MICRO + scenario.growth.get(name, 0), MICRO) ** span
        factors = drawn.factors(name)
        home[name] = values[:, source]
        for factor in dict.fromkeys(factors):
            if growth != 1 or factor != 1:
                here = [t for t, other in enumerate(factors) if other == factor]
                whole = len(here) == len(factors)
                grown = _grow(home[name] if whole else home[name][:, here], growth * factor)
                if whole:
                    home[name] = grown
                else:
                    home[name][:, here] = grown
    return tariff.Usage(
        history.active[:, source],
        home,
        {k: v[:, source] for k, v in history.roaming.items()},
        {k: v[:, source] for k, v in history.roaming_cost.items()},
        history.other_cost[:, source],
    )


def _grow(values: NDArray[Any], factor: Fraction) -> NDArray[Any]:
    """values x factor, rounded half up to 4 decimals (100 millionths)."""
    top, bottom = factor.numerator, factor.denominator * 100
    if 2 * int(np.abs(values).max(initial=0)) * top + bottom < 2**62 and bottom < 2**61:
        return 100 * ((2 * values * top + bottom) // (2 * bottom))
    grown = [100 * ((2 * int(v) * top + bottom) // (2 * bottom)) for v in values.ravel()]
    return np.array(grown, dtype=np.int64).reshape(values.shape)


def _suspendable(
    scenario: Scenario, lines: list[Line], active: NDArray[np.bool_], used: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    last = scenario.suspend_zero_use_months
    if last is None or last > active.shape[1]:
        return np.zeros(len(lines), dtype=bool)
    kinds = np.array([line.selected and line.kind in scenario.suspend_kinds for line in lines], dtype=bool)
    return kinds & active[:, -last:].all(axis=1) & ~used[:, -last:].any(axis=1)


def _exit_fees(
    frames: Frames, scenario: Scenario, setting: Setting, lines: list[Line], plans: list[tariff.Plan]
) -> list[int]:
    """What leaving the carrier costs each line (picos): item 22, and the months in which both carriers are paid."""
    rules = {
        c: (rule, amount) for c, rule, amount in rows(frames, "contracts", "contract_id", "etf_rule", "etf_amount")
    }
    last = int(setting.months[-1][:4]) * 12 + int(setting.months[-1][5:7])
    fees = []
    for line in lines:
        rule, amount = rules.get(line.contract_id or "", (None, None))
        end = line.term_end_on
        left = 0 if end is None else max(0, int(end[:4]) * 12 + int(end[5:7]) - last)
        if rule == "fixed" and left:
            fees.append((amount or 0) * MICRO)
        elif rule == "months_left_mrc":
            fees.append(left * plans[line.plan].catalogue_mrc * (MICRO if amount is None else amount))
        else:
            fees.append(0)
        fees[-1] += scenario.overlap_months * plans[line.plan].catalogue_mrc * MICRO
    return fees


@dataclass
class _Draft:
    """The parts from which options are made."""

    scenario: Scenario
    setting: Setting
    plans: list[tariff.Plan]
    lines: list[Line]
    usage: tariff.Usage
    suspendable: NDArray[np.bool_]
    covered: dict[str, set[str]]
    accounts: dict[str, str]
    default_contract: dict[str, str]
    etf: list[int]

    def finish(self, contracts: dict[str, Contract], like: Problem | None) -> Problem:
        line_of, plan_of = self._pairs()
        totals, monthly = self._charges(line_of, plan_of, like)
        carriers = sorted({p.carrier_id for p in self.plans})
        contract_ids = sorted({*contracts, *(x.contract_id for x in self.lines if x.contract_id)})
        place = _Places(self, carriers, contract_ids, line_of, plan_of)
        pools, pool_of = place.pools()
        options = Options(
            line=line_of,
            plan=plan_of,
            carrier=place.carrier,
            contract=place.contract,
            data_pool=pool_of["data"],
            voice_pool=pool_of["voice"],
            changed=plan_of != place.today[line_of],
            totals=totals,
            fees=place.fees(),
            monthly=monthly,
        )
        first = np.searchsorted(line_of, np.arange(len(self.lines) + 1)).astype(np.int64)
        return Problem(
            scenario=self.scenario,
            setting=self.setting,
            plans=self.plans,
            lines=self.lines,
            usage=self.usage,
            suspendable=self.suspendable,
            carriers=carriers,
            contract_ids=contract_ids,
            contracts=contracts,
            pools=pools,
            options=options,
            covered=self.covered,
            joined=dict(zip(carriers, place.joined, strict=True)),
            keep=frozenset(self.scenario.keep),
            first_option=first,
        )

    def _pairs(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Every line with every plan it may have (-1 = suspended), line by line."""
        scenario, found, sizes = self.scenario, [], []
        keep, memo = set(scenario.keep), {}
        for n, line in enumerate(self.lines):
            key = (line.selected, line.plan, line.kind, line.site_id)
            if key not in memo:
                wanted = allowed_plans(self.plans, line, scenario, self.setting.currency, self.covered)
                memo[key] = np.array(wanted, dtype=np.int64)
            mine = memo[key]
            kept, forced = line.service_id in keep and line.selected, scenario.force.get(line.service_id)
            if kept:
                mine = mine[mine == line.plan]
            if forced is not None:
                mine = np.array([p for p in mine.tolist() if self.plans[p].plan_id == forced], dtype=np.int64)
            if self.suspendable[n] and not kept and forced is None:
                mine = np.append(mine, -1)
            found.append(mine)
            sizes.append(len(mine))
        line_of = np.repeat(np.arange(len(self.lines), dtype=np.int64), np.array(sizes, dtype=np.int64))
        return line_of, np.concatenate([*found, np.zeros(0, dtype=np.int64)])

    def _charges(
        self, line_of: NDArray[np.int64], plan_of: NDArray[np.int64], like: Problem | None
    ) -> tuple[NDArray[Any], NDArray[np.float64]]:
        """Charges of all months of each option by weight, picos; of each month (currency) only where bad ones count.

        Lines on a plan that is the same in `like` are charged what they are charged there.
        """
        totals: NDArray[Any] = np.zeros(len(line_of), dtype=np.int64)
        months = self.usage.active.shape[1]
        weights = self.setting.scenarios.weights
        monthly = np.zeros((len(line_of), months) if self.scenario.cvar_weight else (0, months))
        known: dict[int, NDArray[np.int64]] = {}
        before: NDArray[Any] = np.zeros(0, dtype=np.int64)
        if like is not None and not len(monthly):
            known = _by_plan(like.options.plan)
            known.pop(-1, None)
            before = like.options.totals
            totals = totals.astype(before.dtype)
        for p, where in _by_plan(plan_of).items():
            old = np.full(len(self.lines), -1, dtype=np.int64)
            if like is not None and p in known and self.plans[p] == like.plans[p]:
                old[like.options.line[known[p]]] = known[p]
            if (old[line_of[where]] >= 0).all():
                totals[where] = before[old[line_of[where]]]
                continue
            usage = self.usage.rows(line_of[where])
            if p >= 0:
                exact = tariff.charges(self.plans[p], usage)
            else:
                price = self.scenario.suspend_price * MICRO
                exact = usage.active.astype(np.int64 if price * months < 2**61 else object) * price
            sums = tariff.total(exact, weights)
            if sums.dtype == object:
                totals = totals.astype(object)
            totals[where] = sums
            if len(monthly):
                monthly[where] = exact.astype(np.float64) / PICO
        return totals, monthly


def _by_plan(plan_of: NDArray[np.int64]) -> dict[int, NDArray[np.int64]]:
    """The options of each plan, in order."""
    order = np.argsort(plan_of.astype(np.int16) if plan_of.max(initial=0) < 2**15 else plan_of, kind="stable")
    plans, first = np.unique(plan_of[order], return_index=True)
    return dict(zip(plans.tolist(), np.split(order, first[1:]), strict=False))  # no option: one empty part


class _Places:
    """Where each option puts its line: carrier, account, contract, pools; and what getting there costs once."""

    def __init__(
        self,
        draft: _Draft,
        carriers: list[str],
        contract_ids: list[str],
        line_of: NDArray[np.int64],
        plan_of: NDArray[np.int64],
    ) -> None:
        self.draft, self.line_of, self.plan_of = draft, line_of, plan_of
        number = {c: n for n, c in enumerate(carriers)}
        contract_number: dict[str | None, int] = {c: n for n, c in enumerate(contract_ids)}
        contract_number[None] = -1
        lines, scenario = draft.lines, draft.scenario
        self.today = np.array([x.plan for x in lines], dtype=np.int64)
        carrier_of = np.array([*(number[p.carrier_id] for p in draft.plans), -1], dtype=np.int64)
        home = np.array([number[x.carrier_id] for x in lines], dtype=np.int64)
        self.carrier = carrier_of[plan_of]
        self.stays = (plan_of < 0) | (self.carrier == home[line_of])
        self.joined = [scenario.target_accounts.get(c) or draft.accounts.get(c, f"new:{c}") for c in carriers]
        self.accounts = sorted({*self.joined, *(x.account_id for x in lines)})
        account_number = {a: n for n, a in enumerate(self.accounts)}
        own = np.array([account_number[x.account_id] for x in lines], dtype=np.int64)
        new = np.array([account_number[a] for a in self.joined], dtype=np.int64)
        self.account = np.where(self.stays, own[line_of], new[self.carrier])
        mine = np.array([contract_number[x.contract_id] for x in lines], dtype=np.int64)
        default = np.array([contract_number.get(draft.default_contract.get(c), -1) for c in carriers], dtype=np.int64)
        contract = np.where(self.stays, mine[line_of], default[self.carrier])
        self.contract = np.where(plan_of < 0, -1, contract)

    def pools(self) -> tuple[list[Pool], dict[str, NDArray[np.int64]]]:
        """Every pool that an option is in, in order of its key, and each option's pool by kind (-1 = none)."""
        plans = self.draft.plans
        keys: dict[str, list[tuple[str, str, str, str]]] = {}
        codes: dict[str, tuple[NDArray[np.int64], NDArray[np.int64]]] = {}
        price: dict[tuple[str, str, str], tuple[int, int]] = {}
        # a pool whose overage is free counts where overage is limited, or where what it buys is spend
        limited = self.draft.scenario.limited_kinds
        buying = {bucket.pools for bucket in self.draft.scenario.buckets}
        for kind in ("data", "voice"):
            groups, of_plan = [], []
            for plan in plans:
                group, cost, block = (
                    (plan.pool_group, plan.data_price, plan.data_block)
                    if kind == "data"
                    else (plan.voice_pool_group, plan.voice_price, 0)
                )
                key = (kind, plan.carrier_id, group or "")
                if group is None or not (cost or kind in limited or key in buying):
                    of_plan.append(-1)
                    continue
                price.setdefault(key, (cost, block))
                if (plan.carrier_id, group) not in groups:
                    groups.append((plan.carrier_id, group))
                of_plan.append(groups.index((plan.carrier_id, group)))
            group_of = np.array([*of_plan, -1], dtype=np.int64)[self.plan_of]
            code = np.where(group_of >= 0, self.account * max(1, len(groups)) + group_of, -1)
            found, place = np.unique(code, return_inverse=True)
            keys[kind] = [
                (kind, self.accounts[c // len(groups)], *groups[c % len(groups)]) if c >= 0 else ("", "", "", "")
                for c in found.tolist()
            ]
            codes[kind] = (found, place)
        every = sorted(key for found in keys.values() for key in found if key[0])
        number = {key: n for n, key in enumerate(every)}
        pools = [Pool(*key, *price[key[0], key[2], key[3]], self._buckets(key)) for key in every]
        of = {
            kind: np.array([number.get(key, -1) for key in keys[kind]], dtype=np.int64)[codes[kind][1]] for kind in keys
        }
        return pools, of

    def _buckets(self, key: tuple[str, str, str, str]) -> tuple[PoolBucket, ...]:
        """The buckets that a pool may have."""
        kind, account, carrier, group = key
        scenario = self.draft.scenario
        mine = [b for b in scenario.buckets if b.pools == (kind, carrier, group)]
        sizes = ((b, b.most(account, scenario.offers)) for b in mine)
        return tuple(PoolBucket(b.bucket_id, b.allowance, b.mrc, most) for b, most in sizes if most)

    def fees(self) -> NDArray[Any]:
        """One-off fees, picos."""
        scenario = self.draft.scenario
        changed = self.plan_of != self.today[self.line_of]
        change, port = scenario.change_fee * MICRO, scenario.porting_fee * MICRO
        leaving = [port + fee for fee in self.draft.etf]
        try:
            leave = np.array(leaving, dtype=np.int64)
        except OverflowError:
            leave = np.array(leaving, dtype=object)
        fee = np.where(self.stays, change, leave[self.line_of]) if len(leave) else np.zeros(0, dtype=np.int64)
        if scenario.joining_fee:
            joining = np.array([scenario.joining_fee.get(p.carrier_id, 0) * MICRO for p in self.draft.plans] + [0])
            fee = fee + np.where(self.stays, 0, joining[self.plan_of])
        return np.where(changed, fee, 0)
