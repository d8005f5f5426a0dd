"""The contract template: empty it is refused, filled as workbook or YAML it says the same; bad YAML is one line."""

from __future__ import annotations

import io
from pathlib import Path

import openpyxl
import pytest
import yaml

import loaders
from app.commands import template
from core.issues import BadInput
from core.store import Store
from loaders.feeds.rate_card_columns import COLUMNS, NEEDED, SECTIONS

GOLDEN = Path(__file__).parent / "golden"
ROWS = {
    "contracts": [{"contract_id": "C1", "carrier": "Orange", "start_date": "2026-01-01", "notice_months": 3}],
    "tiers": [{"contract_id": "C1", "spend_from": 100, "discount_rate": 0.1}],
    "rates": [{"contract_id": "C1", "item_code": "A", "rate": 1.25}],
    "plans": [{"plan_id": "P", "carrier": "Orange", "mrc": 9.99, "currency": "EUR"}],
    "offers": [{"offer_id": "O", "plan_id": "Q", "carrier": "Rival", "mrc": 5, "currency": "EUR"}],
    "offer_terms": [{"offer_id": "O", "carrier": "Rival", "commitment_amount": 900, "discount_rate": 0.05}],
    "items": [{"carrier": "Orange", "item_code": "A", "nature": "access"}],
}


@pytest.mark.parametrize("suffix", [".yaml", ".xlsx"])
def test_the_empty_template_is_told_from_a_filled_one(suffix: str, store: Store, tmp_path: Path) -> None:
    path = tmp_path / f"template{suffix}"
    path.write_bytes(loaders.template_of("contracts", suffix))
    report = loaders.load_paths(store, [path])
    assert report.exit_code == 2
    assert "holds no rows" in str(report.files[0].error)


def test_workbook_and_yaml_say_the_same(tmp_path: Path) -> None:
    book = openpyxl.load_workbook(io.BytesIO(loaders.template_of("contracts", ".xlsx")))
    for section, rows in ROWS.items():
        sheet = book[section.capitalize()]
        header = [cell.value for cell in sheet[1]]
        assert header == list(COLUMNS[section])
        for row in rows:
            sheet.append([row.get(name) for name in header])
    book.save(tmp_path / "filled.xlsx")
    (tmp_path / "filled.yaml").write_text(yaml.safe_dump(ROWS, sort_keys=False))
    frames = []
    for name in ("filled.xlsx", "filled.yaml"):
        store = Store.open(f"sqlite:///{tmp_path / name}.db")
        (told,) = loaders.load_paths(store, [tmp_path / name]).files
        assert (told.format, told.rows_in, told.rows_loaded) == ("contracts", 7, 7)
        frames.append("\n".join(store.frame(table).to_csv() for table in sorted(set(SECTIONS.values()))))
    assert frames[0] == frames[1]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("contracts:\n  - &a {contract_id: C}\n  - *a\n", "row 2: anchors and aliases are not read"),
        ("contracts:\n  - {contract_id: C\n", "is no YAML"),
        ("contracts:\n" + "".join("  " * n + "- a:\n" for n in range(1, 40)), "levels deep"),
        ("contracts:\nplants: []\n", "row 2, field plants"),
        ("contracts:\n---\nplans:\n", "more than one document"),
    ],
)
def test_yaml_that_cannot_be_used(text: str, said: str, store: Store, tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text(text)
    report = loaders.load_paths(store, [tmp_path / "c.yaml"])
    assert report.exit_code == 2
    assert said in str(report.files[0].error)
    assert store.count("batches") == 0


def test_an_unknown_key_names_the_closest(store: Store) -> None:
    report = loaders.load_paths(store, [GOLDEN / "contracts" / "rates.yaml"])
    assert any("such as notice_days" in str(issue) for issue in report.issues)


def test_the_command_writes_what_it_says_and_never_overwrites(tmp_path: Path) -> None:
    for name in ("t.yaml", "t.xlsx"):
        template.template("contracts", tmp_path / name)
        assert (tmp_path / name).stat().st_size > 500
    for kind, name in (("contracts", "t.yaml"), ("contracts", "t.pdf"), ("plants", "u.yaml")):
        with pytest.raises(BadInput):
            template.template(kind, tmp_path / name)


def test_the_words_of_the_template_cover_the_tables() -> None:
    from core.schema import CANONICAL_COLUMNS

    for section, table in SECTIONS.items():
        given = {"carrier_id" if name == "carrier" else name for name in COLUMNS[section]}
        left = set(CANONICAL_COLUMNS[table]) - given - ({"offer_id"} if section == "plans" else set())
        assert left == set()
        assert set(NEEDED[section]) <= set(COLUMNS[section])
