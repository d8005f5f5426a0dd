"""Mapping profiles: any table is proposed, confirmed, recognised again and read by its own conventions."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.issues import BadInput
from core.queries import formats
from core.store import Store
from loaders import definitions, load_paths, preview, teach
from loaders.contract import Bill
from loaders.profiles.loader import read_table
from loaders.profiles.profile import parse_profile
from loaders.profiles.propose import COPIED, RENAMED, SYNONYM, propose, reopened
from loaders.reading.source import Source
from tests.loaders.conftest import ESTATE

BILL = """NordTel GmbH;;;;;;;
Rechnungsdetails;;;;;;;
Kundennummer;Rechnungsnummer;Rechnungsdatum;Rufnummer;Beschreibung;Betrag netto;Währung;Kostenstelle
4711;R-001;31.01.2026;+49 171 5550001;Grundgebühr Business M;1.029,95;EUR;CC1
4711;R-001;31.01.2026;+49 171 5550001;Roaming Daten EU;12,50;EUR;CC1
4711;R-001;31.01.2026;+49 171 5550002;Grundgebühr Business S;19,95;EUR;CC2
4711;R-001;31.01.2026;+49 171 5550002;Gutschrift Aktion;5,00-;EUR;CC2
4711;R-001;31.01.2026;;Umsatzsteuer 19 %;200,91;EUR;
Summe;;;;;1.258,31;;
"""


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def learn(store: Store, path: Path, name: str = "mine", **values: str) -> None:
    best = propose(Source(path))[0]
    teach.save(store, definitions.written(best.profile(name, values)))


def rows(store: Store, table: str, *names: str) -> list[tuple[Any, ...]]:
    frame = store.frame(table, names)
    return [tuple(None if value != value else value for value in row) for row in frame.itertuples(index=False)]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open(f"sqlite:///{tmp_path / 'tem.db'}")


def test_a_german_bill_is_proposed_as_a_person_would_map_it(tmp_path: Path) -> None:
    best = propose(Source(write(tmp_path, "rechnung.csv", BILL)))[0]
    assert best.table == "bill"
    assert {name: s.column for name, s in best.fields.items()} == {
        "account_number": "Kundennummer",
        "invoice_number": "Rechnungsnummer",
        "issued_on": "Rechnungsdatum",
        "currency": "Währung",
        "number": "Rufnummer",
        "cost_center": "Kostenstelle",
        "description": "Beschreibung",
        "amount": "Betrag netto",
    }
    assert {s.how for s in best.fields.values()} == {SYNONYM}
    assert (best.numbers.decimal, best.numbers.thousands, best.dates.order) == (",", ".", "dmy")
    assert best.missing == ("carrier_id",)
    assert best.doubts == ()
    assert best.total_row is not None
    assert best.total_row.starts == "Summe"


def test_a_confirmed_profile_reads_its_file_to_the_cent_and_recognises_the_next(tmp_path: Path, store: Store) -> None:
    first = write(tmp_path, "a.csv", BILL)
    assert load_paths(store, [first]).files[0].error
    learn(store, first, carrier_id="nordtel")
    report = load_paths(store, [first]).files[0]
    assert (report.format, report.layout, report.error) == ("profile", "mine", None)
    assert (report.rows_in, report.rows_loaded, report.rows_quarantined) == (6, 6, 0)
    assert [(i.number, i.total, i.balanced) for i in report.invoices] == [("R-001", 1_258_310_000, True)]
    assert rows(store, "charges", "billed_number", "category", "amount") == [
        ("+49 171 5550001", "mrc", 1_029_950_000),
        ("+49 171 5550001", "usage", 12_500_000),
        ("+49 171 5550002", "mrc", 19_950_000),
        ("+49 171 5550002", "credit", -5_000_000),
        (None, "tax", 200_910_000),
    ]
    second = write(tmp_path, "b.csv", BILL.replace("R-001", "R-002").replace("31.01", "28.02"))
    assert load_paths(store, [second]).files[0].format == "profile"
    assert len(store.frame("invoices")) == 2


def test_what_cannot_be_read_is_set_aside_by_the_name_of_its_column(tmp_path: Path, store: Store) -> None:
    path = write(tmp_path, "a.csv", BILL)
    learn(store, path, carrier_id="nordtel")
    broken = BILL.replace("12,50", "12.50").replace("4711;R-001;31.01.2026;;Um", "4711;R-001;2026;;Um") + "a;b\n"
    report = load_paths(store, [write(tmp_path, "b.csv", broken)]).files[0]
    assert (report.rows_in, report.rows_loaded, report.rows_quarantined) == (7, 4, 3)
    assert not report.invoices[0].balanced
    found = rows(store, "quarantine", "row", "field", "found", "expected")
    assert found == [
        (5, "Betrag netto", "12.50", "a number such as 1.234,56"),
        (8, "Rechnungsdatum", "2026", "a date such as 31/01/2026"),
        (10, None, "2 cells", "8 cells (too few)"),
    ]


def test_rows_of_one_invoice_must_agree(tmp_path: Path, store: Store) -> None:
    path = write(tmp_path, "a.csv", BILL)
    learn(store, path, carrier_id="nordtel")
    other = BILL.replace("200,91;EUR", "200,91;USD")
    load_paths(store, [write(tmp_path, "b.csv", other)])
    assert rows(store, "quarantine", "field", "found", "expected") == [
        ("Währung", "USD", "EUR, as in the invoice's first row")
    ]


def test_a_renamed_column_refuses_the_file_and_is_named(tmp_path: Path, store: Store) -> None:
    path = write(tmp_path, "a.csv", BILL)
    learn(store, path, carrier_id="nordtel")
    changed = write(tmp_path, "b.csv", BILL.replace("Rufnummer", "MSISDN-Nr"))
    report = load_paths(store, [changed]).files[0]
    assert report.format == "profile"
    assert report.error is not None
    assert "the column Rufnummer of profile mine is missing" in report.error
    assert "seems to be renamed MSISDN-Nr" in report.error
    assert len(store.frame("batches")) == 0
    saved = parse_profile(formats.saved(store, "profile")["mine"])
    again = reopened(saved, Source(changed))
    assert again.fields["amount"].column == "Betrag netto"
    assert (again.fields["number"].column, again.fields["number"].how) == ("MSISDN-Nr", RENAMED)


def test_a_new_column_is_kept_and_said_before_loading(tmp_path: Path, store: Store) -> None:
    path = write(tmp_path, "a.csv", BILL)
    learn(store, path, carrier_id="nordtel")
    load_paths(store, [path])
    lines = BILL.replace("R-001", "R-002").splitlines()
    wider = "\n".join([*lines[:2], lines[2] + ";Projekt", *(line + ";P1" for line in lines[3:])])
    told = preview(write(tmp_path, "b.csv", wider), store=store)
    assert 'mine: columns that earlier files did not have: "Projekt"' in told.report.warnings
    assert len(store.frame("invoices")) == 1
    load_paths(store, [tmp_path / "b.csv"])
    attributes = store.frame("charges", ["attributes"])["attributes"].tolist()
    assert attributes[-1] == '{"Projekt": "P1"}'


def test_wide_bills_have_one_column_for_each_kind_of_charge(tmp_path: Path, store: Store) -> None:
    text = (
        "Account Number,Bill Date,Phone Number,User,Rate Plan,Monthly Charges,Usage Charges,Taxes,Total Charges,"
        "Data Usage MB\n"
        "77,01/31/2026,212-555-0101,ANN,Gold,$40.00,$1.50,$3.10,$44.60,1.5\n"
        '77,01/31/2026,212-555-0102,BOB,Gold,$(10.00),$0.00,$0.00,"$(10.00)",0\n'
        "77,01/31/2026,212-555-0103,EVE,Gold,$40.00,$0.00,$3.10,$99.00,0\n"
    )
    path = write(tmp_path, "wide.csv", text)
    learn(store, path, carrier_id="acme", currency="USD", country="US")
    report = load_paths(store, [path]).files[0]
    assert (report.rows_in, report.rows_loaded) == (3, 2)
    assert rows(store, "charges", "billed_number", "category", "description", "amount") == [
        ("212-555-0101", "mrc", "Gold", 40_000_000),
        ("212-555-0101", "usage", "Usage Charges", 1_500_000),
        ("212-555-0101", "tax", "Taxes", 3_100_000),
        ("212-555-0102", "credit", "Gold", -10_000_000),
    ]
    assert rows(store, "quarantine", "field", "expected") == [("Total Charges", "the sum of the row's amounts, 43.10")]
    used = store.frame("usage")[["usage_type", "quantity"]].values.tolist()
    assert used == [["data", 1_500_000], ["data", 0]]


def test_an_inventory_maps_onto_its_canonical_table(tmp_path: Path, store: Store) -> None:
    text = "Mobile Number;Status;Activation Date;Colour\n+12125550101;Active;15/02/2024;red\n+12125550102;ACTIVE;;\n"
    path = write(tmp_path, "lines.csv", text)
    best = propose(Source(path))[0]
    assert best.table == "services"
    assert best.fields["service_id"].how == COPIED
    learn(store, path, kind="mobile")
    report = load_paths(store, [path]).files[0]
    assert (report.rows_loaded, report.rows_quarantined) == (2, 0)
    assert rows(store, "services", "service_id", "kind", "status", "activated_on", "attributes") == [
        ("+12125550101", "mobile", "active", "2024-02-15", '{"Colour": "red"}'),
        ("+12125550102", "mobile", "active", None, None),
    ]


@pytest.mark.parametrize(
    ("last", "total", "balanced"),
    [("100,00;19,00", 119, True), ("100,00;", 119, True), (";19,00", 119, True), ("100,00;18,00", 118, False)],
)
def test_a_total_row_counts_with_all_its_columns(
    tmp_path: Path, store: Store, last: str, total: int, balanced: bool
) -> None:
    head = "Kundennummer;Rechnungsdatum;Rufnummer;Leistung;Betrag EUR;MwSt"
    row = "4711;31.01.2026;0171 5550001;Grundgebühr;50,00;9,50"
    path = write(tmp_path, "bill.csv", f"{head}\n{row}\n{row}\nGesamt;;;;{last}\n")
    learn(store, path, carrier_id="nordtel")
    (invoice,) = load_paths(store, [path]).files[0].invoices
    assert (invoice.total, invoice.balanced) == (total * 1_000_000, balanced)


def test_usage_by_number_finds_its_lines_and_sets_the_others_aside(tmp_path: Path, store: Store, estate: Path) -> None:
    load_paths(store, [estate])
    text = (
        "Mobile Number;Month;Data GB;Minutes;Site\n"
        "212-555-0101;02/2026;1,5;30;HQ\n"
        "212-555-0102;02/2026;0;;HQ\n"
        "212-555-0199;02/2026;2;1;HQ\n"
        "212-555-0101;soon;2;1;HQ\n"
    )
    path = write(tmp_path, "usage_export.csv", text)
    best = propose(Source(path))[0]
    assert (best.table, best.missing) == ("line_usage", ("carrier_id",))
    learn(store, path, carrier_id="tel", country="US")
    report = load_paths(store, [path]).files[0]
    assert (report.rows_in, report.rows_loaded, report.rows_quarantined) == (4, 2, 2)
    used = store.frame("usage").query("month == '2026-02'")
    assert used[["service_id", "usage_type", "quantity", "unit", "attributes"]].values.tolist() == [
        ["S1", "data", 1_536_000_000, "MB", '{"Site": "HQ"}'],
        ["S1", "voice", 30_000_000, "min", '{"Site": "HQ"}'],
        ["S2", "data", 0, "MB", '{"Site": "HQ"}'],
    ]
    assert sorted(rows(store, "quarantine", "field", "found")) == [("Month", "soon"), ("number", "212-555-0199")]
    more = write(
        tmp_path, "services.csv", "service_id,kind,number,carrier_id,account_id\nS9,mobile,2125550199,tel,A1\n"
    )
    load_paths(store, [more])
    again = load_paths(store, [path]).files[0]
    assert (again.rows_loaded, again.rows_quarantined) == (3, 1)
    assert len(store.frame("usage").query("month == '2026-02'")) == 5


def workbook(path: Path) -> None:
    book = openpyxl.Workbook()
    notes = book.active
    notes.title = "Notes"
    notes.append(["Exported by the portal"])
    sheet = book.create_sheet("Charges")
    sheet.append(["Invoice report"])
    sheet.append([])
    sheet.append(["Account", "Invoice", "Invoice Date", "Phone", "Charge Type", "Amount", "Curr"])
    from datetime import date

    sheet.append([100, "N9", date(2026, 1, 31), "212-555-0101", "Rental", 1234.567, "USD"])
    sheet.append([100, "N9", date(2026, 1, 31), "212-555-0102", "Calls", "1.000,25", "USD"])
    book.save(path)


def test_numbers_of_a_workbook_are_not_read_by_the_convention_of_its_texts(tmp_path: Path, store: Store) -> None:
    path = tmp_path / "charges.xlsx"
    workbook(path)
    best = propose(Source(path))[0]
    assert (best.sheet, best.table) == ("Charges", "bill")
    learn(store, path, carrier_id="tel")
    report = load_paths(store, [path]).files[0]
    assert report.error is None
    assert any("other sheets were not read: Notes" in text for text in report.warnings)
    assert any("1 row above the header" in text for text in report.warnings)
    assert rows(store, "charges", "amount") == [(1_234_567_000,), (1_000_250_000,)]


def test_open_document_sheets_are_workbooks(tmp_path: Path, store: Store) -> None:
    cells = [["carrier_id", "name"], ["tel", "Telco"]]
    table = "".join(
        "<table:table-row>"
        + "".join(
            f'<table:table-cell office:value-type="string"><text:p>{cell}</text:p></table:table-cell>' for cell in row
        )
        + "</table:table-row>"
        for row in cells
    )
    names = " ".join(
        f'xmlns:{short}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
        for short, name in (("office", "office"), ("table", "table"), ("text", "text"))
    )
    content = (
        f'<?xml version="1.0"?><office:document-content {names}><office:body><office:spreadsheet>'
        f'<table:table table:name="carriers">{table}</table:table>'
        "</office:spreadsheet></office:body></office:document-content>"
    )
    path = tmp_path / "book.ods"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet", zipfile.ZIP_STORED)
        archive.writestr("META-INF/manifest.xml", "<manifest/>")
        archive.writestr("content.xml", content)
    report = load_paths(store, [path]).files[0]
    assert report.error is None
    assert rows(store, "carriers", "carrier_id", "name") == [("tel", "Telco")]


def test_a_damaged_workbook_is_refused_in_one_line(tmp_path: Path, store: Store) -> None:
    path = tmp_path / "charges.xlsx"
    workbook(path)
    (tmp_path / "half.xls").write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 900)
    with pytest.raises(BadInput, match="cannot be read"):
        propose(Source(tmp_path / "half.xls"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [", "is no YAML"),
        ("- a", "is no mapping"),
        ("{name: x, table: bill, fields: {amount: A}}", "bill needs carrier_id, account_number, issued_on, currency"),
        ("{name: X y, table: carriers, fields: {carrier_id: A, name: B}}", "small letters"),
        ("{name: x, table: nowhere, fields: {}}", "one of bill, line_usage, carriers"),
        ("{name: x, table: carriers, fields: {carrier_id: A, colour: B}}", "carriers has no field colour"),
        ("{name: x, table: carriers, fields: {carrier_id: {column: A, value: B}}}", "either a column or a value"),
        ("{name: x, table: carriers, fields: {carrier_id: A}, numbers: {decimal: ';'}}", "Input should be"),
        ("{name: x, colour: red}", "is neither a profile"),
    ],
)
def test_definitions_are_checked_field_by_field(text: str, said: str) -> None:
    with pytest.raises(BadInput) as caught:
        teach.check(text)
    assert said in str(caught.value)


def test_a_profile_written_is_a_profile_read(tmp_path: Path) -> None:
    made = propose(Source(write(tmp_path, "a.csv", BILL)))[0].profile("mine", {"carrier_id": "nordtel"})
    assert parse_profile(definitions.written(made)) == made


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    amounts=st.lists(st.integers(-(10**8), 10**8), min_size=1, max_size=12),
    convention=st.sampled_from([(",", "."), (".", ","), (".", ""), (",", " ")]),
    mark=st.sampled_from([";", "\t", "|"]),
)
def test_every_bill_that_is_written_ties(
    tmp_path: Path, amounts: list[int], convention: tuple[str, str], mark: str
) -> None:
    decimal, thousands = convention

    def money(cents: int) -> str:
        text = f"{abs(cents) // 100:,}".replace(",", thousands) + f"{decimal}{abs(cents) % 100:02d}"
        return f"({text})" if cents < 0 else text

    header = mark.join(["Account", "Invoice", "Invoice Date", "Phone", "Description", "Amount"])
    body = [mark.join(["1", "N", "2026-01-31", str(i), "x", money(a)]) for i, a in enumerate(amounts)]
    path = write(tmp_path, "bill.csv", "\n".join([header, *body]))
    profile = (
        "{name: p, table: bill, fields: {carrier_id: {value: c}, currency: {value: EUR}, account_number: Account, "
        "invoice_number: Invoice, issued_on: Invoice Date, number: Phone, amount: Amount}, "
        f"numbers: {{decimal: '{decimal}', thousands: '{thousands}'}}}}"
    )
    (bill,) = read_table(Source(path), None, parse_profile(profile))
    assert isinstance(bill, Bill)
    assert bill.total == sum(amounts) * 10_000
    assert [charge["amount"] for charge in bill.charges] == [amount * 10_000 for amount in amounts]


def test_canonical_tables_still_go_before_profiles(tmp_path: Path, store: Store) -> None:
    path = write(tmp_path, "carriers.csv", ESTATE["carriers"])
    learn(store, path, name="carriers-copy")
    assert load_paths(store, [path], format="canonical").files[0].format == "canonical"
    assert load_paths(store, [tmp_path / "carriers.csv"]).files[0].error is None
