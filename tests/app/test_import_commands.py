"""A month of imports from the command line: again, corrected, renamed, missing, taken back; one-line errors."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from app import uploads
from app.commands import load, undo
from audit import run as audit_run
from core.store import Store
from loaders import preview
from tests.loaders.test_bad_files import locked
from tests.run_command import run

Tem = Callable[..., Result]
HEAD = "Account number,Wireless number,User name,Market cycle end date,Invoice date,Rate plan name,"
HEAD += "Total current charges,Total monthly charges,Total activity since last bill,Total taxes,"
HEAD += "Total company fees and surcharges,Total KB usage,Total minutes usage,Total messages\n"


def bill(month: str, charge: str = "40.00") -> str:
    """An AT&T export of one line and month."""
    day, paid = f"{month}/28/2026", f"{float(charge) + 3:.2f}"
    return f"{HEAD}287,4155550001,ANN,{day},{day},Unlimited,{paid},{charge},1.00,2.00,0.00,1024,10,1\n"


@pytest.fixture
def tem(store: Store) -> Tem:
    """Runs `tem load` and `tem undo` on the store."""
    return lambda name, *args: run(store, {"load": load, "undo": undo}[name], [name, *map(str, args)])


def money(store: Store) -> dict[str, Any]:
    """Total of each invoice, in units."""
    frame = store.frame("invoices")
    return {row.period_end: row.total / 1_000_000 for row in frame.itertuples()}


def test_a_month_of_imports(tem: Tem, store: Store, tmp_path: Path) -> None:
    january, february = tmp_path / "att_01.csv", tmp_path / "att_02.csv"
    january.write_text(bill("01"))
    february.write_text(bill("02"))
    assert tem("load", january, february).exit_code == 0
    again = tem("load", january)
    assert (again.exit_code, again.stdout) == (0, "att_01.csv: att_charges: already loaded (batch 1)\n")

    february.write_text(bill("02", "44.00"))  # a corrected re-issue
    aside = tem("load", february)
    assert aside.exit_code == 3
    (line,) = aside.stderr.splitlines()
    assert line.startswith("att_02.csv, row 2: quarantined: re-issue of invoice")
    assert "--supersede, or the switch on the imports page, replaces it" in line
    assert money(store) == {"2026-01-28": 43.0, "2026-02-28": 43.0}
    assert tem("load", february, "--supersede").exit_code == 0
    assert money(store)["2026-02-28"] == 47.0
    assert len(store.frame("record_history")) >= 1

    listed = json.loads(tem("undo", "--json").stdout)
    assert [(row["batch_id"], row["state"]) for row in listed][:2] == [(1, "committed"), (2, "superseded")]
    newest = listed[-1]["batch_id"]
    taken = tem("undo", newest)
    assert (taken.exit_code, taken.stdout) == (
        0,
        f"import {newest} was taken back; what it had replaced is there again\n",
    )
    assert money(store) == {"2026-01-28": 43.0, "2026-02-28": 43.0}
    assert f"{newest}: " in tem("undo").stdout


def test_a_renamed_column_is_noticed_before_anything_is_kept(tem: Tem, store: Store, tmp_path: Path) -> None:
    path = tmp_path / "att_01.csv"
    path.write_text(bill("01"))
    assert tem("load", path).exit_code == 0
    path.write_text(bill("02").replace("Rate plan name", "Plan name"))
    dry = tem("load", path, "--dry-run")
    assert 'warning: att_01.csv: the column "Rate plan name" seems to be renamed "Plan name"' in dry.stderr
    whole = (Path(__file__).parents[1] / "loaders" / "golden" / "att_charges" / "att_202601.csv").read_text()
    path.write_text(whole.replace("Total current charges", "Total charges now"))
    refused = tem("load", path)
    assert refused.exit_code == 2
    (line,) = refused.stderr.splitlines()
    assert "the required column Total current charges is missing; the closest is Total charges now" in line
    assert store.count("batches") == 1


@pytest.mark.parametrize(("came", "missing"), [("010203040506", []), ("0102030506", ["2026-04-28"])])
def test_an_invoice_that_did_not_come_is_missed(
    tem: Tem, store: Store, tmp_path: Path, came: str, missing: list[str]
) -> None:
    """Cycles that end on the 28th begin twice in March and never in February: no month of theirs is missing."""
    for at in range(0, len(came), 2):
        (tmp_path / f"att_{came[at : at + 2]}.csv").write_text(bill(came[at : at + 2]))
    assert tem("load", *sorted(tmp_path.glob("*.csv"))).exit_code == 0
    found = [finding for finding in audit_run(store) if finding.rule == "C12"]
    assert [finding.expected["value"] if finding.expected else None for finding in found] == missing


def test_undoing_what_cannot_be_undone(tem: Tem, store: Store, tmp_path: Path) -> None:
    path = tmp_path / "att_01.csv"
    path.write_text(bill("01"))
    tem("load", path)
    path.write_text(bill("01", "41.00"))
    tem("load", path, "--supersede")
    with pytest.raises(Exception, match="batch 2 replaced records of 1 or counts on them; undo that one first"):
        raise tem("undo", 1).exception or AssertionError("it was undone")
    with pytest.raises(Exception, match="there is no batch 9 to undo"):
        raise tem("undo", 9).exception or AssertionError("it was undone")


def test_what_the_page_offers_for_a_file_that_cannot_be_read(store: Store, tmp_path: Path) -> None:
    """A renamed column can be mapped; for an empty file, a locked workbook or a scan there is nothing to ask."""
    whole = (Path(__file__).parents[1] / "loaders" / "golden" / "att_charges" / "att_202601.csv").read_text()
    (tmp_path / "renamed.csv").write_text(whole.replace("Total current charges", "Total charges now"))
    (tmp_path / "unknown.csv").write_text("fruit,price,day\napple,1,2026-01-01\n")
    (tmp_path / "empty.csv").write_bytes(b"")
    locked(tmp_path / "locked.xlsx")
    found = {}
    for path in sorted(tmp_path.glob("*.[cx]*")):
        asked = uploads.teachable(tmp_path, preview(path, store=store))
        found[path.name] = asked.__name__ if asked else None
    assert found == {"empty.csv": None, "locked.xlsx": None, "renamed.csv": "teach_table", "unknown.csv": "teach_table"}
