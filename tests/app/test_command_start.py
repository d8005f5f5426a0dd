"""A command imports what it needs when it is called: small ones start at once, and a load holds no solver in memory."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
HEAVY = {"highspy", "matplotlib", "numba", "plotly", "pulp", "scipy", "sklearn", "streamlit"}
TABLES = {
    "carriers": ("carrier_id,name,country", "v,Verizon,US"),
    "accounts": ("account_id,carrier_id,number,currency,country", "a,v,1,USD,US"),
    "plans": (
        "plan_id,carrier_id,mrc,currency,data_mb,data_overage_price,data_overage_block_mb",
        "p,v,20,USD,100,5,10",
    ),
    "services": ("service_id,kind,number,carrier_id,account_id,plan_id,status", "s,mobile,+12125550100,v,a,p,active"),
    "usage": ("service_id,month,usage_type,zone,quantity,unit,period_start", "s,2026-01,data,home,110,MB,2026-01-01"),
}
RUN = "import sys, app.cli\ntry:\n    app.cli.main()\nfinally:\n    print('imported', *sys.modules, file=sys.stderr)"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "in"
    made.mkdir()
    for name, lines in TABLES.items():
        (made / f"{name}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return made


def run(folder: Path, *arguments: str) -> tuple[str, set[str]]:
    """What the command printed, and the packages that its process, one of its own, had imported at the end."""
    done = subprocess.run(
        [sys.executable, "-c", RUN, *arguments],
        cwd=ROOT,
        env=os.environ | {"TEM_STORE_URL": f"sqlite:///{folder.parent / 'tem.db'}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.partition("imported")[0]
    return done.stdout, {name.split(".")[0] for name in done.stderr.partition("imported")[2].split()}


def test_the_list_of_commands_imports_none_of_them(folder: Path) -> None:
    printed, modules = run(folder, "--help")
    assert "Load carrier files" in printed
    assert not modules & (HEAVY | {"pandas", "sqlalchemy", "pyarrow", "loaders", "optimize", "anomaly"})


def test_a_load_and_a_bill_import_no_model_no_solver_and_no_page(folder: Path) -> None:
    printed, modules = run(folder, "load", str(folder))
    assert "usage.csv: canonical: 1 of 1 rows" in printed
    assert not modules & (HEAVY | {"pandas", "alembic", "anomaly", "optimize", "audit"})
    printed, modules = run(folder, "bill")
    assert "25.00 USD" in printed
    assert not modules & (HEAVY | {"alembic", "anomaly", "loaders"})
