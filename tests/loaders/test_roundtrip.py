"""Export writes the store back; loading the export into an empty store gives the same store."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import loaders
from core.issues import BadInput
from core.money import MAX_MICROS, SCALE, to_text
from core.schema import CANONICAL_COLUMNS
from core.store import Store

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared"

UNPRINTABLE = "".join(map(chr, [*range(9), *range(14, 27), *range(28, 32)]))
TEXT = st.text(st.characters(codec="utf-8", exclude_characters=UNPRINTABLE), max_size=12).map(str.strip)
MICROS = st.integers(-MAX_MICROS, MAX_MICROS)
DAYS = st.dates(min_value=date(1900, 1, 1), max_value=date(2199, 12, 31))


def both_ways(folder: Path, first: Store) -> None:
    """Export, load, export again: the same bytes, nothing set aside."""
    loaders.export_canonical(first, folder / "one")
    second = Store.open(f"sqlite:///{folder / 'second.db'}")
    report = loaders.load_paths(second, [folder / "one"])
    assert report.exit_code == 0, [str(issue) for issue in report.issues]
    loaders.export_canonical(second, folder / "two")
    names = sorted(path.name for path in (folder / "one").iterdir())
    assert names == sorted(path.name for path in (folder / "two").iterdir())
    for name in names:
        assert (folder / "one" / name).read_bytes() == (folder / "two" / name).read_bytes()


def test_a_carriage_return_inside_a_text(store: Store, tmp_path: Path) -> None:
    with store.transaction() as txn:
        txn.append("sites", [{"site_id": "a", "name": "one\rtwo"}, {"site_id": "b", "name": "plain"}])
    both_ways(tmp_path, store)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_any_store_survives_the_round_trip(data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        store = Store.open(f"sqlite:///{folder / 'first.db'}")
        services = data.draw(st.lists(TEXT.filter(bool), min_size=1, max_size=4, unique=True))
        maybe = st.one_of(st.none(), TEXT.map(lambda text: text or None))
        extra = st.dictionaries(st.sampled_from(["Floor", "Zählpunkt", 'a,"b"']), TEXT.filter(bool), max_size=2)
        with store.transaction() as txn:
            txn.append("carriers", [{"carrier_id": "c", "name": data.draw(maybe)}])
            txn.append("accounts", [{"account_id": "a", "carrier_id": "c", "number": data.draw(maybe)}])
            txn.append(
                "services",
                [
                    {
                        "service_id": s,
                        "carrier_id": "c",
                        "account_id": "a",
                        "project_id": data.draw(maybe),
                        "activated_on": data.draw(DAYS).isoformat(),
                        "attributes": json.dumps(data.draw(extra), sort_keys=True, ensure_ascii=False),
                    }
                    for s in services
                ],
            )
            txn.append(
                "invoices",
                [
                    {"invoice_id": f"i{n}", "account_id": "a", "number": "same", "total": data.draw(MICROS)}
                    for n in range(2)
                ],
            )
            txn.append(
                "charges",
                [
                    {
                        "charge_id": f"k{n}",
                        "invoice_id": f"i{n % 2}",
                        "service_id": data.draw(st.one_of(st.none(), st.sampled_from(services))),
                        "category": data.draw(st.sampled_from(["mrc", "tax", "credit"])),
                        "description": data.draw(maybe),
                        "amount": data.draw(MICROS),
                        "quantity": data.draw(st.one_of(st.none(), MICROS)),
                    }
                    for n in range(data.draw(st.integers(0, 5)))
                ],
            )
            txn.append(
                "usage",
                [
                    {
                        "service_id": data.draw(st.sampled_from(services)),
                        "month": "2026-01",
                        "usage_type": "data",
                        "quantity": data.draw(st.integers(0, MAX_MICROS // 8)),
                    }
                    for _ in range(data.draw(st.integers(0, 4)))
                ],
            )
        both_ways(folder, store)
        store.close()


def test_a_store_with_carrier_bills_survives(store: Store, estate: Path, att_csv: Path, tmp_path: Path) -> None:
    loaders.load_paths(store, [estate, att_csv])
    both_ways(tmp_path, store)
    with pytest.raises(BadInput, match="already"):
        loaders.export_canonical(store, tmp_path / "one")


@given(micros=MICROS)
def test_numbers_survive_as_text(micros: int) -> None:
    from core.money import parse_micros

    assert parse_micros(to_text(micros)) == micros


@pytest.mark.megaline
def test_megaline_loads_whole(store: Store, tmp_path: Path) -> None:
    converter = SHARED / "tools" / "megaline_to_canonical.py"
    if not converter.exists() or not (SHARED / "data" / "megaline").exists():
        pytest.skip("the Megaline course data is not beside the project (../shared/data/megaline)")
    spec = importlib.util.spec_from_file_location("megaline_to_canonical", converter)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.main(tmp_path / "out")
    report = loaders.load_paths(store, [tmp_path / "out"])
    assert report.exit_code == 0
    assert all(file.rows_in == file.rows_loaded > 0 for file in report.files)
    usage = store.frame("usage")
    assert (store.count("services"), len(usage), usage["usage_type"].nunique()) == (490, 3 * 2293, 3)
    assert int(usage.loc[usage["usage_type"] == "sms", "quantity"].sum()) == 76_051 * SCALE


def tem(store: Path, *args: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in its own process."""
    return subprocess.run(
        [sys.executable, "-m", "app.cli", "--store", f"sqlite:///{store}", *args],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )


def test_the_command_line_speaks_json_and_exit_codes(estate: Path, tmp_path: Path) -> None:
    store = tmp_path / "cli.db"
    done = tem(store, "load", str(estate), "--json")
    assert done.returncode == 0
    document = json.loads(done.stdout)
    keys = {"file", "format", "rows_in", "rows_loaded", "rows_quarantined", "batch_id", "duplicate_of", "warnings"}
    assert all(set(entry) == keys | {"invoices"} for entry in document["files"])
    (estate / "usage.csv").write_text("service_id,month,usage_type,quantity\nS1,2026-01,data,NaN\n")
    done = tem(store, "load", str(estate / "usage.csv"))
    assert done.returncode == 3
    assert "usage.csv, row 2, field quantity: quarantined" in done.stderr
    listed = tem(store, "quarantine", "--json")
    (row,) = json.loads(listed.stdout)
    assert (row["file"], row["row"], row["raw"], row["field"], row["found"]) == (
        "usage.csv",
        2,
        "S1,2026-01,data,NaN",
        "quantity",
        "NaN",
    )
    done = tem(store, "load", str(tmp_path / "nowhere"), "--json")
    assert (done.returncode, done.stdout) == (2, "")
    (tmp_path / "x.bin").write_bytes(b"\x00\x01\x02")
    done = tem(store, "load", str(tmp_path / "x.bin"), "--json")
    assert done.returncode == 2
    assert "error" in json.loads(done.stdout)["files"][0]
    assert "Traceback" not in done.stderr


def test_canonical_columns_are_what_the_export_writes(store: Store, estate: Path, tmp_path: Path) -> None:
    loaders.load_paths(store, [estate])
    loaders.export_canonical(store, tmp_path / "out")
    for path in (tmp_path / "out").iterdir():
        assert tuple(path.read_text().splitlines()[0].split(",")) == CANONICAL_COLUMNS[path.stem]
