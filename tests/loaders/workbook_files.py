"""One bill as a workbook of each kind; `workbooks/bill.xls` holds the same rows, saved by a writer of that format."""

from __future__ import annotations

import struct
import zipfile
from datetime import date
from pathlib import Path

import openpyxl

Cell = str | float | date | None
SHEET = "Detail"
BILLED = date(2026, 3, 31)
HEAD = ["Acct", "Inv #", "Inv Dt", "Cell Phone", "Charge Desc", "Chg Amt", "Curr"]
ROWS: list[list[Cell]] = [
    ["Acme Telecom: invoice detail"],
    [],
    [*HEAD],
    [99001, "A-77", BILLED, 2125550100, "Monthly plan", 40.25, "USD"],
    [99001, "A-77", BILLED, 2125550101, "Loyalty credit", -3.5, "USD"],
    [99001, "A-77", BILLED, None, "Fibre", 1234567.891234, "USD"],
    ["Total", None, None, None, None, 1234604.641234, None],
]
_TYPES = "http://schemas.openxmlformats.org/package/2006/content-types"
_RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
_SHEET_TYPE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet"


def xlsx(path: Path) -> None:
    """Office Open XML."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = SHEET
    for row in ROWS:
        sheet.append(row)
    book.save(path)


def _record(ident: int, data: bytes = b"") -> bytes:
    head = bytes([ident & 0x7F | 0x80, ident >> 7]) if ident > 0x7F else bytes([ident])
    size, length = len(data), b""
    while size > 0x7F:
        length += bytes([size & 0x7F | 0x80])
        size >>= 7
    return head + length + bytes([size]) + data


def _wide(text: str) -> bytes:
    return struct.pack("<I", len(text)) + text.encode("utf-16-le")


def xlsb(path: Path) -> None:
    """The binary Office Open XML of Excel; its days are ISO text, since styles tell days from numbers."""
    sheets = _record(156, struct.pack("<II", 0, 1) + _wide("rId1") + _wide(SHEET))
    book = _record(131) + _record(143) + sheets + _record(144) + _record(132)
    body = _record(129) + _record(148, struct.pack("<4I", 0, len(ROWS) - 1, 0, len(HEAD) - 1)) + _record(145)
    for number, row in enumerate(ROWS):
        body += _record(0, struct.pack("<I", number) + bytes(13))
        for column, cell in enumerate(row):
            place = struct.pack("<II", column, 0)
            if isinstance(cell, int | float):
                body += _record(5, place + struct.pack("<d", cell))
            elif cell is not None:
                body += _record(6, place + _wide(str(cell)))
    body += _record(146) + _record(130)
    kind = "application/vnd.ms-excel.sheet.binary.macroEnabled.main"
    types = f'<?xml version="1.0"?><Types xmlns="{_TYPES}"><Default Extension="bin" ContentType="{kind}"/></Types>'
    target = f'<Relationship Id="rId1" Type="{_SHEET_TYPE}" Target="worksheets/sheet1.bin"/>'
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("[Content_Types].xml", types)
        archive.writestr(
            "xl/_rels/workbook.bin.rels",
            f'<?xml version="1.0"?><Relationships xmlns="{_RELATIONS}">{target}</Relationships>',
        )
        archive.writestr("xl/workbook.bin", book)
        archive.writestr("xl/worksheets/sheet1.bin", body)


def ods(path: Path) -> None:
    """OpenDocument."""
    table = "".join(f"<table:table-row>{''.join(map(_ods_cell, row))}</table:table-row>" for row in ROWS)
    names = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in ("office", "table", "text")
    )
    content = (
        f'<?xml version="1.0"?><office:document-content {names}><office:body><office:spreadsheet>'
        f'<table:table table:name="{SHEET}">{table}</table:table>'
        "</office:spreadsheet></office:body></office:document-content>"
    )
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet", zipfile.ZIP_STORED)
        archive.writestr("META-INF/manifest.xml", "<manifest/>")
        archive.writestr("content.xml", content)


def _ods_cell(cell: Cell) -> str:
    if cell is None:
        return "<table:table-cell/>"
    if isinstance(cell, date):
        said = f'office:value-type="date" office:date-value="{cell.isoformat()}"'
    elif isinstance(cell, str):
        said = 'office:value-type="string"'
    else:
        said = f'office:value-type="float" office:value="{cell!r}"'
    return f"<table:table-cell {said}><text:p>{cell}</text:p></table:table-cell>"
