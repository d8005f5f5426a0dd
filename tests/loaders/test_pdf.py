"""PDF invoices by templates: every row exact, the printed total decides, scans and floods are refused."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pypdfium2
import pytest

from core.issues import BadInput
from core.money import SCALE
from core.store import Store
from loaders import load_paths, teach
from loaders.contract import Rejected
from loaders.pdf.loader import PdfInvoices, with_text
from loaders.pdf.reading import read_by
from loaders.pdf.template import parse_template
from loaders.reading import child
from loaders.reading.source import Source
from sample_data import pdf_invoices

FOLDER = pdf_invoices.FOLDER
TEMPLATES = {name: (FOLDER / f"{name}.yaml").read_text(encoding="utf-8") for name in pdf_invoices.INVOICES}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open(f"sqlite:///{tmp_path / 'tem.db'}")


def micros(text: str) -> int:
    """An independent reading of the three conventions of the samples."""
    negative = text.startswith(("(", "-")) or text.endswith("-")
    digits = "".join(c for c in text if c.isdigit())
    return int(Decimal(digits).scaleb(-2) * SCALE) * (-1 if negative else 1)


def expected(name: str) -> list[tuple[str | None, str, int]]:
    """(line, description, amount) of every charge, from the generator's own document."""
    bill = pdf_invoices.INVOICES[name]()
    rows: list[tuple[str | None, str, int]] = []
    if name == "nordtel":
        rows = [(r["number"], r["description"], micros(r["amount"])) for r in bill["rows"]]
        rows.append((None, "Umsatzsteuer 19 %", micros(bill["tax"])))
    elif name == "columbia":
        for line in bill["lines"]:
            rows += [(line["number"], r["description"], micros(r["amount"])) for r in line["rows"]]
        rows += [(None, r["description"], micros(r["amount"])) for r in bill["account_rows"]]
    else:
        for section in bill["sections"]:
            rows += [(r["number"], r["description"], micros(r["amount"])) for r in section["rows"]]
        rows.append((None, "TVA 20 %", micros(bill["tax"])))
    return rows


@pytest.mark.parametrize("name", pdf_invoices.INVOICES)
def test_every_row_of_every_layout_is_exact(name: str) -> None:
    reading = read_by(parse_template(TEMPLATES[name]), with_text(Source(FOLDER / f"{name}.pdf")))
    assert reading.accepted
    assert reading.unread == []
    found = [(r.values.get("number"), r.values["description"], r.values["amount"]) for r in reading.rows]
    assert found == expected(name)
    assert reading.total == micros(pdf_invoices.INVOICES[name]()["total"])


def test_the_committed_files_are_what_the_generator_writes() -> None:
    for name, invoice in pdf_invoices.INVOICES.items():
        assert (FOLDER / f"{name}.pdf").read_bytes() == pdf_invoices.pdf(name, invoice())


def test_a_folder_of_invoices_loads_by_its_templates(tmp_path: Path, store: Store) -> None:
    for text in TEMPLATES.values():
        teach.save(store, text)
    report = load_paths(store, [FOLDER / f"{name}.pdf" for name in TEMPLATES])
    assert report.exit_code == 0
    assert [(f.format, f.layout, f.rows_in == f.rows_loaded) for f in report.files] == [
        ("pdf", name, True) for name in TEMPLATES
    ]
    assert all(invoice.balanced for file in report.files for invoice in file.invoices)
    charges = store.frame("charges", ["description", "category", "period_start", "invoice_id"])
    assert set(charges[charges["description"].str.startswith("Forfait")]["category"]) == {"mrc"}
    assert set(charges[charges["description"] == "Late payment fee"]["category"]) == {"late_fee"}
    assert set(charges[charges["description"] == "Gutschrift Aktion"]["category"]) == {"credit"}
    invoices = store.frame("invoices", ["number", "issued_on", "due_on", "previous_balance"])
    assert ["CW-55120", "2026-04-02", "2026-04-27", 1_182_030_000] in invoices.values.tolist()
    assert load_paths(store, [FOLDER / "nordtel.pdf"]).files[0].duplicate_of == 1


def changed(name: str, **replaced: Any) -> bytes:
    return pdf_invoices.pdf(name, {**pdf_invoices.INVOICES[name](), **replaced})


def test_charges_that_do_not_sum_to_the_printed_total_refuse_the_invoice(tmp_path: Path, store: Store) -> None:
    teach.save(store, TEMPLATES["nordtel"])
    path = tmp_path / "wrong.pdf"
    path.write_bytes(changed("nordtel", total="13.536,52"))
    report = load_paths(store, [path]).files[0]
    assert report.error is not None
    assert "the charges read sum to 13536.51, the printed total is 13536.52" in report.error
    assert store.count("invoices") == 0
    assert store.count("batches") == 0


def test_a_line_that_is_no_row_is_set_aside_where_the_total_still_ties(tmp_path: Path) -> None:
    rows = pdf_invoices.nordtel()["rows"]
    note = {"number": "0171 5550000", "description": "Hinweis", "quantity": "", "unit": "", "amount": ""}
    path = tmp_path / "note.pdf"
    path.write_bytes(changed("nordtel", rows=[note, *rows]))
    loader = PdfInvoices({"nordtel": TEMPLATES["nordtel"]})
    items = list(loader.read(Source(path)))
    assert isinstance(items[0], Rejected)
    assert items[0].row.raw == "0171 5550000 Hinweis"


def test_a_missing_field_is_named_with_its_label(tmp_path: Path) -> None:
    template = parse_template(TEMPLATES["nordtel"].replace('issued_on: "Rechnungsdatum:"', "issued_on: Datum"))
    reading = read_by(template, with_text(Source(FOLDER / "nordtel.pdf")))
    assert [str(issue) for issue in reading.problems] == [
        'field issued_on: a date to the right of "Datum" was not found'
    ]
    template = parse_template(
        TEMPLATES["nordtel"].replace('issued_on: "Rechnungsdatum:"', 'issued_on: "Kundennummer:"')
    )
    reading = read_by(template, with_text(Source(FOLDER / "nordtel.pdf")))
    assert [(issue.field, issue.found) for issue in reading.problems] == [("issued_on", "4711-220")]


def blank_pdf(path: Path, pages: int) -> Path:
    document = pypdfium2.PdfDocument.new()
    for _ in range(pages):
        document.new_page(100, 100)
    document.save(str(path))
    return path


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda path: blank_pdf(path, 1), "no text in this file: it is a scan or a picture"),
        (lambda path: blank_pdf(path, 2_001), "has 2001 pages; expected at most 2000"),
        (lambda path: path.write_bytes(b"%PDF-1.7 nothing"), "is a damaged PDF"),
        (lambda path: path.write_bytes((FOLDER / "telesud.pdf").read_bytes()), "no template knows this PDF (saved: x)"),
        (lambda path: path.write_bytes((FOLDER / "columbia.pdf").read_bytes()[:30_000]), "is a damaged PDF"),
    ],
)
def test_what_cannot_be_read_is_refused_in_one_line(tmp_path: Path, store: Store, make: Any, said: str) -> None:
    teach.save(store, TEMPLATES["nordtel"].replace("name: nordtel", "name: x"))
    make(tmp_path / "file.pdf")
    report = load_paths(store, [tmp_path / "file.pdf"])
    assert report.exit_code == 2
    assert said in str(report.files[0].error)
    assert len(str(report.files[0].error).splitlines()) == 1


def test_two_templates_that_fit_alike_are_both_named(store: Store) -> None:
    teach.save(store, TEMPLATES["nordtel"])
    teach.save(store, TEMPLATES["nordtel"].replace("name: nordtel", "name: other"))
    report = load_paths(store, [FOLDER / "nordtel.pdf"]).files[0]
    assert "claimed by the templates nordtel and other alike" in str(report.error)


def test_a_reader_that_takes_too_long_is_ended() -> None:
    with pytest.raises(BadInput, match=r"could not be read within 0\.01 seconds"):
        list(child.stream(Source(FOLDER / "nordtel.pdf"), "pdf_text", seconds=0.01))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("total: Rechnungsbetrag", "sum: Rechnungsbetrag", "an invoice has no field sum"),
        ("  total: Rechnungsbetrag\n", "", "fields needs total"),
        ("currency: EUR", "", "fields needs currency"),
        ("{heading: Betrag EUR, align: right}", "{left: 5}", "either a heading, or left and right"),
        ("amount: {heading", "money: {heading", "a table has no column money"),
        ("recognise: [NordTel GmbH, Rechnung, Rufnummer]", "recognise: []", "at least 1 item"),
        ("'(\\S+)$'", "'(('", "a regular expression"),
        ("category: tax", "category: vat", "Input should be"),
    ],
)
def test_templates_are_checked_field_by_field(old: str, new: str, said: str) -> None:
    assert old in TEMPLATES["nordtel"]
    with pytest.raises(BadInput) as caught:
        teach.check(TEMPLATES["nordtel"].replace(old, new))
    assert said in str(caught.value)
