"""The negotiation brief on a page: the document of the report, and price limits where results support them."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from app import formats
from app.reports import brief
from app.reports.brief_limits import Limit, limits
from app.reports.pdf import pdf
from app.views import renewals
from app.views.contracts import VERDICTS, Bullet, bullet_of
from app.views.exchange import exchange
from app.views.parts import Kpi, Term
from app.views.selection import Filters, settled
from core.queries import spend, workflow
from core.renewals import contract_register
from core.store import Store


@dataclass(frozen=True)
class Brief:
    """The tables of the brief as frames of finished text; `trend` in micros; `limits`: target to walk-away."""

    carrier_id: str
    choices: dict[str, str]
    title: str
    sentence: str
    kpis: tuple[Kpi, ...]
    currency: str
    window: str
    months: tuple[str, ...]
    trend: tuple[int, ...]
    items: pd.DataFrame
    leverage: tuple[str, ...]
    limits: tuple[Limit, ...]
    contracts: pd.DataFrame
    bullets: tuple[Bullet, ...]
    terms: tuple[Term, ...]
    errors: pd.DataFrame
    offers: pd.DataFrame
    clauses: pd.DataFrame
    notes: tuple[str, ...]
    as_of: str


def carriers(store: Store) -> dict[str, str]:
    """Carriers that billed something, largest spend of the last year first: name by id."""
    months = spend.months(store)
    if not months:
        return {}
    day = workflow.today(store)
    money = exchange(store, _main(store), day)
    sums: dict[str, int] = {}
    for row in spend.spend(
        store, by=("carrier_id",), first=months[-12] if len(months) > 12 else months[0]
    ).itertuples():
        if not formats.missing(row.carrier_id):
            sums[str(row.carrier_id)] = sums.get(str(row.carrier_id), 0) + (money.amount(row.amount, row.currency) or 0)
    names = store.frame("carriers", ["carrier_id", "name"]).set_index("carrier_id")["name"]
    known = [key for key in sums if key in names.index]
    return {key: str(names.get(key)) for key in sorted(known, key=lambda k: (-sums[k], k))}


def _main(store: Store) -> str | None:
    return settled(store, Filters()).currency


def view(store: Store, filters: Filters, *, carrier: str | None = None) -> Brief | None:
    """The brief for one carrier, by default the one with the largest spend; None where no carrier billed."""
    choices = carriers(store)
    key = carrier if carrier in choices else next(iter(choices), None)
    if key is None:
        return None
    day = workflow.today(store)
    told = brief.content(store, key, day)
    register = [row for row in contract_register(store, day) if row["carrier_id"] == key]
    alive = [row for row in register if row["state"] not in {"expired", "terminated"}]
    money = exchange(store, told["currency"], day)
    exposure = renewals.exposure_of(store, register, day[:7], money)
    sums = spend.spend(store, by=("month", "carrier_id"), where={"carrier_id": (key,)})
    sums = sums[sums["currency"] == told["currency"]].sort_values("month").tail(12)
    return Brief(
        carrier_id=key,
        choices=choices,
        title=told["title"],
        sentence=told["sentence"],
        kpis=tuple(Kpi(k["label"], k["value"], k["delta"], k["tone"]) for k in told["kpis"]),
        currency=told["currency"],
        window=told["window"],
        months=tuple(str(m) for m in sums["month"]),
        trend=tuple(int(v) for v in sums["amount"]),
        items=pd.DataFrame(told["items"], columns=ITEMS),
        leverage=tuple(told["leverage"]),
        limits=limits(store, key, choices[key], told["currency"]),
        contracts=pd.DataFrame(told["contracts"], columns=CONTRACTS),
        bullets=tuple(bullet for row in alive if (bullet := bullet_of(row, day)) is not None),
        terms=renewals.terms_of(alive, exposure, money),
        errors=pd.DataFrame(told["errors"], columns=ERRORS),
        offers=pd.DataFrame(told["offers"], columns=OFFERS),
        clauses=pd.DataFrame(
            [[VERDICTS[mark], name, text] for mark, name, text in told["clauses"]],
            columns=["Verdict", "Clause", "What our data says"],
        ),
        notes=tuple(told["notes"]),
        as_of=day,
    )


ITEMS = ["Element", "Description", "Kind", "Units a month", "Unit price", "Contract rate", "List", "A month", "Share"]
CONTRACTS = ["Contract", "State", "Notice by", "Earliest exit", "Leaving now costs", "Lines that pay"]
ERRORS = ["Rule", "What it means", "Findings", "Money claimed", "May still be filed"]
OFFERS = ["Offer", "Carrier", "Plan", "A month", "Data", "Over allowance"]


def document(store: Store, *, carrier_id: str) -> bytes:
    """The brief as PDF.

    Raises:
        BadInput: if the carrier is unknown or billed nothing.
    """
    return pdf("brief", brief.content(store, carrier_id, workflow.today(store)))
