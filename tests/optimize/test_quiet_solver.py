"""The solver of the master: nothing but the document on stdout, and no silence where it cannot run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_master_prints_nothing() -> None:
    code = "from optimize.decomposition.master import quiet_highs; quiet_highs(); print('document')"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "document\n"


def test_a_master_that_cannot_run_says_so() -> None:
    code = """
import highspy
from estates import pooled_estate
import optimize

first = highspy.Highs()  # takes the process's pool of threads
first.setOptionValue("threads", 2)
first.addVar(0.0, 1.0)
first.addRow(0.0, 1.0, 1, [0], [1.0])
first.setOptionValue("parallel", "on")
first.run()
optimize.run_frames(pooled_estate(20, 2, 2), {"method": "decomposition"})
"""
    paths = {"PYTHONPATH": f"{ROOT}:{ROOT / 'tests' / 'optimize'}"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=os.environ | paths, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "MasterCannotRun: HiGHS does not run: this process has used it with another number" in done.stderr
