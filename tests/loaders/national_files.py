"""The golden files of the national formats: what is in them, and what loading each gives.

`python tests/loaders/national_files.py` writes both anew.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import tap3_files
from call_record_files import bt, m2, optus, oracle_ebilling, windstream
from febraban_files import febraban_v2, febraban_v3
from telstra_files import telstra_daily, telstra_monthly

GOLDEN = Path(__file__).parent / "golden"
EXPECTED = Path(__file__).parent / "expected"


def files() -> dict[str, bytes]:
    """Every golden file by its path under `golden/`."""
    return {
        "bt/calls_202601.csv": bt(),
        "febraban_v2/vivo_202602.txt": febraban_v2(),
        "febraban_v3/claro_202601.txt": febraban_v3(),
        "m2/m2_202601.txt": m2(),
        "optus/tap_20260201.dat": optus(),
        "oracle_ebilling/bill_202601.dat": oracle_ebilling(),
        "telstra_linx/daily_20260107.txt": telstra_daily(),
        "telstra_linx/monthly_202602.txt": telstra_monthly(),
        "windstream/cdr_202601.txt": windstream(),
    }


def expected(store: Any, report: Any) -> str:
    """What loading a file gave, as text to look at: the report's entry, then the facts row by row."""
    lines = [json.dumps(entry, ensure_ascii=False) for entry in report.to_json()["files"]]
    for table, names in SHOWN.items():
        frame = store.frame(table)
        lines.append(f"-- {table}: {len(frame)}")
        if len(frame):
            rows = frame[[name for name in names if name in frame]].astype(object)
            lines += sorted(
                " | ".join(f"{name}={value}" for name, value in row.items() if value == value and value is not None)
                for row in rows.to_dict("records")
            )
    return "\n".join(lines) + "\n"


SHOWN = {
    "invoices": (
        *("number", "account_id", "issued_on", "period_start", "period_end", "due_on", "currency"),
        *("previous_balance", "payments", "total"),
    ),
    "charges": (
        *("billed_number", "service_id", "category", "item_code", "description", "zone", "country", "quantity", "unit"),
        *("amount", "period_start", "period_end", "attributes"),
    ),
    "usage": (
        *("service_id", "month", "usage_type", "zone", "country", "quantity", "unit", "cost", "currency"),
        *("period_start", "period_end"),
    ),
    "usage_events": (
        *("service_id", "started_at", "direction", "usage_type", "zone", "country", "peer_number", "quantity"),
        *("duration_s", "cost", "currency"),
    ),
    "services": ("service_id", "kind", "number", "carrier_id", "attributes"),
}


def main() -> None:
    """Write the golden files, and for each what loading it into an empty store gives."""
    import loaders
    from core.store import Store

    for name, content in {**files(), **tap3_files.files()}.items():
        path = GOLDEN / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        with tempfile.TemporaryDirectory() as folder:
            store = Store.open(f"sqlite:///{folder}/golden.db")
            text = expected(store, loaders.load_paths(store, [path]))
            store.close()
        recorded = EXPECTED / Path(name).with_suffix(".txt")
        recorded.parent.mkdir(parents=True, exist_ok=True)
        recorded.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
