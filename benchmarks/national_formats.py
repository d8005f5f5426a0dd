"""National formats: speed of the fixed-width layer, and damaged files of every format through the whole pipeline."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import loaders
from benchmarks import Row
from benchmarks._damaged_files import damaged
from core.store import Store
from loaders.carriers.febraban_v2 import CALL, FebrabanV2
from loaders.contract import Bill
from loaders.reading.source import Source

TITLE = "National formats: reading fixed width, and damaged files"
GOLDEN = Path(__file__).resolve().parent.parent / "tests" / "loaders" / "golden"


def run(smoke: bool) -> list[Row]:
    """Figures of one run on this machine."""
    return [*_speed(2_000 if smoke else 100_000), *_damage(30 if smoke else 10_000)]


def _speed(calls: int) -> list[Row]:
    """A bill of many calls against a bare loop that slices the same columns out of the same lines."""
    lines = (GOLDEN / "febraban_v2" / "vivo_202602.txt").read_bytes().split(b"\r\n")
    header, call, trailer = lines[0], next(line for line in lines if line.startswith(b"3")), lines[-2]
    cents = int(call[271:284])
    body = [
        call[:230] + f"{n // 3600 % 24:02d}{n // 60 % 60:02d}{n % 60:02d}".encode() + call[236:] for n in range(calls)
    ]
    total = trailer[:93] + f"+{cents * calls:013d}".encode() + trailer[107:]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bill.txt"
        path.write_bytes(b"\n".join([header, *body, total]))
        started = time.perf_counter()
        places = [(column.first - 1, column.last) for column in CALL.columns]
        with path.open(encoding="cp1252") as handle:
            bare = sum(len([line[first:last] for first, last in places]) for line in handle)
        slicing = time.perf_counter() - started
        started = time.perf_counter()
        (bill,) = [item for item in FebrabanV2().read(Source(path)) if isinstance(item, Bill)]
        reading = time.perf_counter() - started
    assert bare
    assert bill.total == sum(charge["amount"] for charge in bill.charges) == cents * calls * 10_000
    return [
        Row("FEBRABAN calls read, checked and summed", f"{calls / reading:,.0f} a second"),
        Row("the same against slicing the columns only", f"{slicing / reading:.3f} x", "a bare loop over the lines"),
    ]


def _damage(count: int) -> list[Row]:
    """Damaged copies of the golden files, loaded without keeping them: none may break, hang or lose a record."""
    files = sorted(path for path in GOLDEN.rglob("*") if path.is_file())
    broken = lost = refused = aside = 0
    longest = 0.0
    with tempfile.TemporaryDirectory() as folder:
        store = Store.open(f"sqlite:///{folder}/damaged.db")
        for seed in range(count):
            original = files[seed % len(files)]
            path = Path(folder) / original.name
            path.write_bytes(damaged(original.read_bytes(), seed, encodings=True))
            started = time.perf_counter()
            try:
                (file,) = loaders.load_paths(store, [path], dry_run=True, format=original.parent.name).files
                lost += file.rows_in != file.rows_loaded + file.rows_quarantined
                refused += file.error is not None
                aside += file.rows_quarantined > 0
            except Exception:
                broken += 1
            longest = max(longest, time.perf_counter() - started)
        kept = sum(store.count(table) for table in ("invoices", "charges", "usage", "usage_events", "batches"))
        store.close()
    return [
        Row("damaged files loaded", f"{count:,}", f"{refused:,} refused, {aside:,} with rows set aside"),
        Row("files with an exception", str(broken), bar="0"),
        Row("files whose rows do not add up", str(lost), bar="0"),
        Row("rows kept by a dry run", str(kept), bar="0"),
        Row("longest file", f"{longest:.2f} s", bar="5 s"),
    ]
