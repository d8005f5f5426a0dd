"""A start for a search from the result of a parent scenario: its plans, and its prices of what couples lines.

Neither decides anything: plans are re-priced under the child before they count, and a bound holds for any prices.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.issues import BadInput, Issue
from optimize.problem import Problem


@dataclass(frozen=True)
class Warm:
    """`plans`: changed services only; `duals` as in a result file, None where the parent's method had none."""

    plans: Mapping[str, str | None]
    duals: Mapping[str, Any] | None = field(repr=False)
    parent: str
    """`input_sha256` of the parent."""

    def plans_for(self, problem: Problem) -> dict[str, str | None]:
        """The parent's changes as far as this problem has the services and plans."""
        plans = {plan.plan_id for plan in problem.plans}
        lines = {line.service_id for line in problem.lines}
        return {s: p for s, p in self.plans.items() if s in lines and (p is None or p in plans)}


def warm_from(document: Mapping[str, Any]) -> Warm | None:
    """The start that a result document gives; None where it has no plans."""
    proof, rows = document.get("certificate"), document.get("recommendations")
    if not isinstance(proof, Mapping) or not isinstance(rows, list) or proof.get("cost") is None:
        return None
    plans = {row["service_id"]: row["plan_id"] for row in rows if row["action"] != "keep"}
    return Warm(plans, document.get("duals"), str(proof.get("input_sha256")))


def read_warm(path: Path) -> Warm | None:
    """:func:`warm_from` a result file.

    Raises:
        BadInput: if the file cannot be read or is no result.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        return warm_from(document)
    except OSError as error:
        raise BadInput(Issue(file=str(path), message=f"cannot be read: {error.strerror}")) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadInput(Issue(file=str(path), message="is no result of `tem optimize --out`")) from error
