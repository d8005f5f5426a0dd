"""Spend that moved: one row for each account, carrier, cost center or category out of the usual, with its drivers."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from anomaly import spend
from app.views.exchange import exchange
from app.views.reviewed import open_findings
from app.views.selection import Filters, settled
from core import periods
from core.money import parse_micros
from core.store import Store

LEVELS = {
    "account": "Account",
    "carrier": "Carrier",
    "cost_center": "Cost center",
    "category": "Category of an account",
}


@dataclass(frozen=True)
class Moves:
    """`table`: open moves, the largest difference in the reporting currency first, with the `ids` of their findings;
    `drivers`: a frame for each of them; `kept_back`: what earlier decisions did, blank where they did nothing."""

    sentence: str
    table: pd.DataFrame
    ids: tuple[tuple[str, ...], ...]
    drivers: tuple[pd.DataFrame, ...]
    kept_back: str


def view(store: Store, filters: Filters, *, first: str | None, last: str | None, kept_back: bool = False) -> Moves:
    """What moved in the months `first`..`last`; amounts in micros of the currency they were billed in."""
    chosen = settled(store, filters)
    money = exchange(store, chosen.currency, periods.month_end(last) if last else None, convert=chosen.convert)
    found, said = open_findings(store, "spend", kept_back=kept_back, first=first, last=last)
    if chosen.carriers:
        found = found[found["carrier_id"].isin(chosen.carriers)]
    if chosen.cost_centers:
        found = found[(found["subject_type"] != "cost_center") | found["subject_id"].isin(chosen.cost_centers)]
    names = spend.labels(store)
    listed = sorted(
        found.to_dict("records"),
        key=lambda row: (-abs(money.amount(row["amount_at_stake"], row["currency"]) or 0), row["finding_id"]),
    )
    rows = [_row({str(k): v for k, v in row.items()}, names) for row in listed]
    drivers = tuple(_drivers(row["detail"]["drivers"]) for row in listed)
    missing = sum(bool(row["detail"]["missing"]) for row in listed)
    told = f"{missing} of them because no bill has come. " if missing else ""
    sentence = f"{told}Rises and falls are never netted against each other."
    return Moves(sentence, pd.DataFrame(rows), tuple((str(row["finding_id"]),) for row in listed), drivers, said)


def _row(row: dict[str, object], names: dict[str, str]) -> dict[str, object]:
    detail = row["detail"]
    assert isinstance(detail, dict)
    return {
        "what": spend.subject(detail["level"], tuple(detail["key"]), names),
        "level": LEVELS[detail["level"]],
        "month": row["month"],
        "compared": detail["compared_with"],
        **{name: parse_micros(detail[name]) for name in ("expected", "actual", "difference", "up", "down")},
        "currency": row["currency"],
        "severity": row["severity"],
        "state": row["state"],
        "explanation": row["explanation"],
    }


def _drivers(listed: list[dict[str, str]]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {name: driver[name] for name in ("item", "category", "cause")}
            | {name: parse_micros(driver[name]) for name in spend.DRIVER_AMOUNTS}
            for driver in listed
        ]
    )
