"""`tem optimize` from a store: where the time goes between the tables and the result file.

The estate of `optimize_scale` (four carriers, 40 plans, twelve months of data, voice, messages and roaming) as tables
in an embedded store. Each size runs in a process of its own, so that its peak memory is its own. Times are seconds of
the processor, as other work may run beside it.
"""

from __future__ import annotations

import json
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks import Row, _plan_estates

TITLE = "Optimizer: from the store to the result file"
SIZES = (20_000, 100_000)
_GIVEN = {"change_fee": "2", "porting_fee": "25", "gap": "0.0001"}
_KNOBS: dict[str, dict[str, Any]] = {
    "a plan dearer": {"plan_price": {"P03": "17.5"}},
    "a carrier closed": {"carriers_allowed": ["C0", "C1", "C2"]},
    "fee doubled": {"change_fee": "4"},
}
_PARTS = ("read", "fingerprint", "build", "evaluator", "price", "search", "explain", "write")
ROOT = Path(__file__).resolve().parent.parent


def run(smoke: bool = False) -> list[Row]:
    """A row for each size: seconds by part and peak memory."""
    rows = []
    for lines in (100,) if smoke else SIZES:
        with tempfile.TemporaryDirectory() as folder:
            url = f"sqlite:///{Path(folder) / 'tem.db'}"
            fill(url, lines)
            told = _apart(f"measured({url!r}, {folder!r})")
            child = _apart(f"what_if({url!r}, {2.0 if smoke else None})")
        whole = told["seconds"]
        parts = ", ".join(f"{name} {told[name]:.1f}" for name in _PARTS)
        rows.append(
            Row(
                f"{lines:,} lines, {told['rows']:,} rows of usage: processor time",
                f"{whole:.0f} s, peak {told['peak']:.2f} GB, {told['status']}, gap {told['gap']:.1e}",
                parts,
                "120 s, 4 GB" if lines == 100_000 else "",
            )
        )
        rows += [
            Row(
                f"{lines:,} lines, {knob}, tables in memory: an answer of `tem worth`",
                f"{found['warm']:.1f} s, {found['passes'][1]} passes, gap {found['gap']:.1e}",
                f"cold {found['cold']:.1f} s, {found['passes'][0]} passes ({found['warm'] / found['cold']:.2f})",
                "1/2 of cold",
            )
            for knob, found in child.items()
        ]
    return rows


def _apart(call: str) -> dict[str, Any]:
    """What a function of this module prints, run in a process of its own."""
    command = [sys.executable, "-c", f"from benchmarks import optimize_store; optimize_store.{call}"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT, timeout=1800)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def fill(url: str, lines: int) -> None:
    """A store with the estate of so many lines."""
    from core.store import Store

    raw, plans = _plan_estates.raw(lines), _plan_estates.catalogue(1024.0)
    store = Store.open(url)
    with store.transaction() as txn:
        for name, frame in _plan_estates.tables(raw, plans).items():
            txn.append(name, frame)
    store.close()


def measured(url: str, folder: str) -> None:
    """Optimize the store and print the processor seconds of each part as JSON."""
    import optimize.evaluate
    import optimize.solve
    from core.store import Store
    from optimize import explain, frames, run

    spent = dict.fromkeys(_PARTS, 0.0)
    nested = [0.0]

    def timed(name: str, action: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*args: Any, **named: Any) -> Any:
            begun, before = time.process_time(), nested[0]
            found = action(*args, **named)
            took = time.process_time() - begun
            spent[name] += took - (nested[0] - before)
            nested[0] = before + took
            return found

        return wrapped

    frames.from_store = timed("read", frames.from_store)
    frames.digest = timed("fingerprint", frames.digest)
    run.build = timed("build", run.build)
    optimize.evaluate.Evaluator.__init__ = timed("evaluator", optimize.evaluate.Evaluator.__init__)  # type: ignore[method-assign]
    for name in ("price", "violations"):
        setattr(optimize.evaluate.Evaluator, name, timed("price", getattr(optimize.evaluate.Evaluator, name)))
    optimize.solve.solve = timed("search", optimize.solve.solve)
    explain.recommendations = timed("explain", explain.recommendations)
    store = Store.open(url)
    begun = time.process_time()
    result = run.run_scenario(store, _GIVEN)
    write = timed("write", lambda: Path(folder, "result.json").write_text(json.dumps(result.to_json(), indent=2)))
    write()
    proof = result.to_json()["certificate"]
    told: dict[str, Any] = {**spent, "seconds": time.process_time() - begun, "rows": store.count("usage")}
    told |= {"peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2}
    told |= {"status": result.status, "gap": proof["rel_gap"], "method": proof["method"]}
    print(json.dumps(told))


def what_if(url: str, limit: float | None) -> None:
    """Print the processor seconds of re-solves after one knob, from the scenario's own solve and from nothing.

    `limit` ends each solve after so many seconds: a hundred lines in blocks of a GB are hard to the last 0.01 %.
    """
    from benchmarks._plan_references import used
    from core.store import Store
    from optimize import frames
    from optimize.worth.desk import Desk

    tables = frames.from_store(Store.open(url))
    base = Desk(tables, _GIVEN, time_limit=limit)  # also loads the compiled passes
    told = {}
    for knob, patch in _KNOBS.items():
        begun = used()
        cold = Desk(tables, {**_GIVEN, **patch}, time_limit=limit).base
        between = used()
        warm = base.answer(patch)
        ended = used()
        assert warm.objective >= cold.bound, "two proofs of the same problem contradict each other"
        assert cold.objective >= warm.bound, "two proofs of the same problem contradict each other"
        # a small estate is solved without passes
        passes = [sum(map(int, re.findall(r"(\d+) passes", answer.solver_status))) for answer in (cold, warm)]
        gap = float((warm.objective - warm.bound) / warm.objective)
        told[knob] = {"cold": between - begun, "warm": ended - between, "passes": passes, "gap": gap}
    print(json.dumps(told))
