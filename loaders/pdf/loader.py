"""Loader of PDF invoices with text, by the templates that are saved in the store."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from weakref import WeakKeyDictionary

from core.issues import BadInput, Issue
from loaders.contract import NO, SURE, Bill, BillLine, Item, Rejected, SourceRow
from loaders.pdf.layout import Document, read_document
from loaders.pdf.reading import Reading, Row, read_by, recognised
from loaders.pdf.template import Template, parse_template
from loaders.reading.source import Source
from loaders.taxonomy import CATEGORIES

_FIRST_PAGES = 3


class PdfInvoices:
    """Loader of PDF invoices."""

    name = "pdf"
    title = "PDF invoices with a saved template"

    def __init__(self, definitions: Mapping[str, str] | None = None) -> None:
        """`definitions`: name -> YAML text, as they are saved in the store."""
        self.templates = [parse_template(text, f"template {name}") for name, text in (definitions or {}).items()]
        self._chosen: WeakKeyDictionary[Source, Template] = WeakKeyDictionary()

    def sniff(self, source: Source) -> float:
        """By the first bytes; which template fits is decided by :meth:`check`."""
        return SURE if is_pdf(source) else NO

    def layout(self, source: Source) -> str | None:
        """The name of the template that reads the file."""
        return self.template(source).name

    def template(self, source: Source) -> Template:
        """The template all of whose texts stand on the first page; the one with most texts, if several fit.

        Raises:
            BadInput: if the file is damaged, has no text, or no template or two alike fit.
        """
        if source not in self._chosen:
            if not is_pdf(source):
                raise source.refused("is no PDF")
            self._chosen[source] = self._choose(source, with_text(source, _FIRST_PAGES))
        return self._chosen[source]

    def _choose(self, source: Source, document: Document) -> Template:
        fitting = [template for template in self.templates if recognised(template, document)]
        if not fitting:
            first = next((line.text for line in document.lines), "")[:120]
            names = ", ".join(template.name for template in self.templates) or "none is saved"
            raise source.refused(
                f"no template knows this PDF (saved: {names})",
                None,
                f'make one on the imports page; its first line is "{first}"',
            )
        most = max(len(template.recognise) for template in fitting)
        best = [template for template in fitting if len(template.recognise) == most]
        if len(best) > 1:
            names = " and ".join(template.name for template in best)
            raise source.refused(f"is claimed by the templates {names} alike", None, "give one more texts to recognise")
        return best[0]

    def check(self, source: Source) -> list[str]:
        """Refuse a file without text or template.

        Raises:
            BadInput: as :meth:`template`.
        """
        self.template(source)
        return []

    def read(self, source: Source) -> Iterator[Item]:
        """One bill, and the lines of its tables that could not be read.

        Raises:
            BadInput: if a needed field is missing or the charges do not sum to the printed total.
        """
        document = with_text(source)
        reading = read_by(self._chosen.get(source) or self._choose(source, document), document)
        if not reading.accepted:
            raise BadInput([_in_file(source, issue) for issue in reading.problems])
        for item in reading.unread:
            place = SourceRow(f"page {item.line.page}", item.line.number + 1, item.line.text)
            yield Rejected(place, item.field, item.found, item.expected, "a line of a table that is no row")
        yield bill(reading)


def is_pdf(source: Source) -> bool:
    """By its first bytes; some files have a few bytes before the header."""
    return b"%PDF-" in source.head[:1024]


def with_text(source: Source, pages: int | None = None) -> Document:
    """The document, refused if it is a scan.

    Raises:
        BadInput: if there is no text, or the file cannot be read.
    """
    document = read_document(source, pages)
    if not document.has_text:
        raise source.refused(
            "no text in this file: it is a scan or a picture",
            "a PDF with text",
            "ask the carrier for the electronic bill, or run it through text recognition (OCR) first",
        )
    return document


def _in_file(source: Source, issue: Issue) -> Issue:
    return Issue(source.label, issue.row, issue.field, issue.found, issue.expected, issue.message, issue.hint)


def bill(reading: Reading) -> Bill:
    """The bill of a reading that was accepted."""
    template = reading.template
    found: dict[str, Any] = {name: item.value for name, item in reading.fields.items()}
    issued = found["issued_on"]
    made = Bill(
        carrier_id=template.carrier_id,
        carrier_name=template.carrier_name or template.carrier_id,
        account_number=found["account_number"],
        account_name=found.get("account_name"),
        number=found.get("invoice_number") or f"{found['account_number']}-{issued.replace('-', '')}",
        currency=found["currency"].upper(),
        country=template.country,
        issued_on=issued,
        period_start=found.get("period_start"),
        period_end=found.get("period_end"),
        due_on=found.get("due_on"),
        previous_balance=found.get("previous_balance"),
        payments=found.get("payments"),
        total=found["total"],
        attributes={"template": template.name},
    )
    for place, row in enumerate(reading.rows):
        _add(made, row, place)
    return made


def _add(made: Bill, row: Row, place: int) -> None:
    values = row.values
    number = values.get("number")
    if number is not None and number not in made.lines:
        told = {name.replace("_", " "): values[name] for name in ("user_name", "cost_center") if values.get(name)}
        made.lines[number] = BillLine(number, attributes=told)
    said = values.get("category")
    charge = {
        "billed_number": number,
        "category": row.category or (said if said in CATEGORIES else None),
        "section": row.section or said,
        "amount": values["amount"],
        "period_start": values.get("charge_start") or made.period_start,
        "period_end": values.get("charge_end") or made.period_end,
        **{name: values.get(name) for name in ("item_code", "description", "quantity", "unit", "unit_rate")},
    }
    charge["description"] = charge["description"] or row.section or said
    made.charges.append(charge)
    first = row.lines[0] if row.lines else None
    page = f"page {first.page}" if first else None
    made.rows.append(SourceRow(page, first.number + 1 if first else place + 1, row.text))
