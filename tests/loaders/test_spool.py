"""A spool gives back what was put in, as often as wanted, also in another process; its file goes with it."""

from __future__ import annotations

import gc
import pickle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loaders.spool import Spool


@given(rows=st.lists(st.dictionaries(st.text(max_size=3), st.integers(), max_size=3), max_size=20))
def test_rows_come_back_in_their_order(rows: list[dict[str, int]]) -> None:
    spool = Spool(block=3)
    for row in rows:
        spool.append(row)
    again = pickle.loads(pickle.dumps(spool))
    assert list(spool) == list(spool) == list(again) == rows
    assert len(spool) == len(again) == len(rows)
    again.append({"last": 1})
    assert list(again) == [*rows, {"last": 1}]
    assert list(spool) == rows


def test_its_file_goes_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    spool = Spool(block=2)
    for number in range(5):
        spool.append({"n": number})
    assert len(list(tmp_path.iterdir())) == 1
    del spool
    gc.collect()
    assert list(tmp_path.iterdir()) == []
