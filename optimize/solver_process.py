"""Runs models in a child process that is killed when it overstays its time or the user cancels.

One child serves many models; each reports incumbents and bounds while it works, so that a kill loses nothing.
"""

from __future__ import annotations

import atexit
import os
import pickle
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from optimize.ir import Model

_GRACE = 5.0  # seconds a solver may take to notice its own time limit
_TICK = 0.2


@dataclass
class Outcome:
    """What came back: best point, valid bound of the model, how it ended, duals where it was an LP."""

    ended: Literal["done", "infeasible", "time_limit", "cancelled"]
    status: str
    x: NDArray[np.float64] | None = None
    objective: float = float("inf")
    bound: float = float("-inf")
    reduced: NDArray[np.float64] | None = None
    duals: NDArray[np.float64] | None = None
    points: list[NDArray[np.float64]] = field(default_factory=list)


class _Child:
    """One solver process and the thread that listens to it."""

    def __init__(self) -> None:
        root = str(Path(__file__).resolve().parent.parent)
        path = os.pathsep.join(p for p in (root, os.environ.get("PYTHONPATH", "")) if p)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "optimize.solver_child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": path},
        )
        self.messages: queue.Queue[tuple[str, Any]] = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        try:
            while True:
                self.messages.put(pickle.load(self.process.stdout))  # noqa: S301  from the child started here
        except Exception:
            self.messages.put(("gone", None))

    def send(self, request: dict[str, Any]) -> None:
        assert self.process.stdin is not None
        pickle.dump(request, self.process.stdin, protocol=pickle.HIGHEST_PROTOCOL)
        self.process.stdin.flush()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


_lock = threading.Lock()
_idle: list[_Child] = []


def _take() -> _Child:
    with _lock:
        while _idle:
            child = _idle.pop()
            if child.process.poll() is None:
                return child
    return _Child()


@atexit.register
def _end() -> None:
    with _lock:
        while _idle:
            _idle.pop().kill()


def run(
    model: Model,
    *,
    relax: bool = False,
    time_limit: float | None = None,
    cancelled: Callable[[], bool] | None = None,
    options: dict[str, Any] | None = None,
    start: tuple[NDArray[np.int64], NDArray[np.float64]] | None = None,
    heard: Callable[[float, float], None] | None = None,
    through_pulp: bool = False,
) -> Outcome:
    """Solve a model (its LP relaxation with `relax`), single-threaded and with a fixed seed.

    `heard(incumbent, bound)` is called on news. `through_pulp`: PuLP builds the model in the child. The status is
    HiGHS's own; the bound is the tree's, never PuLP's word.
    """
    settings: dict[str, Any] = {"threads": 1, "random_seed": 7, **(options or {})}
    if time_limit is not None:
        settings["time_limit"] = max(0.05, float(time_limit))
    child = _take()
    request = {"arrays": model.arrays(), "relax": relax, "options": settings, "start": start}
    child.send({**request, "model": model if through_pulp else None})
    outcome = Outcome("done", "")
    deadline = None if time_limit is None else time.monotonic() + time_limit + _GRACE
    asked = time.monotonic()
    while True:
        try:
            kind, value = child.messages.get(timeout=_TICK)
        except queue.Empty:
            kind, value = "", None
        if kind == "incumbent":
            outcome.objective, outcome.x = value
            outcome.points.append(value[1])
        elif kind == "bound":
            outcome.bound = max(outcome.bound, value)
        elif kind == "done":
            with _lock:
                _idle.append(child)
            return _finish(outcome, value)
        elif kind in ("failed", "gone"):
            child.kill()
            raise RuntimeError(f"the solver process failed: {value or 'it ended'}")
        if kind in ("incumbent", "bound") and heard is not None:
            heard(outcome.objective, outcome.bound)
        if cancelled is not None and time.monotonic() - asked > _TICK:
            asked = time.monotonic()
            if cancelled():
                child.kill()
                outcome.ended, outcome.status = "cancelled", "killed on cancel"
                return outcome
        if deadline is not None and time.monotonic() > deadline:
            child.kill()
            outcome.ended, outcome.status = "time_limit", "killed at the time limit"
            return outcome


def _finish(outcome: Outcome, value: dict[str, Any]) -> Outcome:
    outcome.status = value["status"]
    if value["status"] == "Infeasible":
        outcome.ended = "infeasible"
        return outcome
    if value["feasible"]:
        outcome.x, outcome.objective = value["x"], value["objective"]
    outcome.bound = max(outcome.bound, value["bound"])
    outcome.reduced, outcome.duals = value.get("reduced"), value.get("duals")
    outcome.ended = "done" if value["status"] in ("Optimal", "Empty") else "time_limit"
    return outcome
