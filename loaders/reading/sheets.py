"""Workbooks (XLSX, XLSB, XLS, ODS) as rows of text; runs inside the child process, see `loaders.reading.child_main`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from typing import Any

import python_calamine

MAX_ROWS = 1_048_576
MAX_CELLS = 50_000_000
_ROWS_AT_ONCE = 500


def read(path: str, argument: str, tell: Callable[[Any], None]) -> None:
    """Without `argument`: the names of the sheets. With the name of one: its rows, some at a time, as
    `[[line, cells], ...]`; a cell is text, or `[text]` where the workbook holds a number, a day or a truth value.
    """
    try:
        book = python_calamine.CalamineWorkbook.from_path(path)
        if not argument:
            tell(list(book.sheet_names))
            return
        cells = 0
        rows: list[Any] = []
        for number, values in enumerate(book.get_sheet_by_name(argument).iter_rows(), 1):
            cells += len(values)
            if number > MAX_ROWS or cells > MAX_CELLS:
                tell(
                    {"refused": f"the sheet {argument} is larger than {MAX_CELLS} cells", "expected": "a smaller sheet"}
                )
                return
            shown = [value if isinstance(value, str) else _typed(value) for value in values]
            if any(shown):
                rows.append([number, shown])
            if len(rows) >= _ROWS_AT_ONCE:
                tell(rows)
                rows = []
        tell(rows)
    except (python_calamine.CalamineError, OSError, ValueError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        tell({"refused": f"cannot be read: {reason}", "expected": "a complete file"})


def _typed(value: Any) -> str | list[str]:
    text = cell_text(value)
    return [text] if text else ""


def cell_text(value: Any) -> str:
    """A typed cell as the text a CSV would hold."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        if value.is_integer() and abs(value) < 1e15:
            return str(int(value))
        text = repr(value)
        return f"{value:.12f}".rstrip("0") if "e-" in text else text
    if isinstance(value, datetime):
        return value.date().isoformat() if value.tzinfo is None and value.time() == time() else value.isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, timedelta):
        return str(int(value.total_seconds()))
    return str(value)
