"""A start for a search from the result of a parent scenario: its plans, its prices of what couples lines, its columns.

None decides anything: plans are re-priced under the child before they count, a bound holds for any prices, and columns
are priced again under the child.
"""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.issues import BadInput, Issue
from optimize.problem import Line, Problem


def fingerprint(lines: Sequence[Line]) -> str:
    """Of the lines' ids in order: columns are of use where it is the same."""
    return hashlib.sha256("\n".join(line.service_id for line in lines).encode()).hexdigest()


@dataclass(frozen=True)
class Columns:
    """The assignments that a decomposition mixed at its end, as places of plans."""

    lines: str
    """:func:`fingerprint` of the lines."""
    plans: tuple[str | None, ...]
    """Plan ids, None = suspended."""
    choices: NDArray[np.int16] = field(repr=False)
    """Columns x lines: the place in `plans` of each line's plan."""

    def to_json(self) -> dict[str, Any]:
        """For a result file: columns hardly differ, so their differences to the first one take a bit a line or less."""
        moved = self.choices.copy()
        moved[1:] -= self.choices[0]
        packed = base64.b64encode(zlib.compress(moved.T.astype("<i2").tobytes())).decode()
        return {"lines": self.lines, "plans": list(self.plans), "columns": len(moved), "choices": packed}

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> Columns:
        """What :meth:`to_json` made.

        Raises:
            ValueError: if it is something else.
        """
        plans = tuple(None if plan is None else str(plan) for plan in given["plans"])
        try:
            packed = zlib.decompress(base64.b64decode(given["choices"], validate=True))
        except zlib.error as error:
            raise ValueError("choices are damaged") from error
        moved = np.frombuffer(packed, dtype="<i2").astype(np.int16).reshape(-1, int(given["columns"]))
        choices = np.ascontiguousarray(moved.T)
        choices[1:] += choices[:1]
        if not choices.size or choices.min() < 0 or choices.max() >= len(plans):
            raise ValueError("choices name no plan")
        return cls(str(given["lines"]), plans, choices)


@dataclass(frozen=True)
class Warm:
    """`plans`: changed services only; `duals` as in a result file; None where the parent's method had none."""

    plans: Mapping[str, str | None]
    duals: Mapping[str, Any] | None = field(repr=False)
    parent: str
    """`input_sha256` of the parent."""
    columns: Columns | None = None

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
    columns = document.get("columns")
    mixed = None if columns is None else Columns.from_json(columns)
    return Warm(plans, document.get("duals"), str(proof.get("input_sha256")), mixed)


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
