"""The command `tem`: global options, exit codes and the one-line errors; each command lives in `app/commands`."""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from app.commands import COMMANDS
from core.issues import BadInput


def command(name: str) -> Any:
    """A command of :data:`app.commands.COMMANDS`, its module imported."""
    group = typer.Typer()
    group.callback()(lambda: None)
    importlib.import_module(f"app.commands.{COMMANDS[name][0]}").register(group)
    return typer.main.get_group(group).commands[name]


class _Commands(TyperGroup):
    """Imports a command's module when the command is called, not before: the libraries behind all of them are large."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        return TyperCommand(cmd_name, callback=None, help=COMMANDS[cmd_name][1]) if cmd_name in COMMANDS else None

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name, found, rest = super().resolve_command(ctx, args)
        return name, None if found is None else command(str(name)), rest


cli = typer.Typer(
    cls=_Commands,
    name="tem",
    help="OpenTEM: local-first telecom expense management.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@cli.callback()
def _globals(
    store: Annotated[
        str | None,
        typer.Option("--store", help="Store URL; default: TEM_STORE_URL, else sqlite:///tem.db.", metavar="URL"),
    ] = None,
) -> None:
    if store:
        os.environ["TEM_STORE_URL"] = store


def main() -> None:
    """Entry point: 0 done, 2 bad input, 3 some rows quarantined, 4 infeasible, 1 an internal error."""
    try:
        code = cli(standalone_mode=False)
    except BadInput as problem:
        for issue in problem.issues:
            print(issue, file=sys.stderr)
        code = 2
    except typer.Exit as leaving:
        code = leaving.exit_code
    except (typer.Abort, KeyboardInterrupt):
        print("stopped", file=sys.stderr)
        code = 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except Exception as error:
        if hasattr(error, "format_message"):  # a usage error of the command line
            if said := error.format_message():  # blank where the help was printed because nothing was asked
                print(f"tem: {said}; see `tem --help`", file=sys.stderr)
            code = 2
        else:
            if os.environ.get("TEM_DEBUG"):
                traceback.print_exc()
            print(
                f"internal error: {type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''} "
                "(a bug; TEM_DEBUG=1 shows where)",
                file=sys.stderr,
            )
            code = 1
    sys.exit(code if isinstance(code, int) else 0)


if __name__ == "__main__":
    main()
