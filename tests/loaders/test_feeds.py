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


def test_one_imei_is_one_device_in_every_system(stocked: Store) -> None:
    store = stocked
    for name in ("intune/devices.csv", "jamf/mobile_devices.csv"):
        loaders.load_paths(store, [GOLDEN / name])
    rows = devices(store)
    assert [ident for ident, row in rows.items() if row["imei"] == "356938035643809"] == ["D1"]
    assert rows["D1"]["last_seen_on"] == "2026-09-28"
    assert store.count("record_history") >= 2


def test_undo_brings_the_devices_back(stocked: Store) -> None:
    store = stocked
    before = devices(store)
    report = loaders.load_paths(store, [GOLDEN / "intune" / "devices.csv"])
    loaders.undo(store, int(report.files[0].batch_id or 0))
    assert devices(store) == before


@pytest.mark.parametrize("kind", ["xlsx", "zip", "cr"])
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
        changed = text.replace(",", ";").replace("\n", "\r")
        path.write_bytes(changed.encode("utf-16"))
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


def test_what_nobody_needs_to_know_never_enters_the_store(store: Store, tmp_path: Path) -> None:
    text = (GOLDEN / "employees" / "bamboohr.csv").read_text().replace("2020-07-01", "2020-77-01")
    (tmp_path / "people.csv").write_text(text)
    files = [GOLDEN / "employees" / "workday.csv", GOLDEN / "snipeit" / "licences.csv", GOLDEN / "glpi" / "lines.csv"]
    report = loaders.load_paths(store, [tmp_path / "people.csv", *files])
    assert sum(file.rows_quarantined for file in report.files) >= 4
    kept = "".join(store.frame(table).to_csv() for table in ("employees", "services", "quarantine", "batches"))
    for secret in ("1988", "1990", "90000", "Female", "KEY-1", "99999999"):
        assert secret not in kept


def test_a_masked_number_links_nothing(stocked: Store) -> None:
    store = stocked
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


def test_a_folder_of_feeds_links_whatever_its_file_names(store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "all"
    folder.mkdir()
    for number, name in enumerate(("netbox/terminations.csv", "intune/devices.csv", "netbox/circuits.csv")):
        (folder / f"{number}_{Path(name).name}").write_bytes((GOLDEN / name).read_bytes())
    for path in (GOLDEN / "estate").iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    (folder / "0_circuits_first.csv").write_text("cid,provider,install_date,commit_rate\nGHOST-1,Colt,2020-01-01,1\n")
    report = loaders.load_paths(store, [folder])
    assert report.exit_code == 3
    services = store.frame("services").set_index("service_id")
    assert services.loc["netbox:colt:GHOST-1", "site_id"] == "LON"
    assert services.loc["S5", "number"] == "BT/DIA-000123/LON"
    assert devices(store)["D1"]["service_id"] == "S1"


def test_a_termination_of_an_unknown_circuit_can_be_used_later(store: Store, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("circuit,term_side,site,port_speed\nX-1,A,London,100\n")
    (tmp_path / "c.csv").write_text("cid,provider,install_date,commit_rate\nX-1,Colt,2020-01-01,1\n")
    assert loaders.load_paths(store, [tmp_path / "t.csv"]).files[0].rows_quarantined == 1
    loaders.load_paths(store, [tmp_path / "c.csv"])
    assert loaders.load_paths(store, [tmp_path / "t.csv"]).files[0].rows_loaded == 1
    assert list(store.frame("services")["site_id"]) == ["London"]
    assert store.count("quarantine") == 0


def test_a_device_follows_its_line_into_the_inventory(store: Store, tmp_path: Path, att_csv: Path) -> None:
    loaders.load_paths(store, [att_csv])  # no inventory: the bill makes the line
    (tmp_path / "jamf.csv").write_text(
        "mobile_device_id,udid,is_managed,last_report_date,serial_number,phone_number,model\n"
        "1,u1,true,2026-09-01,SER1,+1 415 555 0001,iPhone\n"
    )
    loaders.load_paths(store, [tmp_path / "jamf.csv"])
    made = devices(store)["jamf:1"]["service_id"]
    assert str(made).startswith("att:")
    (tmp_path / "services.csv").write_text("service_id,kind,number,carrier_id\nMINE,mobile,+14155550001,att\n")
    loaders.load_paths(store, [tmp_path / "services.csv"])
    assert devices(store)["jamf:1"]["service_id"] == "MINE"
    assert set(store.frame("charges")["service_id"].dropna()) == {"MINE"}


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("intune/devices.csv", "Subscriber carrier", "Subscriber carrier name"),
        ("employees/workday.csv", "Business Title", "Business Titles"),
        ("focus/focus_12.csv", "RegionId", "RegionIds"),
    ],
)
def test_a_changed_export_says_so(name: str, old: str, new: str, stocked: Store, tmp_path: Path) -> None:
    assert not any("renamed" in text for text in loaders.load_paths(stocked, [GOLDEN / name]).files[0].warnings)
    path = tmp_path / "next.csv"
    path.write_text((GOLDEN / name).read_text().replace(old, new))
    (told,) = loaders.load_paths(stocked, [path]).files
    assert any(f'"{old}" seems to be renamed "{new}"' in text for text in told.warnings)


def test_an_order_does_not_take_a_device_from_its_holder(stocked: Store) -> None:
    for name in ("intune/devices.csv", "orders/devices.csv"):
        loaders.load_paths(stocked, [GOLDEN / name])
    holders = {row["imei"]: row["employee_id"] for row in devices(stocked).values()}
    assert holders["490154203237518"] == "E2"  # the order names a person that nobody knows
