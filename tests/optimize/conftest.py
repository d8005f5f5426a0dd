"""A store that holds the frames of an estate, loaded from canonical files."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

_MILLIONTHS = (
    *("mrc", "data_mb", "voice_min", "data_overage_price", "data_overage_block_mb", "voice_overage_price"),
    *("quantity",),
)


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
            for column in set(_MILLIONTHS) & set(plain.columns):
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
