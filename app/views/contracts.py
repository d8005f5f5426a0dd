"""The contract register: dates that hold, what leaving costs, what was committed, what the clauses say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from app import formats
from app.reports import notice_letter
from app.reports.brief import clauses
from app.reports.calendar_file import calendar_text
from app.reports.pdf import pdf
from app.views import renewals
from app.views.exchange import exchange
from app.views.parts import Kpi
from app.views.selection import Filters, settled
from core import periods
from core.money import parse_micros, ratio
from core.queries import workflow
from core.renewals import contract_register
from core.store import Store

#: How a clause reads for the buyer; the word stands beside the colour.
VERDICTS = {"good": "Agreed", "warn": "Watch", "bad": "Against us or missing", "neutral": "Not in the data"}


@dataclass(frozen=True)
class Contracts:
    """`table`: one row for each contract in order of its notice date; `problems`: what the data does not allow."""

    title: str
    sentence: str
    kpis: tuple[Kpi, ...]
    table: pd.DataFrame
    calendar: str
    problems: tuple[str, ...]
    as_of: str
    currency: str | None
    note: str


@dataclass(frozen=True)
class Bullet:
    """Attainment of a commitment in its running period; money in micros of `currency`."""

    name: str
    period: str
    committed: int
    spent: int
    expected: int | None
    due_now: int
    shortfall: int
    currency: str | None
    sentence: str


@dataclass(frozen=True)
class Contract:
    """One contract in full; money in micros of its currency."""

    name: str
    carrier_id: str
    facts: dict[str, str]
    dates: dict[str, str]
    countdown: str
    tone: str
    bullet: Bullet | None
    tiers: pd.DataFrame
    rates: pd.DataFrame
    services: pd.DataFrame
    clauses: pd.DataFrame
    problems: tuple[str, ...]
    currency: str | None
    letter: str | None
    """id of the contract if a notice letter can be drafted for it"""


def view(store: Store, filters: Filters) -> Contracts:
    """The register as of the end of the last billed month."""
    chosen = settled(store, filters)
    as_of = workflow.today(store)
    money = exchange(store, chosen.currency, as_of, convert=chosen.convert)
    names = store.frame("carriers").set_index("carrier_id")["name"]
    every = contract_register(store, as_of)
    register = [row for row in every if not chosen.carriers or row["carrier_id"] in chosen.carriers]
    exposure = renewals.exposure_of(store, register, as_of[:7], money)
    rows = []
    for row in register:
        commitment = row["commitment"]
        rows.append(
            {
                "contract_id": row["contract_id"],
                "name": row["name"] or row["contract_id"],
                "carrier": names.get(row["carrier_id"]) or row["carrier_id"],
                "state": row["state"] or "problem",
                "notice_by": row["next_notice_by"] or row["notice_by"],
                "countdown": renewals.countdown(row),
                "term_end": row["term_end"],
                "earliest_exit": row["earliest_exit"],
                "yearly": exposure.get(row["contract_id"], 0),
                "etf": parse_micros(row["etf"]["amount"]),
                "currency": row["etf"]["currency"],
                "attained": _share(commitment),
                "lines": len(row["services"]),
            }
        )
    rows.sort(key=lambda r: (r["state"] in {"terminated", "expired"}, r["notice_by"] or "9999", r["contract_id"]))
    table = pd.DataFrame(rows)
    soon = renewals.due(register)
    missed = renewals.missed(register)
    fees = sum(money.amount(r["etf"], r["currency"]) or 0 for r in rows)
    short = [row for row in register if row["commitment"] and _micros(row["commitment"], "projected_shortfall")]
    kpis = (
        Kpi("Contracts in force", formats.count(sum(r["state"] not in {"terminated", "expired"} for r in rows)),
            f"{formats.plural(len(rows), 'contract')} recorded"),
        Kpi("Notice due in 90 days", formats.count(len(soon)),
            f"{formats.short(sum(exposure.get(c['contract_id'], 0) for c in soon), money.target)} of spend a year",
            "attention" if soon else "neutral"),
        Kpi("Notice missed", formats.count(len(missed)), "bound for a term" if missed else "none",
            "bad" if missed else "good"),
        Kpi("Leaving today costs", formats.short(fees, money.target), "in fees (ETF)"),
        Kpi("Commitments at risk", formats.count(len(short)), "shortfall expected" if short else "none expected",
            "bad" if short else "good"),
    )  # fmt: skip
    title, sentence = _words(register, soon, missed, exposure, money.target)
    problems = tuple(line for row in register for line in row["problems"])
    return Contracts(
        title, sentence, kpis, table, calendar_text(register, as_of), problems, as_of, money.target, money.sentence()
    )


def _micros(document: dict[str, Any] | None, name: str) -> int | None:
    value = (document or {}).get(name)
    return None if value is None else parse_micros(value)


def _share(commitment: dict[str, Any] | None) -> float | None:
    amount, spend = _micros(commitment, "amount"), _micros(commitment, "spend")
    return None if not amount or spend is None else spend / amount


def _words(
    register: list[dict[str, Any]],
    soon: list[dict[str, Any]],
    missed: list[dict[str, Any]],
    exposure: dict[str, int],
    currency: str | None,
) -> tuple[str, str]:
    if not register:
        return "No contract matches the filters", "Widen the filters to see the register."
    if soon:
        first = min(soon, key=lambda row: (row["days_to_notice"], row["contract_id"]))
        name, left = first["name"] or first["contract_id"], formats.plural(int(first["days_to_notice"]), "day")
        title = f"{name}: {left} left to give notice"
        yearly = formats.short(exposure.get(first["contract_id"], 0), currency)
        more = f"; {formats.plural(len(soon) - 1, 'more contract')} within 90 days" if len(soon) > 1 else ""
        return (
            title,
            f"By {formats.day(first['notice_by'])}, else {renewals.otherwise(first)}; "
            f"{yearly} of spend a year hangs on it{more}.",
        )
    ahead = [row for row in register if row["days_to_notice"] is not None]
    if ahead:
        first = min(ahead, key=lambda row: (row["next_notice_by"], row["contract_id"]))
        left = formats.plural(int(first["days_to_notice"] or 0), "day")
        return (
            f"No notice is due in 90 days; next is {first['name'] or first['contract_id']}",
            f"By {formats.day(first['next_notice_by'])}, in {left}.",
        )
    told = f"{formats.plural(len(missed), 'contract')} renewed because notice was missed." if missed else ""
    return "No notice date lies ahead", told or "The contracts recorded have no notice period."


def contract(store: Store, *, contract_id: str) -> Contract | None:
    """Everything about one contract, None if there is none of that id."""
    as_of = workflow.today(store)
    row = next((r for r in contract_register(store, as_of) if r["contract_id"] == contract_id), None)
    if row is None:
        return None
    frame = store.frame("contracts").set_index("contract_id")
    held = {str(k): None if formats.missing(v) else v for k, v in frame.loc[contract_id].to_dict().items()}
    carriers = store.frame("carriers").set_index("carrier_id")["name"]
    code = held["currency"]
    notice = (
        f"{held['notice_days']} days" if held["notice_days"] is not None
        else f"{held['notice_months']} months" if held["notice_months"] is not None else "not stated"
    )  # fmt: skip
    facts = {
        "Carrier": str(carriers.get(held["carrier_id"]) or held["carrier_id"]),
        "Starts": formats.day(held["start_date"]),
        "Initial term": f"{held['initial_term_months']} months" if held["initial_term_months"] else formats.UNKNOWN,
        "Renewal": formats.words(held["renewal_type"])
        + (f", {held['renewal_term_months']} months" if held["renewal_term_months"] else ""),
        "Notice": notice,
        "Currency": code or formats.UNKNOWN,
        "Proration": formats.words(held["proration"] or "actual_days"),
        "Replaces": held["supersedes"] or formats.UNKNOWN,
    }
    dates = {
        "State": formats.words(row["state"] or "problem"),
        "Initial term ends": formats.day(row["initial_end"]),
        "This term": f"{formats.day(row['term_start'])} to {formats.day(row['term_end'])}",
        "Renewed so far": "not yet" if not row["renewals"] else formats.plural(int(row["renewals"]), "time"),
        "Last day for notice": formats.day(row["next_notice_by"] or row["notice_by"]),
        "Earliest exit": formats.day(row["earliest_exit"]),
        "Leaving today costs (ETF)": formats.cents(parse_micros(row["etf"]["amount"]), code),
        "Next reminder": formats.day(row["next_alert"]),
    }
    return Contract(
        name=row["name"] or contract_id,
        carrier_id=row["carrier_id"],
        facts=facts,
        dates=dates,
        countdown=renewals.countdown(row),
        tone=renewals.tone(row),
        bullet=bullet_of(row, as_of),
        tiers=_sorted(store, "contract_tiers", contract_id, ["spend_from"]),
        rates=_rates(store, contract_id),
        services=_services(store, row),
        clauses=_clauses(store, contract_id),
        problems=tuple(row["problems"]),
        currency=code,
        letter=contract_id if notice_letter.refusal(row) is None else None,
    )


def letter(store: Store, *, contract_id: str) -> bytes:
    """The draft of a notice letter as PDF.

    Raises:
        BadInput: if no notice can be given of this contract.
    """
    return pdf("notice", notice_letter.content(store, contract_id))


def bullet_of(row: dict[str, Any], as_of: str) -> Bullet | None:
    """Attainment of a contract's commitment, None without one."""
    found = row["commitment"]
    if found is None:
        return None
    amount, spend = parse_micros(found["amount"]), parse_micros(found["spend"])
    expected, short = _micros(found, "projected_spend"), _micros(found, "projected_shortfall") or 0
    code = found["currency"]
    chance = found["probability"]
    if short:
        told = f"A shortfall of {formats.money(short, code)} is expected"
    else:
        told = f"On course to spend {formats.money(expected, code)}" if expected is not None else "No forecast yet"
    told += f"; chance of any shortfall {formats.percent(chance, 1, 0)}." if chance is not None else "."
    last = periods.add_days(found["period_end"], -1)  # the period's end is the first day of the next
    length = periods.days_between(found["period_start"], found["period_end"])
    gone = periods.days_between(found["period_start"], min(max(as_of, found["period_start"]), last)) + 1
    return Bullet(
        name=row["name"] or row["contract_id"],
        period=f"{formats.day(found['period_start'])} to {formats.day(last)}",
        committed=amount,
        spent=spend,
        expected=expected,
        due_now=ratio(gone, length, amount),
        shortfall=short,
        currency=code,
        sentence=told,
    )


def _sorted(store: Store, table: str, contract_id: str, order: list[str]) -> pd.DataFrame:
    frame = store.frame(table)
    return frame[frame["contract_id"] == contract_id].sort_values(order, kind="stable").reset_index(drop=True)


def _rates(store: Store, contract_id: str) -> pd.DataFrame:
    frame = _sorted(store, "contract_rates", contract_id, ["item_code", "effective_from"])
    off = [
        None if formats.missing(r.rate) or formats.missing(r.list_rate) or not r.list_rate else 1 - r.rate / r.list_rate
        for r in frame.itertuples(index=False)
    ]
    return frame.assign(off=off)


def _services(store: Store, row: dict[str, Any]) -> pd.DataFrame:
    numbers = store.frame("services", ["service_id", "number", "kind"]).set_index("service_id")
    rows = [
        {
            "service_id": item["service_id"],
            "number": numbers["number"].get(item["service_id"]),
            "kind": numbers["kind"].get(item["service_id"]),
            "term_end": item["term_end"],
            "etf": None if item["etf"] is None else parse_micros(item["etf"]),
        }
        for item in row["services"]
    ]
    frame = pd.DataFrame(rows, columns=["service_id", "number", "kind", "term_end", "etf"])
    frame["etf"] = frame["etf"].astype("Int64")
    return frame.sort_values(["etf", "service_id"], ascending=[False, True], kind="stable").reset_index(drop=True)


def _clauses(store: Store, contract_id: str) -> pd.DataFrame:
    rows = [
        {"verdict": VERDICTS[mark], "clause": name, "told": text} for mark, name, text in clauses(store, [contract_id])
    ]
    return pd.DataFrame(rows, columns=["verdict", "clause", "told"])
