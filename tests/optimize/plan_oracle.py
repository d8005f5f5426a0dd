"""Brute force for tiny instances, written from the interface document alone, and their random generator.

It knows nothing of the product: rows are dictionaries with plain decimal numbers, prices are fractions.
"""

from __future__ import annotations

import itertools
import math
import random
from fractions import Fraction as F

import numpy as np
import pandas as pd

from core.schema import MICRO_COLUMNS

KINDS = ("data", "voice", "sms")


def as_frames(tables: dict[str, list[dict]]) -> dict[str, pd.DataFrame]:
    """Canonical frames (millionths) of tables with plain numbers."""
    frames = {}
    for name, rows in tables.items():
        frame = pd.DataFrame(rows)
        for column in frame.columns:
            micro = column in MICRO_COLUMNS.get(name, ())
            values = [None if v is None or v != v else v for v in frame[column].astype(object)]
            if micro:
                values = [None if v is None else int(F(str(v)) * 10**6) for v in values]
            whole = micro or any(isinstance(v, int) for v in values)
            frame[column] = pd.array(values, dtype="Int64") if whole else pd.Series(values, dtype=object)
        frames[name] = frame
    return frames


def num(value, blank=None):
    return blank if value is None else F(str(value))


def month_no(text):
    return int(text[:4]) * 12 + int(text[5:7])


class Oracle:
    """Every assignment of a tiny instance, priced and checked as the document says."""

    def __init__(self, tables, scenario):
        self.t, self.s, self.last = tables, scenario, {}
        self.plans = {p["plan_id"]: p for p in tables["plans"]}
        used = sorted(u["month"] for u in tables["usage"])
        months = scenario.get("months") or {}
        first, last = months.get("from") or used[0], months.get("to") or used[-1]
        self.months = [
            f"{n // 12:04d}-{n % 12:02d}" if n % 12 else f"{n // 12 - 1:04d}-12"
            for n in range(month_no(first), month_no(last) + 1)
        ]
        self.T = len(self.months)
        self.contracts = [
            c for c in sorted(tables.get("contracts", []), key=lambda c: c["contract_id"]) if self.force_of(c)
        ]
        self.services = []
        for s in tables["services"]:
            if s["plan_id"] is None or s["status"] == "ordered":
                continue
            if s["status"] == "disconnected" and s["disconnected_on"] is None:
                continue
            if any(self.active(s, m) for m in self.months):
                self.services.append(s)
        self.use = {}
        for u in tables["usage"]:
            key = (u["service_id"], u["month"])
            here = self.use.setdefault(
                key,
                {
                    "home": dict.fromkeys(KINDS, F(0)),
                    "roam": dict.fromkeys(KINDS, F(0)),
                    "roam_cost": dict.fromkeys(KINDS, F(0)),
                    "other": F(0),
                    "any": False,
                },
            )
            q, c, k = num(u["quantity"]), num(u.get("cost"), F(0)), u["usage_type"]
            here["any"] |= q > 0
            zone = u.get("zone") or "home"
            if zone == "home":
                here["home"][k] += q
            elif zone == "roaming":
                here["roam"][k] += q
                here["roam_cost"][k] += c
            else:
                here["other"] += c
        self.draws = self.drawn()

    def drawn(self):
        """The scenario months: month of the range, factor of home use by kind, probability."""
        told = self.s.get("scenario_set") or {"kind": "history"}
        same = dict.fromkeys(KINDS, F(1))
        if told["kind"] == "bootstrap":
            rng = np.random.default_rng(told.get("seed", self.s.get("seed", 7)))
            numbers = rng.integers(0, self.T, told.get("draws", self.T)).tolist()
            return [(m, same, F(numbers.count(n), len(numbers))) for n, m in enumerate(self.months) if n in numbers]
        cases = [same | {"weight": F(1)}]
        if told["kind"] == "factors":
            cases = [f if isinstance(f, dict) else dict.fromkeys(KINDS, f) for f in told["factors"]]
            cases = [{k: num(case.get(k), F(1)) for k in (*KINDS, "weight")} for case in cases]
        whole = sum(case["weight"] for case in cases) * self.T
        return [(m, case, case["weight"] / whole) for m in self.months for case in cases]

    def home(self, s, m, factor):
        """Home use of a service in a month, grown and times the factors."""
        here = self.use.get((s["service_id"], m))
        if here is None:
            return dict.fromkeys(KINDS, F(0))
        found = {}
        for k, used in here["home"].items():
            growth = num((self.s.get("growth") or {}).get(k), F(0))
            if growth or factor[k] != 1:
                used = F(math.floor(used * (1 + growth) ** self.T * factor[k] * 10000 + F(1, 2)), 10000)
            found[k] = used
        return found

    def force_of(self, c):
        if c["start_date"] is None:
            return True
        if month_no(c["start_date"]) > month_no(self.months[-1]):
            return False
        if c["renewal_type"] == "express" and c["initial_term_months"] is not None:
            return month_no(c["start_date"]) + c["initial_term_months"] - 1 >= month_no(self.months[0])
        return True

    @staticmethod
    def active(s, m):
        return (s["activated_on"] is None or s["activated_on"][:7] <= m) and (
            s["disconnected_on"] is None or m <= s["disconnected_on"][:7]
        )

    def selected(self, s):
        for column, wanted in (self.s.get("services") or {}).items():
            wanted = wanted if isinstance(wanted, list) else [wanted]
            if (s[column] or "") not in wanted:
                return False
        return True

    def carrier(self, s):
        return self.plans[s["plan_id"]]["carrier_id"]

    def default_contract(self, carrier):
        return next((c["contract_id"] for c in self.contracts if c["carrier_id"] == carrier), None)

    def place(self, s, carrier):
        if carrier == self.carrier(s):
            return s["account_id"], s["contract_id"] or self.default_contract(carrier)
        targets = self.s.get("target_accounts") or {}
        if carrier in targets:
            return targets[carrier], self.default_contract(carrier)
        own = sorted(a["account_id"] for a in self.t["accounts"] if a["carrier_id"] == carrier)
        return (own[0] if own else f"new:{carrier}"), self.default_contract(carrier)

    def choices(self, s):
        """All options of a service and None for suspension; limits between services come later."""
        if not self.selected(s):
            return [s["plan_id"]]
        found = []
        allowed = self.s.get("carriers_allowed")
        coverage = self.t.get("coverage") or []
        for p in self.plans.values():
            if allowed is not None and p["carrier_id"] not in allowed:
                continue
            if p["plan_id"] != s["plan_id"]:
                if p["service_kind"] not in (None, s["kind"]):
                    continue
                if p["offer_id"] is not None and p["offer_id"] not in (self.s.get("offers") or []):
                    continue
                moves = p["carrier_id"] != self.carrier(s) and s["site_id"] is not None
                if coverage and moves and {"site_id": s["site_id"], "carrier_id": p["carrier_id"]} not in coverage:
                    continue
            found.append(p["plan_id"])
        n = self.s.get("suspend_zero_use_months")
        if n is not None and n <= self.T and s["kind"] in (self.s.get("suspend_kinds") or ["mobile"]):
            last = self.months[-n:]
            quiet = all(
                self.active(s, m) and not self.use.get((s["service_id"], m), {"any": False})["any"] for m in last
            )
            if quiet:
                found.append(None)
        if s["service_id"] in (self.s.get("keep") or []):
            found = [x for x in found if x == s["plan_id"]]
        if s["service_id"] in (self.s.get("force") or {}):
            found = [x for x in found if x == self.s["force"][s["service_id"]]]
        return found

    def feasible(self, pick, bought=None):
        """Whether an assignment keeps every limit with the buckets of its pools; see `cost`."""
        return self.keeps_counts(pick) and self.keeps_limit(self.excesses(pick), bought)

    def keeps_counts(self, pick):
        carriers, count, changes = set(), {}, 0
        for s, p in zip(self.services, pick, strict=True):
            if p is not None:
                count[p] = count.get(p, 0) + 1
            if self.selected(s):
                changes += p != s["plan_id"]
                if p is not None:
                    carriers.add(self.plans[p]["carrier_id"])
        if self.s.get("max_carriers") is not None and len(carriers) > self.s["max_carriers"]:
            return False
        if self.s.get("max_changes") is not None and changes > self.s["max_changes"]:
            return False
        for p, n in count.items():
            low, high = self.plans[p].get("min_lines"), self.plans[p].get("max_lines")
            if (low is not None and n < low) or (high is not None and n > high):
                return False
        return True

    def keeps_limit(self, excesses, bought=None):
        told = self.s.get("overage_probability")
        return told is None or all(
            odds <= num(told["limit"])
            for (kind, *_), odds in self.odds(excesses, bought)[0].items()
            if kind in told.get("kinds", KINDS)
        )

    def overage(self, pick, bought=None):
        """Probability that each pool is above its allowance, and that any of them is; `bought` as in `cost`."""
        return self.odds(self.excesses(pick), bought)

    def odds(self, excesses, bought):
        pools, any_of = {}, F(0)
        for here, (*_, weight) in zip(excesses, self.draws, strict=True):
            over = {key: excess > self.brings(key, bought) for key, excess in here.items()}
            for key, is_over in over.items():
                pools[key] = pools.get(key, F(0)) + (weight if is_over else 0)
            any_of += weight if any(over.values()) else 0
        return pools, any_of

    def brings(self, key, bought):
        """The allowance of a pool's buckets."""
        have = self.today(key) if bought is None else bought.get(key, {})
        return sum((have.get(b["bucket_id"], 0) * num(b["allowance"]) for b in self.buckets(key)), F(0))

    def excesses(self, pick):
        """What each pool uses above its plans' allowances in each scenario month."""
        found = []
        for m, factor, _ in self.draws:
            here = {}
            for s, p in zip(self.services, pick, strict=True):
                if p is None or not self.active(s, m):
                    continue
                plan, home = self.plans[p], self.home(s, m, factor)
                account, _ = self.place(s, plan["carrier_id"])
                if plan["pool_group"] is not None:
                    key = ("data", account, plan["carrier_id"], plan["pool_group"])
                    here[key] = here.get(key, F(0)) + home["data"] - num(plan["data_mb"])
                if plan["voice_pool_group"] is not None:
                    key = ("voice", account, plan["carrier_id"], plan["voice_pool_group"])
                    here[key] = here.get(key, F(0)) + home["voice"] - num(plan["voice_min"])
            found.append(here)
        return found

    def fee(self, s, p):
        if p == s["plan_id"]:
            return F(0)
        if p is None or self.plans[p]["carrier_id"] == self.carrier(s):
            return num(self.s.get("change_fee"), F(0))
        fee = num(self.s.get("porting_fee"), F(0))
        fee += num((self.s.get("joining_fee") or {}).get(self.plans[p]["carrier_id"]), F(0))
        fee += int(self.s.get("overlap_months") or 0) * num(self.plans[s["plan_id"]]["mrc"])
        cid = s["contract_id"] or self.default_contract(self.carrier(s))
        c = next((c for c in self.t.get("contracts", []) if c["contract_id"] == cid), None)
        if c is not None and s["term_end_on"] is not None:
            left = max(0, month_no(s["term_end_on"]) - month_no(self.months[-1]))
            if c["etf_rule"] == "fixed" and left > 0:
                fee += num(c["etf_amount"], F(0))
            elif c["etf_rule"] == "months_left_mrc":
                fee += left * num(self.plans[s["plan_id"]]["mrc"]) * num(c["etf_amount"], F(1))
        return fee

    def month_price(self, s, p, m, home):
        plan = self.plans[p]
        here = self.use.get((s["service_id"], m))
        prices = self.s.get("plan_price") or {}
        cost = num(prices.get(p, plan["mrc"]))
        if here is None:
            return cost
        if plan["pool_group"] is None and plan["data_mb"] is not None and plan["data_overage_price"] is not None:
            over = home["data"] - num(plan["data_mb"])
            if over > 0:
                cost += math.ceil(over / num(plan["data_overage_block_mb"], F(1))) * num(plan["data_overage_price"])
        if plan["voice_pool_group"] is None and plan["voice_min"] is not None:
            cost += max(F(0), home["voice"] - num(plan["voice_min"])) * num(plan["voice_overage_price"], F(0))
        if plan["sms"] is not None:
            cost += max(F(0), home["sms"] - num(plan["sms"])) * num(plan["sms_overage_price"], F(0))
        cost += here["other"]
        for k in KINDS:
            rate = num(plan.get(f"roaming_{k}_price"))
            cost += here["roam_cost"][k] if rate is None else here["roam"][k] * rate
        return cost

    def cost(self, pick, bought=None):
        """(cost, objective, total without fees, changes) of an assignment and of the buckets of its pools.

        `bought`: bucket_id -> count by (kind, account, carrier, group); None = what is bought today.
        """
        gross, spend, pools, fees, changes = self.lines_and_pools(pick)
        gross, spend = list(gross), dict(spend)
        for key, pool in pools.items():
            have = self.today(key) if bought is None else bought.get(key, {})
            mine = [(b, have.get(b["bucket_id"], 0)) for b in self.buckets(key)]
            brings = self.brings(key, bought)
            mrc = sum((n * num(b["mrc"]) for b, n in mine), F(0))
            payer = min(pool["contracts"], default=None)
            for n, (excess, contracts) in enumerate(pool["months"]):
                gross[n] += mrc
                weight = self.draws[n][2]
                if payer in spend:
                    spend[payer] += mrc * weight
                excess = excess - brings
                if excess <= 0:
                    continue
                plan = pool["plan"]
                if key[0] == "data":
                    block = num(plan["data_overage_block_mb"], F(1))
                    charge = math.ceil(excess / block) * num(plan["data_overage_price"], F(0))
                else:
                    charge = excess * num(plan["voice_overage_price"], F(0))
                gross[n] += charge
                if contracts and min(contracts) in spend:
                    spend[min(contracts)] += charge * weight
        extra = F(0)
        for c in self.contracts:
            extra += self.contract(c, spend[c["contract_id"]])
        used = {self.plans[p]["carrier_id"] for p in pick if p is not None}
        extra += sum((num(a) for c, a in (self.s.get("carrier_fixed_cost") or {}).items() if c in used), F(0))
        running = sum(g * weight for g, (*_, weight) in zip(gross, self.draws, strict=True)) + extra
        same = extra + fees / self.s.get("horizon_months", 12)
        cost = running + fees / self.s.get("horizon_months", 12)
        objective = cost
        if self.s.get("objective") == "cvar":
            alpha, weight = num(self.s["cvar"]["alpha"]), num(self.s["cvar"]["weight"])
            months = [(g + same, weight) for g, (*_, weight) in zip(gross, self.draws, strict=True)]
            tail = min(e + sum(max(c - e, F(0)) * w for c, w in months) / (1 - alpha) for e, _ in months)
            objective = (1 - weight) * cost + weight * tail
        objective += num(self.s.get("min_saving_per_change"), F(0)) * changes
        return cost, objective, running * self.T, changes

    def lines_and_pools(self, pick):
        """What an assignment costs without its pools, and what its pools use above the plans' allowances."""
        if pick not in self.last:  # asked again for every purchase
            self.last = {pick: self._lines_and_pools(pick)}
        return self.last[pick]

    def _lines_and_pools(self, pick):
        gross = [F(0)] * len(self.draws)
        spend = {c["contract_id"]: F(0) for c in self.contracts}
        pools, fees, changes = {}, F(0), 0
        for s, p in zip(self.services, pick, strict=True):
            fees += self.fee(s, p)
            changes += p != s["plan_id"]
            for n, (m, factor, weight) in enumerate(self.draws):
                if not self.active(s, m):
                    continue
                if p is None:
                    gross[n] += num(self.s.get("suspend_price"), F(0))
                    continue
                plan = self.plans[p]
                home = self.home(s, m, factor)
                price = self.month_price(s, p, m, home)
                account, contract = self.place(s, plan["carrier_id"])
                gross[n] += price
                if contract in spend:
                    spend[contract] += price * weight
                for kind, group, allowance in (
                    ("data", plan["pool_group"], plan["data_mb"]),
                    ("voice", plan["voice_pool_group"], plan["voice_min"]),
                ):
                    if group is not None:
                        key = (kind, account, plan["carrier_id"], group)
                        empty = {"months": [(F(0), set()) for _ in self.draws], "plan": plan, "contracts": set()}
                        pool = pools.setdefault(key, empty)
                        excess, contracts = pool["months"][n]
                        pool["months"][n] = (excess + home[kind] - num(allowance), contracts)
                        if contract is not None:
                            contracts.add(contract)
                            pool["contracts"].add(contract)
        return gross, spend, pools, fees, changes

    def buckets(self, key):
        """The buckets that a pool may buy or has."""
        kind, _, carrier, group = key
        return [
            b
            for b in self.s.get("buckets") or []
            if (b.get("kind", "data"), b["carrier_id"], b["pool_group"]) == (kind, carrier, group)
        ]

    def today(self, key):
        return {b["bucket_id"]: n for b in self.buckets(key) if (n := (b.get("today") or {}).get(key[1], 0))}

    def menu(self, key):
        """Everything a pool may buy."""
        mine, ranges = self.buckets(key), []
        for b in mine:
            free = b.get("offer_id") is None or b["offer_id"] in (self.s.get("offers") or [])
            ranges.append(range((b.get("max_per_pool", 1) if free else (b.get("today") or {}).get(key[1], 0)) + 1))
        found = []
        for counts in itertools.product(*ranges):
            if self.s.get("bucket_steps") == "any" or sum(n > 0 for n in counts) <= 1:
                found.append({b["bucket_id"]: n for b, n in zip(mine, counts, strict=True)})
        return found

    def purchases(self, pick):
        """Everything that the pools of an assignment may buy together; nothing where the scenario has no buckets."""
        if not self.s.get("buckets"):
            return [None]
        keys = list(self.lines_and_pools(pick)[2])
        return [dict(zip(keys, some, strict=True)) for some in itertools.product(*(self.menu(k) for k in keys))]

    def contract(self, c, spend):
        tiers = sorted(
            (num(t["spend_from"]), num(t["discount_rate"]), t["mode"])
            for t in self.t.get("contract_tiers", [])
            if t["contract_id"] == c["contract_id"]
        )
        discount = F(0)
        reached = [t for t in tiers if spend >= t[0]]
        if reached and reached[-1][2] == "all_units":
            discount = spend * reached[-1][1]
        elif reached:
            for n, (start, rate, _) in enumerate(reached):
                end = reached[n + 1][0] if n + 1 < len(reached) else spend
                discount += rate * (end - start)
        months = {"month": 1, "quarter": 3, "year": 12, "term": c["initial_term_months"]}[
            c["commitment_period"] or "month"
        ]
        need = num(c["commitment_amount"], F(0)) / months
        attained = spend - discount if c["commitment_basis"] == "net" else spend
        return num(c["shortfall_rate"], F(1)) * max(F(0), need - attained) - discount

    def solve(self):
        """(objective, changes, assignment) of the best feasible assignment, None if there is none."""
        best = None
        for pick in itertools.product(*(self.choices(s) for s in self.services)):
            if not self.keeps_counts(pick):
                continue
            excesses = self.excesses(pick)
            for bought in self.purchases(pick):
                if not self.keeps_limit(excesses, bought):
                    continue
                cost = self.cost(pick, bought)
                if best is None or (cost[1], cost[3]) < best[:2]:
                    best = (cost[1], cost[3], pick, cost[0], cost[2])
        return best

    def keep(self):
        pick = tuple(s["plan_id"] for s in self.services)
        ok = self.feasible(pick) and all(p in self.choices(s) for s, p in zip(self.services, pick, strict=True))
        return ok, self.cost(pick)[0]


def with_carrier_fixed_cost(rng, tables, scenario):
    """The scenario with a fixed cost of some carriers, of the size of a few lines."""
    carriers = [c["carrier_id"] for c in tables["carriers"]]
    some = rng.sample(carriers, rng.randint(1, len(carriers)))
    return scenario | {"carrier_fixed_cost": {c: rng.choice([0, "3.5", 12, 25, 60]) for c in some}}


_BASE = (
    "plain",
    "data_pool",
    "voice_pool",
    "two_accounts",
    "all_units",
    "incremental",
    "shortfall",
    "net_shortfall",
    "max_carriers",
    "max_changes",
    "line_limits",
    "fees",
    "coverage",
    "etf",
    "suspend",
    "cvar",
    "force_keep",
    "filter",
    "growth",
    "offers",
    "targets",
    "roaming",
    "split_pool",
    "min_saving",
    "carriers_allowed",
    "everything",
)
_SETS = ("overage_limit", "bootstrap", "factors")
FEATURES = (*_BASE, *_SETS)


def instance(rng: random.Random, feature: str):
    """A random tiny instance that has the feature (and some others)."""
    on = {feature} | {f for f in _BASE[1:-1] if rng.random() < (0.35 if feature == "everything" else 0.06)}
    carriers = ["A", "B"] if rng.random() < 0.6 else ["A", "B", "C"]
    if feature == "overage_limit":
        on |= {"data_pool"} if rng.random() < 0.7 else {"data_pool", "voice_pool"}
    pooled = on & {"data_pool", "two_accounts", "split_pool"}
    tables = {
        "carriers": [{"carrier_id": c, "name": c} for c in carriers],
        "accounts": [
            {"account_id": f"{c}{n}", "carrier_id": c} for c in carriers for n in (1, 2) if n == 1 or rng.random() < 0.4
        ],
        "plans": [],
        "services": [],
        "usage": [],
        "contracts": [],
        "contract_tiers": [],
        "coverage": [],
    }
    for c in carriers:
        price, block = rng.choice([2, 5, "3.5"]), rng.choice([None, 10, 100])
        voice_price = rng.choice([1, "0.25"])
        for n in range(rng.choice([1, 2, 2, 3])):
            in_pool = bool(pooled) and rng.random() < 0.7
            in_voice = "voice_pool" in on and rng.random() < 0.6
            limits = "line_limits" in on and rng.random() < 0.6
            roams = "roaming" in on and rng.random() < 0.5
            tables["plans"].append(
                {
                    "plan_id": f"{c}p{n}",
                    "carrier_id": c,
                    "service_kind": rng.choice([None, "mobile", "mobile"]),
                    "mrc": rng.choice([5, 10, "12.5", 20, 30]),
                    "currency": "USD",
                    "data_mb": rng.choice([0, 100, 250]) if in_pool else rng.choice([None, 0, 100, 300]),
                    "voice_min": rng.choice([0, 20]) if in_voice else rng.choice([None, 0, 10, 50]),
                    "sms": rng.choice([None, 0, 5]),
                    "data_overage_price": price if in_pool else rng.choice([None, 1, 4]),
                    "data_overage_block_mb": block if in_pool else rng.choice([None, 50, "33.3"]),
                    "voice_overage_price": voice_price if in_voice else rng.choice([None, "0.5"]),
                    "sms_overage_price": rng.choice([None, "0.1"]),
                    "roaming_data_price": rng.choice([None, "0.2"]) if roams else None,
                    "roaming_voice_price": rng.choice([None, "0.7"]) if roams else None,
                    "pool_group": "g" if in_pool else None,
                    "voice_pool_group": "v" if in_voice else None,
                    "min_lines": rng.choice([None, 2, 3]) if limits else None,
                    "max_lines": rng.choice([None, 3]) if limits else None,
                    "offer_id": "off" if "offers" in on and rng.random() < 0.4 else None,
                }
            )
    months = [f"2026-{m:02d}" for m in range(1, rng.choice([2, 3, 4, 4]))]
    contract_count = 0
    for c in carriers:
        wanted = on & {"all_units", "incremental", "shortfall", "net_shortfall", "etf", "split_pool"}
        if not wanted or rng.random() < 0.25:
            continue
        for _ in range(2 if "split_pool" in on else 1):
            contract_count += 1
            cid = f"K{contract_count}"
            commit = bool(on & {"shortfall", "net_shortfall"})
            tables["contracts"].append(
                {
                    "contract_id": cid,
                    "carrier_id": c,
                    "currency": "USD",
                    "start_date": rng.choice([None, "2025-01-01", "2025-03-01"]),
                    "initial_term_months": rng.choice([12, 24]),
                    "renewal_type": rng.choice([None, "tacit", "express"]),
                    "commitment_amount": rng.choice([30, 60, 120]) if commit else None,
                    "commitment_period": rng.choice([None, "month", "quarter"]) if commit else None,
                    "commitment_basis": "net" if "net_shortfall" in on else rng.choice([None, "gross"]),
                    "shortfall_rate": rng.choice([None, "0.5", 1, "1.5"]) if commit else None,
                    "etf_rule": rng.choice([None, "none", "fixed", "months_left_mrc"]) if "etf" in on else None,
                    "etf_amount": rng.choice([None, "0.5", 3]) if "etf" in on else None,
                }
            )
            modes = [m for m in ("all_units", "incremental") if m in on]
            if "split_pool" in on and not modes:
                modes = [rng.choice(["all_units", "incremental"])]
            if modes:
                mode = rng.choice(modes)
                for start, rate in sorted(
                    rng.sample(
                        [(0, "0.05"), (20, "0.1"), (40, "0.25"), (60, "0.4"), (80, "0.15")], rng.choice([1, 2, 3])
                    )
                ):
                    tables["contract_tiers"].append(
                        {"contract_id": cid, "spend_from": start, "discount_rate": rate, "mode": mode}
                    )
    if "coverage" in on:
        tables["coverage"] = [
            {"site_id": s, "carrier_id": c} for s in ("S1", "S2") for c in carriers if rng.random() < 0.5
        ]
    catalogue = tables["plans"]
    for n in range(rng.choice([2, 3, 3, 4])):
        plan = rng.choice(catalogue)
        own = [a["account_id"] for a in tables["accounts"] if a["carrier_id"] == plan["carrier_id"]]
        mine = [k["contract_id"] for k in tables["contracts"] if k["carrier_id"] == plan["carrier_id"]]
        quiet = rng.random() < 0.3
        tables["services"].append(
            {
                "service_id": f"s{n}",
                "kind": rng.choice(["mobile", "mobile", "mobile", "iot"]),
                "carrier_id": plan["carrier_id"],
                "account_id": rng.choice(own),
                "contract_id": rng.choice([None, *mine]),
                "plan_id": plan["plan_id"],
                "site_id": rng.choice([None, "S1", "S2"]),
                "status": "active",
                "activated_on": rng.choice([None, None, "2026-02-10"]) if len(months) > 1 else None,
                "disconnected_on": rng.choice([None, None, None, "2026-02-05"]) if len(months) > 2 else None,
                "term_end_on": rng.choice([None, "2026-07-31"]),
            }
        )
        for m in months:
            if rng.random() < 0.15:
                continue
            for kind in KINDS:
                zone = rng.choice(["roaming", "premium", None]) if "roaming" in on and rng.random() < 0.4 else None
                q = (
                    0
                    if quiet
                    else rng.choice([0, 5, 12, 40, 99.99, 130, 260, 400] if kind == "data" else [0, 3, 11, 30])
                )
                tables["usage"].append(
                    {
                        "service_id": f"s{n}",
                        "month": m,
                        "usage_type": kind,
                        "zone": zone,
                        "quantity": q,
                        "cost": rng.choice([None, "1.5"]) if zone else None,
                    }
                )
    scenario: dict = {"gap": 0, "months": {"from": months[0], "to": months[-1]}, "currency": "USD"}
    if "max_carriers" in on:
        scenario["max_carriers"] = rng.choice([1, 1, 2])
    if "max_changes" in on:
        scenario["max_changes"] = rng.choice([0, 1, 2])
    if "fees" in on:
        scenario |= {
            "change_fee": rng.choice([0, 7]),
            "porting_fee": rng.choice([0, 25]),
            "horizon_months": rng.choice([6, 12]),
        }
    if "suspend" in on:
        scenario |= {"suspend_zero_use_months": rng.choice([1, 2]), "suspend_price": rng.choice([0, 3])}
        if rng.random() < 0.4:
            scenario["suspend_kinds"] = ["mobile", "iot"]
    if "cvar" in on:
        scenario |= {
            "objective": "cvar",
            "cvar": {"alpha": rng.choice(["0.5", "0.9", 0]), "weight": rng.choice(["0.3", 1, 0])},
        }
    if "growth" in on:
        scenario["growth"] = {"data": rng.choice(["0.03", "-0.1"]), "voice": "0.01"}
    if "offers" in on and rng.random() < 0.7 and any(p["offer_id"] for p in catalogue):
        scenario["offers"] = ["off"]
    if "targets" in on:
        scenario["target_accounts"] = {
            c: rng.choice([a["account_id"] for a in tables["accounts"] if a["carrier_id"] == c]) for c in carriers
        }
    if "filter" in on:
        scenario["services"] = rng.choice([{"kind": "mobile"}, {"service_id": ["s0", "s1"]}, {"site_id": ["S1", ""]}])
    if "min_saving" in on:
        scenario["min_saving_per_change"] = rng.choice(["0.5", 4])
    if "carriers_allowed" in on:
        scenario["carriers_allowed"] = rng.sample(carriers, rng.choice([1, 2]))
    if rng.random() < 0.15:
        scenario["plan_price"] = {rng.choice(catalogue)["plan_id"]: rng.choice([0, "9.99"])}
    if "force_keep" in on:
        o = Oracle(tables, scenario)
        free = [s for s in o.services if o.selected(s)]
        if free and rng.random() < 0.7:
            scenario["force"] = {rng.choice(free)["service_id"]: rng.choice(catalogue)["plan_id"]}
        if rng.random() < 0.6:
            scenario["keep"] = [rng.choice(tables["services"])["service_id"]]
    scenario |= _sets(rng, feature, tables)
    for name in ("contracts", "contract_tiers", "coverage"):
        if not tables[name]:
            del tables[name]
    return tables, scenario


def _sets(rng: random.Random, feature: str, tables: dict[str, list[dict]]) -> dict:
    """Scenario sets and limits on the probability of overage; some pools charge nothing for overage."""
    on = {feature} | {f for f in _SETS if rng.random() < (0.35 if feature == "everything" else 0.06)}
    if feature == "overage_limit":
        on |= {rng.choice(["bootstrap", "factors", "neither"])}
    found: dict = {}
    if "overage_limit" in on:
        found["overage_probability"] = {"limit": rng.choice([0, "0.25", "0.34", "0.5", "0.67", 1])}
        if rng.random() < 0.4:
            found["overage_probability"]["kinds"] = rng.choice([["data"], ["voice"], ["data", "voice"]])
        free = {p["carrier_id"] for p in tables["plans"] if rng.random() < 0.15}
        for plan in tables["plans"]:
            if plan["carrier_id"] in free:
                plan |= {"data_overage_price": None} if plan["pool_group"] else {}
                plan |= {"voice_overage_price": None} if plan["voice_pool_group"] else {}
    if "bootstrap" in on:
        found["scenario_set"] = {"kind": "bootstrap", "seed": rng.choice([1, 2, 3])}
        if rng.random() < 0.7:
            found["scenario_set"]["draws"] = rng.choice([1, 2, 5, 9])
    elif "factors" in on:
        cases = [
            *(0, "0.8", 1, "1.25", "0.333333"),
            {"data": "1.5", "weight": 2},
            {"data": "0.7", "voice": "1.1", "weight": "0.5"},
            {"sms": 3, "weight": "0.25"},
        ]
        found["scenario_set"] = {"kind": "factors", "factors": rng.sample(cases, rng.choice([1, 2, 3]))}
    return found


def bucket_instance(rng: random.Random, feature: str):
    """A random tiny instance that has the feature and pools which may buy buckets."""
    tables, scenario = instance(rng, feature)
    told = scenario.get("overage_probability")
    limited = told.get("kinds", KINDS) if told else ()
    for plan in tables["plans"]:  # overage that is free needs buckets only for a limit
        if "data" not in limited:
            plan |= {"data_overage_price": plan["data_overage_price"] or 3} if plan["pool_group"] else {}
        if "voice" not in limited:
            plan |= {"voice_overage_price": plan["voice_overage_price"] or 1} if plan["voice_pool_group"] else {}
    by_carrier: dict = {}
    for plan in tables["plans"]:
        by_carrier.setdefault(plan["carrier_id"], []).append(plan)
    for plans in by_carrier.values():
        if all(p["pool_group"] is None for p in plans) and rng.random() < 0.7:
            price, block = rng.choice([2, 5, "0.05"]), rng.choice([None, 10, 100])
            for plan in rng.sample(plans, rng.randint(1, len(plans))):
                plan |= {"pool_group": "g", "data_overage_price": price, "data_overage_block_mb": block}
                plan["data_mb"] = rng.choice([0, 0, 100])
    scenario["buckets"], scenario["bucket_steps"] = [], rng.choice(["one", "any"])
    groups = sorted(
        {
            (kind, p["carrier_id"], p[name])
            for p in tables["plans"]
            for kind, name in (("data", "pool_group"), ("voice", "voice_pool_group"))
            if p[name] is not None
        }
    )
    offered = rng.random() < 0.2 and any(p["offer_id"] for p in tables["plans"])
    for kind, carrier, group in groups:
        held: dict = {}
        for n in range(rng.choice([1, 1, 2, 3])):
            most = rng.choice([1, 1, 2])
            bucket = {
                "bucket_id": f"{carrier}{kind}{n}",
                "carrier_id": carrier,
                "pool_group": group,
                "kind": kind,
                "allowance": rng.choice([50, 100, "130.5", 300] if kind == "data" else [5, 20]),
                "mrc": rng.choice([0, 3, 8, "12.5", 30]),
                "max_per_pool": most,
                "offer_id": "off" if offered and rng.random() < 0.5 else None,
                "today": {},
            }
            name = "pool_group" if kind == "data" else "voice_pool_group"
            on = {p["plan_id"] for p in tables["plans"] if (p["carrier_id"], p[name]) == (carrier, group)}
            for account in sorted({s["account_id"] for s in tables["services"] if s["plan_id"] in on}):
                if rng.random() < 0.4 and (scenario["bucket_steps"] == "any" or not held.get(account)):
                    bucket["today"][account] = held[account] = rng.randint(1, most)
            scenario["buckets"].append(bucket)
    return tables, scenario


def limited_bucket_instance(rng: random.Random, feature: str):
    """A random tiny instance that has the feature, pools which may buy buckets and a limit on overage."""
    tables, scenario = bucket_instance(rng, feature)
    if "overage_probability" not in scenario:
        scenario["overage_probability"] = {"limit": rng.choice([0, "0.25", "0.34", "0.5", "0.67"])}
        if rng.random() < 0.3:
            scenario["overage_probability"]["kinds"] = [rng.choice(["data", "voice"])]
        limited = scenario["overage_probability"].get("kinds", KINDS)
        free = {p["carrier_id"] for p in tables["plans"] if rng.random() < 0.1}
        for plan in tables["plans"]:
            if plan["carrier_id"] in free:
                plan |= {"data_overage_price": None} if plan["pool_group"] and "data" in limited else {}
                plan |= {"voice_overage_price": None} if plan["voice_pool_group"] and "voice" in limited else {}
    return tables, scenario
