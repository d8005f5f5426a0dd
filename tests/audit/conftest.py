"""An empty store per test, copied from one that was made once."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.store import Store


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("audit") / "empty.db"
    opened = Store.open(f"sqlite:///{path}")
    opened.engine.dispose()
    return path


@pytest.fixture
def store(empty_store: Path, tmp_path: Path) -> Iterator[Store]:
    shutil.copy(empty_store, tmp_path / "tem.db")
    opened = Store.open(f"sqlite:///{tmp_path / 'tem.db'}")
    yield opened
    opened.close()
