"""Savings: what was found, what was decided, what has reached an invoice; hard savings apart from avoided cost."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from app import formats
from app.views import found, ledger, rules
from app.views.exchange import Exchange, exchange
from app.views.parts import Kpi
from app.views.selection import Filters, settled
from core import periods
from core.queries import workflow
from core.store import Store


@dataclass(frozen=True)
class Savings:
    """`lines`: one row for each entry of the ledger (kind, stage, amount in micros, currency, findings)."""

    title: str
    sentence: str
    currency: str | None
    kpis: tuple[Kpi, ...]
    stages: tuple[tuple[str, int], ...]
    by_kind: tuple[tuple[str, int], ...]
    lines: pd.DataFrame
    baseline: str
    note: str


def view(store: Store, filters: Filters) -> Savings:
    """The whole ledger in the reporting currency; the month only picks the exchange rate."""
    chosen = settled(store, filters)
    money = exchange(store, chosen.currency, periods.month_end(chosen.month) if chosen.month else None)
    document = ledger.document(store)
    stages = ledger.stages(document["totals"], money)
    by_stage = dict(stages)
    numbers = store.frame("services", ["service_id", "number"]).dropna().set_index("service_id")["number"]
    lines = _lines(document, numbers.to_dict())
    kinds: dict[str, int] = {}
    for row in lines.itertuples(index=False):
        kinds[str(row.kind)] = kinds.get(str(row.kind), 0) + (money.amount(row.amount, row.currency) or 0)
    names = {"hard": "Hard saving: lower bills", "avoidance": "Avoided cost"}
    total, done = sum(by_stage.values()), by_stage.get("Realized", 0)
    title = f"{formats.short(done, money.target)} saved, {formats.short(total, money.target)} found"
    waiting = by_stage.get("Identified", 0)
    sentence = (
        f"{formats.money(waiting, money.target)} waits for a decision{_open(store, chosen, money)}."
        if waiting > 0
        else "Everything found so far has been decided on."
    )
    base = document.get("baseline") or {}
    return Savings(
        title=title,
        sentence=sentence,
        currency=money.target,
        kpis=tuple(
            Kpi(
                name,
                formats.money(amount, money.target),
                formats.percent(amount, total) + " of all found",
            )
            for name, amount in stages
        ),
        stages=stages,
        by_kind=tuple((names.get(k, formats.words(k)), v) for k, v in sorted(kinds.items(), key=lambda i: -i[1])),
        lines=lines,
        baseline=_baseline(base),
        note=money.sentence(),
    )


def _open(store: Store, filters: Filters, money: Exchange) -> str:
    """Of what waits: what may still be claimed of carriers, and what cannot."""
    wrong = found.errors(found.findings_of(store, filters, money))
    wrong = wrong[wrong["state"].isin(["new", "triaged"])]
    timely, late = (int(part["amount"].sum()) for part in found.unfiled(wrong, workflow.today(store)))
    told = f": {formats.money(timely, money.target)} can still be claimed back" if timely else ""
    if late:
        told += f"{',' if told else ':'} {formats.money(late, money.target)} is past its window to dispute"
    return f"{told}, the rest is what waste has cost so far" if told else told


def _baseline(base: dict[str, object]) -> str:
    if not base.get("from"):
        return "No baseline has been frozen yet."
    seal = str(base.get("sha256") or "")[:12]
    return f"Baseline {formats.month(base['from'])} to {formats.month(base.get('to'))}, sealed {seal}."


def _lines(document: dict[str, object], numbers: dict[str, str]) -> pd.DataFrame:
    names = ["saving_id", "kind", "stage", "amount", "currency", "findings", "what"]
    rows = [
        {
            "saving_id": row["saving_id"],
            "kind": row["kind"],
            "stage": row["stage"],
            "amount": ledger.micros(row["amount"]),
            "currency": row.get("currency"),
            "findings": len(row.get("finding_ids") or []),
            "what": _what(str(row.get("title") or row.get("source") or ""), numbers),
        }
        for row in document.get("lines") or []  # type: ignore[attr-defined]
    ]
    frame = pd.DataFrame(rows, columns=names)
    return frame.sort_values(["amount", "saving_id"], ascending=[False, True], ignore_index=True)


def _what(title: str, numbers: dict[str, str]) -> str:
    """A ledger title in words: `I5 S02212, 6 findings` becomes `Site is closed: +1 303 555 0100`."""
    head, _, rest = title.partition(" ")
    known = rules.titles().get(head)
    subject = rest.partition(",")[0]
    return f"{known}: {numbers.get(subject, subject)}" if known and rest else title
