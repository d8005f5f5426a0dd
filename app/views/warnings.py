"""Early warnings of the billing cycles: one row for each line or pool and what it is about, as it stands now."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from anomaly.watch import house_limits
from app import formats
from app.views import rules
from app.views.reviewed import open_findings
from app.views.selection import Filters, settled
from core.store import Store


@dataclass(frozen=True)
class Warnings:
    """`table`: the newest open warning of each cause, newest first; `ids`: with it the earlier ones of the same cause.

    `kept_back`: what earlier decisions did, blank where they did nothing.
    """

    table: pd.DataFrame
    ids: tuple[tuple[str, ...], ...]
    kept_back: str


def view(store: Store, filters: Filters, *, kept_back: bool = False) -> Warnings:
    """The open warnings that the last look kept; a decision on a row is one on every level that it has reached."""
    chosen = settled(store, filters)
    found, said = open_findings(store, "watch", kept_back=kept_back)
    if chosen.carriers:
        found = found[found["carrier_id"].isin(chosen.carriers)]
    numbers = store.frame("services", ["service_id", "number"]).set_index("service_id")["number"]
    causes = []
    for _, group in found.groupby("episode_id", sort=True):
        rows = group.assign(on=[detail["on"] for detail in group["detail"]])
        rows["size"] = [float(actual["value"]) for actual in rows["actual"]]
        rows = rows.sort_values(["on", "size", "finding_id"], ascending=[False, False, True])
        causes.append(
            (_row({str(k): v for k, v in rows.iloc[0].to_dict().items()}, numbers), tuple(rows["finding_id"]))
        )
    causes.sort(key=lambda pair: str(pair[0]["line"]))
    causes.sort(key=lambda pair: str(pair[0]["on"]), reverse=True)
    return Warnings(pd.DataFrame([row for row, _ in causes]), tuple(ids for _, ids in causes), said)


def limits(store: Store) -> str:
    """The house's limits in words; they are settings, the same for every store."""
    house = house_limits()
    told = f"Told at {' and '.join(str(p) for p in house.thresholds)} % of an allowance"
    if house.step:
        told += f" and each {house.step} % beyond"
    if house.ahead:
        told += f", {formats.plural(house.ahead, 'day')} before it is expected to run over"
    if house.roaming:
        told += f", at {formats.money(house.roaming)} of roaming cost of a line in a cycle"
    return f"{told} (settings TEM_WATCH_*)."


def _row(row: dict[str, object], numbers: pd.Series[str]) -> dict[str, object]:
    detail, actual, expected = row["detail"], row["actual"], row["expected"]
    assert isinstance(detail, dict)
    assert isinstance(actual, dict)
    assert isinstance(expected, dict)
    number = numbers.get(row["service_id"]) if row["service_id"] else None
    return {
        "on": detail["on"],
        "what": rules.title(str(row["rule"])),
        "line": str(row["subject_id"]).removeprefix("pool:") if formats.missing(number) else str(number),
        "level": detail["level"],
        "used": actual["value"],
        "limit": expected["value"],
        "unit": actual["unit"],
        "expected_on": detail["expected_on"],
        "cycle": f"{formats.day(detail['cycle']['from'])} to {formats.day(detail['cycle']['to'])}",
        "state": row["state"],
        "explanation": row["explanation"],
        "action": detail["action"]["text"],
    }
