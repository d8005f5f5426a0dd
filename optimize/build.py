"""From canonical tables to the problem: lines, their usage, their options with exact charges and fees."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optimize import tariff
from optimize.checks import PLAN_COLUMNS, check_tables
from optimize.contracts import Contract, read_contracts
from optimize.frames import SERVICE_COLUMNS, Frames, column, rows
from optimize.problem import MICRO, PICO, Line, Options, Pool, Problem, allowed_plans
from optimize.scenario import Scenario
from optimize.scope import Setting, priced_services, settle


def build(frames: Frames, scenario: Scenario) -> Problem:
    """The problem of a scenario on canonical tables.

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
    lines = _lines(frames, scenario, setting, plans, number, accounts, default_contract)
    position = {line.service_id: n for n, line in enumerate(lines)}
    usage, used = _usage(frames, scenario, setting, position)
    covered: dict[str, set[str]] = defaultdict(set)
    for site, carrier in rows(frames, "coverage", "site_id", "carrier_id"):
        covered[site].add(carrier)
    suspendable = _suspendable(scenario, lines, usage.active, used)
    etf = _exit_fees(frames, setting, lines, plans)
    draft = _Draft(scenario, setting, plans, lines, usage, suspendable, dict(covered), accounts, default_contract, etf)
    return draft.finish({c.contract_id: c for c in contracts})


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


def _usage(
    frames: Frames, scenario: Scenario, setting: Setting, position: dict[str, int]
) -> tuple[tariff.Usage, NDArray[np.bool_]]:
    """Usage of the lines in the months they are active, and where there was any use at all."""
    months = {month: n for n, month in enumerate(setting.months)}
    shape = (len(position), len(months))
    active = np.zeros(shape, dtype=bool)
    for service_id, start, end in rows(frames, "services", "service_id", "activated_on", "disconnected_on"):
        if (line := position.get(service_id)) is not None:
            for month, n in months.items():
                active[line, n] = (start is None or start[:7] <= month) and (end is None or end[:7] >= month)
    frame = frames.get("usage")
    names = ("service_id", "month", "usage_type", "zone")
    columns = {name: np.array(column(frame, name), dtype=object) for name in names}
    who = np.array([position.get(s, -1) for s in columns["service_id"]], dtype=np.int64)
    when = np.array([months.get(m, -1) for m in columns["month"]], dtype=np.int64)
    quantity = np.array([q or 0 for q in column(frame, "quantity")], dtype=np.int64)
    cost = np.array([c or 0 for c in column(frame, "cost")], dtype=np.int64)
    kind, zone = columns["usage_type"], np.array([z or "home" for z in columns["zone"]], dtype=object)
    good = (who >= 0) & (when >= 0)
    good[good] = active[who[good], when[good]]

    def added(mask: NDArray[np.bool_], values: NDArray[np.int64]) -> NDArray[np.int64]:
        result = np.zeros(shape, dtype=np.int64)
        pick = good & mask
        np.add.at(result, (who[pick], when[pick]), values[pick])
        return result

    home: dict[str, tariff.Ints] = {k: added((zone == "home") & (kind == k), quantity) for k in tariff.KINDS}
    roaming = {k: added((zone == "roaming") & (kind == k), quantity) for k in tariff.KINDS}
    roaming_cost = {k: added((zone == "roaming") & (kind == k), cost) for k in tariff.KINDS}
    known = np.isin(kind, list(tariff.KINDS)) if len(kind) else np.zeros(0, dtype=bool)
    other = added((zone != "home") & ~((zone == "roaming") & known), cost)
    used = added(quantity > 0, np.ones(len(quantity), dtype=np.int64)) > 0
    for name, rate in scenario.growth.items():
        if rate:
            home[name] = _grow(home[name], Fraction(MICRO + rate, MICRO) ** len(months))
    return tariff.Usage(active, home, roaming, roaming_cost, other), used


def _grow(values: NDArray[Any], factor: Fraction) -> NDArray[Any]:
    """values x factor, rounded half up to 4 decimals (100 millionths)."""
    top, bottom = factor.numerator, factor.denominator * 100
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


def _exit_fees(frames: Frames, setting: Setting, lines: list[Line], plans: list[tariff.Plan]) -> list[int]:
    """What leaving the carrier costs each line (picos), item 22."""
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

    def finish(self, contracts: dict[str, Contract]) -> Problem:
        scenario = self.scenario
        pairs: list[tuple[int, int]] = []
        for n, line in enumerate(self.lines):
            wanted = allowed_plans(self.plans, line, scenario, self.setting.currency, self.covered)
            kept = line.service_id in scenario.keep and line.selected
            if kept:
                wanted = [p for p in wanted if p == line.plan]
            if line.service_id in scenario.force:
                wanted = [p for p in wanted if self.plans[p].plan_id == scenario.force[line.service_id]]
            pairs += [(n, p) for p in wanted]
            if self.suspendable[n] and not kept and line.service_id not in scenario.force:
                pairs.append((n, -1))
        line_of = np.array([n for n, _ in pairs], dtype=np.int64)
        plan_of = np.array([p for _, p in pairs], dtype=np.int64)
        totals, monthly = self._charges(line_of, plan_of)
        carriers = sorted({p.carrier_id for p in self.plans})
        contract_ids = sorted({*contracts, *(x.contract_id for x in self.lines if x.contract_id)})
        pools: dict[tuple[str, str, str, str], int] = {}
        pool_list: list[Pool] = []
        places = [self._place(n, p) for n, p in pairs]

        def pool_of(kind: str, plan: tariff.Plan, account: str) -> int:
            group = plan.pool_group if kind == "data" else plan.voice_pool_group
            price, block = (plan.data_price, plan.data_block) if kind == "data" else (plan.voice_price, 0)
            if group is None or not price:
                return -1
            key = (kind, account, plan.carrier_id, group)
            if key not in pools:
                pools[key] = len(pool_list)
                pool_list.append(Pool(*key, price, block))
            return pools[key]

        carrier_number = {c: n for n, c in enumerate(carriers)}
        contract_number = {c: n for n, c in enumerate(contract_ids)}
        found: dict[str, list[int]] = {"carrier": [], "contract": [], "data": [], "voice": []}
        fees = []
        for (n, p), (account, contract) in zip(pairs, places, strict=True):
            fees.append(self._fee(n, p))
            found["carrier"].append(carrier_number[self.plans[p].carrier_id] if p >= 0 else -1)
            found["contract"].append(contract_number[contract] if p >= 0 and contract is not None else -1)
            found["data"].append(pool_of("data", self.plans[p], account) if p >= 0 else -1)
            found["voice"].append(pool_of("voice", self.plans[p], account) if p >= 0 else -1)
        options = Options(
            line=line_of,
            plan=plan_of,
            carrier=np.array(found["carrier"], dtype=np.int64),
            contract=np.array(found["contract"], dtype=np.int64),
            data_pool=np.array(found["data"], dtype=np.int64),
            voice_pool=np.array(found["voice"], dtype=np.int64),
            changed=np.array([p != self.lines[n].plan for n, p in pairs], dtype=bool),
            total=totals,
            fee=fees,
            monthly=monthly,
        )
        first = np.searchsorted(line_of, np.arange(len(self.lines) + 1)).astype(np.int64)
        return Problem(
            scenario=scenario,
            setting=self.setting,
            plans=self.plans,
            lines=self.lines,
            usage=self.usage,
            suspendable=self.suspendable,
            carriers=carriers,
            contract_ids=contract_ids,
            contracts=contracts,
            pools=pool_list,
            options=options,
            covered=self.covered,
            keep=frozenset(scenario.keep),
            first_option=first,
        )

    def _place(self, n: int, p: int) -> tuple[str, str | None]:
        line = self.lines[n]
        if p < 0 or self.plans[p].carrier_id == line.carrier_id:
            return line.account_id, line.contract_id
        carrier = self.plans[p].carrier_id
        account = self.scenario.target_accounts.get(carrier) or self.accounts.get(carrier, f"new:{carrier}")
        return account, self.default_contract.get(carrier)

    def _fee(self, n: int, p: int) -> int:
        line = self.lines[n]
        if p == line.plan:
            return 0
        if p < 0 or self.plans[p].carrier_id == line.carrier_id:
            return self.scenario.change_fee * MICRO
        return self.scenario.porting_fee * MICRO + self.etf[n]

    def _charges(self, line_of: NDArray[np.int64], plan_of: NDArray[np.int64]) -> tuple[list[int], NDArray[np.float64]]:
        totals: list[int] = [0] * len(line_of)
        monthly = np.zeros((len(line_of), self.usage.active.shape[1]))
        for p in np.unique(plan_of):
            where = np.flatnonzero(plan_of == p)
            usage = self.usage.rows(line_of[where])
            if p >= 0:
                exact = tariff.charges(self.plans[int(p)], usage)
            else:
                exact = usage.active.astype(np.int64) * (self.scenario.suspend_price * MICRO)
            for index, value in zip(where.tolist(), tariff.total(exact).tolist(), strict=True):
                totals[index] = int(value)
            monthly[where] = exact.astype(np.float64) / PICO
        return totals, monthly
