"""Scenarios beside each other: up to four results, the difference of two, and what was saved."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from app import formats
from app.views import optimizer, results, studio
from app.views.results import Outcome
from app.views.selection import Filters
from app.views.studio import Difference, Options
from core.queries import workbench
from core.store import Store

MOST = 4


@dataclass(frozen=True)
class Scenarios:
    """`outcomes`: every stored result by id; `shown` those compared; `comparison`: a row for each figure, a column for
    each of them (finished text); `bars`: cost a month in micros; `difference` of the first two."""

    title: str
    sentence: str
    options: Options
    outcomes: dict[str, Outcome]
    shown: tuple[Outcome, ...]
    comparison: pd.DataFrame
    currencies: tuple[str, ...]
    difference: Difference | None
    infeasible: tuple[tuple[str, tuple[str, ...]], ...]
    saved: dict[str, str]
    parent: str | None
    """The result from which the next search starts: the first of those shown that is of today's data."""


def view(store: Store, filters: Filters, *, chosen: tuple[str, ...] = ()) -> Scenarios:
    """The chosen results (ids), by default the newest of each scenario, at most :data:`MOST`."""
    found = results.outcomes(store)
    by_id = {item.result_id: item for item in found}
    wanted = [by_id[key] for key in chosen if key in by_id]
    if not wanted:
        newest: dict[str, Outcome] = {}
        for item in found:
            newest.setdefault(item.scenario_id, item)
        wanted = list(newest.values())
    shown = tuple(wanted[:MOST])
    title, sentence = _words(shown)
    stored = workbench.scenario_list(store)
    saved = {f"{row.name} ({formats.stamp(row.created_at)})": str(row.yaml) for row in stored.itertuples(index=False)}
    return Scenarios(
        title,
        sentence,
        studio.options(store),
        by_id,
        shown,
        comparison(shown),
        tuple(sorted({item.currency or "" for item in shown})),
        studio.difference(shown[0], shown[1]) if len(shown) >= 2 else None,
        tuple((item.name, optimizer.explained(item)) for item in shown if item.status == "infeasible"),
        saved,
        next((item.result_id for item in shown if item.cost is not None and not item.stale), None),
    )


def _words(shown: tuple[Outcome, ...]) -> tuple[str, str]:
    good = [item for item in shown if item.cost is not None and item.saving is not None]
    if not good:
        return "What if?", "Turn prices, growth, carriers and limits, and see what the estate would cost, with a proof."
    best = max(good, key=lambda item: (item.saving or 0, item.name))
    title = f"“{best.name}” saves most: {formats.money(best.saving, best.currency)} a month"
    if len(good) == 1:
        return title, best.proof
    rest = sorted((i for i in good if i is not best), key=lambda i: -(i.saving or 0))
    told = "; ".join(
        f"“{i.name}” {formats.money(i.saving, i.currency)} with {formats.plural(i.changes, 'change')}" for i in rest
    )
    return title, f"With {formats.plural(best.changes, 'change')}. Against it: {told}."


def comparison(shown: tuple[Outcome, ...]) -> pd.DataFrame:
    """The figures of the results as text: one column each, named after its scenario (numbered where names repeat)."""
    columns: dict[str, list[str]] = {}
    labels = [
        "Result",
        "Months priced",
        "Cost today",
        "Cost then",
        "Saving a month",
        "Saving",
        "Cost in the proof",
        "Lower bound",
        "Gap",
        "Changes",
        "Overage probability",
        "Saving per change",
        "Lines priced",
    ]
    for item in shown:
        name, n = item.name, 2
        while name in columns:
            name, n = f"{item.name} ({n})", n + 1
        each = item.saving // item.changes if item.saving is not None and item.changes else None
        columns[name] = [
            results.STATUS.get(item.status, item.status) + (", on older data" if item.stale else ""),
            item.period or formats.UNKNOWN,
            formats.cents(item.baseline, item.currency),
            formats.cents(item.cost, item.currency),
            formats.cents(item.saving, item.currency),
            formats.percent(item.saving, item.baseline) if item.saving is not None else formats.UNKNOWN,
            formats.cents(item.objective, item.currency),
            formats.cents(item.bound, item.currency),
            formats.UNKNOWN if item.gap is None else formats.percent(item.gap, 1, 4),
            formats.count(item.changes),
            formats.UNKNOWN if item.overage is None else formats.percent(item.overage[0]),
            formats.cents(each, item.currency),
            formats.count(item.services),
        ]
    return pd.DataFrame({"figure": labels, **columns})
