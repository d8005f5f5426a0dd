"""The FOCUS export of a whole estate: a validator's rules hold, and loading it again gives the same money."""

from __future__ import annotations

import csv
import io
import sys
from decimal import Decimal
from pathlib import Path

import pytest

import loaders
from app.reports import focus
from core.store import Store

sys.path.insert(0, str(Path(__file__).parent))
import focus_rules

SAMPLE = Path(__file__).resolve().parents[2] / "sample_data" / "small"


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, str]:
    folder = tmp_path_factory.mktemp("focus")
    store = Store.open(f"sqlite:///{folder / 'tem.db'}")
    golden = Path(__file__).resolve().parents[1] / "loaders" / "golden"
    loaders.load_paths(store, [SAMPLE / "canonical", golden / "focus" / "focus_12.csv"])
    return store, focus.csv_text(focus.rows(store, None), focus.COLUMNS)


def test_a_validator_finds_nothing(exported: tuple[Store, str]) -> None:
    rows = list(csv.DictReader(io.StringIO(exported[1])))
    assert len(rows) == exported[0].count("charges")
    assert focus_rules.violations(focus.COLUMNS, rows) == []
    assert {row["ChargeCategory"] for row in rows} >= {"Usage", "Purchase", "Tax", "Credit"}


def test_the_rules_can_fail(exported: tuple[Store, str]) -> None:
    (row,) = list(csv.DictReader(io.StringIO(exported[1])))[:1]
    for name, value in (("ChargeCategory", "Fee"), ("BilledCost", ""), ("ChargePeriodEnd", row["ChargePeriodStart"])):
        assert focus_rules.violations(focus.COLUMNS, [{**row, name: value}])


def test_loading_the_export_gives_the_same_money(exported: tuple[Store, str], tmp_path: Path) -> None:
    store, text = exported
    (tmp_path / "estate.csv").write_text(text)
    other = Store.open(f"sqlite:///{tmp_path / 'other.db'}")
    (told,) = loaders.load_paths(other, [tmp_path / "estate.csv"]).files
    assert (told.format, told.rows_quarantined) == ("focus", 0)
    assert told.rows_in == store.count("charges")
    sums = []
    for one in (store, other):
        charges, invoices = one.frame("charges"), one.frame("invoices")
        both = charges.merge(invoices[["invoice_id", "number", "currency"]], on="invoice_id")
        sums.append(both.groupby(["number", "currency", "category"])["amount"].sum().to_dict())
    assert sums[0] == sums[1]
    assert sum(
        (Decimal(row["BilledCost"]) for row in csv.DictReader(io.StringIO(text))), Decimal(0)
    ) * 1_000_000 == int(other.frame("charges")["amount"].sum())
