"""Golden files: what each feed's export becomes, over one small estate; `GOLDEN_WRITE=1` writes them anew.

`golden/FORMAT/NAME.EXT` is loaded into a store that holds `golden/estate`; `NAME.json` beside it says what the report
told and which canonical rows the file made or changed.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

import loaders
from core.queries import loading
from core.schema import CANONICAL, CANONICAL_COLUMNS, MICRO_COLUMNS
from core.store import Store, attributes_of

GOLDEN = Path(__file__).parent / "golden"
CASES = sorted(p for p in GOLDEN.glob("*/*") if p.suffix != ".json" and p.with_suffix(".json").exists())


def outcome(store: Store, report: loaders.LoadReport) -> dict[str, Any]:
    """The report and the rows of the newest batch, as text."""
    (file,) = report.files
    told = file.to_json()
    batch = told.pop("batch_id")
    rows: dict[str, list[dict[str, Any]]] = {}
    for table in CANONICAL:
        frame = store.frame(table)
        mine = frame[frame["batch_id"] == batch].astype(object)
        columns = [*CANONICAL_COLUMNS[table], "attributes"]
        found = []
        for row in mine.where(mine.notna(), None).to_dict("records"):
            kept = {name: row[name] for name in columns if row[name] is not None}
            kept = {n: v / 1_000_000 if n in MICRO_COLUMNS[table] else v for n, v in kept.items()}
            found.append({n: attributes_of(v) if n == "attributes" else v for n, v in kept.items()})
        if found:
            rows[table] = found
    aside = [{k: row[k] for k in ("row", "field", "found", "expected", "reason")} for row in loading.quarantined(store)]
    return {"report": told, "quarantine": aside, "rows": rows}


@pytest.mark.parametrize("case", CASES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_golden_file(case: Path, stocked: Store) -> None:
    store = stocked
    report = loaders.load_paths(store, [case])
    found = outcome(store, report)
    told = found["report"]
    assert told["format"] == case.parent.name
    assert told["rows_in"] == told["rows_loaded"] + told["rows_quarantined"]
    golden = case.with_suffix(".json")
    text = json.dumps(found, indent=1, ensure_ascii=False, default=str) + "\n"
    if os.environ.get("GOLDEN_WRITE"):
        golden.write_text(text, encoding="utf-8")
    assert text == golden.read_text(encoding="utf-8")
    again = loaders.load_paths(store, [case]).files[0]
    assert (again.duplicate_of, again.rows_in) == (report.files[0].batch_id, 0)


def test_every_format_has_its_golden_file_and_its_page() -> None:
    from loaders.built_in import FEEDS

    text = "\n".join(page.read_text(encoding="utf-8") for page in (GOLDEN.parents[2] / "docs").rglob("*.md"))
    assert [f.name for f in FEEDS if f.name not in {case.parent.name for case in CASES}] == []
    assert [f.name for f in FEEDS if f"`{f.name}`" not in text] == []
