"""Allocation of a month's invoices to cost centers by rules, to the cent, with the journal that books it.

The first rule that matches a charge deals it out; what no rule can place goes to the fallback. The parts of a charge
add up to it, the parts of all charges to the invoices. Money is in micros inside, decimal text in documents.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import pandas as pd

from audit.allocation_rules import Rule, Rules, parse_rules
from audit.shares import marginal, shapley, split
from core import periods, trail
from core.contract_register import plain
from core.inventory import spans_of
from core.issues import BadInput, Issue
from core.money import cent_unit, to_text
from core.queries import workflow
from core.store import Store, now

#: The parts of an allocation that are tables, with the columns of their files.
COLUMNS = {
    "lines": ["charge_id", "invoice_id", "rule_id", "cost_center_id", "amount", "currency"],
    "by_cost_center": ["cost_center_id", "currency", "amount"],
    "journal": ["invoice_id", "currency", "gl_account", "cost_center_id", "debit", "credit"],
}

Weights = Mapping[str, int | Fraction]


def allocate(
    store: Store, rules: Rules | Mapping[str, Any], month: str, *, close: bool = False, actor: str | None = None
) -> dict[str, Any]:
    """The document of `tem allocate` for the invoices whose period_start lies in `month`.

    `rules` are read rules or the document of a rules file. With `close` the document is kept, and the month gives it
    again from then on, whatever is loaded later.

    Raises:
        BadInput: if the rules are wrong, the month is closed under other rules, or has no invoice.
    """
    rules = rules if isinstance(rules, Rules) else parse_rules(dict(rules), store)
    kept = store.frame("closed_allocations")
    kept = kept[kept["month"] == month]
    if len(kept):
        if kept.iloc[0]["rules_sha256"] != rules.sha256:
            known = kept.iloc[0]["rules_sha256"][:12]
            why = f"{month} is closed under other rules ({known}, these are {rules.sha256[:12]})"
            raise BadInput(Issue(field="--month", message=why))
        closed: dict[str, Any] = json.loads(kept.iloc[0]["document"])
        return closed
    document = _Month(store, rules, month).document()
    if close:
        document["status"] = "closed"
        with store.transaction() as txn:
            row = {"month": month, "rules_sha256": rules.sha256, "document": json.dumps(document), "closed_at": now()}
            txn.append("closed_allocations", [row])
            trail.record(txn, "allocation.close", month, {"rules_sha256": rules.sha256}, actor=actor)
    return document


class _Month:
    """One month's charges, who had which service on which day, and what each rule weighs."""

    def __init__(self, store: Store, rules: Rules, month: str) -> None:
        self.store, self.rules, self.month = store, rules, month
        frames = store.frames("services", "service_history", "employees", "employee_history", "cost_centers", "plans")
        self.invoices = workflow.invoices_of_month(store, month)
        if self.invoices.empty:
            raise BadInput(Issue(field="--month", found=month, message="no invoice has its period_start in this month"))
        self.charges = _records(workflow.charges_of_month(store, month))
        self.kinds = {row["service_id"]: row["kind"] for row in _records(frames["services"])}
        self.spans: dict[str, list[dict[str, Any]]] = {}
        for row in _records(spans_of(frames["services"], frames["service_history"])):
            self.spans.setdefault(row["service_id"], []).append(row)
        self.people = {row["employee_id"]: row for row in _records(frames["employees"])}
        self.moves: dict[str, list[dict[str, Any]]] = {}
        for row in _records(frames["employee_history"].sort_values(["employee_id", "valid_from"])):
            self.moves.setdefault(row["employee_id"], []).append(row)
        self.gl = {row["cost_center_id"]: row["gl_account"] for row in _records(frames["cost_centers"])}
        self.pools = {row["plan_id"]: row for row in _records(frames["plans"])}
        self._usage: list[dict[str, Any]] | None = None
        self._known: dict[tuple[Any, ...], Weights] = {}

    # --- who ---------------------------------------------------------------------------------------------------------

    def state(self, service_id: str | None, day: str) -> dict[str, Any] | None:
        """The service's state on a day; None for no service or an unknown one."""
        spans = self.spans.get(service_id or "", [])
        return next((span for span in spans if span["valid_from"] <= day < span["valid_to"]), None)

    def home(self, employee_id: str | None, day: str) -> str | None:
        """The cost center of an employee on a day."""
        if employee_id is None:
            return None
        moved = [row for row in self.moves.get(employee_id, []) if row["valid_from"] <= day]
        if moved:
            return plain(moved[-1]["cost_center_id"])
        return self.people.get(employee_id, {}).get("cost_center_id")

    def direct(self, service_id: str | None, day: str) -> str | None:
        """The service's cost center on a day, else its employee's."""
        state = self.state(service_id, day)
        if state is None:
            return None
        return state["cost_center_id"] or self.home(state["employee_id"], day)

    def employed(self, row: dict[str, Any], day: str) -> bool:
        """Whether an employee is active (neither gone nor on leave) on a day."""
        moved = [m for m in self.moves.get(row["employee_id"], []) if m["valid_from"] <= day and m["status"]]
        if moved:
            return bool(moved[-1]["status"] == "active")
        if row["left_on"] is not None:
            return bool(row["left_on"] >= day)
        if row["status"] == "left":
            return False
        if row["leave_from"] is not None:
            return not (row["leave_from"] <= day and (row["leave_to"] is None or day <= row["leave_to"]))
        return row["status"] != "leave"

    # --- weights -----------------------------------------------------------------------------------------------------

    def weights(self, rule: Rule, charge: dict[str, Any]) -> Weights:
        """What each cost center weighs in a charge under a rule; empty or all zero = the fallback takes it."""
        if rule.method == "direct":
            center = self.direct(charge["service_id"], charge["day"])
            return {} if center is None else {center: 1}
        if rule.method == "fixed":
            return rule.shares
        key: tuple[Any, ...] = (rule.rule_id, charge["account_id"], charge["day"])
        if rule.method == "headcount":
            key = (rule.rule_id,)
        if key not in self._known:
            makers: dict[str, Callable[[Rule, dict[str, Any]], Weights]] = {
                "headcount": self._headcount,
                "usage": self._used,
                "pool": self._pool,
            }
            self._known[key] = makers[rule.method](rule, charge)
        return self._known[key]

    def _headcount(self, rule: Rule, charge: dict[str, Any]) -> Weights:
        day = periods.month_end(self.month)
        result: dict[str, int] = {}
        for key, row in self.people.items():
            center = self.home(key, day)
            if center is not None and self.employed(row, day):
                result[center] = result.get(center, 0) + 1
        return result

    def quantities(self, rule: Rule, members: set[str]) -> dict[str, int]:
        """Quantity used in the month by each of some services."""
        if self._usage is None:
            frame = workflow.month_usage(self.store, self.month)
            self._usage = _records(frame)
        result: dict[str, int] = {}
        for row in self._usage:
            fits = rule.usage_type is None or row["usage_type"] == rule.usage_type
            if fits and (rule.zones is None or row["zone"] in rule.zones) and row["service_id"] in members:
                result[row["service_id"]] = result.get(row["service_id"], 0) + int(row["quantity"])
        return result

    def members(self, charge: dict[str, Any], pool_group: str | None = None) -> dict[str, str | None]:
        """The services of a charge's account on its day (of one pool), each with its direct cost center."""
        result = {}
        for key in self.spans:
            state = self.state(key, charge["day"])
            if state is None or state["account_id"] != charge["account_id"]:
                continue
            plan = self.pools.get(state["plan_id"], {})
            if pool_group is None or pool_group in (plan.get("pool_group"), plan.get("voice_pool_group")):
                result[key] = self.direct(key, charge["day"])
        return result

    def _centers(self, values: Mapping[str, int], members: Mapping[str, str | None]) -> dict[str, int]:
        result: dict[str, int] = {}
        for service, value in values.items():
            center = members[service] or self.rules.fallback
            result[center] = result.get(center, 0) + value
        return result

    def _used(self, rule: Rule, charge: dict[str, Any]) -> Weights:
        members = self.members(charge)
        return self._centers(self.quantities(rule, set(members)), members)

    def _pool(self, rule: Rule, charge: dict[str, Any]) -> Weights:
        members = self.members(charge, rule.pool_group)
        used = self.quantities(rule, set(members))
        if rule.pool_method == "proportional":
            return self._centers(used, members)
        if rule.pool_method == "lines":
            return self._centers(dict.fromkeys(members, 1), members)
        column = {"data": "data_mb", "voice": "voice_min", "sms": "sms"}[rule.usage_type or "data"]
        allowed = {}
        for service in members:
            state = self.state(service, charge["day"]) or {}
            allowed[service] = int(self.pools.get(state.get("plan_id"), {}).get(column) or 0)
        need, have = self._centers(used, members), self._centers(allowed, members)

        def cost(group: frozenset[str]) -> int:
            return max(0, sum(need.get(c, 0) for c in group) - sum(have.get(c, 0) for c in group))

        parties = sorted(set(need) | set(have))
        weigh: Weights = marginal(parties, cost) if rule.pool_method == "marginal" else shapley(parties, cost)
        return weigh if any(weigh.values()) else self._centers(used, members)

    # --- the document ------------------------------------------------------------------------------------------------

    def rule_for(self, charge: dict[str, Any]) -> Rule | None:
        """The first rule that matches a charge."""
        kind = self.kinds.get(charge["service_id"]) if charge["service_id"] else None
        facts = {
            "categories": charge["category"],
            "carriers": charge["carrier_id"],
            "accounts": charge["account_id"],
            "kinds": kind,
            "item_codes": charge["item_code"],
            "services": charge["service_id"],
            "has_service": charge["service_id"] is not None,
            "currencies": charge["currency"],
        }
        for rule in self.rules.rules:
            if all(
                facts[key] == wanted if key == "has_service" else facts[key] in wanted
                for key, wanted in rule.match.items()
            ):
                return rule
        return None

    def document(self) -> dict[str, Any]:
        """Everything `tem allocate` prints."""
        lines: list[dict[str, Any]] = []
        for charge in self.charges:
            rule = self.rule_for(charge)
            weights = self.weights(rule, charge) if rule else {}
            if not any(weights.values()):
                weights = {self.rules.fallback: 1}
            parts = split(charge["amount"], weights, cent_unit(charge["currency"]))
            shown = {key: part for key, part in parts.items() if part} or {min(parts): 0}
            lines += [
                {
                    "charge_id": charge["charge_id"],
                    "invoice_id": charge["invoice_id"],
                    "rule_id": None if rule is None else rule.rule_id,
                    "cost_center_id": center,
                    "amount": part,
                    "currency": charge["currency"],
                }
                for center, part in sorted(shown.items())
            ]
        centers: dict[tuple[str, str], int] = {}
        for line in lines:
            key = (line["cost_center_id"], line["currency"] or "")
            centers[key] = centers.get(key, 0) + line["amount"]
        return {
            "month": self.month,
            "status": "open",
            "rules_sha256": self.rules.sha256,
            "currencies": self._currencies(lines),
            "lines": [{**line, "amount": to_text(line["amount"])} for line in lines],
            "by_cost_center": [
                {"cost_center_id": center, "currency": code or None, "amount": to_text(amount)}
                for (center, code), amount in sorted(centers.items())
            ],
            "journal": self._journal(lines),
        }

    def _currencies(self, lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Per currency: invoiced = allocated + unallocated, the part of an invoice that no charge explains."""
        result = []
        invoiced: dict[str, int] = {}
        for row in _records(self.invoices):
            invoiced[row["currency"] or ""] = invoiced.get(row["currency"] or "", 0) + row["total"]
        allocated: dict[str, int] = {}
        fallback: dict[str, int] = {}
        charged: dict[str, int] = {}
        for line in lines:
            code = line["currency"] or ""
            allocated[code] = allocated.get(code, 0) + line["amount"]
            if line["cost_center_id"] == self.rules.fallback:
                fallback[code] = fallback.get(code, 0) + line["amount"]
        for charge in self.charges:
            charged[charge["currency"] or ""] = charged.get(charge["currency"] or "", 0) + charge["amount"]
        for code in sorted(invoiced):
            given = allocated.get(code, 0)
            unallocated = invoiced[code] - charged.get(code, 0)
            difference = invoiced[code] - given - unallocated
            result.append(
                {
                    "currency": code or None,
                    "invoiced": to_text(invoiced[code]),
                    "allocated": to_text(given),
                    "unallocated": to_text(unallocated),
                    "difference": 0 if difference == 0 else to_text(difference),
                    "fallback": to_text(fallback.get(code, 0)),
                }
            )
        return result

    def _journal(self, lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Per invoice: a line for each cost center on its GL account, and the carrier's payable against them."""
        booked: dict[tuple[str, str], dict[str, int]] = {}
        for line in lines:
            centers = booked.setdefault((line["invoice_id"], line["currency"] or ""), {})
            centers[line["cost_center_id"]] = centers.get(line["cost_center_id"], 0) + line["amount"]
        result = []
        for (invoice, code), centers in sorted(booked.items()):
            rows: list[tuple[str | None, str | None, int]] = [
                (self.gl.get(center) or self.rules.expense_account, center, amount)
                for center, amount in sorted(centers.items())
                if amount
            ]
            rows.append((self.rules.payable_account, None, -sum(centers.values())))
            result += [
                {
                    "invoice_id": invoice,
                    "currency": code or None,
                    "gl_account": account,
                    "cost_center_id": center,
                    "debit": to_text(max(amount, 0)),
                    "credit": to_text(max(-amount, 0)),
                }
                for account, center, amount in rows
            ]
        return result


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(k): plain(v) for k, v in row.items()} for row in frame.to_dict("records")]
