"""The executive pack as a workbook: every table behind the report, amounts as numbers, one currency named per row."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import xlsxwriter

from app.reports import executive
from app.views.selection import Filters
from audit import disputes, savings
from core import findings, periods
from core.contract_register import contract_register, plain
from core.money import to_decimal
from core.queries import spend
from core.store import Store

Sheet = tuple[str, Sequence[str], list[list[Any]], Sequence[int]]


def workbook(store: Store, filters: Filters | None = None) -> bytes:
    """XLSX with the sheets Summary, Spend, Findings, Savings, Disputes, Contracts, Method; same store, same bytes."""
    page = executive.content(store, filters)
    day = periods.month_end(page["month"])
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    book.set_properties({"title": page["title"], "author": "OpenTEM", "created": datetime(2000, 1, 1)})  # noqa: DTZ001
    styles = {
        "title": book.add_format({"font_name": "Arial", "font_size": 15, "bold": True}),
        "quiet": book.add_format({"font_name": "Arial", "font_size": 10, "font_color": "#6B6757"}),
        "head": book.add_format(
            {"font_name": "Arial", "font_size": 10, "bold": True, "bottom": 1, "bg_color": "#F4F3EF"}
        ),
        "text": book.add_format({"font_name": "Arial", "font_size": 10}),
        "money": book.add_format({"font_name": "Arial", "font_size": 10, "num_format": "#,##0.00;[Red]-#,##0.00"}),
        "big": book.add_format({"font_name": "Arial", "font_size": 12, "bold": True}),
    }
    _summary(book.add_worksheet("Summary"), page, styles)
    for name, head, rows, widths in (
        _spend(store),
        _findings(store),
        _savings(store, day),
        _disputes(store, day),
        _contracts(store, day),
    ):
        _table(book.add_worksheet(name), head, rows, widths, styles)
    method = book.add_worksheet("Method")
    method.set_column(0, 0, 130)
    for n, note in enumerate(page["notes"]):
        method.write_string(n, 0, note, styles["text"])
    book.close()
    return out.getvalue()


def _summary(sheet: Any, page: dict[str, Any], styles: dict[str, Any]) -> None:
    sheet.hide_gridlines(2)
    sheet.set_column(0, 0, 34)
    sheet.set_column(1, 3, 30)
    sheet.write_string(0, 0, page["title"], styles["title"])
    sheet.write_string(1, 0, page["sentence"], styles["quiet"])
    row = 3
    for kpi in (*page["kpis"], *page["year"]):
        sheet.write_string(row, 0, kpi["label"], styles["text"])
        sheet.write_string(row, 1, kpi["value"], styles["big"])
        sheet.write_string(row, 2, kpi["delta"] or "", styles["quiet"])
        row += 1
    row += 1
    for n, head in enumerate(("What to do next", "Why", "Saving", "Confidence")):
        sheet.write_string(row, n, head, styles["head"])
    for action in page["actions"]:
        row += 1
        for n, cell in enumerate(action):
            sheet.write_string(row, n, str(cell), styles["text"])


def _table(
    sheet: Any, head: Sequence[str], rows: list[list[Any]], widths: Sequence[int], styles: dict[str, Any]
) -> None:
    for column, name in enumerate(head):
        sheet.write_string(0, column, name, styles["head"])
        sheet.set_column(column, column, widths[column] if column < len(widths) else 14)
    for n, row in enumerate(rows, start=1):
        for column, value in enumerate(row):
            if value is None:
                continue
            if isinstance(value, str):
                sheet.write_string(n, column, value, styles["text"])
            elif isinstance(value, bool):
                sheet.write_string(n, column, "yes" if value else "no", styles["text"])
            elif isinstance(value, int):
                sheet.write_number(n, column, value, styles["text"])
            else:
                sheet.write_number(n, column, value, styles["money"])
    sheet.freeze_panes(1, 0)
    sheet.autofilter(0, 0, max(len(rows), 1), len(head) - 1)


def _amount(value: Any) -> Any:
    return None if value is None else to_decimal(value)


def _spend(store: Store) -> Sheet:
    frame = spend.spend(store, by=("month", "carrier_id", "category"))
    rows = [
        [
            row.month,
            plain(row.carrier_id),
            row.category,
            plain(row.currency),
            _amount(int(row.amount)),
            int(row.charges),
        ]
        for row in frame.itertuples(index=False)
    ]
    return "Spend", ("month", "carrier_id", "category", "currency", "amount", "charges"), rows, (10, 16, 14, 10, 16, 10)


def _findings(store: Store) -> Sheet:
    names = ("finding_id", "queue", "rule", "month", "service_id", "account_id", "carrier_id", "claim", "severity")
    rest = ("state", "file_by", "explanation")
    rows = []
    for raw in findings.load(store).to_dict("records"):
        row = {str(k): plain(v) for k, v in raw.items()}
        money = [_amount(row["amount_at_stake"]), _amount(row["amount_counted"]), row["currency"]]
        rows.append([*(row[n] for n in names), *money, *(row[n] for n in rest)])
    head = (*names, "amount_at_stake", "amount_counted", "currency", *rest)
    return "Findings", head, rows, (22, 9, 16, 9, 12, 14, 12, 13, 9, 14, 14, 9, 11, 11, 90)


def _savings(store: Store, day: str) -> Sheet:
    names = ("saving_id", "stage", "kind", "title", "carrier_id", "currency")
    rows = [
        [*(getattr(item, n) for n in names), _amount(item.amount), len(item.finding_ids)]
        for item in savings.lines(store, day)
    ]
    return "Savings", (*names, "amount", "findings"), rows, (16, 12, 11, 40, 14, 9, 16, 9)


def _disputes(store: Store, day: str) -> Sheet:
    rows = []
    for item in disputes.disputes(store, day):
        money = [_amount(item.billed), _amount(item.disputed), _amount(item.credited), item.currency]
        dates = [item.filed_on, item.file_by, item.withhold_by, item.may_file(day)]
        rows.append([item.dispute_id, item.state, item.carrier_id, item.account_id, item.invoice_id, *money, *dates])
    head = (
        "dispute_id",
        "state",
        "carrier_id",
        "account_id",
        "invoice_id",
        "billed",
        "disputed",
        "credited",
        "currency",
    )
    dates_head = ("filed_on", "file_by", "withhold_by", "may_file")
    return "Disputes", (*head, *dates_head), rows, (16, 11, 14, 14, 24, 14, 14, 14, 9, 11, 11, 11, 9)


def _contracts(store: Store, day: str) -> Sheet:
    names = ("contract_id", "name", "carrier_id", "state", "start_date", "term_end", "notice_by", "notice_state")
    later = ("next_notice_by", "earliest_exit", "days_to_notice")
    rows = [
        [*(row[n] for n in (*names, *later)), float(row["etf"]["amount"]), row["etf"]["currency"], len(row["services"])]
        for row in contract_register(store, day)
    ]
    return (
        "Contracts",
        (*names, *later, "etf", "currency", "services"),
        rows,
        (16, 32, 13, 15, 11, 11, 11, 11, 11, 11, 9, 14),
    )
