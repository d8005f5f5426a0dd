"""The lines of a store and their state in every month, as arrays of shape (services, months).

Everything is point in time: the state of a month depends on facts dated up to its end. The state is the one at the
month's end (`service_history`, and `services` where no history row covers the month).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core import inventory, periods
from core.money import SCALE
from core.queries import anomaly as queries
from core.queries import details
from core.store import Store

#: Kinds of service that make a line-month (`interfaces.md` section 5).
LINE_KINDS = ("mobile", "iot", "fixed_voice", "sip_trunk")
#: More than this in a month cannot be one line's use: minutes in a month, and 100 TB in MB.
MOST_MINUTES, MOST_MB = 31 * 24 * 60.0, 100e6
BOOL = NDArray[np.bool_]
REAL = NDArray[np.float64]
CODES = NDArray[np.int32]
TABLES = (
    *("services", "service_history", "accounts", "plans", "employees", "employee_history", "items", "service_items"),
    *("travel", "policy_exemptions", "orders", "contract_rates"),
)
_USE_TYPES = {"MB": "data", "GB": "data", "KB": "data", "min": "voice", "s": "voice", "msg": "sms"}


@dataclass(frozen=True)
class Coded:
    """A text attribute of every line and month: `codes` index into `values`, -1 = unknown."""

    codes: CODES
    values: NDArray[np.object_]

    def isin(self, wanted: set[str]) -> BOOL:
        """Where the value is one of `wanted`; unknown is not."""
        known = np.array([value in wanted for value in self.values] + [False], dtype=bool)
        return known[self.codes]

    def text(self, service: int, month: int) -> str | None:
        """The value of one line and month."""
        code = int(self.codes[service, month])
        return None if code < 0 else str(self.values[code])

    def lookup(self, table: dict[str, float], default: float) -> REAL:
        """A number for every line and month by its value."""
        known = np.array([table.get(str(value), default) for value in self.values] + [default], dtype=float)
        return known[self.codes]


@dataclass(frozen=True)
class Estate:
    """Lines (sorted by id), months in order, and what held when; arrays have shape (services, months)."""

    services: pd.DataFrame
    months: list[str]
    active: BOOL
    whole: BOOL
    whole_before: BOOL
    suspended: BOOL
    is_line: BOOL
    state: dict[str, Coded]
    spans: pd.DataFrame
    use: pd.DataFrame
    billed: pd.DataFrame
    tables: dict[str, pd.DataFrame]
    carrier_reported: BOOL
    events: pd.DataFrame = field(default_factory=pd.DataFrame)
    sims: pd.DataFrame = field(default_factory=pd.DataFrame)
    known_devices: pd.DataFrame = field(default_factory=pd.DataFrame)
    cards: pd.DataFrame = field(default_factory=pd.DataFrame)
    details: Mapping[str, Callable[[], pd.DataFrame]] = field(default_factory=dict)

    def detail(self, name: str) -> pd.DataFrame:
        """Rows that only some rules need (`details` reads them when asked); empty where there is no such source."""
        reader = self.details.get(name)
        return pd.DataFrame() if reader is None else reader()

    @cached_property
    def ids(self) -> NDArray[np.object_]:
        """The service ids, in order."""
        return self.services["service_id"].to_numpy(dtype=object)

    @property
    def shape(self) -> tuple[int, int]:
        """(services, months)."""
        return len(self.services), len(self.months)

    @property
    def scored(self) -> BOOL:
        """The line-months: a line's months from activation to disconnection, with or without usage."""
        return self.active & self.is_line[:, None]

    def rows_of(self, frame: pd.DataFrame) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Service and month indices of a frame's rows; -1 = neither known."""
        service = self.line_index.get_indexer(pd.Index(frame["service_id"]))
        month = self._month_index.get_indexer(pd.Index(frame["month"]))
        return service, month

    @cached_property
    def line_index(self) -> pd.Index[Any]:
        """The service ids, to look lines up in."""
        return pd.Index(self.services["service_id"])

    @cached_property
    def _month_index(self) -> pd.Index[Any]:
        return pd.Index(self.months)

    @cached_property
    def impossible(self) -> BOOL:
        """Where the recorded use is more than one mobile or IoT line can have, or below zero: a problem of the data."""
        use = self.use
        single = self.services["kind"].isin(["mobile", "iot"]).to_numpy(dtype=bool)[:, None]
        voice = self.sums(use[use["usage_type"] == "voice"], "quantity") / SCALE
        data = self.sums(use[use["usage_type"] == "data"], "quantity") / SCALE
        below = self.sums(use[(use["quantity"] < 0) | (use["cost"] < 0)].assign(one=1), "one")
        return ((voice > MOST_MINUTES) & single) | (data > MOST_MB) | (below > 0)

    def sums(self, frame: pd.DataFrame, column: str) -> REAL:
        """Column sums by service and month."""
        service, month = self.rows_of(frame)
        known = (service >= 0) & (month >= 0)
        count, width = self.shape
        flat = np.bincount(
            service[known] * width + month[known],
            weights=frame[column].to_numpy(dtype=float)[known],
            minlength=count * width,
        )
        return np.asarray(flat.reshape(count, width), dtype=np.float64)


def data_months(use: pd.DataFrame, billed: pd.DataFrame) -> list[str]:
    """From the first month of usage or charges to the last month of usage, rated or charged (else of any charge)."""
    used = use["month"].dropna()
    charged = billed["month"].dropna()
    variable = billed.loc[billed["category"] == "usage", "month"].dropna()
    starts = [months.min() for months in (used, charged) if len(months)]
    if not starts:
        return []
    ends = [months.max() for months in (used, variable) if len(months)] or [charged.max()]
    return periods.months_between(str(min(starts)), str(max(ends)))


def read(store: Store, *, until: str | None = None) -> Estate:
    """Read everything the rules and the model need; `until` adds months that have no usage or charges yet."""
    tables = store.frames(*TABLES)
    use, billed = queries.usage_by_line(store), queries.charges_by_line(store)
    events, sims = queries.events_by_line(store), queries.sims_by_line(store)
    known, cards = queries.known_devices(store), queries.cards_by_line(store)
    estate = build(tables, use, billed, events, sims, known, until, cards=cards)
    return replace(estate, details=details.readers(store))


def build(
    tables: dict[str, pd.DataFrame],
    use: pd.DataFrame,
    billed: pd.DataFrame,
    events: pd.DataFrame,
    sims: pd.DataFrame,
    known_devices: pd.DataFrame,
    until: str | None = None,
    *,
    cards: pd.DataFrame | None = None,
) -> Estate:
    """:func:`read` from frames that are already in memory (shapes as :mod:`core.queries.anomaly` gives them)."""
    services = tables["services"].sort_values("service_id", ignore_index=True)
    months = data_months(use, billed)
    if until is not None:
        months = [*months, *periods.months_between(periods.shift(months[-1], 1), until)] if months else [until]
    spans = inventory.spans_of(services, tables["service_history"])
    starts = [periods.month_start(month) for month in months]
    ends = [periods.month_end(month) for month in months]
    active, whole, before = _activity(services, months, starts, ends)
    state, suspended = _states(services, spans, tables, starts, ends)
    carrier = state["carrier_id"]
    reported = _reported(services, use, months, carrier)
    return Estate(
        services=services,
        months=months,
        active=active,
        whole=whole,
        whole_before=before,
        suspended=suspended,
        is_line=services["kind"].isin(LINE_KINDS).to_numpy(dtype=bool),
        state=state,
        spans=spans,
        use=_merge_charged(use, billed, tables["items"], services, tables["accounts"]),
        billed=billed,
        tables=tables,
        carrier_reported=reported,
        events=events,
        sims=sims,
        known_devices=known_devices,
        cards=pd.DataFrame() if cards is None else cards,
    )


def carriers(services: pd.DataFrame, accounts: pd.DataFrame) -> pd.Series[str]:
    """The carrier of each service (by service_id): its own, else its account's."""
    theirs = services["account_id"].map(accounts.set_index("account_id")["carrier_id"])
    return pd.Series(services["carrier_id"].fillna(theirs).to_numpy(dtype=object), index=services["service_id"])


def _activity(services: pd.DataFrame, months: list[str], starts: list[str], ends: list[str]) -> tuple[BOOL, BOOL, BOOL]:
    status = services["status"].fillna("active")
    usable = ((status != "ordered") & ~((status == "disconnected") & services["disconnected_on"].isna())).to_numpy()
    begun = services["activated_on"].fillna(inventory.FIRST_DAY).to_numpy(dtype="U10")
    ended = services["disconnected_on"].fillna(inventory.LAST_DAY).to_numpy(dtype="U10")
    count = len(services)
    active, whole, before = (np.zeros((count, len(months)), dtype=bool) for _ in range(3))
    for t, (start, end) in enumerate(zip(starts, ends, strict=True)):
        active[:, t] = usable & (begun <= end) & (ended >= start)
        whole[:, t] = usable & (begun <= start) & (ended > end)
        before[:, t] = usable & (begun <= periods.month_start(periods.shift(months[t], -1))) & (ended > end)
    return active, whole, before


def _codes(values: pd.Series[str]) -> tuple[CODES, NDArray[np.object_]]:
    codes, uniques = pd.factorize(values, sort=True)
    return codes.astype(np.int32), np.asarray(uniques, dtype=object)


def _states(
    services: pd.DataFrame,
    spans: pd.DataFrame,
    tables: dict[str, pd.DataFrame],
    starts: list[str],
    ends: list[str],
) -> tuple[dict[str, Coded], BOOL]:
    count, width = len(services), len(starts)
    index = pd.Index(services["service_id"])
    where = index.get_indexer(pd.Index(spans["service_id"]))
    lower, upper = spans["valid_from"].to_numpy(dtype="U10"), spans["valid_to"].to_numpy(dtype="U10")
    state: dict[str, Coded] = {}
    grids: dict[str, tuple[CODES, CODES, CODES, NDArray[np.object_]]] = {}
    for name in (*inventory.SPAN_COLUMNS,):
        both = pd.concat([services[name], spans[name]], ignore_index=True)
        codes, values = _codes(both)
        now, then = codes[:count], codes[count:]
        grids[name] = (np.repeat(now[:, None], width, axis=1), now, then, values)
    suspended = np.zeros((count, width), dtype=bool)
    covered = np.zeros(count, dtype=bool)
    is_suspended = (spans["status"] == "suspended").to_numpy(dtype=bool)
    stays = (services["status"] == "suspended").to_numpy(dtype=bool)
    for t, (start, end) in enumerate(zip(starts, ends, strict=True)):
        inside = np.flatnonzero((lower <= end) & (upper > start))
        covered[:] = False
        covered[where[inside]] = True
        suspended[where[inside[is_suspended[inside]]], t] = True
        suspended[~covered & stays, t] = True
        for grid, _, then, _ in grids.values():
            grid[where[inside], t] = then[inside]  # spans are in order of their start: the last one wins
    for name, (grid, _, _, values) in grids.items():
        state[name] = Coded(grid, values)
    for name in ("kind", "device_kind", "purpose", "carrier_id"):
        filled = services[name]
        if name == "purpose":
            filled = filled.fillna(services["kind"].map({"mobile": "person", "iot": "m2m"}))
        elif name == "carrier_id":
            filled = services["service_id"].map(carriers(services, tables["accounts"]))
        codes, values = _codes(filled.astype(object))
        state[name] = Coded(np.repeat(codes[:, None], width, axis=1), values)
    _add_holder(state, tables, starts, ends)
    return state, suspended


def _add_holder(state: dict[str, Coded], tables: dict[str, pd.DataFrame], starts: list[str], ends: list[str]) -> None:
    """Role, country, day of leaving and department of the holder; a line's own cost center and site come first."""
    holder = state["employee_id"]
    people = tables["employees"].set_index("employee_id").reindex(pd.Index(holder.values, dtype=object))
    for name in ("role", "country", "left_on"):
        codes, values = _codes(people[name].astype(object))
        state[name] = Coded(np.append(codes, np.int32(-1))[holder.codes], values)
    history = tables["employee_history"].sort_values(["employee_id", "valid_from"])
    position = pd.Index(holder.values, dtype=object).get_indexer(pd.Index(history["employee_id"], dtype=object))
    for name in ("cost_center_id", "site_id"):
        own = state[name]
        both = pd.concat(
            [pd.Series(own.values, dtype=object), people[name].astype(object), history[name].astype(object)],
            ignore_index=True,
        )
        codes, values = _codes(both)
        mine, newest = codes[: len(own.values)], codes[len(own.values) : len(own.values) + len(people)]
        told = codes[len(own.values) + len(people) :]
        grid = np.empty_like(own.codes)
        lower = history["valid_from"].to_numpy(dtype="U10")
        for t, end in enumerate(ends):
            now = newest.copy()
            past = np.flatnonzero((lower <= end) & (position >= 0))
            now[position[past]] = told[past]
            theirs = np.append(now, np.int32(-1))[holder.codes[:, t]]
            ours = np.append(mine, np.int32(-1))[own.codes[:, t]]
            grid[:, t] = np.where(ours >= 0, ours, theirs)
        state[name] = Coded(grid, values)


def _reported(services: pd.DataFrame, use: pd.DataFrame, months: list[str], carrier: Coded) -> BOOL:
    """Whether the line's carrier has any usage row in the month; a carrier that sent nothing says nothing."""
    service = pd.Index(services["service_id"]).get_indexer(pd.Index(use["service_id"]))
    month = pd.Index(months).get_indexer(pd.Index(use["month"]))
    known = (service >= 0) & (month >= 0)
    table = np.zeros((len(carrier.values) + 1, len(months)), dtype=bool)
    if len(months):
        table[carrier.codes[service[known], 0], month[known]] = True
        table[-1] = False
        return np.asarray(table[carrier.codes[:, 0]], dtype=bool)
    return np.zeros((len(services), 0), dtype=bool)


def _merge_charged(
    use: pd.DataFrame, billed: pd.DataFrame, items: pd.DataFrame, services: pd.DataFrame, accounts: pd.DataFrame
) -> pd.DataFrame:
    """Usage with its money: where charges of category usage name the same zone and country, they win.

    A zone that was only charged becomes a row of its own, with the quantity that the charges print; a charge that
    names no country while the usage does stays out, because its money is already there.
    """
    charged = billed[billed["category"] == "usage"].copy()
    columns = ["service_id", "month", "usage_type", "zone", "country", "currency", "quantity", "cost"]
    if charged.empty:
        return use[columns].reset_index(drop=True)
    carrier = carriers(services, accounts)
    facts = items.drop_duplicates(["carrier_id", "item_code"]).set_index(["carrier_id", "item_code"])
    keys = pd.MultiIndex.from_arrays([charged["service_id"].map(carrier), charged["item_code"]])
    known = facts[["zone", "usage_type"]].reindex(keys)
    charged["zone"] = charged["zone"].fillna(pd.Series(known["zone"].to_numpy(), index=charged.index))
    printed_type = pd.Series(known["usage_type"].to_numpy(), index=charged.index)
    charged["usage_type"] = charged["unit"].map(_USE_TYPES).fillna(printed_type)
    charged = charged[charged["zone"].notna() & (charged["zone"] != "home")]
    place = ["service_id", "month", "zone", "country"]
    typed = charged[charged["usage_type"].notna()]
    sums = typed.groupby([*place, "usage_type", "currency"], dropna=False, as_index=False)[["amount", "quantity"]].sum()
    merged = use[columns].merge(
        sums.rename(columns={"amount": "billed", "quantity": "printed", "currency": "billed_in"}),
        on=[*place, "usage_type"],
        how="outer",
    )
    alone = merged["quantity"].isna()
    told = pd.MultiIndex.from_frame(use[["service_id", "month", "zone"]].drop_duplicates())
    doubled = alone & pd.MultiIndex.from_frame(merged[["service_id", "month", "zone"]]).isin(told)
    merged, alone = merged[~doubled], alone[~doubled]
    merged["cost"] = merged["billed"].where(merged["billed"].notna(), merged["cost"]).fillna(0).astype("int64")
    merged["currency"] = merged["billed_in"].where(merged["billed"].notna(), merged["currency"])
    merged["quantity"] = merged["quantity"].where(~alone, merged["printed"]).fillna(0).astype("int64")
    return merged[columns].sort_values(columns[:6], ignore_index=True)
