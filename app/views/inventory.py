"""Inventory: every line and circuit with plan, holder, state and what it costs; the dossier has the rest."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from app import formats
from app.views.exchange import exchange
from app.views.parts import Kpi
from app.views.selection import Filters, settled
from core import periods
from core.queries import app as queries
from core.store import Store

COLUMNS = [
    *("service_id", "number", "kind", "carrier", "plan", "holder", "holder_status", "cost_center", "site", "status"),
    *("activated_on", "monthly", "data_mb", "voice_min", "unused", "confirmed"),
]

ACTIVE = ("active", "suspended")
_USERS = {"data_mb": ("mobile", "iot"), "voice_min": ("mobile", "fixed_voice", "sip_trunk", "uc_seat")}


@dataclass(frozen=True)
class Inventory:
    """`rows`: one line of :data:`COLUMNS` each; `monthly` in micros of `currency`, use is the month's, in micros."""

    title: str
    sentence: str
    month: str | None
    currency: str | None
    kpis: tuple[Kpi, ...]
    rows: pd.DataFrame
    note: str


def view(store: Store, filters: Filters, *, search: str = "", kind: str = "", only: str = "") -> Inventory:
    """Lines that match the filters. `only`: unused (no use for two months) | left (holder left) | unconfirmed."""
    chosen = settled(store, filters)
    rows, note = table(store, chosen)
    everything, active = rows, rows[rows["status"].isin(ACTIVE)]
    if kind:
        rows = rows[rows["kind"] == kind]
    if search.strip():
        rows = rows[_matches(rows, search.strip().lower())]
    tests = {
        "unused": rows["unused"] == 1,
        "left": (rows["holder_status"] == "left") & rows["status"].isin(ACTIVE),
        "unconfirmed": rows["confirmed"] == 0,
    }
    if only in tests:
        rows = rows[tests[only]]
    left = int((active["holder_status"] == "left").sum())
    unused = int((active["unused"] == 1).sum())
    kinds = active["kind"].nunique()
    title = f"{formats.plural(len(active), 'active line')} of {formats.plural(int(kinds), 'kind')}"
    waste = int(active.loc[(active["unused"] == 1) & active["monthly"].notna(), "monthly"].sum())
    sentence = (
        f"{formats.plural(unused, 'line')} had no use for two months and cost "
        f"{formats.money(waste, chosen.currency)} in "
        f"{formats.month(chosen.month)}; {formats.plural(left, 'line')} belong to people who left."
        if chosen.month
        else "No bill or usage has been loaded for these lines yet."
    )
    owned = int((active["holder"].notna() | active["cost_center"].notna()).sum())
    kpis = (
        Kpi("Active lines", formats.count(len(active)), f"of {formats.count(len(everything))} ever"),
        Kpi(
            "Cost per line",
            cost_per_line(everything, chosen.currency),
            f"in {formats.month_short(chosen.month)}" if chosen.month else None,
            help="The month's charges of the lines themselves; what a bill charges to no line is left out.",
        ),
        Kpi(
            "No use for two months",
            formats.count(unused),
            formats.percent(unused, len(active)) + " of lines",
            "attention" if unused else "neutral",
        ),
        Kpi("Holder left", formats.count(left), "still active" if left else "none", "bad" if left else "good"),
        Kpi(
            "With an owner",
            formats.percent(owned, len(active)),
            "person or center",
            "good" if owned * 100 >= 98 * max(len(active), 1) else "attention",
        ),
    )
    return Inventory(
        title,
        sentence,
        chosen.month,
        chosen.currency,
        kpis,
        rows[[*COLUMNS, "carrier_id"]].reset_index(drop=True),
        note,
    )


def cost_per_line(rows: pd.DataFrame, currency: str | None) -> str:
    """What an active line of :func:`table` costs in its month, on average."""
    active = rows[rows["status"].isin(ACTIVE)]
    return formats.cents(int(active["monthly"].fillna(0).sum()) // max(len(active), 1), currency)


def _matches(rows: pd.DataFrame, wanted: str) -> pd.Series:
    hit = pd.Series(False, index=rows.index)
    for name in ("service_id", "number", "holder", "plan", "site", "cost_center"):
        hit |= rows[name].fillna("").str.lower().str.contains(wanted, regex=False)
    return hit


def table(store: Store, chosen: Filters) -> tuple[pd.DataFrame, str]:
    """The services the filters leave, with names instead of ids, cost and use in the month; the note on currencies."""
    services = store.frame("services")
    people = store.frame("employees", ["employee_id", "name", "status", "cost_center_id", "site_id"])
    people = people.set_index("employee_id")
    names = {
        "carrier": store.frame("carriers", ["carrier_id", "name"]).set_index("carrier_id")["name"],
        "plan": store.frame("plans", ["plan_id", "name"]).set_index("plan_id")["name"],
        "cost_center": store.frame("cost_centers", ["cost_center_id", "name"]).set_index("cost_center_id")["name"],
        "site": store.frame("sites", ["site_id", "name"]).set_index("site_id")["name"],
    }
    holder = services["employee_id"]
    rows = services.assign(
        holder=holder.map(people["name"]).fillna(holder),
        holder_status=holder.map(people["status"]),
        cost_center_id=services["cost_center_id"].fillna(holder.map(people["cost_center_id"])),
        site_id=services["site_id"].fillna(holder.map(people["site_id"])),
    )
    if chosen.carriers:
        rows = rows[rows["carrier_id"].isin(chosen.carriers)]
    if chosen.cost_centers:
        rows = rows[rows["cost_center_id"].isin(chosen.cost_centers)]
    for label, column in (
        ("carrier", "carrier_id"),
        ("plan", "plan_id"),
        ("cost_center", "cost_center_id"),
        ("site", "site_id"),
    ):
        rows[label] = rows[column].map(names[label]).fillna(rows[column])
    rows["confirmed"] = [0 if isinstance(a, str) and '"unconfirmed"' in a else 1 for a in rows["attributes"]]
    money = exchange(
        store, chosen.currency, periods.month_end(chosen.month) if chosen.month else None, convert=chosen.convert
    )
    if not chosen.month:
        return rows.assign(
            monthly=pd.array([None] * len(rows), dtype="Int64"), data_mb=pd.NA, voice_min=pd.NA, unused=0
        ), ""
    month = chosen.month
    now = queries.line_totals(store, month, month).drop_duplicates("service_id").set_index("service_id")
    both = (
        queries.line_totals(store, periods.shift(month, -1), month)
        .groupby("service_id")[["data_mb", "voice_min", "sms"]]
        .sum()
    )
    key = rows["service_id"]
    rows["monthly"] = pd.array(
        [money.amount(a, c) for a, c in zip(key.map(now["total"]), key.map(now["currency"]), strict=True)],
        dtype="Int64",
    )
    for name in ("data_mb", "voice_min"):
        used_by = rows["kind"].isin(_USERS[name])
        rows[name] = key.map(now[name]).astype("Int64").where(used_by)
    used = key.map(both.sum(axis=1)).fillna(0)
    counted = (
        rows["kind"].isin(["mobile", "iot"])
        & (rows["status"] == "active")
        & ~rows["purpose"].isin(["standby", "emergency", "backup"])
    )
    old = rows["activated_on"].fillna("1900-01-01") <= periods.month_start(periods.shift(month, -1))
    rows["unused"] = (counted & old & (used == 0) & rows["monthly"].fillna(0).gt(0)).astype(int)
    status = rows["status"].fillna("active")
    return rows.assign(status=status).sort_values(
        ["monthly", "service_id"], ascending=[False, True], na_position="last", ignore_index=True
    ), money.sentence()


def kinds(store: Store) -> dict[str, str]:
    """Kinds of service there are, with their names."""
    found = store.frame("services", ["service_id", "kind"])["kind"].dropna()
    return {kind: formats.words(kind) for kind in sorted({str(k) for k in found})}
