"""`tem profile`: list, show, add, remove, propose; problems are one line each."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from app.cli import main
from core.settings import settings
from sample_data import pdf_invoices

BILL = "Account;Invoice Date;Phone;Amount;Curr\n1;31.01.2026;0171 1;1.000,50;EUR\n2;31.01.2026;0171 2;2,00;EUR\n"


@dataclass
class Told:
    exit_code: int
    stdout: str
    stderr: str


Tem = Callable[..., Told]


@pytest.fixture
def tem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Tem]:
    url = f"sqlite:///{tmp_path / 'tem.db'}"
    monkeypatch.setenv("TEM_STORE_URL", url)
    settings.cache_clear()

    def run(*arguments: str) -> Told:
        monkeypatch.setattr(sys, "argv", ["tem", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return Told(int(ended.value.code or 0), said.out, said.err)

    yield run
    settings.cache_clear()


def test_a_profile_is_proposed_saved_used_and_forgotten(tmp_path: Path, tem: Tem) -> None:
    file = tmp_path / "bill_2026.csv"
    file.write_text(BILL)
    missing = tem("profile", "propose", str(file))
    assert missing.exit_code == 2
    assert "bill needs carrier_id" in missing.stderr
    made = tem("profile", "propose", str(file), "--set", "carrier_id=acme", "--save")
    assert made.exit_code == 0
    assert made.stdout.startswith("version: 1\nname: bill\ntable: bill\n")
    assert "number <- Phone (known synonym)" in made.stderr
    loaded = tem("load", str(file), "--json")
    assert json.loads(loaded.stdout)["files"][0]["layout"] == "bill"
    assert json.loads(tem("profile", "list", "--json").stdout) == [{"kind": "profile", "name": "bill"}]
    assert tem("profile", "show", "bill").stdout == made.stdout
    assert tem("profile", "remove", "bill").exit_code == 0
    gone = tem("profile", "show", "bill")
    assert (gone.exit_code, len(gone.stderr.splitlines())) == (2, 1)


def test_a_template_is_proposed_for_a_pdf(tem: Tem) -> None:
    made = tem("profile", "propose", str(pdf_invoices.FOLDER / "telesud.pdf"), "--save")
    assert made.exit_code == 0
    assert "23 charges, together 7953.37; 0 lines not read" in made.stderr
    assert tem("load", str(pdf_invoices.FOLDER / "telesud.pdf")).exit_code == 0


@pytest.mark.parametrize("arguments", [("propose",), ("add", "nowhere.yaml"), ("propose", "nowhere.csv")])
def test_mistakes_are_told_in_one_line(tem: Tem, arguments: tuple[str, ...]) -> None:
    told = tem("profile", *arguments)
    assert told.exit_code == 2
    assert len(told.stderr.splitlines()) == 1
