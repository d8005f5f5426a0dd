"""The empty contract template, as YAML text or as a workbook."""

from __future__ import annotations

import io
from collections.abc import Collection
from typing import Any

import xlsxwriter

from loaders.feeds.rate_card_columns import ABOUT, COLUMNS, NEEDED, SECTIONS, choices
from loaders.feeds.rate_cards import MARK

_YAML_INTRO = f"""# {MARK}: fill in and load with `tem load FILE`; delete what you do not need.
# Dates are YYYY-MM-DD, numbers plain (1200.50), shares 0.1 or 10%. Blank means unknown.
# Lines marked * are needed. Tiers and rates may stand inside their contract, or under `tiers:` and `rates:`.
"""


def yaml_text() -> str:
    """The template as YAML: every column is there as a comment with its meaning, no row is filled."""
    parts = [_YAML_INTRO]
    for section in SECTIONS:
        parts.append(f"\n# {ABOUT[section]}\n{section}:\n")
        for number, (name, words) in enumerate(COLUMNS[section].items()):
            mark = "*" if name in NEEDED[section] else " "
            lead = "  # - " if number == 0 else "  #   "
            parts.append(f"{lead + name + ':':34}#{mark} {words}\n")
    return "".join(parts)


def workbook() -> bytes:
    """The template as a workbook: a page that explains, and a sheet per section with notes and lists of choices."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True})
    bold, wrap = (book.add_format(form) for form in ({"bold": True}, {"text_wrap": True, "valign": "top"}))
    about = book.add_worksheet("About")
    about.set_column(0, 1, 24, wrap)
    about.set_column(2, 2, 90, wrap)
    about.write(0, 0, f"{MARK}: fill in the sheets and load the file with `tem load FILE`", bold)
    about.write(1, 0, "Yellow columns are needed. Dates as dates, shares as 0.1 or 10%. Blank means unknown.")
    row = 3
    for section in SECTIONS:
        about.write_row(row, 0, [section.capitalize(), "", ABOUT[section]], bold)
        row += 1
        for name, words in COLUMNS[section].items():
            about.write_row(row, 0, ["", name, words])
            row += 1
        add_sheet(book, section)
        row += 1
    book.close()
    return out.getvalue()


def add_sheet(book: Any, section: str, left_out: Collection[str] = ()) -> Any:
    """Add the empty sheet of a section to a workbook: notes on the headings, lists of choices, needed columns yellow.

    `left_out`: columns that the sheet does not ask for. Returns the worksheet; rows start at 1.
    """
    bold, needed = (book.add_format(form) for form in ({"bold": True}, {"bold": True, "bg_color": "#FFF2CC"}))
    sheet = book.add_worksheet(section.capitalize())
    sheet.freeze_panes(1, 0)
    asked = {name: words for name, words in COLUMNS[section].items() if name not in left_out}
    for place, (name, words) in enumerate(asked.items()):
        sheet.write(0, place, name, needed if name in NEEDED[section] else bold)
        sheet.write_comment(0, place, words)
        sheet.set_column(place, place, max(12, len(name) + 2))
        allowed = choices(section, name)
        if allowed and len(", ".join(allowed)) <= 255:
            sheet.data_validation(1, place, 5000, place, {"validate": "list", "source": list(allowed)})
    return sheet


def template_of(kind: str, suffix: str) -> bytes:
    """The empty template of a kind (contracts) as `.xlsx`, `.yaml` or `.yml`.

    Raises:
        KeyError: for another kind.
    """
    return {"contracts": workbook() if suffix == ".xlsx" else yaml_text().encode()}[kind]
