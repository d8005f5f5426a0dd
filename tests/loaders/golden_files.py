"""Golden files: every file in `golden/<format>/` is a sample of that format; `X.expected.json` says what X gives."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import loaders
from core.queries import loading
from core.store import Store

FOLDER = Path(__file__).parent / "golden"
REWRITE = os.environ.get("TEM_GOLDEN") == "write"
_TABLES = {
    "invoices": "number kind issued_on period_start period_end due_on currency total payments previous_balance",
    "charges": "billed_number service_id category item_code description quantity unit_rate amount period_start"
    " period_end zone attributes",
    "usage": "service_id month usage_type zone quantity unit cost period_start period_end",
    "usage_events": "service_id started_at direction usage_type zone peer_number quantity unit cost",
    "services": "service_id kind number status plan_id activated_on attributes",
    "devices": "device_id service_id kind imei model assigned_on attributes",
    "sim_observations": "service_id observed_on iccid imei",
}


def samples(*formats: str) -> list[Path]:
    """The sample files, of all formats or of some."""
    folders = [FOLDER / name for name in formats] if formats else sorted(p for p in FOLDER.iterdir() if p.is_dir())
    return [
        path
        for folder in folders
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.endswith((".expected.json", ".md"))
    ]


def expected_of(path: Path) -> Path:
    """Where it is written what the file gives."""
    return path.with_name(f"{path.name}.expected.json")


def loaded(store: Store, path: Path) -> dict[str, Any]:
    """What a file gives in this store, without ids and times."""
    report = loaders.load_paths(store, [path])
    (entry,) = report.to_json()["files"]
    del entry["batch_id"]
    found: dict[str, Any] = {"report": entry}
    for table, columns in _TABLES.items():
        frame = store.frame(table, tuple(columns.split())).astype(object)
        rows = frame.where(frame.notna(), None).to_dict("records")
        kept = [{name: value for name, value in row.items() if value is not None} for row in rows]
        if kept:
            found[table] = kept
    aside = loading.quarantined(store)
    if aside:
        keys = ("row", "raw", "field", "found", "expected", "reason")
        found["quarantine"] = [{key: row[key] for key in keys} for row in aside]
    plain: dict[str, Any] = json.loads(json.dumps(found))
    return plain
