"""Fixtures shared by every test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from core.settings import settings as cached_settings
from core.store import Store

#: The same examples on every machine, however slow it is: a red run is a defect, never bad luck.
settings.register_profile("suite", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("suite")

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True)
def _settings_of_this_test() -> Iterator[None]:
    """Settings are read once a process; a test that changes the environment must not see those of another."""
    cached_settings.cache_clear()
    yield
    cached_settings.cache_clear()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty embedded store."""
    opened = Store.open(f"sqlite:///{tmp_path / 'tem.db'}")
    yield opened
    opened.close()
