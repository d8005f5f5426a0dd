"""Damaged copies of profile tables and PDFs: never a traceback, nothing half loaded, every row accounted for."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from core.store import Store
from loaders import Source, load_paths, teach
from loaders.pdf.layout import Document, Line
from loaders.pdf.reading import read_by
from loaders.pdf.template import parse_template
from sample_data import pdf_invoices
from tests.loaders.test_profiles import BILL, learn, write


def damaged(data: bytes, draw: random.Random) -> bytes:
    kind = draw.randrange(6)
    at, other = sorted(draw.sample(range(len(data)), 2))
    if kind == 0:
        return data[:at]
    if kind == 1:
        return data[:at] + data[at:other] + data[at:]
    if kind == 2:
        return data[:at] + bytes(draw.randrange(256) for _ in range(draw.randint(1, 9))) + data[at:]
    if kind == 3:
        return data[:at] + data[other:]
    if kind == 4:
        lines = data.split(b"\n")
        draw.shuffle(lines)
        return b"\n".join(lines)
    return data.decode("utf-8", errors="replace").encode(draw.choice(["utf-16", "cp1252", "utf-8-sig"]), "replace")


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> Store:
    folder = tmp_path_factory.mktemp("damaged")
    store = Store.open(f"sqlite:///{folder / 'tem.db'}")
    learn(store, write(folder, "bill.csv", BILL), carrier_id="nordtel")
    for name in pdf_invoices.INVOICES:
        teach.save(store, (pdf_invoices.FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))
    return store


def loaded(store: Store, path: Path) -> None:
    report = load_paths(store, [path], dry_run=True).files[0]
    assert report.rows_in == report.rows_loaded + report.rows_quarantined
    if report.error:
        assert report.rows_in == 0
        assert len(report.error.splitlines()) == 1
    assert store.count("charges") == store.count("invoices") == store.count("batches") == 0


def test_damaged_tables(taught: Store, tmp_path: Path) -> None:
    draw = random.Random(1)
    for number in range(12):
        path = tmp_path / f"{number}.csv"
        path.write_bytes(damaged(BILL.encode(), draw))
        loaded(taught, path)


def test_damaged_pdfs(taught: Store, tmp_path: Path) -> None:
    draw = random.Random(2)
    data = [(pdf_invoices.FOLDER / f"{name}.pdf").read_bytes() for name in pdf_invoices.INVOICES]
    for number in range(5):
        path = tmp_path / f"{number}.pdf"
        path.write_bytes(damaged(draw.choice(data), draw))
        loaded(taught, path)


def shuffled(document: Document, draw: random.Random) -> Document:
    """The document with words moved, lost, doubled or changed."""
    lines = []
    for line in document.lines:
        words = []
        for x0, x1, top, bottom, said in line.words:
            chance = draw.random()
            if chance < 0.03:
                continue
            text = draw.choice(["", ":", "(", "9" * 70, "1,2,3", "\u0663", said[::-1]]) if chance < 0.08 else said
            moved = draw.uniform(-200, 200) if chance < 0.12 else 0.0
            words.append((x0 + moved, x1 + moved, top, bottom, text))
        if words:
            lines.append(Line(line.page, len(lines), tuple(sorted(words))))
    return Document(document.pages, tuple(lines))


@pytest.mark.parametrize("name", pdf_invoices.INVOICES)
def test_a_template_never_stumbles_over_what_a_page_holds(name: str) -> None:
    from loaders.pdf.loader import with_text

    template = parse_template((pdf_invoices.FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))
    document = with_text(Source(pdf_invoices.FOLDER / f"{name}.pdf"))
    draw = random.Random(3)
    for _ in range(10):
        reading = read_by(template, shuffled(document, draw))
        assert reading.accepted == (not reading.problems)
        assert all(isinstance(row.values["amount"], int) for row in reading.rows)
