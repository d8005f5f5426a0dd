"""`python -m benchmarks [NAME ...] [--smoke]`: runs the benchmarks and prints one table each."""

from __future__ import annotations

import argparse
import importlib
import os
import pkgutil
import platform
import sys
import time

import benchmarks


def names() -> list[str]:
    """Every benchmark module."""
    return sorted(
        module.name for module in pkgutil.iter_modules(benchmarks.__path__) if not module.name.startswith("_")
    )


def table(rows: list[benchmarks.Row]) -> str:
    """Rows as a Markdown table."""
    lines = ["| what | measured | against | bar |", "|---|---|---|---|"]
    return "\n".join([*lines, *(f"| {row.what} | {row.value} | {row.against} | {row.bar} |" for row in rows)])


def main(arguments: list[str] | None = None) -> int:
    """Run what is asked for; everything without a name."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("name", nargs="*", help=f"out of: {', '.join(names())}")
    parser.add_argument("--smoke", action="store_true", help="small sizes: does it run at all")
    chosen = parser.parse_args(arguments)
    unknown = sorted(set(chosen.name) - set(names()))
    if unknown:
        print(f"no such benchmark: {', '.join(unknown)}; there are {', '.join(names())}", file=sys.stderr)
        return 2
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}\n")
    for name in chosen.name or names():
        module = importlib.import_module(f"benchmarks.{name}")
        start = time.perf_counter()
        rows = module.run(smoke=chosen.smoke)
        print(f"## {module.TITLE}\n\n{table(rows)}\n\n({time.perf_counter() - start:.0f} s)\n", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
