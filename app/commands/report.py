"""`tem report`: documents for people: executive report, negotiation brief, dispute pack, change order, bid sheet."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from app.commands.allocate import month_option
from app.commands.contracts import day_option
from app.commands.output import existing_store, say
from app.reports import bid_comparison, bid_sheet, brief, change_order, dispute_pack, monthly, notice_letter
from app.reports.focus import csv_text
from app.reports.pdf import pdf
from app.views.selection import Filters
from core.issues import BadInput, Issue
from core.queries import spend

#: What each kind can be written as.
KINDS: dict[str, tuple[str, ...]] = {
    "executive": monthly.SUFFIXES,
    "negotiation-brief": (".pdf",),
    "dispute-pack": (".pdf",),
    "notice-letter": (".pdf",),
    "change-order": (".xlsx", ".csv"),
    "bid-sheet": (".xlsx",),
    "bids": (".xlsx",),
}


def write(path: Path, content: bytes) -> None:
    """Write a file as a whole: it appears complete or not at all.

    Raises:
        BadInput: if it cannot be written.
    """
    partial = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(content)
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise BadInput(Issue(file=str(path), message=f"cannot be written: {error.strerror}")) from error


def chosen(kind: str, out: Path, kinds: dict[str, tuple[str, ...]]) -> str:
    """The suffix of `out`, if `kind` can be written as that.

    Raises:
        BadInput: if the kind is unknown or cannot.
    """
    if kind not in kinds:
        raise BadInput(Issue(field="KIND", found=kind, expected="one of " + ", ".join(kinds)))
    suffix = out.suffix.lower()
    if kinds[kind] and suffix not in kinds[kind]:
        raise BadInput(Issue(field="--out", found=str(out), expected="a file ending in " + " or ".join(kinds[kind])))
    return suffix


def report(
    kind: Annotated[str, typer.Argument(help=", ".join(KINDS), metavar="KIND")],
    out: Annotated[Path, typer.Option(help="The file to write; its ending says the format.", metavar="FILE")],
    month: Annotated[str | None, typer.Option(help="Month of the executive report.", metavar="YYYY-MM")] = None,
    currency: Annotated[str | None, typer.Option(help="Reporting currency.", metavar="CODE")] = None,
    carrier: Annotated[str | None, typer.Option(help="One carrier.", metavar="CARRIER_ID")] = None,
    contract: Annotated[str | None, typer.Option(help="One contract.", metavar="CONTRACT_ID")] = None,
    dispute: Annotated[str | None, typer.Option(help="One dispute.", metavar="DISPUTE_ID")] = None,
    result: Annotated[str | None, typer.Option(help="The result of a change order.", metavar="RESULT_ID")] = None,
    as_of: Annotated[str | None, typer.Option(help="The day to look from, YYYY-MM-DD.", metavar="DATE")] = None,
) -> None:
    """Write a report for people; the ending of the file says the format."""
    suffix = chosen(kind, out, KINDS)
    store = existing_store()
    day = day_option(store, as_of)
    if month is not None and month_option(month) not in spend.months(store):
        raise BadInput(Issue(field="--month", found=month, message="no bill covers this month"))
    filters = Filters(month=month, currency=currency)

    def brief_pdf() -> bytes:
        if carrier is None:
            raise BadInput(Issue(field="--carrier", message="a negotiation brief needs a carrier"))
        return pdf("brief", brief.content(store, carrier, day))

    def notice_pdf() -> bytes:
        if contract is None:
            raise BadInput(Issue(field="--contract", message="a notice letter needs a contract"))
        return pdf("notice", notice_letter.content(store, contract, day))

    def change_csv() -> bytes:
        return csv_text(change_order.rows(store, result, carrier)[1], list(change_order.COLUMNS)).encode()

    makers: dict[tuple[str, str], Callable[[], bytes]] = {
        **{("executive", end): partial(monthly.monthly, store, filters, end) for end in monthly.SUFFIXES},
        ("negotiation-brief", ".pdf"): brief_pdf,
        ("dispute-pack", ".pdf"): lambda: pdf(
            "dispute", dispute_pack.content(store, day, carrier_id=carrier, dispute_id=dispute)
        ),
        ("notice-letter", ".pdf"): notice_pdf,
        ("change-order", ".xlsx"): lambda: change_order.workbook(store, result, carrier),
        ("change-order", ".csv"): change_csv,
        ("bid-sheet", ".xlsx"): lambda: bid_sheet.workbook(store, carrier),
        ("bids", ".xlsx"): lambda: bid_comparison.of_store(store),
    }
    write(out, makers[kind, suffix]())
    say(f"written to {out}")


def register(cli: typer.Typer) -> None:
    """Add the command."""
    cli.command()(report)
