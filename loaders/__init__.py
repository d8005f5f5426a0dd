"""Formats in: detect, read, normalize, validate, reconcile, commit; and the canonical tables out."""

from loaders.contract import Bill, BillLine, Chunk, Loader, Rejected, SourceRow
from loaders.export import export_canonical
from loaders.feeds.template import add_sheet, template_of
from loaders.load import load_paths
from loaders.preview import Preview, preview
from loaders.proposals import Proposal, decide, proposals
from loaders.reading.source import Source
from loaders.registry import detect, loaders
from loaders.report import FileReport, InvoiceReport, LoadReport
from loaders.undo import undo

__all__ = [
    "Bill",
    "BillLine",
    "Chunk",
    "FileReport",
    "InvoiceReport",
    "LoadReport",
    "Loader",
    "Preview",
    "Proposal",
    "Rejected",
    "Source",
    "SourceRow",
    "add_sheet",
    "decide",
    "detect",
    "export_canonical",
    "load_paths",
    "loaders",
    "preview",
    "proposals",
    "template_of",
    "undo",
]
