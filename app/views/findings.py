"""The audit workbench: what is wrong, by cause, largest money first, with what a decision needs."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import pandas as pd

from app import formats
from app.views import rules
from app.views.exchange import exchange
from app.views.found import unfiled
from app.views.parts import Kpi
from app.views.selection import Filters, settled
from audit import disputes
from core import periods
from core.queries import workbench, workflow
from core.store import Store

MOST = 5_000
SEVERITIES = ("critical", "high", "medium", "low", "info")
OPEN = ("new", "triaged", "disputed", "accepted")
CLAIMS = {"recoverable": "To recover", "avoidable": "To avoid", "informative": "To know"}
NOBODY = "Nobody"


@dataclass(frozen=True)
class Choices:
    """What the filters of the workbench offer, each value with its label."""

    rules: dict[str, str]
    states: tuple[str, ...]
    severities: tuple[str, ...]
    owners: tuple[str, ...]
    months: tuple[str, ...]


@dataclass(frozen=True)
class Findings:
    """`table`: one row for each cause (an episode of months, or a single finding); `members` names its findings.

    `totals`: money by kind of claim and currency, nothing counted twice. `cases` and `found` count what is shown.
    """

    title: str
    sentence: str
    kpis: tuple[Kpi, ...]
    totals: pd.DataFrame
    by_rule: pd.DataFrame
    table: pd.DataFrame
    members: tuple[tuple[str, ...], ...]
    choices: Choices
    currency: str | None
    as_of: str
    period: str
    cases: int
    found: int
    note: str


def view(
    store: Store,
    filters: Filters,
    *,
    queue: str = "audit",
    rule: tuple[str, ...] = (),
    state: tuple[str, ...] = OPEN,
    severity: tuple[str, ...] = (),
    owner: tuple[str, ...] = (),
    month: str | None = None,
) -> Findings:
    """The queue under the filters; `month` None means all months."""
    filters = settled(store, filters)
    as_of = workflow.today(store)
    money = exchange(store, filters.currency, as_of, convert=filters.convert)
    every = workbench.finding_list(store, (queue,) if queue != "all" else ("audit", "policy", "anomaly"))
    every["who"] = every["owner"].fillna(every["service_id"].map(owners_of(store))).fillna(NOBODY)
    choices = Choices(
        {key: rules.title(key) for key in sorted(set(every["rule"]))},
        tuple(sorted(set(every["state"]))),
        tuple(name for name in SEVERITIES if name in set(every["severity"])),
        tuple(sorted(set(every["who"]))),
        tuple(sorted(set(every["month"]), reverse=True)),
    )
    frame = every
    for name, wanted in (("rule", rule), ("state", state), ("severity", severity), ("who", owner)):
        if wanted:
            frame = frame[frame[name].isin(wanted)]
    if filters.carriers:
        frame = frame[frame["carrier_id"].isin(filters.carriers)]
    if month:
        frame = frame[frame["month"] == month]
    frame = frame.assign(
        worth=pd.array(
            [money.amount(v, c) or 0 for v, c in zip(frame["amount_counted"], frame["currency"], strict=True)],
            dtype="Int64",
        )
    )
    table, members = _cases(store, frame)
    months = sorted(set(frame["month"]))
    period = _period(months)
    over, kpis = _kpis(frame, money.target, as_of, disputes.refused(store))
    title = (
        f"{formats.short(over, money.target)} to recover or avoid in {formats.plural(len(table), 'case')}"
        if len(frame)
        else "Nothing is open under these filters"
    )
    sentence = _sentence(frame, table, money.target, period)
    return Findings(
        title, sentence, kpis, _totals(frame), _by_rule(frame), table.head(MOST), members[:MOST], choices, money.target,
        as_of, period, len(table), len(frame), money.sentence(),
    )  # fmt: skip


def _period(months: list[str]) -> str:
    if not months:
        return "no months"
    if len(months) == 1:
        return formats.month(months[0])
    return f"{formats.month_short(months[0])} to {formats.month_short(months[-1])}"


def owners_of(store: Store) -> dict[str, str]:
    """Owner of the cost center of each service."""
    services = store.frame("services", ["service_id", "cost_center_id", "employee_id"])
    people = store.frame("employees", ["employee_id", "cost_center_id"]).set_index("employee_id")["cost_center_id"]
    owners = store.frame("cost_centers", ["cost_center_id", "owner"]).set_index("cost_center_id")["owner"]
    center = services["cost_center_id"].fillna(services["employee_id"].map(people))
    named = zip(services["service_id"], center.map(owners), strict=True)
    return {str(key): str(who) for key, who in named if not formats.missing(who)}


def _cases(store: Store, frame: pd.DataFrame) -> tuple[pd.DataFrame, tuple[tuple[str, ...], ...]]:
    """One row for each episode, largest money first, and the ids of its findings (newest month first)."""
    numbers = store.frame("services", ["service_id", "number"]).set_index("service_id")["number"]
    carriers = store.frame("carriers", ["carrier_id", "name"]).set_index("carrier_id")["name"]
    rank = {name: place for place, name in enumerate(SEVERITIES)}
    rows, members = [], []
    ordered = frame.assign(case=frame["episode_id"].fillna(frame["finding_id"])).sort_values(
        ["month", "finding_id"], ascending=[False, True], kind="stable"
    )
    for _, group in ordered.groupby("case", sort=True):
        head = group.iloc[0]
        states = set(group["state"])
        due = sorted(day for day in group["file_by"].dropna())
        worst = min(group["severity"], key=lambda name: rank[name])
        rows.append(
            {
                "what": rules.title(head["rule"], None if formats.missing(head["family"]) else head["family"]),
                "rule": head["rule"],
                "subject": _subject(head, numbers),
                "carrier": carriers.get(head["carrier_id"], head["carrier_id"]),
                "amount": int(group["amount_counted"].sum()) or int(group["amount_at_stake"].sum()),
                "currency": head["currency"],
                "worth": int(group["worth"].sum()),
                "claim": CLAIMS[head["claim"]] if head["direction"] != "under" else "Billed too little",
                "severity": worst,
                "months": int(group["month"].nunique()),
                "last": head["month"],
                "file_by": due[-1] if due else None,
                "state": head["state"] if len(states) == 1 else "mixed",
                "owner": head["who"],
                "score": head["score"],
                "first": group["month"].min(),
            }
        )
        members.append(tuple(str(key) for key in group["finding_id"]))
    table = pd.DataFrame(rows)
    if table.empty:
        return table, ()
    order = sorted(range(len(rows)), key=lambda n: (-abs(rows[n]["worth"]), -_plain(rows[n]["score"]), members[n]))
    return table.iloc[order].reset_index(drop=True), tuple(members[n] for n in order)


def _plain(value: Any) -> int:
    return 0 if formats.missing(value) else int(value)


def _subject(row: Any, numbers: Any) -> str:
    service = row["service_id"]
    if not formats.missing(service):
        number = numbers.get(service)
        return str(service) if formats.missing(number) else str(number)
    return f"{formats.words(row['subject_type'])} {row['subject_id']}"


def _totals(frame: pd.DataFrame) -> pd.DataFrame:
    """Money by claim and currency; what is billed too little stands apart and nets nothing."""
    names = ["claim", "currency", "amount", "findings"]
    if frame.empty:
        return pd.DataFrame(columns=names)
    under = frame["direction"] == "under"
    label = frame["claim"].map(CLAIMS).where(~under, "Billed too little")
    grouped = frame.assign(label=label).groupby(["label", "currency"], sort=True, dropna=False)
    order = [*CLAIMS.values(), "Billed too little"]
    rows = [
        {
            "claim": claim,
            "currency": currency,
            "amount": int(group["amount_counted"].sum()) if claim != "To know" else None,
            "findings": len(group),
        }
        for (claim, currency), group in grouped
    ]
    rows.sort(key=lambda row: (order.index(row["claim"]), -(row["amount"] or 0)))
    result = pd.DataFrame(rows, columns=names)
    return result.assign(amount=result["amount"].astype("Int64"))


def _by_rule(frame: pd.DataFrame) -> pd.DataFrame:
    """Overcharges and waste by rule in the reporting currency, the ten largest."""
    over = frame[(frame["direction"] != "under") & (frame["worth"] > 0)]
    sums = over.groupby("rule", sort=True)["worth"].sum().sort_values(ascending=False, kind="stable").head(10)
    return pd.DataFrame(
        {"rule": list(sums.index), "title": [rules.title(key) for key in sums.index], "amount": [int(v) for v in sums]}
    )


def _kpis(
    frame: pd.DataFrame, currency: str | None, as_of: str, refused: Collection[str]
) -> tuple[int, tuple[Kpi, ...]]:
    over = frame[frame["direction"] != "under"]

    def of(claim: str) -> pd.DataFrame:
        return over[over["claim"] == claim]

    recover, avoid = int(of("recoverable")["worth"].sum()), int(of("avoidable")["worth"].sum())
    timely, _ = unfiled(of("recoverable"), as_of)
    soon = timely[timely["file_by"].fillna("9999") <= periods.add_days(as_of, 30)]
    disputed = frame[(frame["state"] == "disputed") & ~frame["finding_id"].isin(refused)]
    under = frame[frame["direction"] == "under"]
    kpis = (
        Kpi(
            "To recover",
            formats.money(recover, currency),
            f"{formats.short(int(timely['worth'].sum()), currency)} can still be filed",
            help="Billed too much, what is in dispute included; the rest is past the contract's window to dispute.",
        ),
        Kpi("To avoid", formats.money(avoid, currency), formats.plural(len(of("avoidable")), "finding")),
        Kpi(
            "File within 30 days",
            formats.money(int(soon["worth"].sum()), currency),
            formats.plural(len(soon), "finding"),
            tone="attention" if len(soon) else "neutral",
            help=f"The contract's dispute window closes by {formats.day(periods.add_days(as_of, 30))}.",
        ),
        Kpi(
            "In dispute",
            formats.money(int(disputed["worth"].sum()), currency),
            formats.plural(len(disputed), "finding"),
        ),
        Kpi(
            "Billed too little",
            formats.money(abs(int(under["worth"].sum())), currency),
            formats.plural(len(under), "finding"),
            help="The carrier may still claim it; it never reduces what you can recover.",
        ),
    )
    return recover + avoid, kpis


def _sentence(frame: pd.DataFrame, table: pd.DataFrame, currency: str | None, period: str) -> str:
    if frame.empty:
        return "Widen the filters, or run the audit again after the next import."
    top = table.iloc[0]
    return (
        f"{period}. The largest: {top['what'].lower()}, {top['subject']}, "
        f"{formats.money(abs(top['worth']), currency)} over {formats.plural(int(top['months']), 'month')}."
    )
