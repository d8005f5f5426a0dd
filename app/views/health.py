"""Data health: can the figures be trusted, and where not; coverage by month and carrier, matches, owners, checks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from app import formats
from app.views.parts import Kpi
from app.views.selection import Choices, Filters, choices
from core import rollups, trail
from core.queries import app as queries
from core.queries import spend
from core.schema import CANONICAL
from core.store import Store


@dataclass(frozen=True)
class Health:
    """`coverage`: a row for each account, a column for each month (1 billed, 0 not); `tables`: rows held."""

    title: str
    sentence: str
    kpis: tuple[Kpi, ...]
    coverage: pd.DataFrame
    months: tuple[str, ...]
    gaps: pd.DataFrame
    tables: pd.DataFrame
    checks: tuple[tuple[str, str], ...]


def view(store: Store, filters: Filters) -> Health:
    """The state of the whole store."""
    there = choices(store)
    seen = queries.completeness(store)
    months = tuple(there.months[-12:])
    frame, gaps = coverage(store, there, months)
    owned, active = ownership(store)
    checks = {
        "Store file": store.integrity(),
        "Sums against facts": rollups.check(store),
        "Audit trail": trail.verify(store),
    }
    bad = [name for name, found in checks.items() if found]
    share = formats.percent(seen["matched"], seen["amount_charges"])
    off = seen["invoices"] - seen["balanced"]
    title = "Look at these gaps before you rely on the figures"
    if not seen["invoices"] and not bad:
        title = "There are no figures yet"
    elif not bad and gaps.empty:
        title = "The figures can be trusted"
        title += f", but for {formats.plural(off, 'invoice')} that {'do' if off > 1 else 'does'} not tie" if off else ""
    absent = (
        f"{formats.plural(len(gaps), 'bill')} of the last 12 months missing"
        if len(gaps)
        else "no recent bill is missing"
    )
    sentence = (
        f"{share} of line charges are matched to the inventory; {absent}."
        if seen["invoices"]
        else "No bill has been loaded yet."
    )
    kpis = (
        Kpi("Charges matched", share, "to a line"),
        Kpi(
            "Invoices that tie",
            formats.percent(seen["balanced"], seen["invoices"]),
            f"{seen['balanced']:,} of {seen['invoices']:,}",
        ),
        Kpi("Bills missing", formats.count(len(gaps)), "in the last 12 months", "bad" if len(gaps) else "good"),
        Kpi("Lines with an owner", formats.percent(owned, active), "person or center"),
        Kpi("Checks", "Sound" if not bad else f"{len(bad)} failed", "integrity, sums, trail", "bad" if bad else "good"),
    )
    tables = pd.DataFrame([{"table": name, "rows": store.count(name)} for name in CANONICAL])
    told = tuple((name, "sound" if not found else "; ".join(found)[:300]) for name, found in checks.items())
    return Health(title, sentence, kpis, frame, months, gaps, tables, told)


def coverage(store: Store, there: Choices, months: tuple[str, ...]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(a row for each account with 1 for each month billed; account and month of each bill that is missing)."""
    bills = spend.spend(store, by=("month", "account_id"))
    accounts = store.frame("accounts")
    label = {str(row.account_id): _account(row, there.carriers) for row in accounts.itertuples(index=False)}
    seen, gaps = [], []
    for key in sorted({str(a) for a in bills["account_id"].dropna()}, key=lambda k: label.get(k, k)):
        billed = {str(m) for m in bills.loc[bills["account_id"] == key, "month"]}
        inside = [m for m in months if min(billed) <= m <= max([*billed, there.month or ""])]
        seen.append({"account": label.get(key, key), **{m: int(m in billed) for m in months}})
        gaps += [{"account": label.get(key, key), "month": m} for m in inside if m not in billed]
    return pd.DataFrame(seen, columns=["account", *months]), pd.DataFrame(gaps, columns=["account", "month"])


def ownership(store: Store) -> tuple[int, int]:
    """(active lines with a holder or a cost center, all active lines)."""
    services = store.frame("services", ["service_id", "employee_id", "cost_center_id", "status"])
    active = services[services["status"].fillna("active").isin(["active", "suspended"])]
    return int((active["employee_id"].notna() | active["cost_center_id"].notna()).sum()), len(active)


def _account(row: Any, carriers: dict[str, str]) -> str:
    number = row.number if isinstance(row.number, str) else row.account_id
    return f"{carriers.get(str(row.carrier_id), row.carrier_id)} {number}"
