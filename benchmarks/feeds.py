"""Feeds: how fast inventory and FOCUS files are read and loaded, against Python's bare csv.reader; memory; links."""

from __future__ import annotations

import csv
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks import Row
from core.store import Store
from loaders import load_paths, proposals
from loaders.feeds.mdm import INTUNE
from loaders.focus.loader import Focus
from loaders.reading.source import Source

TITLE = "Feeds: inventory and FOCUS files"
_INTUNE = (
    "Device ID,Device name,Serial number,IMEI,Model,OS,Phone number,Primary user UPN,Device state,Last check-in,"
    "Managed by\n"
)
_FOCUS = (
    "BilledCost,BillingAccountId,BillingCurrency,BillingPeriodStart,BillingPeriodEnd,ChargeCategory,ChargeFrequency,"
    "ChargeDescription,ChargePeriodStart,ChargePeriodEnd,ConsumedQuantity,ConsumedUnit,EffectiveCost,ProviderName,"
    "ResourceId,ServiceName,SkuId,SubAccountId,Tags\n"
)


def run(smoke: bool = False) -> list[Row]:
    """20,000 devices of as many people and lines, and 100,000 FOCUS rows; small ones for a smoke run."""
    devices, rows = (200, 500) if smoke else (20_000, 100_000)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _estate(folder / "estate", devices)
        intune, focus = folder / "intune.csv", folder / "focus.csv"
        _write_intune(intune, devices)
        write_focus(focus, rows)
        store = Store.open(f"sqlite:///{folder / 'tem.db'}")
        load_paths(store, [folder / "estate"])
        found = [_parse("Intune", intune, devices, INTUNE), _parse("FOCUS", focus, rows, Focus())]
        found += [_load(store, "Intune devices", intune, devices), _load(store, "FOCUS rows", focus, rows)]
        seconds, _ = _timed(lambda: proposals(store))
        found.append(Row("matches proposed over the whole store", f"{seconds:.1f} s", f"{devices:,} devices", ""))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        found.append(Row("memory at the end", f"{peak:,.0f} MB", "", ""))
        store.close()
    return found


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    start = time.process_time()
    result = work()
    return max(time.process_time() - start, 1e-9), result


def _bare(path: Path) -> int:
    with path.open(encoding="utf-8", newline="") as handle:
        return sum(1 for _ in csv.reader(handle))


def _parse(what: str, path: Path, rows: int, loader: Any) -> Row:
    bare, _ = _timed(lambda: _bare(path))
    mine, _ = _timed(lambda: sum(1 for _ in loader.read(Source(path))))
    value = f"{rows / mine:,.0f} rows/s"
    return Row(f"{what}: read, check, map", value, f"csv.reader {rows / bare:,.0f} rows/s ({bare / mine:.2f})", "")


def _load(store: Store, what: str, path: Path, rows: int) -> Row:
    seconds, report = _timed(lambda: load_paths(store, [path]))
    loaded = report.files[0].rows_loaded
    return Row(
        f"{what} into the store", f"{rows / seconds:,.0f} rows/s", f"{loaded:,} of {rows:,} loaded", "all loaded"
    )


def _estate(folder: Path, count: int) -> None:
    folder.mkdir()
    (folder / "carriers.csv").write_text("carrier_id,name\nverizon,Verizon Wireless\n")
    (folder / "accounts.csv").write_text("account_id,carrier_id,number,currency,country\nA1,verizon,1,USD,US\n")
    people = "".join(f"E{n},Person {n},p{n}@example.com,active\n" for n in range(count))
    (folder / "employees.csv").write_text(f"employee_id,name,email,status\n{people}")
    lines = "".join(f"S{n},mobile,+1212{5_000_000 + n},verizon,A1,active\n" for n in range(count))
    (folder / "services.csv").write_text(f"service_id,kind,number,carrier_id,account_id,status\n{lines}")


def _write_intune(path: Path, count: int) -> None:
    """One device in fifty has a number with two digits swapped and one person of another domain."""
    with path.open("w") as handle:
        handle.write(_INTUNE)
        for n in range(count):
            odd = n % 50 == 0
            number = f"+1212{5_000_000 + n}" if not odd else f"+1122{5_000_000 + n}"
            user = f"p{n}@{'other.example' if odd else 'example.com'}"
            handle.write(
                f"id{n},n{n},SER{n},{35_000_000_000_000 + n}0,iPhone 14,iOS,{number},{user},Managed,2026-09-30,Intune\n"
            )


def write_focus(path: Path, count: int, month: str = "2026-09", until: str = "2026-10") -> None:
    """Hours of machines in a month of 30 days or less, with a cost center as tag; `until` is the month after it."""
    with path.open("w") as handle:
        handle.write(_FOCUS)
        for n in range(count):
            handle.write(
                f"0.{n:011d},111,USD,{month}-01T00:00:00Z,{until}-01T00:00:00Z,Usage,Usage-Based,Hours,"
                f"{month}-{n % 28 + 1:02d}T00:00:00Z,{month}-{n % 28 + 1:02d}T01:00:00Z,1.5,Hours,0,Cloud,"
                f'i-{n % 5_000},Machines,SKU-{n % 300},sub-{n % 40},"{{""CostCenter"": ""CC{n % 20}""}}"\n'
            )
