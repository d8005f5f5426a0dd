"""What a page is asked to show (month, carriers, cost centers, currency), and what there is to choose from."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from core import periods
from core.queries import spend
from core.store import Store


@dataclass(frozen=True, slots=True)
class Filters:
    """The reader's choice; None and empty mean no restriction.

    `currency` is the reporting currency; with `convert` amounts in other currencies are converted into it at the
    store's rates, without it only amounts billed in it are shown.
    """

    month: str | None = None
    compare: str | None = None
    carriers: tuple[str, ...] = ()
    cost_centers: tuple[str, ...] = ()
    currency: str | None = None
    convert: bool = True

    def where(self) -> dict[str, tuple[str, ...]]:
        """The restriction for :func:`core.queries.spend.spend`."""
        chosen = {"carrier_id": self.carriers, "cost_center_id": self.cost_centers}
        return {name: values for name, values in chosen.items() if values}


@dataclass(frozen=True, slots=True)
class Choices:
    """What the filters offer: months in order, names by id, currencies by size of spend."""

    months: list[str]
    month: str | None
    carriers: dict[str, str]
    cost_centers: dict[str, str]
    currencies: list[str]

    @property
    def empty(self) -> bool:
        """Whether no bill has been loaded."""
        return not self.months


def choices(store: Store) -> Choices:
    """Everything the filter bar needs, from rollups and small tables."""
    by_month = spend.spend(store, by=("month",))
    months = sorted({str(month) for month in by_month["month"]})
    carriers = store.frame("carriers")
    centers = store.frame("cost_centers")
    totals = by_month.groupby("currency")["amount"].sum() if len(by_month) else pd.Series(dtype="Int64")
    currencies = [str(name) for name in totals.sort_values(ascending=False, kind="stable").index]
    billed = {str(c) for c in spend.spend(store, by=("carrier_id",))["carrier_id"].dropna()} if months else set()
    known = {str(row.carrier_id): _name(row.name, row.carrier_id) for row in carriers.itertuples(index=False)}
    return Choices(
        months=months,
        month=last_complete(by_month),
        carriers={key: known.get(key, key) for key in sorted(billed, key=lambda k: str(known.get(k, k)).lower())},
        cost_centers={str(r.cost_center_id): _name(r.name, r.cost_center_id) for r in centers.itertuples(index=False)},
        currencies=currencies,
    )


def _name(name: object, key: object) -> str:
    return name if isinstance(name, str) and name else str(key)


def last_complete(by_month: pd.DataFrame) -> str | None:
    """The newest month that looks whole: at least half the charges of the month before, else simply the newest."""
    if by_month.empty:
        return None
    counts = by_month.groupby("month")["charges"].sum().sort_index()
    for month in reversed(counts.index):
        before = counts.get(periods.shift(str(month), -1))
        if before is None or counts[month] * 2 >= before:
            return str(month)
    return str(counts.index[-1])


def settled(store: Store, filters: Filters) -> Filters:
    """The filters with every blank filled from what the store holds: month, comparison and currency."""
    there = choices(store)
    month = filters.month if filters.month in there.months else there.month
    compare = filters.compare or (periods.shift(month, -1) if month else None)
    currency = filters.currency or (there.currencies[0] if there.currencies else None)
    return Filters(month, compare, filters.carriers, filters.cost_centers, currency, filters.convert)


def has_rows(store: Store, table: str) -> bool:
    """Whether the table holds anything (cached by the shell)."""
    return store.has_rows(table)
