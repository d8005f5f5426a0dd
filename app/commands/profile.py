"""`tem profile`: what users teach the loaders: mapping profiles, PDF templates, charge rules."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

from app.commands.output import document, existing_store, say
from core.issues import BadInput, Issue
from core.money import to_text
from core.queries import formats
from core.store import Store
from loaders import definitions, teach
from loaders.pdf.loader import is_pdf, with_text
from loaders.pdf.propose import propose_template
from loaders.pdf.reading import read_by
from loaders.pdf.template import parse_template
from loaders.profiles.propose import Proposal, propose
from loaders.reading.source import Source


class Action(StrEnum):
    """What to do."""

    LIST = "list"
    SHOW = "show"
    ADD = "add"
    REMOVE = "remove"
    PROPOSE = "propose"


def profile(
    action: Annotated[Action, typer.Argument(help="list, show NAME, add FILE.yaml, remove NAME, propose FILE.")],
    what: Annotated[list[str] | None, typer.Argument(help="Names or files.", metavar="WHAT...")] = None,
    table: Annotated[str | None, typer.Option(help="propose: map onto this table (or `bill`).", metavar="NAME")] = None,
    name: Annotated[str | None, typer.Option(help="propose: what the profile is called.", metavar="NAME")] = None,
    values: Annotated[
        list[str] | None, typer.Option("--set", help="propose: the same value in all rows.", metavar="FIELD=VALUE")
    ] = None,
    save: Annotated[bool, typer.Option("--save", help="propose: keep it in the store.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="list: print one JSON list.")] = False,
) -> None:
    """Mapping profiles, PDF templates and charge rules of this store."""
    names = what or []
    if action is Action.LIST:
        _list(as_json)
        return
    if not names:
        raise BadInput(Issue(message=f"tem profile {action.value} needs a name or a file"))
    if action is Action.ADD:
        for path in names:
            kind, saved = teach.save(Store.open(), _text(path), path)
            say(f"saved {kind} {saved}")
    elif action is Action.PROPOSE:
        _propose(names, table, name, values or [], save)
    else:
        for item in names:
            _one(existing_store(), item, remove=action is Action.REMOVE)


def _text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        raise BadInput(Issue(file=path, message=f"cannot be read: {error}")) from error


def _list(as_json: bool) -> None:
    store = existing_store()
    rows = [{"kind": kind, "name": name} for kind in formats.KINDS for name in formats.saved(store, kind)]
    if as_json:
        document(rows)
        return
    for row in rows:
        print(f"{row['kind']:13} {row['name']}")


def _one(store: Store, name: str, *, remove: bool) -> None:
    kinds = [kind for kind in formats.KINDS if name in formats.saved(store, kind)]
    if not kinds:
        raise BadInput(Issue(found=name, message="nothing is saved under this name", hint="see `tem profile list`"))
    for kind in kinds:
        if remove:
            formats.remove(store, kind, name)
            say(f"removed {kind} {name}")
        else:
            print(formats.saved(store, kind)[name].rstrip())


def _propose(paths: list[str], table: str | None, name: str | None, values: list[str], save: bool) -> None:
    given = dict(item.partition("=")[::2] for item in values)
    for path in paths:
        if not Path(path).is_file():
            raise BadInput(Issue(file=path, message="no such file"))
        if is_pdf(Source(Path(path))):
            _propose_template(path, save)
            continue
        best = propose(Source(Path(path)), table)[0]
        for line in _told(best):
            say(line)
        try:
            made = best.profile(name or teach.name_for(path), given)
        except ValidationError as error:
            raise BadInput(
                [
                    Issue(file=path, message=str(problem["msg"]).removeprefix("Value error, "), hint="use --set")
                    for problem in error.errors()
                ]
            ) from error
        text = definitions.written(made)
        print(text.rstrip())
        if save:
            teach.save(Store.open(), text, path)
            say(f"saved profile {made.name}")


def _propose_template(path: str, save: bool) -> None:
    """Print a first template of a PDF; one that does not tie is printed, not kept."""
    document = with_text(Source(Path(path)))
    text = propose_template(document)
    print(text.rstrip())
    reading = read_by(parse_template(text, path), document)
    say(f"{len(reading.rows)} charges, together {to_text(reading.charged)}; {len(reading.unread)} lines not read")
    if reading.problems:
        raise BadInput([replace(issue, file=path, hint=None) for issue in reading.problems])
    if save:
        kind, name = teach.save(Store.open(), text, path)
        say(f"saved {kind} {name}")


def _told(best: Proposal) -> list[str]:
    lines = [f"{best.table}: {s.field} <- {s.column} ({s.how})" for s in best.fields.values()]
    used = {s.column for s in best.fields.values()}
    lines += [f"{best.table}: {name} is {value} (a heading says so)" for name, value in best.said.items()]
    rest = [column for column in best.header if column not in used]
    if rest:
        lines.append(f"kept as attributes: {', '.join(rest)}")
    return [*lines, *(f"please check: {doubt}" for doubt in best.doubts)]


def register(cli: typer.Typer) -> None:
    """Add the command."""
    cli.command()(profile)
