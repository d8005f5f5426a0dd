"""`tem forecast`: what the coming months and the year will cost, against the budget, with the replayed error."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from app import formats
from app.commands.output import document, existing_store, say
from app.views import forecast as outlook
from app.views.selection import Filters
from core import periods
from core.issues import BadInput, Issue
from core.money import minor_places, to_rounded_text


def forecast(
    month: Annotated[
        str | None, typer.Option(help="The newest month to look at; default: the newest complete one.", metavar="MONTH")
    ] = None,
    currency: Annotated[str | None, typer.Option(help="Reporting currency.", metavar="CODE")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """The months ahead with their range, the year at completion, the budget, and how far such forecasts were off."""
    if month is not None:
        try:
            month = periods.parse_month(month)
        except ValueError as error:
            raise BadInput(Issue(field="--month", found=month, expected=str(error))) from error
    store = existing_store()
    there = outlook.choices(store)
    if there.empty:
        raise BadInput(Issue(message="no bill has been loaded; run tem load first"))
    if month is not None and month not in there.months:
        raise BadInput(
            Issue(field="--month", found=month, expected=f"a month with bills, {there.months[0]} to {there.months[-1]}")
        )
    data = outlook.view(store, Filters(month=month, currency=currency))
    if as_json:
        document(_document(data))
        return
    for item in data.ahead:
        reach = "" if item.low is None else f"  {_text(item.low, data)} to {_text(item.high, data)}"
        print(f"{item.month}  {_text(item.expected, data):>14} {data.currency}{reach}")
    print(f"{data.title}. {data.sentence}")
    for row in data.replays.itertuples(index=False):
        if not formats.missing(row.one):
            print(f"{row.title:38} off by {row.one * 100:.1f} % a month ahead")
    if data.note:
        say(data.note)


def _text(micros: Any, data: outlook.Outlook) -> str | None:
    places = minor_places(data.currency) if data.currency else 2
    return None if formats.missing(micros) else to_rounded_text(int(micros), places)


def _document(data: outlook.Outlook) -> dict[str, Any]:
    figures = ("so_far", "ahead", "year", "budget", "difference")
    return {
        "month": data.month,
        "currency": data.currency,
        "title": data.title,
        "ahead": [
            {"month": item.month, **{name: _text(getattr(item, name), data) for name in ("expected", "low", "high")}}
            for item in data.ahead
        ],
        "carriers": [
            {"name": row["name"], **{name: _text(row[name], data) for name in figures}}
            for row in data.carriers.to_dict("records")
        ],
        "replays": data.replays.astype(object).where(data.replays.notna(), None).to_dict("records"),
        "used": data.used.to_dict("records"),
        "note": data.note,
    }


def register(cli: typer.Typer) -> None:
    """Add the command."""
    cli.command()(forecast)
