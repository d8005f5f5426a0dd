"""Nothing but the document on stdout: the solver's banner stays away."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_master_prints_nothing() -> None:
    code = "from optimize.decomposition.master import _quiet_highs; _quiet_highs(); print('document')"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "document\n"
