"""The books an audit reads: every frame loaded once, charges joined to the state of their service on their own day.

Frames keep canonical names; money, rates and quantities are whole millionths. A charge is dated by its period_start,
an invoice by its period_start (else its issue), so that the rows of a month never depend on later ones.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from audit.dating import PeriodFacts, ordinal, ordinals
from core import periods
from core.findings import severity_for
from core.inventory import FIRST_DAY, LAST_DAY, spans_of
from core.money import cent_unit
from core.queries.audit import long_calls
from core.store import Store

TABLES = (
    *("carriers", "accounts", "sites", "cost_centers", "employees", "employee_history", "contracts"),
    *("contract_tiers", "contract_rates", "plans", "items", "services", "service_history", "service_items"),
    *("devices", "orders", "invoices", "charges", "payments", "credits_promised", "tax_rules", "policy_exemptions"),
)
USAGE_COLUMNS = ("service_id", "month", "usage_type", "zone", "country", "quantity", "cost", "currency")
#: Categories of a charge that a service causes by existing or being used; tax, credits and one-off fees are not.
RUNNING = ("mrc", "usage", "occ", "surcharge", "third_party")
STATE = (
    *("kind", "device_kind", "purpose", "contract_id", "plan_id", "employee_id", "cost_center_id", "site_id"),
    *("status", "activated_on", "disconnected_on"),
)


def rows(frame: pd.DataFrame) -> Iterator[Any]:
    """The rows of a frame as named tuples of plain values, missing = None."""
    row = namedtuple("Row", list(frame.columns), rename=True)  # type: ignore[misc]
    columns = [frame[name].to_numpy(dtype=object, na_value=None) for name in frame.columns]
    return map(row._make, zip(*columns, strict=True))


def known(value: Any) -> bool:
    """Whether a cell holds something."""
    return value is not None and not pd.isna(value)


def looked_up(column: pd.Series[Any], table: Mapping[Any, Any]) -> pd.Series[Any]:
    """Each cell's entry in `table`, as text; missing where there is none, also if the whole column is."""
    return column.map(dict(table)).astype(pd.StringDtype(na_value=np.nan))


@dataclass
class Books:
    """Everything the rules read, up to `as_of`."""

    frames: dict[str, pd.DataFrame]
    usage: pd.DataFrame
    as_of: str
    months: list[str]
    calls: pd.DataFrame = field(default_factory=pd.DataFrame)
    units: pd.DataFrame = field(default_factory=pd.DataFrame)

    @classmethod
    def load(cls, store: Store, as_of: str | None = None) -> Books:
        """Read the store; `as_of` defaults to the last day of the last month with an invoice."""
        frames = store.frames(*TABLES)
        invoices = frames["invoices"]
        invoices["month"] = invoices["period_start"].fillna(invoices["issued_on"]).str[:7]
        found = list(invoices["month"].dropna().unique())
        today = as_of or (periods.month_end(max(found)) if found else LAST_DAY)
        last = today[:7]
        frames["invoices"] = invoices[(invoices["month"].fillna("") <= last)].reset_index(drop=True)
        usage = store.frame("usage", USAGE_COLUMNS, order=("service_id", "month"))
        usage = usage[usage["month"] <= last].reset_index(drop=True)
        usage["zone"] = usage["zone"].fillna("home")
        months = sorted({m for m in found if m <= last} | set(usage["month"].unique()))
        span = periods.months_between(months[0], min(last, months[-1])) if months else []
        units = store.frame("line_months", ("month", "currency", "total"), order=("month",))
        units = units[(units["total"] > 0) & units["currency"].notna()]
        return cls(frames, usage, today, span, long_calls(store), units)

    # dimensions

    def lookup(self, table: str, key: str) -> dict[str, Any]:
        """Rows of a dimension by key."""
        return {getattr(row, key): row for row in rows(self.frames[table])}

    @cached_property
    def accounts(self) -> dict[str, Any]:
        """Accounts by id."""
        return self.lookup("accounts", "account_id")

    @cached_property
    def contracts(self) -> dict[str, Any]:
        """Contracts by id."""
        return self.lookup("contracts", "contract_id")

    @cached_property
    def plans(self) -> dict[str, Any]:
        """Plans by id."""
        return self.lookup("plans", "plan_id")

    @cached_property
    def services(self) -> dict[str, Any]:
        """Services by id, with the newest state."""
        return self.lookup("services", "service_id")

    @cached_property
    def employees(self) -> dict[str, Any]:
        """Employees by id."""
        return self.lookup("employees", "employee_id")

    @cached_property
    def invoices(self) -> dict[str, Any]:
        """Invoices by id, with their month."""
        return self.lookup("invoices", "invoice_id")

    @cached_property
    def items(self) -> dict[tuple[str, str], Any]:
        """Items by (carrier, code)."""
        return {(row.carrier_id, row.item_code): row for row in rows(self.frames["items"])}

    @cached_property
    def plan_item(self) -> dict[str, str]:
        """The code a plan's MRC is billed as."""
        return {plan: (row.item_code or plan) for plan, row in self.plans.items()}

    @cached_property
    def left_on(self) -> dict[str, str]:
        """The day on which an employee left."""
        days = {e: row.left_on for e, row in self.employees.items() if row.left_on}
        history = self.frames["employee_history"]
        for row in rows(history[history["status"] == "left"].sort_values("valid_from")):
            days.setdefault(row.employee_id, row.valid_from)
        return days

    # services through time

    @cached_property
    def spans(self) -> pd.DataFrame:
        """Spans of constant state; see :func:`core.inventory.service_spans`."""
        return spans_of(self.frames["services"], self.frames["service_history"])

    def months_of_service(self, month: str) -> pd.DataFrame:
        """Services with the state that holds at the month's end, and whether they ran through all of it.

        Columns of the span plus `whole` (active on every day, by dates) and `steady` (status active on every day).
        """
        if month not in self._by_month:
            self._by_month[month] = self._states(month)
        return self._by_month[month]

    def idle_days(self, service_id: str | None, first: str, last: str | None) -> int:
        """Days of a period, both ends included, on which the service was suspended."""
        spans = self._idle.get(service_id or "", ())
        start, end = ordinal(first), ordinal(last or first) + 1
        return sum(max(0, min(end, ordinal(until)) - max(start, ordinal(since))) for since, until in spans)

    @cached_property
    def _idle(self) -> dict[str, list[tuple[str, str]]]:
        result: dict[str, list[tuple[str, str]]] = {}
        for span in rows(self.spans[self.spans["status"] == "suspended"]):
            result.setdefault(span.service_id, []).append((span.valid_from, span.valid_to))
        return result

    def steady_rows(self, month: str) -> dict[str, Any]:
        """The states of :meth:`months_of_service` that were active all month, by service, in order."""
        if month not in self._steady:
            states = self.months_of_service(month)
            self._steady[month] = {row.service_id: row for row in rows(states[states["steady"]].sort_index())}
        return self._steady[month]

    @cached_property
    def _steady(self) -> dict[str, dict[str, Any]]:
        return {}

    @cached_property
    def _by_month(self) -> dict[str, pd.DataFrame]:
        return {}

    def _states(self, month: str) -> pd.DataFrame:
        start, end = periods.month_start(month), periods.month_end(month)
        inside = self.spans[(self.spans["valid_from"] <= end) & (self.spans["valid_to"] > start)]
        # A service without history states only how it ended: until that day it was active.
        later = (inside["valid_from"] == FIRST_DAY) & (inside["disconnected_on"].fillna(FIRST_DAY) > end)
        inside = inside.assign(status=inside["status"].mask(later & (inside["status"] == "disconnected"), "active"))
        covered = inside.groupby("service_id")["valid_from"].min() <= start
        usual = inside["status"].fillna("active") == "active"
        steady = usual.groupby(inside["service_id"]).all()
        state = inside.drop_duplicates("service_id", keep="last").set_index("service_id", drop=False)
        state = state.rename_axis(None)
        begun = state["activated_on"].fillna(FIRST_DAY) <= start
        lasts = (state["disconnected_on"].fillna(LAST_DAY) > end) & (state["valid_to"] > end)
        state["whole"] = begun & lasts & covered.reindex(state.index) & (state["status"].fillna("") != "ordered")
        state["steady"] = steady.reindex(state.index) & state["whole"]
        return state

    # charges

    @cached_property
    def all_lines(self) -> pd.DataFrame:
        """Charges with invoice, account, contract and the state of their service on the day their period starts."""
        charges = self.frames["charges"].drop(columns=["batch_id", "attributes"])
        invoices = self.frames["invoices"]
        head = invoices[
            ["invoice_id", "account_id", "kind", "issued_on", "period_start", "period_end", "currency", "month"]
        ]
        head = head.rename(
            columns={"kind": "invoice_kind", "period_start": "i_start", "period_end": "i_end", "month": "i_month"}
        )
        lines = charges.merge(head, on="invoice_id", how="inner")
        owner = self.frames["accounts"][["account_id", "carrier_id", "currency"]].rename(
            columns={"currency": "a_currency"}
        )
        lines = lines.merge(owner, on="account_id", how="left")
        lines["currency"] = lines["currency"].fillna(lines.pop("a_currency"))
        lines["day"] = lines["period_start"].fillna(lines["i_start"]).fillna(lines["issued_on"])
        lines["until"] = lines["period_end"].fillna(lines["i_end"].where(lines["period_start"].isna()))
        lines["month"] = lines["day"].str[:7]
        lines = lines[lines["day"].notna() & (lines["month"] <= self.as_of[:7])].reset_index(drop=True)
        facts = PeriodFacts.of(lines["day"], lines["until"])
        lines["whole_months"], lines["days"], lines["month_days"] = facts.whole, facts.days, facts.month_days
        lines = self._with_state(lines)
        lines["nature"] = self._natures(lines)
        keys = self._account_contract.reindex(lines["account_id"]).to_numpy()
        alone = lines["service_id"].isna()
        lines["terms_id"] = lines["contract_id"].where(
            ~alone & lines["contract_id"].notna(), pd.Series(keys, lines.index)
        )
        lines["proration"] = looked_up(
            lines["contract_id"], {c: row.proration or "actual_days" for c, row in self.contracts.items()}
        )
        return lines

    def _natures(self, lines: pd.DataFrame) -> pd.Series[Any]:
        items = self.frames["items"][["carrier_id", "item_code", "nature"]]
        return lines[["carrier_id", "item_code"]].merge(items, on=["carrier_id", "item_code"], how="left")["nature"]

    def _with_state(self, lines: pd.DataFrame) -> pd.DataFrame:
        spans = self.spans.copy()
        spans["at"] = ordinals(spans["valid_from"])
        columns = ["service_id", "at", "valid_from", "account_id", "number", "carrier_id", *STATE]
        named = {"account_id": "s_account", "number": "s_number", "carrier_id": "s_carrier"}
        state = spans[columns].rename(columns=named).sort_values("at", kind="stable")
        mine = lines[lines["service_id"].notna()].copy()
        mine["at"] = ordinals(mine["day"])
        mine = mine.sort_values("at", kind="stable")
        first = state.drop_duplicates("service_id")
        begins = mine["service_id"].map(first.set_index("service_id")["at"]).fillna(0).astype("int64")
        mine["at"] = np.maximum(mine["at"].to_numpy(), begins.to_numpy())
        mine = mine.sort_values("at", kind="stable")
        joined = pd.merge_asof(mine, state, on="at", by="service_id")
        result = pd.concat([joined, lines[lines["service_id"].isna()]], ignore_index=True)
        result["carrier_id"] = result["carrier_id"].fillna(result["s_carrier"])
        return result.drop(columns="at").sort_values("charge_id", ignore_index=True)

    def contracts_of(self, account_id: str | None) -> list[Any]:
        """The contracts that the services of an account are under, at any time."""
        mine = self.spans.loc[self.spans["account_id"] == account_id, "contract_id"].dropna().unique()
        return [self.contracts[key] for key in sorted(mine) if key in self.contracts]

    @cached_property
    def _account_contract(self) -> pd.Series[Any]:
        """The contract of an account: that of its services where they agree, else the carrier's only one."""
        pairs = self.spans[["account_id", "contract_id"]].dropna().drop_duplicates()
        counts = pairs.groupby("account_id")["contract_id"].agg(["first", "nunique"])
        result = dict(counts.loc[counts["nunique"] == 1, "first"])
        own: dict[str, list[str]] = {}
        for contract, row in self.contracts.items():
            own.setdefault(row.carrier_id, []).append(contract)
        for account, row in self.accounts.items():
            if account not in result and len(own.get(row.carrier_id, ())) == 1:
                result[account] = own[row.carrier_id][0]
        return pd.Series(result, dtype=object)

    @cached_property
    def duplicate_invoices(self) -> dict[str, str]:
        """Invoices that bill again what another one billed: later invoice -> the first one."""
        from audit.duplicates import repeated_invoices

        return repeated_invoices(self.frames["invoices"], self.all_lines)

    @cached_property
    def lines(self) -> pd.DataFrame:
        """:attr:`all_lines` without those of duplicate invoices, which should not exist as a whole."""
        everything = self.all_lines
        return everything[~everything["invoice_id"].isin(self.duplicate_invoices)].reset_index(drop=True)

    @cached_property
    def charge_amounts(self) -> dict[str, int]:
        """The amount of every charge."""
        return dict(zip(self.all_lines["charge_id"], self.all_lines["amount"].astype(int), strict=True))

    @cached_property
    def credited(self) -> dict[str, int]:
        """For each charge, the credits that name it and are dated no later than its own month (negative)."""
        lines = self.all_lines
        credits = lines[(lines["amount"] < 0) & lines["related_charge_id"].notna()]
        month = dict(zip(lines["charge_id"], lines["month"], strict=True))
        result: dict[str, int] = {}
        for charge, when, amount in zip(credits["related_charge_id"], credits["month"], credits["amount"], strict=True):
            if when <= month.get(charge, ""):
                result[charge] = result.get(charge, 0) + int(amount)
        return result

    # usage

    @cached_property
    def used(self) -> set[tuple[str, str]]:
        """(service, month) with any use: a usage quantity or a billed usage charge."""
        some = self.usage[self.usage["quantity"] > 0]
        billed = self.lines[
            (self.lines["category"] == "usage") & (self.lines["amount"] > 0) & self.lines["service_id"].notna()
        ]
        return set(zip(some["service_id"], some["month"], strict=True)) | set(
            zip(billed["service_id"], billed["month"], strict=True)
        )

    @cached_property
    def metered(self) -> set[tuple[str, str]]:
        """(carrier, month) for which any usage row exists: only there does absence mean zero."""
        carrier = looked_up(self.usage["service_id"], {s: row.carrier_id for s, row in self.services.items()})
        pairs = pd.DataFrame({"carrier": carrier, "month": self.usage["month"]}).dropna().drop_duplicates()
        return set(pairs.itertuples(index=False, name=None))

    @cached_property
    def mrc_lines(self) -> dict[tuple[str, str], list[Any]]:
        """Positive recurring charges by (service, month)."""
        lines = self.lines
        chosen = lines[(lines["category"] == "mrc") & (lines["amount"] > 0) & lines["service_id"].notna()]
        result: dict[tuple[str, str], list[Any]] = {}
        for row in rows(chosen[["charge_id", "invoice_id", "service_id", "month", "amount", "item_code", "currency"]]):
            result.setdefault((row.service_id, row.month), []).append(row)
        return result

    # people's words and money's scale

    def exempt(self, rule: str, month: str, service_id: str | None) -> bool:
        """Whether a recorded exemption covers the service in some day of the month."""
        table = self.frames["policy_exemptions"]
        if table.empty or service_id is None:
            return False
        service = self.services.get(service_id)
        if service is None:
            return False
        employee = self.employees.get(service.employee_id)
        scope = {
            "service": service_id,
            "employee": service.employee_id,
            "cost_center": service.cost_center_id,
            "account": service.account_id,
            "plan": service.plan_id,
            "role": employee.role if employee else None,
        }
        for row in self._exemptions:
            dated = (row.effective_from or FIRST_DAY)[:7] <= month <= (row.effective_to or LAST_DAY)[:7]
            if row.rule in ("*", rule) and dated and scope.get(row.scope_type) == row.scope_id:
                return True
        return False

    @cached_property
    def _exemptions(self) -> list[Any]:
        return list(rows(self.frames["policy_exemptions"]))

    def severity(self, amount: int, currency: str | None, month: str, *, excused: bool) -> str:
        """Severity in fleet units of what was billed up to that month."""
        return severity_for(amount, self._unit(currency or "", month), excused=excused)

    def _unit(self, currency: str, month: str) -> int | None:
        key = (currency, month)
        if key not in self._unit_cache:
            known_until = self.units[(self.units["month"] <= month) & (self.units["currency"] == currency)]["total"]
            totals = np.sort(known_until.to_numpy(dtype="int64"))
            self._unit_cache[key] = int(totals[len(totals) // 2]) if len(totals) else None
        return self._unit_cache[key]

    @cached_property
    def _unit_cache(self) -> dict[tuple[str, str], int | None]:
        return {}

    def cents(self, currency: str | None) -> int:
        """The rounding unit of an invoice line."""
        return cent_unit(currency)


__all__ = ["RUNNING", "Books", "known", "ordinal", "rows"]
