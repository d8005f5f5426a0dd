"""The command `tem`: global options, exit codes and the one-line errors; each command lives in `app/commands`."""

from __future__ import annotations

import importlib
import os
import pkgutil
import sys
import traceback
from typing import Annotated

import typer

import app.commands
from core.issues import BadInput

cli = typer.Typer(
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


def _register() -> None:
    for module in sorted(m.name for m in pkgutil.iter_modules(app.commands.__path__)):
        loaded = importlib.import_module(f"app.commands.{module}")
        if hasattr(loaded, "register"):
            loaded.register(cli)


_register()


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
            print(f"tem: {error.format_message()}; see `tem --help`", file=sys.stderr)
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
