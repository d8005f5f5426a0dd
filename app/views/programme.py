"""How the programme itself runs: five questions with their evidence, exceptions by owner and age, payments, credits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from app import formats
from app.views import disputes, findings, found, health, renewals, year
from app.views.exchange import Exchange, exchange
from app.views.parts import Kpi
from app.views.selection import Filters, choices, settled
from audit import disputes as register
from audit.disputes import Dispute
from core import periods
from core.contract_register import contract_register
from core.money import SCALE
from core.queries import app as queries
from core.queries import workbench, workflow
from core.store import Store

#: Days in which a mature programme has its credits; some carriers take longer.
USUAL_CREDIT = (60, 90)
#: From which share a question is answered with yes, and from which with partly.
GOOD, FAIR = 0.95, 0.8
AGES = ((30, "Up to 30 days"), (60, "31 to 60"), (90, "61 to 90"), (None, "Over 90"))


@dataclass(frozen=True)
class Question:
    """`verdict`: Yes, Partly, No or No data; `page`: the registry key of the page that shows the lines behind it."""

    topic: str
    text: str
    verdict: str
    evidence: str
    page: str


@dataclass(frozen=True)
class Programme:
    """`owners`: a row for each owner of open audit cases, money (micros of `currency`) in all and by age in days;
    `credits`: carrier and days from filing to the last credit of each dispute; `unmatched`: by month, how many per
    cent (micros) of the charges that name a line match none."""

    title: str
    sentence: str
    kpis: tuple[Kpi, ...]
    questions: tuple[Question, ...]
    owners: pd.DataFrame
    credits: pd.DataFrame
    months: tuple[str, ...]
    unmatched: tuple[int, ...]
    currency: str | None
    as_of: str
    note: str


def view(store: Store, filters: Filters) -> Programme:
    """The state of the programme at the end of the last billed month."""
    chosen, there = settled(store, filters), choices(store)
    as_of = workflow.today(store)
    money = exchange(store, chosen.currency, as_of, convert=chosen.convert)
    claims = [d for d in register.disputes(store, as_of) if not chosen.carriers or d.carrier_id in chosen.carriers]
    filed = [item for item in claims if item.state != "identified"]
    owners = _owners(store, chosen, money, as_of)
    contracts = contract_register(store, as_of)
    if chosen.carriers:
        contracts = [row for row in contracts if row["carrier_id"] in chosen.carriers]
    month = as_of[:7]
    questions = (
        _inventory(store),
        _exceptions(owners, money),
        _contracts(year.contracted(store, chosen, money, contracts, month), renewals.missed(contracts)),
        _disputes(claims, filed, money, as_of),
        _reporting(store, health.coverage(store, there, tuple(there.months[-12:]))[1]),
    )
    yes = sum(q.verdict == "Yes" for q in questions)
    weak = [q.topic for q in questions if q.verdict in ("Partly", "No")]
    trend = queries.matched_by_month(store).tail(18)
    return Programme(
        title=f"The programme holds on {yes} of {len(questions)} questions",
        sentence=f"To work on: {', '.join(weak)}." if weak else "Nothing is open.",
        kpis=(*_paid(store, chosen), *_credited(filed, money)),
        questions=questions,
        owners=owners,
        credits=_credits(store, filed),
        months=tuple(trend["month"]),
        unmatched=tuple(
            round((1 - int(m) / int(n)) * 100 * SCALE) for m, n in zip(trend["matched"], trend["named"], strict=True)
        ),
        currency=money.target,
        as_of=as_of,
        note=money.sentence(),
    )


def _verdict(share: float | None) -> str:
    return "No data" if share is None else "Yes" if share >= GOOD else "Partly" if share >= FAIR else "No"


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole > 0 else None


def _inventory(store: Store) -> Question:
    seen = queries.completeness(store)
    owned, active = health.ownership(store)
    shares = [_share(seen["matched"], seen["amount_charges"]), _share(owned, active)]
    known = [share for share in shares if share is not None]
    return Question(
        "the inventory",
        "Is the inventory trusted?",
        _verdict(min(known, default=None)),
        f"{formats.percent(seen['matched'], seen['amount_charges'])} of line charges match it; "
        f"{formats.percent(owned, active)} of active lines have a person or cost center.",
        "health",
    )


def _exceptions(owners: pd.DataFrame, money: Exchange) -> Question:
    whole = int(owners["amount"].sum())
    nobody = int(owners.loc[owners["owner"] == findings.NOBODY, "amount"].sum())
    cases = formats.plural(int(owners["cases"].sum()), "open case")
    sums = [formats.short(amount, money.target) for amount in (whole, nobody)]
    told = f"{cases} with money: {sums[0]}, {sums[1]} of it with nobody."
    return Question(
        "owners of exceptions", "Do exceptions have owners?", _verdict(_share(whole - nobody, whole)), told, "findings"
    )


def _contracts(spent: tuple[int, int], missed: list[dict[str, Any]]) -> Question:
    covered, whole = spent
    verdict = _verdict(_share(covered, whole))
    told = f"{formats.percent(covered, whole)} of line charges run under a contract in force"
    if missed:
        verdict = "Partly" if verdict == "Yes" else verdict
        told += f"; {formats.plural(len(missed), 'notice date')} {'was' if len(missed) == 1 else 'were'} missed"
    return Question(
        "contracts and billing", "Are contract terms connected to billing?", verdict, f"{told}.", "contracts"
    )


def _disputes(claims: list[Dispute], filed: list[Dispute], money: Exchange, as_of: str) -> Question:
    def worth(items: list[Dispute]) -> int:
        return disputes.sum_of(money, items, lambda item: item.disputed)

    unfiled = [item for item in claims if item.state == "identified"]
    late = [item for item in unfiled if not item.may_file(as_of)]
    done, lost = worth(filed), worth(late)
    parts = [formats.short(amount, money.target) for amount in (done, worth(unfiled) - lost, lost)]
    told = f"{parts[0]} filed, {parts[1]} can still be, {parts[2]} went past its window unfiled."
    return Question("disputes", "Are disputes tracked?", _verdict(_share(done, done + lost)), told, "disputes")


def _reporting(store: Store, gaps: pd.DataFrame) -> Question:
    seen = queries.completeness(store)
    verdict = _verdict(_share(seen["balanced"], seen["invoices"]))
    told = f"{seen['balanced']:,} of {formats.plural(seen['invoices'], 'invoice')} tie to their charges; "
    told += f"bills missing in the last 12 months: {len(gaps):,}."
    if len(gaps) and verdict == "Yes":
        verdict = "Partly"
    return Question("reporting", "Can reporting support decisions?", verdict, told, "health")


def _owners(store: Store, chosen: Filters, money: Exchange, as_of: str) -> pd.DataFrame:
    """Open audit cases with money by owner; a case is as old as the end of the first month it was billed in."""
    frame = workbench.finding_list(store, ("audit",))
    frame = frame[frame["state"].isin(found.OPEN) & (frame["amount_counted"] > 0) & (frame["claim"] != "informative")]
    if chosen.carriers:
        frame = frame[frame["carrier_id"].isin(chosen.carriers)]
    names = ["owner", "cases", "amount", "oldest", *(f"age{n}" for n in range(len(AGES)))]
    if frame.empty:
        return pd.DataFrame(columns=names)
    who = frame["owner"].fillna(frame["service_id"].map(findings.owners_of(store))).fillna(findings.NOBODY)
    worth = [money.amount(a, c) or 0 for a, c in zip(frame["amount_counted"], frame["currency"], strict=True)]
    cases = (
        frame.assign(owner=who, worth=worth, case=frame["episode_id"].fillna(frame["finding_id"]))
        .groupby(["owner", "case"], sort=True)
        .agg(worth=("worth", "sum"), since=("month", "min"))
        .reset_index()
    )
    days = [max(0, periods.days_between(periods.month_end(month), as_of)) for month in cases["since"]]
    cases = cases.assign(days=days, age=[_age(value) for value in days])
    rows = []
    for owner, group in cases.groupby("owner", sort=True):
        sums = group.groupby("age")["worth"].sum()
        rows.append(
            {
                "owner": owner,
                "cases": len(group),
                "amount": int(group["worth"].sum()),
                "oldest": int(group["days"].max()),
                **{f"age{n}": int(sums.get(n, 0)) for n in range(len(AGES))},
            }
        )
    result = pd.DataFrame(rows, columns=names)
    return result.sort_values(["amount", "owner"], ascending=[False, True], ignore_index=True)


def _age(days: int) -> int:
    return next(n for n, (limit, _) in enumerate(AGES) if limit is None or days <= limit)


def _paid(store: Store, chosen: Filters) -> tuple[Kpi, Kpi]:
    paid = queries.payments_of(store)
    if chosen.carriers:
        accounts = store.frame("accounts", ["account_id", "carrier_id"])
        mine = accounts.loc[accounts["carrier_id"].isin(chosen.carriers), "account_id"]
        paid = paid[paid["account_id"].isin(mine)]
    dated = paid[paid["due_on"].notna()]
    on_time = int((dated["paid_on"] <= dated["due_on"]).sum())
    billed = paid[paid["issued_on"].notna()]
    took = sorted(periods.days_between(a, b) for a, b in zip(billed["issued_on"], billed["paid_on"], strict=True))
    late = len(dated) - on_time
    return (
        Kpi(
            "Paid on time",
            formats.percent(on_time, len(dated)),
            f"{formats.plural(late, 'bill')} late" if len(dated) else "no payment loaded",
            "attention" if late else "neutral",
            help=f"Of {formats.plural(len(dated), 'bill')} with a due date and a payment.",
        ),
        Kpi(
            "Bill to payment",
            formats.plural(took[len(took) // 2], "day") if took else formats.UNKNOWN,
            f"longest {formats.plural(took[-1], 'day')}" if took else "no payment loaded",
            help="Middle one of the days from the bill's issue to its last payment.",
        ),
    )


def _credited(filed: list[Dispute], money: Exchange) -> tuple[Kpi, Kpi]:
    took = disputes.days_to_credit(filed)
    low, high = USUAL_CREDIT
    return (
        Kpi(
            "Days to a credit",
            formats.UNKNOWN if took is None else f"{took:.0f}",
            f"usual are {low} to {high}",
            "neutral" if took is None else "good" if took <= high else "bad",
            help="Middle one of the days from filing to the last credit.",
        ),
        Kpi("Disputes won", disputes.won(filed, money), "of decided claims", help="In money."),
    )


def _credits(store: Store, filed: list[Dispute]) -> pd.DataFrame:
    names = store.frame("carriers", ["carrier_id", "name"]).set_index("carrier_id")["name"].to_dict()
    rows = [
        {
            "carrier": str(names.get(item.carrier_id) or item.carrier_id),
            "days": periods.days_between(item.filed_on, item.last_credit_on),
        }
        for item in filed
        if item.filed_on and item.last_credit_on
    ]
    return pd.DataFrame(rows, columns=["carrier", "days"]).sort_values(["carrier", "days"], ignore_index=True)
