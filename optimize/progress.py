"""How a run reports and is stopped."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Progress:
    """How far a run is: what it does, best objective, proven bound and relative gap so far."""

    fraction: float
    note: str
    incumbent: float | None = None
    bound: float | None = None
    gap: float | None = None


ProgressCallback = Callable[[Progress], None]
Cancelled = Callable[[], bool]
