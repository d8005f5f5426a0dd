"""`tem allocate`: a month's invoices on cost centers, to the cent."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Annotated, Any

import typer

from app.commands.output import document, existing_store, say
from audit.allocation import COLUMNS
from audit.allocation import allocate as run
from audit.allocation_rules import read_rules
from core import periods
from core.issues import BadInput, Issue


def write_csv(path: Path, rows: list[dict[str, Any]], names: list[str]) -> None:
    """Rows as a CSV file with a header, LF line ends.

    Raises:
        BadInput: if the file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", encoding="utf-8", newline="") as out:
            writer = csv.DictWriter(out, names, lineterminator="\n", extrasaction="ignore")
            writer.writeheader()
            writer.writerows(rows)
    except OSError as error:
        raise BadInput(Issue(file=str(path), message=f"cannot be written: {error.strerror}")) from error


def month_option(text: str) -> str:
    """A month given on the command line.

    Raises:
        BadInput: if it is none.
    """
    try:
        return periods.parse_month(text)
    except ValueError as error:
        raise BadInput(Issue(field="--month", found=text, expected=str(error))) from error


def allocate(
    rules: Annotated[Path, typer.Argument(help="The rules file.", metavar="RULES.yaml")],
    month: Annotated[str, typer.Option(help="Month of the invoices' period_start.", metavar="YYYY-MM")],
    pool: Annotated[
        str | None,
        typer.Option(help="How pool rules weigh: proportional, lines, marginal or shapley.", metavar="METHOD"),
    ] = None,
    close: Annotated[bool, typer.Option("--close", help="Close the month: it stays as it is now.")] = False,
    out: Annotated[Path | None, typer.Option(help="Write the CSV files into this folder.", metavar="DIR")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Allocate a month's charges to cost centers by rules, with the journal; the difference is 0."""
    store = existing_store()
    chosen = read_rules(rules, store, pool_method=pool)
    found = run(store, chosen, month_option(month), close=close)
    if out is not None:
        for name, columns in COLUMNS.items():
            write_csv(out / f"{name}.csv", found[name], columns)
        say(f"written to {out}")
    if as_json:
        document(found)
        return
    for row in found["currencies"]:
        print(
            f"{found['month']} {found['status']}: invoiced {row['invoiced']} {row['currency'] or ''}, allocated "
            f"{row['allocated']}, without a charge {row['unallocated']}, on the fallback {row['fallback']}, "
            f"difference {row['difference']}"
        )
    for row in found["by_cost_center"]:
        print(f"{row['cost_center_id']:24} {row['amount']:>14} {row['currency'] or ''}")


def register(cli: typer.Typer) -> None:
    """Add the command."""
    cli.command()(allocate)
