"""What each golden file gives, to the cent; `TEM_GOLDEN=write` writes the expectations anew, to be read by a person."""

from __future__ import annotations

import json
from pathlib import Path

import golden_files as golden
import pytest

from core import rollups
from core.store import Store

SAMPLES = [path for path in golden.samples() if golden.REWRITE or golden.expected_of(path).exists()]


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_golden_file_gives_what_it_says(store: Store, path: Path) -> None:
    found = golden.loaded(store, path)
    expected = golden.expected_of(path)
    if golden.REWRITE:
        expected.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    assert found == json.loads(expected.read_text(encoding="utf-8"))
    report = found["report"]
    assert report["format"] == path.parent.name
    assert report["rows_in"] == report["rows_loaded"] + report["rows_quarantined"]
    assert rollups.check(store) == []
