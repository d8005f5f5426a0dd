"""A store that holds the frames of an estate, loaded from canonical files."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from core.schema import MICRO_COLUMNS


@pytest.fixture
def store_of(tmp_path: Path):
    """A function from frames (as the optimizer reads them) to an opened store."""
    from core.store import Store
    from loaders import load_paths

    opened = []

    def fill(frames):
        folder = tmp_path / "tables"
        folder.mkdir()
        for name, frame in frames.items():
            plain = frame.copy()
            for column in set(MICRO_COLUMNS.get(name, ())) & set(plain.columns):
                plain[column] = [None if pd.isna(v) else f"{int(v) / 10**6:.6f}" for v in plain[column]]
            if name == "usage":
                plain["unit"] = plain["usage_type"].map({"data": "MB", "voice": "min"})
            plain.to_csv(folder / f"{name}.csv", index=False)
        found = Store.open(f"sqlite:///{tmp_path / 'tem.db'}")
        load_paths(found, [folder])
        opened.append(found)
        return found

    yield fill
    for store in opened:
        store.close()
