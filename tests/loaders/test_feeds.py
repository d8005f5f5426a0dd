"""Inventory and people feeds: links whatever the order, one device for one IMEI, damaged files, private columns."""

from __future__ import annotations

import contextlib
import zipfile
from pathlib import Path

import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st

import loaders
from core.queries import loading
from core.store import Store, attributes_of
from loaders.feeds import cells

GOLDEN = Path(__file__).parent / "golden"


def devices(store: Store) -> dict[str, dict[str, object]]:
    frame = store.frame("devices").astype(object)
    return {row["device_id"]: row for row in frame.where(frame.notna(), None).to_dict("records")}


def test_a_device_finds_its_line_and_holder_whatever_is_loaded_first(tmp_path: Path) -> None:
    found = []
    for order in ("inventory first", "devices first"):
        store = Store.open(f"sqlite:///{tmp_path / order}.db")
        steps = [GOLDEN / "estate", GOLDEN / "workspace_one" / "devices.csv"]
        for step in steps if order == "inventory first" else reversed(steps):
            loaders.load_paths(store, [step])
        row = devices(store)["workspace_one:G6TZ0CCCCCCC"]
        found.append((row["service_id"], row["employee_id"], "unmatched service" in attributes_of(row["attributes"])))
    assert found == [("S4", "E3", False)] * 2


def test_one_imei_is_one_device_in_every_system(store: Store) -> None:
    loaders.load_paths(store, [GOLDEN / "estate"])
    for name in ("intune/devices.csv", "jamf/mobile_devices.csv"):
        loaders.load_paths(store, [GOLDEN / name])
    rows = devices(store)
    assert [ident for ident, row in rows.items() if row["imei"] == "356938035643809"] == ["D1"]
    assert rows["D1"]["last_seen_on"] == "2026-09-28"
    assert store.count("record_history") >= 2


def test_undo_brings_the_devices_back(store: Store) -> None:
    loaders.load_paths(store, [GOLDEN / "estate"])
    before = devices(store)
    report = loaders.load_paths(store, [GOLDEN / "intune" / "devices.csv"])
    loaders.undo(store, int(report.files[0].batch_id or 0))
    assert devices(store) == before


@pytest.mark.parametrize("kind", ["xlsx", "zip", "utf16", "cr", "semicolon"])
def test_the_same_list_in_other_wrappings(kind: str, tmp_path: Path) -> None:
    text = (GOLDEN / "jamf" / "mobile_devices.csv").read_text()
    lines = [line.split(",") for line in text.splitlines()]
    path = tmp_path / f"jamf.{kind if kind in {'xlsx', 'zip'} else 'csv'}"
    if kind == "xlsx":
        book = xlsxwriter.Workbook(str(path), {"strings_to_numbers": True})
        sheet = book.add_worksheet("Mobile Devices")
        for number, row in enumerate(lines):
            sheet.write_row(number, 0, row)
        book.close()
    elif kind == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("DevicesWithInventory.csv", text)
            archive.writestr("readme.txt", "hello")
    else:
        changed = {"utf16": text, "cr": text.replace("\n", "\r"), "semicolon": text.replace(",", ";")}[kind]
        path.write_bytes(changed.encode("utf-16" if kind == "utf16" else "utf-8"))
    results = []
    for number, file in enumerate((GOLDEN / "jamf" / "mobile_devices.csv", path)):
        store = Store.open(f"sqlite:///{tmp_path / f'{number}.db'}")
        loaders.load_paths(store, [GOLDEN / "estate"])
        (told,) = loaders.load_paths(store, [file]).files
        assert (told.format, told.rows_in, told.rows_quarantined) == ("jamf", 3, 1)
        results.append(devices(store))
    for row in (*results[0].values(), *results[1].values()):
        row.pop("attributes")
    assert results[0] == results[1]


def test_a_renamed_column_is_named_with_the_closest(store: Store, tmp_path: Path) -> None:
    text = (GOLDEN / "fx_rates" / "sdmx.csv").read_text().replace("OBS_VALUE", "OBS_VALUES")
    (tmp_path / "rates.csv").write_text(text)
    report = loaders.load_paths(store, [tmp_path / "rates.csv"])
    assert report.exit_code == 2
    assert "the closest is OBS_VALUES" in str(report.files[0].error)


def test_what_nobody_needs_to_know_never_enters_the_store(store: Store) -> None:
    loaders.load_paths(store, [GOLDEN / "employees" / "workday.csv", GOLDEN / "employees" / "bamboohr.csv"])
    text = store.frame("employees").to_csv() + store.frame("quarantine").to_csv()
    assert "1988" not in text
    assert "90000" not in text
    assert "Female" not in text


def test_a_masked_number_links_nothing(store: Store) -> None:
    loaders.load_paths(store, [GOLDEN / "estate"])
    loaders.load_paths(store, [GOLDEN / "intune" / "devices.csv"])
    row = devices(store)["intune:11111111-aaaa-4000-8000-000000000003"]
    assert row["service_id"] is None
    assert attributes_of(row["attributes"])["masked number"] == "*******0102"


def test_a_rounded_imei_is_refused_with_the_reason(store: Store) -> None:
    loaders.load_paths(store, [GOLDEN / "intune" / "devices.csv"])
    (row,) = loading.quarantined(store)
    assert (row["field"], row["found"]) == ("IMEI", "3.53879E+14")
    assert "spreadsheet has rounded" in row["reason"]


@pytest.mark.parametrize(
    ("texts", "day"),
    [
        (["03/04/2026", "13/04/2026"], "2026-04-03"),
        (["03/04/2026", "04/13/2026"], "2026-03-04"),
        (["3.4.2026"], "2026-04-03"),
        (["2026-04-03T10:00:00.000Z"], "2026-04-03"),
        (["3 April 2026"], "2026-04-03"),
        (["Apr 3, 2026 10:01 PM"], "2026-04-03"),
        (["03-Apr-2026"], "2026-04-03"),
        (["20260403"], "2026-04-03"),
        (["Never"], None),
    ],
)
def test_days_of_foreign_systems(texts: list[str], day: str | None) -> None:
    assert cells.day_in(cells.day_order(texts) or "mdy", texts[0]) == day


@pytest.mark.parametrize("text", ["31/31/2026", "2026-02-30", "tomorrow", "1/2", "99999999", "5 Foo 2026"])
def test_days_that_are_none(text: str) -> None:
    with pytest.raises(ValueError, match="a date such as"):
        cells.day_in("mdy", text)


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("$1,234.56", "1234.56"),
        ("1.234,56 EUR", "1234.56"),
        ("1 234,5", "1234.50"),
        ("(7.00)", "-7.00"),
        ("-€3", "-3.00"),
        ("1,234", "1234.00"),
        ("1,5", "1.50"),
        ("0.1234", "0.1234"),
        ("USD 12", "12.00"),
        ("", None),
    ],
)
def test_amounts_of_foreign_systems(text: str, plain: str | None) -> None:
    assert cells.money(text) == plain


@pytest.mark.parametrize("text", ["12,34,56", "1.2.3", "abc", "1e5", "(5", "5)", "--5", "1,23,456.7", "0.1234567"])
def test_amounts_that_are_none(text: str) -> None:
    with pytest.raises(ValueError, match=r"amount|number|decimals"):
        cells.money(text)


@given(st.text(max_size=80))
def test_cells_never_fail_otherwise(text: str) -> None:
    for parse in (cells.imeis, cells.iccid, cells.phone, cells.day, cells.money, cells.truth, cells.email, cells.said):
        with contextlib.suppress(ValueError):
            parse(text)
