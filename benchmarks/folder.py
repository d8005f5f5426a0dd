"""A folder of mixed files, loaded by several processes and by one, side by side: seconds, and who waits for whom."""

from __future__ import annotations

import os
import resource
import tempfile
import time
from pathlib import Path

import sample_data
from benchmarks import Row
from benchmarks.feeds import write_focus
from benchmarks.loaders import write_x12
from core import periods
from core.settings import settings
from core.store import Store
from loaders import load_paths, teach
from loaders.report import LoadReport
from sample_data import pdf_invoices

TITLE = "A folder of mixed files: several readers, one writer"


def write_folder(folder: Path, services: int, months: int, others: int) -> int:
    """An organization's tables and bills (Verizon, AT&T), and as many X12, FOCUS and PDF bills; returns the files.

    `others` is the number of files of each of these three; each has another account or month.
    """
    sample_data.generate(folder, seed=5, services=services, months=months)
    for path in (folder / "truth").iterdir():
        path.unlink()
    (folder / "truth").rmdir()
    for kind in ("x12", "focus", "pdf"):
        (folder / kind).mkdir()
    layouts = list(pdf_invoices.INVOICES.items())
    for number in range(others):
        write_x12(folder / "x12" / f"bill_{number:03d}.edi", 4, services // 10, first=number * 4)
        month, until = (periods.add_months("2023-01-01", number + ahead)[:7] for ahead in (0, 1))
        write_focus(folder / "focus" / f"cost_{month}.csv", services * 2, month, until)
        name, invoice = layouts[number % len(layouts)]
        made = invoice(20 + number)
        made["number"] += f"-{number}"
        (folder / "pdf" / f"{name}_{number:03d}.pdf").write_bytes(pdf_invoices.pdf(name, made))
    return sum(path.is_file() for path in folder.rglob("*"))


def _load(folder: Path, path: Path, processes: int) -> tuple[float, float, float, LoadReport]:
    """Seconds of the clock, of this process and of the processes that read; and the report."""
    for old in path.parent.glob(f"{path.name}*"):
        old.unlink()
    store = Store.open(f"sqlite:///{path}")
    for name in pdf_invoices.INVOICES:
        teach.save(store, (pdf_invoices.FOLDER / f"{name}.yaml").read_text(encoding="utf-8"), name)
    before = os.environ.get("TEM_LOAD_PROCESSES")
    os.environ["TEM_LOAD_PROCESSES"] = str(processes)
    settings.cache_clear()
    try:
        started, own, others = time.perf_counter(), time.process_time(), _children()
        report = load_paths(store, [folder])
        spent = time.perf_counter() - started, time.process_time() - own, _children() - others
    finally:
        store.close()
        os.environ.pop("TEM_LOAD_PROCESSES")
        if before is not None:
            os.environ["TEM_LOAD_PROCESSES"] = before
        settings.cache_clear()
    return *spent, report


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def run(smoke: bool = False) -> list[Row]:
    """A folder of about 200 files (smoke: 45); the ratio above 1 means that several processes are faster."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "in"
        files = write_folder(folder, *((60, 4, 1) if smoke else (300, 12, 42)))
        alone, writing, reading, one = _load(folder, Path(name) / "one.db", 1)
        cores = len(os.sched_getaffinity(0))
        together, writer, readers, many = _load(folder, Path(name) / "many.db", max(cores, 2))
    if one.to_json() != many.to_json() or any(file.error for file in one.files):
        raise AssertionError("several processes must load what one does")
    rows = sum(file.rows_loaded for file in one.files)
    ideal = (writing + reading) / max(writer, (writer + readers) / max(cores, 2))
    return [
        Row(
            f"{files} mixed files, {rows:,} rows: one process / {max(cores, 2)} readers, by the clock",
            f"{alone / together:.2f}",
            f"{alone:.1f} s and {together:.1f} s; other work on the machine counts",
        ),
        Row(
            "the same by processor time, as if the machine were ours",
            f"{ideal:.2f}",
            f"one process {writing + reading:.1f} s; writer {writer:.1f} s, readers {readers:.1f} s",
        ),
        Row("the writer's share of the work", f"{writer / (writer + readers):.0%}", "it cannot be divided"),
    ]
