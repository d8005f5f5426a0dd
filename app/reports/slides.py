"""The executive report as slides: real charts and tables that can be edited, one message to a slide."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import Any

from pptx import Presentation
from pptx.chart.data import CategoryChartData
from pptx.dml.color import RGBColor
from pptx.enum.chart import XL_CHART_TYPE, XL_LABEL_POSITION, XL_LEGEND_POSITION
from pptx.enum.text import MSO_ANCHOR, PP_ALIGN
from pptx.util import Emu, Inches, Pt

from app.reports import executive
from app.views.selection import Filters
from core.store import Store

INK, QUIET, PAPER = RGBColor(0x20, 0x24, 0x2A), RGBColor(0x6B, 0x67, 0x57), RGBColor(0xF4, 0xF3, 0xEF)
SERIES = tuple(RGBColor.from_string(c) for c in ("1F4E79", "4F86B5", "9DBBD6", "C9C4B5", "8A8574", "5D6B78"))
TONES = {"good": RGBColor(0x2E, 0x7D, 0x5B), "bad": RGBColor(0xB2, 0x3A, 0x2E), "warn": RGBColor(0xB8, 0x7A, 0x12)}
FONT = "Inter"
_ROWS = 10


def slides(store: Store, filters: Filters | None = None) -> bytes:
    """A PPTX of 16:9 slides from :func:`app.reports.executive.content`."""
    page = executive.content(store, filters)
    deck = Presentation()
    deck.slide_width, deck.slide_height = Inches(13.333), Inches(7.5)
    _first(deck, page)
    _trend(deck, page)
    if page["steps"]:
        _why(deck, page)
    if any(row["size"] for row in page["ladder"]):
        _ladder(deck, page)
    for title, head, rows, widths in (
        ("What to do next", ("What", "Why", "Saving", "Confidence"), page["actions"], (3.2, 5.2, 2.0, 1.6)),
        (
            "Contracts that need a decision, by date",
            ("Contract", "State", "Notice by", "Term ends", "Leaving now costs", "12-month spend"),
            page["contracts"],
            (3.4, 2.0, 1.6, 1.6, 1.7, 1.7),
        ),
        (
            "What is wrong on the bills",
            ("Rule", "What it means", "Findings", "Money counted", "Open"),
            page["findings"],
            (1.2, 6.0, 1.4, 1.8, 1.6),
        ),
    ):
        for start in range(0, len(rows), _ROWS):
            more = "" if len(rows) <= _ROWS else f" ({start // _ROWS + 1} of {-(-len(rows) // _ROWS)})"
            _table(deck, page, title + more, head, rows[start : start + _ROWS], widths)
    _notes(deck, page)
    deck.core_properties.author, deck.core_properties.title = "OpenTEM", page["title"]
    fixed = datetime(2000, 1, 1, tzinfo=UTC).replace(tzinfo=None)
    deck.core_properties.created = deck.core_properties.modified = fixed
    out = io.BytesIO()
    deck.save(out)
    return out.getvalue()


def _text(
    slide: Any, x: float, y: float, w: float, h: float, text: str, size: float, *, bold: bool = False, color: Any = INK
) -> Any:
    box = slide.shapes.add_textbox(Inches(x), Inches(y), Inches(w), Inches(h))
    frame = box.text_frame
    frame.word_wrap = True
    frame.margin_left = frame.margin_right = frame.margin_top = frame.margin_bottom = Emu(0)
    run = frame.paragraphs[0].add_run()
    run.text, run.font.size, run.font.bold, run.font.name = text, Pt(size), bold, FONT
    run.font.color.rgb = color
    return box


def _slide(deck: Any, page: dict[str, Any], title: str) -> Any:
    slide = deck.slides.add_slide(deck.slide_layouts[6])
    _text(slide, 0.6, 0.45, 12.1, 0.8, title, 24, bold=True)
    _text(slide, 0.6, 7.05, 11.0, 0.3, f"{page['kind']} · {page['foot']}", 9, color=QUIET)
    _text(slide, 12.2, 7.05, 0.6, 0.3, str(len(deck.slides)), 9, color=QUIET)
    return slide


def _first(deck: Any, page: dict[str, Any]) -> None:
    slide = deck.slides.add_slide(deck.slide_layouts[6])
    _text(slide, 0.6, 0.9, 12.0, 0.4, page["kind"].upper(), 12, bold=True, color=QUIET)
    _text(slide, 0.6, 1.4, 12.0, 1.2, page["title"], 34, bold=True)
    _text(slide, 0.6, 2.75, 11.5, 1.0, page["sentence"], 16, color=QUIET)
    _kpis(slide, page["kpis"], 3.85)
    _kpis(slide, page["year"], 5.4)
    _text(slide, 0.6, 7.05, 11.0, 0.3, page["foot"], 9, color=QUIET)


def _kpis(slide: Any, items: list[dict[str, Any]], top: float) -> None:
    """A row of figures, `top` inches from the upper edge."""
    count = max(len(items), 1)
    width = (12.1 - 0.2 * (count - 1)) / count
    for n, kpi in enumerate(items):
        left = 0.6 + n * (width + 0.2)
        card = slide.shapes.add_shape(1, Inches(left), Inches(top), Inches(width), Inches(1.4))
        card.fill.solid()
        card.fill.fore_color.rgb = PAPER
        card.line.fill.background()
        card.shadow.inherit = False
        _text(slide, left + 0.15, top + 0.1, width - 0.3, 0.3, kpi["label"], 11, color=QUIET)
        _text(slide, left + 0.15, top + 0.4, width - 0.3, 0.5, kpi["value"], 22, bold=True)
        if kpi["delta"]:
            tone = TONES.get(kpi["tone"], QUIET)
            _text(slide, left + 0.15, top + 0.95, width - 0.3, 0.4, kpi["delta"], 10.5, color=tone)


def _style(chart: Any, *, legend: bool) -> None:
    chart.font.size, chart.font.name, chart.font.color.rgb = Pt(11), FONT, QUIET
    chart.has_legend = legend
    if legend:
        chart.legend.position, chart.legend.include_in_layout = XL_LEGEND_POSITION.BOTTOM, False
    chart.value_axis.has_major_gridlines = False
    chart.value_axis.visible = False
    chart.category_axis.format.line.color.rgb = QUIET


def _trend(deck: Any, page: dict[str, Any]) -> None:
    slide = _slide(deck, page, page["trend_title"])
    data = CategoryChartData(number_format="#,##0")
    data.categories = page["trend"]["labels"]
    for name, values in zip(page["trend"]["names"], page["trend"]["values"], strict=True):
        data.add_series(name, values)
    frame = slide.shapes.add_chart(
        XL_CHART_TYPE.COLUMN_STACKED, Inches(0.5), Inches(1.5), Inches(12.3), Inches(5.3), data
    )
    chart = frame.chart
    _style(chart, legend=True)
    chart.value_axis.visible = True
    chart.value_axis.tick_labels.number_format, chart.value_axis.tick_labels.number_format_is_linked = "#,##0", False
    chart.plots[0].gap_width = 45
    for n, series in enumerate(chart.plots[0].series):
        series.format.fill.solid()
        series.format.fill.fore_color.rgb = SERIES[n % len(SERIES)]
    _text(slide, 0.6, 1.15, 12.0, 0.3, f"All charges of the month of use, {page['currency']}", 11, color=QUIET)


def _why(deck: Any, page: dict[str, Any]) -> None:
    slide = _slide(deck, page, page["steps_title"])
    _text(slide, 0.6, 1.15, 12.0, 0.3, page["sentence"], 12, color=QUIET)
    data = CategoryChartData(number_format="0.00")
    data.categories = [step["label"] for step in page["steps"]]
    data.add_series("base", [step["low"] for step in page["steps"]])
    data.add_series("step", [step["high"] - step["low"] for step in page["steps"]])
    room = max((step["high"] for step in page["steps"]), default=0) * 0.06
    data.add_series("label", [room for _ in page["steps"]])  # unseen: a step may be too thin to hold its own label
    frame = slide.shapes.add_chart(
        XL_CHART_TYPE.COLUMN_STACKED, Inches(0.5), Inches(1.6), Inches(12.3), Inches(5.2), data
    )
    chart = frame.chart
    _style(chart, legend=False)
    plot = chart.plots[0]
    plot.gap_width = 40
    plot.series[0].format.fill.background()
    plot.series[2].format.fill.background()
    for n, step in enumerate(page["steps"]):
        point = plot.series[1].points[n]
        point.format.fill.solid()
        color = {"total": SERIES[0], "down": TONES["good"], "none": QUIET}.get(step["kind"], TONES["bad"])
        point.format.fill.fore_color.rgb = color
        label = plot.series[2].points[n].data_label
        label.has_text_frame = True
        label.text_frame.text = step["text"]
        run = label.text_frame.paragraphs[0].runs[0]
        run.font.size, run.font.bold, run.font.name = Pt(11), True, FONT
        run.font.color.rgb = INK
        label.position = XL_LABEL_POSITION.INSIDE_BASE


def _ladder(deck: Any, page: dict[str, Any]) -> None:
    slide = _slide(deck, page, "Savings: where each stands")
    data = CategoryChartData(number_format="#,##0")
    data.categories = [row["label"] for row in reversed(page["ladder"])]
    data.add_series(f"Savings in {page['currency']}", [row["size"] for row in reversed(page["ladder"])])
    frame = slide.shapes.add_chart(
        XL_CHART_TYPE.BAR_CLUSTERED, Inches(0.5), Inches(1.4), Inches(12.3), Inches(4.6), data
    )
    chart = frame.chart
    _style(chart, legend=False)
    plot = chart.plots[0]
    plot.gap_width = 55
    plot.series[0].format.fill.solid()
    plot.series[0].format.fill.fore_color.rgb = TONES["good"]
    plot.has_data_labels = True
    plot.data_labels.number_format, plot.data_labels.number_format_is_linked = "#,##0", False
    plot.data_labels.font.size, plot.data_labels.font.bold = Pt(12), True
    _text(slide, 0.6, 6.2, 12.0, 0.4, page["ladder_note"], 11, color=QUIET)


def _table(deck: Any, page: dict[str, Any], title: str, head: Any, rows: list[list[str]], widths: Any) -> None:
    slide = _slide(deck, page, title)
    shape = slide.shapes.add_table(
        len(rows) + 1, len(head), Inches(0.6), Inches(1.45), Inches(sum(widths)), Inches(0.4 * (len(rows) + 1))
    )
    table = shape.table
    for column, width in enumerate(widths):
        table.columns[column].width = Inches(width)
    numeric = {"Saving", "Leaving now costs", "12-month spend", "Findings", "Money counted", "Open"}
    for r, cells in enumerate([list(head), *rows]):
        for column, value in enumerate(cells):
            cell = table.cell(r, column)
            cell.fill.solid()
            cell.fill.fore_color.rgb = PAPER if r == 0 else RGBColor(255, 255, 255)
            cell.vertical_anchor = MSO_ANCHOR.MIDDLE
            cell.margin_top = cell.margin_bottom = Inches(0.04)
            paragraph = cell.text_frame.paragraphs[0]
            paragraph.alignment = PP_ALIGN.RIGHT if head[column] in numeric else PP_ALIGN.LEFT
            run = paragraph.add_run()
            run.text, run.font.size, run.font.name, run.font.bold = str(value), Pt(11), FONT, r == 0
            run.font.color.rgb = QUIET if r == 0 else INK


def _notes(deck: Any, page: dict[str, Any]) -> None:
    slide = _slide(deck, page, "How these figures are made")
    for n, note in enumerate(page["notes"]):
        _text(slide, 0.6, 1.5 + 0.9 * n, 12.0, 0.8, note, 14)
