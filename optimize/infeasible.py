"""Placeholder until models land."""

from __future__ import annotations

from typing import Any


def explain(problem: Any, time_limit: float | None) -> Any:
    return None
