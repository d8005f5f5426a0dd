"""A scenario's integer model as a file that any solver reads, for audit."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.issues import BadInput, Issue
from optimize import frames as tables
from optimize import scenario as scenarios
from optimize.build import build
from optimize.formulate import build_model
from optimize.model_pulp import export
from optimize.reduce import reduce

ENDINGS = (".lp", ".mps")


def export_model(
    store: Any, scenario: Mapping[str, Any] | Path | str | scenarios.Scenario, path: Path
) -> tuple[int, int]:
    """Write the model of a scenario on a store as `.lp` or `.mps`; returns its variables and rows.

    The model holds the reduced options of every line; its optimum is the scenario's, up to what docs/optimizer.md says
    of blocks and thresholds.

    Raises:
        BadInput: another ending, a file that cannot be written, problems of the scenario or the data.
    """
    if path.suffix not in ENDINGS:
        raise BadInput(Issue(file=str(path), message="a model file ends in .lp or .mps"))
    checked = scenario if isinstance(scenario, scenarios.Scenario) else scenarios.read(scenario)
    problem = build(tables.from_store(store), checked)
    model = build_model(problem, reduce(problem, merge=checked.method != "lines")).model
    try:
        export(model, path)
    except OSError as error:
        raise BadInput(Issue(file=str(path), message=f"cannot be written: {error.strerror}")) from error
    return len(model.names), len(model.row_names)
