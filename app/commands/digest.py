"""`tem digest`: one message about a month instead of many alerts, as a file or by e-mail."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from app import mail
from app.commands.output import document, existing_store, say
from app.reports import digest as report
from core import periods
from core.issues import BadInput, Issue
from core.settings import settings


def digest(
    month: Annotated[
        str | None, typer.Option(help="The month; default: the newest complete one.", metavar="YYYY-MM")
    ] = None,
    as_of: Annotated[str | None, typer.Option(help="Day of the early warnings.", metavar="DATE")] = None,
    since: Annotated[str | None, typer.Option(help="Only warnings first true since this day.", metavar="DATE")] = None,
    top: Annotated[int, typer.Option(help="Items a section.", min=1, max=200)] = 8,
    out: Annotated[Path | None, typer.Option(help="Write .txt, .html or .eml.", metavar="FILE")] = None,
    send: Annotated[bool, typer.Option("--send", help="Send it through the mail server of the settings.")] = False,
    to: Annotated[str | None, typer.Option(help="Recipients; default: TEM_DIGEST_TO.", metavar="ADDRESSES")] = None,
    skip_empty: Annotated[
        bool, typer.Option("--skip-empty", help="Send nothing when there is nothing to tell.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """One message: warnings, missing bills, policy, unusual line-months, spend that moved, data to check."""
    _check(month, as_of, since)
    held = settings()
    recipients = mail.recipients_of(to or held.digest_to) if send or to else []
    made = report.build(existing_store(), month=month, as_of=as_of, since=since, top=top)
    if out is not None:
        _write(out, made, held.smtp_from, recipients)
    if send and not (skip_empty and made.empty):
        refused = mail.send(report.as_message(made, held.smtp_from, recipients), held)
        for who, reason in refused.items():
            say(f"refused by the mail server: {who}: {reason}")
        say(f"sent to {len(recipients) - len(refused)} of {len(recipients)}: {made.subject}")
    if as_json:
        document(made.to_json())
    elif out is None and not send:
        print(report.as_text(made), end="")


def _check(month: str | None, as_of: str | None, since: str | None) -> None:
    problems = []
    days = (("--as-of", as_of, periods.parse_day), ("--since", since, periods.parse_day))
    asked = (("--month", month, periods.parse_month), *days)
    for name, text, parse in asked:
        if text is not None:
            try:
                parse(text)
            except ValueError as error:
                problems.append(Issue(field=name, found=text, expected=str(error)))
    if problems:
        raise BadInput(problems)


def _write(path: Path, made: report.Digest, sender: str, recipients: list[str]) -> None:
    makers = {
        ".txt": lambda: report.as_text(made).encode(),
        ".html": lambda: report.as_html(made).encode(),
        ".eml": lambda: report.as_message(made, sender, recipients or [sender]).as_bytes(),
    }
    if path.suffix.lower() not in makers:
        raise BadInput(Issue(field="--out", found=path.name, expected="a name that ends in .txt, .html or .eml"))
    try:
        path.write_bytes(makers[path.suffix.lower()]())
    except OSError as error:
        raise BadInput(Issue(file=str(path), message=f"cannot be written: {error.strerror}")) from error
    say(f"digest written to {path}")


def register(cli: typer.Typer) -> None:
    """Add the command."""
    cli.command()(digest)
