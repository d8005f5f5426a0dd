"""Renewals: which contract needs a decision, by when, and what hangs on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from app import formats
from app.views.exchange import Exchange, exchange
from app.views.parts import Kpi, Term
from app.views.selection import Filters, settled
from core import periods
from core.queries import app as queries
from core.renewals import contract_register
from core.store import Store


@dataclass(frozen=True)
class Renewals:
    """`table`: one row for each contract; `terms` for the timeline; `commitments`: attainment of those with one."""

    title: str
    sentence: str
    as_of: str
    currency: str | None
    kpis: tuple[Kpi, ...]
    terms: tuple[Term, ...]
    table: pd.DataFrame
    commitments: pd.DataFrame
    problems: tuple[str, ...]
    note: str


def today_of(store: Store, month: str | None) -> str:
    """The day the figures refer to: the last day of the month shown."""
    return periods.month_end(month) if month else "2026-01-01"


def exposure_of(store: Store, contracts: list[dict[str, Any]], month: str, money: Exchange) -> dict[str, int]:
    """Spend of the last 12 months on the lines of each contract, in micros of the reporting currency."""
    lines = queries.line_totals(store, periods.shift(month, -11), month)
    spent: dict[str, int] = {}
    for row in lines.itertuples(index=False):
        amount = money.amount(row.total, row.currency)
        spent[str(row.service_id)] = spent.get(str(row.service_id), 0) + (amount or 0)
    return {
        str(row["contract_id"]): sum(spent.get(str(s["service_id"]), 0) for s in row.get("services") or [])
        for row in contracts
    }


def due(contracts: list[dict[str, Any]], within: int = 90) -> list[dict[str, Any]]:
    """Contracts on which notice still works and must be given within so many days."""
    return [
        c
        for c in contracts
        if c["notice_state"] == "open"
        and c.get("days_to_notice") is not None
        and 0 <= int(c["days_to_notice"]) <= within
    ]


def missed(contracts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Contracts that a missed notice date binds for another term; one that ends by itself binds nobody."""
    return [c for c in contracts if c["notice_state"] == "missed" and not c["ends_on"]]


def otherwise(row: dict[str, Any]) -> str:
    """What becomes of a contract at the end of its term if nobody acts."""
    if row["ends_on"]:
        return f"it ends on {formats.day(row['ends_on'])} unless both sides renew it"
    return f"it renews on {formats.day(row['term_end'])}"


def countdown(row: dict[str, Any]) -> str:
    """What the notice date means today, in words: the colour is never the only signal."""
    days, state = row.get("days_to_notice"), row.get("notice_state")
    if row.get("state") in {"terminated", "expired", "ending"}:
        return formats.words(row["state"])
    if state == "missed" and row["ends_on"]:
        return f"Ends on {formats.day(row['ends_on'])}"
    if state == "missed":
        return f"Missed on {formats.day(row['notice_by'])}"
    if state == "given":
        return "Notice given"
    if state == "open" and days is not None:
        return f"{formats.plural(int(days), 'day')} left"
    if row.get("earliest_exit"):
        return f"Can end on {formats.day(row['earliest_exit'])}"
    return "No notice date"


def tone(row: dict[str, Any]) -> str:
    """bad: the date has passed or is within 30 days; attention: within 90; else neutral."""
    days = row.get("days_to_notice")
    if missed([row]):
        return "bad"
    if row.get("notice_state") != "open" or days is None:
        return "neutral"
    return "bad" if int(days) <= 30 else "attention" if int(days) <= 90 else "neutral"


def terms_of(contracts: list[dict[str, Any]], exposure: dict[str, int], money: Exchange) -> tuple[Term, ...]:
    """Contracts with a date ahead, soonest first."""
    result = []
    for row in contracts:
        if row["state"] in {"terminated", "expired"}:
            continue
        late = bool(missed([row]))
        by, end = row["notice_by"] if late else row["next_notice_by"], row["term_end"]
        if not (by or end):
            continue
        yearly = formats.short(exposure.get(str(row["contract_id"]), 0), money.target)
        asks = "decide" if row["ends_on"] else "notice"
        told = f"{asks} {'was due' if late else 'by'} {formats.day(by)}" if by else f"ends {formats.day(end)}"
        result.append(Term(str(row["name"] or row["contract_id"]), by, end, f"{told}, {yearly} a year", tone(row)))
    return tuple(sorted(result, key=lambda t: (t.notice_by or t.ends or "", t.label)))


def view(store: Store, filters: Filters) -> Renewals:
    """The register with dates as of the end of the month shown."""
    chosen = settled(store, filters)
    as_of = today_of(store, chosen.month)
    money = exchange(store, chosen.currency, as_of, convert=chosen.convert)
    names = dict(zip(*(store.frame("carriers")[c].tolist() for c in ("carrier_id", "name")), strict=True))
    contracts = [
        c for c in contract_register(store, as_of) if not chosen.carriers or c["carrier_id"] in chosen.carriers
    ]
    exposure = exposure_of(store, contracts, chosen.month, money) if chosen.month else {}
    soon = due(contracts)
    late = missed(contracts)
    at_stake = sum(exposure.get(str(c["contract_id"]), 0) for c in soon)
    year = sum(
        exposure.get(str(c["contract_id"]), 0)
        for c in contracts
        if c.get("term_end") and as_of <= c["term_end"] <= periods.add_months(as_of, 12) and c["state"] != "terminated"
    )
    rows = pd.DataFrame(
        [
            {
                "name": c["name"] or c["contract_id"],
                "carrier": names.get(c["carrier_id"]) or c["carrier_id"],
                "state": c["state"],
                "term_end": c.get("term_end"),
                "notice_by": c["next_notice_by"] or c["notice_by"],
                "countdown": countdown(c),
                "over": c["state"] in {"terminated", "expired"},
                "yearly": exposure.get(str(c["contract_id"]), 0),
                "lines": len(c.get("services") or []),
            }
            for c in contracts
        ],
        columns=["name", "carrier", "state", "term_end", "notice_by", "countdown", "over", "yearly", "lines"],
    )
    title, sentence = _words(soon, late, at_stake, money.target)
    kpis = (
        Kpi(
            "Notice due in 90 days",
            formats.plural(len(soon), "contract"),
            f"{formats.short(at_stake, money.target)} a year",
            "attention" if soon else "neutral",
        ),
        Kpi(
            "Renewing in a year",
            formats.short(year, money.target),
            "yearly spend",
            help="Spend of the last 12 months under contracts whose term ends within 12 months.",
        ),
        Kpi(
            "Notice date missed",
            formats.count(len(late)),
            "bound for a term" if late else "none",
            "bad" if late else "good",
            help="It renewed, or will, because the last day for notice has passed; the next one is a term later.",
        ),
        Kpi("Contracts in force", formats.count(sum(c["state"] not in {"terminated", "expired"} for c in contracts))),
    )
    return Renewals(
        title,
        sentence,
        as_of,
        money.target,
        kpis,
        terms_of(contracts, exposure, money),
        rows.sort_values(["over", "notice_by", "name"], na_position="last", ignore_index=True),
        commitments_of(contracts),
        tuple(f"{c['name'] or c['contract_id']}: {p}" for c in contracts for p in c.get("problems") or []),
        money.sentence(),
    )


def _words(soon: list[Any], late: list[Any], at_stake: int, currency: str | None) -> tuple[str, str]:
    if soon:
        first = min(soon, key=lambda c: c["days_to_notice"])
        title = (
            f"{formats.plural(len(soon), 'contract')} {'needs' if len(soon) == 1 else 'need'} a decision within 90 days"
        )
        return title, (
            f"{formats.money(at_stake, currency)} a year hangs on it; "
            f"the next is {first['name'] or first['contract_id']}, "
            f"by {formats.day(first['notice_by'])}."
        )
    extra = f" {formats.plural(len(late), 'notice date')} passed." if late else ""
    return "No notice is due within 90 days", f"Dates are counted from each contract's start.{extra}"


def commitments_of(contracts: list[dict[str, Any]]) -> pd.DataFrame:
    """Contracts with a commitment in the running period: name, period, amount, spend, share, shortfall (micros)."""
    from core.money import parse_micros

    def micros(value: Any) -> int | None:
        return None if value is None else parse_micros(str(value)) if isinstance(value, str) else int(value)

    rows = []
    for row in contracts:
        item = row.get("commitment") or {}
        amount, spend = micros(item.get("amount")), micros(item.get("spend"))
        if not amount:
            continue
        rows.append(
            {
                "name": row["name"] or row["contract_id"],
                "period_start": item.get("period_start"),
                "period_end": item.get("period_end"),
                "amount": amount,
                "spend": spend or 0,
                "share": (spend or 0) / amount,
                "shortfall": micros(item.get("projected_shortfall"))
                if item.get("projected_shortfall") is not None
                else micros(item.get("shortfall")),
                "currency": (row.get("etf") or {}).get("currency") or item.get("currency"),
            }
        )
    names = ["name", "period_start", "period_end", "amount", "spend", "share", "shortfall", "currency"]
    frame = pd.DataFrame(rows, columns=names)
    for name in ("amount", "spend", "shortfall"):
        frame[name] = frame[name].astype("Int64")
    return frame
