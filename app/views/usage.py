"""Use of the fleet over time, roaming, peers of a flagged line, and the two queues of flags with their evidence."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pandas as pd

from app import formats
from app.views import rules
from app.views.exchange import Exchange, exchange
from app.views.parts import Kpi
from app.views.selection import Filters, settled
from core import periods
from core.money import parse_micros
from core.queries import anomaly as anomaly_queries
from core.queries import spend, workbench
from core.store import Store

UNITS = {"data": "MB", "voice": "min", "sms": "msg"}
MOST = 5_000
OPEN = ("new", "triaged", "accepted")


@dataclass(frozen=True)
class Usage:
    """`series`: for each usage type, zone -> quantity of each month (micros of :data:`UNITS`); `roaming`: one row for
    each country of the month; `first` begins the months of the flags; `anomalies` and `policy`: queues, with the
    finding ids in the same order; `model`: what the last run kept back, learnt, and noticed about itself."""

    title: str
    sentence: str
    kpis: tuple[Kpi, ...]
    month: str | None
    first: str | None
    months: tuple[str, ...]
    series: dict[str, dict[str, tuple[int, ...]]]
    roaming: pd.DataFrame
    anomalies: pd.DataFrame
    anomaly_ids: tuple[tuple[str, ...], ...]
    policy: pd.DataFrame
    policy_ids: tuple[tuple[str, ...], ...]
    currency: str | None
    note: str
    model: str

    @property
    def costly_roaming(self) -> pd.DataFrame:
        """The countries whose use was priced apart, the dearest eight."""
        return self.roaming[self.roaming["cost"] > 0].head(8)


def view(store: Store, filters: Filters, *, span: str = "month") -> Usage:
    """Use in the month shown and before; flags of that month, of the last three (`span` quarter) or of all."""
    chosen = settled(store, filters)
    months = spend.usage_months(store)
    month = chosen.month or (months[-1] if months else None)
    money = exchange(store, chosen.currency, periods.month_end(month) if month else None, convert=chosen.convert)
    use = workbench.fleet_usage(store)
    if chosen.carriers and len(use):
        use = use[use["carrier_id"].isin(chosen.carriers)]
    kept = [m for m in months if month is None or m <= month][-18:]
    series = _series(use, kept)
    roaming = _roaming(store, month, chosen, money)
    first = {"month": month, "quarter": periods.shift(month, -2) if month else None}.get(
        span, kept[0] if kept else None
    )
    anomalies, anomaly_ids = _queue(store, "anomaly", chosen, first, month, money)
    policy, policy_ids = _queue(store, "policy", chosen, first, month, money)
    kpis = _kpis(use, month, chosen.compare, roaming, anomalies, policy, money)
    title, sentence = _words(month, use, chosen.compare, anomalies, policy, money.target)
    return Usage(
        title,
        sentence,
        kpis,
        month,
        first,
        tuple(kept),
        series,
        roaming,
        anomalies,
        anomaly_ids,
        policy,
        policy_ids,
        money.target,
        money.sentence(),
        _model(store),
    )


def _model(store: Store) -> str:
    """The last run of the model in one or two sentences; empty before the first."""
    run = anomaly_queries.newest_run(store)
    if run is None:
        return ""
    said = [
        f"{formats.plural(run['suppressed'], 'alert')} kept back because you reviewed the same before",
        f"{run['came_back']:,} came back because they grew",
    ]
    if run["precision"] is not None:
        said.append(
            f"{run['confirmed']:,} confirmed and {run['dismissed']:,} dismissed so far "
            f"({formats.percent(run['precision'], 1, 0)} right)"
        )
    text = "; ".join(said) + "."
    drifted = [formats.month_short(row["month"]) for row in run["drift"] if row["drifted"]]
    if drifted:
        text += f" The fleet as a whole changed in {', '.join(drifted)}: flags of these months say less than usual."
    return text


def _series(use: pd.DataFrame, months: list[str]) -> dict[str, dict[str, tuple[int, ...]]]:
    result: dict[str, dict[str, tuple[int, ...]]] = {}
    for kind in UNITS:
        part = use[use["usage_type"] == kind] if len(use) else use
        if part.empty:
            continue
        sums = part.groupby(["zone", "month"])["quantity"].sum()
        zones = part.groupby("zone")["quantity"].sum().sort_values(ascending=False, kind="stable").index
        result[kind] = {formats.words(z): tuple(int(sums.get((z, m), 0)) for m in months) for z in zones}
    return result


def _roaming(store: Store, month: str | None, chosen: Filters, money: Exchange) -> pd.DataFrame:
    names = ["country", "data_mb", "voice_min", "cost", "lines"]
    if month is None:
        return pd.DataFrame(columns=names)
    frame = workbench.roaming(store, month, month)
    if chosen.carriers:
        frame = frame[frame["carrier_id"].isin(chosen.carriers)]
    rows = []
    for country, group in frame.assign(country=frame["country"].fillna("Unknown")).groupby("country", sort=True):
        costs = [money.amount(c, code) or 0 for c, code in zip(group["cost"], group["currency"], strict=True)]
        rows.append(
            {
                "country": country,
                "data_mb": int(group.loc[group["usage_type"] == "data", "quantity"].sum()),
                "voice_min": int(group.loc[group["usage_type"] == "voice", "quantity"].sum()),
                "cost": sum(costs),
                "lines": int(group["lines"].max()),
            }
        )
    rows.sort(key=lambda row: (-row["cost"], -row["data_mb"], row["country"]))
    return pd.DataFrame(rows, columns=names)


def _queue(
    store: Store, queue: str, chosen: Filters, first: str | None, last: str | None, money: Exchange
) -> tuple[pd.DataFrame, tuple[tuple[str, ...], ...]]:
    """Open flags: anomalies by surprise, policy hits by money."""
    frame = workbench.finding_list(store, (queue,))
    frame = frame[frame["state"].isin(OPEN)]
    if chosen.carriers:
        frame = frame[frame["carrier_id"].isin(chosen.carriers)]
    if first and last:
        frame = frame[(frame["month"] >= first) & (frame["month"] <= last)]
    numbers = store.frame("services", ["service_id", "number", "employee_id"]).set_index("service_id")
    people = store.frame("employees", ["employee_id", "name"]).set_index("employee_id")["name"]
    rows = []
    for row in frame.itertuples(index=False):
        known = row.service_id in numbers.index
        number = numbers.at[row.service_id, "number"] if known else None
        person = numbers.at[row.service_id, "employee_id"] if known else None
        rows.append(
            {
                "what": formats.words(row.kind) if queue == "anomaly" else rules.title(row.rule),
                "line": row.service_id if formats.missing(number) else str(number),
                "holder": None if formats.missing(person) else people.get(person),
                "month": row.month,
                "score": None if formats.missing(row.score) else int(row.score),
                "amount": int(row.amount_at_stake),
                "currency": row.currency,
                "worth": money.amount(row.amount_at_stake, row.currency) or 0,
                "severity": row.severity,
                "state": row.state,
                "explanation": row.explanation,
                "finding_id": row.finding_id,
                "service_id": row.service_id,
            }
        )
    if queue == "anomaly":
        rows.sort(key=lambda r: (-(r["score"] or 0), str(r["service_id"]), r["month"]))
    else:
        rows.sort(key=lambda r: (-abs(r["worth"]), -(r["score"] or 0), r["finding_id"]))
    rows = rows[:MOST]
    result = pd.DataFrame(rows)
    if len(result):
        result["score"] = result["score"].astype("Int64")
    return result, tuple((str(row["finding_id"]),) for row in rows)


def _total(use: pd.DataFrame, month: str | None, kind: str) -> int:
    if use.empty or month is None:
        return 0
    return int(use.loc[(use["month"] == month) & (use["usage_type"] == kind), "quantity"].sum())


def _kpis(
    use: pd.DataFrame,
    month: str | None,
    compare: str | None,
    roaming: pd.DataFrame,
    anomalies: pd.DataFrame,
    policy: pd.DataFrame,
    money: Exchange,
) -> tuple[Kpi, ...]:
    result = []
    for kind, label in (("data", "Data"), ("voice", "Voice")):
        now, was = _total(use, month, kind), _total(use, compare, kind)
        told = (
            f"{formats.percent(now - was, was, sign=True)} on {formats.month_name(compare)}" if was else "no comparison"
        )
        way = "none" if not was or now == was else "up" if now > was else "down"
        result.append(Kpi(label, formats.quantity(now, UNITS[kind]), told, "neutral", way))
    cost = int(roaming["cost"].sum()) if len(roaming) else 0
    result.append(
        Kpi(
            "Roaming",
            formats.money(cost, money.target),
            formats.plural(len(roaming), "country", "countries"),
            help="Rated cost before tax, from the usage of the month.",
        )
    )
    new = int((anomalies["state"] == "new").sum()) if len(anomalies) else 0
    result.append(
        Kpi(
            "Unusual line-months",
            formats.count(len(anomalies)),
            f"{new:,} not yet read",
            "attention" if new else "neutral",
        )
    )
    at_stake = int(policy["worth"].sum()) if len(policy) else 0
    result.append(
        Kpi(
            "Policy hits",
            formats.count(len(policy)),
            f"{formats.money(at_stake, money.target)} at stake",
            "attention" if at_stake else "neutral",
            help="Every hit is listed; hits of one line may name the same money.",
        )
    )
    return tuple(result)


def _words(
    month: str | None,
    use: pd.DataFrame,
    compare: str | None,
    anomalies: pd.DataFrame,
    policy: pd.DataFrame,
    code: str | None,
) -> tuple[str, str]:
    if month is None or use.empty:
        return "No use has been loaded yet", "Usage per line and month shows what is consumed, and what is unusual."
    now, was = _total(use, month, "data"), _total(use, compare, "data")
    moved = f", {formats.percent(now - was, was, sign=True)} on {formats.month_name(compare)}" if was else ""
    title = f"{formats.quantity(now, 'MB')} of data in {formats.month(month)}{moved}"
    told = []
    if len(anomalies):
        top = anomalies.iloc[0]
        told.append(
            f"{formats.plural(len(anomalies), 'line-month')} flagged as unusual; the most surprising: "
            f"{str(top['what']).lower()} on {top['line']}"
        )
    if len(policy):
        worth = formats.money(int(policy["worth"].sum()), code)
        told.append(f"{formats.plural(len(policy), 'policy hit')}, {worth} at stake")
    return title, ("; ".join(told) + ".") if told else "Nothing is flagged in these months."


@dataclass(frozen=True)
class LineHistory:
    """One flagged line: its months (micros), which of them are flagged, the range expected in the flagged month, and
    the same figure of its peers in that month. `measure` names the figure, `unit` or `currency` say what it is in."""

    service_id: str
    label: str
    measure: str
    unit: str | None
    currency: str | None
    months: tuple[str, ...]
    values: tuple[int, ...]
    low: tuple[int | None, ...] | None
    high: tuple[int | None, ...] | None
    marks: tuple[int, ...]
    peers: tuple[int, ...]
    own: int | None
    peers_are: str


MEASURES = {
    "data_mb": ("Data", "MB"),
    "voice_min": ("Voice", "min"),
    "sms": ("Messages", "msg"),
    "roaming_cost": ("Roaming cost", None),
    "total": ("Cost", None),
}


def history(store: Store, *, finding_id: str) -> LineHistory | None:
    """The history of a flag's line in the figure it is about, None where the flag has no line."""
    frame = workbench.finding(store, finding_id)
    if frame.empty or formats.missing(frame["service_id"].iloc[0]):
        return None
    row = frame.iloc[0]
    service = str(row["service_id"])
    expected = json.loads(row["expected"]) if isinstance(row["expected"], str) and row["expected"] else {}
    lines = spend.line_history(store, service)
    measure = _measure(row, expected, lines)
    label, unit = MEASURES[measure]
    services = store.frame("services", ["service_id", "kind", "plan_id", "number"]).set_index("service_id")
    months = tuple(str(m) for m in lines["month"])
    values = tuple(int(v) for v in lines[measure])
    flagged = {
        str(m) for m in workbench.finding_list(store, (str(row["queue"]),)).query("service_id == @service")["month"]
    }
    matches = bool(unit) and str(expected.get("unit") or "") == unit
    low, high = (_band(expected.get(n), months, str(row["month"])) if matches else None for n in ("low", "high"))
    kind = services.at[service, "kind"] if service in services.index else None
    plan = services.at[service, "plan_id"] if service in services.index else None
    peers: tuple[int, ...] = ()
    told = "no peers: the line is not in the inventory"
    if not formats.missing(kind):
        alike = workbench.peers(store, str(row["month"]), str(kind), None if formats.missing(plan) else str(plan))
        told = "lines of the same kind and plan"
        if len(alike) < 8:
            alike = workbench.peers(store, str(row["month"]), str(kind), None)
            told = f"{formats.words(kind).lower()} lines on any plan"
        peers = tuple(int(v) for v in alike.loc[alike["service_id"] != service, measure])[:3000]
    at = months.index(str(row["month"])) if str(row["month"]) in months else None
    number = services.at[service, "number"] if service in services.index else None
    return LineHistory(
        service,
        service if formats.missing(number) else str(number),
        label,
        unit,
        None if unit else (None if formats.missing(row["currency"]) else str(row["currency"])),
        months,
        values,
        low,
        high,
        tuple(n for n, m in enumerate(months) if m in flagged),
        peers,
        values[at] if at is not None else None,
        told,
    )


def _measure(row: Any, expected: dict[str, Any], lines: pd.DataFrame) -> str:
    unit = str(expected.get("unit") or "")
    by_unit = {"MB": "data_mb", "GB": "data_mb", "min": "voice_min", "msg": "sms"}
    if unit in by_unit:
        return by_unit[unit]
    kind = str(row["kind"])
    if kind.startswith("roaming"):
        return "roaming_cost" if lines["roaming_cost"].sum() else "data_mb"
    if kind in {"zero_use", "use_after_leaving", "device_change", "drop"}:
        return "data_mb"
    return "total" if lines["total"].sum() else "data_mb"


def _band(value: Any, months: tuple[str, ...], month: str) -> tuple[int | None, ...] | None:
    """The expected value in the flagged month and nothing elsewhere; None when it is not told."""
    try:
        micros = parse_micros(str(value))
    except ValueError:
        return None
    return tuple(micros if m == month else None for m in months)
