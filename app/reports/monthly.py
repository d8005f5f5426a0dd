"""The monthly executive report as the bytes of a file: PDF, slides or workbook."""

from __future__ import annotations

from app.reports import executive, slides, workbook
from app.reports.pdf import pdf
from app.views.selection import Filters
from core.store import Store

SUFFIXES = (".pdf", ".pptx", ".xlsx")


def monthly(store: Store, filters: Filters, suffix: str) -> bytes:
    """The report of the month, currency and carriers chosen, as one of :data:`SUFFIXES`.

    Raises:
        BadInput: if the store has no bill.
    """
    if suffix == ".pptx":
        return slides.slides(store, filters)
    if suffix == ".xlsx":
        return workbook.workbook(store, filters)
    return pdf("executive", executive.content(store, filters))
