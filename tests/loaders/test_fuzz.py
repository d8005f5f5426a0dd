"""500 injured files of every format with golden files: no traceback, no hang, nothing half loaded, no row lost."""

from __future__ import annotations

from pathlib import Path

import loaders
from benchmarks import _fuzz as fuzz
from core import rollups
from core.schema import CANONICAL
from core.store import Store


def test_every_registered_format_with_samples_is_fuzzed() -> None:
    formats = {path.relative_to(fuzz.GOLDEN).parts[0] for path in fuzz.seeds()} - {"estate"}
    named = {loader.name for loader in loaders.loaders()}
    assert formats <= named
    assert {"x12_811", "verizon_rdd", "verizon_report", "att_charges", "att_inventory"} <= formats


def test_500_mutated_files(store: Store, tmp_path: Path) -> None:
    assert loaders.load_paths(store, [fuzz.GOLDEN / "estate"]).exit_code == 0
    folder = tmp_path / "fuzz"
    folder.mkdir()
    outcome = fuzz.fuzz(store, folder, 500)
    assert outcome.problems == []
    assert outcome.files == 500
    assert set(outcome.codes) == {0, 2, 3}
    assert {path.relative_to(fuzz.GOLDEN).parts[0] for path in fuzz.seeds()} - {"estate"} <= set(outcome.formats)
    assert store.integrity() == []
    assert rollups.check(store) == []
    batches = set(store.frame("batches")["batch_id"])
    for table in CANONICAL:
        assert set(store.frame(table, ("batch_id",))["batch_id"].dropna()) <= batches
