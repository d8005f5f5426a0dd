"""The register of disputes: what is claimed of whom, until when, what bills have credited; a scorecard of carriers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from statistics import median

import pandas as pd

from app import formats
from app.reports import dispute_pack
from app.reports.pdf import pdf
from app.views.exchange import Exchange, exchange
from app.views.parts import Kpi
from app.views.selection import Filters, settled
from audit import disputes as register
from audit.disputes import NEXT, Dispute
from core import findings, periods
from core.queries import spend, workflow
from core.store import Store

MOST = 2_000
FILED = ("submitted", "approved")
STATES = {
    "identified": "Not filed",
    "submitted": "Filed",
    "approved": "Agreed",
    "declined": "Declined",
    "credited": "Credited",
}
#: What a reader may do next with a dispute, by the state it leads to.
STEPS = {
    "submitted": "File it",
    "approved": "The carrier agreed",
    "declined": "The carrier declined",
    "credited": "Settled otherwise",
}


@dataclass(frozen=True)
class Disputes:
    """`table`: one row for each dispute, largest open amount first; `steps`: dispute -> states that may follow.

    `carriers`: for each carrier the spend of twelve months, what of it was billed wrongly, how claims ended, how long
    credits took. Money in micros; in the table in the currency of the bill, in `carriers` in `currency`.
    """

    title: str
    sentence: str
    kpis: tuple[Kpi, ...]
    table: pd.DataFrame
    steps: dict[str, tuple[str, ...]]
    carriers: pd.DataFrame
    currency: str | None
    as_of: str
    note: str


def view(store: Store, filters: Filters, *, state: str = "filed") -> Disputes:
    """Disputes in the states `filed` (all that were), `identified` (could be), or all of them."""
    chosen = settled(store, filters)
    as_of = workflow.today(store)
    money = exchange(store, chosen.currency, as_of)
    items = [d for d in register.disputes(store, as_of) if not chosen.carriers or d.carrier_id in chosen.carriers]
    filed = [item for item in items if item.state != "identified"]
    waiting = [item for item in items if item.state == "identified" and item.may_file(as_of)]
    shown = {"filed": filed, "identified": waiting}.get(state, items)
    table = _table(store, shown, as_of, money)
    open_now = [item for item in filed if item.state in FILED]
    pending, credited = sum_of(money, open_now, _open), sum_of(money, filed, credited_of)
    title = (
        f"{formats.short(pending, money.target)} in dispute, {formats.short(credited, money.target)} credited"
        if filed
        else "Nothing has been disputed yet"
    )
    return Disputes(
        title,
        _sentence(waiting, money, as_of),
        _kpis(filed, open_now, waiting, money, as_of),
        table.head(MOST),
        {item.dispute_id: NEXT[item.state] for item in shown},
        _carriers(store, filed, money, as_of, chosen),
        money.target,
        as_of,
        money.sentence(),
    )


def pack(store: Store, *, dispute_id: str) -> bytes:
    """The dispute pack of one open dispute as PDF.

    Raises:
        BadInput: if there is no open dispute of that id.
    """
    return pdf("dispute", dispute_pack.content(store, workflow.today(store), dispute_id=dispute_id))


def _open(item: Dispute) -> int:
    return item.disputed - item.credited if item.state in ("identified", *FILED) else 0


def credited_of(item: Dispute) -> int:
    return item.disputed if item.state == "credited" else item.credited


def sum_of(money: Exchange, items: Iterable[Dispute], amount: Callable[[Dispute], int]) -> int:
    return sum(money.amount(amount(item), item.currency) or 0 for item in items)


def days_to_credit(items: Iterable[Dispute]) -> float | None:
    """Median of days from filing to the last credit, over disputes that bills have credited at least in part."""
    days = [
        periods.days_between(item.filed_on, item.last_credit_on)
        for item in items
        if item.filed_on and item.last_credit_on
    ]
    return median(days) if days else None


def won(items: Iterable[Dispute], money: Exchange) -> str:
    """Credited money of that on which the carrier has decided: credited or declined."""
    items = list(items)
    won = sum_of(money, items, credited_of)
    lost = sum_of(
        money, [item for item in items if item.state == "declined"], lambda item: item.disputed - item.credited
    )
    return formats.percent(won, won + lost, 0)


def _kpis(
    filed: list[Dispute], open_now: list[Dispute], waiting: list[Dispute], money: Exchange, as_of: str
) -> tuple[Kpi, ...]:
    claimed, credited = sum_of(money, filed, lambda item: item.disputed), sum_of(money, filed, credited_of)
    soon = [item for item in waiting if item.file_by and item.file_by <= periods.add_days(as_of, 30)]
    took, oldest = days_to_credit(filed), max((item.age_days(as_of) or 0 for item in open_now), default=0)
    return (
        Kpi(
            "In dispute",
            formats.money(sum_of(money, open_now, _open), money.target),
            formats.plural(len(open_now), "bill"),
            help="Filed, not declined, without what bills have credited.",
        ),
        Kpi(
            "Credited",
            formats.money(credited, money.target),
            f"{formats.percent(credited, claimed, 0)} of what was filed" if filed else None,
            "good" if credited else "neutral",
            help="Credits on later bills that name a disputed charge, its line and amount, or the whole claim.",
        ),
        Kpi(
            "Days to a credit",
            formats.UNKNOWN if took is None else f"{took:.0f}",
            f"oldest open {oldest:,} days" if open_now else None,
            "attention" if oldest > 90 else "neutral",
            help="Median from the day of filing to the last credit.",
        ),
        Kpi("Won", won(filed, money), "of decided claims", help="Credited, of credited and declined money."),
        Kpi(
            "Still to file",
            formats.money(sum_of(money, waiting, _open), money.target),
            f"{formats.plural(len(soon), 'bill')} within 30 days" if soon else formats.plural(len(waiting), "bill"),
            "attention" if soon else "neutral",
            help="Claims nobody has filed whose window is open.",
        ),
    )


def _sentence(waiting: list[Dispute], money: Exchange, as_of: str) -> str:
    if not waiting:
        return "Every claim in its window has been filed."
    amount = formats.money(sum_of(money, waiting, _open), money.target)
    first = min((item.file_by for item in waiting if item.file_by), default=None)
    when = f"; the first window closes on {formats.day(first)}" if first else ""
    return f"Claims of {amount} on {formats.plural(len(waiting), 'bill')} can still be filed{when}."


def _table(store: Store, items: list[Dispute], as_of: str, money: Exchange) -> pd.DataFrame:
    frames = store.frames("carriers", "accounts", "invoices")
    carriers = frames["carriers"].set_index("carrier_id")["name"].to_dict()
    accounts = frames["accounts"].set_index("account_id")["number"].to_dict()
    invoices = frames["invoices"].set_index("invoice_id")["number"].to_dict()

    def named(names: dict[str, object], key: str | None) -> str:
        return str(key or "") if formats.missing(names.get(key or "")) else str(names[key or ""])

    rows = [
        {
            "dispute_id": item.dispute_id,
            "state": STATES[item.state],
            "carrier": named(carriers, item.carrier_id),
            "account": named(accounts, item.account_id),
            "invoice": named(invoices, item.invoice_id),
            "disputed": item.disputed,
            "credited": credited_of(item),
            "open": _open(item),
            "currency": item.currency,
            "filed_on": item.filed_on,
            "file_by": item.file_by,
            "withhold_by": item.withhold_by if item.may_withhold(as_of) else None,
            "age": item.age_days(as_of),
            "findings": len(item.finding_ids),
            "worth": money.amount(_open(item), item.currency) or 0,
        }
        for item in items
    ]
    frame = pd.DataFrame(rows, columns=list(rows[0]) if rows else ["dispute_id", "state", "worth"])
    return frame.sort_values(["worth", "dispute_id"], ascending=[False, True], ignore_index=True)


def _carriers(store: Store, filed: list[Dispute], money: Exchange, as_of: str, chosen: Filters) -> pd.DataFrame:
    last = as_of[:7]
    first = periods.shift(last, -11)
    billed: Counter[str] = Counter()
    for row in spend.spend(store, ["carrier_id"], first=first, last=last).itertuples(index=False):
        billed[str(row.carrier_id)] += money.amount(row.amount, row.currency) or 0
    wrong: Counter[str] = Counter()
    frame = findings.load(store, queue="audit", first=first, last=last)
    frame = frame[(frame["claim"] == "recoverable") & (frame["amount_counted"] > 0) & (frame["state"] != "dismissed")]
    for row in frame.itertuples(index=False):
        wrong[str(row.carrier_id)] += money.amount(row.amount_counted, row.currency) or 0
    names = store.frame("carriers", ["carrier_id", "name"]).set_index("carrier_id")["name"].to_dict()
    rows = []
    for key, total in sorted(billed.items(), key=lambda pair: -pair[1]):
        if chosen.carriers and key not in chosen.carriers:
            continue
        ours = [item for item in filed if item.carrier_id == key]
        took = days_to_credit(ours)
        rows.append(
            {
                "carrier": names.get(key) or key,
                "billed": total,
                "wrong": wrong[key],
                "rate": wrong[key] / total if total > 0 else None,
                "filed": sum_of(money, ours, lambda item: item.disputed),
                "credited": sum_of(money, ours, credited_of),
                "won": won(ours, money),
                "took": None if took is None else round(took),
            }
        )
    return pd.DataFrame(rows)
