"""The anomaly model on the use of 500 real-looking lines of a carrier (the Megaline course data), with planted events.

The data lie beside the project (`../shared/data/megaline`), since their licence is not known; without them there is
nothing to measure. Months and levels are theirs, the events are planted: types and sizes of `_anomaly_fleet.py`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import average_precision_score

from anomaly import estate as lines
from anomaly import score
from anomaly.detectors import isolation_forest, product
from benchmarks import Row
from benchmarks._anomaly_fleet import SIZES, TYPES, UNSEEN
from core import periods
from core.money import SCALE
from core.schema import TABLES

TITLE = "Anomaly model on the use of Megaline"
FOLDER = Path(__file__).resolve().parents[2] / "shared" / "data" / "megaline"
FIRST, LAST = "2018-01", "2018-12"
SEEDS = (11, 12, 13, 14, 15)
PLANTED = 30
LEAST_BEFORE = 4  # months of history before an event
BUDGETS = (0.005, 0.02)
KINDS = {
    "data_spike": ("data", 1),
    "data_level_shift": ("data", 3),
    "slow_leak": ("data", 12),
    "voice_spike": ("voice", 1),
    "call_selling": ("voice", 4),
    "message_burst": ("sms", 1),
}


def use() -> pd.DataFrame:
    """Use by line, month and kind, in MB, minutes and messages, and the first day `on` which there was any."""
    parts = []
    for name, kind, day, size in (
        ("calls", "voice", "call_date", "duration"),
        ("internet", "data", "session_date", "mb_used"),
        ("messages", "sms", "message_date", None),
    ):
        rows = pd.read_csv(FOLDER / f"megaline_{name}.csv")
        on = pd.to_datetime(rows[day], format="%d/%m/%Y").dt.strftime("%Y-%m-%d")
        quantity = rows[size] if size else pd.Series(1.0, index=rows.index)
        cells = pd.DataFrame({"service_id": "M" + rows["user_id"].astype(str), "on": on, "quantity": quantity})
        summed = cells.groupby(["service_id", on.str[:7].rename("month")]).agg({"quantity": "sum", "on": "min"})
        parts.append(summed.reset_index().assign(usage_type=kind))
    return pd.concat(parts, ignore_index=True)


def planted(rows: pd.DataFrame, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The use with events in it, and where they are: service_id, month, event, type."""
    rng = np.random.default_rng(seed)
    months = periods.months_between(FIRST, LAST)
    begun = rows.groupby("service_id")["month"].min().map(months.index)
    usual = rows.groupby(["service_id", "usage_type"])["quantity"].median()
    long = begun.index[begun <= len(months) - 1 - LEAST_BEFORE].to_numpy()
    table = rows.set_index(["service_id", "month", "usage_type"])["quantity"].to_dict()
    truth: list[dict[str, Any]] = []
    for number, line in enumerate(rng.permutation(long)[:PLANTED]):
        name = list(KINDS)[number % len(KINDS)]
        kind, span = KINDS[name]
        worth = (TYPES | UNSEEN)[name][int(rng.integers(0, len(SIZES)))]
        first = int(rng.integers(begun[line] + LEAST_BEFORE, len(months)))
        for step, month in enumerate(months[first : first + span]):
            level, cell = float(usual.get((line, kind), 10.0)), (str(line), month, kind)
            now = table.get(cell, 0.0)
            table[cell] = now * worth ** (step + 1) if name == "slow_leak" else max(now, level) * worth
            truth.append({"service_id": line, "month": month, "event": number, "type": name})
    index = pd.MultiIndex.from_tuples(table, names=["service_id", "month", "usage_type"])
    changed = pd.Series(table.values(), index=index, name="quantity").reset_index()
    return changed.merge(rows.groupby("service_id")["on"].min(), on="service_id"), pd.DataFrame(truth)


def estate(rows: pd.DataFrame) -> lines.Estate:
    """The lines with their use as an estate, each from its first day to its last month of use."""
    users = pd.read_csv(FOLDER / "megaline_users.csv")
    users["service_id"] = "M" + users["user_id"].astype(str)
    users = users.merge(rows.groupby("service_id").agg({"on": "min", "month": "max"}), on="service_id")
    plans = pd.read_csv(FOLDER / "megaline_plans.csv")
    services = pd.DataFrame(
        {
            "service_id": users["service_id"],
            "kind": "mobile",
            "device_kind": "phone",
            "carrier_id": "MEGALINE",
            "account_id": "A",
            "plan_id": users["tariff"],
            "status": "active",
            "activated_on": users["on"],
            "disconnected_on": users["month"].map(periods.month_end).where(users["month"] < LAST),
        }
    )
    found = {
        "services": services,
        "plans": pd.DataFrame(
            {
                "plan_id": plans["plan_name"],
                "carrier_id": "MEGALINE",
                "mrc": plans["usd_monthly_pay"] * SCALE,
                "currency": "USD",
            }
        ),
        "accounts": pd.DataFrame([{"account_id": "A", "carrier_id": "MEGALINE", "currency": "USD"}]),
    }
    used = rows.drop(columns="on").assign(zone="home", country=None, currency="USD", cost=0, rows=1)
    used = used.assign(quantity=(rows["quantity"] * SCALE).round().astype("int64"), country=_none(len(rows)))
    text = ("service_id", "month", "category", "item_code", "description", "amount", "zone", "country", "unit")
    billed = pd.DataFrame({name: _none(0) for name in text}).astype({"amount": "Int64"})
    billed = billed.assign(currency="USD", quantity=1, charges=1)
    return lines.build(
        {name: _frame(name, found.get(name)) for name in lines.TABLES},
        used,
        billed,
        pd.DataFrame(columns=["service_id", "month", "destinations", "intl_calls", "short_calls"]),
        pd.DataFrame(columns=["service_id", "month", "imei"]),
        pd.DataFrame(columns=["service_id", "imei", "assigned_on"]),
    )


def _none(size: int) -> pd.Series[Any]:
    return pd.Series([None] * size, dtype=pd.StringDtype(na_value=np.nan))


def _frame(name: str, rows: pd.DataFrame | None) -> pd.DataFrame:
    whole = {"micro", "integer", "flag", "serial"}
    kinds = {c.name: "Int64" if c.info["kind"] in whole else pd.StringDtype(na_value=np.nan) for c in TABLES[name].c}
    frame = pd.DataFrame(columns=list(kinds)) if rows is None else rows.reindex(columns=list(kinds))
    return frame.astype(kinds)


def measure(of: lines.Estate, truth: pd.DataFrame, nats: Any) -> dict[str, float]:
    """AP of line-months, share of events found in the budgets, false alerts per 1000 line-months at 60 % recall."""
    label = np.zeros(of.shape, dtype=bool)
    event = np.full(of.shape, -1)
    service, month = of.rows_of(truth)
    label[service, month], event[service, month] = True, truth["event"]
    inside = of.scored & (np.arange(len(of.months)) >= LEAST_BEFORE)[None, :]
    value, real, number = nats[inside], label[inside], event[inside]
    order = np.argsort(-value, kind="stable")
    best = pd.Series(value[real]).groupby(number[real]).max().sort_values(ascending=False)
    quiet = np.sort(value[~real])
    needed = best.iloc[int(np.ceil(0.6 * len(best))) - 1]
    found = {
        f"events at {budget}": len(set(number[order[: score.budget_rows(budget, len(order))]]) - {-1}) / len(best)
        for budget in BUDGETS
    }
    wrong = 1000 * (len(quiet) - np.searchsorted(quiet, needed, side="left")) / len(value)
    return {"AP": float(average_precision_score(real, value)), **found, "FP@60": float(wrong)}


def run(*, smoke: bool = False) -> list[Row]:
    """The product and an isolation forest on the same planted events."""
    if not FOLDER.is_dir():
        return [Row("not measured", "the Megaline course data is not beside the project (../shared/data/megaline)")]
    rows = use()
    results: dict[str, list[dict[str, float]]] = {"isolation forest": [], "the product": []}
    for seed in SEEDS[:1] if smoke else SEEDS:
        changed, truth = planted(rows, seed)
        of = estate(changed)
        for name, detect in (("isolation forest", isolation_forest), ("the product", product)):
            results[name].append(measure(of, truth, detect(of)))
    told = []
    for name, listed in results.items():
        mean = {key: float(np.mean([one[key] for one in listed])) for key in listed[0]}
        found = ", ".join(f"{mean[f'events at {b}']:.2f} at {100 * b:g} %" for b in BUDGETS)
        told.append(Row(name, f"AP {mean['AP']:.3f}; events {found}", f"FP/1000 at R60 {mean['FP@60']:.1f}"))
    return told
