"""The solver's own process: takes models on stdin, sends incumbents, bounds and results on stdout, can be killed.

Run as `python -m optimize.solver_child`. Messages are pickles between a parent and the child it started itself. A model
comes as arrays, or as the :class:`optimize.ir.Model` that PuLP is to build (then it also solves it, with HiGHS).
"""

from __future__ import annotations

import contextlib
import os
import pickle
import sys
import threading
import time
from typing import Any, BinaryIO

import highspy
import numpy as np


def _watch(parent: int) -> None:
    """End with the parent, even in the middle of a solve."""
    while os.getppid() == parent:
        time.sleep(1.0)
    os._exit(0)


def load(arrays: dict[str, Any], relax: bool) -> highspy.Highs:
    """HiGHS with the model of :meth:`optimize.ir.Model.arrays`."""
    highs = highspy.Highs()
    highs.setOptionValue("output_flag", False)
    fill(highs, arrays, relax)
    return highs


def fill(highs: highspy.Highs, arrays: dict[str, Any], relax: bool) -> None:
    """Give HiGHS the model of :meth:`optimize.ir.Model.arrays`."""
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = len(arrays["cost"]), len(arrays["row_low"])
    lp.col_cost_, lp.col_lower_, lp.col_upper_ = arrays["cost"], arrays["low"], arrays["high"]
    lp.row_lower_, lp.row_upper_ = arrays["row_low"], arrays["row_high"]
    lp.offset_ = arrays["constant"]
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_, lp.a_matrix_.index_, lp.a_matrix_.value_ = (
        arrays["starts"],
        arrays["columns"],
        arrays["values"],
    )
    if not relax:
        kinds = (highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger)
        lp.integrality_ = [kinds[int(w)] for w in arrays["whole"]]
    highs.passModel(lp)


def safe_bound(arrays: dict[str, Any], duals: np.ndarray[Any, Any]) -> tuple[float, np.ndarray[Any, Any]]:
    """A lower bound that holds for any row duals, and the reduced costs: `y b + sum min(d l, d u)`.

    Valid whatever the solver's tolerances were, as weak duality needs no optimality; -inf where a column that has no
    bound would need one.
    """
    low, high = arrays["row_low"], arrays["row_high"]
    y = np.where((duals > 0) & np.isinf(low), 0.0, duals)
    y = np.where((y < 0) & np.isinf(high), 0.0, y)
    with np.errstate(invalid="ignore"):
        side = np.where(y > 0, y * np.where(np.isinf(low), 0, low), y * np.where(np.isinf(high), 0, high))
    rows = np.repeat(np.arange(len(low)), np.diff(arrays["starts"]))
    pull = np.bincount(arrays["columns"], weights=arrays["values"] * y[rows], minlength=len(arrays["cost"]))
    reduced = arrays["cost"] - pull
    tiny = np.abs(reduced) <= 1e-9 * (1.0 + np.abs(arrays["cost"]))
    with np.errstate(invalid="ignore"):
        at = np.where(reduced > 0, arrays["low"], arrays["high"])
        open_ended = np.isinf(at)
        value = np.where(reduced == 0.0, 0.0, reduced * np.where(open_ended, 0.0, at))
    if (open_ended & ~tiny & (reduced != 0.0)).any():
        return -np.inf, reduced
    return float(side.sum() + value.sum() + arrays["constant"]), reduced


def consistent(arrays: dict[str, Any], highs: highspy.Highs, point: Any) -> bool:
    """Whether the point HiGHS returns has the objective HiGHS claims."""
    claimed = highs.getInfo().objective_function_value
    x = point(highs.getSolution().col_value)
    if not len(highs.getSolution().col_value) or not np.isfinite(claimed):
        return True
    return bool(abs(float(arrays["cost"] @ x) + arrays["constant"] - claimed) <= 1e-5 * (1.0 + abs(claimed)))


def built(request: dict[str, Any]) -> tuple[highspy.Highs, np.ndarray[Any, Any]]:
    """The solver with the model in it, and the place of each of its columns in the model (PuLP sorts them)."""
    arrays = request["arrays"]
    if request.get("model") is None:
        return load(arrays, request["relax"]), np.arange(len(arrays["cost"]))
    from optimize.model_pulp import highs_of

    highs, order = highs_of(request["model"])
    highs.setOptionValue("output_flag", False)
    return highs, np.array(order, dtype=np.int64)


def solve(request: dict[str, Any], send: Any) -> dict[str, Any]:
    """Solve one model; `send(kind, value)` reports incumbents and bounds on the way."""
    arrays, relax = request["arrays"], request["relax"]
    highs, order = built(request)
    for name, value in request["options"].items():
        highs.setOptionValue(name, value)

    def point(values: Any) -> np.ndarray[Any, Any]:
        """A solver's point in the order of the model's columns."""
        found = np.zeros(len(order))
        if len(values) == len(order):
            found[order] = values
        return found

    start = request.get("start")
    if start is not None:
        place = np.empty(len(order), dtype=np.int64)
        place[order] = np.arange(len(order))
        columns, values = start
        highs.setSolution(len(columns), place[columns].astype(np.int32), values.astype(np.float64))
    if not relax:

        def improving(event: Any) -> None:
            send("incumbent", (event.data_out.objective_function_value, point(event.data_out.mip_solution)))

        def logging(event: Any) -> None:
            send("bound", float(event.data_out.mip_dual_bound))

        highs.cbMipImprovingSolution.subscribe(improving)
        highs.cbMipLogging.subscribe(logging)
    highs.run()
    if start is not None and not consistent(arrays, highs, point):
        # HiGHS 1.16 can hand back the start itself with the optimum's objective when presolve solves the model
        highs.clearSolver()
        highs.run()
    info, status = highs.getInfo(), highs.getModelStatus()
    solution = highs.getSolution()
    found: dict[str, Any] = {
        "status": highs.modelStatusToString(status),
        "objective": info.objective_function_value,
        "bound": info.objective_function_value if relax else info.mip_dual_bound,
        "feasible": info.primal_solution_status == 2,
        "nodes": 0 if relax else int(info.mip_node_count),
        "x": point(solution.col_value),
    }
    if not relax and not np.any(arrays["whole"]):  # without a whole column HiGHS has no tree, and says a bound of 0
        found["bound"] = info.objective_function_value if status == highspy.HighsModelStatus.kOptimal else -np.inf
    if relax and status == highspy.HighsModelStatus.kOptimal:
        found["duals"] = np.array(solution.row_dual)
        found["bound"], found["reduced"] = safe_bound(arrays, found["duals"])
    return found


def main() -> None:
    """Serve requests until stdin closes."""
    threading.Thread(target=_watch, args=(os.getppid(),), daemon=True).start()
    out: BinaryIO = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)

    def send(kind: str, value: Any) -> None:
        pickle.dump((kind, value), out, protocol=pickle.HIGHEST_PROTOCOL)
        out.flush()

    send("ready", None)
    while True:
        try:
            request = pickle.load(sys.stdin.buffer)  # noqa: S301  written by the parent that started this process
        except EOFError:
            return
        try:
            send("done", solve(request, send))
        except Exception as error:
            with contextlib.suppress(BrokenPipeError):
                send("failed", f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    main()
