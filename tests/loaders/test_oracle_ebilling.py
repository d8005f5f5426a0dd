"""Oracle E-Billing input files: accounts and services tie, lost records show, odd cells are set aside."""

from __future__ import annotations

from pathlib import Path

import pytest
from call_record_files import oracle_ebilling
from hypothesis import given, settings
from hypothesis import strategies as st

import loaders
from core.queries import loading
from core.store import Store
from loaders.carriers.oracle_ebilling import OracleEbilling
from loaders.contract import Bill
from loaders.reading.source import Source
from loaders.report import FileReport


def load(store: Store, tmp_path: Path, content: bytes) -> FileReport:
    path = tmp_path / "bill.dat"
    path.write_bytes(content)
    (file,) = loaders.load_paths(store, [path]).files
    assert file.rows_in == file.rows_loaded + file.rows_quarantined
    return file


def test_a_service_record_that_is_set_aside_leaves_the_invoice_open(store: Store, tmp_path: Path) -> None:
    file = load(store, tmp_path, oracle_ebilling().replace(b"BOB|40.00|", b"BOB|40,00|"))
    assert (file.rows_in, file.rows_quarantined) == (12, 1)
    first, second = file.invoices
    assert (first.balanced, first.total - first.charges_total, second.balanced) == (False, 52_500_000, True)
    (row,) = loading.quarantined(store)
    assert (row["field"], row["found"]) == ("Monthly Service Charges", "40,00")


def test_a_lost_service_record_is_on_no_service_and_said(store: Store, tmp_path: Path) -> None:
    lines = [line for line in oracle_ebilling().split(b"\n") if b"|BOB|" not in line]
    file = load(store, tmp_path, b"\n".join(lines))
    assert file.invoices[0].balanced
    assert "invoice ST-77: 52.50 of account AC-1 is on no service" in file.warnings


def test_an_account_whose_parts_do_not_sum_is_set_aside_with_its_services(store: Store, tmp_path: Path) -> None:
    file = load(store, tmp_path, oracle_ebilling().replace(b"|146.50\n", b"|146.51\n"))
    assert [(i.account, i.total) for i in file.invoices] == [("AC-2", 20_000_000)]
    assert file.rows_quarantined == 6
    found = {(row["field"], row["expected"]) for row in loading.quarantined(store)}
    assert found == {
        ("Total Charge Amount", "the sum of 100.00, 30.00, -5.00, 10.00, 11.50"),
        ("Account Number", "an account record (2000) of the statement before it"),
    }
    assert any("its accounts sum to 20.00, its total is 166.50" in text for text in file.warnings)


def test_credits_printed_positive_are_taken_off(store: Store, tmp_path: Path) -> None:
    text = (
        oracle_ebilling()
        .replace(b"|-5.00|10.00|11.50|", b"|5.00|10.00|11.50|")
        .replace(b"|-5.00|0.00|9.00|", b"|5.00|0.00|9.00|")
    )
    file = load(store, tmp_path, text)
    assert [i.balanced for i in file.invoices] == [True, True]
    charges = store.frame("charges")
    assert charges[charges["category"] == "credit"]["amount"].tolist() == [-5_000_000]


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        (b"2000|ST-77|AC-2", b"2000|ST-99|AC-2", "Statement Number"),
        (b"2000|ST-77|AC-2", b"2000|ST-77|AC-1", "Account Number"),
        (b"3100|", b"31X0|", "Rec Type"),
        (b"|20260106|09:00|", b"|20261306|09:00|", "Called Date"),
    ],
)
def test_records_that_do_not_fit(store: Store, tmp_path: Path, old: bytes, new: bytes, field: str) -> None:
    file = load(store, tmp_path, oracle_ebilling().replace(old, new))
    assert file.rows_quarantined == 1
    assert [row["field"] for row in loading.quarantined(store)] == [field]


def test_a_statement_without_a_currency_or_a_known_unit(store: Store, tmp_path: Path) -> None:
    file = load(store, tmp_path, oracle_ebilling().replace(b"|US|CAD", b"").replace(b"|2048|KB|", b"|2048|FLOPS|"))
    assert {i.currency for i in file.invoices} == {"USD"}
    assert "statement ST-77 names no currency: USD is assumed" in file.warnings
    assert "invoice ST-77: 1 usage records have a unit that is not known, or no day" in file.warnings


cents = st.integers(min_value=-(10**7), max_value=10**7)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(cents, cents, cents, cents, cents), max_size=5), st.tuples(cents, cents, cents, cents, cents))
def test_any_statement_ties(services: list[tuple[int, ...]], own: tuple[int, ...]) -> None:
    import tempfile

    def shown(parts: tuple[int, ...]) -> str:
        return "|".join(f"{'-' if p < 0 else ''}{abs(p) // 100}.{abs(p) % 100:02d}" for p in (*parts, sum(parts)))

    account = tuple(sum(column) for column in zip(own, *services, strict=True))
    rows = ["0000|BILL|BS1", "1000|S|C|ACME|20260205|20260101|20260131|||||", f"2000|S|A|ACME|||||||{shown(account)}"]
    rows += [f"3000|S|A|416555{n:04d}|X|{shown(parts)}" for n, parts in enumerate(services)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bill.dat"
        path.write_text("\n".join(rows))
        (bill,) = [item for item in OracleEbilling().read(Source(path)) if isinstance(item, Bill)]
    assert bill.total == sum(charge["amount"] for charge in bill.charges) == sum(account) * 10_000
    for n, parts in enumerate(services):
        mine = sum(c["amount"] for c in bill.charges if c["billed_number"] == f"416555{n:04d}")
        assert mine == sum(parts) * 10_000
