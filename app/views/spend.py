"""Spend and invoices: from the month to the invoice, to its services, to the single charge."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from app import formats
from app.views.exchange import Exchange, exchange
from app.views.parts import Kpi
from app.views.selection import Filters, choices, settled
from core import periods
from core.queries import spend
from core.store import Store


@dataclass(frozen=True)
class Spend:
    """`invoices`: the month's bills; `categories` and `centers`: (name, now, before) in micros of `currency`."""

    title: str
    sentence: str
    month: str
    compare: str
    currency: str | None
    kpis: tuple[Kpi, ...]
    categories: pd.DataFrame
    centers: pd.DataFrame
    invoices: pd.DataFrame
    note: str


def _grouped(store: Store, by: str, chosen: Filters, names: dict[str, str]) -> tuple[pd.DataFrame, Exchange]:
    money = exchange(store, chosen.currency, periods.month_end(str(chosen.month)), convert=chosen.convert)
    table = money.frame(spend.spend(store, by=("month", by), where=chosen.where()))
    rows = []
    keys = sorted({str(k) for k in table[by].dropna()}) if len(table) else []
    for key in [*keys, None]:
        part = table[table[by].isna()] if key is None else table[table[by] == key]
        now = int(part.loc[part["month"] == chosen.month, "amount"].sum())
        before = int(part.loc[part["month"] == chosen.compare, "amount"].sum())
        if now or before:
            rows.append(
                {
                    "name": names.get(key, key) if key else "Not assigned",
                    "now": now,
                    "before": before,
                    "change": now - before,
                }
            )
    frame = pd.DataFrame(rows, columns=["name", "now", "before", "change"])
    return frame.sort_values(["now", "name"], ascending=[False, True], ignore_index=True), money


def view(store: Store, filters: Filters) -> Spend:
    """What the month's bills are made of, against the comparison, and the list of its invoices."""
    chosen = settled(store, filters)
    there = choices(store)
    month, compare = str(chosen.month), str(chosen.compare)
    kinds = {
        k: formats.words(k)
        for k in (
            "mrc",
            "nrc",
            "usage",
            "occ",
            "tax",
            "surcharge",
            "credit",
            "adjustment",
            "equipment",
            "late_fee",
            "third_party",
        )
    }
    categories, money = _grouped(store, "category", chosen, kinds)
    centers, _ = _grouped(store, "cost_center_id", chosen, there.cost_centers)
    invoices = spend.invoice_list(store, first=month, last=month)
    if chosen.carriers:
        invoices = invoices[invoices["carrier_id"].isin(chosen.carriers)].reset_index(drop=True)
    invoices = invoices.assign(
        carrier=invoices["carrier_id"].map(lambda k: there.carriers.get(k, k) if isinstance(k, str) else "Unknown"),
        difference=invoices["charges_total"] - invoices["total"],
    ).sort_values(["total", "invoice_id"], ascending=[False, True], ignore_index=True)
    now, before = int(categories["now"].sum()), int(categories["before"].sum())
    off = int((~invoices["balanced"]).sum())
    delta = now - before
    bills = formats.plural(len(invoices), "invoice")
    title = f"{bills} in {formats.month_name(month)}, {formats.short(now, chosen.currency)}"
    sentence = (
        "Every invoice ties to its charges to the cent."
        if not off
        else f"{formats.plural(off, 'invoice')} {'does' if off == 1 else 'do'} not tie to the charges; look there."
    )
    recurring = int(categories.loc[categories["name"] == kinds["mrc"], "now"].sum())
    usage = int(categories.loc[categories["name"] == kinds["usage"], "now"].sum())
    kpis = (
        Kpi(
            "Billed",
            formats.money(now, chosen.currency),
            f"{formats.short(abs(delta), chosen.currency)} on {formats.month_short(compare)}",
            "bad" if delta > 0 else "good",
            "up" if delta > 0 else "down",
        ),
        Kpi(
            "Recurring (MRC)",
            formats.money(recurring, chosen.currency),
            f"{formats.percent(recurring, now)} of the bill",
        ),
        Kpi("Usage", formats.money(usage, chosen.currency), f"{formats.percent(usage, now)} of the bill"),
        Kpi(
            "Out of balance",
            formats.plural(off, "invoice"),
            "check the file" if off else "all tie",
            "bad" if off else "good",
        ),
    )
    return Spend(
        title, sentence, month, compare, chosen.currency, kpis, categories, centers, invoices, money.sentence()
    )


@dataclass(frozen=True)
class Invoice:
    """One bill: facts about it, its services with their sums, and every charge (amounts in its own currency)."""

    facts: dict[str, str]
    services: pd.DataFrame
    charges: pd.DataFrame
    currency: str | None


def invoice(store: Store, invoice_id: str) -> Invoice:
    """The invoice, grouped by service; charges without a service belong to the account."""
    charges = spend.invoice_charges(store, invoice_id)
    heads = store.frame("invoices")
    head = heads[heads["invoice_id"] == invoice_id].iloc[0].to_dict()
    label = charges["service_id"].fillna("")
    numbers = charges["billed_number"].fillna("")
    sums = (
        charges.assign(service=label, shown=numbers)
        .groupby("service")
        .agg(number=("shown", "max"), charges=("charge_id", "count"), amount=("amount", "sum"))
        .reset_index()
        .sort_values(["amount", "service"], ascending=[False, True], ignore_index=True)
    )
    sums["name"] = sums["service"].where(sums["service"] != "", "Account level")
    currency = None if formats.missing(head.get("currency")) else str(head["currency"])
    total = int(charges["amount"].sum())
    facts = {
        "Invoice": str(head["number"] if not formats.missing(head.get("number")) else invoice_id),
        "Account": str(head["account_id"]),
        "Period": f"{formats.day(head.get('period_start'))} to {formats.day(head.get('period_end'))}",
        "Issued": formats.day(head.get("issued_on")),
        "Due": formats.day(head.get("due_on")),
        "Total of the bill": formats.cents(head["total"], currency),
        "Sum of its charges": formats.cents(total, currency),
        "Difference": formats.cents(total - int(head["total"]), currency),
    }
    return Invoice(facts, sums, charges, currency)
