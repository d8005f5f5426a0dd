"""Telstra LINX, Optus, M2, BT and Windstream: quirks, wrong rows, lines that an inventory names or does not."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path

import openpyxl
import pytest
from call_record_files import bt, m2, optus, optus_call, windstream
from fixed_records import fields
from national_files import GOLDEN
from telstra_files import linx_call, linx_other, linx_row, linx_se, telstra_daily, telstra_monthly

import loaders
from core.queries import loading
from core.store import Store
from loaders.carriers.telstra_linx import service_number
from loaders.reading.delimited import clock, day_first, needed_number, span_seconds
from loaders.report import FileReport

INVENTORY = {
    "carriers": "carrier_id,name,country\ntelstra,Telstra,AU\n",
    "accounts": "account_id,carrier_id,number,currency,country\nT1,telstra,2000 123 456,AUD,AU\n",
    "services": "service_id,kind,number,carrier_id,account_id,status\nS1,fixed_voice,+61398765432,telstra,T1,active\n",
}


def load(store: Store, tmp_path: Path, name: str, content: bytes) -> FileReport:
    path = tmp_path / name
    path.write_bytes(content)
    (file,) = loaders.load_paths(store, [path]).files
    assert file.rows_in == file.rows_loaded + file.rows_quarantined
    return file


def inventory(store: Store, folder: Path, more: str = "") -> None:
    folder.mkdir(exist_ok=True)
    for table, text in INVENTORY.items():
        (folder / f"{table}.csv").write_text(text + (more if table == "services" else ""))
    loaders.load_paths(store, [folder])


def test_calls_find_the_services_of_the_inventory(store: Store, tmp_path: Path) -> None:
    inventory(store, tmp_path / "i")
    file = load(store, tmp_path, "daily.txt", telstra_daily())
    assert (file.rows_in, file.rows_quarantined) == (12, 0)
    usage = store.frame("usage")
    assert usage[usage["service_id"] == "S1"]["cost"].sum() == 250_000 + 1_250_000 + 4_950_000 + 400_000
    assert store.count("charges") == 0, "call records are no charges: the bill has them"


def test_calls_of_a_line_that_the_inventory_lacks_wait_for_it(store: Store, tmp_path: Path) -> None:
    inventory(store, tmp_path / "i")
    day = b"\n".join(
        line.encode()
        for line in (
            linx_other("FDR"),
            linx_call("UIR", "0398765432", "0412345678", "20260105", "SEC", 6_000_000, 1_000_000),
            linx_call("UIR", "0398760000", "0412345678", "20260105", "SEC", 6_000_000, 1_000_000),
            linx_other("FTR"),
        )
    )
    file = load(store, tmp_path, "daily.txt", day)
    assert (file.rows_loaded, file.rows_quarantined) == (3, 1)
    told = [(row["field"], row["found"], row["reason"]) for row in loading.quarantined(store)]
    assert told == [("number", "0398760000", "the number is unknown")]
    inventory(store, tmp_path / "j", "S2,fixed_voice,0398760000,telstra,T1,active\n")
    file = load(store, tmp_path, "daily.txt", day)
    assert (file.rows_loaded, file.rows_quarantined) == (4, 0)
    usage = store.frame("usage")
    assert dict(zip(usage["service_id"], usage["quantity"], strict=True)) == {"S1": 1_000_000, "S2": 1_000_000}
    assert store.count("usage_events") == 2
    assert loading.quarantined(store) == []


def test_calls_go_to_the_line_that_had_the_number_on_their_day(store: Store, tmp_path: Path) -> None:
    (tmp_path / "i").mkdir()
    (tmp_path / "i" / "service_history.csv").write_text(
        "service_id,number,valid_from,valid_to\nS1,+61398765432,2025-01-01,2026-01-20\nS2,+61398765432,2026-01-20,\n"
    )
    inventory(store, tmp_path / "i", "S2,fixed_voice,+61398765432,telstra,T1,active\n")
    call = ("UIR", "0398765432", "0412345678")
    calls = [linx_call(*call, day, "SEC", 6_000_000, 1_000_000) for day in ("20260105", "20260125")]
    lines = [linx_other("FDR"), *calls, linx_other("FTR")]
    load(store, tmp_path, "daily.txt", "\n".join(lines).encode())
    events = store.frame("usage_events")
    assert dict(zip(events["service_id"], events["started_at"].str[:10], strict=True)) == {
        "S1": "2026-01-05",
        "S2": "2026-01-25",
    }


def test_prices_with_seven_decimals_are_summed_before_they_are_rounded(store: Store, tmp_path: Path) -> None:
    calls = [linx_call("UIR", "0398765432", "0412345678", "20260105", "SEC", 100_000, 4) for _ in range(5)]
    text = "\n".join([linx_other("FDR"), *calls, linx_other("FTR")])
    load(store, tmp_path, "daily.txt", text.encode())
    assert store.frame("usage")["cost"].tolist() == [2]


def test_a_daily_file_without_its_end_is_set_aside(store: Store, tmp_path: Path) -> None:
    file = load(store, tmp_path, "daily.txt", b"\n".join(telstra_daily().split(b"\n")[:5]))
    assert (file.rows_in, file.rows_loaded) == (5, 0)
    assert {row["reason"] for row in loading.quarantined(store)} == {"the file is cut off: it has no trailer record"}
    assert store.count("usage") == 0


def test_bad_rows_of_a_daily_file_are_set_aside_alone(store: Store, tmp_path: Path) -> None:
    lines = telstra_daily().decode().split("\n")
    lines[1] = lines[1][:206] + "00000000123456X" + lines[1][221:]
    lines[2] = lines[2][:145] + "20261305  " + lines[2][155:]
    lines.insert(3, fields(514, (3, "XYZ"), (511, "")))
    file = load(store, tmp_path, "daily.txt", "\n".join(lines).encode())
    assert (file.rows_in, file.rows_quarantined) == (13, 3)
    assert [(r["field"], r["found"]) for r in loading.quarantined(store)] == [
        ("Price", "00000000123456X"),
        ("Originating date", "20261305"),
        ("record type", "XYZ"),
    ]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("A20398765432", "0398765432"),
        ("A20398  5432EXT", "03985432"),
        ("O112125550199", "+12125550199"),
        ("NN1234567R", "N1234567R"),
        ("0412345678", "0412345678"),
        ("", None),
    ],
)
def test_linx_numbers(text: str, number: str | None) -> None:
    assert service_number(text.ljust(29)) == number


def test_a_monthly_total_that_nothing_confirms_is_said(store: Store, tmp_path: Path) -> None:
    lines = telstra_monthly().decode().split("\r\n")
    lines[1] = linx_row("UC", (30, "CALLS"), line="T")
    lines[2] = lines[2][:250] + "0" * 14 + lines[2][264:]
    file = load(store, tmp_path, "month.txt", "\n".join(lines).encode())
    assert file.rows_quarantined == 0
    assert any("1 rows whose net amount and GST do not sum" in text for text in file.warnings)
    assert any("1 rows of usage charges (UC) are not read" in text for text in file.warnings)
    assert any("no account summary row prints it" in text for text in file.warnings)
    assert not file.invoices[0].balanced


def test_a_monthly_file_with_two_accounts_and_a_bad_row(store: Store, tmp_path: Path) -> None:
    other = linx_se("0298761234", "LINE", 1000, 100)
    other = "2000777777" + other[10:]
    bad = linx_se("0298761234", "LINE", 1000, 100).replace("00000000100000", "0000000010O000", 1)
    text = telstra_monthly().decode() + "\r\n".join([other, bad, linx_row("??", (5, ""))])
    file = load(store, tmp_path, "month.txt", text.encode())
    assert (file.rows_in, file.rows_quarantined) == (10, 2)
    assert [(i.account, i.total, i.balanced) for i in file.invoices] == [
        ("2000123456", 737_000_000, True),
        ("2000777777", 11_000_000, True),
    ]
    assert [(r["field"], r["found"]) for r in loading.quarantined(store)] == [
        ("Summary gross amount", "0000000010O000"),
        ("section type", "??D"),
    ]


def test_optus_records_of_another_type_are_set_aside_in_the_middle_only(store: Store, tmp_path: Path) -> None:
    lines = optus().split(b"\n")
    lines.insert(3, b"60SOMETHING")
    lines.insert(4, optus_call("50", "0398765432", "0298761234", "20260105140530", 60, 10, "NZD").encode())
    lines.insert(5, optus_call("50", "0398765432", "0298761234", "20260105240530", 60, 10).encode())
    file = load(store, tmp_path, "tap.dat", b"\n".join(lines))
    assert (file.rows_in, file.rows_quarantined) == (9, 2)
    assert [(r["field"], r["found"]) for r in loading.quarantined(store)] == [
        ("Record type", "60"),
        ("Call date", "20260105240530"),
    ]
    assert set(store.frame("usage")["currency"]) == {"AUD", "NZD"}


def test_m2_with_commas_and_without_its_trailer(store: Store, tmp_path: Path) -> None:
    commas = load(store, tmp_path, "a.csv", m2().replace(b"|", b","))
    assert (commas.format, commas.rows_in, commas.rows_quarantined) == ("m2", 9, 0)
    assert commas.invoices[0].total == 40_500_000
    cut = load(store, tmp_path, "b.csv", m2().replace(b"TR|7\r\n", b""))
    assert (cut.rows_in, cut.rows_loaded, cut.invoices) == (8, 0, [])


def test_m2_rows_with_a_cell_too_few_are_set_aside(store: Store, tmp_path: Path) -> None:
    file = load(store, tmp_path, "a.txt", m2().replace(b"US|1|R1|", b"US|R1|").replace(b"|180|IDD", b"|1x80|IDD"))
    assert (file.rows_in, file.rows_quarantined) == (9, 2)
    assert [r["found"] for r in loading.quarantined(store)] == ["22 cells", "1x80"]


def test_bt_columns_by_name_and_their_absence(store: Store, tmp_path: Path) -> None:
    renamed = bt().decode("cp1252").replace("Called No", "Called Number").replace(",", ";").encode("utf-8")
    file = load(store, tmp_path, "a.csv", renamed.replace(b'"USA; New York"', b"USA").replace(b"1;012", b"1,012"))
    assert (file.format, file.rows_loaded) == ("bt", 6)
    assert "delimiter semicolon instead of comma" in file.warnings
    lost = load(store, tmp_path, "b.csv", bt().replace(b"Cost", b"Price"))
    assert "the required column Cost is missing" in (lost.error or "")


def test_windstream_rows_that_are_wrong(store: Store, tmp_path: Path) -> None:
    lines = windstream().decode().split("\n")
    lines[0] = lines[0].replace("0.0875", "free")
    lines[1] = lines[1].removesuffix("\t")
    file = load(store, tmp_path, "a.txt", "\n".join(lines).encode())
    assert (file.format, file.rows_in, file.rows_quarantined) == ("windstream", 4, 2)
    assert [(r["field"], r["found"]) for r in loading.quarantined(store)] == [
        ("Amount", "free"),
        (None, "16 cells"),
    ]


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("31/01/2026", "2026-01-31"),
        ("1/2/26", "2026-02-01"),
        ("31.01.2026", "2026-01-31"),
        ("31 Jan 2026", "2026-01-31"),
        ("31-Jan-26", "2026-01-31"),
        ("2026/01/31", "2026-01-31"),
        ("2026-01-31", "2026-01-31"),
        ("", None),
    ],
)
def test_days_as_they_are_written_outside_the_us(text: str, day: str | None) -> None:
    assert day_first(text) == day


@pytest.mark.parametrize("text", ["01/31/2026", "31/02/2026", "2026", "yesterday", "1/2/3/4"])
def test_days_that_do_not_exist(text: str) -> None:
    with pytest.raises(ValueError, match="a date such as"):
        day_first(text)


def test_times_spans_and_amounts() -> None:
    assert [clock(text) for text in ("9:05", "09:05:07", "2:05 PM", "12:00 AM", "")] == [
        *("09:05:00", "09:05:07", "14:05:00", "00:00:00"),
        None,
    ]
    assert [span_seconds(text) for text in ("1:02:03", "02:03", "123", "")] == [3723, 123, 123, None]
    assert [needed_number(text) for text in ("£1,234.567", "-£0.10", "(£2.00)", "0.159")] == [
        *(1_234_567_000, -100_000, -2_000_000, 159_000)
    ]
    for bad in ("25:00", "9", "1:2"):
        with pytest.raises(ValueError, match="a time such as"):
            clock(bad)


def test_a_bell_workbook_says_what_its_csv_says(tmp_path: Path) -> None:
    """Typed cells: days, amounts as numbers, times of day whose leading zeros the spreadsheet dropped."""
    text = (GOLDEN / "bell" / "calls_202601.csv").read_text().splitlines()[:4]
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(text[0].split(","))
    for day, line in zip((5, 6, 7), csv.reader(text[1:]), strict=True):
        cells: list[object] = list(line)
        cells[2] = date(2026, 1, day)
        cells[3], cells[12] = int(line[3]), int(line[12])
        cells[13] = float(line[13].replace("$", "").replace(",", ""))
        sheet.append(cells)
    book.save(tmp_path / "calls.xlsx")
    (tmp_path / "calls.csv").write_text("\n".join(text) + "\n")
    found = []
    for name in ("calls.csv", "calls.xlsx"):
        store = Store.open(f"sqlite:///{tmp_path / name}.db")
        (told,) = loaders.load_paths(store, [tmp_path / name]).files
        assert (told.format, told.rows_in, told.rows_loaded) == ("bell", 3, 3)
        found.append(store.frame("usage_events").to_csv() + store.frame("usage").to_csv())
    assert found[0] == found[1]
