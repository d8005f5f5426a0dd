"""Runs one group of commands without the rest of the command line."""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType

import typer
from click.testing import Result
from typer.testing import CliRunner

from core.settings import settings
from core.store import Store


def run(store: Store, module: ModuleType, args: Sequence[str]) -> Result:
    """The result of `tem --store ... ARGS` with only the commands of `module` registered."""
    cli = typer.Typer()
    cli.callback()(lambda: None)
    module.register(cli)
    settings.cache_clear()
    try:
        return CliRunner().invoke(cli, list(args), env={"TEM_STORE_URL": store.full_url})
    finally:
        settings.cache_clear()
