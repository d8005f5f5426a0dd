"""Injured feeds: every row counted, nothing half loaded, no traceback; FUZZ_FILES sets how many."""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

from test_bad_files import mutate

import loaders
from core import rollups
from core.store import Store

GOLDEN = Path(__file__).parent / "golden"
SEEDS = sorted(p for p in GOLDEN.glob("*/*") if p.suffix != ".json" and p.parent.name != "estate")


def test_injured_feeds_never_raise(stocked: Store, tmp_path: Path) -> None:
    chance = random.Random(int(os.environ.get("FUZZ_SEED", "7")))
    slowest = 0.0
    codes = set()
    for number in range(int(os.environ.get("FUZZ_FILES", "60"))):
        seed = SEEDS[number % len(SEEDS)]
        path = tmp_path / seed.name
        path.write_bytes(mutate(seed.read_bytes(), chance))
        start = time.process_time()
        report = loaders.load_paths(stocked, [path], dry_run=number % 3 > 0, supersede=number % 5 == 0)
        slowest = max(slowest, time.process_time() - start)
        codes.add(report.exit_code)
        for file in report.files:
            assert file.rows_in == file.rows_loaded + file.rows_quarantined
            assert not file.error or (file.rows_in == 0 and file.batch_id is None)
        assert all("\n" not in str(issue) for issue in report.issues)
    assert codes == {0, 2, 3}
    assert slowest < 5
    assert stocked.integrity() == []
    assert rollups.check(stocked) == []
    loaders.proposals(stocked)
