"""Small fleets with planted events, and ways to change them, for the tests of detectors."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from anomaly import estate
from benchmarks._anomaly_fleet import Fleet, fleet

LINES = 260
MONTH = 14
Array = np.ndarray[Any, Any]


@lru_cache(maxsize=6)
def made(seed: int = 5, rate: float = 0.004, scale: int = 1, lines: int = LINES) -> Fleet:
    return fleet(seed, lines, rate=rate, scale=scale)


def rebuilt(of: estate.Estate, **frames: pd.DataFrame) -> estate.Estate:
    use, billed = frames.get("use", of.use), frames.get("billed", of.billed)
    tables = {name: frames.get(name, frame) for name, frame in of.tables.items()}
    events, sims = frames.get("events", of.events), frames.get("sims", of.sims)
    return estate.build(tables, use, billed, events, sims, of.known_devices)


def changed_use(of: estate.Estate, service: int, month: int, zone: str, kind: str, **values: Any) -> estate.Estate:
    """The same estate with one usage row more (or, in zone home, another one instead)."""
    line, when = of.services["service_id"].iloc[service], of.months[month]
    use = of.use
    same = (use["service_id"] == line) & (use["month"] == when) & (use["zone"] == zone) & (use["usage_type"] == kind)
    row = {"service_id": line, "month": when, "usage_type": kind, "zone": zone, "currency": "USD", "cost": 0} | values
    return rebuilt(of, use=pd.concat([use[~same], pd.DataFrame([row])], ignore_index=True))


def quiet_line(of: estate.Estate) -> int:
    """A line with full history and no planted event."""
    busy = set(made().truth["service"]) | set(made().alike["service"])
    return next(s for s in range(LINES) if s not in busy and of.scored[s].all())
