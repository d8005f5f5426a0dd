"""The comparison of bids as a workbook: total cost, months, award, what if, scorecard; amounts as numbers."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pandas as pd
import xlsxwriter

from app.views import bids
from app.views.bids import Bids
from app.views.selection import Filters
from core.issues import BadInput, Issue
from core.money import SCALE
from core.store import Store

_FONT = {"font_name": "Arial", "font_size": 10}


def of_store(store: Store) -> bytes:
    """The workbook of the comparison that is kept.

    Raises:
        BadInput: if it has not been computed on today's data.
    """
    data = bids.view(store, Filters())
    if not data.done:
        hint = "compare them on the page Offers, or with `tem worth SCENARIO --study bids --out FILE.xlsx`"
        raise BadInput(Issue(message="the bids have not been compared on today's data", hint=hint))
    return workbook(data)


def workbook(data: Bids) -> bytes:
    """XLSX with the sheets Summary, Total cost, By month, Bids, Award, What if, Scorecard; same data, same bytes."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    book.set_properties({"title": "Bids", "author": "OpenTEM", "created": datetime(2000, 1, 1)})  # noqa: DTZ001
    writer = _Writer(book)
    names = {str(key): bids.label(str(key)) for key in data.rows["key"]}
    over = f"{data.currency or ''} over {data.settings.term} months".strip()
    writer.lines("Summary", [data.title, data.sentence, "", data.award_told, data.case_told, "", *data.notes])
    rows = {
        "bid": "Bid", "total": f"Total, {over}", "npv": "Present value", "saving": "Below today",
        "against_stay": "Below staying", "gap": "Still open", "moved": "Change carrier", "lines": "On the bid",
    }  # fmt: skip
    writer.table("Total cost", data.rows, rows)
    writer.table("Total cost", data.parts, {"part": f"Part, {over}", **names}, below=True)
    months = data.months.assign(month=[str(n) for n in range(1, len(data.months) + 1)])
    writer.table("By month", months, {"month": "Month", **names})
    terms = {
        "bid": "Bid", "carrier": "Carrier", "term": "Months", "commitment": "Commitment a month",
        "spend": "Spend a month under it", "missed": "Missed with probability", "activation_fee": "Activation a line",
        "port_credit": "Credit a line", "signing_credit": "For signing", "valid_until": "Valid until", "note": "Note",
    }  # fmt: skip
    writer.table("Bids", data.terms, terms)
    units = {
        "bid": "Unit prices a month", "per_line": "Estate, a line", "per_gb": "Estate, a GB used",
        "bid_per_line": "Its lines, a line", "bid_per_gb": "Its lines, a GB used", "sheet": "Price sheet, a line",
    }  # fmt: skip
    writer.table("Bids", data.units, units, below=True)
    for name, frame in data.moves.items():
        writer.table("Bids", frame, {"plan": f"Lines on plans of {name}", "lines": "Lines"}, below=True)
    shares = {"carrier": "Carrier", "bid": "Bid", "lines": "Lines", "on_offer": "On the bid", "cost": "Cost a month"}
    writer.table("Award", data.shares, shares)
    tried = {"offers": "Accepted", "total": f"Total, {over}", "more": "More than the award", "gap": "Still open"}
    writer.table("Award", data.tried, tried, below=True)
    rules = pd.DataFrame({"rule": list(data.rules), "price": list(data.rules.values())})
    writer.table("Award", rules, {"rule": "Rule", "price": "What it costs"}, below=True)
    offers = {name: name for name in data.settings.offers if name in data.cases}
    writer.table("What if", data.cases, {"case": f"Case, {over}", **offers, "stay": "Stay", "first": "Cheapest bid"})
    _scorecard(writer, data)
    book.close()
    return out.getvalue()


def _scorecard(writer: _Writer, data: Bids) -> None:
    if data.card is None:
        return
    weights = {"Cost": data.card["cost_weight"], **data.card["weights"]}
    rows: list[list[Any]] = [["Weight", *weights.values(), None]]
    for row in data.card["rows"]:
        rows.append([row["offer_id"], row["cost_score"], *row["scores"].values(), row["result"]])
    writer.plain("Scorecard", ["Bid", *weights, "Result of 10"], rows)
    writer.lines("Scorecard", [f"Cost score = {data.card['formula']}; a score that is not given counts 0."], below=True)
    cases = data.card["sensitivity"]
    if cases:
        offers = list(cases[0]["results"])
        found = [[case["cost_share"], *(case["results"][o] for o in offers), case["winner"]] for case in cases]
        writer.plain("Scorecard", ["Share of cost in all weight", *offers, "Winner"], found, below=True)


class _Writer:
    """Writes tables below each other on named sheets."""

    def __init__(self, book: Any) -> None:
        self.book = book
        self.rows: dict[str, int] = {}
        self.head = book.add_format({**_FONT, "bold": True, "bottom": 1, "bg_color": "#F4F3EF", "text_wrap": True})
        self.text = book.add_format(_FONT)
        self.money = book.add_format({**_FONT, "num_format": "#,##0.00;[Red]-#,##0.00"})
        self.number = book.add_format({**_FONT, "num_format": "#,##0.####"})

    def table(self, sheet: str, frame: pd.DataFrame, columns: dict[str, str], *, below: bool = False) -> None:
        """The named columns of a frame; columns of whole numbers above a million's scale are micros."""
        there = {name: words for name, words in columns.items() if name in frame.columns}
        cells = [
            [_cell(name, value) for name, value in zip(there, row, strict=True)]
            for row in frame[list(there)].itertuples(index=False, name=None)
        ]
        self.plain(sheet, list(there.values()), cells, below=below)

    def plain(self, sheet: str, head: Sequence[str], rows: Sequence[Sequence[Any]], *, below: bool = False) -> None:
        """A table of texts, counts (int) and other numbers; amounts are :class:`_Money`."""
        page, at = self._page(sheet, below)
        for column, words in enumerate(head):
            page.write_string(at, column, words, self.head)
        for n, row in enumerate(rows, start=at + 1):
            for column, value in enumerate(row):
                if isinstance(value, str):
                    page.write_string(n, column, value, self.text)
                elif isinstance(value, _Money):
                    page.write_number(n, column, float(value), self.money)
                elif value is not None:
                    page.write_number(n, column, float(value), self.number)
        self.rows[sheet] = at + len(rows) + 2

    def lines(self, sheet: str, lines: Sequence[str], *, below: bool = False) -> None:
        """Sentences, one in each row."""
        page, at = self._page(sheet, below)
        for n, line in enumerate(lines):
            page.write_string(at + n, 0, line, self.text)
        self.rows[sheet] = at + len(lines) + 1

    def _page(self, name: str, below: bool) -> tuple[Any, int]:
        page = self.book.get_worksheet_by_name(name)
        if page is None:
            page = self.book.add_worksheet(name)
            page.set_column(0, 0, 38)
            page.set_column(1, 14, 18)
        return page, self.rows.get(name, 0) if below else 0


class _Money(float):
    """An amount of currency."""


_COUNTS = ("lines", "moved", "on_offer", "term")


def _cell(name: str, value: Any) -> Any:
    """A cell of a view's frame: micros as an amount, counts and shares as they are."""
    if pd.isna(value):
        return None
    if isinstance(value, str) or name == "missed":
        return value
    return int(value) if name in _COUNTS else _Money(int(value) / SCALE)
