"""What people decided about earlier flags, and what follows from it for later months.

A decision about a line-month speaks for the months after it only, so a run over the past gives the same rows as the
runs that were made month by month. Confirmed line-months, and the line's months that the decision speaks for,
leave the reference that later months are calibrated against.
What a reviewer has seen on a line (confirmed or dismissed) does not come back for three months, or until the expiry
the reviewer gave, unless it grew by half.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from anomaly.estate import BOOL, REAL, Estate
from anomaly.sparse import Sparse
from core import findings, periods
from core.store import Store

SUPPRESSED_MONTHS = 3
#: What was reviewed comes back when its excess is larger than this many times the reviewed one.
GROWTH = 1.5
_STATE = {
    "employee": "employee_id",
    "cost_center": "cost_center_id",
    "account": "account_id",
    "plan": "plan_id",
    "role": "role",
}


@dataclass(frozen=True)
class Decision:
    """One verdict on a line-month; `until` is the last month (index) that a repetition is kept back in."""

    finding_id: str
    service: int
    month: int
    confirmed: bool
    kind: str | None
    reason: str | None
    scope: str
    until: int


@dataclass(frozen=True)
class Memory:
    """All decisions that concern an estate, in order of month, service and finding."""

    decisions: tuple[Decision, ...]
    shape: tuple[int, int]

    def _grid(self, confirmed: bool) -> BOOL:
        result = np.zeros(self.shape, dtype=bool)
        for item in self.decisions:
            if item.confirmed == confirmed:
                result[item.service, item.month] = True
        return result

    @property
    def confirmed(self) -> BOOL:
        """Line-months that somebody confirmed, also where another decision dismissed them."""
        return self._grid(True)

    @property
    def dismissed(self) -> BOOL:
        """Line-months that were dismissed and never confirmed."""
        return self._grid(False) & ~self.confirmed


def nothing(estate: Estate) -> Memory:
    """A memory without decisions."""
    return Memory((), estate.shape)


def read(store: Store, estate: Estate) -> Memory:
    """The decisions of a store about the lines and months of an estate."""
    return of(findings.decisions(store), estate)


def of(frame: pd.DataFrame, estate: Estate) -> Memory:
    """:func:`read` from a frame of decisions (columns of the feedback table)."""
    service, month = estate.rows_of(frame)
    listed = []
    for row, s, t in zip(frame.to_dict("records"), service, month, strict=True):
        if s >= 0 and t >= 0:
            listed.append(_decision(row, int(s), int(t), estate))
    ordered = sorted(listed, key=lambda item: (item.month, item.service, item.finding_id))
    return Memory(tuple(ordered), estate.shape)


def _decision(row: Mapping[str, Any], service: int, month: int, estate: Estate) -> Decision:
    def text(name: str) -> str | None:
        return row[name] if isinstance(row[name], str) and row[name] else None

    expiry = text("expires_on")
    until = month + SUPPRESSED_MONTHS
    if expiry is not None:
        until = month + periods.month_distance(estate.months[month], expiry[:7])
    confirmed = row["verdict"] == "confirmed"
    return Decision(
        str(row["finding_id"]), service, month, confirmed, text("kind"), text("reason"), str(row["scope"]), until
    )


def reach(item: Decision, estate: Estate) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Services and months that a decision speaks for: lines in its scope, from the month after it to its last month."""
    months = np.arange(item.month + 1, min(item.until + 1, estate.shape[1]))
    if item.scope == "finding":
        months = months[:0]
    if item.scope in {"finding", "service"}:
        return np.full(len(months), item.service), months
    codes = estate.state[_STATE[item.scope]].codes
    wanted = codes[item.service, item.month]
    if wanted < 0:
        months = months[:0]
    lines = [np.flatnonzero(codes[:, t] == wanted) for t in months]
    return np.concatenate([np.empty(0, dtype=np.intp), *lines]), np.repeat(months, [len(found) for found in lines])


def unclean(memory: Memory, estate: Estate) -> BOOL:
    """Confirmed line-months and those that their decisions speak for: no reference for what is usual.

    A line leaves it for all of these months, however loud they are: leaving out the loud ones alone would make the
    others look rarer than they are.
    """
    result = memory.confirmed
    for item in memory.decisions:
        if item.confirmed:
            result[reach(item, estate)] = True
    return result


@dataclass(frozen=True)
class Quiet:
    """What decisions keep back: `nats` of each family without it, where it happened, and what grew and came back."""

    families: dict[str, Sparse]
    kept_back: BOOL
    grown: BOOL
    by: dict[tuple[int, int], str]


def keep_back(
    memory: Memory, estate: Estate, families: dict[str, Sparse], sizes: Mapping[str, list[REAL | Sparse]], heard: float
) -> Quiet:
    """Silence the families of evidence that a reviewer has already seen, where they did not grow by half.

    `families` are the nats of each family, `sizes` the excesses behind them, one array for each signal on a scale of
    its own, `heard` the nats from which a family counts as seen.
    """
    silent = {name: np.zeros(len(nats.value), dtype=bool) for name, nats in families.items()}
    kept, grown = np.zeros(estate.shape, dtype=bool), np.zeros(estate.shape, dtype=bool)
    by: dict[tuple[int, int], str] = {}
    for item in memory.decisions:
        lines, months = reach(item, estate)
        if not len(lines):
            continue
        for name, nats in families.items():
            if nats[item.service, item.month] < heard:
                continue
            loud = nats[lines, months] >= heard
            more = np.zeros(len(lines), dtype=bool)
            for size in sizes[name]:
                seen = size[item.service, item.month]
                more |= (size[lines, months] > GROWTH * seen) & (seen > 0)
            same = loud & ~more
            if same.any():
                silent[name][nats.places(lines[same], months[same])] = True
                kept[lines[same], months[same]] = True
                cells = zip(lines[same].tolist(), months[same].tolist(), strict=True)
                by.update(dict.fromkeys(cells, item.finding_id))
            grown[lines[loud & more], months[loud & more]] = True
    quiet = {name: nats.with_values(np.where(silent[name], 0.0, nats.value)) for name, nats in families.items()}
    return Quiet(quiet, kept, grown, by)


def similar(memory: Memory, kind: str, service: int, month: int, *, most: int = 3) -> list[Decision]:
    """Earlier decided cases of the same kind: those of the line first, then the latest."""
    past = [item for item in memory.decisions if item.month < month and item.kind == kind]
    past.sort(key=lambda item: (item.service != service, -item.month, item.service, item.finding_id))
    return past[:most]
