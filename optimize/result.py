"""The result of a scenario: certificate, savings, recommendations, as the JSON of interfaces.md section 4."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from importlib import metadata
from typing import Any, Literal

from core.money import round_half_up
from optimize.priced import BucketCounts, PoolKey, Priced
from optimize.warm import Columns

Status = Literal["optimal", "gap_met", "time_limit", "cancelled", "infeasible"]
OPTIMAL_WITHIN = 0.005
_PACKAGES = ("opentem", "highspy", "pulp", "numpy", "pandas")


class Contradiction(RuntimeError):
    """A result that cannot be: re-priced cost below the bound, above today's, or a limit broken. Always a bug."""


def money(value: Fraction | int) -> float:
    """An exact amount as a number rounded half up to 6 decimals."""
    return round_half_up(Fraction(value) * 10**6) / 10**6


def floor_money(value: Fraction) -> float:
    """An exact amount rounded down to 6 decimals."""
    return (value * 10**6).__floor__() / 10**6


def versions() -> dict[str, str]:
    """Versions of what decided the result."""
    found = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "unknown"
    return found


@dataclass(frozen=True)
class Solution:
    """What a method found: an assignment, its pools' buckets, a valid lower bound of the objective, how it ended.

    `duals`: prices of what couples lines, by name; `columns`: the assignments that were mixed; `warm`: a parent's plans
    or duals were used.
    """

    assignment: dict[str, str | None]
    bound: Fraction
    ended: Literal["done", "time_limit", "cancelled"]
    method: str
    solver: str
    solver_status: str
    pool_values: Mapping[PoolKey, float] = field(default_factory=dict)
    duals: Mapping[str, Any] | None = None
    columns: Columns | None = None
    warm: bool = False
    buckets: BucketCounts = field(default_factory=dict)


@dataclass(frozen=True)
class Certificate:
    """The proof that comes with a recommendation; see docs/optimizer.md for how to read it."""

    cost: float | None
    objective: float | None
    bound: float | None
    abs_gap: float | None
    rel_gap: float | None
    total_cost: float | None
    solver: str
    solver_status: str
    seed: int
    input_sha256: str
    seconds: float
    method: str | None = None
    warm_start: str | None = None
    """`input_sha256` of the parent whose plans or duals the search started from."""

    def to_json(self) -> dict[str, Any]:
        """The certificate as JSON, versions included."""
        return {
            "cost": self.cost,
            "objective": self.objective,
            "bound": self.bound,
            "abs_gap": self.abs_gap,
            "rel_gap": self.rel_gap,
            "total_cost": self.total_cost,
            "method": self.method,
            "solver": self.solver,
            "solver_status": self.solver_status,
            "versions": versions(),
            "seed": self.seed,
            "warm_start": self.warm_start,
            "input_sha256": self.input_sha256,
            "seconds": self.seconds,
        }


@dataclass(frozen=True)
class Result:
    """A finished run. `document` is everything that `tem optimize` writes."""

    status: Status
    certificate: Certificate
    document: dict[str, Any]
    assignment: dict[str, str | None] = field(default_factory=dict)

    @property
    def exit_code(self) -> int:
        """0, or 4 when the scenario is infeasible."""
        return 4 if self.status == "infeasible" else 0

    def to_json(self) -> dict[str, Any]:
        """The result file."""
        return self.document


def gaps(priced: Priced, bound: Fraction) -> tuple[float, float, float, float]:
    """Objective, bound, absolute and relative gap as they are reported."""
    objective = money(priced.objective)
    low = min(floor_money(bound), objective)
    gap = max(0.0, round(objective - low, 9))
    return objective, low, gap, gap / max(objective, 0.01)


def status_of(ended: str, abs_gap: float, rel_gap: float, wanted: Fraction) -> Status:
    """The status that the proven gap earns, whatever the solver calls it (item 25).

    `ended` is how the search ended, `wanted` the gap asked for.
    """
    if abs_gap <= OPTIMAL_WITHIN:
        return "optimal"
    if rel_gap <= float(wanted):
        return "gap_met"
    return "cancelled" if ended == "cancelled" else "time_limit"


def check(priced: Priced, baseline: Priced, keep_feasible: bool, solution: Solution, violations: list[str]) -> None:
    """Refuse a result that contradicts its own proof.

    Raises:
        Contradiction: always a bug, never shown as a result.
    """
    if violations:
        raise Contradiction(f"the recommendation breaks {', '.join(violations)}")
    if priced.objective < solution.bound - Fraction(1, 10**6):
        raise Contradiction(f"re-priced objective {money(priced.objective)} is below the bound {money(solution.bound)}")
    if keep_feasible and priced.objective > baseline.objective:
        raise Contradiction("the recommendation costs more than keeping everything")
