"""Loaders side by side with bare tools in one run: rows per second as ratios, memory, and 10,000 injured files.

Each pair is measured alternately, three times or more, in seconds of the process's own time; the ratio is that of the
best runs. The X12 file is written here: 300 invoices of 200 lines, 3.3 charges each, as compact carriers write it.
"""

from __future__ import annotations

import csv
import gc
import importlib
import importlib.util
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks import Row, _fuzz
from core.store import Store
from loaders import load_paths
from loaders.canonical import Canonical
from loaders.contract import Bill
from loaders.reading.source import Source
from loaders.values import Typed
from loaders.x12.loader import X12Bill

TITLE = "Loaders: speed against bare tools, memory, mutated files"
_SERVICES, _INVOICES = 1_000, 200
_HEAD = "charge_id,invoice_id,service_id,billed_number,category,item_code,description,amount,period_start,period_end\n"
_PEAK = """
import re, sys
from pathlib import Path
from loaders.canonical import Canonical
from loaders.reading.source import Source
from loaders.x12.loader import X12Bill
def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
before = peak()
source = Source(Path(sys.argv[1]))
source.sha256
reader = X12Bill().read(source) if sys.argv[1].endswith("edi") else Canonical().read_table(source, "charges", None)
for item in reader:
    pass
print(peak() - before)
"""
_LOAD = """
import re, sys
from pathlib import Path
from app import cli
sys.argv = ["tem", "--store", sys.argv[1], "load", *sys.argv[2:]]
try:
    cli.main()
except SystemExit as left:
    assert not left.code
print(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
"""


def write_estate(folder: Path) -> None:
    """Accounts, services and invoices that the charges name."""
    folder.mkdir(exist_ok=True)
    texts = {
        "carriers": ["carrier_id,name,country", "tel,Telco,US"],
        "accounts": ["account_id,carrier_id,number,currency,country", "A1,tel,100,USD,US"],
        "services": ["service_id,kind,number,carrier_id,account_id,status"]
        + [f"S{n},mobile,+1212555{n:04d},tel,A1,active" for n in range(_SERVICES)],
        "invoices": ["invoice_id,account_id,number,issued_on,period_start,period_end,currency,total"]
        + [f"I{n},A1,N{n},2026-01-31,2026-01-01,2026-01-31,USD,{n}.00" for n in range(_INVOICES)],
    }
    for table, lines in texts.items():
        (folder / f"{table}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_charges(path: Path, count: int) -> None:
    """Charges of ten columns; every id differs, 9,000 different amounts."""
    with path.open("w", encoding="utf-8") as stream:
        stream.write(_HEAD)
        stream.writelines(
            f"C{n},I{n % _INVOICES},S{n % _SERVICES},,mrc,PLAN{n % 40},Business plan {n % 40},{n % 9000 / 100:.2f},"
            "2026-01-01,2026-01-31\n"
            for n in range(count)
        )


def write_x12(path: Path, invoices: int, lines: int = 200, first: int = 0, prices: int = 7, way: str = "") -> int:
    """A compact 811 of invoices numbered from `first`; returns its number of segments.

    A product has one of `prices` prices, so that items repeat word for word; with many prices none does. `way` is
    blank, "ahead" (PID and AMT stand before their SLN, and an IT1 repeats it) or "calls" (twelve TCD a line).
    """
    head = "ISA*00*          *00*          *ZZ*GRANITE        *ZZ*ACME           *260201*1200*U*00401*000000071*0*P*>"
    count = 4
    with path.open("w", encoding="utf-8") as stream:
        stream.write(f"{head}~\nGS*CI*GRANITE*ACME*20260201*1200*71*X*004010~\n")
        for invoice in range(first, first + invoices):
            segments = _invoice(invoice, lines, prices, way)
            count += len(segments)
            stream.write("~\n".join(segments) + "~\n")
        stream.write(f"GE*{invoices}*71~\nIEA*1*000000071~\n")
    return count


def _invoice(number: int, lines: int, prices: int, way: str) -> list[str]:
    found = [f"ST*811*{number:04d}", f"BIG*20260201*INV{number}", f"REF*12*77{number:06d}", "ITD*01*****20260301"]
    found += ["DTM*186*20260101", "DTM*187*20260131", "N1*PE*Granite Telecommunications", "HL*1**1*1", "HL*2*1*4*1"]
    total = 0
    for line in range(lines):
        found += [f"HL*{line + 3}*2*8*0", f"SI*TI*TN*212{5550000 + line}"]
        step = (number * lines + line) % prices
        items = (("BUSINESS LINE", 2499), ("FEDERAL ACCESS CHARGE", 920), ("CALLER ID", 350))
        for at, (text, least) in enumerate(items):
            cents = least + step * 100
            amount = f"{cents / 100:.2f}"
            item, about = [f"SLN*{at}**A*1*EA*{amount}***A3*1MB{at}"], [f"PID*F****{text}", f"AMT*1*{amount}"]
            ordered = [*about, *item, f"IT1*{at}*1*EA*{amount}"] if way == "ahead" else [*item, *about]
            found += [*ordered, "DTM*150*20260101", "DTM*151*20260131"]
            total += cents
        found.append(f"TXI*ST*{1 + line % 5}.23**CD*NY")
        total += 123 + line % 5 * 100
        found += [_call(line, call) for call in range(12 if way == "calls" else 0)]
    found += [f"TDS*{total}", f"CTT*{lines * 3}"]
    return [*found, f"SE*{len(found) + 1}*{number:04d}"]


def _call(line: int, call: int) -> str:
    day, clock = f"202601{1 + (line + call) % 28:02d}", f"{8 + call:02d}{line % 60:02d}"
    cents = (line * 7 + call * 3) % 90
    places = f"TN*212{5550000 + line}*NY*TN*312{5550000 + line * 37 % 9999}*IL"
    return f"TCD*{call}*{day}*{clock}*{places}*{1 + cents % 17}.{cents % 10}**0.{cents:02d}"


def best(*steps: Callable[[], float], times: int) -> list[float]:
    """The shortest time of each step, run alternately."""
    found = [[] for _ in steps]
    for _ in range(times):
        for at, step in enumerate(steps):
            gc.collect()
            found[at].append(step())
    return [min(seconds) for seconds in found]


def timed(work: Callable[[], object]) -> float:
    """Seconds of the process's own time."""
    start = time.process_time()
    work()
    return time.process_time() - start


def _loading(folder: Path, count: int) -> Callable[[], float]:
    def step() -> float:
        for old in folder.glob("loaded.db*"):
            old.unlink()
        store = Store.open(f"sqlite:///{folder / 'loaded.db'}")
        load_paths(store, [folder / "estate"])
        seconds = timed(lambda: load_paths(store, [folder / "charges.csv"]))
        assert store.count("charges") == count
        store.close()
        return seconds

    return step


def _bare_inserting(folder: Path) -> Callable[[], float]:
    """The same rows, already typed, into the same indexed table by one executemany."""

    def step() -> float:
        for old in folder.glob("bare.db*"):
            old.unlink()
        store = Store.open(f"sqlite:///{folder / 'bare.db'}")
        load_paths(store, [folder / "estate"])
        store.close()
        with sqlite3.connect(folder / "loaded.db") as loaded:
            rows = loaded.execute("SELECT * FROM charges").fetchall()
        bare = sqlite3.connect(folder / "bare.db", isolation_level=None)
        marks = ",".join("?" * len(rows[0]))

        def insert() -> None:
            bare.execute("BEGIN IMMEDIATE")
            bare.executemany(f"INSERT INTO charges VALUES ({marks})", rows)
            bare.execute("COMMIT")

        seconds = timed(insert)
        bare.close()
        return seconds

    return step


def _csv_rows(folder: Path, count: int, times: int) -> list[Row]:
    write_estate(folder / "estate")
    write_charges(folder / "charges.csv", count)
    ours, bare = best(_loading(folder, count), _bare_inserting(folder), times=times)
    source = Source(folder / "charges.csv")
    assert source.sha256

    def validate() -> None:
        read = 0
        for item in Canonical().read_table(source, "charges", None):
            assert isinstance(item, Typed)
            read += len(item)
        assert read == count

    def bare_reader() -> None:
        with (folder / "charges.csv").open(newline="", encoding="utf-8") as stream:
            assert sum(1 for _ in csv.reader(stream)) == count + 1

    parse, reader = best(lambda: timed(validate), lambda: timed(bare_reader), times=4 * times)
    loading, parsing = f"{count / ours:,.0f} rows/s", f"{count / parse:,.0f} rows/s"
    return [
        Row("validated CSV to committed rows, SQLite", f"{bare / ours:.2f}", f"bare executemany; {loading}", ">= 0.7"),
        Row("CSV parsed and validated", f"{reader / parse:.2f}", f"bare csv.reader; {parsing}", ">= 1.0"),
    ]


def _x12_rows(folder: Path, invoices: int, times: int) -> list[Row]:
    """Against pyx12's reader and splitting, in one run, for bills of four kinds; the first is what the bars are for."""
    kinds = [("", 7, ""), (", no price twice", 10**9, ""), (", IT1 for each SLN", 7, "ahead"), (", calls", 7, "calls")]
    rows = []
    for said, prices, way in kinds:
        path = folder / "bill.edi"
        segments = write_x12(path, invoices, prices=prices, way=way)
        source = Source(path)
        assert source.sha256
        steps = [partial(_x12_bills, source), partial(_split, path, segments), partial(_split_and_drop, path)]
        if importlib.util.find_spec("pyx12"):
            steps.append(partial(_pyx12, path))
        mine, held, thrown, *peer = best(*(partial(timed, step) for step in steps), times=times)
        what = f"X12 811 to rows{said}"
        pace = f"{segments / mine:,.0f} segments/s"
        bars = ("", "") if said else (">= 0.5", ">= 10")
        rows.append(Row(what, f"{thrown / mine:.2f}", f"split, each list thrown away at once; {pace}", bars[0]))
        rows.append(Row(what, f"{held / mine:.2f}", "split into lists that are kept", ""))
        rows += [Row(what, f"{seconds / mine:.1f}", "pyx12's reader", bars[1]) for seconds in peer]
    return rows


def _x12_bills(source: Source) -> None:
    assert all(isinstance(item, Bill) for item in X12Bill().read(source))


def _split(path: Path, segments: int) -> None:
    found = [segment.strip().split("*") for segment in path.read_text(encoding="utf-8").split("~")]
    assert len(found) == segments + 1


def _split_and_drop(path: Path) -> None:
    for segment in path.read_text(encoding="utf-8").split("~"):
        segment.strip().split("*")


def _pyx12(path: Path) -> None:
    reader = importlib.import_module("pyx12.x12file").X12Reader
    for _ in reader(str(path)):
        pass


def _memory_rows(folder: Path, megabytes: int, smoke: bool) -> list[Row]:
    """Peak memory above the start of a process that reads a file once and a file four times as large."""
    write_charges(folder / "charges.csv", megabytes * 12_000)
    write_charges(folder / "more.csv", megabytes * 48_000)
    write_x12(folder / "bill.edi", megabytes * 14)
    write_x12(folder / "more.edi", megabytes * 55)
    rows = [_whole_load_row(folder)]
    pairs = (("CSV", ("charges.csv", "more.csv")), ("X12 811", ("bill.edi", "more.edi")))
    for title, names in pairs[:1] if smoke else pairs:
        peaks = []
        for name in names:
            peaks.append(_printed(_PEAK, folder / name) // 1024)
        sizes = [(folder / name).stat().st_size // 1_000_000 for name in names]
        value = f"{peaks[0]} MB at {sizes[0]} MB, {peaks[1]} MB at {sizes[1]} MB"
        rows.append(Row(f"peak memory, {title}", value, "the size of the file", "flat, <= 500 MB"))
    return rows


def _whole_load_row(folder: Path) -> Row:
    """Peak memory of the whole process that loads the CSV into an embedded store; it is read and written by one."""
    write_estate(folder / "estate")
    peak = _printed(_LOAD, f"sqlite:///{folder / 'whole.db'}", folder / "estate", folder / "charges.csv") // 1024
    size = (folder / "charges.csv").stat().st_size / 1e6
    return Row("peak memory, whole load of a CSV", f"{peak} MB at {size:.0f} MB", "the size of the file", "<= 500 MB")


def _printed(program: str, *arguments: Path | str) -> int:
    """The number that a process of its own prints last."""
    command = [sys.executable, "-c", program, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parent.parent)
    return int(done.stdout.split()[-1])


def _mutated_row(folder: Path, count: int) -> Row:
    store = Store.open(f"sqlite:///{folder / 'fuzz.db'}")
    load_paths(store, [_fuzz.GOLDEN / "estate"])
    outcome = _fuzz.fuzz(store, folder, count, seed=1)
    store.close()
    codes = ", ".join(f"{number} exit {code}" for code, number in sorted(outcome.codes.items()))
    told = f"{codes}; slowest {outcome.slowest:.1f} s; {outcome.problems[0] if outcome.problems else 'no problem'}"
    return Row(f"{outcome.files} mutated files of {len(_fuzz.seeds())} samples", str(len(outcome.problems)), told, "0")


def run(smoke: bool = False) -> list[Row]:
    """Ratios above 1 mean faster than what it is measured against."""
    times = 1 if smoke else 3
    gc.freeze()  # as `tem load` does
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows = _csv_rows(folder, 1_000 if smoke else 200_000, times)
        rows += _x12_rows(folder, 2 if smoke else 300, times)
        rows += _memory_rows(folder, 1 if smoke else 60, smoke)
        fuzzed = folder / "fuzz"
        fuzzed.mkdir()
        rows.append(_mutated_row(fuzzed, 5 if smoke else 10_000))
    return rows
