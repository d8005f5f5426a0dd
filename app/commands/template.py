"""`tem template`: empty files to fill in and load."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from app.commands.output import say
from app.commands.report import write
from core.issues import BadInput, Issue
from loaders import template_of

KINDS: dict[str, tuple[str, ...]] = {"contracts": (".xlsx", ".yaml", ".yml")}


def template(
    kind: Annotated[str, typer.Argument(help=", ".join(KINDS), metavar="KIND")],
    out: Annotated[Path, typer.Argument(help="The file to write; its ending says which kind.", metavar="FILE")],
) -> None:
    """Write an empty template: contracts, tiers, rates, plans and offers, as YAML or as a workbook."""
    if kind not in KINDS:
        raise BadInput(Issue(field="KIND", found=kind, expected="one of " + ", ".join(KINDS)))
    if out.suffix.lower() not in KINDS[kind]:
        raise BadInput(Issue(field="FILE", found=str(out), expected="a file ending in " + " or ".join(KINDS[kind])))
    if out.exists():
        raise BadInput(Issue(file=str(out), message="is there already", hint="name a new file"))
    write(out, template_of(kind, out.suffix.lower()))
    say(f"written to {out}")


def register(cli: typer.Typer) -> None:
    """Add the command."""
    cli.command()(template)
