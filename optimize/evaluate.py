"""The independent evaluator: what an assignment of plans costs, from raw usage, in exact arithmetic.

It reads the canonical tables itself and shares no code with the pricing engine, the models or the solver; every cost
that is reported comes from here. Money is whole picos (1e-12) per month and exact fractions where something is
divided (`interfaces.md` section 3 and section 4, items 1-24).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import pandas as pd

from optimize.scenario import Scenario
from optimize.scope import Setting

MICRO = 10**6
PICO = 10**12
#: service_id -> plan_id, or None for a suspended service. A service that is not named keeps its plan.
Assignment = Mapping[str, str | None]
PoolKey = tuple[str, str, str, str]  # kind, account_id, carrier_id, group


@dataclass
class PoolMonth:
    """One pool in one month: what its members bring and use (millionths of MB or minutes), what is charged (picos)."""

    allowance: int = 0
    used: int = 0
    members: int = 0
    charge: int = 0
    contracts: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class ContractCost:
    """A contract in force: monthly spend, discount, commitment, shortfall, as exact amounts of currency."""

    contract_id: str
    carrier_id: str | None
    spend: Fraction
    discount: Fraction
    commitment: Fraction
    shortfall: Fraction
    next_tier: Fraction | None


@dataclass(frozen=True)
class Priced:
    """The exact cost of an assignment; amounts of currency a month unless said otherwise."""

    cost: Fraction
    objective: Fraction
    total_cost: Fraction
    fees: Fraction
    changes: int
    by_carrier: dict[str, Fraction]
    lines_by_carrier: dict[str, int]
    by_service: dict[str, int]
    """Charges of all months outside pools, in picos."""
    by_month: list[int]
    """Charges of each month, pools included, before discounts, in picos."""
    pools: dict[PoolKey, list[PoolMonth]]
    contracts: list[ContractCost]


class Evaluator:
    """Prices assignments of one scenario on one set of tables."""

    def __init__(self, frames: Mapping[str, pd.DataFrame], scenario: Scenario, setting: Setting) -> None:
        self.scenario = scenario
        self.months = list(setting.months)
        self.currency = setting.currency
        self._index = {month: n for n, month in enumerate(self.months)}
        self.plans = {row["plan_id"]: row for row in _records(frames, "plans")}
        self.carrier_ids = {row["carrier_id"] for row in _records(frames, "carriers")}
        self._covered = defaultdict(set)
        for row in _records(frames, "coverage"):
            self._covered[row["site_id"]].add(row["carrier_id"])
        self._accounts: dict[str, str] = {}
        for row in _records(frames, "accounts"):
            carrier, account = row.get("carrier_id"), row["account_id"]
            if carrier is not None and account < self._accounts.get(carrier, "\U0010ffff"):
                self._accounts[carrier] = account
        self._read_contracts(frames)
        self.lines: dict[str, dict[str, Any]] = {}
        for row in sorted(_records(frames, "services"), key=lambda r: r["service_id"]):
            self._add_line(row)
        self._read_usage(frames)

    # ---- reading ---------------------------------------------------------------------------------------------------

    def _read_contracts(self, frames: Mapping[str, pd.DataFrame]) -> None:
        self.contracts = {row["contract_id"]: row for row in _records(frames, "contracts")}
        self._tiers: dict[str, list[tuple[int, int, str]]] = defaultdict(list)
        for row in _records(frames, "contract_tiers"):
            mode = row.get("mode") or "all_units"
            self._tiers[row["contract_id"]].append((row["spend_from"], row["discount_rate"], mode))
        self.in_force = sorted(c for c, row in self.contracts.items() if self._holds(row))
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
            return _number(start[:7]) + term - 1 >= _number(self.months[0])
        return True

    def _add_line(self, row: dict[str, Any]) -> None:
        plan = self.plans.get(row.get("plan_id"))
        if plan is None or row.get("status") == "ordered":
            return
        start, end = row.get("activated_on"), row.get("disconnected_on")
        if row.get("status") == "disconnected" and end is None:
            return
        foreign = plan.get("currency") not in (None, self.currency)
        if foreign and self.scenario.other_currencies == "leave_out":
            return
        active = [(start is None or start[:7] <= m) and (end is None or m <= end[:7]) for m in self.months]
        if not any(active):
            return
        selected = True
        for name, wanted in self.scenario.services.items():
            value = row.get(name)
            selected = selected and ("" if value is None else str(value)) in wanted
        row["active"] = active
        row["selected"] = selected
        row["home"] = {kind: [0] * len(self.months) for kind in ("data", "voice", "sms")}
        row["roaming"] = {kind: [0] * len(self.months) for kind in ("data", "voice", "sms")}
        row["roaming_cost"] = {kind: [0] * len(self.months) for kind in ("data", "voice", "sms")}
        row["other_cost"] = [0] * len(self.months)
        row["used"] = [False] * len(self.months)
        self.lines[row["service_id"]] = row

    def _read_usage(self, frames: Mapping[str, pd.DataFrame]) -> None:
        for row in _records(frames, "usage"):
            line = self.lines.get(row["service_id"])
            month = self._index.get(row["month"])
            if line is None or month is None or not line["active"][month]:
                continue
            quantity, kind = row.get("quantity") or 0, row["usage_type"]
            if quantity > 0:
                line["used"][month] = True
            zone = row.get("zone") or "home"
            cost = row.get("cost") or 0
            if zone == "home":
                if kind in line["home"]:
                    line["home"][kind][month] += quantity
            elif zone == "roaming" and kind in line["roaming"]:
                line["roaming"][kind][month] += quantity
                line["roaming_cost"][kind][month] += cost
            else:
                line["other_cost"][month] += cost
        for kind, rate in self.scenario.growth.items():
            if rate == 0:
                continue
            factor = Fraction(MICRO + rate, MICRO) ** len(self.months)
            for line in self.lines.values():
                line["home"][kind] = [_grown(quantity, factor) for quantity in line["home"][kind]]

    # ---- where a line ends up --------------------------------------------------------------------------------------

    def current(self, service_id: str) -> str:
        """The plan a service has today."""
        return self.lines[service_id]["plan_id"]

    def _home_of(self, line: Mapping[str, Any], carrier: str) -> tuple[str, str | None]:
        """Account and contract of a line that is with `carrier` after the decision."""
        default = self._default_contract.get(carrier)
        account = self._accounts.get(carrier, f"new:{carrier}")
        if self.plans[line["plan_id"]]["carrier_id"] == carrier:
            return line.get("account_id") or account, line.get("contract_id") or default
        return self.scenario.target_accounts.get(carrier, account), default

    def _one_off(self, line: Mapping[str, Any], plan_id: str | None) -> int:
        """One-off fees of a line's change, in micros."""
        if plan_id == line["plan_id"]:
            return 0
        now = self.plans[line["plan_id"]]
        if plan_id is None or self.plans[plan_id]["carrier_id"] == now["carrier_id"]:
            return self.scenario.change_fee * MICRO
        fee = self.scenario.porting_fee * MICRO
        contract_id = line.get("contract_id") or self._default_contract.get(now["carrier_id"])
        contract = self.contracts.get(contract_id or "")
        if contract is None or line.get("term_end_on") is None:
            return fee
        left = max(0, _number(line["term_end_on"][:7]) - _number(self.months[-1]))
        amount = contract.get("etf_amount")
        if contract.get("etf_rule") == "fixed" and left > 0:
            fee += (amount or 0) * MICRO
        if contract.get("etf_rule") == "months_left_mrc":
            fee += left * now["mrc"] * (MICRO if amount is None else amount)
        return fee

    # ---- prices ----------------------------------------------------------------------------------------------------

    def line_months(self, service_id: str, plan_id: str | None) -> list[int]:
        """Charges of a line in each month outside pools, in picos; suspended lines: the suspension's price."""
        line = self.lines[service_id]
        result = []
        for month, active in enumerate(line["active"]):
            if not active:
                result.append(0)
            elif plan_id is None:
                result.append(self.scenario.suspend_price * MICRO)
            else:
                result.append(self._line_month(line, self.plans[plan_id], month))
        return result

    def _line_month(self, line: Mapping[str, Any], plan: Mapping[str, Any], month: int) -> int:
        price = self.scenario.plan_price.get(plan["plan_id"], plan["mrc"]) * MICRO
        if plan.get("pool_group") is None and plan.get("data_mb") is not None:
            price += _blocks(plan, line["home"]["data"][month] - plan["data_mb"])
        if plan.get("voice_pool_group") is None and plan.get("voice_min") is not None:
            excess = line["home"]["voice"][month] - plan["voice_min"]
            price += max(0, excess) * (plan.get("voice_overage_price") or 0)
        if plan.get("sms") is not None:
            price += max(0, line["home"]["sms"][month] - plan["sms"]) * (plan.get("sms_overage_price") or 0)
        price += line["other_cost"][month] * MICRO
        for kind in ("data", "voice", "sms"):
            rate = plan.get(f"roaming_{kind}_price")
            if rate is None:
                price += line["roaming_cost"][kind][month] * MICRO
            else:
                price += line["roaming"][kind][month] * rate
        return price

    def _join_pools(
        self,
        pools: dict[PoolKey, list[PoolMonth]],
        line: Mapping[str, Any],
        plan: Mapping[str, Any],
        place: tuple[str, str | None],
        sign: int = 1,
    ) -> None:
        for kind, group, allowance in (
            ("data", plan.get("pool_group"), plan.get("data_mb")),
            ("voice", plan.get("voice_pool_group"), plan.get("voice_min")),
        ):
            if group is None:
                continue
            key = (kind, place[0], plan["carrier_id"], group)
            if key not in pools:
                pools[key] = [PoolMonth() for _ in self.months]
            for month, active in enumerate(line["active"]):
                if active:
                    here = pools[key][month]
                    here.allowance += sign * (allowance or 0)
                    here.used += sign * line["home"][kind][month]
                    here.members += sign
                    if place[1] is not None and sign > 0:
                        here.contracts.add(place[1])

    def _pool_price(self, key: PoolKey, month: PoolMonth) -> int:
        kind, _, carrier, group = key
        plan = self._pool_plan(kind, carrier, group)
        excess = month.used - month.allowance
        if kind == "data":
            return _blocks(plan, excess)
        return max(0, excess) * (plan.get("voice_overage_price") or 0)

    def _pool_plan(self, kind: str, carrier: str, group: str) -> Mapping[str, Any]:
        name = "pool_group" if kind == "data" else "voice_pool_group"
        cache = self.__dict__.setdefault("_pool_plans", {})
        if (kind, carrier, group) not in cache:
            used = {line["plan_id"] for line in self.lines.values()}
            members = [p for p in self.plans.values() if p["carrier_id"] == carrier and p.get(name) == group]
            usable = [p for p in members if p["plan_id"] in used or p.get("offer_id") in (None, *self.scenario.offers)]
            cache[(kind, carrier, group)] = (usable or members)[0]
        return cache[(kind, carrier, group)]

    def price(self, assignment: Assignment | None = None) -> Priced:
        """The exact cost of an assignment (today's plans for services it does not name)."""
        assignment = assignment or {}
        span = len(self.months)
        by_month = [0] * span
        by_service: dict[str, int] = {}
        spend: dict[str, int] = defaultdict(int)
        by_carrier: dict[str, Fraction] = defaultdict(Fraction)
        lines: dict[str, int] = defaultdict(int)
        pools: dict[PoolKey, list[PoolMonth]] = {}
        fees, changes = 0, 0
        for service_id, line in self.lines.items():
            plan_id = assignment.get(service_id, line["plan_id"])
            months = self.line_months(service_id, plan_id)
            total = by_service[service_id] = sum(months)
            for n, amount in enumerate(months):
                by_month[n] += amount
            fees += self._one_off(line, plan_id)
            changes += plan_id != line["plan_id"]
            plan = self.plans[line["plan_id"] if plan_id is None else plan_id]
            by_carrier[plan["carrier_id"]] += Fraction(total, PICO * span)
            if plan_id is None:
                continue
            lines[plan["carrier_id"]] += 1
            place = self._home_of(line, plan["carrier_id"])
            if place[1] is not None:
                spend[place[1]] += total
            self._join_pools(pools, line, plan, place)
        for key, pool in pools.items():
            for n, month in enumerate(pool):
                month.charge = self._pool_price(key, month)
                by_month[n] += month.charge
                by_carrier[key[2]] += Fraction(month.charge, PICO * span)
                if month.contracts:
                    spend[min(month.contracts)] += month.charge
        contracts = [self._contract_cost(c, Fraction(spend[c], PICO * span)) for c in self.in_force]
        for cost in contracts:
            if cost.carrier_id is not None and (cost.shortfall or cost.discount):
                by_carrier[cost.carrier_id] += cost.shortfall - cost.discount
        running = Fraction(sum(by_month), PICO * span) + sum((c.shortfall - c.discount for c in contracts), Fraction(0))
        monthly_fees = Fraction(fees, PICO * self.scenario.horizon_months)
        cost_of_month = running + monthly_fees
        return Priced(
            cost=cost_of_month,
            objective=self._objective(cost_of_month, by_month, changes),
            total_cost=running * span,
            fees=monthly_fees,
            changes=changes,
            by_carrier=dict(sorted(by_carrier.items())),
            lines_by_carrier=dict(sorted(lines.items())),
            by_service=by_service,
            by_month=by_month,
            pools=dict(sorted(pools.items())),
            contracts=contracts,
        )

    def _objective(self, cost: Fraction, by_month: list[int], changes: int) -> Fraction:
        weight = self.scenario.cvar_weight
        value = cost * (1 - weight)
        if weight:
            span = len(by_month)
            same = cost - Fraction(sum(by_month), PICO * span)
            months = [Fraction(amount, PICO) + same for amount in by_month]
            tail = (1 - self.scenario.alpha) * span
            above = {eta: sum((m - eta for m in months if m > eta), Fraction(0)) for eta in months}
            value += weight * min(eta + excess / tail for eta, excess in above.items())
        return value + Fraction(self.scenario.min_saving_per_change * changes, MICRO)

    def _contract_cost(self, contract_id: str, spend: Fraction) -> ContractCost:
        row = self.contracts[contract_id]
        tiers = sorted(self._tiers.get(contract_id, ()))
        discount, following = Fraction(0), None
        for n, (start, rate, mode) in enumerate(tiers):
            begin = Fraction(start, MICRO)
            if spend < begin:
                following = begin
                break
            end = Fraction(tiers[n + 1][0], MICRO) if n + 1 < len(tiers) else None
            share = Fraction(rate, MICRO)
            if mode == "all_units":
                discount = share * spend
            else:
                discount += share * ((spend if end is None else min(spend, end)) - begin)
        amount = Fraction(row.get("commitment_amount") or 0, MICRO)
        period = row.get("commitment_period") or "month"
        length = {"month": 1, "quarter": 3, "year": 12}.get(period) or row.get("initial_term_months") or 1
        commitment = amount / int(length)
        attained = spend - discount if row.get("commitment_basis") == "net" else spend
        penalty = row.get("shortfall_rate")
        shortfall = Fraction(MICRO if penalty is None else penalty, MICRO) * max(Fraction(0), commitment - attained)
        carrier = row.get("carrier_id")
        return ContractCost(contract_id, carrier, spend, discount, commitment, shortfall, following)

    # ---- limits ----------------------------------------------------------------------------------------------------

    def allowed(self, service_id: str, plan_id: str) -> list[str]:
        """The names of the groups that forbid a plan to a service; empty if it may have it."""
        line, plan, scenario = self.lines[service_id], self.plans[plan_id], self.scenario
        now = self.plans[line["plan_id"]]
        same_plan, same_carrier = plan_id == line["plan_id"], plan["carrier_id"] == now["carrier_id"]
        groups = []
        if not same_plan and plan.get("service_kind") not in (None, line.get("kind")):
            groups.append("eligibility")
        if plan.get("currency") not in (None, self.currency):
            groups.append("eligibility")
        if not same_plan and plan.get("offer_id") is not None and plan["offer_id"] not in scenario.offers:
            groups.append("offers")
        if scenario.carriers_allowed is not None and plan["carrier_id"] not in scenario.carriers_allowed:
            groups.append("carriers_allowed")
        site = line.get("site_id")
        if self._covered and site is not None and not same_carrier and plan["carrier_id"] not in self._covered[site]:
            groups.append("coverage")
        return list(dict.fromkeys(groups))

    def may_suspend(self, service_id: str) -> bool:
        """Whether a service qualifies for suspension (item 18)."""
        line, last = self.lines[service_id], self.scenario.suspend_zero_use_months
        if last is None or last > len(self.months) or not line["selected"]:
            return False
        quiet = not any(line["used"][-last:]) and all(line["active"][-last:])
        return quiet and line.get("kind") in self.scenario.suspend_kinds

    def violations(self, assignment: Assignment | None = None) -> list[str]:
        """The named groups of constraints that an assignment violates, in a fixed order."""
        assignment, scenario = assignment or {}, self.scenario
        broken: set[str] = set()
        count: dict[str, int] = defaultdict(int)
        carriers: set[str] = set()
        changes = 0
        for service_id, line in self.lines.items():
            plan_id = assignment.get(service_id, line["plan_id"])
            if not line["selected"]:
                if plan_id != line["plan_id"]:
                    broken.add("services")
            else:
                if plan_id is None:
                    if not self.may_suspend(service_id):
                        broken.add("suspend")
                else:
                    broken.update(self.allowed(service_id, plan_id))
                    carriers.add(self.plans[plan_id]["carrier_id"])
                changes += plan_id != line["plan_id"]
                if service_id in scenario.keep and plan_id != line["plan_id"]:
                    broken.add("keep")
                if plan_id != scenario.force.get(service_id, plan_id):
                    broken.add("force")
            if plan_id is not None:
                count[plan_id] += 1
        if scenario.max_carriers is not None and len(carriers) > scenario.max_carriers:
            broken.add("max_carriers")
        if scenario.max_changes is not None and changes > scenario.max_changes:
            broken.add("max_changes")
        for plan_id, lines in count.items():
            low, high = self.plans[plan_id].get("min_lines"), self.plans[plan_id].get("max_lines")
            if low is not None and lines < low:
                broken.add("min_lines")
            if high is not None and lines > high:
                broken.add("max_lines")
        return sorted(broken)


def _records(frames: Mapping[str, pd.DataFrame], table: str) -> list[dict[str, Any]]:
    frame = frames.get(table)
    if frame is None or frame.empty:
        return []
    clean = frame.astype(object).where(frame.notna(), None)
    return [{str(k): (None if v == "" else v) for k, v in row.items()} for row in clean.to_dict("records")]


def _number(month: str) -> int:
    return int(month[:4]) * 12 + int(month[5:7])


def _grown(quantity: int, factor: Fraction) -> int:
    """Quantity x factor, rounded half up to 4 decimals, in micros."""
    exact = quantity * factor / 100
    return 100 * ((2 * exact.numerator + exact.denominator) // (2 * exact.denominator))


def _blocks(plan: Mapping[str, Any], excess: int) -> int:
    """Price of data use above the allowance (micros of MB), per started block, in picos."""
    price = plan.get("data_overage_price")
    if excess <= 0 or not price:
        return 0
    block = plan.get("data_overage_block_mb") or MICRO
    return -(-excess // block) * price * MICRO
