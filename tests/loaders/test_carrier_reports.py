"""Verizon report exports, AT&T inventory: money from the bill, use from the file, disagreements said; line states."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import loaders
from core import rollups
from core.store import Store, attributes_of
from loaders.carriers import line_states
from loaders.carriers.line_states import line_state
from loaders.carriers.verizon_report import bill_period
from loaders.contract import Bill, BillLine

GOLDEN = Path(__file__).parent / "golden"
INVOICES = GOLDEN / "verizon_report" / "invoices.csv"
HEAD = (
    "Account number,Bill cycle date,Wireless number,Wireless number status,Price plan ID,Profile ID,Connected device,"
    "Upgrade eligibility date,Total current charges,Used minutes,Data usage (KB)\n"
)


def only_9901(folder: Path, total: str = "$1,102.87") -> Path:
    lines = INVOICES.read_text().splitlines()
    path = folder / "report.csv"
    path.write_text("\n".join([lines[0], lines[1].replace("$1,108.09", total)]) + "\n")
    return path


def test_account_totals_give_way_to_the_bill(
    store: Store, estate: Path, tmp_path: Path, verizon_zip: Callable[..., Path]
) -> None:
    loaders.load_paths(store, [estate, only_9901(tmp_path)])
    assert store.count("invoices") == 2
    (file,) = loaders.load_paths(store, [verizon_zip()]).files
    assert file.rows_quarantined == 0
    assert any("gave way to its detail" in text for text in file.warnings)
    charges = store.frame("charges")
    mine = charges[charges["invoice_id"] == "V1:9901"]
    assert mine["amount"].sum() == 1_102_870_000
    assert mine["service_id"].notna().any()
    assert rollups.check(store) == []


@pytest.mark.parametrize(("total", "told"), [("$1,102.87", False), ("$1,108.09", True)])
def test_a_bill_that_is_loaded_holds_against_its_report(
    store: Store, estate: Path, tmp_path: Path, verizon_zip: Callable[..., Path], total: str, told: bool
) -> None:
    loaders.load_paths(store, [estate, verizon_zip()])
    before = store.frame("charges")
    (file,) = loaders.load_paths(store, [only_9901(tmp_path, total)]).files
    assert (file.rows_in, file.rows_loaded, file.rows_quarantined) == (1, 1, 0)
    assert any("the report says 1108.09, the loaded bill 1102.87" in text for text in file.warnings) == told
    assert store.frame("charges").equals(before)


def test_a_line_report_is_compared_and_adds_only_use_that_is_missing(
    store: Store, estate: Path, tmp_path: Path, verizon_zip: Callable[..., Path]
) -> None:
    loaders.load_paths(store, [estate, verizon_zip()])
    use = store.frame("usage")
    rows = (
        "642350544-00001,1/31/2026,646-555-0001,Active,1,1,,,$1025.76,120,2097152\n"
        "642350544-00001,1/31/2026,646-555-0002,Active,1,1,,,$60.00,7,512\n"
        "642350544-00001,2/28/2026,646-555-0002,Active,1,1,,,$60.00,7,1024\n"
    )
    (tmp_path / "lines.csv").write_text(HEAD + rows)
    (file,) = loaders.load_paths(store, [tmp_path / "lines.csv"]).files
    assert (file.format, file.rows_in, file.rows_loaded) == ("verizon_report", 3, 3)
    assert any("whose use differs" in text and "voice 7, loaded 0" in text for text in file.warnings)
    assert any("1 line whose money differs" in text and "60.00, billed 62.11" in text for text in file.warnings)
    added = store.frame("usage").iloc[len(use) :]
    assert added[["service_id", "month", "usage_type", "quantity"]].to_numpy().tolist() == [
        ["SV2", "2026-02", "voice", 7_000_000],
        ["SV2", "2026-02", "data", 1_000_000],
    ]
    assert rollups.check(store) == []


def test_inventory_before_and_after_the_bill_gives_one_line(store: Store, att_csv: Path) -> None:
    loaders.load_paths(store, [att_csv])
    path = att_csv.with_name("inventory.csv")
    path.write_text(
        "Last updated date,Billing account number,Wireless number,Wireless user name,Status,Status effective date,"
        "SIM number (ICCID),Contract status\n02/03/2026,287301456789,415-555-0001,ANN,Active,01/05/2024,,\n"
    )
    (file,) = loaders.load_paths(store, [path]).files
    assert (file.format, file.rows_loaded) == ("att_inventory", 1)
    services = store.frame("services")
    assert services[["service_id", "number"]].to_numpy().tolist() == [["att:287301456789:14155550001", "+14155550001"]]
    assert "unconfirmed" not in attributes_of(services["attributes"][0])


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("1/1/2026 - 1/31/2026", ("2026-01-01", "2026-01-31")),
        ("Jan 06, 2026 - Feb 05, 2026", ("2026-01-06", "2026-02-05")),
        ("1/31/2026", ("2026-01-01", "2026-01-31")),
        ("2026-02-05", ("2026-01-06", "2026-02-05")),
    ],
)
def test_bill_periods(text: str, days: tuple[str, str]) -> None:
    assert bill_period(text) == days


def charge(category: str, amount: int, text: str = "", start: str = "2026-01-01", end: str = "2026-01-31") -> dict:
    return {
        "billed_number": "1",
        "category": category,
        "amount": amount,
        "description": text,
        "period_start": start,
        "period_end": end,
    }


STATES = [
    ([charge("mrc", 40), charge("tax", 2)], line_states.FULL),
    ([charge("mrc", 20, start="2026-01-16")], line_states.PRORATED),
    ([charge("mrc", 40), charge("mrc", 5, "Prorated feature")], line_states.PRORATED),
    ([charge("mrc", 40), charge("credit", -10)], line_states.CREDITED),
    ([charge("mrc", 0)], line_states.SUSPENDED),
    ([charge("mrc", 40), charge("credit", -60)], line_states.REFUND),
    ([charge("mrc", 12, end="2026-01-10")], line_states.CANCELLED),
    ([charge("mrc", 12, "Unlimited, cancelled 01/10")], line_states.CANCELLED),
    ([charge("equipment", 21), charge("tax", 1)], line_states.ONE_TIME),
    ([charge("usage", 3)], line_states.ONE_TIME),
]


@pytest.mark.parametrize(("charges", "state"), STATES, ids=[f"{n}-{state}" for n, (_, state) in enumerate(STATES)])
def test_the_seven_line_states(charges: list[dict], state: str) -> None:
    assert line_state(charges, "2026-01-01", "2026-01-31") == state
    assert {state for _, state in STATES} == set(line_states.STATES)


def test_a_bill_says_how_its_lines_stand() -> None:
    bill = Bill("v", "V", "1", "1", "USD", "2026-01-31", 40, period_start="2026-01-01", period_end="2026-01-31")
    bill.lines = {"1": BillLine("1"), "2": BillLine("2")}
    bill.charges = [charge("mrc", 40), {**charge("mrc", 0), "billed_number": "2"}]
    line_states.mark(bill)
    assert bill.attributes["line states"] == "1 active-full-month, 1 suspended"
    assert "attributes" not in bill.charges[0]
    assert bill.charges[1]["attributes"] == {"line state": "suspended"}
