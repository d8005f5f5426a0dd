"""Benchmarks: ratios measured side by side in one run, each with a smoke mode that CI runs once.

A benchmark is a module here with `TITLE` and `run(smoke) -> list[Row]`.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """One measured figure: what, its value with unit, what it is compared with, and the bar if there is one."""

    what: str
    value: str
    against: str = ""
    bar: str = ""
