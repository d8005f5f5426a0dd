"""PDF invoices to exact rows, by processor time, against pypdfium2's plain extraction of the same pages' text."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pypdfium2

from benchmarks import Row
from loaders.pdf.layout import Document, page_lines
from loaders.pdf.reading import read_by
from loaders.pdf.template import parse_template
from loaders.reading import pdf_text
from sample_data import pdf_invoices

TITLE = "PDF invoices to rows"


def _best(work: Callable[[], Any], times: int) -> float:
    found = []
    for _ in range(times):
        start = time.process_time()
        work()
        found.append(time.process_time() - start)
    return min(found)


def _plain(path: Path) -> int:
    document = pypdfium2.PdfDocument(str(path))
    return sum(len(document[number].get_textpage().get_text_range()) for number in range(len(document)))


def _words(path: Path) -> list[Any]:
    told: list[Any] = []
    pdf_text.read(str(path), "", told.append)
    return told


def _document(told: list[Any]) -> Document:
    lines: list[Any] = []
    for page, words in enumerate(told[1:], 1):
        lines += page_lines(words, page, len(lines))
    return Document(told[0], tuple(lines))


def run(smoke: bool = False) -> list[Row]:
    """Ratios of one large invoice of each layout; every row must be read and the total must tie."""
    lines, times = (30, 1) if smoke else (1_500, 3)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for name, invoice in pdf_invoices.INVOICES.items():
            if name == "telesud":
                lines = min(lines, 99)  # its numbers have two digits that count
            path = Path(folder) / f"{name}.pdf"
            path.write_bytes(pdf_invoices.pdf(name, invoice(lines)))
            template = parse_template((pdf_invoices.FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))
            plain = _best(lambda path=path: _plain(path), times)
            words = _best(lambda path=path: _words(path), times)
            told = _words(path)

            def whole(path: Path = path, template: Any = template) -> None:
                read_by(template, _document(_words(path)))

            everything = _best(whole, times)
            reading = read_by(template, _document(told))
            if not reading.accepted:
                raise AssertionError(f"{name}: {[str(issue) for issue in reading.problems]}")
            rate = len(reading.rows) / everything
            rows.append(
                Row(
                    f"{name}: {len(reading.rows):,} rows of {told[0]} pages, exact",
                    f"{rate:,.0f} rows/s; text with positions {plain / words:.2f}, rows {plain / everything:.2f}",
                    "plain text extraction by pypdfium2 = 1",
                    "rows >= 0.4",
                )
            )
    return rows
