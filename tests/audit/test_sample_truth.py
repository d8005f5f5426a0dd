"""The sample enterprise: every planted error is found with its exact money, and nothing else is accused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import audit
import sample_data
from benchmarks.audit import PLANTED, Score, billed_numbers, compare, truth
from core.store import Store
from loaders import load_paths

SERVICES, MONTHS = 400, 12


@pytest.fixture(scope="module")
def scores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Score]]:
    folder = tmp_path_factory.mktemp("sample")
    sample_data.generate(folder, services=SERVICES, months=MONTHS)
    store = Store.open(f"sqlite:///{folder / 'tem.db'}")
    report = load_paths(store, [folder / name for name in sample_data.LOADED])
    assert report.exit_code == 0
    found = audit.run(store)
    yield compare(found, truth(Path(folder)), billed_numbers(store))
    store.close()


@pytest.mark.slow
@pytest.mark.parametrize("rule", PLANTED)
def test_every_plant_is_found_to_the_cent_and_nothing_else(scores: dict[str, Score], rule: str) -> None:
    assert scores[rule].missed == {}
    assert scores[rule].false == {}


def test_the_table_plants_nearly_every_rule_and_names_no_other(scores: dict[str, Score]) -> None:
    assert set(scores) == set(PLANTED)
    assert sum(bool(score.wanted) for score in scores.values()) >= len(PLANTED) - 2
