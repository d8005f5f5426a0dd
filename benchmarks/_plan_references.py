"""Models that others would write for the optimizer's estates, and their solvers in a child process that can be killed.

`python -m benchmarks._plan_references LINES SOLVER SECONDS GAP` solves one and prints its figures as JSON.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import _plan_estates
from optimize.decomposition.branch import BranchAndBound, Silent

_PATIENCE = 4.0  # wall-clock seconds that a second of processor time may take on a shared machine


def naive_model(pulp: Any, estate: Any) -> Any:
    """The line model as people write it first: a binary per line and plan, a row per line, pool and month."""
    t = estate.templates
    model = pulp.LpProblem("naive", pulp.LpMinimize)
    x: dict[tuple[int, int], Any] = {}
    cost = []
    for i in range(estate.lines):
        q = int(estate.template[i])
        for k in range(int(t.first[q + 1] - t.first[q])):
            x[i, k] = pulp.LpVariable(f"x_{i}_{k}", cat="Binary")
            fee = float(t.fee[t.first[q] + k]) if k != estate.current[i] else 0.0
            cost.append((float(estate.charge[estate.start[i] + k]) + fee) * x[i, k])
    over = {
        (g, m): pulp.LpVariable(f"v_{g}_{m}", 0) for g in range(len(estate.pools.price)) for m in range(estate.months)
    }
    rate = estate.pools.rate / estate.months
    model += pulp.lpSum(cost) + pulp.lpSum(float(rate[g]) * v for (g, _), v in over.items())
    for i in range(estate.lines):
        q = int(estate.template[i])
        model += pulp.lpSum(x[i, k] for k in range(int(t.first[q + 1] - t.first[q]))) == 1
    for (g, m), v in over.items():
        terms = []
        for i in range(estate.lines):
            q = int(estate.template[i])
            for k in range(int(t.first[q + 1] - t.first[q])):
                o = int(t.first[q]) + k
                if t.data_pool[o] == g:
                    terms.append((float(estate.data[i, m]) - float(t.data_allowance[o])) * x[i, k])
        model += v >= pulp.lpSum(terms)
    return model


def undominated(estate: Any) -> tuple[np.ndarray, np.ndarray]:
    """Options that are cheapest for their pool and allowance, exactly: line and position, by line."""
    t = estate.templates
    who, which = [], []
    for i in range(estate.lines):
        q = int(estate.template[i])
        a, b = int(t.first[q]), int(t.first[q + 1])
        fee = np.where(np.arange(b - a) == estate.current[i], 0.0, t.fee[a:b])
        charge = estate.charge[estate.start[i] : estate.start[i + 1]] + fee
        pool, allowance = t.data_pool[a:b], t.data_allowance[a:b]
        order = np.lexsort((charge, -allowance, pool))
        kept, least, last = [], np.inf, -2
        for k in order.tolist():
            if pool[k] != last:
                least, last = np.inf, pool[k]
            if charge[k] < least:
                least = charge[k]
                kept.append(k)
        who += [i] * len(kept)
        which += sorted(kept)
    return np.array(who), np.array(which, dtype=np.int16)


def compact_model(estate: Any) -> Any:
    """The product's model of all undominated options, as arrays that also become PuLP objects."""
    from optimize.decomposition.columns import Engine
    from optimize.decomposition.core_model import core

    engine = Engine(estate)
    return core(engine, engine.root(), np.zeros(estate.lines, dtype=np.int16), *undominated(estate)).model


def solved(lines: int, solver: str, seconds: float, gap: float) -> dict[str, Any]:
    """Figures of a reference solver on an estate: objective, and processor seconds to build and to solve."""
    command = [sys.executable, "-m", "benchmarks._plan_references", str(lines), solver, str(seconds), str(gap)]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    try:
        out, _ = child.communicate(timeout=_PATIENCE * (seconds + lines / 50) + 60)
        found: dict[str, Any] = json.loads(out.splitlines()[-1])
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        raise
    return found


def used() -> float:
    """Processor seconds of this process and of its solver processes, those it keeps and those that have ended."""
    ticks = 0
    for task in Path("/proc/self/task").iterdir():
        for child in (task / "children").read_text().split():
            fields = Path(f"/proc/{child}/stat").read_text().rsplit(")", 1)[1].split()
            ticks += int(fields[11]) + int(fields[12])
    gone = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + gone.ru_utime + gone.ru_stime + ticks / os.sysconf("SC_CLK_TCK")


class _Limited(Silent):
    """Ends a search after so much processor time; the wall clock hardly matters."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.end = used() + seconds

    def stop(self) -> bool:
        """Whether the time is used up."""
        return used() > self.end

    def left(self) -> float:
        """Seconds of wall clock that remain if little of it is ours."""
        return max(0.1, _PATIENCE * (self.end - used()))


def _main(lines: int, solver: str, seconds: float, gap: float) -> dict[str, Any]:
    import pulp

    estate = _plan_estates.estate(_plan_estates.raw(lines), _plan_estates.catalogue(1.0))
    start = time.process_time()
    if solver == "decomposition":
        from optimize.decomposition.columns import Engine

        watch = _Limited(seconds)
        bound = BranchAndBound(Engine(estate), watch, gap).run().bound
        return {"objective": watch.value, "bound": bound, "build": 0.0, "search": used()}
    if solver == "cbc":
        model = naive_model(pulp, estate)
        build = time.process_time() - start
        model.solve(pulp.PULP_CBC_CMD(msg=False, gapRel=gap, timeLimit=seconds, timeMode="cpu", threads=1))
        search = time.process_time() - start - build
        objective = float(pulp.value(model.objective))
    else:
        from optimize import solver_child

        arrays = compact_model(estate).arrays()
        build = time.process_time() - start
        highs = solver_child.load(arrays, False)
        options = {"output_flag": False, "threads": 1, "random_seed": 7, "mip_rel_gap": gap, "time_limit": seconds}
        for name, value in options.items():
            highs.setOptionValue(name, value)
        highs.run()
        search = time.process_time() - start - build
        objective = float(highs.getInfo().objective_function_value)
    other = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {"objective": objective, "build": build, "search": search + other.ru_utime + other.ru_stime}


if __name__ == "__main__":
    print(json.dumps(_main(int(sys.argv[1]), sys.argv[2], float(sys.argv[3]), float(sys.argv[4]))))
