"""Every benchmark runs: small sizes, once, and gives figures."""

import importlib

import pytest

from benchmarks.__main__ import names


@pytest.mark.slow
@pytest.mark.parametrize("name", names())
def test_a_benchmark_gives_figures(name: str) -> None:
    module = importlib.import_module(f"benchmarks.{name}")
    rows = module.run(smoke=True)
    assert module.TITLE
    assert rows
    assert all(row.what and row.value for row in rows)
