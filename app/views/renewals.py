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


def tone(row: dict[str, Any]) -> str:
    """bad: the date has passed or is within 30 days; attention: within 90; else neutral."""
    days = row.get("days_to_notice")
    if row.get("notice_state") == "missed":
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
        by, end = row.get("next_notice_by") or row.get("notice_by"), row.get("term_end")
        if not (by or end):
            continue
        if row.get("notice_state") == "missed" and row.get("notice_by"):
            by = row["notice_by"]
        yearly = formats.short(exposure.get(str(row["contract_id"]), 0), money.target)
        late = row.get("notice_state") == "missed"
        told = f"notice {'was due' if late else 'by'} {formats.day(by)}" if by else f"ends {formats.day(end)}"
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
    missed = [c for c in contracts if c["notice_state"] == "missed"]
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
                "notice_by": c.get("notice_by"),
                "notice_state": c["notice_state"],
                "days": c.get("days_to_notice"),
                "yearly": exposure.get(str(c["contract_id"]), 0),
                "lines": len(c.get("services") or []),
            }
            for c in contracts
        ],
        columns=["name", "carrier", "state", "term_end", "notice_by", "notice_state", "days", "yearly", "lines"],
    )
    rows["days"] = rows["days"].astype("Int64")
    title, sentence = _words(soon, missed, at_stake, money.target)
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
            formats.count(len(missed)),
            "bound for a term" if missed else "none",
            "bad" if missed else "good",
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
        rows.sort_values(["notice_by", "name"], na_position="last", ignore_index=True),
        commitments_of(contracts),
        tuple(f"{c['name'] or c['contract_id']}: {p}" for c in contracts for p in c.get("problems") or []),
        money.sentence(),
    )


def _words(soon: list[Any], missed: list[Any], at_stake: int, currency: str | None) -> tuple[str, str]:
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
    extra = f" {formats.plural(len(missed), 'notice date')} passed." if missed else ""
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
                "share": min((spend or 0) / amount, 1.0),
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
