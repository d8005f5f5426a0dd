"""The model watched: how much it lists, what people say about it, and whether its scores still mean what they say."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from anomaly.estate import BOOL, Estate
from anomaly.features import Panel
from anomaly.feedback import Memory
from anomaly.ranking import Ranking
from anomaly.registry import SIGNALS
from anomaly.selection import Selection
from core.store import Store, now

#: A month counts as drifted when this many times more, or fewer, line-months reach a level than should by chance.
DRIFTED = 3.0
#: Lines below which chance alone can do that.
LEAST_LINES = 200
LEVELS = (0.05, 0.01)
_SIGNAL_LEVEL = 0.05
_KEPT_FIELDS = ("version", "config_hash", "data_hash", "seed")


def summary(
    estate: Estate, panel: Panel, ranking: Ranking, selection: Selection, memory: Memory, chosen: BOOL
) -> dict[str, Any]:
    """Counts of a run over the months `chosen`, reviewers' verdicts so far, and the drift of each month."""
    scored = panel.scored & chosen[None, :]
    months = [m for m, wanted in zip(estate.months, chosen, strict=True) if wanted]
    confirmed, dismissed = int(memory.confirmed.sum()), int(memory.dismissed.sum())
    return {
        "months": [months[0], months[-1]] if months else [],
        "line_months": int(scored.sum()),
        "listed": len(selection.service),
        "suppressed": selection.missed,
        "repetitions": int((ranking.kept_back & scored).sum()),
        "came_back": int((ranking.grown & scored).sum()),
        "confirmed": confirmed,
        "dismissed": dismissed,
        "precision": round(confirmed / (confirmed + dismissed), 3) if confirmed + dismissed else None,
        "months_by_false_discovery_rate": int(selection.by_rate.sum()),
        "drift": drift(estate, panel, ranking, chosen),
    }


def drift(estate: Estate, panel: Panel, ranking: Ranking, chosen: BOOL) -> list[dict[str, Any]]:
    """For each month the share of line-months whose tail probability is at most 5 % and 1 %, and the loudest signal.

    In a fleet that behaves as before, these shares are near 5 % and 1 %. A month far off them is marked: the data or
    the fleet changed as a whole (a new carrier file, a reorganization), and its alerts say less than they seem to.
    """
    result = []
    for t in np.flatnonzero(chosen):
        lines = panel.scored[:, t]
        past = int(panel.scored[:, :t].sum())
        if not past or not lines.any():
            continue
        p = ranking.tail[lines & ~ranking.kept_back[:, t], t]
        shares = {f"share_{level}": round(float((p <= level).mean()), 4) for level in LEVELS}
        expected = LEVELS[0]
        far = shares[f"share_{expected}"]
        beyond = len(p) >= LEAST_LINES and not expected / DRIFTED <= far <= DRIFTED * expected
        result.append(
            {
                "month": estate.months[t],
                **shares,
                "drifted": bool(beyond),
                "loudest_signal": _loudest(ranking, lines, int(t)),
            }
        )
    return result


def _loudest(ranking: Ranking, lines: BOOL, t: int) -> str:
    heard = {
        signal.id: float((ranking.evidence.nats[signal.id][lines, t] >= -np.log(_SIGNAL_LEVEL)).mean())
        for signal in SIGNALS
    }
    return max(sorted(heard), key=lambda name: heard[name])


def keep(store: Store, run: dict[str, Any]) -> None:
    """Write a run's summary into the log of model runs."""
    if not run:
        return
    months = run["months"] or [None, None]
    row = {
        "at": now(),
        "model_version": run["version"],
        **{name: run[name] for name in _KEPT_FIELDS[1:]},
        "first_month": months[0],
        "last_month": months[1],
        "summary": json.dumps(run, sort_keys=True),
    }
    with store.transaction() as txn:
        txn.insert("model_runs", row)
