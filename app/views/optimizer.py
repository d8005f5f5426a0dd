"""The optimizer: what the estate costs, what it could cost, the proof, and the changes that lead there."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from app import formats
from app.views import results, worth
from app.views.parts import Kpi
from app.views.results import Outcome, Pool
from app.views.selection import Filters
from core import jobs
from core.store import Store


@dataclass(frozen=True)
class Optimizer:
    """`choices`: (result_id, label) of every stored result; `outcome` the one shown, None before the first run.

    `ranking`: policies of the back-test, cheapest first; `solved`: the frontier with every point solved, empty while
    not computed.
    """

    title: str
    sentence: str
    kpis: tuple[Kpi, ...]
    choices: tuple[tuple[str, str], ...]
    outcome: Outcome | None
    facts: dict[str, str]
    changes: pd.DataFrame
    frontier: pd.DataFrame
    plans: pd.DataFrame
    moves: pd.DataFrame
    pools: tuple[Pool, ...]
    carriers: pd.DataFrame
    backtest: pd.DataFrame
    conclusion: str
    infeasible: tuple[str, ...]
    ranking: tuple[str, ...] = ()
    buckets: pd.DataFrame = field(default_factory=pd.DataFrame)
    solved: pd.DataFrame = field(default_factory=pd.DataFrame)


def view(store: Store, filters: Filters, *, result_id: str | None = None) -> Optimizer:
    """The result of that id, by default the one that saves most on today's data."""
    found = results.outcomes(store)
    item = results.find(found, result_id)
    choices = tuple((one.result_id, one.label) for one in found)
    empty = pd.DataFrame()
    if item is None:
        return Optimizer(
            "Nothing has been optimized yet",
            "Run the first search: every line on the plan that is cheapest for it.",
            (),
            choices,
            None,
            {},
            empty,
            empty,
            empty,
            empty,
            (),
            empty,
            empty,
            "",
            (),
        )
    lines = results.changes(store, item)
    bets, conclusion, ranking = backtest(store, item)
    title, sentence = _words(item)
    return Optimizer(
        title,
        sentence,
        _kpis(item),
        choices,
        item,
        results.certificate_facts(item),
        lines,
        frontier(lines),
        results.plan_table(store, item),
        results.moves(store, item),
        results.pools(store, item),
        results.carriers_table(store, item),
        bets,
        conclusion,
        explained(item),
        ranking,
        results.buckets(store, item),
        worth.frontier(worth.found(store, item.yaml)),
    )


def explained(item: Outcome) -> tuple[str, ...]:
    """Why a scenario cannot be met: the explanation, the limits in conflict, and what would resolve it."""
    why = item.document.get("infeasible") or {}
    if not why:
        return ()
    told = [str(why.get("explanation") or "The limits contradict each other.")]
    if why.get("groups"):
        told.append("Limits in conflict: " + ", ".join(formats.words(g).lower() for g in why["groups"]) + ".")
    for relaxation in why.get("relaxations") or []:
        text = relaxation.get("text") or relaxation.get("change") if isinstance(relaxation, dict) else relaxation
        told.append(f"It would work with: {text}")
    return tuple(told)


def _words(item: Outcome) -> tuple[str, str]:
    if item.saving is None:
        return f"“{item.name}” cannot be met", (explained(item) or ("Its limits contradict each other.",))[0]
    if item.saving <= 0:
        return f"Today's plans are as cheap as “{item.name}” allows", item.proof
    share = formats.percent(item.saving, item.baseline)
    title = f"{formats.money(item.saving, item.currency)} a month less, {share} of plan cost"
    return title, item.proof


def _overage(item: Outcome) -> Kpi:
    """How often the worst pool is above its allowance where the scenario limits that; else the saving of a year."""
    odds = item.document.get("overage_probability") or {}
    if item.overage is None or odds["limit"] is None:
        return Kpi("A year", formats.money((item.saving or 0) * 12, item.currency), "saving, if use stays the same")
    return Kpi(
        "Overage probability",
        formats.percent(odds["worst_pool"]),
        f"limit {formats.percent(odds['limit'])}, today {formats.percent(odds['baseline_worst_pool'])}",
        help="Share of the months in which the pool that is most often above its allowance is. "
        f"In {formats.percent(item.overage[0])} of the months some pool is.",
    )


def _kpis(item: Outcome) -> tuple[Kpi, ...]:
    if item.saving is None or item.cost is None:
        return (Kpi("Cost today", formats.money(item.baseline, item.currency), f"a month, {item.period}"),)
    each = item.saving // item.changes if item.changes else None
    orders = sum(row["change"] != 0 for row in item.document.get("buckets") or [])
    told = "none needed" if each is None else f"{formats.money(each, item.currency)} a month each"
    return (
        Kpi("Cost today", formats.money(item.baseline, item.currency), f"a month, {item.period}"),
        Kpi(
            "Recommended",
            formats.money(item.cost, item.currency),
            f"{formats.money(-item.saving, item.currency, sign=True)} a month",
            "good" if item.saving > 0 else "neutral",
            "down" if item.saving > 0 else "none",
            help="Expected monthly cost with one-off fees spread over the horizon, re-priced from usage.",
        ),
        _overage(item),
        Kpi(
            "Changes",
            formats.count(item.changes),
            f"and {formats.count(orders)} bucket order{'s' * (orders > 1)}" if orders else told,
            help="Mean saving of one change; single savings do not add up inside a pool.",
        ),
        Kpi(
            "Gap to the bound",
            formats.UNKNOWN if item.gap is None else formats.percent(item.gap, 1, 4),
            results.STATUS.get(item.status, item.status),
            "good" if item.status in {"optimal", "gap_met"} else "attention",
        ),
    )


def frontier(lines: pd.DataFrame) -> pd.DataFrame:
    """Saving (micros a month) of the best 1..n changes: how few of them bring most of it. Losses come last."""
    if lines.empty:
        return pd.DataFrame(columns=["changes", "saving"])
    total = lines["saving"].sort_values(ascending=False, kind="stable").cumsum()
    return pd.DataFrame({"changes": range(1, len(total) + 1), "saving": total.to_numpy()})


def backtest(store: Store, item: Outcome) -> tuple[pd.DataFrame, str, tuple[str, ...]]:
    """The policies of the newest finished back-test of this scenario, its conclusion, and the policies by what they
    paid, least first; empty if none was run."""
    names = ["policy", "meaning", "paid", "regret", "error", "over", "winner"]
    for job in jobs.recent(store, "backtest", 50):
        if job.state != "done" or job.params.get("scenario") != item.yaml or not job.result:
            continue
        document: dict[str, Any] = job.result
        rows = [
            {
                "policy": formats.words(row["policy"]),
                "meaning": row["meaning"],
                "paid": results.micros(row["paid"]),
                "regret": row["regret"],
                "error": row.get("standard_error"),
                "over": row.get("overage_probability", {}).get("worst_pool"),
                "winner": row["policy"] == document["winner"],
            }
            for row in document["policies"]
        ]
        rows.sort(key=lambda row: (row["paid"], row["policy"]))
        told = " ".join([str(document["conclusion"]), *document.get("notes", ())])
        frame = pd.DataFrame(rows, columns=names)
        ranking = tuple(str(name) for name in document.get("ranking") or [document["winner"]])
        return frame.assign(paid=frame["paid"].astype("Int64")), told, ranking
    return pd.DataFrame(columns=names), "", ()
