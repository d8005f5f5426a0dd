"""Optimizer results as pages show them: certificate in words, changes, plans before and after, pools."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pandas as pd

from app import formats
from core.money import SCALE
from core.queries import workbench
from core.store import Store

STATUS = {
    "optimal": "Proven optimal",
    "gap_met": "Within the gap asked for",
    "time_limit": "Best found in the time given",
    "cancelled": "Best found before it was stopped",
    "policy": "A policy's plans, priced exactly",
    "infeasible": "Cannot be met",
}


def micros(value: Any) -> int | None:
    """A JSON number of a result (6 decimals) as micros."""
    if value is None:
        return None
    return int((Decimal(str(value)) * SCALE).quantize(Decimal(1), ROUND_HALF_UP))


@dataclass(frozen=True)
class Outcome:
    """One stored result; money in micros of `currency` a month. `stale`: the data has changed since."""

    result_id: str
    scenario_id: str
    name: str
    status: str
    created_at: str
    stale: bool
    currency: str | None
    period: str
    baseline: int
    cost: int | None
    saving: int | None
    bound: int | None
    gap: float | None
    changes: int
    services: int | None
    yaml: str
    document: Mapping[str, Any]

    @property
    def label(self) -> str:
        """For a selection: name, saving and day."""
        told = "cannot be met" if self.saving is None else f"saves {formats.short(self.saving, self.currency)} a month"
        return f"{self.name} · {told} · {formats.stamp(self.created_at)}"

    @property
    def objective(self) -> int | None:
        """What the bound bounds: the cost with what each change must earn, or with bad months weighted more."""
        stated = micros((self.document.get("certificate") or {}).get("objective"))
        return self.cost if stated is None else stated

    @property
    def overage(self) -> tuple[float, float] | None:
        """Share of the months in which some pool is above its allowance, as recommended and today."""
        told = self.document.get("overage_probability") or {}
        if not self.document.get("pools") or told.get("estate") is None:
            return None
        return float(told["estate"]), float(told["baseline_estate"])

    @property
    def proof(self) -> str:
        """The certificate as one sentence."""
        if self.cost is None or self.bound is None:
            return "No assignment of plans meets these limits."
        low, here = formats.cents(self.bound, self.currency), formats.cents(self.cost, self.currency)
        gap = "no gap" if not self.gap else f"gap {formats.percent(self.gap, 1, 4)}"
        if self.objective != self.cost:
            what = formats.cents(self.objective, self.currency)
            risk = (self.document.get("scenario") or {}).get("objective") == "cvar"
            counted = "bad months weighted more" if risk else "what each change must earn counted in"
            head = f"It costs {here} a month; with {counted}, {what}"
            return f"{head}, and no assignment of these plans can come below {low} ({gap})."
        return f"No assignment of these plans costs less than {low} a month; this one costs {here} ({gap})."


def outcomes(store: Store) -> tuple[Outcome, ...]:
    """Every stored result, newest first."""
    version = store.data_version
    found = []
    for row in workbench.result_list(store).itertuples(index=False):
        document = json.loads(row.document)
        certificate = document.get("certificate") or {}
        months = document.get("months") or {}
        first, last = months.get("from"), months.get("to")
        scenario = document.get("scenario")
        name = row.name if not formats.missing(row.name) else None
        if name is None and isinstance(scenario, dict):
            name = scenario.get("name")
        found.append(
            Outcome(
                result_id=str(row.result_id),
                scenario_id=str(row.scenario_id),
                name=str(name or "Scenario"),
                status=str(document.get("status") or row.status),
                created_at=str(row.created_at),
                stale=int(row.data_version) != version,
                currency=document.get("currency"),
                period=f"{formats.month_short(first)} to {formats.month_short(last)}" if first and last else "",
                baseline=micros(document.get("baseline_cost")) or 0,
                cost=micros(certificate.get("cost")),
                saving=micros(document.get("saving")),
                bound=micros(certificate.get("bound")),
                gap=certificate.get("rel_gap"),
                changes=sum(r.get("action") != "keep" for r in document.get("recommendations") or []),
                services=document.get("services"),
                yaml="" if formats.missing(row.yaml) else str(row.yaml),
                document=document,
            )
        )
    return tuple(found)


def find(found: tuple[Outcome, ...], result_id: str | None) -> Outcome | None:
    """The outcome of that id; without one, the feasible outcome on the newest data that saves most."""
    if result_id:
        return next((item for item in found if item.result_id == result_id), None)
    good = [item for item in found if item.saving is not None]
    if not good:
        return found[0] if found else None
    fresh = [item for item in good if not item.stale] or good
    return max(fresh, key=lambda item: (item.saving or 0, item.created_at, item.result_id))


def certificate_facts(item: Outcome) -> dict[str, str]:
    """Everything an auditor needs to repeat the run."""
    proof = item.document.get("certificate") or {}
    versions = proof.get("versions") or {}
    used = [f"{name} {versions[name]}" for name in ("highspy", "pulp", "opentem") if versions.get(name)]
    return {
        "Result": STATUS.get(item.status, item.status),
        "Solver's own status": str(proof.get("solver_status") or formats.UNKNOWN),
        "Solver": str(proof.get("solver") or formats.UNKNOWN),
        "Cost a month": formats.cents(item.cost, item.currency),
        "Cost in the proof": formats.cents(item.objective, item.currency),
        "Lower bound": formats.cents(item.bound, item.currency),
        "Gap": formats.UNKNOWN if item.gap is None else formats.percent(item.gap, 1, 4),
        "Cost of all months": formats.cents(micros(proof.get("total_cost")), item.currency),
        "Usage priced": item.period or formats.UNKNOWN,
        "Scenario months": scenario_months(item),
        "Months with overage": formats.UNKNOWN if item.overage is None else formats.percent(item.overage[0]),
        "Seconds": f"{float(proof['seconds']):,.1f}" if proof.get("seconds") is not None else formats.UNKNOWN,
        "Seed": str(proof.get("seed", formats.UNKNOWN)),
        "Versions": ", ".join(used) or formats.UNKNOWN,
        "Hash of the input": str(proof.get("input_sha256") or formats.UNKNOWN)[:16],
    }


def scenario_months(item: Outcome) -> str:
    """The months that the expectation is taken over, in words."""
    told = item.document.get("scenario_set") or {}
    months = told.get("months") or []
    number = formats.plural(len(months), "month")
    if told.get("kind") == "bootstrap":
        return f"{number}, drawn from the range"
    return f"{number}, use times factors" if told.get("kind") == "factors" else "The range as it was"


def confidence(row: Mapping[str, Any], status: str) -> str:
    """How sure one change of a result of that status is, in words."""
    if row.get("action") == "suspend":
        return "No use in the months checked"
    if row.get("action") == "port":
        return "Exact on past use, exit fees included"
    if row.get("pool_effect"):
        return "Exact on past use, with its pool"
    return "Exact on past use" if status in {"optimal", "gap_met"} else "Exact on past use, search unfinished"


def changes(store: Store, item: Outcome) -> pd.DataFrame:
    """One row for each change, largest saving first: what, line, holder, from, to, saving (micros), why, confidence."""
    return changed_lines(store, item.document.get("recommendations") or [], item.status)


def changed_lines(store: Store, recommended: Iterable[Mapping[str, Any]], status: str) -> pd.DataFrame:
    """:func:`changes` of recommendations wherever they come from."""
    services = store.frame("services", ["service_id", "number", "employee_id"]).set_index("service_id")
    people = store.frame("employees", ["employee_id", "name"]).set_index("employee_id")["name"]
    plans = plan_names(store)
    carriers = store.frame("carriers", ["carrier_id", "name"]).set_index("carrier_id")["name"]
    verbs = {"change_plan": "Change plan", "port": "Move to another carrier", "suspend": "Suspend"}
    rows = []
    for row in recommended:
        if row.get("action") == "keep":
            continue
        service = row["service_id"]
        known = service in services.index
        person = services.at[service, "employee_id"] if known else None
        number = services.at[service, "number"] if known else None
        rows.append(
            {
                "what": verbs.get(row["action"], formats.words(row["action"])),
                "line": service if formats.missing(number) else str(number),
                "holder": None if formats.missing(person) else people.get(person),
                "from": plans.get(row["current_plan_id"], row["current_plan_id"]),
                "to": "Suspended" if row["plan_id"] is None else plans.get(row["plan_id"], row["plan_id"]),
                "carrier": carriers.get(row["carrier_id"], row["carrier_id"]),
                "saving": micros(row.get("monthly_saving")) or 0,
                "why": row.get("reason") or "",
                "confidence": confidence(row, status),
                "service_id": service,
                "plan_id": row["plan_id"],
            }
        )
    rows.sort(key=lambda r: (-r["saving"], r["service_id"]))
    names = ["what", "line", "holder", "from", "to", "carrier", "saving", "why", "confidence", "service_id", "plan_id"]
    return pd.DataFrame(rows, columns=names)


def plan_names(store: Store) -> dict[str, str]:
    """Plan names by id; a name two plans share gets its id."""
    frame = store.frame("plans", ["plan_id", "name"])
    seen: dict[str, int] = {}
    for name in frame["name"].dropna():
        seen[str(name)] = seen.get(str(name), 0) + 1
    return {
        str(row.plan_id): str(row.plan_id)
        if formats.missing(row.name)
        else (str(row.name) if seen[str(row.name)] == 1 else f"{row.name} ({row.plan_id})")
        for row in frame.itertuples(index=False)
    }


def plan_table(store: Store, item: Outcome) -> pd.DataFrame:
    """Lines on each plan before and after, with its MRC (micros); only plans that gain or lose lines."""
    names = plan_names(store)
    frame = store.frame("plans", ["plan_id", "mrc", "carrier_id"]).set_index("plan_id")
    services = store.frame("services", ["plan_id", "status"])
    now = services[~services["status"].isin(["ordered", "disconnected"])]["plan_id"].value_counts()
    out: dict[str | None, int] = {}
    into: dict[str | None, int] = {}
    for row in item.document.get("recommendations") or []:
        if row.get("action") != "keep":
            out[row["current_plan_id"]] = out.get(row["current_plan_id"], 0) + 1
            into[row["plan_id"]] = into.get(row["plan_id"], 0) + 1
    rows: list[dict[str, Any]] = []
    for plan in sorted({*out, *into}, key=lambda p: p or ""):
        before = int(now.get(plan, 0)) if plan else 0
        before = max(before, out.get(plan, 0))
        rows.append(
            {
                "plan": "Suspended" if plan is None else names.get(plan, plan),
                "mrc": int(frame.at[plan, "mrc"]) if plan in frame.index else None,
                "before": before,
                "after": before - out.get(plan, 0) + into.get(plan, 0),
                "change": into.get(plan, 0) - out.get(plan, 0),
            }
        )
    rows.sort(key=lambda r: (-abs(r["change"]), r["plan"]))
    result = pd.DataFrame(rows, columns=["plan", "mrc", "before", "after", "change"])
    return result.assign(mrc=result["mrc"].astype("Int64"))


def moves(store: Store, item: Outcome, most: int = 10) -> pd.DataFrame:
    """Lines that move from a plan (rows) to a plan (columns): the plans with most moves, the rest as `Other`."""
    names = plan_names(store)
    pairs = [
        (
            names.get(r["current_plan_id"], r["current_plan_id"]),
            "Suspended" if r["plan_id"] is None else names.get(r["plan_id"], r["plan_id"]),
        )
        for r in item.document.get("recommendations") or []
        if r.get("action") != "keep"
    ]
    frame = pd.DataFrame(pairs, columns=["from", "to"])
    if frame.empty:
        return pd.DataFrame()
    for name in ("from", "to"):
        top = set(frame[name].value_counts().sort_index().sort_values(ascending=False, kind="stable").index[:most])
        frame[name] = frame[name].where(frame[name].isin(top), "Other")
    return frame.groupby(["from", "to"]).size().unstack(fill_value=0)


@dataclass(frozen=True)
class Pool:
    """A pool's monthly means: shares are fractions of the allowance used."""

    name: str
    before_share: float | None
    used_share: float | None
    told: str


def _pool_names(store: Store) -> Callable[[Mapping[str, Any]], str]:
    """How to call the pool of a row: carrier, group and account as people know them."""
    carriers = store.frame("carriers", ["carrier_id", "name"]).set_index("carrier_id")["name"]
    numbers = store.frame("accounts", ["account_id", "number"]).set_index("account_id")["number"]

    def name(row: Mapping[str, Any]) -> str:
        account = numbers.get(row["account_id"])
        account = row["account_id"] if formats.missing(account) else account
        return f"{carriers.get(row['carrier_id'], row['carrier_id'])} {row['pool_group']}, {account}"

    return name


def buckets(store: Store, item: Outcome) -> pd.DataFrame:
    """Buckets that a pool has or should have: pool, size, what one costs (micros a month), counts, what to order."""
    name_of = _pool_names(store)
    rows = [
        {
            "pool": name_of(row),
            "bucket": row["bucket_id"],
            "size": formats.quantity(micros(row["allowance"]) or 0, "MB" if row["kind"] == "data" else "min"),
            **{"mrc": micros(row["mrc"]), "today": row["today"], "count": row["count"], "change": row["change"]},
        }
        for row in item.document.get("buckets") or []
    ]
    frame = pd.DataFrame(rows, columns=["pool", "bucket", "size", "mrc", "today", "count", "change"])
    return frame.assign(mrc=frame["mrc"].astype("Int64"))


def pools(store: Store, item: Outcome) -> tuple[Pool, ...]:
    """Pools of today or of the recommendation, in order of their allowance."""
    name_of, result = _pool_names(store), []
    for row in item.document.get("pools") or []:
        unit = "MB" if row["kind"] == "data" else "min"
        allowance, used = micros(row.get("allowance")) or 0, micros(row.get("used")) or 0
        was, use = micros(row.get("baseline_allowance")), micros(row.get("baseline_used"))
        name = name_of(row)
        bought, held = micros(row.get("bucket_cost")), micros(row.get("baseline_bucket_cost"))
        cost = formats.cents(micros(row.get("overage_cost")), item.currency)
        before = formats.cents(micros(row.get("baseline_overage_cost")), item.currency)
        told = (
            f"{formats.quantity(used, unit)} of {formats.quantity(allowance, unit)} a month "
            f"({formats.percent(used, allowance, 0) if allowance else 'empty'}), {row.get('members', 0):,} lines "
            f"(today {row.get('baseline_members', 0):,}), overage {cost} a month (today {before})"
        )
        if bought or held:
            bought_told, held_told = formats.cents(bought, item.currency), formats.cents(held, item.currency)
            told += f", buckets {bought_told} a month (today {held_told})"
        if row.get("overage_probability") is not None:
            then, now = (formats.percent(row[f"{name}overage_probability"], 1, 0) for name in ("", "baseline_"))
            told += f", above the allowance in {then} of the months (today {now})"
        result.append(
            (
                -allowance,
                Pool(
                    name, use / was if was and use is not None else None, used / allowance if allowance else None, told
                ),
            )
        )
    return tuple(pool for _, pool in sorted(result, key=lambda pair: (pair[0], pair[1].name)))


def carriers_table(store: Store, item: Outcome) -> pd.DataFrame:
    """Cost and lines of each carrier before and after (micros a month)."""
    names = store.frame("carriers", ["carrier_id", "name"]).set_index("carrier_id")["name"]
    rows = [
        {
            "carrier": names.get(row["carrier_id"], row["carrier_id"]),
            "before": micros(row.get("baseline_cost")),
            "after": micros(row.get("cost")),
            "lines_before": row.get("baseline_lines"),
            "lines_after": row.get("lines"),
        }
        for row in item.document.get("by_carrier") or []
    ]
    frame = pd.DataFrame(rows, columns=["carrier", "before", "after", "lines_before", "lines_after"])
    for name in ("before", "after", "lines_before", "lines_after"):
        frame[name] = frame[name].astype("Int64")
    return frame
