"""One folder with a file of every format goes in by one command: no row is lost, every invoice ties."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from app.commands import load as load_command
from core.store import Store
from loaders import definitions, teach
from loaders.built_in import BUILT_IN
from loaders.profiles.propose import propose
from loaders.reading.source import Source
from sample_data import pdf_invoices
from tests.run_command import run

GOLDEN = Path(__file__).parent / "golden"
PROFILED = """Kundennummer;Rechnungsnummer;Rechnungsdatum;Rufnummer;Beschreibung;Betrag netto;Währung
4711;R-001;31.01.2026;+49 171 5550001;Grundgebühr Business M;1.029,95;EUR
4711;R-001;31.01.2026;;Umsatzsteuer 19 %;195,69;EUR
Summe;;;;;1.225,64;
"""
#: Samples that hold errors on purpose, whose recorded outcome is that an invoice does not tie.
OFF = {"verizon_report/invoices.csv", "x12_811/odd_delimiters_and_errors.edi"}


@pytest.fixture
def folder(store: Store, tmp_path: Path) -> Path:
    """Samples of all formats in one folder, in the folders of their formats; what has to be taught is taught."""
    target = tmp_path / "inbox"
    shutil.copytree(GOLDEN, target, ignore=shutil.ignore_patterns("*.json", "README.md"))
    (target / "profile").mkdir()
    (target / "profile" / "rechnung.csv").write_text(PROFILED, encoding="utf-8")
    best = propose(Source(target / "profile" / "rechnung.csv"))[0]
    teach.save(store, definitions.written(best.profile("nordtel-rows", {"carrier_id": "nordtel"})))
    (target / "pdf").mkdir()
    for name in pdf_invoices.INVOICES:
        shutil.copy(pdf_invoices.FOLDER / f"{name}.pdf", target / "pdf")
        teach.save(store, (pdf_invoices.FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))
    book = openpyxl.Workbook()
    book.active.title = "sites"  # type: ignore[union-attr]
    for row in (["site_id", "name"], ["ANNEX", "Annex"]):
        book.active.append(row)  # type: ignore[union-attr]
    book.save(target / "estate" / "annex.xlsx")
    return target


def test_a_folder_of_every_format(store: Store, folder: Path) -> None:
    result = run(store, load_command, ["load", str(folder), "--json"])
    assert result.exit_code in {0, 3}, result.output
    entries: dict[str, dict[str, Any]] = {entry["file"]: entry for entry in json.loads(result.stdout)["files"]}
    assert {name: entry["error"] for name, entry in entries.items() if entry.get("error")} == {}
    assert {entry["format"] for entry in entries.values()} == {loader.name for loader in BUILT_IN} | {"profile", "pdf"}
    for name, entry in entries.items():
        assert entry["rows_in"] == entry["rows_loaded"] + entry["rows_quarantined"] > 0, name
        assert entry["format"] == {"estate": "canonical"}.get(name.split("/")[0], name.split("/")[0]), name
    off = {name for name, e in entries.items() if not all(bill["balanced"] for bill in e["invoices"])}
    assert off == OFF
    assert sum(len(entry["invoices"]) for entry in entries.values()) == store.count("invoices")
    assert len(store.frame("quarantine")) == sum(entry["rows_quarantined"] for entry in entries.values())
    assert set(store.frame("usage")["currency"].dropna()) >= {"BRL", "AUD", "CAD", "GBP", "USD", "XDR"}
    assert store.integrity() == []
    before = store.version
    again = run(store, load_command, ["load", str(folder), "--json"])
    told = json.loads(again.stdout)["files"]
    assert [entry["file"] for entry in told if entry["duplicate_of"] is None and entry["rows_loaded"]] == []
    assert (store.version, again.exit_code) == (before, 0)


def test_every_promise_names_tests_that_exist() -> None:
    """docs/formats/proof.md ticks each format with its tests: all formats are there, and so are the tests."""
    root = GOLDEN.parents[2]
    page = (root / "docs" / "formats" / "proof.md").read_text(encoding="utf-8")
    there = {
        name
        for path in root.glob("tests/**/test_*.py")
        for name in re.findall(r"^def (test_\w+)", path.read_text(), re.M)
    }
    assert set(re.findall(r"`(test_\w+)`", page)) - there == set()
    assert {loader.name for loader in BUILT_IN} - set(re.findall(r"`(\w+)`", page)) == set()


def test_every_format_says_how_sure_we_are() -> None:
    """docs/formats/sureness.md has a row for each format, which its reason follows."""
    page = (GOLDEN.parents[2] / "docs" / "formats" / "sureness.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1:-1] for line in page.splitlines() if line.startswith("| `")]
    named = [name for first, *_ in rows for name in re.findall(r"`(\w+)`", first)]
    assert sorted(named) == sorted([*(loader.name for loader in BUILT_IN), "profile", "pdf"])
    assert all(len(cells) == 3 and cells[1].strip() and cells[2].strip() for cells in rows)
