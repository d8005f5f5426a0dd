"""`tem audit`: JSON on stdout, exit codes, one line per wrong option."""

from __future__ import annotations

import json
import sys

import pytest
from audit_books import Books

from app.cli import main
from core import findings
from core.settings import settings
from core.store import Store


def run(monkeypatch: pytest.MonkeyPatch, store: Store, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["tem", "--store", store.full_url, "audit", *words])
    monkeypatch.setenv("TEM_STORE_URL", store.full_url)
    settings.cache_clear()
    try:
        with pytest.raises(SystemExit) as leaving:
            main()
    finally:
        settings.cache_clear()
    return int(leaving.value.code or 0)


def spoiled(store: Store) -> Store:
    books = Books().clean("2026-01", "2026-03")
    for month in ("2026-01", "2026-03"):
        books.charge("S1", month).update(unit_rate="33.00", amount="33.00")
    return books.save(store)


def test_json_is_the_list_of_findings_and_they_are_kept(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], store: Store
) -> None:
    spoiled(store)
    assert run(monkeypatch, store, "--json") == 0
    first = capsys.readouterr().out
    rows = json.loads(first)
    assert [(r["rule"], r["month"], r["amount_at_stake"]) for r in rows] == [
        ("R1", "2026-01", "3.00"),
        ("R1", "2026-03", "3.00"),
    ]
    assert list(findings.load(store)["finding_id"]) == sorted(r["finding_id"] for r in rows)
    assert run(monkeypatch, store, "--json") == 0
    assert capsys.readouterr().out == first


def test_months_and_today_limit_the_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], store: Store
) -> None:
    spoiled(store)
    assert run(monkeypatch, store, "--json", "--from", "2026-02") == 0
    assert [r["month"] for r in json.loads(capsys.readouterr().out)] == ["2026-03"]
    assert run(monkeypatch, store, "--json", "--as-of", "2026-02-28") == 0
    assert [r["month"] for r in json.loads(capsys.readouterr().out)] == ["2026-01"]


def test_the_table_names_rule_money_and_reason(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], store: Store
) -> None:
    spoiled(store)
    assert run(monkeypatch, store, "--full") == 0
    out, err = capsys.readouterr()
    assert "Billed rate is not the contract's" in out
    assert "6.00 USD" in out
    assert "2 new" in err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--from", "2026-13"], "2026-13"),
        (["--as-of", "yesterday"], "yesterday"),
        (["--from", "2026-03", "--to", "2026-01"], "--from"),
        (["--rules", "nowhere.yaml"], "nowhere.yaml"),
    ],
)
def test_a_wrong_option_is_one_line_and_exit_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], store: Store, words: list[str], said: str
) -> None:
    assert run(monkeypatch, store, *words) == 2
    err = capsys.readouterr().err.strip()
    assert said in err
    assert len(err.splitlines()) == 1
