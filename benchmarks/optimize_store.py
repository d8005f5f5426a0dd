"""`tem optimize` from a store: where the time goes between the tables and the result file.

The estate of `optimize_scale` (four carriers, 40 plans, twelve months of data, voice, messages and roaming) as tables
in an embedded store. Each size runs in a process of its own, so that its peak memory is its own. Times are seconds of
the processor, as other work may run beside it.
"""

from __future__ import annotations

import json
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
_PARTS = ("read", "fingerprint", "build", "evaluator", "price", "search", "explain", "write")
ROOT = Path(__file__).resolve().parent.parent


def run(smoke: bool = False) -> list[Row]:
    """A row for each size: seconds by part and peak memory."""
    rows = []
    for lines in (100,) if smoke else SIZES:
        with tempfile.TemporaryDirectory() as folder:
            url = f"sqlite:///{Path(folder) / 'tem.db'}"
            fill(url, lines)
            code = f"from benchmarks.optimize_store import measured; measured({url!r}, {folder!r})"
            done = subprocess.run(
                [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT, timeout=1800
            )
            told = json.loads(done.stdout.splitlines()[-1])
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
    return rows


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
