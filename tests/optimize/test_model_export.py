"""The integer model as a file."""

import pytest
from estates import pooled_estate

from core.issues import BadInput
from optimize.export import export_model


class Tables:
    """A store that holds frames."""

    def __init__(self, frames):
        self.tables = frames

    def frames(self, *names, coded):
        return {name: self.tables.get(name) for name in (*names, *coded)}


@pytest.mark.parametrize("ending", [".lp", ".mps"])
def test_a_model_is_written_by_its_ending(tmp_path, ending):
    path = tmp_path / f"model{ending}"
    variables, rows = export_model(Tables(pooled_estate(12, 2, 2)), {}, path)
    assert variables > 12
    assert rows > 12
    text = path.read_text()
    assert "one_plan" in text


def test_another_ending_is_refused(tmp_path):
    with pytest.raises(BadInput):
        export_model(Tables(pooled_estate(4, 2, 2)), {}, tmp_path / "model.txt")
