"""The negotiation brief on a page: the document of the report, and price limits where results support them."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from app import formats
from app.reports import brief
from app.reports.pdf import pdf
from app.views import renewals, results, worth
from app.views.contracts import VERDICTS, Bullet, bullet_of
from app.views.exchange import exchange
from app.views.parts import Kpi, Term
from app.views.selection import Filters, settled
from core.queries import spend, workflow
from core.renewals import contract_register
from core.store import Store


@dataclass(frozen=True)
class Limit:
    """One price limit: its figure as text, or `n/a`, and why."""

    name: str
    value: str
    why: str


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


def limits(store: Store, carrier_id: str, name: str, currency: str) -> tuple[Limit, ...]:
    """Walk-away, acceptable and target as far as stored results carry them; never guessed.

    Walk-away: the discount on the plan cost of this carrier's lines at which staying costs what the best proven
    alternative costs. Acceptable: what today's catalogue already saves without leaving. Target and commitment: from the
    studies of `tem worth`, where there are any on today's data.
    """
    moved = stayed = None
    for item in results.outcomes(store):
        if item.cost is None or item.stale or item.currency != currency:
            continue
        rows = [r for r in item.document.get("recommendations") or [] if r.get("current_carrier_id") == carrier_id]
        away = [r for r in rows if r.get("action") == "port"]
        base = _plan_cost(item, carrier_id)
        if not base:
            continue
        if away and moved is None:
            moved = (item, sum(results.micros(r["monthly_saving"]) or 0 for r in away), base, len(away))
        at_home = [r for r in rows if r.get("action") in {"change_plan", "suspend"}]
        if at_home and stayed is None:
            stayed = (item, sum(results.micros(r["monthly_saving"]) or 0 for r in at_home), base, len(at_home))
    result = [_target(store, carrier_id, currency)]
    if stayed is None:
        result.append(Limit("Acceptable", "n/a", f"No stored result changes a plan at {name} on today's data."))
    else:
        item, saving, base, count = stayed
        result.append(
            Limit(
                "Acceptable",
                f"{formats.money(saving, currency)} a month less",
                f"What {formats.plural(count, 'change')} at {name} save without any concession "
                f"({formats.percent(saving, base)} of {formats.money(base, currency)}), from “{item.name}”: "
                "a deal has to beat it.",
            )
        )
    if moved is None:
        result.append(
            Limit("Walk-away", "n/a", f"No stored result moves a line away from {name}; run one with an offer.")
        )
    else:
        item, saving, base, count = moved
        result.append(
            Limit(
                "Walk-away",
                f"{formats.percent(saving, base)} off",
                f"“{item.name}” moves {formats.plural(count, 'line')} and saves {formats.money(saving, currency)} "
                f"a month, fees for leaving counted; less off {formats.money(base, currency)} a month is worse than "
                "going. Savings of lines that share a pool are summed one by one.",
            )
        )
    return (*result, *_committed(store, carrier_id, currency))


def _target(store: Store, carrier_id: str, currency: str) -> Limit:
    """The price at which the carrier earns most from us on an offered plan: what a seller can be brought to."""
    document = worth.newest(store, "break_even", currency)
    plans = worth.demands(document["studies"]["break_even"], results.plan_names(store), currency) if document else ()
    best: tuple[int, worth.Demand, tuple[int, int, int]] | None = None
    for demand in plans:
        point = worth.best_price(demand) if demand.carrier_id == carrier_id else None
        if point is not None and (best is None or point[2] > best[0]):
            best = (point[2], demand, point)
    if best is None or document is None:
        why = "No break-even price of a plan of this carrier is computed on today's data; check its offer under Offers."
        return Limit("Target", "n/a", why)
    revenue, demand, (price, lines, _) = best
    lowest = (
        " It is the lowest price solved: lower ones may pay as well." if price == demand.points["price"].min() else ""
    )
    return Limit(
        "Target",
        f"{demand.plan} at {formats.cents(price, currency)}",
        f"Of the prices solved, the one at which the carrier earns most from us: {formats.plural(lines, 'line')}, "
        f"{formats.money(revenue, currency)} a month (list price {formats.cents(demand.listed, currency)}).{lowest} "
        f"{demand.sentence} {worth.proof([document], currency)}",
    )


def _committed(store: Store, carrier_id: str, currency: str) -> list[Limit]:
    """How much may be committed to the carrier for nothing, and what today's commitment costs."""
    document = worth.newest(store, "commitments", currency)
    found = []
    for row in document["studies"]["commitments"]["commitments"] if document else ():
        if row["carrier_id"] != carrier_id:
            continue
        free = formats.money(results.micros(row["free_up_to"]), currency)
        now = formats.money(results.micros(row["current"]), currency)
        extra = next((lv["extra"] for lv in row["levels"] if lv["commitment"] == row["current"]), None)
        costs = (
            "" if extra is None else f"; today's {now} cost {formats.money(results.micros(extra), currency)} a month"
        )
        found.append(
            Limit(
                "Commitment",
                f"at most {free} a month",
                f"The spend with the best plans if nothing were committed under {row['contract_id']}: up to there a "
                f"commitment costs nothing{costs}. {worth.proof([document or {}], currency)}",
            )
        )
    return found


def _plan_cost(item: results.Outcome, carrier_id: str) -> int | None:
    """What the carrier's lines cost a month on today's plans, in micros; None where the result does not say."""
    rows = item.document.get("by_carrier") or []
    return next((results.micros(row.get("baseline_cost")) for row in rows if row["carrier_id"] == carrier_id), None)


def document(store: Store, *, carrier_id: str) -> bytes:
    """The brief as PDF.

    Raises:
        BadInput: if the carrier is unknown or billed nothing.
    """
    return pdf("brief", brief.content(store, carrier_id, workflow.today(store)))
