"""Half a file, a file in the wrong slot, a file with nothing in it: nothing is misread, and the reason is told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import loaders
from core.store import Store
from loaders.report import FileReport
from tests.loaders.test_profiles import learn, write

GOLDEN = Path(__file__).parent / "golden"
ENDED = "the last line has no line end: if the file is cut off, its last value is too"
UMLAUTS = (
    "Kundennummer;Rechnungsdatum;Rufnummer;Leistung;Betrag;Währung\n4711;31.01.2026;0171 555;Grundgebühr;1,00;EUR\n"
)


@pytest.fixture(scope="module")
def dry_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A store that no test of this module changes."""
    store = Store.open(f"sqlite:///{tmp_path_factory.mktemp('half') / 'tem.db'}")
    yield store
    store.close()


def half(tmp_path: Path, name: str, until: int) -> Path:
    path = tmp_path / Path(name).name
    path.write_bytes((GOLDEN / name).read_bytes()[:until])
    return path


def dry(store: Store, path: Path, format: str | None = None) -> FileReport:
    return loaders.load_paths(store, [path], dry_run=True, format=format).files[0]


def test_a_text_that_ends_inside_a_letter_is_refused(store: Store, tmp_path: Path) -> None:
    learn(store, write(tmp_path, "bill.csv", UMLAUTS), carrier_id="nordtel")
    whole = UMLAUTS.encode()
    (tmp_path / "cut.csv").write_bytes(whole[: whole.rindex("ü".encode()) + 1])
    assert dry(store, tmp_path / "cut.csv").error == (
        "cut.csv: ends in the middle of a letter; expected a file that is not cut off"
    )


def test_one_stray_byte_does_not_spoil_the_letters_of_a_file(store: Store, tmp_path: Path) -> None:
    learn(store, write(tmp_path, "bill.csv", UMLAUTS), carrier_id="nordtel")
    row = "4711;31.01.2026;0171 556;Gebühr für Café;2,00;EUR\n".encode()
    (tmp_path / "mixed.csv").write_bytes(UMLAUTS.encode() + row.replace("ü".encode(), b"\xfc"))
    report = loaders.load_paths(store, [tmp_path / "mixed.csv"])
    assert report.files[0].error is None
    assert "some letters are Windows-1252 in a text that else is UTF-8" in report.files[0].warnings
    assert set(store.frame("charges")["description"]) == {"Grundgebühr", "Gebühr für Café"}


@pytest.mark.parametrize("text", ["site_id,name\nS1,Zürich\nS2,Orléans\n", "site_id,name\nS1,Café"])
def test_windows_letters_are_still_known(store: Store, tmp_path: Path, text: str) -> None:
    (tmp_path / "sites.csv").write_bytes(text.encode("cp1252"))
    report = loaders.load_paths(store, [tmp_path / "sites.csv"])
    assert "encoding cp1252 instead of UTF-8" in report.files[0].warnings
    assert sorted(store.frame("sites")["name"]) == sorted(line.split(",")[1] for line in text.splitlines()[1:])


@pytest.mark.parametrize("until", [302, 308])
def test_a_fixed_width_amount_that_is_cut_off_is_no_amount(dry_store: Store, tmp_path: Path, until: int) -> None:
    """Record 2 of the sample ends inside its amount: 00000450 is 4.50, 0000 would be nothing."""
    file = dry(dry_store, half(tmp_path, "optus/tap_20260201.dat", until), "optus")
    assert file.rows_quarantined == file.rows_in
    (said,) = [str(issue) for issue in file.issues if issue.field == "Amount"]
    assert "expected 8 characters: the record is cut off" in said


@pytest.mark.parametrize("until", [1773, 2400])
def test_half_a_telstra_invoice_is_no_invoice(dry_store: Store, tmp_path: Path, until: int) -> None:
    file = dry(dry_store, half(tmp_path, "telstra_linx/monthly_202602.txt", until), "telstra_linx")
    assert "is cut off: its last record has" in (file.error or "")
    assert file.invoices == []


@pytest.mark.parametrize(("version", "name"), [(2, "febraban_v2/vivo_202602.txt"), (3, "febraban_v3/claro_202601.txt")])
def test_half_a_trailer_gives_no_total(dry_store: Store, tmp_path: Path, version: int, name: str) -> None:
    text = (GOLDEN / name).read_text(encoding="latin-1")
    trailer = text.rindex("\n", 0, len(text) - 1) + 1
    file = dry(dry_store, half(tmp_path, name, trailer + {2: 103, 3: 86}[version]))
    assert (file.rows_loaded, file.invoices) == (0, [])


@pytest.mark.parametrize("name", ["bell/calls_202601.csv", "att_charges/att_202601.csv", "windstream/cdr_202601.txt"])
def test_a_table_without_its_last_line_end_may_be_cut_off(dry_store: Store, tmp_path: Path, name: str) -> None:
    whole = (GOLDEN / name).read_bytes()
    assert ENDED not in dry(dry_store, half(tmp_path, name, len(whole))).warnings
    assert ENDED in dry(dry_store, half(tmp_path, name, len(whole.rstrip()))).warnings


def test_a_header_without_rows_is_told(dry_store: Store, tmp_path: Path) -> None:
    head = (GOLDEN / "att_charges" / "att_202601.csv").read_bytes().index(b"\n") + 1
    file = dry(dry_store, half(tmp_path, "att_charges/att_202601.csv", head))
    assert (file.rows_in, file.warnings) == (0, ["it holds no row that could be loaded"])


@pytest.mark.parametrize(
    ("format", "name"),
    [("febraban_v2", "att_charges/att_202601.csv"), ("m2", "bt/calls_202601.csv"), ("snipeit", "intune/devices.csv")],
)
def test_a_file_of_another_format_is_refused_by_name(dry_store: Store, format: str, name: str) -> None:
    error = dry(dry_store, GOLDEN / name, format).error or ""
    assert f"expected a file of format {format}; this is {name.split('/')[0]}" in error
    assert "\n" not in error


def test_a_renamed_column_of_bell_is_named(dry_store: Store, tmp_path: Path) -> None:
    text = (GOLDEN / "bell" / "calls_202601.csv").read_text(encoding="utf-8")
    (tmp_path / "calls.csv").write_text(text.replace("DURATION", "CALL DURATION"), encoding="utf-8")
    file = dry(dry_store, tmp_path / "calls.csv")
    assert file.format == "bell"
    assert "the required column DURATION is missing; the closest is CALL DURATION" in (file.error or "")


@pytest.mark.parametrize(
    ("name", "number", "damaged"),
    [
        ("att_charges/att_202601.csv", "287301456789", "2.87301E+11"),
        ("att_charges/att_202601.csv", "4155550001,IT", "4.15556E+09,IT"),
        ("verizon_report/invoices.csv", "642350544-00002", "6.4235E+14"),
        ("bell/calls_202601.csv", "6045550123", "6.04555E+09"),
    ],
)
def test_a_number_that_a_spreadsheet_rounded_makes_no_account_and_no_line(
    store: Store, tmp_path: Path, name: str, number: str, damaged: str
) -> None:
    text = (GOLDEN / name).read_text(encoding="utf-8")
    (tmp_path / Path(name).name).write_text(text.replace(number, damaged), encoding="utf-8")
    (file,) = loaders.load_paths(store, [tmp_path / Path(name).name]).files
    assert file.rows_quarantined > 0
    assert any("a spreadsheet has rounded the number: its last digits are lost" in str(i) for i in file.issues)
    for table in ("accounts", "services"):
        assert not store.frame(table)["number"].dropna().str.contains("E+", regex=False).any()


def test_rounded_numbers_of_canonical_tables_are_set_aside(store: Store, tmp_path: Path) -> None:
    (tmp_path / "carriers.csv").write_text("carrier_id,name\ntel,Telco\n")
    (tmp_path / "accounts.csv").write_text("account_id,carrier_id,number\nA,tel,2.87301E+11\nB,tel,2E11\nC,tel,7\n")
    loaders.load_paths(store, [tmp_path])
    assert store.frame("accounts")["account_id"].tolist() == ["B", "C"]
