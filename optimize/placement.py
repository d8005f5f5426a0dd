"""Where each line ends up on each plan: carrier, account, contract; and what getting there costs once.

The evaluator's own reading of accounts and contracts (interfaces.md section 4, items 9, 19 and 22).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from copy import copy
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from optimize.priced import MICRO, Assignment
from optimize.pulls import Numbers
from optimize.raw_lines import records
from optimize.scenario import Scenario

#: Keys of the scenario on which what :meth:`Placement._number` works out depends.
_NUMBERED = ("target_accounts", "joining_fee", "overlap_months")


class Placement:
    """Lines, plans, carriers, accounts and contracts by number, and where lines are with given plans.

    `lines`: the rows of the services table by service_id, `plans`: those of the plans table by plan_id, both in the
    order of their numbers; `in_force`: the contracts that hold in `months`, `with_terms`: those of them whose spend
    costs anything but itself; `tiers`: start, rate and mode by contract.
    """

    def __init__(
        self,
        frames: Mapping[str, pd.DataFrame],
        scenario: Scenario,
        months: list[str],
        currency: str,
        lines: Mapping[str, Mapping[str, Any]],
        plans: Mapping[str, Mapping[str, Any]],
    ) -> None:
        self.scenario, self.months, self.currency = scenario, months, currency
        self.lines, self.plans = lines, plans
        self._accounts: dict[str, str] = {}
        for row in records(frames, "accounts"):
            carrier, account = row.get("carrier_id"), row["account_id"]
            if carrier is not None and account < self._accounts.get(carrier, "\U0010ffff"):
                self._accounts[carrier] = account
        self._read_contracts(frames)
        self._number()

    def under(
        self,
        scenario: Scenario,
        frames: Mapping[str, pd.DataFrame],
        changed: set[str],
        plans: Mapping[str, Mapping[str, Any]],
    ) -> Placement:
        """The same lines under another scenario and plans; `changed` names the tables to be read again."""
        found = copy(self)
        found.scenario, found.plans = scenario, plans
        if changed & {"contracts", "contract_tiers"}:
            found._read_contracts(frames)
        if changed or any(getattr(scenario, name) != getattr(self.scenario, name) for name in _NUMBERED):
            found._number()
        return found

    # ---- reading ---------------------------------------------------------------------------------------------------

    def _read_contracts(self, frames: Mapping[str, pd.DataFrame]) -> None:
        self.contracts = {row["contract_id"]: row for row in records(frames, "contracts")}
        self.tiers: dict[str, list[tuple[int, int, str]]] = defaultdict(list)
        for row in records(frames, "contract_tiers"):
            mode = row.get("mode") or "all_units"
            self.tiers[row["contract_id"]].append((row["spend_from"], row["discount_rate"], mode))
        self.in_force = sorted(c for c, row in self.contracts.items() if self._holds(row))
        self.with_terms = {c for c in self.in_force if self.tiers[c] or self.contracts[c].get("commitment_amount")}
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
        """Numbers for plans, carriers, accounts and contracts, and what each line has today."""
        rows, plans = list(self.lines.values()), list(self.plans.values())
        self.ids = list(self.lines)
        self.plan_ids = list(self.plans)
        self.plan_number = {plan_id: n for n, plan_id in enumerate(self.plan_ids)}
        self._number_of: dict[str | None, int] = {plan_id: n for n, plan_id in enumerate(self.plan_ids)}
        self._number_of[None] = -1
        self.carriers = sorted({plan["carrier_id"] for plan in plans if plan["carrier_id"] is not None})
        carrier = {name: n for n, name in enumerate(self.carriers)}
        self.carrier_of = np.array([carrier.get(plan["carrier_id"], -1) for plan in plans], dtype=np.int64)
        self.today = np.array([self.plan_number[row["plan_id"]] for row in rows], dtype=np.int64)
        own = [self._home_of(row, self.plans[row["plan_id"]]["carrier_id"]) for row in rows]
        new = [self._new_home(name) for name in self.carriers]
        self.account_ids = sorted({account for account, _ in [*own, *new]})
        self.contract_ids = sorted({contract for _, contract in [*own, *new] if contract is not None})
        account = {name: n for n, name in enumerate(self.account_ids)}
        contract: dict[str | None, int] = {name: n for n, name in enumerate(self.contract_ids)}
        contract[None] = -1
        self._own_account = np.array([account[a] for a, _ in own], dtype=np.int64)
        self._own_contract = np.array([contract[c] for _, c in own], dtype=np.int64)
        self._new_account = np.array([account[a] for a, _ in new], dtype=np.int64)
        self._new_contract = np.array([contract[c] for _, c in new], dtype=np.int64)
        self._exit_fees = np.array([self._exit_fee(row) for row in rows], dtype=object)
        self._joining = np.array([self.scenario.joining_fee.get(c, 0) * MICRO for c in self.carriers], dtype=object)

    # ---- where a line ends up --------------------------------------------------------------------------------------

    def chosen(self, assignment: Assignment | None) -> Numbers:
        """The number of each line's plan, -1 = suspended, in the order of `lines`."""
        if assignment and list(assignment) == self.ids:
            return np.fromiter(map(self._number_of.__getitem__, assignment.values()), np.int64, len(self.ids))
        found = self.today.copy()
        for service_id, plan_id in (assignment or {}).items():
            line = self.lines.get(service_id)
            if line is not None:
                found[line["n"]] = -1 if plan_id is None else self.plan_number[plan_id]
        return found

    def numbered(self, assignment: Assignment) -> tuple[Numbers, Numbers]:
        """The numbers of the services that are named, and of their plans (-1 = suspended)."""
        rows = np.array([self.lines[s]["n"] for s in assignment], dtype=np.int64)
        return rows, np.array([self._number_of[p] for p in assignment.values()], dtype=np.int64)

    def by_plan(self, chosen: Numbers) -> Iterator[tuple[int, Numbers]]:
        """Each plan that occurs in `chosen` with the places in it."""
        order = np.argsort(chosen.astype(np.int16) if len(self.plan_ids) < 2**15 else chosen, kind="stable")
        found, first = np.unique(chosen[order], return_index=True)
        for n, p in enumerate(found.tolist()):
            yield p, order[first[n] : first[n + 1] if n + 1 < len(first) else None]

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

    def homes(self, chosen: Numbers, rows: Numbers | slice = slice(None)) -> tuple[Numbers, Numbers, NDArray[np.bool_]]:
        """Account and contract (-1 = none) of lines on plans, and whether they stay with their carrier."""
        carrier = self.carrier_of[chosen]
        stays = (chosen < 0) | (carrier == self.carrier_of[self.today[rows]])
        account = np.where(stays, self._own_account[rows], self._new_account[carrier])
        return account, np.where(stays, self._own_contract[rows], self._new_contract[carrier]), stays

    def contract_of(self, plan_ids: Assignment) -> dict[str, str | None]:
        """The contract of each named service on its plan, None = none; suspended ones are left out."""
        return {s: contract for s, (_, contract) in self.homes_of(plan_ids).items()}

    def homes_of(self, plan_ids: Assignment) -> dict[str, tuple[str, str | None]]:
        """Account and contract (None = none) of each named service on its plan; suspended ones are left out."""
        wanted = {s: p for s, p in plan_ids.items() if p is not None}
        rows, chosen = self.numbered(wanted)
        account, contract, _ = self.homes(chosen, rows)
        names = [*self.contract_ids, None]
        homes = ((self.account_ids[a], names[c]) for a, c in zip(account.tolist(), contract.tolist(), strict=True))
        return dict(zip(wanted, homes, strict=True))

    def one_off(self, assignment: Assignment) -> dict[str, int]:
        """One-off fees of each named service's change, picos."""
        rows, chosen = self.numbered(assignment)
        _, _, stays = self.homes(chosen, rows)
        change, port = self.scenario.change_fee * MICRO, self.scenario.porting_fee * MICRO
        same = (chosen == self.today[rows]).tolist()
        fees = self.moving_fees(chosen, rows).tolist()
        return {
            s: 0 if same[n] else (change if stay else port + fees[n])
            for n, (s, stay) in enumerate(zip(assignment, stays.tolist(), strict=True))
        }

    def moving_fees(self, chosen: Numbers, rows: Numbers) -> NDArray[Any]:
        """What lines that move to the carrier of a plan pay once beside the porting fee, picos."""
        return self._exit_fees[rows] + self._joining[self.carrier_of[chosen]]

    def _exit_fee(self, line: Mapping[str, Any]) -> int:
        """What leaving the carrier costs a line, picos: early termination, and the months in which both are paid."""
        now = self.plans[line["plan_id"]]
        both = self.scenario.overlap_months * int(now["mrc"]) * MICRO
        contract_id = line.get("contract_id") or self._default_contract.get(now["carrier_id"])
        contract = self.contracts.get(contract_id or "")
        if contract is None or line.get("term_end_on") is None:
            return both
        left = max(0, _month_number(line["term_end_on"][:7]) - _month_number(self.months[-1]))
        amount = contract.get("etf_amount")
        if contract.get("etf_rule") == "fixed" and left > 0:
            return both + int(amount or 0) * MICRO
        if contract.get("etf_rule") == "months_left_mrc":
            return both + left * int(now["mrc"]) * int(MICRO if amount is None else amount)
        return both


def _month_number(month: str) -> int:
    return int(month[:4]) * 12 + int(month[5:7])
